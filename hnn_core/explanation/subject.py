"""What is explained: a predictor's answer about a sequence, where there is one."""

import numpy as np
from torch import Tensor

from hnn_core.exceptions import PositionError, SequenceError
from hnn_core.explanation.inputs import sequence_images
from hnn_core.position import refusal
from hnn_core.predictor import Predictor
from hnn_core.sequence import Sequence
from hnn_core.tai import tai_seconds, time_from_seconds

__all__ = ["record_times", "refuse", "subject_images"]


def refuse(predictor: Predictor, sequence: Sequence) -> None:
    """Refuse to explain a prediction that is not made.

    Raises
    ------
    SequenceError
        If the model wants another number of frames.
    PositionError
        If the region is too far from the central meridian.
    """
    if predictor.config.temporal and len(sequence) != predictor.frames:
        raise SequenceError(
            f"The model {predictor.info.name!r} needs {predictor.frames} hourly frames, the "
            f"sequence has {len(sequence)}."
        )
    if refused := refusal(float(sequence.frames[-1].longitude.to_value("deg"))):
        raise PositionError(refused)


def subject_images(predictor: Predictor, sequence: Sequence) -> Tensor:
    """Frames as the predictor's network takes them, (T, 1, H, W)."""
    return sequence_images(sequence, predictor.preprocess_config)


def record_times(sequence: Sequence) -> tuple[str, ...]:
    """T_REC of the frames, ISO seconds, TAI."""
    times = time_from_seconds(np.round(tai_seconds(sequence.t_rec)))
    return tuple(str(text) for text in times.strftime("%Y-%m-%dT%H:%M:%S"))
