"""Files as nobody should have them: each is read rightly, or refused in a sentence.

A few by default; HNN_FUZZ=2000 tries as many, and a quarter of that of flare tables.
"""

import bz2
import gzip
import io
import math
import random
import signal
import warnings
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from astropy import units as u
from astropy.io import fits

from analysis.__main__ import main as analysis
from analysis.physics.flux import unsigned_flux
from hnn_core.__main__ import main as hnn
from hnn_core.exceptions import FlareTableError, HnnError
from hnn_core.magnetogram.magnetogram import read_fits
from hnn_core.regions.flare_table import load_flare_table
from tests.support.mutations import how_many
from tests.support.odd_files import write_flare_table, write_mutated

pytestmark = pytest.mark.slow

FILES = how_many(240)
SEEDS = range(FILES // 12)
PATIENCE_S = 60


@pytest.fixture(autouse=True)
def no_hang():
    """A file that is read for ever fails by itself."""

    def stop(*_):
        raise AssertionError("still at work after a minute")

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(PATIENCE_S)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


def fluxes_by_astropy(path: Path) -> list[float]:
    """Sum of |B| dA, Mx, of every image of a file, read by astropy alone."""
    raw = path.read_bytes()
    if raw[:2] == b"\x1f\x8b":
        raw = gzip.decompress(raw)
    elif raw[:3] == b"BZh":
        raw = bz2.decompress(raw)
    found = _fluxes(raw)
    at = raw.find(b"XTENSION=")
    if not found and at >= 0:  # its primary header is damaged, which holds nothing
        stream = io.BytesIO()
        fits.PrimaryHDU().writeto(stream)
        found = _fluxes(stream.getvalue() + raw[at:])
    return found


def _fluxes(raw: bytes) -> list[float]:
    found = []
    # What follows the image may be garbage; a card that only we repair has no value here.
    with warnings.catch_warnings(), suppress(OSError, fits.VerifyError):
        warnings.simplefilter("ignore")
        with fits.open(io.BytesIO(raw), memmap=False, ignore_missing_end=True) as hdus:
            for hdu in hdus:
                if not (hdu.is_image and hdu.header.get("NAXIS", 0) >= 2):
                    continue
                data = np.asarray(hdu.data, np.float64)
                unit = str(hdu.header.get("BUNIT", "Gauss"))
                known = "Mx" in unit or unit.lower() in ("g", "gauss")
                factor = 1.0 if known else u.Unit(unit).to("G")
                sides = [float(hdu.header.get(key, 0.03)) for key in ("CDELT1", "CDELT2")]
                angle = abs(math.prod(map(math.radians, sides)))
                area = angle * (float(hdu.header.get("RSUN_REF", 6.96e8)) * 100.0) ** 2
                found.append(float(np.abs(data[np.isfinite(data)]).sum() * factor * area))
    return found


def test_what_is_accepted_is_what_astropy_reads(tmp_path):
    accepted = unread = 0
    for seed in range(FILES):
        path = write_mutated(tmp_path, random.Random(seed))
        signal.alarm(PATIENCE_S)
        try:
            frame = read_fits(path)
        except HnnError as error:
            text = str(error)
            assert len(text) > 20, (seed, text)
            assert "\n" not in text, (seed, text)
            continue
        accepted += 1
        ours = unsigned_flux(frame.field, frame.pixel_area).to_value("Mx")
        theirs = fluxes_by_astropy(path)
        if not theirs:  # a card that we repair, where astropy reads nothing
            unread += 1
            continue
        assert any(math.isclose(ours, one, rel_tol=1e-6) for one in theirs), (seed, ours, theirs)
        assert frame.harp > 0
        assert np.nanmax(np.abs(frame.field)) <= 1e4
    assert FILES // 20 < accepted < FILES // 2
    assert unread <= FILES // 200


@pytest.mark.parametrize("seed", SEEDS)
def test_a_folder_of_them_gives_an_answer_or_one_sentence(seed, tmp_path, capsys):
    rng = random.Random(10_000 + seed)
    for _ in range(12):
        write_mutated(tmp_path, rng)
    for command, words in (
        (analysis, ["flux", "--source", f"fits:{tmp_path}", "--all"]),
        (hnn, ["regions", "--source", f"fits:{tmp_path}"]),
    ):
        code = command(words)
        said = capsys.readouterr().err
        assert code in (0, 2), said
        assert "Traceback" not in said


def test_flare_tables_are_read_or_refused_row_by_row(tmp_path):
    path = tmp_path / "flares.csv"
    for seed in range(max(60, FILES // 4)):
        write_flare_table(path, random.Random(seed))
        signal.alarm(PATIENCE_S)
        try:
            rows, skipped = load_flare_table(path)
        except FlareTableError:
            continue
        assert all(row.noaa or row.harp for row in rows), seed
        assert all(row.flare.flux("operational") > 0 for row in rows), seed
        assert all(one.reason for one in skipped), seed
