"""ROC and precision–recall curves with the points where the forecasts stand."""

from collections.abc import Mapping

import pandas as pd
import plotly.graph_objects as go

from analysis import figure_style as style
from analysis.figures_skill_style import COLOURS, corner_legend
from analysis.skill import FORECASTS
from analysis.skill_curves import area_under_roc, average_precision, precision_recall, roc
from analysis.skill_words import with_interval
from hnn_core.training.metrics import count_scores
from hnn_core.training.resampling import group_counts

__all__ = ["curve_data", "precision_recall_figure", "roc_figure"]

DRAWN = ("hnn", "vit", "flux")
"""Forecasts that rank sequences; climatology does not."""


def roc_figure(
    told: Mapping[str, pd.DataFrame],
    *,
    dark: bool = False,
    simulated: bool = False,
    height: int = 420,
) -> go.Figure:
    """Draw the ROC curves of networks and flux, with their areas and operating points.

    Parameters
    ----------
    told : mapping
        Of `skill.forecasts`; the operating point is what ``said`` amounts to.
    dark, simulated : bool
    height : int
        Pixels.

    Raises
    ------
    OneClassError
        If all labels are the same.
    """
    figure = go.Figure(_diagonal())
    for name in _ranking(told):
        curve = roc(told[name])
        area, span = with_interval(*area_under_roc(told[name]))
        counts = group_counts(told[name]["label"], told[name]["said"], told[name]["group"])
        tp, fp, tn, fn = counts.sum(axis=0)
        figure.add_trace(
            _line(
                curve,
                "false_alarm_rate",
                "recall",
                name,
                f"{FORECASTS[name]}: AUC {area} ({span})",
            )
        )
        figure.add_trace(_point(fp / (fp + tn), tp / (tp + fn), name, dark=dark))
    _style(figure, "roc", dark=dark, simulated=simulated, height=height)
    figure.update_xaxes(title_text="false alarm rate, FP / (FP + TN)")
    figure.update_yaxes(title_text="recall, TP / (TP + FN)")
    return figure


def precision_recall_figure(
    told: Mapping[str, pd.DataFrame],
    *,
    dark: bool = False,
    simulated: bool = False,
    height: int = 420,
) -> go.Figure:
    """Draw precision against recall; parameters and errors are those of `roc_figure`.

    The dashed line is the share of eruptive sequences: what guessing attains.
    """
    figure = go.Figure()
    share = float(next(iter(told.values()))["label"].mean())
    figure.add_trace(
        go.Scatter(
            x=[0, 1],
            y=[share, share],
            mode="lines",
            name=f"guessing: {share:.3f}",
            line={"color": style.UNKNOWN, "width": 1.3, "dash": "dash"},
            hoverinfo="skip",
        )
    )
    for name in _ranking(told):
        text = f"{FORECASTS[name]}: average precision {average_precision(told[name]):.3f}"
        curve = precision_recall(told[name])
        figure.add_trace(_line(curve, "recall", "precision", name, text))
        counts = group_counts(told[name]["label"], told[name]["said"], told[name]["group"])
        scores = count_scores(counts.sum(axis=0))
        figure.add_trace(
            _point(float(scores["recall"]), float(scores["precision"]), name, dark=dark)
        )
    _style(figure, "precision", dark=dark, simulated=simulated, height=height)
    figure.update_xaxes(title_text="recall, TP / (TP + FN)")
    figure.update_yaxes(title_text="precision, TP / (TP + FP)")
    return figure


def curve_data(told: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """All points of both figures, one table: ``forecast``, ``curve`` and the curves' columns."""
    parts = [
        curve(told[name]).assign(forecast=FORECASTS[name], curve=kind)
        for kind, curve in (("ROC", roc), ("precision-recall", precision_recall))
        for name in _ranking(told)
    ]
    columns = ["curve", "forecast", "threshold", "recall", "false_alarm_rate", "precision"]
    return pd.concat(parts)[columns]


def _ranking(told: Mapping[str, pd.DataFrame]) -> list[str]:
    # A flux that is said to mean "eruptive" above in one fold and below in another ranks nothing.
    return [
        name
        for name in DRAWN
        if name in told and not (name == "flux" and told[name]["flux_sign"].nunique() > 1)
    ]


def _diagonal() -> go.Scatter:
    return go.Scatter(
        x=[0, 1],
        y=[0, 1],
        mode="lines",
        name="guessing: AUC 0.5",
        line={"color": style.UNKNOWN, "width": 1.3, "dash": "dash"},
        hoverinfo="skip",
    )


def _line(curve: pd.DataFrame, x: str, y: str, name: str, text: str) -> go.Scatter:
    return go.Scatter(
        x=curve[x],
        y=curve[y],
        mode="lines",
        name=text,
        line={"color": COLOURS[name], "width": 2.2},
        customdata=curve["threshold"],
        hovertemplate="(%{x:.3f}, %{y:.3f}) from %{customdata:.3g}<extra>"
        + FORECASTS[name]
        + "</extra>",
    )


def _point(x: float, y: float, name: str, *, dark: bool) -> go.Scatter:
    return go.Scatter(
        x=[x],
        y=[y],
        mode="markers",
        name=f"{FORECASTS[name]}, operating point",
        marker={
            "size": 12,
            "color": COLOURS[name],
            "line": {"width": 2, "color": style.foreground(dark=dark)},
        },
        hovertemplate="(%{x:.3f}, %{y:.3f})<extra>" + FORECASTS[name] + ", operating point</extra>",
        showlegend=False,
    )


def _style(figure: go.Figure, uirevision: str, *, dark: bool, simulated: bool, height: int) -> None:
    style.apply_style(
        figure,
        dark=dark,
        uirevision=uirevision,
        simulated=simulated,
        height=height,
        legend=corner_legend(dark=dark, top_left=False),
    )
    figure.update_layout(margin={"t": 40})
    figure.update_xaxes(range=[-0.02, 1.02], constrain="domain")
    figure.update_yaxes(range=[-0.02, 1.02])
