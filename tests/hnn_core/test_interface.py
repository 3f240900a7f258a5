"""What `hnn_core` itself hands out: the documented names, their examples, nothing else imported."""

import doctest
import subprocess
import sys

import pytest

import hnn_core

NAMES = [name for name in hnn_core.__all__ if name != "__version__"]


def modules_after(statement):
    """Names of the modules that a fresh interpreter has after a statement."""
    code = f"{statement}\nimport sys; print(*sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(run.stdout.split())


def test_importing_the_package_imports_nothing_of_weight():
    loaded = modules_after("import hnn_core")
    assert not loaded & {"torch", "lightning", "timm", "astropy", "pandas", "numpy", "zarr"}


@pytest.mark.slow
def test_a_name_brings_no_more_than_its_own_room():
    loaded = modules_after("from hnn_core import read_fits, open_source, simulate_region")
    assert "hnn_core.magnetogram.magnetogram" in loaded
    assert not loaded & {"torch", "lightning", "timm"}


def test_the_names_are_listed_and_no_others_exist():
    assert set(hnn_core.__all__) - {"__version__"} == set(dir(hnn_core))
    with pytest.raises(AttributeError, match=r"attribute read_fit$"):
        _ = hnn_core.read_fit


@pytest.mark.parametrize("name", NAMES)
def test_the_example_of_a_public_name_runs(name, monkeypatch, tmp_path):
    monkeypatch.setenv("HNN_HOME", str(tmp_path))
    found = getattr(hnn_core, name)
    (test, *_) = doctest.DocTestFinder(recurse=False).find(found, name, globs={})
    assert test.examples, f"{name} has no example"
    runner = doctest.DocTestRunner(optionflags=doctest.FAIL_FAST)
    assert runner.run(test).failed == 0
