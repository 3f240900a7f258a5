"""SHARP keywords over a disk passage, as they stand in the headers of its records.

They are of the vector field and of the pixels that the pipeline chose (Bobra et al. 2014, Solar
Physics 289, 3549, Table 3), and nothing here computes them anew.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd
from astropy.time import Time

from hnn_core.magnetogram.conventions import finite_number

__all__ = ["SHARP_KEYWORDS", "keyword_history", "keyword_row", "keywords_with_units"]

SHARP_KEYWORDS = {
    "USFLUX": ("Mx", "total unsigned flux, of the radial field"),
    "R_VALUE": ("log₁₀ G", "sum of |B| near polarity inversion lines"),
    "TOTUSJH": ("G²/m", "total unsigned current helicity"),
    "TOTUSJZ": ("A", "total unsigned vertical current"),
    "TOTPOT": ("erg/cm", "proxy of the total free energy, per height"),
    "SAVNCPP": ("A/arcsec²", "net current of each polarity, summed by magnitude"),
    "ABSNJZH": ("G²/m", "net current helicity, by magnitude"),
    "MEANPOT": ("erg/cm³", "proxy of the mean free energy"),
    "MEANSHR": ("deg", "mean shear angle"),
    "SHRGT45": ("%", "area with a shear above 45°"),
    "MEANGAM": ("deg", "mean inclination from the radial"),
    "MEANGBT": ("G/px", "mean gradient of the total field"),
    "MEANGBZ": ("G/px", "mean gradient of the vertical field"),
    "MEANGBH": ("G/px", "mean gradient of the horizontal field"),
    "MEANJZD": ("mA/m²", "mean vertical current density"),
    "MEANJZH": ("G²/m", "mean current helicity"),
    "MEANALP": ("1/Mm", "mean twist parameter α"),
    "AREA_ACR": ("µhem", "area of the active pixels on the Sun"),
    "SIZE_ACR": ("µhem", "area of the active pixels as seen"),
    "NACR": ("pixels", "active pixels"),
}
"""Unit and meaning of each keyword that can be drawn; µhem is a millionth of the hemisphere.

Units are those that the values have: recomputed from its field vector, a record's MEANGBT, MEANGBZ
and MEANGBH come out per pixel of 0.03°, not per Mm as the series states, SAVNCPP divided by the
square of a pixel's arcseconds, and R_VALUE without an area.
"""


def keyword_row(header: Mapping[str, Any]) -> dict[str, float]:
    """Read the keywords of one record, NaN where its header has none or no finite number."""
    return {name: finite_number(header.get(name)) for name in SHARP_KEYWORDS}


def keyword_history(times: Time, rows: Iterable[Mapping[str, float]]) -> pd.DataFrame:
    """Collect the keywords of a passage.

    Parameters
    ----------
    times : Time
        T_REC of each record, (records,).
    rows : iterable of mapping
        Of `keyword_row`, aligned with `times`.

    Returns
    -------
    DataFrame
        ``t_rec_tai`` (datetime64, TAI) and a column for each of `SHARP_KEYWORDS` that any record
        has, in that order; NaN where a record has none.
    """
    table = pd.DataFrame(list(rows), columns=list(SHARP_KEYWORDS), dtype=float)
    table = table.dropna(axis="columns", how="all")
    table.insert(0, "t_rec_tai", times.tai.datetime64)
    return table


def keywords_with_units(history: pd.DataFrame) -> pd.DataFrame:
    """Return a keyword history as a table to store, the unit of each column in its name."""
    units = {name: f"{name} ({SHARP_KEYWORDS[name][0]})" for name in history.columns[1:]}
    return history.rename(columns=units)
