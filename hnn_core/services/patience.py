"""How long a service is waited for, and how often it is tried; from the environment."""

import os
from dataclasses import dataclass

from hnn_core.exceptions import RequestError

__all__ = ["Patience"]


@dataclass(frozen=True)
class Patience:
    """Time-outs and retries. Waiting always has an end."""

    timeout_s: float = 90.0
    """Seconds without a byte after which a request has failed. DONKI needs more than a minute."""
    attempts: int = 5
    """Requests in all before giving up."""
    first_wait_s: float = 1.0
    """Seconds before the second attempt; each further one waits twice as long, with jitter."""
    longest_wait_s: float = 60.0
    """Seconds; also the most that a server's Retry-After is heeded."""
    pause_s: float = 0.5
    """Seconds from one question to the next, out of politeness. Downloads follow each other."""

    @classmethod
    def from_environment(cls) -> "Patience":
        """Read HNN_TIMEOUT_S, HNN_ATTEMPTS, HNN_RETRY_WAIT_S and HNN_PAUSE_S.

        Raises
        ------
        RequestError
            If one of them is not a positive number.
        """
        return cls(
            timeout_s=_positive("HNN_TIMEOUT_S", cls.timeout_s),
            attempts=max(1, round(_positive("HNN_ATTEMPTS", cls.attempts))),
            first_wait_s=_positive("HNN_RETRY_WAIT_S", cls.first_wait_s),
            pause_s=_positive("HNN_PAUSE_S", cls.pause_s),
        )


def _positive(name: str, default: float) -> float:
    text = os.environ.get(name) or str(default)
    try:
        value = float(text)
    except ValueError as error:
        raise RequestError(f"{name} is {text!r}, which is not a number.") from error
    if not 0 < value < 1e6:
        raise RequestError(f"{name} is {text!r}, which is not a positive number.")
    return value
