"""A film of pictures: as a figure that plays, and as files."""

import io
import tempfile
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import plotly.graph_objects as go
from PIL import Image, ImageOps
from plotly.colors import hex_to_rgb

from analysis.figures import style
from analysis.figures.filmstrip import image_layer, picture_bytes
from analysis.printed.film import COLOURS
from hnn_core.exceptions import FigureError

__all__ = [
    "SECONDS",
    "animation_figure",
    "animation_gif",
    "animation_mp4",
    "frames_zip",
    "no_mp4",
    "one_size",
]

SECONDS = 0.5
"""That each picture of a film is shown."""
_LONG_AGO = (1980, 1, 1, 0, 0, 0)
"""The earliest time that a zip can hold; with it equal pictures give equal files."""
_INSTEAD = "save the GIF, or all pictures as a zip."

_MOST = 2_100_000
"""Bytes of 48 pictures together, which base64 makes a third more; twice as many for more hours."""
_WAYS = ((82, 1.0), (65, 1.0), (45, 1.0), (45, 0.5), (20, 0.5))
"""Quality and scale, the best that is small enough."""
_BUTTONS = 92
"""Width that the buttons take at the left of the slider, pixels."""
_BELOW = 84
"""Height that slider and buttons take below the pictures, pixels."""


def animation_figure(pictures: Sequence[Image.Image], labels: Sequence[str]) -> go.Figure:
    """Draw pictures that play, with buttons and a slider over the hours.

    It needs margins of 84 px below, for the slider and the buttons, and 4 px elsewhere.

    Parameters
    ----------
    pictures : sequence of Image
        In order of time; each goes in as WebP, together under 3 MB for as many as 48 hours.
    labels : sequence of str
        One a picture, next to the slider: its time, TAI.

    Raises
    ------
    ValueError
        If there is no picture, or not a label for each.
    """
    if len(labels) != len(pictures):
        raise ValueError(f"{len(pictures)} pictures need a label each, got {len(labels)}")
    pictures = one_size(pictures)
    width, rows = pictures[0].size
    layers = [image_layer(one, "webp", 0, rows, width, rows) for one in _encoded(pictures)]
    names = [str(index) for index in range(len(layers))]
    axis = {"visible": False, "fixedrange": True, "constrain": "domain"}
    figure = style.house_figure(
        # Axes without a trace would not be drawn.
        go.Scatter(x=[0, width], y=[0, rows], mode="none", hoverinfo="skip", name="film"),
        uirevision="film",
        height=560,
        showlegend=False,
        hovermode=False,
        dragmode=False,
        images=[layers[0]],
        updatemenus=[_buttons()],
        sliders=[_slider(names, labels)],
        margin={"l": 4, "r": 4, "t": 4, "b": _BELOW},
        xaxis={"range": [0, width], **axis},
        yaxis={"range": [0, rows], "scaleanchor": "x", "constraintoward": "bottom", **axis},
    )
    figure.frames = [
        go.Frame(name=name, layout={"images": [layer]})
        for name, layer in zip(names, layers, strict=True)
    ]
    return figure


def _encoded(pictures: Sequence[Image.Image]) -> list[bytes]:
    """Encode pictures as well as their number allows; some of them show how large all will be."""
    some = pictures[:: -(-len(pictures) // 6)]
    each = _MOST * min(2.0, max(1.0, len(pictures) / 48)) / len(pictures)
    quality, scale = next(
        (way for way in _WAYS if sum(len(_webp(one, *way)) for one in some) <= each * len(some)),
        _WAYS[-1],
    )
    return [_webp(one, quality, scale) for one in pictures]


def _webp(picture: Image.Image, quality: int, scale: float) -> bytes:
    if scale != 1.0:
        picture = picture.resize((round(picture.width * scale), round(picture.height * scale)))
    return picture_bytes(picture, "webp", quality=quality, method=2)


def _at_once(seconds: float, *, onwards: bool) -> dict[str, Any]:
    return {
        "mode": "immediate",
        "fromcurrent": onwards,
        # A picture in the layout is drawn anew only by a redraw.
        "frame": {"duration": round(1000 * seconds), "redraw": True},
        "transition": {"duration": 0},
    }


def _buttons() -> dict[str, Any]:
    return {
        "type": "buttons",
        "direction": "left",
        "showactive": False,
        "x": 0.0,
        "xanchor": "left",
        "y": 0.0,
        "yanchor": "top",
        "pad": {"t": 22},
        "bgcolor": "rgba(128,136,150,0.16)",
        "bordercolor": "rgba(128,136,150,0.6)",
        # Under the pointer a button is nearly white whatever the page.
        "font": {"size": style.FONT_SIZE, "color": "#7d8496"},
        "buttons": [
            {"label": "▶", "method": "animate", "args": [None, _at_once(SECONDS, onwards=True)]},
            {"label": "❚❚", "method": "animate", "args": [[None], _at_once(0.0, onwards=False)]},
        ],
    }


def _slider(names: Sequence[str], labels: Sequence[str]) -> dict[str, Any]:
    return {
        "pad": {"l": _BUTTONS, "r": 12, "t": 4, "b": 0},
        "currentvalue": {"suffix": " TAI", "offset": 6, "font": {"size": style.FONT_SIZE}},
        "font": {"size": style.FONT_SIZE - 2},
        "bgcolor": "rgba(128,136,150,0.35)",
        "activebgcolor": style.PIL,
        "bordercolor": "rgba(128,136,150,0.6)",
        "tickcolor": "rgba(128,136,150,0.8)",
        "ticklen": 4,
        "minorticklen": 2,
        "transition": {"duration": 0},
        "steps": [
            {"label": label, "method": "animate", "args": [[name], _at_once(0.0, onwards=False)]}
            for name, label in zip(names, labels, strict=True)
        ],
    }


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
        framed.append(
            ImageOps.expand(picture, edges, style.PAPER[True]) if across or up else picture
        )
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


def animation_mp4(pictures: Sequence[Image.Image]) -> bytes:
    """Make a film that every browser and slide program plays: MP4, H.264.

    Parameters
    ----------
    pictures : sequence of Image
        In order of time, each shown for `SECONDS`, of even width and height, as those of
        `analysis.printed.film.film_sheet` are.

    Raises
    ------
    ValueError
        If there is no picture, or width or height are odd.
    FigureError
        ffmpeg cannot be started, or fails.
    """
    pictures = one_size(pictures)
    if any(side % 2 for side in pictures[0].size):
        raise ValueError(f"H.264 needs an even width and height, got {pictures[0].size}")
    if no_mp4():
        raise FigureError(no_mp4())
    import imageio_ffmpeg

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "film.mp4"
        film = imageio_ffmpeg.write_frames(
            str(path),
            pictures[0].size,
            fps=1.0 / SECONDS,
            codec="libx264",
            pix_fmt_out="yuv420p",
            quality=None,
            macro_block_size=2,
            output_params=["-crf", "16", "-movflags", "+faststart"],
            ffmpeg_log_level="error",
        )
        try:
            film.send(None)
            for picture in pictures:
                film.send(np.ascontiguousarray(picture.convert("RGB")))
            film.close()
            return path.read_bytes()
        except OSError as error:
            raise FigureError(f"ffmpeg could not write the film ({error}); {_INSTEAD}") from error


def no_mp4() -> str:
    """Return why no MP4 can be made, as a sentence; empty if it can."""
    try:
        import imageio_ffmpeg

        imageio_ffmpeg.get_ffmpeg_exe()
    except (ImportError, OSError, RuntimeError):
        return f"ffmpeg cannot be started here, so there is no MP4; {_INSTEAD}"
    return ""


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
            archive.writestr(zipfile.ZipInfo(name, _LONG_AGO), picture_bytes(picture, "png"))
    return buffer.getvalue()
