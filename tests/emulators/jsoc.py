"""JSOC's ``jsoc_info`` and its files."""

from tests.emulators.answers import Answer, Request, json_answer, not_found
from tests.emulators.fits_bytes import as_is
from tests.emulators.keywords import KEYWORDS, keyword_structure
from tests.emulators.record_set import Record, RecordSetError, segments, select
from tests.emulators.regions import NO_DATA
from tests.emulators.storage import Storage
from tests.emulators.world import DEFINITIVE, NRT, World

__all__ = ["BLOCKED", "Jsoc", "error", "has_data"]

BLOCKED = (
    "Your account has been blocked because of excessive use of JSOC's resources; "
    "write to jsoc@example.org."
)
_NOTES = {
    DEFINITIVE: "Space Weather HMI Active Region Patch (SHARP): CEA version",
    NRT: "Near real time SHARP: CEA version",
}


def error(words: str, status: int = 1) -> Answer:
    """An error of JSOC comes with HTTP status 200."""
    return json_answer({"status": status, "error": words})


def has_data(record: Record) -> bool:
    """Whether a record has a magnetogram, online or not."""
    return not int(record.row["QUALITY"], 16) & NO_DATA


class Jsoc:
    """Queries and as-is files. Exports are in `tests.emulators.export`."""

    def __init__(self, world: World, storage: Storage) -> None:
        self.world, self.storage = world, storage
        self.blocked = False
        self.offline: set[str] = set()
        """Records whose files are off line now, by ``hmi.sharp_cea_720s[377][2011.…_TAI]``."""
        self.absent: dict[str, str] = {}
        """Keywords without a value in any record, and what stands in its place, as ``MISSING``."""

    def info(self, request: Request) -> Answer:
        """Answer to ``jsoc_info``."""
        args = request.args
        if self.blocked:
            return error(BLOCKED, 4)
        ds, op = args.get("ds", ""), args.get("op", "")
        try:
            if op == "series_struct":
                return self._structure(ds)
            if op == "rs_summary":
                return json_answer({"count": len(select(self.world, ds)), "status": 0})
            if op == "rs_list":
                return self._list(args)
        except RecordSetError as failure:
            return error(str(failure))
        return error(f"unknown op {op!r}")

    def file(self, path: str) -> Answer:
        """An as-is file under its path; 404 once that has expired."""
        record = self.storage.find(path)
        if record is None:
            return not_found(path)
        return Answer(as_is(record.region, record.slot), "application/fits")

    def show_series(self, args: dict[str, str]) -> Answer:
        """Answer to ``show_series`` and ``showextseries``."""
        names = [name for name in _NOTES if args.get("filter", "") in name]
        listed = [{"name": n, "primekeys": "HARPNUM, T_REC", "note": _NOTES[n]} for n in names]
        return json_answer(
            {"status": 0, "names": listed, "n": len(names), "seriesList": names, "errMsg": None}
        )

    def segment(self, record: Record) -> tuple[str, str]:
        """Path and dims of a record's magnetogram; a sentinel and the real dims without a file."""
        cols, rows = record.region.dims(record.slot)
        absent = not has_data(record) or record.name in self.offline
        return "NoDataDirectory" if absent else self.storage.path(record), f"{cols}x{rows}"

    def _structure(self, ds: str) -> Answer:
        name = ds.split("[")[0].strip().lower()
        if name not in _NOTES:
            return error(f"unable to open series {name!r}")
        magnetogram = {
            "name": "magnetogram",
            "type": "int",
            "units": "Gauss",
            "protocol": "fits",
            "dims": "VARxVAR",
            "note": "Line-of-sight magnetogram",
        }
        return json_answer(
            {
                "note": _NOTES[name],
                "retention": 60,
                "unitsize": 1,
                "archive": 1,
                "tapegroup": 0,
                "primekeys": ["HARPNUM", "T_REC"],
                "dbindex": ["HARPNUM", "T_REC_index"],
                "keywords": keyword_structure(),
                "links": [],
                "segments": [magnetogram],
                "status": 0,
            }
        )

    def _list(self, args: dict[str, str]) -> Answer:
        records = select(self.world, args.get("ds", ""))
        n = int(args.get("n", 0))
        if n:
            records = records[:n] if n > 0 else records[n:]
        reply: dict[str, object] = {}
        keys = [key for key in args.get("key", "").split(",") if key and key != "**NONE**"]
        if "**ALL**" in keys:
            keys = list(KEYWORDS)
        if records and keys:
            rows = [record.row for record in records]
            reply["keywords"] = [
                {"name": key, "values": self._values(key, records, rows)} for key in keys
            ]
        wanted = [s for s in args.get("seg", "").split(",") if s and s != "**NONE**"]
        if "**ALL**" in wanted:
            wanted = list(segments(args.get("ds", ""))) or ["magnetogram"]
        if records and wanted:
            reply["segments"] = [self._segments(name, records) for name in wanted]
        if records and args.get("R") == "1":
            reply["recinfo"] = [{"name": record.name, "online": 1} for record in records]
        return json_answer(reply | {"count": len(records), "runtime": 0.02, "status": 0})

    def _values(
        self, key: str, records: list[Record], rows: list[dict[str, str]]
    ) -> list[str] | list[int]:
        if key in self.absent:
            return [self.absent[key]] * len(records)
        if key == "*recnum*":
            return [self.storage.number(record) for record in records]
        if key == "*online*":
            return ["N" if record.name in self.offline else "Y" for record in records]
        if key.startswith("*"):
            return ["NA"] * len(records)
        return [row.get(key.upper(), "Invalid KeyLink") for row in rows]

    def _segments(self, name: str, records: list[Record]) -> dict[str, object]:
        if name != "magnetogram":
            values, dims = ["InvalidSegName"] * len(records), ["NA"] * len(records)
            return {"name": name, "values": values, "dims": dims}
        found = [self.segment(record) for record in records]
        return {"name": name, "values": [p for p, _ in found], "dims": [d for _, d in found]}
