"""One case, studied: its frames, fluxes, trends, verdict, prediction and what happened."""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from astropy import units as u
from astropy.time import Time

from analysis.physics.flux import frame_flux
from analysis.physics.pil import PilMasks, PilSettings
from analysis.physics.trends import Systematics, systematics
from analysis.physics.vector_window import (
    VectorVerdict,
    VectorWindow,
    vector_verdict,
    vector_window,
)
from analysis.physics.verdict import Verdict, verdict
from hnn_core.exceptions import FitsError, PositionError, SequenceError, UnknownTimeError
from hnn_core.magnetogram.conventions import iso_minute, parse_t_rec, tai_seconds
from hnn_core.magnetogram.magnetogram import Magnetogram
from hnn_core.magnetogram.sequence_plan import TOLERANCE, good_records
from hnn_core.regions.base import Region, Source, VectorSource, vector_there
from hnn_core.regions.case import Case
from hnn_core.regions.outcome import Outcome, what_happened
from hnn_core.sources import find_region
from hnn_core.sources.sequence import FrameReader, Sequence, build_sequence, shown_hour

if TYPE_CHECKING:  # knows torch, which is imported when a network is used
    from hnn_core.network.predictor import Prediction

__all__ = ["DEFAULT_CLASS", "HOURS", "NO_MODEL", "CaseStudy", "case_study", "named_by_its_hour"]

DEFAULT_CLASS = "M"
"""Minimum class of the flares that count as what happened, where no network has its own."""
HOURS = 10
"""Hours of a window, t−9 … t, as the paper's m."""
NO_MODEL = "No model was chosen."


@dataclass(frozen=True, eq=False)
class CaseStudy:
    """What is known of one case. Arrays are in the frames' order, ascending in time."""

    case: Case
    region: Region
    frames: tuple[Magnetogram, ...]
    """Ten hours, gaps filled as for a prediction (docs/method.md, "Frames"); where these are too
    wide for that, the hours with a record of their own."""
    incomplete: str
    """Why there are fewer than ten; empty if the window is complete."""
    systematics: Systematics
    verdict: Verdict
    outcome: Outcome
    flare_class: str
    """Minimum class of the flares that count as what happened."""
    prediction: "Prediction | None"
    no_prediction: str
    """Why there is no prediction; empty if there is one."""
    vector: VectorWindow | None
    """What the field vectors of the hours hold, where the source has any."""
    no_vector: str
    """Why there is none; empty if there is."""

    @cached_property
    def vector_verdict(self) -> VectorVerdict | None:
        """What the field vectors support; None without any."""
        return None if self.vector is None else vector_verdict(self.vector)

    @property
    def name(self) -> str:
        """``AR 11158 · HARP 377, 2011-02-15 01:00 TAI``."""
        return f"{self.region.name}, {self.case.hour.replace('T', ' ')} TAI"

    @property
    def simulated(self) -> bool:
        """Whether the region never was on the Sun."""
        return self.region.simulated

    @property
    def interpolated(self) -> tuple[bool, ...]:
        """Which frames were made from their neighbours in time."""
        return tuple(frame.interpolated for frame in self.frames)

    @property
    def masks(self) -> tuple[PilMasks, ...]:
        """Polarity inversion lines of the frames."""
        return self.systematics.fluxes.masks

    @property
    def measures(self) -> dict[str, np.ndarray]:
        """What else is measured each hour, (T,) by column: R values, velocity of SDO."""
        found = self.systematics
        return {
            "r_value": found.r_values,
            "r_value_header": found.header_r_values,
            "orbital_velocity_km_s": found.orbital_velocity.to_value(u.km / u.s),
        }

    @cached_property
    def history(self) -> pd.DataFrame:
        """Fluxes of the frames, rows of `analysis.physics.flux.frame_flux`.

        As the trends, of the area that all of them cover.
        """
        settings = self.systematics.settings
        parts = self.systematics.fluxes.parts or [None] * len(self.frames)
        return pd.DataFrame(
            [
                frame_flux(frame, settings, masks=masks, part=part)
                for frame, masks, part in zip(self.frames, self.masks, parts, strict=True)
            ]
        )


def case_study(
    source: Source,
    case: Case,
    *,
    settings: PilSettings | None = None,
    flare_class: str = DEFAULT_CLASS,
    prediction: "Prediction | None" = None,
    no_prediction: str = NO_MODEL,
    sequence: Sequence | None = None,
) -> CaseStudy:
    """Study one case.

    Parameters
    ----------
    source : Source
        The one of `case.source`.
    case : Case
    settings : PilSettings, optional
    flare_class : str
        Minimum class of the flares that count as what happened.
    prediction : Prediction, optional
        Of a network, from `hnn_core.network.predictor`.
    no_prediction : str
        Why there is none, where there is none.
    sequence : Sequence, optional
        The ten hours where they are read already.

    Raises
    ------
    UnknownRegionError, UnknownTimeError
        The source has no such region, or it has no record at all in the ten hours.
    FitsError, PositionError
        The record of the last hour cannot be read.

    Examples
    --------
    >>> from hnn_core import open_source
    >>> from hnn_core.regions.case import Case
    >>> found = case_study(open_source("sim:"), Case("sim:", "SIM 1", "2013-12-03T15:00"))
    >>> found.name
    'SIM 1, 2013-12-03 15:00 TAI'
    >>> found.verdict.word
    'mixed evidence'
    """
    region = find_region(source, case.region)
    case = named_by_its_hour(source, replace(case, region=region.id))
    frames, incomplete = (
        (sequence.frames, "") if sequence else _case_frames(source, region.id, case.hour)
    )
    found = systematics(frames, settings)
    vector, no_vector = _vector_window(source, region.id, frames, found)
    return CaseStudy(
        case=case,
        region=region,
        frames=frames,
        incomplete=incomplete,
        systematics=found,
        verdict=verdict(found),
        outcome=what_happened(region, parse_t_rec(case.hour), flare_class),
        flare_class=flare_class,
        prediction=prediction,
        no_prediction="" if prediction else no_prediction,
        vector=vector,
        no_vector=no_vector,
    )


def _vector_window(
    source: Source, region: str, frames: tuple[Magnetogram, ...], found: Systematics
) -> tuple[VectorWindow | None, str]:
    """Look at the field vectors of the hours that have one; else give the reason."""
    if not isinstance(source, VectorSource):
        return None, "This source has no field vectors."
    vectors, masks, broken = [], [], ""
    for frame, lines in zip(frames, found.fluxes.masks, strict=True):
        if not frame.interpolated and vector_there(source, region, frame.t_rec):
            try:
                vectors.append(source.vector(region, frame.t_rec))
                masks.append(lines)
            except (FitsError, PositionError) as error:
                broken = str(error)
    if not vectors:
        why = "None of these hours has the segments Br, Bt and Bp next to its magnetogram."
        return None, broken or why
    try:
        return vector_window(vectors, masks, found.settings), ""
    except ValueError as error:
        return None, f"The field vectors do not go with the magnetograms: {error}."


def named_by_its_hour(source: Source, case: Case) -> Case:
    """Return a case with the whole hour by which its sequence is known.

    Raises UnknownRegionError where the source has no region of that id.
    """
    hour = shown_hour(source, case.region, parse_t_rec(case.hour))
    return replace(case, hour=iso_minute(hour))


def _case_frames(source: Source, region: str, hour: str) -> tuple[tuple[Magnetogram, ...], str]:
    """Read the ten frames, or the hours with a record of their own and why there are not ten."""
    time = parse_t_rec(hour)
    try:
        return build_sequence(source, region, time, HOURS).frames, ""
    except SequenceError as error:
        frames, broken = _own_records(source, region, time)
        if not frames:
            raise UnknownTimeError(
                f"Region {region} has no usable magnetogram in the {HOURS} hours up to "
                f"{hour.replace('T', ' ')} TAI; choose another hour."
            ) from error
        if len(frames) == HOURS:
            return frames, ""
        others = [reason for reason in broken if reason not in str(error)]
        more = f" Left out because they broke on reading: {' '.join(others)}" if others else ""
        return frames, f"{error}{more}"


def _own_records(
    source: Source, region: str, time: Time
) -> tuple[tuple[Magnetogram, ...], tuple[str, ...]]:
    """Read the nearest sound record of each hour; return the frames, and why others broke."""
    times = source.times(region)
    good = good_records(source.quality(region))
    seconds, end = tai_seconds(times), float(tai_seconds(time))
    frames: list[Magnetogram] = []
    reader = FrameReader(source.frame, region, times, held=1)
    for slot in end - 3600.0 * np.arange(HOURS)[::-1]:
        away = np.where(good & (seconds <= end), np.abs(seconds - slot), np.inf)
        for index in np.argsort(away, kind="stable"):
            if away[index] > TOLERANCE.to_value("s"):
                break
            try:
                frames.append(reader.record(int(index)))
                break
            except (FitsError, PositionError):
                continue
    return tuple(frames), reader.notes
