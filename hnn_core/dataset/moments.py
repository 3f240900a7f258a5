"""The hours of a region that have a label and a sequence, and why the others have none."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import astropy.units as u
import numpy as np
from astropy.time import Time

from hnn_core.magnetogram.conventions import tai_seconds, time_from_seconds
from hnn_core.magnetogram.sequence_plan import TOLERANCE, SequencePlan, sequence_hours
from hnn_core.regions.base import Flare
from hnn_core.regions.goes_classes import FLARE_CLASSES
from hnn_core.regions.labels import NO_LABEL, flares_ahead, label_with_flares

__all__ = ["DEFAULT_HOURS", "Moment", "Reason", "labelled_moments", "longer_plans"]

DEFAULT_HOURS = 10
"""m of the paper: an x_t with fewer hours is not used."""
_HOUR = 3600.0


class Reason(StrEnum):
    """Why an hour of a region's passage gave no sequence."""

    NO_FLARE = "no flare of class C or above known within 24 h"
    UNKNOWN = "association of the coming flare unknown"
    NO_RECORD = "no good record of its own"
    GAP = "too many hours missing before it"
    FAR = "more than 45° from the central meridian"
    NO_LONGITUDE = "longitude not known"
    APART = "patches that cannot be laid on one grid"


@dataclass(frozen=True)
class Moment:
    """One hour t of a region with a label and a sequence of `DEFAULT_HOURS`."""

    hour: float
    """Whole hour, unix_tai seconds."""
    t_rec: float
    """T_REC of x_t, unix_tai seconds; labels count from it."""
    plan: SequencePlan
    labels: dict[str, int]
    """By class: 1, 0, or -1 for no label."""
    flares: dict[str, Flare | None]
    """By class: the flare the label comes from."""


def labelled_moments(
    times: Time, quality: np.ndarray, flares: Sequence[Flare], policy: str
) -> tuple[list[Moment], Counter[str]]:
    """Find the hours that can be trained on, as far as times and labels show.

    Times and quality are those of the records. Returns the moments, ascending, and the number of
    hours without, by `Reason`: without a label first, whatever else is wrong with them.
    """
    excluded: Counter[str] = Counter()
    plans = {
        float(tai_seconds(hour)): plan
        for hour, plan in sequence_hours(times, quality, DEFAULT_HOURS)
    }
    hours = _passage(times)
    if not hours.size:
        return [], excluded
    seconds = tai_seconds(times)
    t_rec = hours.copy()
    for i, hour in enumerate(hours):
        if isinstance(plan := plans.get(hour), SequencePlan):
            t_rec[i] = seconds[plan.slots[-1].left]
    when = time_from_seconds(t_rec)
    labels = {name: label_with_flares(when, flares, name, policy=policy) for name in FLARE_CLASSES}
    counted = [flare for flare in flares if flare.reaches(FLARE_CLASSES[-1])]
    any_ahead = np.any(flares_ahead(when, counted), axis=0)
    moments = []
    for i, hour in enumerate(hours):
        of_class = {name: int(found.label[i]) for name, found in labels.items()}
        plan = plans.get(hour)
        if all(label == NO_LABEL for label in of_class.values()):
            excluded[Reason.UNKNOWN if any_ahead[i] else Reason.NO_FLARE] += 1
        elif plan is None:
            excluded[Reason.NO_RECORD] += 1
        elif not isinstance(plan, SequencePlan):
            excluded[Reason.GAP] += 1
        else:
            named = {
                name: None if of_class[name] == NO_LABEL else flares[found.flare[i]]
                for name, found in labels.items()
            }
            moments.append(Moment(float(hour), float(t_rec[i]), plan, of_class, named))
    return moments, excluded


def longer_plans(times: Time, quality: np.ndarray, longest: int) -> dict[float, SequencePlan]:
    """Plan for each hour the longest sequence of more than `DEFAULT_HOURS`, where there is one."""
    found: dict[float, SequencePlan] = {}
    for length in range(longest, DEFAULT_HOURS, -1):
        for hour, plan in sequence_hours(times, quality, length):
            if isinstance(plan, SequencePlan):
                found.setdefault(float(tai_seconds(hour)), plan)
    return found


def _passage(times: Time) -> np.ndarray:
    """Whole hours TAI from the first record to the last, unix_tai seconds."""
    seconds = tai_seconds(times)
    if not seconds.size:
        return np.empty(0)
    last = np.floor((seconds.max() + TOLERANCE.to_value(u.s)) / _HOUR)
    return _HOUR * np.arange(np.ceil(seconds.min() / _HOUR), last + 1)
