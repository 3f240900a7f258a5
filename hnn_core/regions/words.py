"""A user's words for a region or a time, checked before a service is queried."""

import datetime
import math
import re
from dataclasses import dataclass

from astropy.time import Time

from hnn_core.exceptions import RequestError
from hnn_core.magnetogram.conventions import iso_minute, parse_t_rec, tai_seconds

__all__ = [
    "FIRST_LIGHT",
    "Wanted",
    "check_span",
    "read_day",
    "read_moment",
    "read_number",
    "read_region",
]

FIRST_LIGHT = datetime.date(2010, 5, 1)
"""The first day of the SHARP series."""

_FIRST_NOAA, _LAST_NOAA = 10_000, 19_999
_DIGITS_LEFT = 4
"""Of a NOAA number that has lost its leading 1."""
_LAST_HARP = 99_999
_REGION = re.compile(r"(?:(HARP|SHARP|NOAAAR|NOAA|AR)[-#]?|#)?(\d{1,6})", re.ASCII)
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)


@dataclass(frozen=True)
class Wanted:
    """A region by one of its numbers; the other is None."""

    noaa: int | None = None
    harp: int | None = None

    @property
    def words(self) -> str:
        """``AR 11158`` or ``HARP 377``."""
        return f"AR {self.noaa}" if self.noaa else f"HARP {self.harp}"


def read_number(text: str) -> tuple[str, int] | None:
    """Read a kind (``AR``, ``HARP`` or none) and a number: ``NOAA 1158`` is ``("AR", 11158)``.

    After ``AR`` and ``NOAA`` the lost leading 1 of four digits is put back: ``AR 5`` is no 10005.
    None if the text is no such number.
    """
    match = _REGION.fullmatch(re.sub(r"[\s_]+", "", text).upper())
    if match is None:
        return None
    kind, number = match[1] or "", int(match[2])
    if kind in ("AR", "NOAA", "NOAAAR"):
        return "AR", number + (_FIRST_NOAA if len(match[2]) == _DIGITS_LEFT else 0)
    return kind and "HARP", number


def read_region(text: str) -> Wanted:
    """Read ``11158``, ``AR 11158``, ``NOAA 1158``, ``HARP 377`` or ``377``.

    A bare number is a NOAA number from 10000 to 19999, else a HARP number. HARP numbers have
    reached five digits, so write ``HARP`` before those.

    Raises
    ------
    RequestError
        The text is no such number.
    """
    found = read_number(text)
    if found is None:
        raise RequestError(
            f"{text!r} is no active region; type a NOAA number such as 11158 or HARP 377."
        )
    kind, number = found
    if kind == "AR" or (not kind and _FIRST_NOAA <= number <= _LAST_NOAA):
        if not _FIRST_NOAA < number <= _LAST_NOAA:
            raise RequestError(
                f"{text!r} is no NOAA number; they run from 10001 to {_LAST_NOAA} in SDO's time."
            )
        return Wanted(noaa=number)
    if not 0 < number <= _LAST_HARP:
        raise RequestError(f"{text!r} is no HARP number; they run from 1 to {_LAST_HARP}.")
    return Wanted(harp=number)


def read_day(text: str) -> datetime.date:
    """Read a date such as ``2011-02-13`` in SDO's time.

    Raises
    ------
    RequestError
        It is no date, before 2010-05-01, or in the future.
    """
    try:
        if not _DAY.fullmatch(text.strip()):
            raise ValueError("not of the form YYYY-MM-DD")
        day = datetime.date.fromisoformat(text.strip())
    except ValueError as error:
        raise RequestError(f"{text!r} is no date; write it as 2011-02-13.") from error
    _check_day(day, text)
    return day


def read_moment(text: str, *, end: bool = False) -> Time:
    """Read a date or a time of day.

    Parameters
    ----------
    text : str
        ``2011-02-13`` or ``2011-02-13T05:00`` (TAI as T_REC, unless it ends in Z).
    end : bool
        A date alone means its last hour, not its first.

    Returns
    -------
    Time
        Scalar, TAI.

    Raises
    ------
    RequestError
        It is neither, or outside SDO's time.
    """
    text = text.strip()
    if _DAY.fullmatch(text):
        read_day(text)
        return parse_t_rec(f"{text}T{'23:00' if end else '00:00'}")
    try:
        moment = parse_t_rec(text)
    except ValueError as error:
        raise RequestError(
            f"{text!r} is no time; write it as 2011-02-13 or 2011-02-13T05:00 (TAI)."
        ) from error
    _check_day(moment.to_datetime().date(), text)
    return moment


def check_span(first: Time | None, last: Time | None) -> None:
    """Check that a span of magnetograms, which are hourly, holds one; None is an open end.

    Raises
    ------
    RequestError
        It ends before it begins, or no whole hour TAI lies in it.
    """
    if first is None or last is None:
        return
    if last < first:
        raise RequestError(
            f"The span would end at {iso_minute(last)}, before it begins at {iso_minute(first)}."
        )
    start, stop = float(tai_seconds(first)) / 3600.0, float(tai_seconds(last)) / 3600.0
    if math.ceil(start) > math.floor(stop):
        raise RequestError(
            f"From {iso_minute(first)} to {iso_minute(last)} there is no whole hour (TAI), and "
            "magnetograms are hourly; widen the span."
        )


def _check_day(day: datetime.date, text: str) -> None:
    today = datetime.datetime.now(datetime.UTC).date()
    if day < FIRST_LIGHT:
        raise RequestError(f"{text!r} is before {FIRST_LIGHT}, when the SHARP series begins.")
    if day > today + datetime.timedelta(days=1):
        raise RequestError(f"{text!r} is in the future; today is {today}.")
