"""Figures of a report as JSON in the page, drawn by the plotly.js that the page carries.

Pictures of one magnetogram share its pixels: arrays are kept once and named where they are used.
"""

import hashlib
import html
import json
import re
from typing import Any

import plotly.graph_objects as go
from plotly.offline import get_plotlyjs

from analysis.figure_style import opaque

__all__ = ["DRAW_SCRIPT", "FigureStore", "plotly_script", "safe_json", "safe_markup"]

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

    def add(self, figure: go.Figure, *, alt: str, name: str, caption: str = "") -> str:
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
        """
        values = self._share(json.loads(opaque(figure, dark=False).to_json()))
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
