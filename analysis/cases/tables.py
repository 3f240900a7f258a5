"""Cases as tables: one row a case for people, and one tidy row a region and hour for parquet."""

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
from hnn_core.magnetogram.conventions import number

__all__ = ["case_rows", "flux_rows", "other_measures", "overview", "parquet_bytes"]

_RATE = 1e19 * u.Mx / u.h

_TYPES: dict[str, Any] = {
    **dict.fromkeys(("source", "region", "noaa", "model", "model_sha256"), "str"),
    **dict.fromkeys(("prediction", "verdict", "vector_verdict", "outcome"), "str"),
    **dict.fromkeys(("t_reference_tai", "t_rec_tai"), "datetime64[ns]"),
    **dict.fromkeys(("interpolated", "simulated"), bool),
    **dict.fromkeys(("harp", "pil_pixels", "patch_rows_px", "patch_columns_px"), np.int64),
    "quality": np.uint32,
}
"""Of the columns of tidy rows; all others are float64."""


def overview(studies: Sequence[CaseStudy]) -> pd.DataFrame:
    """Put the main findings about some cases side by side.

    Returns
    -------
    DataFrame
        One row a case. "predicted" is the network's prediction with P(eruptive) in brackets,
        "outcome" what followed within 24 h; slopes are text, those of the moving RoPI.
    """
    return pd.DataFrame([_overview_row(study) for study in studies])


def other_measures(study: CaseStudy) -> pd.DataFrame:
    """List what stands next to a case's trend: other measures, errors, the spacecraft's motion.

    Returns
    -------
    DataFrame
        "quantity", "value" and "meaning", all text.
    """
    found = study.systematics
    velocity = found.orbital_velocity.to_value(u.km / u.s)
    rows = [
        (
            "Slope of the PIL flux",
            _value("{} × 10¹⁹ Mx/h", "+.2f", found.trend().slope.to_value(_RATE)),
            "Theil–Sen, each hour's own RoPI, no threshold on |B|.",
        ),
        (
            "Systematic band of that slope",
            _value("{} to {} × 10¹⁹ Mx/h", "+.2f", *found.band().to_value(_RATE)),
            "Smallest and largest over thresholds 0, 20, 50 and 100 G, each with and without B/μ.",
        ),
        (
            "Formal error of that slope",
            _value("{} × 10¹⁹ Mx/h", ".4f", found.formal_error().to_value(_RATE)),
            "From 6.4 G noise a pixel alone; the band above is what counts.",
        ),
        (
            "R value, last hour",
            _value("{}", ".2f", found.r_values[-1]),
            "Schrijver (2007), computed here from this patch.",
        ),
        (
            "R value of the header, last hour",
            _value("{}", ".2f", found.header_r_values[-1]),
            "R_VALUE of the SHARP.",
        ),
        (
            "Velocity of SDO along the line to the Sun",
            _value("{} to {} km/s", "+.2f", *velocity[[0, -1]]),
            "OBS_VR, first to last hour; the field strength follows it with 12 and 24 h.",
        ),
        (
            "Longitude, first to last hour",
            _value("{}° to {}°", "+.1f", *found.longitude[[0, -1]]),
            "From the central meridian; west is positive.",
        ),
    ]
    return pd.DataFrame(rows, columns=["quantity", "value", "meaning"])


def flux_rows(history: pd.DataFrame, *, source: str, region: str) -> pd.DataFrame:
    """Make tidy rows of a history.

    Parameters
    ----------
    history : DataFrame
        Of `analysis.physics.flux.flux_history`, of one region.
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

    Returns
    -------
    DataFrame
        One row a region and hour of a case, sorted by source, region, reference time and hour;
        two cases of one region whose windows overlap have the hours they share twice, with
        different ``t_reference_tai``. After the fluxes of `flux_rows`: R values, SDO's velocity,
        the network's prediction for the case (NaN or "" without one), outcome and both verdicts;
        for each map the share of its mass in the parts of `analysis.cases.overlap.REGION_NAMES` in
        that hour, and for each method of scores the hour's, NaN where there is none.
    """
    table = pd.concat([_rows(case) for case in cases], ignore_index=True)
    keys = ["source", "region", "t_reference_tai", "t_rec_tai"]
    return _typed(table).sort_values(keys, kind="stable", ignore_index=True)


def parquet_bytes(table: pd.DataFrame) -> bytes:
    """Return a table as the bytes of a parquet file."""
    buffer = io.BytesIO()
    table.to_parquet(buffer, index=False, engine="pyarrow")
    return buffer.getvalue()


def _overview_row(study: CaseStudy) -> dict[str, object]:
    found, network = study.systematics, study.prediction
    return {
        "case": study.name,
        "predicted": f"{network.label} ({network.probability:.2f})" if network else "–",
        "outcome": study.outcome.words,
        "verdict": study.verdict.word,
        "by the field vector": study.vector_verdict.word if study.vector_verdict else "not known",
        "PIL flux (%/h)": _percent(found.trend()),
        "p": found.trend().p,
        "Φ+ (%/h)": _percent(found.trend(flux="positive")),
        "Φ− (%/h)": _percent(found.trend(flux="negative")),
        "total flux (%/h)": _percent(found.trend("patch")),
        "hours": len(study.frames),
    }


def _percent(trend: Trend) -> str:
    """``−1.2 (−2.0 to −0.3)``, in % per hour."""
    return _value("{} ({} to {})", "+.1f", trend.percent, *trend.percent_interval)


def _value(words: str, form: str, *values: float) -> str:
    """Put values into words, if all are known."""
    known = np.isfinite(values).all()
    return words.format(*(number(value, form) for value in values)) if known else "not known"


def _rows(case: ReportCase) -> pd.DataFrame:
    study, network = case.study, case.study.prediction
    rows = flux_rows(study.history, source=study.case.source, region=study.region.id)
    rows.insert(2, "t_reference_tai", pd.Timestamp(study.case.hour))
    rows = rows.assign(
        **study.measures,
        model=network.model if network else "",
        model_sha256=network.sha256 if network else "",
        probability=network.probability if network else np.nan,
        prediction=network.label if network else "",
        outcome=study.outcome.word,
        verdict=study.verdict.word,
        vector_verdict=study.vector_verdict.word if study.vector_verdict else "",
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
    return table.astype({name: _TYPES.get(name, np.float64) for name in table.columns})
