"""The card of a data set: how it was made, the sums that prove it whole, and where sets lie."""

import hashlib
import json
import os
from collections.abc import Callable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from hnn_core.dataset.work_folder import building_folder
from hnn_core.exceptions import (
    CorruptDatasetError,
    DatasetError,
    ForeignDatasetError,
)
from hnn_core.magnetogram.preprocess import PreprocessConfig
from hnn_core.regions.base import SkippedFile
from hnn_core.regions.goes_classes import FLARE_CLASSES
from hnn_core.storage import (
    entries,
    fault_words,
    home,
    reachable,
    read_json,
    typed_path,
    unreadable,
)

__all__ = [
    "CARD",
    "FORMAT",
    "PAPER_TABLE1",
    "DatasetInfo",
    "check_files",
    "dataset_folder",
    "file_sha256",
    "find_dataset",
    "list_datasets",
    "read_card",
    "seal",
    "text_sha256",
]

CARD = "card.json"
FORMAT = 1

PAPER_TABLE1: dict[str, dict[str, int]] = {
    "M5.0": {"positive": 2645, "negative": 1685, "eruptive_flares": 69, "confined_flares": 51},
    "M": {"positive": 6703, "negative": 10631, "eruptive_flares": 184, "confined_flares": 435},
    "C": {"positive": 12336, "negative": 12059, "eruptive_flares": 301, "confined_flares": 472},
}
"""The paper's Table 1 and the flares of its section 2, to compare with one's own counts."""

_NEEDED: dict[str, type | tuple[type, ...]] = {
    "source": str,
    "policy": str,
    "preprocess": dict,
    "hours": int,
    "counts": dict,
    "simulated": bool,
    "regions": int,
    "frames": int,
    "sequences": int,
    "excluded": dict,
    "files": dict,
    "sha256": str,
}


def seal(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the card with its own sum, which stands for the whole data set.

    For the card holds the sums of the tables, and the table of frames one for each frame.
    """
    return {**values, "sha256": _sum(values)}


def read_card(folder: Path) -> dict[str, Any]:
    """Read the card of a data set and check it.

    Raises DatasetError where there is no card or its build has not come to its end,
    ForeignDatasetError for another program's or format's, CorruptDatasetError for one that is
    damaged or was changed.
    """
    if folder.name.endswith(".building") or (
        building_folder(folder).exists() and not (folder / CARD).exists()
    ):
        raise DatasetError(
            f"The build of {folder} has not come to its end; run the same data build again to "
            "resume it."
        )
    path = folder / CARD
    try:
        card = read_json(path)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise DatasetError(
            f"{folder} is not a data set: it has no {CARD}; make one with data build."
        ) from error
    except (OSError, ValueError) as error:
        damaged = f"{path} cannot be read ({unreadable(error)}); build the data set again."
        raise CorruptDatasetError(fault_words(error) or damaged) from error
    if card.get("format") != FORMAT:
        raise ForeignDatasetError(
            f"{path} is of format {card.get('format')!r}, this program reads format {FORMAT}; "
            "build the data set again."
        )
    wrong = [key for key, kind in _NEEDED.items() if not isinstance(card.get(key), kind)]
    if wrong:
        raise ForeignDatasetError(f"{path} has no usable {', '.join(wrong)}; build it again.")
    if card["sha256"] != _sum({key: card[key] for key in card if key != "sha256"}):
        raise CorruptDatasetError(f"{path} does not match its own checksum; build it again.")
    try:
        PreprocessConfig.from_dict(card["preprocess"])
    except (TypeError, ValueError) as error:
        raise ForeignDatasetError(
            f"{path} has frames made with unknown preprocessing ({error}); build it again."
        ) from error
    return card


def check_files(
    folder: Path, card: Mapping[str, Any], sha256: Callable[[Path], str] | None = None
) -> None:
    """Raise CorruptDatasetError if a table is absent or is not that of the card's sums.

    `sha256` gives the sum of a file; by default the file is read.
    """
    for name, expected in card["files"].items():
        try:
            found = (sha256 or file_sha256)(folder / name)
        except OSError as error:
            raise CorruptDatasetError(
                f"{folder / name} cannot be read ({error.strerror}); build the data set again."
            ) from error
        if found != expected:
            raise CorruptDatasetError(
                f"{folder / name} does not match its checksum in the card; build the data set "
                "again."
            )


def file_sha256(path: Path) -> str:
    """Return the SHA-256 of a file, hexadecimal."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def known_sha256(path: Path) -> str:
    """`file_sha256`, remembered while the size and the time of the file stay the same."""
    state = path.stat()
    return _sha256_of(path, state.st_size, state.st_mtime_ns)


@lru_cache(maxsize=512)
def _sha256_of(path: Path, size: int, changed: int) -> str:
    del size, changed
    return file_sha256(path)


def text_sha256(text: str) -> str:
    """Return the SHA-256 of a text in UTF-8, hexadecimal."""
    return hashlib.sha256(text.encode()).hexdigest()


class DatasetInfo:
    """What the card of a data set in a folder holds, without opening its tables."""

    def __init__(self, folder: Path, card: dict[str, Any]) -> None:
        self.folder, self.card, self.name = folder, card, folder.name
        self.source: str = card["source"]
        """Specification of the source it was built from."""
        self.policy: str = card["policy"]
        """What counts as not eruptive."""
        self.hours: int = card["hours"]
        """Longest sequence stored."""
        self.simulated: bool = card["simulated"]
        """True where every region is simulated."""
        self.counts: dict[str, dict[str, int]] = card["counts"]
        """Frames and flares by flare class."""
        self.sha256: str = card["sha256"]
        """Checksum that stands for the whole data set."""

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


def dataset_folder(name_or_path: str | Path) -> Path:
    """Return the folder that a name or path means, whether it exists or not.

    A bare name lies in the program's folder.
    """
    text = str(name_or_path).strip()
    path = typed_path(text)
    if not text.isprintable() or path.name in ("", ".", "..") or path.name.startswith("."):
        raise DatasetError(f"{text!r} is not a name for a data set.")
    bare = not {"/", os.sep} & set(text) and not text.startswith("~")
    return home() / "datasets" / text if bare else path.absolute()


def find_dataset(name_or_path: str | Path) -> Path:
    """Return the folder of a data set, by its name or path; a name may also mean one here.

    Raises
    ------
    DatasetError
        There is none, or its build has not come to its end.
    """
    folder = dataset_folder(name_or_path)
    for path in (folder, Path(name_or_path).absolute()):
        if reachable(path / CARD):
            return path
    if reachable(building_folder(folder)):
        raise DatasetError(
            f"The data set {name_or_path} is not whole yet; run the same data build again to "
            "resume it."
        )
    names = ", ".join(info.name for info in list_datasets()[0]) or "none"
    raise DatasetError(
        f"There is no data set {str(name_or_path)!r}; there are: {names}; make one with data build."
    )


def list_datasets() -> tuple[list[DatasetInfo], list[SkippedFile]]:
    """List the data sets in the program's folder by name, and folders that are none, with why."""
    found, skipped = [], []
    for path in entries(home() / "datasets"):
        if not path.is_dir():
            continue
        try:
            card = read_card(path)
            check_files(path, card, known_sha256)
            found.append(DatasetInfo(path, card))
        except DatasetError as error:
            skipped.append(SkippedFile(path.name, str(error)))
    return found, skipped


def _sum(values: Mapping[str, Any]) -> str:
    return text_sha256(json.dumps(values, sort_keys=True, ensure_ascii=True))
