"""The command line, as a person and as a program use it."""

import json
import subprocess
import sys

import numpy as np
import pytest

from hnn_core.__main__ import main
from hnn_core.network.model_store import save_model
from tests.conftest import ROOT
from tests.support.drawn_sharp import draw_fits
from tests.support.small_models import small_model

pytestmark = pytest.mark.slow


@pytest.fixture
def folder(tmp_path):
    """Six hours of HARP 377 with one missing, and a file that is no FITS."""
    generator = np.random.default_rng(0)
    for hour in (0, 1, 2, 4, 5):
        draw_fits(
            tmp_path / "fits" / f"{hour}.fits",
            generator.normal(0.0, 300.0, (40, 60)).astype(np.float32),
            T_REC=f"2011.02.13_0{hour}:00:00_TAI",
        )
    return tmp_path / "fits"


@pytest.fixture
def model(tmp_path):
    save_model(small_model(), tmp_path / "small", metadata={"caution": "It forecasts nothing."})
    return tmp_path / "small"


def predict(folder, model, *more, region="377", time="2011-02-13T05:00:00"):
    source = f"fits:{folder}"
    options = ["--source", source, "--region", region, "--time", time, "--model", str(model)]
    return main(["predict", *options, "--device", "cpu", *more])


def test_predict_as_json(folder, model, capsys):
    assert predict(folder, model, "--json") == 0
    out, err = capsys.readouterr()
    assert err == ""
    values = json.loads(out)
    assert 0.0 < values["probability"] < 1.0
    assert values["label"] == ("eruptive" if values["probability"] >= 0.5 else "confined")
    expected = {
        "threshold": 0.5,
        "region": "377",
        "harp": 377,
        "noaa": [11158],
        "t_rec": "2011-02-13T05:00:00",
        "time_scale": "tai",
        "model": "small",
        "class": "M",
        "simulated": False,
        "warnings": ["It forecasts nothing."],
    }
    assert {key: values[key] for key in expected} == expected
    assert [(h["t_rec"], h["interpolated"]) for h in values["hours"]] == [
        ("2011-02-13T02:00:00", False),
        ("2011-02-13T03:00:00", True),
        ("2011-02-13T04:00:00", False),
        ("2011-02-13T05:00:00", False),
    ]
    assert len(values["sha256"]) == 64
    assert values["device"].startswith("CPU, ")


def test_predict_for_people(folder, model, capsys):
    assert predict(folder, model, region="11158") == 0
    out, err = capsys.readouterr()
    assert err == ""
    lines = out.splitlines()
    assert lines[0] == "HARP 377 (AR 11158), 2011-02-13T05:00:00 TAI"
    assert lines[1].startswith("P(eruptive) 0.")
    assert "class ≥M" in lines[1]
    assert "1 interpolated (2011-02-13T03:00:00)" in lines[2]
    assert lines[-1] == "warning: It forecasts nothing."


@pytest.mark.parametrize("time", ["2011-02-13T05:00", "2011.02.13_05:00:00_TAI"])
def test_times_as_people_write_them(folder, model, capsys, time):
    assert predict(folder, model, "--json", time=time) == 0
    assert json.loads(capsys.readouterr().out)["t_rec"] == "2011-02-13T05:00:00"


def test_regions_as_json(folder, capsys):
    assert main(["regions", "--source", f"fits:{folder}", "--json"]) == 0
    values = json.loads(capsys.readouterr().out)
    (region,) = values["regions"]
    assert region["region"] == "377"
    assert (region["harp"], region["noaa"], region["n_records"]) == (377, [11158], 5)
    assert (region["first"], region["last"]) == ("2011-02-13T00:00:00", "2011-02-13T05:00:00")
    assert values["skipped"] == []


def test_regions_for_people_and_what_was_skipped(folder, capsys):
    (folder / "broken.fits").write_bytes(b"SIMPLE  = nothing of the kind")
    assert main(["regions", "--source", f"fits:{folder}"]) == 0
    out, err = capsys.readouterr()
    assert "377" in out.splitlines()[1]
    assert "11158" in out.splitlines()[1]
    assert err.startswith("1 file skipped")
    assert "broken.fits" in err


def test_simulated_regions_are_said_to_be(capsys):
    assert main(["regions"]) == 0
    out = capsys.readouterr().out
    assert "SIM 1" in out
    assert out.endswith("These regions are simulated.\n")


def refused(capsys):
    """Return the one line on stderr; nothing may be on stdout."""
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    assert "Traceback" not in err
    return err


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"region": "9999"}, "There is no region '9999'"),
        ({"time": "yesterday"}, "--time 'yesterday' is not a time such as"),
        ({"time": "2011-02-31T00:00"}, "--time '2011-02-31T00:00' is not a time such as"),
        ({"time": "2011-02-13T03:00"}, "2011-02-13T03:00"),
        ({"time": "2031-02-13T05:00"}, "No sequence for 2031-02-13T05:00 TAI"),
    ],
)
def test_bad_questions(folder, model, capsys, options, sentence):
    assert predict(folder, model, **options) == 2
    assert sentence in refused(capsys)


def test_a_sequence_that_is_too_long_for_the_frames(folder, tmp_path, capsys):
    save_model(small_model(frames=10), tmp_path / "ten")
    assert predict(folder, tmp_path / "ten") == 2
    assert "2011-02-12T20:00" in refused(capsys)


@pytest.mark.parametrize("damage", ["missing", "foreign", "corrupt", "absent"])
def test_bad_models(folder, model, capsys, damage):
    if damage == "missing":
        (model / "model.safetensors").unlink()
    elif damage == "foreign":
        (model / "config.json").write_text('{"model_type": "bert"}')
    elif damage == "corrupt":
        (model / "model.safetensors").write_bytes(b"\x80\x04")
    else:
        model = model / "nowhere" / "at all"
    assert predict(folder, model) == 2
    sentence = {"missing": "no model.safetensors", "foreign": "'bert'", "corrupt": "is damaged"}
    assert sentence.get(damage, "No model named") in refused(capsys)


def test_a_device_that_is_not_there(folder, model, capsys):
    assert predict(folder, model, "--device", "cuda:99") == 2
    assert "'cuda:99' is not there" in refused(capsys)


def test_a_near_limb_region_is_refused(tmp_path, model, capsys):
    for hour in range(4):
        t_rec = f"2011.02.13_0{hour}:00:00_TAI"
        draw_fits(tmp_path / "limb" / f"{hour}.fits", T_REC=t_rec, LON_FWT=75.0)
    assert predict(tmp_path / "limb", model, time="2011-02-13T03:00") == 2
    assert "75.0° from the central meridian" in refused(capsys)


@pytest.mark.parametrize(
    ("args", "sentence"),
    [
        (["regions", "--source", "fits:/nowhere"], "/nowhere"),
        (["regions", "--source", "gopher:x"], "'gopher:x' is not a source"),
        (["regions", "--fast"], "No such option: --fast"),
        (["predict", "--region", "377"], "Missing option '--time'"),
        (["dance"], "No such command 'dance'"),
    ],
)
def test_bad_commands(capsys, args, sentence):
    assert main(args) == 2
    assert sentence in refused(capsys)


@pytest.mark.parametrize("args", [[], ["--help"], ["predict", "--help"], ["regions", "--help"]])
def test_help(capsys, args):
    assert main(args) == 0
    assert "Usage: python -m hnn_core" in capsys.readouterr().out


def test_version(capsys):
    assert main(["--version"]) == 0
    assert capsys.readouterr().out.count(".") == 2


def test_what_a_library_prints_does_not_spoil_the_json(folder, model, capsys, monkeypatch):
    from hnn_core.network.predictor import Predictor

    load = Predictor.load

    def noisy(*args, **more):
        sys.stdout.write("Loading weights from local directory\n")
        return load(*args, **more)

    monkeypatch.setattr(Predictor, "load", noisy)
    assert predict(folder, model, "--json") == 0
    assert json.loads(capsys.readouterr().out)["model"] == "small"


def test_as_a_process_regions_are_listed_without_torch(folder):
    code = (
        "import sys; from hnn_core.__main__ import main; "
        f"code = main(['regions', '--source', 'fits:{folder}']); "
        "sys.exit(9 if 'torch' in sys.modules else code)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert "11158" in done.stdout


def test_as_a_process_on_real_magnetograms(harp377, model):
    command = [sys.executable, "-m", "hnn_core", "predict", "--source", f"fits:{harp377}"]
    command += ["--region", "11158", "--time", "2011-02-15T01:00:00", "--model", str(model)]
    done = subprocess.run([*command, "--json"], cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    values = json.loads(done.stdout)
    assert (values["harp"], values["t_rec"]) == (377, "2011-02-15T01:00:00")
    assert [hour["interpolated"] for hour in values["hours"]] == [False] * 4
