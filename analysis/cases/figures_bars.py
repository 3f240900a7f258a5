"""Flux of the hours before some cases, side by side as in the paper's Figures 6 and 7.

Where the panels of several cases stand: two columns with headings, a third group below.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from html import escape
from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from analysis.figures import style
from analysis.figures.flux import legend_square
from analysis.figures.style import MARGIN, fixed_margins, hours_axis, largest_exponent, power

if TYPE_CHECKING:
    from analysis.cases.case_study import CaseStudy

__all__ = ["Panel", "PanelGrid", "case_bars_figure"]


_LINE, _HEADING, _TICKS, _ABOVE = 16, 32, 30, 6  # pixels
_SMALL = style.FONT_SIZE - 1
_HEADINGS = ("predicted eruptive", "predicted confined", "no prediction")
_COLOURS = (style.ERUPTIVE, style.CONFINED, style.UNKNOWN)
_EMPTY = ("no case predicted eruptive", "no case predicted confined")


@dataclass(frozen=True)
class Panel:
    """Place of one panel's axes, as shares of what is inside the margins."""

    number: int
    """From 1."""
    left: float
    right: float
    bottom: float
    top: float
    leftmost: bool
    """No panel stands left of it."""
    lowest: bool
    """No panel stands below it in its column."""


@dataclass
class PanelGrid:
    """Layout in pixels of panels in two columns, from counts of the three kinds."""

    counts: Sequence[int]
    """Panels predicted eruptive (left), confined (right), and without a prediction (below)."""
    title_lines: int
    row_height: int
    gap: float
    """Between the columns, as a share of the width."""
    panels: list[list[Panel]] = field(init=False)
    """By kind."""

    def __post_init__(self) -> None:
        number = iter(range(1, sum(self.counts) + 1))
        below = [(k // 2, k % 2) for k in range(self.counts[2])]
        cells = [
            [(row, 0) for row in range(self.counts[0])],
            [(row, 1) for row in range(self.counts[1])],
            [(self._upper + row, column) for row, column in below],
        ]
        taken = {cell for kind in cells for cell in kind}
        self.panels = [[self._panel(next(number), cell, taken) for cell in kind] for kind in cells]

    @property
    def _upper(self) -> int:
        """Rows of cases with a prediction."""
        return max(self.counts[:2])

    @property
    def _inside(self) -> int:
        rows = self._upper + -(-self.counts[2] // 2)
        headings = (self._upper > 0) + (self.counts[2] > 0)
        return rows * self.row_height + headings * _HEADING - _TICKS

    @property
    def height(self) -> int:
        """Of the whole figure, pixels."""
        return self._inside + MARGIN["t"] + MARGIN["b"]

    def add_axes(self, figure: go.Figure, panel: Panel) -> tuple[str, str]:
        """Put a panel's axes in the figure; returns their names, such as ``x2`` and ``y2``."""
        end = "" if panel.number == 1 else str(panel.number)
        x, y = f"x{end}", f"y{end}"
        figure.update_layout(
            {
                f"xaxis{end}": {"domain": [panel.left, panel.right], "anchor": y},
                f"yaxis{end}": {"domain": [panel.bottom, panel.top], "anchor": x},
            }
        )
        return x, y

    def write_title(self, figure: go.Figure, panel: Panel, lines: Sequence[str]) -> None:
        """Write lines above a panel, the first in bold."""
        text = "<br>".join([f"<b>{lines[0]}</b>", *lines[1:]])
        _write(figure, text, panel.left, panel.top, _ABOVE, size=_SMALL)

    def write_headings(self, figure: go.Figure) -> None:
        """Write what the columns hold, and that one of them is empty."""
        for kind, (text, colour) in enumerate(zip(_HEADINGS, _COLOURS, strict=True)):
            row = self._upper if kind == 2 else 0
            if not (self.counts[2] if kind == 2 else self._upper):
                continue
            left, _ = self._across(kind % 2)
            top = self._share(self._row_top(row) - _HEADING)
            words = f"<b>{text}</b>"
            size = style.FONT_SIZE + 1
            _write(figure, words, left, top, -_HEADING + 8, size=size, color=colour)
            if kind < 2 and not self.counts[kind]:
                middle = self._row_top(0) + self.row_height // 2
                place = self._share(middle)
                _write(figure, _EMPTY[kind], left, place, 0, size=_SMALL, color=style.UNKNOWN)

    def write_top(self, figure: go.Figure, text: str) -> None:
        """Write what all panels show in the margin above them."""
        _write(figure, text, 0.0, 1.0, 8, size=style.FONT_SIZE)

    def _panel(self, number: int, cell: tuple[int, int], taken: set[tuple[int, int]]) -> Panel:
        row, column = cell
        left, right = self._across(column)
        top = self._row_top(row)
        return Panel(
            number=number,
            left=left,
            right=right,
            bottom=self._share(top + self.row_height - _TICKS),
            top=self._share(top + _ABOVE + _LINE * self.title_lines),
            leftmost=column == 0 or (row, 0) not in taken,
            lowest=not any(r > row and c == column for r, c in taken),
        )

    def _across(self, column: int) -> tuple[float, float]:
        width = (1.0 - self.gap) / 2
        return (0.0, width) if column == 0 else (1.0 - width, 1.0)

    def _row_top(self, row: int) -> int:
        """Pixels from the top of what is inside the margins, below the headings."""
        headings = (self._upper > 0) + (row >= self._upper and self.counts[2] > 0)
        return row * self.row_height + headings * _HEADING

    def _share(self, pixels: float) -> float:
        """Of a distance from the top, as a share of the height from the bottom."""
        return 1.0 - pixels / self._inside


def _write(figure: go.Figure, text: str, x: float, y: float, shift: int, **font: object) -> None:
    figure.add_annotation(
        text=text,
        xref="paper",
        yref="paper",
        x=x,
        y=y,
        xanchor="left",
        yanchor="bottom",
        yshift=shift,
        align="left",
        showarrow=False,
        font=font,
    )


_FLUXES = {"pil": "pil_unsigned_flux_mx", "total": "total_unsigned_flux_mx"}
_WORDS = {"pil": "PIL", "total": "total"}
_HOURS = 10
_BOLD_CHARACTERS, _CHARACTERS = 42, 48
"""What a panel has room for above it where the figure is 700 pixels wide."""


def case_bars_figure(
    studies: Sequence["CaseStudy"],
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
