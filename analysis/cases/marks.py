"""Three marks of a map: which hours mattered, where it lies, whether it is faithful.

Each is a verdict of a few words with its number, and sentences with how sure it is; the work behind
them can be watched and cancelled.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from analysis.cases.explained import HOUR_METHODS, PARTS, hour_overlaps
from analysis.cases.overlap import Overlap
from analysis.physics.pil import detect_pils
from hnn_core.magnetogram.conventions import number
from hnn_core.magnetogram.magnetogram import Magnetogram

if TYPE_CHECKING:  # know torch
    from hnn_core.explanation.faithfulness_result import Faithfulness
    from hnn_core.explanation.randomised import RandomisedCheck
    from hnn_core.explanation.service import Explanation
    from hnn_core.network.predictor import Predictor
    from hnn_core.sources.sequence import Sequence as FrameSequence

__all__ = [
    "Mark",
    "check_map",
    "faithful_mark",
    "hours_mark",
    "place_hours",
    "place_mark",
    "score_hours",
]

_ROUNDING = 1e-6
"""Differences of log-odds below it are rounding."""
_SPREAD = (2.5, 97.5)
_CHANCE = 0.05


@dataclass(frozen=True)
class Mark:
    """A verdict on a map, never stronger than what was computed."""

    state: str
    """``"yes"``, ``"no"``, ``"unsure"`` where the parts of a check do not agree, or
    ``"unknown"``."""
    verdict: str
    """Up to about 45 letters, with its number."""
    words: str
    """Sentences: what was compared, and how sure it is."""

    @classmethod
    def unknown(cls, question: str, why: str) -> "Mark":
        """Return the mark of a question, ``Hours``, that has no answer."""
        return cls("unknown", f"{question}: not known", why)


def score_hours(
    predictor: "Predictor",
    sequence: "FrameSequence",
    target: str,
    *,
    progress: Callable[[int, int], None] | None = None,
    cancel: Any = None,
) -> "list[Explanation]":
    """Score the hours of a sequence by `HOUR_METHODS`, for the log-odds of a class.

    Parameters and errors are those of `hnn_core.explanation.service.explain`.
    """
    from hnn_core.explanation.service import explain

    watched: dict[str, Any] = {"progress": progress, "cancel": cancel}
    return [explain(predictor, sequence, one, target=target, **watched) for one in HOUR_METHODS]


def hours_mark(scores: "Sequence[Explanation]") -> Mark:
    """Name the hours that count most for a class.

    Parameters
    ----------
    scores : sequence of Explanation
        Of `HOUR_METHODS` in their order, one class and one sequence.

    Returns
    -------
    Mark
        ``"yes"`` where the methods find the same hour first, ``"unsure"`` where they do not.
    """
    by_method = {found.method: np.asarray(found.hours, dtype=float) for found in scores}
    deleted, integrated = (by_method[method] for method in HOUR_METHODS)
    target = scores[0].target
    if max(np.abs(deleted).max(), np.abs(integrated).max()) <= _ROUNDING:
        words = f"By both methods no hour changes the log-odds of {target}."
        return Mark("no", "Hours: none changes the log-odds", words)
    first, second = np.argsort(-np.abs(deleted), kind="stable")[:2] if deleted.size > 1 else (0, 0)
    other = int(np.argmax(np.abs(integrated)))
    words = (
        f"Log-odds of {target}: {_hour(deleted, first)} by frame deletion, "
        f"{_hour(integrated, other)} by integrated gradients; above 0 the hour counts for the "
        "class. Neither method draws random numbers: how far they agree is how sure this is."
    )
    if other != first:
        verdict = f"Hours: {_hour(deleted, first)} or {_hour(integrated, other)}, methods differ"
        return Mark("unsure", verdict, words)
    if abs(deleted[second]) <= _ROUNDING or second == first:
        return Mark("yes", f"Hours: only {_hour(deleted, first)} matters", words)
    both = f"{_hour(deleted, first)} and {_hour(deleted, second)}"
    return Mark("yes", f"Hours: {both} matter most", words)


def _hour(scores: np.ndarray, at: int) -> str:
    """Name an hour with its score: ``t−1 (+0.42)``."""
    before = len(scores) - 1 - int(at)
    return f"{f't−{before}' if before else 't'} ({number(scores[at], '+.2f')})"


def place_hours(
    maps: np.ndarray,
    frames: Sequence[Magnetogram],
    crop: int,
    *,
    progress: Callable[[int, int], None] | None = None,
    cancel: Any = None,
) -> list[dict[str, Overlap]]:
    """Find the lines of a sequence's frames, and where the maps lie next to them.

    Parameters
    ----------
    maps, frames, crop
        As of `analysis.cases.explained.hour_overlaps`, whose result and errors these are.
    progress : callable (done, total), optional
        Frames; it may raise to stop.
    cancel : threading.Event, optional
        Looked at by `progress`.
    """
    del cancel
    masks = []
    for done, frame in enumerate(frames):
        if progress is not None:
            progress(done, len(frames))
        masks.append(detect_pils(frame.field))
    return hour_overlaps(maps, frames, masks, crop)


def place_mark(found: Mapping[str, Overlap]) -> Mark:
    """Judge whether a map lies nearer the PIL than random regions of equal |B| do.

    Parameters
    ----------
    found : mapping of str to Overlap
        By `analysis.cases.overlap.REGION_NAMES`; the verdict is of the surroundings of the PIL.

    Returns
    -------
    Mark
        ``"yes"`` for more of the map than chance at p ≤ 0.05, else ``"no"``; ``"unknown"``
        without lines or mass.
    """
    near = found["near"]
    if near.missing:
        return Mark.unknown("PIL", f"There is {near.missing} at this hour.")
    words = " ".join(_place_words(PARTS[name], one) for name, one in found.items())
    words += (
        " A p just under 0.05 means little: of maps that follow |B| alone 5 to 16 % get one (the "
        "project's benchmarks)."
    )
    times = f"{number(near.enrichment, '.2f')}× chance, p = {number(near.p, '.2g')}"
    if near.p <= _CHANCE and near.enrichment > 1.0:
        return Mark("yes", f"Near the PIL: {times}", words)
    return Mark("no", f"No nearer the PIL: {times}", words)


def _place_words(name: str, one: Overlap) -> str:
    if one.missing:
        return f"{name}: {one.missing}."
    low, high = np.percentile(one.draws, _SPREAD) / one.expected if one.expected > 0 else (0.0, 0.0)
    return (
        f"{name}: {100 * one.share:.0f} % of the map, {number(one.enrichment, '.2f')}× that of "
        f"random regions (95 % of them {number(low, '.2f')} to {number(high, '.2f')}×), "
        f"p = {number(one.p, '.2g')}."
    )


def check_map(
    predictor: "Predictor",
    sequence: "FrameSequence",
    method: str,
    explanation: "Explanation | None",
    *,
    hours: str = "last",
    cascade: bool = False,
    progress: Callable[[int, int], None] | None = None,
    cancel: Any = None,
    **options: Any,
) -> "tuple[Faithfulness, RandomisedCheck]":
    """Check a map by insertion and deletion, and against a network of random weights.

    Parameters
    ----------
    predictor, sequence, method, progress, cancel, **options
        As of `hnn_core.explanation.service.explain`.
    explanation : Explanation, optional
        The map, if it was made already.
    hours, cascade
        As of `hnn_core.explanation.checks.check_faithfulness` and `check_randomised`, whose
        errors these are.
    """
    from hnn_core.explanation.checks import check_faithfulness, check_randomised
    from hnn_core.explanation.service import explain

    watched: dict[str, Any] = {"progress": progress, "cancel": cancel}
    one = explanation or explain(predictor, sequence, method, **watched, **options)
    found = check_faithfulness(predictor, sequence, {"map": one}, hours=hours, **watched)["map"]
    changed = check_randomised(predictor, sequence, method, cascade=cascade, **watched, **options)
    return found, changed


def faithful_mark(found: "Faithfulness", randomised: "RandomisedCheck") -> Mark:
    """Judge a map by its curves, and by what random weights make of it.

    Returns
    -------
    Mark
        ``"yes"`` only for a map that is better than random order in every curve and changes with
        random weights.
    """
    deletion = found.comparisons[0]
    words = (
        f"{found.verdict} Area under {deletion.name}: {number(deletion.area, '.2f')}, random "
        f"orders {number(float(np.mean(deletion.random_areas)), '.2f')}. {randomised.words}"
    )
    of = len(found.comparisons)
    better = sum(one.state == "better" for one in found.comparisons)
    if found.state == "flat":
        return Mark("no", "Not faithful: the same everywhere", words)
    if found.state in ("worse", "equal") or not better:
        return Mark("no", f"Not faithful: better than random in {better} of {of} curves", words)
    if not randomised.changes:
        last = randomised.stages[-1]
        alike = number(max(last.spearman, last.spearman_magnitude), ".2f")
        return Mark("unsure", f"Shows the input, not what was learnt (r = {alike})", words)
    if found.state == "mixed":
        worse = sum(one.state == "worse" for one in found.comparisons)
        against = f", worse in {worse}" if worse else ""
        return Mark(
            "unsure", f"Mixed: better than random in {better}{against} of {of} curves", words
        )
    return Mark("yes", f"Faithful: better than random in {of} of {of} curves", words)
