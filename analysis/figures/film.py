"""A magnetogram with its lines and a heat map as a picture, for films."""

from collections.abc import Collection

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from analysis import figure_style as style
from analysis.figures_filmstrip import composite
from analysis.mask_paths import line_path, outline_path
from analysis.pil import PilMasks
from hnn_core.magnetogram import Magnetogram
from hnn_core.tai import iso_minute

__all__ = ["COLOURS", "PAPER", "frame_picture"]

_LINES = {"hull": style.HULL, "ropi": style.ROPI, "pil": style.PIL}
"""In the order in which they are drawn."""
_WIDTHS = {"hull": 1.6, "ropi": 1.4, "pil": 2.6}
"""Of lines in a picture 900 pixels wide, as in `analysis.figures_magnetogram`."""
_HALO = "#101010"
PAPER, _INK = "#0e1117", "#e8eaf0"
_SIMULATED = "simulated data"
COLOURS = (*_LINES.values(), _HALO, PAPER, _INK, style.INTERPOLATED)
"""That a picture's lines and text have, whatever the field and the heat."""


def frame_picture(
    mag: Magnetogram,
    *,
    heat: np.ndarray | None = None,
    signed: bool = False,
    masks: PilMasks | None = None,
    show: Collection[str] = ("pil", "ropi"),
    clip: float = 500.0,
    heat_opacity: float = 0.45,
    heat_range: tuple[float, float] | None = None,
    width: int = 900,
    caption: str = "",
) -> Image.Image:
    """Draw a magnetogram with its lines and a heat map as a picture, north up.

    Parameters
    ----------
    mag : Magnetogram
        NaN pixels are drawn as no field.
    heat : (rows, cols) array, optional
        On the patch's pixels; NaN is clear.
    signed : bool
        Negative values of the map speak against the class.
    masks : PilMasks, optional
        None, or masks without a line, draw none.
    show : collection of str
        Of ``"pil"``, ``"ropi"``, ``"hull"``.
    clip : float
        Field strength drawn black or white, gauss.
    heat_opacity : float
        0 (clear) to 1.
    heat_range : (float, float), optional
        Values at the ends of the colour scale, to compare hours; the extremes of `heat` by
        default.
    width : int
        Of the picture, pixels.
    caption : str
        The line below; region and time by default. Simulated data are named there in any case.

    Returns
    -------
    Image
        RGB.

    Raises
    ------
    ValueError
        If `clip` or `width` is not positive, a line is unknown, or the map or the masks are not
        of the field's shape.
    """
    if not (clip > 0 and width > 0):
        raise ValueError(f"clip {clip} and width {width} must be positive")
    if unknown := sorted(set(show) - set(_LINES)):
        raise ValueError(f"unknown lines {unknown}: choose from {tuple(_LINES)}")
    for name, other in (("heat", heat), ("masks", None if masks is None else masks.pil)):
        if other is not None and other.shape != mag.shape:
            raise ValueError(f"{name} of shape {other.shape} for a field of {mag.shape}")
    pixels = composite(
        mag.field,
        heat,
        clip=clip,
        heat_opacity=heat_opacity,
        heat_range=heat_range,
        signed=signed,
        width=mag.shape[1],
    )
    size = (width, max(1, round(width * mag.shape[0] / mag.shape[1])))
    picture = Image.fromarray(pixels).resize(size, Image.Resampling.BICUBIC)
    if masks is not None:
        _draw_lines(picture, masks, show, width / mag.shape[1])
    return _with_caption(picture, caption or _plain_caption(mag), simulated=mag.simulated)


def _draw_lines(picture: Image.Image, masks: PilMasks, show: Collection[str], scale: float) -> None:
    """Draw lines on dark ones, in place; `scale` is pixels of the picture a native pixel."""
    draw = ImageDraw.Draw(picture)
    for name in (name for name in _LINES if name in show):
        mask = getattr(masks, name)
        x, y = line_path(mask) if name == "pil" else outline_path(mask)
        ends = np.stack([(x + 0.5) * scale, picture.height - (y + 0.5) * scale], axis=1)
        segments = ends.reshape(-1, 3, 2)[:, :2].reshape(-1, 4).tolist()
        thick = max(1, round(_WIDTHS[name] * picture.width / 900))
        for colour, wide in ((_HALO, thick + 2), (_LINES[name], thick)):
            for segment in segments:
                draw.line(segment, fill=colour, width=wide)


def _plain_caption(mag: Magnetogram) -> str:
    region = " ".join(f"AR {number}" for number in mag.noaa) or f"HARP {mag.harp}"
    return f"{region}  {iso_minute(mag.t_rec).replace('T', ' ')} TAI"


def _with_caption(picture: Image.Image, caption: str, *, simulated: bool) -> Image.Image:
    """Put a line of text below; a caption that is too long gets smaller, and is cut in the end."""
    width, height = picture.size
    size = max(11, width // 42)
    bar, margin = round(1.9 * size), size // 2
    canvas = Image.new("RGB", (width, height + bar), PAPER)
    canvas.paste(picture, (0, 0))
    draw = ImageDraw.Draw(canvas)
    middle = height + bar / 2
    right = width - margin - (_length(_SIMULATED, size) if simulated else 0.0)
    own = size
    while own > 9 and _length(caption, own) + 2 * margin > right:
        own -= 1
    font = ImageFont.load_default(own)
    draw.text((margin, middle), caption, fill=_INK, font=font, anchor="lm")
    if simulated:
        font = ImageFont.load_default(size)
        draw.rectangle((right - margin, height, width, height + bar), fill=PAPER)
        draw.text((right, middle), _SIMULATED, fill=style.INTERPOLATED, font=font, anchor="lm")
    return canvas


def _length(text: str, size: int) -> float:
    return ImageFont.load_default(size).getlength(text)
