"""GOES classes, fluxes and the scale that a class counts in."""

import re
from datetime import datetime

from hnn_core.sources.base import FluxScale

__all__ = [
    "OPERATIONAL_OVER_SCIENCE",
    "announced_scale",
    "class_of_flux",
    "flux_of_class",
    "is_class",
    "operational_flux",
]

OPERATIONAL_OVER_SCIENCE = 0.7
"""SCIENCE section 3."""

_LETTERS = {"A": 1e-8, "B": 1e-7, "C": 1e-6, "M": 1e-5, "X": 1e-4}
_CLASS = re.compile(r"([ABCMX])(\d{1,2}(?:\.\d+)?)")
_TRUE_IRRADIANCE = datetime(2019, 12, 9)
"""GOES-16, which reports true irradiances, became the primary satellite."""


def is_class(text: str) -> bool:
    """Whether a text is a class such as ``X2.2``."""
    match = _CLASS.fullmatch(text)
    return match is not None and float(match[2]) > 0


def flux_of_class(text: str) -> float:
    """Return the flux that a class names, W m-2 in the 1–8 Å band, on the class's own scale.

    Raises
    ------
    ValueError
        It is no class.
    """
    match = _CLASS.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is not a GOES class such as X2.2")
    return _LETTERS[match[1]] * float(match[2])


def class_of_flux(flux: float) -> str:
    """Name a flux, W m-2, as a class with one decimal, rounded.

    Raises
    ------
    ValueError
        The flux is not positive.
    """
    if not flux > 0:
        raise ValueError(f"{flux!r} is no flux")
    for letter, least in _LETTERS.items():
        text = f"{flux / least:.1f}"
        if letter == "X" or float(text) < 10.0:
            return f"{letter}{text}"
    raise AssertionError("X has no upper end")


def announced_scale(peak: datetime) -> FluxScale:
    """Return the scale of the class that was announced for a flare with this peak, UTC."""
    return "operational" if peak < _TRUE_IRRADIANCE else "science"


def operational_flux(flux: float, scale: FluxScale) -> float:
    """Return a flux on the operational scale, W m-2."""
    return flux if scale == "operational" else flux * OPERATIONAL_OVER_SCIENCE
