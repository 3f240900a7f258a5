import dataclasses
import io
import math
import re

import numpy as np
import pandas as pd
import pytest
import sunpy.coordinates
from astropy.io import fits
from astropy.wcs import WCS
from hypothesis import given
from hypothesis import strategies as st

from analysis.export import defused, heat_hdul, history_csv, masks_hdul, to_bytes
from analysis.physics.flux import flux_history
from analysis.physics.pil import PilSettings, detect_pils
from hnn_core.magnetogram.magnetogram import read_fits
from hnn_core.magnetogram.preprocess import CropBox
from tests.conftest import ROOT
from tests.support.drawn_regions import boundary, drawn_magnetogram


@pytest.fixture(scope="module")
def mag():
    return drawn_magnetogram()


@pytest.fixture(scope="module")
def masks(mag):
    return detect_pils(mag.field)


def reopened(hdul: fits.HDUList) -> fits.HDUList:
    return fits.open(io.BytesIO(to_bytes(hdul)))


def test_masks_come_back_with_their_parameters(mag, masks):
    settings = PilSettings(threshold=90.0, min_length=10)
    with reopened(masks_hdul(mag, masks, settings)) as hdul:
        assert [hdu.name for hdu in hdul] == ["PRIMARY", "PIL", "ROPI", "HULL"]
        for name, mask in (("PIL", masks.pil), ("ROPI", masks.ropi), ("HULL", masks.hull)):
            assert hdul[name].data.dtype == np.uint8
            np.testing.assert_array_equal(hdul[name].data, mask)
            header = hdul[name].header
            assert header["T_REC"] == "2011.02.13_05:00:00_TAI"
            assert (header["HARPNUM"], header["NOAA_AR"]) == (377, 11158)
            assert (header["PILTHRES"], header["PILBUFF"]) == (90.0, 4)
            assert (header["PILKEEP"], header["PILMINL"]) == (0.95, 10)
            assert header["SIMULATD"] is False
            assert header["PARENT"] == "drawn.fits"


def test_names_beyond_ascii_are_written_with_what_fits_can_hold(mag, masks):
    named = dataclasses.replace(mag, origin="sharps/größe 太陽.fits")
    with reopened(masks_hdul(named, masks)) as hdul:
        assert hdul["PIL"].header["PARENT"] == "gr??e ??.fits"
    heat = np.ones(mag.shape, dtype=np.float32)
    with reopened(heat_hdul(mag, heat, method="relevance", model="modèle", sha256="")) as hdul:
        assert hdul["RELEVANCE"].header["MODEL"] == "mod?le"
        assert hdul["RELEVANCE"].header["METHOD"] == "relevance"
        assert "not why" not in str(hdul["RELEVANCE"].header)


def test_masks_do_not_claim_the_field_s_keywords(mag, masks):
    with reopened(masks_hdul(mag, masks)) as hdul:
        assert "USFLUX" in mag.header
        assert not {"USFLUX", "BUNIT", "DATAMAX"} & set(hdul["PIL"].header)


def test_wcs_is_the_patch_s(mag, masks):
    column, row = np.array([0.0, 119.0, 30.5]), np.array([0.0, 79.0, 12.0])
    with reopened(masks_hdul(mag, masks)) as hdul:
        found = WCS(hdul["HULL"].header).wcs_pix2world(column, row, 0)
    np.testing.assert_allclose(found, mag.wcs.wcs_pix2world(column, row, 0), atol=1e-9)


@pytest.mark.parametrize(("simulated", "interpolated"), [(True, False), (False, True)])
def test_simulated_and_interpolated_frames_say_so(masks, simulated, interpolated):
    mag = drawn_magnetogram(simulated=simulated, interpolated=interpolated)
    header = masks_hdul(mag, masks)["PIL"].header
    assert (header["SIMULATD"], header["INTERPOL"]) == (simulated, interpolated)


def test_heat_map_comes_back_with_its_model(mag):
    heat = np.full(mag.shape, np.nan, dtype=np.float32)
    heat[10:20, 30:40] = 0.25
    hdul = heat_hdul(
        mag,
        heat,
        model="demo",
        sha256="ab" * 32,
        flare_class="M",
        probability=0.75,
        box=CropBox(-184, -164, 448, mag.shape),
    )
    with reopened(hdul) as back:
        np.testing.assert_array_equal(back["ROLLOUT"].data, heat)
        header = back["ROLLOUT"].header
        assert (header["MODEL"], header["MODELSHA"]) == ("demo", "ab" * 32)
        assert (header["FLARECLS"], header["PROBERUP"]) == ("M", 0.75)
        assert (header["CROPROW"], header["CROPCOL"], header["CROPSIZE"]) == (-184, -164, 448)


def test_same_input_gives_the_same_bytes(mag, masks):
    assert to_bytes(masks_hdul(mag, masks)) == to_bytes(masks_hdul(mag, masks))


@pytest.fixture
def exported(harp377):
    """Masks of the first real frame of HARP 377, written and reopened."""
    mag = read_fits(harp377 / "hmi.sharp_cea_720s.377.20110213_050000_TAI.magnetogram.fits")
    masks = detect_pils(mag.field)
    with reopened(masks_hdul(mag, masks)) as hdul:
        yield hdul["PIL"].data, hdul["PIL"].header, masks.pil


# astropy says so of every header that has DATE-OBS and no MJD-OBS, as JSOC's do.
@pytest.mark.filterwarnings("ignore:.*datfix.*:astropy.wcs.FITSFixedWarning")
def test_sunpy_s_coordinates_understand_the_header(exported):
    _, header, _ = exported
    # The reference pixel has the reference coordinates (header CRPIX, CRVAL).
    centre = WCS(header).pixel_to_world(371.5, 188.0)
    assert isinstance(centre.frame, sunpy.coordinates.HeliographicCarrington)
    assert centre.lon.deg == pytest.approx(34.557007, abs=1e-6)
    assert centre.lat.deg == pytest.approx(-21.0769, abs=1e-6)
    assert centre.obstime.utc.isot == "2011-02-13T04:58:12.200"


@pytest.mark.filterwarnings("ignore:.*datfix.*:astropy.wcs.FITSFixedWarning")
def test_sunpy_map_reads_the_masks(exported):
    pytest.importorskip("matplotlib", reason="sunpy.map needs matplotlib: pip install sunpy[map]")
    pytest.importorskip("reproject", reason="sunpy.map needs reproject: pip install sunpy[map]")
    import sunpy.map

    data, header, mask = exported
    mapped = sunpy.map.Map(data, header)
    np.testing.assert_array_equal(mapped.data, mask)
    assert mapped.observatory == "SDO"
    assert mapped.coordinate_system.axis1 == "CRLN-CEA"


def test_arrays_of_another_shape_are_refused(mag, masks):
    other = drawn_magnetogram(boundary(40, 50))
    with pytest.raises(ValueError, match="shape"):
        masks_hdul(other, masks)
    with pytest.raises(ValueError, match="shape"):
        heat_hdul(other, np.zeros(mag.shape), model="demo", sha256="")


def test_csv_is_read_without_options(mag):
    table = flux_history([mag, drawn_magnetogram(interpolated=True, simulated=True)])
    text = history_csv(table)
    back = pd.read_csv(io.StringIO(text))
    assert list(back.columns) == list(table.columns)
    assert list(back["t_rec_tai"]) == ["2011-02-13T05:00:00"] * 2
    assert list(back["interpolated"]) == [False, True]
    assert list(back["simulated"]) == [False, True]
    np.testing.assert_allclose(
        back["total_unsigned_flux_mx"], table["total_unsigned_flux_mx"], rtol=1e-6
    )


@pytest.mark.parametrize(
    "text",
    [
        "=1+1",
        "+A1",
        "-A1",
        "@SUM(A1)",
        "\t=1",
        "\r=1",
        "\n=1",
        "＝1+1",
        "=HYPERLINK(1)",
        "-2+cmd|' /C calc'!A0",
        "+1 to A1",
        "+SUMME(1)",
    ],
)
def test_a_text_that_a_spreadsheet_would_compute_gets_an_apostrophe(text):
    table = pd.DataFrame({"why": [text, "words"], "slope": [-1.5, 2.0]})
    read = pd.read_csv(io.StringIO(history_csv(table)), lineterminator="\n")
    assert read["why"].tolist() == [f"'{text}", "words"]
    assert read["slope"].tolist() == [-1.5, 2.0]
    assert table["why"][0] == text


@given(
    table=st.lists(
        st.tuples(
            st.one_of(st.none(), st.text(), st.from_regex(r"'?[=+\-@].{1,5}", fullmatch=True)),
            st.floats(allow_nan=False, allow_infinity=False),
            st.integers(-(10**9), 10**9),
        ),
        min_size=1,
    )
)
def test_defused_texts_begin_with_nothing_that_computes_and_are_read_back(table):
    frame = pd.DataFrame(table, columns=["text", "float", "int"])
    found = defused(frame)
    assert found["float"].tolist() == frame["float"].tolist()
    assert found["int"].tolist() == frame["int"].tolist()
    for before, after in zip(frame["text"], found["text"], strict=True):
        if pd.isna(before):
            assert pd.isna(after)
        elif after != before:
            assert after == f"'{before}"
        else:
            numbers = re.search(r"[^\W\d_]|[=|!@'\"]", before.replace(" to ", "")) is None
            harmless = numbers or not before.lstrip("'").startswith(tuple("=+-@\t\r\n"))
            assert harmless or math.isfinite(float(before)) or "inf" in before.lower()


def test_numbers_and_times_of_every_kind_stay_as_they_are():
    frame = pd.DataFrame(
        {
            "code": ["-12", "+3.5e2", "+0.4 (−0.1 to +0.9)", "+32.4° to +37.4°"],
            "day": pd.to_datetime(["2011-02-13"] * 4),
            "number": pd.array([-1, None, 2, 3], dtype="Int64"),
            "kind": pd.Categorical(["-a", "b", "b", "b"]),
            "mixed": [-1.5, None, "=a", True],
        }
    )
    found = defused(frame)
    assert found["code"].tolist() == frame["code"].tolist()
    assert found["kind"].tolist() == ["'-a", "b", "b", "b"]
    assert found["mixed"].tolist() == [-1.5, None, "'=a", True]
    pd.testing.assert_frame_equal(found[["day", "number"]], frame[["day", "number"]])


def test_all_csv_of_the_program_is_written_by_one_function():
    writing = re.compile(r"\.to_csv\(|csv\.(?:writer|DictWriter)\(")
    files = [ROOT / "app.py"]
    files += [
        file for part in ("pages", "analysis", "hnn_core") for file in (ROOT / part).rglob("*.py")
    ]
    found = [str(file.relative_to(ROOT)) for file in files if writing.search(file.read_text())]
    assert found == ["analysis/export.py"], "use table_csv or history_csv, which defuse formulas"
