import gzip
import math
from pathlib import Path

import astropy.units as u
import numpy as np
import pytest
from astropy.io import fits
from astropy.io.fits import Header
from astropy.time import Time
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hnn_core.exceptions import (
    FitsError,
    MissingKeywordError,
    OffLimbError,
    TruncatedFitsError,
    WrongInstrumentError,
)
from hnn_core.magnetogram import magnetogram as magnetogram_module
from hnn_core.magnetogram.conventions import (
    format_t_rec,
    iso_minute,
    noaa_numbers,
    parse_t_rec,
)
from hnn_core.magnetogram.magnetogram import read_fits
from tests.support.drawn_sharp import draw_fits, drawn_field, write_hdu

AS_IS = "hmi.sharp_cea_720s.377.20110213_050000_TAI.magnetogram.fits"
SHARP_PIXEL_CM2 = 1.328e15  # docs/method.md, "Flux and trends"


def first_frame(harp377: Path) -> Path:
    return harp377 / AS_IS


# Real files


def test_first_real_frame_has_published_flux_and_header_keywords(harp377):
    frame = read_fits(first_frame(harp377))
    assert frame.shape == (377, 744)
    assert frame.field.dtype == np.float32
    assert frame.harp == 377
    assert frame.noaa == (11158,)
    assert frame.t_rec.scale == "tai"
    assert frame.t_rec.isot == "2011-02-13T05:00:00.000"
    assert frame.longitude.to_value("deg") == -11.377721  # LON_FWT
    assert frame.latitude.to_value("deg") == -20.151566  # LAT_FWT
    assert not frame.simulated
    assert not frame.interpolated
    np.testing.assert_allclose(frame.pixel_area.to_value("cm2"), SHARP_PIXEL_CM2, rtol=1e-3)
    flux = np.nansum(np.abs(frame.field), dtype=np.float64) * frame.pixel_area.to_value("cm2")
    np.testing.assert_allclose(flux, 1.375e22, rtol=1e-3)  # docs/method.md, "Flux and trends"


def test_real_header_keeps_measured_keywords_and_repairs_bare_nan(harp377):
    header = read_fits(first_frame(harp377)).header
    assert header["R_VALUE"] == 4.572
    assert math.isnan(float(header["GWILL"]))
    assert "ZIMAGE" not in header
    assert "BSCALE" not in header


def test_real_quality_at_six_is_the_usual_flag(harp377):
    frame = read_fits(harp377 / AS_IS.replace("050000", "060000"))
    assert frame.quality == 0x10400


def test_every_tenth_real_frame_reads_in_order_of_its_name(harp377):
    files = sorted(harp377.glob("*.fits"))[::10]
    assert len(files) == 5
    for path in files:
        stamp = path.name.split(".")[3]
        assert format_t_rec(read_fits(path).t_rec).replace(".", "").replace(":", "") == stamp


def test_real_wcs_puts_crval_at_crpix_and_north_up(harp377):
    wcs = read_fits(first_frame(harp377)).wcs
    longitude, latitude = wcs.pixel_to_world_values(371.5, 188.0)
    np.testing.assert_allclose([longitude, latitude], [34.557007, -21.0769], atol=1e-9)
    _, north = wcs.pixel_to_world_values(371.5, 189.0)
    np.testing.assert_allclose(north - latitude, 0.03, atol=1e-6)  # sin(0.03 deg) is 0.03 deg


@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("hmi_sharp_magnetogram.header", FitsError),
        ("hmi_bharp_vlos_mag.header", FitsError),
        ("hmi_synoptic.header", WrongInstrumentError),
        ("mdi.fd_M_96m_lev182.20101015_191200_TAI.data.header", WrongInstrumentError),
    ],
)
def test_real_headers_of_other_series_are_refused(harp377, tmp_path, name, error):
    path = with_real_header(harp377, name, tmp_path)
    with pytest.raises(error, match=r"file\.fits"):
        read_fits(path)


def test_real_cea_header_of_a_negative_crval1_reads(harp377, tmp_path):
    path = with_real_header(harp377, "hmi_cea_sharp_magnetogram.header", tmp_path)
    frame = read_fits(path)
    assert (frame.harp, frame.noaa) == (11465, (13733,))
    assert frame.t_rec.isot == "2024-06-28T00:00:00.000"
    np.testing.assert_allclose(frame.longitude.to_value("deg"), -56.1843529)
    np.testing.assert_allclose(frame.pixel_area.to_value("cm2"), SHARP_PIXEL_CM2, rtol=1e-3)
    column, row = frame.wcs.world_to_pixel_values(-27.3923531 + 360.0, 5.34054995)
    np.testing.assert_allclose(
        [column + 1, row + 1], [frame.header["CRPIX1"], frame.header["CRPIX2"]], atol=1e-6
    )


@pytest.mark.parametrize("segment", ["magnetogram", "bitmap"])
def test_real_mdi_files_are_the_wrong_instrument(harp377, segment):
    folder = harp377.parent / "wrong_instrument"
    path = folder / f"mdi.smarp_cea_96m.13520.20100714_124800_TAI.{segment}.fits"
    if not path.exists():
        pytest.skip("no MDI file among the real data")
    with pytest.raises(WrongInstrumentError, match="MDI"):
        read_fits(path)


def test_real_full_disk_is_refused(harp377):
    path = harp377.parent / "headers" / "resampled_hmi.fits"
    if not path.exists():
        pytest.skip("no full-disk file among the real data")
    with pytest.raises(WrongInstrumentError, match="not an active-region patch"):
        read_fits(path)


def with_real_header(harp377: Path, name: str, tmp_path: Path) -> Path:
    source = harp377.parent / "headers" / name
    if not source.exists():
        pytest.skip(f"{name} is not among the real data")
    header = Header.fromstring(source.read_text(encoding="latin-1"), sep="\n")
    for key in ("BLANK", "BSCALE", "BZERO", "CHECKSUM", "DATASUM"):
        header.remove(key, ignore_missing=True)
    path = tmp_path / "file.fits"
    field = drawn_field(header["NAXIS2"], header["NAXIS1"])
    hdu = fits.PrimaryHDU(np.where(np.isnan(field), field, field % 100 - 5))
    kept = [card for card in header.cards if card.keyword not in hdu.header and card.keyword]
    hdu.header.extend(card for card in kept if card.keyword not in ("COMMENT", "HISTORY"))
    hdu.writeto(path, output_verify="silentfix")
    return path


# Drawn files


@pytest.mark.parametrize("compress", [True, False])
def test_drawn_pixels_come_back_exactly(tmp_path, compress):
    frame = read_fits(draw_fits(tmp_path / "a.fits", compress=compress))
    np.testing.assert_allclose(frame.field, drawn_field(), rtol=1e-6)  # tenths in float32
    assert np.isnan(frame.field[0, 0])
    assert frame.field[1, 0] == 1.0  # row 1 of the array is the second row from the south
    assert not frame.field.flags.writeable


def test_gzipped_file_reads_like_the_plain_one(tmp_path):
    plain = draw_fits(tmp_path / "a.fits")
    zipped = tmp_path / "a.fits.gz"
    zipped.write_bytes(gzip.compress(plain.read_bytes()))
    np.testing.assert_array_equal(read_fits(zipped).field, read_fits(plain).field)


def test_infinite_pixels_become_nan(tmp_path):
    field = drawn_field()
    field[2, 3] = np.inf
    frame = read_fits(draw_fits(tmp_path / "a.fits", field, compress=False))
    assert np.isnan(frame.field[2, 3])
    assert np.isnan(frame.field).sum() == 2


def test_bare_nan_cards_do_not_stop_reading(tmp_path):
    path = draw_fits(tmp_path / "a.fits", GWILL="bare nan", CRDER1="bare nan", LON_FWT="bare nan")
    frame = read_fits(path)
    assert math.isnan(float(frame.header["GWILL"]))
    assert "CRDER1" not in frame.header
    # LON_FWT says nothing, so the middle of the patch: CRVAL1 - CRLN_OBS
    np.testing.assert_allclose(frame.longitude.to_value("deg"), 34.557 - 46.422558)


@pytest.mark.parametrize(
    ("text", "iso"),
    [
        ("2011.02.13_05:00:00_TAI", "2011-02-13T05:00:00.000"),
        ("2011.02.13_05:00:00.000_TAI", "2011-02-13T05:00:00.000"),
        ("2011.02.13_05:00_TAI", "2011-02-13T05:00:00.000"),
        ("2011-02-13T05:00:00", "2011-02-13T05:00:00.000"),
        ("2011.02.13_05:00:00_UTC", "2011-02-13T05:00:34.000"),  # 34 leap seconds in 2011
    ],
)
def test_t_rec_spellings(tmp_path, text, iso):
    assert parse_t_rec(text).isot == iso
    assert read_fits(draw_fits(tmp_path / "a.fits", T_REC=text)).t_rec.isot == iso


@pytest.mark.parametrize("year", ["0000", "0999", "9999"])
def test_a_year_that_cannot_be_written_again_is_no_t_rec(year):
    """One has no calendar, one loses its zero, and one ends where its last hour is rounded up."""
    with pytest.raises(ValueError, match="years 1000 to 9998"):
        parse_t_rec(f"{year}-12-31T23:59:59")
    for text in ("1000-01-01T00:00", "9998-12-31T23:59"):
        assert iso_minute(parse_t_rec(text)) == text


def test_t_rec_is_written_as_jsoc_does():
    assert format_t_rec(Time("2011-02-13T05:12:00", scale="tai")) == "2011.02.13_05:12:00_TAI"
    # 2 ms short of the minute must not become 05:11:59
    assert format_t_rec(Time("2011-02-13T05:11:59.998", scale="tai")) == "2011.02.13_05:12:00_TAI"


@pytest.mark.parametrize(
    ("value", "quality"),
    [
        (0, 0),
        (66560, 0x10400),
        ("0x00010400", 0x10400),
        ("66560", 0x10400),
        (-2147483648, 0x8000_0000),
        (-2147417088, 0x8001_0400),
        ("0x80000000", 0x8000_0000),
    ],
)
def test_quality_spellings(tmp_path, value, quality):
    assert read_fits(draw_fits(tmp_path / "a.fits", QUALITY=value)).quality == quality


@pytest.mark.parametrize(
    ("values", "numbers"),
    [
        (("11158", 11158), (11158,)),
        (("12087,12092", 12087), (12087, 12092)),
        (("MISSING", 0), ()),
        ((None, 0), ()),
        (("", 1158), (11158,)),
        (("2092, 12087", 2087), (12087, 12092)),
        (("5", 158), ()),  # of a number that lost its 1 four digits are left
        (("0158,01158", 11158), (10158, 11158)),
    ],
)
def test_noaa_spellings(values, numbers):
    assert noaa_numbers(*values) == numbers


def test_missing_noaa_keywords_are_no_numbers(tmp_path):
    assert read_fits(draw_fits(tmp_path / "a.fits", NOAA_AR=0, NOAA_ARS="MISSING")).noaa == ()
    assert read_fits(draw_fits(tmp_path / "b.fits", NOAA_AR=None, NOAA_ARS=None)).noaa == ()


@pytest.mark.parametrize(
    ("cards", "longitude", "latitude"),
    [
        ({}, -11.377721, -20.151566),
        ({"LON_FWT": None, "LAT_FWT": None}, 34.557 - 46.422558, -21.0769),
        ({"LON_FWT": None, "CRVAL1": -10.0, "CRLN_OBS": 340.0}, 10.0, -20.151566),
        ({"LON_FWT": None, "CRVAL1": 350.0, "CRLN_OBS": 20.0}, -30.0, -20.151566),
        ({"LON_FWT": None, "CRLN_OBS": None}, 34.557 - 46.422558, -20.151566),
        ({"LAT_FWT": "nan", "CRVAL2": None}, -11.377721, -21.0769),
        (
            {"LON_FWT": None, "CRLN_OBS": None, "LONDTMIN": None, "LAT_FWT": None,
             "CRVAL2": None, "LATDTMAX": "MISSING"},
            math.nan, math.nan,
        ),
    ],
)  # fmt: skip
def test_position_falls_back_to_the_patch(tmp_path, cards, longitude, latitude):
    frame = read_fits(draw_fits(tmp_path / "a.fits", **cards))
    np.testing.assert_allclose(frame.longitude.to_value("deg"), longitude, atol=1e-9)
    np.testing.assert_allclose(frame.latitude.to_value("deg"), latitude, atol=1e-9)


def test_pixel_area_follows_the_header(tmp_path):
    larger = {"CDELT1": 0.0303, "CDELT2": 0.0303}
    frame = read_fits(draw_fits(tmp_path / "a.fits", **larger, RSUN_REF=696000000 / 1.01))
    # a larger angle on a smaller radius: the same length
    np.testing.assert_allclose(frame.pixel_area.to_value("cm2"), 1.3280539682e15, rtol=1e-9)
    rounded = read_fits(draw_fits(tmp_path / "b.fits", CDELT1=0.0299999993))
    np.testing.assert_allclose(rounded.pixel_area / frame.pixel_area, 1.0, rtol=1e-7)


def test_simulated_files_say_so(tmp_path):
    assert read_fits(draw_fits(tmp_path / "a.fits", SIMULATD=True)).simulated
    assert read_fits(draw_fits(tmp_path / "b.fits", HARPNUM=900001)).simulated
    assert not read_fits(draw_fits(tmp_path / "c.fits", SIMULATD=False)).simulated


def test_wcs_of_drawn_file_with_unit_degree(tmp_path):
    wcs = read_fits(draw_fits(tmp_path / "a.fits", CRVAL1=-10.0, LON_FWT=None)).wcs
    longitude, latitude = wcs.pixel_to_world_values(2.5, 1.5)
    np.testing.assert_allclose([longitude % 360.0, latitude], [350.0, -21.0769], atol=1e-9)


# Files without keywords


def draw_as_is(path: Path) -> Path:
    write_hdu(path, drawn_field(), Header())
    return path


def test_as_is_file_is_understood_by_its_name(tmp_path):
    frame = read_fits(draw_as_is(tmp_path / AS_IS))
    assert (frame.harp, frame.noaa, frame.quality) == (377, (), 0)
    assert frame.t_rec.isot == "2011-02-13T05:00:00.000"
    np.testing.assert_allclose(frame.pixel_area.to_value("cm2"), SHARP_PIXEL_CM2, rtol=1e-3)
    assert np.isnan(frame.longitude.value)
    assert frame.longitude.unit == u.deg
    assert np.isnan(frame.latitude.value)
    np.testing.assert_allclose(frame.field, drawn_field(), rtol=1e-6)
    with pytest.raises(MissingKeywordError, match="no coordinates"):
        _ = frame.wcs


def test_as_is_file_of_another_name_is_refused(tmp_path):
    with pytest.raises(FitsError, match=r"pixels\.fits has no keywords"):
        read_fits(draw_as_is(tmp_path / "pixels.fits"))


@pytest.mark.parametrize(
    ("name", "error"),
    [
        (AS_IS.replace("_cea", ""), FitsError),
        (AS_IS.replace("magnetogram", "bitmap"), WrongInstrumentError),
        (AS_IS.replace("hmi.sharp_cea_720s", "mdi.smarp_cea_96m"), WrongInstrumentError),
        (AS_IS.replace("hmi.sharp_cea_720s", "hmi.m_720s"), WrongInstrumentError),
    ],
)
def test_as_is_files_of_other_series_are_refused(tmp_path, name, error):
    with pytest.raises(error):
        read_fits(draw_as_is(tmp_path / name))


# Files that must be refused


@pytest.mark.parametrize(
    ("cards", "error", "words"),
    [
        ({"TELESCOP": "SOHO", "INSTRUME": "MDI"}, WrongInstrumentError, "SOHO MDI"),
        ({"TARPNUM": 13520}, WrongInstrumentError, "not from SDO/HMI"),
        ({"BUNIT": "cm/s"}, WrongInstrumentError, "cm/s"),
        ({"BUNIT": None}, WrongInstrumentError, "BUNIT"),
        (
            {"DRMS_ID": "hmi.sharp_cea_720s:9252513:Br"},
            WrongInstrumentError,
            "segment 'Br'",
        ),
        ({"CTYPE1": "HPLN-TAN", "CTYPE2": "HPLT-TAN"}, FitsError, "rotated by 180"),
        (
            {"CTYPE1": "HPLN-TAN", "CTYPE2": "HPLT-TAN", "HARPNUM": None},
            WrongInstrumentError,
            "not an active-region patch",
        ),
        ({"HARPNUM": None}, MissingKeywordError, "HARPNUM"),
        ({"HARPNUM": "MISSING"}, MissingKeywordError, "'MISSING'"),
        ({"T_REC": None}, MissingKeywordError, "T_REC"),
        ({"T_REC": "yesterday"}, MissingKeywordError, "'yesterday'"),
        ({"T_REC": "2011.02.31_05:00:00_TAI"}, MissingKeywordError, "T_REC"),
        ({"QUALITY": None}, MissingKeywordError, "QUALITY"),
        ({"QUALITY": "bare nan"}, MissingKeywordError, "QUALITY"),
        ({"CDELT1": None}, MissingKeywordError, "CDELT1"),
        ({"CDELT1": 0.0}, MissingKeywordError, "CDELT1"),
        ({"RSUN_REF": "nan"}, MissingKeywordError, "RSUN_REF"),
    ],
)
def test_bad_headers_are_refused_by_name(tmp_path, cards, error, words):
    path = draw_fits(tmp_path / "bad.fits", **cards)
    with pytest.raises(error, match=words) as caught:
        read_fits(path)
    assert str(path) in str(caught.value)
    assert type(caught.value) is error
    assert "\n" not in str(caught.value)


def test_byte_image_is_no_magnetogram(tmp_path):
    path = tmp_path / "bytes.fits"
    header = fits.Header({"HARPNUM": 377, "T_REC": "2011.02.13_05:00:00_TAI", "BUNIT": "gauss"})
    fits.PrimaryHDU(np.ones((4, 6), np.uint8), header).writeto(path)
    with pytest.raises(WrongInstrumentError, match="BITPIX 8"):
        read_fits(path)


@pytest.mark.parametrize("shape", [(3,), (2, 3, 4)])
def test_images_of_other_dimensions_are_refused(tmp_path, shape):
    path = tmp_path / "cube.fits"
    fits.PrimaryHDU(np.ones(shape, np.float32)).writeto(path)
    with pytest.raises(WrongInstrumentError, match="axes"):
        read_fits(path)


def test_file_without_an_image_is_refused(tmp_path):
    path = tmp_path / "empty_primary.fits"
    fits.PrimaryHDU().writeto(path)
    with pytest.raises(WrongInstrumentError, match="no two-dimensional image"):
        read_fits(path)


@pytest.mark.parametrize(
    "content", [b"", b"\0" * 5000, b"<html>503</html>", b"SIMPLE  =" + b"x" * 9000]
)
def test_garbage_is_truncated(tmp_path, content):
    path = tmp_path / "garbage.fits"
    path.write_bytes(content)
    with pytest.raises(TruncatedFitsError, match=r"garbage\.fits"):
        read_fits(path)


def test_absent_file_and_folder_are_named(tmp_path):
    with pytest.raises(FitsError, match=r"absent\.fits cannot be opened"):
        read_fits(tmp_path / "absent.fits")
    with pytest.raises(FitsError, match="cannot be opened"):
        read_fits(tmp_path)


@pytest.mark.parametrize("compressed", [True, False])
def test_absurd_size_is_refused_before_a_pixel_is_read(tmp_path, monkeypatch, compressed):
    path = draw_fits(tmp_path / "huge.fits", compress=compressed)
    raw = path.read_bytes()
    key = b"ZNAXIS1 =" if compressed else b"NAXIS1  ="
    start = raw.index(key)
    path.write_bytes(raw[:start] + (key + b"%21d" % 10**8).ljust(80) + raw[start + 80 :])

    def forbidden(*_):
        raise AssertionError("pixels were read")

    monkeypatch.setattr(magnetogram_module, "read_pixels", forbidden)
    with pytest.raises(FitsError, match="100000000 by 4 pixels"):
        read_fits(path)


def test_field_without_disk_is_off_the_limb(tmp_path):
    path = draw_fits(tmp_path / "limb.fits", np.full((4, 6), np.nan, np.float32))
    with pytest.raises(OffLimbError, match=r"limb\.fits"):
        read_fits(path)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(fraction=st.floats(0.0, 1.0, exclude_max=True), compress=st.booleans(), zipped=st.booleans())
def test_a_file_cut_anywhere_raises_one_error(tmp_path, fraction, compress, zipped):
    noise = np.random.default_rng(1).normal(0, 300, (50, 60)).astype(np.float32)
    path = draw_fits(tmp_path / "cut.fits", noise, compress=compress)
    raw = path.read_bytes()
    # The last block is padded with zeros, which a reader may do without; they and the checksum
    # take the last 64 bytes of a gzipped file.
    raw, end = (z := gzip.compress(raw), len(z) - 64) if zipped else (raw, len(raw.rstrip(b"\0")))
    path.write_bytes(raw[: int(fraction * end)])
    with pytest.raises(TruncatedFitsError, match=r"cut\.fits"):
        read_fits(path)


def test_damaged_rice_stream_is_a_truncated_file(tmp_path):
    noise = np.random.default_rng(1).normal(0, 300, (50, 60)).astype(np.float32)
    path = draw_fits(tmp_path / "spoilt.fits", noise)
    raw = bytearray(path.read_bytes())
    with fits.open(path, disable_image_compression=True) as hdus:
        table = hdus[1].fileinfo()["datLoc"]
    raw[table : table + 16] = b"\xff" * 16  # the first row's length and offset of its stream
    path.write_bytes(raw)
    with pytest.raises(TruncatedFitsError, match=r"spoilt\.fits"):
        read_fits(path)
