"""The methods a user can choose between, by name, and the settings each of them takes."""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from hnn_core.exceptions import RequestError
from hnn_core.explanation.choices import whole
from hnn_core.explanation.gradients import gradient_map
from hnn_core.explanation.occlusion import occlusion
from hnn_core.explanation.relevance import relevance
from hnn_core.explanation.rollout_views import rollout_maps
from hnn_core.explanation.temporal import frame_deletion, integrated_gradients
from hnn_core.explanation.tokens import token_norms

__all__ = ["METHODS", "Method", "find_method", "settings"]


@dataclass(frozen=True)
class Method:
    """One way of explaining."""

    name: str
    title: str
    """What it shows, in words."""
    run: Callable[..., Any]
    """(model, images, *, settings, work)"""


METHODS = {
    method.name: method
    for method in (
        Method(
            "rollout",
            "Attention rollout: which tokens the class token's attention comes from; the same "
            "whatever is predicted",
            rollout_maps,
        ),
        Method(
            "relevance",
            "Class-specific relevance: gradient × attention, through the LSTM",
            relevance,
        ),
        Method(
            "occlusion",
            "Occlusion: what the class's log-odds lose when tokens are hidden",
            occlusion,
        ),
        Method("gradient", "Gradient: mean |gradient| of the logit in a token", gradient_map),
        Method(
            "frame-deletion",
            "Frame deletion: what the class's log-odds lose without an hour",
            frame_deletion,
        ),
        Method(
            "integrated-gradients",
            "Integrated gradients on the hours' embeddings: how the change of log-odds is shared "
            "out",
            integrated_gradients,
        ),
        Method("token-norms", "Token norms: tokens that stand out may be artefacts", token_norms),
    )
}
"""By name."""


def find_method(name: str) -> Method:
    """Return a method; raise RequestError if there is none of that name."""
    if name not in METHODS:
        raise RequestError(f"There is no method {name!r}; use one of {', '.join(METHODS)}.")
    return METHODS[name]


def settings(run: Callable[..., Any], options: Mapping[str, Any], owner: str) -> dict[str, Any]:
    """Fill in the settings of a function that were not chosen.

    Parameters
    ----------
    run : callable
        Its keyword-only parameters but ``work`` are the settings.
    options : mapping
        Those chosen.
    owner : str
        Name for the sentence that refuses one.

    Raises
    ------
    RequestError
        If the function has no such setting, or `batch` or a flag is none.
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
    for name in ("half", "signed"):
        if not isinstance(chosen.get(name, False), bool):
            raise RequestError(f"{name} is {chosen[name]!r}; use true or false.")
    return chosen
