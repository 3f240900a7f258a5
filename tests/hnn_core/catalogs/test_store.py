"""What is kept on disk: replies that count, tables that come back, after any kill or damage."""

import json
import time
from contextlib import contextmanager
from datetime import date, timedelta

import pandas as pd
import pytest

from hnn_core import storage
from hnn_core.catalogs.raw import RawFolder, Span
from hnn_core.catalogs.refresh import keep_filled, missing_noaa, noaa_at
from hnn_core.catalogs.store import (
    NAMES,
    Catalog,
    catalogs_home,
    refresh_tables,
    table_path,
)
from hnn_core.exceptions import CatalogError
from tests.support.drawn_catalogs import (
    FETCHED,
    X22,
    donki_flare,
    keep,
    keep_table,
    ncei_row,
    ncei_text,
)

DAY = date(2011, 2, 15)
HOUR = timedelta(hours=1)


def fill(folder):
    keep(folder, "ncei", DAY, ncei_text(ncei_row(), ncei_row(X22 + HOUR)))
    keep(folder, "donki_flr", DAY, [donki_flare()])
    keep(folder, "donki_cme", DAY, "")


def fill_and_derive(folder):
    fill(folder)
    refresh_tables(folder)


class TestRaw:
    def test_a_reply_and_its_side_file(self, tmp_path):
        reply = keep(tmp_path, "donki_flr", DAY, "[ ]\n")
        assert reply.read() == b"[ ]\n"
        about = json.loads(reply.path.with_name(reply.path.name + ".about").read_text())
        assert about["url"] == "http://x/"
        assert about["fetched_utc"] == FETCHED.isoformat()
        assert about["bytes"] == 4
        assert len(about["sha256"]) == 64
        assert RawFolder(tmp_path).newest("donki_flr") == {"2011-02": reply}

    def test_a_changed_reply_lies_beside_the_older_and_counts(self, tmp_path):
        old = keep(tmp_path, "donki_flr", DAY, "[]")
        new = keep(tmp_path, "donki_flr", DAY, "[ ]", fetched=FETCHED + HOUR)
        assert old.read() == b"[]"
        assert RawFolder(tmp_path).newest("donki_flr", "2011-02") == {"2011-02": new}
        # What was fetched first may be written last.
        keep(tmp_path, "donki_flr", DAY, "[]", fetched=FETCHED)
        assert RawFolder(tmp_path).newest("donki_flr")["2011-02"] == new

    def test_an_unchanged_reply_is_only_fetched_again(self, tmp_path):
        keep(tmp_path, "donki_flr", DAY, "[]")
        again = keep(tmp_path, "donki_flr", DAY, "[]", fetched=FETCHED + HOUR)
        assert len(list(again.path.parent.glob("*.json"))) == 1
        assert RawFolder(tmp_path).newest("donki_flr")["2011-02"].fetched == FETCHED + HOUR

    @pytest.mark.parametrize("damage", ["no side", "other sum", "no reply", "half a side", "list"])
    def test_a_reply_counts_only_whole(self, tmp_path, damage):
        kept = keep(tmp_path, "donki_flr", DAY, "[]")
        reply = keep(tmp_path, "donki_flr", DAY, "[ ]", fetched=FETCHED + HOUR)
        side = reply.path.with_name(reply.path.name + ".about")
        if damage == "no side":
            side.unlink()
        elif damage == "other sum":
            reply.path.write_bytes(b"[\t]")
        elif damage == "no reply":
            reply.path.unlink()
        else:
            side.write_text("[]" if damage == "list" else side.read_text()[:40])
        assert RawFolder(tmp_path).newest("donki_flr") == {"2011-02": kept}
        assert RawFolder(tmp_path).newest("donki_flr", "2011-02") == {"2011-02": kept}

    def test_keys_that_begin_alike_are_not_mixed_up(self, tmp_path):
        raw = RawFolder(tmp_path)
        for key in ("all", "all.b"):
            span = Span(key, DAY, DAY)
            raw.keep("harp_noaa", span, key.encode(), url="", fetched=FETCHED, suffix="txt")
        assert raw.newest("harp_noaa", "all")["all"].read() == b"all"


class TestOpen:
    def test_nothing_there_is_empty(self):
        catalog = Catalog.open()
        assert catalog.folder == catalogs_home()
        assert [len(getattr(catalog, name)) for name in NAMES] == [0, 0, 0, 0]
        assert str(catalog.flares["peak_utc"].dtype) == "datetime64[us]"

    def test_raw_replies_without_tables_are_derived(self, tmp_path):
        fill(tmp_path)
        catalog = Catalog.open(tmp_path)
        assert len(catalog.flares) == 2
        assert list(catalog.coverage["service"]) == ["NCEI", "DONKI FLR", "DONKI CME"]
        assert list(catalog.coverage["rows"]) == [2, 1, 0]
        assert catalog.coverage["end"].max() == pd.Timestamp("2012-01-01")

    def test_coverage_ends_when_it_was_fetched(self, tmp_path):
        keep(tmp_path, "donki_flr", DAY, [], fetched=X22)
        assert Catalog.open(tmp_path).coverage["end"].iloc[0] == X22

    def test_a_second_open_is_the_same_until_the_files_change(self, tmp_path):
        fill(tmp_path)
        catalog = Catalog.open(tmp_path)
        begun = time.perf_counter()
        for _ in range(20):
            assert Catalog.open(tmp_path) is catalog
        assert (time.perf_counter() - begun) / 20 < 0.005
        keep(tmp_path, "ncei", DAY, ncei_text(ncei_row()), fetched=FETCHED + HOUR)
        refresh_tables(tmp_path)
        assert len(Catalog.open(tmp_path).flares) == 1

    @pytest.mark.parametrize("name", NAMES)
    @pytest.mark.parametrize("damage", ["half", "empty", "gone", "bits", "foreign"])
    def test_a_damaged_table_is_derived_again(self, tmp_path, name, damage):
        fill(tmp_path)
        keep_table(tmp_path, "HARPNUM NOAA_ARS\n377 11158\n")
        whole = Catalog.open(tmp_path)
        path = table_path(tmp_path, name)
        content = path.read_bytes()
        if damage == "gone":
            path.unlink()
        elif damage == "bits":  # in the pages, which no footer tells of
            path.write_bytes(content[:4] + bytes(b ^ 255 for b in content[4:60]) + content[60:])
        elif damage == "foreign":
            pd.DataFrame({"a": [1]}).to_parquet(path)
        else:
            path.write_bytes(content[: len(content) // 2] if damage == "half" else b"")
        again = Catalog.open(tmp_path)
        assert again is not whole
        for table in NAMES:
            pd.testing.assert_frame_equal(getattr(again, table), getattr(whole, table))

    @pytest.mark.slow
    def test_a_single_wrong_bit_in_the_rows_is_seen(self, tmp_path):
        fill(tmp_path)
        whole = Catalog.open(tmp_path).flares
        path = table_path(tmp_path, "flares")
        content = path.read_bytes()
        rows_end = len(content) - 8 - int.from_bytes(content[-8:-4], "little")
        for place in range(40, rows_end, max(1, rows_end // 40)):
            path.write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
            pd.testing.assert_frame_equal(Catalog.open(tmp_path).flares, whole)

    def test_a_damaged_table_without_replies_is_an_error(self, tmp_path):
        table_path(tmp_path, "flares").write_bytes(b"PAR1")
        with pytest.raises(CatalogError, match="remove the folder and fetch again"):
            Catalog.open(tmp_path)

    def test_what_a_killed_writer_left_is_no_table(self, tmp_path):
        fill(tmp_path)
        for name in NAMES:
            path = table_path(tmp_path, name)
            path.with_name(f"{path.name}.part").write_bytes(b"half")
        assert len(Catalog.open(tmp_path).flares) == 2

    def test_the_same_replies_give_the_same_bytes(self, tmp_path):
        contents = []
        for home in ("a", "b"):
            fill(tmp_path / home)
            refresh_tables(tmp_path / home)
            contents.append([table_path(tmp_path / home, name).read_bytes() for name in NAMES])
        assert contents[0] == contents[1]

    def test_up_to_date_tables_are_not_written_again(self, tmp_path):
        fill(tmp_path)
        refresh_tables(tmp_path)
        before = table_path(tmp_path, "flares").stat().st_mtime_ns
        assert refresh_tables(tmp_path) == []
        assert table_path(tmp_path, "flares").stat().st_mtime_ns == before


class Killed(BaseException):
    """As a kill: nothing catches it."""


@pytest.mark.slow
@pytest.mark.parametrize("half", [False, True], ids=["before", "half-way"])
def test_a_kill_at_any_write_loses_nothing(tmp_path, monkeypatch, half):
    writes = 3 * 2 + len(NAMES)  # three replies with their side files, and the tables
    replacing, count, at = storage.replacing, [0], [-1]

    @contextmanager
    def killed(path, **options):
        count[0] += 1
        if count[0] == at[0]:
            if half:
                path.with_name(f"{path.name}.part").write_bytes(b"half of what was to be written")
            raise Killed
        with replacing(path, **options) as draft:
            yield draft

    monkeypatch.setattr(storage, "replacing", killed)
    fill_and_derive(tmp_path / "whole")
    assert count[0] == writes
    whole = Catalog.open(tmp_path / "whole")
    for n in range(1, writes + 1):
        folder = tmp_path / str(n)
        count[0], at[0] = 0, n
        with pytest.raises(Killed):
            fill_and_derive(folder)
        at[0] = -1
        Catalog.open(folder)  # in between it opens with what is there
        fill_and_derive(folder)
        again = Catalog.open(folder)
        for name in NAMES:
            pd.testing.assert_frame_equal(getattr(again, name), getattr(whole, name))


class TestFill:
    boxes = pd.DataFrame(
        {
            "harp": [377, 384, 390],
            "noaa": [(11158,), (), (11160, 11161)],
            "lon_min": [0.0, 8.0, -60.0],
            "lon_max": [20.0, 30.0, -40.0],
            "lat_min": [-30.0, -30.0, 5.0],
            "lat_max": [-10.0, -10.0, float("nan")],
        }
    )

    @pytest.mark.parametrize(
        ("place", "region"),
        [
            ((5, -20), (377, 11158)),
            ((12, -20), (377, 11158)),  # in both boxes, nearer to the centre of the first
            ((16, -20), (384, 0)),
            ((25, -20), (384, 0)),
            ((-50, 10), (0, 0)),  # a box without an edge holds nothing
            ((5, 20), (0, 0)),
            ((float("nan"), float("nan")), (0, 0)),
        ],
    )
    def test_the_box_that_holds_a_place(self, place, region):
        assert noaa_at(self.boxes, *place) == region

    def test_a_harp_with_several_numbers_has_no_single_one(self):
        several = self.boxes.assign(lat_max=10.0)
        assert noaa_at(several, -50, 7) == (390, 0)
        assert noaa_at(self.boxes.iloc[:0], 5, -20) == (0, 0)

    def test_missing_numbers_are_looked_for_once_and_kept(self, tmp_path):
        rows = [ncei_row(X22 + i * HOUR, active_region="") for i in range(3)]
        nowhere = ncei_row(
            X22 + 4 * HOUR,
            active_region="",
            flare_loc_swpc_hgs_lon="",
        )
        small = ncei_row(X22 + 5 * HOUR, active_region="", flare_class="M1.2", xrsb_irrad="1.2e-5")
        keep(tmp_path, "ncei", DAY, ncei_text(*rows, nowhere, small))
        missing = missing_noaa(Catalog.open(tmp_path), "M", DAY, DAY)
        # M1.2 on the science scale is C8.4 on that of labels.
        assert list(missing["peak_utc"]) == [X22, X22 + HOUR, X22 + 2 * HOUR]
        first, second, third = missing["flare_id"]
        found = {"flare_id": [first, second], "harp": [377, 0], "noaa": [11158, 0]}
        keep_filled(tmp_path, pd.DataFrame(found))
        catalog = Catalog.open(tmp_path)
        flares = catalog.flares.set_index("flare_id")
        assert tuple(flares.loc[first, ["harp", "noaa", "noaa_origin"]]) == (
            377,
            11158,
            "position",
        )
        assert tuple(flares.loc[second, ["harp", "noaa", "noaa_origin"]]) == (0, 0, "")
        assert list(missing_noaa(catalog, "M", None, None)["flare_id"]) == [third]
        # Kept beside earlier ones, and over a new derivation.
        keep_filled(tmp_path, pd.DataFrame({"flare_id": [third], "harp": [9], "noaa": [0]}))
        keep(tmp_path, "ncei", DAY, ncei_text(*rows), fetched=FETCHED + HOUR)
        refresh_tables(tmp_path)
        assert list(Catalog.open(tmp_path).flares["harp"]) == [377, 0, 9]

    def test_a_number_from_a_catalogue_counts_before_the_position(self, tmp_path):
        keep(tmp_path, "ncei", DAY, ncei_text(ncei_row(active_region="")))
        name = Catalog.open(tmp_path).flares["flare_id"].iloc[0]
        keep_filled(tmp_path, pd.DataFrame({"flare_id": [name], "harp": [9], "noaa": [11000]}))
        keep(tmp_path, "ncei", DAY, ncei_text(ncei_row()), fetched=FETCHED + HOUR)
        refresh_tables(tmp_path)
        row = Catalog.open(tmp_path).flares.iloc[0]
        assert (row.noaa, row.noaa_origin) == (11158, "NCEI")
