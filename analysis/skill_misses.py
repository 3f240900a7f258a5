"""The forecasts that were most wrong."""

import pandas as pd

__all__ = ["worst_misses"]


def worst_misses(table: pd.DataFrame, *, most: int = 20) -> pd.DataFrame:
    """Find the flares about which a network was surest and wrong.

    Parameters
    ----------
    table : DataFrame
        Of `skill.forecasts`, of HNN or ViT.
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
