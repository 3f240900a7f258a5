"""The models there are: shipped with the program, the user's own, on the hub."""

from pathlib import Path

import torch

from hnn_core.exceptions import HnnError, UnknownModelError
from hnn_core.home import home
from hnn_core.hub import hub_file
from hnn_core.model import HNN
from hnn_core.model_folder import (
    CONFIG,
    WEIGHTS,
    ModelInfo,
    read_model_info,
    read_weights,
    save_model,
)
from hnn_core.sources.base import SkippedFile

__all__ = ["ModelInfo", "find_model", "list_models", "load_model", "save_model", "scan_models"]

SHIPPED = Path(__file__).resolve().parents[1] / "assets" / "models"


def list_models() -> list[ModelInfo]:
    """Return the models that ship with the program, then the user's own, by name."""
    return scan_models()[0]


def scan_models() -> tuple[list[ModelInfo], list[SkippedFile]]:
    """Look through the shipped models and the user's ``models`` folder.

    Returns
    -------
    models : list of ModelInfo
        A user's model with a shipped model's name is hidden by it.
    skipped : list of SkippedFile
        Folders that cannot be used, with the reason.
    """
    models: dict[str, ModelInfo] = {}
    skipped = []
    for parent in _model_parents():
        for folder in sorted(parent.iterdir()) if parent.is_dir() else ():
            if folder.name.startswith(".") or not folder.is_dir():
                continue
            try:
                info = read_model_info(folder)
            except HnnError as error:
                skipped.append(SkippedFile(path=str(folder), reason=str(error)))
            else:
                models.setdefault(info.name, info)
    return list(models.values()), skipped


def find_model(where: str | Path) -> Path:
    """Return the folder of a model given by name, by path or by hub id.

    Parameters
    ----------
    where : str or Path
        A name such as ``"demo"`` (shipped models first, then the user's), the path of a
        folder, or a Hugging Face hub id such as ``"group/model"`` (downloaded, or taken from
        the hub's cache).

    Raises
    ------
    UnknownModelError
        If nothing of that name exists.
    MissingModelFileError
        If the hub's repository lacks one of the two files.
    """
    text = str(where)
    # A path is never looked up as a name, so that "./demo" and "demo" can differ.
    if isinstance(where, str) and Path(text).name == text and text not in ("", ".", ".."):
        for parent in _model_parents():
            if (parent / text).is_dir():
                return parent / text
    if text and Path(text).expanduser().is_dir():
        return Path(text).expanduser()
    if isinstance(where, str) and text.count("/") == 1 and not text.startswith((".", "/", "~")):
        return _download(text)
    names = ", ".join(info.name for info in list_models()) or "none"
    raise UnknownModelError(
        f"No model named {text!r} and no folder at that path; models here: {names}."
    )


def load_model(where: str | Path) -> tuple[HNN, ModelInfo]:
    """Load a model by name, folder or hub id, as float32 on the CPU, ready to predict.

    Parameters
    ----------
    where : str or Path
        As for `find_model`.

    Returns
    -------
    model : HNN
        In evaluation mode.
    info : ModelInfo

    Raises
    ------
    UnknownModelError, MissingModelFileError, ForeignModelError
        As for `find_model` and `read_model_info`.
    CorruptModelError
        If the weights are not safetensors, not of the model's names and shapes, or not
        finite.
    """
    info = read_model_info(find_model(where))
    # Built without memory: the weights bring their own, and a wrong shape costs nothing.
    with torch.device("meta"):
        model = HNN(info.config)
    weights = read_weights(info.folder / WEIGHTS, model.state_dict())
    model.load_state_dict(weights, assign=True)
    return model.eval(), info


def _model_parents() -> tuple[Path, Path]:
    """Folders that hold model folders: the program's, the user's."""
    return SHIPPED, home() / "models"


def _download(hub_id: str) -> Path:
    """Folder in the hub's cache that holds both files of a repository."""
    try:
        config = hub_file(hub_id, CONFIG)
    except UnknownModelError as error:
        raise UnknownModelError(f"There is no folder {hub_id!r}. {error}") from error
    hub_file(hub_id, WEIGHTS)
    return config.parent
