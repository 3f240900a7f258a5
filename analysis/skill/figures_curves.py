"""ROC and precision–recall curves with the points where the forecasts stand.

Skill of a network against the threshold on its probability.

How often a predicted probability comes true.
"""

from collections.abc import Mapping

import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from analysis.figures import style
from analysis.skill.curves import area_under_roc, average_precision, precision_recall, roc
from analysis.skill.figures_scores import COLOURS, corner_legend, room_for_legend, top_legend
from analysis.skill.forecasts import FORECASTS
from analysis.skill.scores import SCORE_NAMES, number, with_interval
from hnn_core.scores import count_scores, group_counts

__all__ = [
    "curve_data",
    "precision_recall_figure",
    "reliability_figure",
    "roc_figure",
    "threshold_figure",
]


DRAWN = ("hnn", "vit", "flux")
"""Forecasts that rank sequences; climatology does not."""


def roc_figure(
    told: Mapping[str, pd.DataFrame],
    *,
    height: int = 420,
) -> go.Figure:
    """Draw the ROC curves of networks and flux, with their areas and operating points.

    Parameters
    ----------
    told : mapping
        Of `skill.forecasts`; the operating point is what ``said`` amounts to.
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
        figure.add_trace(_point(fp / (fp + tn), tp / (tp + fn), name))
    _style(figure, "roc", height=height)
    figure.update_xaxes(title_text="false alarm rate, FP / (FP + TN)")
    figure.update_yaxes(title_text="recall, TP / (TP + FN)")
    return figure


def precision_recall_figure(
    told: Mapping[str, pd.DataFrame],
    *,
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
        figure.add_trace(_point(float(scores["recall"]), float(scores["precision"]), name))
    _style(figure, "precision", height=height)
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


def _point(x: float, y: float, name: str) -> go.Scatter:
    return go.Scatter(
        x=[x],
        y=[y],
        mode="markers",
        name=f"{FORECASTS[name]}, operating point",
        marker={
            "size": 12,
            "color": COLOURS[name],
            "line": {"width": 2},
        },
        hovertemplate="(%{x:.3f}, %{y:.3f})<extra>" + FORECASTS[name] + ", operating point</extra>",
        showlegend=False,
    )


def _style(figure: go.Figure, uirevision: str, height: int) -> None:
    style.apply_style(
        figure,
        uirevision=uirevision,
        height=height,
        legend=corner_legend(top_left=False),
    )
    figure.update_layout(margin={"t": 40})
    figure.update_xaxes(range=[-0.02, 1.02], constrain="domain")
    figure.update_yaxes(range=[-0.02, 1.02])


LINES = {
    "tss": {"color": "#7c5cff", "width": 3},
    "hss": {"color": "#e4738c", "width": 2},
    "recall": {"color": "#59b38c", "width": 2, "dash": "dash"},
    "precision": {"color": "#d1a33c", "width": 2, "dash": "dot"},
}
"""Scores drawn against the threshold."""


def threshold_figure(
    table: pd.DataFrame,
    *,
    chosen: float,
    own: float = 0.5,
    height: int = 360,
) -> go.Figure:
    """Draw TSS (with its 95 % interval), HSS, recall and precision against the threshold.

    Parameters
    ----------
    table : DataFrame
        Of `skill_probability.threshold_scores`; a line breaks where a score is undefined.
    chosen, own : float
        Threshold in use on the page, and the model's own; each a vertical line.
    height : int
        Pixels.
    """
    figure = go.Figure()
    band = table.dropna(subset=["tss_low", "tss_high"])
    figure.add_trace(
        go.Scatter(
            x=[*band["threshold"], *band["threshold"][::-1]],
            y=[*band["tss_high"], *band["tss_low"][::-1]],
            mode="lines",
            fill="toself",
            fillcolor="rgba(124,92,255,0.18)",
            line={"width": 0},
            name="TSS, 95 %",
            hoverinfo="skip",
        )
    )
    for score, line in LINES.items():
        figure.add_trace(
            go.Scatter(
                x=table["threshold"],
                y=table[score],
                mode="lines",
                name=SCORE_NAMES[score],
                line=line,
                connectgaps=False,
                hovertemplate="%{y:.3f}",
            )
        )
    low = min(0.0, *(table[score].min() for score in LINES))
    marks = {own: (style.UNKNOWN, "dot"), chosen: (style.THRESHOLD, "dash")}
    for at, (colour, dash) in marks.items():
        # Up to 1 only: the legend is above.
        figure.add_shape(
            type="line",
            x0=at,
            x1=at,
            y0=low - 0.06,
            y1=1.02,
            line={"color": colour, "width": 1.8, "dash": dash},
        )
    figure.add_annotation(
        x=chosen,
        y=low - 0.05,
        text=f"threshold {chosen:g}",
        showarrow=False,
        xanchor="left" if chosen < 0.75 else "right",
        yanchor="bottom",
        font={"size": style.FONT_SIZE - 1, "color": style.THRESHOLD},
    )
    style.apply_style(
        figure,
        uirevision="threshold",
        height=height,
        hovermode="x unified",
        legend=top_legend(),
    )
    figure.update_layout(margin={"t": 40})
    figure.update_xaxes(title_text="threshold on the probability", range=[0, 1])
    figure.update_yaxes(title_text="score", **room_for_legend(low))
    return figure


def reliability_figure(
    tables: Mapping[str, pd.DataFrame],
    brier: Mapping[str, Mapping[str, float]],
    *,
    base_rate: float,
    height: int = 460,
) -> go.Figure:
    """Draw how often the flare was eruptive against the probability, over the counts of each bin.

    Parameters
    ----------
    tables : mapping
        Of ``hnn`` and ``vit``, what `skill_probability.reliability` finds.
    brier : mapping
        Of the same, what `skill_probability.brier_scores` finds, for the legend.
    base_rate : float
        Share of eruptive sequences in the test set.
    height : int
        Pixels.
    """
    figure = make_subplots(
        rows=2, cols=1, shared_xaxes=True, row_heights=[0.74, 0.26], vertical_spacing=0.05
    )
    guides = (
        ("perfect", [0, 1], {"color": style.UNKNOWN, "width": 1.3, "dash": "dash"}),
        (
            f"share of eruptive {base_rate:.2f}",
            [base_rate, base_rate],
            {"color": style.UNKNOWN, "width": 1.3, "dash": "dot"},
        ),
    )
    for text, y, line in guides:
        trace = go.Scatter(x=[0, 1], y=y, mode="lines", name=text, line=line, hoverinfo="skip")
        figure.add_trace(trace, row=1, col=1)
    for name, table in tables.items():
        figure.add_trace(_dots(table, name, _brier_words(name, brier[name])), row=1, col=1)
        figure.add_trace(_counts(table, name), row=2, col=1)
    style.apply_style(
        figure,
        uirevision="reliability",
        height=height,
        barmode="group",
        bargap=0.12,
        legend=corner_legend(top_left=True),
    )
    figure.update_layout(margin={"t": 40})
    figure.update_xaxes(range=[-0.02, 1.02], tickvals=[0, 0.2, 0.4, 0.6, 0.8, 1.0])
    figure.update_xaxes(title_text="predicted probability", row=2, col=1)
    figure.update_yaxes(title_text="observed frequency", range=[-0.02, 1.02], row=1, col=1)
    figure.update_yaxes(title_text="sequences", rangemode="tozero", nticks=4, row=2, col=1)
    return figure


def _brier_words(name: str, brier: Mapping[str, float]) -> str:
    return f"{FORECASTS[name]}: Brier {number(brier['brier'])}, skill {number(brier['skill'])}"


def _dots(table: pd.DataFrame, name: str, text: str) -> go.Scatter:
    held = table[table["sequences"] > 0]
    return go.Scatter(
        x=held["probability"],
        y=held["frequency"],
        mode="lines+markers",
        name=text,
        line={"color": COLOURS[name], "width": 1.6},
        marker={"size": 8},
        error_y={
            "type": "data",
            "array": held["high"] - held["frequency"],
            "arrayminus": held["frequency"] - held["low"],
            "thickness": 1.3,
            "width": 3,
        },
        customdata=held[["sequences", "eruptive", "groups"]],
        hovertemplate=(
            "predicted %{x:.2f}, observed %{y:.2f}<br>%{customdata[1]} of %{customdata[0]} "
            "sequences, %{customdata[2]} groups of regions<extra>" + FORECASTS[name] + "</extra>"
        ),
    )


def _counts(table: pd.DataFrame, name: str) -> go.Bar:
    return go.Bar(
        x=(table["low_edge"] + table["high_edge"]) / 2,
        y=table["sequences"],
        name=f"{FORECASTS[name]}, sequences",
        marker={"color": COLOURS[name], "line_width": 0},
        hovertemplate="%{y} sequences<extra>" + FORECASTS[name] + "</extra>",
        showlegend=False,
    )
