"""JSOC: its records, where their files lie, and the files, through drms over our own transport."""

import logging
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from types import SimpleNamespace
from typing import Any
from urllib.parse import quote

import numpy as np
import pandas as pd
from astropy.time import Time

from hnn_core.exceptions import BlockedError, RefusedError, ServiceError, TransientReplyError
from hnn_core.jsoc.keywords import (
    KEPT,
    SEGMENT,
    Series,
    has_values,
    known_text,
    record_table,
    t_rec_seconds,
)
from hnn_core.magnetogram.conventions import tai_seconds
from hnn_core.magnetogram.sharp import NO_DATA, finite_number
from hnn_core.services.endpoints import live_home, service_url
from hnn_core.services.transport import Reply, Transport, read_json

_root = logging.getLogger()
_placeholder = logging.NullHandler()
_root.addHandler(_placeholder)
# On its import drms calls logging.basicConfig, which does nothing where there is a handler already.
import drms  # noqa: E402
from drms.json import HttpJsonClient  # noqa: E402

_root.removeHandler(_placeholder)

__all__ = [
    "JSOC_HELP",
    "OFF_LINE",
    "JsocClient",
    "StoredFile",
    "jsoc_message",
    "jsoc_transport",
    "refusal",
    "status_of",
]

JSOC_HELP = "jsoc@sun.stanford.edu"
"""Where JSOC takes questions, also for records that are off line."""
OFF_LINE = "off line at JSOC now"
"""Why a record that exists has no file; it may have one again."""

# An export's address holds the e-mail address, which is for JSOC and for no log.
logging.getLogger("httpx2").setLevel(logging.WARNING)

_BURST = 4
"""Questions that may follow each other at once after a silence."""
_KEYS = ("T_REC", "QUALITY")
"""Without these nothing can be chosen of any record."""
_BLOCKED = ("blocked", "has been banned", "not allowed to access")
_QUERY = re.compile(r"\?\S+")
_DIMS = re.compile(r"(\d+)x(\d+)", re.ASCII)
_BOX = {
    "lon_min": "LONDTMIN",
    "lon_max": "LONDTMAX",
    "lat_min": "LATDTMIN",
    "lat_max": "LATDTMAX",
}


def jsoc_transport(note: Callable[[str], None] | None = None) -> Transport:
    """Return the way to JSOC, to which the processes of this machine have one connection."""
    lock = live_home() / "jsoc.lock"
    return Transport("JSOC", paced=True, burst=_BURST, lock=lock, note=note)


@dataclass(frozen=True)
class StoredFile:
    """Where a record's magnetogram lies now."""

    url: str
    """Empty where there is none."""
    shape: tuple[int, int] | None = None
    """(rows, cols) by JSOC's record, None where it gives none."""
    problem: str = ""
    """Why there is no file, in words."""
    off_line: bool = False
    """Whether that is because it is off line now; it may come back."""


class JsocClient:
    """JSOC over one connection, for one thread; it is closed after each turn of `transport`.

    Parameters
    ----------
    note : callable (sentence), optional
        Receives what is waited for and each further attempt.

    Attributes
    ----------
    drms : drms.Client
    json : drms.json.HttpJsonClient
        The part of it that asks.
    transport : Transport
        For files, and for turns over several questions and files.

    Notes
    -----
    Every method raises ServiceError, ServiceFaultError, RefusedError or BlockedError where
    JSOC does not answer, answers with faults only, or will not answer.
    """

    def __init__(self, *, note: Callable[[str], None] | None = None) -> None:
        self._base = service_url("JSOC")
        self.transport = jsoc_transport(note)
        cgi = f"{self._base}cgi-bin/ajax/"
        server = drms.ServerConfig(
            name="JSOC",
            cgi_baseurl=cgi,
            cgi_show_series="show_series",
            cgi_jsoc_info="jsoc_info",
            cgi_jsoc_fetch="jsoc_fetch",
            cgi_check_address="checkAddress.sh",
            cgi_show_series_wrapper="showextseries",
            show_series_wrapper_dbhost="hmidb2",
            http_download_baseurl=self._base,
        )
        self.drms = drms.Client(server=server)
        self.json = self.drms._json = _JsonClient(server, self._request)

    def records(
        self, series: Series, harp: int, first: Time | None, last: Time | None
    ) -> pd.DataFrame:
        """List the records of a HARP at the 12-minute cadence.

        Parameters
        ----------
        series : Series
        harp : int
            HARP number of this series.
        first, last : Time or None
            Both included; None for the whole passage.

        Returns
        -------
        DataFrame
            As `hnn_core.jsoc.keywords.record_table` makes it; empty if there is none.
        """
        start = -np.inf if first is None else float(tai_seconds(first))
        stop = np.inf if last is None else float(tai_seconds(last))
        ends = (start, stop) if np.isfinite([start, stop]).all() else ()
        listed = self._list(series.record_set(harp, ends, between=True))
        return listed[listed["t_rec"].between(start, stop)].reset_index(drop=True)

    def harps_at(self, series: Series, time: Time, *, hours: float = 6.0) -> pd.DataFrame:
        """List the HARPs on the disk at a time: the newest record of each in the hours before.

        Returns
        -------
        DataFrame
            ``harp``, ``noaa`` (tuple), ``t_rec`` (unix_tai seconds), the patch's box ``lon_min``,
            ``lon_max``, ``lat_min``, ``lat_max`` and its ``longitude`` and ``latitude`` (degrees
            from the central meridian and the equator, NaN when not known), ascending in HARP.
        """
        stop = float(tai_seconds(time))
        ends = (stop - hours * 3600.0, stop)
        records = self._list(series.record_set(None, ends, between=True))
        records["harp"] = pd.to_numeric(records["HARPNUM"].map(known_text), errors="coerce")
        usable = records["harp"].notna() & ((records["quality"] & NO_DATA) == 0)
        newest = records[usable].drop_duplicates("harp", keep="last").sort_values("harp")
        newest["harp"] = newest["harp"].astype(np.int64)
        for name, key in _BOX.items():
            newest[name] = newest[key].map(finite_number).astype(float)
        kept = ["harp", "noaa", "t_rec", *_BOX, "longitude", "latitude"]
        return newest[kept].reset_index(drop=True)

    def paths(self, series: Series, harp: int, t_recs: Sequence[float]) -> dict[float, StoredFile]:
        """Find where the magnetograms of some records lie; places change, so not long before use.

        Parameters
        ----------
        series, harp
        t_recs : sequence of float
            unix_tai seconds, a few dozen at most.

        Returns
        -------
        dict of StoredFile
            By T_REC, one for each of them.
        """
        wanted = series.record_set(harp, t_recs)
        answer = self.json.rs_list(f"{wanted}{{{SEGMENT}}}", key=["T_REC"], seg=[SEGMENT])
        times = map(t_rec_seconds, _column(answer.get("keywords"), "T_REC", "values"))
        paths = _column(answer.get("segments"), SEGMENT, "values")
        dims = _column(answer.get("segments"), SEGMENT, "dims")
        found = {
            time: self._stored(path, size)
            for time, path, size in zip_longest(times, paths, dims, fillvalue="")
        }
        absent = StoredFile("", problem="no record at JSOC any more")
        return {time: found.get(float(time), absent) for time in t_recs}

    def address(self, path: str) -> str:
        """Return the address of a path that JSOC names."""
        return self._base + quote(path.lstrip("/"))

    def _request(self, url: str) -> dict[str, Any]:
        try:
            return self.transport.get(url, read=_read_object)
        except ServiceError as error:
            # Queries are pages long, and an export's holds the e-mail address.
            raise type(error)(_QUERY.sub("", str(error))) from error.__cause__

    def _list(self, record_set: str) -> pd.DataFrame:
        # As texts: drms would turn QUALITY, which is hexadecimal, into NaN.
        texts = pd.DataFrame(self.drms.query(record_set, key=list(KEPT), convert_numeric=False))
        absent = [key for key in _KEYS if len(texts) and not has_values(texts, key)]
        if absent:
            raise ServiceError(
                f"JSOC gives no {' and no '.join(absent)} for any of the {len(texts)} records of "
                f"{record_set}, so no record of them can be chosen; try again later, or write to "
                f"{JSOC_HELP}."
            )
        return record_table(texts)

    def _stored(self, path: str, dims: str) -> StoredFile:
        size = _DIMS.fullmatch(dims)
        shape = (int(size[2]), int(size[1])) if size else None
        if path == "NoDataDirectory":
            return StoredFile("", shape, OFF_LINE, off_line=True)
        if not path.startswith("/"):
            return StoredFile("", shape, f"no file at JSOC ({known_text(path) or 'no path'})")
        return StoredFile(self.address(path), shape)


class _JsonClient(HttpJsonClient):
    """Makes drms's addresses and asks them through `request`.

    drms's own requests have no retries, no end to waiting, and take an error page for data.
    """

    def __init__(self, server: drms.ServerConfig, request: Callable[[str], dict[str, Any]]) -> None:
        super().__init__(server)
        self._request = request

    def rs_list(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """List a record set; raises where JSOC will not, which comes with HTTP status 200."""
        answer = super().rs_list(*args, **kwargs)
        if status_of(answer) != 0:
            raise refusal(answer)
        return answer

    def _json_request(self, url: str) -> SimpleNamespace:
        return SimpleNamespace(data=self._request(url))


def status_of(answer: dict[str, Any]) -> int:
    """Return an answer's status, which is a number or its text; -1 where there is none."""
    try:
        return int(answer["status"])
    except (KeyError, TypeError, ValueError):
        return -1


def jsoc_message(answer: dict[str, Any]) -> str:
    """Return JSOC's own message about an error, in one line."""
    text = answer.get("error") or answer.get("msg") or f"status {answer.get('status')}"
    return " ".join(str(text).split())[:300].rstrip(".")


def refusal(answer: dict[str, Any]) -> RefusedError:
    """Make the error for an answer that refuses: BlockedError for a blocked user."""
    message = jsoc_message(answer)
    if any(sign in message.lower() for sign in _BLOCKED):
        return BlockedError(
            f"JSOC has blocked this user or machine ({message}); write to JSOC's help before "
            "trying again."
        )
    return RefusedError(f"JSOC refuses the question: {message}.")


def _read_object(reply: Reply) -> dict[str, Any]:
    value = read_json(reply)
    if not isinstance(value, dict):
        raise TransientReplyError("an answer of another form")
    return value


def _column(columns: list[dict[str, Any]] | None, name: str, part: str) -> list[str]:
    """Return a column of JSOC's answer as texts, empty where there is none."""
    for column in columns or ():
        if column.get("name") == name:
            return [str(value) for value in column.get(part) or ()]
    return []
