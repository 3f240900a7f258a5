"""The model of a run, made one of the user's own."""

import shutil
import uuid
from pathlib import Path

from hnn_core.exceptions import RunError
from hnn_core.home import home
from hnn_core.model_folder import read_model_info
from hnn_core.model_store import SHIPPED
from hnn_core.training.run_folder import RunFolder

__all__ = ["adopt_model"]


def adopt_model(run: RunFolder) -> str:
    """Copy a run's best model to the user's models, whole or not at all.

    A model of that name, of an earlier training of the same run, is replaced.

    Returns
    -------
    str
        Its name there.

    Raises
    ------
    RunError
        If the run has no model yet, or a shipped model has its name.
    ModelError
        If the model cannot be used.
    """
    if not run.has_model:
        raise RunError(f"{run.name} has no model yet; the first epoch brings one.")
    name = run.model_name
    if (SHIPPED / name).is_dir():
        raise RunError(f"A model named {name!r} came with the program; copy the run and rename it.")
    target = home() / "models" / name
    target.parent.mkdir(exist_ok=True)
    draft = target.with_name(f".{name}-{uuid.uuid4().hex[:8]}")
    try:
        shutil.copytree(run.model_folder, draft)
        read_model_info(draft)
        _put(draft, target)
    except OSError as error:
        raise RunError(f"{run.name}: its model cannot be copied to {target} ({error}).") from error
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return name


def _put(draft: Path, target: Path) -> None:
    old = draft.with_name(f"{draft.name}-old")
    if target.exists():
        target.rename(old)
    try:
        draft.rename(target)
    except OSError:
        if old.exists():
            old.rename(target)
        raise
    shutil.rmtree(old, ignore_errors=True)
