"""GOES classes, fluxes and the scale that a class counts in.

The cumulative flare classes that the paper trains for, as thresholds on a stated scale.
"""

import re
from dataclasses import dataclass
from datetime import datetime

from hnn_core.exceptions import DatasetError
from hnn_core.regions.base import Flare, FluxScale

__all__ = [
    "FLARE_CLASSES",
    "OPERATIONAL_OVER_SCIENCE",
    "THRESHOLDS",
    "Threshold",
    "announced_scale",
    "class_of_flux",
    "flux_of_class",
    "goes_size",
    "is_class",
    "operational_flux",
    "reaches",
    "threshold",
]


def goes_size(goes_class: str) -> tuple[int, float]:
    """Order GOES classes: the letter, then the number."""
    return "ABCMX".find(goes_class[:1]), float(goes_class[1:] or 0)


OPERATIONAL_OVER_SCIENCE = 0.7
"""docs/method.md, "Labels"."""

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


@dataclass(frozen=True)
class Threshold:
    """The least peak flux of a cumulative class."""

    flux: float
    """W m-2, in the 1–8 Å band."""
    scale: FluxScale
    """The scale the flux counts in; the classes of 2010–2019 are operational."""


THRESHOLDS: dict[str, Threshold] = {
    "M5.0": Threshold(5e-5, "operational"),
    "M": Threshold(1e-5, "operational"),
    "C": Threshold(1e-6, "operational"),
}
FLARE_CLASSES = tuple(THRESHOLDS)
"""Highest first; each holds the flares of those before it."""

_ROUNDING = 1e-9  # 1e-5 times 5.0 may fall short of 5e-5 in its last bit


def reaches(flare: Flare, flare_class: str) -> bool:
    """Tell whether a flare is of a cumulative class, whatever scale it was announced on.

    Parameters
    ----------
    flare : Flare
    flare_class : str
        One of `FLARE_CLASSES`, with or without ``≥`` before it.

    Raises
    ------
    DatasetError
        No such class.

    References
    ----------
    docs/method.md, "Labels": thresholds are pairs of flux and scale.
    """
    least = threshold(flare_class)
    return flare.flux(least.scale) >= least.flux * (1.0 - _ROUNDING)


def threshold(flare_class: str) -> Threshold:
    """Return the threshold of a class. Raises DatasetError if there is no such class."""
    try:
        return THRESHOLDS[flare_class.strip().removeprefix("≥")]
    except KeyError as error:
        raise DatasetError(
            f"{flare_class!r} is not a flare class to label by; choose {', '.join(THRESHOLDS)}."
        ) from error
