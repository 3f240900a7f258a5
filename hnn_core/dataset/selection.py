"""The labelled sequences of one flare class and length, as training takes them."""

import numpy as np
import pandas as pd

from hnn_core.dataset.classes import FLARE_CLASSES
from hnn_core.exceptions import DatasetError

__all__ = ["select_sequences"]

_COLUMNS = [
    "region",
    "harp",
    "noaa",
    "group",
    "hour",
    "t_rec",
    "longitude",
    "unsigned_flux_mx",
]
_OF_CLASS = {"flare_id": "flare", "goes_class": "goes", "peak_utc": "peak"}


def select_sequences(
    sequences: pd.DataFrame, flare_class: str, m: int, longest: int, name: str
) -> pd.DataFrame:
    """Keep the sequences with a label of a class and m hours.

    Parameters
    ----------
    sequences : DataFrame
        Of a data set, see `hnn_core.dataset.StoredDataset`.
    flare_class : str
        ``"M5.0"``, ``"M"`` or ``"C"``.
    m : int
        1 to `longest`.
    longest : int
        Hours that the data set stores.
    name : str
        Of the data set, for messages.

    Returns
    -------
    DataFrame
        As `hnn_core.dataset.StoredDataset.select` describes it.

    Raises
    ------
    DatasetError
        No such class, longer than stored, or no sequence is left.
    """
    if flare_class not in FLARE_CLASSES:
        raise DatasetError(
            f"{flare_class!r} is not a flare class; choose {', '.join(FLARE_CLASSES)}."
        )
    if not 1 <= m <= longest:
        raise DatasetError(
            f"{name} stores sequences of up to {longest} hours, not {m}; build it with "
            f"--hours {m} or ask for fewer."
        )
    label = sequences[f"label_{flare_class}"].to_numpy()
    rows = np.stack(sequences["rows"].tolist())[:, -m:]  # (sequences, m)
    usable = (label >= 0) & (rows[:, 0] >= 0)
    if not usable.any():
        raise DatasetError(
            f"{name} has no labelled sequence of {m} hours for ≥{flare_class} flares; take another "
            "class or data set."
        )
    table = sequences.loc[usable, _COLUMNS].copy()
    table["label"] = label[usable].astype(np.int64)
    for column, stored in _OF_CLASS.items():
        table[column] = sequences.loc[usable, f"{stored}_{flare_class}"]
    table["rows"] = list(rows[usable])
    return table.reset_index(drop=True)
