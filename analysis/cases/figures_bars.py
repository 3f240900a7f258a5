"""Flux of the hours before some cases, side by side as in the paper's Figures 6 and 7."""

from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from analysis import figure_style as style
from analysis.figures_axes import fixed_margins, hours_axis, largest_exponent, power
from analysis.figures_cases_layout import PanelGrid
from analysis.figures_flux import legend_square

if TYPE_CHECKING:
    from analysis.case_study import CaseStudy

__all__ = ["case_bars"]

_FLUXES = {"pil": "pil_unsigned_flux_mx", "total": "total_unsigned_flux_mx"}
_WORDS = {"pil": "PIL", "total": "total"}
_HOURS = 10
_BOLD_CHARACTERS, _CHARACTERS = 42, 48
"""What a panel has room for above it where the figure is 700 pixels wide."""


def case_bars(
    studies: Sequence["CaseStudy"],
    *,
    flux: Literal["pil", "total"] = "pil",
    same_scale: bool = True,
    dark: bool = False,
    row_height: int = 230,
) -> go.Figure:
    """Draw the flux of ten hours of each case as bars: predicted eruptive left, confined right.

    Parameters
    ----------
    studies : sequence of CaseStudy
        Those without a prediction come below the others, in grey.
    flux : {"pil", "total"}
        Unsigned flux of the PIL region (the paper's Figure 6) or of the patch (Figure 7), Mx.
    same_scale : bool
        One range for all panels, from 0; else each has its own, from 0.
    dark : bool
    row_height : int
        Pixels of a row of panels with its titles.

    Returns
    -------
    Figure
        One trace a case, its bars at −9 … 0 hours before t. An hour that is missing or has no
        number (NaN) leaves its place empty; interpolated ones are hatched. Made for the margins
        `figures_axes.MARGIN`.

    Raises
    ------
    ValueError
        If there is no case, or no such flux.
    """
    if not studies:
        raise ValueError("no case to draw")
    if flux not in _FLUXES:
        raise ValueError(f"flux must be one of {tuple(_FLUXES)}, got {flux!r}")
    column, word = _FLUXES[flux], _WORDS[flux]
    sides = [
        [study for study in studies if _said(study) == kind]
        for kind in ("eruptive", "confined", "")
    ]
    titles = {id(study): _title_lines(study) for study in studies}
    grid = PanelGrid(
        counts=[len(side) for side in sides],
        title_lines=max(map(len, titles.values())),
        row_height=row_height,
        gap=0.05 if same_scale else 0.11,
    )
    figure = go.Figure()
    colours = (style.ERUPTIVE, style.CONFINED, style.UNKNOWN)
    common = _exponent_and_top(studies, column)
    for side, colour, panels in zip(sides, colours, grid.panels, strict=True):
        for study, panel in zip(side, panels, strict=True):
            exponent, top = common if same_scale else _exponent_and_top([study], column)
            x, y = grid.add_axes(figure, panel)
            figure.add_trace(_bars(study, column, exponent, colour).update(xaxis=x, yaxis=y))
            labelled = panel.leftmost or not same_scale
            figure.layout[x.replace("x", "xaxis")].update(
                **hours_axis(_HOURS), title_text="hour of the sequence (h)" * panel.lowest
            )
            figure.layout[y.replace("y", "yaxis")].update(
                range=[0.0, top],
                nticks=5,
                showticklabels=labelled,
                title_text=f"{word} flux ({power(exponent)} Mx)" * labelled,
            )
            grid.write_title(figure, panel, titles[id(study)])
    grid.write_headings(figure)
    if any(study.history["interpolated"].any() for study in studies):
        figure.add_trace(legend_square("interpolated", style.UNKNOWN, "/"))
    style.apply_style(
        figure,
        dark=dark,
        uirevision=f"cases {flux} {same_scale}",
        height=grid.height,
        bargap=0.18,
        showlegend=True,
        legend={"orientation": "h", "x": 1.0, "xanchor": "right", "y": 1.0, "yanchor": "bottom"},
    )
    grid.write_top(figure, f"{word} unsigned flux, hour by hour")
    figure.update_xaxes(tickfont_size=style.FONT_SIZE - 2, tickangle=0)
    return fixed_margins(figure)


def _said(study: "CaseStudy") -> str:
    return "" if study.prediction is None else study.prediction.label


def _bars(study: "CaseStudy", column: str, exponent: int, colour: str) -> go.Bar:
    history = study.history
    last = pd.Timestamp(study.case.hour)
    hours = ((history["t_rec_tai"] - last) / pd.Timedelta(hours=1)).round()
    interpolated = history["interpolated"].to_numpy(dtype=bool)
    name = escape(study.name, quote=False)
    return go.Bar(
        x=hours.to_numpy(),
        y=history[column].abs().to_numpy() / 10.0**exponent,
        name=name,
        marker={
            "color": colour,
            "line": {"color": colour, "width": np.where(interpolated, 1.5, 0.0)},
            "pattern": {
                "shape": ["/" if filled else "" for filled in interpolated],
                "fillmode": "replace",
                "size": 6,
            },
        },
        customdata=np.stack(
            [
                [f"{time:%Y-%m-%d %H:%M} TAI" for time in history["t_rec_tai"]],
                np.where(interpolated, "<br>interpolated", ""),
                # As data: a name in the template itself could hold marks of templates.
                np.full(len(history), name),
            ],
            axis=1,
        ),
        hovertemplate=(
            f"<b>%{{y:.3f}} × {power(exponent)} Mx</b><br>%{{customdata[0]}}%{{customdata[1]}}"
            "<br>%{customdata[2]}<extra></extra>"
        ),
        showlegend=False,
    )


def _exponent_and_top(studies: Sequence["CaseStudy"], column: str) -> tuple[int, float]:
    """Power of ten, and the axis' end in it."""
    values = np.concatenate([study.history[column].to_numpy(np.float64) for study in studies])
    values = np.abs(values[np.isfinite(values)])
    exponent = largest_exponent(values)
    largest = float(values.max()) / 10.0**exponent if values.size else 0.0
    return exponent, 1.06 * largest or 1.0


def _title_lines(study: "CaseStudy") -> list[str]:
    region, _, time = study.name.rpartition(", ")
    if len(region) > _BOLD_CHARACTERS:
        region = f"{region[: _BOLD_CHARACTERS - 1]}…"
    first = [region, time]
    if study.simulated:
        first.append("simulated")
    if len(study.history) < _HOURS:
        first.append(f"{len(study.history)} of {_HOURS} hours")
    said = study.prediction
    # Without one, the heading says so.
    second = [] if said is None else [f"p = {said.probability:.2f}"]
    second.append(f"happened: {_happened(study)}")
    lines = [*_broken(first, ", ", _BOLD_CHARACTERS), *_broken(second, " · ", _CHARACTERS)]
    return [escape(line, quote=False) for line in lines]


def _happened(study: "CaseStudy") -> str:
    outcome = study.outcome
    if not outcome.flares:
        return f"no ≥{study.flare_class} flare known"
    telling = [flare for flare in outcome.flares if flare.association == "eruptive"]
    largest = max(telling or outcome.flares, key=lambda flare: flare.flux("science"))
    linked = ", CME linked" if telling and not study.simulated else ""
    word = "CME link unknown" if outcome.word == "unknown" else outcome.word
    return f"{word} ({largest.goes_class}{linked})"


def _broken(parts: Sequence[str], between: str, most: int) -> list[str]:
    """Join parts to lines of so many characters at most; a part is never broken."""
    lines = [""]
    for part in parts:
        longer = between.join(filter(None, [lines[-1], part]))
        if len(longer) <= most or not lines[-1]:
            lines[-1] = longer
        else:
            lines.append(part)
    return lines
