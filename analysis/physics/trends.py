"""Trends of flux histories, and of a window under every choice that could have made a trend."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import pandas as pd
from astropy import units as u
from astropy.units import Quantity
from scipy import stats

from analysis.physics.coordinates import header_number
from analysis.physics.flux import header_r_value, r_value
from analysis.physics.pil import PilMasks, PilSettings
from analysis.physics.window_fluxes import MASKS, MaskKind, WindowFluxes, window_fluxes
from hnn_core.magnetogram.magnetogram import Magnetogram

__all__ = [
    "LEAST_POINTS",
    "QUANTITIES",
    "RATE",
    "Systematics",
    "Trend",
    "mann_kendall",
    "systematics",
    "trend",
]

FluxName = Literal["unsigned", "positive", "negative"]
QUANTITIES: tuple[FluxName, ...] = get_args(FluxName)

LEAST_POINTS = 10
"""With fewer hours there is no verdict on a trend (docs/method.md, "Flux and trends")."""

RATE = u.Mx / u.h
"""Unit of slopes."""

_LEVEL = 0.95


@dataclass(frozen=True)
class Trend:
    """What is known of the trend of a flux over a window."""

    n: int
    """Points that counted."""
    left_out: int
    """Points without a number."""
    slope: Quantity
    """Theil–Sen slope, Mx/h or another unit an hour: the median of the slopes between all pairs
    of points."""
    interval: Quantity
    """Its 95 % interval (2,), from the ranks of those slopes (Sen 1968)."""
    percent: float
    """The slope in percent an hour of the median flux; NaN where that is 0."""
    percent_interval: tuple[float, float]
    s: float
    """Mann–Kendall's S: pairs that rise less pairs that fall."""
    z: float
    """S over its corrected deviation, with the correction for continuity."""
    p: float
    """Two-sided, of no trend."""
    correction: float
    """By what Hamed & Rao's correction multiplies the variance of S; 1 is independent points."""

    @property
    def rates(self) -> dict[str, float]:
        """Slope and interval as columns of a table: Mx/h, and percent an hour."""
        low, high = self.interval.to_value(RATE)
        return {
            "slope_mx_per_h": self.slope.to_value(RATE),
            "slope_low_mx_per_h": low,
            "slope_high_mx_per_h": high,
            "slope_percent_per_h": self.percent,
            "slope_low_percent_per_h": self.percent_interval[0],
            "slope_high_percent_per_h": self.percent_interval[1],
        }

    @property
    def sufficient(self) -> bool:
        """Whether there are enough points for a trend."""
        return self.n >= LEAST_POINTS

    @property
    def falls(self) -> bool:
        """Whether the flux falls: enough points, p under 0.05, and the whole interval below 0."""
        return self.sufficient and self.p < 1 - _LEVEL and bool(self.interval[1].value < 0)

    @property
    def rises(self) -> bool:
        """Whether the flux rises, by the same rule."""
        return self.sufficient and self.p < 1 - _LEVEL and bool(self.interval[0].value > 0)


def trend(hours: np.ndarray, flux: Quantity) -> Trend:
    """Describe the trend of a flux history.

    Parameters
    ----------
    hours : (n,) array
        Times in hours, in any order, all different where the flux is a number.
    flux : Quantity (n,)
        Flux, or another quantity of a window; NaN where it is not known, which is left out and
        counted.

    Returns
    -------
    Trend
        With fewer than three points everything but `n` and `left_out` is NaN.

    Raises
    ------
    ValueError
        The lengths differ, or two points have the same time.

    Notes
    -----
    docs/method.md, "Flux and trends". Sen (1968); Hamed & Rao (1998), J. Hydrol. 204, 182.

    Examples
    --------
    >>> import numpy as np
    >>> from astropy import units as u
    >>> hours = np.arange(10.0)
    >>> found = trend(hours, (50 - hours) * 1e20 * u.Mx)
    >>> found.slope, found.falls
    (<Quantity -1.e+20 Mx / h>, True)
    """
    hours = np.asarray(hours, np.float64)
    unit = u.Mx if flux.unit.is_equivalent(u.Mx) else flux.unit
    rate, values = unit / u.h, np.asarray(flux.to_value(unit), np.float64)
    if hours.shape != values.shape or hours.ndim != 1:
        raise ValueError(f"{hours.shape} times do not go with {values.shape} fluxes")
    known = np.isfinite(hours) & np.isfinite(values)
    order = np.argsort(hours[known])
    hours, values = hours[known][order], values[known][order]
    if (np.diff(hours) == 0).any():
        raise ValueError("two points of a history have the same time")
    left_out = int(known.size - known.sum())
    if values.size < 3:
        nothing = np.nan * rate
        pair = (np.nan, np.nan)
        both = Quantity([nothing, nothing])
        return Trend(values.size, left_out, nothing, both, np.nan, pair, *[np.nan] * 4)
    slope, _, low, high = stats.theilslopes(values, hours, alpha=_LEVEL)
    middle = float(np.median(values))
    s, z, p, correction = mann_kendall(hours, values)
    return Trend(
        n=values.size,
        left_out=left_out,
        slope=slope * rate,
        interval=np.array([low, high]) * rate,
        percent=_percent(slope, middle),
        percent_interval=(_percent(low, middle), _percent(high, middle)),
        s=s,
        z=z,
        p=p,
        correction=correction,
    )


def mann_kendall(hours: np.ndarray, values: np.ndarray) -> tuple[float, float, float, float]:
    """Mann–Kendall test with the correction for serial correlation of Hamed & Rao (1998).

    Parameters
    ----------
    hours, values : (n,) array
        Ascending in time, finite; n at least 3.

    Returns
    -------
    s, z, p, correction : float
        As in `Trend`. Without any variance z is 0 and p is 1.

    Notes
    -----
    Ten points can hardly show their own memory: of noise without a trend 5 % is called one where
    the points are independent, but 18 % where each keeps half of the one before it and 34 % at 0.8
    (3000 drawn series of ten; at forty points the correction brings 24 % down to 18 %).

    The correction takes the autocorrelation of the ranks of what is left after the Theil–Sen line,
    at the lags where it is significant (5 %). A correction below 1 would make the test bolder
    than for independent points; it is not applied, since from a few points it is mostly chance.
    """
    n = values.size
    s = float(np.sign(np.subtract.outer(values, values))[np.tril_indices(n, -1)].sum())
    _, ties = np.unique(values, return_counts=True)
    variance = (n * (n - 1) * (2 * n + 5) - (ties * (ties - 1) * (2 * ties + 5)).sum()) / 18.0
    correction = _serial_correction(hours, values)
    deviation = float(np.sqrt(variance * correction))
    z = (s - np.sign(s)) / deviation if deviation > 0 else 0.0
    return s, float(z), float(2 * stats.norm.sf(abs(z))), correction


@dataclass(frozen=True, eq=False)
class Systematics:
    """Trends of a window by mask, flux, threshold and μ correction, and what goes with them."""

    fluxes: WindowFluxes
    trends: dict[tuple[MaskKind, FluxName, float, bool], Trend]
    """By mask, flux, threshold in gauss, and whether the field was divided by μ."""
    r_values: np.ndarray
    """(T,) R value of each frame, computed here."""
    header_r_values: np.ndarray
    """(T,) R_VALUE of the header; NaN where it has none."""
    orbital_velocity: Quantity
    """(T,) OBS_VR, velocity of the observatory along the line to the Sun, km/s, away from it
    positive; NaN where the header has none."""
    longitude: np.ndarray
    """(T,) from the central meridian, degrees."""
    interpolated: np.ndarray
    """(T,) bool."""
    settings: PilSettings
    simulated: bool

    def trend(
        self,
        mask: MaskKind = "moving",
        flux: FluxName = "unsigned",
        threshold: float = 0.0,
        *,
        mu: bool = False,
    ) -> Trend:
        """One of the trends. By default the paper's: the frames' own PIL regions, no cut."""
        return self.trends[mask, flux, float(threshold), mu]

    def band(self, mask: MaskKind = "moving", flux: FluxName = "unsigned") -> Quantity:
        """Smallest and largest slope over thresholds and μ correction, (2,) Mx/h.

        NaN where no slope is known.
        """
        slopes = [
            trend.slope.to_value(RATE)
            for (kind, name, *_), trend in self.trends.items()
            if (kind, name) == (mask, flux) and np.isfinite(trend.slope)
        ]
        return ([min(slopes), max(slopes)] if slopes else [np.nan, np.nan]) * RATE

    def formal_error(self) -> Quantity:
        """Formal error of the moving mask's slope, Mx/h: from the noise of pixels, without a cut.

        That of a straight line fitted through frames of independent noise.
        """
        errors = self.fluxes.error[:, MASKS.index("moving"), 0, 0]
        hours = self.fluxes.hours - self.fluxes.hours.mean()
        spread = float(hours @ hours)
        variance = float((hours**2 * errors**2).sum())
        return (np.sqrt(variance) / spread if spread > 0 else np.nan) * RATE

    def table(self) -> pd.DataFrame:
        """All trends, one row each; the last word of a column is its unit where it has one."""
        rows = [
            {
                "mask": mask,
                "flux": flux,
                "threshold_g": threshold,
                "mu_corrected": mu,
                "n": found.n,
                "left_out": found.left_out,
                **found.rates,
                "kendall_s": found.s,
                "z": found.z,
                "p": found.p,
                "serial_correction": found.correction,
                "sufficient": found.sufficient,
            }
            for (mask, flux, threshold, mu), found in self.trends.items()
        ]
        return pd.DataFrame(rows)


def systematics(
    frames: Sequence[Magnetogram],
    settings: PilSettings | None = None,
    *,
    masks: Sequence[PilMasks] | None = None,
) -> Systematics:
    """Take the trends of a window under every choice of mask, threshold and μ correction.

    Parameters
    ----------
    frames : sequence of Magnetogram
        In order of time. Interpolated ones count; they are marked in the answer.
    settings, masks
        As in `analysis.physics.window_fluxes.window_fluxes`.

    Returns
    -------
    Systematics
        Trends that are not known (a fixed mask where it is not known how the patches lie on each
        other, μ without coordinates) have no points and are not sufficient.

    Raises
    ------
    EmptySourceError
        If there is no frame.

    Notes
    -----
    docs/method.md, "Flux and trends". Φ− is taken as a positive number, so that a fall is a fall in
    both.
    """
    settings = settings or PilSettings()
    fluxes = window_fluxes(frames, settings, masks=masks)
    trends = {
        (mask, name, threshold, mu): trend(
            fluxes.hours, getattr(fluxes, name)[:, m, k, int(mu)] * u.Mx
        )
        for m, mask in enumerate(MASKS)
        for name in QUANTITIES
        for k, threshold in enumerate(fluxes.thresholds)
        for mu in (False, True)
    }
    velocity = np.array([header_number(frame, "OBS_VR") for frame in frames])  # m/s
    return Systematics(
        fluxes=fluxes,
        trends=trends,
        r_values=np.array([r_value(frame.field) for frame in frames]),
        header_r_values=np.array([header_r_value(frame) for frame in frames]),
        orbital_velocity=velocity / 1000.0 * (u.km / u.s),
        longitude=np.array([frame.longitude.to_value(u.deg) for frame in frames]),
        interpolated=np.array([frame.interpolated for frame in frames]),
        settings=settings,
        simulated=any(frame.simulated for frame in frames),
    )


def _percent(rate: float, middle: float) -> float:
    """Rate in percent of the median; the quotient first, since 100 over a tiny median is none."""
    return 100.0 * (float(rate) / middle) if middle else float("nan")


def _serial_correction(hours: np.ndarray, values: np.ndarray) -> float:
    n = values.size
    slope = stats.theilslopes(values, hours).slope
    ranks = stats.rankdata(values - slope * hours)
    ranks -= ranks.mean()
    power = float(ranks @ ranks)
    if power == 0.0:
        return 1.0
    lags = np.arange(1, n - 1)
    correlation = np.array([float(ranks[lag:] @ ranks[:-lag]) for lag in lags]) / power
    correlation[np.abs(correlation) < stats.norm.ppf(0.975) / np.sqrt(n)] = 0.0
    weights = (n - lags) * (n - lags - 1) * (n - lags - 2)
    return max(1.0, 1.0 + 2.0 / (n * (n - 1) * (n - 2)) * float(weights @ correlation))
