"""A run's forecasts, those that they must beat, and the ones that were most wrong.

Four forecasts of the same sequences stand side by side: HNN, ViT, climatology (the base rate of
the training part for every sequence) and one threshold on the total unsigned flux.
"""

from collections.abc import Callable
from typing import Any

import pandas as pd

from hnn_core.exceptions import RunError
from hnn_core.regions.goes_classes import FLARE_CLASSES

__all__ = [
    "FORECASTS",
    "PAPER_TSS",
    "forecasts",
    "join_network",
    "read_predictions",
    "read_scores",
    "sequences_in_common",
    "worst_misses",
]

FORECASTS = {
    "hnn": "HNN",
    "vit": "ViT",
    "climatology": "climatology",
    "flux": "flux threshold",
}
"""What each forecast is called, in the order they are drawn."""

PAPER_TSS = {
    "M5.0": {"hnn": 0.5925, "vit": 0.2156},
    "M": {"hnn": 0.6111, "vit": 0.1837},
    "C": {"hnn": 0.5884, "vit": 0.1939},
}
"""TSS of the paper's section 4.2, by lowest flare class."""

_COLUMNS = (
    *("model", "fold", "region", "harp", "noaa", "group", "hour", "longitude"),
    *("flare_id", "goes_class", "peak_utc", "label", "probability", "unsigned_flux_mx"),
    *("climatology", "flux_says", "flux_threshold_mx", "flux_sign"),
)
_SCORES: dict[str, Callable[[Any], bool]] = {
    "threshold": lambda value: type(value) in (int, float) and 0 <= value <= 1,
    "flare_class": lambda value: value in FLARE_CLASSES,
    "simulated": lambda value: isinstance(value, bool),
    "dataset": lambda value: isinstance(value, str),
    "dataset_sha256": lambda value: isinstance(value, str),
    "rows": lambda value: isinstance(value, list) and all(isinstance(row, dict) for row in value),
}
"""What scores.json must hold, and when it can be used."""


def read_predictions(table: pd.DataFrame) -> pd.DataFrame:
    """Return a run's predictions if they can be scored.

    Parameters
    ----------
    table : DataFrame
        One row a model and sequence, as `RunFolder.predictions` reads it.

    Raises
    ------
    RunError
        If a column is missing, there is no row, or labels or probabilities are none.
    """
    if absent := [name for name in _COLUMNS if name not in table.columns]:
        raise RunError(
            f"The predictions have no columns {', '.join(absent)}; evaluate the run again."
        )
    if table.empty:
        raise RunError("The predictions hold no sequence; evaluate the run again.")
    if strange := sorted(set(table["model"]) - {"hnn", "vit"}):
        raise RunError(f"The predictions are of {strange[0]!r}, neither hnn nor vit.")
    for name in ("probability", "climatology"):
        if not table[name].between(0.0, 1.0).all():
            raise RunError(f"The column {name} holds values outside 0 to 1; evaluate again.")
    if not (table["label"].isin((0, 1)).all() and table["flux_says"].isin((0, 1)).all()):
        raise RunError("The columns label and flux_says must hold 0 and 1; evaluate again.")
    return table


def read_scores(scores: dict[str, Any]) -> dict[str, Any]:
    """Return a run's scores if they name what they rest on.

    Raises
    ------
    RunError
        If the threshold, the class, the data set or the rows are missing or none.
    """
    absent = [name for name, sound in _SCORES.items() if not sound(scores.get(name))]
    if absent:
        raise RunError(f"scores.json has no usable {', '.join(absent)}; evaluate the run again.")
    return scores


def join_network(predictions: pd.DataFrame, other: pd.DataFrame) -> pd.DataFrame:
    """Join the network of another run to those of a run, on the same test sequences.

    Parameters
    ----------
    predictions, other : DataFrame
        Of `read_predictions`.

    Returns
    -------
    DataFrame
        `predictions`, and of `other` the rows of networks that it does not hold.

    Raises
    ------
    RunError
        If the test sets are not the same sequences with the same labels.
    """
    mine, theirs = _tested(predictions), _tested(other)
    if mine != theirs:
        raise RunError(
            f"The runs were not tested on the same sequences ({len(mine)} and {len(theirs)}, "
            f"{len(mine & theirs)} in common): train both with the same seed and test fraction."
        )
    new = other[~other["model"].isin(set(predictions["model"]))]
    return pd.concat([predictions, new], ignore_index=True)


def sequences_in_common(predictions: pd.DataFrame, other: pd.DataFrame) -> int:
    """Count the test sequences, with their labels and folds, that two runs share."""
    return len(_tested(predictions) & _tested(other))


def forecasts(predictions: pd.DataFrame, threshold: float) -> dict[str, pd.DataFrame]:
    """Decide for every sequence whether it is predicted eruptive, once for each forecast.

    Parameters
    ----------
    predictions : DataFrame
        Of `read_predictions`.
    threshold : float
        Probability from which HNN, ViT and climatology predict eruptive. The threshold on the
        flux was chosen in training and does not move.

    Returns
    -------
    dict
        In the order of `FORECASTS`, those that the run has: its rows with ``said`` (bool) and
        ``score`` (float, the larger the surer of an eruption). The baselines are of the rows of
        its first network.
    """
    scores = {
        name: own.assign(score=own["probability"])
        for name in ("hnn", "vit")
        if len(own := predictions[predictions["model"] == name])
    }
    rows = next(iter(scores.values()))
    scores["climatology"] = rows.assign(score=rows["climatology"])
    found = {name: own.assign(said=own["score"] >= threshold) for name, own in scores.items()}
    flux = rows["flux_sign"].astype(float) * rows["unsigned_flux_mx"].fillna(0.0)
    return found | {"flux": rows.assign(score=flux, said=rows["flux_says"].astype(bool))}


def worst_misses(table: pd.DataFrame, *, most: int = 20) -> pd.DataFrame:
    """Find the flares about which a network was surest and wrong.

    Parameters
    ----------
    table : DataFrame
        Of `forecasts`, of HNN or ViT.
    most : int
        Rows returned at most.

    Returns
    -------
    DataFrame
        The hours on the wrong side of the threshold, of each flare (of each region, where the
        flare has no name) the one with the largest |probability − label|, the largest first:
        all columns of `table` and ``error`` (that difference), ``wrong_hours`` and ``hours`` (of
        the flare, wrong and all).
    """
    named = table["flare_id"].astype(str)
    flare = named.where(named != "", "of " + table["region"].astype(str))
    whose = table.assign(
        flare=table["region"].astype(str) + " " + flare,
        error=(table["probability"] - table["label"]).abs(),
        wrong=table["said"].astype(bool) != table["label"].astype(bool),
    )
    by_flare = whose.groupby("flare")["wrong"]
    whose = whose.assign(wrong_hours=by_flare.transform("sum"), hours=by_flare.transform("size"))
    wrong = whose[whose["wrong"]].sort_values(["error", "hour"], ascending=[False, True])
    first = wrong.drop_duplicates("flare").head(most)
    return first.drop(columns=["flare", "wrong"]).reset_index(drop=True)


def _tested(table: pd.DataFrame) -> set[tuple[object, ...]]:
    keys = table[["fold", "region", "hour", "label"]]
    return set(keys.itertuples(index=False, name=None))
