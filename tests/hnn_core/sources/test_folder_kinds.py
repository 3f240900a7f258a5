"""Folders as people have them: endings, archives, tables of keywords, pipes, odd names, crowds."""

import bz2
import gzip
import json
import os
import shutil
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from astropy.io import fits
from astropy.io.fits import Header
from astropy.time import Time

from hnn_core.exceptions import ArchiveError, EmptySourceError, UnknownSourceError
from hnn_core.regions.base import n_skipped
from hnn_core.sources import header_rows, open_source
from hnn_core.sources.fits_folder import FitsFolder
from hnn_core.sources.folder_index import read_index
from tests.support.drawn_sharp import CARDS, draw_fits, drawn_field, write_hdu

RECNUM = "hmi.sharp_cea_720s.600123.{}.fits"


def at(hour: int) -> str:
    return f"2011.02.13_{hour:02}:00:00_TAI"


def draw_export(folder: Path, hours: range = range(5, 8)) -> None:
    for hour in hours:
        draw_fits(folder / f"{hour:02}.fits", drawn_field() + hour, T_REC=at(hour))


def reasons(source: FitsFolder) -> dict[str, str]:
    return {file.path: file.reason for file in source.skipped()}


# Endings and segments


def test_every_usual_ending_is_read(tmp_path):
    draw_export(tmp_path, range(1, 8))
    for hour, name in enumerate(
        ["a.fts", "b.fit", "c.fits.1", "d.fits.fz", "e", "f.FITS"], start=1
    ):
        (tmp_path / f"{hour:02}.fits").rename(tmp_path / name)
    raw = (tmp_path / "07.fits").read_bytes()
    (tmp_path / "07.fits").unlink()
    (tmp_path / "g.fts.gz").write_bytes(gzip.compress(raw))
    raw = raw.replace(at(7).encode(), at(8).encode())
    (tmp_path / "h.fits.bz2").write_bytes(bz2.compress(raw))
    source = FitsFolder(tmp_path)
    assert source.skipped() == ()
    assert [int(time[11:13]) for time in source.times("377").isot] == list(range(1, 9))
    for time in source.times("377"):
        hour = min(int(time.isot[11:13]), 7)
        field = drawn_field() + hour
        np.testing.assert_allclose(source.frame("377", time).field, field, atol=1e-4)


def test_what_is_not_read_is_listed_whatever_its_ending(tmp_path):
    draw_export(tmp_path / "a")
    for name in ("a/x.fts", "a/y.fits.zst", "a/notes.txt", "a/1.png", "b/2.png", "b/README"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"\x28\xb5\x2f\xfd" if "zst" in name else b"words")
    listed = reasons(FitsFolder(tmp_path))
    assert sorted(listed) == ["a/1.png", "a/notes.txt", "a/x.fts", "a/y.fits.zst", "b/README"]
    assert listed["a/1.png"] == "2 files ending in .png are not FITS files: a/1.png and others."
    # Of one ending there is one entry, which stands for all of its files.
    assert n_skipped(FitsFolder(tmp_path).skipped()) == 6
    shutil.rmtree(tmp_path / "a")
    for name in ("b/3.png", "b/4.png"):
        (tmp_path / name).write_bytes(b"words")
    with pytest.raises(EmptySourceError, match="no usable magnetogram: 4 files were skipped"):
        FitsFolder(tmp_path)


def test_a_larger_file_of_another_segment_is_never_used(tmp_path):
    draw_fits(tmp_path / RECNUM.format("magnetogram"))
    draw_fits(tmp_path / RECNUM.format("Bt_err"), drawn_field(400, 600), compress=False)
    source = FitsFolder(tmp_path)
    assert source.frame("377", source.times("377")[0]).shape == (4, 6)
    (skipped,) = source.skipped()
    assert "holds the segment 'Bt_err', not the line-of-sight magnetogram" in skipped.reason


def test_a_file_that_names_its_segment_is_used_before_a_larger_one_that_does_not(tmp_path):
    used = draw_fits(tmp_path / "x.magnetogram.fits")
    other = draw_fits(tmp_path / "y.fits", drawn_field(40, 60), compress=False)
    smaller, larger = used.stat().st_size, other.stat().st_size
    source = FitsFolder(tmp_path)
    assert source.frame("377", source.times("377")[0]).shape == (4, 6)
    (reason,) = reasons(source).values()
    assert reason.startswith("y.fits is the same record as x.magnetogram.fits, which is used")
    assert reason.endswith(f"the files are not the same ({larger} and {smaller} bytes).")


def test_the_file_of_jsoc_is_used_before_a_changed_copy_of_its_record(tmp_path):
    name = "hmi.sharp_cea_720s.377.20110213_050000_TAI.magnetogram.fits"
    draw_fits(tmp_path / name)
    draw_fits(tmp_path / "smoothed.magnetogram.fits", drawn_field(40, 60), compress=False)
    source = FitsFolder(tmp_path)
    assert source.frame("377", source.times("377")[0]).shape == (4, 6)
    assert "the files are not the same" in reasons(source)["smoothed.magnetogram.fits"]


def test_a_file_with_a_checksum_is_used_before_a_larger_one_without(tmp_path):
    summed = draw_fits(tmp_path / "a.fits")
    with fits.open(summed) as hdus:
        hdus.writeto(tmp_path / "c.fits", checksum=True)
    summed.unlink()
    draw_fits(tmp_path / "b.fits", drawn_field(40, 60), compress=False)
    source = FitsFolder(tmp_path)
    assert list(reasons(source)) == ["b.fits"]


def test_record_number_names_of_the_near_real_time_series_are_its_own(tmp_path):
    draw_fits(tmp_path / "hmi.sharp_cea_720s_nrt.600123.magnetogram.fits")
    draw_fits(tmp_path / "renamed.fits", T_REC=at(6), QLOOK=1)
    (region,) = FitsFolder(tmp_path).regions()
    assert (region.id, region.n_records) == ("NRT-377", 2)


def test_a_speck_between_patches_is_left_out(tmp_path):
    for hour in range(1, 8):
        field = drawn_field(40, 60) if hour != 7 else drawn_field(2, 2)
        draw_fits(tmp_path / f"{hour}.fits", field, T_REC=at(hour))
    source = FitsFolder(tmp_path)
    assert len(source.times("377")) == 6
    assert "7.fits is a patch of 4 pixels between patches of 2400" in reasons(source)["7.fits"]


def test_a_box_that_grows_is_no_speck(tmp_path):
    for hour, size in enumerate([10, 16, 28, 44, 70, 100], start=1):
        draw_fits(tmp_path / f"{hour}.fits", drawn_field(size, size), T_REC=at(hour))
    assert FitsFolder(tmp_path).skipped() == ()


# Archives


def pack(folder: Path, archive: Path) -> Path:
    if archive.suffix == ".zip":
        with zipfile.ZipFile(archive, "w") as made:
            for path in sorted(folder.rglob("*.fits")):
                made.write(path, path.relative_to(folder))
    else:
        with tarfile.open(archive, "w:gz" if archive.suffix == ".gz" else "w") as made:
            made.add(folder, "export")
    return archive


@pytest.mark.parametrize("name", ["x.tar", "x.tar.gz", "x.zip"])
def test_an_archive_is_a_source_and_may_lie_in_a_folder(tmp_path, name):
    draw_export(tmp_path / "e")
    (tmp_path / "folder").mkdir()
    archive = pack(tmp_path / "e", tmp_path / "folder" / name)
    draw_export(tmp_path / "folder", range(8, 10))
    for spec, hours in ((f"fits:{archive}", 3), (f"fits:{archive.parent}", 5)):
        source = open_source(spec)
        assert source.spec == spec
        assert source.regions()[0].n_records == hours
        assert source.skipped() == ()
        frame = source.frame("377", source.times("377")[0])
        np.testing.assert_allclose(frame.field, drawn_field() + 5, atol=1e-4)
        assert frame.origin.startswith(str(archive))
    archive.unlink()
    assert open_source(f"fits:{archive.parent}").regions()[0].n_records == 2


def test_messages_name_the_file_in_the_archive(tmp_path):
    draw_export(tmp_path / "e")
    (tmp_path / "e" / "06.fits").write_bytes(b"SIMPLE  =")
    source = open_source(f"fits:{pack(tmp_path / 'e', tmp_path / 'x.tar')}")
    (skipped,) = source.skipped()
    assert skipped.path == "export/06.fits"
    assert skipped.reason.startswith(f"{tmp_path / 'x.tar' / 'export' / '06.fits'} ")


def test_a_damaged_archive_is_listed_and_alone_refused(tmp_path):
    draw_export(tmp_path)
    (tmp_path / "x.tar.gz").write_bytes(b"\x1f\x8bxx")
    shutil.copy(tmp_path / "05.fits", tmp_path / "inner.fits")
    (tmp_path / "y.tar").write_bytes(b"")
    assert sorted(reasons(FitsFolder(tmp_path))) == ["05.fits", "x.tar.gz", "y.tar"]
    with pytest.raises(ArchiveError, match=r"x\.tar\.gz is no tar or zip"):
        open_source(f"fits:{tmp_path / 'x.tar.gz'}")


def test_an_archive_in_an_archive_is_not_unpacked(tmp_path):
    draw_export(tmp_path / "e")
    pack(tmp_path / "e", tmp_path / "inner.tar").rename(tmp_path / "e" / "inner.tar")
    source = open_source(f"fits:{pack(tmp_path / 'e', tmp_path / 'outer.tar')}")
    assert source.regions()[0].n_records == 3
    assert "archive in an archive" in reasons(source)["export/inner.tar"]


# Tables of keywords


def query(hours: range = range(5, 8), **columns: object) -> pd.DataFrame:
    table = pd.DataFrame({**CARDS, "T_REC": [at(hour) for hour in hours]})
    table["QUALITY"] = "0x00000000"
    table["magnetogram"] = [f"/SUM{h}/D17584887{h:02}/S00000/magnetogram.fits" for h in hours]
    return table.assign(**columns)


def draw_as_is(folder: Path, hours: range = range(5, 8)) -> None:
    for hour in hours:
        place = folder / f"SUM{hour}" / f"D17584887{hour:02}" / "S00000"
        write_hdu(place / "magnetogram.fits", drawn_field() + hour, Header())


def as_csv(table: pd.DataFrame, folder: Path) -> Path:
    table.to_csv(folder / "keys.csv")
    return folder / "keys.csv"


def as_json(table: pd.DataFrame, folder: Path) -> Path:
    keywords = [
        {"name": name, "values": [str(value) for value in table[name]]}
        for name in table.columns.drop("magnetogram")
    ]
    segments = [{"name": "magnetogram", "values": list(table["magnetogram"]), "dims": []}]
    answer = {"keywords": keywords, "segments": segments, "count": len(table), "status": 0}
    (folder / "info.json").write_text(json.dumps(answer))
    return folder / "info.json"


def as_rows(table: pd.DataFrame, folder: Path) -> Path:
    table.to_json(folder / "rows.json", orient="records")
    return folder / "rows.json"


@pytest.mark.parametrize("write", [as_csv, as_json, as_rows])
def test_as_is_files_get_the_keywords_of_the_table_with_their_paths(tmp_path, write):
    draw_as_is(tmp_path)
    with pytest.raises(EmptySourceError, match="lay the table of its query"):
        FitsFolder(tmp_path)
    table = write(query(), tmp_path)
    source = FitsFolder(tmp_path)
    (region,) = source.regions()
    assert (region.id, region.noaa, region.n_records) == ("377", (11158,), 3)
    assert source.skipped() == ()
    frame = source.frame("377", Time("2011-02-13T06:00:00", scale="tai"))
    np.testing.assert_allclose(frame.field, drawn_field() + 6, atol=1e-4)
    assert frame.header["CRVAL1"] == CARDS["CRVAL1"]
    assert frame.longitude.value == CARDS["LON_FWT"]
    FitsFolder(tmp_path)  # by the index
    table.unlink()
    with pytest.raises(EmptySourceError, match="lay the table of its query"):
        FitsFolder(tmp_path)


@pytest.mark.parametrize(
    "spoilt", [lambda text: text[:-40], lambda text: text.replace("377", "", 1)]
)
def test_a_broken_table_is_named_where_files_need_it(tmp_path, spoilt):
    draw_as_is(tmp_path)
    table = as_json(query(), tmp_path)
    table.write_text(spoilt(table.read_text().replace('"377", ', "", 1)))
    with pytest.raises(EmptySourceError, match=r"info\.json is no table of keywords"):
        FitsFolder(tmp_path)


def test_the_path_of_another_segment_is_not_that_of_the_magnetogram(tmp_path):
    draw_as_is(tmp_path)
    as_csv(query().rename(columns={"magnetogram": "Br"}), tmp_path)
    with pytest.raises(EmptySourceError, match="lay the table of its query"):
        FitsFolder(tmp_path)


def test_a_table_without_paths_serves_files_with_the_names_of_jsoc(tmp_path):
    name = "hmi.sharp_cea_720s.377.20110213_050000_TAI.magnetogram.fits"
    write_hdu(tmp_path / name, drawn_field(), Header())
    source = FitsFolder(tmp_path)
    assert np.isnan(source.frame("377", source.times("377")[0]).longitude.value)
    as_csv(query().drop(columns="magnetogram"), tmp_path)
    source = FitsFolder(tmp_path)
    assert source.regions()[0].noaa == (11158,)
    assert source.frame("377", source.times("377")[0]).longitude.value == CARDS["LON_FWT"]


def test_a_file_with_keywords_keeps_its_own(tmp_path):
    place = tmp_path / "SUM5" / "D1758488705" / "S00000"
    draw_fits(place / "magnetogram.fits", NOAA_AR=0, NOAA_ARS="MISSING")
    as_csv(query(), tmp_path)
    assert FitsFolder(tmp_path).regions()[0].noaa == ()


def test_records_of_a_table_are_judged_as_headers_are(tmp_path):
    draw_as_is(tmp_path)
    as_csv(query(CDELT1=[0.03, 0.06, 0.03], HARPNUM=[377, 377, 0]), tmp_path)
    source = FitsFolder(tmp_path)
    assert source.regions()[0].n_records == 1
    found = [reason for path, reason in sorted(reasons(source).items())]
    assert "CDELT1 is 0.06°" in found[0]
    assert "lay the table of its query" in found[1]


def test_tables_that_contradict_each_other_are_not_believed(tmp_path):
    draw_as_is(tmp_path)
    as_csv(query(), tmp_path)
    as_json(query(HARPNUM=378), tmp_path)
    with pytest.raises(EmptySourceError, match="of two records by the tables of keywords"):
        FitsFolder(tmp_path)


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[1, 2]", b"3", b"a,b\n1,2\n", b"\xff\xfe\x00", b'{"keywords": 3}']
)
@pytest.mark.parametrize("name", ["x.csv", "x.json"])
def test_what_is_no_table_of_keywords_is_listed(tmp_path, content, name):
    draw_export(tmp_path)
    (tmp_path / name).write_bytes(content)
    assert f"{name} is no table of keywords: " in reasons(FitsFolder(tmp_path))[name]


# What is no file, and names that are no text


def test_pipes_and_names_that_are_not_utf8_are_listed(tmp_path):
    draw_export(tmp_path)
    os.mkfifo(tmp_path / "pipe.fits")
    shutil.copy(tmp_path / "05.fits", tmp_path / os.fsdecode(b"b\xff.fits"))
    (tmp_path / os.fsdecode(b"d\xff")).mkdir()
    listed = reasons(FitsFolder(tmp_path))
    assert sorted(listed) == ["b\\xff.fits", "d\\xff", "pipe.fits"]
    assert "is a pipe" in listed["pipe.fits"]
    assert "not UTF-8" in listed["b\\xff.fits"]
    json.dumps(list(listed.items())).encode()
    with pytest.raises(UnknownSourceError, match=r"d\\xff is not UTF-8"):
        FitsFolder(tmp_path / os.fsdecode(b"d\xff"))
    for name in ("a" * 5000, "a\0b", "a\nb"):
        with pytest.raises(UnknownSourceError, match=r"cannot be read|control characters"):
            FitsFolder(tmp_path / name)


# A large archive


@pytest.mark.slow
def test_helpers_read_what_one_process_reads_and_progress_is_told(tmp_path, hnn_home, monkeypatch):
    raw = draw_fits(tmp_path / "x.fits").read_bytes()
    (tmp_path / "x.fits").unlink()
    for number in range(300):
        stamp = f"2011.02.{number // 24 + 1:02}_{number % 24:02}:00:00_TAI".encode()
        content = raw.replace(b"2011.02.13_05:00:00_TAI", stamp)
        (tmp_path / f"{number}.fits").write_bytes(content if number % 50 else b"bad")
    alone = read_index(tmp_path, workers=1)
    shutil.rmtree(hnn_home / "index")
    monkeypatch.setattr(header_rows, "_MANY", 100)
    told: list[tuple[int, int]] = []
    together = read_index(tmp_path, lambda done, total: told.append((done, total)), workers=3)
    assert together.rows == alone.rows
    assert sum(bool(row.problem) for row in alone.rows) == 6
    assert told[-1] == (300, 300)
    assert told == sorted(told)
    told.clear()
    read_index(tmp_path, lambda done, total: told.append((done, total)))
    assert told == []  # all of it is in the index


def test_helpers_that_die_leave_their_work_to_this_process(tmp_path, monkeypatch):
    draw_export(tmp_path, range(1, 20))
    monkeypatch.setattr(header_rows, "_MANY", 1)
    monkeypatch.setattr(header_rows, "_CHUNK", 2)
    monkeypatch.setattr(header_rows.sys, "executable", shutil.which("false"))
    assert len(read_index(tmp_path, workers=3).rows) == 19
