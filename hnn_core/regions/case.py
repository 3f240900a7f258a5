"""A case: one region at one hour, with a model's prediction; and named sets of a few of them.

Sets lie in the program's folder, one JSON file each. People copy, rename and send these files, so
a set is found by its file's name, however that is spelt.
"""

import dataclasses
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from filelock import FileLock

from hnn_core import __version__
from hnn_core.exceptions import RequestError
from hnn_core.magnetogram.conventions import iso_minute, parse_t_rec
from hnn_core.regions.base import SkippedFile
from hnn_core.storage import (
    entries,
    fault_words,
    home,
    now,
    read_json,
    replace_json,
    unreadable,
)

__all__ = [
    "MOST_CASES",
    "Case",
    "CaseSet",
    "cases_from_link",
    "cases_to_link",
    "delete_set",
    "list_sets",
    "load_set",
    "read_set",
    "save_set",
]

MOST_CASES = 12
"""Twice as many as the paper's Figures 6 and 7 show; more belong into a survey."""

_BETWEEN_CASES, _BETWEEN_PARTS = "~", "!"
"""Marks that an address keeps as they are and that no region or hour holds."""
_FORMAT = 1
_LONGEST = 60
_LONGEST_FILE = 255
_UNSAFE = re.compile(r'[%/\\:*?"<>|]|^\.')
"""Marks that a file system minds. Letters stay as they are: 60 of them are 240 bytes at most, and
file systems end at 255."""


@dataclass(frozen=True)
class Case:
    """One region at one hour."""

    source: str
    """As `hnn_core.sources.open_source` takes it."""
    region: str
    """`Region.id`."""
    hour: str
    """The reference time t: ISO minutes, TAI."""
    model: str = ""
    """Name of the model that predicted; empty if none did."""
    sha256: str = ""
    """Of the model's weights and settings then; empty if not known."""
    probability: float | None = None
    """P(eruptive) then; None if the model predicted nothing."""

    def __post_init__(self) -> None:
        for name in ("source", "region"):
            if not getattr(self, name).strip():
                raise RequestError(f"A case without a {name} cannot be shown; choose one.")
        try:
            object.__setattr__(self, "hour", iso_minute(parse_t_rec(self.hour)))
        except ValueError as error:
            raise RequestError(
                f"“{self.hour[:30]}” is no hour of {self.region}; write 2011-02-15T01:00 (TAI)."
            ) from error
        if self.probability is not None and not 0.0 <= self.probability <= 1.0:
            raise RequestError(
                f"{self.probability!r} is no probability of the case {self.region} {self.hour}."
            )

    @property
    def key(self) -> tuple[str, str, str]:
        """What makes it the same case, whatever a model predicts."""
        return (self.source, self.region, self.hour)


@dataclass(frozen=True)
class CaseSet:
    """Cases that are looked at together, under a name."""

    name: str
    cases: tuple[Case, ...]
    saved: str = ""
    """ISO seconds, UTC."""
    program: str = ""
    """Version of the program that saved it."""

    def __post_init__(self) -> None:
        if not 0 < len(self.cases) <= MOST_CASES:
            raise RequestError(
                f"{len(self.cases)} cases make no set; choose from 1 to {MOST_CASES}."
            )
        if len({case.key for case in self.cases}) < len(self.cases):
            raise RequestError(f"The set {self.name!r} has a case twice; remove one of the two.")


def cases_to_link(cases: tuple[Case, ...]) -> str:
    """Write cases as one value of an address, with the models' names but not their answers.

    ``sim:!SIM 1!2011-02-14T00:00!demo~fits:/data!377!2011-02-15T01:00!demo``
    """
    return _BETWEEN_CASES.join(
        _BETWEEN_PARTS.join(re.sub("[%~!]", _percent, part) for part in (*case.key, case.model))
        for case in cases
    )


def cases_from_link(text: str) -> tuple[Case, ...]:
    """Read what `cases_to_link` wrote; a case that is there twice counts once.

    Raises
    ------
    RequestError
        If it is not such a text or holds more cases than a set.
    """
    cases: dict[tuple[str, str, str], Case] = {}
    for one in text.split(_BETWEEN_CASES) if text else ():
        parts = [re.sub("%(25|7E|21)", _mark, part) for part in one.split(_BETWEEN_PARTS)]
        if len(parts) != 4:
            raise RequestError(f"The link holds no case in “{one[:60]}”; copy the whole address.")
        source, region, hour, model = parts
        case = Case(source, region, hour, model)
        cases[case.key] = case
    if len(cases) > MOST_CASES:
        raise RequestError(f"The link holds {len(cases)} cases; up to {MOST_CASES} fit on a page.")
    return tuple(cases.values())


def save_set(
    name: str, cases: tuple[Case, ...], *, replace: bool = False, seen: CaseSet | None = None
) -> CaseSet:
    """Save cases under a name; of several who save under one name at once, one succeeds.

    Parameters
    ----------
    name : str
        Any text of up to 60 characters on one line.
    cases : tuple of Case
    replace : bool
        Whether a set of that name may be overwritten.
    seen : CaseSet, optional
        The set that is to be overwritten, as the caller knows it; None where it knows of none. A
        set that is another by now is kept. A file that cannot be read as a set may be overwritten.

    Raises
    ------
    RequestError
        The name is none, or taken, or the cases make no set, or the file cannot be written.
    """
    name = _tidy(name)
    if not name or len(name) > _LONGEST or not name.isprintable():
        raise RequestError(
            f"“{name[:_LONGEST]}” is no name for a set; use 1 to {_LONGEST} letters."
        )
    made = CaseSet(name, tuple(cases), now(), __version__)
    try:
        with _alone():
            path = _path(name)
            path.parent.mkdir(parents=True, exist_ok=True)
            if path.exists():
                _refuse_overwriting(path, seen, replace=replace)
            replace_json(path, {"format": _FORMAT, **dataclasses.asdict(made)})
    except OSError as error:
        why = fault_words(error) or f"{unreadable(error)}."
        raise RequestError(f"The set “{name}” cannot be saved: {why}") from error
    return made


def load_set(name: str) -> CaseSet:
    """Return the set of that name.

    Raises
    ------
    RequestError
        There is none, or its file cannot be used; the file is kept.
    """
    return _named(_existing(name))


def read_set(path: Path) -> CaseSet:
    """Read a set from its file, which another person may have sent.

    Raises
    ------
    RequestError
        There is no such file or it is no set of cases.
    """
    try:
        values = read_json(path)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise RequestError(f"There is no set “{_name(path)}”.") from error
    except OSError as error:
        raise RequestError(f"{path.name} cannot be read ({unreadable(error)}).") from error
    except ValueError as error:
        raise RequestError(f"{path.name} is no set of cases: {unreadable(error)}.") from error
    if not isinstance(values.get("format"), int):
        raise RequestError(f"{path.name} is no set of cases: it does not say which format it has.")
    if values["format"] > _FORMAT:
        raise RequestError(
            f"{path.name} was saved by a newer version of this program "
            f"({_text(values, 'program') or 'unknown'}, this is {__version__}); update to open it."
        )
    try:
        cases = tuple(_case(one) for one in values["cases"])
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise RequestError(
            f"{path.name} is no set of cases: a case in it is incomplete."
        ) from error
    name, saved, program = (_text(values, key) for key in ("name", "saved", "program"))
    return CaseSet(name or _name(path), cases, saved, program)


def list_sets() -> tuple[list[CaseSet], list[SkippedFile]]:
    """Return the saved sets by name, and the files that are none with the reason.

    `load_set` and `delete_set` find every one of them by its name.
    """
    sets, skipped = [], []
    taken: set[str] = set()
    for path in _files():
        try:
            if _name(path) in taken:
                raise RequestError(
                    f"Another file holds the set “{_name(path)}”; give one of them another name."
                )
            taken.add(_name(path))
            sets.append(_named(path))
        except RequestError as error:
            skipped.append(SkippedFile(path.name, str(error)))
    return sorted(sets, key=lambda one: (one.name.casefold(), one.name)), skipped


def delete_set(name: str) -> None:
    """Remove a set. Raises RequestError if there is none or its file cannot be removed."""
    try:
        with _alone():
            _existing(name).unlink()
    except FileNotFoundError as error:
        raise RequestError(f"There is no set “{name}”.") from error
    except OSError as error:
        raise RequestError(f"The set “{name}” cannot be deleted ({unreadable(error)}).") from error


def _alone() -> FileLock:
    """Return the lock under which sets are saved and deleted, by whatever process."""
    return FileLock(home() / "cases.lock")


def _refuse_overwriting(path: Path, seen: CaseSet | None, *, replace: bool) -> None:
    """Raise RequestError where a set is there that its saver did not mean to overwrite."""
    name = _name(path)
    if not replace:
        raise RequestError(f"There is a set “{name}” already; choose another name or replace it.")
    try:
        there = _named(path)
    except RequestError:
        return  # no set that could be lost
    if there != seen:
        raise RequestError(
            f"The set “{name}” was saved by somebody else meanwhile ({there.saved}) and is kept; "
            "open it first, or save again to replace it."
        )


def _percent(mark: re.Match[str]) -> str:
    return f"%{ord(mark[0]):02X}"


def _mark(percent: re.Match[str]) -> str:
    return chr(int(percent[1], 16))


def _case(values: dict[str, Any]) -> Case:
    """Read a case; what later versions may add is left alone."""
    words = {key: values[key] for key in ("source", "region", "hour")}
    words |= {key: values.get(key, "") for key in ("model", "sha256")}
    probability = values.get("probability")
    if isinstance(probability, bool) or not all(isinstance(one, str) for one in words.values()):
        raise TypeError("a value of another kind")
    return Case(**words, probability=None if probability is None else float(probability))


def _text(values: dict[str, Any], key: str) -> str:
    value = values.get(key)
    return value if isinstance(value, str) else ""


def _named(path: Path) -> CaseSet:
    """Read a set of the folder. Its file's name counts, as two files may hold one name."""
    return dataclasses.replace(read_set(path), name=_name(path))


def _tidy(name: str) -> str:
    return " ".join(name.split())


def _name(path: Path) -> str:
    return _tidy(unquote(path.stem)) or path.name


def _own_path(name: str) -> Path:
    return home() / "cases" / f"{_UNSAFE.sub(_percent, name)}.json"


def _path(name: str) -> Path:
    """File of a name: this program's spelling, else another that someone has put there."""
    return next((path for path in _files() if _name(path) == name), _own_path(name))


def _existing(name: str) -> Path:
    """File of a name that a person gave; RequestError if no file can have that name."""
    if "\0" in name or len(name) > _LONGEST_FILE:
        raise RequestError(f"There is no set “{name[:_LONGEST]}”.".replace("\0", "�"))
    return _path(_tidy(name))


def _files() -> list[Path]:
    """Files that may be sets, those that this program named first; none without a folder."""
    inside = entries(home() / "cases")
    found = [path for path in inside if path.suffix == ".json" and path.name[0] != "."]
    return sorted(found, key=lambda path: (path != _own_path(_name(path)), path.name))
