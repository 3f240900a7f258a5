"""Case sets under their names, one JSON file each, in the program's folder."""

import json
import os
import re
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

from hnn_core import __version__
from hnn_core.case import Case, CaseSet
from hnn_core.exceptions import RequestError
from hnn_core.home import home
from hnn_core.sources.base import SkippedFile

__all__ = ["delete_set", "list_sets", "load_set", "read_set", "save_set"]

_FORMAT = 1
_LONGEST = 60


def save_set(name: str, cases: tuple[Case, ...], *, replace: bool = False) -> CaseSet:
    """Save cases under a name.

    Parameters
    ----------
    name : str
        Any text of up to 60 characters on one line.
    cases : tuple of Case
    replace : bool
        Whether a set of that name may be overwritten.

    Raises
    ------
    RequestError
        The name is none, or taken, or the cases make no set.
    """
    name = " ".join(name.split())
    if not name or len(name) > _LONGEST or not name.isprintable():
        raise RequestError(
            f"“{name[:_LONGEST]}” is no name for a set; use 1 to {_LONGEST} letters."
        )
    path = _path(name)
    if path.exists() and not replace:
        raise RequestError(f"There is a set “{name}” already; choose another name or replace it.")
    saved = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    made = CaseSet(name, cases, saved, __version__)
    draft = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        values = {"format": _FORMAT, **asdict(made)}
        draft.write_text(json.dumps(values, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
        draft.replace(path)
    except OSError as error:
        raise RequestError(f"The set “{name}” cannot be saved ({error.strerror}).") from error
    finally:
        draft.unlink(missing_ok=True)
    return made


def load_set(name: str) -> CaseSet:
    """Return the set of that name.

    Raises
    ------
    RequestError
        There is none, or its file cannot be used; the file is kept.
    """
    return read_set(_path(name))


def read_set(path: Path) -> CaseSet:
    """Read a set from its file, which another person may have sent.

    Raises
    ------
    RequestError
        There is no such file or it is no set of cases.
    """
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise RequestError(f"There is no set “{unquote(path.stem)}”.") from error
    except ValueError as error:
        raise RequestError(f"{path.name} is no set of cases: it is not JSON.") from error
    if not isinstance(values, dict) or not isinstance(values.get("format"), int):
        raise RequestError(f"{path.name} is no set of cases: it does not say which format it has.")
    if values["format"] > _FORMAT:
        raise RequestError(
            f"{path.name} was saved by a newer version of this program "
            f"({values.get('program', 'unknown')}, this is {__version__}); update to open it."
        )
    try:
        cases = tuple(_case(one) for one in values["cases"])
        name, saved, program = (str(values.get(key, "")) for key in ("name", "saved", "program"))
        return CaseSet(name or unquote(path.stem), cases, saved, program)
    except (KeyError, TypeError, AttributeError) as error:
        raise RequestError(
            f"{path.name} is no set of cases: a case in it is incomplete."
        ) from error


def list_sets() -> tuple[list[CaseSet], list[SkippedFile]]:
    """Return the saved sets by name, and the files that are none with the reason."""
    sets, skipped = [], []
    for path in sorted(_folder().glob("*.json")):
        if path.name.startswith("."):
            continue
        try:
            sets.append(read_set(path))
        except RequestError as error:
            skipped.append(SkippedFile(path.name, str(error)))
    return sorted(sets, key=lambda one: one.name.casefold()), skipped


def delete_set(name: str) -> None:
    """Remove a set. Raises RequestError if there is none."""
    try:
        _path(name).unlink()
    except OSError as error:
        raise RequestError(f"There is no set “{name}”.") from error


def _case(values: dict[str, Any]) -> Case:
    """Read a case; what later versions may add is left alone."""
    probability = values.get("probability")
    return Case(
        source=str(values["source"]),
        region=str(values["region"]),
        hour=str(values["hour"]),
        model=str(values.get("model", "")),
        sha256=str(values.get("sha256", "")),
        probability=None if probability is None else float(probability),
    )


def _path(name: str) -> Path:
    """File of a name: every mark that a file system could mind is written as a number."""
    safe = quote(name, safe=" ")
    return _folder() / f"{re.sub(r'^[.]', '%2E', safe)}.json"


def _folder() -> Path:
    folder = home() / "cases"
    folder.mkdir(exist_ok=True)
    return folder
