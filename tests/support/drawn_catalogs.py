"""Drawn records of NCEI, HEK and DONKI, and folders of raw replies, for tests of the catalogues."""

import json
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from hnn_core.catalogs.raw import RawFolder, RawReply, Span, spans

FETCHED = datetime(2020, 1, 2, 3, 4, 5)
X22 = datetime(2011, 2, 15, 1, 56)
HEADER = (
    "time,start_time,end_time,flare_id,xrsb_irrad,flare_class,xrsb_irrad_source,background_irrad,"
    "integrated_irrad_peak,integrated_irrad_end,flare_loc_swpc_hgs_lon,flare_loc_swpc_hgs_lat,"
    "flare_loc_swpc_source,flare_loc_xrs_hgs_lon,flare_loc_xrs_hgs_lat,flare_loc_xrs_hpc_x,"
    "flare_loc_xrs_hpc_y,flare_loc_xrs_source,sequential_flare_num,event_id_swpc,peak_saturated,"
    "active_region"
)


def ncei_row(peak: datetime = X22, **cells: object) -> str:
    """A row of the report; by default the X2.2 of AR 11158 on the science scale."""
    row: dict[str, object] = dict.fromkeys(HEADER.split(","), "")
    row |= {
        "time": peak,
        "start_time": peak - timedelta(minutes=12),
        "end_time": peak + timedelta(minutes=10),
        "flare_id": f"{peak - timedelta(minutes=12):%Y%m%d%H%M}",
        "xrsb_irrad": "3.143e-04",
        "flare_class": "X3.1",
        "flare_loc_swpc_hgs_lon": "10.0",
        "flare_loc_swpc_hgs_lat": "-20.0",
        "active_region": "1158.0",
    }
    return ",".join(str(cell) for cell in (row | cells).values())


def ncei_text(*rows: str) -> str:
    return "\n".join([HEADER, *rows, ""])


def donki_flare(peak: datetime | None = X22, **fields: Any) -> dict[str, Any]:
    begin = (peak or X22) - timedelta(minutes=12)
    return {
        "flrID": f"{begin:%Y-%m-%dT%H:%M}:00-FLR-001",
        "catalog": "M2M_CATALOG",
        "beginTime": f"{begin:%Y-%m-%dT%H:%MZ}",
        "peakTime": f"{peak:%Y-%m-%dT%H:%MZ}" if peak else None,
        "endTime": f"{begin + timedelta(minutes=22):%Y-%m-%dT%H:%MZ}",
        "classType": "X2.2",
        "sourceLocation": "S20W10",
        "activeRegionNum": 11158,
        "note": "",
        "submissionTime": "2015-07-16T19:24Z",
        "versionId": 2,
        "linkedEvents": None,
    } | fields


def donki_cme(start: datetime = datetime(2011, 2, 15, 2, 24), **fields: Any) -> dict[str, Any]:
    return {
        "activityID": f"{start:%Y-%m-%dT%H:%M}:00-CME-001",
        "startTime": f"{start:%Y-%m-%dT%H:%MZ}",
        "sourceLocation": "S20W10",
        "activeRegionNum": 11158,
        "note": "",
        "submissionTime": "2011-02-16T19:24Z",
        "versionId": 1,
        "cmeAnalyses": [{"isMostAccurate": True, "speed": 669.0, "longitude": 5, "latitude": -9}],
        "linkedEvents": None,
    } | fields


def linking(*names: str) -> list[dict[str, str]]:
    return [{"activityID": name} for name in names]


def hek_event(peak: datetime = X22, **fields: Any) -> dict[str, Any]:
    return {
        "event_starttime": f"{peak - timedelta(minutes=12):%Y-%m-%dT%H:%M:%S}",
        "event_peaktime": f"{peak:%Y-%m-%dT%H:%M:%S}",
        "event_endtime": f"{peak + timedelta(minutes=10):%Y-%m-%dT%H:%M:%S}",
        "fl_goescls": "X2.2",
        "ar_noaanum": 11158,
        "hgs_x": 12,
        "hgs_y": -21,
        "frm_name": "SWPC",
        "obs_observatory": "GOES",
        "kb_archivid": "ivo://helio-informatics.org/FL_SECstandard_1",
    } | fields


def hek_text(*events: dict[str, Any], more: bool = False) -> str:
    return json.dumps({"result": list(events), "overmax": more})


@dataclass(frozen=True)
class DrawnReply(RawReply):
    """A reply that is nowhere on disk, for the parsers."""

    content: bytes

    def read(self) -> bytes:
        return self.content


def reply_for(
    span: Span, service: str, content: str | bytes, fetched: datetime = FETCHED
) -> DrawnReply:
    drawn = content if isinstance(content, bytes) else content.encode()
    return DrawnReply(service, span, fetched, "", "", Path(span.key), drawn)


def keep(
    folder: Path, service: str, day: date, content: object, *, fetched: datetime = FETCHED
) -> RawReply:
    """Keep a reply for the year, month or week of a day; what is no text is written as JSON."""
    units = {"ncei": "year", "hek": "month", "donki_flr": "month", "donki_cme": "week"}
    span = spans(units[service], day, day)[0]
    if service == "hek":
        span = Span(f"{span.key}_p01", span.start, span.end)
    text = content if isinstance(content, str) else json.dumps(content)
    suffix = "csv" if service == "ncei" else "json"
    return RawFolder(folder).keep(
        service, span, text.encode(), url="http://x/", fetched=fetched, suffix=suffix
    )


def keep_table(folder: Path, text: str, *, fetched: datetime = FETCHED) -> RawReply:
    """Keep a table of HARP and NOAA numbers."""
    span = Span("all", date(2010, 5, 1), fetched.date())
    return RawFolder(folder).keep(
        "harp_noaa", span, text.encode(), url="http://x/", fetched=fetched, suffix="txt"
    )
