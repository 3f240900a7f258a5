"""From the field of a patch to the network's input, and back to patch pixels."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields

import numpy as np

from hnn_core.exceptions import SequenceError
from hnn_core.magnetogram.conventions import iso_minute
from hnn_core.magnetogram.grid import Place, frame_boxes
from hnn_core.magnetogram.magnetogram import Magnetogram

__all__ = ["CropBox", "PreprocessConfig", "crop_boxes", "preprocess", "tokens_to_patch"]


@dataclass(frozen=True)
class PreprocessConfig:
    """How a field becomes the network's input; stored with the model."""

    crop: int = 448
    """Side of the square cut about the patch's centre, native pixels."""
    size: int = 224
    """Side of the network's input, pixels; it divides `crop`."""
    clip: float = 2000.0
    """Field strength that becomes 1, gauss; stronger field is clipped to it."""

    def __post_init__(self) -> None:
        for name in ("crop", "size"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or value <= 0:
                raise ValueError(f"{name} must be a positive whole number, not {value!r}")
        if self.crop % self.size:
            raise ValueError(f"crop ({self.crop}) must be a multiple of size ({self.size})")
        clip = self.clip
        if not isinstance(clip, int | float) or not (math.isfinite(clip) and clip > 0):
            raise ValueError(f"clip must be a positive field strength, not {self.clip!r}")

    def to_dict(self) -> dict[str, int | float]:
        """Return the parameters as a plain dictionary, for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, int | float]) -> "PreprocessConfig":
        """Make the parameters from a plain dictionary; unknown names raise ValueError."""
        known = {field.name for field in fields(cls)}
        if unknown := set(values) - known:
            raise ValueError(f"unknown preprocessing parameters: {', '.join(sorted(unknown))}")
        return cls(**values)  # type: ignore[arg-type]


@dataclass(frozen=True, order=True)
class CropBox:
    """Where the square that the network sees lies on the patch, native pixels."""

    row0: int
    """First row of the box on the patch; negative where the patch is smaller."""
    col0: int
    """First column of the box on the patch; negative where the patch is smaller."""
    size: int
    """Side of the box."""
    shape: tuple[int, int]
    """(rows, cols) of the patch."""

    @classmethod
    def centred(cls, shape: tuple[int, int], size: int) -> "CropBox":
        """Box about a patch's centre; half a pixel to the south or east where it must be."""
        rows, cols = shape
        return cls((rows - size) // 2, (cols - size) // 2, size, (rows, cols))


def crop_boxes(frames: Sequence[Magnetogram | Place], size: int) -> list[CropBox]:
    """Boxes about one place of the region, on each frame of a sequence.

    The place is the centre of the last frame's patch, `Place.centre`. For patches of one box this
    is the middle of each array.

    Parameters
    ----------
    frames : sequence of Magnetogram or Place
        In order of time; the last is x_t.
    size : int
        Side of the square, native pixels.

    Returns
    -------
    list of CropBox
        One a frame, each on its own patch.

    Raises
    ------
    SequenceError
        It is not known how the frames lie on each other, or one of them lies outside its box.
    """
    places = [one if isinstance(one, Place) else Place.of(one) for one in frames]
    if not places:
        return []
    # Half a pixel to the south or east, as `CropBox.centred`.
    row, col = (math.floor(at + (1 - size) / 2) for at in places[-1].centre)
    boxes = [CropBox(row - box.row, col - box.col, size, box.shape) for box in frame_boxes(places)]
    for place, box in zip(places, boxes, strict=True):
        row_start, row_stop, col_start, col_stop = crop_outline(box)
        if row_start >= row_stop or col_start >= col_stop:
            raise SequenceError(
                f"The patch at {iso_minute(place.seconds)} TAI has no pixel of the square that the "
                f"network sees at {iso_minute(places[-1].seconds)} TAI."
            )
    return boxes


def preprocess(
    field: np.ndarray, config: PreprocessConfig, box: CropBox | None = None
) -> tuple[np.ndarray, CropBox]:
    """Crop, average blocks, clip and scale.

    Outside the patch, and where the field is NaN, 0 G is put before averaging.

    Parameters
    ----------
    field : ndarray (rows, cols)
        Gauss, NaN off the disk. Not changed.
    config : PreprocessConfig
    box : CropBox, optional
        Where to cut, from `crop_boxes`, with a side of `config.crop`; about the middle of the
        array by default, half a pixel to the south or east of it where it must be.

    Returns
    -------
    image : ndarray, float32 (size, size)
        Field over `config.clip`, within [-1, 1], same orientation.
    box : CropBox
        For the way back, `tokens_to_patch`.

    Raises
    ------
    ValueError
        If the field is not two-dimensional or has no pixel, or the box is another's.

    References
    ----------
    docs/method.md, "Frames".
    """
    if field.ndim != 2 or 0 in field.shape:
        raise ValueError(f"a field has two axes and at least one pixel, not shape {field.shape}")
    box = box or CropBox.centred((field.shape[0], field.shape[1]), config.crop)
    if box.shape != field.shape or box.size != config.crop:
        raise ValueError(f"{box} is not a crop of {config.crop} of a field of {field.shape}")
    row_start, row_stop, col_start, col_stop = crop_outline(box)
    square = np.zeros((config.crop, config.crop), dtype=np.float32)
    inside = square[
        row_start - box.row0 : row_stop - box.row0, col_start - box.col0 : col_stop - box.col0
    ]
    inside[...] = field[row_start:row_stop, col_start:col_stop]
    inside[np.isnan(inside)] = 0.0
    image = _block_mean(square, config.crop // config.size)
    np.clip(image, -config.clip, config.clip, out=image)
    image /= np.float32(config.clip)
    return image, box


def tokens_to_patch(tokens: np.ndarray, box: CropBox) -> np.ndarray:
    """Draw one value per token on the pixels of the patch that the token saw.

    Parameters
    ----------
    tokens : ndarray (g, g)
        Row 0 south, as the image; g divides the side of the box.
    box : CropBox

    Returns
    -------
    ndarray, float32 (rows, cols)
        NaN outside the crop box.

    Raises
    ------
    ValueError
        If the grid is not square or does not divide the box.
    """
    grid = tokens.shape[0]
    if tokens.ndim != 2 or tokens.shape[1] != grid or grid == 0 or box.size % grid:
        raise ValueError(f"a grid of shape {tokens.shape} does not divide a box of {box.size}")
    row_start, row_stop, col_start, col_stop = crop_outline(box)
    side = box.size // grid
    token_rows = (np.arange(row_start, row_stop) - box.row0) // side
    token_cols = (np.arange(col_start, col_stop) - box.col0) // side
    patch = np.full(box.shape, np.nan, dtype=np.float32)
    patch[row_start:row_stop, col_start:col_stop] = tokens[np.ix_(token_rows, token_cols)]
    return patch


def crop_outline(box: CropBox) -> tuple[int, int, int, int]:
    """Return the part of the box on the patch: row start, row stop, col start, col stop."""
    rows, cols = box.shape
    return (
        max(box.row0, 0),
        min(box.row0 + box.size, rows),
        max(box.col0, 0),
        min(box.col0 + box.size, cols),
    )


def _block_mean(square: np.ndarray, block: int) -> np.ndarray:
    """Mean over block x block pixels; strided sums are several times faster than reshape."""
    total = square[::block, ::block].copy()
    for row in range(block):
        for col in range(block):
            if row or col:
                total += square[row::block, col::block]
    total *= np.float32(1.0 / block**2)
    return total
