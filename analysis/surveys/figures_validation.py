"""The detector against the truth of simulated regions, and where it can be trusted."""

from html import escape

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from analysis.figures import style
from analysis.figures.style import fixed_margins, largest_exponent, number, power
from analysis.surveys.validation import TRUSTED_CORRELATION, Agreement, Validation

__all__ = ["measured_against_true_figure", "trust_figure"]

_LINE = "#d6455d"
_TRUSTED = "#3fa08f"


def measured_against_true_figure(table: pd.DataFrame, found: Validation) -> go.Figure:
    """Draw the measured decline of each window against its true cancellation rate.

    Parameters
    ----------
    table : DataFrame
        Of `analysis.surveys.validation.validation_table`; windows of the lowest threshold with
        both numbers are drawn.
    found : Validation
        Made of that table; gives the mask, the bins of longitude and the numbers.

    Returns
    -------
    Figure
        Decline is minus the slope of the unsigned PIL flux. A grey dashed line where a faithful
        measure would lie, a red one by least squares, and r, gain and bias in words. Made for
        the margins `style.MARGIN`.
    """
    column = f"{found.mask}_unsigned_slope_mx_per_h"
    known = np.isfinite(table[column]) & np.isfinite(table["true_rate_mx_per_h"])
    rows = table[known & (table["threshold_g"] == table.loc[known, "threshold_g"].min())]
    exponent = largest_exponent([*rows[column], *rows["true_rate_mx_per_h"]], default=19)
    scale = 10.0**exponent
    rows = rows.assign(
        away=rows["longitude_deg"].abs(),
        true=rows["true_rate_mx_per_h"] / scale,
        measured=-rows[column] / scale,
    )
    unit = f"{power(exponent)} Mx/h"
    figure = style.house_figure(
        uirevision=f"validation {found.mask}",
        height=440,
        xaxis={"title_text": f"true cancellation ({unit})"},
        yaxis={"title_text": f"measured decline ({unit})"},
    )
    rest = np.ones(len(rows), dtype=bool)
    for low, high in found.by_longitude:
        inside = ((rows["away"] >= low) & (rows["away"] < high)).to_numpy()
        rest &= ~inside
        # In the theme's colours, from the meridian outwards.
        figure.add_trace(_windows(rows[inside], f"{low:g}–{high:g}°", unit, None))
    if rest.any():
        figure.add_trace(_windows(rows[rest], "beyond", unit, style.UNKNOWN))
    ends = np.array([min(rows["true"].min(), 0.0), rows["true"].max()])
    _add_line(figure, ends, ends, "faithful", style.UNKNOWN, "dash")
    agreement = found.overall
    if np.isfinite(agreement.gain):
        fitted = agreement.offset_mx_per_h / scale + agreement.gain * ends
        _add_line(figure, ends, fitted, "least squares", _LINE, "solid")
    style.write(
        figure,
        _numbers(agreement),
        name="numbers",
        templateitemname="over data",
        visible=True,
        x=0.01,
        y=0.99,
        xanchor="left",
        yanchor="top",
        align="left",
    )
    return fixed_margins(figure)


def trust_figure(found: Validation) -> go.Figure:
    """Draw how well the measure follows the truth, by longitude and by threshold.

    Returns
    -------
    Figure
        Pearson's r with its 95 % interval; filled and green where it is trusted, and a line at
        `TRUSTED_CORRELATION`. Where r is not known there is a note in its place. Made for the
        margins `style.MARGIN`.
    """
    figure = style.house_figure(uirevision="trust", height=440)
    longitudes = {f"{low:g}–{high:g}°": one for (low, high), one in found.by_longitude.items()}
    thresholds = {f"{level:g} G": one for level, one in found.by_threshold.items()}
    groups = {"from the central meridian": longitudes, "threshold on |B|": thresholds}
    places = style.place_rows(figure, [(name, list(part)) for name, part in groups.items()])
    rows = [
        (label, one, place)
        for part, own in zip(groups.values(), places, strict=True)
        for (label, one), place in zip(part.items(), own, strict=True)
    ]
    known = [row for row in rows if np.isfinite(row[1].correlation)]
    for trusted in (True, False):
        own = [row for row in known if row[1].trusted == trusted]
        figure.add_trace(_correlations(own, trusted=trusted))
    for _, one, place in rows:
        if not np.isfinite(one.correlation):
            style.note_row(figure, "too few windows", place)
    limit = {"color": style.THRESHOLD, "width": 1.8, "dash": "dash"}
    figure.add_vline(x=TRUSTED_CORRELATION, line=limit, name="limit")
    figure.add_annotation(
        text=f"r = {TRUSTED_CORRELATION:g}",
        x=TRUSTED_CORRELATION,
        y=0,
        xshift=-4,
        xanchor="right",
        font_color=style.THRESHOLD,
    )
    lowest = np.nanmin([0.0, *(one.correlation_low for _, one, _ in rows)])
    figure.update_xaxes(title_text="correlation with the truth, r", range=[lowest - 0.05, 1.05])
    return fixed_margins(style.note_simulated(figure))


def _windows(rows: pd.DataFrame, name: str, unit: str, colour: str | None) -> go.Scatter:
    return go.Scatter(
        x=rows["true"],
        y=rows["measured"],
        mode="markers",
        name=name,
        marker={"size": 6, "color": colour, "opacity": 0.75},
        customdata=[
            [
                escape(str(row["region"]), quote=False),
                number(row["longitude_deg"], "+.0f"),
                number(row["measured"], ".3f"),
                number(row["true"], ".3f"),
            ]
            for row in rows.to_dict("records")
        ],
        hovertemplate=(
            "<b>%{customdata[0]}</b>, longitude %{customdata[1]}°<br>"
            f"(measured %{{customdata[2]}}, true %{{customdata[3]}}) × {unit}<extra></extra>"
        ),
    )


def _add_line(
    figure: go.Figure, x: np.ndarray, y: np.ndarray, name: str, colour: str, dash: str
) -> None:
    """Draw a straight line with its name at its right end: the legend is full of longitudes."""
    figure.add_trace(style.line(name, x, y, colour, 2, dash, showlegend=False))
    place = {"xanchor": "right", "yanchor": "bottom", "xshift": -12, "yshift": 2}
    figure.add_annotation(text=name, x=x[-1], y=y[-1], font_color=colour, **place)


def _numbers(agreement: Agreement) -> str:
    exponent = largest_exponent([agreement.bias_mx_per_h], default=19)
    lines = [
        f"r = {_correlation(agreement)}",
        f"gain {number(agreement.gain, '.2f')}",
        f"bias {number(agreement.bias_mx_per_h / 10.0**exponent, '+.2f')} × {power(exponent)} Mx/h",
        f"{agreement.windows} windows, {agreement.regions} simulated regions",
    ]
    if not np.isfinite(agreement.correlation):
        lines[:2] = ["r and gain not known: too few windows"]
    return "<br>".join(lines)


def _correlation(agreement: Agreement) -> str:
    """Pearson's r and its interval."""
    ends = (agreement.correlation, agreement.correlation_low, agreement.correlation_high)
    r, low, high = (number(value, ".2f") for value in ends)
    return f"{r} ({low} to {high})"


def _correlations(rows: list[tuple[str, Agreement, float]], *, trusted: bool) -> go.Scatter:
    name = "trusted" if trusted else "not trusted"
    return style.estimates(
        name,
        [one.correlation for _, one, _ in rows],
        [(one.correlation_low, one.correlation_high) for _, one, _ in rows],
        [place for _, _, place in rows],
        filled=[trusted] * len(rows),
        colour=_TRUSTED if trusted else style.UNKNOWN,
        texts=[
            f"<b>{label}: {name}</b><br>r = {_correlation(one)}<br>gain {number(one.gain, '.2f')}"
            f"<br>{one.windows} windows, {one.regions} regions"
            for label, one, _ in rows
        ],
    )
