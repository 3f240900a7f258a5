"""How far from the central meridian a region may be for a prediction (SCIENCE section 2)."""

import math

__all__ = ["LARGEST_LONGITUDE", "TRAINED_LONGITUDE", "position_warning", "refusal"]

TRAINED_LONGITUDE = 45.0
"""Degrees from the central meridian within which networks are trained."""
LARGEST_LONGITUDE = 70.0
"""Degrees from the central meridian beyond which no prediction is made."""


def refusal(longitude: float) -> str | None:
    """Return the sentence that refuses a prediction at a longitude, or None.

    Parameters
    ----------
    longitude : float
        Degrees from the central meridian, west positive; NaN (unknown) is not refused.
    """
    if abs(longitude) > LARGEST_LONGITUDE:
        return (
            f"The region is {abs(longitude):.1f}° from the central meridian; beyond "
            f"{LARGEST_LONGITUDE:.0f}° no prediction is made."
        )
    return None


def position_warning(longitude: float) -> str | None:
    """Return the sentence that belongs beside a prediction at a longitude, or None.

    Parameters
    ----------
    longitude : float
        Degrees from the central meridian, west positive; NaN when it is not known.
    """
    if math.isnan(longitude):
        return (
            "The region's position is not known, so it cannot be told whether it is within the "
            f"±{TRAINED_LONGITUDE:.0f}° the network was trained on."
        )
    if abs(longitude) > TRAINED_LONGITUDE:
        return (
            f"The region is {abs(longitude):.1f}° from the central meridian, outside the "
            f"±{TRAINED_LONGITUDE:.0f}° the network was trained on."
        )
    return None
