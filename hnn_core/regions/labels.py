"""Which frames of an active region come before an eruptive flare, which before a confined one."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from astropy.time import Time

from hnn_core.exceptions import DatasetError
from hnn_core.magnetogram.conventions import tai_seconds
from hnn_core.regions.base import Association, Flare

__all__ = [
    "DEFAULT_POLICY",
    "NEGATIVE",
    "NO_LABEL",
    "POLICIES",
    "POSITIVE",
    "WINDOW_HOURS",
    "FrameLabels",
    "flare_label",
    "flares_ahead",
    "label_frames",
    "label_with_flares",
]

POSITIVE, NEGATIVE, NO_LABEL = 1, 0, -1
WINDOW_HOURS = 24

_PAPER: dict[Association, int] = {
    "eruptive": POSITIVE,
    "unlinked": NEGATIVE,
    "confined": NEGATIVE,
    "unknown": NO_LABEL,
}
DEFAULT_POLICY = "unlinked-is-confined"
"""The paper's: a flare that is in DONKI with no CME linked counts as confined."""
POLICIES = {DEFAULT_POLICY: _PAPER, "strict": {**_PAPER, "unlinked": NO_LABEL}}
"""The label of each association. An unknown one never gives a label."""


@dataclass(frozen=True, eq=False)
class FrameLabels:
    """The labels of T frames, and the flare that each label comes from."""

    label: np.ndarray
    """int8 (T,): 1, 0, or -1 for no label."""
    flare: np.ndarray
    """int64 (T,): index of the first flare ahead that has this label, -1 for no label."""


def label_frames(
    times_utc: Time,
    flares: Sequence[Flare],
    flare_class: str,
    *,
    policy: str = DEFAULT_POLICY,
) -> np.ndarray:
    """Label the frames of one active region.

    A frame at t gets the label of a flare of the class whose peak lies 0 < t_peak − t ≤ 24 h
    ahead. Where such flares have opposite labels, the positive one wins.

    Parameters
    ----------
    times_utc : Time (T,)
        Times of the frames. T_REC is TAI, 34 to 37 s ahead of UTC: a `Time` knows its scale, so
        T_REC may be given as it is; anything else is read as UTC.
    flares : sequence of Flare
        Of this region, in any order.
    flare_class : str
        ``"M5.0"``, ``"M"`` or ``"C"``, cumulative.
    policy : str
        One of `POLICIES`.

    Returns
    -------
    ndarray, int8 (T,)
        1 eruptive, 0 confined, -1 no label.

    Raises
    ------
    DatasetError
        No such class or policy.

    References
    ----------
    docs/method.md, "Labels"; the paper's section 2 and Figure 1.

    Examples
    --------
    >>> from astropy.time import Time
    >>> from hnn_core import label_frames
    >>> from hnn_core.regions.base import Flare
    >>> flare = Flare(Time("2011-02-15T01:56"), "X2.2", association="eruptive")
    >>> times = Time(["2011-02-14T00:00", "2011-02-14T12:00", "2011-02-15T03:00"], scale="utc")
    >>> label_frames(times, [flare], "M").tolist()
    [-1, 1, -1]
    """
    return label_with_flares(times_utc, flares, flare_class, policy=policy).label


def label_with_flares(
    times_utc: Time,
    flares: Sequence[Flare],
    flare_class: str,
    *,
    policy: str = DEFAULT_POLICY,
) -> FrameLabels:
    """Label frames as `label_frames` does, with the flare that each label comes from."""
    times = times_utc if isinstance(times_utc, Time) else Time(times_utc, scale="utc")
    label = np.full(times.shape, NO_LABEL, np.int8)
    chosen = np.full(times.shape, -1, np.int64)
    of_flare = [flare_label(flare, flare_class, policy) for flare in flares]
    ahead = flares_ahead(times, flares)
    # The latest first, so that the earliest of a label is the one that stays.
    order = sorted(range(len(flares)), key=lambda i: -float(flares[i].peak.unix))
    for wanted in (NEGATIVE, POSITIVE):  # positive last: it wins
        for i in order:
            if of_flare[i] == wanted:
                label[ahead[i]] = wanted
                chosen[ahead[i]] = i
    return FrameLabels(label, chosen)


def flare_label(flare: Flare, flare_class: str, policy: str) -> int:
    """Return the label that one flare gives to the frames before it; -1 for none.

    Raises
    ------
    DatasetError
        No such class or policy.
    """
    if policy not in POLICIES:
        raise DatasetError(f"{policy!r} is not a policy; choose {' or '.join(POLICIES)}.")
    return POLICIES[policy][flare.known] if flare.reaches(flare_class) else NO_LABEL


def flares_ahead(times: Time, flares: Sequence[Flare]) -> np.ndarray:
    """Return which flares peak within the day after each frame, 0 < t_peak − t ≤ 24 h.

    Returns
    -------
    ndarray, bool (flares, T)
    """
    peaks = np.array([float(tai_seconds(flare.peak)) for flare in flares])
    wait = peaks.reshape(-1, *[1] * times.ndim) - tai_seconds(times)
    return np.asarray((wait > 0) & (wait <= WINDOW_HOURS * 3600.0))
