"""Where the panels of several cases stand: two columns with headings, a third group below."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import plotly.graph_objects as go

from analysis import figure_style as style
from analysis.figures_axes import MARGIN

__all__ = ["Panel", "PanelGrid"]

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
