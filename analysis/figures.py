"""All figure builders: pure functions from arrays and tables to plotly figures."""

from analysis.figure_style import opaque
from analysis.figures_catalog import butterfly, disk, largest_placed
from analysis.figures_filmstrip import filmstrip
from analysis.figures_flux import FLUX_TITLES, flux_bars, flux_history
from analysis.figures_magnetogram import OVERLAYS, magnetogram
from analysis.figures_probability import probability

__all__ = [
    "FLUX_TITLES",
    "OVERLAYS",
    "butterfly",
    "disk",
    "filmstrip",
    "flux_bars",
    "flux_history",
    "largest_placed",
    "magnetogram",
    "opaque",
    "probability",
]
