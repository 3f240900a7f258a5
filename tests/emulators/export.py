"""JSOC's export: requests that need a registered address, wait, and give files with keywords."""

import re
import time
from threading import Lock
from urllib.parse import unquote_plus

from tests.emulators.answers import Answer, Request, json_answer, not_found
from tests.emulators.export_replies import (
    WORDS,
    ExportJob,
    finished,
    nothing,
    pending,
    void,
)
from tests.emulators.fits_bytes import as_is, exported
from tests.emulators.jsoc import BLOCKED, Jsoc, error, has_data
from tests.emulators.record_set import Record, RecordSetError, select

__all__ = ["Export"]

_TOO_LONG = 4096
_DAY_S = 86_400.0
_HASH = "Cant save new export-request hash"
_AT_ONCE = (3, 4, 7)
"""Failures that a request is answered with; the others show when its status is asked."""


class Export:
    """``jsoc_fetch``, ``checkAddress.sh`` and the folders of finished requests."""

    def __init__(self, jsoc: Jsoc) -> None:
        self.jsoc = jsoc
        self.polls = 3
        """How often its status is asked until a request is finished."""
        self.status: int | None = None
        """Status that every request comes to, in place of success."""
        self.rejected_hashes = 0
        """How many of the next requests JSOC cannot save its hash of, which passes."""
        self.unwritten = 0
        """How often a request just made is not written down yet when its status is asked."""
        self.registered = {"observer@example.org"}
        self.jobs: list[ExportJob] = []
        self._lock = Lock()

    def check_address(self, args: dict[str, str]) -> Answer:
        address = unquote_plus(args.get("address", ""))
        if not re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s]+", address):
            return json_answer({"status": -2, "msg": "Not a valid email address"})
        if address in self.registered:
            return json_answer({"status": 2, "msg": "Email address is valid and registered"})
        words = "Email address has neither been validated nor registered"
        return json_answer({"status": 4, "msg": words})

    def fetch(self, request: Request) -> Answer:
        """Answer to ``jsoc_fetch``."""
        args = request.args
        if self.jsoc.blocked:
            return error(BLOCKED, 4)
        with self._lock:
            if args.get("op") == "exp_status":
                return self._ask(args.get("requestid", ""))
            if args.get("op") == "exp_request":
                return self._request(args)
        return error(f"unknown op {args.get('op')!r}", 4)

    def file(self, path: str) -> Answer:
        """A file of a finished request."""
        folder, _, name = path.rpartition("/")
        for job in self.jobs:
            if job.folder == folder and job.status == 0 and name in job.names:
                record = job.records[job.names.index(name)]
                make = as_is if job.protocol == "as-is" else exported
                return Answer(make(record.region, record.slot), "application/fits")
        return not_found(path)

    def _request(self, args: dict[str, str]) -> Answer:
        ds, notify = args.get("ds", ""), args.get("notify", "")
        method = args.get("method", "url")
        if notify not in self.registered:
            return error(f"Email address {notify!r} is not registered", 4)
        if len(ds) >= _TOO_LONG:
            return error(f"Record-set specification of {len(ds)} characters is too long", 4)
        if self.status in _AT_ONCE:
            return void(method, self.status)
        if self.rejected_hashes:
            self.rejected_hashes -= 1
            return void(method, 4, _HASH)
        try:
            records = select(self.jsoc.world, ds)
        except RecordSetError as failure:
            return error(str(failure), 4)
        records = _first(records, args.get("process=n", args.get("n", "0")))
        if method == "url_quick" and args.get("protocol") == "as-is":
            return self._quick(records)
        if method not in ("url", "url_quick"):
            return error(f"method {method!r} is not emulated", 4)
        return self._accept(args, records)

    def _accept(self, args: dict[str, str], records: list[Record]) -> Answer:
        ds, notify, method = args["ds"], args["notify"], args.get("method", "url")
        protocol, pattern = args.get("protocol", "as-is"), args.get("filenamefmt")
        for job in self.jobs:
            young = time.monotonic() - job.born < _DAY_S
            same = (job.ds, job.notify, job.protocol) == (ds, notify, protocol)
            if young and same:
                return json_answer(finished(job) if job.status == 0 else pending(job))
        if any(job.notify == notify and job.status in (1, 2) for job in self.jobs):
            return void(method, 7)
        kept = [record for record in records if has_data(record)]
        if any(record.name in self.jsoc.offline for record in kept):
            return void(method, 25)
        number = len(self.jobs) + 1
        job = ExportJob(
            id=f"JSOC_{self.jsoc.world.now:%Y%m%d}_{number:03d}",
            ds=ds,
            notify=notify,
            method=method,
            protocol=protocol,
            records=kept,
            names=[_file_name(record, pattern) for record in kept],
            folder=f"/SUM2/D{1_379_000_000 + 331 * number}/S00000",
        )
        self.jobs.append(job)
        return json_answer(pending(job))

    def _quick(self, records: list[Record]) -> Answer:
        """As-is files that are online are there at once."""
        data = []
        for record in records:
            path, _ = self.jsoc.segment(record)
            filename = "NoDataFile" if path == "NoDataDirectory" else path
            data.append({"record": f"{record.name}{{magnetogram}}", "filename": filename})
        reply = {
            "requestid": "",
            "method": "url_quick",
            "protocol": "as-is",
            "dir": "",
            "status": 0,
        }
        return json_answer(
            reply | {"count": len(data), "size": len(data), "data": data or nothing()}
        )

    def _ask(self, request_id: str) -> Answer:
        job = next((job for job in self.jobs if job.id == request_id), None)
        if job is None:
            return error(f"{WORDS[6]}: {request_id!r}", 6)
        if self.unwritten:
            self.unwritten -= 1
            return error(f"invalid export DRMS record {request_id!r}", 4)
        job.polls += 1
        if job.polls >= self.polls:
            job.status = self.status or 0
        elif job.status == 2 and job.polls > 1:
            job.status = 1
        if job.status == 0:
            return json_answer(finished(job))
        if job.status in (1, 2):
            return json_answer(pending(job))
        words = WORDS.get(job.status, "Request failed")
        return json_answer({"requestid": job.id, "status": str(job.status), "error": words})


def _first(records: list[Record], limit: str) -> list[Record]:
    n = int(limit.split("|")[0] or 0)
    if n == 0:
        return records
    return records[:n] if n > 0 else records[n:]


def _file_name(record: Record, pattern: str | None) -> str:
    """Name by a pattern such as ``{seriesname}.{HARPNUM}.{T_REC:A}.{segment}``."""
    pattern = pattern or f"{record.region.series}.{{HARPNUM}}.{{T_REC:A}}.{{segment}}"
    row = record.row
    date, clock, _ = row["T_REC"].split("_")
    name = pattern.replace("{T_REC:A}", f"{date.replace('.', '')}_{clock.replace(':', '')}_TAI")
    name = name.replace("{segment}", "magnetogram").replace("{seriesname}", record.region.series)
    return re.sub(r"\{(\w+)[^}]*\}", lambda m: row.get(m[1], m[1]), name) + ".fits"
