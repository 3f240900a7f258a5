"""SHARP keywords over a disk passage, as they stand in the headers of its records.

They are of the vector field and of the pixels that the pipeline chose (Bobra et al. 2014, Solar
Physics 289, 3549, Table 3). Those computed anew, from the field vector of a record, are
`analysis.physics.sharp_parameters`; here they are compared with the header's.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd
from astropy.time import Time

from analysis.physics.sharp_parameters import ERROR_OF, UNITS, SharpParameters
from hnn_core.magnetogram.conventions import finite_number, number

__all__ = [
    "SHARP_KEYWORDS",
    "computed_history",
    "keyword_history",
    "keyword_row",
    "keywords_with_units",
    "parameter_oddities",
    "parameter_table",
]

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
square of a pixel's arcseconds, and R_VALUE without an area (docs/method.md).
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


def keywords_with_units(
    history: pd.DataFrame, computed: pd.DataFrame | None = None
) -> pd.DataFrame:
    """Return a keyword history as a table to store, the unit of each column in its name.

    What is `computed`, of `computed_history`, has columns of its own, called so.
    """
    units = {name: f"{name} ({SHARP_KEYWORDS[name][0]})" for name in history.columns[1:]}
    named = history.rename(columns=units)
    if computed is None or computed.empty:
        return named
    also = {
        key: f"{key} computed ({SHARP_KEYWORDS[name][0]})"
        for name in SHARP_KEYWORDS
        for key in (name, ERROR_OF.get(name))
        if key in computed
    }
    more = computed[["t_rec_tai", *also]].rename(columns=also)
    return named.merge(more, on="t_rec_tai", how="left")


def computed_history(times: Time, found: Iterable[SharpParameters]) -> pd.DataFrame:
    """Collect the parameters computed from field vectors over a passage.

    Parameters
    ----------
    times : Time
        T_REC of each record, (records,).
    found : iterable of SharpParameters
        Aligned with `times`.

    Returns
    -------
    DataFrame
        ``t_rec_tai`` and the columns of `analysis.physics.sharp_parameters.SharpParameters.row`.
    """
    table = pd.DataFrame([one.row() for one in found])
    table.insert(0, "t_rec_tai", times.tai.datetime64)
    return table


def parameter_table(found: SharpParameters, stated: Mapping[str, float]) -> pd.DataFrame:
    """Set the parameters of a record next to those that its header states.

    Parameters
    ----------
    found : SharpParameters
    stated : mapping of str to float
        Of `analysis.physics.sharp_parameters.header_parameters`; NaN where there is none.

    Returns
    -------
    DataFrame
        A row for each of `analysis.physics.sharp_parameters.UNITS`, in that order: ``keyword``,
        ``meaning``, ``value``, ``formal_error``, ``header``, ``difference_percent`` (value less
        header's, of the header's) and ``unit``; NaN where something is not known.
    """
    rows = []
    for name, unit in UNITS.items():
        value, header = found.values[name], stated.get(name, float("nan"))
        rows.append(
            {
                "keyword": name,
                "meaning": _MORE.get(name) or SHARP_KEYWORDS[name][1],
                "value": value,
                "formal_error": found.errors.get(name, float("nan")),
                "header": header,
                "difference_percent": 100.0 * (value / header - 1.0) if header else float("nan"),
                "unit": unit,
            }
        )
    return pd.DataFrame(rows)


def parameter_oddities(found: SharpParameters, pixel_mm: float) -> tuple[str, ...]:
    """Say where a parameter of the series is not what its name promises, with what it promises.

    Parameters
    ----------
    found : SharpParameters
    pixel_mm : float
        Side of a pixel, Mm.
    """
    value = found.values
    slopes = ", ".join(
        f"{name} {number(value[name] / pixel_mm, '.4g')}"
        for name in ("MEANGBT", "MEANGBZ", "MEANGBH")
    )
    return (
        f"MEANGBT, MEANGBZ and MEANGBH are gradients per pixel; in G/Mm: {slopes}.",
        "SAVNCPP is divided by the square of a pixel's arcseconds; the net current of both "
        f"polarities is {number(value['SAVNCPP_A'], '.4g')} A.",
        "MEANPOT, TOTPOT, MEANSHR and SHRGT45 are not measured against a potential field; against "
        f"the potential field of the same Br: MEANPOT {number(value['MEANPOT_FFT'], '.4g')} "
        f"erg/cm³, TOTPOT {number(value['TOTPOT_FFT'], '.4g')} erg/cm, MEANSHR "
        f"{number(value['MEANSHR_FFT'], '.4g')}°, SHRGT45 {number(value['SHRGT45_FFT'], '.4g')} %.",
    )


_MORE = {
    "CMASK": "pixels that count",
    "SAVNCPP_A": "net current of each polarity, summed by magnitude, in A",
    "MEANPOT_FFT": "mean free energy, against the potential field",
    "TOTPOT_FFT": "total free energy per height, against the potential field",
    "MEANSHR_FFT": "mean shear angle, against the potential field",
    "SHRGT45_FFT": "area with a shear above 45°, against the potential field",
}
"""Meaning of what is no keyword of a history."""
