"""The predicted probability over a disk passage."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from astropy.time import Time

from analysis import figure_style as style
from analysis.figures_passage import mark_times, style_passage, with_gaps
from hnn_core.sources.base import Flare

__all__ = ["probability"]


def probability(
    passage: pd.DataFrame,
    *,
    threshold: float = 0.5,
    current: Time | None = None,
    flares: Sequence[Flare] = (),
    dark: bool = False,
    title: str | None = None,
    simulated: bool = False,
    height: int = 300,
) -> go.Figure:
    """Draw the probability that the coming flare is eruptive over a disk passage.

    Parameters
    ----------
    passage : DataFrame
        ``t_rec`` (TAI; strings, datetimes or Time) and ``probability`` (0…1); hours
        without a sequence are NaN or absent, and the line breaks there.
    threshold : float
        From here on a prediction is positive.
    current, flares, dark, title, simulated, height
        As in `flux_history`.

    Returns
    -------
    Figure

    Raises
    ------
    ValueError
        If there is no row or the threshold is outside 0…1.
    """
    if not 0 <= threshold <= 1:
        raise ValueError(f"threshold must be a probability, got {threshold}")
    if passage.empty:
        raise ValueError("no hour to draw the probability of")
    stamps = [time.tai.isot if isinstance(time, Time) else time for time in passage["t_rec"]]
    table = pd.DataFrame(
        {
            "t_rec": pd.to_datetime(pd.Series(stamps)),
            "probability": passage["probability"].to_numpy(dtype=float),
        }
    )
    table = with_gaps(table, "t_rec")
    times, values = table["t_rec"], table["probability"].to_numpy()
    figure = go.Figure(
        go.Scatter(
            x=times,
            y=values,
            mode="lines+markers",
            name="probability",
            connectgaps=False,
            line={"color": style.foreground(dark=dark), "width": 1.6},
            marker={
                "size": 7,
                "color": np.where(values >= threshold, style.ERUPTIVE, style.CONFINED),
            },
            hovertemplate="<b>%{y:.3f}</b><extra>probability</extra>",
            showlegend=False,
        )
    )
    for low, high, colour in (
        (threshold, 1.0, style.ERUPTIVE),
        (0.0, threshold, style.CONFINED),
    ):
        figure.add_hrect(
            y0=low, y1=high, fillcolor=colour, opacity=0.10, line_width=0, layer="below"
        )
    figure.add_hline(
        y=threshold,
        line={"color": style.THRESHOLD, "width": 1.5, "dash": "dash"},
        annotation={
            "text": f"eruptive from {threshold:g}",
            "font": {"size": style.FONT_SIZE - 1, "color": style.THRESHOLD},
        },
        annotation_position="top left",
    )
    mark_times(figure, times, current, None, flares, dark=dark)
    style_passage(figure, "probability", title, simulated, height, dark=dark)
    figure.update_yaxes(title_text="probability eruptive (0–1)", range=[-0.02, 1.02])
    return figure
