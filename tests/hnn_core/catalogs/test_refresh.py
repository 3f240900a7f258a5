"""Refreshing the catalogues from the emulated services, with everything that goes wrong there."""

import os
import subprocess
import sys
import time
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pandas as pd
import pytest

from hnn_core.catalogs import raw
from hnn_core.catalogs.derive import parse_filled
from hnn_core.catalogs.queries import flares_of_region, harps_of
from hnn_core.catalogs.raw import RawFolder
from hnn_core.catalogs.refresh import refresh_cmes, refresh_flares, refresh_harp_noaa
from hnn_core.catalogs.store import NAMES, Catalog, catalogs_home
from hnn_core.exceptions import RequestError
from hnn_core.magnetogram.conventions import parse_t_rec
from hnn_core.regions.base import Region
from hnn_core.services.endpoints import donki_hosts, service_url
from tests.conftest import ROOT
from tests.emulators import emulated, small_world
from tests.emulators.world import Cme, GoesFlare

NOW = datetime(2026, 9, 6, 12, tzinfo=UTC)
FEBRUARY = date(2011, 2, 1), date(2011, 2, 28)
WEEK = date(2011, 2, 14), date(2011, 2, 20)
ID = "2011-02-15T01:56 X2.2"
TIMES = {"fetched_utc", "end"}


@pytest.fixture(scope="module")
def world():
    return small_world(4, now=NOW)


@pytest.fixture
def services(world, monkeypatch, hnn_home):
    """The emulated services, fresh."""
    flares, cmes = list(world.flares), list(world.cmes)
    with emulated(world) as emulator:
        for name, value in emulator.environment.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("HNN_ATTEMPTS", "3")
        monkeypatch.delenv("HNN_NASA_API_KEY", raising=False)
        monkeypatch.setenv("HNN_RETRY_WAIT_S", "0.005")
        yield emulator
    world.flares[:], world.cmes[:] = flares, cmes


def everything(span=WEEK, **options):
    return (
        refresh_harp_noaa(**options),
        refresh_flares(*span, **options),
        refresh_cmes(*span, **options),
    )


def addresses():
    return map(service_url, donki_hosts())


def x22():
    return Catalog.open().flares.set_index("flare_id").loc[ID]


def assert_same(left, right):
    for name in NAMES:
        tables = [
            getattr(catalog, name).drop(columns=TIMES, errors="ignore") for catalog in (left, right)
        ]
        pd.testing.assert_frame_equal(*tables)


def test_from_the_services_to_a_region_s_flares(services):
    told = everything(FEBRUARY)
    assert [r.failed for r in told] == [(), (), ()]
    assert [r.fetched for r in told] == [1, 2, 6]
    catalog = Catalog.open()
    assert harps_of(catalog, 11158) == (377,)
    row = x22()
    assert (row["association"], row["noaa"], row["harp"]) == ("eruptive", 11158, 377)
    assert row["sources"] == "NCEI,HEK,DONKI"
    first, last = parse_t_rec("2011.02.13_05:00:00_TAI"), parse_t_rec("2011.02.15_06:00:00_TAI")
    region = Region("377", 377, (11158,), first, last, n_records=50)
    flares = flares_of_region(catalog, region, definitive=True)
    assert flares[-1].cmes[0].speed == 700
    assert {f.association for f in flares} == {"eruptive", "unlinked"}


def test_every_flare_of_donki_finds_its_own(services, world):
    """Wrong years, no peak, late peaks, no region and rows given twice: no flare is there twice."""
    refresh_flares(date(2010, 12, 1), date(2011, 12, 31))
    refresh_cmes(date(2011, 2, 1), date(2011, 4, 30))
    known = Catalog.open().flares
    there = [f for f in world.flares if f.peak.year <= 2011]
    assert len(known[known["peak_utc"] < "2012"]) == len(there)
    spring = known[(known["peak_utc"] > "2011-02-01") & (known["peak_utc"] < "2011-05-01")]
    by_peak = {f.peak.replace(tzinfo=None): f for f in world.flares}
    assert len(spring) >= 10
    for row in spring.itertuples():
        flare = by_peak[row.peak_utc.to_pydatetime()]
        erupted = flare.donki and flare.cme is not None
        expected = "eruptive" if erupted else "unlinked" if flare.donki else "unknown"
        assert row.association == expected
        if erupted:
            assert row.cme_ids == flare.cme.id


@pytest.mark.usefixtures("services")
class TestAskingAgain:
    def test_what_is_settled_is_not_asked_again(self, services):
        everything()
        n_requests = len(services.requests)
        told = everything()
        assert [(r.fetched, r.kept) for r in told] == [(0, 1), (0, 2), (0, 2)]
        assert len(services.requests) == n_requests
        everything(again=True)
        assert len(services.requests) == 2 * n_requests

    def test_recent_spans_are_asked_again_and_reports_once_a_day(self, services, monkeypatch):
        today = datetime.now(UTC).date()
        span = today - timedelta(days=1), today
        refresh_flares(*span)
        refresh_cmes(*span)
        asked = {service: len(services.asked(service)) for service in ("goes", "donki")}
        assert refresh_cmes(*span).fetched >= 2
        refresh_flares(*span)
        assert len(services.asked("donki")) == 2 * asked["donki"]
        assert len(services.asked("goes")) == asked["goes"]
        self.later(monkeypatch, days=1.5)
        refresh_flares(*span)
        assert len(services.asked("goes")) > asked["goes"]

    def test_the_harp_table_is_good_for_thirty_days(self, monkeypatch):
        refresh_harp_noaa()
        self.later(monkeypatch, days=29)
        assert refresh_harp_noaa().kept == 1
        self.later(monkeypatch, days=2)
        assert refresh_harp_noaa().fetched == 1

    def test_nothing_found_is_not_trusted_for_ever(self, monkeypatch, world):
        quiet = date(2010, 6, 1), date(2010, 6, 1)
        refresh_cmes(*quiet)
        assert refresh_cmes(*quiet).fetched == 0
        self.later(monkeypatch, days=31)
        world.flares.append(GoesFlare(datetime(2010, 6, 12, 0, 57, tzinfo=UTC), 2e-5, 0, 0, 11081))
        assert refresh_cmes(*quiet).fetched == 2
        assert list(Catalog.open().flares["noaa"]) == [11081]

    def test_recent_months_of_donki_are_requested_again_after_half_a_year(self, monkeypatch, world):
        peak = datetime.now(UTC) - timedelta(days=300)
        world.flares.append(GoesFlare(peak, 2e-5, 0, 0, 13900))
        world.cmes.append(Cme(peak))
        days = peak.date(), peak.date()
        refresh_cmes(*days)
        refresh_cmes(*WEEK)
        self.later(monkeypatch, days=179)
        assert refresh_cmes(*days).kept == 2
        self.later(monkeypatch, days=2)
        assert refresh_cmes(*days).fetched == 2
        assert refresh_cmes(*WEEK).kept == 2  # long over: only where it is being revised

    def test_a_month_that_is_being_revised_is_requested_again_after_a_week(
        self, services, monkeypatch
    ):
        newly = f"{datetime.now(UTC) - timedelta(days=5):%Y-%m-%dT%H:%MZ}"
        sound = services.donki.flares

        def revised():
            first, *rest = sound()
            return [{**first, "submissionTime": newly}, *rest]

        services.donki.flares = revised
        refresh_cmes(date(2010, 12, 31), date(2010, 12, 31))
        self.later(monkeypatch, days=6)
        assert refresh_cmes(date(2010, 12, 31), date(2010, 12, 31)).fetched == 0
        self.later(monkeypatch, days=2)
        assert refresh_cmes(date(2010, 12, 31), date(2010, 12, 31)).fetched == 1

    def later(self, monkeypatch, *, days):
        """Let the replies be older by so many days more."""
        earlier = raw.datetime

        class Later(datetime):
            @classmethod
            def now(cls, tz=None):
                return earlier.now(tz) + timedelta(days=days)

        monkeypatch.setattr(raw, "datetime", Later)

    def test_a_revision_counts_and_the_older_reply_is_kept(self, world):
        everything()
        folder = RawFolder(catalogs_home()).path / "donki_flr"
        before = x22()
        assert before["association"] == "eruptive"
        i = next(i for i, f in enumerate(world.flares) if f.flux == 2.2e-4)
        world.flares[i] = GoesFlare(**{**vars(world.flares[i]), "cme": None, "also": ()})
        refresh_cmes(*WEEK)
        assert x22()["association"] == "eruptive"  # settled, so not asked
        refresh_cmes(*WEEK, again=True)
        assert x22()["association"] == "unlinked"
        assert len(list(folder.glob("2011-02.*.json"))) == 2

    def test_another_version_of_a_report_may_have_fewer_flares(self, services, world):
        refresh_flares(*FEBRUARY)
        n_flares = len(Catalog.open().flares)
        del world.flares[: len(world.flares) // 2]
        (sentence,) = refresh_flares(*FEBRUARY, again=True).failed
        assert "records where it had" in sentence
        assert len(Catalog.open().flares) == n_flares
        services.goes.version = "v1-0-2"
        assert refresh_flares(*FEBRUARY, again=True).failed == ()
        assert len(Catalog.open().flares) < n_flares

    def test_a_reversed_span_is_refused_before_anything_is_asked(self, services):
        for ask in (refresh_flares, refresh_cmes):
            with pytest.raises(RequestError, match="before it begins"):
                ask(WEEK[1], WEEK[0])
        assert services.requests == []


class TestFaults:
    @pytest.mark.parametrize("kind", ["500", "503", "429", "html", "cut", "garbage", "drop"])
    def test_two_faults_of_every_service_are_got_over(self, services, kind):
        options = {"retry_after": 0} if kind == "429" else {}
        for pattern in ("harp_noaa", r"csv/?$", r"y2011.*\.csv", "/FLR", "/CME"):
            services.faults.add(pattern, kind, times=2, **options)
        notes = []
        told = everything(note=notes.append)
        assert [r.failed for r in told] == [(), (), ()]
        assert x22()["association"] == "eruptive"
        assert len([n for n in notes if "trying again" in n]) >= 8

    def test_silence_is_got_over(self, services, monkeypatch):
        monkeypatch.setenv("HNN_TIMEOUT_S", "0.5")
        services.faults.add("/FLR", "hang", seconds=1.0)
        assert refresh_cmes(*WEEK).failed == ()

    @pytest.mark.parametrize("kind", ["truncated", "empty"])
    def test_half_tables_are_asked_for_again(self, services, kind):
        for pattern in (r"y2011.*\.csv", "harp_noaa"):
            services.faults.add(pattern, kind)
        assert everything()[1].failed == ()
        assert len(services.asked("goes")) == 3

    def test_one_month_of_many_fails_and_the_others_come(self, services):
        services.faults.add("/FLR.*startDate=2011-01-31", "500", times=99)
        told = refresh_cmes(date(2011, 1, 1), date(2011, 4, 30))
        (sentence,) = told.failed
        assert sentence.startswith("DONKI flares 2011-02: DONKI gives no sound answer (HTTP 500")
        coverage = Catalog.open().coverage
        months = coverage[coverage["service"] == "DONKI FLR"]["start"].dt.month
        assert list(months) == [1, 3, 4]
        services.faults.clear()
        assert refresh_cmes(date(2011, 1, 1), date(2011, 4, 30)).fetched == 1

    def test_what_was_there_is_kept_when_asking_again_fails(self, services):
        everything()
        services.faults.add("/FLR", "500", times=99)
        services.faults.add("/CME", "null", times=99)
        services.faults.add("harp_noaa", "truncated", times=99)
        services.faults.add(r"y2011.*\.csv", "truncated", times=99)
        told = everything(again=True)
        assert [len(r.failed) for r in told] == [1, 1, 2]
        assert "records where it had" in told[0].failed[0]
        assert "nothing where it had" in told[2].failed[1]
        assert x22()["association"] == "eruptive"
        assert x22()["harp"] == 377

    def test_a_service_that_is_down_is_not_asked_for_years(self, services):
        services.faults.add("/donki/", "503", times=999)
        told = refresh_cmes(date(2011, 1, 1), date(2011, 12, 31))
        assert len(services.asked("donki")) == 2 * 3 * 3  # flares and CMEs, 3 spans, 3 attempts
        assert len(told.failed) == 8
        assert "9 more left out after 3 failures in a row, from 2011-04 on" in told.failed[3]

    def test_without_any_service_nothing_is_lost(self, services, monkeypatch):
        everything()
        monkeypatch.setenv("HNN_ATTEMPTS", "1")
        services.faults.add("", "drop", times=999)
        told = everything(again=True)
        assert [len(r.failed) for r in told] == [1, 1, 2]
        assert x22()["association"] == "eruptive"

    def test_a_refusal_is_told(self, services):
        services.faults.add("/FLR", "404")
        (sentence,) = refresh_cmes(*WEEK).failed
        assert "DONKI refuses" in sentence


class TestHek:
    def test_it_stands_in_where_ncei_cannot_be_reached(self, services):
        services.faults.add("/goes/", "503", times=99)
        told = refresh_flares(*FEBRUARY)
        (sentence,) = told.failed
        assert "NCEI's flare report 2011" in sentence
        row = x22()
        assert (row["source"], row["scale"], row["noaa"]) == ("HEK", "operational", 11158)
        assert len(services.asked("hek")) == 1

    def test_pages_are_all_fetched(self, services):
        services.faults.add("/goes/", "503", times=99)
        services.hek.page = 1
        told = refresh_flares(*FEBRUARY)
        assert told.fetched == 1
        n_flares = len(Catalog.open().flares)
        assert len(services.asked("hek")) == n_flares
        assert n_flares >= 3
        assert refresh_flares(date(2011, 3, 1), date(2011, 3, 1)).fetched == 1

    def test_a_page_that_fails_leaves_the_month_to_the_next_run(self, services):
        services.faults.add("/goes/", "503", times=99)
        services.faults.add("/hek/her.*page=2", "500", times=3)
        services.hek.page = 1
        assert len(refresh_flares(*FEBRUARY).failed) == 2
        assert Catalog.open().flares.empty
        assert refresh_flares(*FEBRUARY).fetched == 1
        assert not Catalog.open().flares.empty

    def test_it_covers_the_days_after_ncei_s_last_flare(self, services, world):
        now = datetime.now(UTC).replace(second=0, microsecond=0)
        world.flares.append(GoesFlare(now - timedelta(hours=1), 2e-5, 12.0, 7.0, 14600))
        services.world.now = now
        services.goes.answer = _without_today(services.goes.answer, now)
        told = refresh_flares(now.date() - timedelta(days=1), now.date())
        assert told.failed == ()
        newest = Catalog.open().flares.iloc[-1]
        assert (newest["source"], newest["noaa"]) == ("HEK", 14600)


SEPTEMBER = date(2017, 9, 1), date(2017, 9, 30)


class TestNumbersFromHek:
    """As in September 2017, of whose M and X flares NCEI names the regions of very few."""

    @pytest.fixture
    def september(self, world):
        first = datetime(2017, 9, 4, 5, 36, tzinfo=UTC)
        made = [
            GoesFlare(
                first + timedelta(hours=9 * i),
                1.2e-5 * (i + 1),
                5.0 + i,
                -9.0,
                12673,
                ncei_noaa=i % 7 == 0,
                hek_noaa=True,
                ratio=0.60 + 0.01 * (i % 9),
                placed=i % 4 != 1,
                donki=False,
            )
            for i in range(14)
        ]
        world.flares += made
        return made

    def test_flares_of_ncei_gain_them_and_say_from_where(self, services, september):
        assert refresh_flares(*SEPTEMBER).failed == ()
        flares = Catalog.open().flares
        assert len(flares) == len(september)
        assert set(flares["sources"]) == {"NCEI,HEK"}
        assert set(flares["noaa"]) == {12673}
        assert list(flares["noaa_origin"]) == ["NCEI" if f.ncei_noaa else "HEK" for f in september]
        assert len(services.asked("hek")) == 1
        # Both have the others at (0, 0), which is no place, though the region has a number.
        assert list(flares["longitude_deg"].isna()) == [not f.placed for f in september]
        assert refresh_flares(*SEPTEMBER).fetched == 0

    def test_where_hek_fails_ncei_s_flares_stay_usable(self, services, september):
        services.faults.add("/hek/", "503", times=99)
        notes = []
        refresh = refresh_flares(*SEPTEMBER, note=notes.append)
        assert refresh.failed == ()
        assert notes[-1].startswith(
            "NCEI's flares are used without HEK's numbers of regions. HEK's flares 2017-09: HEK "
            "gives no sound answer (HTTP 503"
        )
        flares = Catalog.open().flares
        assert len(flares) == len(september)
        assert sorted(flares["noaa"])[-2:] == [12673, 12673]
        assert (flares["noaa"] == 0).sum() == 12
        services.faults.clear()
        assert refresh_flares(*SEPTEMBER).fetched == 1
        assert set(Catalog.open().flares["noaa"]) == {12673}


KEY = "a-key-of-the-tests"


class TestSecondHost:
    def test_it_gives_what_the_first_does_not(self, services, monkeypatch):
        services.faults.add("^/donki/", "503", times=99)
        assert len(refresh_cmes(*WEEK).failed) == 2  # without a key there is only the first
        monkeypatch.setenv("HNN_NASA_API_KEY", KEY)
        notes = []
        assert refresh_cmes(*WEEK, note=notes.append).failed == ()
        refresh_flares(*WEEK)
        refresh_harp_noaa()
        assert x22()["association"] == "eruptive"
        assert {request.args["api_key"] for request in services.asked("nasa")} == {KEY}
        assert sum(note.startswith("DONKI at 127.0.0.1 is used") for note in notes) == 2

    def test_the_one_that_answered_is_tried_first_from_then_on(self, services, monkeypatch):
        monkeypatch.setenv("HNN_NASA_API_KEY", KEY)
        services.faults.add("^/donki/", "503", times=99)
        assert refresh_cmes(date(2011, 1, 1), date(2011, 3, 31)).failed == ()
        assert len(services.asked("donki")) == 2 * 3  # the first span of either kind, 3 attempts

    def test_it_is_not_needed_where_the_first_answers(self, services, monkeypatch):
        monkeypatch.setenv("HNN_NASA_API_KEY", KEY)
        assert refresh_cmes(*WEEK).failed == ()
        assert services.asked("nasa") == []

    @pytest.mark.parametrize("where", ["?api_key=" + KEY, ""])
    def test_it_may_be_the_only_one(self, services, monkeypatch, where):
        """By an address with a query of its own, or with the key in the environment."""
        monkeypatch.setenv("HNN_DONKI_URL", f"{services.url}/nasa/DONKI/{where}")
        if not where:
            monkeypatch.setenv("HNN_NASA_API_KEY", KEY)
        assert refresh_cmes(*WEEK).failed == ()
        assert {request.path for request in services.asked("nasa")} == {
            "/nasa/DONKI/FLR",
            "/nasa/DONKI/CME",
        }
        assert services.asked("donki") == []

    def test_a_used_up_hour_leaves_the_rest_to_another_run(self, services, monkeypatch):
        monkeypatch.setenv("HNN_DONKI_URL", f"{services.url}/nasa/DONKI/?api_key={KEY}")
        services.nasa.left = 3
        year = date(2011, 1, 1), date(2011, 12, 31)
        (flares, rest, *cmes) = refresh_cmes(*year).failed
        assert "2011-04: DONKI has had too many requests for now (HTTP 429)" in flares
        assert "wants 30 min without one" in flares
        assert "8 more left out after that, from 2011-05 on" in rest
        assert len(cmes) == 2
        assert len(services.requests) == 3 + 1 + 1  # no wait of ours would be long enough
        services.nasa.left = 1000
        again = refresh_cmes(*year)
        assert (again.failed, again.kept) == ((), 3)

    @pytest.mark.parametrize("key", [KEY, "an-unknown-key"])
    def test_the_key_is_nowhere_to_be_seen(self, services, monkeypatch, hnn_home, caplog, key):
        monkeypatch.setenv("HNN_NASA_API_KEY", key)
        caplog.set_level("DEBUG")
        services.faults.add("^/donki/", "404", times=99)
        services.faults.add("^/nasa/.*FLR", "500", times=2)
        sentences = []
        refresh = refresh_cmes(*WEEK, note=sentences.append)
        sentences += [*refresh.failed, *map(str, addresses())]
        assert bool(refresh.failed) == (key != KEY)
        assert len(services.asked("nasa")) >= 2
        assert all(key not in sentence for sentence in [*sentences, caplog.text])
        files = [path for path in hnn_home.rglob("*") if path.is_file()]
        assert any(path.name.endswith(".about") for path in files) == (key == KEY)
        assert all(key.encode() not in path.read_bytes() for path in files)

    @pytest.mark.slow
    def test_nor_in_the_files_and_the_output_of_a_command(self, services, hnn_home):
        services.faults.add("^/donki/", "503", times=99)
        days = ["--start", "2011-02-14", "--end", "2011-02-20"]
        done = subprocess.run(
            [sys.executable, "-m", "hnn_core", "data", "cmes", *days, "--json"],
            env=os.environ | {"HNN_NASA_API_KEY": "secret-of-mine", "HNN_ATTEMPTS": "1"},
            capture_output=True,
            cwd=ROOT,
            check=False,
        )
        assert len(services.asked("nasa")) == 2
        written = b"".join(path.read_bytes() for path in hnn_home.rglob("*") if path.is_file())
        assert b"HTTP 403" in done.stdout + done.stderr
        assert b"see whether its API key (HNN_NASA_API_KEY) is valid." in done.stdout + done.stderr
        assert b"secret-of-mine" not in done.stdout + done.stderr + written


def test_a_flare_that_donki_has_twice_is_one_with_all_links(services, world):
    i = next(i for i, f in enumerate(world.flares) if f.flux == 2.2e-4)
    other = "2011-02-15T03:10:00-CME-002"
    double = {**vars(world.flares[i]), "quirk": "double", "link": "flare", "also": (other,)}
    world.flares[i] = GoesFlare(**double)
    everything()
    flares = Catalog.open().flares
    assert (flares["goes_class"] == "X2.2").sum() == 1
    assert x22()["cme_ids"] == f"{world.flares[i].cme.id};{other}"


def wait_until(true, *, at_most=300.0):
    end = time.monotonic() + at_most
    while not true():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.005)


def _without_today(answer, now):
    """NCEI's report as it is before the last days are in it."""

    def earlier(request):
        full = answer(request)
        lines = full.body.split(b"\n")
        stamp = f"{now - timedelta(hours=1):%Y-%m-%d %H:%M}".encode()
        return type(full)(b"\n".join(line for line in lines if stamp not in line), full.kind)

    return earlier


@pytest.mark.usefixtures("services")
class TestProgress:
    def test_it_counts_to_the_end(self):
        told = []
        refresh_cmes(*WEEK, progress=lambda *step: told.append(step))
        assert [done for done, _, _ in told] == [1, 2]
        assert {total for _, total, _ in told} == {2}
        assert told[0][2] == "DONKI flares 2011-02"

    def test_flares_count_the_months_that_ncei_covers(self):
        told = []
        for _ in range(2):
            refresh_flares(*FEBRUARY, progress=lambda *step: told.append(step))
        assert all(0 < done <= total for done, total, _ in told)

    def test_what_cannot_be_used_is_noted_once(self, services):
        services.donki.cmes = lambda: [{"activityID": None, "startTime": "2011-02-17T00:00Z"}]
        notes = []
        refresh_flares(*WEEK, note=notes.append)
        refresh_cmes(*WEEK, note=notes.append)
        assert notes == ["Left out: DONKI's CME without id has no start."]
        refresh_cmes(*WEEK, note=notes.append)
        assert len(notes) == 1


@pytest.mark.slow
def test_two_programs_add_numbers_to_one_store(services, tmp_path):
    """Each finds the regions of other flares by position; in the end all of them are kept."""
    everything()
    code = (
        "import sys\n"
        "import pandas as pd\n"
        "from hnn_core.catalogs.refresh import keep_filled, refresh_cmes\n"
        "from hnn_core.catalogs.store import Catalog, catalogs_home\n"
        "from datetime import date\n"
        "for i in range(6):\n"
        "    found = {'flare_id': [f'{sys.argv[1]}-{i}'], 'harp': [i + 1], 'noaa': [0]}\n"
        "    keep_filled(catalogs_home(), pd.DataFrame(found))\n"
        "    told = refresh_cmes(date(2011, 2, 14), date(2011, 2, 20), again=i % 3 == 2)\n"
        "    assert told.failed == (), told\n"
        "    assert len(Catalog.open().flares) > 2\n"
    )
    processes = [
        subprocess.Popen([sys.executable, "-c", code, name], stderr=subprocess.PIPE, cwd=ROOT)
        for name in "ab"
    ]
    errors = [process.communicate(timeout=300)[1].decode() for process in processes]
    assert [process.returncode for process in processes] == [0, 0], errors
    (reply,) = RawFolder(catalogs_home()).newest("position").values()
    assert set(parse_filled(reply)) == {f"{name}-{i}" for name in "ab" for i in range(6)}
    assert x22()["association"] == "eruptive"


@pytest.mark.slow
@pytest.mark.parametrize("kill", [False, True])
def test_two_processes_at_once(services, tmp_path, kill):
    """Both refresh the same month; one may be killed. What is left is what one alone makes."""
    everything()
    alone, n_requests = Catalog.open(), len(services.requests)
    code = (
        "from datetime import date\n"
        "from hnn_core.catalogs import refresh as r\n"
        "for again in (False, True, True, True):\n"
        "    r.refresh_harp_noaa(again=again)\n"
        "    for f in (r.refresh_flares, r.refresh_cmes):\n"
        "        told = f(date(2011, 2, 14), date(2011, 2, 20), again=again)\n"
        "        assert told.failed == (), told\n"
    )
    shared = os.environ | {
        "HNN_HOME": str(tmp_path / "shared"),
        "HNN_PAUSE_S": "0.02",
        "PYTHONPATH": str(ROOT),
    }
    processes = [
        subprocess.Popen([sys.executable, "-c", code], env=shared, stderr=subprocess.PIPE)
        for _ in range(2)
    ]
    if kill:
        wait_until(lambda: len(services.requests) >= n_requests + 6)
        processes[0].kill()
    errors = [process.communicate(timeout=300)[1] for process in processes]
    assert processes[1].returncode == 0, errors[1].decode()
    if not kill:
        assert processes[0].returncode == 0, errors[0].decode()
    together = Catalog.open(tmp_path / "shared" / catalogs_home().parent.name / "catalogs")
    assert_same(together, alone)
    assert services.connections.most_by_service["donki"] == 1


def test_emulated_replies_lie_apart_from_real_ones(services, hnn_home):
    everything()
    assert catalogs_home().parent.name.startswith("live-127.0.0.1-")
    assert not (Path(hnn_home) / "live").exists()
