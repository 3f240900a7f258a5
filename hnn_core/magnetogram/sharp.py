"""The keywords and the name of a SHARP file, and which files are SHARP CEA magnetograms."""

import math
import re
from dataclasses import dataclass
from datetime import datetime
from pathlib import PurePath
from re import Match

import astropy.units as u
from astropy.io.fits import Header
from astropy.time import Time
from astropy.units import Quantity

from hnn_core.exceptions import (
    FitsError,
    MissingKeywordError,
    WrongInstrumentError,
)
from hnn_core.magnetogram.conventions import parse_t_rec, time_from_seconds

__all__ = [
    "FIRST_SIMULATED_HARP",
    "NO_DATA",
    "jsoc_file_name",
    "named_t_rec",
    "noaa_numbers",
    "sharp_keywords",
]

FIRST_SIMULATED_HARP = 900_001
"""HARP numbers from here on belong to simulated regions."""

NO_DATA = 0x8000_0000
"""Bit 31 of QUALITY: the record holds no data."""

_SERIES_CDELT = 0.03
_SERIES_RSUN_REF = 696_000_000.0
_NOTHING = ("", "nan", "missing", "-nan", "inf", "-inf", "none")
_FILE_NAME = re.compile(
    r"(?P<series>(?:hmi|mdi)\.\w+)\.(?P<harp>\d+)\."
    r"(?P<date>\d{8})_(?P<clock>\d{6})(?:\.\d+)?_TAI\.(?P<segment>\w+)\.fi?ts?(?:\.gz)?",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class _SharpKeywords:
    """Time, place and provenance of one SHARP CEA magnetogram."""

    harp: int
    noaa: tuple[int, ...]
    """NOAA numbers (with the leading 1), ascending; empty when none is known."""
    t_rec: Time
    """Scale TAI."""
    quality: int
    """QUALITY as an unsigned 32-bit number; 0 for a file without keywords."""
    pixel_area: Quantity
    """(CDELT1 pi/180 RSUN_REF)^2, cm2."""
    longitude: Quantity
    """From the central meridian, degrees, west positive; NaN when not known."""
    latitude: Quantity
    """Degrees, north positive; NaN when not known."""
    near_real_time: bool
    """From the ``_nrt`` series, whose HARP numbers differ from the definitive ones."""
    simulated: bool
    """SIMULATD is true, ORIGIN is ``SIMULATED``, or HARPNUM is one of simulated regions."""
    interpolated: bool = False
    """Made by interpolation in time, as `hnn_core.magnetogram.magnetogram.write_fits` marks it."""


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
    WrongInstrumentError
        Not HMI, not a SHARP, or another segment than the magnetogram.
    FitsError
        A SHARP in CCD coordinates, or neither keywords nor a JSOC file name.
    MissingKeywordError
        A keyword that is needed is absent or unreadable.
    """
    name = jsoc_file_name(path)
    series, segment = _series_and_segment(header, name)
    bare = not any(key in header for key in ("T_REC", "HARPNUM", "CTYPE1", "TELESCOP", "INSTRUME"))
    if bare and name is None:
        raise FitsError(
            f"{path} has no keywords, and its name does not hold HARP and time as "
            "hmi.sharp_cea_720s.377.20110213_050000_TAI.magnetogram.fits does."
        )
    _check_sharp_cea(header, path, series, segment, bare=bare)
    near_real_time = series.endswith("_nrt")
    if bare and name is not None:
        return _from_name(path, name, near_real_time)
    harp = int(_number(header, "HARPNUM", path))
    longitude, latitude = _position(header)
    return _SharpKeywords(
        harp=harp,
        noaa=noaa_numbers(header.get("NOAA_ARS"), header.get("NOAA_AR")),
        t_rec=_t_rec(header, path),
        quality=_quality(header, path),
        pixel_area=_pixel_area(_number(header, "CDELT1", path), _number(header, "RSUN_REF", path)),
        longitude=longitude * u.deg,
        latitude=latitude * u.deg,
        near_real_time=near_real_time,
        simulated=_is_simulated(header, harp),
        interpolated=header.get("INTERPOL") is True,
    )


def jsoc_file_name(path: str) -> Match[str] | None:
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


def _is_simulated(header: Header, harp: int) -> bool:
    return (
        header.get("SIMULATD") is True
        or str(header.get("ORIGIN", "")).strip().upper() == "SIMULATED"
        or harp >= FIRST_SIMULATED_HARP
    )


def _from_name(path: str, name: Match[str], near_real_time: bool) -> _SharpKeywords:
    harp = int(name["harp"])
    return _SharpKeywords(
        harp=harp,
        noaa=(),
        t_rec=time_from_seconds(named_t_rec(path)),
        quality=0,
        pixel_area=_pixel_area(_SERIES_CDELT, _SERIES_RSUN_REF),
        longitude=math.nan * u.deg,
        latitude=math.nan * u.deg,
        near_real_time=near_real_time,
        simulated=harp >= FIRST_SIMULATED_HARP,
    )


def _pixel_area(cdelt: float, rsun_ref: float) -> Quantity:
    """(CDELT1 pi/180 RSUN_REF)^2; degrees and metres in, cm2 out."""
    return ((math.radians(cdelt) * rsun_ref * u.m) ** 2).to(u.cm**2)


def _finite(header: Header, key: str) -> float | None:
    """Return a keyword as a finite float, None where it is absent or empty."""
    value = header.get(key)
    if value is None or isinstance(value, bool) or str(value).strip().lower() in _NOTHING:
        return None
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    return number if math.isfinite(number) else None


def _number(header: Header, key: str, path: str) -> float:
    number = _finite(header, key)
    if number is None or number <= 0:
        raise MissingKeywordError(
            f"{path} has no usable keyword {key} (found {header.get(key)!r}); "
            "export it with keywords."
        )
    return number


def _t_rec(header: Header, path: str) -> Time:
    try:
        return parse_t_rec(str(header["T_REC"]))
    except (KeyError, ValueError) as error:
        raise MissingKeywordError(
            f"{path} has no usable keyword T_REC (found {header.get('T_REC')!r}); "
            "export it with keywords."
        ) from error


def _quality(header: Header, path: str) -> int:
    """Read QUALITY, which may be a number, a signed number, or a hexadecimal string."""
    value = header.get("QUALITY")
    try:
        number = int(value.strip(), 0) if isinstance(value, str) else int(value)
    except (TypeError, ValueError) as error:
        raise MissingKeywordError(
            f"{path} has no usable keyword QUALITY (found {value!r}); export it with keywords."
        ) from error
    return number & 0xFFFF_FFFF


def _position(header: Header) -> tuple[float, float]:
    """Longitude from the central meridian and latitude, degrees; NaN when not known.

    The flux-weighted centre, else the middle of the patch.
    """
    longitude = _finite(header, "LON_FWT")
    if longitude is None:
        carrington, observer = _finite(header, "CRVAL1"), _finite(header, "CRLN_OBS")
        if carrington is not None and observer is not None:
            longitude = (carrington - observer + 180.0) % 360.0 - 180.0
        else:
            longitude = _middle(header, "LONDTMIN", "LONDTMAX")
    latitude = _finite(header, "LAT_FWT")
    if latitude is None:
        latitude = _finite(header, "CRVAL2")
    if latitude is None:
        latitude = _middle(header, "LATDTMIN", "LATDTMAX")
    return longitude, latitude


def _middle(header: Header, low: str, high: str) -> float:
    ends = _finite(header, low), _finite(header, high)
    return math.nan if ends[0] is None or ends[1] is None else (ends[0] + ends[1]) / 2
