"""What the commands of analysis share: options, checks of them, and writing of answers."""

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import pandas as pd
import typer

from analysis.physics.pil import PilRegion, PilSettings
from hnn_core.exceptions import MachineError
from hnn_core.live.reporting import complain, counted
from hnn_core.regions.base import Source, n_skipped, skipped_kinds
from hnn_core.regions.labels import POLICIES
from hnn_core.sources import find_region
from hnn_core.storage import fault_words, write_atomically

__all__ = [
    "AsJson",
    "Buffer",
    "Keep",
    "MinField",
    "MinLength",
    "Policy",
    "Regions",
    "SourceOption",
    "Step",
    "Threshold",
    "Within",
    "check_out",
    "chosen_regions",
    "json_rows",
    "make_settings",
    "report_regions",
    "report_skipped",
    "write",
]


def _known_policy(policy: str) -> str:
    if policy not in POLICIES:
        raise typer.BadParameter(f"{policy!r} is none of {', '.join(POLICIES)}")
    return policy


def _least_field(gauss: float) -> float:
    if not gauss >= 0:
        raise typer.BadParameter(f"must be at least 0 G, got {gauss}")
    return gauss


Threshold = Annotated[float, typer.Option(help="Field from which a pixel has a polarity, G.")]
Buffer = Annotated[int, typer.Option(help="Side of the square that dilates edges, px.")]
Keep = Annotated[float, typer.Option(help="Fraction of the strength up to which lines count.")]
MinLength = Annotated[int, typer.Option(help="Shortest line, px.")]
Within = Annotated[PilRegion, typer.Option(help="Mask in which the PIL flux is taken.")]
MinField = Annotated[
    float,
    typer.Option(help="Smallest |B| that counts in the total flux, G.", callback=_least_field),
]
AsJson = Annotated[bool, typer.Option("--json", help="Write the answer as JSON.")]
Policy = Annotated[
    str,
    typer.Option(help="unlinked-is-confined (the paper's) or strict.", callback=_known_policy),
]
Regions = Annotated[
    list[str] | None,
    typer.Option(metavar="REGION", help="HARP or NOAA number, or SIM 1; repeatable. Default: all."),
]
Step = Annotated[int, typer.Option(min=1, help="Hours between the windows of a region.")]
SourceOption = Annotated[
    str,
    typer.Option(help="fits:FOLDER (SHARP FITS files), sim: (simulated regions) or jsoc:."),
]


def make_settings(
    threshold: float, buffer: int, keep: float, min_length: int, within: PilRegion
) -> PilSettings:
    """Make the detector's settings; a wrong one is a bad parameter."""
    try:
        return PilSettings(threshold, buffer, keep, min_length, within)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error


def chosen_regions(source: Source, names: Sequence[str] | None) -> list[str] | None:
    """Return the ids of the regions that were named; None, which is all, where none was."""
    return [find_region(source, name).id for name in names] if names else None


def report_regions(done: int, total: int) -> None:
    """Write how far a survey is."""
    complain(f"{done} of {total} regions")


def report_skipped(source: Source) -> None:
    """Write what a source could not use, a line a kind."""
    for what, skipped in skipped_kinds(source.skipped()).items():
        complain(f"{counted(n_skipped(skipped), what)} skipped, the first: {skipped[0].reason}")


def check_out(*paths: Path | None) -> None:
    """Refuse, before any work, files that cannot be written."""
    for path in filter(None, paths):
        parent = path.parent
        if path.is_dir():
            raise typer.BadParameter(f"cannot write {path}: it is a folder")
        if not parent.is_dir():
            raise typer.BadParameter(f"cannot write {path}: there is no folder {parent}")
        if not os.access(parent, os.W_OK):
            raise typer.BadParameter(f"cannot write {path}: the folder {parent} is read-only")


def write(path: Path, content: bytes) -> None:
    """Write a file as a whole or not at all; MachineError where the disk refuses."""
    try:
        write_atomically(path, content, shared=True)
    except OSError as error:
        why = fault_words(error) or error.strerror
        raise MachineError(f"cannot write {path}: {why}") from error


def json_rows(table: pd.DataFrame) -> Sequence[dict[str, Any]]:
    """Return a table's rows as JSON has them; what is not known is null."""
    rows: list[dict[str, Any]] = json.loads(
        table.to_json(orient="records", date_format="iso", date_unit="s", double_precision=15)
    )
    return rows
