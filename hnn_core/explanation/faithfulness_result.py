"""What insertion and deletion found about a map, as curves, numbers and words."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from hnn_core.magnetogram.conventions import number

__all__ = ["Comparison", "Curve", "Faithfulness"]

_INTERVAL = (2.5, 97.5)
_AGAINST = {"better": "better than", "worse": "worse than", "equal": "no different from"}
_ROUNDING = 1e-6
"""Differences of probability (or logit) below it are rounding, not faithfulness."""


@dataclass(frozen=True, eq=False)
class Curve:
    """The class's probability (or logit) while tokens are deleted or inserted."""

    order: str
    """``"map"``, ``"field"`` (mean |B|), ``"gradient"`` or ``"random"``."""
    fill: str
    """What hidden tokens show: ``"zero"`` or ``"blurred"``."""
    kind: str
    """``"deletion"`` or ``"insertion"``."""
    fraction: np.ndarray
    """(n + 1,) share of the tokens deleted or inserted, from 0 to 1."""
    value: np.ndarray
    """(n + 1,)"""

    @property
    def area(self) -> float:
        """Area under the curve, by trapezoids: its mean over the fraction."""
        return float(np.trapezoid(self.value, self.fraction))


@dataclass(frozen=True)
class Comparison:
    """The area under a map's curve against those of other orders."""

    fill: str
    kind: str
    area: float
    field_area: float
    """Of the order by mean |B| of a token."""
    gradient_area: float
    """Of the order by mean |gradient| of a token."""
    random_areas: tuple[float, ...]

    @property
    def name(self) -> str:
        """``deletion with a zero field``."""
        return f"{self.kind} with a {self.fill} field"

    def advantage(self, over: float) -> float:
        """How much better the map's area is than another: positive is better for both kinds."""
        return over - self.area if self.kind == "deletion" else self.area - over

    @property
    def difference(self) -> float:
        """Advantage over the mean of the random orders."""
        return self.advantage(float(np.mean(self.random_areas)))

    @property
    def interval(self) -> tuple[float, float]:
        """The middle 95 % of the advantages over single random orders.

        Its ends are advantages over drawn orders, the outer ones: where it excludes 0, at most
        one draw in twenty lies on the other side.
        """
        advantages = [self.advantage(area) for area in self.random_areas]
        low = np.percentile(advantages, _INTERVAL[0], method="lower")
        high = np.percentile(advantages, _INTERVAL[1], method="higher")
        return float(low), float(high)

    @property
    def p_value(self) -> float:
        """Chance that a random order does as well as the map, (1 + such draws) / (1 + draws)."""
        as_well = sum(self.advantage(area) <= _ROUNDING for area in self.random_areas)
        return (1 + as_well) / (1 + len(self.random_areas))

    @property
    def state(self) -> str:
        """Against random orders: ``"better"``, ``"worse"``, or ``"equal"``.

        Better where the 95 % interval lies above 0, worse where it lies below, equal where it
        holds 0.
        """
        low, high = self.interval
        if low > _ROUNDING:
            return "better"
        return "worse" if high < -_ROUNDING else "equal"

    @property
    def words(self) -> str:
        """The comparison as a sentence."""
        gain, low, high = (number(value, "+.3g") for value in (self.difference, *self.interval))
        orders = {"|B|": self.field_area, "the gradient": self.gradient_area}
        beaten = [name for name, area in orders.items() if self.advantage(area) > _ROUNDING]
        others = "no better than |B| or the gradient"
        if beaten:
            others = f"better than {' and '.join(beaten)}"
            missed = [name for name in orders if name not in beaten]
            others += f", not than {missed[0]}" if missed else ""
        return (
            f"{self.name.capitalize()}: {_AGAINST[self.state]} random order "
            f"(difference of area {gain}, 95 % from {low} to {high}); "
            f"{others}."
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the numbers as one tidy row."""
        low, high = self.interval
        return {
            "fill": self.fill,
            "kind": self.kind,
            "area": self.area,
            "random_area": float(np.mean(self.random_areas)),
            "difference": self.difference,
            "difference_low": low,
            "difference_high": high,
            "p_value": self.p_value,
            "field_area": self.field_area,
            "gradient_area": self.gradient_area,
            "against_random": self.state,
        }


@dataclass(frozen=True, eq=False)
class Faithfulness:
    """Insertion and deletion curves of a map and of the orders it is held against."""

    curves: tuple[Curve, ...]
    comparisons: tuple[Comparison, ...]
    """One for each fill and kind."""
    draws: int
    """Random orders."""
    flat: bool
    """True if the map is the same everywhere, so that it gives no order."""

    @property
    def state(self) -> str:
        """All curves taken together.

        ``"better"`` or ``"worse"`` than random order in every curve, ``"equal"`` in every curve,
        or ``"mixed"``; ``"flat"`` for a map that gives no order.
        """
        states = {c.state for c in self.comparisons}
        return "flat" if self.flat else states.pop() if len(states) == 1 else "mixed"

    @property
    def verdict(self) -> str:
        """The whole as a sentence, never stronger than the curves."""
        if self.flat:
            return "The map is the same everywhere: it gives no order, no better than random."
        if self.state == "mixed":
            verdict = f"Mixed: of {len(self.comparisons)} curves the map is " + ", ".join(
                f"{_AGAINST[state]} random order in {len(curves)} ({' and '.join(curves)})"
                for state in _AGAINST
                if (curves := [c.name for c in self.comparisons if c.state == state])
            )
        else:
            verdict = f"The map is {_AGAINST[self.state]} random order in every curve"
        verdict += f"; {self.draws} draws"
        better = [c for c in self.comparisons if c.state == "better"]
        if any(c.advantage(c.field_area) <= _ROUNDING for c in better):
            verdict += "; where it is better, the order by |B| does as well in one curve at least"
        return verdict + "."

    def random_band(self, fill: str, kind: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Fraction, lower and upper end of the middle 95 % of the random curves, (n + 1,) each."""
        drawn = [
            curve
            for curve in self.curves
            if (curve.order, curve.fill, curve.kind) == ("random", fill, kind)
        ]
        low, high = np.percentile([curve.value for curve in drawn], _INTERVAL, axis=0)
        return drawn[0].fraction, low, high
