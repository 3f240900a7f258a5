"""Everything that is shown of one hour, read once through the caches."""

from dataclasses import dataclass

import numpy as np

from analysis.pil import PilMasks
from hnn_core.exceptions import PositionError, SequenceError
from hnn_core.magnetogram import Magnetogram
from hnn_core.prediction import Prediction
from hnn_core.preprocess import CropBox, PreprocessConfig
from hnn_core.sequence import Sequence
from pages import _caches
from pages._selectors import Selection

__all__ = ["View", "read_view"]


@dataclass(frozen=True)
class View:
    """One hour of the selected region through the selected model."""

    selection: Selection
    hour: str
    """ISO minutes, TAI."""
    frame: Magnetogram
    masks: PilMasks
    box: CropBox
    """What the network sees of the frame."""
    sequence: Sequence | None
    maps: np.ndarray | None
    """Attention rollout, (T, g, g)."""
    prediction: Prediction | None
    reason: str
    """Why there is no prediction; empty if there is one."""

    @property
    def eruptive(self) -> bool:
        """Whether the prediction is positive."""
        return self.prediction is not None and self.prediction.label == "eruptive"


def read_view(selection: Selection, hour: str, t_rec: str) -> View:
    """Read an hour whose record is the one at `t_rec`.

    Raises
    ------
    FitsError, PositionError
        The record itself cannot be shown. Whatever else is missing is told in `View.reason`.
    """
    spec, region, model = selection.source.spec, selection.region.id, selection.model
    frame = _caches.record(spec, region, t_rec)
    sequence = maps = prediction = None
    reason = ""
    try:
        sequence = _caches.sequence(spec, region, hour, model.config.frames)
        maps = _caches.rollout(model, spec, region, hour)
        prediction = _caches.prediction(model, spec, region, hour)
    except (SequenceError, PositionError) as error:
        reason = str(error)
    return View(
        selection=selection,
        hour=hour,
        frame=frame,
        masks=_caches.masks(spec, region, t_rec),
        box=CropBox.centred(frame.shape, PreprocessConfig.from_dict(model.config.preprocess).crop),
        sequence=sequence,
        maps=maps,
        prediction=prediction,
        reason=reason,
    )
