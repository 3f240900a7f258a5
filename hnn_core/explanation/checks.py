"""Checks of a map: against what the network does, and against a network of random weights."""

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor

from hnn_core.exceptions import RequestError
from hnn_core.explanation.faithfulness import faithfulness, faithfulness_of
from hnn_core.explanation.faithfulness_result import Faithfulness
from hnn_core.explanation.randomised import RandomisedCheck, randomised_check
from hnn_core.explanation.relevance import LogitMap
from hnn_core.explanation.service import (
    Explanation,
    find_method,
    record_times,
    refuse,
    settings,
    subject_images,
)
from hnn_core.explanation.work import Flag, Work
from hnn_core.network.model import HNN
from hnn_core.network.predictor import Predictor
from hnn_core.sources.sequence import Sequence

__all__ = ["check_faithfulness", "check_faithfulness_of", "check_randomised"]


def check_faithfulness(
    predictor: Predictor,
    sequence: Sequence,
    explanation: Explanation,
    *,
    progress: Callable[[int, int], None] | None = None,
    cancel: Flag | None = None,
    **options: Any,
) -> Faithfulness:
    """Hold a map against what the network does when tokens are hidden.

    Parameters
    ----------
    predictor : Predictor
    sequence : Sequence
        The one explained.
    explanation : Explanation
        Of a method that draws maps. Its class is followed; for a map that knows none, the class
        that is predicted.
    progress, cancel
        As for `hnn_core.explanation.service.explain`.
    **options
        Settings of `hnn_core.explanation.faithfulness.faithfulness`.

    Raises
    ------
    CancelledError, PositionError, SequenceError, RequestError
        As for `hnn_core.explanation.service.explain`; RequestError also if the explanation has
        no map or is another model's or sequence's.
    """
    found = check_faithfulness_of(
        predictor, sequence, {"map": explanation}, progress=progress, cancel=cancel, **options
    )
    return found["map"]


def check_faithfulness_of(
    predictor: Predictor,
    sequence: Sequence,
    explanations: Mapping[str, Explanation],
    *,
    progress: Callable[[int, int], None] | None = None,
    cancel: Flag | None = None,
    **options: Any,
) -> dict[str, Faithfulness]:
    """Check several maps of one prediction, which costs little more than one.

    Parameters and errors are those of `check_faithfulness`; each map keeps its own class.
    """
    refuse(predictor, sequence)
    asked = options.pop("target", None)
    targets = {name: _target(predictor, sequence, one, asked) for name, one in explanations.items()}
    parameters = settings(faithfulness, options, "The faithfulness check")
    del parameters["target"]
    maps = {name: torch.from_numpy(one.maps) for name, one in explanations.items()}
    work = Work(progress, cancel)
    images = subject_images(predictor, sequence)
    return faithfulness_of(predictor.model, images, maps, targets=targets, work=work, **parameters)


def _target(predictor: Predictor, sequence: Sequence, explanation: Explanation, asked: Any) -> str:
    """Return the class that a map is held against."""
    if explanation.maps is None:
        raise RequestError(f"{explanation.method} scores hours and has no map to check.")
    mine = (predictor.info.sha256, sequence.region.id, record_times(sequence))
    if (explanation.sha256, explanation.region, explanation.t_rec) != mine:
        raise RequestError(
            f"The map is of {explanation.region} with the model {explanation.model!r}, not of "
            "this sequence and model; explain again."
        )
    own = explanation.target
    if own is not None and asked not in (None, own):
        raise RequestError(f"The map is for the class {own!r}; use that one.")
    return own or asked or predictor.predict(sequence).label


def check_randomised(
    predictor: Predictor,
    sequence: Sequence,
    method: str,
    *,
    cascade: bool = True,
    seed: int = 0,
    progress: Callable[[int, int], None] | None = None,
    cancel: Flag | None = None,
    **options: Any,
) -> RandomisedCheck:
    """Compare a method's map with those of the network with random weights.

    Parameters
    ----------
    predictor, sequence, method, progress, cancel, **options
        As for `hnn_core.explanation.service.explain`; the method must draw maps.
    cascade : bool
        Part by part from the classifier down, which runs the method some 16 times for twelve
        encoders; False: all weights at once, which runs it twice.
    seed : int
        Of the random weights.

    Raises
    ------
    CancelledError, PositionError, SequenceError, RequestError, AttentionCaptureError
        As for `hnn_core.explanation.service.explain`.
    """
    found = find_method(method)
    if method not in ("rollout", "token-norms"):
        refuse(predictor, sequence)
    if method not in ("rollout", "relevance", "occlusion", "gradient"):
        raise RequestError(f"{method} draws no map to check; use rollout, relevance or occlusion.")
    parameters = settings(found.run, options, method)
    images = subject_images(predictor, sequence)

    def maps_of(model: HNN, work: Work) -> Tensor:
        result = found.run(model, images, work=work, **parameters)
        return result.maps if isinstance(result, LogitMap) else result

    work = Work(progress, cancel)
    return randomised_check(predictor.model, maps_of, cascade=cascade, seed=seed, work=work)
