"""Records that are off line, keywords that no record has: seen before files are downloaded."""

import re

import pytest

from hnn_core.exceptions import NoRecordsError, RequestError, ServiceError
from hnn_core.jsoc.client import JsocClient
from hnn_core.jsoc.files import cache_home, cached
from hnn_core.jsoc.keywords import DEFINITIVE
from hnn_core.magnetogram.conventions import iso_minute, parse_t_rec, tai_seconds
from hnn_core.sources.fits_folder import FitsFolder
from hnn_core.sources.sequence import build_sequence
from tests.support.jsoc_fetching import (
    HARP,
    HOURS,
    ME,
    asked_files,
    emulator,
    fetch,
    files,
    undisturbed,
    undisturbed_export,
    whole,
)

pytestmark = pytest.mark.slow

__all__ = ["emulator", "undisturbed", "undisturbed_export"]

EIGHT = "2011-02-13T08:00"


def off_line(emulator, *clocks: str) -> None:
    emulator.jsoc.offline |= {
        f"hmi.sharp_cea_720s[377][2011.02.13_{clock}:00_TAI]" for clock in clocks
    }


def names() -> list[str]:
    return [path.name.split(".")[3][9:13] for path in cached(DEFINITIVE, HARP)]


@pytest.mark.parametrize(
    ("gone", "taken", "email"),
    [
        (["08:00"], "07:48", None),  # of two equally near the earlier
        (["08:00", "07:48"], "08:12", ME),
        (["08:00", "07:48", "08:12"], "07:36", None),
        (["08:00", "07:48", "08:12", "07:36"], "08:24", None),
    ],
)
def test_the_next_good_record_that_is_on_line_serves_the_hour(
    emulator, undisturbed, gone, taken, email
):
    off_line(emulator, *gone)
    fetched = fetch(email=email)
    assert (fetched.new, fetched.missing, fetched.off_line) == (len(HOURS), {}, {})
    assert fetched.instead == {EIGHT: f"2011-02-13T{taken}"}
    assert names() == ["0700", taken.replace(":", ""), "0900", "1000", "1100"]
    # Again: what stands for it is here, and nothing is downloaded.
    emulator.requests.clear()
    fetched = fetch()
    assert (fetched.new, fetched.present, fetched.missing) == (0, len(HOURS), {})
    assert asked_files(emulator) == []
    # Once it is back the hour's own record is taken, and a sequence uses that.
    emulator.jsoc.offline.clear()
    assert fetch().new == 1
    assert set(undisturbed) < set(files(cache_home()))
    source = FitsFolder(cache_home() / DEFINITIVE.folder)
    sequence = build_sequence(source, source.regions()[0].id, parse_t_rec(HOURS[-1]), 5)
    assert [iso_minute(one) for one in sequence.t_rec] == HOURS


@pytest.mark.parametrize("email", [None, ME])
def test_an_hour_of_which_all_is_off_line_is_named_with_its_own_record(
    emulator, undisturbed, undisturbed_export, email
):
    off_line(emulator, "07:36", "07:48", "08:00", "08:12", "08:24")
    said = []
    fetched = fetch(email=email, progress=lambda told: said.append((told.done, told.text)))
    assert fetched.missing == {EIGHT: "off line at JSOC now"}
    assert fetched.off_line == {EIGHT: float(tai_seconds(parse_t_rec(EIGHT)))}
    assert (fetched.new, fetched.failed, fetched.instead) == (len(HOURS) - 1, {}, {})
    assert max(said)[0] == len(HOURS)  # it counts as done: it will not come
    if email:
        # What JSOC answers itself is shown, and the rest is exported.
        assert any("JSOC: At least one of the requested files is offline" in t for _, t in said)
    emulator.jsoc.offline.clear()
    assert fetch(email=email).new == 1
    whole(undisturbed_export if email else undisturbed)


def test_a_record_off_line_in_near_real_time_or_flagged_is_no_substitute(emulator):
    # At 12:00 there is no data, so 11:48 serves it; with that off line 12:12 is next.
    off_line(emulator, "11:48")
    noon = parse_t_rec("2011-02-13T12:00")
    assert fetch(noon, noon).instead == {"2011-02-13T12:00": "2011-02-13T12:12"}


def test_dims_of_a_record_that_is_off_line_are_the_real_ones(emulator):
    time = float(tai_seconds(parse_t_rec(EIGHT)))
    client = JsocClient()
    on_line = client.paths(DEFINITIVE, HARP, [time])[time]
    off_line(emulator, "08:00")
    stored = client.paths(DEFINITIVE, HARP, [time])[time]
    assert (stored.url, stored.off_line) == ("", True)
    assert stored.shape == on_line.shape != None  # noqa: E711
    assert not on_line.off_line


def test_a_status_25_without_a_record_off_line_is_shown_in_jsocs_words(emulator):
    emulator.export.status = 25
    with pytest.raises(ServiceError, match=r"off line now; .* \(At least one of .* restored\)\."):
        fetch(email=ME)


@pytest.mark.parametrize("key", ["T_REC", "QUALITY", "CDELT1", "CTYPE2", "RSUN_REF", "HARPNUM"])
@pytest.mark.parametrize("word", ["MISSING", "Invalid KeyLink"])
def test_a_keyword_that_no_record_has_is_named_and_no_file_downloaded(emulator, key, word):
    emulator.jsoc.absent[key] = word
    with pytest.raises(ServiceError, match=key) as raised:
        fetch()
    assert "jsoc@sun.stanford.edu" in str(raised.value)
    assert "export it" not in str(raised.value)
    assert asked_files(emulator) == []
    assert not [one for one in emulator.requests if "seg=magnetogram" in one.query]


def test_a_keyword_that_is_of_no_account_may_be_absent(emulator):
    emulator.jsoc.absent |= dict.fromkeys(("R_VALUE", "USFLUX", "NOAA_ARS"), "MISSING")
    assert fetch().new == len(HOURS)


def test_the_number_of_a_record_is_a_number_and_comes_into_the_header(emulator):
    assert fetch(last=parse_t_rec(HOURS[0])).new == 1
    (content,) = files(cache_home()).values()
    assert re.search(rb"RECNUM  = +63\d{5} ", content)


@pytest.mark.parametrize(
    ("first", "last"), [("05:10", "05:50"), ("05:00:01", "05:59:59"), ("06:00", "05:00")]
)
def test_a_span_without_a_whole_hour_says_so_before_any_request(emulator, first, last):
    ends = [parse_t_rec(f"2011-02-13T{clock}") for clock in (first, last)]
    with pytest.raises(RequestError, match=r"no whole hour \(TAI\)|before it begins"):
        fetch(*ends)
    assert emulator.requests == []


def test_records_that_serve_no_whole_hour_say_so(emulator):
    # The passage begins at 05:00; until 04:30 there is nothing that could be chosen.
    with pytest.raises(NoRecordsError, match="no record of HARP 377"):
        fetch(None, parse_t_rec("2011-02-13T04:30"))
