"""A region drawn once on a large canvas, and what patches of any boxes see of it."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import astropy.units as u
import numpy as np
from astropy.time import Time, TimeDelta
from hypothesis import strategies as st

from hnn_core.magnetogram.grid import Box
from hnn_core.magnetogram.magnetogram import Magnetogram
from hnn_core.regions.base import Region, SkippedFile
from tests.support.drawn_regions import drawn_magnetogram
from tests.support.drawn_sharp import draw_fits

START = Time("2011-02-13T05:00:00", scale="tai")
CANVAS = (64, 96)
WHOLE = Box(0, 0, *CANVAS)
INSIDE = Box(14, 20, 36, 56)
"""Holds all polarity inversion lines, with room for the detector's edges."""


def around(south: int, east: int, north: int, west: int) -> Box:
    """Box that reaches beyond INSIDE by so many pixels."""
    rows, cols = INSIDE.rows + south + north, INSIDE.cols + east + west
    return Box(INSIDE.row - south, INSIDE.col - east, rows, cols)


boxes = st.builds(around, *[st.integers(0, most) for most in (14, 20, 14, 20)])
"""Boxes from INSIDE to WHOLE."""
GROWING = [around(hour, 2 * hour // 3, min(hour, 5), hour) for hour in range(13)]
"""One an hour, as near real time: larger, with another corner and another middle."""


def canvas(hour: int, fall: float = 0.03) -> np.ndarray:
    """float32 field of whole tenths: a bipole that loses the same part each hour, on weak field."""
    rows, cols = np.mgrid[: CANVAS[0], : CANVAS[1]].astype(float)
    lobe = [np.exp(-((rows - 31.5) ** 2 + (cols - at) ** 2) / 50.0) for at in (41.5, 53.5)]
    field = 1500.0 * (1 - fall * hour) * (lobe[0] - lobe[1]) + 8.0 * np.sin(rows / 3 + cols / 5)
    return np.round(field, 1).astype(np.float32)


def cut(field: np.ndarray, box: Box, hour: int = 0, **cards: Any) -> Magnetogram:
    """Magnetogram of a box of the canvas, whose reference point is the middle of the canvas."""
    frame = drawn_magnetogram(
        field[WHOLE.part(box)], t_rec=START + TimeDelta(3600.0 * hour, format="sec")
    )
    frame.header.update(_cards(box, hour) | cards)
    return frame


def frames_of(boxes: Sequence[Box], fall: float = 0.03) -> list[Magnetogram]:
    """Hourly magnetograms, one a box."""
    return [cut(canvas(hour, fall), box, hour) for hour, box in enumerate(boxes)]


def write_frames(folder: Path, boxes: Sequence[Box], *, absent: Sequence[int] = ()) -> Path:
    """Write the same as FITS files."""
    for hour, box in enumerate(boxes):
        if hour not in absent:
            cards = _cards(box, hour) | {"RSUN_REF": 696000000, "USFLUX": None}
            draw_fits(folder / f"hour{hour:02}.fits", canvas(hour)[WHOLE.part(box)], **cards)
    return folder


def _cards(box: Box, hour: int) -> dict[str, Any]:
    time = START + TimeDelta(3600.0 * hour, format="sec")
    return {
        "T_REC": time.strftime("%Y.%m.%d_%H:%M:%S_TAI"),
        "CRPIX1": (CANVAS[1] + 1) / 2 - box.col,
        "CRPIX2": (CANVAS[0] + 1) / 2 - box.row,
    }


class BoxSource:
    """Region "377" whose hourly records have these boxes; some absent."""

    spec = "boxes:"
    simulated = False

    def __init__(self, boxes: Sequence[Box], absent: Sequence[int] = (), flares: Any = ()) -> None:
        self.frames = {"377": frames_of(boxes)}
        self.absent, self.flares = list(absent), tuple(flares)

    def regions(self) -> list[Region]:
        times = self.times("377")
        return [Region("377", 377, (11158,), times[0], times[-1], len(times), self.flares)]

    def times(self, region: str) -> Time:
        return START + np.arange(len(self.frames[region])) * u.hour

    def quality(self, region: str) -> np.ndarray:
        quality = np.zeros(len(self.frames[region]), np.uint32)
        quality[self.absent] = 0x80000000
        return quality

    def frame(self, region: str, time: Time) -> Magnetogram:
        return self.frames[region][round(float((time - START).to_value("h")))]

    def skipped(self) -> tuple[SkippedFile, ...]:
        return ()
