"""What the keywords of a SHARP file mean: time, place and provenance of its magnetogram."""

import math
from dataclasses import dataclass
from re import Match

import astropy.units as u
from astropy.io.fits import Header
from astropy.time import Time
from astropy.units import Quantity

from hnn_core.exceptions import (
    MissingKeywordError,
    MissingMetadataError,
)
from hnn_core.noaa import noaa_numbers
from hnn_core.sharp_kind import check_sharp_cea, jsoc_file_name, series_and_segment
from hnn_core.tai import parse_t_rec

__all__ = ["FIRST_SIMULATED_HARP", "NO_DATA", "SharpKeywords", "sharp_keywords"]

FIRST_SIMULATED_HARP = 900_001
"""HARP numbers from here on belong to simulated regions."""

NO_DATA = 0x8000_0000
"""Bit 31 of QUALITY: the record holds no data."""

_SERIES_CDELT = 0.03
_SERIES_RSUN_REF = 696_000_000.0
_NOTHING = ("", "nan", "missing", "-nan", "inf", "-inf", "none")


@dataclass(frozen=True)
class SharpKeywords:
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
    """From the central meridian, degrees, west positive; NaN when not told."""
    latitude: Quantity
    """Degrees, north positive; NaN when not told."""
    near_real_time: bool
    """From the ``_nrt`` series, whose HARP numbers differ from the definitive ones."""
    simulated: bool
    """SIMULATD is true, ORIGIN is ``SIMULATED``, or HARPNUM is one of simulated regions."""
    interpolated: bool = False
    """Made by interpolation in time, as `hnn_core.magnetogram.write_fits` marks it."""


def sharp_keywords(header: Header, path: str) -> SharpKeywords:
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
    NotCeaError
        A SHARP in CCD coordinates.
    MissingMetadataError
        There are neither keywords nor a JSOC file name.
    MissingKeywordError
        A keyword that is needed is absent or unreadable.
    """
    name = jsoc_file_name(path)
    series, segment = series_and_segment(header, name)
    bare = not any(key in header for key in ("T_REC", "HARPNUM", "CTYPE1", "TELESCOP", "INSTRUME"))
    if bare and name is None:
        raise MissingMetadataError(
            f"{path} has no keywords, and its name does not tell HARP and time as "
            "hmi.sharp_cea_720s.377.20110213_050000_TAI.magnetogram.fits does."
        )
    check_sharp_cea(header, path, series, segment, bare=bare)
    near_real_time = series.endswith("_nrt")
    if bare and name is not None:
        return _from_name(name, near_real_time)
    harp = int(_number(header, "HARPNUM", path))
    longitude, latitude = _position(header)
    return SharpKeywords(
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


def _is_simulated(header: Header, harp: int) -> bool:
    return (
        header.get("SIMULATD") is True
        or str(header.get("ORIGIN", "")).strip().upper() == "SIMULATED"
        or harp >= FIRST_SIMULATED_HARP
    )


def _from_name(name: Match[str], near_real_time: bool) -> SharpKeywords:
    date, clock = name["date"], name["clock"]
    t_rec = parse_t_rec(
        f"{date[:4]}.{date[4:6]}.{date[6:]}_{clock[:2]}:{clock[2:4]}:{clock[4:]}_TAI"
    )
    harp = int(name["harp"])
    return SharpKeywords(
        harp=harp,
        noaa=(),
        t_rec=t_rec,
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
    """Return a keyword as a finite float, None where it is absent or says nothing."""
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
    """Longitude from the central meridian and latitude, degrees; NaN when not told.

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
