"""Real inputs after public reports, through the command line: what each must give."""

import csv
import io
import json
import shutil
from pathlib import Path

import pytest

from analysis.__main__ import main as analysis_main
from hnn_core.__main__ import main
from hnn_core.jsoc.files import cache_home
from hnn_core.sources import open_source
from tests.conftest import real_data

TIME = "2011-02-13T16:00:00"


def predict(capsys, folder: Path, *, region: str = "377", time: str = TIME) -> dict | str:
    """The prediction, or the one line that refuses it."""
    code = main(
        ["predict", f"--source=fits:{folder}", f"--region={region}", f"--time={time}", "--json"]
    )
    out, err = capsys.readouterr()
    if code == 0:
        return json.loads(out)
    assert code == 2
    assert out == ""
    assert len(err.splitlines()) == 1
    return err


def flux(capsys, folder: Path, *, region: str = "377") -> list[dict[str, str]] | str:
    code = analysis_main(["flux", f"--source=fits:{folder}", f"--region={region}"])
    out, err = capsys.readouterr()
    if code == 0:
        return list(csv.DictReader(io.StringIO(out)))
    assert code == 2
    return err


def test_c01_the_magnetogram_is_used_whatever_the_size_of_bt_err(capsys):
    folder = real_data("cases", "c01_recnum_names")
    (row,) = flux(capsys, folder)
    total = next(float(row[key]) for key in row if key.startswith("total_unsigned_flux"))
    assert total == pytest.approx(1.092674e21, rel=1e-5)  # the USFLUX of that case
    assert main(["regions", f"--source=fits:{folder}", "--json"]) == 0
    (skipped,) = json.loads(capsys.readouterr().out)["skipped"]
    assert "holds the segment 'Bt_err'" in skipped["reason"]


def test_c03_and_c09_are_the_same_field_upright_and_upside_down(capsys):
    upright = real_data("cases", "c03_bitmap_before_magnetogram")
    flipped = real_data("cases", "c09_row0_north_cdelt2_negative")
    found, straight = predict(capsys, flipped), predict(capsys, upright)
    assert found["probability"] == pytest.approx(straight["probability"], abs=1e-6)
    rows = flux(capsys, flipped)
    assert rows == flux(capsys, upright)  # those of the PIL region too
    assert float(rows[0]["total_unsigned_flux_mx"]) == pytest.approx(1.092674e21, rel=1e-5)


@pytest.mark.parametrize(
    ("name", "records"), [("c04_bunit_after_sunpy_arithmetic", 3), ("c05_endings", 1)]
)
def test_c04_c05_are_read(capsys, name, records):
    assert len(flux(capsys, real_data("cases", name))) == records


def test_c05_every_file_is_read_or_listed(capsys):
    folder = real_data("cases", "c05_endings")
    main(["regions", f"--source=fits:{folder}", "--json"])
    answer = json.loads(capsys.readouterr().out)
    read = sum(region["n_records"] for region in answer["regions"])
    assert read + len(answer["skipped"]) == 5


def test_c06_is_refused_as_binned_and_its_control_is_not(capsys):
    folder = real_data("cases", "c06_binned_two_by_two")
    assert "is binned or resampled: CDELT1 is 0.06°" in predict(capsys, folder)
    assert "is binned" in flux(capsys, folder)
    assert 0 <= predict(capsys, real_data("cases", "c06_native"))["probability"] <= 1


@pytest.mark.parametrize(
    ("name", "words"), [("c07_scaled_to_one", "not in gauss"), ("c07b_all_zero", "is zero")]
)
def test_c07_is_refused(capsys, name, words):
    folder = real_data("cases", name)
    assert words in predict(capsys, folder)
    assert words in flux(capsys, folder)


def test_c10_needs_the_table_of_its_query(capsys, tmp_path):
    folder = tmp_path / "as-is"
    shutil.copytree(real_data("cases", "c10_as_is_in_sums_folders"), folder)
    assert "lay the table of its query (CSV or JSON" in flux(capsys, folder)
    keys = {
        "HARPNUM": 377, "NOAA_AR": 11158, "NOAA_ARS": "11158", "QUALITY": "0x00000000",
        "CTYPE1": "CRLN-CEA", "CTYPE2": "CRLT-CEA", "CRPIX1": 48.5, "CRPIX2": 32.5,
        "CRVAL1": 34.5, "CRVAL2": -20.0, "CDELT1": 0.03, "CDELT2": 0.03, "CRLN_OBS": 45.0,
        "RSUN_REF": 696000000, "LON_FWT": -10.5, "LAT_FWT": -20.0,
    }  # fmt: skip
    with (folder / "query.csv").open("w", newline="") as file:
        table = csv.DictWriter(file, ["T_REC", *keys, "magnetogram"])
        table.writeheader()
        for n in range(3):
            place = f"/SUM{n}/D{1758488750 + n}/S00000/magnetogram.fits"
            table.writerow(
                {**keys, "T_REC": f"2011.02.13_0{5 + n}:00:00_TAI", "magnetogram": place}
            )
    assert len(flux(capsys, folder)) == 3


@pytest.mark.slow
def test_broken_files_are_never_the_last_hour(capsys, tmp_path, harp377):
    """Each in the place of the record of 01:00, whose copy it was made of."""
    name = "hmi.sharp_cea_720s.377.20110215_010000_TAI.magnetogram.fits"
    for case, words in {
        "dflip025.fits": "its DATASUM 3987404237",
        "gz_crc.fits.gz": "CRC",
        "kval041_RSUN_REF.fits": "RSUN_REF is 6.96e+09 m",
        "shape_1x1.fits": "1 pixels between patches of 280488",
    }.items():
        folder = tmp_path / case
        folder.mkdir()
        for path in sorted(harp377.glob("*.fits")):
            if "20110214_1" in path.name or "20110214_2" in path.name or "20110215_0" in path.name:
                (folder / path.name).symlink_to(path)
        (folder / name).unlink()
        shutil.copy(real_data("cases", "broken", case), folder / case)
        refusal = predict(capsys, folder, time="2011-02-15T01:00:00")
        assert isinstance(refusal, str), case
        main(["regions", f"--source=fits:{folder}", "--json"])
        skipped = json.loads(capsys.readouterr().out)["skipped"]
        assert words in refusal + "".join(one["reason"] for one in skipped), case


def test_all_segments_of_a_record_in_one_folder(capsys):
    folder = real_data("vector377")
    assert len(flux(capsys, folder)) == 1
    main(["regions", f"--source=fits:{folder}", "--json"])
    answer = json.loads(capsys.readouterr().out)
    assert [region["n_records"] for region in answer["regions"]] == [1]
    assert answer["skipped"] == []  # the others make the record's field vector
    source = open_source(f"fits:{folder}")
    assert source.has_vector("377").tolist() == [True]


def test_verify_names_the_file_with_one_flipped_bit(capsys):
    name = "hmi.sharp_cea_720s.377.20110215_010000_TAI.magnetogram.fits"
    path = cache_home() / "definitive" / "377" / name
    path.parent.mkdir(parents=True)
    shutil.copyfile(real_data("harp377", name), path)
    assert main(["data", "verify"]) == 0
    shutil.copyfile(real_data("cases", "broken", "dflip025.fits"), path)
    capsys.readouterr()
    assert main(["data", "verify"]) == 2
    words = capsys.readouterr().err
    assert name in words
    assert "its DATASUM 3987404237" in words
