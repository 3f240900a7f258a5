"""What happened after a time: the flares of the next 24 hours and what is known of their CMEs."""

import math
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from astropy.time import Time

from hnn_core.regions.base import Flare, Region
from hnn_core.regions.goes_classes import threshold
from hnn_core.regions.labels import WINDOW_HOURS, flares_ahead

__all__ = ["OUTCOME_WORDS", "Outcome", "OutcomeWord", "cme_words", "what_happened"]

OutcomeWord = Literal["eruptive", "confined", "no CME linked in DONKI", "unknown", "no flare"]
OUTCOME_WORDS: tuple[OutcomeWord, ...] = get_args(OutcomeWord)
_WORDS: dict[str, OutcomeWord] = {
    "eruptive": "eruptive",
    "unknown": "unknown",
    "unlinked": "no CME linked in DONKI",
    "confined": "confined",
}
"""By association; of several flares the first one here counts."""


@dataclass(frozen=True)
class Outcome:
    """What is known of the day after a time."""

    word: OutcomeWord
    sentence: str
    """``X2.2 at 2011-02-15 01:56 UTC (CME linked, 669 km/s).``"""
    flares: tuple[Flare, ...]
    """Those of the class in the 24 hours ahead, in time."""


def what_happened(region: Region, time: Time, flare_class: str) -> Outcome:
    """Return which flares of a class followed, and whether a CME is linked to one.

    Parameters
    ----------
    region : Region
    time : Time
        The reference time t; flares with 0 < t_peak − t ≤ 24 h count (docs/method.md, "Labels").
    flare_class : str
        ``"M5.0"``, ``"M"`` or ``"C"``, cumulative, with or without ``≥`` before it.

    Returns
    -------
    Outcome
        Eruptive if any of them is; unknown if none is and one is unknown; never confined for
        want of a link in DONKI.

    Raises
    ------
    DatasetError
        No such class.
    """
    threshold(flare_class)  # raises, also where there is no flare
    least = flare_class.strip().removeprefix("≥")
    ahead = flares_ahead(Time([time]), region.flares)[:, 0] if region.flares else np.zeros(0, bool)
    flares = [
        flare
        for flare, follows in zip(region.flares, ahead, strict=True)
        if follows and flare.reaches(least)
    ]
    flares.sort(key=lambda flare: float(flare.peak.unix))
    if not flares:
        return Outcome(
            "no flare",
            f"No ≥{least} flare of this region is known in the {WINDOW_HOURS} h after.",
            (),
        )
    known = {flare.association for flare in flares}
    word = next(word for kind, word in _WORDS.items() if kind in known)
    words = ", ".join(
        f"{flare.goes_class} at {flare.peak.utc.isot[:16].replace('T', ' ')} UTC "
        f"({cme_words(flare, simulated=region.simulated)})"
        for flare in flares
    )
    return Outcome(word, f"{words}.", tuple(flares))


def cme_words(flare: Flare, *, simulated: bool = False) -> str:
    """Return what is known of a flare's CME, in a few words.

    Parameters
    ----------
    flare : Flare
    simulated : bool
        Of a simulated region it is known whether a flare erupted.
    """
    if flare.cmes:
        words = "CME linked" if len(flare.cmes) == 1 else f"{len(flare.cmes)} CMEs linked"
        speeds = [cme.speed for cme in flare.cmes if not math.isnan(cme.speed)]
        fastest = "" if len(flare.cmes) == 1 else "the fastest "
        return f"{words}, {fastest}{max(speeds):.0f} km/s" if speeds else words
    if simulated and flare.association == "eruptive":
        return "eruptive"
    return {
        "eruptive": "CME linked",
        "unlinked": "no CME linked in DONKI",
        "confined": "confined",
        "unknown": "CME link unknown",
    }[flare.association]
