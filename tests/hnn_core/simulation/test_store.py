"""Evolved regions on disk: read back bit for bit, bounded, and made anew where damaged."""

import os
from dataclasses import fields, replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from hnn_core.simulation import store
from hnn_core.simulation.evolution import Evolution, evolve
from hnn_core.simulation.population import Population, RegionParameters
from hnn_core.simulation.render import render
from hnn_core.simulation.store import SHIPPED, evolution_of


def small(index: int = 2) -> RegionParameters:
    """A region on a small patch, which evolves in a fraction of a second."""
    return replace(Population(7).region(index), rows=80, cols=100, total_flux=2e21)


@pytest.fixture
def kept(hnn_home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The store's folder in the program's own, empty, nothing in memory."""
    monkeypatch.delenv("HNN_SIMULATED")
    monkeypatch.setattr(store, "evolve", _evolved)
    store._evolution.cache_clear()
    return hnn_home / "simulated"


_evolved = cache(evolve)
"""What would be made, once for all tests."""


def same(one: Evolution, other: Evolution) -> bool:
    return all(
        np.array_equal(getattr(one, field.name), getattr(other, field.name))
        for field in fields(Evolution)
    )


def test_what_was_kept_is_read_bit_for_bit_and_not_evolved(kept, monkeypatch) -> None:
    first = evolution_of(small())
    (file,) = kept.iterdir()
    store._evolution.cache_clear()
    monkeypatch.setattr(store, "evolve", lambda _: pytest.fail("it was kept"))
    assert same(evolution_of(small()), first)
    assert same(first, _evolved(small()))
    assert file.stat().st_size < first.radial.nbytes


def test_a_file_of_other_parameters_or_physics_is_not_read(kept, monkeypatch) -> None:
    evolution_of(small())
    evolution_of(replace(small(), shear=0.3))
    assert len(list(kept.iterdir())) == 2
    monkeypatch.setattr(store, "VERSION", "another")
    store._evolution.cache_clear()
    evolution_of(small())
    assert len(list(kept.iterdir())) == 3


@pytest.mark.parametrize("damage", ["cut", "flipped", "empty", "other shape", "text"])
def test_a_damaged_file_is_made_anew(kept, damage: str) -> None:
    first = evolution_of(small())
    (file,) = kept.iterdir()
    content = bytearray(file.read_bytes())
    if damage == "cut":
        file.write_bytes(content[: len(content) // 2])
    elif damage == "flipped":
        content[len(content) // 3] ^= 4
        file.write_bytes(content)
    elif damage == "empty":
        file.write_bytes(b"")
    elif damage == "text":
        file.write_text("not a store")
    else:
        parts = {one.name: getattr(first, one.name) for one in fields(Evolution)}
        np.savez(file, **parts | {"radial": first.radial[:, :40]})
    store._evolution.cache_clear()
    assert same(evolution_of(small()), first)
    store._evolution.cache_clear()
    assert store._read(file, small()) is not None, "the sound one took its place"


def test_a_folder_that_cannot_be_written_costs_time_alone(kept) -> None:
    kept.parent.mkdir(exist_ok=True)
    kept.write_text("a file where the folder should be")
    assert evolution_of(small()).radial.any()


def test_the_files_used_longest_ago_go_first(kept, monkeypatch) -> None:
    names = []
    for index in (2, 3, 4):
        evolution_of(small(index))
        names.append(store._name(small(index)))
    for age, name in zip((30, 10, 20), names, strict=True):
        os.utime(kept / name, (1e9 - age, 1e9 - age))
    store._evolution.cache_clear()
    evolution_of(small(2))  # the oldest is used again
    size = max(path.stat().st_size for path in kept.iterdir())
    monkeypatch.setattr(store, "MOST_BYTES", int(3.2 * size))
    evolution_of(small(5))
    left = {path.name for path in kept.iterdir()}
    assert names[0] in left
    assert names[2] not in left
    assert store._name(small(5)) in left


def test_the_folder_may_be_elsewhere(kept, tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("HNN_SIMULATED", str(tmp_path / "elsewhere"))
    evolution_of(small())
    assert not kept.exists()
    assert len(list((tmp_path / "elsewhere").iterdir())) == 1


@pytest.mark.slow
def test_the_region_that_ships_is_what_the_program_would_make(kept) -> None:
    """To the differences of machines: run ``python -m hnn_core.simulation.store`` if it fails."""
    region = Population().region(1)
    shipped = store._read(SHIPPED / store._name(region), region)
    assert shipped is not None, "the physics has another VERSION than the file that ships"
    assert [path.name for path in SHIPPED.iterdir()] == [store._name(region)]
    made = evolve(region)
    np.testing.assert_allclose(shipped.unsigned, made.unsigned, rtol=0.01)
    for hour in (0, 24, 47):
        alike = np.corrcoef(shipped.radial[hour].ravel(), made.radial[hour].ravel())[0, 1]
        assert alike > 0.98
    assert render(region, 5).field.shape == (region.rows, region.cols)
    assert not kept.exists(), "what ships is not kept once more"
