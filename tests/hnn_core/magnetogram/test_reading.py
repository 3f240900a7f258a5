"""What a file holds: read as it is, put right where that is exact, or refused with the value."""

import bz2
import gzip
import os
import socket
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from astropy.io.fits import Header
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hnn_core.exceptions import (
    FitsError,
    MissingKeywordError,
    OffLimbError,
    TruncatedFitsError,
    WrongInstrumentError,
)
from hnn_core.magnetogram import fits as fits_module
from hnn_core.magnetogram import packed
from hnn_core.magnetogram.fits import read_header
from hnn_core.magnetogram.magnetogram import read_fits
from hnn_core.magnetogram.sharp import NEEDED
from tests.conftest import real_data
from tests.support.drawn_sharp import CARDS, draw_fits, drawn_field, write_hdu

PLACE = {"CRVAL1": 35.0, "CRVAL2": -20.5, "CRLN_OBS": 46.0}


def boxed(rows: int, cols: int, **changes: object) -> dict[str, object]:
    """Cards of a whole patch: its box about its middle, 11° east and 20.5° south."""
    lat, lon = 0.015 * rows, 0.015 * cols
    box = {"LONDTMIN": -11 - lon, "LONDTMAX": -11 + lon, "LATDTMIN": -20.5 - lat}
    middle = {"CRPIX1": (cols + 1) / 2, "CRPIX2": (rows + 1) / 2}
    return {**PLACE, **box, "LATDTMAX": -20.5 + lat, **middle, **changes}


def region_field(rows: int = 40, cols: int = 60) -> np.ndarray:
    """float32 (rows, cols): two polarities in noise, as a small region has, G."""
    rng = np.random.default_rng(4)
    y, x = np.mgrid[:rows, :cols]
    spots = 900 * np.exp(-((x - 20) ** 2 + (y - 15) ** 2) / 60)
    spots -= 700 * np.exp(-((x - 38) ** 2 + (y - 24) ** 2) / 80)
    return np.round(spots + rng.normal(0, 6.4, (rows, cols)), 1).astype(np.float32)


def card_header(**changes: object) -> Header:
    return Header({key: value for key, value in {**CARDS, **changes}.items() if value is not None})


def flux(field: np.ndarray, pixel_cm2: float = 1.328054e15) -> float:
    return float(np.nansum(np.abs(field), dtype=np.float64)) * pixel_cm2


# Which segment


@pytest.mark.parametrize(
    "name",
    [
        "hmi.sharp_cea_720s.600123.Bt_err.fits",
        "Bp.fits",
        "br.FITS",
        "hmi.sharp_cea_720s.377.20110213_050000_TAI.conf_disambig.fits.gz",
        "x.bitmap.fits.1",
        "continuum (1).fits",
        "377_Br.fits",
        "hmi_Br_20110215.fits",
        "Br.20110215.fits",
        "Br_cea.fits",
        "sharp-Bp.fits",
        "Bt.cutout.fits",
    ],
)
def test_a_segment_is_known_by_a_word_of_the_name(tmp_path, name):
    with pytest.raises(WrongInstrumentError, match=r"holds the segment '\w+', not the line"):
        read_fits(draw_fits(tmp_path / name, region_field()))


@pytest.mark.parametrize("key", ["EXTNAME", "SEGMENT", "CONTENT"])
def test_a_segment_is_known_by_its_header(tmp_path, key):
    write_hdu(tmp_path / "x.fits", region_field(), card_header(**{key: "Bp_err"}), compress=False)
    with pytest.raises(WrongInstrumentError, match="'Bp_err'"):
        read_fits(tmp_path / "x.fits")


@pytest.mark.parametrize(("scale", "words"), [(0.01, "component"), (0.001, "errors")])
def test_a_segment_is_known_by_what_is_stored(tmp_path, scale, words):
    hdu = fits.CompImageHDU(
        np.round(region_field() / scale).astype(np.int32), card_header(), compression_type="RICE_1"
    )
    hdu.header["BSCALE"] = scale
    path = tmp_path / "renamed.magnetogram.fits"
    fits.HDUList([fits.PrimaryHDU(), hdu]).writeto(path)
    with pytest.raises(WrongInstrumentError, match=rf"{words} of the field vector.*BSCALE"):
        read_fits(path)


@pytest.mark.parametrize(
    "name", ["a.fits", "magnetogram.fits", "x.377.fits", "y.magnetogram.fits", "a_field_377.fits"]
)
def test_other_names_say_nothing_against_a_magnetogram(tmp_path, name):
    assert read_fits(draw_fits(tmp_path / name, region_field())).harp == 377


def test_a_field_of_one_sign_is_no_line_of_sight_field(tmp_path):
    path = draw_fits(tmp_path / "x.fits", np.abs(region_field()) + 1, compress=False)
    with pytest.raises(FitsError, match="one sign"):
        read_fits(path)


def test_every_other_segment_of_a_real_record_is_named():
    for path in sorted(real_data("vector377").iterdir()):
        segment = path.name.split(".")[-2]
        if segment == "magnetogram":
            assert read_fits(path).shape == (377, 744)
            continue
        with pytest.raises(WrongInstrumentError, match=f"'{segment}'"):
            read_fits(path)


# Which HDU


def test_the_image_with_the_keywords_is_used(tmp_path):
    field = region_field()
    bitmap = fits.ImageHDU(np.ones((40, 60), np.uint8), name="BITMAP")
    image = fits.ImageHDU(field, card_header(), name="MAGNETOGRAM")
    path = tmp_path / "x.fits"
    for hdus in ([bitmap, image], [image, bitmap]):
        fits.HDUList([fits.PrimaryHDU(), *hdus]).writeto(path, overwrite=True)
        np.testing.assert_array_equal(read_fits(path).field, field)
    packed_path = tmp_path / "x.fits.gz"
    packed_path.write_bytes(gzip.compress(path.read_bytes()))
    np.testing.assert_array_equal(read_fits(packed_path).field, field)


def test_of_several_records_the_one_that_names_its_segment_is_used(tmp_path):
    field = region_field()
    others = [fits.ImageHDU(field + 1, card_header(), name=name) for name in ("Bp", "Br_err")]
    image = fits.ImageHDU(field, card_header(), name="magnetogram")
    path = tmp_path / "x.fits"
    fits.HDUList([fits.PrimaryHDU(), *others, image]).writeto(path)
    np.testing.assert_array_equal(read_fits(path).field, field)
    fits.HDUList([fits.PrimaryHDU(), *others]).writeto(path, overwrite=True)
    with pytest.raises(WrongInstrumentError, match="holds 2 images"):
        read_fits(path)


def test_keywords_of_the_primary_are_those_of_the_only_image(tmp_path):
    path = tmp_path / "x.fits"
    fits.HDUList([fits.PrimaryHDU(None, card_header()), fits.ImageHDU(region_field())]).writeto(
        path
    )
    assert (read_fits(path).harp, read_fits(path).noaa) == (377, (11158,))


def test_a_cube_of_one_plane_is_its_plane(tmp_path):
    field = region_field()
    path = tmp_path / "x.fits"
    fits.PrimaryHDU(field[np.newaxis], card_header()).writeto(path)
    np.testing.assert_array_equal(read_fits(path).field, field)
    fits.PrimaryHDU(np.stack([field, field]), card_header()).writeto(path, overwrite=True)
    with pytest.raises(WrongInstrumentError, match="60 by 40 by 2"):
        read_fits(path)


# Units


@pytest.mark.parametrize(
    ("unit", "gauss"),
    [
        ("Mx/cm^2", 1.0),
        ("Mx / cm2", 1.0),
        ("Mx/cm2", 1.0),
        ("Mx cm-2", 1.0),
        ("Gauss", 1.0),
        ("gauss", 1.0),
        ("G", 1.0),
        ("T", 1e4),
        ("mT", 10.0),
        ("kG", 1e3),
    ],
)
def test_units_of_flux_density_become_gauss(tmp_path, unit, gauss):
    field = region_field()
    path = draw_fits(
        tmp_path / "x.fits", field / np.float32(gauss), compress=False, BUNIT=unit,
        USFLUX=flux(field),
    )  # fmt: skip
    frame = read_fits(path)
    np.testing.assert_allclose(frame.field, field, rtol=1e-6)
    assert frame.header["BUNIT"] == "Mx/cm^2"


@pytest.mark.parametrize("unit", ["", "cm/s", "DN/s", "deg", "erg", "furlong", "Mx"])
def test_other_units_are_refused(tmp_path, unit):
    with pytest.raises(WrongInstrumentError, match="BUNIT is"):
        read_fits(draw_fits(tmp_path / "x.fits", BUNIT=unit))


@pytest.mark.parametrize("factor", [1 / 2000, 0.15, 6.0, 10.0])
def test_a_field_that_is_not_in_gauss_contradicts_usflux(tmp_path, factor):
    field = region_field()
    scaled = (field * factor).astype(np.float32)
    path = draw_fits(tmp_path / "x.fits", scaled, compress=False, USFLUX=flux(field))
    with pytest.raises(FitsError, match="not in gauss, whatever BUNIT says"):
        read_fits(path)


def test_a_masked_field_is_not_refused_for_its_unit_alone(tmp_path):
    field = region_field()
    masked = np.where(np.abs(field) > 60, np.nan, field).astype(np.float32)
    with pytest.raises(FitsError, match=r"or was masked \(\d+ of 2400 pixels are NaN\)"):
        read_fits(draw_fits(tmp_path / "x.fits", masked, compress=False, USFLUX=flux(field)))


@pytest.mark.parametrize(
    ("cards", "words"),
    [
        ({"CTYPE1": None}, "projection .* CTYPE1 is ''"),
        ({"CTYPE1": "HGLN-CEA"}, "projection .* CTYPE1 is 'HGLN-CEA'"),
        ({"CTYPE1": "CRLN-CAR"}, "projection"),
        ({"CTYPE1": "HPLN-TAN", "CTYPE2": "HPLT-TAN"}, r"CCD coordinates \(HPLN-TAN\)"),
        ({"DRMS_ID": "hmi.sharp_720s:1:magnetogram"}, r"CCD coordinates \(hmi.sharp_720s\)"),
        ({"DRMS_ID": "hmi.m_720s:1:magnetogram"}, r"active-region patch \(hmi.m_720s\)"),
        ({"TELESCOP": "SOLO"}, "from SOLO HMI_SIDE1, not from SDO/HMI"),
        ({"INSTRUME": "AIA"}, "from SDO/HMI AIA, not from SDO/HMI"),
    ],
)
def test_the_reason_of_a_refusal_is_the_true_one(tmp_path, cards, words):
    with pytest.raises((FitsError, WrongInstrumentError), match=words):
        read_fits(draw_fits(tmp_path / "x.fits", region_field(), **cards))


@pytest.mark.parametrize("factor", [0.3, 1.0, 3.0])
def test_a_flux_near_usflux_is_believed(tmp_path, factor):
    field = region_field()
    path = draw_fits(tmp_path / "x.fits", field, compress=False, USFLUX=flux(field) / factor)
    np.testing.assert_array_equal(read_fits(path).field, field)


def test_the_quiet_sun_around_a_weak_region_is_no_contradiction(tmp_path):
    noise = np.random.default_rng(1).normal(0, 10, (300, 400)).astype(np.float32)
    path = draw_fits(tmp_path / "x.fits", noise, compress=False, USFLUX=1e19)
    assert flux(read_fits(path).field) > 50 * 1e19


def test_a_field_scaled_to_one_is_refused_without_usflux(tmp_path):
    path = draw_fits(tmp_path / "x.fits", region_field() / 900, compress=False)
    with pytest.raises(FitsError, match=r"mean \|B\|"):
        read_fits(path)


# Orientation and scale


@pytest.mark.parametrize(
    ("axes", "cards"),
    [
        ((0,), {"CDELT2": -0.03, "CRPIX2": 30.5}),
        ((1,), {"CDELT1": -0.03, "CRPIX1": 50.5}),
        ((0, 1), {"CDELT1": -0.03, "CDELT2": -0.03, "CRPIX1": 50.5, "CRPIX2": 30.5}),
    ],
)
def test_reversed_axes_are_flipped_by_their_wcs(tmp_path, axes, cards):
    field = region_field()
    straight = read_fits(draw_fits(tmp_path / "a.fits", field, CRPIX1=10.5, CRPIX2=10.5))
    flipped = read_fits(
        draw_fits(
            tmp_path / "b.fits",
            np.flip(field, axes),
            **{"CRPIX1": 10.5, "CRPIX2": 10.5, **cards},
        )
    )
    np.testing.assert_array_equal(flipped.field, straight.field)
    for key in ("CDELT1", "CDELT2", "CRPIX1", "CRPIX2", "CRVAL1", "CRVAL2"):
        assert flipped.header[key] == straight.header[key], key
    assert flipped.pixel_area == straight.pixel_area
    assert flipped.field.flags.c_contiguous


@pytest.mark.parametrize("key", ["CDELT1", "CDELT2"])
@pytest.mark.parametrize("scale", [0.06, 0.015, 0.12, -0.06, 0.0371])
def test_another_scale_is_refused_with_its_value(tmp_path, key, scale):
    with pytest.raises(FitsError, match=rf"resampled: {key} is {scale:g}°"):
        read_fits(draw_fits(tmp_path / "x.fits", **{key: scale}))


def test_pixels_that_are_not_square_are_refused(tmp_path):
    with pytest.raises(FitsError, match=r"CDELT1 is 0\.03° and CDELT2 0\.035°"):
        read_fits(draw_fits(tmp_path / "x.fits", CDELT2=0.035))


@pytest.mark.parametrize(
    "cards", [{"CROTA2": 180.0}, {"CROTA2": 3.0}, {"PC1_2": 0.1}, {"PC1_1": -1.0}, {"CD1_1": 0.03}]
)
def test_rotated_axes_are_refused(tmp_path, cards):
    with pytest.raises(FitsError, match=r"rotated|mixed"):
        read_fits(draw_fits(tmp_path / "x.fits", **cards))
    assert read_fits(draw_fits(tmp_path / "y.fits", CROTA2=0.0, PC1_1=1.0, PC2_1=0.0)).harp == 377


def test_a_whole_patch_has_no_note_and_a_cut_out_one(tmp_path):
    field = region_field()
    whole = boxed(40, 60, USFLUX=flux(field))
    assert read_fits(draw_fits(tmp_path / "a.fits", field, **whole)).notes == ()
    for name, part in {"corner": np.s_[30:, 50:], "middle": np.s_[:, 15:45]}.items():
        moved = {"CRPIX1": 30.5 - part[1].start, "CRPIX2": 20.5 - (part[0].start or 0)}
        path = draw_fits(tmp_path / f"{name}.fits", field[part], **{**whole, **moved})
        (note,) = read_fits(path).notes  # its flux is a small part of USFLUX, and no matter
        rows, cols = field[part].shape
        assert f"{cols} by {rows} pixels, and its header's box 60 by 40" in note


def halved(field: np.ndarray, *axes: int) -> np.ndarray:
    for axis in axes:
        shape = [*field.shape]
        shape[axis : axis + 1] = [shape[axis] // 2, 2]
        field = field.reshape(shape).mean(axis + 1)
    return field.astype(np.float32)


@pytest.mark.parametrize(
    ("change", "cards"),
    [
        (lambda field: halved(field, 0, 1), {}),
        (lambda field: halved(field, 0, 1), {"CRPIX1": 30.5, "CRPIX2": 20.5}),
        (lambda field: halved(field, 0), {}),
        (lambda field: halved(field, 1)[:60], {}),
        (lambda field: np.kron(field, np.ones((2, 2), np.float32)), {}),
        (
            lambda field: np.kron(field, np.ones((2, 2), np.float32)),
            {"CRPIX1": 120.5, "CRPIX2": 80.5},
        ),
        (lambda field: field.T, {}),
        (lambda field: field[:, 20:100], {}),
        (lambda field: field[10:60, 20:100], {"CRPIX1": None, "CRPIX2": None}),
        (lambda field: field, {"CRVAL1": 38.0}),
        (lambda field: field, {"CRVAL2": -19.0}),
        (lambda field: field, {"CRPIX1": 90.5}),
        (lambda field: field, {"LON_FWT": -20.0}),
        (lambda field: field, {"LAT_FWT": 20.0}),
    ],
)
def test_pixels_that_do_not_lie_where_the_header_says_are_refused(tmp_path, change, cards):
    field = region_field(80, 120)
    assert read_fits(draw_fits(tmp_path / "a.fits", field, **boxed(80, 120))).notes == ()
    path = draw_fits(tmp_path / "b.fits", change(field), **boxed(80, 120, **cards))
    with pytest.raises(FitsError, match=r"resampled|cannot be believed"):
        read_fits(path)


def test_without_a_box_the_reference_pixel_is_the_middle(tmp_path):
    field = region_field(80, 120)
    box = dict.fromkeys(("LONDTMIN", "LONDTMAX", "LATDTMIN", "LATDTMAX"))
    whole = boxed(80, 120, **box)
    assert read_fits(draw_fits(tmp_path / "a.fits", field, **whole)).notes == ()
    moved = {**whole, "CRPIX1": 40.5}
    assert read_fits(draw_fits(tmp_path / "b.fits", field[:, 20:], **moved)).notes
    with pytest.raises(FitsError, match=r"reference pixel .* is not on it"):
        read_fits(draw_fits(tmp_path / "c.fits", halved(field, 0, 1), **whole))


@pytest.mark.parametrize(
    ("name", "cards", "words"),
    [
        ("a.fits", {"T_OBS": "2011.02.12_05:00:04_TAI"}, "T_REC is .* and T_OBS is"),
        ("a.fits", {"DATE-OBS": "2011-02-23T04:58:12.10"}, "and DATE-OBS is"),
        ("hmi.sharp_cea_720s.377.20110213_160000_TAI.magnetogram.fits", {}, "by its name it is"),
        ("hmi.sharp_cea_720s.401.20110213_050000_TAI.magnetogram.fits", {}, "HARP 401 at"),
    ],
)
def test_a_record_that_contradicts_itself_is_refused(tmp_path, name, cards, words):
    with pytest.raises(FitsError, match=words):
        read_fits(draw_fits(tmp_path / name, region_field(), **cards))
    sound = {"T_OBS": "2011.02.13_05:00:04_TAI", "DATE-OBS": "2011-02-13T04:58:12.10"}
    own = "hmi.sharp_cea_720s.377.20110213_050000_TAI.magnetogram.fits"
    assert read_fits(draw_fits(tmp_path / own, region_field(), **sound)).harp == 377


def test_numbers_written_as_texts_are_numbers(tmp_path):
    texts = {"CDELT1": "0.03", "CDELT2": "-0.03", "RSUN_REF": "696000000", "HARPNUM": "377"}
    frame = read_fits(draw_fits(tmp_path / "x.fits", drawn_field(), **texts))
    assert (frame.harp, frame.header["CDELT2"]) == (377, 0.03)


# Fields and keywords that are not to be believed


@pytest.mark.parametrize(
    ("value", "words"), [(0.0, "every pixel is zero"), (12.0, "every pixel is 12 G")]
)
def test_constant_fields_are_refused(tmp_path, value, words):
    field = np.full((4, 6), value, np.float32)
    field[0, 0] = np.nan
    with pytest.raises(FitsError, match=words):
        read_fits(draw_fits(tmp_path / "x.fits", field))


@pytest.mark.parametrize("value", [10_100.0, -2e5, 3e38])
def test_a_field_beyond_ten_kilogauss_is_refused(tmp_path, value):
    field = region_field()
    field[3, 3] = value
    with pytest.raises(FitsError, match="no field of the Sun exceeds"):
        read_fits(draw_fits(tmp_path / "x.fits", field, compress=False))


def test_numbers_beyond_single_precision_are_not_taken_for_the_limb(tmp_path):
    field = region_field().astype(np.float64)
    field[3, 3] = 1e200
    with pytest.raises(FitsError, match="pixels beyond"):
        read_fits(draw_fits(tmp_path / "x.fits", field, compress=False))


def test_a_tenth_of_the_pixels_is_on_the_disk(tmp_path):
    field = np.full((10, 20), np.nan, np.float32)
    field[0, :19] = drawn_field(1, 19)
    field[0, 0] = -5
    with pytest.raises(OffLimbError, match="19 of 200 pixels"):
        read_fits(draw_fits(tmp_path / "x.fits", field))
    field[1, 0] = 7
    assert read_fits(draw_fits(tmp_path / "x.fits", field)).shape == (10, 20)


@pytest.mark.parametrize(
    ("cards", "error", "words"),
    [
        ({"RSUN_REF": 6960000009}, FitsError, "RSUN_REF is 6.96e.09"),
        ({"RSUN_REF": 6.8e8}, FitsError, "RSUN_REF is 6.8e.08"),
        ({"HARPNUM": 377.5}, MissingKeywordError, "HARPNUM.*377.5"),
        ({"HARPNUM": -377}, MissingKeywordError, "HARPNUM.*-377"),
        ({"HARPNUM": True}, MissingKeywordError, "HARPNUM.*True"),
        ({"NOAA_AR": 11159}, FitsError, "NOAA_AR is 11159, and NOAA_ARS is '11158'"),
        ({"NOAA_AR": 111580, "NOAA_ARS": "111580"}, FitsError, "111580"),
        ({"LON_FWT": 200.0}, FitsError, "LON_FWT is 200.0°"),
        ({"LAT_FWT": -91.0}, FitsError, "LAT_FWT"),
        ({"CRVAL2": 1e9}, FitsError, "CRVAL2"),
        ({"CUNIT1": "arcsec"}, FitsError, "'arcsec'"),
        ({"QUALITY": 1.5}, MissingKeywordError, "QUALITY.*1.5"),
        ({"QUALITY": 2**33}, MissingKeywordError, "QUALITY"),
        ({"T_REC": "1911.02.13_05:00:00_TAI"}, MissingKeywordError, "1911"),
        ({"T_REC": "2911.02.13_05:00:00_TAI"}, MissingKeywordError, "2911"),
        ({"CDELT2": None}, MissingKeywordError, "CDELT2"),
    ],
)
def test_values_that_no_record_has_are_refused_by_name(tmp_path, cards, error, words):
    path = draw_fits(tmp_path / "x.fits", **cards)
    with pytest.raises(error, match=words) as caught:
        read_fits(path)
    assert type(caught.value) is error
    assert str(path) in str(caught.value)


# Checksums


@pytest.mark.parametrize("compress", [True, False])
def test_one_flipped_bit_of_the_data_is_seen(tmp_path, compress):
    path = summed(tmp_path / "x.fits", compress=compress)
    raw = bytearray(path.read_bytes())
    assert read_fits(path).harp == 377
    with fits.open(path, disable_image_compression=True) as hdus:
        start, size = hdus[-1].fileinfo()["datLoc"], hdus[-1].size
    for at in (start + 3, start + size // 2, start + size - 1):
        damaged = bytearray(raw)
        damaged[at] ^= 0x10
        path.write_bytes(damaged)
        with pytest.raises(TruncatedFitsError, match=r"its DATASUM \d+"):
            read_fits(path)


def test_one_flipped_bit_of_the_header_is_seen(tmp_path):
    path = summed(tmp_path / "x.fits")
    raw = path.read_bytes()
    at = raw.index(b"34.557")
    path.write_bytes(raw[:at] + b"34.556" + raw[at + 6 :])
    with pytest.raises(TruncatedFitsError, match="CHECKSUM does not fit"):
        read_fits(path)


def test_a_wrong_sum_of_the_plain_pixels_is_seen(tmp_path):
    path = with_zdatasum(tmp_path / "x.fits", "12345")
    with pytest.raises(TruncatedFitsError, match="ZDATASUM"):
        read_fits(path)
    plain = np.round(region_field() * 10).astype(">i4").tobytes()
    total = sum(np.frombuffer(plain + bytes(-len(plain) % 4), ">u4").tolist())
    while total >> 32:
        total = (total & 0xFFFF_FFFF) + (total >> 32)
    assert read_fits(with_zdatasum(path, str(total))).harp == 377


def with_zdatasum(path: Path, value: str) -> Path:
    draw_fits(path, region_field(), ZDATASUX=value)  # astropy does not write the real one
    path.write_bytes(path.read_bytes().replace(b"ZDATASUX", b"ZDATASUM"))
    return path


def summed(path: Path, *, compress: bool = True) -> Path:
    draw_fits(path, region_field(), compress=compress)
    with fits.open(path, disable_image_compression=True) as hdus:
        hdus.writeto(path, checksum=True, overwrite=True)
    return path


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(at=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7), compress=st.booleans())
def test_a_flipped_bit_is_refused_or_harmless(tmp_path, at, bit, compress):
    path = summed(tmp_path / "x.fits", compress=compress)
    before = read_fits(path)
    raw = bytearray(path.read_bytes())
    raw[int(at * len(raw))] ^= 1 << bit
    path.write_bytes(raw)
    try:
        after = read_fits(path)
    except (FitsError, OffLimbError):
        return
    np.testing.assert_array_equal(after.field, before.field)
    assert (after.t_rec, after.harp, after.pixel_area) == (
        before.t_rec,
        before.harp,
        before.pixel_area,
    )


@pytest.mark.parametrize(("pack", "at"), [(gzip.compress, -6), (bz2.compress, -12)])
def test_the_check_of_a_packed_file_counts(tmp_path, pack, at):
    raw = bytearray(pack(draw_fits(tmp_path / "x.fits", region_field()).read_bytes()))
    path = tmp_path / "y.fits"
    path.write_bytes(raw)
    assert read_fits(path).harp == 377
    raw[at] ^= 1
    path.write_bytes(raw)
    with pytest.raises(TruncatedFitsError, match="damaged"):
        read_fits(path)


# Bounds


def test_what_unpacks_to_too_much_is_not_read(tmp_path, monkeypatch):
    monkeypatch.setattr(packed, "MAX_BYTES", 100_000)
    monkeypatch.setattr(fits_module, "MAX_BYTES", 100_000)
    plain = draw_fits(tmp_path / "x.fits", region_field(), compress=False).read_bytes()
    path = tmp_path / "y.fits.gz"
    path.write_bytes(gzip.compress(plain + bytes(200_000)))
    with pytest.raises(FitsError, match="unpacks to more than"):
        read_fits(path)


def test_a_tile_that_unpacks_to_more_than_a_tile_is_not_read(tmp_path):
    path = tmp_path / "x.fits"
    hdu = fits.CompImageHDU(region_field(), card_header(), compression_type="GZIP_1")
    fits.HDUList([fits.PrimaryHDU(), hdu]).writeto(path)
    assert read_fits(path).shape == (40, 60)
    with fits.open(path, disable_image_compression=True) as hdus:
        table = hdus[1]
        tiles = [np.frombuffer(gzip.compress(bytes(10**6)), np.uint8)] * 40
        column = fits.Column("COMPRESSED_DATA", "1PB()", array=np.array(tiles, dtype=object))
        bomb = fits.BinTableHDU.from_columns([column], table.header)
        fits.HDUList([fits.PrimaryHDU(), bomb]).writeto(path, overwrite=True)
    with pytest.raises(FitsError, match="unpacks to more than a tile"):
        read_fits(path)


@pytest.mark.parametrize("method", ["HCOMPRESS_1", "PLIO_1", "X"])
def test_tiles_of_other_methods_are_refused(tmp_path, method):
    path = draw_fits(tmp_path / "x.fits", region_field())
    raw = path.read_bytes()
    path.write_bytes(raw.replace(b"'RICE_1  '     ", f"'{method:8}'".encode().ljust(15)))
    with pytest.raises(FitsError, match=f"compressed by {method}, which is not read"):
        read_fits(path)


def test_a_flood_of_cards_is_refused(tmp_path):
    raw = draw_fits(tmp_path / "x.fits", compress=False).read_bytes()
    end = raw.index(b"END" + b" " * 77)
    flood = b"INVCODEV= 'a&'".ljust(80) + b"CONTINUE  'a&'".ljust(80) * 36_000
    head = raw[:end] + flood + b"END".ljust(80)
    path = tmp_path / "flood.fits"
    path.write_bytes(head + b" " * (-len(head) % 2880) + raw[2880:])
    with pytest.raises(FitsError, match="more than 3600 cards"):
        read_fits(path)


def test_a_pipe_and_a_socket_are_not_read(tmp_path):
    os.mkfifo(tmp_path / "pipe.fits")
    with pytest.raises(FitsError, match=r"pipe\.fits is a pipe"):
        read_fits(tmp_path / "pipe.fits")
    with socket.socket(socket.AF_UNIX) as opened:
        opened.bind(str(tmp_path / "s"))
        with pytest.raises(FitsError, match="not a file"):
            read_fits(tmp_path / "s")


def test_the_keywords_of_an_index_are_those_of_a_file(tmp_path):
    path = draw_fits(tmp_path / "x.fits", GWILL="bare nan", INVCODEV="a" * 150)
    everything, some = read_header(path), read_header(path, only=NEEDED)
    assert (some.shape, some.whole, some.data) == (
        everything.shape,
        everything.whole,
        everything.data,
    )
    for key in NEEDED:
        assert some.keywords.get(key) == everything.keywords.get(key), key
    assert "INVCODEV" not in some.keywords
    assert everything.keywords["INVCODEV"] == "a" * 150
