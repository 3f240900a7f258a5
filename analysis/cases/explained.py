"""A case with the maps of a network, the checks of these maps, and where their mass lies."""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import CancelledError
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from analysis.cases.case_study import CaseStudy
from analysis.cases.overlap import REGION_NAMES, Overlap, TokenGrid, combine, overlaps
from analysis.physics.pil import PilMasks
from hnn_core.exceptions import RequestError
from hnn_core.magnetogram.conventions import number, tai_seconds
from hnn_core.magnetogram.magnetogram import Magnetogram
from hnn_core.magnetogram.preprocess import CropBox, crop_boxes, tokens_to_patch

if TYPE_CHECKING:
    from hnn_core.explanation.faithfulness_result import Faithfulness
    from hnn_core.explanation.randomised import RandomisedCheck
    from hnn_core.explanation.service import Explanation
    from hnn_core.network.predictor import Predictor
    from hnn_core.sources.sequence import Sequence as FrameSequence

__all__ = [
    "HOUR_METHODS",
    "MAP_METHODS",
    "PARTS",
    "ExplainedCase",
    "combine_hours",
    "explain_case",
    "hour_overlaps",
    "map_options",
    "norms_sentence",
    "overlap_rows",
]

MAP_METHODS = ("rollout", "relevance")
"""Maps of a report: the paper's, and one that knows the class. Occlusion takes minutes."""
HOUR_METHODS = ("frame-deletion", "integrated-gradients")
PARTS = {"ropi": "RoPI", "hull": "convex hull", "near": "10 Mm of the PIL"}
"""Regions of `analysis.cases.overlap.REGION_NAMES` as they are called on pages and in reports."""


@dataclass(frozen=True, eq=False)
class ExplainedCase:
    """What a network looked at in one case, by method."""

    study: CaseStudy
    maps: "dict[str, Explanation]"
    hours: "dict[str, Explanation]"
    faithfulness: "dict[str, Faithfulness]"
    """Of the last hour's tokens, by method of map."""
    randomised: "dict[str, RandomisedCheck]"
    hour_overlaps: dict[str, list[dict[str, Overlap]]]
    """Method -> for each frame, by `analysis.cases.overlap.REGION_NAMES`."""
    boxes: tuple[CropBox, ...]
    """What the network sees of each frame."""

    @cached_property
    def overlaps(self) -> dict[str, dict[str, Overlap]]:
        """Method -> overlaps of the whole sequence, by `analysis.cases.overlap.REGION_NAMES`."""
        return {name: combine_hours(parts) for name, parts in self.hour_overlaps.items()}


def explain_case(
    predictor: "Predictor",
    study: CaseStudy,
    sequence: "FrameSequence",
    *,
    methods: Sequence[str] = MAP_METHODS,
    check: bool = True,
    draws: int = 1000,
    progress: Callable[[int, int], None] | None = None,
    cancel: Any = None,
) -> ExplainedCase:
    """Draw the maps of a case and check them.

    Parameters
    ----------
    predictor : Predictor
    study : CaseStudy
        Of the same frames.
    sequence : Sequence
        As the predictor needs it.
    methods : sequence of str
        Those of `hnn_core.explanation.service.METHODS` that draw maps.
    check : bool
        Compare each map with random, |B| and gradient orders (tokens of the last hour) and with
        a network of random weights.
    draws : int
        Random regions for each overlap.
    progress : callable (done, total), optional
        Steps: one a map, an hour score, a check and an overlap.
    cancel : threading.Event, optional
        A `threading.Event`, set to stop.

    Raises
    ------
    CancelledError, PositionError, SequenceError, RequestError, AttentionCaptureError
        As `hnn_core.explanation.service.explain`; RequestError also if the sequence has other
        hours than the study.
    """
    from hnn_core.explanation.checks import check_faithfulness, check_randomised
    from hnn_core.explanation.service import explain

    _refuse_other_hours(study, sequence)
    total = len(methods) * (3 if check else 2) + len(HOUR_METHODS) + check
    done = 0

    def step(result: Any) -> Any:
        nonlocal done
        done += 1
        if progress is not None:
            progress(done, total)
        if cancel is not None and cancel.is_set():
            raise CancelledError(f"Stopped after {done} of {total} steps.")
        return result

    maps = {
        name: step(explain(predictor, sequence, name, cancel=cancel, **map_options(name)))
        for name in methods
    }
    hours = {name: step(explain(predictor, sequence, name, cancel=cancel)) for name in HOUR_METHODS}
    faithful: dict[str, Faithfulness] = {}
    randomised: dict[str, RandomisedCheck] = {}
    if check:
        faithful = step(check_faithfulness(predictor, sequence, maps, hours="last", cancel=cancel))
        for name in maps:
            own = map_options(name)
            found = check_randomised(predictor, sequence, name, cascade=False, cancel=cancel, **own)
            randomised[name] = step(found)
    config = predictor.preprocess_config
    lies = {
        name: step(hour_overlaps(found.maps, study.frames, study.masks, config.crop, draws=draws))
        for name, found in maps.items()
    }
    boxes = tuple(crop_boxes(study.frames, config.crop))
    return ExplainedCase(study, maps, hours, faithful, randomised, lies, boxes)


def hour_overlaps(
    maps: np.ndarray,
    frames: Sequence[Magnetogram],
    masks: Sequence[PilMasks],
    crop: int,
    *,
    draws: int = 1000,
    seed: int = 0,
) -> list[dict[str, Overlap]]:
    """Measure where the positive mass of each of a sequence's maps lies.

    Parameters
    ----------
    maps : (T, g, g) array
        Of the frames; of signed maps the positive part counts.
    frames : sequence of Magnetogram
        Of the sequence, all of them.
    masks : sequence of PilMasks
        Of the frames.
    crop : int
        Side of the square that the network sees, native pixels.
    draws, seed : int
        As in `analysis.cases.overlap.overlaps`; one seed for the frames of a sequence.

    Returns
    -------
    list of dict
        One a frame, by `analysis.cases.overlap.REGION_NAMES`; `combine_hours` puts them together.

    Raises
    ------
    ValueError
        There are not as many maps and masks as frames.
    """
    parts = []
    boxes = crop_boxes(frames, crop)
    for frame, lines, tokens, box in zip(frames, masks, maps, boxes, strict=True):
        weights = tokens_to_patch(np.maximum(tokens, 0.0), box)
        grid = TokenGrid(box.row0, box.col0, crop // tokens.shape[0])
        parts.append(
            overlaps(
                weights, frame.field, lines, frame.pixel_area, grid=grid, draws=draws, seed=seed
            )
        )
    return parts


def combine_hours(parts: Sequence[Mapping[str, Overlap]]) -> dict[str, Overlap]:
    """Put the overlaps of a sequence's hours together; see `analysis.cases.overlap.combine`."""
    return {name: combine([part[name] for part in parts]) for name in REGION_NAMES}


def map_options(method: str) -> dict[str, Any]:
    """Return settings that differ from a method's own: signed where the method can be."""
    return {"signed": True} if method == "relevance" else {}


def overlap_rows(found: Mapping[str, Overlap]) -> pd.DataFrame:
    """Put the overlaps of one map side by side, rounded, units in the names.

    Parameters
    ----------
    found : mapping of str to Overlap
        By `analysis.cases.overlap.REGION_NAMES`.
    """
    rows = []
    for name, one in found.items():
        known = not one.missing
        rows.append(
            {
                "part": PARTS[name],
                "area (%)": f"{100 * one.area:.1f}",
                "share (%)": f"{100 * one.share:.1f}" if known else "–",
                "expected (%)": f"{100 * one.expected:.1f}" if known else "–",
                "× expected": f"{one.enrichment:.2f}" if known else "–",
                "p": one.missing or number(one.p, ".2g"),
                "draws": one.draws.size,
            }
        )
    return pd.DataFrame(rows)


def norms_sentence(norms: "Explanation", maps: np.ndarray) -> str:
    """Write how many tokens stand out and how much of a map lies on them.

    Parameters
    ----------
    norms : Explanation
        Of the method ``"token-norms"``.
    maps : (T, g, g) array
        The map, of the same hours.
    """
    flagged = norms.flagged
    if flagged is None:
        raise ValueError(f"{norms.method} flags no tokens")
    count, total = int(flagged.sum()), flagged.size
    if count == 0:
        return (
            f"No token stands out: none of {total} exceeds {norms.parameters['ratio']:g} times the "
            "median norm."
        )
    size = np.abs(maps)
    share = float(size[flagged].sum() / size.sum()) if size.sum() > 0 else 0.0
    return (
        f"{count} of {total} tokens stand out, and {100 * share:.1f} % of the map's magnitude lies "
        "on them: that part of the map may be an artefact."
    )


def _refuse_other_hours(study: CaseStudy, sequence: "FrameSequence") -> None:
    studied, shown = (
        [float(tai_seconds(frame.t_rec)) for frame in one.frames] for one in (study, sequence)
    )
    if studied != shown:
        raise RequestError(
            f"The network is shown {len(shown)} hours and the case has {len(studied)} frames of "
            "its own; explain a case over the network's own hours."
        )
