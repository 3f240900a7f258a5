"""Flux of the hours before some cases, side by side as in the paper's Figures 6 and 7.

Cases predicted eruptive stand left, confined right, those without a prediction below them.
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

_LINE, _HEADING, _TICKS, _ABOVE = 16, 32, 30, 6  # pixels
_HEADINGS = ("predicted eruptive", "predicted confined", "no prediction")
_COLOURS = (style.ERUPTIVE, style.CONFINED, style.UNKNOWN)
_FLUXES = {"pil": ("pil_unsigned_flux_mx", "PIL"), "total": ("total_unsigned_flux_mx", "total")}
_BOLD_CHARACTERS, _CHARACTERS = 42, 48
"""What a panel has room for above it where the figure is 700 pixels wide."""


def case_bars_figure(
    studies: Sequence[CaseStudy],
    *,
    flux: Literal["pil", "total"] = "pil",
    same_scale: bool = True,
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
    sides: tuple[list[CaseStudy], ...] = ([], [], [])
    for study in studies:
        prediction = study.prediction
        sides[2 if prediction is None else int(prediction.label != "eruptive")].append(study)
    titles = {id(study): _title_lines(study) for study in studies}
    grid = _Grid(
        upper=max(len(sides[0]), len(sides[1])),
        lower=-(-len(sides[2]) // 2),
        row_height=row_height,
        gap=0.05 if same_scale else 0.11,
    )
    cells = [
        (study, kind, *((k, kind) if kind < 2 else (grid.upper + k // 2, k % 2)))
        for kind, side in enumerate(sides)
        for k, study in enumerate(side)
    ]
    taken = {(row, at) for _, _, row, at in cells}
    common = _exponent_and_top(studies, column)
    traces, axes = [], {}
    notes: list[dict[str, Any]] = []
    for number, (study, kind, row, at) in enumerate(cells, start=1):
        exponent, top = common if same_scale else _exponent_and_top([study], column)
        bottom, ceiling = grid.panel(row, max(map(len, titles.values())))
        labelled = at == 0 or (row, 0) not in taken or not same_scale
        lowest = not any(r > row and side == at for r, side in taken)
        traces.append(
            _bars(study, column, exponent, _COLOURS[kind]).update(
                xaxis=f"x{number}", yaxis=f"y{number}"
            )
        )
        axes[f"xaxis{number}"] = hours_axis(HOURS) | {
            "domain": grid.across(at),
            "anchor": f"y{number}",
            "title_text": style.HOUR_TITLE * lowest,
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
        first, *more = titles[id(study)]
        text = "<br>".join([f"<b>{first}</b>", *more])
        notes.append({"text": text, "x": grid.across(at)[0], "y": ceiling, "yshift": _ABOVE})
    if any(study.history["interpolated"].any() for study in studies):
        traces.append(legend_square("interpolated", style.UNKNOWN, "/"))
    notes += grid.headings([len(side) for side in sides])
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
    """Two columns of panels with headings, in pixels; shares are of what is inside the margins."""

    upper: int
    """Rows of cases with a prediction."""
    lower: int
    """Rows of those without."""
    row_height: int
    gap: float
    """Between the columns, as a share of the width."""

    @property
    def inside(self) -> int:
        headings = (self.upper > 0) + (self.lower > 0)
        return (self.upper + self.lower) * self.row_height + headings * _HEADING - _TICKS

    def across(self, column: int) -> tuple[float, float]:
        width = (1.0 - self.gap) / 2
        return (0.0, width) if column == 0 else (1.0 - width, 1.0)

    def panel(self, row: int, title_lines: int) -> tuple[float, float]:
        """Bottom and top of the axes, below their title."""
        top = self._row_top(row)
        return (
            self._share(top + self.row_height - _TICKS),
            self._share(top + _ABOVE + _LINE * title_lines),
        )

    def headings(self, counts: Sequence[int]) -> list[dict[str, Any]]:
        """Name what the columns hold, and note that one of them is empty."""
        notes = []
        for kind, (text, colour) in enumerate(zip(_HEADINGS, _COLOURS, strict=True)):
            row, rows = (self.upper, self.lower) if kind == 2 else (0, self.upper)
            if not rows:
                continue
            heading: dict[str, Any] = {
                "text": f"<b>{text}</b>",
                "x": self.across(kind % 2)[0],
                "y": self._share(self._row_top(row) - _HEADING),
                "yshift": 8 - _HEADING,
                "font": {"size": style.FONT_SIZE + 1, "color": colour},
            }
            notes.append(heading)
            if kind < 2 and not counts[kind]:
                middle = self._share(self._row_top(0) + self.row_height // 2)
                empty = {"text": f"no case {text}", "y": middle, "yshift": 0}
                notes.append(heading | empty | {"font": {"color": style.UNKNOWN}})
        return notes

    def _row_top(self, row: int) -> int:
        """Pixels from the top of what is inside the margins, below the headings."""
        headings = (self.upper > 0) + (row >= self.upper and self.lower > 0)
        return row * self.row_height + headings * _HEADING

    def _share(self, pixels: float) -> float:
        """Of a distance from the top, as a share of the height from the bottom."""
        return 1.0 - pixels / self.inside


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
    found = study.prediction
    # Without one, the heading is enough.
    second = [] if found is None else [f"P(eruptive) = {found.probability:.2f}"]
    second.append(f"happened: {_happened(study)}")
    lines = [*_broken(first, ", ", _BOLD_CHARACTERS), *_broken(second, " · ", _CHARACTERS)]
    return [escape(line, quote=False) for line in lines]


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
