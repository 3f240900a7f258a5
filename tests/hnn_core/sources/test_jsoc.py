"""What was downloaded as a source of magnetograms."""

import shutil
from datetime import timedelta

import numpy as np
import pytest

from hnn_core.catalogs.queries import find_flares
from hnn_core.catalogs.refresh import refresh_cmes, refresh_flares, refresh_harp_noaa
from hnn_core.catalogs.store import Catalog
from hnn_core.exceptions import EmptySourceError, RequestError, UnknownSourceError
from hnn_core.jsoc.files import cached, region_folder
from hnn_core.jsoc.keywords import DEFINITIVE, NEAR_REAL_TIME
from hnn_core.magnetogram.conventions import iso_minute
from hnn_core.magnetogram.magnetogram import read_fits
from hnn_core.regions.words import read_day
from hnn_core.services.endpoints import live_home
from hnn_core.sources import open_source
from hnn_core.sources.jsoc import newest
from tests.emulators import emulated, small_world
from tests.emulators.world import GoesFlare
from tests.support.jsoc_fetching import HOURS, NOON, NOW, emulator, fetch

pytestmark = pytest.mark.slow

__all__ = ["emulator"]

MONTH = (read_day("2011-02-01"), read_day("2011-02-28"))


@pytest.mark.parametrize(("spec", "words"), [("jsoc:", "--noaa 11158"), ("jsoc:nrt", "--now")])
def test_nothing_fetched_yet_says_how_to_fetch(spec, words):
    with pytest.raises(EmptySourceError, match=words):
        open_source(spec)


@pytest.mark.parametrize(
    ("spec", "error", "words"),
    [
        ("jsoc:definitive", UnknownSourceError, "'jsoc:definitive' is not a source; write jsoc:,"),
        ("jsoc:M", UnknownSourceError, "'jsoc:M' is not a source; write jsoc:, jsoc:nrt or"),
        ("jsoc:M:2011-01-01", RequestError, "'jsoc:M:2011-01-01' is no planned data set"),
        ("jsoc:M:2011-01-01:2011-01-02:²", RequestError, "is no planned data set"),
        ("jsoc:M:2011-01-01:2011-01-02:" + "9" * 5000, RequestError, "is no planned data set"),
        ("jsoc:" + ":" * 99, RequestError, "is no planned data set"),
    ],
)
def test_other_words_are_no_source(spec, error, words):
    with pytest.raises(error, match=words):
        open_source(spec)


def test_regions_have_their_hours_and_the_catalogues_flares_with_cmes(emulator):
    fetch()
    source = open_source("jsoc:")
    (region,) = source.regions()
    assert [iso_minute(time) for time in source.times(region.id)] == HOURS
    assert (source.spec, region.harp, region.noaa, region.flares) == ("jsoc:", 377, (11158,), ())
    refresh_flares(*MONTH)
    refresh_cmes(*MONTH)
    (region,) = open_source("jsoc:").regions()
    by_class = {flare.goes_class: flare for flare in region.flares}
    assert by_class["X2.2"].association == "eruptive"
    assert [cme.speed for cme in by_class["X2.2"].cmes] == [700.0]
    assert "linked" not in {flare.association for flare in region.flares}
    assert "no CME linked" in by_class["C3.4"].reason


def test_each_series_has_a_source_of_its_own_and_flares_by_its_noaa_numbers(emulator):
    fetch()
    fetch(None, NOON, series=NEAR_REAL_TIME, harp=14011)
    refresh_flares(read_day("2026-09-01"), read_day("2026-09-06"))
    (definitive,), (new,) = open_source("jsoc:").regions(), open_source("jsoc:nrt").regions()
    assert (definitive.harp, definitive.noaa) == (377, (11158,))
    assert (new.harp, new.noaa) == (14011, (14600,))
    assert new.id != definitive.id
    assert [flare.goes_class for flare in new.flares] == ["C4.4"]
    assert definitive.flares == ()


def test_a_flare_of_a_definitive_harp_is_not_one_of_the_new_region_of_the_same_number(monkeypatch):
    here = small_world(1, now=NOW, n_nrt=1)
    peak = NOW - timedelta(hours=20)
    here.harp_noaa.append((14011, (14999,)))
    here.flares.append(GoesFlare(peak, 5.5e-5, 60.0, 25.0, 14999))
    with emulated(here) as running:
        for name, value in running.environment.items():
            monkeypatch.setenv(name, value)
        fetch(None, None, series=NEAR_REAL_TIME, harp=14011)
        refresh_harp_noaa()
        refresh_flares(read_day("2026-09-01"), read_day("2026-09-06"))
        listed = find_flares(Catalog.open(), minimum_class="M1")
        assert listed[["noaa", "harp"]].values.tolist() == [[14999, 14011]]
        (region,) = open_source("jsoc:nrt").regions()
    assert (region.harp, region.noaa) == (14011, (14600,))
    assert [flare.goes_class for flare in region.flares] == ["C4.4"]


def test_pixels_are_those_that_were_fetched_and_a_fetch_under_way_is_not_seen(emulator):
    fetch()
    folder = region_folder(DEFINITIVE, 377)
    path = cached(DEFINITIVE, 377)[2]
    (folder / f"{path.name}.as-is.part").write_bytes(path.read_bytes()[:5000])
    source = open_source("jsoc:")
    assert source.regions()[0].n_records == len(HOURS)
    assert source.skipped() == ()
    time = source.times(source.regions()[0].id)[2]
    frame = source.frame(source.regions()[0].id, time)
    np.testing.assert_array_equal(frame.field, read_fits(path).field)
    assert np.nanmax(np.abs(frame.field)) > 100


def test_a_damaged_catalogue_is_told_and_does_not_hide_the_magnetograms(emulator):
    fetch()
    refresh_flares(*MONTH)
    folder = live_home() / "catalogs"
    for path in folder.glob("*.parquet"):
        path.write_bytes(b"damaged")
    shutil.rmtree(folder / "raw")  # from which the tables are derived again
    source = open_source("jsoc:")
    (region,) = source.regions()
    assert (region.n_records, region.flares) == (len(HOURS), ())
    (note,) = source.skipped()
    assert note.path == "catalogs"
    assert "damaged" in note.reason


def test_what_comes_is_noticed(emulator):
    assert newest("jsoc:") == 0
    fetch()
    before = newest("jsoc:"), newest("jsoc:", "SIM-377")
    assert before[0] >= before[1] > 0
    fetch(None, None)
    after = newest("jsoc:"), newest("jsoc:", "SIM-377")
    assert all(new > old for new, old in zip(after, before, strict=True))
    assert newest("sim:") == newest("jsoc:nrt") == 0
