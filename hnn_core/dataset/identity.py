"""What decides what a data set holds, so that one build is never taken for another."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from hnn_core import __version__
from hnn_core.dataset.card import FORMAT, file_sha256, text_sha256
from hnn_core.dataset.region import BuildOptions
from hnn_core.exceptions import DatasetError
from hnn_core.sources.base import Flare, Region, Source
from hnn_core.tai import tai_seconds

__all__ = ["build_identity", "check_same"]


def build_identity(
    source: Source, regions: Sequence[Region], flares: Path | None, options: BuildOptions
) -> dict[str, Any]:
    """Return everything that decides what a data set will hold, for its card.

    Parameters
    ----------
    source : Source
    regions : sequence of Region
        With the flares to label by.
    flares : Path or None
        The table that these flares are from, if they are not the source's own.
    options : BuildOptions
    """
    listed = [
        [
            region.id,
            list(region.noaa),
            region.n_records,
            [float(tai_seconds(time)) for time in (region.first, region.last)],
            [[_name(one), one.goes_class, one.scale, one.association] for one in region.flares],
        ]
        for region in regions
    ]
    return {
        "format": FORMAT,
        "source": source.spec,
        "regions_sha256": text_sha256(json.dumps(listed)),
        "flares": {"file": flares.name, "sha256": file_sha256(flares)} if flares else None,
        "policy": options.policy,
        "hours": options.hours,
        "preprocess": options.preprocess.to_dict(),
        "software": f"hnn_core {__version__}",
    }


def check_same(card: Mapping[str, Any], identity: Mapping[str, Any], folder: Path) -> None:
    """Raise DatasetError if a finished data set is not the one that would be built."""
    # A newer version of the program that still reads the format has no reason to build again.
    compared = [key for key in identity if key != "software"]
    different = [key for key in compared if card.get(key) != identity[key]]
    if different:
        raise DatasetError(
            f"{folder} exists and was built with another {' and '.join(different)}; choose "
            "another name or remove it."
        )


def _name(flare: Flare) -> str:
    """Return the id, with the peak where it does not tell it."""
    peak = str(flare.peak.utc.isot)
    return flare.id if flare.id.startswith(peak[:16]) else f"{peak} {flare.id}"
