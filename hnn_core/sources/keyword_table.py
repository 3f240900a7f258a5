"""Tables of keywords next to as-is files: the answer to a query of JSOC, as CSV or JSON.

As-is files of JSOC hold pixels only. Which record a file is of stands in the table: by its path,
``…/D1758488750/S00000/magnetogram.fits``, or by HARP and T_REC where the file has JSOC's name.
"""

import json
import re
from collections.abc import Iterable, Mapping
from io import BytesIO
from pathlib import Path

import pandas as pd
from astropy.io.fits import Header

from hnn_core.exceptions import FitsError
from hnn_core.jsoc.keywords import DEFINITIVE, NEAR_REAL_TIME, record_cards, t_rec_seconds
from hnn_core.magnetogram.conventions import finite_number
from hnn_core.magnetogram.sharp import named_harp, named_t_rec, segment_of

__all__ = ["TABLE_ENDINGS", "KeywordTables"]

TABLE_ENDINGS = (".csv", ".json")
_MAX_BYTES = 256 * 2**20
_NO_COLUMNS = "it has no columns T_REC and HARPNUM"
_PLACE = re.compile(r"(?:^|[/\\])(D\d+)[/\\](S\d+)(?:[/\\]|$)")
"""Of a file in the storage of JSOC: its unit and its slot."""

_Key = tuple[str, str] | tuple[int, int]


class KeywordTables:
    """The records of some tables, found by the file that they are of.

    Parameters
    ----------
    paths : iterable of Path
        CSV with the columns of `drms` (T_REC, HARPNUM, … and, for a file without JSOC's name, one
        with the path of the segment), or JSON as jsoc_info answers (``keywords`` and ``segments``
        with ``name`` and ``values``) or of rows. A file that is no such table is in `problems`.
    """

    def __init__(self, paths: Iterable[Path] = ()) -> None:
        self.problems: dict[Path, str] = {}
        """Why files are no table of keywords."""
        self._rows: dict[_Key, dict[str, str]] = {}
        self._twice: set[_Key] = set()
        for path in paths:
            try:
                for row in _rows(path):
                    self._add(row, path)
            except ValueError as error:
                self.problems[path] = f"{path} is no table of keywords: {error}."

    def __len__(self) -> int:
        return len(self._rows)

    def broken(self) -> str:
        """Return why a table of keywords could not be read; empty if all were, or there is none."""
        reasons = (why for why in self.problems.values() if not why.endswith(f"{_NO_COLUMNS}."))
        return next(reasons, "")

    def cards(self, path: Path) -> Header | None:
        """Return the keywords of the record that a file is of; None if no table has it.

        Raises
        ------
        FitsError
            Tables have two different records for it.
        """
        place = _PLACE.search(path.parent.as_posix())
        keys: list[_Key] = [(place[1], place[2])] if place else []
        if harp := named_harp(str(path)):
            keys.append((harp, round(named_t_rec(str(path)))))
        for key in keys:
            if key in self._twice:
                raise FitsError(
                    f"{path} is of two records by the tables of keywords; keep one of them."
                )
            if key in self._rows:
                row = self._rows[key]
                near_real_time = "near_real_time" in row
                series = NEAR_REAL_TIME if near_real_time else DEFINITIVE
                cards = record_cards(row, series)
                return Header({**cards, "QLOOK": 1} if near_real_time else cards)
        return None

    def _add(self, row: dict[str, str], path: Path) -> None:
        harp, seconds = finite_number(row["HARPNUM"]), t_rec_seconds(row["T_REC"])
        if not (harp > 0 and harp == int(harp) and seconds > 0):
            return
        if "_nrt" in path.name or row.get("QLOOK") == "1":
            row["near_real_time"] = "true"
        keys: set[_Key] = {(int(harp), round(seconds))}
        # A path in the column of another segment is not that of the magnetogram.
        places = (value for name, value in row.items() if segment_of(name) in ("", "magnetogram"))
        keys |= {(match[1], match[2]) for match in map(_PLACE.search, places) if match}
        for key in keys:
            if self._rows.setdefault(key, row) != row:
                self._twice.add(key)


def _rows(path: Path) -> list[dict[str, str]]:
    """Read a table, every value a text; ValueError with the reason if it is none of keywords."""
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise ValueError(f"it has more than {_MAX_BYTES // 2**20} MiB")
        content = path.read_bytes()
        if not any(name in content for name in (b"T_REC", b"HARPNUM", b'"keywords"')):
            raise ValueError(_NO_COLUMNS)  # at a glance: most files are tables of something else
        if path.suffix.lower() == ".json":
            table = _json_table(json.loads(content.decode("utf-8-sig")))
        else:
            table = pd.read_csv(
                BytesIO(content), dtype=str, keep_default_na=False, encoding="utf-8-sig"
            )
        texts = table.astype(str).rename(columns=lambda name: str(name).strip())
    except Exception as error:
        # pandas raises a dozen classes on what is no table.
        raise ValueError(" ".join(str(error).split()) or type(error).__name__) from error
    if not {"T_REC", "HARPNUM"} <= set(texts.columns):
        raise ValueError(_NO_COLUMNS)
    return [
        {str(key): str(value) for key, value in row.items()} for row in texts.to_dict("records")
    ]


def _json_table(content: object) -> pd.DataFrame:
    """Return the answer of jsoc_info as a table, one row a record; or rows that are one."""
    if isinstance(content, Mapping) and "keywords" in content:
        columns = [*content["keywords"], *content.get("segments", [])]
        return pd.DataFrame({column["name"]: column["values"] for column in columns})
    if isinstance(content, Mapping | list):
        return pd.DataFrame(content)
    raise ValueError("it holds neither records nor columns")
