"""Folders as jobs of the Data page leave them, drawn without running anything."""

import fcntl
import json
import os

from hnn_core.jobs.data_jobs import DataJob
from hnn_core.services.endpoints import live_home

__all__ = ["DEAD", "MINE", "START", "drawn_job", "line"]

MINE = {"pid": os.getpid()}
DEAD = {"pid": 2**22 - 1, "created": 1.0}
"""As an earlier version wrote it."""
_held = []
"""Locks of the jobs that this process seems to work on."""


def line(event: str, **values: object) -> str:
    return json.dumps({"event": event, **values}) + "\n"


START = line("start", command="fetch")


def drawn_job(
    name: str = "20260101-000000-fetch-abcdef",
    log: str = "",
    *,
    process: dict | None = None,
    **request: object,
) -> DataJob:
    folder = live_home() / "jobs" / name
    folder.mkdir(parents=True)
    values = {"kind": "fetch", "arguments": ["--noaa", "11158"], "title": "AR 11158"}
    (folder / "request.json").write_text(json.dumps({**values, "begun": "2026-01-01", **request}))
    (folder / "log.txt").write_text(log)
    if process is not None:
        (folder / "process.json").write_text(json.dumps(process))
        if process["pid"] == os.getpid():
            _held.append((folder / "job.lock").open("ab"))
            fcntl.flock(_held[-1], fcntl.LOCK_EX)
    return DataJob(folder)
