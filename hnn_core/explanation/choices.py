"""Checks of what a user chooses, each with the sentence that refuses it."""

from typing import Any

from hnn_core.exceptions import RequestError

__all__ = ["class_sign", "layer_range", "one_of", "whole"]


def one_of(name: str, value: Any, allowed: tuple[str, ...]) -> str:
    """Return a word, or raise RequestError if it is none of those allowed."""
    if value not in allowed:
        raise RequestError(f"{name} is {value!r}; use {' or '.join(allowed)}.")
    return str(value)


def whole(name: str, value: Any, lowest: int, highest: int) -> int:
    """Return a whole number, or raise RequestError if it is not within the two ends."""
    if isinstance(value, bool) or not isinstance(value, int) or not lowest <= value <= highest:
        raise RequestError(f"{name} is {value!r}; use a whole number from {lowest} to {highest}.")
    return value


def class_sign(target: Any) -> int:
    """Return 1 for the class ``"eruptive"``, whose log-odds the logit is, -1 for ``"confined"``."""
    return 1 if one_of("target", target, ("eruptive", "confined")) == "eruptive" else -1


def layer_range(layers: Any, depth: int) -> tuple[int, int]:
    """Return the first encoder and the one after the last of a chosen range.

    Parameters
    ----------
    layers : (int, int or None)
        Half-open as slices are, the first encoder is 0; None for the end.
    depth : int
        Encoders there are.

    Raises
    ------
    RequestError
        If no encoder is in the range.
    """
    try:
        start, stop = layers
    except (TypeError, ValueError) as error:
        raise RequestError(f"layers is {layers!r}; use two numbers, such as (0, 12).") from error
    start = whole("first layer", start, 0, depth - 1)
    return start, whole("layer after the last", depth if stop is None else stop, start + 1, depth)
