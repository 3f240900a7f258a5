"""One hour of a region as few bytes, for the viewer in the browser, and back.

A payload is a JSON header and a number of blobs, so that one message holds several hours. The
field of an hour is rounded to 1 G, a sixth of the noise, and becomes two planes of bytes; a third
holds the masks, one bit each. The planes, one above the other, are one lossless WebP in grey:
0.17 to 0.19 MB for HARP 377, where a PNG of 16 bits without any mask has 0.21 to 0.24 MB.
"""

import base64
import io
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image

from analysis.physics.coordinates import header_number
from analysis.physics.pil import PilMasks
from hnn_core.exceptions import MissingKeywordError
from hnn_core.magnetogram.magnetogram import Magnetogram
from hnn_core.magnetogram.vector import VectorMagnetogram

__all__ = [
    "LARGEST",
    "PackedFrame",
    "frame_geometry",
    "join_payload",
    "pack_arrows",
    "pack_frame",
    "pack_numbers",
    "split_payload",
    "unpack_frame",
]

LARGEST = 32_000
"""Gauss; stronger field is marked as saturated."""
_ZERO = 32_768 + 128
"""What 0 G is stored as: weak field of both signs has one and the same upper byte."""
_MISSING, _BELOW, _ABOVE = 0, 1, 65_535
"""Stored for NaN, and for field below −`LARGEST` and above it."""
_MASKS = ("pil", "ropi", "hull")
"""Of bit 0, 1 and 2."""
ARROW_STEP, ARROW_LEAST = 25, 150
"""Gauss a step of the horizontal field, a quarter of its noise; least |B| that has an arrow."""
_FAST = {"lossless": True, "method": 1, "quality": 20}
"""A tenth of a second a patch; the slowest setting takes a hundred times longer for 5 % less."""


@dataclass(frozen=True)
class PackedFrame:
    """What an unpacked hour holds; arrays are (rows, cols), row 0 south."""

    field: np.ndarray
    """float32, whole gauss, NaN off the disk; ±`LARGEST` where saturated."""
    saturated: np.ndarray
    """bool"""
    masks: PilMasks


def pack_frame(mag: Magnetogram, masks: PilMasks) -> bytes:
    """Pack the field and the masks of an hour.

    Parameters
    ----------
    mag : Magnetogram
        NaN stays NaN.
    masks : PilMasks
        Of the field's shape, else ValueError.

    Returns
    -------
    bytes
        A grey WebP of three planes, each (rows, cols), row 0 south and first: upper byte and lower
        byte of the field, and the masks (PIL 1, RoPI 2, hull 4).
    """
    if masks.pil.shape != mag.shape:
        raise ValueError(f"masks of shape {masks.pil.shape} for a field of {mag.shape}")
    gauss = np.rint(mag.field)
    stored = np.full(mag.shape, _MISSING, dtype=np.uint16)
    inside = np.abs(gauss) <= LARGEST
    stored[inside] = (gauss[inside] + _ZERO).astype(np.uint16)
    stored[gauss < -LARGEST], stored[gauss > LARGEST] = _BELOW, _ABOVE
    bits = sum((getattr(masks, name) * np.uint8(1 << n) for n, name in enumerate(_MASKS)))
    planes = np.concatenate([stored >> 8, stored & 255, bits]).astype(np.uint8)
    out = io.BytesIO()
    Image.fromarray(planes).save(out, "webp", **_FAST)
    return out.getvalue()


def pack_arrows(vector: VectorMagnetogram) -> bytes:
    """Pack the horizontal field where the field is stronger than `ARROW_LEAST`.

    Returns
    -------
    bytes
        A grey WebP of two planes, each (rows, cols), row 0 south and first: the westward and the
        northward part, 128 and a step for each `ARROW_STEP` gauss, ±3175 G at most; 0 in both
        where there is no arrow.
    """
    strong = vector.total > ARROW_LEAST  # False where it is NaN
    planes = []
    for part in (vector.westward, -vector.southward):
        steps = np.rint(np.where(strong, part, 0.0) / ARROW_STEP)
        planes.append(np.where(strong, 128 + np.clip(steps, -127, 127), 0).astype(np.uint8))
    out = io.BytesIO()
    Image.fromarray(np.concatenate(planes)).save(out, "webp", **_FAST)
    return out.getvalue()


def unpack_frame(content: bytes) -> PackedFrame:
    """Unpack what `pack_frame` made."""
    with Image.open(io.BytesIO(content)) as image:
        planes = np.asarray(image.convert("L"))
    upper, lower, bits = np.split(planes, 3)
    stored = (upper.astype(np.int32) << 8) + lower
    field = (stored - _ZERO).astype(np.float32)
    field[stored == _MISSING] = np.nan
    field[stored == _BELOW], field[stored == _ABOVE] = -LARGEST, LARGEST
    masks = {name: (bits >> n & 1).astype(bool) for n, name in enumerate(_MASKS)}
    return PackedFrame(field, np.isin(stored, (_BELOW, _ABOVE)), PilMasks(**masks))


def frame_geometry(mag: Magnetogram) -> dict[str, Any] | None:
    """Return the numbers by which a pixel's heliographic position is found; None without a WCS.

    Returns
    -------
    dict
        ``reference``: (column, row) of the reference point, from 0. ``step``: degrees a column and
        a row. ``rotation``: (3, 3) rows of the matrix that turns a unit vector about the reference
        point (x towards it, y a quarter of a turn to the west, z to the north) into a Carrington
        one (x at 0° longitude, z at the north pole). ``meridian``: Carrington longitude of the
        central meridian, degrees.

    Notes
    -----
    In the cylindrical equal-area projection a pixel lies at φ = (column − reference) step to the
    west, and at sin θ = (row − reference) step π/180 to the north, of the reference point.
    """
    try:
        wcs = mag.wcs
    except MissingKeywordError:
        return None
    meridian = header_number(mag, "CRLN_OBS")
    if not np.isfinite(meridian):
        return None
    reference, step = wcs.wcs.crpix - 1.0, wcs.wcs.cdelt
    quarter, pole = 90.0 / step[0], np.rad2deg(1.0) / step[1]
    # Where the three axes lie on the Sun, as astropy has it.
    column = reference[0] + np.array([0.0, quarter, 0.0])
    row = reference[1] + np.array([0.0, 0.0, pole])
    lon, lat = np.deg2rad(wcs.wcs_pix2world(column, row, 0))
    axes = np.array([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)])
    return {
        "reference": reference.tolist(),
        "step": step.tolist(),
        "rotation": axes.tolist(),
        "meridian": meridian,
    }


def pack_numbers(values: np.ndarray) -> dict[str, Any]:
    """Return an array of numbers for a header: its shape, and float32 in base64; NaN stays."""
    content = np.ascontiguousarray(values, dtype="<f4").tobytes()
    return {"shape": list(values.shape), "float32": base64.b64encode(content).decode("ascii")}


def join_payload(header: dict[str, Any], blobs: Sequence[bytes] = ()) -> bytes:
    """Join a header and blobs to one message.

    Returns
    -------
    bytes
        The length of the header (4 bytes, least first), the header as JSON with the lengths of the
        blobs under ``sizes``, and the blobs.
    """
    text = json.dumps({**header, "sizes": [len(blob) for blob in blobs]}).encode("utf-8")
    return b"".join([len(text).to_bytes(4, "little"), text, *blobs])


def split_payload(payload: bytes) -> tuple[dict[str, Any], list[bytes]]:
    """Split what `join_payload` joined."""
    end = 4 + int.from_bytes(payload[:4], "little")
    header: dict[str, Any] = json.loads(payload[4:end])
    blobs = []
    for size in header.pop("sizes"):
        blobs.append(payload[end : end + size])
        end += size
    return header, blobs
