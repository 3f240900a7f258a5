"""What a report says, as tables: one row a thing, units in the columns' names."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from astropy import units as u

from analysis.cases.explained import PARTS
from analysis.cases.making import ReportCase, short_source

__all__ = [
    "IDENTITY",
    "cases_table",
    "faithfulness_table",
    "histories_table",
    "hours_table",
    "overlaps_table",
    "trends_table",
]

IDENTITY = ("source", "region", "t_reference_tai")
"""First columns of every table: which case a row is about."""

_RATE = u.Mx / u.h


def cases_table(cases: Sequence[ReportCase]) -> pd.DataFrame:
    """One row a case: what was said, what happened, the verdict and the slope it rests on."""
    return pd.DataFrame([_identity(case) | _findings(case) for case in cases])


def histories_table(cases: Sequence[ReportCase]) -> pd.DataFrame:
    """One row a case and hour: fluxes, length of the PIL, position, R value, velocity of SDO."""
    return pd.concat(
        [_beside(case, case.study.history.assign(**case.study.measures)) for case in cases],
        ignore_index=True,
    )


def trends_table(cases: Sequence[ReportCase]) -> pd.DataFrame:
    """One row a case, mask, flux, threshold and μ correction; see `Systematics.table`."""
    return pd.concat(
        [_beside(case, case.study.systematics.table()) for case in cases], ignore_index=True
    )


def overlaps_table(cases: Sequence[ReportCase]) -> pd.DataFrame:
    """One row a case, map and part of the patch; shares from 0 to 1."""
    rows = [
        _identity(case)
        | {
            "map": method,
            "part": PARTS[name],
            "area": one.area,
            "share": one.share,
            "token_share": one.token_share,
            "expected": one.expected,
            "enrichment": one.enrichment,
            "z": one.z,
            "p": one.p,
            "draws": one.draws.size,
            "frames": one.n_frames,
        }
        for case in cases
        if case.explained
        for method, found in case.explained.overlaps.items()
        for name, one in found.items()
    ]
    return pd.DataFrame(rows) if rows else _empty(["map", "part", "share", "expected", "p"])


def faithfulness_table(cases: Sequence[ReportCase]) -> pd.DataFrame:
    """One row a case, map, fill and kind of curve: areas, and the map's advantage."""
    rows = [
        _identity(case) | {"map": method} | comparison.to_dict()
        for case in cases
        if case.explained
        for method, found in case.explained.faithfulness.items()
        for comparison in found.comparisons
    ]
    return pd.DataFrame(rows) if rows else _empty(["map", "fill", "kind"])


def hours_table(cases: Sequence[ReportCase]) -> pd.DataFrame:
    """One row a case, method and hour: what the class's log-odds owe to it."""
    rows = [
        _identity(case)
        | {
            "method": method,
            "t_rec_tai": pd.Timestamp(t_rec),
            "score_log_odds": float(score),
        }
        for case in cases
        if case.explained
        for method, found in case.explained.hours.items()
        if found.hours is not None
        for t_rec, score in zip(found.t_rec, found.hours, strict=True)
    ]
    return pd.DataFrame(rows) if rows else _empty(["method", "t_rec_tai", "score_log_odds"])


def _identity(case: ReportCase) -> dict[str, object]:
    study = case.study
    return {
        "source": short_source(study.case.source),
        "region": study.region.id,
        "t_reference_tai": pd.Timestamp(study.case.hour),
    }


def _findings(case: ReportCase) -> dict[str, object]:
    study = case.study
    found, said = study.systematics, study.prediction
    trend, total = found.trend(), found.trend("patch")
    low, high = trend.interval.to_value(_RATE)
    band = found.band().to_value(_RATE)
    return {
        "harp": study.region.harp,
        "noaa": " ".join(str(number) for number in study.region.noaa),
        "simulated": study.simulated,
        "hours": len(study.frames),
        "interpolated_hours": int(sum(study.interpolated)),
        "model": said.model if said else "",
        "model_sha256": said.sha256 if said else "",
        "flare_class": study.flare_class,
        "probability": said.probability if said else np.nan,
        "prediction": said.label if said else "",
        "outcome": study.outcome.word,
        "outcome_words": study.outcome.sentence,
        "verdict": study.verdict.word,
        "slope_mx_per_h": trend.slope.to_value(_RATE),
        "slope_low_mx_per_h": low,
        "slope_high_mx_per_h": high,
        "slope_percent_per_h": trend.percent,
        "slope_low_percent_per_h": trend.percent_interval[0],
        "slope_high_percent_per_h": trend.percent_interval[1],
        "p": trend.p,
        "band_low_mx_per_h": band[0],
        "band_high_mx_per_h": band[1],
        "formal_error_mx_per_h": found.formal_error().to_value(_RATE),
        "total_slope_percent_per_h": total.percent,
        "total_slope_low_percent_per_h": total.percent_interval[0],
        "total_slope_high_percent_per_h": total.percent_interval[1],
        "total_p": total.p,
    }


def _beside(case: ReportCase, rows: pd.DataFrame) -> pd.DataFrame:
    """Put the case's name before its rows."""
    named = pd.DataFrame({key: [value] * len(rows) for key, value in _identity(case).items()})
    return pd.concat([named, rows.reset_index(drop=True)], axis=1)


def _empty(columns: Sequence[str]) -> pd.DataFrame:
    return pd.DataFrame(columns=[*IDENTITY, *columns])
