"""Scores and curves as files."""

import json
from collections.abc import Mapping

import pandas as pd

__all__ = ["scores_csv", "scores_json", "table_csv"]


def table_csv(table: pd.DataFrame) -> str:
    """Return a table as CSV that any reader takes without options.

    Returns
    -------
    str
        Comma-separated, one header line, times as ISO seconds, seven significant digits, nothing
        where a value is undefined.
    """
    return table.to_csv(
        index=False, float_format="%.7g", date_format="%Y-%m-%dT%H:%M:%S", lineterminator="\n"
    )


def scores_csv(
    whole: pd.DataFrame, folds: pd.DataFrame, *, threshold: float, simulated: bool
) -> str:
    """Return the scores of all forecasts as CSV.

    Parameters
    ----------
    whole, folds : DataFrame
        Of `skill_scores.score_table` and `skill_scores.fold_table`; the second may be empty.
    threshold : float
        At which the probabilities were read.
    simulated : bool

    Returns
    -------
    str
        One row a forecast and score: value with its 95 % interval, counts, and for a
        cross-validation the mean over folds, its standard error and each fold's value.
    """
    table = whole.assign(threshold=threshold, simulated=simulated)
    if len(folds):
        values = pd.DataFrame(folds["folds"].to_list()).rename(columns=lambda k: f"fold_{k + 1}")
        own = folds[["forecast", "score", "mean", "standard_error"]].reset_index(drop=True)
        table = table.merge(pd.concat([own, values], axis=1), on=["forecast", "score"])
    return table_csv(table)


def scores_json(scores: Mapping[str, object]) -> str:
    """Return a run's scores.json as it was read."""
    return json.dumps(scores, indent=2, allow_nan=False) + "\n"
