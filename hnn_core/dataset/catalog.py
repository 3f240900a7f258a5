"""The data sets of this computer: which there are, and where one is."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hnn_core.dataset.card import CARD, read_card
from hnn_core.dataset.classes import FLARE_CLASSES
from hnn_core.dataset.work_folder import building_folder
from hnn_core.exceptions import DatasetError, UnfinishedDatasetError, UnknownDatasetError
from hnn_core.home import home
from hnn_core.sources.base import SkippedFile

__all__ = ["DatasetInfo", "dataset_folder", "datasets_home", "find_dataset", "list_datasets"]


@dataclass(frozen=True)
class DatasetInfo:
    """What the card of a data set tells, without opening its tables."""

    name: str
    folder: Path
    card: dict[str, Any]

    @property
    def source(self) -> str:
        """Specification of the source it was built from."""
        return str(self.card["source"])

    def is_partial(self, flare_class: str) -> bool:
        """Whether only some hours before flares of a class were fetched.

        A set that was planned for ≥M holds the hours before those flares; of weaker ones it holds
        what happens to lie there.
        """
        kind, _, rest = self.source.partition(":")
        planned = rest.split(":")[0]
        if kind != "jsoc" or planned not in FLARE_CLASSES or flare_class not in FLARE_CLASSES:
            return False
        return FLARE_CLASSES.index(flare_class) > FLARE_CLASSES.index(planned)

    @property
    def policy(self) -> str:
        """What counts as confined."""
        return str(self.card["policy"])

    @property
    def hours(self) -> int:
        """Longest sequence stored."""
        return int(self.card["hours"])

    @property
    def simulated(self) -> bool:
        """True where every region is simulated."""
        return bool(self.card["simulated"])

    @property
    def counts(self) -> dict[str, dict[str, int]]:
        """Frames and flares by flare class."""
        return dict(self.card["counts"])

    @property
    def sha256(self) -> str:
        """Checksum that stands for the whole data set."""
        return str(self.card["sha256"])


def datasets_home() -> Path:
    """Return where data sets with a bare name lie."""
    return home() / "datasets"


def dataset_folder(name_or_path: str | Path) -> Path:
    """Return the folder that a name or path means, whether it exists or not.

    A bare name lies in the program's folder.
    """
    text = str(name_or_path).strip()
    path = Path(text).expanduser()
    if not text or path.name in ("", ".", "..") or path.name.startswith("."):
        raise UnknownDatasetError(f"{text!r} is not a name for a data set.")
    bare = not {"/", os.sep} & set(text) and not text.startswith("~")
    return datasets_home() / text if bare else path.absolute()


def find_dataset(name_or_path: str | Path) -> Path:
    """Return the folder of a data set, by its name or path; a name may also mean one here.

    Raises
    ------
    UnknownDatasetError
        There is none.
    UnfinishedDatasetError
        Its build has not come to its end.
    """
    folder = dataset_folder(name_or_path)
    for path in (folder, Path(name_or_path).absolute()):
        if (path / CARD).exists():
            return path
    if building_folder(folder).exists():
        raise UnfinishedDatasetError(
            f"The data set {name_or_path} is not whole yet; run the same data build again to go on "
            "with it."
        )
    names = ", ".join(info.name for info in list_datasets()[0]) or "none"
    raise UnknownDatasetError(
        f"There is no data set {str(name_or_path)!r}; there are: {names}; make one with data build."
    )


def list_datasets() -> tuple[list[DatasetInfo], list[SkippedFile]]:
    """List the data sets in the program's folder by name, and folders that are none, with why."""
    found, skipped = [], []
    folder = datasets_home()
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        if not path.is_dir():
            continue
        try:
            found.append(DatasetInfo(path.name, path, read_card(path)))
        except DatasetError as error:
            skipped.append(SkippedFile(path.name, str(error)))
    return found, skipped
