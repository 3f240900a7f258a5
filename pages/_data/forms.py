"""What the Data page says, and how foreign text is put on it."""

import datetime
import re

from hnn_core.exceptions import RequestError
from hnn_core.live.words import Wanted, read_day, read_region

__all__ = [
    "KINDS",
    "STAGES",
    "checked_name",
    "checked_region",
    "checked_span",
    "plain",
    "window_before",
]

KINDS = {
    "fetch": "magnetograms",
    "flares": "flares and CMEs",
    "cmes": "CMEs",
    "build": "data set",
    "verify": "check of all files",
    "watch": "watch",
}
STAGES = {
    "catalogue": "Catalogues",
    "positions": "Regions of flares by position",
    "magnetograms": "Magnetograms",
    "data set": "Data set",
    "predictions": "Predictions",
}
_WINDOW = datetime.timedelta(hours=48)
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_SIGNS = re.compile(r"([\\`*_{}\[\]()#+\-!|~$:<>&])")


def plain(text: str) -> str:
    """Write a text so that Markdown shows it as it is, on one line."""
    return _SIGNS.sub(r"\\\1", " ".join(text.split()))


def checked_region(text: str) -> Wanted:
    """Return the region that a text means.

    Raises
    ------
    RequestError
        It means none.
    """
    if not text.strip():
        raise RequestError("Type a region: a NOAA number such as 11158, or HARP 377.")
    return read_region(text)


def checked_span(start: str, end: str) -> tuple[str, str]:
    """Return two days as they are written, either of them empty if it was.

    Raises
    ------
    RequestError
        One is no day of SDO's time, or the last is before the first.
    """
    first, last = (str(read_day(text)) if text.strip() else "" for text in (start, end))
    if first and last and last < first:
        raise RequestError(f"The span would end on {last}, before {first}.")
    return first, last


def window_before(peak: datetime.datetime) -> tuple[str, str]:
    """Return the days that hold the 48 hours before a flare's peak."""
    return str((peak - _WINDOW).date()), str(peak.date())


def checked_name(text: str) -> str:
    """Return the name of a data set of the program's own.

    Raises
    ------
    RequestError
        It is none.
    """
    if not _NAME.fullmatch(text.strip()):
        raise RequestError(
            f"{text!r} cannot name a data set; use letters, digits, dots, dashes and underscores."
        )
    return text.strip()
