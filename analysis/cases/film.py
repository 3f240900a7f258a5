"""The hours of a region as pictures, each with its lines and its heat map."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from astropy.time import Time
from PIL import Image

from analysis.cases.explained import map_options
from analysis.figures.overlays import heat_limits
from analysis.physics.pil import PilMasks, detect_pils
from analysis.printed.film import FlareMark, Story, film_sheet, frame_picture
from hnn_core.exceptions import HnnError, PositionError, SequenceError
from hnn_core.magnetogram.conventions import iso_minute, tai_seconds
from hnn_core.magnetogram.grid import Box, covering_box, frame_boxes, placed, placed_frame
from hnn_core.magnetogram.magnetogram import Magnetogram
from hnn_core.magnetogram.preprocess import crop_boxes, tokens_to_patch
from hnn_core.regions.base import Region, Source
from hnn_core.sources import find_region
from hnn_core.sources.sequence import build_sequence

if TYPE_CHECKING:  # knows torch
    from hnn_core.network.predictor import Predictor

__all__ = ["Film", "make_film"]

_HEAT_NAMES = {"rollout": "attention rollout"}


@dataclass(frozen=True, eq=False)
class Film:
    """Pictures in order of time, all of one size."""

    pictures: list[Image.Image]
    names: list[str]
    """ISO minutes, TAI."""
    words: str
    """What is drawn, in sentences."""


def make_film(
    source: Source,
    region: str,
    hours: Sequence[Time],
    *,
    predictor: "Predictor | None" = None,
    method: str = "rollout",
    show: Sequence[str] = ("pil", "ropi"),
    progress: Callable[[int, int], None] | None = None,
    cancel: Any = None,
) -> Film:
    """Make a picture of each hour of a region.

    Parameters
    ----------
    source : Source
    region : str
        `Region.id`.
    hours : sequence of Time
        Ascending; hours whose record cannot be read are left out and named in the words.
    predictor : Predictor, optional
        None for no heat map.
    method : str
        One of `hnn_core.explanation.service.METHODS` that draws maps: each hour gets the map of
        its own last frame. Hours without a sequence have none.
    show : sequence of str
        Of ``"pil"``, ``"ropi"``, ``"hull"``.
    progress : callable (done, total), optional
        Hours; it may raise to stop.
    cancel : threading.Event, optional

    Raises
    ------
    SequenceError
        No hour can be shown.
    UnknownRegionError, CancelledError
    """
    found = find_region(source, region)
    shots: list[_Shot] = []
    left_out = []
    for done, hour in enumerate(hours, start=1):
        try:
            shots.append(_shot(source, found, hour, predictor, method, cancel))
        except HnnError as error:
            left_out.append(f"{iso_minute(hour)}: {error}")
        if progress is not None:
            progress(done, len(hours))
    if not shots:
        raise SequenceError(f"No hour of {found.id} can be shown. {' '.join(left_out)}")
    return _film(found, shots, method if predictor else "none", tuple(show), left_out)


class _Shot(NamedTuple):
    frame: Magnetogram
    masks: PilMasks
    heat: np.ndarray | None
    probability: float
    """NaN where there is no prediction."""


def _shot(
    source: Source,
    region: Region,
    hour: Time,
    predictor: "Predictor | None",
    method: str,
    cancel: Any,
) -> _Shot:
    heat, probability = None, math.nan
    frame = build_sequence(source, region.id, hour, 1).frames[0]
    if predictor is not None:
        from hnn_core.explanation.service import explain

        try:
            sequence = build_sequence(source, region.id, hour, predictor.frames)
            maps = explain(predictor, sequence, method, cancel=cancel, **map_options(method)).maps
            if maps is not None:
                (box,) = crop_boxes([frame], predictor.preprocess_config.crop)
                heat = tokens_to_patch(maps[-1], box)
            probability = predictor.predict(sequence).probability
        except (SequenceError, PositionError):
            heat = None
    return _Shot(frame, detect_pils(frame.field), heat, probability)


def _on_one_grid(shots: list[_Shot]) -> tuple[list[_Shot], str]:
    """Put the hours on the box that holds all of them; or leave them, and return why."""
    try:
        boxes = frame_boxes([shot.frame for shot in shots])
    except SequenceError as error:
        return shots, str(error)
    whole = covering_box(boxes)
    return [_on_box(shot, box, whole) for shot, box in zip(shots, boxes, strict=True)], ""


def _on_box(shot: _Shot, at: Box, to: Box) -> _Shot:
    return shot._replace(
        frame=placed_frame(shot.frame, at, to),
        masks=PilMasks(
            **{name: placed(mask, at, to, fill=False) for name, mask in vars(shot.masks).items()}
        ),
        heat=None if shot.heat is None else placed(shot.heat, at, to),
    )


def _passage(
    region: Region, shots: list[_Shot]
) -> tuple[tuple[float, ...], tuple[float, ...], tuple[FlareMark, ...], str]:
    """Hours since the first, P(eruptive), flares between them, and what is not known of those."""
    seconds = [float(tai_seconds(shot.frame.t_rec)) for shot in shots]
    hours = tuple((one - seconds[0]) / 3600.0 for one in seconds)
    peaks = [(float(tai_seconds(flare.peak)) - seconds[0]) / 3600.0 for flare in region.flares]
    marks = tuple(
        FlareMark(peak, flare.goes_class, flare.known)
        for peak, flare in zip(peaks, region.flares, strict=True)
        if 0.0 <= peak <= hours[-1]
    )
    words = "" if region.flares or region.lookups else "flares were not looked up"
    return hours, tuple(shot.probability for shot in shots), marks, words


def _film(
    region: Region, shots: list[_Shot], method: str, show: tuple[str, ...], left_out: list[str]
) -> Film:
    signed = bool(map_options(method).get("signed"))
    shots, apart = _on_one_grid(shots)
    heats = [shot.heat for shot in shots if shot.heat is not None]
    limits = heat_limits(heats, signed=signed)
    names = [iso_minute(shot.frame.t_rec) for shot in shots]
    look: dict[str, Any] = {"signed": signed, "show": show, "heat_range": limits}
    heat_name = _HEAT_NAMES.get(method, f"{method} for eruptive") if heats else ""
    story = Story(region.name, tuple(names), *_passage(region, shots), heat_name=heat_name, **look)
    pictures = [
        film_sheet(
            shot.frame,
            frame_picture(shot.frame, heat=shot.heat, masks=shot.masks, **look),
            story,
            at,
        )
        for at, shot in enumerate(shots)
    ]
    words = f"{len(shots)} hours; one colour scale for all of them."
    if method == "rollout":
        words += " Heat: attention rollout, the same whatever is predicted."
    elif method != "none":
        words += f" Heat: {method}, of the class eruptive, for the hour's own sequence."
    if apart:
        words += f" The pictures do not lie on one grid. {apart}"
    if left_out:
        words += f" Left out: {' '.join(left_out)}"
    return Film(pictures, names, words)
