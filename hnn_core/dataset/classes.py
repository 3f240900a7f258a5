"""The cumulative flare classes that the paper trains for, as thresholds on a stated scale."""

from dataclasses import dataclass

from hnn_core.exceptions import DatasetError
from hnn_core.sources.base import Flare, FluxScale

__all__ = ["FLARE_CLASSES", "THRESHOLDS", "Threshold", "reaches", "threshold"]


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
    SCIENCE section 3: thresholds are pairs of flux and scale.
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
