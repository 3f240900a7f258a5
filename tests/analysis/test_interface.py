"""What ``from analysis import …`` hands out: real names, loaded on first use, with examples."""

import doctest
import subprocess
import sys

import pytest

import analysis
from tests.conftest import ROOT


@pytest.mark.parametrize("name", analysis.__all__)
def test_examples_of_the_public_names_run(name):
    public = getattr(analysis, name)
    assert public.__name__ == name
    (found,) = [one for one in doctest.DocTestFinder(recurse=False).find(public, name) if one.name]
    assert found.examples
    assert doctest.DocTestRunner().run(found).failed == 0


def test_names_that_there_are_not_are_refused():
    with pytest.raises(AttributeError, match="attribute paint"):
        analysis.paint  # noqa: B018
    assert set(analysis.__all__) <= set(dir(analysis))


def test_importing_the_package_loads_no_library():
    code = (
        "import sys, analysis; heavy = {'numpy', 'pandas', 'plotly', 'astropy', 'torch'};"
        "sys.exit(str(heavy & set(sys.modules)) if heavy & set(sys.modules) else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True)
    assert done.returncode == 0, done.stderr
