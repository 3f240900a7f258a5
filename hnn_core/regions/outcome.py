"""What happened after a time: the flares of the next 24 hours and what is known of their CMEs."""

import math
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from astropy.time import Time

from hnn_core.magnetogram.conventions import tai_seconds
from hnn_core.regions.base import CONTRADICTION, Flare, FlareLookup, Region
from hnn_core.regions.goes_classes import ROUNDING, flux_of_class, threshold
from hnn_core.regions.labels import WINDOW_HOURS, flares_ahead

__all__ = [
    "FLARELESS",
    "OUTCOME_WORDS",
    "Outcome",
    "OutcomeWord",
    "cme_words",
    "lookup_sentence",
    "what_happened",
]

OutcomeWord = Literal[
    "eruptive", "confined", "no CME linked in DONKI", "unknown", "no flare", "not looked up"
]
OUTCOME_WORDS: tuple[OutcomeWord, ...] = get_args(OutcomeWord)
FLARELESS: tuple[OutcomeWord, ...] = ("no flare", "not looked up")
"""Words where no flare is known: a catalogue that was looked up holds none, or none was."""
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
    """``X2.2 at 2011-02-15 01:56 UTC (CME linked, 669 km/s). Known from flares.csv.``"""
    flares: tuple[Flare, ...]
    """Those of the class in the 24 hours ahead, in time."""
    catalogue: str = ""
    """Of "no flare": what was looked up, ``flares.csv (2010-05-05 to 2017-09-10)``."""

    @property
    def words(self) -> str:
        """The word, with the catalogue that holds no flare."""
        return f"{self.word} in {self.catalogue}" if self.catalogue else self.word


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
        want of a link in DONKI. Without one: "no flare" where a catalogue that was looked up
        covers the whole day and holds none, else "not looked up".

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
        return _without_flares(region, time, least)
    known = {flare.known for flare in flares}
    word = next(word for kind, word in _WORDS.items() if kind in known)
    words = ", ".join(
        f"{flare.goes_class} at {flare.peak.utc.isot[:16].replace('T', ' ')} UTC "
        f"({cme_words(flare, simulated=region.simulated)})"
        for flare in flares
    )
    sources = ", ".join(dict.fromkeys(flare.source for flare in flares if flare.source))
    begin = float(tai_seconds(time))
    unread = [one.name for one in region.lookups if _unread(one, begin, least)]
    sentence = f"{words}."
    if sources:
        sentence += f" Known from {sources}."
    if unread:
        sentence += f" There may be others: not every row of {' and '.join(unread)} could be read."
    return Outcome(word, sentence, tuple(flares))


def _without_flares(region: Region, time: Time, least: str) -> Outcome:
    """Tell a catalogue without a flare from one that nobody has looked in."""
    begin = float(tai_seconds(time))
    end = begin + WINDOW_HOURS * 3600.0
    covering = [
        lookup
        for lookup in region.lookups
        if tai_seconds(lookup.start) <= begin
        and end <= tai_seconds(lookup.end)
        and _reaches_down(lookup, least)
        and not _unread(lookup, begin, least)
    ]
    day = f"the {WINDOW_HOURS} h after"
    if covering:
        names = " and ".join(lookup.words for lookup in covering)
        words = f"No ≥{least} flare of this region in {day} is in {names}."
        return Outcome("no flare", words, (), names)
    if not region.lookups:
        return Outcome("not looked up", f"Flares of {day} were not looked up.", ())
    reach = " and ".join(
        f"{lookup.words}, from class {lookup.minimum_class} on{_unread_words(lookup)}"
        for lookup in region.lookups
    )
    words = f"Whether a ≥{least} flare followed in {day} is not known: looked up was only {reach}."
    return Outcome("not looked up", words, ())


def _reaches_down(lookup: FlareLookup, least: str) -> bool:
    return flux_of_class(lookup.minimum_class) <= threshold(least) * (1.0 + ROUNDING)


def _unread(lookup: FlareLookup, begin: float, least: str) -> bool:
    """Whether a row that could not be read may be a flare of the class in the day after begin."""
    end = begin + WINDOW_HOURS * 3600.0
    return any(
        (peak is None or begin < float(tai_seconds(peak)) <= end)
        and flux >= threshold(least) * (1.0 - ROUNDING)
        for peak, flux in lookup.unread
    )


def _unread_words(lookup: FlareLookup) -> str:
    rows = len(lookup.unread)
    return f", but for {rows} row{'s' * (rows > 1)} that could not be read" if rows else ""


def lookup_sentence(region: Region) -> str:
    """Return in which catalogues a region's flares were looked up, or that they were not."""
    if not region.lookups:
        other = "Other flares" if region.flares else "Flares"
        return f"{other} of this region were not looked up."
    reach = " and ".join(f"{lookup.words}{_unread_words(lookup)}" for lookup in region.lookups)
    return f"Looked up in {reach}."


def cme_words(flare: Flare, *, simulated: bool = False) -> str:
    """Return what is known of a flare's CME, in a few words.

    Parameters
    ----------
    flare : Flare
    simulated : bool
        Of a simulated region it is known whether a flare erupted.
    """
    words = _link_words(flare, simulated=simulated)
    if not flare.studied:
        return f"{words}: {flare.literature}" if flare.literature else words
    studied = f"{flare.studied}: {flare.literature}"
    silent = flare.association == "unknown" and CONTRADICTION not in flare.reason
    return studied if silent else f"{words}; {studied}"


def _link_words(flare: Flare, *, simulated: bool) -> str:
    if CONTRADICTION in flare.reason:
        return f"CME link unknown: {CONTRADICTION}"
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
