"""The detector against the truth of simulated regions, and where it can be trusted."""

from collections.abc import Iterable
from html import escape

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from analysis.figures import style
from analysis.figures.passage import legend
from analysis.figures.style import fixed_margins, largest_exponent, place_rows, power
from analysis.surveys.validation import TRUSTED_CORRELATION, Agreement, Validation

__all__ = ["measured_against_true_figure", "trust_figure"]

_BEYOND = style.UNKNOWN
_LINE = "#d6455d"
_TRUSTED, _NOT_TRUSTED = "#3fa08f", style.UNKNOWN


def measured_against_true_figure(
    table: pd.DataFrame, found: Validation, *, height: int = 360
) -> go.Figure:
    """Draw the measured decline of each window against its true cancellation rate.

    Parameters
    ----------
    table : DataFrame
        Of `analysis.surveys.validation.validation_table`; windows of the least threshold with both
        numbers are drawn.
    found : Validation
        Made of that table; tells the mask, the bins of longitude and the numbers.
    height : int
        Pixels.

    Returns
    -------
    Figure
        Decline is less the slope of the unsigned PIL flux. A grey dashed line where a faithful
        measure would lie, a red one by least squares, and r, gain and bias in words. Made for
        the margins `figures_axes.MARGIN`.
    """
    column = f"{found.mask}_unsigned_slope_mx_per_h"
    known = np.isfinite(table[column]) & np.isfinite(table["true_rate_mx_per_h"])
    rows = table[known & (table["threshold_g"] == table.loc[known, "threshold_g"].min())]
    exponent = largest_exponent([*rows[column], *rows["true_rate_mx_per_h"]], default=19)
    scale = 10.0**exponent
    truth, measured = rows["true_rate_mx_per_h"] / scale, -rows[column] / scale
    away = rows["longitude_deg"].abs()
    figure = go.Figure()
    inside = np.zeros(len(rows), dtype=bool)
    for low, high in found.by_longitude:
        chosen = ((away >= low) & (away < high)).to_numpy()
        inside |= chosen
        name = f"{low:g}–{high:g}°"
        figure.add_trace(
            _windows(rows[chosen], truth[chosen], measured[chosen], name, None, exponent)
        )
    if not inside.all():
        rest = ~inside
        figure.add_trace(
            _windows(rows[rest], truth[rest], measured[rest], "beyond", _BEYOND, exponent)
        )
    ends = np.array([min(truth.min(), 0.0), truth.max()])
    _add_line(figure, ends, ends, "faithful", _BEYOND, "dash")
    agreement = found.overall
    if np.isfinite(agreement.gain):
        fitted = agreement.offset / scale + agreement.gain * ends
        _add_line(figure, ends, fitted, "least squares", _LINE, "solid")
    style.apply_style(
        figure,
        uirevision=f"validation {found.mask}",
        height=height,
        showlegend=True,
        legend=legend(),
    )
    _write_numbers(figure, agreement)
    figure.update_xaxes(title_text=f"true cancellation ({power(exponent)} Mx/h)")
    figure.update_yaxes(title_text=f"measured decline ({power(exponent)} Mx/h)")
    return fixed_margins(figure)


def trust_figure(found: Validation, *, height: int = 360) -> go.Figure:
    """Draw how well the measure follows the truth, by longitude and by threshold.

    Parameters
    ----------
    found : Validation
    height : int
        Pixels.

    Returns
    -------
    Figure
        Pearson's r with its 95 % interval; filled and green where it is trusted, and a line at
        `TRUSTED_CORRELATION`. Where r is not known there is a note in its place. Made for the
        margins `figures_axes.MARGIN`.
    """
    figure = go.Figure()
    style.apply_style(figure, uirevision="trust", height=height, legend=legend())
    longitudes = [f"{low:g}–{high:g}°" for low, high in found.by_longitude]
    thresholds = [f"{level:g} G" for level in found.by_threshold]
    groups = [("from the central meridian", longitudes), ("threshold on |B|", thresholds)]
    places = [place for group in place_rows(figure, groups) for place in group]
    agreements = [*found.by_longitude.values(), *found.by_threshold.values()]
    labels = [*longitudes, *thresholds]
    for name, wanted in (("trusted", True), ("not trusted", False)):
        figure.add_trace(
            _correlations(
                [
                    (label, agreement, place)
                    for label, agreement, place in zip(labels, agreements, places, strict=True)
                    if agreement.trusted == wanted and np.isfinite(agreement.correlation)
                ],
                name,
                trusted=wanted,
            )
        )
    for agreement, place in zip(agreements, places, strict=True):
        if not np.isfinite(agreement.correlation):
            figure.add_annotation(
                text="too few windows", xref="x domain", x=0, xshift=14, y=place, xanchor="left",
                showarrow=False, font={"size": style.FONT_SIZE - 2, "color": style.UNKNOWN},
            )  # fmt: skip
    limit = {"color": style.THRESHOLD, "width": 1.8, "dash": "dash"}
    figure.add_vline(x=TRUSTED_CORRELATION, line=limit, name="limit")
    figure.add_annotation(
        text=f"r = {TRUSTED_CORRELATION:g}", x=TRUSTED_CORRELATION, y=0, xshift=-4, xanchor="right",
        showarrow=False, font={"size": style.FONT_SIZE - 1, "color": style.THRESHOLD},
    )  # fmt: skip
    lowest = min([0.0, *_finite(agreement.correlation_interval[0] for agreement in agreements)])
    figure.update_xaxes(title_text="correlation with the truth, r", range=[lowest - 0.05, 1.05])
    style.note_simulated(figure)
    return fixed_margins(figure)


def _windows(
    rows: pd.DataFrame,
    truth: pd.Series,
    measured: pd.Series,
    name: str,
    colour: str | None,
    exponent: int,
) -> go.Scatter:
    return go.Scatter(
        x=truth,
        y=measured,
        mode="markers",
        name=name,
        marker={"size": 6, "color": colour, "opacity": 0.75},
        customdata=np.stack(
            [
                [escape(str(region), quote=False) for region in rows["region"]],
                rows["longitude_deg"].map("{:+.0f}°".format),
            ],
            axis=1,
        ),
        hovertemplate=(
            f"<b>%{{customdata[0]}}</b>, longitude %{{customdata[1]}}<br>(measured %{{y:.3f}}, "
            f"true %{{x:.3f}}) × {power(exponent)} Mx/h<extra></extra>"
        ),
    )


def _add_line(
    figure: go.Figure, x: np.ndarray, y: np.ndarray, name: str, colour: str, dash: str
) -> None:
    """Draw a straight line with its name at its right end: the legend is full of longitudes."""
    figure.add_trace(
        go.Scatter(
            x=x,
            y=y,
            mode="lines",
            name=name,
            line={"color": colour, "width": 2, "dash": dash},
            showlegend=False,
            hoverinfo="skip",
        )
    )
    figure.add_annotation(
        text=name, x=x[-1], y=y[-1], xanchor="right", yanchor="bottom", xshift=-12, yshift=2,
        showarrow=False, font={"size": style.FONT_SIZE - 1, "color": colour},
    )  # fmt: skip


def _write_numbers(figure: go.Figure, agreement: Agreement) -> None:
    exponent = largest_exponent([agreement.bias], default=19)
    low, high = agreement.correlation_interval
    lines = [
        f"r = {agreement.correlation:.2f} ({low:.2f} to {high:.2f})",
        f"gain {agreement.gain:.2f}",
        f"bias {agreement.bias / 10.0**exponent:+.2f} × {power(exponent)} Mx/h".replace("-", "−"),
        f"{agreement.n_windows} windows, {agreement.n_regions} simulated regions",
    ]
    if not np.isfinite(agreement.correlation):
        lines[:2] = ["r and gain not known: too few windows"]
    figure.add_annotation(
        text="<br>".join(lines),
        name="numbers",
        templateitemname="over data",
        visible=True,
        xref="paper",
        yref="paper",
        x=0.01,
        y=0.99,
        xanchor="left",
        yanchor="top",
        align="left",
        showarrow=False,
        font={"size": style.FONT_SIZE - 1},
    )


def _correlations(
    rows: list[tuple[str, Agreement, float]], name: str, *, trusted: bool
) -> go.Scatter:
    agreements = [agreement for _, agreement, _ in rows]
    colour = _TRUSTED if trusted else _NOT_TRUSTED
    return go.Scatter(
        x=[one.correlation for one in agreements],
        y=[place for _, _, place in rows],
        mode="markers",
        name=name,
        error_x={
            "type": "data",
            "symmetric": False,
            "array": [one.correlation_interval[1] - one.correlation for one in agreements],
            "arrayminus": [one.correlation - one.correlation_interval[0] for one in agreements],
            "thickness": 1.8,
            "width": 4,
        },
        marker={
            "size": 10,
            "color": colour,
            "symbol": "circle" if trusted else "circle-open",
            "line": {"width": 2, "color": colour},
        },
        text=[
            f"<b>{label}: {name}</b><br>r = {one.correlation:.2f} "
            f"({one.correlation_interval[0]:.2f} to {one.correlation_interval[1]:.2f})<br>"
            f"gain {one.gain:.2f}<br>{one.n_windows} windows, {one.n_regions} regions"
            for label, one, _ in rows
        ],
        hovertemplate="%{text}<extra></extra>",
    )


def _finite(values: Iterable[float]) -> list[float]:
    return [value for value in values if np.isfinite(value)]
