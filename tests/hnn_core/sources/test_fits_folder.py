import gzip
import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from astropy.time import Time

from hnn_core.exceptions import (
    EmptySourceError,
    FitsError,
    TruncatedFitsError,
    UnknownRegionError,
    UnknownSourceError,
    UnknownTimeError,
)
from hnn_core.regions.well_known import WELL_KNOWN
from hnn_core.sources import find_region, header_rows, open_source
from hnn_core.sources.fits_folder import FitsFolder
from tests.support.drawn_sharp import draw_fits, drawn_field

AS_IS = "hmi.sharp_cea_720s.377.20110213_050000_TAI.magnetogram.fits"


def draw_hours(folder: Path, hours: range = range(5, 8), **cards: object) -> list[Path]:
    harp = cards.get("HARPNUM", 377)
    return [
        draw_fits(
            folder / f"{harp}.{hour:02}.fits", T_REC=f"2011.02.13_{hour:02}:00:00_TAI", **cards
        )
        for hour in hours
    ]


def at(hour: int, minute: int = 0) -> Time:
    return Time(f"2011-02-13T{hour:02}:{minute:02}:00", scale="tai")


# The real folder


def test_real_folder_is_one_region_of_fifty_hours(harp377):
    source = open_source(f"fits:{harp377}")
    (region,) = source.regions()
    assert (region.id, region.harp, region.noaa, region.n_records) == ("377", 377, (11158,), 50)
    assert region.first.isot == "2011-02-13T05:00:00.000"
    assert region.last.isot == "2011-02-15T06:00:00.000"
    assert all(".png are not FITS files" in file.reason for file in source.skipped())  # masks
    quality = source.quality("377")
    assert quality.dtype == np.uint32
    flagged = source.times("377")[quality != 0].isot.tolist()
    assert [time[11:13] for time in flagged] == ["06", "18", "06", "18", "06"]
    assert set(quality[quality != 0].tolist()) == {0x10400}
    frame = source.frame("377", source.times("377")[20])
    assert frame.t_rec == source.times("377")[20]
    assert find_region(source, "AR 11158") == region


def test_all_real_data_together_list_what_is_no_magnetogram(harp377):
    source = FitsFolder(harp377.parent)
    assert "377" in {region.id for region in source.regions()}
    assert {Path(file.path).parts[0] for file in source.skipped()} >= {"wrong_instrument"}


# What is found


def test_any_depth_and_ending_and_any_mix_of_regions(tmp_path):
    draw_hours(tmp_path)
    draw_hours(tmp_path / "a" / "b", HARPNUM=401, NOAA_AR=11166, NOAA_ARS="11166,11169")
    draw_fits(tmp_path / "c" / "one.fit", T_REC="2011.02.13_09:00:00_TAI")
    zipped = draw_fits(tmp_path / "c" / "two.fits", T_REC="2011.02.13_10:00:00_TAI")
    (tmp_path / "c" / "two.fits.gz").write_bytes(gzip.compress(zipped.read_bytes()))
    zipped.unlink()
    draw_hours(tmp_path / ".hidden", HARPNUM=500)
    draw_fits(tmp_path / "._mac.fits", HARPNUM=501)
    shutil.copy(draw_fits(tmp_path / "d" / "x.fits", HARPNUM=502), tmp_path / "x.fits.part")
    (tmp_path / "d" / "x.fits").unlink()
    (tmp_path / "notes.txt").write_text("not FITS")
    source = FitsFolder(tmp_path)
    assert [(region.id, region.n_records) for region in source.regions()] == [
        ("377", 5),
        ("401", 3),
    ]
    assert source.regions()[1].noaa == (11166, 11169)
    assert [file.reason for file in source.skipped()] == ["notes.txt is not a FITS file."]
    assert source.times("377").isot[-1] == "2011-02-13T10:00:00.000"
    assert source.frame("377", at(10)).harp == 377


def test_times_ascend_whatever_the_names(tmp_path):
    for name, hour in (("z", 3), ("a", 9), ("m", 6)):
        draw_fits(tmp_path / f"{name}.fits", T_REC=f"2011.02.13_{hour:02}:00:00_TAI", QUALITY=hour)
    source = FitsFolder(tmp_path)
    assert [time[11:13] for time in source.times("377").isot] == ["03", "06", "09"]
    assert source.quality("377").tolist() == [3, 6, 9]
    assert source.frame("377", at(6)).quality == 6


def test_noaa_numbers_are_the_union_over_records(tmp_path):
    draw_hours(tmp_path, range(1, 2), NOAA_AR=0, NOAA_ARS="MISSING")
    draw_hours(tmp_path, range(2, 3), NOAA_AR=11158, NOAA_ARS="11158")
    draw_hours(tmp_path, range(3, 4), NOAA_AR=11158, NOAA_ARS="11158,11160")
    assert FitsFolder(tmp_path).regions()[0].noaa == (11158, 11160)


def test_near_real_time_harps_are_other_regions(tmp_path):
    draw_hours(tmp_path)
    for hour in (5, 6):
        name = f"hmi.sharp_cea_720s_nrt.377.20110213_{hour:02}0000_TAI.magnetogram.fits"
        draw_fits(
            tmp_path / name,
            T_REC=f"2011.02.13_{hour:02}:00:00_TAI",
            NOAA_AR=11160,
            NOAA_ARS="11160",
        )
    source = FitsFolder(tmp_path)
    assert [(region.id, region.harp, region.n_records) for region in source.regions()] == [
        ("377", 377, 3),
        ("NRT-377", 377, 2),
    ]
    assert source.skipped() == ()
    assert find_region(source, "nrt-377").id == "NRT-377"
    assert find_region(source, "377").id == "377"


def test_simulated_regions_are_named_so_and_never_merged(tmp_path):
    draw_hours(tmp_path)
    draw_hours(tmp_path / "sim", HARPNUM=900001, SIMULATD=True, NOAA_AR=0, NOAA_ARS="MISSING")
    draw_hours(tmp_path / "odd", SIMULATD=True)
    source = FitsFolder(tmp_path)
    assert [(region.id, region.simulated) for region in source.regions()] == [
        ("377", False),
        ("SIM-377", True),
        ("SIM 1", True),
    ]
    assert not source.simulated
    assert find_region(source, "sim1").harp == 900001
    assert FitsFolder(tmp_path / "sim").simulated


def test_duplicate_records_keep_the_largest_then_the_newest(tmp_path):
    small = draw_fits(tmp_path / "a.fits")
    large = draw_fits(tmp_path / "b.fits", drawn_field(40, 60), compress=False)
    source = FitsFolder(tmp_path)
    assert source.frame("377", at(5)).shape == (40, 60)
    (skipped,) = source.skipped()
    assert skipped.path == "a.fits"
    assert "same record as b.fits" in skipped.reason
    twin = tmp_path / "0.fits"
    shutil.copy(large, twin)
    os.utime(large, ns=(10**9, 10**9))
    os.utime(twin, ns=(2 * 10**9, 2 * 10**9))
    assert small.exists()
    assert {file.path for file in FitsFolder(tmp_path).skipped()} == {"a.fits", "b.fits"}


# Bad files


def test_one_bad_file_never_hides_the_good_ones(tmp_path):
    draw_hours(tmp_path)
    (tmp_path / "empty.fits").write_bytes(b"")
    (tmp_path / "page.fits").write_text("<html>Service unavailable</html>")
    draw_fits(tmp_path / "nokeys.fits", HARPNUM=None)
    draw_fits(tmp_path / "ccd.fits", CTYPE1="HPLN-TAN", CTYPE2="HPLT-TAN")
    draw_fits(tmp_path / AS_IS.replace("magnetogram", "continuum"), BUNIT="DN/s")
    draw_fits(tmp_path / "made.fits", INTERPOL=True, T_REC="2011.02.13_09:00:00_TAI")
    (tmp_path / "dangling.fits").symlink_to(tmp_path / "nowhere")
    source = FitsFolder(tmp_path)
    assert source.regions()[0].n_records == 3
    reasons = {file.path: file.reason for file in source.skipped()}
    assert sorted(reasons) == [
        "ccd.fits",
        "dangling.fits",
        "empty.fits",
        AS_IS.replace("magnetogram", "continuum"),
        "made.fits",
        "nokeys.fits",
        "page.fits",
    ]
    assert "180 degrees" in reasons["ccd.fits"]
    assert "'continuum'" in reasons[AS_IS.replace("magnetogram", "continuum")]
    assert "HARPNUM" in reasons["nokeys.fits"]
    assert "interpolation" in reasons["made.fits"]


def test_truncated_file_is_listed_keeps_its_hour_and_raises_on_reading(tmp_path):
    paths = draw_hours(tmp_path)
    paths[1].write_bytes(paths[1].read_bytes()[:-2880])
    source = FitsFolder(tmp_path)
    assert len(source.times("377")) == 3
    assert [file.path for file in source.skipped()] == [paths[1].name]
    with pytest.raises(TruncatedFitsError, match=r"377\.06\.fits"):
        source.frame("377", at(6))
    assert source.frame("377", at(7)).t_rec == at(7)
    assert len(source.skipped()) == 1


def test_file_that_breaks_after_indexing_raises_and_is_listed(tmp_path):
    paths = draw_hours(tmp_path)
    source = FitsFolder(tmp_path)
    paths[0].write_bytes(b"SIMPLE  =")
    paths[1].unlink()
    with pytest.raises(TruncatedFitsError, match=r"377\.05\.fits"):
        source.frame("377", at(5))
    with pytest.raises(FitsError, match="cannot be opened"):
        source.frame("377", at(6))
    assert [file.path for file in source.skipped()] == ["377.05.fits", "377.06.fits"]


@pytest.mark.parametrize("content", [None, b"", b"garbage"])
def test_folder_without_magnetogram_is_empty_with_a_reason(tmp_path, content):
    words = "no FITS file"
    if content is not None:
        (tmp_path / "one.fits").write_bytes(content)
        (tmp_path / "two.fits").write_bytes(content)
        words = r"2 files were skipped.*one\.fits is empty"
    with pytest.raises(EmptySourceError, match=words) as caught:
        FitsFolder(tmp_path)
    assert str(tmp_path) in str(caught.value)


@pytest.mark.parametrize("spec", ["", "fits", "fits:", "ftp:there", "/data", "simulated:"])
def test_unknown_specifications_name_the_known_ones(spec):
    with pytest.raises(UnknownSourceError, match="fits:FOLDER"):
        open_source(spec)


@pytest.mark.parametrize("spec", ["sim:", "sim:7"])
def test_simulated_source_opens_again_by_its_own_spec(spec):
    source = open_source(spec)
    assert source.simulated
    assert source.spec == spec
    assert find_region(source, "sim 2").harp == 900002


@pytest.mark.parametrize("spec", ["sim:x", "sim:-1", "sim:1.5", "sim:²"])
def test_seeds_that_are_no_whole_number_are_refused(spec):
    with pytest.raises(UnknownSourceError, match="sim:SEED"):
        open_source(spec)


def test_absent_folder_and_file_as_folder_are_named(tmp_path):
    with pytest.raises(UnknownSourceError, match="absent"):
        open_source(f"fits:{tmp_path / 'absent'}")
    path = draw_fits(tmp_path / "a.fits")
    with pytest.raises(UnknownSourceError, match=r"a\.fits"):
        open_source(f"fits:{path}")


def test_unreadable_folder_is_named(tmp_path, monkeypatch):
    draw_hours(tmp_path)

    def refused(folder):
        raise PermissionError(13, "Permission denied", str(folder))

    monkeypatch.setattr(os, "scandir", refused)
    with pytest.raises(UnknownSourceError, match="cannot be read: Permission denied"):
        FitsFolder(tmp_path)


def test_unreadable_folder_within_is_listed(tmp_path, monkeypatch):
    draw_hours(tmp_path)
    draw_hours(tmp_path / "closed", HARPNUM=401)
    scandir = os.scandir

    def refused(folder):
        if str(folder).endswith("closed"):
            raise PermissionError(13, "Permission denied", str(folder))
        return scandir(folder)

    monkeypatch.setattr(os, "scandir", refused)
    source = FitsFolder(tmp_path)
    assert [region.id for region in source.regions()] == ["377"]
    assert [file.path for file in source.skipped()] == ["closed"]
    assert "Permission denied" in source.skipped()[0].reason


def test_unknown_region_and_time_say_what_there_is(tmp_path):
    draw_hours(tmp_path)
    source = FitsFolder(tmp_path)
    for ask in (source.times, source.quality, lambda region: source.frame(region, at(5))):
        with pytest.raises(UnknownRegionError, match=r"'378'.*377"):
            ask("378")
    with pytest.raises(UnknownTimeError, match=r"05:30.*nearest is 2011-02-13T05:00"):
        source.frame("377", at(5, 30))


def test_links_in_circles_are_followed_once(tmp_path):
    draw_hours(tmp_path / "a")
    (tmp_path / "a" / "loop").symlink_to(tmp_path, target_is_directory=True)
    source = FitsFolder(tmp_path)
    assert source.regions()[0].n_records == 3
    assert source.skipped() == ()


# The index


@pytest.fixture
def headers_read(monkeypatch) -> list[str]:
    """Names of the files whose headers are read."""
    names = []
    read = header_rows.read_header

    def counted(path, **options):
        names.append(Path(path).name)
        return read(path, **options)

    monkeypatch.setattr(header_rows, "read_header", counted)
    return names


def test_index_is_kept_again_only_after_a_change(tmp_path, hnn_home):
    paths = draw_hours(tmp_path)
    FitsFolder(tmp_path)
    (index,) = (hnn_home / "index").iterdir()
    os.utime(index, ns=(1, 1))
    FitsFolder(tmp_path)
    assert index.stat().st_mtime_ns == 1
    paths[0].unlink()
    FitsFolder(tmp_path)
    rows = json.loads(index.read_text())["rows"]
    assert [row["path"] for row in rows] == [path.name for path in paths[1:]]


def test_headers_are_read_once_and_again_only_where_files_changed(tmp_path, headers_read):
    paths = draw_hours(tmp_path)
    (tmp_path / "bad.fits").write_bytes(b"bad")
    FitsFolder(tmp_path)
    assert sorted(headers_read) == ["377.05.fits", "377.06.fits", "377.07.fits", "bad.fits"]
    headers_read.clear()
    assert [file.path for file in FitsFolder(tmp_path).skipped()] == ["bad.fits"]
    assert headers_read == []

    draw_fits(paths[0], T_REC="2011.02.13_05:00:00_TAI", QUALITY=0x10400, EXTRA=1)
    os.utime(paths[0], ns=(1, 1))
    draw_hours(tmp_path, range(8, 9))
    paths[1].unlink()
    source = FitsFolder(tmp_path)
    assert sorted(headers_read) == ["377.05.fits", "377.08.fits"]
    assert [time[11:13] for time in source.times("377").isot] == ["05", "07", "08"]
    assert source.quality("377").tolist() == [0x10400, 0, 0]

    headers_read.clear()
    paths[2].unlink()
    assert len(FitsFolder(tmp_path).times("377")) == 2
    assert headers_read == []


def test_indexing_reads_no_pixels(tmp_path, monkeypatch):
    draw_hours(tmp_path)

    def forbidden(*args, **kwargs):
        raise AssertionError("pixels were read")

    monkeypatch.setattr("astropy.io.fits.open", forbidden)
    assert FitsFolder(tmp_path).regions()[0].n_records == 3


@pytest.mark.parametrize(
    "damage",
    [
        lambda _: "",
        lambda text: text[: len(text) // 2],
        lambda _: "[1, 2]",
        lambda text: json.dumps({**json.loads(text), "version": -1}),
        lambda text: text.replace('"harp"', '"hrap"'),
        lambda text: text.replace("[11158]", "11158"),
    ],
)
def test_damaged_index_is_made_anew(tmp_path, hnn_home, headers_read, damage):
    draw_hours(tmp_path)
    whole = FitsFolder(tmp_path).regions()
    (index,) = (hnn_home / "index").iterdir()
    kept = index.read_text()
    index.write_text(damage(kept))
    headers_read.clear()
    again = FitsFolder(tmp_path).regions()
    assert [region.id for region in again] == [region.id for region in whole]
    assert len(headers_read) == 3
    assert index.read_text() == kept


def test_index_that_cannot_be_kept_hides_nothing(tmp_path, hnn_home, monkeypatch):
    draw_hours(tmp_path)
    (hnn_home / "index").write_text("a file where the folder should be")
    assert FitsFolder(tmp_path).regions()[0].n_records == 3
    monkeypatch.setenv("HNN_HOME", str(hnn_home / "index" / "below a file"))
    assert FitsFolder(tmp_path).regions()[0].n_records == 3


# Flares


def test_flare_table_gives_regions_their_flares_and_lists_bad_rows(tmp_path):
    draw_hours(tmp_path)
    draw_hours(tmp_path, HARPNUM=401, NOAA_AR=0, NOAA_ARS="")
    (tmp_path / "flares.csv").write_text(
        "noaa,harp,goes_class,peak_utc,association\n"
        "11158,,X2.2,2011-02-15T01:56:00Z,eruptive\n"
        "1158,,m6.6,2011-02-13T17:38,\n"
        ",401,C1.0,2011-02-13 08:00,confined\n"
        "11999,,M1.0,2011-02-13T08:00,unknown\n"
        ",,M1.0,2011-02-13T08:00,unknown\n"
        "11158,,big,2011-02-13T08:00,unknown\n"
        "11158,,M1.0,soon,unknown\n"
        "11158,,M1.0,2011-02-13T08:00,maybe\n"
    )
    source = FitsFolder(tmp_path)
    first, second = source.regions()
    assert [(f.goes_class, f.peak.isot[:16], f.association, f.source) for f in first.flares] == [
        ("M6.6", "2011-02-13T17:38", "unlinked", f"flares.csv, {WELL_KNOWN}"),
        ("M2.2", "2011-02-14T17:26", "unlinked", WELL_KNOWN),
        ("X2.2", "2011-02-15T01:56", "eruptive", f"flares.csv, {WELL_KNOWN}"),
    ]
    assert [lookup.words for lookup in first.lookups] == ["flares.csv (2011-02-13 to 2011-02-15)"]
    assert first.flares[0].peak.scale == "utc"
    assert [(f.goes_class, f.association) for f in second.flares] == [
        ("C1.0", "confined"),
        ("X1.5", "unknown"),  # a well-known one of HARP 401
    ]
    assert {file.row > 0 for file in source.skipped()} == {True}
    reasons = [file.reason for file in source.skipped()]
    assert [reason.split(":")[0] for reason in reasons] == [
        f"flares.csv line {line}" for line in (6, 7, 8, 9)
    ]
    for reason, word in zip(reasons, ("noaa", "big", "soon", "maybe"), strict=True):
        assert word in reason


def test_harp_in_the_flare_table_means_the_definitive_one(tmp_path):
    draw_hours(tmp_path, NOAA_AR=0, NOAA_ARS="MISSING")
    name = "hmi.sharp_cea_720s_nrt.377.20110213_050000_TAI.magnetogram.fits"
    draw_fits(tmp_path / name, NOAA_AR=0, NOAA_ARS="MISSING")
    (tmp_path / "flares.csv").write_text("harp,goes_class,peak_utc\n377,X1,2011-02-13T08:00\n")
    flares = {region.id: len(region.flares) for region in FitsFolder(tmp_path).regions()}
    assert flares == {"377": 4, "NRT-377": 0}  # the well-known ones too


def test_unreadable_flare_table_is_listed(tmp_path):
    draw_hours(tmp_path)
    (tmp_path / "flares.csv").write_bytes(b"noaa\n\xff\xfe\xfa")
    source = FitsFolder(tmp_path)
    assert [(file.path, file.row) for file in source.skipped()] == [("flares.csv", 0)]
    (region,) = source.regions()
    assert {flare.source for flare in region.flares} == {WELL_KNOWN}
    assert region.lookups == ()


# Finding regions


@pytest.mark.parametrize(
    ("text", "region"),
    [
        ("377", "377"),
        (" 377 ", "377"),
        ("HARP 377", "377"),
        ("harp377", "377"),
        ("11158", "377"),
        ("AR 11158", "377"),
        ("ar11158", "377"),
        ("NOAA 11158", "377"),
        ("AR 1158", "377"),
        ("AR 11166", "11158"),
        ("HARP 11158", "11158"),
        ("SIM 1", "SIM 1"),
        ("sim 1", "SIM 1"),
    ],
)
def test_regions_are_found_by_what_people_type(tmp_path, text, region):
    draw_hours(tmp_path)
    draw_hours(tmp_path, HARPNUM=900001, NOAA_AR=0, NOAA_ARS="MISSING")
    if region == "11158":
        draw_hours(tmp_path, HARPNUM=11158, NOAA_AR=11166, NOAA_ARS="11166")
    assert find_region(FitsFolder(tmp_path), text).id == region


def test_an_id_is_itself_even_where_it_is_also_a_noaa_number(tmp_path):
    draw_hours(tmp_path)
    draw_hours(tmp_path, HARPNUM=11158, NOAA_AR=11166, NOAA_ARS="11166")
    source = FitsFolder(tmp_path)
    assert find_region(source, "11158").id == "11158"
    assert find_region(source, "AR 11158").id == "377"


@pytest.mark.parametrize("text", ["", "378", "HARP 11158", "AR 377", "SIM 2", "X2.2", "AR"])
def test_unknown_regions_are_refused_with_some_known_ones(tmp_path, text):
    draw_hours(tmp_path)
    with pytest.raises(UnknownRegionError, match="AR 11158 · HARP 377"):
        find_region(FitsFolder(tmp_path), text)


def test_several_harps_of_one_noaa_number_are_listed(tmp_path):
    draw_hours(tmp_path)
    draw_hours(tmp_path, HARPNUM=378)
    source = FitsFolder(tmp_path)
    with pytest.raises(UnknownRegionError, match=r"several regions: .*HARP 377, .*HARP 378"):
        find_region(source, "AR 11158")
    assert find_region(source, "HARP 378").id == "378"
