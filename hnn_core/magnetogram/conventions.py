"""Conventions of time, place and numbers: T_REC, how far from the meridian is far, × 10ⁿ.

Kernels that search or compare many times use float seconds of the format ``unix_tai``
(seconds since 1970-01-01T00:00:00 TAI), in which every whole hour TAI is a multiple of 3600.
The two longitudes are those of docs/method.md, "Frames".
"""

import math
import re
from datetime import MAXYEAR, datetime, timedelta
from typing import Any, Literal

import numpy as np
from astropy.time import Time

__all__ = [
    "LARGEST_LONGITUDE",
    "TRAINED_LONGITUDE",
    "both_scales",
    "finite_number",
    "format_t_rec",
    "iso_minute",
    "iso_second",
    "noaa_numbers",
    "number",
    "parse_t_rec",
    "position_warning",
    "power",
    "refusal",
    "tai_seconds",
    "time_from_seconds",
]

TRAINED_LONGITUDE = 45.0
"""Degrees from the central meridian within which networks are trained."""
LARGEST_LONGITUDE = 70.0
"""Degrees from the central meridian beyond which no prediction is made."""

_T_REC = re.compile(
    r"(\d{4})[.-](\d{2})[.-](\d{2})[_T ](\d{2}):(\d{2})(?::(\d{2}(?:\.\d+)?))?(_TAI|_UTC|Z)?"
)


def parse_t_rec(text: str) -> Time:
    """Parse a T_REC such as ``2011.02.13_05:00:00.000_TAI``, or an ISO time.

    Parameters
    ----------
    text : str
        Seconds may be absent. Without a suffix the time is TAI; ``_UTC`` and ``Z`` mean UTC.

    Returns
    -------
    Time
        Scalar, scale TAI.

    Raises
    ------
    ValueError
        If the text is not such a time.
    """
    match = _T_REC.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"{text!r} is not a time such as 2011.02.13_05:00:00_TAI")
    year, month, day, hour, minute, second, suffix = match.groups()
    if not 1000 <= int(year) < MAXYEAR:
        raise ValueError(f"{text!r} is not in the years 1000 to {MAXYEAR - 1}")
    iso = f"{year}-{month}-{day}T{hour}:{minute}:{second or '00'}"
    return Time(iso, scale="utc" if suffix in ("_UTC", "Z") else "tai").tai


def format_t_rec(time: Time | float) -> str:
    """Write a scalar time, or its seconds, as T_REC: ``2011.02.13_05:00:00_TAI``."""
    return f"{_calendar(time).strftime('%Y.%m.%d_%H:%M:%S')}_TAI"


def iso_minute(time: Time | float) -> str:
    """Write a scalar time, or its seconds, as ISO minutes in TAI: ``2011-02-13T05:00``."""
    return _calendar(time).strftime("%Y-%m-%dT%H:%M")


def iso_second(time: Time | float) -> str:
    """Write a scalar time, or its seconds, as ISO seconds in TAI: ``2011-02-13T05:00:00``."""
    return _calendar(time).isoformat()


def both_scales(time: Time, *, first: Literal["tai", "utc"] = "tai") -> str:
    """Write a scalar time in TAI and UTC: ``2011-02-13 05:00:00 TAI (04:59:26 UTC)``."""
    second = "utc" if first == "tai" else "tai"
    day, clock = f"{getattr(time, first).isot[:19]} {first.upper()}".split("T", 1)
    other, other_clock = f"{getattr(time, second).isot[:19]} {second.upper()}".split("T", 1)
    dated = "" if other == day else f"{other} "
    return f"{day} {clock} ({dated}{other_clock})"


def tai_seconds(time: Time) -> np.ndarray:
    """Return a time as float64 seconds (format ``unix_tai``), of the same shape.

    Rounded to a millisecond, so that whole seconds compare exactly.
    """
    return np.round(np.asarray(time.tai.unix_tai, dtype=np.float64), 3)


def time_from_seconds(seconds: float | np.ndarray) -> Time:
    """Return seconds in the format ``unix_tai`` as Time, scale TAI, of the same shape."""
    time = Time(seconds, format="unix_tai", scale="tai")
    time.format = "isot"
    return time


def _calendar(time: Time | float) -> datetime:
    """Return the date and time of day in TAI to the nearest second.

    Without astropy, which is a hundred times slower where whole passages are named.
    """
    seconds = float(tai_seconds(time)) if isinstance(time, Time) else float(time)
    return datetime(1970, 1, 1) + timedelta(seconds=round(seconds))


def refusal(longitude: float) -> str | None:
    """Return the sentence that refuses a prediction at a longitude in degrees, or None.

    NaN, a longitude that is not known, is not refused.
    """
    if abs(longitude) > LARGEST_LONGITUDE:
        return (
            f"The region is {abs(longitude):.1f}° from the central meridian; beyond "
            f"{LARGEST_LONGITUDE:.0f}° no prediction is made."
        )
    return None


def position_warning(longitude: float) -> str | None:
    """Return the sentence that belongs next to a prediction at a longitude in degrees, or None.

    A longitude that is not known, NaN, has one too.
    """
    if math.isnan(longitude):
        return (
            "The region's position is not known, so it may lie outside the "
            f"±{TRAINED_LONGITUDE:.0f}° the network was trained on."
        )
    if abs(longitude) > TRAINED_LONGITUDE:
        return (
            f"The region is {abs(longitude):.1f}° from the central meridian, outside the "
            f"±{TRAINED_LONGITUDE:.0f}° the network was trained on."
        )
    return None


def finite_number(value: Any) -> float:
    """Read a number or its text; NaN for what is absent, no number or not finite."""
    try:
        number = math.nan if isinstance(value, bool) else float(value)
    except (TypeError, ValueError):
        return math.nan
    return number if math.isfinite(number) else math.nan


def noaa_numbers(*values: object) -> tuple[int, ...]:
    """Read NOAA numbers from keywords: single, comma lists, 0, ``MISSING``, lost digits.

    Numbers of four digits lost their leading 1 and get it back; shorter ones, 0 and words are none.

    Returns
    -------
    tuple of int
        Ascending, without repetition.

    Examples
    --------
    >>> noaa_numbers("12087,2092", 12087)
    (12087, 12092)
    >>> noaa_numbers("MISSING", 0)
    ()
    """
    numbers = set()
    for value in values:
        for part in re.split(r"[,;\s]+", str(value)):
            if re.fullmatch(r"\d{4}|[1-9]\d{4}", part, re.ASCII) and int(part) > 0:
                numbers.add(int(part) + (10_000 if int(part) < 10_000 else 0))
    return tuple(sorted(numbers))


def number(value: float, form: str = ".3g") -> str:
    """Write a number with a real minus sign and, where `form` asks for it, × 10ⁿ."""
    digits, e, exponent = f"{value:{form}}".partition("e")
    return f"{digits}{f' × {power(int(exponent))}' if e else ''}".replace("-", "−")


def power(exponent: int) -> str:
    """``10²¹``."""
    return "10" + str(exponent).translate(str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻"))
