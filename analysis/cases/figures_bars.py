"""Flux of the hours before some cases, side by side as in the paper's Figures 6 and 7.

The panels stand in the order of the cases, each with the class that was predicted as its badge.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Any, Literal

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from analysis.cases.case_study import HOURS, CaseStudy
from analysis.figures import style
from analysis.figures.flux import hour_bars, legend_square
from analysis.figures.style import MARGIN, fixed_margins, hours_axis, largest_exponent, power

__all__ = ["case_bars_figure"]

_LINE, _BADGE, _TICKS, _ABOVE = 16, 24, 30, 6
"""Heights in pixels: a line, the badge, the ticks below, and between axes and badge."""
_COLOURS = {"eruptive": style.ERUPTIVE, "confined": style.CONFINED}
_FLUXES = {"pil": ("pil_unsigned_flux_mx", "PIL"), "total": ("total_unsigned_flux_mx", "total")}
_BOLD_CHARACTERS = 42
"""What a panel has room for above it where it is some 300 pixels wide."""


def case_bars_figure(
    studies: Sequence[CaseStudy],
    *,
    flux: Literal["pil", "total"] = "pil",
    same_scale: bool = True,
    columns: int = 2,
    row_height: int = 230,
) -> go.Figure:
    """Draw the flux of ten hours of each case as bars, in panels that fill row after row.

    Parameters
    ----------
    studies : sequence of CaseStudy
        Bars and badge are blue where eruptive is predicted, orange where confined is, and grey
        without a prediction.
    flux : {"pil", "total"}
        Unsigned flux of the PIL region (the paper's Figure 6) or of the patch (Figure 7), Mx.
    same_scale : bool
        One range for all panels, from 0; else each has its own, from 0.
    columns : int
        Panels in a row, at most; 1 for a narrow page.
    row_height : int
        Pixels of a row of panels with its titles.

    Returns
    -------
    Figure
        One trace a case, its bars at −9 … 0 hours before t. An hour that is missing or has no
        number (NaN) leaves its place empty; interpolated ones are hatched. Made for the margins
        `style.MARGIN`.

    Raises
    ------
    ValueError
        If there is no case, or no such flux.
    """
    if not studies:
        raise ValueError("no case to draw")
    if flux not in _FLUXES:
        raise ValueError(f"flux must be one of {tuple(_FLUXES)}, got {flux!r}")
    column, word = _FLUXES[flux]
    titles = [_title_lines(study) for study in studies]
    gap = 0.05 if same_scale else 0.11
    grid = _Grid(len(studies), min(columns, len(studies)), row_height, gap)
    common = _exponent_and_top(studies, column)
    traces, axes = [], {}
    notes: list[dict[str, Any]] = []
    for at, (study, lines) in enumerate(zip(studies, titles, strict=True)):
        exponent, top = common if same_scale else _exponent_and_top([study], column)
        left, right = grid.across(at)
        bottom, ceiling = grid.up(at, max(map(len, titles)))
        labelled = at % grid.columns == 0 or not same_scale
        prediction, number = study.prediction, at + 1
        colour = _COLOURS[prediction.label] if prediction else style.UNKNOWN
        traces.append(
            _bars(study, column, exponent, colour).update(xaxis=f"x{number}", yaxis=f"y{number}")
        )
        axes[f"xaxis{number}"] = hours_axis(HOURS) | {
            "domain": (left, right),
            "anchor": f"y{number}",
            "title_text": style.HOUR_TITLE * (at + grid.columns >= len(studies)),
            "tickfont_size": style.FONT_SIZE - 2,
            "tickangle": 0,
        }
        axes[f"yaxis{number}"] = {
            "domain": (bottom, ceiling),
            "anchor": f"x{number}",
            "range": [0.0, top],
            "nticks": 5,
            "showticklabels": labelled,
            "title_text": f"{word} flux ({power(exponent)} Mx)" * labelled,
        }
        first, *more = lines
        text = "<br>".join([f"<b>{first}</b>", *more])
        notes.append({"text": text, "x": left, "y": ceiling, "yshift": _ABOVE + _BADGE})
        notes.append({"text": _badge(study), "x": left, "y": ceiling, "yshift": _ABOVE})
        notes[-1] |= {"bordercolor": colour, "borderpad": 2, "font": {"color": colour}}
    if any(study.history["interpolated"].any() for study in studies):
        traces.append(legend_square("interpolated", style.UNKNOWN, "/"))
    text = f"{word} unsigned flux, hour by hour"
    notes.append({"text": text, "x": 0.0, "y": 1.0, "yshift": 8, "font_size": style.FONT_SIZE})
    figure = style.house_figure(
        traces,
        uirevision=f"cases {flux} {same_scale}",
        height=grid.inside + MARGIN["t"] + MARGIN["b"],
        bargap=0.18,
        legend={"x": 1.0, "xanchor": "right"},
        **axes,
    )
    for note in notes:
        style.write(figure, **note, xanchor="left", yanchor="bottom", align="left")
    return fixed_margins(figure)


@dataclass(frozen=True)
class _Grid:
    """Panels that fill row after row; shares are of what is inside the margins."""

    panels: int
    columns: int
    row_height: int
    gap: float
    """Between the columns, as a share of the width."""

    @property
    def inside(self) -> int:
        """Pixels from the top of the first row to the foot of the last axes."""
        return -(-self.panels // self.columns) * self.row_height - _TICKS

    def across(self, at: int) -> tuple[float, float]:
        """Left and right of a panel."""
        width = (1.0 - self.gap * (self.columns - 1)) / self.columns
        left = at % self.columns * (width + self.gap)
        return left, left + width

    def up(self, at: int, title_lines: int) -> tuple[float, float]:
        """Bottom and top of a panel's axes, below its title and its badge."""
        row = at // self.columns * self.row_height
        head = _ABOVE + _BADGE + _LINE * title_lines
        return (
            1.0 - (row + self.row_height - _TICKS) / self.inside,
            1.0 - (row + head) / self.inside,
        )


def _bars(study: CaseStudy, column: str, exponent: int, colour: str) -> go.Bar:
    history, name = study.history, escape(study.name, quote=False)
    hours = (history["t_rec_tai"] - pd.Timestamp(study.case.hour)) / pd.Timedelta(hours=1)
    return hour_bars(
        history,
        column,
        exponent,
        x=hours.round().to_numpy(),
        colour=colour,
        # As data: a name in the template itself could hold marks of templates.
        notes=[name] * len(history),
        hover=f"<b>%{{y:.3f}} × {power(exponent)} Mx</b><br>%{{customdata[0]}}%{{customdata[1]}}"
        "<br>%{customdata[2]}<extra></extra>",
        hatch=6,
    ).update(name=name)


def _exponent_and_top(studies: Sequence[CaseStudy], column: str) -> tuple[int, float]:
    """Power of ten, and the axis' end in it."""
    values = np.concatenate([study.history[column].to_numpy(np.float64) for study in studies])
    values = np.abs(values[np.isfinite(values)])
    exponent = largest_exponent(values)
    largest = float(values.max()) / 10.0**exponent if values.size else 0.0
    return exponent, 1.06 * largest or 1.0


def _title_lines(study: CaseStudy) -> list[str]:
    region, _, time = study.name.rpartition(", ")
    if len(region) > _BOLD_CHARACTERS:
        region = f"{region[: _BOLD_CHARACTERS - 1]}…"
    first = [region, time]
    if study.simulated:
        first.append("simulated")
    if len(study.history) < HOURS:
        first.append(f"{len(study.history)} of {HOURS} hours")
    lines = [*_broken(first, ", ", _BOLD_CHARACTERS), f"happened: {_happened(study)}"]
    return [escape(line, quote=False) for line in lines]


def _badge(study: CaseStudy) -> str:
    found = study.prediction
    if found is None:
        return "no prediction"
    return f"predicted {found.label} · P(eruptive) = {found.probability:.2f}"


def _happened(study: CaseStudy) -> str:
    outcome = study.outcome
    if not outcome.flares:
        none = f"no ≥{study.flare_class} flare in {outcome.catalogue}"
        return none if outcome.catalogue else outcome.word
    eruptive = [flare for flare in outcome.flares if flare.known == "eruptive"]
    largest = max(eruptive or outcome.flares, key=lambda flare: flare.flux("science"))
    by = "literature" if largest.studied and largest.association != "eruptive" else ""
    by = "CME linked" if largest.association == "eruptive" and not study.simulated else by
    word = "CME link unknown" if outcome.word == "unknown" else outcome.word
    return f"{word} ({largest.goes_class}{f', {by}' if by else ''})"


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
