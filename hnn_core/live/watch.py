"""Near-real time: every hour the regions on the disk are fetched, predicted, and logged.

The log holds one JSON object a line and is only appended to.
"""

import math
import time
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from astropy.time import Time
from filelock import FileLock, Timeout

from hnn_core.exceptions import HnnError, RequestError
from hnn_core.live.fetching import fetch_disk_now
from hnn_core.live.off_line import nothing_came
from hnn_core.live.reporting import Reporter
from hnn_core.magnetogram.conventions import iso_minute, tai_seconds, time_from_seconds
from hnn_core.regions.base import Region, Source
from hnn_core.services.endpoints import live_home
from hnn_core.sources import open_source
from hnn_core.sources.sequence import build_sequence
from hnn_core.storage import append_line, read_lines, room_on_disk

if TYPE_CHECKING:
    from hnn_core.network.predictor import Predictor

__all__ = ["prediction_log", "read_predictions", "watch"]

_HOUR_S = 3600.0
_RETRY_S = 600.0
_FRESH_S = 6 * 3600.0
"""A region whose newest magnetogram is older has left the disk."""


def prediction_log() -> Path:
    """Return where predictions are appended, one JSON object a line."""
    return live_home() / "watch" / "predictions.jsonl"


def read_predictions() -> list[dict[str, Any]]:
    """Return the predictions made so far, oldest first; a torn line is passed over.

    Raises
    ------
    RequestError
        The log cannot be read.
    """
    try:
        return read_lines(prediction_log())
    except OSError as error:
        raise RequestError(
            f"{prediction_log()} cannot be read ({error.strerror}); move it away, then watch again."
        ) from error


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
        With `once`, if JSOC does not answer, or has no file of any region on the disk.
    """
    log = prediction_log()
    with room_on_disk(log.parent, "try again"):
        log.parent.mkdir(parents=True, exist_ok=True)
    from hnn_core.network.predictor import (
        Predictor,
    )  # a page that only reads the log needs no torch

    predictor = Predictor.load(model, device)
    try:
        with FileLock(log.with_suffix(".lock"), timeout=0):
            while True:
                begun, pause = time.monotonic(), _HOUR_S
                try:
                    with room_on_disk(log.parent, "the watch goes on"):
                        added = _round(predictor, reporter)
                    if once:
                        return added
                except HnnError as error:
                    if once:
                        raise
                    reporter.note(f"{error} Next try in 10 minutes.")
                    pause = _RETRY_S
                time.sleep(max(0.0, pause - (time.monotonic() - begun)))
    except Timeout as error:
        raise RequestError("Another watch is at work on this machine; one is enough.") from error


def _round(predictor: "Predictor", reporter: Reporter) -> int:
    now = Time.now().tai
    results = fetch_disk_now(now, reporter)
    if not any(one.region for one in results):
        raise nothing_came(Counter(why for one in results for why in one.fetched.missing.values()))
    source = open_source("jsoc:nrt")
    known = {_key(one) for one in read_predictions()}
    fresh = [one for one in source.regions() if (now - one.last).sec < _FRESH_S]
    added = 0
    for done, region in enumerate(fresh, start=1):
        line = _prediction(predictor, source, region)
        if _key(line) not in known:
            append_line(prediction_log(), line)
            added += 1
        reporter.progress("predictions", done, len(fresh), region.id)
        answer = line.get("refused") or f"P(eruptive) {line['probability']:.3f}"
        reporter.note(f"{region.id} at {line['t_rec']} TAI: {answer}")
    return added


def _prediction(predictor: "Predictor", source: Source, region: Region) -> dict[str, Any]:
    """Predict for the newest whole hour of a region, or give the reason against it."""
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
        "longitude_deg": None if math.isnan(sequence.longitude) else sequence.longitude,
        "interpolated": [hour.t_rec for hour in answer.hours if hour.interpolated],
        "trained_on": answer.trained_on,
        "warnings": list(answer.warnings),
    }


def _key(line: dict[str, Any]) -> tuple[Any, ...]:
    return line.get("region"), line.get("t_rec"), line.get("sha256"), "refused" in line
