from pathlib import Path

import astropy.units as u
import numpy as np
import pandas as pd
import plotly.graph_objects as go
import pytest
from astropy.time import Time

from analysis.figures.passage import mark_times
from hnn_core.exceptions import DatasetError, FlareTableError
from hnn_core.regions.base import Flare, Region, SkippedFile, skipped_kinds
from hnn_core.regions.flare_table import (
    flares_of,
    load_flare_table,
    read_flare_table,
    with_flares,
)
from hnn_core.regions.goes_classes import FLARE_CLASSES
from hnn_core.regions.labels import POLICIES, label_frames, label_with_flares
from hnn_core.regions.outcome import what_happened
from hnn_core.sources.fits_folder import FitsFolder
from pages._shared.messages import flares_sentence
from tests.conftest import real_data

PEAK = "2011-02-15T01:56:00"


def flare(peak: str = PEAK, goes_class: str = "X2.2", association="eruptive", **more) -> Flare:
    return Flare(Time(peak, scale="utc"), goes_class, association, **more)


def utc(*times: str) -> Time:
    return Time(list(times), scale="utc")


# The window


@pytest.mark.parametrize(
    ("time", "label"),
    [
        ("2011-02-14T01:55:59", -1),  # 24 h and 1 s before
        ("2011-02-14T01:56:00", 1),  # exactly 24 h
        ("2011-02-15T01:55:59", 1),
        ("2011-02-15T01:56:00", -1),  # the peak itself
        ("2011-02-15T01:56:01", -1),
    ],
)
def test_a_frame_has_the_label_when_the_peak_is_ahead_by_up_to_24_hours(time, label):
    assert label_frames(utc(time), [flare()], "M").tolist() == [label]


@pytest.mark.parametrize(
    ("t_rec", "peak", "label"),
    [
        # 34 s in 2011: 02:00:00 TAI is 01:59:26 UTC, 24 h and 34 s before the peak.
        ("2011-02-14T02:00:00", "2011-02-15T02:00:00", -1),
        ("2011-02-14T02:00:34", "2011-02-15T02:00:00", 1),
        # 02:00:20 TAI is 01:59:46 UTC, still before a peak at 02:00:00 UTC.
        ("2011-02-15T02:00:20", "2011-02-15T02:00:00", 1),
        ("2011-02-15T02:00:34", "2011-02-15T02:00:00", -1),
        # 37 s since 2017.
        ("2017-09-06T12:00:36", "2017-09-06T12:00:00", 1),
        ("2017-09-06T12:00:37", "2017-09-06T12:00:00", -1),
    ],
)
def test_t_rec_is_ahead_of_utc(t_rec, peak, label):
    frames = Time([t_rec], scale="tai")
    assert label_frames(frames, [flare(peak)], "M").tolist() == [label]
    assert label_frames(frames.utc, [flare(peak)], "M").tolist() == [label]


def test_times_that_are_not_time_are_utc():
    stamps = np.array(["2011-02-14T01:55:59", "2011-02-14T01:56:00"], "datetime64[s]")
    assert label_frames(stamps, [flare()], "M").tolist() == [-1, 1]


def test_no_flare_gives_no_label_and_shapes_are_kept():
    frames = utc("2011-02-14T02:00:00", "2011-02-14T03:00:00")
    assert label_frames(frames, [], "C").tolist() == [-1, -1]
    assert label_frames(frames[:0], [flare()], "C").shape == (0,)
    assert label_frames(frames, [], "C").dtype == np.int8


# Overlap


def test_positive_wins_where_windows_overlap_whatever_the_order():
    hours = Time("2011-02-14T00:00:00", scale="utc") + np.arange(60) * u.hour
    eruptive = flare("2011-02-15T12:30:00")  # hours 13 to 36
    confined = flare("2011-02-15T00:30:00", "M1.0", "unlinked")  # hours 1 to 24
    later = flare("2011-02-16T06:30:00", "M1.0", "confined")  # hours 31 to 54
    expected = [-1] + [0] * 12 + [1] * 24 + [0] * 18 + [-1] * 5
    for flares in ([eruptive, confined, later], [later, confined, eruptive]):
        assert label_frames(hours, flares, "M").tolist() == expected


def test_each_label_names_the_first_flare_ahead_that_gives_it():
    frames = utc("2011-02-14T20:00:00", "2011-02-15T01:00:00", "2011-02-15T03:00:00")
    flares = [
        flare("2011-02-15T10:00:00", "M3.0"),
        flare("2011-02-15T02:00:00", "M1.0"),
        flare("2011-02-15T00:00:00", "X9.0", "confined"),
    ]
    found = label_with_flares(frames, flares, "M")
    assert found.label.tolist() == [1, 1, 1]
    assert found.flare.tolist() == [1, 1, 0]
    assert label_with_flares(frames, flares[2:], "M").flare.tolist() == [0, -1, -1]


# Associations and policies


@pytest.mark.parametrize(
    ("policy", "association", "label"),
    [
        ("unlinked-is-confined", "eruptive", 1),
        ("unlinked-is-confined", "unlinked", 0),
        ("unlinked-is-confined", "confined", 0),
        ("unlinked-is-confined", "unknown", -1),
        ("strict", "eruptive", 1),
        ("strict", "unlinked", -1),
        ("strict", "confined", 0),
        ("strict", "unknown", -1),
    ],
)
def test_policies_say_what_an_association_means(policy, association, label):
    frames = utc("2011-02-14T12:00:00")
    flares = [flare(association=association)]
    assert label_frames(frames, flares, "M", policy=policy).tolist() == [label]


def test_the_papers_policy_is_the_default():
    assert label_frames(utc("2011-02-14T12:00:00"), [flare(association="unlinked")], "C") == [0]
    assert next(iter(POLICIES)) == "unlinked-is-confined"


def test_unknown_flare_neither_gives_nor_takes_a_label():
    frames = utc("2011-02-14T12:00:00", "2011-02-15T06:00:00")
    confined = flare(association="confined")
    unknown = flare("2011-02-15T12:00:00", "X5.0", "unknown")
    assert label_frames(frames, [confined, unknown], "M").tolist() == [0, -1]


@pytest.mark.parametrize(("name", "kind"), [("lenient", "policy"), ("", "policy")])
def test_unknown_policy_names_the_known_ones(name, kind):
    with pytest.raises(DatasetError, match=f"{name!r} is not a {kind}.*unlinked-is-confined"):
        label_frames(utc("2011-02-14T12:00:00"), [flare()], "M", policy=name)


def test_unknown_class_names_the_known_ones():
    with pytest.raises(DatasetError, match=r"'X'.*M5\.0, M, C"):
        label_frames(utc("2011-02-14T12:00:00"), [flare()], "X")


# Classes and scales


@pytest.mark.parametrize(
    ("goes_class", "scale", "classes"),
    [
        ("X2.2", "operational", ["M5.0", "M", "C"]),
        ("M5.0", "operational", ["M5.0", "M", "C"]),
        ("M4.9", "operational", ["M", "C"]),
        ("M1.0", "operational", ["M", "C"]),
        ("C10.0", "operational", ["M", "C"]),
        ("C9.9", "operational", ["C"]),
        ("C1.0", "operational", ["C"]),
        ("B9.9", "operational", []),
        # 0.7 of the true flux: M7.2 is M5.04 and M7.1 is M4.97 on the announced scale.
        ("M7.2", "science", ["M5.0", "M", "C"]),
        ("M7.1", "science", ["M", "C"]),
        ("M1.5", "science", ["M", "C"]),  # M1.05
        ("M1.4", "science", ["C"]),  # C9.8
        ("C1.4", "science", []),  # B9.8
    ],
)
def test_classes_accumulate_and_count_on_their_own_scale(goes_class, scale, classes):
    one = flare(goes_class=goes_class, scale=scale)
    assert [name for name in FLARE_CLASSES if one.reaches(name)] == classes
    frames = utc("2011-02-14T12:00:00")
    labelled = [name for name in FLARE_CLASSES if label_frames(frames, [one], name)[0] == 1]
    assert labelled == classes


def test_flux_is_kept_with_its_scale():
    operational, science = flare(), flare(scale="science")
    assert operational.flux("operational") == pytest.approx(2.2e-4)
    assert operational.flux("science") == pytest.approx(2.2e-4 / 0.7)
    assert science.flux("science") == pytest.approx(2.2e-4)
    assert science.flux("operational") == pytest.approx(1.54e-4)
    assert (operational.goes_class, operational.scale) == ("X2.2", "operational")
    with pytest.raises(ValueError, match="'big'"):
        flare(goes_class="big").flux("science")


def test_flare_has_an_id():
    assert flare().id == "2011-02-15T01:56 X2.2"
    assert flare(id="FLR-7").id == "FLR-7"


# Tables of flares

PUBLISHED = (
    "Flare Class,Start Time,Peak Time,End Time,Active Region Number,Harp Number,CME\n"
    "X2.2,2011-02-15T01:44Z,2011-02-15T01:56Z,2011-02-15T02:06Z,11158,377,"
    "2011-02-15T02:25:00-CME-001\n"
    "M2.2,2011-02-14T17:20Z,2011-02-14T17:26Z,2011-02-14T17:32Z,1158,377,No\n"
    "M1.0,2011-02-14T17:20Z,2011-02-16T17:26Z,2011-02-14T17:32Z,11158,377,\n"
    "Q1.0,2011-02-14T17:20Z,2011-02-16T17:26Z,2011-02-14T17:32Z,11158,377,No\n"
    "M1.0,2011-02-14T17:20Z,2011-02-16T17:26Z,2011-02-14T17:32Z,11158,377,perhaps\n"
)


def written(folder: Path, text: str) -> Path:
    path = folder / "flares.csv"
    path.write_text(text)
    return path


def test_published_table_is_known_by_its_columns(tmp_path):
    rows, skipped = load_flare_table(written(tmp_path, PUBLISHED))
    assert [(row.flare.id, row.flare.association, row.noaa, row.harp) for row in rows] == [
        ("2011-02-14T17:26 M2.2", "unlinked", 11158, 377),
        ("2011-02-15T01:56 X2.2", "eruptive", 11158, 377),
        ("2011-02-16T17:26 M1.0", "unknown", 11158, 377),
    ]
    assert [[cme.id for cme in row.flare.cmes] for row in rows] == [
        [],
        ["2011-02-15T02:25:00-CME-001"],
        [],
    ]
    reasons = [row.reason.split(":")[0] for row in skipped]
    assert reasons == ["flares.csv line 5", "flares.csv line 6"]
    assert "Q1.0" in skipped[0].reason
    assert "'perhaps'" in skipped[1].reason


def test_own_table_tells_scale_and_id(tmp_path):
    rows, skipped = load_flare_table(
        written(
            tmp_path,
            "\ufeffID, harp ,goes_class,Peak_UTC,association,scale\n"
            "FLR-1,377,X1.0,2011-02-13T08:00,unlinked,Science\n"
            ",377,M1.0,2011-02-14T08:00,,\n"
            "FLR-3,377,M1.0,2011-02-15T08:00,,guessed\n",
        )
    )
    assert [(r.flare.id, r.flare.scale, r.flare.association) for r in rows] == [
        ("FLR-1", "science", "unlinked"),
        ("2011-02-14T08:00 M1.0", "operational", "unknown"),
    ]
    assert "scale 'guessed'" in skipped[0].reason


FORMS = {
    "SolarFlareNet": (
        "Flare Class,Start Time,Peak Time,End Time,Active Region Number\n"
        "M6.6,2011-02-13T17:28Z,2011-02-13T17:38Z,2011-02-13T17:47Z,11158\n"
    ),
    "SWPC": (
        "begin_time,max_time,end_time,max_class,region\n"
        "2011-02-13T17:28:00Z,2011-02-13T17:38:00Z,2011-02-13T17:47:00Z,M6.6,1158\n"
    ),
    "NCEI": (
        "time,start_time,end_time,flare_id,xrsb_irrad,flare_class,active_region\n"
        "2011-02-13 17:38:00,2011-02-13 17:28:00,2011-02-13 17:47:00,1,6.6e-5,M6.6,11158.0\n"
    ),
    "SWAN-SF": (
        "id;start_time;end_time;peak_time;goes_class;noaa_active_region;fl_lon;fl_lat\n"
        "7;2011-02-13 17:28:00;2011-02-13 17:47:00;2011-02-13 17:38:00;M6.6;11158;0;0\n"
    ),
    "HEK": (
        "event_starttime,event_peaktime,fl_goescls,ar_noaanum\n"
        "2011-02-13T17:28:00,2011-02-13T17:38:00,M6.6,11158\n"
    ),
    "DONKI": (
        "flrID\tbeginTime\tpeakTime\tclassType\tactiveRegionNum\n"
        "x\t2011-02-13T17:28Z\t2011-02-13T17:38Z\tM6.6\t11158\n"
    ),
    "compact": "class,peak,harpnum\nM6.6,20110213 1738,377\n",
    "two times": "time,class,flare_class,peak_time,ar\n2011-02-13,X9,M6.6,2011-02-13 17:38,11158\n",
}


@pytest.mark.parametrize("name", FORMS)
def test_published_forms_are_read_by_their_columns(tmp_path, name):
    rows, skipped = load_flare_table(written(tmp_path, FORMS[name]))
    (row,) = rows
    assert skipped == []
    assert row.flare.peak.isot[:16] == "2011-02-13T17:38"
    assert (row.flare.goes_class, row.flare.association) == ("M6.6", "unknown")
    assert (row.noaa or 11158, row.harp or 377) == (11158, 377)
    assert row.flare.scale == ("science" if name == "NCEI" else "operational")


def test_a_class_announced_by_goes_16_counts_in_true_flux(tmp_path):
    text = FORMS["SolarFlareNet"].replace("2011-", "2022-")
    (row,), _ = load_flare_table(written(tmp_path, text))
    assert row.flare.scale == "science"


OWN = "noaa,goes_class,peak_utc,association\n"


def test_the_own_form_is_on_the_scale_of_its_time_too(tmp_path):
    text = f"{OWN}13664,X5.8,2024-05-11T01:23,eruptive\n11158,X2.2,2011-02-15T01:56,eruptive\n"
    rows, _ = load_flare_table(written(tmp_path, text))
    assert [row.flare.scale for row in rows] == ["operational", "science"]
    flares = with_flares(region_of(13664), rows, (), definitive=True).flares
    assert [flare.goes_class for flare in flares] == ["X2.2", "X5.8"]  # the well-known ones, once


@pytest.mark.parametrize(
    ("peak", "words"),
    [
        ("2011-02-14", "has no time of day"),
        ("20110214", "has no time of day"),
        ("1911-02-14T01:56", "lies before 2010 or in the future"),
        ("2999-02-14T01:56", "lies before 2010 or in the future"),
        ("2011-02-14 03:00 EST", "is not an ISO time"),
        ("2011-02-30T00:00", "is not an ISO time"),
    ],
)
def test_a_peak_that_means_no_moment_of_the_mission_is_a_bad_row(tmp_path, peak, words):
    rows, (skipped,) = load_flare_table(written(tmp_path, f"{OWN}11158,M5.5,{peak},confined\n"))
    assert rows == []
    assert words in skipped.reason


def test_a_column_time_without_one_of_the_start_is_no_peak(tmp_path):
    text = "time,end,class,noaa\n2011-02-13T17:28,2011-02-13T17:47,M6.6,11158\n"
    with pytest.raises(FlareTableError, match=r"a peak time.*time alone may be the start"):
        load_flare_table(written(tmp_path, text))


def test_of_a_summary_of_ncei_the_peak_is_the_flare(tmp_path):
    rows, skipped = load_flare_table(
        written(
            tmp_path,
            "time,xrsb_flux,status,flare_class,flare_id,active_region\n"
            "2011-02-13T17:28:00Z,1e-6,EVENT_START,M9.4,1,11158\n"
            "2011-02-13T17:38:00Z,9.4e-5,EVENT_PEAK,M9.4,1,11158\n"
            "2011-02-13T17:47:00Z,4e-5,EVENT_END,M9.4,1,11158\n",
        )
    )
    (row,) = rows
    assert (row.flare.peak.isot[:16], row.flare.scale) == ("2011-02-13T17:38", "science")
    assert skipped == []


def test_a_cme_that_donki_links_in_its_own_table_is_read(tmp_path):
    text = FORMS["DONKI"].replace("Num\n", "Num\tlinkedEvents\n").rstrip()
    cme = "2011-02-13T18:36:00-CME-001"
    rows, _ = load_flare_table(written(tmp_path, f"{text}\t[{{'activityID': '{cme}'}}]\n"))
    assert (rows[0].flare.association, rows[0].flare.cmes[0].id) == ("eruptive", cme)
    rows, _ = load_flare_table(written(tmp_path, f"{text}\t2011-02-13T18:36:00-SEP-001\n"))
    assert (rows[0].flare.association, rows[0].flare.cmes) == ("unknown", ())


def region_of(*noaa: int) -> Region:
    time = Time("2011-02-14T00:00:00", scale="tai")
    return Region("5", 5, noaa, time, time, 1)


@pytest.mark.parametrize(
    ("row", "word"),
    [
        ("11999,C1.0,2011-02-14T03:00,confined", "no flare"),
        ("11999,M5.5,2011-02-14 03:00 EST,", "no flare"),  # another region
        ("11990,M5.5,2011-02-14 03:00 EST,", "not looked up"),
        (",M5.5,2011-02-14 03:00 EST,", "not looked up"),
        (",M5.5,2011-02-14T03:00,", "not looked up"),
        (",C5.5,2011-02-14T03:00,", "no flare"),  # not of the class
        (",C5.5,2011-02-14 3 h,", "no flare"),
        (",big,2011-02-14T03:00,", "not looked up"),
        ("11990,big,2011-02-15T03:00,", "no flare"),  # another day
    ],
)
def test_no_flare_is_not_stated_where_a_row_that_could_be_one_is_unreadable(tmp_path, row, word):
    text = f"{OWN}11990,C1.0,2011-02-13T01:00,\n{row}\n11990,C1.0,2011-02-16T17:38,\n"
    rows, skipped = load_flare_table(written(tmp_path, text))
    region = with_flares(region_of(11990), rows, skipped, definitive=True)
    outcome = what_happened(region, region.first, "M5.0")
    assert outcome.word == word
    assert ("1 row that could not be read" in outcome.sentence) == (word == "not looked up")


def test_a_table_that_names_only_other_regions_was_not_looked_up(tmp_path):
    text = f"{OWN}11990,C1.0,2011-02-13T01:00,\n11990,C1.0,2011-02-16T17:38,\n"
    rows, skipped = load_flare_table(written(tmp_path, text))
    other = with_flares(region_of(11991), rows, skipped, definitive=True)
    assert what_happened(other, other.first, "C").word == "not looked up"


def test_bad_rows_are_named_as_rows_of_the_table(tmp_path):
    text = f"{FORMS['SolarFlareNet']}M1.0,,soon,,11158\n\nM1.0,,2011-02-13T18:00Z,,none\n"
    rows, skipped = load_flare_table(written(tmp_path, text))
    assert len(rows) == 1
    assert [(one.path, one.row) for one in skipped] == [("flares.csv", 3), ("flares.csv", 5)]
    assert skipped[0].reason == "flares.csv line 3: the peak 'soon' is not an ISO time."
    assert list(skipped_kinds([*skipped, SkippedFile("a.fits", "why")])) == [
        "flares.csv row",
        "file",
    ]


def test_a_flare_that_is_there_twice_counts_once(tmp_path):
    row = FORMS["SolarFlareNet"].split("\n")[1]
    rows, _ = load_flare_table(written(tmp_path, f"{FORMS['SolarFlareNet']}{row}\n"))
    assert len(flares_of(rows, (11158,), 0, definitive=True)) == 1


def test_the_list_of_swpcs_form_is_read_as_it_is():
    source = FitsFolder(real_data("cases", "c15_flare_list_of_swpc_form"))
    (region,) = source.regions()
    assert source.skipped() == ()
    assert region.flares[0].source.startswith("flares.csv, ")
    assert [lookup.words for lookup in region.lookups] == ["flares.csv (2011-02-13)"]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "its columns are none"),
        (b"time,size\n1,2\n", "its columns are time, size"),
        (b"goes_class,peak_utc\nM1.0,2011-02-13\n", "and a region"),
        (b"noaa\n\xff\xfe\xfa", "not a readable table"),
    ],
)
def test_what_is_no_table_is_refused_when_asked_for_and_listed_when_found(tmp_path, content, words):
    path = tmp_path / "flares.csv"
    path.write_bytes(content)
    with pytest.raises(FlareTableError, match=words) as caught:
        load_flare_table(path)
    assert str(path) in str(caught.value)
    rows, skipped = read_flare_table(path)
    assert rows == []
    assert [file.reason for file in skipped] == [str(caught.value)]


def test_absent_table_is_an_error_only_when_asked_for(tmp_path):
    with pytest.raises(FlareTableError, match=r"none\.csv"):
        load_flare_table(tmp_path / "none.csv")
    assert read_flare_table(tmp_path / "none.csv") == ([], [])


@pytest.mark.parametrize(
    ("noaa", "harp", "definitive", "found"),
    [
        ((11158,), 1, True, 3),
        ((11158,), 377, True, 3),
        ((), 377, True, 3),
        ((), 377, False, 0),  # near-real-time HARP numbers mean other regions
        ((11158,), 377, False, 3),
        ((11159,), 376, True, 0),
        ((), 0, True, 0),
    ],
)
def test_flares_join_by_noaa_or_definitive_harp(tmp_path, noaa, harp, definitive, found):
    rows, _ = load_flare_table(written(tmp_path, PUBLISHED))
    assert len(flares_of(rows, noaa, harp, definitive=definitive)) == found


# What is shown of them


def test_unlinked_flares_are_shown_in_those_words():
    times = Time("2011-02-13T00:00:00", scale="tai") + np.arange(60) * u.hour
    flares = (flare(association="unlinked"), flare("2011-02-14T20:00:00", "M1.0", "confined"))
    region = Region("377", 377, (11158,), times[0], times[-1], 60, flares)
    assert "X2.2 2011-02-15 01:56 UTC (no CME linked in DONKI)" in flares_sentence(region)
    figure = go.Figure()
    mark_times(figure, pd.Series(pd.to_datetime(times.isot)), None, None, flares)
    shown = {trace.name: list(trace.text) for trace in figure.data}
    assert shown == {
        "flare, no CME linked in DONKI": ["X2.2"],
        "flare, confined": ["M1.0"],
    }


# The real table


def test_published_table_is_read_whole():
    rows, skipped = load_flare_table(real_data("labels", "donki_flare_cme_2010_2017.csv"))
    assert (len(rows), skipped) == (737, [])  # of 739; two are there twice
    associations = [row.flare.association for row in rows]
    assert (associations.count("eruptive"), associations.count("unlinked")) == (129, 608)


def test_harp_377_is_positive_for_the_day_before_its_x_flare():
    rows, _ = load_flare_table(real_data("labels", "donki_flare_cme_2010_2017.csv"))
    flares = flares_of(rows, (11158,), 377, definitive=True)
    t_rec = Time("2011-02-13T05:00:00", scale="tai") + np.arange(50) * u.hour
    label = dict(zip(t_rec.isot, label_frames(t_rec.utc, flares, "M"), strict=True))
    # X2.2 with a CME peaks at 01:56 UTC on the 15th; M6.6 (13th, 17:38) and M2.2 (14th, 17:26)
    # have none linked. From 02-15 02:00 TAI on the next flare is M1.6 on the 16th at 14:25.
    positive = [time for time, value in label.items() if value == 1]
    assert (positive[0], positive[-1]) == ("2011-02-14T02:00:00.000", "2011-02-15T01:00:00.000")
    assert len(positive) == 24
    negative = [time for time, value in label.items() if value == 0]
    assert (negative[0], negative[-1]) == ("2011-02-13T05:00:00.000", "2011-02-14T01:00:00.000")
    assert [value for time, value in label.items() if time > "2011-02-15T01:30"] == [-1] * 5
    # At ≥M5.0 the M2.2 is not there: after the M6.6 only the X2.2 gives a label.
    strong = dict(zip(t_rec.isot, label_frames(t_rec, flares, "M5.0"), strict=True))
    assert strong["2011-02-13T17:00:00.000"] == 0
    assert strong["2011-02-13T18:00:00.000"] == -1
    assert strong["2011-02-14T01:00:00.000"] == -1
    assert strong["2011-02-14T02:00:00.000"] == 1
    strict = label_frames(t_rec, flares, "M", policy="strict")
    assert set(strict.tolist()) == {1, -1}
