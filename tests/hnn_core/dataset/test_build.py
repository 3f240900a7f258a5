import tracemalloc
from dataclasses import replace

import astropy.units as u
import numpy as np
import pandas as pd
import pytest
from astropy.time import Time

from hnn_core.dataset.build import build_dataset
from hnn_core.exceptions import DatasetError, FlareTableError
from hnn_core.live.reporting import report
from hnn_core.magnetogram.preprocess import PreprocessConfig, crop_boxes, preprocess
from hnn_core.regions.base import Flare
from hnn_core.sources.sequence import build_sequence
from tests.support.drawn_source import (
    PIXEL_CM2,
    SHAPE,
    START,
    DrawnRegion,
    DrawnSource,
    flare,
    gauss,
    small_source,
)
from tests.support.moving_boxes import GROWING, WHOLE, BoxSource
from tests.support.moving_boxes import START as BOXES_START

NO_FLARE = "no flare of class C or above known within 24 h"
UNKNOWN = "association of the coming flare unknown"
NO_RECORD = "no good record of its own"
GAP = "too many hours missing before it"
FAR = "more than 45° from the central meridian"
NO_LONGITUDE = "longitude not known"
APART = "patches that cannot be laid on one grid"


def built(folder, *regions, **options):
    return build_dataset(DrawnSource(*regions), folder / "set", workers=1, **options)


def stamp(hour: float) -> pd.Timestamp:
    return pd.Timestamp(START.isot) + pd.Timedelta(hours=hour)


def hours_of(table: pd.DataFrame) -> list[int]:
    return ((table["hour"] - stamp(0)) / pd.Timedelta(hours=1)).astype(int).tolist()


# What is stored


def test_one_region_gives_the_hours_of_the_day_before_its_flare(tmp_path):
    # 30 records, a peak at 25.5 h: hours 2 to 25 are labelled, and from 9 on there are ten frames.
    region = DrawnRegion(flares=(flare(25.5),))
    dataset = built(tmp_path, region)
    table = dataset.select("M", 10)
    assert hours_of(table) == list(range(9, 26))
    assert table["label"].tolist() == [1] * 17
    assert [rows.tolist() for rows in table["rows"]] == [
        list(range(hour - 9, hour + 1)) for hour in range(9, 26)
    ]
    assert table["rows"][0].dtype == np.int32
    assert hours_of(dataset.frames) == list(range(26))
    assert dataset.card["excluded"] == {NO_FLARE: 6, GAP: 7}
    assert dataset.card["counts"]["M"] == {
        "positive": 17,
        "negative": 0,
        "eruptive_flares": 1,
        "confined_flares": 0,
        "unknown_flares": 0,
    }
    assert dataset.card["counts"]["M5.0"]["positive"] == 0
    assert dataset.card["paper_table1"]["M"]["positive"] == 6703


def test_columns_say_where_a_sequence_comes_from(tmp_path):
    region = DrawnRegion(noaa=(11158, 11159), flares=(flare(25.5, "M2.0", "unlinked"),))
    dataset = built(tmp_path, region)
    row = dataset.select("C", 10).iloc[0]
    assert (row["region"], row["harp"], row["noaa"], row["group"]) == ("377", 377, "11158 11159", 0)
    assert (row["hour"], row["t_rec"], row["longitude"]) == (stamp(9), stamp(9), 10.0)
    assert (row["flare_id"], row["goes_class"]) == (region.flares[0].id, "M2.0")
    # 25.5 h after 00:00 TAI is 34 s earlier in UTC.
    assert row["peak_utc"] == pd.Timestamp("2011-02-14T01:29:26")
    assert row["label"] == 0
    expected = gauss(region, 9) * SHAPE[0] * SHAPE[1] * PIXEL_CM2
    assert row["unsigned_flux_mx"] == pytest.approx(expected, rel=1e-6)  # float32 field
    frame = dataset.frames.iloc[18]
    assert (frame["quality"], frame["flagged"], frame["interpolated"]) == (0x10400, True, False)
    assert not dataset.frames.iloc[17]["flagged"]
    assert frame["latitude"] == -20.0


def test_pixels_are_those_of_the_preprocessing(tmp_path):
    region = DrawnRegion(flares=(flare(25.5),))
    dataset = built(tmp_path, region)
    pixels = dataset.read_frames(np.array([3, 25, 3]))
    assert (pixels.shape, pixels.dtype) == ((3, 224, 224), np.float16)
    for image, index in zip(pixels, (3, 25, 3), strict=True):
        # The patch is in the middle, at half its size.
        inside = image[102:122, 94:130]
        assert np.array_equal(inside, np.full((20, 36), np.float16(gauss(region, index) / 2000)))
        assert image.astype(np.float64).sum() == pytest.approx(float(inside[0, 0]) * 720)


def test_classes_have_their_own_labels_and_flares(tmp_path):
    flares = (flare(13.5, "C5.0", "confined"), flare(20.5, "M5.0", "eruptive"))
    dataset = built(tmp_path, DrawnRegion(flares=flares))
    for name in ("M5.0", "M", "C"):
        table = dataset.select(name, 10)
        assert hours_of(table) == list(range(9, 21))
        assert set(table["label"]) == {1}
        assert set(table["goes_class"]) == {"M5.0"}
    far = (flare(13.5, "C5.0", "confined"), flare(33.5, "M5.0", "eruptive"))
    dataset = build_dataset(DrawnSource(DrawnRegion(flares=far)), tmp_path / "far", workers=1)
    assert hours_of(dataset.select("M", 10)) == list(range(10, 30))
    table = dataset.select("C", 10)
    assert hours_of(table) == list(range(9, 30))
    assert table["label"].tolist() == [0] + [1] * 20
    assert dataset.card["counts"]["C"]["confined_flares"] == 1


def test_unknown_flares_are_counted_and_give_nothing(tmp_path):
    flares = (flare(12.5, "M1.0", "eruptive"), flare(29.5, "M1.0", "unknown"))
    dataset = built(tmp_path, DrawnRegion(flares=flares))
    assert hours_of(dataset.select("M", 10)) == [9, 10, 11, 12]
    assert dataset.card["excluded"] == {GAP: 9, UNKNOWN: 17}
    assert dataset.card["counts"]["M"]["unknown_flares"] == 1


def test_strict_policy_leaves_unlinked_flares_out(tmp_path):
    flares = (flare(12.5, "M1.0", "eruptive"), flare(29.5, "M1.0", "unlinked"))
    lenient = built(tmp_path, DrawnRegion(flares=flares))
    strict = build_dataset(
        DrawnSource(DrawnRegion(flares=flares)), tmp_path / "strict", workers=1, policy="strict"
    )
    assert lenient.card["counts"]["M"]["negative"] == 17
    assert strict.card["counts"]["M"]["negative"] == 0
    assert strict.card["counts"]["M"]["unknown_flares"] == 1
    assert (strict.card["policy"], lenient.card["policy"]) == ("strict", "unlinked-is-confined")


# Gaps, positions, broken files


def test_a_gap_of_one_hour_is_interpolated_and_its_hour_is_no_x_t(tmp_path):
    region = DrawnRegion(flares=(flare(25.5),), absent=[12])
    dataset = built(tmp_path, region)
    table = dataset.select("M", 10)
    assert hours_of(table) == [9, 10, 11, *range(13, 26)]
    assert dataset.card["excluded"] == {NO_FLARE: 6, GAP: 7, NO_RECORD: 1}
    made = dataset.frames[dataset.frames["interpolated"]]
    assert hours_of(made) == [12]
    middle = (gauss(region, 11) + gauss(region, 13)) / 2
    image = dataset.read_frames(made["row"].to_numpy())[0]
    assert image[112, 112] == np.float16(middle / 2000)


def test_three_missing_hours_end_sequences_until_ten_are_together_again(tmp_path):
    dataset = built(tmp_path, DrawnRegion(flares=(flare(29.5),), absent=[12, 13, 14]))
    assert hours_of(dataset.select("M", 10)) == [9, 10, 11, *range(24, 30)]
    assert dataset.card["excluded"] == {NO_FLARE: 6, GAP: 3 + 9, NO_RECORD: 3}


def test_one_hour_can_have_two_frames(tmp_path):
    # For hour 15 there are records at 14:40 and 15:12: the second is nearer, but later than x_t.
    region = DrawnRegion(flares=(flare(25.5),), absent=[16], extra=(14 + 40 / 60, 15.2))
    dataset = built(tmp_path, region)
    twice = dataset.frames[dataset.frames["hour"] == stamp(15)]
    assert twice["t_rec"].tolist() == [stamp(14 + 40 / 60), stamp(15.2)]
    table = dataset.select("M", 10).set_index("hour")
    before, after = (int(row) for row in twice["row"])
    assert table.loc[stamp(15), "rows"][-1] == before
    assert table.loc[stamp(15), "t_rec"] == stamp(14 + 40 / 60)
    for hour in range(16, 25):
        assert after in table.loc[stamp(hour), "rows"]
        assert before not in table.loc[stamp(hour), "rows"]


def test_label_counts_from_t_rec_not_from_the_hour(tmp_path):
    # The record of hour 12 lies at 11:48, so a peak at 35:54 is more than 24 h ahead of it.
    region = DrawnRegion(n_hours=14, flares=(flare(35.9),), minutes={12: -12.0})
    assert hours_of(built(tmp_path, region).select("M", 10)) == [13]


def test_beyond_45_degrees_an_hour_is_no_x_t(tmp_path):
    region = DrawnRegion(flares=(flare(25.5),), longitude=lambda hour: -55.5 + hour)
    dataset = built(tmp_path, region)
    # -45.5 at hour 10, -44.5 at hour 11.
    assert hours_of(dataset.select("M", 10)) == list(range(11, 26))
    assert dataset.card["excluded"][FAR] == 2
    west = DrawnRegion(flares=(flare(25.5),), longitude=lambda hour: 25.0 + hour)
    dataset = build_dataset(DrawnSource(west), tmp_path / "west", workers=1)
    assert hours_of(dataset.select("M", 10)) == list(range(9, 21))  # 45 exactly is inside


def test_unknown_longitude_excludes(tmp_path):
    with pytest.raises(DatasetError, match=f"17: {NO_LONGITUDE}"):
        built(tmp_path, DrawnRegion(flares=(flare(25.5),), longitude=lambda _: float("nan")))


def test_broken_record_counts_as_missing_and_is_told(tmp_path):
    dataset = built(tmp_path, DrawnRegion(flares=(flare(25.5),), broken=[12]))
    whole = build_dataset(
        DrawnSource(DrawnRegion(flares=(flare(25.5),), absent=[12])), tmp_path / "b", workers=1
    )
    assert dataset.card["broken_records"] == ["record 12 of 377 ends early."]
    pd.testing.assert_frame_equal(dataset.frames, whole.frames)
    pd.testing.assert_frame_equal(dataset.sequences, whole.sequences)


def test_patches_of_two_sizes_without_coordinates_are_not_one_sequence(tmp_path):
    region = DrawnRegion(
        flares=(flare(25.5),), absent=[12], shape=lambda index: SHAPE if index < 12 else (42, 72)
    )
    dataset = built(tmp_path, region)
    assert hours_of(dataset.select("M", 10)) == [9, 10, 11, 22, 23, 24, 25]
    assert dataset.card["excluded"][APART] == 9  # hours 13 to 21 would need hour 12 or 11


def test_longer_sequences_are_padded_in_front(tmp_path):
    dataset = built(tmp_path, DrawnRegion(flares=(flare(25.5),), absent=[4, 5, 6]), hours=12)
    assert dataset.hours == 12
    rows = dataset.sequences["rows"].tolist()
    assert {len(row) for row in rows} == {12}
    # Hours 16, 17, 18, … have 10, 11, 12, … hours since the gap ended at hour 7.
    assert hours_of(dataset.sequences) == list(range(16, 26))
    assert [int((row < 0).sum()) for row in rows] == [2, 1, *[0] * 8]
    assert hours_of(dataset.select("M", 11)) == list(range(17, 26))
    assert hours_of(dataset.select("M", 12)) == list(range(18, 26))
    assert [row.tolist() for row in dataset.select("M", 1)["rows"]] == [[row[-1]] for row in rows]


# Flares from a table


def test_table_of_flares_replaces_those_of_the_source(tmp_path):
    table = tmp_path / "labels.csv"
    table.write_text(
        "harp,noaa,goes_class,peak_utc,association\n"
        f"378,,M1.0,{(START + 12.5 * u.hour).utc.isot},confined\n"
        "378,,wrong,2011-02-13T08:00,confined\n"
        f"378,,M2.0,{(START + 25 * u.hour).utc.isot},confined\n"
        f"378,,M2.1,{(START + 25.02 * u.hour).utc.isot},eruptive\n"  # so it gives no label
    )
    notes = []
    region = DrawnRegion(378, noaa=(11170,), flares=(flare(25.5),))
    dataset = built(tmp_path, region, flares=table, notes=notes.append)
    assert hours_of(dataset.select("M", 10)) == [9, 10, 11, 12]
    assert set(dataset.select("M", 10)["label"]) == {0}
    assert dataset.card["flares"]["file"] == "labels.csv"
    line, both = notes
    assert "labels.csv line 3" in line
    assert "M2.0 of AR 11170 · HARP 378 is called both eruptive and confined in" in both


def test_well_known_flares_count_next_to_those_of_a_table(tmp_path):
    table = tmp_path / "labels.csv"
    table.write_text("harp,goes_class,peak_utc\n377,C1.0,2011-02-12T00:00\n")
    found = built(tmp_path, DrawnRegion(), flares=table).select("M5.0", 10)
    # Up to the M6.6 at 17:38 with no CME linked, then in the day before the eruptive X2.2.
    assert hours_of(found) == [*range(9, 18), *range(26, 30)]
    assert found["label"].tolist() == [0] * 9 + [1] * 4


def test_unreadable_table_builds_nothing(tmp_path):
    with pytest.raises(FlareTableError, match=r"none\.csv"):
        built(tmp_path, DrawnRegion(), flares=tmp_path / "none.csv")
    assert list(tmp_path.iterdir()) == []


# Several regions


def test_regions_follow_each_other_and_share_groups_by_noaa(tmp_path):
    regions = [
        DrawnRegion(377, noaa=(11158,), flares=(flare(13.5),), n_hours=15),
        DrawnRegion(378, noaa=(11158, 11160), n_hours=12),  # nothing of it is stored, but it links
        DrawnRegion(379, noaa=(11160,), flares=(flare(11.5),), n_hours=12),
        DrawnRegion(380, noaa=(), flares=(flare(10.5),), n_hours=12),
    ]
    dataset = built(tmp_path, *regions)
    table = dataset.select("M", 10)
    assert table["region"].tolist() == ["377"] * 5 + ["379"] * 3 + ["380"] * 2
    assert table["group"].tolist() == [0] * 8 + [1] * 2
    assert dataset.frames["row"].tolist() == list(range(14 + 12 + 11))
    assert dataset.frames["region"].tolist() == ["377"] * 14 + ["379"] * 12 + ["380"] * 11
    assert table["rows"][5].tolist() == list(range(14, 24))
    image = dataset.read_frames(np.array([14]))[0]
    assert image[112, 112] == np.float16(9 / 2000)  # record 0 of 379
    assert (dataset.card["regions"], dataset.card["groups"]) == (3, 2)


def test_a_flare_of_two_patches_of_one_region_counts_once(tmp_path):
    both = (flare(13.5),)
    dataset = built(
        tmp_path,
        DrawnRegion(377, noaa=(11158,), flares=both, n_hours=14),
        DrawnRegion(378, noaa=(11158,), flares=both, n_hours=14),
        DrawnRegion(379, noaa=(11170,), flares=both, n_hours=14),
    )
    assert dataset.card["counts"]["M"]["positive"] == 15
    assert dataset.card["counts"]["M"]["eruptive_flares"] == 2


@pytest.mark.slow
def test_memory_does_not_grow_with_the_number_of_regions(tmp_path):
    def peak(n: int) -> int:
        regions = [
            DrawnRegion(400 + k, noaa=(), flares=(flare(13.5),), n_hours=14) for k in range(n)
        ]
        tracemalloc.start()
        try:
            build_dataset(DrawnSource(*regions), tmp_path / str(n), workers=1)
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    peak(1)  # imports
    # A region's frames are 1.4 MB; its rows in the tables are some kilobytes.
    assert peak(12) < peak(2) + 1_000_000


def test_frames_are_read_once(tmp_path):
    source = small_source()
    build_dataset(source, tmp_path / "set", workers=1)
    assert len(source.reads) == len(set(source.reads))


def test_progress_tells_every_region(tmp_path):
    told = []
    build_dataset(
        small_source(), tmp_path / "set", workers=1, progress=lambda *args: told.append(args)
    )
    assert [args[:4] for args in told] == [
        (1, 3, "377", 14),
        (2, 3, "378", 0),
        (3, 3, "380", 12),
    ]
    assert told[0][4] > told[2][4] == 0.0


# Refusals


def test_nothing_labelled_says_why_and_leaves_nothing(tmp_path):
    with pytest.raises(DatasetError) as caught:
        built(tmp_path, DrawnRegion(), DrawnRegion(378, flares=(flare(29.5, "B9.0"),)))
    assert str(caught.value).startswith(
        "drawn: gives no labelled sequence: of 60 hours of 2 regions"
    )
    assert f"60: {NO_FLARE}" in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_nothing_usable_counts_all_reasons(tmp_path):
    region = DrawnRegion(flares=(flare(29.5),), longitude=lambda _: 60.0, absent=[10])
    with pytest.raises(DatasetError, match=f"20: {FAR}; 6: {NO_FLARE}; 3: {GAP}; 1: {NO_RECORD}"):
        built(tmp_path, region)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"policy": "lenient"}, "'lenient' is not a policy; choose unlinked-is-confined or strict"),
        ({"hours": 9}, "10 to 18 hours, not 9"),
        ({"hours": 19}, "10 to 18 hours, not 19"),
    ],
)
def test_options_that_cannot_be_are_refused(tmp_path, options, words):
    with pytest.raises(DatasetError, match=words):
        built(tmp_path, DrawnRegion(flares=(flare(25.5),)), **options)
    assert list(tmp_path.iterdir()) == []


def test_a_place_that_is_taken_is_refused(tmp_path):
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / "thesis.tex").write_text("keep me")
    with pytest.raises(DatasetError, match="exists and is not a data set"):
        built(tmp_path, DrawnRegion(flares=(flare(25.5),)))
    assert [path.name for path in tmp_path.rglob("*")] == ["set", "thesis.tex"]


def test_another_data_set_in_that_place_is_refused_and_the_same_is_taken(tmp_path):
    region = DrawnRegion(flares=(flare(25.5),))
    first = built(tmp_path, region)
    source = DrawnSource(region)
    again = build_dataset(source, tmp_path / "set", workers=1)
    assert again.sha256 == first.sha256
    assert source.reads == []
    with pytest.raises(DatasetError, match="another policy; choose another name"):
        built(tmp_path, region, policy="strict")
    moved = replace(region.flares[0], id="FLR-1"), replace(flare(24.5), id="FLR-1")
    for other in (flare(24.5), *moved):
        with pytest.raises(DatasetError, match="another regions_sha256"):
            built(tmp_path, DrawnRegion(flares=(other,)))


def test_the_peak_counts_even_where_the_id_does_not_tell_it(tmp_path):
    built(tmp_path, DrawnRegion(flares=(replace(flare(25.5), id="FLR-1"),)))
    with pytest.raises(DatasetError, match="another regions_sha256"):
        built(tmp_path, DrawnRegion(flares=(replace(flare(24.5), id="FLR-1"),)))


# Boxes that change


def test_a_data_set_of_growing_boxes_holds_what_the_live_path_sees(tmp_path):
    source = BoxSource(GROWING, [7], [Flare((BOXES_START + 13.5 * u.h).utc, "M2.0", "eruptive")])
    for frame in source.frames["377"]:  # the middle of each box, as JSOC writes it
        rows, cols = frame.shape
        middle = frame.wcs.wcs_pix2world((cols - 1) / 2, (rows - 1) / 2, 0)
        frame.header.update({"CRVAL1": float(middle[0]), "CRVAL2": float(middle[1])})
        frame.header.update({"CRPIX1": (cols + 1) / 2, "CRPIX2": (rows + 1) / 2})
    config = PreprocessConfig(crop=32, size=16)
    dataset = build_dataset(source, tmp_path / "set", workers=1, preprocess=config)
    table = dataset.select("M", 10)
    assert len(table) == 4
    for row in table.itertuples():
        live = build_sequence(source, "377", Time(row.hour, scale="tai"), 10)
        boxes = crop_boxes(live.frames, config.crop)
        seen = [
            preprocess(f.field, config, box)[0] for f, box in zip(live.frames, boxes, strict=True)
        ]
        np.testing.assert_array_equal(dataset.read_frames(row.rows), np.float16(seen))
    # Frames of several sequences are there about the middle of each.
    assert dataset.frames["hour"].duplicated().any()
    assert not dataset.frames.duplicated(["hour", "crc32"]).any()


def test_cut_outs_of_one_region_give_the_same_data_set(tmp_path):
    flares = [Flare((BOXES_START + 13.5 * u.h).utc, "M2.0", "eruptive")]
    config = PreprocessConfig(crop=32, size=16)
    grown, fixed = (
        build_dataset(BoxSource(boxes, [7], flares), tmp_path / name, workers=1, preprocess=config)
        for name, boxes in (("grown", GROWING), ("fixed", [WHOLE] * 13))
    )
    pixels = [one.read_frames(np.arange(len(one.frames))) for one in (grown, fixed)]
    assert len(fixed.frames) == 13
    np.testing.assert_array_equal(*pixels)
    pd.testing.assert_series_equal(grown.sequences["rows"], fixed.sequences["rows"])


class NotedSource(BoxSource):
    """Of which a few records are cut-outs."""

    def frame(self, region, time):
        frame = super().frame(region, time)
        hour = round((frame.t_rec - BOXES_START).to_value("h"))
        return replace(frame, notes=(f"hour {hour} is a cut-out.",) if hour in (2, 5) else ())


def test_notes_of_records_reach_the_card_and_the_report(tmp_path):
    flares = [Flare((BOXES_START + 13.5 * u.h).utc, "M2.0", "eruptive")]
    config = PreprocessConfig(crop=32, size=16)
    source = NotedSource([WHOLE] * 13, [], flares)
    dataset = build_dataset(source, tmp_path / "set", workers=1, preprocess=config)
    assert dataset.card["noted_records"] == ["hour 2 is a cut-out.", "hour 5 is a cut-out."]
    told = report("set", dataset.folder, dataset.card)
    assert "2 records with a note, the first: hour 2 is a cut-out." in told
    of_earlier_versions = {k: v for k, v in dataset.card.items() if k != "noted_records"}
    assert "with a note" not in report("set", dataset.folder, of_earlier_versions)
