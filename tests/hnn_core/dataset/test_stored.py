import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from hnn_core.dataset.build import build_dataset
from hnn_core.dataset.card import file_sha256, find_dataset, list_datasets, seal, text_sha256
from hnn_core.dataset.frame_store import CHUNK_FRAMES
from hnn_core.dataset.stored import StoredDataset
from hnn_core.exceptions import (
    CorruptDatasetError,
    DatasetError,
    ForeignDatasetError,
)
from hnn_core.magnetogram.preprocess import PreprocessConfig
from tests.support.drawn_source import DrawnRegion, DrawnSource, flare, small_source


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Path:
    """Two regions of 14 and 12 frames, in chunks of eight."""
    folder = tmp_path_factory.mktemp("made") / "set"
    build_dataset(small_source(), folder, workers=1)
    return folder


@pytest.fixture
def folder(made, tmp_path) -> Path:
    """A copy to spoil."""
    return Path(shutil.copytree(made, tmp_path / "set"))


def flip(path: Path, place: float = 0.5) -> None:
    """Flip one bit of a file, at a part of its length."""
    content = bytearray(path.read_bytes())
    content[int(place * len(content))] ^= 1
    path.write_bytes(bytes(content))


def change_card(folder: Path, **changes: object) -> None:
    """Change the card as another program would: with the right sum."""
    card = json.loads((folder / "card.json").read_text())
    card.update(changes)
    card.pop("sha256")
    (folder / "card.json").write_text(json.dumps(seal(card)))


# What it offers


def test_attributes_tell_what_it_is(made):
    dataset = StoredDataset.open(made)
    assert (dataset.folder, dataset.name, dataset.hours) == (made, "set", 10)
    assert dataset.preprocess == PreprocessConfig()
    assert dataset.card["simulated"] is False
    assert (len(dataset.frames), len(dataset.sequences)) == (26, 8)
    assert (dataset.card["frames"], dataset.card["sequences"]) == (26, 8)
    assert len(dataset.sha256) == 64


def test_tables_have_the_types_that_training_counts_on(made):
    dataset = StoredDataset.open(made)
    kinds = {name: str(kind) for name, kind in dataset.frames.dtypes.items()}
    assert kinds["hour"] == kinds["t_rec"] == "datetime64[ms]"
    assert kinds["row"] == kinds["group"] == kinds["crc32"] == kinds["quality"] == "int64"
    assert kinds["flagged"] == kinds["interpolated"] == "bool"
    table = dataset.select("C", 10)
    assert list(table.columns) == [
        "region", "harp", "noaa", "group", "hour", "t_rec", "longitude", "unsigned_flux_mx",
        "label", "flare_id", "goes_class", "peak_utc", "rows",
    ]  # fmt: skip
    assert isinstance(table.index, pd.RangeIndex)
    assert str(table["label"].dtype) == "int64"
    assert str(table["peak_utc"].dtype) == "datetime64[ms]"
    assert table["label"].tolist() == [1] * 5 + [0] * 3


def test_select_keeps_the_class_and_the_length(made):
    dataset = StoredDataset.open(made)
    assert set(dataset.select("M", 10)["region"]) == {"377"}  # the other's flare is C3.0
    assert [len(rows) for rows in dataset.select("C", 4)["rows"]] == [4] * 8
    ten, four = dataset.select("C", 10), dataset.select("C", 4)
    for long, short in zip(ten["rows"], four["rows"], strict=True):
        assert np.array_equal(long[-4:], short)


@pytest.mark.parametrize(
    ("flare_class", "m", "words"),
    [
        ("X", 10, "'X' is not a flare class; choose M5.0, M, C"),
        ("M", 11, "up to 10 hours, not 11"),
        ("M", 0, "up to 10 hours, not 0"),
        ("M5.0", 10, "no labelled sequence of 10 hours for ≥M5.0"),
    ],
)
def test_what_is_not_stored_is_refused(made, flare_class, m, words):
    with pytest.raises(DatasetError, match=words):
        StoredDataset.open(made).select(flare_class, m)


def test_frames_come_in_the_order_asked_for(made):
    dataset = StoredDataset.open(made)
    everything = dataset.read_frames(np.arange(26))
    assert (everything.shape, everything.dtype) == ((26, 224, 224), np.float16)
    # Record i of HARP 377 has 10 i + 7 G, of HARP 380 10 i + 0 G.
    expected = [10.0 * i + 7 for i in range(14)] + [10.0 * i for i in range(12)]
    assert np.array_equal(everything[:, 112, 112], np.float16(np.array(expected) / 2000))
    for rows in ([25], [3, 2, 1], [7, 8], [0, 25, 0, 12], [5, 5, 5], list(range(10, 20))):
        assert np.array_equal(dataset.read_frames(np.array(rows)), everything[rows])
    assert dataset.read_frames(np.array([], dtype=int)).shape == (0, 224, 224)


@pytest.mark.parametrize("rows", [[-1], [26], [[0, 1]]])
def test_rows_that_are_not_there_are_refused(made, rows):
    with pytest.raises(ValueError, match="0 to 25"):
        StoredDataset.open(made).read_frames(np.array(rows))


def test_long_reads_are_cut_in_blocks_of_whole_chunks(tmp_path, monkeypatch):
    region = DrawnRegion(flares=(flare(40.5), flare(60.5)), n_hours=60)
    dataset = build_dataset(DrawnSource(region), tmp_path / "long", workers=1)
    rows = np.arange(len(dataset.frames))
    at_once = dataset.read_frames(rows)
    monkeypatch.setattr("hnn_core.dataset.frame_store._BLOCK", 2 * CHUNK_FRAMES)
    assert np.array_equal(dataset.read_frames(rows), at_once)
    scattered = np.array([0, 9, 17, 18, 19, 40])
    assert np.array_equal(dataset.read_frames(scattered), at_once[scattered])


def test_sound_data_set_is_verified_to_its_end(made):
    told = []
    StoredDataset.open(made).verify(lambda done, total: told.append((done, total)))
    assert told == [(26, 26)]


# Damage


@pytest.mark.parametrize("name", ["frames.parquet", "sequences.parquet", "frames.zarr/zarr.json"])
@pytest.mark.parametrize("place", [0.0, 0.5, 0.99])
def test_a_flipped_bit_in_a_table_is_found_on_opening(folder, name, place):
    flip(folder / name, place)
    with pytest.raises(CorruptDatasetError, match=f"{name} does not match its checksum"):
        StoredDataset.open(folder)


@pytest.mark.parametrize("name", ["frames.parquet", "sequences.parquet", "frames.zarr/zarr.json"])
def test_an_absent_file_is_found_on_opening(folder, name):
    (folder / name).unlink()
    with pytest.raises(CorruptDatasetError, match=name):
        StoredDataset.open(folder)


def test_an_absent_chunk_is_found_on_opening(folder):
    (folder / "frames.zarr" / "1.0.0").unlink()
    with pytest.raises(CorruptDatasetError, match=r"misses 1 .*region 377, hour 2011-02-13T08:00"):
        StoredDataset.open(folder)


@pytest.mark.parametrize("place", [0.0, 0.001, 0.2, 0.5, 0.9, 0.999])
def test_a_flipped_bit_in_a_chunk_is_found_on_reading(folder, place):
    flip(folder / "frames.zarr" / "1.0.0", place)
    dataset = StoredDataset.open(folder)
    dataset.read_frames(np.arange(8))  # the first chunk is sound
    with pytest.raises(CorruptDatasetError, match=r"damaged at region 3\d\d, hour 2011-02-13T\d\d"):
        dataset.verify()


def test_the_damaged_frame_is_named(folder):
    # Chunk 2 holds frames 16 to 23: hours 2 to 9 of HARP 380. Put chunk 0 in its place.
    shutil.copy(folder / "frames.zarr" / "0.0.0", folder / "frames.zarr" / "2.0.0")
    dataset = StoredDataset.open(folder)
    with pytest.raises(CorruptDatasetError, match=r"region 380, hour 2011-02-13T05:00 TAI \(frame"):
        dataset.read_frames(np.array([0, 19, 20]))


def test_a_truncated_or_emptied_chunk_is_found_on_reading(folder):
    chunk = folder / "frames.zarr" / "0.0.0"
    for content in (chunk.read_bytes()[:1000], b""):
        chunk.write_bytes(content)
        with pytest.raises(CorruptDatasetError, match=r"region 377, hour 2011-02-13T00:00"):
            StoredDataset.open(folder).read_frames(np.array([0]))


@pytest.mark.parametrize(
    "spoil",
    [
        lambda text: text[: len(text) // 2],
        lambda _: "",
        lambda text: text.replace('"frames": 26', '"frames": 27'),
        lambda text: text.replace("drawn:", "other:"),
    ],
)
def test_a_spoilt_card_is_found(folder, spoil):
    card = folder / "card.json"
    card.write_text(spoil(card.read_text()))
    with pytest.raises(CorruptDatasetError, match=r"card\.json"):
        StoredDataset.open(folder)


# Other programs' and formats


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"format": 2}, "format 2, this program reads format 1"),
        ({"format": None}, "format None"),
        ({"preprocess": {"crop": 448, "size": 224, "clip": 2000.0, "mu": True}}, "mu"),
        ({"preprocess": {"crop": 448, "size": 223}}, "multiple"),
        ({"preprocess": {"crop": 448, "size": 112}}, r"half precision of shape \(26, 112, 112\)"),
        ({"policy": 3}, "has no usable policy"),
    ],
)
def test_another_format_or_preprocessing_is_refused(folder, changes, words):
    change_card(folder, **changes)
    with pytest.raises(ForeignDatasetError, match=words):
        StoredDataset.open(folder)


def test_a_card_that_is_a_list_is_damaged(folder):
    (folder / "card.json").write_text("[1]")
    with pytest.raises(CorruptDatasetError, match="it holds no JSON object"):
        StoredDataset.open(folder)


def test_tables_of_another_shape_are_refused(folder):
    table = pq.read_table(folder / "frames.parquet")
    for spoilt, error in (
        (table.drop_columns(["crc32"]), ForeignDatasetError),
        (table.slice(0, 20), CorruptDatasetError),
    ):
        pq.write_table(spoilt, folder / "frames.parquet")
        files = json.loads((folder / "card.json").read_text())["files"]
        files["frames.parquet"] = file_sha256(folder / "frames.parquet")
        change_card(folder, files=files)
        with pytest.raises(error, match="build"):
            StoredDataset.open(folder)


def test_sum_of_the_card_does_not_depend_on_the_order_of_its_keys():
    assert (
        seal({"a": 1, "b": {"c": 2, "d": 3}})["sha256"]
        == seal({"b": {"d": 3, "c": 2}, "a": 1})["sha256"]
    )
    assert text_sha256("") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


# Finding them


def test_data_sets_are_found_by_name_and_by_path(made, hnn_home, tmp_path, monkeypatch):
    home = hnn_home / "datasets"
    shutil.copytree(made, home / "mine")
    assert find_dataset("mine") == home / "mine"
    assert find_dataset(str(made)) == made
    assert find_dataset(made) == made
    monkeypatch.chdir(made.parent)
    assert find_dataset("set") == made
    assert find_dataset("./set") == made


def test_listing_tells_what_the_cards_tell_and_what_is_no_data_set(made, hnn_home):
    home = hnn_home / "datasets"
    assert list_datasets() == ([], [])
    for name in ("b", "a"):
        shutil.copytree(made, home / name)
    (home / "notes.txt").write_text("not a folder")
    (home / "empty").mkdir()
    shutil.copytree(made, home / "foreign")
    change_card(home / "foreign", format=7)
    found, skipped = list_datasets()
    assert [info.name for info in found] == ["a", "b"]
    info = found[0]
    assert (info.folder, info.source, info.policy) == (home / "a", "drawn:", "unlinked-is-confined")
    assert (info.hours, info.simulated, info.counts["C"]["negative"]) == (10, False, 3)
    assert info.sha256 == StoredDataset.open(made).sha256
    assert [file.path for file in skipped] == ["empty", "foreign"]
    assert "format 7" in skipped[1].reason


@pytest.mark.parametrize("name", ["", ".", "..", ".hidden", "~/.x"])
def test_names_that_cannot_be_are_refused(name):
    with pytest.raises(DatasetError, match="not a name"):
        find_dataset(name)


def test_unknown_data_set_names_those_there_are(made, hnn_home, tmp_path):
    shutil.copytree(made, hnn_home / "datasets" / "mine")
    with pytest.raises(DatasetError, match=r"'yours'; there are: mine; make one"):
        find_dataset("yours")
    with pytest.raises(DatasetError, match="not a data set"):
        StoredDataset.open(tmp_path / "nowhere")
    (tmp_path / "file").write_text("x")
    with pytest.raises(DatasetError, match="not a data set"):
        StoredDataset.open(tmp_path / "file")


def test_folder_of_a_build_is_not_opened(tmp_path):
    (tmp_path / ".set.building").mkdir()
    for folder in (tmp_path / ".set.building", tmp_path / "set"):
        with pytest.raises(DatasetError, match="again to resume"):
            StoredDataset.open(folder)
