"""Near-real time: every region now on the disk, hour by hour, its prediction appended to a log.

The log of predictions for the regions on the disk: one JSON object a line, only appended to.
"""

import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from astropy.time import Time
from filelock import FileLock, Timeout

from hnn_core.exceptions import EmptySourceError, HnnError, RequestError
from hnn_core.live.fetching import fetch_disk_now
from hnn_core.live.reporting import Reporter
from hnn_core.magnetogram.conventions import iso_minute, tai_seconds, time_from_seconds
from hnn_core.network.predictor import Predictor
from hnn_core.regions.base import Region, Source
from hnn_core.services.endpoints import live_home
from hnn_core.sources import open_source
from hnn_core.sources.sequence import build_sequence

__all__ = ["append_prediction", "prediction_log", "read_predictions", "watch"]


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


_HOUR_S = 3600.0
_RETRY_S = 600.0
_FRESH_S = 6 * 3600.0
"""A region whose newest magnetogram is older has left the disk."""


def watch(model: str, device: str, reporter: Reporter, *, once: bool) -> int:
    """Fetch what is on the disk, predict, and append to the log; every hour until stopped.

    An hour for which JSOC does not answer is tried again after ten minutes; a region that gives no
    prediction is logged with the reason.

    Parameters
    ----------
    model, device : str
        As `Predictor.load` takes them.
    reporter : Reporter
    once : bool
        One round; errors are raised.

    Returns
    -------
    int
        Predictions appended in the last round.

    Raises
    ------
    RequestError
        Another watch is at work.
    ServiceError
        With `once`, if JSOC does not answer.
    """
    log = prediction_log()
    log.parent.mkdir(exist_ok=True)
    predictor = Predictor.load(model, device)
    try:
        with FileLock(log.with_suffix(".lock"), timeout=0):
            while True:
                begun = time.monotonic()
                try:
                    added = _round(predictor, reporter)
                    pause = _HOUR_S
                except HnnError as error:
                    if once:
                        raise
                    reporter.note(f"{error} Next try in 10 minutes.")
                    pause = _RETRY_S
                if once:
                    return added
                time.sleep(max(0.0, pause - (time.monotonic() - begun)))
    except Timeout as error:
        raise RequestError("Another watch is at work on this machine; one is enough.") from error


def _round(predictor: Predictor, reporter: Reporter) -> int:
    now = Time.now().tai
    fetch_disk_now(now, reporter)
    try:
        source = open_source("jsoc:nrt")
    except EmptySourceError as error:
        reporter.note(str(error))
        return 0
    known = {_key(one) for one in read_predictions()}
    fresh = [one for one in source.regions() if (now - one.last).sec < _FRESH_S]
    added = 0
    for done, region in enumerate(fresh, start=1):
        line = _prediction(predictor, source, region)
        if _key(line) not in known:
            append_prediction(line)
            added += 1
        reporter.progress("predictions", done, len(fresh), region.id)
        told = line.get("refused") or f"probability {line['probability']:.3f}"
        reporter.note(f"{region.id} at {line['t_rec']} TAI: {told}")
    return added


def _prediction(predictor: Predictor, source: Source, region: Region) -> dict[str, Any]:
    """Predict for the newest whole hour of a region, or tell why there is no prediction."""
    hour = time_from_seconds(round(float(tai_seconds(region.last)) / _HOUR_S) * _HOUR_S)
    line: dict[str, Any] = {
        "made_utc": datetime.now(UTC).isoformat(timespec="seconds"),
        "region": region.id,
        "noaa": list(region.noaa),
        "t_rec": iso_minute(hour),
        "simulated": region.simulated,
        "model": predictor.info.name,
        "sha256": predictor.info.sha256,
    }
    try:
        sequence = build_sequence(source, region.id, hour, predictor.frames)
        answer = predictor.predict(sequence)
    except HnnError as error:
        return {**line, "refused": str(error)}
    return {
        **line,
        "probability": answer.probability,
        "threshold": answer.threshold,
        "label": answer.label,
        "flare_class": answer.flare_class,
        "longitude_deg": float(sequence.frames[-1].longitude.to_value("deg")),
        "interpolated": [hour.t_rec for hour in answer.hours if hour.interpolated],
        "trained_on": answer.trained_on,
        "warnings": list(answer.warnings),
    }


def _key(line: dict[str, Any]) -> tuple[Any, ...]:
    return line.get("region"), line.get("t_rec"), line.get("sha256"), "refused" in line
