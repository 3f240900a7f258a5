"""The keywords and the name of a SHARP file, and which files are SHARP CEA magnetograms."""

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import PurePath
from re import Match
from typing import Any, TypeVar

import astropy.units as u
from astropy.io.fits import Header
from astropy.time import Time
from astropy.units import Quantity

from hnn_core.exceptions import (
    FitsError,
    MissingKeywordError,
    WrongInstrumentError,
)
from hnn_core.magnetogram.conventions import format_t_rec, parse_t_rec

__all__ = [
    "FIRST_SIMULATED_HARP",
    "NO_DATA",
    "finite_number",
    "named_t_rec",
    "noaa_numbers",
    "position",
    "sharp_keywords",
]

FIRST_SIMULATED_HARP = 900_001
"""HARP numbers from here on belong to simulated regions."""

NO_DATA = 0x8000_0000
"""Bit 31 of QUALITY: the record holds no data."""

_Value = TypeVar("_Value")
_FILE_NAME = re.compile(
    r"(?P<series>(?:hmi|mdi)\.\w+)\.(?P<harp>\d+)\."
    r"(?P<date>\d{8})_(?P<clock>\d{6})(?:\.\d+)?_TAI\.(?P<segment>\w+)\.fi?ts?(?:\.gz)?",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class _SharpKeywords:
    """Time, place and provenance of one SHARP CEA magnetogram, as `Magnetogram` has them."""

    harp: int
    noaa: tuple[int, ...]
    t_rec: Time
    quality: int
    pixel_area: Quantity
    longitude: Quantity
    latitude: Quantity
    near_real_time: bool
    """From the ``_nrt`` series, whose HARP numbers differ from the definitive ones."""
    simulated: bool
    """SIMULATD is true, ORIGIN is ``SIMULATED``, or HARPNUM is one of simulated regions."""
    interpolated: bool
    """INTERPOL is true, as `hnn_core.magnetogram.interpolation` marks its frames."""


def sharp_keywords(header: Header, path: str) -> _SharpKeywords:
    """Interpret the header of a SHARP CEA line-of-sight magnetogram.

    A file without keywords (as-is from JSOC) is understood by its name, such as
    ``hmi.sharp_cea_720s.377.20110213_050000_TAI.magnetogram.fits``: HARP number and time are
    in the name, the pixel is that of the series (0.03 degrees at RSUN_REF = 696000000 m),
    longitude and latitude are NaN, QUALITY counts as 0 and no NOAA number is known.

    Parameters
    ----------
    header : Header
    path : str
        Where the header came from; its last part may be a JSOC file name.

    Raises
    ------
    WrongInstrumentError, MissingKeywordError, FitsError
        As for `hnn_core.magnetogram.magnetogram.read_fits`.
    """
    name = _FILE_NAME.fullmatch(PurePath(path).name)
    series, segment = _series_and_segment(header, name)
    bare = not any(key in header for key in ("T_REC", "HARPNUM", "CTYPE1", "TELESCOP", "INSTRUME"))
    if bare and name is None:
        raise FitsError(
            f"{path} has no keywords, and its name does not hold HARP and time as "
            "hmi.sharp_cea_720s.377.20110213_050000_TAI.magnetogram.fits does."
        )
    _check_sharp_cea(header, path, series, segment, bare=bare)
    if bare and name is not None:
        header = Header(
            {
                "HARPNUM": int(name["harp"]),
                "T_REC": format_t_rec(named_t_rec(path)),
                "QUALITY": 0,
                "CDELT1": 0.03,
                "RSUN_REF": 696_000_000.0,
            }
        )
    harp = int(_needed(header, "HARPNUM", path, _positive))
    degrees, radius = (_needed(header, key, path, _positive) for key in ("CDELT1", "RSUN_REF"))
    longitude, latitude = position(header)
    return _SharpKeywords(
        harp=harp,
        noaa=noaa_numbers(header.get("NOAA_ARS"), header.get("NOAA_AR")),
        t_rec=_needed(header, "T_REC", path, lambda value: parse_t_rec(str(value))),
        quality=_needed(header, "QUALITY", path, _quality),
        pixel_area=((math.radians(degrees) * radius * u.m) ** 2).to(u.cm**2),
        longitude=longitude * u.deg,
        latitude=latitude * u.deg,
        near_real_time=series.endswith("_nrt"),
        simulated=header.get("SIMULATD") is True
        or str(header.get("ORIGIN", "")).strip().upper() == "SIMULATED"
        or harp >= FIRST_SIMULATED_HARP,
        interpolated=header.get("INTERPOL") is True,
    )


def finite_number(value: Any) -> float:
    """Read a number or its text; NaN for what is absent, no number or not finite."""
    try:
        number = math.nan if isinstance(value, bool) else float(value)
    except (TypeError, ValueError):
        return math.nan
    return number if math.isfinite(number) else math.nan


def position(keywords: Header | Mapping[str, Any]) -> tuple[float, float]:
    """Longitude from the central meridian and latitude, degrees; NaN when not known.

    The flux-weighted centre, else the middle of the patch.
    """

    def number(key: str) -> float:
        return finite_number(keywords.get(key))

    longitude, latitude = number("LON_FWT"), number("LAT_FWT")
    if math.isnan(longitude):
        longitude = (number("CRVAL1") - number("CRLN_OBS") + 180.0) % 360.0 - 180.0
    if math.isnan(longitude):
        longitude = (number("LONDTMIN") + number("LONDTMAX")) / 2
    if math.isnan(latitude):
        latitude = number("CRVAL2")
    if math.isnan(latitude):
        latitude = (number("LATDTMIN") + number("LATDTMAX")) / 2
    return longitude, latitude


def named_t_rec(path: str) -> float:
    """Return T_REC by a file's JSOC name, unix_tai seconds; NaN for another name."""
    name = _FILE_NAME.fullmatch(PurePath(path).name)
    if name is None:
        return math.nan
    # A calendar of TAI has no leap seconds: its days are all of one length.
    moment = datetime.strptime(f"{name['date']}{name['clock']}", "%Y%m%d%H%M%S")
    return (moment - datetime(1970, 1, 1)).total_seconds()


def noaa_numbers(*values: object) -> tuple[int, ...]:
    """Read NOAA numbers from keywords: single, comma lists, 0, ``MISSING``, lost digits.

    Numbers below 10000 lost their leading 1 and get it back; 0 and words are none.

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
            if part.isdigit() and int(part) > 0:
                numbers.add(int(part) + (10_000 if int(part) < 10_000 else 0))
    return tuple(sorted(numbers))


def _series_and_segment(header: Header, name: Match[str] | None) -> tuple[str, str]:
    """Return series and segment by DRMS_ID, else by the file name; empty if unknown."""
    parts = str(header.get("DRMS_ID", "")).strip().split(":")
    if len(parts) == 3:
        return parts[0].lower(), parts[2].lower()
    return (name["series"].lower(), name["segment"].lower()) if name else ("", "")


def _check_sharp_cea(header: Header, path: str, series: str, segment: str, *, bare: bool) -> None:
    """Refuse what is not a line-of-sight magnetogram of the SHARP CEA series.

    A `bare` file has no keywords: it is judged by series and segment alone.
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
            raise FitsError(
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


def _needed(header: Header, key: str, path: str, read: Callable[[Any], _Value]) -> _Value:
    """Read a keyword, or refuse the file where it is absent or unreadable."""
    try:
        return read(header[key])
    except (KeyError, TypeError, ValueError) as error:
        raise MissingKeywordError(
            f"{path} has no usable keyword {key} (found {header.get(key)!r}); export it with "
            "keywords."
        ) from error


def _positive(value: Any) -> float:
    number = finite_number(value)
    if not number > 0:
        raise ValueError(f"{value!r} is not above 0")
    return number


def _quality(value: Any) -> int:
    """Read QUALITY, which may be a number, a signed number, or a hexadecimal string."""
    number = int(value.strip(), 0) if isinstance(value, str) else int(value)
    return number & 0xFFFF_FFFF
