"""Hours of a region as pictures with lines and heat maps, and as files: a film, a zip."""

import io
import zipfile
from collections.abc import Collection, Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFont, ImageOps
from plotly.colors import hex_to_rgb

from analysis.figures import style
from analysis.figures.filmstrip import composite, picture_bytes
from analysis.figures.overlays import line_path, outline_path
from analysis.physics.pil import PilMasks
from hnn_core.magnetogram.conventions import iso_minute
from hnn_core.magnetogram.magnetogram import Magnetogram

__all__ = ["SECONDS", "animation_gif", "frame_picture", "frames_zip", "one_size"]

_LINES = {"hull": style.HULL, "ropi": style.ROPI, "pil": style.PIL}
"""In the order in which they are drawn."""
_WIDTHS = {"hull": 1.6, "ropi": 1.4, "pil": 2.6}
"""Of lines in a picture 900 pixels wide, as in `analysis.figures.magnetogram`."""
_HALO = "#101010"
_PAPER, _INK = style.PAPER[True], style.TEXT[True]
_LONG_AGO = (1980, 1, 1, 0, 0, 0)
"""The earliest time that a zip can hold; with it equal pictures give equal files."""
SECONDS = 0.5
"""That each picture of a film is shown."""
_COLOURS = (*_LINES.values(), _HALO, _PAPER, _INK, style.INTERPOLATED)
"""That a picture's lines and text have, whatever the field and the heat."""


def frame_picture(
    mag: Magnetogram,
    *,
    heat: np.ndarray | None = None,
    signed: bool = False,
    masks: PilMasks | None = None,
    show: Collection[str] = ("pil", "ropi"),
    heat_opacity: float = 0.6,
    heat_range: tuple[float, float] | None = None,
    width: int = 900,
    caption: str = "",
) -> Image.Image:
    """Draw a magnetogram with its lines and a heat map as a picture, north up.

    Parameters
    ----------
    mag : Magnetogram
    heat, signed, heat_opacity, heat_range
        As in `analysis.figures.filmstrip.composite`; give one range to compare hours.
    masks : PilMasks, optional
        None, or masks without a line, draw none.
    show : collection of str
        Of ``"pil"``, ``"ropi"``, ``"hull"``.
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
        If `width` is not positive, a line is unknown, or the map or the masks are not of the
        field's shape.
    """
    if not width > 0:
        raise ValueError(f"width must be positive, got {width}")
    if unknown := sorted(set(show) - set(_LINES)):
        raise ValueError(f"unknown lines {unknown}: choose from {tuple(_LINES)}")
    for name, other in (("heat", heat), ("masks", None if masks is None else masks.pil)):
        if other is not None and other.shape != mag.shape:
            raise ValueError(f"{name} of shape {other.shape} for a field of {mag.shape}")
    pixels = composite(
        mag.field,
        heat,
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
    canvas = Image.new("RGB", (width, height + bar), _PAPER)
    canvas.paste(picture, (0, 0))
    draw = ImageDraw.Draw(canvas)
    middle = height + bar / 2
    right = width - margin - (_length(style.SIMULATED, size) if simulated else 0.0)
    own = size
    while own > 9 and _length(caption, own) + 2 * margin > right:
        own -= 1
    font = ImageFont.load_default(own)
    draw.text((margin, middle), caption, fill=_INK, font=font, anchor="lm")
    if simulated:
        font = ImageFont.load_default(size)
        draw.rectangle((right - margin, height, width, height + bar), fill=_PAPER)
        draw.text((right, middle), style.SIMULATED, fill=style.INTERPOLATED, font=font, anchor="lm")
    return canvas


def _length(text: str, size: int) -> float:
    return ImageFont.load_default(size).getlength(text)


def one_size(pictures: Sequence[Image.Image]) -> list[Image.Image]:
    """Put pictures that are smaller than the largest on a canvas of its size.

    Patches of a region may differ by a pixel or two from hour to hour.

    Raises
    ------
    ValueError
        If there is none.
    """
    if not pictures:
        raise ValueError("no picture to show: give at least one")
    size = tuple(max(picture.size[axis] for picture in pictures) for axis in (0, 1))
    framed = []
    for picture in pictures:
        across, up = size[0] - picture.width, size[1] - picture.height
        edges = (across // 2, up, across - across // 2, 0)
        framed.append(ImageOps.expand(picture, edges, _PAPER) if across or up else picture)
    return framed


def animation_gif(pictures: Sequence[Image.Image]) -> bytes:
    """Make a film that runs over and over.

    A GIF, since it moves in every browser and slide program: of an animated PNG those show the
    first picture, and many cannot read WebP at all. Its 256 colours are chosen once for all
    pictures, so that nothing flickers; lines and text keep their own exactly. `frames_zip` has
    the full colours.

    Parameters
    ----------
    pictures : sequence of Image
        In order of time; each is shown for `SECONDS`.

    Returns
    -------
    bytes
        The same for the same pictures.

    Raises
    ------
    ValueError
        If there is no picture.
    """
    pictures = one_size(pictures)
    palette = _palette(pictures)
    reduced = [picture.quantize(palette=palette, dither=Image.Dither.NONE) for picture in pictures]
    return picture_bytes(
        reduced[0],
        "gif",
        save_all=True,
        append_images=reduced[1:],
        duration=round(1000 * SECONDS),
        loop=0,
        optimize=False,
        disposal=1,
    )


def _palette(pictures: Sequence[Image.Image]) -> Image.Image:
    """Choose colours from a few of the pictures, and add those of lines and text."""
    some = pictures[:: -(-len(pictures) // 8)]
    # Every third pixel: the choice is as good and takes a ninth of the time.
    width, height = (max(1, length // 3) for length in some[0].size)
    sheet = Image.new("RGB", (width, height * len(some)))
    for place, picture in enumerate(some):
        sheet.paste(picture.resize((width, height), Image.Resampling.NEAREST), (0, place * height))
    chosen = sheet.quantize(256 - len(_COLOURS), method=Image.Quantize.MEDIANCUT, kmeans=4)
    found = chosen.getpalette() or []
    exact = [channel for colour in _COLOURS for channel in hex_to_rgb(colour)]
    palette = Image.new("P", (1, 1))
    palette.putpalette([*exact, *found[: 768 - len(exact)]])
    return palette


def frames_zip(pictures: Sequence[Image.Image], names: Sequence[str]) -> bytes:
    """Pack pictures as PNG files, in full colours.

    Parameters
    ----------
    pictures : sequence of Image
    names : sequence of str
        One a picture, such as its time in ISO minutes; colons are left out of the files' names.

    Returns
    -------
    bytes
        A zip, the same for the same pictures.

    Raises
    ------
    ValueError
        If there are not as many different names as pictures.
    """
    files = [f"{name.replace(':', '').replace('/', '_')}.png" for name in names]
    if len(files) != len(pictures) or len(set(files)) != len(files):
        raise ValueError(f"{len(pictures)} pictures need a name each, got {list(names)}")
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name, picture in zip(files, pictures, strict=True):
            archive.writestr(zipfile.ZipInfo(name, _LONG_AGO), picture_bytes(picture, "png"))
    return buffer.getvalue()
