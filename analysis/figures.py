"""All figure builders: pure functions from arrays and tables to plotly figures."""

from analysis.figure_style import opaque
from analysis.figures_cases import case_bars
from analysis.figures_catalog import butterfly, disk, largest_placed
from analysis.figures_explanation import hour_scores
from analysis.figures_faithfulness import faithfulness_areas, faithfulness_curves
from analysis.figures_film import animation_figure
from analysis.figures_filmstrip import filmstrip
from analysis.figures_flux import FLUX_TITLES, flux_bars, flux_history
from analysis.figures_magnetogram import OVERLAYS, magnetogram
from analysis.figures_overlap import overlap_draws
from analysis.figures_probability import probability
from analysis.figures_randomised import randomised_stages
from analysis.figures_slopes import slope_forest
from analysis.figures_survey import effect_sizes, slope_distributions
from analysis.figures_tokens import layer_heads, token_norms
from analysis.figures_trends import trend_history
from analysis.figures_validation import measured_against_true, trust

__all__ = [
    "FLUX_TITLES",
    "OVERLAYS",
    "animation_figure",
    "butterfly",
    "case_bars",
    "disk",
    "effect_sizes",
    "faithfulness_areas",
    "faithfulness_curves",
    "filmstrip",
    "flux_bars",
    "flux_history",
    "hour_scores",
    "largest_placed",
    "layer_heads",
    "magnetogram",
    "measured_against_true",
    "opaque",
    "overlap_draws",
    "probability",
    "randomised_stages",
    "slope_distributions",
    "slope_forest",
    "token_norms",
    "trend_history",
    "trust",
]
