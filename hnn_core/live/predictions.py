"""The log of predictions for the regions on the disk: one JSON object a line, only appended to."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from hnn_core.services.endpoints import live_home

__all__ = ["append_prediction", "prediction_log", "read_predictions"]


def prediction_log() -> Path:
    """Return where predictions are appended: one JSON object a line."""
    return live_home() / "watch" / "predictions.jsonl"


def read_predictions() -> list[dict[str, Any]]:
    """Return the predictions made so far, oldest first; a torn last line is passed over."""
    try:
        lines = prediction_log().read_text(encoding="utf-8").splitlines()
    except OSError:
        return []
    return list(_objects(lines))


def append_prediction(line: dict[str, Any]) -> None:
    """Append a line in one write; a torn line before it is ended first."""
    text = json.dumps(line, ensure_ascii=False, allow_nan=False) + "\n"
    log = prediction_log()
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab+", buffering=0) as stream:
        if stream.seek(0, 2):
            stream.seek(-1, 2)
            if stream.read(1) != b"\n":
                text = "\n" + text
        stream.write(text.encode())


def _objects(lines: list[str]) -> Iterator[dict[str, Any]]:
    for line in lines:
        try:
            value = json.loads(line)
        except ValueError:
            continue
        if isinstance(value, dict):
            yield value
