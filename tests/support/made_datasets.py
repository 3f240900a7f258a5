"""A data set in memory whose classes a small network can tell apart, for tests of training."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from hnn_core.magnetogram.preprocess import PreprocessConfig

HOURS = 16
"""Frames of a region; with m = 4 it has thirteen sequences."""


class MadeDataset:
    """Regions with a bipole whose place tells the class, as `StoredDataset` offers them."""

    name, sha256, folder = "made", "0" * 64, Path("made")
    preprocess = PreprocessConfig()

    def __init__(self, n_regions: int = 12, *, labels: list[int] | None = None) -> None:
        self.card = {"simulated": True, "source": "sim:9:12", "policy": "unlinked-is-confined"}
        self.labels = labels or [k % 2 for k in range(n_regions)]
        self.frames = np.stack([_frame(k, hour, label) for k, label in enumerate(self.labels)
                                for hour in range(HOURS)])  # fmt: skip
        self.reads = 0

    def select(self, _: str, m: int) -> pd.DataFrame:
        rows = [
            {
                "region": f"SIM {k + 1}",
                "harp": 900001 + k,
                "noaa": "",
                "group": k,
                "hour": pd.Timestamp("2013-01-01") + pd.Timedelta(hours=hour),
                "t_rec": pd.Timestamp("2013-01-01") + pd.Timedelta(hours=hour),
                "longitude": 5.0 * k - 30.0,
                "unsigned_flux_mx": 1e22 + 1e20 * ((7 * k) % 12) + 1e21 * label,
                "label": label,
                "flare_id": f"flare {k}",
                "goes_class": ("M1.5", "X1.0")[k % 3 == 0],
                "peak_utc": pd.Timestamp("2013-01-02"),
                "rows": np.arange(hour - m + 1, hour + 1, dtype=np.int32) + k * HOURS,
            }
            for k, label in enumerate(self.labels)
            for hour in range(m - 1, HOURS)
        ]
        return pd.DataFrame(rows)

    def read_frames(self, rows: np.ndarray) -> np.ndarray:
        self.reads += len(rows)
        return self.frames[rows]


def _frame(region: int, hour: int, label: int) -> np.ndarray:
    """Make a bipole that drifts with the hours: in the north if eruptive, else in the south."""
    rng = np.random.default_rng([region, hour])
    frame = rng.normal(0.0, 0.01, (224, 224))
    row, col = (32, 128)[label] + 2 * (region % 4), 48 + 2 * hour
    frame[row : row + 64, col : col + 48] += 0.5
    frame[row : row + 64, col + 48 : col + 96] -= 0.5
    return frame.astype(np.float16)


def small_training(**changes: Any) -> dict[str, Any]:
    """Settings of a training that takes seconds."""
    small = {
        "dataset": "made", "pretrained": "none", "frames": 4, "patch": 32, "depth": 1, "heads": 2,
        "width": 16, "lstm_hidden": 8, "epochs": 2, "batch": 16, "run_hours": 4,
        "learning_rate": 1e-3, "validation_fraction": 0.2, "precision": "32", "accelerator": "cpu",
    }  # fmt: skip
    return {**small, **changes}
