"""Models on disk: those shipped with the program, the user's own, and those on the hub.

A model is a folder with config.json and model.safetensors, as on the Hugging Face hub. Weights
are safetensors only; nothing is ever unpickled. config.json holds the SHA-256 of the weights, which
is checked when they are loaded: a flipped bit would be another network with another answer. A
folder that cannot be used raises one error whose sentence names the file. What is known of a model
without its weights is read without torch, which takes seconds to import.
"""

import json
import shutil
import uuid
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from safetensors import SafetensorError, safe_open

from hnn_core.exceptions import (
    HnnError,
    ModelError,
    UnknownModelError,
)
from hnn_core.network.config import (
    CONFIG,
    WEIGHTS,
    HNNConfig,
    check_weights,
    network_sha256,
    read_checksum,
    weights_sha256,
    write_config,
)
from hnn_core.regions.base import SkippedFile
from hnn_core.services.hub import hub_file
from hnn_core.storage import (
    entries,
    flush_folder,
    home,
    naming,
    reachable,
    read_json,
    replace_folder,
    typed_path,
    unreadable,
)

if TYPE_CHECKING:
    import torch

    from hnn_core.network.model import HNN

__all__ = ["ModelInfo", "list_models", "load_model", "read_model_info", "save_model"]

SHIPPED = Path(__file__).resolve().parents[2] / "assets" / "models"


@dataclass(frozen=True)
class ModelInfo:
    """What is known of a model without reading its weights."""

    name: str
    """Name of the folder, or the hub id of a model from the hub's cache."""
    folder: Path
    config: HNNConfig
    metadata: dict[str, Any] = field(default_factory=dict)
    """Whatever the trainer wrote down: data, seeds, test scores."""
    checksum: str = ""
    """SHA-256 of the weights by config.json; empty in a folder of an earlier version."""

    @property
    def flare_class(self) -> str:
        """Lowest class of the coming flare, one of `FLARE_CLASSES`."""
        return self.config.flare_class

    @property
    def note(self) -> str:
        """A sentence that belongs next to every answer of the model; empty if there is none."""
        if self.checksum:
            return ""
        return (
            f"The model {self.name} carries no checksum, as earlier versions wrote it: damage to "
            "its weights would not be noticed."
        )

    @cached_property
    def weights_sha256(self) -> str:
        """SHA-256 of model.safetensors, 64 hexadecimal digits; computed at first use.

        Raises
        ------
        ModelError
            If the file is gone.
        """
        return weights_sha256(self.folder)

    @property
    def sha256(self) -> str:
        """SHA-256 of the weights and of all settings in config.json, which names the network.

        The metadata do not count. ModelError as for `weights_sha256`.
        """
        return network_sha256(self.weights_sha256, asdict(self.config))

    def is_known_as(self, sha256: str) -> bool:
        """Whether a stored number names this network; earlier versions stored the weights' own."""
        return sha256 in (self.sha256, self.weights_sha256)

    def verify(self) -> None:
        """Check the weights against the checksum, where there is one.

        Raises
        ------
        ModelError
            If they are not the ones that were saved, or cannot be read.
        """
        check_weights(self.folder, self.weights_sha256, self.checksum)


def read_model_info(folder: Path) -> ModelInfo:
    """Read config.json and check that it and the weights' file are ours to use.

    Raises
    ------
    ModelError
        If config.json or model.safetensors is absent, or config.json is another program's, is not
        JSON or holds an impossible value.
    """
    for name in (CONFIG, WEIGHTS):
        if not (folder / name).is_file():
            raise ModelError(f"{folder} has no {name}, so it is not a model folder.")
    path = folder / CONFIG
    try:
        values = read_json(path)
    except (OSError, ValueError) as error:
        raise ModelError(
            f"{path} is broken ({unreadable(error)}). Copy the model folder again, or train it "
            "anew."
        ) from error
    architecture = values.get("architecture")
    if architecture != "hnn":
        kind = values.get("model_type", architecture)
        raise ModelError(
            f"{path} describes a model of another program (architecture {kind!r}); this "
            "program uses 'hnn'."
        )
    metadata = values.get("metadata", {})
    if not isinstance(metadata, dict):
        raise ModelError(f"{path}: metadata is not a dictionary.")
    checksum = read_checksum(values, path)
    try:
        config = HNNConfig.from_dict(values)
    except (TypeError, ValueError) as error:
        raise ModelError(f"{path}: {error}.") from error
    return ModelInfo(_name(folder), folder, config, metadata, checksum)


def save_model(
    model: "HNN",
    folder: str | Path,
    *,
    dtype: "torch.dtype | None" = None,
    metadata: Mapping[str, Any] | None = None,
    card: str | None = None,
) -> ModelInfo:
    """Write a model's folder, all of it or nothing.

    Parameters
    ----------
    model : HNN
    folder : str or Path
        Made, with its parents; one that is there is replaced.
    dtype : torch.dtype, optional
        Stored type of the weights, such as ``torch.float16``; as they are when None.
        `load_model` gives float32 back.
    metadata : mapping, optional
        Free, JSON-able: what the model was trained on, seeds, test scores. NaN becomes null.
    card : str, optional
        Markdown written as README.md, the hub's model card.

    Returns
    -------
    ModelInfo

    Raises
    ------
    ModelError
        If a weight is not finite, in the model or because `dtype` cannot hold it.
    """
    from safetensors.torch import save_file

    folder = Path(folder)
    weights = {
        name: tensor.detach().to("cpu", dtype or tensor.dtype).contiguous()
        for name, tensor in model.state_dict().items()
    }
    for name, tensor in weights.items():
        if not tensor.isfinite().all():
            raise ModelError(f"{name} is not finite as {tensor.dtype}; {folder} is not written.")
    # Undefined scores are NaN in Python and null in JSON, which knows no NaN.
    known = json.loads(json.dumps(dict(metadata or {})), parse_constant=lambda _: None)
    folder.parent.mkdir(parents=True, exist_ok=True)
    draft = folder.parent / f".{folder.name}-{uuid.uuid4().hex[:8]}"
    draft.mkdir()
    try:
        with naming(folder / WEIGHTS):
            save_file(weights, draft / WEIGHTS, metadata={"format": "pt"})
            write_config(draft, asdict(model.config) | {"metadata": known})
            # safetensors makes files that only their owner can read, whatever the umask.
            (draft / WEIGHTS).chmod((draft / CONFIG).stat().st_mode)
            if card is not None:
                (draft / "README.md").write_text(card, encoding="utf-8")
            flush_folder(draft)
            replace_folder(draft, folder)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return read_model_info(folder)


def list_models() -> tuple[list[ModelInfo], list[SkippedFile]]:
    """Look through the shipped models and the user's ``models`` folder.

    Returns
    -------
    models : list of ModelInfo
        Those shipped, then the user's own, by name; a shipped one hides a user's of its name.
    skipped : list of SkippedFile
        Folders that cannot be used, with the reason.
    """
    models: dict[str, ModelInfo] = {}
    skipped = []
    for parent in _model_parents():
        for folder in entries(parent):
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
    """Return the folder of a model given as for `load_model`."""
    text = str(where)
    path = typed_path(text)
    # A path is never looked up as a name, so that "./demo" and "demo" can differ.
    if isinstance(where, str) and Path(text).name == text and text not in ("", ".", ".."):
        for parent in _model_parents():
            if reachable(parent / text):
                return parent / text
    if text and reachable(path) and path.is_dir():
        return path
    if isinstance(where, str) and text.count("/") == 1 and not text.startswith((".", "/", "~")):
        return _download(text)
    names = ", ".join(info.name for info in list_models()[0]) or "none"
    raise UnknownModelError(
        f"No model named {text!r} and no folder at that path; models here: {names}."
    )


def load_model(where: str | Path) -> tuple["HNN", ModelInfo]:
    """Load a model by name, folder or hub id, as float32 on the CPU, ready to predict.

    Parameters
    ----------
    where : str or Path
        A name such as ``"demo"`` (shipped models first, then the user's), the path of a
        folder, or a Hugging Face hub id such as ``"group/model"`` (downloaded, or taken from
        the hub's cache).

    Returns
    -------
    model : HNN
        In evaluation mode.
    info : ModelInfo

    Raises
    ------
    UnknownModelError
        If nothing of that name exists.
    ModelError
        As for `read_model_info`, if a file is not in the hub's repository, or if the weights are
        not those of the checksum, not safetensors, not of the model's names and shapes, or not
        finite.
    """
    while True:
        folder = find_model(where)
        before = _identity(folder)
        try:
            loaded = _load(folder)
        except ModelError:
            if _identity(folder) == before:
                raise
        else:
            if _identity(folder) == before:
                return loaded
        # Another model took the folder's place meanwhile: settings and weights may be of two.


def _identity(folder: Path) -> int | None:
    """Return what changes where another folder takes this one's place."""
    return folder.stat().st_ino if reachable(folder) else None


def _load(folder: Path) -> tuple["HNN", ModelInfo]:
    import torch

    from hnn_core.network.model import HNN

    info = read_model_info(folder)
    info.verify()
    # Built without memory: the weights bring their own, and a wrong shape costs nothing.
    with torch.device("meta"):
        model = HNN(info.config)
    weights = _read_weights(info.folder / WEIGHTS, model.state_dict())
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


def _name(folder: Path) -> str:
    """Return the folder's name, or the hub id for a folder in the hub's cache."""
    folder = folder.resolve()
    # There it is models--group--name/snapshots/<commit>.
    if folder.parent.name == "snapshots":
        return folder.parents[1].name.removeprefix("models--").replace("--", "/")
    return folder.name


def _read_weights(path: Path, expected: "Mapping[str, torch.Tensor]") -> "dict[str, torch.Tensor]":
    """Read weights of exactly the expected names and shapes, finite, as float32 copies."""
    weights = {}
    try:
        with safe_open(path, framework="pt") as file:
            names = set(file.keys())
            for kind, wrong in (
                ("misses", sorted(set(expected) - names)),
                ("has the unexpected", sorted(names - set(expected))),
            ):
                if wrong:
                    raise ModelError(
                        f"{path} {kind} tensor {wrong[0]} ({len(wrong)} such), so it does not "
                        f"belong to its {CONFIG}."
                    )
            for name, target in expected.items():
                shape = tuple(file.get_slice(name).get_shape())
                if shape != tuple(target.shape):
                    raise ModelError(
                        f"{path}: {name} has shape {shape}, {CONFIG} needs {tuple(target.shape)}."
                    )
                # A copy, so that nothing hangs on the file once it is closed.
                weights[name] = file.get_tensor(name).float().clone()
    except (OSError, SafetensorError) as error:
        raise ModelError(
            f"{path} is not a whole safetensors file ({_first_line(error)})."
        ) from error
    for name, tensor in weights.items():
        if not tensor.isfinite().all():
            raise ModelError(f"{path}: {name} holds values that are not finite.")
    return weights


def _first_line(error: BaseException) -> str:
    return str(error).strip().split("\n")[0] or type(error).__name__
