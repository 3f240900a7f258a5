"""kill -9 at random moments: afterwards, the same end as undisturbed, and nothing half of it."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from hnn_core.storage import replace_folder
from tests.conftest import ROOT
from tests.support.drawn_sharp import draw_fits
from tests.support.kills import contents, forked

pytestmark = pytest.mark.slow


def kill(folder: Path, *words: object, seed: int = 20110215, kills: int = 10) -> list[dict]:
    """Kill a command; return what was seen after each kill."""
    command = [sys.executable, "-m", "tests.support.kills", seed, kills, folder, *words]
    done = subprocess.run(
        list(map(str, command)), cwd=ROOT, capture_output=True, text=True, timeout=1500, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads((folder / "seen.json").read_text())


@pytest.fixture
def folder(tmp_path) -> Path:
    for hour in range(10):
        draw_fits(tmp_path / "fits" / f"{hour}.fits", T_REC=f"2011.02.13_{hour:02}:00:00_TAI")
    return tmp_path


def test_a_report_that_is_killed_is_there_whole_or_not_at_all(folder):
    words = ["report", "--source", f"fits:{folder / 'fits'}", "--region", "377"]
    words += ["--time", "2011-02-13T09:00", "--model", "none", "--no-check"]
    words += ["--out", "r.html", "--zip", "r.zip", "--parquet", "r.parquet"]
    seen = kill(folder, "analysis", *words)
    whole, killed = (contents(folder / name / "work") for name in ("whole", "killed"))
    assert {*whole} == {"r.html", "r.zip", "r.parquet"}
    assert killed == whole
    for state in seen:
        made = {Path(name).name: sha for name, sha in state.items() if name.startswith("work/")}
        assert made.items() <= whole.items()


def test_a_data_set_whose_build_is_killed_ends_with_the_same_bytes(folder):
    words = ["data", "build", "--source", "sim:5:2", "--out", "set", "--workers", "1"]
    seen = kill(folder, "hnn_core", *words)
    whole, killed = (contents(folder / name / "home" / "datasets") for name in ("whole", "killed"))
    assert "set/card.json" in whole
    assert killed == whole
    for state in seen:
        shown = {name for name in state if name.startswith("home/datasets/set/")}
        assert shown in (set(), {f"home/datasets/{name}" for name in whole})
    left = [path.name for path in (folder / "killed" / "home" / "datasets").iterdir()]
    assert left == ["set"]


def test_a_model_that_is_replaced_is_there_whole_at_every_kill(tmp_path):
    def replace() -> int:
        for text in ("first", "second"):
            draft = Path.cwd() / f".draft-{os.getpid()}-{text}"
            draft.mkdir()
            for name in ("config.json", "model.safetensors"):
                (draft / name).write_text(text)
            replace_folder(draft, Path.cwd() / "model")
        return 0

    code, _, changes = forked(replace, tmp_path / "whole")
    assert code == 0
    for change in range(1, changes + 1):
        place = tmp_path / str(change)
        assert forked(replace, place, at_change=change)[0] == -9
        made = {path.name: path.read_text() for path in place.glob("work/model/*")}
        assert len(made) in (0, 2)
        assert len({*made.values()}) <= 1
        if change > changes // 2 + 1:
            assert made
        assert forked(replace, place)[0] == 0
        assert {*contents(place / "work")} == {"model/config.json", "model/model.safetensors"}
