"""Downloading the files of chosen records, each kept once it is checked."""

from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from hnn_core.exceptions import RefusedError, ServiceFaultError
from hnn_core.jsoc.client import JsocClient, StoredFile
from hnn_core.jsoc.files import Download, Keeper, Kept, record_path
from hnn_core.jsoc.keywords import Series

__all__ = ["BATCH", "Locate", "Row", "Taken", "rows_of", "take_files"]

Row = Mapping[str, Any]
"""A chosen record, see `hnn_core.jsoc.fetch.Choice`."""
Locate = Callable[[Sequence[Row]], Mapping[float, StoredFile]]
"""Finds where the files of records lie, by T_REC."""

BATCH = 25
"""Files whose places are asked for together: those places expire."""
_TRIES = 3
"""Downloads of a file whose content is not sound."""
_FAULTS_IN_A_ROW = 3
"""Files without a sound answer after which JSOC, not the file, is at fault."""


def rows_of(records: pd.DataFrame) -> list[Row]:
    """Return the rows of a table of records as mappings with texts for keys."""
    return [{str(key): value for key, value in row.items()} for row in records.to_dict("records")]


@dataclass
class Taken:
    """What came of the files so far."""

    new: int = 0
    bytes: int = 0
    missing: dict[float, str] = field(default_factory=dict)
    """Hours whose file could not be had, and why."""


def take_files(
    client: JsocClient,
    series: Series,
    harp: int,
    rows: Sequence[Row],
    locate: Locate,
    tell: Callable[[Row, Taken], None],
) -> Taken:
    """Download and keep the files of some records, in their order.

    Places are asked for in batches just before the download. One that has expired is asked for
    once more. Content that is not sound is downloaded again at the end, a few times in all; then
    the hour counts as missing.

    Parameters
    ----------
    client, series, harp
    rows : sequence of Row
    locate : Locate
        Asked for `BATCH` records at a time.
    tell : callable (row, taken)
        After each file, kept or not.

    Raises
    ------
    UnreachableError, ServiceFaultError, BlockedError
        JSOC does not answer; what is kept stays.
    OSError
        A file cannot be written.
    """
    with Keeper() as keeper:
        return _Taking(client, series, harp, locate, tell, keeper).run(rows)


class _Taking:
    def __init__(
        self,
        client: JsocClient,
        series: Series,
        harp: int,
        locate: Locate,
        tell: Callable[[Row, Taken], None],
        keeper: Keeper,
    ) -> None:
        self._client, self._series, self._harp = client, series, harp
        self._locate, self._tell, self._keeper = locate, tell, keeper
        self._taken = Taken()
        self._places: dict[float, StoredFile] = {}
        self._tries: Counter[float] = Counter()
        self._faults = 0

    def run(self, rows: Sequence[Row]) -> Taken:
        queue = deque(rows)
        while queue or self._keeper.busy:
            for kept in self._keeper.take(wait=not queue):
                self._settle(kept, queue)
            if queue:
                self._client.give_way()
                row = queue.popleft()
                if row["t_rec"] not in self._places:
                    self._places = dict(self._locate([row, *list(queue)[: BATCH - 1]]))
                self._download(row)
        return self._taken

    def _download(self, row: Row) -> None:
        """Download one file and hand it over; where that fails its hour is missing."""
        place = self._places.pop(row["t_rec"])
        target = record_path(self._series, self._harp, row["t_rec"])
        part = target.with_name(f"{target.name}.as-is.part")
        try:
            place = self._fetch(row, place, part)
            self._faults = 0
        except ServiceFaultError as error:
            self._faults += 1
            if self._faults >= _FAULTS_IN_A_ROW:
                raise
            place = StoredFile("", problem=str(error).split(";")[0])
        if place.problem:
            self._give_up(row, place.problem)
            return
        self._keeper.hand_over(Download(part, target, self._series, self._harp, row, place.shape))

    def _fetch(self, row: Row, place: StoredFile, part: Path) -> StoredFile:
        """Download from a place; if that has expired, from the new one."""
        if place.problem:
            return place
        try:
            self._client.download(place.url, part)
        except RefusedError:
            # The others of the batch were told at the same time and have expired as well.
            self._places.clear()
            place = self._locate([row])[row["t_rec"]]
            if place.problem:
                return place
            try:
                self._client.download(place.url, part)
            except RefusedError:
                return StoredFile("", problem="the path that JSOC gives leads nowhere, twice")
        return place

    def _settle(self, kept: Kept, queue: deque[Row]) -> None:
        row = kept.download.keywords
        self._tries[row["t_rec"]] += 1
        if not kept.problem:
            self._taken.new += 1
            self._taken.bytes += kept.bytes
            self._tell(row, self._taken)
        elif kept.again and self._tries[row["t_rec"]] < _TRIES:
            queue.append(row)
        else:
            self._give_up(row, kept.problem)

    def _give_up(self, row: Row, why: str) -> None:
        self._taken.missing[row["hour"]] = why
        self._tell(row, self._taken)
