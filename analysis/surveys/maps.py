"""Where maps lie over many windows: the paper's Figure 5 as a statistic."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from astropy.time import Time

from analysis.cases.explained import combine_hours, hour_overlaps, map_options
from analysis.cases.overlap import combine
from analysis.physics.pil import detect_pils
from analysis.surveys.survey import OUTCOMES, survey_regions
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
from hnn_core.regions.labels import DEFAULT_POLICY, label_frames
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
    source : Source
    predictor : Predictor
    regions : iterable of str, optional
        `Region.id` of those to take; all by default.
    methods : sequence of str
        Those of `hnn_core.explanation.service.METHODS` that draw maps.
    policy : str
        As in `hnn_core.regions.labels.label_frames`, for the outcome.
    step : int
        Hours between the windows of a region.
    draws : int
        Random regions.
    progress : callable (done, total), optional
        Regions; it may raise to stop.
    cancel : Flag, optional
        Looked at within a window.

    Returns
    -------
    DataFrame
        One row a window, method and part: ``region``, ``t_rec_tai``, ``said`` (the label that the
        network gives), ``probability``, ``outcome``, ``method``, ``part`` (one of
        `analysis.cases.overlap.REGION_NAMES`), and ``overlap``, an `analysis.cases.overlap.Overlap`
        of the sequence. Draws of a region share their places, those of different regions do not.

    Raises
    ------
    EmptySourceError
        No window has a prediction.
    UnknownRegionError, CancelledError
    """
    chosen = survey_regions(source, regions)
    rows: list[dict[str, object]] = []
    for seed, region in enumerate(chosen):
        for sequence in _windows(source, region, predictor.frames, step):
            try:
                rows += _window_rows(
                    predictor, region, sequence, methods, policy, draws, seed, cancel
                )
            except PositionError:
                continue  # too far from the meridian for a prediction
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
    rows = []
    for (method, kind, part), group in table.groupby(["method", by, "part"], sort=False):
        each = [combine(list(one)) for _, one in group.groupby("region")["overlap"]]
        known = [one for one in each if np.isfinite(one.p)]
        found = combine(known or each)
        rows.append(
            {
                "method": method,
                by: kind,
                "part": part,
                "windows": len(group),
                "regions": len(known),
                "area": found.area,
                "share": found.share,
                "expected": found.expected,
                "enrichment": found.enrichment,
                "z": found.z,
                "p": found.p,
            }
        )
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


def _window_rows(
    predictor: "Predictor",
    region: Region,
    sequence: FrameSequence,
    methods: Sequence[str],
    policy: str,
    draws: int,
    seed: int,
    cancel: Any,
) -> list[dict[str, object]]:
    from hnn_core.explanation.service import explain

    said = predictor.predict(sequence)
    time = Time([sequence.frames[-1].t_rec])
    label = label_frames(time, region.flares, said.flare_class, policy=policy)
    row = {
        "region": region.id,
        "t_rec_tai": pd.Timestamp(said.t_rec),
        "said": said.label,
        "probability": said.probability,
        "outcome": OUTCOMES[int(label[0])],
    }
    masks = [detect_pils(frame.field) for frame in sequence.frames]
    crop = predictor.preprocess_config.crop
    rows: list[dict[str, object]] = []
    for method in methods:
        found = explain(predictor, sequence, method, cancel=cancel, **map_options(method))
        if found.maps is None:
            raise RequestError(f"{method} draws no map; use rollout, relevance or occlusion.")
        parts = hour_overlaps(found.maps, sequence.frames, masks, crop, draws=draws, seed=seed)
        lies = combine_hours(parts)
        rows += [row | {"method": method, "part": p, "overlap": one} for p, one in lies.items()]
    return rows
