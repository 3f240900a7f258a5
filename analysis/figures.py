"""All figure builders: pure functions from arrays and tables to plotly figures."""

from analysis.figure_style import opaque
from analysis.figures_filmstrip import filmstrip
from analysis.figures_history import flux_bars, flux_history, probability
from analysis.figures_magnetogram import magnetogram

__all__ = ["filmstrip", "flux_bars", "flux_history", "magnetogram", "opaque", "probability"]
