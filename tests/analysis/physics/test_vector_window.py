"""Verdicts by the field vector on windows whose cause is known."""

import astropy.units as u
import numpy as np
import pytest
from astropy.io.fits import Header
from astropy.time import Time

from analysis.physics.pil import PilSettings
from analysis.physics.vector_window import VECTOR_QUANTITIES, vector_verdict, vector_window
from hnn_core.exceptions import EmptySourceError
from hnn_core.magnetogram.magnetogram import Magnetogram
from hnn_core.magnetogram.vector import VectorMagnetogram

AREA = 1.33e15
SHAPE = (60, 80)


def hour_of(t: int, radial: np.ndarray, across: np.ndarray, *, sigma: float = 10.0, **parts):
    """One hour: radial field, and a horizontal one across the line, with noise."""
    rng = np.random.default_rng([7, t])
    noise = rng.normal(0.0, sigma, (3, *SHAPE))
    header = Header({
        "CTYPE1": "CRLN-CEA", "CTYPE2": "CRLT-CEA", "CRPIX1": 40.5, "CRPIX2": 30.5,
        "CRVAL1": 30.0, "CRVAL2": -20.0, "CDELT1": 0.03, "CDELT2": 0.03, "CRLN_OBS": 30.0,
    })  # fmt: skip
    z = (radial + noise[0]).astype(np.float32)
    start = Time("2011-02-14T00:00:00", scale="tai")
    place = Magnetogram(
        z, start + t * u.h, 377, (), AREA * u.cm**2, 0, 0 * u.deg, -20 * u.deg, header
    )
    error = np.full(SHAPE, sigma, np.float32)
    return VectorMagnetogram(
        radial=z, southward=(noise[1]).astype(np.float32),
        westward=(across + noise[2]).astype(np.float32), place=place, radial_error=error,
        southward_error=error, westward_error=error,
        **{"confidence": np.full(SHAPE, 90, np.uint8)} | parts,
    )  # fmt: skip


def line(strength: float, width: float = 6.0) -> np.ndarray:
    """Two polarities that face one another along the middle column."""
    columns = np.arange(SHAPE[1]) - SHAPE[1] / 2 + 0.5
    profile = np.sign(columns) * np.exp(-(((np.abs(columns) - 3.0) / width) ** 2))
    return strength * np.tile(profile, (SHAPE[0], 1))


def judged(radial, across, hours: int = 10, **options):
    vectors = [hour_of(t, line(radial(t)), np.abs(line(across(t)))) for t in range(hours)]
    settings = PilSettings()
    masks = [settings.detect(vector.radial) for vector in vectors]
    return vector_window(vectors, masks, settings, **options)


def test_flux_that_goes_with_its_field_is_cancellation() -> None:
    found = judged(lambda t: 800 * (1 - 0.03 * t), lambda t: 400 * (1 - 0.03 * t))
    verdict = vector_verdict(found)
    assert verdict.word == "consistent with cancellation"
    assert len(verdict.evidence) == 3
    assert "Φr+ falls" in verdict.evidence[0]


def test_a_field_that_turns_keeps_its_strength() -> None:
    def angle(t: int) -> float:
        return np.radians(30 + 2.5 * t)

    found = judged(lambda t: 900 * np.cos(angle(t)), lambda t: 900 * np.sin(angle(t)))
    verdict = vector_verdict(found)
    assert verdict.word == "consistent with the field turning horizontal"
    assert found.trend("inclination").rises
    # The rule of the line-of-sight field would have called this cancellation.
    assert found.trend("positive").falls
    assert found.trend("negative").falls


def test_what_stays_has_no_trend_and_what_mixes_is_mixed() -> None:
    assert vector_verdict(judged(lambda _: 800, lambda _: 400)).word == "no trend"
    both = judged(lambda t: 800 * (1 - 0.03 * t), lambda t: 300 * (1 + 0.01 * t))
    assert vector_verdict(both).word == "mixed evidence"
    assert "Bh rises" in vector_verdict(both).sentence
    few = vector_verdict(judged(lambda t: 800 - 20 * t, lambda _: 400, hours=6))
    assert few.word == "insufficient"
    assert "has 6" in few.sentence


def test_values_and_formal_errors_of_a_known_hour() -> None:
    found = judged(lambda _: 800.0, lambda _: 400.0)
    settings = PilSettings()
    vector = hour_of(0, line(800.0), np.abs(line(400.0)))
    mask = settings.detect(vector.radial).ropi
    z = vector.radial[mask].astype(float)
    assert found.values["positive"][0, 0] == pytest.approx(z[z > 0].sum() * AREA)
    assert found.errors["positive"][0, 0] == pytest.approx(np.sqrt((z > 0).sum()) * 10.0 * AREA)
    # Scatter of drawn noise agrees with the formal error, as far as ten hours tell.
    fixed = found.values["horizontal"][:, 1]
    assert 0.3 < fixed.std() / found.errors["horizontal"][:, 1].mean() < 2.5
    table = found.table()
    assert len(table) == 30
    assert {"positive_mx", "horizontal_error_g", "inclination_deg"} <= set(table.columns)


def test_pixels_that_are_not_sure_can_be_left_out() -> None:
    confidence = np.full(SHAPE, 90, np.uint8)
    confidence[:30] = 50
    vectors = [hour_of(t, line(800), np.abs(line(400)), confidence=confidence) for t in range(10)]
    masks = [PilSettings().detect(vector.radial) for vector in vectors]
    every, sure = (vector_window(vectors, masks, confidence=c) for c in (0, 60))
    ratio = sure.values["positive"][:, 1] / every.values["positive"][:, 1]
    np.testing.assert_allclose(ratio, 0.5, atol=0.05)
    assert sure.left_out.max() == pytest.approx(0.5, abs=0.05)
    assert any("conf_disambig under 60" in one for one in vector_verdict(sure).caveats)
    unknown = [hour_of(0, line(800), np.abs(line(400)), confidence=None)]
    with pytest.raises(ValueError, match="no conf_disambig"):
        vector_window(unknown, masks[:1], confidence=60)


def test_without_errors_lines_or_frames() -> None:
    vectors = [hour_of(t, line(800), np.abs(line(400)), sigma=10.0) for t in range(10)]
    blind = [
        VectorMagnetogram(one.radial, one.southward, one.westward, one.place) for one in vectors
    ]
    masks = [PilSettings().detect(vector.radial) for vector in vectors]
    found = vector_window(blind, masks)
    assert all(np.isnan(found.errors[name]).all() for name in VECTOR_QUANTITIES)
    assert any("Error segments are missing" in note for note in found.notes)
    nothing = [PilSettings().detect(0 * vector.radial) for vector in vectors]
    assert vector_verdict(vector_window(vectors, nothing)).word == "insufficient"
    with pytest.raises(EmptySourceError):
        vector_window([], [])
    with pytest.raises(ValueError, match="do not go with"):
        vector_window(vectors, masks[:3])
