"""The search of the Heliophysics Events Knowledgebase for flares, operational scale."""

import json
from datetime import datetime, timedelta
from typing import Any

from tests.emulators.answers import Answer, Request, html_page
from tests.emulators.donki import goes_class
from tests.emulators.world import GoesFlare, World

__all__ = ["Hek"]

_FRMS = ("SWPC", "SSW Latest Events", "Flare Detective - Trigger Module")
_LONGEST = timedelta(days=31, hours=1)


class Hek:
    """One flare is there several times, by several methods (FRM), unless one is asked for."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.page = 200
        """Events a page."""

    def answer(self, request: Request) -> Answer:
        args = request.args
        try:
            start = _time(args["event_starttime"])
            end = _time(args["event_endtime"])
            page = int(args.get("page", 1))
            size = min(self.page, int(args.get("result_limit", self.page)))
        except (KeyError, ValueError):
            return Answer(html_page("500 Internal Server Error"), "text/html", 500)
        if end - start > _LONGEST:
            return Answer(html_page("The query took too long"), "text/html;charset=UTF-8")
        found = [
            record
            for flare in self.world.flares
            if flare.start <= end and flare.end >= start and flare.peak <= self.world.now
            for record in _records(flare)
            if _passes(record, args)
        ]
        if args.get("event_type", "FL").upper() not in ("FL", "**"):
            found = []
        part = found[(page - 1) * size : page * size]
        value = {"result": part, "overmax": len(found) > page * size}
        # Names as people typed them: bytes of Latin-1 in what says it is UTF-8.
        body = json.dumps(value, ensure_ascii=False).encode("latin-1")
        return Answer(body, "application/json; charset=UTF-8")


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text.rstrip("Z") + "+00:00")


def _passes(record: dict[str, Any], args: dict[str, str]) -> bool:
    """Whether the filters param0, op0, value0, … let a record through."""
    for key, name in args.items():
        if key.startswith("param") and key[5:].isdigit():
            value, op = args.get(f"value{key[5:]}", ""), args.get(f"op{key[5:]}", "=")
            have = str(record.get(name.lower(), ""))
            if op == "=" and have != value:
                return False
            if op == "like" and value.strip("%").lower() not in have.lower():
                return False
    return True


def _records(flare: GoesFlare) -> list[dict[str, Any]]:
    records = []
    named = flare.ncei_noaa if flare.hek_noaa is None else flare.hek_noaa
    for number, frm in enumerate(_FRMS[: 3 if flare.flux >= 1e-5 else 1]):
        late = timedelta(minutes=0 if number < 2 else 1)
        records.append(
            {
                "event_type": "FL",
                "event_starttime": _iso(flare.start),
                "event_peaktime": _iso(flare.peak + late),
                "event_endtime": _iso(flare.end),
                "event_coordunit": "degrees",
                "fl_goescls": goes_class(flare.flux) if number < 2 else "",
                "fl_peakflux": None,
                "ar_noaanum": (flare.noaa or 0) if named else 0,
                "hgs_x": flare.longitude if flare.placed else 0,
                "hgs_y": flare.latitude if flare.placed else 0,
                "frm_contact": "José Peña",
                "frm_name": frm,
                "frm_identifier": frm.split()[0],
                "obs_observatory": "GOES" if number < 2 else "SDO",
                "obs_instrument": "GOES" if number < 2 else "AIA",
                "kb_archivid": (
                    f"ivo://helio-informatics.org/FL_{frm.split()[0]}_{flare.start:%Y%m%d_%H%M%S}"
                ),
                "kb_archivdate": _iso(flare.peak + timedelta(days=1)),
            }
        )
    return records


def _iso(time: datetime) -> str:
    return f"{time:%Y-%m-%dT%H:%M:%S}"
