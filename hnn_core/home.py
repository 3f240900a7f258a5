"""The one folder under which everything the program writes lives."""

import os
from pathlib import Path

import platformdirs

__all__ = ["home"]


def home() -> Path:
    """Return the program's folder, made if absent: HNN_HOME, else the user-data folder."""
    folder = Path(os.environ.get("HNN_HOME") or platformdirs.user_data_dir("hnn"))
    folder.mkdir(parents=True, exist_ok=True)
    return folder
