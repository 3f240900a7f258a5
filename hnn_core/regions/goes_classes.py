"""GOES classes: what one names as a flux, on which scale, and the cumulative ones to label by."""

import re
from datetime import datetime
from typing import Any, Literal, TypeVar

import numpy as np

from hnn_core.exceptions import DatasetError

__all__ = [
    "FLARE_CLASSES",
    "LISTED",
    "ROUNDING",
    "THRESHOLDS",
    "FluxScale",
    "announced_scale",
    "class_of_flux",
    "flux_of_class",
    "on_scale",
    "read_class",
    "threshold",
]

FluxScale = Literal["operational", "science"]
"""What a class counts in: ``"operational"``, as announced with GOES 1–15, is 0.7 of the true flux;
``"science"`` is the true flux (docs/method.md, "Labels")."""

_Flux = TypeVar("_Flux", float, np.ndarray)

ROUNDING = 1e-9
"""Relative; 1e-5 times 5.0 may fall short of 5e-5 in its last bit."""

_LETTERS = {"A": 1e-8, "B": 1e-7, "C": 1e-6, "M": 1e-5, "X": 1e-4}
_CLASS = re.compile(r"([ABCMX])(\d{1,2}(?:\.\d+)?)")
_OPERATIONAL_OVER_SCIENCE = 0.7
_TRUE_IRRADIANCE = datetime(2019, 12, 9)
"""GOES-16, which reports true irradiances, became the primary satellite."""


def read_class(value: Any) -> str:
    """Return the class such as ``X2.2`` that a value holds, in capitals; empty if it holds none."""
    match = _CLASS.fullmatch(str(value or "").strip().upper())
    return match[0] if match is not None and float(match[2]) > 0 else ""


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
    numbers = {letter: f"{flux / unit:.1f}" for letter, unit in _LETTERS.items()}
    named = (letter for letter, number in numbers.items() if float(number) < 10.0)
    letter = next(named, "X")  # which has no upper end
    return letter + numbers[letter]


def announced_scale(peak: datetime) -> FluxScale:
    """Return the scale of the class that was announced for a flare with this peak, UTC."""
    return "operational" if peak < _TRUE_IRRADIANCE else "science"


def on_scale(flux: _Flux, scale: FluxScale, wanted: FluxScale) -> _Flux:
    """Return a flux, or an array of them, of one scale as it counts in the wanted one, W m-2."""
    if scale == wanted:
        return flux
    factor = _OPERATIONAL_OVER_SCIENCE
    return flux * factor if wanted == "operational" else flux / factor


THRESHOLDS = {"M5.0": 5e-5, "M": 1e-5, "C": 1e-6}
"""Minimum peak flux of the cumulative classes that the paper trains for, W m-2 on the operational
scale (docs/method.md, "Labels")."""
LISTED = "C"
"""From this class on flares are listed and counted where nobody chooses another: by the command, in
its job and on the page of data."""
FLARE_CLASSES = tuple(THRESHOLDS)
"""Highest first; each holds the flares of those before it."""


def threshold(flare_class: str) -> float:
    """Return the minimum flux of a class, with or without ``≥`` before it (operational scale).

    Raises
    ------
    DatasetError
        No such class.
    """
    try:
        return THRESHOLDS[flare_class.strip().removeprefix("≥")]
    except KeyError as error:
        raise DatasetError(
            f"{flare_class!r} is not a flare class to label by; choose {', '.join(THRESHOLDS)}."
        ) from error
