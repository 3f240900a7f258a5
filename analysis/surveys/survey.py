"""Trends of many windows: one row a region and hour."""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import CancelledError
from functools import lru_cache
from typing import Any

import pandas as pd
from astropy import units as u
from astropy.time import Time

from analysis.cases.case_study import HOURS
from analysis.physics.pil import PilMasks, detect_pils
from analysis.physics.trends import QUANTITIES, RATE, trend
from analysis.physics.window_fluxes import MASKS, WindowFluxes, window_fluxes
from hnn_core.exceptions import (
    EmptySourceError,
    FitsError,
    OffLimbError,
    SequenceError,
    UnknownRegionError,
)
from hnn_core.magnetogram.magnetogram import Magnetogram
from hnn_core.magnetogram.sequence_plan import SequencePlan, SlotPlan, sequence_hours
from hnn_core.regions.base import Region, Source
from hnn_core.regions.labels import DEFAULT_POLICY, NO_LABEL, POSITIVE, label_frames
from hnn_core.regions.outcome import FLARELESS, what_happened
from hnn_core.sources.sequence import FrameReader

__all__ = [
    "OUTCOMES",
    "POLICY_SENTENCES",
    "expected_windows",
    "notes_of",
    "survey",
    "survey_regions",
    "window_outcome",
]

OUTCOMES: tuple[str, ...] = ("eruptive", "confined", "unknown", *FLARELESS)
"""What happened within 24 h after a window: by its label, or why it has none."""
POLICY_SENTENCES = {
    DEFAULT_POLICY: f"“confined” follows the policy {DEFAULT_POLICY}: it holds flares with no CME "
    "linked in DONKI, which is not the same as known to be confined.",
    "strict": "“confined” follows the policy strict: flares with no CME linked in DONKI are "
    "“unknown”.",
}
"""What the outcome confined means where it is written, unless regions are simulated."""


def survey(
    source: Source,
    regions: Iterable[str] | None = None,
    *,
    flare_class: str = "C",
    policy: str = DEFAULT_POLICY,
    step: int = 1,
    thresholds: tuple[float, ...] = (0.0,),
    progress: Callable[[int, int], None] | None = None,
    cancel: Any = None,
) -> pd.DataFrame:
    """Take the trends of all windows of ten hours of a source.

    A window is left out if a record cannot be read, or if it is not known how the patches either
    side of a gap lie on each other. Fluxes are of the area that all frames of a window cover. No
    record is read twice, and only the frames of one window are held.

    Parameters
    ----------
    source : Source
    regions : iterable of str, optional
        `Region.id` of those to take; all by default.
    flare_class, policy : str
        As in `hnn_core.regions.labels.label_frames`, for the outcome.
    step : int
        Hours between the windows of a region; with 1, neighbouring windows share nine frames.
    thresholds : tuple of float
        Smallest abs(B) that counts, ascending, gauss; trends are made for each.
    progress : callable, optional
        Called with regions done and regions in all; it may raise to stop.
    cancel : threading.Event, optional
        A `threading.Event`, set to stop; looked at after each window.

    Returns
    -------
    DataFrame
        One row a window and threshold, not divided by μ; windows with an unknown ``outcome`` are
        in it. ``region``, ``harp``, ``t_rec_tai`` of the last frame, ``n_interpolated``,
        ``notes`` on files that are not whole patches (empty where all are),
        ``longitude_deg``, ``simulated``, ``threshold_g``; for each mask (`MASKS`; "patch" is the
        total flux) and for unsigned, positive and negative flux the Theil–Sen slope in Mx/h and
        in percent per hour and the p-value; ``both_fall``: both polarities fall with every PIL
        mask; ``pil_frames``: frames with a line.

    Raises
    ------
    CancelledError
        `concurrent.futures.CancelledError`, if `cancel` was set.
    EmptySourceError
        If no window can be made.
    UnknownRegionError
        If the source has no such region.
    ValueError
        If `step` is under 1.
    """
    if step < 1:
        raise ValueError(f"step must be at least 1 hour, got {step}")
    chosen = survey_regions(source, regions)
    rows: list[dict[str, object]] = []
    for done, region in enumerate(chosen, start=1):
        for frames, masks in _windows(source, region, step):
            fluxes = window_fluxes(frames, thresholds=thresholds, masks=masks, correct=False)
            outcome = window_outcome(region, frames[-1].t_rec, flare_class, policy)
            rows += [
                _row(region, frames, fluxes, index) | {"outcome": outcome}
                for index in range(len(thresholds))
            ]
            if cancel is not None and cancel.is_set():
                raise CancelledError(f"Stopped after {len(rows) // len(thresholds)} windows.")
        if progress is not None:
            progress(done, len(chosen))
    if not rows:
        raise EmptySourceError(f"{source.spec} has no window of {HOURS} hours in these regions.")
    return pd.DataFrame(rows)


def window_outcome(region: Region, time: Time, flare_class: str, policy: str) -> str:
    """Return one of `OUTCOMES` for the window of a region that ends at a time."""
    (label,) = label_frames(Time([time]), region.flares, flare_class, policy=policy)
    if label != NO_LABEL:
        return "eruptive" if label == POSITIVE else "confined"
    word = what_happened(region, time, flare_class).word
    return word if word in FLARELESS else "unknown"


def notes_of(frames: Iterable[Magnetogram]) -> str:
    """Return what is unusual about the files of a window, in sentences, each once."""
    return " ".join(dict.fromkeys(note for frame in frames for note in frame.notes))


def expected_windows(regions: Iterable[Region], step: int) -> int:
    """Return about how many windows there are: those of regions without a gap."""
    return sum(len(range(0, max(0, region.n_records - HOURS + 1), step)) for region in regions)


def survey_regions(source: Source, regions: Iterable[str] | None = None) -> list[Region]:
    """Regions of a source by their ids, in the source's order; all by default."""
    known = {region.id: region for region in source.regions()}
    wanted = set(known) if regions is None else set(regions)
    if missing := sorted(wanted - set(known)):
        raise UnknownRegionError(f"There is no region {missing[0]!r} in {source.spec}.")
    return [region for name, region in known.items() if name in wanted]


def _windows(
    source: Source, region: Region, step: int
) -> Iterator[tuple[list[Magnetogram], list[PilMasks]]]:
    """Frames and masks of a region's windows, in order of time."""
    times = source.times(region.id)
    planned = sequence_hours(times, source.quality(region.id), HOURS)
    reader = FrameReader(source.frame, region.id, times, held=HOURS)

    @lru_cache(maxsize=HOURS)
    def with_masks(slot: SlotPlan) -> tuple[Magnetogram, PilMasks]:
        frame = reader.frame(slot)
        return frame, detect_pils(frame.field)

    for plan in [plan for _, plan in planned if isinstance(plan, SequencePlan)][::step]:
        try:
            window = [with_masks(slot) for slot in plan.slots]
        except (FitsError, OffLimbError, SequenceError):
            continue
        yield [frame for frame, _ in window], [masks for _, masks in window]


def _row(
    region: Region, frames: list[Magnetogram], fluxes: WindowFluxes, index: int
) -> dict[str, object]:
    """Describe one window at one threshold."""
    last = frames[-1]
    row: dict[str, object] = {
        "region": region.id,
        "harp": region.harp,
        "t_rec_tai": pd.Timestamp(last.t_rec.tai.isot),
        "n_interpolated": sum(frame.interpolated for frame in frames),
        "notes": notes_of(frames),
        "longitude_deg": float(last.longitude.to_value(u.deg)),
        "simulated": last.simulated,
        "threshold_g": fluxes.thresholds[index],
        "pil_frames": int(fluxes.lines.sum()),
    }
    falls = []
    for m, mask in enumerate(MASKS):
        for name in QUANTITIES:
            values = getattr(fluxes, name)[:, m, index, 0]
            found = trend(fluxes.hours, values * u.Mx)
            row[f"{mask}_{name}_slope_mx_per_h"] = found.slope.to_value(RATE)
            row[f"{mask}_{name}_slope_percent_per_h"] = found.percent
            row[f"{mask}_{name}_p"] = found.p
            if mask != "patch" and name != "unsigned":
                falls.append(found.falls)
    return row | {"both_fall": all(falls)}
