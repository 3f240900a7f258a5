"""Hours of a region as pictures with lines and heat maps, each on a sheet that explains it."""

import io
import math
from collections.abc import Collection
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from analysis.figures import style
from analysis.figures.filmstrip import composite
from analysis.figures.magnetogram import degree_ticks, edge_positions
from analysis.figures.overlays import heat_unit, line_path, outline_path
from analysis.physics.pil import PilMasks
from analysis.printed.publication import credit_line, font_files
from hnn_core.magnetogram.magnetogram import Magnetogram

__all__ = ["COLOURS", "FlareMark", "Story", "film_sheet", "frame_picture"]

_LINES = {"hull": style.HULL, "ropi": style.ROPI, "pil": style.PIL}
"""In the order in which they are drawn."""
_WIDTHS = {"hull": 1.6, "ropi": 1.4, "pil": 2.6}
"""Of lines in a picture 900 pixels wide, as in `analysis.figures.magnetogram`."""
_THIN = 1.8
"""Of the PIL inside its RoPI, which is only a few pixels wide."""
_VEIL = 0.4
"""Of the RoPI's colour over what lies in it."""
_HALO = "#101010"
_FILLED = "#b3a566"
"""The RoPI's colour over grey."""
_PAPER, _INK = style.PAPER[True], style.TEXT[True]
_CLIP = 500.0
"""Field at the ends of the grey scale, gauss; that of `composite`."""
_FAINT = "#a8aebd"
COLOURS = (*_LINES.values(), _HALO, _PAPER, _INK, _FAINT, style.INTERPOLATED, style.ERUPTIVE)
COLOURS += (style.CONFINED, style.UNKNOWN)
"""That lines, marks and texts of a sheet have, whatever the field and the heat."""
_LEFT, _RIGHT, _TOP, _AXIS, _STRIP, _FOOT = 74, 150, 66, 50, 104, 30
"""Room of a sheet about the picture, and of the passage and the credit below it, pixels."""
_NAMES = {"pil": "PIL", "ropi": "RoPI", "hull": "convex hull"}
_BARS_MM = (200, 100, 50, 20, 10, 5, 2, 1)


@dataclass(frozen=True)
class FlareMark:
    """A flare as a sheet marks it."""

    hour: float
    """Hours of its peak since the film's first hour."""
    words: str
    """Its class."""
    known: str
    """One of `analysis.figures.style.ASSOCIATIONS`."""


@dataclass(frozen=True)
class Story:
    """What the sheets of a film have in common."""

    title: str
    """Region, and the model if there is one."""
    times: tuple[str, ...]
    """ISO minutes, TAI, one a picture."""
    hours: tuple[float, ...]
    """The same, since the first."""
    probabilities: tuple[float, ...]
    """P(eruptive); NaN where there is none."""
    flares: tuple[FlareMark, ...]
    flares_words: str
    """In place of flares, where they were not looked up."""
    show: tuple[str, ...]
    """Lines, as of `frame_picture`."""
    heat_name: str
    """Empty without a heat map."""
    heat_range: tuple[float, float]
    signed: bool


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
    return picture


def _draw_lines(picture: Image.Image, masks: PilMasks, show: Collection[str], scale: float) -> None:
    """Draw lines on dark ones, in place; `scale` is pixels of the picture a native pixel."""
    if "ropi" in show:  # filled as well, since its outline runs close to the lines
        veil = Image.fromarray(np.uint8(_VEIL * 255 * masks.ropi[::-1])).resize(picture.size)
        picture.paste(_LINES["ropi"], mask=veil)
    draw = ImageDraw.Draw(picture)
    found = []
    for name in (name for name in _LINES if name in show):
        mask = getattr(masks, name)
        x, y = line_path(mask) if name == "pil" else outline_path(mask)
        ends = np.stack([(x + 0.5) * scale, picture.height - (y + 0.5) * scale], axis=1)
        segments = ends.reshape(-1, 3, 2)[:, :2].reshape(-1, 4).tolist()
        width = _THIN if name == "pil" and "ropi" in show else _WIDTHS[name]
        found.append((_LINES[name], max(1, round(width * picture.width / 900)), segments))
    halos = [(_HALO, thick + 2, segments) for _, thick, segments in found]
    for colour, thick, segments in halos + found:  # no line lies under the halo of another
        for segment in segments:
            draw.line(segment, fill=colour, width=thick)


def film_sheet(mag: Magnetogram, picture: Image.Image, story: Story, at: int) -> Image.Image:
    """Put a picture on a sheet with axes, colour bars, scale, time, P(eruptive), flares, credit.

    Parameters
    ----------
    mag : Magnetogram
        Of the picture.
    picture : Image
        Of `frame_picture`.
    story : Story
    at : int
        Which of its times it is.

    Returns
    -------
    Image
        RGB, of even width and height, as films need them.
    """
    width = _LEFT + picture.width + _RIGHT
    height = _TOP + picture.height + _AXIS + _STRIP + _FOOT
    sheet = Image.new("RGB", (width + width % 2, height + height % 2), _PAPER)
    sheet.paste(picture, (_LEFT, _TOP))
    draw = ImageDraw.Draw(sheet)
    _draw_head(draw, mag, story, at, width)
    _draw_axes(draw, sheet, mag, picture.size)
    _draw_scale(draw, mag, picture.size)
    _draw_bars(draw, sheet, story, picture)
    _draw_passage(draw, story, at, picture)
    credit = credit_line(simulated=mag.simulated)
    _write(draw, (_LEFT, height - _FOOT / 2), credit, 13, _FAINT, "lm")
    return sheet


@cache
def _font(size: int) -> ImageFont.FreeTypeFont:
    """Return the figures' own font, which has every sign that they need."""
    return ImageFont.truetype(io.BytesIO(font_files()[400]), size)


def _write(
    draw: ImageDraw.ImageDraw,
    place: tuple[float, float],
    text: str,
    size: int = 14,
    colour: str = _INK,
    anchor: str = "mm",
) -> float:
    """Write a text, and return its width."""
    font = _font(size)
    draw.text(place, text, fill=colour, font=font, anchor=anchor)
    return float(font.getlength(text))


def _write_up(sheet: Image.Image, middle: tuple[float, float], text: str, size: int = 14) -> None:
    """Write a text from below to above, about a place."""
    font = _font(size)
    label = Image.new("RGB", (math.ceil(font.getlength(text)) + 2, size + 6), _PAPER)
    ImageDraw.Draw(label).text((1, size / 2 + 3), text, fill=_INK, font=font, anchor="lm")
    label = label.rotate(90, expand=True)
    place = (round(middle[0] - label.width / 2), round(middle[1] - label.height / 2))
    sheet.paste(label, place)


def _draw_head(
    draw: ImageDraw.ImageDraw, mag: Magnetogram, story: Story, at: int, width: int
) -> None:
    """Draw region, time and P(eruptive), and below them which line is which."""
    probability = story.probabilities[at]
    now = f"P(eruptive) = {probability:.2f}" if math.isfinite(probability) else "no prediction"
    right = f"{story.times[at].replace('T', ' ')} TAI"
    right += f"   {now}" if story.heat_name or any(map(math.isfinite, story.probabilities)) else ""
    room = width - 3 * 16 - _write(draw, (width - 16, 22), right, 20, anchor="rm")
    size = 20
    while size > 9 and _font(size).getlength(story.title) > room:
        size -= 1
    _write(draw, (16, 22), story.title, size, anchor="lm")
    x = float(_LEFT)
    for name in (name for name in reversed(_LINES) if name in story.show):
        if name == "ropi":
            draw.rectangle((x, 43, x + 28, 57), outline=_LINES[name], fill=_FILLED, width=2)
        else:
            draw.line((x, 50, x + 28, 50), fill=_LINES[name], width=round(_WIDTHS[name] + 1))
        x += 36 + _write(draw, (x + 34, 50), _NAMES[name], anchor="lm") + 18
    if mag.interpolated:
        x += _write(draw, (x, 50), "interpolated hour", 14, style.INTERPOLATED, "lm") + 18
    if mag.simulated:
        _write(draw, (width - 16, 50), style.SIMULATED, 14, style.INTERPOLATED, "rm")


def _draw_axes(
    draw: ImageDraw.ImageDraw, sheet: Image.Image, mag: Magnetogram, size: tuple[int, int]
) -> None:
    """Draw degrees along the southern and the eastern edge, or pixels where they are not known."""
    scale, foot = size[0] / mag.shape[1], _TOP + size[1]
    draw.rectangle((_LEFT - 1, _TOP - 1, _LEFT + size[0], foot), outline=_FAINT)
    edges = edge_positions(mag)
    names = ("longitude from the central meridian", "latitude")
    if edges is None:
        names = ("column (pixels)", "row (pixels)")
        edges = tuple(np.arange(float(side)) for side in mag.shape[::-1])  # type: ignore[assignment]
    assert edges is not None
    for edge, upright, most in zip(edges, (False, True), (10, 7), strict=True):
        ticks = degree_ticks(edge, most=most)
        for place, text in zip(ticks["tickvals"], ticks["ticktext"], strict=True):
            along = (place + 0.5) * scale
            text = text if names[0].startswith("longitude") else text.removesuffix("°")
            if upright:
                y = foot - along
                draw.line((_LEFT - 6, y, _LEFT - 1, y), fill=_FAINT)
                _write(draw, (_LEFT - 9, y), text, anchor="rm")
            else:
                draw.line((_LEFT + along, foot, _LEFT + along, foot + 5), fill=_FAINT)
                _write(draw, (_LEFT + along, foot + 15), text)
    _write(draw, (_LEFT + size[0] / 2, foot + 36), names[0])
    _write_up(sheet, (14, _TOP + size[1] / 2), names[1])


def _draw_scale(draw: ImageDraw.ImageDraw, mag: Magnetogram, size: tuple[int, int]) -> None:
    """Draw a bar of a round length on the Sun, and where north and west are."""
    a_pixel = float(np.sqrt(mag.pixel_area.to_value("Mm2"))) * mag.shape[1] / size[0]
    length = next((mm for mm in _BARS_MM if mm / a_pixel <= size[0] / 4), _BARS_MM[-1])
    x, y = _LEFT + size[0] - 16, _TOP + size[1] - 16
    halo: dict[str, Any] = {"fill": _INK, "stroke_width": 2, "stroke_fill": _HALO}
    font = _font(15)
    draw.line((x - length / a_pixel - 1, y, x + 1, y), fill=_HALO, width=7)
    draw.line((x - length / a_pixel, y, x, y), fill=_INK, width=3)
    middle = x - length / a_pixel / 2
    draw.text((middle, y - 8), f"{length} Mm", font=font, anchor="mb", **halo)
    draw.text((x, _TOP + 10), "north up, west right", font=font, anchor="ra", **halo)


def _draw_bars(
    draw: ImageDraw.ImageDraw, sheet: Image.Image, story: Story, picture: Image.Image
) -> None:
    """Draw the bar of the field and that of the map, as it looks over no field."""
    ramp = np.linspace(0.0, 1.0, 128)[:, np.newaxis] * np.ones((1, 16))
    field = composite(2.0 * _CLIP * (ramp - 0.5), clip=_CLIP, width=16)
    bars = [("B along the line of sight (G)", field, (-_CLIP, _CLIP), "+.0f")]
    if story.heat_name:
        low, high = story.heat_range
        look: dict[str, Any] = {"heat_range": story.heat_range, "signed": story.signed}
        heat = composite(np.zeros_like(ramp), low + (high - low) * ramp, width=16, **look)
        name = f"{story.heat_name} ({heat_unit(story.heat_name)})"
        bars.append((name, heat, story.heat_range, "+.2g" if story.signed else ".2g"))
    room = picture.height / len(bars)
    x = _LEFT + picture.width + 16
    for number, (name, colours, limits, form) in enumerate(bars):
        top, height = round(_TOP + number * room + 8), max(1, round(room - 16))
        sheet.paste(Image.fromarray(colours).resize((16, height)), (x, top))
        draw.rectangle((x - 1, top - 1, x + 16, top + height), outline=_FAINT)
        for share in (0.0, 0.5, 1.0):
            y = top + height * (1.0 - share)
            value = limits[0] + share * (limits[1] - limits[0])
            text = style.number(value, form) if value else "0"
            _write(draw, (x + 22, y), text, anchor="lm")
        fits = min(14, max(8, round(14 * height / _font(14).getlength(name))))
        _write_up(sheet, (sheet.width - 14, top + height / 2), name, fits)


def _draw_passage(draw: ImageDraw.ImageDraw, story: Story, at: int, picture: Image.Image) -> None:
    """Draw P(eruptive) over the film's hours, the flares, and a cursor at this one."""
    top = _TOP + picture.height + _AXIS + 20
    foot, left, right = top + _STRIP - 44, _LEFT, _LEFT + picture.width
    span = max(story.hours[-1] - story.hours[0], 1.0)

    def x_of(hour: float) -> float:
        return left + (right - left) * (hour - story.hours[0]) / span

    draw.rectangle((left, top, right, foot), outline=_FAINT)
    for value in (0.0, 1.0):
        _write(draw, (left - 9, foot - value * (foot - top)), f"{value:.0f}", 13, anchor="rm")
    _write(draw, (left - 9, (top + foot) / 2), "P(erupt.)", 12, anchor="rm")
    for flare in story.flares:
        x, colour = x_of(flare.hour), style.ASSOCIATIONS[flare.known][0]
        draw.line((x, top, x, foot), fill=colour, width=2)
        _write(draw, (x, top - 9), flare.words, 13, colour)
    if story.flares_words:
        _write(draw, (right, top - 9), story.flares_words, 13, _FAINT, "rm")
    points = [
        (x_of(hour), foot - value * (foot - top))
        for hour, value in zip(story.hours, story.probabilities, strict=True)
    ]
    for one, other in pairwise(points):
        if math.isfinite(one[1]) and math.isfinite(other[1]):
            draw.line((*one, *other), fill=_FAINT, width=2)
    x, y = points[at]
    draw.line((x, top, x, foot), fill=_INK, width=2)
    if math.isfinite(y):
        draw.ellipse((x - 5, y - 5, x + 5, y + 5), fill=_INK)
    for index, anchor in ((0, "lm"), (len(story.times) - 1, "rm")):
        time = f"{story.times[index].replace('T', ' ')} TAI"
        _write(draw, (x_of(story.hours[index]), foot + 13), time, 13, _FAINT, anchor)
