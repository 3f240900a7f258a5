"""Telling SHARP CEA magnetograms from all else that lies in folders of JSOC files."""

import math
import re
from datetime import datetime
from pathlib import PurePath

from astropy.io.fits import Header

from hnn_core.exceptions import NotCeaError, WrongInstrumentError

__all__ = ["check_sharp_cea", "jsoc_file_name", "named_t_rec", "series_and_segment"]

_FILE_NAME = re.compile(
    r"(?P<series>(?:hmi|mdi)\.\w+)\.(?P<harp>\d+)\."
    r"(?P<date>\d{8})_(?P<clock>\d{6})(?:\.\d+)?_TAI\.(?P<segment>\w+)\.fi?ts?(?:\.gz)?",
    re.IGNORECASE,
)


def jsoc_file_name(path: str) -> re.Match[str] | None:
    """Match a name such as ``hmi.sharp_cea_720s.377.20110213_050000_TAI.magnetogram.fits``.

    Groups: series, harp, date (yyyymmdd), clock (hhmmss), segment.
    """
    return _FILE_NAME.fullmatch(PurePath(path).name)


def named_t_rec(path: str) -> float:
    """Return T_REC by a file's JSOC name, unix_tai seconds; NaN for another name."""
    name = jsoc_file_name(path)
    if name is None:
        return math.nan
    # A calendar of TAI has no leap seconds: its days are all of one length.
    moment = datetime.strptime(f"{name['date']}{name['clock']}", "%Y%m%d%H%M%S")
    return (moment - datetime(1970, 1, 1)).total_seconds()


def series_and_segment(header: Header, name: re.Match[str] | None) -> tuple[str, str]:
    """Return what DRMS_ID, else the file name, tells of series and segment."""
    parts = str(header.get("DRMS_ID", "")).strip().split(":")
    if len(parts) == 3:
        return parts[0].lower(), parts[2].lower()
    return (name["series"].lower(), name["segment"].lower()) if name else ("", "")


def check_sharp_cea(header: Header, path: str, series: str, segment: str, *, bare: bool) -> None:
    """Refuse what is not a line-of-sight magnetogram of the SHARP CEA series.

    Parameters
    ----------
    header : Header
    path : str
        For the message.
    series, segment : str
        As `series_and_segment` tells them; empty if unknown.
    bare : bool
        The file has no keywords: judge by series and segment alone.

    Raises
    ------
    WrongInstrumentError
        Not HMI, not an active-region patch, or another segment than the magnetogram.
    NotCeaError
        A SHARP in CCD coordinates.
    """
    telescope = f"{header.get('TELESCOP', '')} {header.get('INSTRUME', '')}".strip()
    if series.startswith("mdi") or "TARPNUM" in header or (telescope and "HMI" not in telescope):
        raise WrongInstrumentError(
            f"{path} is from {telescope or series}, not from SDO/HMI; only SHARPs can be used."
        )
    if segment and segment != "magnetogram":
        raise WrongInstrumentError(
            f"{path} holds the segment {segment!r}, not the line-of-sight magnetogram."
        )
    kinds = [str(header.get(key, "")).strip().upper() for key in ("CTYPE1", "CTYPE2")]
    if (any(kinds) and kinds != ["CRLN-CEA", "CRLT-CEA"]) or (series and "_cea" not in series):
        if "HARPNUM" in header or "sharp" in series:
            raise NotCeaError(
                f"{path} is in CCD coordinates ({kinds[0] or series}), where the patch is rotated "
                "by 180 degrees; take it from the series hmi.sharp_cea_720s."
            )
        raise WrongInstrumentError(
            f"{path} is not an active-region patch ({kinds[0] or series}); only SHARPs can be used."
        )
    if bare:
        return
    if "HARPNUM" not in header and "T_REC" not in header:
        raise WrongInstrumentError(
            f"{path} is not an active-region patch: it has neither HARPNUM nor T_REC."
        )
    unit = str(header.get("BUNIT", "")).strip()
    bits = header.get("ZBITPIX", header.get("BITPIX"))
    if unit.lower() not in ("mx/cm^2", "gauss", "g") or bits == 8:
        raise WrongInstrumentError(
            f"{path} holds no line-of-sight field: BUNIT is {unit!r}, BITPIX {bits}."
        )
