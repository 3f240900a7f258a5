"""What was downloaded as a source of magnetograms."""

import pytest

from hnn_core.catalogs.refresh import refresh_cmes, refresh_flares
from hnn_core.exceptions import EmptySourceError, UnknownSourceError
from hnn_core.live.newest import newest
from hnn_core.live.words import read_day
from hnn_core.services.endpoints import live_home
from hnn_core.sources import open_source
from hnn_core.tai import iso_minute
from tests.jsoc_fetching import HOURS, emulator, fetch

__all__ = ["emulator"]

MONTH = (read_day("2011-02-01"), read_day("2011-02-28"))


@pytest.mark.parametrize(("spec", "words"), [("jsoc:", "--noaa 11158"), ("jsoc:nrt", "--now")])
def test_nothing_fetched_yet_says_how_to_fetch(spec, words):
    with pytest.raises(EmptySourceError, match=words):
        open_source(spec)


@pytest.mark.parametrize("spec", ["jsoc:definitive", "jsoc:M", "jsoc:M:2011-01-01"])
def test_other_words_are_no_source(spec):
    with pytest.raises((UnknownSourceError, Exception), match=spec):
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


def test_a_damaged_catalogue_does_not_hide_the_magnetograms(emulator):
    fetch()
    refresh_flares(*MONTH)
    folder = live_home() / "catalogs"
    for path in (*folder.glob("*.parquet"), *folder.glob("raw/*/*")):
        path.write_bytes(b"damaged")
    source = open_source("jsoc:")
    assert source.regions()[0].n_records == len(HOURS)


def test_what_comes_is_noticed(emulator):
    assert newest("jsoc:") == 0
    fetch()
    before = newest("jsoc:"), newest("jsoc:", "SIM-377")
    assert before[0] >= before[1] > 0
    fetch(None, None)
    after = newest("jsoc:"), newest("jsoc:", "SIM-377")
    assert all(new > old for new, old in zip(after, before, strict=True))
    assert newest("sim:") == newest("jsoc:nrt") == 0
