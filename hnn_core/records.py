"""Which records of a region may be used, and the one nearest to an hour."""

from dataclasses import dataclass

import numpy as np

from hnn_core.sharp_keywords import NO_DATA

__all__ = ["GoodRecords", "QualityPolicy", "good_records"]


@dataclass(frozen=True)
class QualityPolicy:
    """Which QUALITY bits make a record unusable. Bit 31, no data, always does."""

    reject: int = 0x4000 | 0x200 | 0x20
    """Bits of which none may be set."""

    def __post_init__(self) -> None:
        if not 0 <= self.reject <= 0xFFFF_FFFF:
            raise ValueError(f"reject must be an unsigned 32-bit mask, not {self.reject!r}")


def good_records(quality: np.ndarray, policy: QualityPolicy | None = None) -> np.ndarray:
    """Tell which records may be used.

    Parameters
    ----------
    quality : ndarray (records,)
        QUALITY, unsigned or signed 32-bit.
    policy : QualityPolicy, optional

    Returns
    -------
    ndarray, bool (records,)
    """
    reject = NO_DATA | (policy or QualityPolicy()).reject
    return (np.asarray(quality).astype(np.int64) & reject) == 0


class GoodRecords:
    """The good records of a region in time order, and the search among them.

    Parameters
    ----------
    seconds : ndarray (records,)
        T_REC, unix_tai seconds, in any order.
    quality : ndarray (records,)
        QUALITY.
    policy : QualityPolicy, optional
    """

    def __init__(
        self, seconds: np.ndarray, quality: np.ndarray, policy: QualityPolicy | None
    ) -> None:
        quality = np.asarray(quality)
        if seconds.shape != quality.shape or seconds.ndim != 1:
            raise ValueError(
                f"times {seconds.shape} and quality {quality.shape} must have one axis alike"
            )
        order = np.argsort(seconds, kind="stable")
        order = order[good_records(quality, policy)[order]]
        self.index = order
        """Index of each good record among those given."""
        self.seconds = seconds[order]
        self.flagged = quality[order] != 0

    def nearest(self, slots: np.ndarray, reach: float, latest: float | np.ndarray) -> np.ndarray:
        """Position of the good record nearest to each slot, -1 where none is in reach.

        None later than `latest`; the earlier of two equally near.
        """
        if not self.seconds.size:
            return np.full(slots.shape, -1)
        after = np.searchsorted(self.seconds, slots, side="left")
        before = np.clip(after - 1, 0, None)
        behind = np.clip(after, None, self.seconds.size - 1)
        lag = np.abs(slots - self.seconds[before])
        lead = np.abs(self.seconds[behind] - slots)
        lead = np.where(self.seconds[behind] <= latest, lead, np.inf)
        lag = np.where(self.seconds[before] <= latest, lag, np.inf)
        picks = np.where(lead < lag, behind, before)
        return np.where(np.minimum(lead, lag) <= reach, picks, -1)
