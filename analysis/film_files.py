"""Pictures of a region's hours as files: a film, and a zip of them all."""

import io
import zipfile
from collections.abc import Sequence

from PIL import Image
from plotly.colors import hex_to_rgb

from analysis.film_pictures import COLOURS, PAPER

__all__ = ["animation_gif", "frames_zip", "one_size"]

_LONG_AGO = (1980, 1, 1, 0, 0, 0)
"""The earliest time that a zip can hold; with it equal pictures give equal files."""


def one_size(pictures: Sequence[Image.Image]) -> list[Image.Image]:
    """Put pictures that are smaller than the largest on a canvas of its size.

    Patches of a region may differ by a pixel or two from hour to hour.

    Raises
    ------
    ValueError
        If there is none.
    """
    if not pictures:
        raise ValueError("no picture to show: give one at least")
    size = tuple(max(picture.size[axis] for picture in pictures) for axis in (0, 1))
    return [picture if picture.size == size else _enlarged(picture, size) for picture in pictures]


def _enlarged(picture: Image.Image, size: tuple[int, ...]) -> Image.Image:
    canvas = Image.new("RGB", (size[0], size[1]), PAPER)
    canvas.paste(picture, ((size[0] - picture.width) // 2, size[1] - picture.height))
    return canvas


def animation_gif(pictures: Sequence[Image.Image], *, seconds: float = 0.5) -> bytes:
    """Make a film that runs over and over.

    A GIF, since it moves in every browser and slide program: of an animated PNG those show the
    first picture, and many cannot read WebP at all. Its 256 colours are chosen once for all
    pictures, so that nothing flickers; lines and text keep their own exactly. `frames_zip` has
    the full colours.

    Parameters
    ----------
    pictures : sequence of Image
        In order of time.
    seconds : float
        Of each picture; browsers show none for less than 0.02 s.

    Returns
    -------
    bytes
        The same for the same pictures.

    Raises
    ------
    ValueError
        If there is no picture or `seconds` is less than 0.02.
    """
    if not seconds >= 0.02:
        raise ValueError(f"each picture needs 0.02 s at least, got {seconds}")
    pictures = one_size(pictures)
    palette = _palette(pictures)
    reduced = [picture.quantize(palette=palette, dither=Image.Dither.NONE) for picture in pictures]
    buffer = io.BytesIO()
    reduced[0].save(
        buffer,
        format="GIF",
        save_all=True,
        append_images=reduced[1:],
        duration=round(1000 * seconds),
        loop=0,
        optimize=False,
        disposal=1,
    )
    return buffer.getvalue()


def _palette(pictures: Sequence[Image.Image]) -> Image.Image:
    """Choose colours from a few of the pictures, and add those of lines and text."""
    some = pictures[:: -(-len(pictures) // 8)]
    # Every third pixel: the choice is as good and takes a ninth of the time.
    width, height = (max(1, length // 3) for length in some[0].size)
    sheet = Image.new("RGB", (width, height * len(some)))
    for place, picture in enumerate(some):
        sheet.paste(picture.resize((width, height), Image.Resampling.NEAREST), (0, place * height))
    chosen = sheet.quantize(256 - len(COLOURS), method=Image.Quantize.MEDIANCUT, kmeans=4)
    found = chosen.getpalette() or []
    exact = [channel for colour in COLOURS for channel in hex_to_rgb(colour)]
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
            image = io.BytesIO()
            picture.save(image, format="PNG")
            archive.writestr(zipfile.ZipInfo(name, _LONG_AGO), image.getvalue())
    return buffer.getvalue()
