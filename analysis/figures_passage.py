"""What figures over a disk passage share: gaps, the current hour, flares, CMEs, the time axis."""

from collections.abc import Sequence
from typing import Any

import pandas as pd
import plotly.graph_objects as go
from astropy.time import Time

from analysis import figure_style as style
from analysis.figures_flares import mark_cmes, mark_flares
from hnn_core.sources.base import Flare

__all__ = ["legend", "mark_times", "style_passage", "with_gaps"]

_TIME_TITLE = "T_REC (TAI)"


def with_gaps(table: pd.DataFrame, column: str) -> pd.DataFrame:
    """Sort by time and put a row without numbers wherever hours are missing.

    Lines break there instead of bridging hours of which nothing is known.
    """
    table = table.sort_values(column, ignore_index=True)
    late = table[column].diff() > pd.Timedelta(minutes=90)
    if not late.any():
        return table
    breaks = pd.DataFrame({column: table.loc[late, column] - pd.Timedelta(minutes=30)})
    return pd.concat([table, breaks]).sort_values(column, ignore_index=True)


def mark_times(
    figure: go.Figure,
    times: pd.Series,
    current: Time | None,
    window: tuple[Time, Time] | None,
    flares: Sequence[Flare],
    *,
    dark: bool,
) -> None:
    """Shade the window, mark the current hour, and mark flares on the axis' top."""
    if window is not None:
        figure.add_vrect(
            x0=_stamp(window[0]),
            x1=_stamp(window[1]),
            fillcolor=style.foreground(dark=dark),
            opacity=0.10,
            line_width=0,
            layer="below",
            name="sequence",
        )
    if current is not None:
        figure.add_vline(
            x=_stamp(current),
            line={"color": style.foreground(dark=dark), "width": 1.5},
            name="current hour",
        )
    first, last = times.min(), times.max() + pd.Timedelta(hours=24)
    shown = [flare for flare in flares if first <= pd.Timestamp(_stamp(flare.peak)) <= last]
    mark_flares(figure, shown, first, times.max())
    mark_cmes(figure, shown, first, times.max())


def style_passage(
    figure: go.Figure,
    uirevision: str,
    title: str | None,
    simulated: bool,
    height: int,
    *,
    dark: bool,
) -> None:
    """Give a figure over time its axis in TAI, its legend and the hidden axis of flares."""
    style.apply_style(
        figure,
        dark=dark,
        title=title,
        uirevision=uirevision,
        simulated=simulated,
        height=height,
        hovermode="x unified",
        showlegend=True,
        legend=legend(),
        # Flares hang from the top whatever the flux; this axis is theirs and is not drawn.
        yaxis2={"overlaying": "y", "range": [0, 1.04], "visible": False, "fixedrange": True},
    )
    figure.update_layout(margin={"t": 70 if title else 40})
    figure.update_xaxes(title_text=_TIME_TITLE, type="date", hoverformat="%Y-%m-%d %H:%M TAI")


def legend() -> dict[str, Any]:
    """Return a legend in one row above the axes."""
    return {
        "orientation": "h",
        "x": 0.0,
        "xanchor": "left",
        "y": 1.0,
        "yanchor": "bottom",
        "font": {"size": style.FONT_SIZE},
    }


def _stamp(time: Time) -> str:
    return str(time.tai.isot)
