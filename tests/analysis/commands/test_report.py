"""``python -m analysis report|flux|survey|validate``: answers, files, and bad input."""

import json
import shutil
import zipfile

import numpy as np
import pandas as pd
import pytest

from analysis.__main__ import main
from analysis.commands import report as report_commands
from hnn_core.exceptions import OffLimbError
from hnn_core.network.model_store import save_model
from hnn_core.regions.case import Case, save_set
from tests.support.drawn_regions import boundary
from tests.support.drawn_sharp import draw_fits
from tests.support.report_cases import LAST
from tests.support.small_models import small_model

pytestmark = pytest.mark.slow

QUICK = ("--model", "none")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Ten drawn hours of HARP 377, and three of HARP 378."""
    place = tmp_path_factory.mktemp("in")
    for hour in range(10):
        draw_fits(
            place / f"hour{hour}.fits",
            boundary(48, 64, strength=800.0 - 20.0 * hour),
            T_REC=f"2011.02.13_{hour:02}:00:00_TAI",
        )
    for hour in range(3):
        draw_fits(
            place / f"other{hour}.fits",
            boundary(48, 64, strength=300.0),
            T_REC=f"2011.02.13_{hour:02}:00:00_TAI",
            HARPNUM=378,
            NOAA_AR=11159,
            NOAA_ARS="11159",
        )
    return place


def run(capsys, *args: object) -> tuple[int, str, str]:
    code = main([str(arg) for arg in args])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def case(folder, region="377", time=LAST):
    return ("--source", f"fits:{folder}", "--region", region, "--time", time)


# report


def test_report_writes_page_archive_and_table(folder, tmp_path, capsys):
    files = [tmp_path / name for name in ("r.html", "r.zip", "r.parquet")]
    code, said, progress = run(
        capsys,
        "report",
        *case(folder, "AR 11158"),
        *QUICK,
        *("--out", files[0], "--zip", files[1], "--parquet", files[2]),
    )
    assert code == 0
    assert "AR 11158 · HARP 377, 2011-02-13 09:00 TAI: Consistent with cancellation" in said
    assert "1 of 1 cases in" in said
    assert progress == "1 of 1: AR 11158 · HARP 377, 2011-02-13 09:00 TAI\n"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["r.html", "r.parquet", "r.zip"]
    assert zipfile.ZipFile(files[1]).testzip() is None
    assert zipfile.ZipFile(files[1]).read("report.html") == files[0].read_bytes()
    assert len(pd.read_parquet(files[2])) == 10
    page = files[0].read_text(encoding="utf-8")
    assert "--model \\\n" not in page
    assert "--model none" in page
    assert f"fits:{folder}" in page  # in the command alone, which must find it again
    assert page.count(str(folder)) == 1


def test_report_goes_on_after_a_case_that_fails(folder, tmp_path, capsys):
    out = tmp_path / "r.html"
    code, said, complaints = run(
        capsys,
        "report",
        *("--source", f"fits:{folder}", *QUICK, "--out", out, "--json"),
        *("--region", "999", "--time", LAST),
        *("--region", "377", "--time", "2012-01-01T00:00"),
        *("--region", "377", "--time", LAST),
        *("--region", "AR 11158", "--time", LAST),
        *("--region", "378", "--time", "2011-02-13T02:00"),
    )
    told = json.loads(said)
    assert code == 0
    assert [one["region"] for one in told["cases"]] == ["377", "378"]
    assert [one["case"] for one in told["absent"]] == [
        "999, 2011-02-13 09:00 TAI",
        "377, 2012-01-01 00:00 TAI",
        "AR 11158, 2011-02-13 09:00 TAI",
    ]
    assert told["cases"][1]["verdict"] == "insufficient"
    assert told["cases"][0]["probability"] is None
    assert sum(line.startswith("skipped") for line in complaints.splitlines()) == 3
    page = out.read_text(encoding="utf-8")
    assert page.count("is not shown.") == 3
    assert "There is no region &#39;999&#39;" in page


def test_report_of_a_saved_set_whose_model_is_gone(folder, tmp_path, capsys):
    saved = (Case(f"fits:{folder}", "377", LAST, "gone", "0" * 64, 0.7),)
    save_set("my <set>", saved)
    out = tmp_path / "r.html"
    code, _, complaints = run(capsys, "report", "--set", "my <set>", "--out", out)
    assert code == 0
    assert complaints.count("No model named 'gone'") == 1
    page = out.read_text(encoding="utf-8")
    assert "my &lt;set&gt;" in page
    assert "No model named &#39;gone&#39;" in page


def test_report_of_a_file_of_a_set_with_another_source(folder, tmp_path, capsys, hnn_home):
    save_set("sent", (Case("fits:/nowhere", "377", LAST),))
    file = shutil.copy(next((hnn_home / "cases").glob("*.json")), tmp_path / "sent.json")
    args = ("report", "--set", file, "--out", tmp_path / "r.html", "--json")
    code, said, complaints = run(capsys, *args)
    assert (code, said) == (2, "")
    assert "/nowhere" in complaints
    code, said, _ = run(capsys, *args, "--source", f"fits:{folder}")
    assert code == 0
    assert len(json.loads(said)["cases"]) == 1


def test_report_explains_what_a_model_says(folder, tmp_path, capsys):
    preprocess = {"crop": 32, "size": 32, "clip": 2000.0}
    save_model(small_model(frames=10, preprocess=preprocess), tmp_path / "small")
    out = tmp_path / "r.html"
    code, said, progress = run(
        capsys,
        "report",
        *case(folder),
        *(
            "--model",
            tmp_path / "small",
            "--no-check",
            "--flare-class",
            "C",
            "--out",
            out,
            "--json",
        ),
    )
    assert code == 0
    assert json.loads(said)["cases"][0]["probability"] is not None
    assert json.loads(said)["cases"][0]["flare_class"] == "C"
    assert "377, 2011-02-13 09:00 TAI: step 6 of 6" in progress.splitlines()
    page = out.read_text(encoding="utf-8")
    assert "Class-specific relevance" in page
    assert "was not checked" in page
    assert "--no-check" in page


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["--region", "999", "--time", LAST], "'999'"),
        (["--region", "377", "--time", "2012-01-01T00:00"], "2012-01-01"),
        (["--region", "377", "--time", "noon"], "noon"),
        (["--region", "377"], "0 --time"),
        (["--time", LAST], "0 --region"),
        ([], "0 --region"),
        (["--region", "377", "--time", LAST, "--source", "tape:"], "tape:"),
        (["--region", "377", "--time", LAST, "--source", "fits:/no"], "/no"),
        (["--region", "377", "--time", LAST, "--model", "no-such"], "no-such"),
        (["--region", "377", "--time", LAST, "--flare-class", "Q"], "'Q'"),
        (["--region", "377", "--time", LAST, "--out", "{out}/no/r.html"], "cannot write"),
        (["--region", "377", "--time", LAST, "--out", "{out}"], "folder"),
        (["--region", "377", "--time", LAST, "--zip", "{out}/r.html"], "different"),
        (["--region", "377", "--time", LAST, "--parquet", "{out}/no/r.parquet"], "cannot write"),
        (["--region", "377", "--time", LAST, "--device", "abacus"], "abacus"),
        (["--set", "none of these"], "none of these"),
        (["--set", "{out}/absent.json"], "absent"),
        (["--set", "a", "--region", "377", "--time", LAST], "either"),
        (["--region", "377", "--time", LAST] * 2, "twice"),
        (["--region", "377", "--time", "2011-02-13T{:02}:00"], "13 cases"),
        (["--region", "1", "--time", LAST, "--region", "2", "--time", LAST], "None of the 2"),
        (["--region", "377", "--time", LAST, "--model", "a", "--model", "b"], "2 --model"),
    ],
)
def test_bad_input_of_report_is_told_in_words(folder, tmp_path, capsys, args, said):
    if "{:02}" in str(args):
        args = [arg.format(n) for n in range(13) for arg in args]
    args = [arg.format(out=tmp_path) for arg in args]
    defaults = {"--source": f"fits:{folder}", "--out": str(tmp_path / "r.html")}
    if "--device" not in args:
        defaults["--model"] = "none"
    if "--set" in args:
        del defaults["--source"], defaults["--model"]
    given = [word for name, value in defaults.items() if name not in args for word in (name, value)]
    code, out, complaints = run(capsys, "report", *args, *given)
    assert (code, out) == (2, "")
    assert len(complaints.splitlines()) == 1
    assert said in complaints
    assert list(tmp_path.iterdir()) == []


def test_no_part_of_a_file_is_left_when_writing_fails(folder, tmp_path, capsys, monkeypatch):
    def full(self, content):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("pathlib.Path.write_bytes", full)
    code, _, complaints = run(capsys, "report", *case(folder), *QUICK, "--out", tmp_path / "r.html")
    assert code == 2
    assert "r.html: The disk of" in complaints.splitlines()[-1]
    assert list(tmp_path.iterdir()) == []


def test_a_case_off_the_limb_is_told_in_words(folder, tmp_path, capsys, monkeypatch):
    def off_limb(region, time):
        raise OffLimbError(f"{region} has no pixel on the disk at {time.isot[:16]}.")

    opened = report_commands.open_source(f"fits:{folder}")
    monkeypatch.setattr(opened, "frame", off_limb)
    monkeypatch.setattr(report_commands, "open_source", {f"fits:{folder}": opened}.get)
    code, out, complaints = run(
        capsys, "report", *case(folder), *QUICK, "--out", tmp_path / "r.html"
    )
    assert (code, out) == (2, "")
    assert "no pixel on the disk" in complaints
    assert len(complaints.splitlines()) == 1


# flux


def test_flux_of_every_region_is_one_tidy_table(folder, tmp_path, capsys):
    out = tmp_path / "flux.parquet"
    code, said, progress = run(
        capsys, "flux", "--source", f"fits:{folder}", "--all", "--parquet", out
    )
    assert code == 0
    assert "13 records of 2 regions" in said
    assert progress.splitlines()[-1] == "2 of 2: region 378"
    rows = pd.read_parquet(out)
    assert not rows.duplicated(["region", "t_rec_tai"]).any()
    assert list(rows["region"].unique()) == ["377", "378"]
    assert set(rows["source"]) == {f"fits:{folder}"}
    assert rows.groupby("region")["t_rec_tai"].is_monotonic_increasing.all()
    assert str(rows["quality"].dtype) == "uint32"
    assert str(rows["t_rec_tai"].dtype).startswith("datetime64")
    flux = rows.loc[rows["region"] == "377", "total_unsigned_flux_mx"].to_numpy()
    np.testing.assert_allclose(flux / flux[0], 1 - np.arange(10) / 40, rtol=1e-3)


def test_flux_of_one_region_keeps_its_columns(folder, tmp_path, capsys):
    args = ("flux", "--source", f"fits:{folder}", "--region", "378")
    code, said, progress = run(capsys, *args, "--parquet", tmp_path / "f.parquet")
    assert (code, progress) == (0, "")
    assert f"3 records of region 378 in {tmp_path / 'f.parquet'}" in said
    code, said, _ = run(capsys, *args)
    assert said.startswith("t_rec_tai,harp,noaa,")


def test_flux_of_several_regions_says_which(folder, capsys):
    code, said, _ = run(
        capsys,
        *("flux", "--source", f"fits:{folder}", "--region", "378", "--region", "377"),
        *("--region", "AR 11159", "--json"),
    )
    assert code == 0
    assert [row["region"] for row in json.loads(said)] == ["378"] * 3 + ["377"] * 10


@pytest.mark.parametrize(
    ("args", "said"),
    [
        ([], "--region"),
        (["--all", "--region", "377"], "--all"),
        (["--region", "377", "--region", "999"], "'999'"),
        (["--all", "--parquet", "{out}/no/f.parquet"], "cannot write"),
    ],
)
def test_bad_input_of_flux_is_told_in_words(folder, tmp_path, capsys, args, said):
    args = [arg.format(out=tmp_path) for arg in args]
    code, out, complaints = run(capsys, "flux", "--source", f"fits:{folder}", *args)
    assert (code, out) == (2, "")
    assert len(complaints.splitlines()) == 1
    assert said in complaints


# survey and validate


def test_survey_writes_windows_and_says_why_there_is_no_comparison(folder, tmp_path, capsys):
    out = tmp_path / "s.parquet"
    args = ("survey", "--source", f"fits:{folder}", "--region", "377", "--out", out)
    code, said, progress = run(capsys, *args, "--json")
    told = json.loads(said)
    assert code == 0
    assert told["windows"] == len(pd.read_parquet(out)) == 1
    assert told["comparison"] == []
    assert "0 eruptive" in told["no_comparison"]
    assert told["policy"] == "unlinked-is-confined"
    assert progress == "1 of 1 regions\n"
    code, said, _ = run(capsys, *args)
    assert "No comparison: " in said
    assert "policy unlinked-is-confined: it holds flares with no CME linked in DONKI" in said
    assert "policy strict" in run(capsys, *args, "--policy", "strict")[1]


def test_survey_compares_the_classes_of_simulated_regions(tmp_path, capsys):
    out = tmp_path / "s.parquet"
    regions = [word for n in range(1, 9) for word in ("--region", f"SIM {n}")]
    code, said, _ = run(capsys, "survey", "--source", "sim:", *regions, "--step", 24, "--out", out)
    assert code == 0
    assert "PIL flux slope, moving RoPI (%/h)" in said
    assert "Cliff's δ" in said
    assert "DONKI" not in said  # of simulated regions it is known which are confined
    rows = pd.read_parquet(out)
    assert set(rows["source"]) == {"sim:"}
    assert not rows.duplicated(["region", "t_rec_tai", "threshold_g"]).any()


def test_maps_of_all_windows_are_one_tidy_table(tmp_path, capsys):
    out = tmp_path / "maps.parquet"
    asked = ["--source", "sim:5:1", "--step", "30", "--device", "cpu", "--out", str(out)]
    assert main(["maps", *asked]) == 0
    said = capsys.readouterr().out
    table = pd.read_parquet(out)
    windows = table[["region", "t_rec_tai"]].drop_duplicates()
    assert len(table) == len(windows) * 2 * 3
    assert f"{len(windows)} windows of 1 regions" in said
    assert table["share"].between(0, 1).all()
    assert "rollout" in said
    assert "relevance" in said
    for bad, words in (
        (["--method", "integrated-gradients"], "draws no map"),
        (["--policy", "mine"], "'mine'"),
        (["--model", "no-such"], "no-such"),
        (["--region", "SIM 99"], "SIM 99"),
    ):
        assert main(["maps", *asked, *bad]) == 2
        told = capsys.readouterr().err.strip().splitlines()
        assert words in told[-1]


def test_validate_states_how_far_to_believe(tmp_path, capsys):
    out = tmp_path / "v.parquet"
    args = ("--source", "sim:2:4", "--step", 24, "--out", out)
    code, said, progress = run(capsys, "validate", *args)
    assert code == 0
    assert "simulated regions" in said.splitlines()[-1]
    assert progress.splitlines()[-1] == "4 of 4 regions"
    rows = pd.read_parquet(out)
    assert np.isfinite(rows["true_rate_mx_per_h"]).all()
    assert set(rows["threshold_g"]) == {0.0, 20.0, 50.0, 100.0}


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["validate", "--source", "fits:{folder}"], "not simulated"),
        (["validate", "--source", "sim:", "--region", "SIM 99"], "SIM 99"),
        (["validate", "--source", "sim:", "--step", "0"], "step"),
        (["survey", "--source", "sim:"], "--out"),
        (["survey", "--source", "sim:", "--out", "{out}/no/s.parquet"], "cannot write"),
        (["survey", "--source", "sim:", "--out", "{out}/s", "--policy", "mild"], "mild"),
        (["survey", "--source", "sim:", "--out", "{out}/s", "--flare-class", "Z"], "'Z'"),
        (["survey", "--source", "fits:{folder}", "--region", "378", "--out", "{out}/s"], "window"),
    ],
)
def test_bad_input_of_survey_and_validate(folder, tmp_path, capsys, args, said):
    args = [arg.format(folder=folder, out=tmp_path) for arg in args]
    code, out, complaints = run(capsys, *args)
    assert (code, out) == (2, "")
    assert said in complaints.splitlines()[-1]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("command", ["report", "flux", "survey", "validate"])
def test_help_tells_the_options(capsys, command):
    code, said, _ = run(capsys, command, "--help")
    assert code == 0
    assert "--source" in said
    assert "list[str]" not in said


def test_figures_of_a_report_are_drawn_into_a_folder(folder, tmp_path, capsys, monkeypatch):
    drawn = []

    def draw(figures):
        drawn.extend(figures)
        return ['<svg xmlns="http://www.w3.org/2000/svg" width="90" height="60"/>'] * len(figures)

    monkeypatch.setattr("analysis.report.files.figure_svg", draw)
    monkeypatch.setattr(report_commands, "require_browser", lambda: "chromium")
    out, figures = tmp_path / "report.html", tmp_path / "figures"
    made = run(capsys, "report", *case(folder), *QUICK, "--out", out, "--figures", figures)
    assert made[0] == 0
    names = sorted(path.name for path in figures.iterdir())
    assert len(names) == 3 * len(drawn) > 9
    assert {name.rpartition(".")[2] for name in names} == {"svg", "pdf", "png"}
    assert f"{len(names)} files of figures" in made[1]
    svg = (figures / names[-1]).with_suffix(".svg").read_text(encoding="utf-8")
    assert "Courtesy of NASA/SDO" in svg
    assert all(figure.layout.paper_bgcolor == "#ffffff" for figure in drawn)


def test_figures_that_cannot_be_drawn_are_refused_before_any_work(
    folder, tmp_path, capsys, monkeypatch
):
    out, file = tmp_path / "report.html", tmp_path / "file"
    file.write_text("")
    options = ("report", *case(folder), *QUICK, "--out", out, "--figures")
    code, _, err = run(capsys, *options, file)
    assert code == 2
    assert "it is a file" in err
    code, _, err = run(capsys, *options, tmp_path / "none" / "figures")
    assert code == 2
    assert "there is no folder" in err
    monkeypatch.setattr("analysis.printed.publication.find_browser", lambda: None)
    code, _, err = run(capsys, *options, tmp_path / "figures")
    assert code == 2
    assert "No Chromium or Chrome" in err
    assert not out.exists()
    assert not (tmp_path / "figures").exists()
