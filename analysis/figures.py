"""All figure builders: pure functions from arrays and tables to plotly figures."""

from analysis.figure_style import opaque
from analysis.figures_magnetogram import magnetogram

__all__ = ["magnetogram", "opaque"]
