"""Skill whatever the threshold: ROC, precision–recall, scores against it, and reliability."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from analysis.figures import style
from analysis.skill.curves import area_under_roc, average_precision, precision_recall, roc
from analysis.skill.figures_scores import COLOURS, room_for_legend, top_legend
from analysis.skill.forecasts import FORECASTS
from analysis.skill.scores import SCORE_NAMES, counts_of, number, with_interval
from hnn_core.scores import count_scores

__all__ = [
    "curve_data",
    "precision_recall_figure",
    "reliability_figure",
    "roc_figure",
    "threshold_figure",
]

_RANKING = ("hnn", "vit", "flux")
"""Forecasts that rank sequences; climatology does not."""
_SCORES = {
    "tss": ("#7c5cff", 3, "solid"),
    "hss": ("#e4738c", 2, "solid"),
    "recall": ("#59b38c", 2, "dash"),
    "precision": ("#d1a33c", 2, "dot"),
}
"""Drawn against the threshold: colour, width and dashes."""


def roc_figure(forecasts: Mapping[str, pd.DataFrame]) -> go.Figure:
    """Draw the ROC curves of networks and flux, with their areas and operating points.

    Parameters
    ----------
    forecasts : mapping
        Of `analysis.skill.forecasts.forecasts`; the operating point is what ``said`` amounts to.

    Raises
    ------
    OneClassError
        If all labels are the same.
    """
    traces = [style.guide("guessing: AUC 0.5", [0, 1])]
    for name in _ranking(forecasts):
        curve = roc(forecasts[name])
        area, span = with_interval(*area_under_roc(forecasts[name]))
        tp, fp, tn, fn = counts_of(forecasts[name])
        traces += [
            _line(curve, "false_alarm_rate", "recall", name, f"AUC {area} ({span})"),
            _point(fp / (fp + tn), tp / (tp + fn), name),
        ]
    return _unit_square(traces, "roc", "false alarm rate, FP / (FP + TN)", "recall, TP / (TP + FN)")


def precision_recall_figure(forecasts: Mapping[str, pd.DataFrame]) -> go.Figure:
    """Draw precision against recall; parameters and errors are those of `roc_figure`.

    The dashed line is the share of eruptive sequences: what guessing attains.
    """
    share = float(next(iter(forecasts.values()))["label"].mean())
    traces = [style.guide(f"guessing: {share:.3f}", [share, share])]
    for name in _ranking(forecasts):
        text = f"average precision {average_precision(forecasts[name]):.3f}"
        scores = count_scores(counts_of(forecasts[name]))
        traces += [
            _line(precision_recall(forecasts[name]), "recall", "precision", name, text),
            _point(float(scores["recall"]), float(scores["precision"]), name),
        ]
    return _unit_square(traces, "precision", "recall, TP / (TP + FN)", "precision, TP / (TP + FP)")


def curve_data(forecasts: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """All points of both figures, one table: ``forecast``, ``curve`` and the curves' columns."""
    parts = [
        curve(forecasts[name]).assign(forecast=FORECASTS[name], curve=kind)
        for kind, curve in (("ROC", roc), ("precision-recall", precision_recall))
        for name in _ranking(forecasts)
    ]
    columns = ["curve", "forecast", "threshold", "recall", "false_alarm_rate", "precision"]
    return pd.concat(parts)[columns]


def threshold_figure(table: pd.DataFrame, *, chosen: float, own: float = 0.5) -> go.Figure:
    """Draw TSS (with its 95 % interval), HSS, recall and precision against the threshold.

    Parameters
    ----------
    table : DataFrame
        Of `analysis.skill.curves.threshold_scores`; a line breaks where a score is undefined.
    chosen, own : float
        Threshold in use on the page, and the model's own; each a vertical line.
    """
    x, low, high = table[["threshold", "tss_low", "tss_high"]].to_numpy().T
    traces = [style.band(x, low, high, "rgba(124,92,255,0.18)", "TSS, 95 %")]
    traces += [
        style.line(SCORE_NAMES[score], x, table[score], *look, hovertemplate="%{text}").update(
            text=table[score].map(number)
        )
        for score, look in _SCORES.items()
    ]
    lowest = min(0.0, float(np.nanmin(table[list(_SCORES)])))
    marks = {own: (style.UNKNOWN, "dot"), chosen: (style.THRESHOLD, "dash")}
    figure = style.house_figure(
        traces,
        uirevision="threshold",
        height=360,
        hovermode="x unified",
        legend=top_legend(),
        # Up to 1 only: the legend is above.
        shapes=[
            {
                "type": "line",
                "x0": at,
                "x1": at,
                "y0": lowest - 0.06,
                "y1": 1.02,
                "line": {"color": colour, "width": 1.8, "dash": dash},
            }
            for at, (colour, dash) in marks.items()
        ],
        xaxis={"title_text": "threshold on P(eruptive)", "range": [0, 1]},
        yaxis={"title_text": "score", **room_for_legend(lowest)},
    )
    return figure.add_annotation(
        x=chosen,
        y=lowest - 0.05,
        text=f"threshold {chosen:g}",
        xanchor="left" if chosen < 0.75 else "right",
        yanchor="bottom",
        font_color=style.THRESHOLD,
    )


def reliability_figure(
    tables: Mapping[str, pd.DataFrame],
    brier: Mapping[str, Mapping[str, float]],
    *,
    base_rate: float,
) -> go.Figure:
    """Draw how often the flare was eruptive against the probability, over the counts of each bin.

    Parameters
    ----------
    tables : mapping
        Of ``hnn`` and ``vit``, what `analysis.skill.curves.reliability` finds.
    brier : mapping
        Of the same, what `analysis.skill.curves.brier_scores` finds, for the legend.
    base_rate : float
        Share of eruptive sequences in the test set.
    """
    figure = style.house_figure(
        uirevision="reliability",
        height=460,
        barmode="group",
        bargap=0.12,
        legend=_corner_legend(x=0.01, xanchor="left", y=0.99, yanchor="top"),
    )
    make_subplots(
        rows=2,
        cols=1,
        shared_xaxes=True,
        row_heights=[0.74, 0.26],
        vertical_spacing=0.05,
        figure=figure,
    )
    base = style.guide(f"share of eruptive {base_rate:.2f}", [base_rate, base_rate], dash="dot")
    upper, lower = [style.guide("perfect", [0, 1]), base], []
    for name, table in tables.items():
        upper.append(_dots(table, name, brier[name]))
        lower.append(_counts(table, name))
    figure.add_traces(upper, rows=1, cols=1).add_traces(lower, rows=2, cols=1)
    figure.update_xaxes(range=[-0.02, 1.02], tickvals=[0, 0.2, 0.4, 0.6, 0.8, 1.0])
    figure.update_xaxes(title_text="P(eruptive)", row=2, col=1)
    figure.update_yaxes(title_text="observed frequency", range=[-0.02, 1.02], row=1, col=1)
    figure.update_yaxes(title_text="sequences", rangemode="tozero", nticks=4, row=2, col=1)
    return figure


def _ranking(forecasts: Mapping[str, pd.DataFrame]) -> list[str]:
    # A flux that is taken to mean "eruptive" above in one fold and below in another ranks nothing.
    return [
        name
        for name in _RANKING
        if name in forecasts and not (name == "flux" and forecasts[name]["flux_sign"].nunique() > 1)
    ]


def _line(curve: pd.DataFrame, x: str, y: str, name: str, text: str) -> go.Scatter:
    return style.line(
        f"{FORECASTS[name]}: {text}",
        curve[x],
        curve[y],
        COLOURS[name],
        2.2,
        customdata=[style.number(value) for value in curve["threshold"]],
        hovertemplate=f"(%{{x:.3f}}, %{{y:.3f}}) from %{{customdata}}"
        f"<extra>{FORECASTS[name]}</extra>",
    )


def _point(x: float, y: float, name: str) -> go.Scatter:
    point = f"{FORECASTS[name]}, operating point"
    return go.Scatter(
        x=[x],
        y=[y],
        mode="markers",
        name=point,
        marker={"size": 12, "color": COLOURS[name], "line": {"width": 2}},
        hovertemplate=f"(%{{x:.3f}}, %{{y:.3f}})<extra>{point}</extra>",
        showlegend=False,
    )


def _unit_square(traces: list[Any], uirevision: str, x: str, y: str) -> go.Figure:
    return style.house_figure(
        traces,
        uirevision=uirevision,
        height=420,
        legend=_corner_legend(x=0.99, xanchor="right", y=0.02, yanchor="bottom"),
        xaxis={"title_text": x, "range": [-0.02, 1.02], "constrain": "domain"},
        yaxis={"title_text": y, "range": [-0.02, 1.02]},
    )


def _corner_legend(**place: Any) -> dict[str, Any]:
    """Legend inside the axes, in a corner that a good forecast leaves free."""
    return {"orientation": "v", "font": {"size": style.SMALL}, **place}


def _dots(table: pd.DataFrame, name: str, brier: Mapping[str, float]) -> go.Scatter:
    held = table[table["sequences"] > 0]
    bars = style.error_bars(held["frequency"], held["low"], held["high"], thickness=1.3, width=3)
    return go.Scatter(
        x=held["probability"],
        y=held["frequency"],
        mode="lines+markers",
        name=f"{FORECASTS[name]}: Brier {number(brier['brier'])}, skill {number(brier['skill'])}",
        line={"color": COLOURS[name], "width": 1.6},
        marker={"size": 8},
        error_y=bars,
        customdata=held[["sequences", "eruptive", "groups"]],
        hovertemplate=(
            "P(eruptive) %{x:.2f}, observed %{y:.2f}<br>%{customdata[1]} of %{customdata[0]} "
            f"sequences, %{{customdata[2]}} groups of regions<extra>{FORECASTS[name]}</extra>"
        ),
    )


def _counts(table: pd.DataFrame, name: str) -> go.Bar:
    return go.Bar(
        x=table[["low_edge", "high_edge"]].mean(axis=1),
        y=table["sequences"],
        name=f"{FORECASTS[name]}, sequences",
        marker={"color": COLOURS[name], "line_width": 0},
        hovertemplate=f"%{{y}} sequences<extra>{FORECASTS[name]}</extra>",
        showlegend=False,
    )
