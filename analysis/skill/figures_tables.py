"""The contingency table as a picture, and skill in parts of the test set."""

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from numpy.typing import ArrayLike

from analysis.figures import style
from analysis.figures.passage import legend
from analysis.skill.figures_scores import COLOURS
from analysis.skill.scores import SCORE_NAMES, with_interval

__all__ = ["bins_figure", "confusion_data", "confusion_figure"]

_KINDS = (("hits", "misses"), ("false alarms", "correct negatives"))
_ERUPTIVE, _CONFINED = "47,126,216", "242,142,43"


def confusion_data(counts: ArrayLike) -> pd.DataFrame:
    """Contingency table as rows: ``truth``, ``predicted``, ``sequences``, ``share_of_truth``.

    Parameters
    ----------
    counts : array_like (4,)
        tp, fp, tn, fn.

    Returns
    -------
    DataFrame
        Eruptive first. The share is NaN where no sequence has that label.
    """
    tp, fp, tn, fn = np.asarray(counts, dtype=int)
    return pd.DataFrame(
        [
            {
                "truth": truth,
                "predicted": predicted,
                "sequences": int(count),
                "share_of_truth": count / sum(row) if sum(row) else np.nan,
            }
            for truth, row in (("eruptive", (tp, fn)), ("confined", (fp, tn)))
            for predicted, count in zip(("eruptive", "confined"), row, strict=True)
        ]
    )


def confusion_figure(counts: ArrayLike, *, height: int = 360) -> go.Figure:
    """Draw a contingency table: counts, and shares of each row, which also are the shade.

    Parameters
    ----------
    counts : array_like (4,)
        tp, fp, tn, fn.
    height : int
        Pixels.
    """
    table = confusion_data(counts)
    share = table["share_of_truth"].to_numpy().reshape(2, 2)
    number = table["sequences"].to_numpy().reshape(2, 2)
    figure = go.Figure()
    for row in (0, 1):
        for column in (0, 1):
            colour = _ERUPTIVE if column == 0 else _CONFINED
            part = share[row, column]
            told = "no such sequence" if np.isnan(part) else f"{100 * part:.1f} % of the row"
            figure.add_shape(
                type="rect",
                x0=column - 0.49,
                x1=column + 0.49,
                y0=row - 0.48,
                y1=row + 0.48,
                line={"width": 3 if row == column else 0, "color": f"rgba({colour},0.9)"},
                fillcolor=f"rgba({colour},{0.06 + 0.54 * np.nan_to_num(part):.3f})",
                layer="below",
            )
            figure.add_annotation(
                x=column,
                y=row,
                text=f"<span style='font-size:22px'>{number[row, column]:,}</span><br>{told}<br>"
                f"<i>{_KINDS[row][column]}</i>",
                showarrow=False,
                font={"size": style.FONT_SIZE},
            )
    style.apply_style(figure, uirevision="confusion", height=height)
    figure.update_layout(margin={"t": 40})
    names = ["eruptive", "confined"]
    axis = {"tickvals": [0, 1], "ticktext": names, "showgrid": False, "fixedrange": True}
    figure.update_xaxes(title_text="predicted", range=[-0.5, 1.5], **axis)
    figure.update_yaxes(title_text="truth", range=[1.5, -0.5], tickangle=-90, **axis)
    return figure


def bins_figure(
    table: pd.DataFrame,
    *,
    forecast: str,
    score: str = "tss",
    whole: float | None = None,
    title: str = "",
    height: int = 340,
) -> go.Figure:
    """Draw the skill of a forecast in each part of the test set with its 95 % interval.

    Parameters
    ----------
    table : DataFrame
        Of `skill_bins`; an undefined part has no dot but the word, its reason under the pointer; a
        dot without an interval is open.
    forecast, score : str
        Whose and which score it is.
    whole : float, optional
        The score of the whole test set, a dashed line.
    title : str
        Of the axis of parts.
    height : int
        Pixels.
    """
    places = np.arange(len(table))
    held = table["value"].notna().to_numpy()
    figure = go.Figure()
    if whole is not None and np.isfinite(whole):
        figure.add_trace(
            go.Scatter(
                x=[-0.5, len(table) - 0.5],
                y=[whole, whole],
                mode="lines",
                name=f"whole test set: {whole:.3f}",
                line={"color": style.UNKNOWN, "width": 1.3, "dash": "dash"},
                hoverinfo="skip",
            )
        )
    figure.add_trace(
        go.Scatter(
            x=places[held],
            y=table["value"][held],
            mode="markers",
            name=SCORE_NAMES[score],
            marker={
                "size": 11,
                "color": COLOURS[forecast],
                "symbol": np.where(table["low"][held].isna(), "circle-open", "circle"),
                "line": {"width": 2, "color": COLOURS[forecast]},
            },
            error_y={
                "type": "data",
                "array": (table["high"] - table["value"])[held],
                "arrayminus": (table["value"] - table["low"])[held],
                "thickness": 1.6,
                "width": 5,
            },
            customdata=table.assign(
                told=[with_interval(*row)[1] for row in table[["value", "low", "high"]].to_numpy()]
            )[["told", "sequences", "eruptive", "regions"]][held],
            hovertemplate=(
                "<b>%{y:.3f}</b> (95 %: %{customdata[0]})<br>"
                "%{customdata[1]} sequences of %{customdata[3]} regions, %{customdata[2]} "
                "eruptive<extra></extra>"
            ),
            showlegend=False,
        )
    )
    for place, why in zip(places[~held], table["why"][~held], strict=True):
        figure.add_annotation(
            x=place,
            y=0.0,
            text="undefined",
            hovertext=why,
            showarrow=False,
            font={"size": style.FONT_SIZE - 1, "color": style.UNKNOWN},
        )
    style.apply_style(
        figure,
        uirevision=f"bins {title}",
        height=height,
        showlegend=True,
        legend=legend(),
    )
    figure.update_layout(margin={"t": 40})
    # Short lines: six bins stand on the width of half a page.
    names = [
        f"{str(row.bin).replace(' to ', '…')}<br>n = {row.regions}" for row in table.itertuples()
    ]
    figure.update_xaxes(
        title_text=f"{title} (n: regions)",
        tickvals=places,
        ticktext=names,
        tickangle=0,
        tickfont_size=style.FONT_SIZE - 2,
        range=[-0.5, len(table) - 0.5],
        showgrid=False,
    )
    low, high = np.nanmin([0.0, *table["low"], *table["value"]]), 1.0
    figure.update_yaxes(title_text=SCORE_NAMES[score], range=[low - 0.08, high + 0.05])
    return figure
