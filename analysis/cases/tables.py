"""Cases as a table for people: one row a case, numbers with their units in the column's name.

Cases and passages as one tidy table: one row a region and hour, for parquet.
"""

import io
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from astropy import units as u

from analysis.cases.case_study import CaseStudy
from analysis.cases.making import ReportCase
from analysis.cases.overlap import REGION_NAMES
from analysis.physics.trends import Trend

__all__ = ["beside", "case_rows", "flux_rows", "overview", "parquet_bytes", "percent_words"]


_RATE = 1e19 * u.Mx / u.h


def overview(studies: Sequence[CaseStudy]) -> pd.DataFrame:
    """Put the main findings about some cases side by side.

    Parameters
    ----------
    studies : sequence of CaseStudy

    Returns
    -------
    DataFrame
        One row a case. "said" is what the network said, "happened" what followed within 24 h;
        slopes are those of the moving RoPI, NaN where not known.
    """
    return pd.DataFrame([_row(study) for study in studies])


def percent_words(trend: Trend) -> str:
    """``−1.2 (−2.0 to −0.3)``, in % per hour; a dash where it is not known."""
    if not np.isfinite(trend.percent):
        return "–"
    low, high = trend.percent_interval
    return f"{_signed(trend.percent)} ({_signed(low)} to {_signed(high)})"


def beside(study: CaseStudy) -> pd.DataFrame:
    """Name what stands beside a case's trend: other measures, errors, the spacecraft's motion.

    Returns
    -------
    DataFrame
        "quantity", "value" and "meaning", all text.
    """
    found = study.systematics
    band = found.band().to_value(_RATE)
    error = found.formal_error().to_value(_RATE)
    slope = found.trend().slope.to_value(_RATE)
    velocity = found.orbital_velocity.to_value(u.km / u.s)
    rows = [
        (
            "Slope of the PIL flux",
            _number(slope, "{:+.2f} × 10¹⁹ Mx/h"),
            "Theil–Sen, each hour's own RoPI, no threshold on |B|.",
        ),
        (
            "Systematic band of that slope",
            _pair(band, "{:+.2f} to {:+.2f} × 10¹⁹ Mx/h"),
            "Least and largest over thresholds 0, 20, 50 and 100 G, each with and without B/μ.",
        ),
        (
            "Formal error of that slope",
            _number(error, "{:.4f} × 10¹⁹ Mx/h"),
            "From 6.4 G noise a pixel alone; the band above is what counts.",
        ),
        (
            "R value, last hour",
            _number(float(found.r_values[-1]), "{:.2f}"),
            "Schrijver (2007), made here from this patch.",
        ),
        (
            "R value of the header, last hour",
            _number(float(found.header_r_values[-1]), "{:.2f}"),
            "R_VALUE of the SHARP.",
        ),
        (
            "Velocity of SDO along the line to the Sun",
            _pair(velocity[[0, -1]], "{:+.2f} to {:+.2f} km/s"),
            "OBS_VR, first to last hour; the field strength follows it with 12 and 24 h.",
        ),
        (
            "Longitude, first to last hour",
            _pair(found.longitude[[0, -1]], "{:+.1f}° to {:+.1f}°"),
            "From the central meridian; west is positive.",
        ),
    ]
    return pd.DataFrame(rows, columns=["quantity", "value", "meaning"])


def _row(study: CaseStudy) -> dict[str, object]:
    found = study.systematics
    trend, total = found.trend(), found.trend("patch")
    prediction = study.prediction
    return {
        "case": study.name,
        "said": f"{prediction.label}, p = {prediction.probability:.2f}" if prediction else "–",
        "happened": study.outcome.word,
        "verdict": study.verdict.word,
        "PIL flux (%/h)": percent_words(trend),
        "p": trend.p,
        "Φ+ (%/h)": percent_words(found.trend(flux="positive")),
        "Φ− (%/h)": percent_words(found.trend(flux="negative")),
        "total flux (%/h)": percent_words(total),
        "hours": len(study.frames),
    }


def _signed(value: float) -> str:
    return f"{value:+.1f}".replace("-", "−")


def _number(value: float, form: str) -> str:
    return form.format(value).replace("-", "−") if np.isfinite(value) else "not known"


def _pair(values: np.ndarray, form: str) -> str:
    known = bool(np.isfinite(values).all())
    return form.format(*values).replace("-", "−") if known else "not known"


_TEXTS = ("source", "region", "noaa", "model", "model_sha256", "prediction", "verdict", "outcome")
_TIMES = ("t_reference_tai", "t_rec_tai")
_FLAGS = ("interpolated", "simulated")


def flux_rows(history: pd.DataFrame, *, source: str, region: str) -> pd.DataFrame:
    """Make tidy rows of a history.

    Parameters
    ----------
    history : DataFrame
        Of `analysis.physics.flux.history`, of one region.
    source : str
        Specification that opens the source again.
    region : str
        `Region.id`.

    Returns
    -------
    DataFrame
        Sorted by time, every column of one type: ``quality`` as uint32, HARP and pixel counts as
        int64, flags as bool, times as datetime64 (TAI, without a zone), all else float64.
    """
    rows = history.reset_index(drop=True)
    quality = [int(str(value), 16) for value in rows["quality"]]
    rows = rows.assign(source=source, region=region, quality=np.array(quality, np.uint32))
    first = ["source", "region", "t_rec_tai"]
    return _typed(rows[first + [name for name in rows.columns if name not in first]])


def case_rows(cases: Sequence[ReportCase]) -> pd.DataFrame:
    """Make tidy rows of the hours of some cases.

    Parameters
    ----------
    cases : sequence of ReportCase

    Returns
    -------
    DataFrame
        One row a region and hour of a case, sorted by source, region, reference time and hour;
        two cases of one region whose windows overlap have the hours they share twice, told apart
        by ``t_reference_tai``. Beside the fluxes of `flux_rows`: R values, SDO's velocity, what
        the network said of the case (NaN or "" without one), outcome and verdict; for each map
        the share of its mass in the parts of `analysis.cases.overlap.REGION_NAMES` in that hour,
        and for each method of scores the hour's, NaN where there is none.
    """
    table = pd.concat([_rows(case) for case in cases], ignore_index=True)
    keys = ["source", "region", "t_reference_tai", "t_rec_tai"]
    return _typed(table).sort_values(keys, kind="stable", ignore_index=True)


def parquet_bytes(table: pd.DataFrame) -> bytes:
    """Return a table as the bytes of a parquet file."""
    buffer = io.BytesIO()
    table.to_parquet(buffer, index=False, engine="pyarrow")
    return buffer.getvalue()


def _rows(case: ReportCase) -> pd.DataFrame:
    study, said = case.study, case.study.prediction
    rows = flux_rows(study.history, source=study.case.source, region=study.region.id)
    rows.insert(2, "t_reference_tai", pd.Timestamp(study.case.hour))
    rows = rows.assign(
        **study.measures,
        model=said.model if said else "",
        model_sha256=said.sha256 if said else "",
        probability=said.probability if said else np.nan,
        prediction=said.label if said else "",
        outcome=study.outcome.word,
        verdict=study.verdict.word,
    )
    return rows.assign(**_scores(case))


def _scores(case: ReportCase) -> dict[str, np.ndarray]:
    """Columns of an explained case: shares of the maps, scores of the hours, (T,) each."""
    found = case.explained
    if found is None:
        return {}
    columns = {
        f"{method.replace('-', '_')}_log_odds": one.hours.astype(np.float64)
        for method, one in found.hours.items()
        if one.hours is not None
    }
    for method, hours in found.hour_overlaps.items():
        for part in REGION_NAMES:
            columns[f"{method}_share_{part}"] = np.array([hour[part].share for hour in hours])
    return columns


def _typed(table: pd.DataFrame) -> pd.DataFrame:
    """Give every column its type, whatever the rows hold."""
    types: dict[str, Any] = {}
    for name in table.columns:
        if name in _TEXTS:
            types[name] = "str"
        elif name in _TIMES:
            types[name] = "datetime64[ns]"
        elif name in _FLAGS:
            types[name] = bool
        elif name == "quality":
            types[name] = np.uint32
        elif name in ("harp", "pil_pixels"):
            types[name] = np.int64
        else:
            types[name] = np.float64
    return table.astype(types)
