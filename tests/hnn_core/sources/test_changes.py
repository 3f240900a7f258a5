"""What changes behind a source is noticed by sizes and times alone."""

import os

import pytest

from hnn_core.exceptions import UnknownRegionError
from hnn_core.sources import open_source
from hnn_core.sources.changes import folder_state, record_stamps, source_state, stamp
from tests.support.drawn_sharp import draw_fits


@pytest.fixture
def folder(tmp_path):
    for hour in (5, 6):
        (tmp_path / "deep").mkdir(exist_ok=True)
        draw_fits(tmp_path / "deep" / f"{hour}.fits", T_REC=f"2011.02.13_0{hour}:00:00_TAI")
    return tmp_path


def later(path):
    """A file of the same size written a moment later."""
    status = path.stat()
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns + 1_000_000))


def test_a_folder_changes_with_every_file_in_it(folder):
    seen = [folder_state(folder)]
    assert folder_state(folder) == seen[0]
    later(folder / "deep" / "5.fits")
    seen.append(folder_state(folder))
    (folder / "flares.csv").write_text("x")
    seen.append(folder_state(folder))
    (folder / "deep" / "6.fits").rename(folder / "deep" / "7.fits")
    seen.append(folder_state(folder))
    (folder / "deep" / "7.fits").unlink()
    seen.append(folder_state(folder))
    assert len(set(seen)) == 5
    (folder / ".hidden").write_text("x")
    (folder / "nowhere").symlink_to(folder / "gone")
    assert folder_state(folder) == seen[-1]
    (folder / "loop").symlink_to(folder)
    assert folder_state(folder) == seen[-1]
    assert folder_state(folder / "gone") == folder_state()


def test_of_a_source_its_files_count_and_of_a_simulation_nothing(folder):
    before = source_state(f"fits:{folder}")
    later(folder / "deep" / "5.fits")
    assert source_state(f" fits: {folder}") != before
    assert source_state("sim:") == source_state("sim:3") == 0


def test_each_record_has_the_stamp_of_its_own_file(folder):
    source = open_source(f"fits:{folder}")
    before = record_stamps(source, "377")
    assert list(before) == ["2011-02-13T05:00:00.000", "2011-02-13T06:00:00.000", "flares.csv"]
    assert before["flares.csv"] == (-1, -1)
    later(folder / "deep" / "6.fits")
    after = record_stamps(source, "377")
    changed = [name for name in before if before[name] != after[name]]
    assert changed == ["2011-02-13T06:00:00.000"]
    (folder / "deep" / "5.fits").unlink()
    assert record_stamps(source, "377")["2011-02-13T05:00:00.000"] == (-1, -1)
    assert stamp(folder / "deep" / "5.fits") == (-1, -1)
    assert record_stamps(open_source("sim:"), "SIM 1") == {}
    with pytest.raises(UnknownRegionError):
        record_stamps(source, "378")
