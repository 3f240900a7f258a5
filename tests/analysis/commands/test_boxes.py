"""Regions whose patches grow, through the commands: as in one box, and holes filled."""

import io
import json
import shutil
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analysis.__main__ import main as analysis
from hnn_core.__main__ import main as hnn
from hnn_core.network.model_store import save_model
from tests.conftest import real_data
from tests.support.moving_boxes import GROWING, WHOLE, write_frames
from tests.support.small_models import small_model

LAST = "2011-02-13T16:00:00"


@pytest.fixture(params=["drawn", "real"])
def folders(request, tmp_path):
    """The growing series and its control of fixed boxes, copied so that files can be taken out."""
    if request.param == "drawn":
        return [
            write_frames(tmp_path / name, boxes)
            for name, boxes in (("grown", GROWING[:12]), ("fixed", [WHOLE] * 12))
        ]
    cases = real_data("cases")
    names = ("c08_nrt_patch_grows", "c08b_same_pixels_fixed_patch")
    return [Path(shutil.copytree(cases / name, tmp_path / name)) for name in names]


@pytest.fixture
def model(tmp_path):
    """A network that sees 32 native pixels, which all patches have."""
    small = small_model(preprocess={"crop": 32, "size": 32, "clip": 2000.0})
    save_model(small, tmp_path / "small")
    return tmp_path / "small"


def run(main, capsys, *args: object) -> tuple[int, str, str]:
    code = main([str(arg) for arg in args])
    return code, *capsys.readouterr()


def predicted(folder, model, capsys) -> dict:
    where = ("--source", f"fits:{folder}", "--region", "377", "--time", LAST)
    code, out, err = run(hnn, capsys, "predict", *where, "--model", model, "--json")
    assert (code, err) == (0, "")
    return json.loads(out)


def reported(folder, tmp_path, capsys) -> dict[str, pd.DataFrame | str]:
    out = tmp_path / f"{folder.name}.zip"
    where = ("--source", f"fits:{folder}", "--region", "377", "--time", LAST)
    files = ("--out", tmp_path / "r.html", "--zip", out)
    code, *_ = run(analysis, capsys, "report", *where, "--model", "none", *files)
    assert code == 0
    with zipfile.ZipFile(out) as archive:
        tables = {
            name: pd.read_csv(io.BytesIO(archive.read(f"tables/{name}.csv")), comment="#")
            for name in ("cases", "histories", "trends")
        }
        return tables | {"page": archive.read("report.html").decode()}


def test_the_probability_is_that_of_the_control(folders, model, capsys):
    grown, fixed = (predicted(folder, model, capsys) for folder in folders)
    assert grown["probability"] == fixed["probability"]
    taken = [folder / sorted(path.name for path in folder.iterdir())[8] for folder in folders]
    for path in taken:
        path.unlink()
    filled = [predicted(folder, model, capsys) for folder in folders]
    assert [sum(hour["interpolated"] for hour in one["hours"]) for one in filled] == [1, 1]
    assert filled[0]["probability"] == filled[1]["probability"] != grown["probability"]


@pytest.mark.slow
def test_verdict_and_trends_are_those_of_the_control(folders, tmp_path, capsys):
    grown, fixed = (reported(folder, tmp_path, capsys) for folder in folders)
    assert grown["cases"]["verdict"][0] == fixed["cases"]["verdict"][0]
    assert grown["cases"]["verdict"][0] == "consistent with cancellation"
    keys = ["mask", "flux", "threshold_g", "mu_corrected"]
    one, other = (found["trends"].set_index(keys) for found in (grown, fixed))
    lines = one.index.get_level_values("mask") != "patch"
    plain = lines & ~one.index.get_level_values("mu_corrected").astype(bool)
    for column in ("slope_mx_per_h", "slope_percent_per_h", "p"):
        np.testing.assert_allclose(one[column][plain], other[column][plain], rtol=1e-9)
        np.testing.assert_allclose(one[column][lines], other[column][lines], rtol=1e-3)
    history = grown["histories"]
    assert len(set(history["patch_rows_px"])) == len(set(history["patch_columns_px"])) == 1
    assert "The patch changes its box" in grown["page"]
    assert "The patch changes its box" not in fixed["page"]


def test_the_command_flux_says_that_the_patch_grows(folders, capsys):
    for folder, noted in zip(folders, (True, False), strict=True):
        args = ("flux", "--source", f"fits:{folder}", "--region", "377", "--json")
        code, out, err = run(analysis, capsys, *args)
        assert code == 0
        assert ("The patch changes its size" in err) is noted
        rows = json.loads(out)
        assert (len({row["patch_rows_px"] for row in rows}) > 1) is noted


def test_the_survey_has_the_trends_of_the_control(folders, tmp_path, capsys):
    tables = []
    for number, folder in enumerate(folders):
        out = tmp_path / f"{number}.parquet"
        args = ("survey", "--source", f"fits:{folder}", "--region", "377", "--out", out)
        code, *_ = run(analysis, capsys, *args)
        assert code == 0
        tables.append(pd.read_parquet(out))
    grown, fixed = tables
    assert len(grown) == len(fixed) == 3
    assert grown["both_fall"].tolist() == fixed["both_fall"].tolist() == [True] * 3
    for mask in ("moving", "union", "last"):
        column = f"{mask}_unsigned_slope_mx_per_h"
        np.testing.assert_allclose(grown[column], fixed[column], rtol=1e-9)
    assert (grown["patch_unsigned_slope_mx_per_h"] < 0).all()
