"""Having JSOC export magnetograms with their keywords, under a registered e-mail address."""

import re
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from hnn_core.exceptions import BlockedError, RequestError, ServiceError
from hnn_core.jsoc.client import (
    JSOC_HELP,
    JsocClient,
    StoredFile,
    jsoc_message,
    refusal,
    status_of,
)
from hnn_core.jsoc.keywords import SEGMENT, Series, t_rec_seconds
from hnn_core.jsoc.taking import Row

__all__ = ["check_email", "export_batches", "exported_files"]

_ADDRESS = re.compile(r"[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+")
_TOO_LONG = 4096
"""Characters of a specification that JSOC does not take any more."""
_T_REC = re.compile(r"\[(\d{4}\.\d{2}\.\d{2}_[\d:.]+_TAI)\]")
_POLLS = 40
_LONGEST_PAUSE = 30.0
"""First back-offs between two looks at a request, which grow to that from 2, 4, 8, 16."""
_UNSEEN = 6
"""Polls for which a request just made may not be known yet."""
_AT_ONCE = 25
"""Records whose places are looked up together."""
_REGISTERED, _REJECTED, _UNKNOWN, _BUSY, _OFF_LINE = 2, 4, 6, 7, 25
_FOR_A_MOMENT = "cant save new export-request hash"
"""A rejection that passes."""
_NOT_YET = "invalid export drms record"
"""What JSOC answers about a request that it has not written down yet."""
_FAILURES = {
    3: "is too large; fetch fewer hours at a time",
    4: "was rejected; fetch without an e-mail address",
    5: "has expired and its files are gone; fetch again",
    6: "is not known to JSOC; fetch again",
    25: f"wants files that are off line now; try again later, or write to {JSOC_HELP}",
}


def check_email(email: str) -> None:
    """Raise RequestError for what is no e-mail address, before anything is sent."""
    if len(email) > 254 or not _ADDRESS.fullmatch(email):
        raise RequestError(
            f"{email!r} is no e-mail address; give the one that is registered with JSOC, as "
            "observer@example.org."
        )


def export_batches(series: Series, harp: int, rows: Sequence[Row]) -> Iterator[list[Row]]:
    """Split records so that each specification is shorter than JSOC's limit."""
    batch: list[Row] = []
    for row in rows:
        if batch and len(_specification(series, harp, [*batch, row])) >= _TOO_LONG:
            yield batch
            batch = []
        batch.append(row)
    if batch:
        yield batch


def exported_files(
    client: JsocClient,
    series: Series,
    harp: int,
    rows: Sequence[Row],
    email: str,
    note: Callable[[str], None],
) -> dict[float, StoredFile]:
    """Have records exported, wait until that is done and return where the files lie.

    The address is checked with JSOC first. A user may have one request at a time: while JSOC is
    busy with another one the request is repeated, with an end. The same records give the same
    request, so a fetch that was interrupted takes up the one it had made. One record that is off
    line makes JSOC refuse the whole request; such records are left out of another one.

    Parameters
    ----------
    client, series, harp
    rows : sequence of Row
        One batch of `export_batches`.
    email : str
        Sent to JSOC and nowhere else.
    note : callable (sentence)
        Receives what is waited for.

    Returns
    -------
    dict of StoredFile
        By T_REC, one for each row.

    Raises
    ------
    ServiceError
        The address is not registered, or JSOC will not export, or not in time.
    BlockedError
    """
    answer = client.json.check_address(email)
    if status_of(answer) != _REGISTERED:
        raise ServiceError(
            f"JSOC does not export for {email} ({jsoc_message(answer)}); register the address at "
            "http://jsoc.stanford.edu/ajax/register_email.html, or fetch without one."
        )
    files: dict[float, StoredFile] = {}
    answer = _finished(client, _specification(series, harp, rows), series, email, note)
    while status_of(answer) == _OFF_LINE:
        off_line = _off_line(client, series, harp, [r for r in rows if r["t_rec"] not in files])
        if not off_line:
            raise _failure(answer)
        note(f"JSOC: {jsoc_message(answer)}. {len(off_line)} left out of the export.")
        files |= off_line
        rest = [row for row in rows if row["t_rec"] not in files]
        answer = {}
        if rest:
            answer = _finished(client, _specification(series, harp, rest), series, email, note)
    folder = str(answer.get("dir") or "")
    for part in answer.get("data") or ():
        record, name = str(part.get("record", "")), str(part.get("filename", ""))
        match = _T_REC.search(record)
        # Of nothing JSOC makes a row too, whose record is a warning.
        if match and not record.startswith("warning=") and name and name != "NoDataFile":
            files[t_rec_seconds(match[1])] = StoredFile(client.address(f"{folder}/{name}"))
    absent = StoredFile("", problem="JSOC exported no file of this record")
    return {row["t_rec"]: files.get(row["t_rec"], absent) for row in rows}


def _off_line(
    client: JsocClient, series: Series, harp: int, rows: Sequence[Row]
) -> dict[float, StoredFile]:
    """Return those of some records that are off line now, by T_REC."""
    found: dict[float, StoredFile] = {}
    with client.transport.turn():
        for start in range(0, len(rows), _AT_ONCE):
            times = [row["t_rec"] for row in rows[start : start + _AT_ONCE]]
            found |= client.paths(series, harp, times)
    return {t_rec: stored for t_rec, stored in found.items() if stored.off_line}


def _specification(series: Series, harp: int, rows: Sequence[Row]) -> str:
    return f"{series.record_set(harp, [row['t_rec'] for row in rows])}{{{SEGMENT}}}"


def _finished(
    client: JsocClient,
    specification: str,
    series: Series,
    email: str,
    note: Callable[[str], None],
) -> dict[str, Any]:
    """Make a request and return JSOC's answer once it is done, or refused for what is off line."""

    def request() -> dict[str, Any]:
        return client.json.exp_request(
            specification,
            email,
            method="url",
            protocol="fits",
            filenamefmt=f"{series.name}.{{HARPNUM}}.{{T_REC:A}}.{{segment}}",
        )

    answer = request()
    known, status, pauses = "", status_of(answer), 0.0
    for poll in range(_POLLS):
        pause = client.transport.patience.first_wait_s * min(_LONGEST_PAUSE, 2.0 ** (poll + 1))
        status = status_of(answer)
        known = str(answer.get("requestid") or known)
        message = jsoc_message(answer).lower()
        young = 0 < poll <= _UNSEEN and known and (status == _UNKNOWN or _NOT_YET in message)
        pending = status in (1, 2) or young
        refused = status == _REJECTED and poll < _UNSEEN and _FOR_A_MOMENT in message
        if status in (0, _OFF_LINE):
            return answer
        if not pending and not refused and status != _BUSY:
            raise _failure(answer)
        if pending:
            note(f"JSOC prepares the files (request {known}); waiting.")
        elif refused:
            note(f"JSOC: {jsoc_message(answer)}; trying again.")
        else:
            note("JSOC has another export of this address to finish first; waiting.")
        time.sleep(pause)
        pauses += pause
        answer = client.json.exp_status(known) if pending else request()
    if status == _BUSY:
        raise ServiceError(
            f"JSOC still has another export of {email} to finish after {pauses / 60:.0f} min; "
            "wait for its e-mail, or fetch without an address."
        )
    raise ServiceError(
        f"JSOC has not finished the export {known} after {pauses / 60:.0f} min; run the same "
        "command again later: it is taken up where it is."
    )


def _failure(answer: dict[str, Any]) -> ServiceError:
    """Make the error for a request that came to nothing, with JSOC's own words."""
    error = refusal(answer)
    if isinstance(error, BlockedError):
        return error
    status = status_of(answer)
    what = _FAILURES.get(status, f"failed with status {status}; try again later")
    return ServiceError(f"JSOC's export {what} ({jsoc_message(answer)}).")
