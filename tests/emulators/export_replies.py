"""What ``jsoc_fetch`` says about a request."""

import time
from dataclasses import dataclass, field

from tests.emulators.answers import Answer, json_answer
from tests.emulators.record_set import Record

__all__ = ["WORDS", "ExportJob", "finished", "nothing", "pending", "void"]

WORDS = {
    3: "Request exceeds max byte limit of 100000MB",
    4: "Request was rejected",
    5: "Request has expired; the files have been removed",
    6: "Request ID is not recognized",
    7: "User has too many pending requests; wait until they are finished",
    25: "At least one of the requested files is offline, so the export was not made; write to "
    "jsoc@sun.stanford.edu to have it restored",
}


@dataclass
class ExportJob:
    """A request that was accepted."""

    id: str
    ds: str
    notify: str
    method: str
    protocol: str
    records: list[Record]
    names: list[str]
    folder: str
    born: float = field(default_factory=time.monotonic)
    polls: int = 0
    status: int = 2


def void(method: str, status: int, words: str = "") -> Answer:
    return json_answer(
        {
            "requestid": "VOID",
            "method": method,
            "protocol": "FITS,compress Rice",
            "wait": 0,
            "status": status,
            "error": words or WORDS[status],
        }
    )


def pending(job: ExportJob) -> dict[str, object]:
    return {
        "status": job.status,
        "requestid": job.id,
        "method": job.method,
        "protocol": "FITS,compress Rice",
        "wait": 10,
        "rcount": len(job.records),
        "size": len(job.records),
    }


def finished(job: ExportJob) -> dict[str, object]:
    """Every value a string, as in the index that JSOC keeps of a finished request."""
    rows = zip(job.records, job.names, strict=True)
    return {
        "version": "0.5",
        "requestid": job.id,
        "method": job.method,
        "protocol": job.protocol,
        "count": str(len(job.records)),
        "size": str(len(job.records)),
        "exptime": "2011.03.16_05:14:21_UT",
        "dir": job.folder,
        "status": "0",
        "keywords": "**IN FITS FILES**",
        "tarfile": "",
        "data": [{"record": r.name, "filename": name} for r, name in rows] or nothing(),
    }


def nothing() -> list[dict[str, str]]:
    words = "warning=No FITS files were exported. The requested FITS files may not exist."
    return [{"record": words, "filename": "NoDataFile"}]
