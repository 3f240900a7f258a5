"""TAI and UTC, and JSOC's way to write times; written without the package under test.

TAI seconds count from 1970-01-01T00:00:00 TAI, so that whole TAI hours are multiples of 3600.
"""

import re
from datetime import UTC, datetime, timedelta

__all__ = ["SLOT_S", "TIME", "date_obs", "parse_time", "t_rec", "tai_seconds", "utc_time"]

SLOT_S = 720
"""Cadence of the SHARP series."""

TIME = r"\d{4}[.-]\d{1,2}[.-]\d{1,2}(?:[_T ]\d{1,2}:\d{2}(?::\d{2}(?:\.\d+)?)?)?(?:_?TAI|_?UTC?|Z)?"
"""A time in a record set, as a regular expression without groups."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LEAPS = (
    (datetime(2017, 1, 1, tzinfo=UTC), 37),
    (datetime(2015, 7, 1, tzinfo=UTC), 36),
    (datetime(2012, 7, 1, tzinfo=UTC), 35),
    (datetime(2009, 1, 1, tzinfo=UTC), 34),
)


def _leap(utc: datetime) -> int:
    return next((seconds for since, seconds in _LEAPS if utc >= since), 33)


def tai_seconds(utc: datetime) -> float:
    """TAI seconds of a time in UTC."""
    return (utc - _EPOCH).total_seconds() + _leap(utc)


def utc_time(seconds: float) -> datetime:
    """UTC of TAI seconds."""
    guess = _EPOCH + timedelta(seconds=seconds - 37)
    return _EPOCH + timedelta(seconds=seconds - _leap(guess))


def t_rec(seconds: float) -> str:
    """TAI seconds as ``2011.02.13_05:00:00_TAI``."""
    return f"{_EPOCH + timedelta(seconds=seconds):%Y.%m.%d_%H:%M:%S}_TAI"


def date_obs(seconds: float) -> str:
    """TAI seconds as JSOC writes DATE__OBS: UTC, ``2011-02-13T04:58:12.20Z``."""
    time = utc_time(seconds)
    return f"{time:%Y-%m-%dT%H:%M:%S}.{time.microsecond // 10000:02d}Z"


def parse_time(text: str) -> float:
    """TAI seconds of a time in a record set: UTC unless it ends in TAI; the time of day may lack.

    Raises
    ------
    ValueError
        It is no such time.
    """
    scale = re.search(r"_?(TAI|UTC?|Z)$", text)
    bare = text[: scale.start()] if scale else text
    numbers = [int(n) for n in re.split(r"[.\-_T: ]+", re.sub(r"(:\d+:\d+)\.\d+$", r"\1", bare))]
    time = datetime(*numbers, tzinfo=UTC)
    if scale and scale[1] == "TAI":
        return (time - _EPOCH).total_seconds()
    return tai_seconds(time)
