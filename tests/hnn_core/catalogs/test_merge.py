"""Which records are one flare, and what DONKI's links say of it."""

import json
import math
from datetime import date, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hnn_core.catalogs.merge import NEAR, associate, merge_records
from hnn_core.catalogs.records import FlareRecord
from hnn_core.catalogs.store import Catalog
from hnn_core.regions.flare_table import load_flare_table
from hnn_core.regions.goes_classes import announced_scale, flux_of_class
from tests.conftest import real_data
from tests.support.drawn_catalogs import (
    FETCHED,
    X22,
    donki_cme,
    donki_flare,
    hek_event,
    hek_text,
    keep,
    keep_table,
    linking,
    ncei_row,
    ncei_text,
)

MINUTE = timedelta(minutes=1)
CME = "2011-02-15T02:24:00-CME-001"
FLR = "2011-02-15T01:44:00-FLR-001"
DAY = date(2011, 2, 15)


def record(source="NCEI", peak=X22, goes_class="", **fields):
    scale = "science" if source == "NCEI" else announced_scale(peak)
    goes_class = goes_class or ("X3.1" if source == "NCEI" else "X2.2")
    name = fields.pop("id", f"{peak.isoformat()} {goes_class}")
    flux = flux_of_class(goes_class)
    return FlareRecord(source, name, peak, goes_class, flux, scale, **fields)


def groups(*records):
    flares, _ = merge_records(records)
    return [tuple(r.source for r in flare) for flare in flares]


def table(folder, **replies):
    """The flares of a folder with replies; values are lists of records or text."""
    for service, content in replies.items():
        keep(folder, service, DAY, content)
    return Catalog.open(folder).flares


class TestMerge:
    def test_three_sources_of_one_flare(self):
        assert groups(record(), record("HEK", X22 + 2 * MINUTE), record("DONKI", X22)) == [
            ("NCEI", "HEK", "DONKI")
        ]

    @pytest.mark.parametrize(("minutes", "n_flares"), [(8, 1), (9, 2), (-8, 1), (-9, 2)])
    def test_peaks_at_most_eight_minutes_apart(self, minutes, n_flares):
        assert len(groups(record(), record("DONKI", X22 + minutes * MINUTE))) == n_flares

    @pytest.mark.parametrize(
        ("goes_class", "n_flares"), [("X1.1", 1), ("X1.0", 2), ("X4.3", 1), ("X4.5", 2)]
    )
    def test_operational_fluxes_within_a_factor_of_two(self, goes_class, n_flares):
        # NCEI's X3.1 is 2.17e-4 W m-2 on the operational scale.
        assert len(groups(record(), record("DONKI", goes_class=goes_class))) == n_flares

    def test_after_2019_announced_classes_are_on_ncei_s_scale(self):
        late = datetime(2024, 5, 14, 16, 51)
        twice = record("NCEI", late, "X4.0"), record("DONKI", late, "X8.0")
        assert groups(*twice) == [("NCEI", "DONKI")]
        assert len(groups(record("NCEI", X22, "X4.0"), record("DONKI", X22, "X8.0"))) == 2

    def test_regions_may_not_contradict_and_0_contradicts_nothing(self):
        ours, theirs = record(noaa=11158), record("DONKI", noaa=11161)
        assert len(groups(ours, theirs)) == 2
        assert len(groups(ours, record("DONKI"))) == 1
        # Not even through a record between them that names none.
        assert len(groups(ours, record("HEK"), theirs)) == 2
        assert len(groups(record(), record("HEK", noaa=11158), theirs)) == 2

    def test_nearest_first_and_one_to_one(self):
        a, b = record(peak=X22), record(peak=X22 + 6 * MINUTE)
        near_b = record("DONKI", X22 + 5 * MINUTE, id="near b")
        far_from_both = record("DONKI", X22 + 4 * MINUTE, id="next")
        flares, _ = merge_records([a, b, far_from_both, near_b])
        assert [flare[1].id for flare in flares] == ["next", "near b"]

    def test_flares_of_one_source_stay_apart(self):
        assert len(groups(record("HEK"), record("HEK", X22 + MINUTE))) == 2

    def test_without_a_peak_it_is_found_by_its_duration_or_left(self):
        def without_peak(begin, **fields):
            return FlareRecord("DONKI", "d", None, "X2.2", 2.2e-4, "operational", begin, **fields)

        within = without_peak(X22 - 12 * MINUTE, end=X22 + 10 * MINUTE)
        assert groups(record(), within) == [("NCEI", "DONKI")]
        assert groups(record(), without_peak(X22 - 12 * MINUTE)) == [("NCEI", "DONKI")]
        after = without_peak(X22 + 10 * MINUTE)
        flares, left = merge_records([record(), after])
        assert (len(flares), left) == (1, [after])

    drawn = st.lists(
        st.builds(
            record,
            st.sampled_from(["NCEI", "HEK", "DONKI"]),
            st.integers(0, 60).map(lambda minutes: X22 + minutes * MINUTE),
            st.sampled_from(["C3.0", "C5.0", "C9.0", "M1.7", "M3.0"]),
            noaa=st.sampled_from([0, 0, 11158, 11161]),
        ),
        max_size=14,
    )

    @given(drawn, st.randoms())
    def test_order_does_not_matter(self, records, random):
        shuffled = list(records)
        random.shuffle(shuffled)
        assert merge_records(records) == merge_records(shuffled)

    @given(drawn)
    def test_merging_twice_changes_nothing_and_loses_nothing(self, records):
        flares, left = merge_records(records)
        inside = [r for flare in flares for r in flare]
        assert merge_records([*inside, *left, *records]) == (flares, left)
        assert {(r.source, r.id) for r in inside} == {(r.source, r.id) for r in records}
        assert len(inside) == len({(r.source, r.id) for r in inside})
        for flare in flares:
            sources = [r.source for r in flare]
            assert len(sources) == len(set(sources))
            assert len({r.noaa for r in flare} - {0}) <= 1
            # The chain over three sources may be twice as long as one step.
            peaks = [r.peak for r in flare]
            assert max(peaks) - min(peaks) <= 2 * NEAR


class TestAssociation:
    def told(self, cmes, flares=(), **fields):
        with TemporaryDirectory() as home:
            known = table(Path(home), donki_flr=[donki_flare(**fields), *flares], donki_cme=cmes)
            return known.iloc[-1]

    def test_linked_by_the_flare(self):
        row = self.told([], linkedEvents=linking(CME))
        assert (row.association, row.cme_ids) == ("eruptive", CME)
        assert row.reason == f"DONKI's record {FLR} (version 2) links {CME}"

    def test_linked_by_the_cme(self):
        row = self.told([donki_cme(linkedEvents=linking(FLR))])
        assert (row.association, row.cme_ids) == ("eruptive", CME)
        assert row.reason == f"the record of {CME} (version 1) links the flare {FLR}"

    def test_linked_both_ways(self):
        row = self.told([donki_cme(linkedEvents=linking(FLR))], linkedEvents=linking(CME))
        assert row.cme_ids == CME
        assert row.reason == (
            f"DONKI's record {FLR} (version 2) links {CME}; the record of {CME} (version 1) links "
            "the flare too"
        )

    def test_not_linked(self):
        row = self.told([donki_cme()])
        assert (row.association, row.cme_ids) == ("unlinked", "")
        assert row.reason == (
            f"in DONKI with no CME linked, neither by its record {FLR} (version 2) nor by that of "
            "a CME"
        )

    def test_other_events_are_no_cme(self):
        assert self.told([], linkedEvents=linking("2011-02-15T06:00:00-SEP-001")).cme_ids == ""

    def test_a_cme_may_start_before_its_flare(self):
        early = donki_cme(datetime(2011, 2, 15, 1, 25), linkedEvents=linking(FLR))
        assert self.told([early]).association == "eruptive"

    def test_without_the_cmes_of_its_week_unlinked_would_be_a_guess(self, tmp_path):
        row = table(tmp_path, donki_flr=[donki_flare()]).iloc[0]
        assert row.association == "unknown"
        assert row.reason.endswith("DONKI's CMEs of its date have not been fetched")

    def test_not_in_donki(self, tmp_path):
        row = table(tmp_path, ncei=ncei_text(ncei_row()), donki_flr=[], donki_cme=[]).iloc[0]
        assert (row.association, row.donki_id) == ("unknown", "")
        assert row.reason.startswith("not in DONKI, which holds only part of the flares")

    def test_donki_not_queried(self, tmp_path):
        row = table(tmp_path, ncei=ncei_text(ncei_row())).iloc[0]
        assert (row.association, row.reason) == (
            "unknown",
            "DONKI has not been queried for this date",
        )

    def test_queried_before_the_flare_is_not_queried(self, tmp_path):
        keep(tmp_path, "donki_flr", DAY, [], fetched=X22 - MINUTE)
        row = table(tmp_path, ncei=ncei_text(ncei_row())).iloc[0]
        assert row.reason == "DONKI has not been queried for this date"

    def test_links_of_a_recent_flare_may_still_come(self, tmp_path):
        for service, content in (("donki_flr", [donki_flare()]), ("donki_cme", [])):
            keep(tmp_path, service, DAY, content, fetched=X22 + timedelta(hours=20))
        row = Catalog.open(tmp_path).flares.iloc[0]
        assert row.association == "unlinked"
        assert row.reason.endswith("; links may still be added")

    def test_links_are_many_to_many(self, tmp_path):
        second = donki_flare(X22 + timedelta(hours=3), linkedEvents=linking(CME, "b-CME-002"))
        cme = donki_cme(linkedEvents=linking(FLR))
        known = table(
            tmp_path,
            donki_flr=[donki_flare(linkedEvents=linking(CME)), second],
            donki_cme=[cme],
        )
        assert list(known["cme_ids"]) == [CME, f"{CME};b-CME-002"]
        assert Catalog.open(tmp_path).cmes.iloc[0]["flare_ids"] == f"{FLR};{second['flrID']}"

    def test_a_flare_that_donki_holds_twice_is_one_with_the_links_of_both(self, tmp_path):
        again = donki_flare(flrID="z-FLR-001", beginTime=None, linkedEvents=linking("c-CME-003"))
        other = donki_flare(flrID="y-FLR-001", activeRegionNum=11161)
        cmes = [donki_cme(linkedEvents=linking("z-FLR-001"))]
        known = table(tmp_path, donki_flr=[donki_flare(), again, other], donki_cme=cmes)
        assert list(known["donki_id"]) == [FLR, "y-FLR-001"]
        assert list(known["cme_ids"]) == [f"{CME};c-CME-003", ""]

    @settings(max_examples=60)
    @given(st.sets(st.integers(0, 3)), st.sets(st.integers(0, 3)))
    def test_every_link_gives_eruptive_in_either_direction(self, ours, theirs):
        flare = record("DONKI", links=tuple(f"{i}-CME-001" for i in sorted(ours)))
        links = {flare.id: {f"{i}-CME-001": 1 for i in theirs}}
        association, _, cme_ids = associate(flare, X22, links, {}, {})
        assert (association == "eruptive") == bool(ours | theirs)
        assert cme_ids == tuple(f"{i}-CME-001" for i in sorted(ours | theirs))


class TestRows:
    def test_columns_of_several_sources(self, tmp_path):
        keep_table(tmp_path, "HARPNUM NOAA_ARS\n377 11158\n")
        known = table(
            tmp_path,
            ncei=ncei_text(ncei_row(X22 + MINUTE, flare_loc_swpc_hgs_lon="", end_time="")),
            hek=hek_text(hek_event(fl_goescls="X2.3")),
            donki_flr=[donki_flare(X22 + 2 * MINUTE)],
        )
        (row,) = known.itertuples()
        assert row.flare_id == "2011-02-15T01:57 X2.3"
        assert (row.goes_class, row.scale) == ("X2.3", "operational")
        assert row.flux_w_m2 == pytest.approx(2.3e-4)
        assert row.science_flux_w_m2 == pytest.approx(3.143e-4)
        assert row.peak_utc == X22 + MINUTE
        assert row.end_utc == X22 + 10 * MINUTE
        assert (row.longitude_deg, row.latitude_deg) == (12, -21)
        assert (row.noaa, row.harp, row.noaa_origin) == (11158, 377, "NCEI")
        assert (row.source, row.sources) == ("NCEI", "NCEI,HEK,DONKI")
        assert [name.split("/")[0] for name in row.reply.split(";")] == ["ncei", "hek", "donki_flr"]
        assert row.fetched_utc == FETCHED

    def test_without_an_announcement_the_class_is_ncei_s(self, tmp_path):
        row = table(tmp_path, ncei=ncei_text(ncei_row())).iloc[0]
        assert (row.goes_class, row.scale) == ("X3.1", "science")
        assert row.flux_w_m2 == pytest.approx(3.1e-4)
        assert row.noaa_origin == "NCEI"

    def test_from_goes_16_on_an_announcement_is_on_the_science_scale(self, tmp_path):
        peak = datetime(2024, 5, 14, 16, 51)
        keep(tmp_path, "donki_flr", peak.date(), [donki_flare(peak, classType="X8.7")])
        row = Catalog.open(tmp_path).flares.iloc[0]
        assert (row.goes_class, row.scale) == ("X8.7", "science")
        assert math.isnan(row.science_flux_w_m2)

    def test_a_region_in_two_harps_has_no_single_one(self, tmp_path):
        keep_table(tmp_path, "HARPNUM NOAA_ARS\n377 11158\n378 11158,11161\n")
        assert table(tmp_path, ncei=ncei_text(ncei_row())).iloc[0].harp == 0

    def test_ids_are_unique(self, tmp_path):
        twins = [donki_flare(activeRegionNum=n, flrID=f"{n}-FLR-001") for n in (11158, 11161)]
        known = table(tmp_path, donki_flr=twins)
        assert list(known["flare_id"]) == ["2011-02-15T01:56 X2.2", "2011-02-15T01:56 X2.2b"]

    def test_a_longer_older_answer_of_hek_leaves_no_page_behind(self, tmp_path):
        from hnn_core.catalogs.hek import page_span
        from hnn_core.catalogs.raw import RawFolder, spans

        raw, month = RawFolder(tmp_path), spans("month", DAY, DAY)[0]
        old = hek_text(hek_event(X22 + timedelta(hours=5)))
        for page, text, hours in ((2, old, 0), (1, hek_text(hek_event()), 5)):
            raw.keep(
                "hek",
                page_span(month, page),
                text.encode(),
                url="",
                fetched=FETCHED + timedelta(hours=hours),
                suffix="json",
            )
        assert len(Catalog.open(tmp_path).flares) == 1

    def test_empty_columns_keep_their_types(self, tmp_path):
        full = table(tmp_path / "full", ncei=ncei_text(ncei_row()))
        empty = Catalog.open(tmp_path / "empty").flares
        assert len(empty) == 0
        assert list(empty.dtypes) == list(full.dtypes)


class TestRealAssociations:
    @pytest.fixture
    def known(self, tmp_path):
        text = real_data("donki", "FLR_AR11158_11283_12673.json").read_text()
        for record_ in json.loads(text):
            day = date.fromisoformat(record_["peakTime"][:10])
            keep(tmp_path, "donki_flr", day, text)  # records of other months are left out
            keep(tmp_path, "donki_cme", day, "null")
        keep_table(tmp_path, real_data("harp_noaa", "all_harps_with_noaa_ars.txt").read_text())
        return Catalog.open(tmp_path).flares

    def test_the_flares_of_ar_11158(self, known):
        region = known[known["noaa"] == 11158].set_index("goes_class")
        x22 = region.loc["X2.2"]
        assert x22["association"] == "eruptive"
        assert x22["cme_ids"] == "2011-02-15T02:25:00-CME-001"
        assert x22["peak_utc"] == X22
        assert set(region.loc["M6.6", "association"]) == {"unlinked"}
        assert region.loc["M2.2", "association"] == "unlinked"
        assert set(region["harp"]) == {377}

    def test_they_agree_with_the_published_table(self, known):
        rows, skipped = load_flare_table(real_data("labels", "donki_flare_cme_2010_2017.csv"))
        assert skipped == []
        published = {
            (row.flare.peak.isot[:16], row.flare.goes_class): row.flare.association for row in rows
        }
        ours = {
            (f"{row.peak_utc:%Y-%m-%dT%H:%M}", row.goes_class): row.association
            for row in known.itertuples()
        }
        both = sorted(set(ours) & set(published))
        assert len(both) >= 17
        assert sum(key[0] < "2011-03" for key in both) == 4  # X2.2, 2 M6.6, M2.2 of AR 11158
        assert [ours[key] for key in both] == [published[key] for key in both]

    def test_every_record_is_there_once(self, known):
        records = json.loads(real_data("donki", "FLR_AR11158_11283_12673.json").read_text())
        assert sorted(known["donki_id"]) == sorted(r["flrID"] for r in records)
        assert np.all(np.diff(known["peak_utc"]) > np.timedelta64(0))
