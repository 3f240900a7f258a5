"""What a report finds, as tables: one row a thing, units in the columns' names."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from analysis.cases.explained import PARTS
from analysis.cases.making import ReportCase, short_source
from analysis.physics.trends import RATE

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

_OVERLAP = ("area", "share", "token_share", "expected", "enrichment", "z", "p")


def cases_table(cases: Sequence[ReportCase]) -> pd.DataFrame:
    """One row a case: the prediction, what happened, the verdict and the slope it rests on."""
    return pd.DataFrame([_identity(case) | _findings(case) for case in cases])


def histories_table(cases: Sequence[ReportCase]) -> pd.DataFrame:
    """One row a case and hour: fluxes, length of the PIL, position, R value, velocity of SDO."""
    return pd.concat(
        [_named(case, case.study.history.assign(**case.study.measures)) for case in cases],
        ignore_index=True,
    )


def trends_table(cases: Sequence[ReportCase]) -> pd.DataFrame:
    """One row a case, mask, flux, threshold and μ correction; see `Systematics.table`."""
    return pd.concat(
        [_named(case, case.study.systematics.table()) for case in cases], ignore_index=True
    )


def overlaps_table(cases: Sequence[ReportCase]) -> pd.DataFrame:
    """One row a case, map and part of the patch; shares from 0 to 1."""
    rows = [
        _identity(case)
        | {"map": method, "part": PARTS[name]}
        | {column: getattr(one, column) for column in _OVERLAP}
        | {"draws": one.draws.size, "frames": one.n_frames}
        for case in cases
        if case.explained
        for method, found in case.explained.overlaps.items()
        for name, one in found.items()
    ]
    return _table(rows, "map", "part", "share", "expected", "p")


def faithfulness_table(cases: Sequence[ReportCase]) -> pd.DataFrame:
    """One row a case, map, fill and kind of curve: areas, and the map's advantage."""
    rows = [
        _identity(case) | {"map": method} | comparison.to_dict()
        for case in cases
        if case.explained
        for method, found in case.explained.faithfulness.items()
        for comparison in found.comparisons
    ]
    return _table(rows, "map", "fill", "kind")


def hours_table(cases: Sequence[ReportCase]) -> pd.DataFrame:
    """One row a case, method and hour: what the class's log-odds owe to it."""
    rows = [
        _identity(case)
        | {"method": method, "t_rec_tai": pd.Timestamp(t_rec), "score_log_odds": float(score)}
        for case in cases
        if case.explained
        for method, found in case.explained.hours.items()
        if found.hours is not None
        for t_rec, score in zip(found.t_rec, found.hours, strict=True)
    ]
    return _table(rows, "method", "t_rec_tai", "score_log_odds")


def _table(rows: Sequence[dict[str, object]], *columns: str) -> pd.DataFrame:
    """Rows as a table, which has these columns where there is no row."""
    return pd.DataFrame(rows, columns=None if rows else [*IDENTITY, *columns])


def _identity(case: ReportCase) -> dict[str, Any]:
    study = case.study
    return {
        "source": short_source(study.case.source),
        "region": study.region.id,
        "t_reference_tai": pd.Timestamp(study.case.hour),
    }


def _named(case: ReportCase, rows: pd.DataFrame) -> pd.DataFrame:
    return rows.assign(**_identity(case))[[*IDENTITY, *rows.columns]]


def _findings(case: ReportCase) -> dict[str, object]:
    study, network = case.study, case.study.prediction
    found = study.systematics
    trend, total = found.trend(), found.trend("patch")
    band = found.band().to_value(RATE)
    return {
        "harp": study.region.harp,
        "noaa": " ".join(str(number) for number in study.region.noaa),
        "simulated": study.simulated,
        "hours": len(study.frames),
        "interpolated_hours": int(sum(study.interpolated)),
        "model": network.model if network else "",
        "model_sha256": network.sha256 if network else "",
        "flare_class": study.flare_class,
        "probability": network.probability if network else np.nan,
        "prediction": network.label if network else "",
        "outcome": study.outcome.word,
        "outcome_words": study.outcome.sentence,
        "verdict": study.verdict.word,
        "vector_verdict": study.vector_verdict.word if study.vector_verdict else "",
        **trend.rates,
        "p": trend.p,
        "band_low_mx_per_h": band[0],
        "band_high_mx_per_h": band[1],
        "formal_error_mx_per_h": found.formal_error().to_value(RATE),
        **{f"total_{name}": rate for name, rate in total.rates.items() if "percent" in name},
        "total_p": total.p,
    }
