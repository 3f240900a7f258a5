"""The preprocessed frames of one region, each read once."""

import zlib
from collections import OrderedDict
from dataclasses import dataclass

import numpy as np
from astropy.time import Time

from hnn_core.exceptions import FitsError, OffLimbError
from hnn_core.interpolation import interpolate_frames
from hnn_core.magnetogram import Magnetogram
from hnn_core.preprocess import PreprocessConfig, preprocess
from hnn_core.slots import SlotPlan
from hnn_core.sources.base import Source
from hnn_core.tai import tai_seconds, time_from_seconds

__all__ = ["Frame", "RegionFrames"]

_NATIVE_KEPT = 16  # patches at full size, for the gaps: a megabyte each


@dataclass(frozen=True, eq=False)
class Frame:
    """One hour as the network sees it, and what is known about it."""

    pixels: np.ndarray
    """float16 (size, size) within [-1, 1], as `hnn_core.preprocess` makes them."""
    hour: float
    """Nominal hour of the slot, unix_tai seconds."""
    t_rec: float
    """unix_tai seconds: the record's own; the hour where interpolated."""
    quality: int
    flagged: bool
    interpolated: bool
    longitude: float
    """Degrees from the central meridian."""
    latitude: float
    unsigned_flux: float
    """Sum of |B| dA over the whole native patch, no threshold, Mx; NaN pixels left out."""
    crc32: int
    """Of the pixels' bytes, little-endian."""


class RegionFrames:
    """Reads, interpolates and preprocesses the frames of one region.

    Parameters
    ----------
    source : Source
    region : str
        `Region.id`.
    times : Time (records,)
        T_REC of the records.
    config : PreprocessConfig
    """

    def __init__(self, source: Source, region: str, times: Time, config: PreprocessConfig) -> None:
        self.times = times
        self.broken: dict[int, str] = {}
        """Records that could not be read, by index, with the reason."""
        self._source, self._region, self._config = source, region, config
        self._frames: dict[tuple[float, int, int], Frame] = {}
        self._native: OrderedDict[int, Magnetogram] = OrderedDict()

    def of(self, slot: SlotPlan) -> Frame:
        """Return the frame of a slot.

        Raises
        ------
        FitsError, OffLimbError
            A record cannot be read; it is listed in `broken`.
        SequenceError
            The frames either side of the gap have different shapes.
        """
        key = (slot.time, slot.left, slot.right)
        if key not in self._frames:
            native = self._read(slot.left)
            if slot.interpolated:
                time = time_from_seconds(slot.time)
                native = interpolate_frames(native, self._read(slot.right), time)
            self._frames[key] = self._preprocessed(native, slot)
        return self._frames[key]

    def _read(self, index: int) -> Magnetogram:
        if index not in self._native:
            try:
                self._native[index] = self._source.frame(self._region, self.times[index])
            except (FitsError, OffLimbError) as error:
                self.broken[index] = str(error)
                raise
            while len(self._native) > _NATIVE_KEPT:
                self._native.popitem(last=False)
        return self._native[index]

    def _preprocessed(self, native: Magnetogram, slot: SlotPlan) -> Frame:
        image, _ = preprocess(native.field, self._config)
        pixels = image.astype("<f2")
        area = float(native.pixel_area.to_value("cm2"))
        return Frame(
            pixels=pixels,
            hour=slot.time,
            t_rec=float(tai_seconds(native.t_rec)),
            quality=native.quality,
            flagged=slot.flagged,
            interpolated=slot.interpolated,
            longitude=float(native.longitude.to_value("deg")),
            latitude=float(native.latitude.to_value("deg")),
            unsigned_flux=float(np.nansum(np.abs(native.field), dtype=np.float64)) * area,
            crc32=zlib.crc32(pixels.tobytes()),
        )
