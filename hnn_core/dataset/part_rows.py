"""A region's part as table rows of plain values, so that it can be kept until the end."""

from typing import Any

import numpy as np
from astropy.time import Time

from hnn_core.dataset.classes import FLARE_CLASSES
from hnn_core.dataset.region import LabelledSequence, RegionPart
from hnn_core.dataset.region_frames import Frame

__all__ = ["part_rows"]


def part_rows(part: RegionPart, first_row: int) -> dict[str, Any]:
    """Write what a part holds besides pixels as values for JSON.

    Parameters
    ----------
    part : RegionPart
    first_row : int
        Row of its first frame in the data set.

    Returns
    -------
    dict
        ``frames`` and ``sequences`` are rows of `hnn_core.dataset.tables`, without ``group``,
        which is known only when all regions are.
    """
    region = part.region
    names = {
        "region": region.id,
        "harp": region.harp,
        "noaa": " ".join(str(number) for number in region.noaa),
    }
    frames = [
        {**names, "row": first_row + i, **_frame(frame)} for i, frame in enumerate(part.frames)
    ]
    sequences = [{**names, **_sequence(found, first_row)} for found in part.sequences]
    return {
        "region": region.id,
        "first_row": first_row,
        "frames": frames,
        "sequences": sequences,
        "excluded": part.excluded,
        "flares": part.flares,
        "broken": part.broken,
    }


def _frame(frame: Frame) -> dict[str, Any]:
    return {
        "hour": _milliseconds(frame.hour),
        "t_rec": _milliseconds(frame.t_rec),
        "quality": int(frame.quality),
        "flagged": bool(frame.flagged),
        "interpolated": bool(frame.interpolated),
        "longitude": frame.longitude,
        "latitude": frame.latitude,
        "unsigned_flux_mx": frame.unsigned_flux,
        "crc32": int(frame.crc32),
    }


def _sequence(found: LabelledSequence, first_row: int) -> dict[str, Any]:
    moment = found.moment
    row: dict[str, Any] = {
        "hour": _milliseconds(moment.hour),
        "t_rec": _milliseconds(moment.t_rec),
        "longitude": found.longitude,
        "unsigned_flux_mx": found.unsigned_flux,
        "rows": [first_row + local if local >= 0 else -1 for local in found.rows],
    }
    for name in FLARE_CLASSES:
        flare = moment.flares[name]
        row[f"label_{name}"] = moment.labels[name]
        row[f"flare_{name}"] = flare.id if flare else ""
        row[f"goes_{name}"] = flare.goes_class if flare else ""
        row[f"peak_{name}"] = _utc_milliseconds(flare.peak) if flare else None
    return row


def _milliseconds(seconds: float) -> int:
    return round(seconds * 1000.0)


def _utc_milliseconds(time: Time) -> int:
    nanoseconds = np.datetime64(time.utc.datetime64, "ns").astype(np.int64)
    return int((nanoseconds + 500_000) // 1_000_000)
