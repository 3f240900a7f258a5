"""Explanations of a predictor's answers by a named method, with progress and provenance."""

import inspect
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from threading import Event
from typing import Any

import numpy as np
from torch import Tensor

from hnn_core.exceptions import RequestError
from hnn_core.explanation.hours import Scores, frame_deletion, gradient_map, integrated_gradients
from hnn_core.explanation.inputs import whole
from hnn_core.explanation.occlusion import occlusion
from hnn_core.explanation.relevance import relevance
from hnn_core.explanation.rollout import high_norm, rollout_maps, token_norms
from hnn_core.explanation.work import Work
from hnn_core.network.predictor import Predictor
from hnn_core.sources.sequence import Sequence

__all__ = ["METHODS", "Explanation", "explain", "find_method", "settings"]


@dataclass(frozen=True)
class _Method:
    """One way of explaining."""

    name: str
    title: str
    """What it shows, in words."""
    run: Callable[..., Any]
    """(model, images, *, settings, work)"""
    about_prediction: bool = True
    """False where the LSTM and the classifier have no part in it."""
    draws_map: bool = True


METHODS = {
    method.name: method
    for method in (
        _Method(
            "rollout",
            "Attention rollout: which tokens the class token's attention comes from; the same "
            "whatever is predicted",
            rollout_maps,
            about_prediction=False,
        ),
        _Method(
            "relevance",
            "Class-specific relevance: gradient × attention, through the LSTM",
            relevance,
        ),
        _Method(
            "occlusion",
            "Occlusion: what the class's log-odds lose when tokens are hidden",
            occlusion,
        ),
        _Method("gradient", "Gradient: mean |gradient| of the logit in a token", gradient_map),
        _Method(
            "frame-deletion",
            "Frame deletion: what the class's log-odds lose without an hour",
            frame_deletion,
            draws_map=False,
        ),
        _Method(
            "integrated-gradients",
            "Integrated gradients on the hours' embeddings: how the change of log-odds is shared "
            "out",
            integrated_gradients,
            draws_map=False,
        ),
        _Method(
            "token-norms",
            "Token norms: tokens that stand out may be artefacts",
            token_norms,
            about_prediction=False,
            draws_map=False,
        ),
    )
}
"""By name."""


def find_method(name: str) -> _Method:
    """Return a method; raise RequestError if there is none of that name."""
    if name not in METHODS:
        raise RequestError(f"There is no method {name!r}; use one of {', '.join(METHODS)}.")
    return METHODS[name]


def settings(run: Callable[..., Any], options: Mapping[str, Any], owner: str) -> dict[str, Any]:
    """Fill in the settings of a function, its keyword-only parameters but ``work``.

    Raises RequestError in the `owner`'s name if it has no such setting, or `batch` or a flag is
    not possible.
    """
    known = {
        parameter.name: parameter.default
        for parameter in inspect.signature(run).parameters.values()
        if parameter.kind is parameter.KEYWORD_ONLY and parameter.name != "work"
    }
    for name in options:
        if name not in known:
            raise RequestError(f"{owner} has no setting {name!r}; it has {', '.join(known)}.")
    chosen = known | dict(options)
    if "batch" in chosen:
        whole("batch", chosen["batch"], 1, 4096)
    if not isinstance(chosen.get("signed", False), bool):
        raise RequestError(f"signed is {chosen['signed']!r}; use true or false.")
    return chosen


@dataclass(frozen=True, eq=False)
class Explanation:
    """A map of the tokens, or a score of each hour, by a named method."""

    method: str
    """One of `hnn_core.explanation.service.METHODS`."""
    title: str
    """What the method shows, in words."""
    signed: bool
    """True where negative values speak against the class."""
    maps: np.ndarray | None
    """float32 (T, g, g), axis order (hour, row, column), row 0 south, for
    `hnn_core.magnetogram.preprocess.tokens_to_patch`; None for a method that scores hours."""
    hours: np.ndarray | None
    """float32 (T,), a score for each hour; None for a method that draws maps."""
    target: str | None
    """``"eruptive"`` or ``"confined"``; None where the method knows no class."""
    parameters: dict[str, Any]
    """Every setting of the method, those by default too."""
    model: str
    sha256: str
    """SHA-256 of the model's weights and settings."""
    region: str
    """`Region.id`."""
    t_rec: tuple[str, ...]
    """T_REC of the frames, ISO seconds, TAI."""
    numbers: dict[str, float] = field(default_factory=dict)
    """Other numbers of the method: ``logit``, the log-odds of eruptive; ``residual``."""
    flagged: np.ndarray | None = None
    """bool (T, g, g): tokens of outstanding norm; of the method ``"token-norms"`` only."""
    frames_passed: int = 0
    """Frames that went through the vision transformer."""
    seconds: float = 0.0

    def to_dict(self) -> dict[str, Any]:
        """Return what a report writes as JSON next to the arrays."""
        left_out = ("maps", "hours", "flagged")
        values = {name: value for name, value in vars(self).items() if name not in left_out}
        return values | {"time_scale": "tai"}


_OWN = {"token-norms": {"layer": -1, "ratio": 3.0}}
"""Settings that choose from what a method found."""


def explain(
    predictor: Predictor,
    sequence: Sequence,
    method: str,
    *,
    progress: Callable[[int, int], None] | None = None,
    cancel: Event | None = None,
    **options: Any,
) -> Explanation:
    """Explain what the predictor predicts of a sequence.

    The network in service is not touched, and may predict in other threads meanwhile.

    Parameters
    ----------
    predictor : Predictor
    sequence : Sequence
        Of `predictor.frames` hours; for rollout and token norms of any number.
    method : str
        One of `METHODS`.
    progress : callable (done, total), optional
        Called with numbers of frames; `hnn_core.explanation.work.Pace` makes a time of them.
    cancel : threading.Event, optional
        Set to stop.
    **options
        Settings of the method, as the function of its name takes them; for ``"token-norms"``
        also ``layer`` (the encoder shown, -1 the last) and ``ratio``.

    Returns
    -------
    Explanation
        The same for the same input: no method draws random numbers.

    Raises
    ------
    CancelledError
        `concurrent.futures.CancelledError`, if `cancel` was set.
    PositionError, SequenceError
        If the method is about the prediction and there is none.
    RequestError
        If there is no such method or setting, or a setting is not possible.
    AttentionCaptureError
        If the network's attention cannot be seen.
    """
    found, start = find_method(method), time.perf_counter()
    if found.about_prediction:
        predictor.check(sequence)
    own = _OWN.get(method, {})
    chosen = {name: options.pop(name, default) for name, default in own.items()}
    parameters = settings(found.run, options, method)
    work = Work(progress, cancel)
    result = found.run(predictor.model, predictor.images(sequence), work=work, **parameters)
    return Explanation(
        method=method,
        title=found.title,
        signed=not isinstance(result, Tensor) and bool(parameters.get("signed", True)),
        target=parameters.get("target"),
        parameters=parameters | chosen,
        model=predictor.info.name,
        sha256=predictor.info.sha256,
        region=sequence.region.id,
        t_rec=sequence.iso_times,
        frames_passed=work.done,
        seconds=time.perf_counter() - start,
        **_arrays(result, chosen),
    )


def _arrays(result: Any, chosen: Mapping[str, Any]) -> dict[str, Any]:
    """Fields of the Explanation that hold what was found."""
    if "layer" in chosen:  # (L, T, g, g)
        layer = whole("layer", chosen["layer"], -len(result), len(result) - 1)
        flagged = high_norm(result, ratio=chosen["ratio"])[layer].cpu().numpy()
        return {"maps": _array(result[layer]), "hours": None, "flagged": flagged}
    numbers = {}
    if isinstance(result, Scores):
        known = {name: value for name, value in vars(result).items() if value is not None}
        result, numbers = known.pop("values"), known
    values = _array(result)
    maps, hours = (values, None) if values.ndim == 3 else (None, values)
    return {"maps": maps, "hours": hours, "numbers": numbers}


def _array(values: Tensor) -> np.ndarray:
    return values.float().cpu().numpy()
