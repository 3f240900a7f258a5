"""Faults on order: the next requests that match a pattern go wrong in a chosen way."""

import re
from dataclasses import dataclass, field
from threading import Lock
from typing import Any

import numpy as np

from tests.emulators.answers import Answer, html_page

__all__ = ["KINDS", "Fault", "Faults", "spoil"]

KINDS = (
    *("400", "404", "429", "500", "502", "503", "504"),
    *("html", "empty", "null", "garbage"),
    *("cut", "truncated", "wrong_length", "slow", "hang", "drop"),
)
"""What can go wrong: an HTTP status (option ``retry_after``, seconds); another body with status
200; half the body with the whole's length (cut) or its own (truncated); a Content-Length of ``by``
bytes too many, or too few if negative; ``bytes_per_s``; silence for ``seconds`` (hang), or for
none (drop), before the connection ends."""


@dataclass
class Fault:
    pattern: re.Pattern[str]
    kind: str
    times: int
    options: dict[str, Any] = field(default_factory=dict)
    hits: int = 0


class Faults:
    """The faults still to come; the first that matches a request is used up by it."""

    def __init__(self) -> None:
        self._faults: list[Fault] = []
        self._lock = Lock()

    def add(self, pattern: str, kind: str, times: int = 1, **options: Any) -> Fault:
        """Let the next `times` requests go wrong whose path?query holds the pattern.

        Returns the fault, whose ``hits`` tells how often it struck.
        """
        if kind not in KINDS:
            raise ValueError(f"{kind!r} is no kind of fault; there are {', '.join(KINDS)}")
        fault = Fault(re.compile(pattern), kind, times, options)
        with self._lock:
            self._faults.append(fault)
        return fault

    def clear(self) -> None:
        with self._lock:
            self._faults.clear()

    def take(self, target: str) -> Fault | None:
        """Use up a fault for a request, if one is in store."""
        with self._lock:
            for fault in self._faults:
                if fault.hits < fault.times and fault.pattern.search(target):
                    fault.hits += 1
                    return fault
        return None


def spoil(answer: Answer, fault: Fault) -> Answer:
    """What is sent in place of a sound answer."""
    kind, options, body = fault.kind, fault.options, answer.body
    if kind.isdigit():
        wait = options.get("retry_after")
        headers = {} if wait is None else {"Retry-After": str(wait)}
        return Answer(html_page(f"{kind} Error"), "text/html", int(kind), headers)
    if kind == "html":
        return Answer(html_page("We are down for maintenance"), "text/html; charset=UTF-8")
    if kind == "empty":
        return Answer(b"", answer.kind)
    if kind == "null":
        return Answer(b"null", "application/json")
    if kind == "cut":
        return Answer(body[: len(body) // 2], answer.kind, claimed=len(body))
    if kind == "truncated":
        return Answer(body[: len(body) // 2], answer.kind)
    if kind == "wrong_length":
        return Answer(body, answer.kind, claimed=max(0, len(body) + options.get("by", 1000)))
    if kind == "garbage":
        return Answer(np.random.default_rng(1).bytes(len(body)), answer.kind)
    return answer
