"""The keywords and the name of a SHARP file, and which files are SHARP CEA magnetograms."""

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from pathlib import PurePath
from typing import Any, TypeVar

import astropy.units as u
from astropy.io.fits import Header
from astropy.time import Time
from astropy.units import Quantity

from hnn_core.exceptions import FitsError, MissingKeywordError, WrongInstrumentError
from hnn_core.magnetogram.conventions import (
    finite_number,
    format_t_rec,
    noaa_numbers,
    parse_t_rec,
    tai_seconds,
)
from hnn_core.magnetogram.plausible import check_keywords, check_times

__all__ = [
    "FIRST_SIMULATED_HARP",
    "NEEDED",
    "NO_DATA",
    "completed",
    "finite_number",
    "is_bare",
    "named_harp",
    "named_segments",
    "named_t_rec",
    "position",
    "segment_of",
    "sharp_keywords",
]

FIRST_SIMULATED_HARP = 900_001
"""HARP numbers from here on belong to simulated regions."""

NO_DATA = 0x8000_0000
"""Bit 31 of QUALITY: the record holds no data."""

_Value = TypeVar("_Value")
_ENDINGS = re.compile(r"(?:\.(?:fits|fit|fts|gz|bz2|fz|\d{1,3})|\s*\(\d+\))+$", re.IGNORECASE)
_FILE_NAME = re.compile(
    r"(?P<series>(?:hmi|mdi)\.\w+)\.(?P<harp>\d+)\."
    r"(?P<date>\d{8})_(?P<clock>\d{6})(?:\.\d+)?_TAI\.(?P<segment>\w+)",
    re.IGNORECASE | re.ASCII,
)
_SERIES = re.compile(r"((?:hmi|mdi)\.\w+)\.", re.IGNORECASE | re.ASCII)
_SEGMENTS = (
    "magnetogram", "bitmap", "Dopplergram", "continuum", "Bp", "Bt", "Br", "Bp_err", "Bt_err",
    "Br_err", "conf_disambig", "disambig", "inclination", "azimuth", "field", "vlos_mag",
    "dop_width", "eta_0", "damping", "src_continuum", "src_grad", "alpha_mag", "chisq",
    "conv_flag", "info_map", "confid_map", "inclination_err", "azimuth_err", "field_err",
    "vlos_err", "alpha_err", "field_inclination_err", "field_az_err", "inclin_azimuth_err",
    "field_alpha_err", "inclination_alpha_err", "azimuth_alpha_err",
)  # fmt: skip
"""Of the SHARP series."""
_BY_LOWER = {name.lower(): name for name in _SEGMENTS}
_ALSO_WORDS = {"magnetogram", "field", "damping"}
"""Segments that within a longer name say nothing; the last two have one sign, as pixels show."""
_STORED = {0.01: "a component of the field vector", 0.001: "errors of the field vector"}
"""By BSCALE of whole numbers; a magnetogram has 0.1."""
_BARE = ("T_REC", "HARPNUM", "CTYPE1", "TELESCOP", "INSTRUME")

NEEDED = frozenset((
    "HARPNUM", "T_REC", "QUALITY", "QLOOK", "NOAA_AR", "NOAA_ARS", "TELESCOP", "INSTRUME",
    "TARPNUM", "ORIGIN", "SIMULATD", "INTERPOL", "DRMS_ID", "CONTENT", "SEGMENT", "BUNIT",
    "CTYPE1", "CTYPE2", "CUNIT1", "CUNIT2", "CDELT1", "CDELT2", "CRPIX1", "CRPIX2", "CRVAL1",
    "CRVAL2", "CROTA2", "PC1_1", "PC1_2", "PC2_1", "PC2_2", "CD1_1", "CD1_2", "CD2_1", "CD2_2",
    "RSUN_REF", "CRLN_OBS", "LON_FWT", "LAT_FWT", "LONDTMIN", "LONDTMAX", "LATDTMIN", "LATDTMAX",
    "T_OBS", "DATE-OBS", "DATE_OBS", "CHECKSUM", "DATASUM", "ZDATASUM",
))  # fmt: skip
"""The keywords that `sharp_keywords` looks at, for `hnn_core.magnetogram.fits.read_header`."""


@dataclass(frozen=True)
class _SharpKeywords:
    """Time, place and provenance of one SHARP CEA magnetogram, as `Magnetogram` has them."""

    harp: int
    noaa: tuple[int, ...]
    t_rec: Time
    quality: int
    gauss: float
    """What one unit of the pixels is in gauss, by BUNIT."""
    pixel_area: Quantity
    longitude: Quantity
    latitude: Quantity
    near_real_time: bool
    """From the ``_nrt`` series, whose HARP numbers differ from the definitive ones."""
    simulated: bool
    """SIMULATD is true, ORIGIN is ``SIMULATED``, or HARPNUM is one of simulated regions."""
    interpolated: bool
    """INTERPOL is true, as `hnn_core.magnetogram.interpolation` marks its frames."""
    named: bool
    """Header or name state that this is the segment ``magnetogram``."""
    summed: bool
    """The header has a checksum."""

    @property
    def mu(self) -> float:
        """Cosine of the angle from the central meridian and the equator; 1 if not known."""
        places = (self.longitude.to_value(u.rad), self.latitude.to_value(u.rad))
        cosines = [math.cos(place) for place in places if math.isfinite(place)]
        return max(math.prod(cosines), 0.0)


def sharp_keywords(header: Header, path: str, segment: str = "magnetogram") -> _SharpKeywords:
    """Interpret the header of a SHARP CEA line-of-sight magnetogram, or of another segment.

    A file without keywords (as-is from JSOC) is understood by its name, such as
    ``hmi.sharp_cea_720s.377.20110213_050000_TAI.magnetogram.fits``: HARP number and time are
    in the name, the pixel is that of the series (0.03 degrees at RSUN_REF = 696000000 m),
    longitude and latitude are NaN, QUALITY counts as 0 and no NOAA number is known.

    Parameters
    ----------
    header : Header
    path : str
        Where the header came from; its last part may be a JSOC file name.
    segment : str
        Of the series, that the file should hold. Of others than the magnetogram header or name
        must state which they are, and `gauss` is NaN where their unit is no flux density.

    Raises
    ------
    WrongInstrumentError, MissingKeywordError, FitsError
        As for `hnn_core.magnetogram.magnetogram.read_fits`.
    """
    series, segments = _series_and_segments(header, path)
    bare = is_bare(header)
    if bare and math.isnan(named_t_rec(path)):
        raise FitsError(
            f"{path} has no keywords, and its name does not hold HARP and time as "
            "hmi.sharp_cea_720s.377.20110213_050000_TAI.magnetogram.fits does; lay the table of "
            "its query (CSV or JSON with T_REC, HARPNUM and the path of the segment) into its "
            "folder, or export it with keywords."
        )
    _check_sharp_cea(header, path, series, segments, wanted=segment, bare=bare)
    if bare:
        header = Header(
            {
                "HARPNUM": named_harp(path),
                "T_REC": format_t_rec(named_t_rec(path)),
                "QUALITY": 0,
                "CDELT1": 0.03,
                "CDELT2": 0.03,
                "RSUN_REF": 696_000_000.0,
            }
        )
    harp = _needed(header, "HARPNUM", path, _whole_positive)
    width, height, radius = (
        _needed(header, key, path, _nonzero) for key in ("CDELT1", "CDELT2", "RSUN_REF")
    )
    area = abs(math.radians(width) * math.radians(height)) * (radius * u.m) ** 2
    check_keywords(header, path)
    _check_noaa(header, path)
    t_rec = _needed(header, "T_REC", path, _t_rec)
    check_times(header, path, float(tai_seconds(t_rec)))
    _check_name(path, harp, float(tai_seconds(t_rec)))
    longitude, latitude = position(header)
    return _SharpKeywords(
        harp=harp,
        noaa=noaa_numbers(header.get("NOAA_ARS"), header.get("NOAA_AR")),
        t_rec=t_rec,
        quality=_needed(header, "QUALITY", path, _quality),
        gauss=1.0 if bare else _gauss(str(header.get("BUNIT", "")).strip()),
        pixel_area=area.to(u.cm**2),
        longitude=longitude * u.deg,
        latitude=latitude * u.deg,
        near_real_time=series.endswith("_nrt") or header.get("QLOOK") == 1,
        simulated=header.get("SIMULATD") is True
        or str(header.get("ORIGIN", "")).strip().upper() == "SIMULATED"
        or harp >= FIRST_SIMULATED_HARP,
        interpolated=header.get("INTERPOL") is True,
        named=bool(segments),
        summed=any(key in header for key in ("CHECKSUM", "DATASUM", "ZDATASUM")),
    )


def completed(header: Header, keywords: Header | None) -> Header:
    """Add a record's keywords to the header of an as-is file; one that has some is left as it is.

    Parameters
    ----------
    header : Header
    keywords : Header or None
        With the names and types of an export, see `hnn_core.jsoc.keywords.record_cards`.
    """
    return header + keywords if keywords is not None and is_bare(header) else header


def is_bare(header: Header) -> bool:
    """Whether a header has none of the keywords of a record, as in an as-is file."""
    return not any(key in header for key in _BARE)


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
    name = _FILE_NAME.fullmatch(_stem(path))
    if name is None:
        return math.nan
    # A calendar of TAI has no leap seconds: its days are all of one length.
    try:
        moment = datetime.strptime(f"{name['date']}{name['clock']}", "%Y%m%d%H%M%S")
    except ValueError:
        return math.nan
    return (moment - datetime(1970, 1, 1)).total_seconds()


def named_harp(path: str) -> int:
    """Return the HARP number by a file's JSOC name; 0 for another name."""
    name = _FILE_NAME.fullmatch(_stem(path))
    return int(name["harp"]) if name else 0


def named_segments(header: Header, path: str) -> set[str]:
    """Return the segments of the series that a file's header and name state."""
    return _series_and_segments(header, path)[1]


def segment_of(word: str) -> str:
    """Return the segment of the series that a word names, empty if none."""
    return _BY_LOWER.get(word.strip().lower(), "")


def _stem(path: str) -> str:
    """Return a file's name without its endings, of which a packed or twice saved file has more."""
    return _ENDINGS.sub("", PurePath(path).name)


def _series_and_segments(header: Header, path: str) -> tuple[str, set[str]]:
    """Return the series (empty if unknown) and every segment that header or name state."""
    parts = str(header.get("DRMS_ID", "")).strip().split(":")
    named = [header.get(key, "") for key in ("EXTNAME", "SEGMENT", "CONTENT")]
    stem = _stem(path)
    last = stem.rpartition(".")[2]
    segments = {segment_of(str(name)) for name in (*named, last)}
    if not segment_of(last):
        segments |= set(map(segment_of, set(re.split(r"[\W_]+", stem.lower())) - _ALSO_WORDS))
    segments.discard("")
    match = _SERIES.match(PurePath(path).name)
    series = match[1] if match else ""
    if len(parts) == 3:
        series = parts[0]
        segments.add(_BY_LOWER.get(parts[2].lower(), parts[2]))
    return series.lower(), segments


def _check_sharp_cea(
    header: Header, path: str, series: str, segments: set[str], *, wanted: str, bare: bool
) -> None:
    """Refuse what is not the wanted segment of the SHARP CEA series.

    A `bare` file has no keywords: it is judged by series, segment and what is stored.
    """
    names = [str(header.get(key, "")).replace("MISSING", "") for key in ("TELESCOP", "INSTRUME")]
    telescope = " ".join(filter(None, map(str.strip, names)))
    known = ("SDO|HMI", names[0].strip()), ("HMI|SIMULATED", names[1].strip())
    other = any(name and not re.search(wanted, name) for wanted, name in known)
    if series.startswith("mdi") or "TARPNUM" in header or other:
        raise WrongInstrumentError(
            f"{path} is from {telescope or series}, not from SDO/HMI; only SHARPs can be used."
        )
    bits = header.get("ZBITPIX", header.get("BITPIX"))
    stored = _STORED.get(round(finite_number(header.get("BSCALE")), 6)) if bits in (16, 32) else ""
    line_of_sight = wanted == "magnetogram"
    what = "the line-of-sight magnetogram" if line_of_sight else f"the segment {wanted!r}"
    if others := segments - {wanted}:
        raise WrongInstrumentError(f"{path} holds the segment {min(others)!r}, not {what}.")
    if not (line_of_sight or segments):
        raise WrongInstrumentError(
            f"{path} does not state by its name or header that it holds {what}."
        )
    if stored and line_of_sight:
        raise WrongInstrumentError(
            f"{path} holds {stored}, not the line-of-sight magnetogram: its BSCALE is "
            f"{header['BSCALE']}, not 0.1."
        )
    kinds = [str(header.get(key, "")).strip().upper() for key in ("CTYPE1", "CTYPE2")]
    if (any(kinds) and kinds != ["CRLN-CEA", "CRLT-CEA"]) or (series and "_cea" not in series):
        if (series and "sharp" not in series) or ("HARPNUM" not in header and not series):
            raise WrongInstrumentError(
                f"{path} is not an active-region patch ({series or kinds[0]}); only SHARPs can be "
                "used."
            )
        if kinds[0].startswith("HPLN") or (series and "_cea" not in series):
            raise FitsError(
                f"{path} is in CCD coordinates ({series or kinds[0]}), where the patch is rotated "
                "by 180 degrees; take it from the series hmi.sharp_cea_720s."
            )
        raise FitsError(
            f"{path} is not in the projection of the series, CRLN-CEA and CRLT-CEA: CTYPE1 is "
            f"{kinds[0]!r}, and CTYPE2 is {kinds[1]!r}; take it from the series hmi.sharp_cea_720s."
        )
    if bare:
        return
    if "HARPNUM" not in header and "T_REC" not in header:
        raise WrongInstrumentError(
            f"{path} is not an active-region patch: it has neither HARPNUM nor T_REC."
        )
    unit = str(header.get("BUNIT", "")).strip()
    if line_of_sight and (math.isnan(_gauss(unit)) or bits == 8):
        raise WrongInstrumentError(
            f"{path} holds no line-of-sight field: BUNIT is {unit!r}, BITPIX {bits}."
        )


def _check_noaa(header: Header, path: str) -> None:
    """Refuse NOAA numbers that contradict each other or are too long to be any."""
    one, several = header.get("NOAA_AR"), header.get("NOAA_ARS")
    if re.search(r"\d{6}", f"{one} {several}") or (
        noaa_numbers(several) and not set(noaa_numbers(one)) <= set(noaa_numbers(several))
    ):
        raise FitsError(
            f"{path} cannot be believed: NOAA_AR is {one!r}, and NOAA_ARS is {several!r}; "
            "download it again."
        )


def _check_name(path: str, harp: int, seconds: float) -> None:
    """Refuse a file whose JSOC name is that of another record than its header's."""
    named = named_t_rec(path), named_harp(path)
    if named[1] and (abs(named[0] - seconds) > 1.0 or named[1] != harp):
        raise FitsError(
            f"{path} cannot be believed: by its name it is HARP {named[1]} at "
            f"{format_t_rec(named[0])}, by its header HARP {harp} at {format_t_rec(seconds)}."
        )


@lru_cache(maxsize=64)
def _gauss(unit: str) -> float:
    """Return what one of a unit is in gauss; NaN for what is no flux density."""
    if unit.lower() in ("mx/cm^2", "gauss", "g"):
        return 1.0
    try:
        return round(float(u.Unit(unit).to(u.G)), 12)
    except (ValueError, TypeError, u.UnitsError):
        return math.nan


def _needed(header: Header, key: str, path: str, read: Callable[[Any], _Value]) -> _Value:
    """Read a keyword, or refuse the file where it is absent or unreadable."""
    try:
        return read(header[key])
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise MissingKeywordError(
            f"{path} has no usable keyword {key} (found {header.get(key)!r}); export it with "
            "keywords."
        ) from error


def _nonzero(value: Any) -> float:
    if not abs(number := finite_number(value)) > 0:
        raise ValueError(f"{value!r} is no number but 0")
    return number


def _whole_positive(value: Any) -> int:
    number = finite_number(value)
    if not number > 0 or number != int(number):
        raise ValueError(f"{value!r} is not a whole number above 0")
    return int(number)


def _t_rec(value: Any) -> Time:
    text = str(value).strip()
    if not "2010" <= text[:4] <= "2040":
        raise ValueError(f"{text!r} is not in the years of SDO")
    return parse_t_rec(text)


def _quality(value: Any) -> int:
    """Read QUALITY, which may be a number, a signed number, or a hexadecimal string."""
    number = int(value.strip(), 0) if isinstance(value, str) else int(value)
    if isinstance(value, bool) or number != (value if isinstance(value, float) else number):
        raise ValueError(f"{value!r} is not a whole number")
    if not -(2**31) <= number < 2**32:
        raise ValueError(f"{value!r} has more than 32 bits")
    return number & 0xFFFF_FFFF
