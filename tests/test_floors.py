"""The floors of the house: nothing below imports what is above (CONTRIBUTING.md)."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

FORBIDDEN = {
    "hnn_core": {"streamlit", "analysis", "pages", "app"},
    "analysis": {"streamlit", "torch", "torchvision", "timm", "pages", "app"},
}


def imported(source: str) -> set[str]:
    """Top-level names of every package imported absolutely anywhere in `source`."""
    names = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            names.add(node.module.split(".")[0])
    return names


def test_scan_finds_imports_inside_functions_and_ignores_relative_ones():
    source = "def f():\n    import torch.nn as nn\nfrom .streamlit import x\nfrom a.b import c\n"
    assert imported(source) == {"torch", "a"}


@pytest.mark.parametrize("floor", FORBIDDEN)
def test_no_import_crosses_a_floor(floor):
    files = sorted((ROOT / floor).rglob("*.py"))
    assert files, f"{floor}/ holds no module"
    crossings = {
        str(file.relative_to(ROOT)): sorted(found)
        for file in files
        if (found := imported(file.read_text(encoding="utf-8")) & FORBIDDEN[floor])
    }
    assert crossings == {}


@pytest.mark.parametrize(
    "modules",
    [
        ["hnn_core.sources"],
        ["analysis.physics.pil", "analysis.physics.flux", "analysis.figures"],
    ],
    ids=lambda modules: modules[0],
)
def test_sources_and_analysis_do_not_pull_in_torch(modules):
    code = f"import sys, {', '.join(modules)}; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stdout.strip()) == (0, "False"), done.stderr
