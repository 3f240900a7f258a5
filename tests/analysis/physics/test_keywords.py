"""SHARP keywords: as in the headers, gaps where there are none, never computed."""

import numpy as np
import pandas as pd
import pytest
from astropy.io import fits
from astropy.time import Time

from analysis.export import history_csv
from analysis.physics.keywords import (
    SHARP_KEYWORDS,
    computed_history,
    keyword_history,
    keyword_row,
    keywords_with_units,
    parameter_oddities,
    parameter_table,
)
from analysis.physics.sharp_parameters import UNITS, sharp_parameters
from hnn_core.jsoc.keywords import KEPT
from hnn_core.magnetogram.magnetogram import read_fits
from tests.analysis.physics.test_sharp_parameters import made
from tests.conftest import real_data
from tests.support.drawn_sharp import draw_fits

KEYWORDS = {"R_VALUE": 4.572, "TOTUSJH": 1762.526, "MEANSHR": 48.771, "AREA_ACR": 552.841064}


def history(headers):
    times = Time([f"2011-02-13T{5 + k:02}:00:00" for k in range(len(headers))], scale="tai")
    return keyword_history(times, [keyword_row(header) for header in headers])


def test_drawn_headers_give_their_values_and_gaps(tmp_path):
    full = read_fits(draw_fits(tmp_path / "full.fits", **KEYWORDS)).header
    half = read_fits(draw_fits(tmp_path / "half.fits", **{**KEYWORDS, "MEANSHR": "bare nan"}))
    bare = read_fits(draw_fits(tmp_path / "bare.fits")).header
    table = history([full, half.header, bare])
    assert list(table) == ["t_rec_tai", *(name for name in SHARP_KEYWORDS if name in KEYWORDS)]
    assert list(table["t_rec_tai"].astype(str)) == [f"2011-02-13 0{5 + k}:00:00" for k in range(3)]
    assert dict(table.iloc[0, 1:]) == KEYWORDS
    assert table["R_VALUE"].tolist()[:2] == [4.572, 4.572]
    assert np.isnan(table["MEANSHR"].tolist()[1:]).all()
    assert table.iloc[2, 1:].isna().all()


@pytest.mark.parametrize("value", ["MISSING", "", True, float("inf"), None])
def test_what_is_no_finite_number_is_not_known(value):
    assert np.isnan(keyword_row({"TOTPOT": value})["TOTPOT"])
    assert keyword_row({"TOTPOT": "2.9e23"})["TOTPOT"] == 2.9e23


def test_what_is_fetched_has_all_that_can_be_drawn():
    assert set(SHARP_KEYWORDS) <= set(KEPT)


def test_records_without_keywords_give_no_column():
    assert list(history([{}, {}])) == ["t_rec_tai"]


def test_csv_has_the_unit_in_the_name_and_nothing_where_none_is_known():
    table = history([{"USFLUX": 1.220821e22, "NACR": 12288}, {"USFLUX": float("nan"), "NACR": 1}])
    lines = history_csv(keywords_with_units(table)).splitlines()
    assert lines == [
        "t_rec_tai,USFLUX (Mx),NACR (pixels)",
        "2011-02-13T05:00:00,1.220821e+22,12288",
        "2011-02-13T06:00:00,,1",
    ]


def test_harp_377_gives_the_values_of_its_headers():
    paths = sorted(real_data("harp377").glob("*magnetogram.fits"))[:3]
    table = history([read_fits(path).header for path in paths])
    assert set(SHARP_KEYWORDS) <= set(table.columns)
    for row, path in enumerate(paths):
        header = fits.getheader(path, 1)  # by astropy alone
        assert all(table[name][row] == header[name] for name in SHARP_KEYWORDS)
    assert table["USFLUX"][0] == 1.220821e22
    assert isinstance(table["t_rec_tai"][0], pd.Timestamp)


def test_parameters_stand_next_to_the_header_with_their_difference():
    rows, cols = np.mgrid[:30, :40].astype(float)
    found = sharp_parameters(made(cols + 200, rows + 300, 30 * (cols - 19.5)))
    stated = {"USFLUX": found.values["USFLUX"] / 1.01, "MEANGAM": np.nan}
    table = parameter_table(found, stated).set_index("keyword")
    assert list(table.index) == list(UNITS)
    assert table["meaning"].str.len().min() > 0
    assert table.loc["USFLUX", "difference_percent"] == pytest.approx(1.0)
    assert table.loc["USFLUX", "formal_error"] == found.errors["USFLUX"]
    assert np.isnan(table.loc[["MEANGAM", "TOTUSJZ", "SAVNCPP_A"], "difference_percent"]).all()


def test_the_oddities_give_the_value_that_the_name_promises():
    rows, cols = np.mgrid[:30, :40].astype(float)
    found = sharp_parameters(made(10 * cols, 20 * rows, 30 * cols))
    slopes, current, energy = parameter_oddities(found, 0.5)
    assert found.values["MEANGBZ"] == pytest.approx(30.0)
    assert "MEANGBZ 60," in slopes  # 30 G a pixel of half a Mm
    assert current.endswith(" A.")
    assert f"MEANSHR {found.values['MEANSHR_FFT']:.4g}°" in energy


def test_what_is_computed_has_columns_of_its_own_in_the_table_to_store():
    times = Time(["2011-02-15T02:00:00", "2011-02-15T03:00:00"], scale="tai")
    headers = keyword_history(times, [{"USFLUX": 1e22}, {"USFLUX": 2e22}])
    rows, cols = np.mgrid[:30, :40].astype(float)
    found = sharp_parameters(made(cols + 200, rows + 300, 30 * (cols - 19.5)))
    table = keywords_with_units(headers, computed_history(times[1:], [found]))
    assert table["USFLUX (Mx)"].tolist() == [1e22, 2e22]
    assert np.isnan(table["USFLUX computed (Mx)"][0])
    assert table["USFLUX computed (Mx)"][1] == found.values["USFLUX"]
    assert table["ERRVF computed (Mx)"][1] == found.errors["USFLUX"]
    assert keywords_with_units(headers, pd.DataFrame()).columns.tolist() == [
        "t_rec_tai",
        "USFLUX (Mx)",
    ]


def test_units_are_those_that_a_records_own_field_gives():
    folder = real_data("vector377")
    parts = {}
    for name in ("Br", "Bt", "Bp", "bitmap", "conf_disambig"):
        (path,) = folder.glob(f"*.{name}.fits")
        with fits.open(path) as file:
            file[-1].verify("silentfix")
            parts[name], header = file[-1].data.astype(float), file[-1].header
    region = (parts["bitmap"] >= 30) & (parts["conf_disambig"] >= 70)
    north, west = np.gradient(parts["Br"])
    assert np.hypot(north, west)[region].mean() == pytest.approx(header["MEANGBZ"], rel=1e-3)
    assert SHARP_KEYWORDS["MEANGBZ"][0] == "G/px"
    curl = np.gradient(-parts["Bt"])[1] - np.gradient(parts["Bp"])[0]  # G per pixel
    net = sum(abs(curl[region & side].sum()) for side in (parts["Br"] > 0, parts["Br"] <= 0))
    metres = 6.96e8 * np.radians(0.03)
    arcsec = np.degrees(np.arctan(metres / header["DSUN_OBS"])) * 3600
    ampere = net * 1e-4 / (4e-7 * np.pi) * metres
    assert ampere / arcsec**2 == pytest.approx(header["SAVNCPP"], rel=1e-3)
    assert SHARP_KEYWORDS["SAVNCPP"][0] == "A/arcsec²"
