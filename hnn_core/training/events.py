"""Which lines of a run's metrics.jsonl can be used: a damaged one must not mislead or stop a page.

A line says in ``event`` what happened (start, step, epoch, progress, message or end); the fields
are those that `hnn_core.training.progress` and the callbacks write.
"""

import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any

__all__ = ["sound_events"]

_MOST = 2**53


def sound_events(lines: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the lines that are an event with all it needs, each field of its own kind."""
    return [dict(line) for line in lines if _is_sound(line)]


def _is_sound(line: Mapping[str, Any]) -> bool:
    kind = line.get("event")
    if not isinstance(kind, str) or any(line.get(name) is None for name in _NEEDED.get(kind, ())):
        return False
    return all(
        value is None or name not in _FIELDS or _FIELDS[name](value) for name, value in line.items()
    )


def _is_count(value: Any) -> bool:
    return type(value) is int and 0 <= value < _MOST


def _is_number(value: Any) -> bool:
    return type(value) in (int, float) and math.isfinite(value) and abs(value) < _MOST


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _are_numbers(value: Any) -> bool:
    return isinstance(value, dict) and all(one is None or _is_number(one) for one in value.values())


def _are_counts(value: Any) -> bool:
    return isinstance(value, dict) and all(map(_is_count, value.values()))


_NEEDED: dict[str, tuple[str, ...]] = {
    "step": ("epoch", "step", "batch", "batches", "loss"),
    "epoch": ("epoch", "step"),
    "progress": ("what", "done", "total"),
}
_FIELDS: dict[str, Callable[[Any], bool]] = {
    **dict.fromkeys(("epoch", "step", "batch", "batches", "done", "total"), _is_count),
    **dict.fromkeys(("epochs", "steps_per_epoch", "best_epoch"), _is_count),
    **dict.fromkeys(("resumed_epoch", "resumed_step"), _is_count),
    **dict.fromkeys(("loss", "train_loss", "seconds", "seconds_left"), _is_number),
    **dict.fromkeys(("sequences_per_s", "data_fraction", "memory_mb"), _is_number),
    **dict.fromkeys(("what", "device", "member", "text", "level", "time"), _is_text),
    "validation": _are_numbers,
    "sequences": _are_counts,
}
