"""Every hour of a region's disk passage through one model."""

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd
import torch
from astropy.time import Time
from torch import Tensor

from hnn_core.exceptions import FitsError, PositionError, SequenceError
from hnn_core.magnetogram.conventions import iso_minute, refusal, tai_seconds, time_from_seconds
from hnn_core.magnetogram.grid import Place
from hnn_core.magnetogram.preprocess import CropBox, PreprocessConfig, crop_boxes
from hnn_core.magnetogram.sequence_plan import REJECTED, SequencePlan, SlotPlan, sequence_hours
from hnn_core.magnetogram.sharp import NO_DATA
from hnn_core.network.embedding import FrameEmbedder
from hnn_core.regions.base import Source
from hnn_core.sources.sequence import FrameReader

__all__ = ["passage_table"]

_RECORDS_HELD = 4
"""Frames are visited in order of time, so that a gap's two sides are read once."""


def passage_table(
    embedder: FrameEmbedder,
    source: Source,
    region_id: str,
    *,
    rejected: int = REJECTED,
    progress: Callable[[int, int], None] | None = None,
) -> pd.DataFrame:
    """Predict every hour of a region that has a sequence.

    Each distinct frame is embedded once and few are held at a time; where the patch changes its
    box, once for each square that its sequences see of it. A record that breaks on reading counts
    as missing, as in `hnn_core.sources.sequence`.

    Parameters
    ----------
    embedder : FrameEmbedder
        Of the model. Its configuration gives the number of hours, for the baseline too, so
        that both speak of the same sequences.
    source : Source
    region_id : str
        `Region.id`.
    rejected : int
        Bits of QUALITY, as for `hnn_core.sources.sequence.build_sequence`.
    progress : callable (done, total), optional
        Called with numbers of frames, after each batch.

    Returns
    -------
    DataFrame
        One row for each hour with a sequence, ascending: ``hour`` and ``t_rec`` (datetime64,
        TAI: the nominal hour and the record of x_t), ``probability``, ``n_interpolated``.
        ``attrs["absent"]`` maps every other hour between the first and the last good record
        (ISO minutes, TAI) to the reason; ``attrs["notes"]`` lists the records that broke, and the
        notes of those that were used.

    Raises
    ------
    UnknownRegionError
    """
    passage = _Passage(embedder, source, region_id, rejected)
    hours = passage.embed(progress)
    absent = _without_record([hour for hour, _ in hours])
    plans = []
    for hour, plan in hours:
        reason = str(plan) if isinstance(plan, SequenceError) else passage.refusal(plan)
        if reason is not None:
            absent[iso_minute(hour)] = reason
        elif isinstance(plan, SequencePlan):
            plans.append(plan)
    last = [plan.slots[-1] for plan in plans]
    table = pd.DataFrame(
        {
            "hour": _datetimes([slot.time for slot in last]),
            "t_rec": _datetimes([passage.seconds[slot.left] for slot in last]),
            "probability": passage.probabilities(plans),
            "n_interpolated": [sum(slot.interpolated for slot in plan.slots) for plan in plans],
        }
    )
    table.attrs = {"absent": dict(sorted(absent.items())), "notes": passage.notes()}
    return table


class _Passage:
    """The frames of one passage, each known by its slot's plan."""

    def __init__(
        self, embedder: FrameEmbedder, source: Source, region_id: str, rejected: int
    ) -> None:
        self.embedder = embedder
        self.rejected = rejected
        self.config = embedder.model.config
        self.times = source.times(region_id)
        self.seconds = tai_seconds(self.times)
        self.quality = source.quality(region_id).copy()
        self.reader = FrameReader(source.frame, region_id, self.times, held=_RECORDS_HELD)
        self._crop = PreprocessConfig.from_dict(self.config.preprocess).crop
        self._embeddings: dict[tuple[SlotPlan, CropBox], Tensor] = {}
        self._places: dict[SlotPlan, Place] = {}
        self._longitude: dict[SlotPlan, float] = {}
        self._impossible: dict[SlotPlan, str] = {}
        self._noted: dict[SlotPlan, tuple[str, ...]] = {}

    def embed(
        self, progress: Callable[[int, int], None] | None
    ) -> list[tuple[Time, SequencePlan | SequenceError]]:
        """Embed all frames that any hour needs; return the hours and their final plans."""
        while True:
            # A record that broke is missing now, and the hours around it are planned again.
            self.quality[list(self.reader.broken)] = NO_DATA
            hours = sequence_hours(
                self.times, self.quality, self.config.frames, rejected=self.rejected
            )
            plans = [plan for _, plan in hours if isinstance(plan, SequencePlan)]
            todo = self._todo(plans)
            if not todo:
                return hours
            for start in range(0, len(todo), self.embedder.batch):
                self._embed_some(todo[start : start + self.embedder.batch])
                if progress is not None:
                    progress(min(start + self.embedder.batch, len(todo)), len(todo))

    def refusal(self, plan: SequencePlan) -> str | None:
        """Why there is no prediction for a planned hour; None if there is one."""
        for slot in self._used(plan):
            if slot in self._impossible:
                return self._impossible[slot]
        try:
            self._cuts(plan)
        except SequenceError as error:
            return str(error)
        return refusal(self._longitude[plan.slots[-1]])

    def notes(self) -> list[str]:
        """Why records broke, and what is unusual about those used, each once, in order of time."""
        noted = [note for _, notes in sorted(self._noted.items()) for note in notes]
        return list(dict.fromkeys((*self.reader.notes, *noted)))

    def probabilities(self, plans: list[SequencePlan]) -> np.ndarray:
        """Probabilities (hours,) of embedded plans."""
        if not plans:
            return np.empty(0)
        sequences = torch.stack(
            [torch.stack([self._embeddings[cut] for cut in self._cuts(plan)]) for plan in plans]
        )  # (B, T, D)
        return torch.sigmoid(self.embedder.logits(sequences).double()).numpy()

    def _used(self, plan: SequencePlan) -> tuple[SlotPlan, ...]:
        return plan.slots if self.config.temporal else plan.slots[-1:]

    def _cuts(self, plan: SequencePlan) -> list[tuple[SlotPlan, CropBox]]:
        """Return the frames of a sequence, all read, with what the network sees of each."""
        slots = self._used(plan)
        boxes = crop_boxes([self._places[slot] for slot in slots], self._crop)
        return list(zip(slots, boxes, strict=True))

    def _todo(self, plans: list[SequencePlan]) -> list[tuple[SlotPlan, CropBox | None]]:
        """Frames not read yet, each about its own centre; then those that are seen elsewhere."""
        wanted = {slot for plan in plans for slot in self._used(plan)}
        unread = sorted(wanted - self._places.keys() - self._impossible.keys())
        if unread:
            return [(slot, None) for slot in unread]
        cuts: set[tuple[SlotPlan, CropBox]] = set()
        for plan in plans:
            if all(slot in self._places for slot in self._used(plan)):
                try:
                    cuts.update(self._cuts(plan))
                except SequenceError:
                    continue  # `refusal` says why
        return [*sorted(cuts - self._embeddings.keys())]

    def _embed_some(self, cuts: Sequence[tuple[SlotPlan, CropBox | None]]) -> None:
        frames, found = [], []
        for slot, box in cuts:
            try:
                frame = self.reader.frame(slot)
            except SequenceError as error:
                self._impossible[slot] = str(error)
                continue
            except (FitsError, PositionError):
                continue  # the reader knows what broke
            self._places[slot] = Place.of(frame)
            self._noted[slot] = frame.notes
            self._longitude[slot] = float(frame.longitude.to_value("deg"))
            frames.append(frame)
            found.append((slot, box or crop_boxes([frame], self._crop)[0]))
        readings = self.embedder.read(frames, [box for _, box in found])
        for cut, reading in zip(found, readings, strict=True):
            self._embeddings[cut] = reading.embedding


def _without_record(hours: list[Time]) -> dict[str, str]:
    """Name the whole hours between the first and the last that are missing."""
    if not hours:
        return {}
    there = {round(float(tai_seconds(hour))) for hour in hours}
    return {
        iso_minute(time_from_seconds(hour)): "The hour has no usable record of its own."
        for hour in range(min(there), max(there), 3600)
        if hour not in there
    }


def _datetimes(seconds: list[float]) -> pd.DatetimeIndex:
    """TAI as datetime64 without a zone, from unix_tai seconds."""
    return pd.to_datetime(np.round(np.asarray(seconds, dtype=np.float64)), unit="s")
