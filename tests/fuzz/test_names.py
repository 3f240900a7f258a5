"""Names and paths that nothing can have, wherever one may be typed: a sentence and exit code 2."""

import pytest

from analysis.__main__ import main as analyse
from hnn_core.__main__ import main

ODD = {
    "unknown user": "~nobody_here/x",
    "5000 characters": "a" * 5000,
    "null character": "a\0b",
    "long part": f"x/{'é' * 300}",
    "no UTF-8": "a\udcff/b",
}
HOUR = ["--region", "SIM 1", "--time", "2011-02-14T00:00:00"]
COMMANDS = {
    "folder": [main, "regions", "--source", "fits:@"],
    "source": [main, "regions", "--source", "@"],
    "upload": [main, "regions", "--source", "upload:@"],
    "downloads": [main, "regions", "--source", "jsoc:@"],
    "region": [main, "predict", "--time", "2011-02-14T00:00:00", "--region", "@"],
    "hour": [main, "predict", "--region", "SIM 1", "--time", "@"],
    "model": [main, "predict", *HOUR, "--model", "@"],
    "device": [main, "predict", *HOUR, "--device", "@"],
    "run to make": [main, "train", "--dataset", "x", "--name", "@"],
    "run to resume": [main, "train", "--run", "@"],
    "sweep": [main, "sweep", "--dataset", "x", "--grid", "frames=6,8", "--name", "@"],
    "run to evaluate": [main, "evaluate", "--run", "@"],
    "model to evaluate": [main, "evaluate", "--model", "@", "--dataset", "x"],
    "data set": [main, "evaluate", "--model", "demo", "--dataset", "@"],
    "data set to check": [main, "data", "verify", "@"],
    "data set to build": [main, "data", "build", "--source", "fits:/nowhere", "--out", "@"],
    "folder to build from": [main, "data", "build", "--source", "fits:@", "--out", "x"],
    "flares": [main, "data", "build", "--source", "sim:1:1", "--out", "x", "--flares", "@"],
    "folder of fluxes": [analyse, "flux", "--source", "fits:@", "--region", "377"],
    "folder of a survey": [analyse, "survey", "--source", "fits:@"],
    "set": [analyse, "report", "--set", "@", "--out", "x.html"],
    "file of a set": [analyse, "report", "--set", "@.json", "--out", "x.html"],
    "report": [analyse, "report", *HOUR, "--out", "@/x.html"],
    "archive of a report": [analyse, "report", *HOUR, "--out", "x.html", "--zip", "@/x.zip"],
    "model of a report": [analyse, "report", *HOUR, "--out", "x.html", "--model", "@"],
}


@pytest.mark.parametrize("kind", ODD)
@pytest.mark.parametrize("where", COMMANDS)
def test_a_name_that_nothing_can_have_is_a_sentence(
    where, kind, hnn_home, capsys, monkeypatch, tmp_path
):
    monkeypatch.chdir(tmp_path)
    command, *words = COMMANDS[where]
    assert command([word.replace("@", ODD[kind]) for word in words]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert 0 < len(said.err) < 1500
    assert "Traceback" not in said.err
    assert not list(tmp_path.iterdir())
    assert not any((hnn_home / name).exists() for name in ("runs", "datasets", "models"))
