"""From which distribution simulated active regions are drawn, and what is fixed about each."""

from dataclasses import dataclass
from numbers import Integral

import numpy as np
from scipy.stats import norm

__all__ = ["HOURS", "PIXEL_CM2", "Population", "RegionParameters"]

HOURS = 48
"""Hourly frames of one simulated region."""
PIXEL_CM2 = float((np.deg2rad(0.03) * 6.96e10) ** 2)
"""Area of a SHARP CEA pixel: 0.03 degrees squared at RSUN_REF."""

_PIL_LOSS = 0.25  # rate of decay of the PIL's flux over the efficiency, measured
_STRONG = 0.3  # part of the regions
_LEAST_FLUX = 1.5e21  # Mx, left to spots and plage


@dataclass(frozen=True)
class Population:
    """Distribution from which regions are drawn, deterministic by seed."""

    seed: int = 0
    overlap: float = 0.02
    """Overlapping coefficient of the cancellation-efficiency distributions of the two
    classes, between 0 and 1. A perfect measurement of it would reach TSS = 1 - overlap."""
    eruptive_efficiency: float = 0.25
    """Median fraction of the flux in contact at the PIL that cancels in an hour."""
    confined_efficiency: float = 0.01
    tilting: bool = False
    """Whether what would cancel at the PIL of the eruptive half turns horizontal instead: the
    line-of-sight field loses as much, and nothing cancels. That half then counts as confined."""

    def __post_init__(self) -> None:
        if not isinstance(self.seed, Integral) or self.seed < 0:
            raise ValueError(f"seeds are whole numbers from 0, got {self.seed}")
        if not 0.0 < self.overlap < 1.0:
            raise ValueError(f"overlap must lie between 0 and 1, got {self.overlap}")
        if not 0.0 < self.confined_efficiency < self.eruptive_efficiency:
            raise ValueError(
                "efficiencies must be above 0, and the eruptive one the larger; got "
                f"{self.eruptive_efficiency} and {self.confined_efficiency}"
            )

    @property
    def efficiency_spread(self) -> float:
        """Standard deviation of ln(efficiency) that gives `overlap`.

        Two normal distributions a distance d apart with equal spread s overlap by
        2 Phi(-d / 2s) (Inman & Bradley 1989).
        """
        distance = np.log(self.eruptive_efficiency / self.confined_efficiency)
        return float(distance / (2.0 * norm.isf(self.overlap / 2.0)))

    def region(self, index: int) -> "RegionParameters":
        """Parameters of region number `index`, counted from 1.

        Of two successive regions one is eruptive and one confined, in random order.
        """
        if not isinstance(index, Integral) or index < 1:
            raise ValueError(f"regions are counted from 1 in whole numbers, got {index}")
        pair = np.random.default_rng([self.seed, 0, (index - 1) // 2])
        eruptive = bool(pair.integers(2)) ^ bool(index % 2)
        rng = np.random.default_rng([self.seed, 1, index])
        median = self.eruptive_efficiency if eruptive else self.confined_efficiency
        efficiency = min(median * np.exp(self.efficiency_spread * rng.standard_normal()), 0.35)
        flare_hour = rng.uniform(37.0, 47.0)
        onset_hour = flare_hour - rng.uniform(27.0, 36.0)
        # About what the PIL will have lost 12 h before the flare is added at the start and taken
        # off the spots, which regain it as it cancels: the middle of the labelled day then has
        # the same PIL flux in both classes, and the total is the same at any time.
        strong = bool(rng.random() < _STRONG)
        least, most = (1.8e21, 2.8e21) if strong else (1.1e21, 2.2e21)
        line = np.exp(rng.uniform(np.log(least), np.log(most)))
        feeding = rng.uniform(0.006, 0.012) if strong else rng.uniform(0.0, 0.005)
        lost = line * np.expm1(_PIL_LOSS * efficiency * (flare_hour - 12.0 - onset_hour))
        flare_flux = 10.0 ** rng.uniform(-5.0, -3.7)
        start_longitude = rng.uniform(-44.0, 17.0)
        latitude = rng.choice([-1.0, 1.0]) * rng.uniform(6.0, 26.0)
        rows, cols = 2 * rng.integers(140, 200), 2 * rng.integers(240, 372)
        around = np.exp(rng.uniform(np.log(4e21), np.log(2.8e22)))
        total_flux = max(around - lost, _LEAST_FLUX)
        return RegionParameters(
            seed=self.seed,
            index=index,
            eruptive=eruptive and not self.tilting,
            tilting=eruptive and self.tilting,
            efficiency=float(efficiency),
            onset_hour=float(onset_hour),
            flare_hour=float(flare_hour),
            flare_flux=float(flare_flux),
            start_longitude=float(start_longitude),
            latitude=float(latitude),
            rows=int(rows),
            cols=int(cols),
            total_flux=float(total_flux),
            pil_flux=float(line + lost),
            pil_length=float(rng.uniform(90.0, 190.0)),
            emergence_rate=float(rng.uniform(0.0, 0.010) * around / total_flux),
            pil_emergence_rate=float(feeding * line / (line + lost)),
            shear=float(rng.uniform(0.0, 0.4)),
            convergence=float(rng.uniform(0.0, 0.03)),
            strong=strong,
            bipoles=int(rng.choice([1, 2, 3], p=[0.4, 0.4, 0.2])),
            shear_start=float(rng.uniform(10.0, 50.0)),
        )


@dataclass(frozen=True)
class RegionParameters:
    """What is fixed about one simulated region before it evolves."""

    seed: int
    index: int
    eruptive: bool
    tilting: bool
    """What meets at the PIL turns horizontal instead of cancelling."""
    efficiency: float
    """Fraction of the flux in contact at the PIL that cancels in an hour, from onset on."""
    onset_hour: float
    flare_hour: float
    """Peak of the flare, hours after the first frame."""
    flare_flux: float
    """Peak soft X-ray flux, W m-2; independent of the class."""
    start_longitude: float
    """From the central meridian at the first frame, degrees."""
    latitude: float
    rows: int
    cols: int
    total_flux: float
    """Unsigned flux of spots and plage at the start, Mx."""
    pil_flux: float
    """Unsigned flux of the elements along the PIL at the start, Mx."""
    pil_length: float
    """Pixels."""
    emergence_rate: float
    """Unsigned flux that emerges in the spots in an hour, in parts of `total_flux`."""
    pil_emergence_rate: float
    """The same along the PIL, in parts of `pil_flux`."""
    shear: float
    """Speed of each side of the PIL along it, pixels per hour (1 px/h is 0.1 km/s)."""
    convergence: float
    """Speed of each side of the PIL towards it, pixels per hour."""
    strong: bool
    """The PIL is strong and flux emerges along it; independent of the class, so that confined
    regions have such a PIL as often as eruptive ones."""
    bipoles: int
    """Pairs of polarities along the axis; where there are several, the PIL lies between two."""
    shear_start: float
    """Angle at the first frame between the horizontal field at the PIL and a potential one's,
    degrees; `shear` makes it grow."""
