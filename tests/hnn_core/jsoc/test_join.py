"""As-is files and keyword rows put together, against the real exports of HARP 377."""

import io
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from astropy.io import fits
from astropy.io.fits import Header

from hnn_core.exceptions import TruncatedFitsError
from hnn_core.jsoc.files import joined
from hnn_core.jsoc.keywords import DEFINITIVE, KEPT, NEAR_REAL_TIME, Series, record_table
from hnn_core.magnetogram.fits import repair_cards
from hnn_core.magnetogram.magnetogram import read_fits
from tests.support.drawn_sharp import CARDS, drawn_field, write_hdu

NAME = "hmi.sharp_cea_720s.377.20110213_050000_TAI.magnetogram.fits"
STRUCTURE = ("XTENSION", "BITPIX", "NAXIS", "PCOUNT", "GCOUNT", "TFIELDS", "TTYPE", "TFORM")


def stored(content: bytes) -> Header:
    """Header of the compressed image as it stands in the file."""
    with fits.open(io.BytesIO(content), disable_image_compression=True) as hdus:
        return repair_cards(hdus[1].header.copy())


def pixels_of(content: bytes) -> bytes:
    """What follows the headers: the compressed pixels."""
    stream = io.BytesIO(content)
    Header.fromfile(stream)
    Header.fromfile(stream)
    return content[stream.tell() :]


def stripped(content: bytes) -> bytes:
    """An export's file as JSOC stores it: pixels and structure only."""
    kept = Header()
    for card in stored(content).cards:
        if card.keyword.startswith((*STRUCTURE, "Z")) or card.keyword in (
            *("BLANK", "BZERO", "BSCALE", "CHECKSUM", "DATASUM"),
        ):
            kept.append(card, end=True)
    stream = io.BytesIO(content)
    Header.fromfile(stream)
    return content[: stream.tell()] + kept.tostring().encode() + pixels_of(content)


def row_of(header: Header) -> dict:
    """A header's keywords as a query answers them: texts, QUALITY in hexadecimal."""
    texts = {}
    for key in KEPT:
        value = header.get({"DATE__OBS": "DATE-OBS", "*recnum*": "RECNUM"}.get(key, key), "MISSING")
        texts[key] = f"0x{value:08x}" if key == "QUALITY" else str(value)
    return record_table(pd.DataFrame([texts])).to_dict("records")[0]


def join(as_is: Path, row: dict, target: Path, series: Series = DEFINITIVE) -> None:
    """Join a file with its keywords into another."""
    target.write_bytes(joined(as_is.read_bytes(), row, series=series)[0])


@pytest.fixture(scope="module", params=[0, 1, 13, 49])
def real(request, harp377) -> bytes:
    """Files of HARP 377, two of them flagged."""
    return sorted(harp377.glob("*.fits"))[request.param].read_bytes()


def test_joined_header_is_the_real_one_for_every_kept_keyword(real):
    export = stored(real)
    content, header = joined(stripped(real), row_of(export), series=DEFINITIVE)
    again = stored(content)
    kept = [{"DATE__OBS": "DATE-OBS"}.get(key, key) for key in KEPT if key != "*recnum*"]
    assert {key: again[key] for key in kept} == {key: export[key] for key in kept}
    assert {key: type(again[key]) is str for key in kept} == {
        key: type(export[key]) is str for key in kept
    }
    assert again["BUNIT"] == export["BUNIT"]
    assert again["RECNUM"] == export["RECNUM"]
    assert again["DRMS_ID"] == f"hmi.sharp_cea_720s:{export['RECNUM']}:magnetogram"
    assert again.tostring() == header.tostring()


def test_compressed_pixels_are_the_same_bytes(real):
    bare = stripped(real)
    content, _ = joined(bare, row_of(stored(real)), series=DEFINITIVE)
    assert pixels_of(content) == pixels_of(bare) == pixels_of(real)
    assert len(content) % 2880 == 0


def test_joined_file_reads_as_the_export_does(real, tmp_path):
    (tmp_path / "as-is.part").write_bytes(stripped(real))
    (tmp_path / "export.fits").write_bytes(real)
    joined_file = tmp_path / "magnetogram.fits"  # the name of a record would have to be its own
    join(tmp_path / "as-is.part", row_of(stored(real)), joined_file, series=DEFINITIVE)
    ours, theirs = read_fits(joined_file), read_fits(tmp_path / "export.fits")
    np.testing.assert_array_equal(ours.field, theirs.field)
    for name in ("harp", "noaa", "quality", "pixel_area", "longitude", "latitude", "simulated"):
        assert getattr(ours, name) == getattr(theirs, name)
    assert ours.t_rec == theirs.t_rec
    corner = ours.wcs.pixel_to_world_values(3, 5)
    assert corner == theirs.wcs.pixel_to_world_values(3, 5)


def test_astropy_opens_it_without_a_complaint(real):
    content, _ = joined(stripped(real), row_of(stored(real)), series=DEFINITIVE)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with fits.open(io.BytesIO(content)) as hdus:
            hdus.verify("exception")
            assert hdus[1].data.shape == (377, 744)
            assert dict(hdus[1].header)["HARPNUM"] == 377


def test_sunpy_sees_the_same_map(real, tmp_path):
    pytest.importorskip("matplotlib", reason="sunpy.map needs matplotlib")
    sunpy_map = pytest.importorskip("sunpy.map")
    content, _ = joined(stripped(real), row_of(stored(real)), series=DEFINITIVE)
    (tmp_path / NAME).write_bytes(content)
    (tmp_path / "export.fits").write_bytes(real)
    with warnings.catch_warnings():
        # The export's bare nan cards and both headers' unit `degree`.
        warnings.simplefilter("ignore")
        ours, theirs = (sunpy_map.Map(tmp_path / name) for name in (NAME, "export.fits"))
        assert type(ours) is type(theirs)
        assert ours.date == theirs.date
        assert ours.center == theirs.center
        assert (ours.unit, ours.scale) == (theirs.unit, theirs.scale)
    np.testing.assert_array_equal(ours.data, theirs.data)


def test_an_export_is_returned_as_it_is(real):
    content, header = joined(real, {}, series=DEFINITIVE)
    assert content == real
    assert header["HARPNUM"] == 377


@pytest.mark.parametrize("compress", [True, False])
def test_a_drawn_file_gets_its_keywords(tmp_path, compress):
    """Also one that is not compressed, whose image is in HDU 0."""
    write_hdu(tmp_path / "bare", drawn_field(), Header(), compress=compress)
    row = row_of(Header({**CARDS, "RECNUM": 5, "DATE-OBS": "2011-02-13T04:58:12.20"}))
    join(tmp_path / "bare", row, tmp_path / NAME, series=DEFINITIVE)
    magnetogram = read_fits(tmp_path / NAME)
    np.testing.assert_allclose(magnetogram.field, drawn_field(), rtol=1e-6)
    assert magnetogram.harp == 377
    assert magnetogram.longitude.to_value("deg") == CARDS["LON_FWT"]


def test_the_same_input_gives_the_same_bytes(tmp_path):
    write_hdu(tmp_path / "bare", drawn_field(), Header())
    row = row_of(Header(CARDS))
    join(tmp_path / "bare", row, tmp_path / "a.fits", series=NEAR_REAL_TIME)
    join(tmp_path / "bare", row, tmp_path / "b.fits", series=NEAR_REAL_TIME)
    assert (tmp_path / "a.fits").read_bytes() == (tmp_path / "b.fits").read_bytes()


def test_a_simulated_record_is_simulated_after_joining(tmp_path: Path):
    write_hdu(tmp_path / "bare", drawn_field(), Header())
    row = row_of(Header({**CARDS, "ORIGIN": "SIMULATED"}))
    join(tmp_path / "bare", row, tmp_path / NAME, series=DEFINITIVE)
    assert read_fits(tmp_path / NAME).simulated


def test_a_file_without_an_image_is_refused(tmp_path):
    fits.PrimaryHDU().writeto(tmp_path / "empty.fits")
    with pytest.raises(TruncatedFitsError, match="no image"):
        joined((tmp_path / "empty.fits").read_bytes(), {}, series=DEFINITIVE)
