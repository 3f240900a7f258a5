"""The contingency table as a picture, and skill in parts of the test set."""

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from numpy.typing import ArrayLike

from analysis.figures import style
from analysis.skill.figures_scores import COLOURS
from analysis.skill.scores import SCORE_NAMES, number, with_interval

__all__ = ["bins_figure", "confusion_data", "confusion_figure"]

_CLASSES = ["eruptive", "confined"]
_KINDS = ("hits", "misses", "false alarms", "correct negatives")
_RGB = ("47,126,216", "242,142,43")


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
    cells = pd.MultiIndex.from_product([_CLASSES, _CLASSES], names=["truth", "predicted"])
    table = pd.DataFrame({"sequences": [tp, fn, fp, tn]}, index=cells)
    whole = table.groupby("truth")["sequences"].transform("sum")
    return table.assign(share_of_truth=table["sequences"] / whole).reset_index()


def confusion_figure(counts: ArrayLike) -> go.Figure:
    """Draw a contingency table: counts, and shares of each row, which also are the shade.

    `counts` as in `confusion_data`.
    """
    shapes, notes = [], []
    for place, cell in enumerate(confusion_data(counts).to_dict("records")):
        row, column = divmod(place, 2)
        share, colour = cell["share_of_truth"], _RGB[column]
        words = "no such sequence" if np.isnan(share) else f"{100 * share:.1f} % of the row"
        shapes.append(
            {
                "type": "rect",
                "x0": column - 0.49,
                "x1": column + 0.49,
                "y0": row - 0.48,
                "y1": row + 0.48,
                "line": {"width": 3 if row == column else 0, "color": f"rgba({colour},0.9)"},
                "fillcolor": f"rgba({colour},{0.06 + 0.54 * np.nan_to_num(share):.3f})",
                "layer": "below",
            }
        )
        notes.append(
            {
                "x": column,
                "y": row,
                "text": f"<span style='font-size:22px'>{cell['sequences']:,}</span><br>{words}<br>"
                f"<i>{_KINDS[place]}</i>",
                "font": {"size": style.FONT_SIZE},
            }
        )
    axis = {"tickvals": [0, 1], "ticktext": _CLASSES, "showgrid": False, "fixedrange": True}
    return style.house_figure(
        uirevision="confusion",
        height=360,
        shapes=shapes,
        annotations=notes,
        xaxis={"title_text": "predicted", "range": [-0.5, 1.5], **axis},
        yaxis={"title_text": "truth", "range": [1.5, -0.5], "tickangle": -90, **axis},
    )


def bins_figure(
    table: pd.DataFrame,
    *,
    forecast: str,
    whole: float | None = None,
    title: str = "",
) -> go.Figure:
    """Draw the TSS of a forecast in each part of the test set with its 95 % interval.

    Parameters
    ----------
    table : DataFrame
        Of `analysis.skill.scores`; an undefined part has no dot but the word, its reason under the
        pointer; a dot without an interval is open.
    forecast : str
        Whose skill it is.
    whole : float, optional
        The score of the whole test set, a dashed line.
    title : str
        Of the axis of parts.
    """
    table = table.assign(place=np.arange(len(table)))
    known = table["value"].notna()
    traces = [_parts(table[known], forecast)]
    if whole is not None and np.isfinite(whole):
        ends = (-0.5, len(table) - 0.5)
        traces.insert(0, style.guide(f"whole test set: {number(whole)}", [whole, whole], x=ends))
    # Short lines: six bins stand on the width of half a page.
    names = [
        f"{str(row.bin).replace(' to ', '…')}<br>n = {row.regions}" for row in table.itertuples()
    ]
    low = np.nanmin([0.0, *table["low"], *table["value"]])
    return style.house_figure(
        traces,
        uirevision=f"bins {title}",
        height=340,
        annotations=[
            {
                "x": row.place,
                "y": 0.0,
                "text": "undefined",
                "hovertext": row.why,
                "font": {"color": style.UNKNOWN},
            }
            for row in table[~known].itertuples()
        ],
        xaxis={
            **style.places_axis(names),
            "title_text": f"{title} (n: regions)",
            "tickangle": 0,
            "tickfont_size": style.FONT_SIZE - 2,
        },
        yaxis={"title_text": SCORE_NAMES["tss"], "range": [low - 0.08, 1.05]},
    )


def _parts(table: pd.DataFrame, forecast: str) -> go.Scatter:
    numbers = table[["value", "low", "high"]].to_numpy()
    texts = [
        "<b>{}</b> (95 %: {})<br>".format(*with_interval(*own))
        + f"{row.sequences} sequences of {row.regions} regions, {row.eruptive} eruptive"
        for own, row in zip(numbers, table.itertuples(), strict=True)
    ]
    return style.estimates(
        SCORE_NAMES["tss"],
        table["value"],
        numbers[:, 1:],
        table["place"],
        filled=table["low"].notna(),
        colour=COLOURS[forecast],
        texts=texts,
        size=11,
        upright=True,
        thickness=1.6,
        width=5,
    ).update(showlegend=False)
