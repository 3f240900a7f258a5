"""The detector put to the test: measured decline of PIL flux against the true cancellation."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Any, Protocol, runtime_checkable

import numpy as np
import pandas as pd
from scipy import stats

from analysis.cases.case_study import HOURS
from analysis.physics.window_fluxes import THRESHOLDS, MaskKind
from analysis.surveys.survey import survey
from hnn_core.exceptions import EmptySourceError, SourceError
from hnn_core.live.reporting import counted
from hnn_core.magnetogram.conventions import number, tai_seconds
from hnn_core.regions.base import Source
from hnn_core.scores import group_draws, interval
from hnn_core.simulation.population import RegionParameters
from hnn_core.simulation.render import region_times
from hnn_core.simulation.store import evolution_of

__all__ = [
    "TRUSTED_CORRELATION",
    "Agreement",
    "Validation",
    "true_rate",
    "validate",
    "validation_table",
]

TRUSTED_CORRELATION = 0.7
"""Half of the variance of the truth shared (r² = 0.49): the least that a bin needs."""

_LONGITUDE_EDGES = (0.0, 15.0, 30.0, 45.0, 60.0)  # degrees from the central meridian
_LEAST_REGIONS = 8


@runtime_checkable
class _KnowsTruth(Protocol):
    def truth(self, region: str) -> RegionParameters: ...


@dataclass(frozen=True)
class Agreement:
    """How far measured declines agree with the truth over some windows."""

    windows: int
    regions: int
    correlation: float
    """Pearson's r of measured decline and true rate."""
    correlation_low: float
    """End of its 95 % interval, from drawing regions with replacement."""
    correlation_high: float
    rank_correlation: float
    """Spearman's."""
    bias_mx_per_h: float
    """Mean of measured decline less true rate: negative where it is underestimated."""
    gain: float
    """Slope of the least-squares line, measured over true; 1 for a faithful measure."""
    offset_mx_per_h: float
    """Measured decline where nothing cancels, by that line."""
    scatter_mx_per_h: float
    """Standard deviation of the measured decline about that line."""

    @property
    def trusted(self) -> bool:
        """Whether the measure follows the truth: r, and the interval's lower end above 0.5."""
        return (
            self.regions >= _LEAST_REGIONS
            and self.correlation >= TRUSTED_CORRELATION
            and self.correlation_low > 0.5
        )


@dataclass(frozen=True, eq=False)
class Validation:
    """Agreement over all windows, by longitude, and by threshold."""

    mask: MaskKind
    overall: Agreement
    """At the first threshold, all longitudes."""
    by_longitude: dict[tuple[float, float], Agreement]
    """By bin of abs(longitude), at the first threshold; bins without windows are left out."""
    by_threshold: dict[float, Agreement]
    """At the longitudes that are trusted, or at all if none is."""
    statement: str
    """Over what range the detector can be believed, in words."""

    def table(self) -> pd.DataFrame:
        """All agreements, one row each."""
        parts = {"all": self.overall}
        parts |= {f"longitude {a:g}–{b:g}°": one for (a, b), one in self.by_longitude.items()}
        parts |= {f"threshold {level:g} G": one for level, one in self.by_threshold.items()}
        return pd.DataFrame(
            {"bin": name, **asdict(one), "trusted": one.trusted} for name, one in parts.items()
        )


def true_rate(parameters: RegionParameters, t_rec: pd.Timestamp) -> float:
    """Return the true cancellation at the PIL over the window that ends at a time, Mx/h.

    Unsigned: both polarities count, as in an unsigned flux. Emergence is not taken off.

    Raises
    ------
    ValueError
        If the region has no such window.
    """
    away = np.abs(np.asarray(tai_seconds(region_times(parameters))) - t_rec.timestamp())
    end = int(away.argmin())
    if away[end] > 1.0 or end < HOURS - 1:
        raise ValueError(f"the simulated region has no window of {HOURS} hours that ends {t_rec}")
    return float(evolution_of(parameters).pil_cancellation[end - HOURS + 2 : end + 1].mean())


def validation_table(
    source: Source,
    regions: Iterable[str] | None = None,
    *,
    thresholds: tuple[float, ...] = THRESHOLDS,
    step: int = 6,
    **options: Any,
) -> pd.DataFrame:
    """Measure windows of simulated regions and add the truth.

    Parameters are those of `analysis.surveys.survey.survey`; `options` are its other ones.

    Returns
    -------
    DataFrame
        As `analysis.surveys.survey.survey`, and ``true_rate_mx_per_h``.

    Raises
    ------
    SourceError
        If the source's regions are not simulated, so that the truth is not known.
    EmptySourceError
        If there is no window.
    """
    if not isinstance(source, _KnowsTruth):
        raise SourceError(f"{source.spec} is not simulated: its true cancellation is not known.")
    table = survey(source, regions, step=step, thresholds=thresholds, **options)
    truths = {region: source.truth(region) for region in table["region"].unique()}
    windows = zip(table["region"], table["t_rec_tai"], strict=True)
    return table.assign(
        true_rate_mx_per_h=[true_rate(truths[region], time) for region, time in windows]
    )


def validate(table: pd.DataFrame, mask: MaskKind = "moving") -> Validation:
    """Compare measured declines of the unsigned PIL flux with the true cancellation.

    Parameters
    ----------
    table : DataFrame
        Of `validation_table`.
    mask : str
        One of `MASKS`.

    Raises
    ------
    EmptySourceError
        If the table has no window with a trend.
    """
    column = f"{mask}_unsigned_slope_mx_per_h"
    table = table[np.isfinite(table[column]) & np.isfinite(table["true_rate_mx_per_h"])]
    if table.empty:
        raise EmptySourceError("no window has both a measured trend and a true rate")
    levels = sorted(float(level) for level in table["threshold_g"].unique())
    first = table[table["threshold_g"] == levels[0]]
    away = first["longitude_deg"].abs()
    by_longitude = {
        (low, high): _agreement(rows, column)
        for low, high in pairwise(_LONGITUDE_EDGES)
        if not (rows := first[(away >= low) & (away < high)]).empty
    }
    if trusted := [edges for edges, agreement in by_longitude.items() if agreement.trusted]:
        away = table["longitude_deg"].abs()
        table = table[np.any([(away >= low) & (away < high) for low, high in trusted], axis=0)]
    by_threshold = {
        level: _agreement(table[table["threshold_g"] == level], column) for level in levels
    }
    overall = _agreement(first, column)
    return Validation(
        mask, overall, by_longitude, by_threshold, _statement(overall, by_longitude, by_threshold)
    )


def _agreement(rows: pd.DataFrame, column: str) -> Agreement:
    measured = -rows[column].to_numpy(np.float64)
    truth = rows["true_rate_mx_per_h"].to_numpy(np.float64)
    region, index = np.unique(rows["region"].to_numpy(str), return_inverse=True)
    bias = float((measured - truth).mean())
    nan = float("nan")
    if len(rows) < 3 or np.ptp(truth) == 0 or np.ptp(measured) == 0:
        return Agreement(len(rows), len(region), nan, nan, nan, nan, bias, nan, nan, nan)
    line = stats.linregress(truth, measured)
    rest = measured - line.intercept - line.slope * truth
    # How often each region is drawn, with replacement, is the weight of its windows.
    drawn = group_draws(len(region))
    low, high = interval(_weighted_correlation(truth, measured, drawn[:, index]))
    return Agreement(
        windows=len(rows),
        regions=len(region),
        correlation=float(line.rvalue),
        correlation_low=low,
        correlation_high=high,
        rank_correlation=float(stats.spearmanr(truth, measured).statistic),
        bias_mx_per_h=bias,
        gain=float(line.slope),
        offset_mx_per_h=float(line.intercept),
        scatter_mx_per_h=float(rest.std(ddof=2)),
    )


def _weighted_correlation(x: np.ndarray, y: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Pearson's r for each row of weights, (draws,); NaN where nothing varies."""
    weight = weight / weight.sum(axis=1, keepdims=True)
    x, y = x / np.abs(x).max(), y / np.abs(y).max()
    mean_x, mean_y = weight @ x, weight @ y
    covariance = weight @ (x * y) - mean_x * mean_y
    variance = (weight @ (x * x) - mean_x**2) * (weight @ (y * y) - mean_y**2)
    found = np.full(len(weight), np.nan)
    np.divide(covariance, np.sqrt(np.maximum(variance, 0)), out=found, where=variance > 1e-24)
    return found


def _statement(
    overall: Agreement,
    by_longitude: dict[tuple[float, float], Agreement],
    by_threshold: dict[float, Agreement],
) -> str:
    trusted = [edges for edges, agreement in by_longitude.items() if agreement.trusted]
    levels = [level for level, agreement in by_threshold.items() if agreement.trusted]
    r, gain = (number(value, ".2f") for value in (overall.correlation, overall.gain))
    found = (
        f"measured decline and true cancellation correlate with r = {r}, and {gain} of a true "
        "change is measured."
    )
    if not np.isfinite(overall.correlation):
        found = "there is too little to correlate measured decline with true cancellation."
    windows = counted(overall.windows, "window")
    regions = counted(overall.regions, "simulated region")
    measured = f"Over {windows} of {regions}, {found}"
    if not trusted or not levels:
        return f"{measured} There is no range in which the detector follows the truth well enough."
    # Bins from the meridian outwards, up to the first that fails.
    reach = 0.0
    for low, high in by_longitude:
        if low != reach or (low, high) not in trusted:
            break
        reach = high
    where = "between " + ", ".join(f"{low:g}° and {high:g}°" for low, high in trusted)
    if trusted[-1][1] == reach:
        where = f"up to {reach:g}° from the central meridian"
    cuts = ", ".join(f"{level:g}" for level in levels)
    return (
        f"{measured} The ranking of regions can be believed {where} and with thresholds of "
        f"{cuts} G (r at least {TRUSTED_CORRELATION} in every such bin); the rate itself cannot "
        "be read off unless it is divided by the gain. Nothing is known of farther longitudes, and "
        "the simulated regions are no proof for real ones."
    )
