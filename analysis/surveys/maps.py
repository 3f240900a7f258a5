"""Where maps lie over many windows: the paper's Figure 5 as a statistic."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from analysis.cases.explained import combine_hours, hour_overlaps, map_options
from analysis.cases.overlap import combine
from analysis.physics.pil import detect_pils
from analysis.surveys.survey import notes_of, survey_regions, window_outcome
from hnn_core.exceptions import (
    EmptySourceError,
    FitsError,
    OffLimbError,
    PositionError,
    RequestError,
    SequenceError,
)
from hnn_core.magnetogram.sequence_plan import SequencePlan, sequence_hours
from hnn_core.regions.base import Region, Source
from hnn_core.regions.labels import DEFAULT_POLICY
from hnn_core.sources.sequence import Sequence as FrameSequence
from hnn_core.sources.sequence import build_sequence

if TYPE_CHECKING:  # knows torch
    from hnn_core.network.predictor import Predictor

__all__ = ["STEP", "class_overlaps", "flat_rows", "map_survey"]

STEP = 8
"""Hours between the windows of a region by default: they then share two hours."""


def map_survey(
    source: Source,
    predictor: "Predictor",
    regions: Iterable[str] | None = None,
    *,
    methods: Sequence[str] = ("rollout", "relevance"),
    policy: str = DEFAULT_POLICY,
    step: int = STEP,
    draws: int = 1000,
    progress: Callable[[int, int], None] | None = None,
    cancel: Any = None,
) -> pd.DataFrame:
    """Take the maps of all windows of a source and where their mass lies.

    Parameters
    ----------
    source, regions, policy, step, progress
        As in `analysis.surveys.survey.survey`.
    predictor : Predictor
    methods : sequence of str
        Those of `hnn_core.explanation.service.METHODS` that draw maps.
    draws : int
        Random regions.
    cancel : threading.Event, optional
        Looked at within a window.

    Returns
    -------
    DataFrame
        One row a window, method and part: ``region``, ``t_rec_tai``, ``said`` (the predicted
        label), ``probability``, ``outcome``, ``notes`` as in a survey, ``method``, ``part`` (one of
        `analysis.cases.overlap.REGION_NAMES`), and ``overlap``, an `analysis.cases.overlap.Overlap`
        of the sequence. Draws of a region share their places, those of different regions do not.

    Raises
    ------
    EmptySourceError
        No window has a prediction.
    UnknownRegionError, CancelledError
    """
    from hnn_core.explanation.service import explain

    chosen = survey_regions(source, regions)
    crop = predictor.preprocess_config.crop
    rows: list[dict[str, object]] = []
    for seed, region in enumerate(chosen):
        for sequence in _windows(source, region, predictor.frames, step):
            try:
                prediction = predictor.predict(sequence)
            except PositionError:
                continue  # too far from the meridian
            masks = [detect_pils(frame.field) for frame in sequence.frames]
            last, flare_class = sequence.frames[-1].t_rec, prediction.flare_class
            row = {
                "region": region.id,
                "t_rec_tai": pd.Timestamp(prediction.t_rec),
                "said": prediction.label,
                "probability": prediction.probability,
                "outcome": window_outcome(region, last, flare_class, policy),
                "notes": notes_of(sequence.frames),
            }
            for method in methods:
                maps = explain(
                    predictor, sequence, method, cancel=cancel, **map_options(method)
                ).maps
                if maps is None:
                    raise RequestError(
                        f"{method} draws no map; use rollout, relevance or occlusion."
                    )
                parts = hour_overlaps(maps, sequence.frames, masks, crop, draws=draws, seed=seed)
                rows += [
                    row | {"method": method, "part": part, "overlap": one}
                    for part, one in combine_hours(parts).items()
                ]
        if progress is not None:
            progress(seed + 1, len(chosen))
    if not rows:
        raise EmptySourceError(f"No window of {source.spec} has a prediction to explain.")
    return pd.DataFrame(rows)


def class_overlaps(table: pd.DataFrame, by: str = "said") -> pd.DataFrame:
    """Sum a map survey up: where the maps of each class lie, with regions as the units.

    Parameters
    ----------
    table : DataFrame
        Of `map_survey`.
    by : str
        ``"said"``, as the paper's Figure 5 parts them, or ``"outcome"``.

    Returns
    -------
    DataFrame
        One row a method, class and part: ``windows``, ``regions``, ``area``, ``share``,
        ``expected``, ``enrichment``, ``z``, ``p``. Each region counts once, with the mean of its
        windows of the class.
    """
    rows: list[dict[str, object]] = []
    for (method, kind, part), group in table.groupby(["method", by, "part"], sort=False):
        each = [combine(list(one)) for _, one in group.groupby("region")["overlap"]]
        known = [one for one in each if np.isfinite(one.p)]
        row = {"method": method, by: kind, "part": part, "windows": len(group)}
        found = combine(known or each)
        names = ("area", "share", "expected", "enrichment", "z", "p")
        rows.append(row | {"regions": len(known)} | {name: getattr(found, name) for name in names})
    return pd.DataFrame(rows)


def flat_rows(found: pd.DataFrame) -> pd.DataFrame:
    """Write the overlaps of a map survey as columns, without their draws, for a file.

    Returns
    -------
    DataFrame
        ``share``, ``area``, ``expected``, ``enrichment`` and ``p`` in place of ``overlap``.
    """
    flat = found.drop(columns="overlap")
    for name in ("share", "area", "expected", "enrichment", "p"):
        flat[name] = [getattr(one, name) for one in found["overlap"]]
    return flat


def _windows(source: Source, region: Region, length: int, step: int) -> Iterator[FrameSequence]:
    """Sequences of a region that can be read, every `step` hours, counted from the last."""
    planned = sequence_hours(source.times(region.id), source.quality(region.id), length)
    hours = [hour for hour, plan in planned if isinstance(plan, SequencePlan)]
    for hour in hours[::-1][::step][::-1]:
        try:
            yield build_sequence(source, region.id, hour, length)
        except (FitsError, SequenceError, OffLimbError):
            continue
