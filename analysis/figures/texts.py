"""Texts in figures: read as they are, whatever a header, a name or a table holds."""

import re
from typing import Any

import numpy as np
import plotly.graph_objects as go

__all__ = ["without_tags"]

_TAG = re.compile(r"<(?!/?(?:b|i|br|sub|sup|span|extra)>|span style='font-size:\d\dpx'>)")


def without_tags(figure: go.Figure) -> go.Figure:
    """Leave of the HTML in a figure's texts what cannot lead anywhere, in place.

    Plotly reads <b>, <a href>, <span style> and others in every text it draws.

    Parameters
    ----------
    figure : Figure
        Its template is left out.

    Returns
    -------
    Figure
        The same; only bold, italic, breaks, indices, sizes in pixels and a hover label's <extra>
        are left, and any other tag is a text that is read.
    """
    for part in (*figure.data, figure.layout):
        held = {key: one for key, one in part.to_plotly_json().items() if key != "template"}
        part.update({key: _read(one) for key, one in held.items() if _tagged(one)})
    return figure


def _tagged(value: Any) -> bool:
    if isinstance(value, str):
        return _TAG.search(value) is not None
    if isinstance(value, np.ndarray):
        return value.dtype.kind in "OU" and any(map(_tagged, value.ravel()))
    parts = value.values() if isinstance(value, dict) else value
    return isinstance(value, dict | list | tuple) and any(map(_tagged, parts))


def _read(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _read(one) for key, one in value.items()}
    if isinstance(value, list | tuple | np.ndarray):
        return [_read(one) for one in value]
    return _TAG.sub("&lt;", value) if isinstance(value, str) else value
