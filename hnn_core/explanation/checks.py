"""Checks of a map: against what the network does, and against a network of random weights."""

from collections.abc import Callable, Mapping
from threading import Event
from typing import Any

import torch
from torch import Tensor

from hnn_core.exceptions import RequestError
from hnn_core.explanation.faithfulness import faithfulness
from hnn_core.explanation.faithfulness_result import Faithfulness
from hnn_core.explanation.hours import Scores
from hnn_core.explanation.randomised import RandomisedCheck, randomised_check
from hnn_core.explanation.service import Explanation, find_method, settings
from hnn_core.explanation.work import Work
from hnn_core.network.model import HNN
from hnn_core.network.predictor import Predictor
from hnn_core.sources.sequence import Sequence

__all__ = ["check_faithfulness", "check_randomised"]


def check_faithfulness(
    predictor: Predictor,
    sequence: Sequence,
    explanations: Mapping[str, Explanation],
    *,
    progress: Callable[[int, int], None] | None = None,
    cancel: Event | None = None,
    target: str | None = None,
    **options: Any,
) -> dict[str, Faithfulness]:
    """Compare maps with what the network does when tokens are hidden.

    Parameters
    ----------
    predictor : Predictor
    sequence : Sequence
        The one explained.
    explanations : mapping of str to Explanation
        Of methods that draw maps; several cost little more than one.
    progress, cancel
        As for `hnn_core.explanation.service.explain`.
    target : str, optional
        Class followed for maps that know none; the predicted class by default.
    **options
        Settings of `hnn_core.explanation.faithfulness.faithfulness`.

    Returns
    -------
    dict of Faithfulness
        By the names of the explanations.

    Raises
    ------
    CancelledError, PositionError, SequenceError, RequestError
        As for `hnn_core.explanation.service.explain`; RequestError also if an explanation has
        no map or is another model's or sequence's.
    """
    predictor.check(sequence)
    targets = {
        name: _target(predictor, sequence, one, target) for name, one in explanations.items()
    }
    parameters = settings(faithfulness, options | {"targets": targets}, "The faithfulness check")
    maps = {name: torch.from_numpy(one.maps) for name, one in explanations.items()}
    work = Work(progress, cancel)
    return faithfulness(predictor.model, predictor.images(sequence), maps, work=work, **parameters)


def _target(
    predictor: Predictor, sequence: Sequence, explanation: Explanation, wanted: str | None
) -> str:
    """Return the class whose probability is followed for a map."""
    if explanation.maps is None:
        raise RequestError(f"{explanation.method} scores hours and has no map to check.")
    mine = (predictor.info.sha256, sequence.region.id, sequence.iso_times)
    if (explanation.sha256, explanation.region, explanation.t_rec) != mine:
        raise RequestError(
            f"The map is of {explanation.region} with the model {explanation.model!r}, not of "
            "this sequence and model; explain again."
        )
    own = explanation.target
    if own is not None and wanted not in (None, own):
        raise RequestError(f"The map is for the class {own!r}; use that one.")
    return own or wanted or predictor.predict(sequence).label


def check_randomised(
    predictor: Predictor,
    sequence: Sequence,
    method: str,
    *,
    cascade: bool = True,
    seed: int = 0,
    progress: Callable[[int, int], None] | None = None,
    cancel: Event | None = None,
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
    if found.about_prediction:
        predictor.check(sequence)
    if not found.draws_map:
        raise RequestError(f"{method} draws no map to check; use rollout, relevance or occlusion.")
    parameters = settings(found.run, options, method)
    images = predictor.images(sequence)

    def maps_of(model: HNN, work: Work) -> Tensor:
        result = found.run(model, images, work=work, **parameters)
        return result.values if isinstance(result, Scores) else result

    work = Work(progress, cancel)
    return randomised_check(predictor.model, maps_of, cascade=cascade, seed=seed, work=work)
