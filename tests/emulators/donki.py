"""DONKI's FLR, CME and CMEAnalysis, with the records' real shapes and flaws."""

from datetime import date, datetime, timedelta
from itertools import count
from typing import Any

from tests.emulators.answers import Answer, Request, html_page, json_answer, not_found
from tests.emulators.world import Cme, GoesFlare, World

__all__ = ["Donki", "goes_class", "place"]

_VIEW = "https://webtools.ccmc.gsfc.nasa.gov/DONKI/view"
_NOTHING = (b"[]", b"null", b"")


def goes_class(flux: float) -> str:
    """Class of a flux, cut off after one decimal as the announcements are."""
    for letter, unit in (("X", 1e-4), ("M", 1e-5), ("C", 1e-6), ("B", 1e-7)):
        if flux >= unit * (1 - 1e-9):
            return f"{letter}{int(flux / unit * 10 + 1e-6) / 10:.1f}"
    return "A1.0"


def place(latitude: float, longitude: float) -> str:
    """Source location such as S20W10."""
    south, east = latitude < 0, longitude < 0
    return f"{'NS'[south]}{abs(latitude):02.0f}{'WE'[east]}{abs(longitude):02.0f}"


class Donki:
    """Answers by the world as it is at the time of asking."""

    def __init__(self, world: World) -> None:
        self.world = world
        self._empty = count()

    def answer(self, request: Request) -> Answer:
        kind, args = request.path.rstrip("/").split("/")[-1], request.args
        makers = {"FLR": self.flares, "CME": self.cmes, "CMEAnalysis": self.analyses}
        if kind not in makers:
            return not_found(request.path)
        try:
            today = self.world.now.date()
            end = date.fromisoformat(args.get("endDate", today.isoformat()))
            start = date.fromisoformat(args.get("startDate", str(end - timedelta(days=30))))
        except ValueError:
            return Answer(html_page("400 Bad Request"), "text/html", 400)
        key = {"FLR": "beginTime", "CME": "startTime", "CMEAnalysis": "time21_5"}[kind]
        found = [r for r in makers[kind]() if start.isoformat() <= r[key][:10] <= end.isoformat()]
        if not found:
            return Answer(_NOTHING[next(self._empty) % 3], "application/json")
        return json_answer(found)

    def flares(self) -> list[dict[str, Any]]:
        records = []
        for number, flare in enumerate(f for f in self.world.flares if f.donki):
            record = _flare(flare, number)
            if flare.quirk == "revised":
                first = record | {"versionId": 1, "linkedEvents": None}
                records.append(first | {"submissionTime": _time(flare.peak + timedelta(hours=3))})
            records.append(record)
            if flare.quirk == "double":
                links = (record["linkedEvents"] or [])[1:] or None
                records[-1] = record | {"linkedEvents": (record["linkedEvents"] or [])[:1] or None}
                records.append(record | {"flrID": f"{flare.id[:-1]}2", "linkedEvents": links})
        return records

    def cmes(self) -> list[dict[str, Any]]:
        linked = [f for f in self.world.flares if f.cme is not None and f.donki]
        made = [_cme(f.cme, f, number) for number, f in enumerate(linked)]
        made += [_cme(cme, None, 500 + number) for number, cme in enumerate(self.world.cmes)]
        return sorted(made, key=lambda record: record["startTime"])

    def analyses(self) -> list[dict[str, Any]]:
        made = []
        for record in self.cmes():
            for analysis in record["cmeAnalyses"] or []:
                kept = {k: v for k, v in analysis.items() if k not in ("enlilList", "levelOfData")}
                made.append(
                    kept
                    | {
                        "associatedCMEID": record["activityID"],
                        "associatedCMEstartTime": record["startTime"],
                        "associatedCMELink": record["link"],
                        "catalog": "M2M_CATALOG",
                        "dataLevel": "1",
                        "imageType": "null",
                        "versionId": 1,
                    }
                )
        return made


def _time(time: datetime | None) -> str | None:
    return None if time is None else f"{time:%Y-%m-%dT%H:%MZ}"


def _flare(flare: GoesFlare, number: int) -> dict[str, Any]:
    links = [flare.cme.id] if flare.cme and flare.link in ("flare", "both") else []
    links += flare.also
    end: datetime | None = flare.end
    if flare.quirk == "wrong year":
        end = flare.end.replace(year=flare.end.year + 2)
    peak = flare.peak + timedelta(minutes=2 if flare.quirk == "late peak" else 0)
    record = {
        "flrID": flare.id,
        "catalog": "M2M_CATALOG",
        "instruments": [{"displayName": "GOES15: SEM/XRS 1.0-8.0"}],
        "beginTime": _time(flare.start),
        "peakTime": None if flare.quirk == "no peak" else _time(peak),
        "endTime": None if flare.quirk == "no end" else _time(end),
        "classType": goes_class(flare.flux),
        "sourceLocation": place(flare.latitude, flare.longitude) if flare.placed else "",
        "activeRegionNum": None if flare.quirk == "no region" else flare.noaa,
        "note": "",
        "submissionTime": _time(flare.peak + timedelta(days=2)),
        "versionId": 2,
        "link": f"{_VIEW}/FLR/{568 + 2 * number}/-1",
        "linkedEvents": [{"activityID": link} for link in links] or None,
    }
    if number % 3 == 2:  # as DONKI gave them in 2022
        for key in ("catalog", "note", "submissionTime", "versionId"):
            if flare.quirk != "revised":
                del record[key]
    elif number % 3 == 1:
        record["sentNotifications"] = None
    return record


def _cme(cme: Cme, flare: GoesFlare | None, number: int) -> dict[str, Any]:
    links = [flare.id] if flare is not None and flare.link in ("cme", "both") else []
    links += cme.linked
    analysis = {
        "isMostAccurate": True,
        "time21_5": _time(cme.start + timedelta(hours=3)),
        "latitude": cme.latitude,
        "longitude": cme.longitude,
        "halfAngle": 30.0,
        "speed": cme.speed,
        "type": "C" if cme.speed < 1000 else "O",
        "featureCode": "null",
        "imageType": None,
        "measurementTechnique": "null",
        "note": "Measured using SOHO LASCO C3 imagery.",
        "levelOfData": 0,
        "tilt": None,
        "minorHalfWidth": None,
        "speedMeasuredAtHeight": None,
        "submissionTime": _time(cme.start + timedelta(hours=9)),
        "link": f"{_VIEW}/CMEAnalysis/{20_000 + number}/-1",
        "enlilList": [],
    }
    record = {
        "activityID": cme.id,
        "catalog": "M2M_CATALOG",
        "startTime": _time(cme.start),
        "instruments": [{"displayName": "SOHO: LASCO/C2"}, {"displayName": "SOHO: LASCO/C3"}],
        "sourceLocation": place(cme.latitude, cme.longitude) if flare else "",
        "activeRegionNum": flare.noaa if flare else None,
        "note": "",
        "submissionTime": _time(cme.start + timedelta(hours=10)),
        "versionId": 1,
        "link": f"{_VIEW}/CME/{10_000 + number}/-1",
        "cmeAnalyses": [analysis] if cme.analysed else None,
        "linkedEvents": [{"activityID": link} for link in links] or None,
        "sentNotifications": [_notification(cme, number)] if number % 4 == 0 else None,
    }
    if number % 2:
        del record["note"], record["sentNotifications"]
    return record


def _notification(cme: Cme, number: int) -> dict[str, str | None]:
    return {
        "messageID": f"{cme.start:%Y%m%d}-AL-001",
        "messageIssueTime": _time(cme.start + timedelta(hours=12)),
        "messageURL": f"{_VIEW}/Alert/{30_000 + number}/1",
    }
