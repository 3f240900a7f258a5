import json
import subprocess
import sys
from pathlib import Path

import pytest
import typer

from hnn_core import exceptions
from hnn_core.cli.data import app
from hnn_core.dataset.build import build_dataset
from hnn_core.dataset.stored import StoredDataset
from hnn_core.live.reporting import Reporter, report, run
from hnn_core.magnetogram.conventions import format_t_rec
from tests.conftest import ROOT, real_data
from tests.support.drawn_sharp import draw_fits
from tests.support.drawn_source import DrawnRegion, DrawnSource, flare, small_source


def data(*args: str) -> int:
    return run(app, "data", list(args))


@pytest.fixture
def folder(tmp_path) -> Path:
    """Real files drawn for 14 hours of a region without a NOAA number, and its flare."""
    source = DrawnSource(DrawnRegion(1377, noaa=(), n_hours=14))
    (tmp_path / "sharps").mkdir()
    for time in source.times("1377"):
        frame = source.frame("1377", time)
        path = tmp_path / "sharps" / f"{time.strftime('%H')}.fits"
        cards = {"T_REC": format_t_rec(time), "NOAA_AR": 0, "NOAA_ARS": "MISSING"}
        field = frame.field.copy()
        field[:, ::2] *= -1  # of one strength everywhere it would be no magnetogram
        draw_fits(path, field, compress=False, **cards, HARPNUM=1377, QUALITY=frame.quality)
    peak = flare(13.5).peak.isot
    (tmp_path / "labels.csv").write_text(
        f"harp,goes_class,peak_utc,association\n1377,M2.0,{peak},unlinked\n1377,big,{peak},\n"
    )
    return tmp_path


def options(folder: Path, **more: str) -> list[str]:
    given = {
        "source": f"fits:{folder / 'sharps'}",
        "flares": str(folder / "labels.csv"),
        "workers": "1",
        **more,
    }
    return [part for name, value in given.items() for part in (f"--{name}", value)]


def test_build_prints_counts_beside_the_papers(folder, hnn_home, capsys):
    assert data("build", *options(folder), "--out", "mine") == 0
    out, err = capsys.readouterr()
    dataset = StoredDataset.open(hnn_home / "datasets" / "mine")
    assert dataset.sha256 in out
    lines = [" ".join(line.split()) for line in out.splitlines()]
    assert "≥M 0 5 0 1 0 6703 + 10631 (184 + 435)" in lines
    assert "≥M5.0 0 0 0 0 0 2645 + 1685 (69 + 51)" in lines
    assert "9  too many hours missing before it" in out
    assert "simulated" not in out
    assert "labels.csv line 3: goes_class 'big'" in err
    assert "1 of 1 regions" in err


def test_build_writes_events_one_a_line(folder, capsys):
    assert data("build", *options(folder), "--out", str(folder / "set"), "--json") == 0
    events = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert events[0] == {
        "event": "region",
        "done": 1,
        "total": 1,
        "region": "1377",
        "frames": 14,
        "seconds_left": 0.0,
    }
    assert events[-1]["event"] == "end"
    assert events[-1]["folder"] == str(folder / "set")
    assert events[-1]["counts"]["M"]["negative"] == 5
    assert events[-1]["sha256"] == StoredDataset.open(folder / "set").sha256


def test_verify_reads_all_and_says_so(tmp_path, hnn_home, capsys):
    dataset = build_dataset(small_source(), hnn_home / "datasets" / "mine", workers=1)
    assert data("verify", "mine") == 0
    assert f"mine is sound: 26 frames, 8 labelled sequences, sha256 {dataset.sha256}" in (
        capsys.readouterr().out
    )
    assert data("verify", str(dataset.folder), "--json") == 0
    assert json.loads(capsys.readouterr().out)["sound"] is True
    chunk = dataset.folder / "frames.zarr" / "1.0.0"
    content = bytearray(chunk.read_bytes())
    content[300] ^= 4
    chunk.write_bytes(bytes(content))
    assert data("verify", "mine") == 2
    err = capsys.readouterr().err
    assert "damaged at region 377" in err
    assert err.count("\n") == 1


def test_list_names_the_data_sets(hnn_home, capsys):
    assert data("list") == 0
    assert "no data set yet" in capsys.readouterr().out
    build_dataset(small_source(), hnn_home / "datasets" / "mine", workers=1)
    (hnn_home / "datasets" / ".other.building").mkdir()
    assert data("list") == 0
    out, err = capsys.readouterr()
    assert "mine" in out
    assert "≥C 5+3" in out
    assert ".other.building" in err
    assert "again" in err
    assert data("list", "--json") == 0
    (row,) = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert (row["name"], row["frames"], row["source"]) == ("mine", 26, "drawn:")


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"source": "ftp:there"}, "'ftp:there' is not a source"),
        ({"policy": "lenient"}, "'lenient' is not a policy"),
        ({"hours": "30"}, "10 to 18 hours, not 30"),
        ({"workers": "-1"}, "--workers -1"),
        ({"flares": "none.csv"}, "none.csv is not a readable table: No such file or directory."),
        ({"flares": "~nobody-of-that-name/f.csv"}, "cannot be a path (no such user)"),
        ({"out": "."}, "'.' is not a name"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_two(folder, capsys, more, words):
    assert data("build", *options(folder, **{"out": str(folder / "set"), **more})) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert words in err
    assert err.count("\n") == 1
    assert not (folder / "set").exists()


def test_nothing_labelled_is_told_with_its_reasons(folder, capsys):
    draw_fits(folder / "sharps" / "broken.fits", CTYPE1="HPLN-TAN", CTYPE2="HPLT-TAN")
    (folder / "labels.csv").write_text("harp,goes_class,peak_utc\n1377,M2.0,2011-02-13T12:00\n")
    assert data("build", *options(folder), "--out", str(folder / "set")) == 2
    err = capsys.readouterr().err
    assert "1 file skipped" in err
    assert "gives no labelled sequence: of 14 hours of 1 regions" in err
    assert "association of the coming flare unknown" in err


def test_a_line_is_written_over_on_a_terminal_only(monkeypatch, capsys):
    reporter = Reporter(as_json=False)
    reporter.region(1, 3, "377", 14, 2.0)
    assert capsys.readouterr().err == "1 of 3 regions, 2 s left\n"
    reporter.region(2, 3, "378", 0, 1.0)
    assert capsys.readouterr().err == ""  # not every region, or a log would be full of it
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    reporter = Reporter(as_json=False)
    for done in (1, 2, 3):
        reporter.region(done, 3, "377", 14, 1.0)
    reporter.close()
    err = capsys.readouterr().err
    assert err.count("\n") == 1
    assert err.split("\r")[-1] == "\x1b[2K3 of 3 regions, 1 s left\n"


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (exceptions.ServiceError, 1),
        (exceptions.RefusedError, 1),
        (exceptions.NoRecordsError, 1),
        (exceptions.OffLineError, 1),
        (exceptions.HubError, 1),
        (exceptions.RequestError, 2),
        (exceptions.EmptySourceError, 2),
        (exceptions.UnknownModelError, 2),
        (OSError, 2),
    ],
)
@pytest.mark.parametrize("name", ["hnn_core", "analysis"])
def test_the_exit_code_says_whether_the_input_was_at_fault(error, code, name, capsys):
    """All commands of both programs end in one place; docs/commands.md has the table."""
    app = typer.Typer()

    @app.command()
    def fail() -> None:
        raise error("It is so.")

    assert run(app, name, []) == code
    assert capsys.readouterr().err == "It is so.\n"


def test_report_says_simulated_and_tells_broken_records(tmp_path):
    source = DrawnSource(DrawnRegion(flares=(flare(25.5),), broken=[12]))
    source.simulated = True
    dataset = build_dataset(source, tmp_path / "set", workers=1)
    text = report(dataset.name, dataset.folder, dataset.card)
    assert "of 1 simulated regions in 1 groups" in text
    assert "1 records broke on reading, the first: record 12 of 377 ends early." in text


def test_commands_are_cheap_to_import():
    code = (
        "import sys, hnn_core.cli.data; "
        "print(sorted({'torch', 'zarr', 'pandas', 'pyarrow', 'sklearn'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stdout.strip()) == (0, "[]"), done.stderr


@pytest.mark.slow
def test_real_region_with_the_published_labels(tmp_path, harp377, capsys):
    table = real_data("labels", "donki_flare_cme_2010_2017.csv")
    out = tmp_path / "real"
    given = ["--source", f"fits:{harp377}", "--flares", str(table), "--out", str(out)]
    assert data("build", *given, "--workers", "1") == 0
    capsys.readouterr()
    selected = StoredDataset.open(out).select("M", 10)
    hours = selected["hour"].dt.strftime("%dT%H").tolist()
    # Records begin on the 13th at 05:00: the first sequence of ten ends at 14:00.
    assert (hours[0], hours[-1], len(hours)) == ("13T14", "15T01", 36)
    positive = selected[selected["label"] == 1]["hour"].dt.strftime("%dT%H").tolist()
    assert (positive[0], positive[-1], len(positive)) == ("14T02", "15T01", 24)
    assert set(selected["goes_class"]) == {"M6.6", "M2.2", "X2.2"}
    # docs/method.md, "Flux and trends": the first frame of HARP 377 has 1.375e22 Mx.
    frames = StoredDataset.open(out).frames
    assert frames["unsigned_flux_mx"][0] == pytest.approx(1.375e22, rel=5e-4)
