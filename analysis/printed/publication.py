"""Figures for a paper: on opaque white, legends whole, with title, credit and embedded font.

A figure becomes a sheet of SVG: title lines, the picture, the credit. The picture comes from
plotly in the visitor's browser, from the viewer of magnetograms, or, on a machine with a browser of
its own, from `figure_svg`. PNG and PDF are made from the sheet.
"""

import asyncio
import base64
import io
import re
import shutil
import tempfile
import textwrap
import xml.etree.ElementTree as ElementTree
from collections.abc import Sequence
from functools import cache
from html import escape
from pathlib import Path
from typing import Any

import plotly.graph_objects as go
from PIL import Image

from analysis.figures.style import put_on
from hnn_core.exceptions import FigureError
from hnn_core.storage import write_atomically

__all__ = [
    "FONT",
    "credit_line",
    "figure_svg",
    "fill_sheet",
    "find_browser",
    "font_files",
    "for_publication",
    "pdf_bytes",
    "png_bytes",
    "require_browser",
    "sheet",
]

FONT = "Figure Sans"
"""Letters of Source Sans 3 that figures need; its licence lies next to it."""
WIDTH = 900
"""Pixels; a picture whose height follows its width has this one too."""
_FOLDER = Path(__file__).resolve().parents[2] / "assets" / "figures"
_INK, _FAINT = "#1c2230", "#5b6472"
_LINE_PX, _SIGNS_A_LINE = 19, 84
_MOST_SIGNS = 40_000_000
_BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")
_LINK = re.compile(r"@import|url\(\s*['\"]?(?!#|['\"]|data:font/ttf;base64,)")
_BOX = re.compile(r'<svg\b[^>]*?\bwidth="([\d.]+)"[^>]*?\bheight="([\d.]+)"', re.DOTALL)


def for_publication(
    figure: go.Figure, *, simulated: bool = False, ratio: float | None = None
) -> go.Figure:
    """Return a copy of a figure as it is printed: light, opaque, with room for all its words.

    Parameters
    ----------
    figure : Figure
        Of `analysis.figures.style.house_figure`, in either theme, with any margins.
    simulated : bool
        Note in the figure that the data are simulated.
    ratio : float, optional
        Height over width, for a figure without a height of its own.

    Returns
    -------
    Figure
        With `WIDTH` and a height.
    """
    printed = put_on(go.Figure(figure), simulated=simulated, solid=True)
    height = printed.layout.height or round(WIDTH * ratio if ratio else 420)
    printed.update_layout(
        width=WIDTH,
        height=max(int(height), 120),
        font_family=f"'{FONT}', sans-serif",
        hoverlabel_font_family=None,
        margin={"l": 12, "r": 16, "t": 30, "b": 12, "autoexpand": True},
        transition=None,
        uirevision=None,
    )
    printed.update_xaxes(automargin=True)
    printed.update_yaxes(automargin=True)
    for image in printed.layout.images:
        image.source = _as_png(image.source)
    return printed


def sheet(title: Sequence[str], credit: str, description: str = "") -> str:
    """Return a sheet whose picture is still missing: SVG with ``{width}`` and the like.

    `fill_sheet`, here and in assets/figures/export.js, puts the picture in.

    Parameters
    ----------
    title : sequence of str
        Lines above the picture, the first in bold; long ones are broken.
    credit : str
        The line below it.
    description : str
        What the figure shows, for those who cannot see it.
    """
    lines = [
        (part, place == 0)
        for place, line in enumerate(title)
        for part in textwrap.wrap(line, _SIGNS_A_LINE)
    ]
    top = _LINE_PX * len(lines) + 18
    words = "".join(
        f'<text x="16" y="{_LINE_PX * row + 26}" font-size="{15 if bold else 14}" '
        f'font-weight="{700 if bold else 400}" fill="{_INK}">{_safe(text)}</text>'
        for row, (text, bold) in enumerate(lines)
    )
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" '
        f'width="{{width}}" height="{{height}}" viewBox="0 0 {{width}} {{height}}" role="img" '
        f'data-top="{top}" data-below="28" font-family="\'{FONT}\', sans-serif">'
        f"<title>{_safe(' · '.join(title))}</title><desc>{_safe(description)}</desc>"
        f"<style>{_font_faces()}</style>"
        f'<rect width="100%" height="100%" fill="#ffffff"/>{words}'
        f'<g transform="translate(0 {top})">{{picture}}</g>'
        f'<text x="16" y="{{credit}}" font-size="12" fill="{_FAINT}">{_safe(credit)}</text></svg>'
    )


def fill_sheet(sheet: str, picture: str) -> str:
    """Put a picture, an SVG with width and height in pixels, into a `sheet`."""
    found = _BOX.search(picture)
    if found is None:
        raise FigureError("The picture is no SVG with a width and a height in pixels.")
    width, height = (round(float(one)) for one in found.groups())
    top, below = (int(re.search(f'data-{name}="(\\d+)"', sheet)[1]) for name in ("top", "below"))  # type: ignore[index]
    whole = {
        "width": max(width, 640),
        "height": top + height + below,
        "credit": top + height + 18,
        "picture": picture[found.start() :],
    }
    for name, value in whole.items():
        sheet = sheet.replace(f"{{{name}}}", str(value))
    return sheet


def pdf_bytes(svg: str) -> bytes:
    """Return a sheet as PDF: lines and letters stay lines and letters.

    Raises
    ------
    FigureError
        If it is no SVG, is too large, or asks for anything outside itself.
    """
    return bytes(_converter().svg_to_pdf(_checked(svg)))


def png_bytes(svg: str, *, scale: float = 2.0) -> bytes:
    """Return a sheet as PNG, `scale` times its size in pixels; errors as of `pdf_bytes`."""
    return bytes(_converter().svg_to_png(_checked(svg), scale=scale))


def credit_line(*, simulated: bool) -> str:
    """Return whom the data of a figure are owed to."""
    if simulated:
        return "Simulated data: made by a model of magnetic elements, never on the Sun."
    return "Courtesy of NASA/SDO and the HMI science team."


def find_browser() -> str | None:
    """Path of a Chromium or Chrome of this machine, or None."""
    return next(filter(None, map(shutil.which, _BROWSERS)), None)


def require_browser() -> str:
    """Path of a Chromium or Chrome of this machine; FigureError where there is none."""
    browser = find_browser()
    if browser is None:
        raise FigureError(
            "No Chromium or Chrome is installed, which draws figures without a visitor. Install "
            "one, or save the figures from the program's pages."
        )
    return browser


def figure_svg(figures: Sequence[go.Figure]) -> list[str]:
    """Draw figures of `for_publication` by this machine's browser, as SVG.

    Raises
    ------
    FigureError
        If the machine has no browser.
    """
    return asyncio.run(_drawn(figures, require_browser()))


async def _drawn(figures: Sequence[go.Figure], browser: str) -> list[str]:
    import kaleido

    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder) / "font.js"
        write_atomically(script, _font_script().encode("ascii"))
        page = kaleido.PageGenerator(mathjax=False, others=[str(script)])
        async with kaleido.Kaleido(n=1, page_generator=page, path=browser) as drawing:
            size = "width", "height"
            return [
                (
                    await drawing.calc_fig(
                        figure, opts={"format": "svg", **{one: figure.layout[one] for one in size}}
                    )
                ).decode()
                for figure in figures
            ]


@cache
def font_files() -> dict[int, bytes]:
    """Return the font by its weights."""
    names = {400: "FigureSans-Regular.ttf", 700: "FigureSans-Bold.ttf"}
    return {weight: (_FOLDER / name).read_bytes() for weight, name in names.items()}


@cache
def _converter() -> Any:
    """Return the library that reads SVG, with the font; loaded on first use, as it is large."""
    import vl_convert

    vl_convert.register_font_directory(str(_FOLDER))
    return vl_convert


@cache
def _font_faces() -> str:
    return "".join(
        f'@font-face{{font-family:"{FONT}";font-weight:{weight};'
        f"src:url(data:font/ttf;base64,{base64.b64encode(content).decode()})}}"
        for weight, content in font_files().items()
    )


def _font_script() -> str:
    """Write a script that gives a page the font before anything is measured."""
    return "".join(
        f'document.fonts.add(new FontFace("{FONT}",Uint8Array.from(atob("'
        f'{base64.b64encode(content).decode()}"),(one)=>one.charCodeAt(0)),'
        f'{{weight:"{weight}"}}));'
        for weight, content in font_files().items()
    )


def _safe(text: str) -> str:
    """Write a text for a sheet; braces are for what is missing in it."""
    return escape(text).replace("{", "&#123;").replace("}", "&#125;")


def _as_png(source: str) -> str:
    """Return a picture as PNG, which every reader of SVG and PDF knows."""
    head, _, content = str(source).partition("base64,")
    if head != "data:image/webp;":
        return source
    buffer = io.BytesIO()
    with Image.open(io.BytesIO(base64.b64decode(content))) as image:
        image.save(buffer, "png", optimize=True)
    return f"data:image/png;base64,{base64.b64encode(buffer.getvalue()).decode()}"


def _checked(svg: str) -> str:
    """Refuse what a visitor may not send: other files, addresses, entities."""
    if len(svg) > _MOST_SIGNS:
        raise FigureError(f"The figure has {len(svg) / 1e6:.0f} MB, of 40 at most. Zoom in.")
    try:
        root = None if "<!" in svg else ElementTree.fromstring(svg)
    except ElementTree.ParseError as error:
        raise FigureError(f"The figure is no SVG: {error}.") from error
    if root is None or any(_leads_out(one) for one in root.iter()):
        raise FigureError("The figure asks for something outside itself.")
    return svg


def _leads_out(element: ElementTree.Element) -> bool:
    for name, value in element.attrib.items():
        inside = value.startswith(("#", "data:image/png;base64,"))
        if name.rpartition("}")[2] in ("href", "src") and not inside:
            return True
    return any(_LINK.search(text) for text in (element.text or "", *element.attrib.values()))
