"""Asking JSOC for records, for the places of their files, and for the files.

The field's client for JSOC, drms, over this program's own way of asking.

drms, imported so that it does not set up the log of the whole program.
"""

import logging
import re
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np
import pandas as pd
from astropy.time import Time

from hnn_core.exceptions import BlockedError, RefusedError, ServiceError, TransientReplyError
from hnn_core.jsoc.keywords import KEPT, SEGMENT, Series, record_table, said, t_rec_seconds
from hnn_core.jsoc.turns import Turns
from hnn_core.magnetogram.conventions import tai_seconds
from hnn_core.magnetogram.sharp import NO_DATA
from hnn_core.services.endpoints import jsoc_url
from hnn_core.services.transport import Patience, Reply, read_json

_root = logging.getLogger()
_placeholder = logging.NullHandler()
_root.addHandler(_placeholder)
# On its import drms calls logging.basicConfig, which does nothing where there is a handler already.
import drms  # noqa: E402
from drms.json import HttpJsonClient  # noqa: E402

_root.removeHandler(_placeholder)

__all__ = [
    "JsocClient",
    "JsonClient",
    "StoredFile",
    "blocked",
    "drms_client",
    "jsoc_words",
    "refusal",
    "status_of",
]


# An export's address holds the e-mail address, which is for JSOC and for no log.
logging.getLogger("httpx2").setLevel(logging.WARNING)
_BLOCKED = ("blocked", "has been banned", "not allowed to access")

_QUERY = re.compile(r"\?\S+")


@dataclass(frozen=True)
class _Answer:
    """What drms expects of a request."""

    data: Any


class JsonClient(HttpJsonClient):
    """Makes drms's addresses and asks them through `ask`.

    drms's own requests have no retries, no end to waiting, and take an error page for data.
    """

    def __init__(
        self, server: drms.ServerConfig, ask: Callable[[str, Callable[[Reply], Any]], Any]
    ) -> None:
        super().__init__(server)
        self._ask = ask

    def rs_list(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """List a record set.

        Raises
        ------
        RefusedError, BlockedError
            JSOC says that it will not, which it does with HTTP status 200.
        """
        answer = super().rs_list(*args, **kwargs)
        if status_of(answer) != 0:
            raise refusal(answer)
        return answer

    def _json_request(self, url: str) -> _Answer:
        try:
            return _Answer(self._ask(url, _read_object))
        except ServiceError as error:
            # Queries are pages long, and an export's holds the e-mail address.
            words = _QUERY.sub("", str(error))
            raise type(error)(words) from error.__cause__


def drms_client(ask: Callable[[str, Callable[[Reply], Any]], Any]) -> tuple[Any, JsonClient]:
    """Return drms's client and the part of it that asks, for the server that is configured."""
    base = jsoc_url()
    server = drms.ServerConfig(
        name="JSOC",
        cgi_baseurl=f"{base}cgi-bin/ajax/",
        cgi_show_series="show_series",
        cgi_jsoc_info="jsoc_info",
        cgi_jsoc_fetch="jsoc_fetch",
        cgi_check_address="checkAddress.sh",
        cgi_show_series_wrapper="showextseries",
        show_series_wrapper_dbhost="hmidb2",
        http_download_baseurl=base,
    )
    client = drms.Client(server=server)
    client._json = JsonClient(server, ask)
    return client, client._json


def status_of(answer: dict[str, Any]) -> int:
    """Return an answer's status, which is a number or its text; -1 where there is none."""
    try:
        return int(answer["status"])
    except (KeyError, TypeError, ValueError):
        return -1


def jsoc_words(answer: dict[str, Any]) -> str:
    """Return what JSOC says of an error, in one line."""
    text = answer.get("error") or answer.get("msg") or f"status {answer.get('status')}"
    return " ".join(str(text).split())[:300].rstrip(".")


def blocked(answer: dict[str, Any]) -> bool:
    """Whether JSOC says that this user may not ask any more."""
    words = jsoc_words(answer).lower()
    return any(sign in words for sign in _BLOCKED)


def refusal(answer: dict[str, Any]) -> RefusedError:
    """Make the error for an answer that refuses; a blocked user is told so."""
    words = jsoc_words(answer)
    if blocked(answer):
        return BlockedError(
            f"JSOC has blocked this user or machine ({words}); write to JSOC's help before asking "
            "again."
        )
    return RefusedError(f"JSOC refuses the question: {words}.")


def _read_object(reply: Reply) -> dict[str, Any]:
    value = read_json(reply)
    if not isinstance(value, dict):
        raise TransientReplyError("an answer of another form")
    return value


_BOX = {
    "lon_min": "LONDTMIN",
    "lon_max": "LONDTMAX",
    "lat_min": "LATDTMIN",
    "lat_max": "LATDTMAX",
}


@dataclass(frozen=True)
class StoredFile:
    """Where a record's magnetogram lies now."""

    url: str
    """Empty where there is none."""
    shape: tuple[int, int] | None = None
    """(rows, cols) that JSOC tells, None if it tells none."""
    problem: str = ""
    """Why there is no file, in words."""


class JsocClient:
    """JSOC, asked over one connection; use it as a context manager, in one thread.

    Parameters
    ----------
    tell : callable (sentence), optional
        Told of waiting and of each further attempt.

    Notes
    -----
    Every method raises UnreachableError, ServiceFaultError, RefusedError or BlockedError where
    JSOC does not answer, answers with faults only, or will not answer.
    """

    def __init__(self, *, tell: Callable[[str], None] | None = None) -> None:
        self._turns = Turns(tell or (lambda _: None))
        self._base = jsoc_url()
        self.patience = Patience.from_environment()
        self.drms, self.json = drms_client(lambda url, read: self._turns.get(url, read=read))

    def __enter__(self) -> "JsocClient":
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing stays open between two turns."""

    def turn(self) -> AbstractContextManager[object]:
        """Keep the connection over several questions and files."""
        return self._turns.turn()

    def give_way(self) -> None:
        """Let another process ask, if one waits."""
        self._turns.give_way()

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
        if first is None or last is None:
            listed = self._list(series.record_set(harp, ()))
            start = -np.inf if first is None else float(tai_seconds(first))
            stop = np.inf if last is None else float(tai_seconds(last))
            inside = listed["t_rec"].between(start, stop)
            return listed[inside].reset_index(drop=True)
        ends = (float(tai_seconds(first)), float(tai_seconds(last)))
        return self._list(series.record_set(harp, ends, between=True))

    def harps_at(self, series: Series, time: Time, *, hours: float = 6.0) -> pd.DataFrame:
        """List the HARPs on the disk at a time: the newest record of each in the hours before.

        Returns
        -------
        DataFrame
            ``harp``, ``noaa`` (tuple), ``t_rec`` (unix_tai seconds), the patch's box ``lon_min``,
            ``lon_max``, ``lat_min``, ``lat_max`` and its ``longitude`` and ``latitude`` (degrees
            from the central meridian and the equator, NaN when not told), ascending in HARP.
        """
        stop = float(tai_seconds(time))
        ends = (stop - hours * 3600.0, stop)
        records = self._list(series.record_set(None, ends, between=True))
        records["harp"] = pd.to_numeric(records["HARPNUM"].map(said), errors="coerce")
        usable = records["harp"].notna() & ((records["quality"] & NO_DATA) == 0)
        newest = records[usable].drop_duplicates("harp", keep="last").sort_values("harp")
        newest["harp"] = newest["harp"].astype(np.int64)
        for name, key in _BOX.items():
            newest[name] = pd.to_numeric(newest[key].map(said), errors="coerce").astype(float)
        kept = ["harp", "noaa", "t_rec", *_BOX, "longitude", "latitude"]
        return newest[kept].reset_index(drop=True)

    def paths(self, series: Series, harp: int, t_recs: Sequence[float]) -> dict[float, StoredFile]:
        """Find where the magnetograms of some records lie now; the places change, so ask late.

        Parameters
        ----------
        series, harp
        t_recs : sequence of float
            unix_tai seconds, a few dozen at most.

        Returns
        -------
        dict of StoredFile
            By T_REC, one for each that was asked for.
        """
        wanted = series.record_set(harp, t_recs)
        answer = self.json.rs_list(f"{wanted}{{{SEGMENT}}}", key=["T_REC"], seg=[SEGMENT])
        times = _column(answer.get("keywords"), "T_REC", "values")
        paths = _column(answer.get("segments"), SEGMENT, "values")
        dims = _column(answer.get("segments"), SEGMENT, "dims")
        found = {
            float(time): self._stored(path, size)
            for time, path, size in zip_longest(t_rec_seconds(times), paths, dims, fillvalue="")
        }
        absent = StoredFile("", problem="no record at JSOC any more")
        return {time: found.get(float(time), absent) for time in t_recs}

    def download(self, url: str, part: Path) -> int:
        """Stream a file to `part`; returns its bytes, as many as JSOC said."""
        return self._turns.download(url, part)

    def address(self, path: str) -> str:
        """Return the address of a path that JSOC names."""
        return self._base + quote(path.lstrip("/"))

    def _list(self, record_set: str) -> pd.DataFrame:
        # As texts: drms would turn QUALITY, which is hexadecimal, into NaN.
        texts = self.drms.query(record_set, key=list(KEPT), convert_numeric=False)
        return record_table(pd.DataFrame(texts))

    def _stored(self, path: str, dims: str) -> StoredFile:
        if not path.startswith("/"):
            why = "offline" if path == "NoDataDirectory" else said(path) or "no path"
            return StoredFile("", problem=f"no file at JSOC ({why})")
        sizes = dims.lower().split("x")
        shape = None
        if len(sizes) == 2 and all(size.strip().isdigit() for size in sizes):
            shape = int(sizes[1]), int(sizes[0])
        return StoredFile(self.address(path), shape)


def _column(columns: list[dict[str, Any]] | None, name: str, part: str) -> list[str]:
    """Return a column of JSOC's answer as texts, empty where there is none."""
    for column in columns or ():
        if column.get("name") == name:
            return [str(value) for value in column.get(part) or ()]
    return []
