"""Waiting for what other processes do, however busy the machine is."""

import time
from collections.abc import Callable

__all__ = ["PATIENCE_S", "until"]

PATIENCE_S = 300.0
"""Far more than any of the children of tests needs, on a machine that others use too."""


def until(condition: Callable[[], object], what: str) -> None:
    """Wait until a condition holds; AssertionError, with what did not come about, if never."""
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline, f"{what} did not come about"
        time.sleep(0.02)
