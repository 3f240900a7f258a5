"""What the templates of a report build on: values in words, and figures that share their arrays.

Pictures of one magnetogram share its pixels: arrays are kept once and named where they are used.
"""

import base64
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from jinja2.utils import htmlsafe_json_dumps
from markupsafe import Markup
from plotly.offline import get_plotlyjs

from analysis.cases.making import without_folder
from analysis.figures.style import put_on
from hnn_core.magnetogram.conventions import number

__all__ = ["FigurePlace", "FigureStore", "column_head", "page_scripts", "shown", "templates"]

_ASSETS = Path(__file__).resolve().parents[2] / "assets" / "report"

_UNITS = {
    "_mx_per_h": "Mx/h",
    "_percent_per_h": "%/h",
    "_mx": "Mx",
    "_mm": "Mm",
    "_px": "px",
    "_deg": "deg",
    "_g": "G",
    "_km_s": "km/s",
    "_tai": "TAI",
    "_utc": "UTC",
    "_percent": "%",
}
"""Ends of a column's name, the longest first, and what they mean."""

_LARGE = 2_000
"""Characters of an array's base64 from which it is worth keeping once."""


@cache
def templates() -> Environment:
    """Templates of reports (assets/report); every value in their HTML is escaped."""
    found = Environment(
        loader=FileSystemLoader(_ASSETS),
        autoescape=select_autoescape(),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    found.filters |= {
        "column_head": column_head,
        "column_kinds": _column_kinds,
        "digest": _digest,
        "shown": shown,
        "without_folder": without_folder,
    }
    found.globals["style"] = Markup((_ASSETS / "report.css").read_text(encoding="utf-8"))
    return found


@cache
def page_scripts() -> tuple[Markup, Markup]:
    """plotly.js, and the script that draws the figures of a page with it."""
    plotly = str(get_plotlyjs()).replace("</script", "<\\/script")
    return Markup(plotly), Markup((_ASSETS / "draw.js").read_text(encoding="utf-8"))


def shown(value: Any) -> str:
    """Write one value for people: four digits, a true minus, yes and no, seconds of a time."""
    if pd.isna(value):
        return "not known"
    if isinstance(value, bool | np.bool_):
        return "yes" if value else "no"
    if isinstance(value, int | np.integer):
        return number(int(value), "d")
    if isinstance(value, float | np.floating):
        return number(float(value), ".4g").replace("inf", "∞")
    if isinstance(value, pd.Timestamp):
        return f"{value:%Y-%m-%d %H:%M:%S}"
    return str(value) or "–"


def column_head(name: str) -> str:
    """``slope_low_mx_per_h`` as ``slope low (Mx/h)``."""
    for end, unit in _UNITS.items():
        if name.endswith(end):
            return f"{name.removesuffix(end).replace('_', ' ')} ({unit})"
    return name.replace("_", " ")


def _digest(script: str) -> str:
    return base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()


def _column_kinds(table: pd.DataFrame) -> Sequence[str]:
    """Attribute of the cells of each column: numbers stand at the right."""
    numeric = (pd.api.types.is_numeric_dtype(kind) for kind in table.dtypes)
    return [Markup(' class="number"') if one else "" for one in numeric]


@dataclass(frozen=True)
class FigurePlace:
    """Where a figure stands on a page."""

    number: int
    """From 1, in the order of drawing."""
    alt: str
    """What it shows, for those who cannot see it."""
    name: str
    """Of the file in which a reader may save it."""
    caption: str
    height: int
    """Pixels."""


class FigureStore:
    """The figures of one page and the arrays that they share."""

    def __init__(self) -> None:
        self._shared: dict[str, Any] = {}
        self._keys: dict[str, str] = {}
        self._figures: list[dict[str, Any]] = []
        self.kept: list[tuple[FigurePlace, go.Figure, bool]] = []
        """Every figure, with its place and whether its data are simulated."""

    def add(
        self,
        figure: go.Figure,
        *,
        alt: str,
        name: str,
        caption: str = "",
        case: str = "",
        simulated: bool = False,
    ) -> FigurePlace:
        """Keep a figure and return its place; see `FigurePlace` for the texts, which are plain.

        The name of one case's figure ends in `case`. With `simulated` the figure notes that the
        data are simulated.
        """
        put_on(figure, simulated=simulated, solid=True)
        values = self._share(json.loads(figure.to_json()))
        self._figures.append({key: values[key] for key in ("data", "layout")})
        height = int(figure.layout.height or 360)
        place = FigurePlace(len(self._figures), alt, f"{name} {case}".strip(), caption, height)
        self.kept.append((place, figure, simulated))
        return place

    def scripts(self) -> Markup:
        """Return the JSON of all figures as data: no browser runs it, no text breaks out of it."""
        parts = {"shared-arrays": self._shared}
        parts |= {f"figure-{n}": one for n, one in enumerate(self._figures, start=1)}
        return Markup("\n").join(
            Markup('<script type="application/json" id="{}">{}</script>').format(
                name, htmlsafe_json_dumps(part, separators=(",", ":"), allow_nan=False)
            )
            for name, part in parts.items()
        )

    def _share(self, value: Any) -> Any:
        if isinstance(value, dict):
            if len(str(value.get("bdata", ""))) > _LARGE:
                return {"shared": self._keep(value)}
            shared = {key: self._share(one) for key, one in value.items()}
            if "template" in shared:
                shared["template"] = {"shared": self._keep(shared["template"])}
            return shared
        if isinstance(value, list):
            return [self._share(one) for one in value]
        return value

    def _keep(self, part: Any) -> str:
        digest = hashlib.sha256(json.dumps(part, sort_keys=True).encode()).hexdigest()
        if digest not in self._keys:
            self._keys[digest] = f"a{len(self._keys) + 1}"
            self._shared[self._keys[digest]] = part
        return self._keys[digest]
