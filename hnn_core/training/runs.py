"""The runs there are: shipped with the program, and the user's own."""

from pathlib import Path

from hnn_core.exceptions import RunError, UnknownRunError
from hnn_core.home import home
from hnn_core.sources.base import SkippedFile
from hnn_core.training import run_folder
from hnn_core.training.run_folder import RunFolder

__all__ = ["find_run", "list_runs", "new_run_folder", "runs_home"]


def runs_home() -> Path:
    """Folder of the user's runs."""
    return home() / "runs"


def new_run_folder(name: str) -> Path:
    """Make an empty folder for a run.

    Raises
    ------
    RunError
        If the name is no folder name or a run has it already.
    """
    bad = not name or name != Path(name).name or name.startswith(".") or len(name) > 100
    if bad or not all(sign.isalnum() or sign in "-_. +" for sign in name):
        raise RunError(
            f"{name!r} cannot name a run: letters, digits, spaces and - _ . + are possible, and "
            "no dot in front."
        )
    folder = runs_home() / name
    try:
        folder.mkdir(parents=True)
    except FileExistsError as error:
        raise RunError(f"There is a run {name!r} already; choose another name.") from error
    return folder


def find_run(where: str | Path) -> RunFolder:
    """Return a run by name (the user's own first, then shipped) or by path.

    Raises
    ------
    UnknownRunError
        If there is none.
    """
    text = str(where)
    if text and Path(text).name == text and text not in (".", ".."):
        for parent in (runs_home(), run_folder.SHIPPED):
            if (parent / text / "config.json").is_file():
                return RunFolder(parent / text)
    if text and (Path(text).expanduser() / "config.json").is_file():
        return RunFolder(Path(text).expanduser())
    names = ", ".join(run.name for run in list_runs()[0]) or "none"
    raise UnknownRunError(f"There is no run {text!r}; runs here: {names}.")


def list_runs() -> tuple[list[RunFolder], list[SkippedFile]]:
    """Return the shipped runs, then the user's own, the newest first.

    Returns
    -------
    runs : list of RunFolder
    skipped : list of SkippedFile
        Folders that cannot be used, with the reason.
    """
    runs, skipped = [], []
    own = runs_home()
    for folder in [*_folders(run_folder.SHIPPED), *sorted(_folders(own), key=_made, reverse=True)]:
        try:
            runs.append(RunFolder(folder))
        except RunError as error:
            skipped.append(SkippedFile(str(folder), str(error)))
    return runs, skipped


def _folders(parent: Path) -> list[Path]:
    if not parent.is_dir():
        return []
    return sorted(p for p in parent.iterdir() if p.is_dir() and not p.name.startswith("."))


def _made(folder: Path) -> float:
    """When a run was asked for."""
    config = folder / "config.json"
    return (config if config.is_file() else folder).stat().st_mtime
