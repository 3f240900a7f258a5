"""What changes from hour to hour: fluxes and probability."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from astropy.time import Time

from analysis import figure_style as style
from hnn_core.sources.base import Flare

__all__ = ["FLUX_TITLES", "flux_bars", "flux_history", "probability"]

FLUX_TITLES = {
    "total_unsigned_flux_mx": "total unsigned flux",
    "positive_flux_mx": "total positive flux",
    "negative_flux_mx": "total negative flux",
    "pil_unsigned_flux_mx": "PIL unsigned flux",
    "pil_positive_flux_mx": "PIL positive flux",
    "pil_negative_flux_mx": "PIL negative flux",
}
"""Columns of `analysis.flux.history` that can be drawn, and what they are called."""

_ERRORS = {
    column: "pil_flux_error_mx" if column.startswith("pil_") else "total_flux_error_mx"
    for column in FLUX_TITLES
}
_LINES = ("#4c9be8", "#e4738c", "#59b38c", "#b58ae0", "#d1a33c", "#8c8f99")
_ASSOCIATION = {
    "eruptive": (style.ERUPTIVE, "flare, CME linked"),
    "confined": (style.CONFINED, "flare, no CME linked"),
    "unknown": (style.UNKNOWN, "flare, CME unknown"),
}
_TIME_TITLE = "T_REC (TAI)"


def flux_bars(
    history: pd.DataFrame,
    *,
    column: str,
    positive: bool,
    dark: bool = False,
    title: str | None = None,
    simulated: bool = False,
    height: int = 300,
) -> go.Figure:
    """Draw the flux of the frames of one sequence as bars, as the paper's Figures 6 and 7.

    Parameters
    ----------
    history : DataFrame
        Rows of `analysis.flux.history` for the frames t−9 … t, in order of time.
    column : str
        One of `FLUX_TITLES`; drawn by its magnitude.
    positive : bool
        The prediction for t: bars are blue when it is eruptive, orange when confined.
    dark, simulated : bool
        The page is dark; the data are simulated.
    title : str, optional
    height : int
        Pixels.

    Returns
    -------
    Figure
        One bar a frame, the axis from 0, interpolated frames hatched.

    Raises
    ------
    ValueError
        If the column is unknown or there is no row.
    """
    flux, exponent = _scaled(history, [column])
    error = (history[_ERRORS[column]] / 10.0**exponent).map("{:.2g}".format)
    interpolated = history["interpolated"].to_numpy(dtype=bool)
    hours = _hours_before_last(history)
    colour = style.ERUPTIVE if positive else style.CONFINED
    figure = go.Figure(
        go.Bar(
            x=hours,
            y=flux[column],
            marker={
                "color": colour,
                "line": {"color": colour, "width": np.where(interpolated, 1.5, 0.0)},
                "pattern": {
                    "shape": ["/" if filled else "" for filled in interpolated],
                    "fillmode": "replace",
                    "size": 7,
                },
            },
            customdata=np.stack(
                [
                    error,
                    [f"{time:%Y-%m-%d %H:%M} TAI" for time in history["t_rec_tai"]],
                    np.where(interpolated, "<br>interpolated", ""),
                ],
                axis=1,
            ),
            hovertemplate=(
                f"<b>(%{{y:.3f}} ± %{{customdata[0]}}) × {_power(exponent)} Mx</b><br>"
                "%{customdata[1]}%{customdata[2]}<extra></extra>"
            ),
            showlegend=False,
        )
    )
    for label, shape in (("eruptive", style.ERUPTIVE), ("confined", style.CONFINED)):
        if (label == "eruptive") == positive:
            figure.add_trace(_legend_square(f"predicted {label}", shape, ""))
    if interpolated.any():
        figure.add_trace(_legend_square("interpolated", colour, "/"))
    style.apply_style(
        figure,
        dark=dark,
        title=title,
        uirevision=f"bars {column}",
        simulated=simulated,
        height=height,
        bargap=0.18,
        showlegend=True,
        legend=_legend(),
    )
    figure.update_layout(margin={"t": 70 if title else 40})
    figure.update_xaxes(title_text="hour of the sequence (h)", type="category", showgrid=False)
    figure.update_yaxes(title_text=_flux_title(column, exponent), rangemode="tozero")
    return figure


def flux_history(
    history: pd.DataFrame,
    *,
    columns: Sequence[str] = ("pil_unsigned_flux_mx",),
    current: Time | None = None,
    window: tuple[Time, Time] | None = None,
    flares: Sequence[Flare] = (),
    dark: bool = False,
    title: str | None = None,
    simulated: bool = False,
    height: int = 300,
) -> go.Figure:
    """Draw fluxes over a whole disk passage.

    Parameters
    ----------
    history : DataFrame
        Rows of `analysis.flux.history`, in order of time.
    columns : sequence of str
        Some of `FLUX_TITLES`, on one axis; negative fluxes by their magnitude.
    current : Time, optional
        The hour shown on the page, marked by a line.
    window : (Time, Time), optional
        First and last hour of the sequence, shaded.
    flares : sequence of Flare
        Marked at their peak, moved from UTC to TAI; coloured by their CME association.
    dark, title, simulated, height
        As in `flux_bars`.

    Returns
    -------
    Figure

    Raises
    ------
    ValueError
        If a column is unknown or there is no row.
    """
    history = _with_gaps(history, "t_rec_tai")
    flux, exponent = _scaled(history, columns)
    times = history["t_rec_tai"]
    interpolated = history["interpolated"].eq(True).to_numpy()
    figure = go.Figure()
    for colour, column in zip(_LINES, columns, strict=False):
        error = (history[_ERRORS[column]] / 10.0**exponent).map("{:.2g}".format)
        figure.add_trace(
            go.Scatter(
                x=times,
                y=flux[column],
                customdata=np.stack([error, np.where(interpolated, ", interpolated", "")], axis=1),
                mode="lines+markers",
                name=FLUX_TITLES[column],
                line={"color": colour, "width": 2},
                marker={
                    "size": 5,
                    "symbol": np.where(interpolated, "circle-open", "circle"),
                },
                hovertemplate=(
                    f"(%{{y:.3f}} ± %{{customdata[0]}}) × {_power(exponent)} Mx"
                    f"%{{customdata[1]}}<extra>{FLUX_TITLES[column]}</extra>"
                ),
            )
        )
    _mark_times(figure, times, current, window, flares, dark=dark)
    _style_passage(figure, f"history {' '.join(columns)}", title, simulated, height, dark=dark)
    name = columns[0] if len(columns) == 1 else "flux"
    figure.update_yaxes(title_text=_flux_title(name, exponent), rangemode="tozero")
    return figure


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
    table = _with_gaps(table, "t_rec")
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
    _mark_times(figure, times, current, None, flares, dark=dark)
    _style_passage(figure, "probability", title, simulated, height, dark=dark)
    figure.update_yaxes(title_text="probability eruptive (0–1)", range=[-0.02, 1.02])
    return figure


def _scaled(history: pd.DataFrame, columns: Sequence[str]) -> tuple[dict[str, np.ndarray], int]:
    """Magnitudes in units of a power of ten that suits the largest, and its exponent."""
    if unknown := [column for column in columns if column not in FLUX_TITLES]:
        raise ValueError(f"unknown columns {unknown}: choose from {tuple(FLUX_TITLES)}")
    if history.empty or not columns:
        raise ValueError("no flux to draw: the history or the choice of columns is empty")
    flux = {column: history[column].abs().to_numpy() for column in columns}
    largest = max(float(np.nanmax(values)) for values in flux.values())
    exponent = int(np.floor(np.log10(largest))) if largest > 0 else 21
    return {column: values / 10.0**exponent for column, values in flux.items()}, exponent


def _power(exponent: int) -> str:
    return "10" + str(exponent).translate(str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻"))


def _flux_title(column: str, exponent: int) -> str:
    return f"{FLUX_TITLES.get(column, column)} ({_power(exponent)} Mx)"


def _hours_before_last(history: pd.DataFrame) -> list[str]:
    """Labels t−9 … t."""
    before = (history["t_rec_tai"].iloc[-1] - history["t_rec_tai"]) / pd.Timedelta(hours=1)
    hours = [round(value) for value in before]
    return ["t" if hour == 0 else f"t−{hour}" for hour in hours]


def _legend_square(name: str, colour: str, pattern: str) -> go.Bar:
    return go.Bar(
        x=[None],
        y=[None],
        name=name,
        marker={"color": colour, "pattern": {"shape": pattern, "fillmode": "replace"}},
    )


def _legend() -> dict[str, Any]:
    return {
        "orientation": "h",
        "x": 0.0,
        "xanchor": "left",
        "y": 1.0,
        "yanchor": "bottom",
        "font": {"size": style.FONT_SIZE},
    }


def _with_gaps(table: pd.DataFrame, column: str) -> pd.DataFrame:
    """Sort by time and put a row without numbers wherever hours are missing.

    Lines break there instead of bridging hours of which nothing is known.
    """
    table = table.sort_values(column, ignore_index=True)
    late = table[column].diff() > pd.Timedelta(minutes=90)
    if not late.any():
        return table
    breaks = pd.DataFrame({column: table.loc[late, column] - pd.Timedelta(minutes=30)})
    return pd.concat([table, breaks]).sort_values(column, ignore_index=True)


def _stamp(time: Time) -> str:
    return str(time.tai.isot)


def _mark_times(
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
    for association, (colour, label) in _ASSOCIATION.items():
        marked = [
            flare
            for flare in flares
            if flare.association == association
            and first <= pd.Timestamp(_stamp(flare.peak)) <= last
        ]
        for flare in marked:
            figure.add_vline(
                x=_stamp(flare.peak), line={"color": colour, "width": 1.2, "dash": "dot"}
            )
        if marked:
            figure.add_trace(_flare_trace(marked, colour, label))


def _flare_trace(flares: list[Flare], colour: str, label: str) -> go.Scatter:
    return go.Scatter(
        x=[_stamp(flare.peak) for flare in flares],
        y=[1.0] * len(flares),
        yaxis="y2",
        mode="markers+text",
        name=label,
        text=[flare.goes_class for flare in flares],
        textposition="middle right",
        textfont={"size": style.FONT_SIZE - 1, "color": colour},
        marker={"symbol": "triangle-down", "size": 10, "color": colour},
        customdata=[f"{flare.peak.utc.isot[:16].replace('T', ' ')} UTC" for flare in flares],
        hovertemplate="<b>%{text}</b> peak %{customdata}<extra>" + label + "</extra>",
        cliponaxis=False,
    )


def _style_passage(
    figure: go.Figure,
    uirevision: str,
    title: str | None,
    simulated: bool,
    height: int,
    *,
    dark: bool,
) -> None:
    style.apply_style(
        figure,
        dark=dark,
        title=title,
        uirevision=uirevision,
        simulated=simulated,
        height=height,
        hovermode="x unified",
        showlegend=True,
        legend=_legend(),
        # Flares hang from the top whatever the flux; this axis is theirs and is not drawn.
        yaxis2={"overlaying": "y", "range": [0, 1.04], "visible": False, "fixedrange": True},
    )
    figure.update_layout(margin={"t": 70 if title else 40})
    figure.update_xaxes(title_text=_TIME_TITLE, type="date", hoverformat="%Y-%m-%d %H:%M TAI")
