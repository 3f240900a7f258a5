"""Tables of a report as HTML: numbers for people, units in the heads, everything escaped."""

import html
import math
import re
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from analysis.figures_axes import power

__all__ = ["folded", "head_words", "paragraphs", "table_html", "told"]

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
