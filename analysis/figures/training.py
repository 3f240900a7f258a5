"""A training as curves: loss, skill on the validation set, several runs on one chart."""

from collections.abc import Mapping
from html import escape
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from analysis.figures import style

__all__ = ["SCORES", "compare_runs_figure", "loss_figure", "validation_figure"]

SCORES = {
    "validation_tss": "TSS",
    "validation_hss": "HSS",
    "validation_recall": "recall",
    "validation_precision": "precision",
    "validation_accuracy": "accuracy",
    "validation_loss": "validation loss",
    "train_loss": "training loss",
}
"""Columns of a table of epochs, and what they are called."""

_SKILLS = tuple(SCORES)[:5]
_HUES = ("#2f7ed8", "#f28e2b", "#12b886", "#d6455d", "#a06cd5", "#00a5b8", "#b58900", "#8c8f99")
_DASHES = ("solid", "dash", "dot")
_MOST_POINTS = 1500


def loss_figure(
    steps: pd.DataFrame, epochs: pd.DataFrame, *, n_epochs: int | None = None
) -> go.Figure:
    """Draw the loss of every step and its means over the epochs.

    Parameters
    ----------
    steps : DataFrame
        ``epoch`` (from 0), ``batch`` of ``batches`` in the epoch, ``loss``; may be empty. Of
        more than 1500 rows, means over neighbours are drawn.
    epochs : DataFrame
        ``epoch`` (from 1), ``train_loss`` and, where there is a validation set,
        ``validation_loss``; may be empty.
    n_epochs : int, optional
        Epochs requested: the end of the axis.
    """
    figure = _over_epochs("loss", "focal loss", 320, n_epochs)
    if len(steps):
        where = (steps["epoch"] + steps["batch"] / steps["batches"]).to_numpy(dtype=float)
        x, y = _thinned(where, steps["loss"].to_numpy(dtype=float))
        hover = "%{y:.4f}<extra>step, at epoch %{x:.2f}</extra>"
        loss = style.line("steps", x, y, style.UNKNOWN, 1, opacity=0.6, hovertemplate=hover)
        figure.add_trace(loss)
    for column, colour in (("train_loss", _HUES[0]), ("validation_loss", _HUES[1])):
        name = SCORES[column].removesuffix(" loss")  # the axis has the word
        _add_line(figure, epochs, column, name, colour)
    return figure.update_yaxes(rangemode="tozero")


def validation_figure(
    epochs: pd.DataFrame,
    *,
    best_epoch: int | None = None,
    n_epochs: int | None = None,
) -> go.Figure:
    """Draw the scores of the validation set after every epoch.

    Parameters
    ----------
    epochs : DataFrame
        ``epoch`` (from 1) and columns of `SCORES`; an undefined score is NaN and breaks its
        line.
    best_epoch : int, optional
        The epoch with the lowest validation loss, whose model is kept, marked.
    n_epochs
        As in `loss_figure`.
    """
    figure = _over_epochs("skill", "validation score", 320, n_epochs)
    for column, colour in zip(_SKILLS, _HUES, strict=False):
        width = 2.5 if column == "validation_tss" else 1.4
        _add_line(figure, epochs, column, SCORES[column], colour, width=width)
    figure.add_hline(y=0.0, line={"color": style.UNKNOWN, "width": 1, "dash": "dot"})
    if best_epoch:
        figure.add_vline(
            x=best_epoch,
            line={"width": 1, "dash": "dash"},
            annotation={"text": "lowest validation loss"},
            annotation_position="top left" if best_epoch > (n_epochs or 0) / 2 else "top right",
        )
    return figure.update_yaxes(range=[_lowest(epochs), 1.03])


def compare_runs_figure(
    runs: Mapping[str, pd.DataFrame], *, score: str = "validation_tss"
) -> go.Figure:
    """Draw one score of several runs against the epoch.

    Parameters
    ----------
    runs : mapping of str to DataFrame
        The table of epochs of each run, by name; one without the score is left out.
    score : str
        One of `SCORES`.

    Raises
    ------
    ValueError
        If the score is not one of `SCORES`.
    """
    if score not in SCORES:
        raise ValueError(f"unknown score {score!r}: choose from {tuple(SCORES)}")
    title = SCORES[score] if "loss" in score else f"validation {SCORES[score]}"
    figure = _over_epochs(f"compare {score}", title, 420)
    for index, (name, epochs) in enumerate(runs.items()):
        colour = _HUES[index % len(_HUES)]
        dash = _DASHES[index // len(_HUES) % len(_DASHES)]
        _add_line(figure, epochs, score, escape(name, quote=False), colour, dash=dash)
    return figure


def _over_epochs(
    uirevision: str, title: str, height: int, n_epochs: int | None = None
) -> go.Figure:
    return style.house_figure(
        uirevision=uirevision,
        height=height,
        hovermode="x unified",
        xaxis={
            "title_text": "epoch",
            "hoverformat": ".2f",
            "rangemode": "tozero",
            "range": [0, n_epochs * 1.02] if n_epochs else None,
        },
        yaxis={"title_text": title},
    )


def _add_line(
    figure: go.Figure,
    epochs: pd.DataFrame,
    column: str,
    name: str,
    colour: str,
    *,
    dash: str = "solid",
    width: float = 2,
) -> None:
    """Draw a column if it holds a number."""
    if column not in epochs or epochs[column].isna().all():
        return
    hover = f"%{{y:.4f}}<extra>{name}</extra>"
    look: dict[str, Any] = {"mode": "lines+markers", "marker": {"size": 5}, "hovertemplate": hover}
    values = epochs[column].astype(float)
    figure.add_trace(style.line(name, epochs["epoch"], values, colour, width, dash, **look))


def _lowest(epochs: pd.DataFrame) -> float:
    """Room for scores below zero only where there are some: TSS and HSS reach down to −1."""
    scores = epochs.reindex(columns=_SKILLS).to_numpy(float)
    lowest = float(np.fmin.reduce(scores, axis=None, initial=np.inf))  # before the first epoch
    return min(np.nan_to_num(lowest) - 0.05, -0.03)


def _thinned(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Means over blocks of neighbours, so that at most `_MOST_POINTS` remain."""
    size = -(-len(x) // _MOST_POINTS)
    if size == 1:
        return x, y
    starts = np.arange(0, len(x), size)
    counts = np.diff(np.append(starts, len(x)))
    return np.add.reduceat(x, starts) / counts, np.add.reduceat(y, starts) / counts
