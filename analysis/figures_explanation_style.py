"""Colours that the figures of explanations share."""

__all__ = ["FIELD", "GRADIENT", "MAP"]

MAP = "#7c5cff"
"""The network's own map or score: violet, as the network in the figures of skill."""
FIELD = "#d1a33c"
"""|B|: gold, as the forecast from flux in the figures of skill."""
GRADIENT = "#17a398"
