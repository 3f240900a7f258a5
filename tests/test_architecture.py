"""The house of docs/architecture.md: floors, the order of the rooms, no circles, whole rooms."""

import ast
import statistics
import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter

import pytest

from tests.conftest import ROOT

FILES = {
    path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8")
    for path in [
        ROOT / "app.py",
        *(
            file
            for floor in ("hnn_core", "analysis", "pages")
            for file in (ROOT / floor).rglob("*.py")
        ),
    ]
}
FLOORS = {
    "hnn_core": {"streamlit", "analysis", "pages", "app"},
    "analysis": {"streamlit", "torch", "torchvision", "timm", "pages", "app"},
    "pages": {"app"},
}
# Bottom to top. A room imports from its own line and from those before it.
ROOMS = [
    {"exceptions", "storage", "scores"},
    {"magnetogram", "regions", "services", "simulation"},
    {"jsoc"},
    {"catalogs", "sources"},
    {"dataset", "network"},
    {"jobs", "training", "explanation", "live"},
    {"cli"},
    {"__main__", "demo"},
]
# The faces of the packages name what lies below them without importing it on import.
FACES = {"hnn_core/__init__.py", "analysis/__init__.py"}


def imported_names(source: str) -> Iterator[str]:
    """Every module or name imported anywhere in `source`, inside functions too."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def dotted(file: str) -> str:
    return file.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


MODULES = {dotted(file): file for file in FILES}


def imported_files(file: str) -> set[str]:
    found = set()
    for name in imported_names(FILES[file]):
        module = name if name in MODULES else name.rpartition(".")[0]
        if module in MODULES and MODULES[module] != file:
            found.add(MODULES[module])
    return found


IMPORTS = {file: imported_files(file) for file in FILES if file not in FACES}


def room(file: str) -> str:
    """The folder of a file; files at the root of a package stand for themselves."""
    folder, _, name = file.rpartition("/")
    return f"{folder}/{name}" if folder in ("hnn_core", "analysis", "pages", "") else folder


def circle(graph: dict[str, set[str]]) -> list[str]:
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


def test_the_scan_sees_imports_inside_functions_and_types_and_a_circle():
    source = (
        "def f():\n    import torch.nn as nn\nfrom .here import x\nif T:\n    from a.b import c\n"
    )
    assert set(imported_names(source)) == {"torch.nn", "a.b.c"}
    assert circle({"a": {"b"}, "b": {"c"}, "c": {"a"}})
    assert not circle({"a": {"b", "c"}, "b": {"c"}})
    assert "hnn_core/exceptions.py" in IMPORTS["hnn_core/services/transport.py"]


@pytest.mark.parametrize("floor", FLOORS)
def test_no_import_crosses_a_floor(floor):
    crossings = {
        file: found
        for file, source in FILES.items()
        if file.startswith(f"{floor}/")
        and (found := {name.split(".")[0] for name in imported_names(source)} & FLOORS[floor])
    }
    assert crossings == {}


def test_rooms_of_hnn_core_import_only_from_below():
    level = {name: i for i, line in enumerate(ROOMS) for name in line}

    def height(file: str) -> int:
        return level[file.split("/")[1].removesuffix(".py")]

    inside = [file for file in IMPORTS if file.startswith("hnn_core/")]
    upward = {
        file: looked
        for file in inside
        if (
            looked := {
                other
                for other in IMPORTS[file]
                if other not in FACES and height(other) > height(file)
            }
        )
    }
    assert upward == {}


def test_no_file_imports_itself_through_others():
    assert (
        circle({file: {f for f in files if f not in FACES} for file, files in IMPORTS.items()})
        == []
    )


def test_no_folder_imports_itself_through_others():
    rooms = defaultdict(set)
    for file, files in IMPORTS.items():
        rooms[room(file)] |= {room(other) for other in files if other not in FACES} - {room(file)}
    assert circle(rooms) == []


def test_rooms_are_whole_and_few():
    lines = {file: len(source.splitlines()) for file, source in FILES.items()}
    folders = Counter(file.rpartition("/")[0] for file in FILES)
    assert len(lines) <= 250  # 240 before the field vector
    assert 150 <= statistics.median(lines.values()) <= 260
    assert {file: n for file, n in lines.items() if n > 420} == {}
    assert {folder: n for folder, n in folders.items() if n > 14} == {}


@pytest.mark.parametrize(
    "module",
    [
        "hnn_core",
        "analysis",
        "hnn_core.__main__",
        "analysis.__main__",
        "hnn_core.sources",
        "pages._explore.answer, pages._explore.eyepiece",  # a picture before torch
    ],
)
def test_what_needs_no_network_does_not_import_torch(module):
    code = f"import sys, {module}; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stdout.strip()) == (0, "False"), done.stderr
