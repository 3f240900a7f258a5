"""Tables of a report as HTML: numbers for people, units in the heads, everything escaped.

Figures of a report as JSON in the page, drawn by the plotly.js that the page carries.

Pictures of one magnetogram share its pixels: arrays are kept once and named where they are used.
"""

import hashlib
import html
import json
import math
import re
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from plotly.offline import get_plotlyjs

from analysis.figures.style import power, put_on

__all__ = [
    "DRAW_SCRIPT",
    "FigureStore",
    "folded",
    "head_words",
    "paragraphs",
    "plotly_script",
    "safe_json",
    "safe_markup",
    "table_html",
    "told",
]


NOT_KNOWN = "not known"

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


def table_html(
    table: pd.DataFrame,
    *,
    caption: str = "",
    heads: Mapping[str, str] | None = None,
) -> str:
    """Write a table as HTML.

    Parameters
    ----------
    table : DataFrame
        NaN, None and NaT are told as "not known".
    caption : str
        Plain text above it.
    heads : mapping of str to str, optional
        Heads of columns; by default their names with the unit in brackets (`head_words`).

    Returns
    -------
    str
        In a box that scrolls by itself where the page is narrower.
    """
    heads = heads or {}
    numeric = {name: pd.api.types.is_numeric_dtype(table[name]) for name in table.columns}
    head = "".join(
        f'<th scope="col"{_kind(numeric[name])}>'
        f"{html.escape(heads.get(str(name), head_words(str(name))))}</th>"
        for name in table.columns
    )
    rows = "".join(
        "<tr>"
        + "".join(
            f"<td{_kind(numeric[name])}>{html.escape(told(value))}</td>"
            for name, value in zip(table.columns, row, strict=True)
        )
        + "</tr>"
        for row in table.itertuples(index=False, name=None)
    )
    title = f"<caption>{html.escape(caption)}</caption>" if caption else ""
    return (
        f'<div class="table" tabindex="0"><table>{title}<thead><tr>{head}</tr></thead>'
        f"<tbody>{rows}</tbody></table></div>"
    )


def told(value: Any) -> str:
    """Write one value for people: four digits, a true minus, yes and no, minutes of a time."""
    if value is None or value is pd.NaT:
        return NOT_KNOWN
    if isinstance(value, bool | np.bool_):
        return "yes" if value else "no"
    if isinstance(value, int | np.integer):
        return f"{value}".replace("-", "−")
    if isinstance(value, float | np.floating):
        return _number(float(value))
    if isinstance(value, pd.Timestamp):
        return f"{value:%Y-%m-%d %H:%M:%S}"
    return str(value) or "–"


def head_words(name: str) -> str:
    """``slope_low_mx_per_h`` as ``slope low (Mx/h)``."""
    for end, unit in _UNITS.items():
        if name.endswith(end):
            return f"{name.removesuffix(end).replace('_', ' ')} ({unit})"
    return name.replace("_", " ")


def folded(title: str, content: str, kind: str = "print") -> str:
    """Fold HTML away under a title; ``"screen"`` keeps it folded on paper too."""
    return f'<details class="{kind}"><summary>{html.escape(title)}</summary>{content}</details>'


def paragraphs(sentences: Iterable[str]) -> str:
    """Put sentences into a list, escaped."""
    items = "".join(f"<li>{html.escape(sentence)}</li>" for sentence in sentences)
    return f"<ul>{items}</ul>" if items else ""


def _number(value: float) -> str:
    if math.isnan(value):
        return NOT_KNOWN
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    text = f"{value:.4g}"
    if match := re.fullmatch(r"(-?[\d.]+)e([+-]\d+)", text):
        text = f"{match[1]} × {power(int(match[2]))}"
    return text.replace("-", "−")


def _kind(numeric: bool) -> str:
    return ' class="number"' if numeric else ""


_LARGE = 2_000
"""Characters of an array's base64 from which it is worth keeping once."""

_ALLOWED = re.compile(r"<(?!/?(?:b|i|br|br/|br /|sub|sup|extra)>)")

DRAW_SCRIPT = """
'use strict';
(async () => {
  const read = id => JSON.parse(document.getElementById(id).textContent);
  const shared = read('shared-arrays');
  const fill = value => {
    if (Array.isArray(value)) return value.map(fill);
    if (value && typeof value === 'object') {
      if (typeof value.shared === 'string') return {...shared[value.shared]};
      return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, fill(one)]));
    }
    return value;
  };
  const figures = [...document.querySelectorAll('.figure')];
  for (const place of figures) {
    const {data, layout} = fill(read(place.dataset.json));
    delete layout.width;
    const name = {filename: place.dataset.name, scale: 2};
    const config = {responsive: true, displaylogo: false, toImageButtonOptions: name};
    await Plotly.newPlot(place, data, {...layout, autosize: true}, config);
    await new Promise(done => setTimeout(done));
  }
  const fit = width => figures.forEach(place => Plotly.relayout(place, {width}));
  addEventListener('beforeprint', () => {
    document.querySelectorAll('details:not(.screen)').forEach(one => { one.open = true; });
    fit(680);
  });
  addEventListener('afterprint', () => figures.forEach(place => {
    Plotly.relayout(place, {width: null, autosize: true});
  }));
  document.documentElement.dataset.drawn = figures.length;
})();
"""
"""Draws every figure in order, one at a time, so that the page can be read meanwhile."""


class FigureStore:
    """The figures of one page and the arrays that they share."""

    def __init__(self) -> None:
        self._shared: dict[str, Any] = {}
        self._keys: dict[str, str] = {}
        self._figures: list[str] = []

    def add(
        self,
        figure: go.Figure,
        *,
        alt: str,
        name: str,
        caption: str = "",
        simulated: bool = False,
    ) -> str:
        """Keep a figure and return the HTML of its place, with a caption.

        Parameters
        ----------
        figure : Figure
        alt : str
            What it shows, for those who cannot see it.
        name : str
            Of the file in which a reader may save it.
        caption : str
            Plain text.
        simulated : bool
            Note in the figure that the data are simulated.
        """
        put_on(figure, simulated=simulated, solid=True)
        values = self._share(json.loads(figure.to_json()))
        height = int(figure.layout.height or 360)
        self._figures.append(safe_json({key: values[key] for key in ("data", "layout")}))
        number = len(self._figures)
        return (
            f'<figure><div class="figure" role="img" aria-label="{html.escape(alt)}" '
            f'style="height:{height}px" data-json="figure-{number}" '
            f'data-name="{html.escape(name)}"></div>'
            f"<figcaption>{html.escape(caption)}</figcaption></figure>"
        )

    def __len__(self) -> int:
        return len(self._figures)

    def scripts(self) -> str:
        """Return the JSON of all figures, as data that no browser runs."""
        parts = {"shared-arrays": safe_json(self._shared)}
        parts |= {f"figure-{n}": text for n, text in enumerate(self._figures, start=1)}
        return "\n".join(
            f'<script type="application/json" id="{name}">{text}</script>'
            for name, text in parts.items()
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
        return safe_markup(value) if isinstance(value, str) else value

    def _keep(self, part: Any) -> str:
        told = json.dumps(part, sort_keys=True)
        digest = hashlib.sha256(told.encode()).hexdigest()
        if digest not in self._keys:
            self._keys[digest] = f"a{len(self._keys) + 1}"
            self._shared[self._keys[digest]] = part
        return self._keys[digest]


def safe_markup(text: str) -> str:
    """Keep plotly from taking text for markup, but for the little that figures use.

    Plotly reads ``<b>``, ``<a href>``, ``<span style>`` and others in every text it draws; only
    bold, italic, breaks, indices and a hover label's ``<extra>`` are left, without attributes.
    """
    return _ALLOWED.sub("&lt;", text)


def safe_json(value: Any) -> str:
    """Write JSON that no text in it can break out of a script element."""
    text = json.dumps(value, ensure_ascii=True, separators=(",", ":"), allow_nan=False)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def plotly_script() -> str:
    """Return plotly.js as the text of a script element."""
    return str(get_plotlyjs()).replace("</script", "<\\/script")
