"""What colours mean in all figures: decisions, layers of a magnetogram, scales of maps."""

import numpy as np
from plotly.colors import sample_colorscale

__all__ = [
    "ASSOCIATIONS",
    "CONFINED",
    "CROP",
    "ERUPTIVE",
    "FIELD",
    "GRADIENT",
    "HEAT_SCALE",
    "HULL",
    "INTERPOLATED",
    "LEGIBLE",
    "MAP",
    "PAPER_SCALE",
    "PIL",
    "ROPI",
    "SIGNED_SCALE",
    "THRESHOLD",
    "UNKNOWN",
    "growing",
]

ERUPTIVE = "#2f7ed8"
"""Positive predictions and CME-associated flares, as the blue bars of the paper's Figure 6."""
CONFINED = "#f28e2b"
"""Negative predictions and confined flares, as the orange bars of the paper's Figure 6."""
UNKNOWN = "#8c8f99"
"""Flares of which nobody looked for a CME."""
ASSOCIATIONS = {
    "eruptive": (ERUPTIVE, "CME linked"),
    "unlinked": (CONFINED, "no CME linked in DONKI"),
    "confined": (CONFINED, "confined"),
    "unknown": (UNKNOWN, "CME unknown"),
}
"""Colour and words of a flare's association with a CME."""
INTERPOLATED = "#ff9f1c"
"""Frame about an hour that was filled by interpolation."""
THRESHOLD = "#d6455d"

PIL = "#ff4fd8"
"""Magenta: the one bright hue that neither the grey field nor the heat scale holds."""
ROPI = "#ffe14d"
HULL = "#7df9ff"
CROP = "#12b886"

LEGIBLE = {
    ERUPTIVE: ("#1f5fae", "#6db1f5"),
    CONFINED: ("#9a4f00", "#f5a550"),
    UNKNOWN: ("#5f636e", "#a3a7b3"),
    INTERPOLATED: ("#9a5200", "#ffb454"),
    THRESHOLD: ("#b3243c", "#ff8296"),
}
"""Colours of marks as colours of words, on a light page and on a dark one.

Words need a contrast of 4.5 with the page (WCAG 2.2, 1.4.3), marks only 3.
"""


def growing(palette: str, start: float = 0.0) -> tuple[tuple[float, str], ...]:
    """Return a palette of plotly, from `start` on, whose opacity grows with the value.

    It ends at 0.8: at the usual opacity of a map, the field keeps half its contrast there.
    """
    places = np.linspace(0.0, 1.0, 9)
    colours = sample_colorscale(palette, start + (1.0 - start) * places, colortype="tuple")
    return tuple(
        (float(at), f"rgba({','.join(f'{255 * one:.0f}' for one in colour)},{0.8 * at:g})")
        for at, colour in zip(places, colours, strict=True)
    )


HEAT_SCALE = growing("Plasma", 0.5)
"""Rose and clear (little) to yellow (much attention): perceptual, and safe for colour-blind eyes.

It starts where plasma is as light as the middle grey of the field: what is darker would pass
through that grey for an eye without red or green cones.
"""

PAPER_SCALE = (
    (0.0, "#00007f"),
    (0.125, "#0000ff"),
    (0.375, "#00ffff"),
    (0.625, "#ffff00"),
    (0.875, "#ff0000"),
    (1.0, "#7f0000"),
)
"""Dark blue (little) to dark red (much attention), as the paper's Figure 5."""

SIGNED_SCALE = (
    (0.0, "rgba(112,44,245,1)"),
    (0.25, "rgba(134,76,255,0.7)"),
    (0.5, "rgba(236,236,236,0)"),
    (0.75, "rgba(0,205,105,0.7)"),
    (1.0, "rgba(0,185,85,1)"),
)
"""Violet (against the class) over clear (0) to green (for it), symmetric about 0.

The ends are of middle lightness, to show on black and on white field, and stay apart for the
colour-blind; neither is the blue and orange of predictions, the magenta of the PIL nor the yellow
of the RoPI. Around 0 the field shows through.
"""

MAP = "#7c5cff"
"""The network's own map or score: violet, as the network in the figures of skill."""
FIELD = "#d1a33c"
"""|B|: gold, as the forecast from flux in the figures of skill."""
GRADIENT = "#17a398"
