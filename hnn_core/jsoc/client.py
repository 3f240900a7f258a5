"""Asking JSOC for records, for the places of their files, and for the files."""

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

from hnn_core.jsoc.asking import drms_client
from hnn_core.jsoc.keywords import KEPT, record_table, said, t_rec_seconds
from hnn_core.jsoc.series import SEGMENT, Series
from hnn_core.jsoc.turns import Turns
from hnn_core.services.endpoints import jsoc_url
from hnn_core.services.patience import Patience
from hnn_core.sharp_keywords import NO_DATA
from hnn_core.tai import tai_seconds

__all__ = ["JsocClient", "StoredFile"]

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
