"""The trend of a window under every choice that could have made it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import pandas as pd
from astropy import units as u
from astropy.units import Quantity

from analysis.pil import PilMasks, PilSettings
from analysis.pil_r_value import header_r_value, r_value
from analysis.trends import Trend, trend
from analysis.trends_fluxes import MASKS, THRESHOLDS, MaskKind, WindowFluxes, window_fluxes
from hnn_core.magnetogram import Magnetogram

__all__ = ["QUANTITIES", "Systematics", "systematics"]

FluxName = Literal["unsigned", "positive", "negative"]
QUANTITIES: tuple[FluxName, ...] = get_args(FluxName)
_RATE = u.Mx / u.h


@dataclass(frozen=True, eq=False)
class Systematics:
    """Trends of a window by mask, flux, threshold and μ correction, and what goes beside them."""

    fluxes: WindowFluxes
    trends: dict[tuple[MaskKind, FluxName, float, bool], Trend]
    """By mask, flux, threshold in gauss, and whether the field was divided by μ."""
    r_values: np.ndarray
    """(T,) R value of each frame, made here."""
    header_r_values: np.ndarray
    """(T,) R_VALUE of the header; NaN where it has none."""
    orbital_velocity: Quantity
    """(T,) OBS_VR, velocity of the observatory along the line to the Sun, km/s, away from it
    positive; NaN where the header does not tell."""
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
        """Least and largest slope over thresholds and μ correction, (2,) Mx/h.

        NaN where no slope is known.
        """
        slopes = [
            trend.slope.to_value(_RATE)
            for (kind, name, *_), trend in self.trends.items()
            if (kind, name) == (mask, flux) and np.isfinite(trend.slope)
        ]
        return ([min(slopes), max(slopes)] if slopes else [np.nan, np.nan]) * _RATE

    def formal_error(self, mask: MaskKind = "moving") -> Quantity:
        """Formal error of the slope, Mx/h: from the noise of pixels alone, without a cut.

        That of a straight line fitted through frames of independent noise.
        """
        errors = self.fluxes.error[:, MASKS.index(mask), 0, 0]
        hours = self.fluxes.hours - self.fluxes.hours.mean()
        spread = float(hours @ hours)
        variance = float((hours**2 * errors**2).sum())
        return (np.sqrt(variance) / spread if spread > 0 else np.nan) * _RATE

    def table(self) -> pd.DataFrame:
        """All trends, one row each; the last word of a column is its unit where it has one."""
        rows = []
        for (mask, flux, threshold, mu), found in self.trends.items():
            low, high = found.interval.to_value(_RATE)
            rows.append(
                {
                    "mask": mask,
                    "flux": flux,
                    "threshold_g": threshold,
                    "mu_corrected": mu,
                    "n": found.n,
                    "left_out": found.left_out,
                    "slope_mx_per_h": found.slope.to_value(_RATE),
                    "slope_low_mx_per_h": low,
                    "slope_high_mx_per_h": high,
                    "slope_percent_per_h": found.percent,
                    "slope_low_percent_per_h": found.percent_interval[0],
                    "slope_high_percent_per_h": found.percent_interval[1],
                    "kendall_s": found.s,
                    "z": found.z,
                    "p": found.p,
                    "serial_correction": found.correction,
                    "sufficient": found.sufficient,
                }
            )
        return pd.DataFrame(rows)


def systematics(
    frames: Sequence[Magnetogram],
    settings: PilSettings | None = None,
    *,
    thresholds: Sequence[float] = THRESHOLDS,
    masks: Sequence[PilMasks] | None = None,
) -> Systematics:
    """Take the trends of a window under every choice of mask, threshold and μ correction.

    Parameters
    ----------
    frames : sequence of Magnetogram
        In order of time. Interpolated ones count; they are marked in the answer.
    settings : PilSettings, optional
    thresholds : sequence of float
        Smallest abs(B) that counts, ascending, gauss.
    masks : sequence of PilMasks, optional
        Those of the frames, where they are detected already.

    Returns
    -------
    Systematics
        Trends that cannot be told (a mask fixed on patches of different shapes, μ without
        coordinates) have no points and are not sufficient.

    Raises
    ------
    EmptySourceError
        If there is no frame.

    Notes
    -----
    SCIENCE section 7. Φ− is taken as a positive number, so that a fall is a fall in both.
    """
    settings = settings or PilSettings()
    fluxes = window_fluxes(frames, settings, thresholds=thresholds, masks=masks)
    parts = {name: getattr(fluxes, name) for name in QUANTITIES}
    trends = {
        (mask, name, threshold, mu): trend(fluxes.hours, part[:, m, k, int(mu)] * u.Mx)
        for m, mask in enumerate(MASKS)
        for name, part in parts.items()
        for k, threshold in enumerate(fluxes.thresholds)
        for mu in (False, True)
    }
    return Systematics(
        fluxes=fluxes,
        trends=trends,
        r_values=np.array([r_value(frame.field) for frame in frames]),
        header_r_values=np.array([header_r_value(frame) for frame in frames]),
        orbital_velocity=np.array([_velocity(frame) for frame in frames]) * (u.km / u.s),
        longitude=np.array([frame.longitude.to_value(u.deg) for frame in frames]),
        interpolated=np.array([frame.interpolated for frame in frames]),
        settings=settings,
        simulated=any(frame.simulated for frame in frames),
    )


def _velocity(frame: Magnetogram) -> float:
    """OBS_VR in km/s; the header has m/s."""
    value = frame.header.get("OBS_VR")
    if isinstance(value, bool) or not isinstance(value, int | float):
        return float("nan")
    return float(value) / 1000.0
