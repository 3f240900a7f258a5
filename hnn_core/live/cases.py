"""Well-known flares, eruptive and confined, that a user can fetch by one click."""

import csv
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Case", "well_known_cases"]

_TABLE = Path(__file__).resolve().parents[2] / "assets" / "cases.csv"


@dataclass(frozen=True)
class Case:
    """A flare that the literature calls eruptive or confined."""

    flare: str
    """GOES class as announced."""
    noaa: int
    harp: int
    """Of the definitive series."""
    peak_utc: str
    """ISO minutes."""
    reference_tai: str
    """The last whole hour before the flare began, for x_t: ISO minutes, TAI."""
    outcome: str
    """``"eruptive"`` or ``"confined"``, by the literature and not by DONKI's links."""
    literature: str
    """Where it is studied."""

    @property
    def name(self) -> str:
        """``X2.2 of AR 11158, 2011-02-15``."""
        return f"{self.flare} of AR {self.noaa}, {self.peak_utc[:10]}"


def well_known_cases() -> list[Case]:
    """Return the cases that ship with the program, in time."""
    with _TABLE.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    return [
        Case(
            flare=row["flare"],
            noaa=int(row["noaa"]),
            harp=int(row["harp"]),
            peak_utc=row["peak_utc"],
            reference_tai=row["reference_tai"],
            outcome=row["outcome"],
            literature=row["literature"],
        )
        for row in rows
    ]
