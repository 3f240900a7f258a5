"""Fluxes of a window of frames by mask, threshold and μ correction."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from astropy import units as u

from analysis.physics.coordinates import mu_map
from analysis.physics.flux import NOISE
from analysis.physics.pil import PilMasks, PilSettings
from hnn_core.exceptions import EmptySourceError, MissingKeywordError, SequenceError
from hnn_core.magnetogram.conventions import tai_seconds
from hnn_core.magnetogram.grid import common_box, frame_boxes, size_words
from hnn_core.magnetogram.magnetogram import Magnetogram

__all__ = [
    "MASKS",
    "THRESHOLDS",
    "MaskKind",
    "WindowFluxes",
    "area_note",
    "common_parts",
    "window_fluxes",
]

MaskKind = Literal["moving", "union", "last", "patch"]
MASKS: tuple[MaskKind, ...] = get_args(MaskKind)
"""Pixels that count: the PIL region of each frame, the union of these over the window, that of
the last frame, or the whole patch; of all of them those that every frame of the window covers."""

THRESHOLDS = (0.0, 20.0, 50.0, 100.0)
"""Smallest abs(B) that counts, gauss."""

_LEAST_MU = 0.1


@dataclass(frozen=True, eq=False)
class WindowFluxes:
    """Fluxes of T frames by (frame, mask, threshold, μ correction), Mx, all at least 0.

    Axes: T frames, 4 masks (`MASKS`), thresholds, and 2: as observed, and divided by μ. They are
    of the area that all frames cover, so that a patch that grows is no flux that rises. NaN where
    it is not known: μ without coordinates, and all but the moving mask where it is not known how
    the patches lie on each other.
    """

    hours: np.ndarray
    """(T,) hours from the first frame, T_REC."""
    positive: np.ndarray
    """Φ+, (T, 4, thresholds, 2)."""
    negative: np.ndarray
    """Φ−, as a positive number."""
    error: np.ndarray
    """Formal error of the unsigned flux, dA √Σσ²."""
    thresholds: tuple[float, ...]
    masks: tuple[PilMasks, ...]
    """The detector's, of each frame's whole patch."""
    lines: np.ndarray
    """(T,) bool, whether a frame has a line in the area that counts."""
    parts: tuple[tuple[slice, slice], ...] | None
    """Rows and columns of that area in each frame; None where it is not known."""
    apart: str
    """Why it is not known, one sentence; empty where it is."""

    @property
    def unsigned(self) -> np.ndarray:
        """Φ = Φ+ + Φ−, (T, 4, thresholds, 2), Mx."""
        return self.positive + self.negative

    @property
    def area_note(self) -> str:
        """Which area counts, one sentence; empty where all frames count whole."""
        return area_note([masks.pil.shape for masks in self.masks], self.parts)

    @property
    def corrected(self) -> bool:
        """Whether μ is known for every frame."""
        return bool(np.isfinite(self.positive[:, 0, :, 1]).all())


def window_fluxes(
    frames: Sequence[Magnetogram],
    settings: PilSettings | None = None,
    *,
    thresholds: Sequence[float] = THRESHOLDS,
    masks: Sequence[PilMasks] | None = None,
    correct: bool = True,
) -> WindowFluxes:
    """Take the fluxes of a window of frames in every way.

    The masks are detected on the field as observed, whatever is then summed in them.

    Parameters
    ----------
    frames : sequence of Magnetogram
        In order of time.
    settings : PilSettings, optional
    thresholds : sequence of float
        Ascending, gauss, each at least 0.
    masks : sequence of PilMasks, optional
        Those of the frames, where they are detected already.
    correct : bool
        Whether to take the fluxes of B/μ too; without, they are NaN, in half the time.

    Raises
    ------
    EmptySourceError
        If there is no frame.
    ValueError
        If thresholds are not ascending from 0 on, or masks do not go with the frames.
    """
    settings = settings or PilSettings()
    levels = tuple(float(threshold) for threshold in thresholds)
    if not levels or levels[0] < 0 or not all(np.diff(levels) > 0):
        raise ValueError(f"thresholds must ascend from 0 G or more, got {levels}")
    if not frames:
        raise EmptySourceError("no magnetogram to take the flux of: the window is empty")
    detected = tuple(settings.detect(f.field) for f in frames) if masks is None else tuple(masks)
    regions = [masks.region(settings.region) for masks in detected]
    if [region.shape for region in regions] != [frame.shape for frame in frames]:
        raise ValueError(f"{len(regions)} masks do not go with {len(frames)} frames")
    parts, apart = None, ""
    try:
        parts = common_parts(frames)
    except SequenceError as error:
        apart = str(error)
    counted = parts or [(slice(None), slice(None))] * len(frames)
    regions = [region[part] for region, part in zip(regions, counted, strict=True)]
    fixed: tuple[np.ndarray | None, ...] = (None,) * 3
    if parts is not None:
        union = np.any(regions, axis=0)
        fixed = union, regions[-1], np.ones_like(union)
    sums = np.full((3, len(frames), len(MASKS), len(levels), 2), np.nan)
    for t, (frame, region, part) in enumerate(zip(frames, regions, counted, strict=True)):
        sums[:, t] = _frame_sums(frame, part, (region, *fixed), levels, correct)
        sums[:, t] *= frame.pixel_area.to_value(u.cm**2)
    seconds = np.array([float(tai_seconds(frame.t_rec)) for frame in frames])
    return WindowFluxes(
        hours=(seconds - seconds[0]) / 3600.0,
        positive=sums[0],
        negative=sums[1],
        error=sums[2],
        thresholds=levels,
        masks=detected,
        lines=np.array([m.pil[part].any() for m, part in zip(detected, counted, strict=True)]),
        parts=parts,
        apart=apart,
    )


def common_parts(frames: Sequence[Magnetogram]) -> tuple[tuple[slice, slice], ...]:
    """Return rows and columns of the area that all frames cover, in each of them.

    Raises
    ------
    SequenceError
        Their headers do not say how the patches lie on each other, or nothing is common.
    """
    boxes = frame_boxes(frames)
    both = common_box(boxes)
    return tuple(box.part(both) for box in boxes)


def area_note(
    shapes: Sequence[tuple[int, int]], parts: Sequence[tuple[slice, slice]] | None
) -> str:
    """Say which area counts where patches differ in size or place; empty where all of them does.

    Parameters
    ----------
    shapes : sequence of (rows, cols)
        Of the patches.
    parts : sequence of (slice, slice) or None
        Of `common_parts`.
    """
    counted = [(part[0].stop - part[0].start, part[1].stop - part[1].start) for part in parts or ()]
    if not counted or counted == list(shapes):
        return ""
    small, large = (pick(shapes, key=math.prod) for pick in (min, max))
    words = size_words(small) if small == large else f"{size_words(small)} to {size_words(large)}"
    return (
        f"The patch changes its box in these hours ({words}): fluxes and trends are of the "
        f"{size_words(counted[0])} that every hour covers."
    )


def _frame_sums(
    frame: Magnetogram,
    part: tuple[slice, slice],
    masks: Sequence[np.ndarray | None],
    levels: tuple[float, ...],
    correct: bool,
) -> np.ndarray:
    """Σ over B > 0, over B < 0, and √Σσ² in a part, gauss: (3, masks, thresholds, 2)."""
    sums = np.full((3, len(masks), len(levels), 2), np.nan)
    field = frame.field[part]
    finite = np.isfinite(field)
    try:
        mu = mu_map(frame)[part] if correct else None
    except MissingKeywordError:
        mu = None
    for k, mask in enumerate(masks):
        if mask is None:
            continue
        at = np.flatnonzero(mask & finite)
        values = field.ravel()[at].astype(np.float64)
        sums[:, k, :, 0] = _sums(values, np.ones_like(values), levels)
        if mu is not None:
            share = 1.0 / np.maximum(mu.ravel()[at], _LEAST_MU)
            sums[:, k, :, 1] = _sums(values * share, share, levels)
    return sums


def _sums(values: np.ndarray, share: np.ndarray, levels: tuple[float, ...]) -> np.ndarray:
    """(3, thresholds) of the values that are at or above each level."""
    found, noise = np.zeros((3, len(levels))), NOISE.to_value(u.G)
    for k, level in enumerate(levels):
        if level > 0:
            counted = np.abs(values) >= level
            values, share = values[counted], share[counted]
        net, unsigned = values.sum(), np.abs(values).sum()
        found[:, k] = (unsigned + net) / 2, (unsigned - net) / 2, noise * np.sqrt(share @ share)
    return found
