import json

import numpy as np
import pandas as pd
import pytest
from astropy.io import fits

from analysis.__main__ import main
from tests.support.drawn_regions import boundary
from tests.support.drawn_sharp import draw_fits


@pytest.fixture
def folder(tmp_path):
    """Three drawn hours of one region."""
    for hour in (5, 6, 7):
        draw_fits(
            tmp_path / "in" / f"hour{hour}.fits",
            boundary(strength=100.0 * hour),
            T_REC=f"2011.02.13_0{hour}:00:00_TAI",
        )
    return tmp_path / "in"


def spoil(folder):
    path = folder / "broken.fits"
    path.write_bytes((folder / "hour5.fits").read_bytes()[:3000])
    return path


def run(capsys, *args: object) -> tuple[int, str, str]:
    code = main([str(arg) for arg in args])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


# pil


def test_pil_writes_masks_and_one_row_a_frame(folder, tmp_path, capsys):
    out = tmp_path / "new" / "out"
    files = sorted(folder.glob("*.fits"))
    code, said, complaints = run(capsys, "pil", *files, "--out", out)
    assert (code, complaints) == (0, "")
    assert "3 of 3" in said
    table = pd.read_csv(out / "pil.csv")
    assert list(table["t_rec_tai"]) == [f"2011-02-13T0{hour}:00:00" for hour in (5, 6, 7)]
    assert list(table["pil_pixels"]) == [76, 76, 76]
    with fits.open(out / table["masks"][0]) as hdul:
        assert hdul["PIL"].data.sum() == 76


def test_pil_takes_the_detector_s_parameters(folder, tmp_path, capsys):
    file = folder / "hour5.fits"
    code, *_ = run(capsys, "pil", file, "--out", tmp_path, "--threshold", 501, "--min-field", 1e4)
    table = pd.read_csv(tmp_path / "pil.csv")
    assert code == 0
    assert list(table["pil_pixels"]) == [0]
    assert list(table["total_unsigned_flux_mx"]) == [0.0]
    with fits.open(tmp_path / "hour5.pil.fits") as hdul:
        assert hdul["PIL"].header["PILTHRES"] == 501.0


def test_one_bad_file_does_not_stop_the_others(folder, tmp_path, capsys):
    files = [folder / "hour5.fits", spoil(folder), tmp_path / "absent.fits", folder / "hour6.fits"]
    code, said, complaints = run(capsys, "pil", *files, "--out", tmp_path)
    assert code == 0
    assert "2 of 4" in said
    lines = complaints.splitlines()
    assert len(lines) == 2
    assert "broken.fits" in lines[0]
    assert "absent.fits" in lines[1]
    assert len(pd.read_csv(tmp_path / "pil.csv")) == 2


def test_files_of_one_name_do_not_overwrite_one_another(folder, tmp_path, capsys):
    other = draw_fits(tmp_path / "other" / "hour5.fits", boundary(strength=50.0))
    code, _, complaints = run(
        capsys, "pil", folder / "hour5.fits", other, "--out", tmp_path / "out"
    )
    assert code == 0
    assert "other/hour5.fits" in complaints
    with fits.open(tmp_path / "out" / "hour5.pil.fits") as hdul:
        assert hdul["PIL"].data.any()


def test_pil_without_a_usable_file_fails_in_words(folder, tmp_path, capsys):
    code, said, complaints = run(capsys, "pil", spoil(folder), "--out", tmp_path)
    assert (code, said) == (2, "")
    assert complaints.splitlines()[-1] == "none of the 1 files could be used"
    assert not (tmp_path / "pil.csv").exists()


def test_pil_answers_in_json(folder, tmp_path, capsys):
    code, said, _ = run(capsys, "pil", folder / "hour7.fits", "--out", tmp_path, "--json")
    rows = json.loads(said)
    assert code == 0
    assert [(row["harp"], row["pil_length_px"], row["interpolated"]) for row in rows] == [
        (377, 75.0, False)
    ]
    # The drawn header has no USFLUX.
    assert rows[0]["usflux_header_mx"] is None


# flux


def test_flux_writes_the_history_of_a_region(folder, tmp_path, capsys):
    csv = tmp_path / "flux.csv"
    code, said, complaints = run(
        capsys, "flux", "--source", f"fits:{folder}", "--region", "AR 11158", "--csv", csv
    )
    assert (code, complaints) == (0, "")
    assert "3 records of region 377" in said
    table = pd.read_csv(csv)
    flux = table["total_unsigned_flux_mx"]
    np.testing.assert_allclose(flux / flux[0], [1.0, 1.2, 1.4], rtol=1e-6)


def test_flux_goes_to_stdout_without_a_file(folder, capsys):
    code, said, _ = run(capsys, "flux", "--source", f"fits:{folder}", "--region", 377)
    assert code == 0
    assert len(said.splitlines()) == 4
    assert said.startswith("t_rec_tai,harp,noaa,total_unsigned_flux_mx")


def test_flux_of_another_pil_region(folder, capsys):
    args = ("flux", "--source", f"fits:{folder}", "--region", 377, "--json")
    ropi, pil = (
        json.loads(run(capsys, *args, "--within", within)[1])[0] for within in ("ropi", "pil")
    )
    assert pil["pil_unsigned_flux_mx"] < ropi["pil_unsigned_flux_mx"]
    assert pil["total_unsigned_flux_mx"] == ropi["total_unsigned_flux_mx"]


def test_flux_leaves_out_records_of_bad_quality(folder, capsys):
    draw_fits(folder / "hour8.fits", boundary(), T_REC="2011.02.13_08:00:00_TAI", QUALITY=0x4000)
    code, said, _ = run(capsys, "flux", "--source", f"fits:{folder}", "--region", 377, "--json")
    assert code == 0
    assert len(json.loads(said)) == 3


# Faults: one line on stderr, exit code 2, nothing on stdout


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["flux", "--source", "fits:{folder}", "--region", "999"], "'999'"),
        (["flux", "--source", "fits:{folder}/absent", "--region", "377"], "absent"),
        (["flux", "--source", "tape:", "--region", "377"], "tape:"),
        (["flux", "--source", "fits:{folder}", "--region", "377", "--keep", "2"], "keep"),
        (["flux", "--source", "fits:{folder}", "--region", "377", "--min-field", "-1"], "-1"),
        (["flux", "--source", "fits:{folder}", "--region", "377", "--within", "spot"], "spot"),
        (
            ["flux", "--source", "fits:{folder}", "--region", "377", "--csv", "{folder}/no/f.csv"],
            "cannot write",
        ),
        (["pil", "{folder}/hour5.fits", "--out", "{folder}/hour6.fits"], "folder"),
        (["pil", "{folder}/hour5.fits"], "--out"),
        (["paint"], "paint"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(folder, capsys, args, said):
    code, out, complaints = run(capsys, *(arg.format(folder=folder) for arg in args))
    assert (code, out) == (2, "")
    assert len(complaints.splitlines()) == 1
    assert said in complaints


@pytest.mark.parametrize("command", [[], ["pil"], ["flux"]])
def test_help_tells_the_options(capsys, command):
    code, said, _ = run(capsys, *command, "--help")
    assert code == 0
    assert "--help" in said
    if command:
        assert "--threshold" in said


# What is unusual about files


def test_flux_names_the_files_that_were_left_out(folder, capsys):
    draw_fits(folder / "x.Br.fits", boundary(strength=500.0), T_REC="2011.02.13_08:00:00_TAI")
    code, _, complaints = run(capsys, "flux", "--source", f"fits:{folder}", "--region", 377)
    assert code == 0
    assert "1 file skipped, the first: " in complaints
    assert "holds the segment 'Br'" in complaints


def test_pil_and_flux_write_the_note_of_a_cut_out(folder, tmp_path, capsys):
    field = boundary(strength=500.0)
    rows, cols = field.shape
    lon, lat = 34.557 - 46.422558, -21.0769
    box = {"LONDTMIN": lon - 0.015 * cols, "LONDTMAX": lon + 0.015 * cols}
    box |= {"LATDTMIN": lat - 0.015 * rows, "LATDTMAX": lat + 0.015 * rows}
    middle = {"CRPIX1": (cols + 1) / 2 - 5, "CRPIX2": (rows + 1) / 2}
    path = draw_fits(
        folder / "cut.fits", field[:, 5:], T_REC="2011.02.13_08:00:00_TAI", **box, **middle
    )
    code, _, complaints = run(capsys, "pil", path, "--out", tmp_path / "out")
    assert (code, "is not the whole patch of its record" in complaints) == (0, True)
    code, _, complaints = run(capsys, "flux", "--source", f"fits:{folder}", "--region", 377)
    assert (code, "is not the whole patch of its record" in complaints) == (0, True)
