"""Explanations of a predictor's answers, with progress, cancelling and provenance."""

import time
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from torch import Tensor

from hnn_core.explanation.choices import whole
from hnn_core.explanation.explanation import Explanation
from hnn_core.explanation.methods import METHODS, find_method, settings
from hnn_core.explanation.relevance import LogitMap
from hnn_core.explanation.subject import record_times, refuse, subject_images
from hnn_core.explanation.temporal import HourScores
from hnn_core.explanation.tokens import high_norm
from hnn_core.explanation.work import Flag, Work
from hnn_core.predictor import Predictor
from hnn_core.sequence import Sequence

__all__ = ["METHODS", "explain"]

_OWN = {"token-norms": {"layer": -1, "ratio": 3.0}}
"""Settings that choose from what a method found."""


def explain(
    predictor: Predictor,
    sequence: Sequence,
    method: str,
    *,
    progress: Callable[[int, int], None] | None = None,
    cancel: Flag | None = None,
    **options: Any,
) -> Explanation:
    """Explain what the predictor says about a sequence.

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
    cancel : Flag, optional
        A `threading.Event`, set to stop.
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
    if method not in ("rollout", "token-norms"):
        refuse(predictor, sequence)
    extra = _OWN.get(method, {})
    chosen = {name: options.pop(name, default) for name, default in extra.items()}
    parameters = settings(found.run, options, method)
    work = Work(progress, cancel)
    result = found.run(
        predictor.model, subject_images(predictor, sequence), work=work, **parameters
    )
    return Explanation(
        method=method,
        title=found.title,
        signed=_signed(result, parameters),
        target=parameters.get("target"),
        parameters=parameters | chosen,
        model=predictor.info.name,
        sha256=predictor.info.sha256,
        region=sequence.region.id,
        t_rec=record_times(sequence),
        frames_passed=work.done,
        seconds=time.perf_counter() - start,
        **_arrays(result, chosen),
    )


def _signed(result: Any, parameters: Mapping[str, Any]) -> bool:
    return not isinstance(result, Tensor) and bool(parameters.get("signed", True))


def _arrays(result: Any, chosen: Mapping[str, Any]) -> dict[str, Any]:
    """Fields of the Explanation that hold what was found."""
    if isinstance(result, LogitMap):
        return {
            "maps": _array(result.maps),
            "hours": None,
            "numbers": {"logit": result.logit},
        }
    if isinstance(result, HourScores):
        numbers = {
            "logit": result.logit,
            "baseline_logit": result.baseline_logit,
            "residual": result.residual,
        }
        known = {name: value for name, value in numbers.items() if value is not None}
        return {"maps": None, "hours": _array(result.scores), "numbers": known}
    if "layer" in chosen:  # (L, T, g, g)
        layer = whole("layer", chosen["layer"], -len(result), len(result) - 1)
        flagged = high_norm(result, ratio=chosen["ratio"])[layer].cpu().numpy()
        return {"maps": _array(result[layer]), "hours": None, "flagged": flagged}
    return {"maps": _array(result), "hours": None}


def _array(values: Tensor) -> np.ndarray:
    return values.float().cpu().numpy()
