"""The two series of SHARP CEA magnetograms, and their keywords as JSOC answers them.

Every value but the record's number is a text, with words for what is absent.
"""

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import pandas as pd

from hnn_core.magnetogram.conventions import (
    finite_number,
    format_t_rec,
    noaa_numbers,
    parse_t_rec,
    tai_seconds,
)
from hnn_core.magnetogram.sharp import NO_DATA, position

__all__ = [
    "DEFINITIVE",
    "KEPT",
    "NEAR_REAL_TIME",
    "RECNUM",
    "SEGMENT",
    "Series",
    "has_values",
    "known_text",
    "record_cards",
    "record_table",
    "t_rec_seconds",
]

SEGMENT = "magnetogram"


@dataclass(frozen=True)
class Series:
    """A series of DRMS. HARP numbers of one series mean nothing in the other."""

    name: str
    folder: str
    """Its folder in the cache."""
    spec: str
    """The source that reads this folder, as `hnn_core.sources.open_source` takes it."""

    def file_name(self, harp: int, t_rec: float) -> str:
        """Name a file as JSOC's exports do: series, HARP, T_REC (unix_tai seconds), segment."""
        stamp = format_t_rec(t_rec).removesuffix("_TAI").replace(".", "").replace(":", "")
        return f"{self.name}.{harp}.{stamp}_TAI.{SEGMENT}.fits"

    def record_set(self, harp: int | None, times: Iterable[float], *, between: bool = False) -> str:
        """Write a record set of DRMS.

        Parameters
        ----------
        harp : int or None
            None: every HARP.
        times : iterable of float
            T_REC, unix_tai seconds; none at all means every record.
        between : bool
            The two times are the ends of a range, both included.

        Notes
        -----
        Times carry ``_TAI``: without it DRMS takes them for UTC.
        """
        listed = ("-" if between else ",").join(format_t_rec(time) for time in times)
        return f"{self.name}[{'' if harp is None else harp}][{listed}]"


DEFINITIVE = Series("hmi.sharp_cea_720s", "definitive", "jsoc:")
NEAR_REAL_TIME = Series("hmi.sharp_cea_720s_nrt", "nrt", "jsoc:nrt")

RECNUM = "*recnum*"
"""The record's number, which is no keyword but is requested like one."""

_TEXTS = (
    *("T_REC", "T_OBS", "DATE__OBS", "NOAA_ARS", "CUNIT1", "CUNIT2", "CTYPE1", "CTYPE2"),
    *("WCSNAME", "ORIGIN", "TELESCOP", "INSTRUME", "CODEVER7"),
)
_WHOLE_NUMBERS = ("HARPNUM", "NOAA_AR", "NOAA_NUM", "QUALITY", "NACR")
_NUMBERS = (
    *("LON_FWT", "LAT_FWT", "LONDTMIN", "LONDTMAX", "LATDTMIN", "LATDTMAX"),
    *("CRLN_OBS", "CRLT_OBS", "CRVAL1", "CRVAL2", "CRPIX1", "CRPIX2", "CDELT1", "CDELT2"),
    *("CROTA2", "RSUN_OBS", "RSUN_REF", "DSUN_OBS", "OBS_VR", "USFLUX", "R_VALUE", "OMEGA_DT"),
    # Of no use to the network; Explore draws their histories.
    *("TOTUSJH", "TOTUSJZ", "TOTPOT", "SAVNCPP", "ABSNJZH", "MEANPOT", "MEANSHR", "SHRGT45"),
    *("MEANGAM", "MEANGBT", "MEANGBZ", "MEANGBH", "MEANJZD", "MEANJZH", "MEANALP"),
    *("SIZE_ACR", "AREA_ACR"),
)
KEPT = (*_TEXTS, *_WHOLE_NUMBERS, *_NUMBERS, RECNUM)
"""What is requested of every record."""

_NOTHING = frozenset(
    ("", "missing", "nan", "-nan", "inf", "-inf", "none", "invalid keylink", "n/a", "unknown")
)
_PLAIN = re.compile(r"(\d{4})\.(\d\d)\.(\d\d)_(\d\d):(\d\d):(\d\d)(?:\.0*)?_TAI", re.ASCII)
_EPOCH = datetime(1970, 1, 1)
"""Of TAI, whose days all have 86400 seconds."""
_UNFIT = re.compile(r"[^\x20-\x7e]")
"""What a header cannot hold."""


def known_text(text: object) -> str:
    """Return a value's text, empty where JSOC marks in one of its ways that there is none."""
    stripped = str(text).strip()
    return "" if stripped.lower() in _NOTHING else stripped


def has_values(texts: pd.DataFrame, key: str) -> bool:
    """Whether any record has a value of a keyword; none has one that the series lacks."""
    return key in texts and any(map(known_text, texts[key]))


def record_table(texts: pd.DataFrame) -> pd.DataFrame:
    """Make sense of keyword values.

    Parameters
    ----------
    texts : DataFrame
        One row a record, one column a keyword, every value a text but the record's number.

    Returns
    -------
    DataFrame
        Ascending in time, the same columns and: ``t_rec`` (unix_tai seconds), ``quality``
        (uint32; an unreadable one counts as no data), ``longitude`` from the central meridian and
        ``latitude`` (degrees, NaN when not known; LON_FWT, else the middle of the patch), ``noaa``
        (tuple of int). Rows without a readable T_REC are left out.
    """
    table = texts.reindex(columns=list(dict.fromkeys((*KEPT, *texts.columns))), fill_value="")
    table = table.astype(object).fillna("")
    seconds = np.array([t_rec_seconds(text) for text in table["T_REC"]], np.float64)
    table = table[np.isfinite(seconds)].copy()
    table["t_rec"] = seconds[np.isfinite(seconds)]
    table["quality"] = np.array([_quality(text) for text in table["QUALITY"]], np.uint32)
    rows = table[list(_NUMBERS)].to_numpy()
    places = [position(dict(zip(_NUMBERS, row, strict=True))) for row in rows]
    table["longitude"], table["latitude"] = np.array(places, np.float64).reshape(-1, 2).T
    table["noaa"] = [
        noaa_numbers(known_text(several), known_text(one))
        for several, one in zip(table["NOAA_ARS"], table["NOAA_AR"], strict=True)
    ]
    return table.sort_values("t_rec", kind="stable", ignore_index=True)


def t_rec_seconds(text: object) -> float:
    """Read a T_REC, unix_tai seconds; NaN where it cannot be read.

    Without astropy as JSOC writes it, for a passage has over a thousand.
    """
    plain = _PLAIN.fullmatch(str(text))
    try:
        if plain:
            year, month, day, hour, minute, second = map(int, plain.groups())
            return (datetime(year, month, day, hour, minute, second) - _EPOCH).total_seconds()
        return float(tai_seconds(parse_t_rec(str(text))))
    except ValueError:
        return math.nan


def record_cards(row: Mapping[str, str], series: Series) -> dict[str, str | int | float]:
    """Give a record's keywords the names and types that an export's header has.

    Numbers become numbers; what is absent is left out. DATE__OBS, which DRMS calls so because its
    names hold no hyphen, becomes DATE-OBS. BUNIT is the series' and no keyword of the record.
    """
    cards: dict[str, str | int | float] = {}
    for key in (*_TEXTS, *_WHOLE_NUMBERS, *_NUMBERS):
        text = known_text(row.get(key, ""))
        if not text:
            continue
        if key == "DATE__OBS":
            cards["DATE-OBS"] = text.removesuffix("Z").removesuffix("_UTC")
        elif key in _TEXTS:
            cards[key] = _UNFIT.sub("?", text)
        elif key == "QUALITY":
            cards[key] = _quality(text)
        elif math.isfinite(number := finite_number(text)):
            cards[key] = int(number) if key in _WHOLE_NUMBERS else number
    cards["BUNIT"] = "Mx/cm^2"
    recnum = known_text(row.get(RECNUM, ""))
    if recnum.isdigit():
        cards["DRMS_ID"] = f"{series.name}:{recnum}:{SEGMENT}"
        cards["RECNUM"] = int(recnum)
    return cards


def _quality(text: object) -> int:
    """Read QUALITY, hexadecimal or not, signed or not, as an unsigned 32-bit number."""
    try:
        return int(str(text).strip(), 0) & 0xFFFF_FFFF
    except ValueError:
        return NO_DATA
