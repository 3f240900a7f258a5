"""What can be concluded from the trends of a window, in words, and what cannot."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from astropy import units as u

from analysis.physics.trends import LEAST_POINTS, Systematics
from analysis.physics.window_fluxes import MaskKind
from hnn_core.magnetogram.conventions import TRAINED_LONGITUDE, number

__all__ = ["NO_RATE", "PAPER_CAVEATS", "Verdict", "verdict"]

VerdictWord = Literal[
    "consistent with cancellation",
    "mixed evidence",
    "flux rises",
    "no trend",
    "no PIL above threshold",
    "insufficient",
]

PAPER_CAVEATS = (
    "Only the line-of-sight field is used: a field that becomes more horizontal, or turns away "
    "from the line of sight, loses flux here without any cancellation.",
    "To establish cancellation takes the full magnetic field vector and brightenings along the "
    "PIL in EUV or X-rays, neither of which is looked at.",
    "HMI's field strengths follow the orbital velocity of SDO, up to ±3 km/s, with periods of 12 "
    "and 24 hours; a window of ten hours cannot separate that from a trend.",
)
"""Sentences that go with every verdict about a trend."""

NO_RATE = (
    "The slope is not the rate at which flux cancels: on simulated regions it follows the known "
    "rate but holds a fraction of it only."
)
"""What `analysis.surveys.validation` found; how large the fraction is stands there."""

_PIL_MASKS: dict[MaskKind, str] = {
    "moving": "the moving mask",
    "union": "the mask fixed as the union over the window",
    "last": "the mask fixed as that of the last frame",
}


@dataclass(frozen=True)
class Verdict:
    """A verdict on one window."""

    word: VerdictWord
    sentence: str
    """The verdict with its reason, one sentence."""
    evidence: tuple[str, ...]
    """One sentence a mask: which polarities fall or rise."""
    caveats: tuple[str, ...]
    """Sentences: what weakens it here, `NO_RATE`, then `PAPER_CAVEATS`."""


def verdict(found: Systematics) -> Verdict:
    """Judge a window by the rule of docs/method.md, "Flux and trends".

    Cancellation takes two polarities that meet, so it is claimed as consistent only if Φ+ and Φ−
    in the PIL region both fall: with the mask that moves, since that is what the paper shows, and
    with both fixed masks, because a shrinking mask imitates cancellation. And no choice of
    threshold or μ correction may turn the sign of any of these slopes. Anything less that is not
    nothing is mixed evidence.

    Examples
    --------
    Two polarities that face one another and both lose 10 G in an hour:

    >>> import numpy as np
    >>> from astropy import units as u
    >>> from astropy.time import Time
    >>> from analysis.physics.trends import systematics
    >>> from hnn_core.magnetogram.magnetogram import Magnetogram
    >>> start, place = Time("2011-02-13T00:00:00", scale="tai"), (0 * u.deg, 0 * u.deg)
    >>> field = np.repeat([[500.0, -500.0]], 30, axis=1).repeat(40, axis=0)
    >>> frames = [
    ...     Magnetogram(field * (1 - 0.02 * t), start + t * u.h, 377, (), 1e15 * u.cm**2, 0, *place)
    ...     for t in range(10)
    ... ]
    >>> verdict(systematics(frames)).word
    'consistent with cancellation'
    """
    moving = found.trend()
    lines = int(found.fluxes.lines.sum())
    caveats = _caveats(found, lines)
    if lines == 0:
        gauss = f"{found.settings.threshold:g} G"
        sentence = f"No PIL above threshold: in no frame do fields of ±{gauss} meet along a line."
        return Verdict("no PIL above threshold", sentence, (), caveats)
    evidence = tuple(_evidence(found, mask) for mask in _PIL_MASKS)
    if not moving.sufficient:
        sentence = (
            f"Insufficient: a trend takes {LEAST_POINTS} hours, and this window has {moving.n}."
        )
        return Verdict("insufficient", sentence, evidence, caveats)
    word, sentence = _judge(found)
    return Verdict(word, sentence, evidence, caveats)


def _judge(found: Systematics) -> tuple[VerdictWord, str]:
    polarities = [
        found.trend(mask, flux) for mask in _PIL_MASKS for flux in ("positive", "negative")
    ]
    falls = [trend.falls for trend in polarities]
    rises = [trend.rises for trend in polarities]
    known = all(trend.sufficient for trend in polarities)
    if all(falls) and _one_sign(found):
        return "consistent with cancellation", (
            "Consistent with cancellation: the flux of both polarities falls in the PIL region, "
            "with moving and with fixed masks."
        )
    if all(falls[:2]) and not known:
        return "mixed evidence", (
            "Mixed evidence: the flux of both polarities falls in the moving PIL region, but it is "
            "not known how the patches lie on each other, so that no fixed mask can confirm it."
        )
    if all(falls):
        return "mixed evidence", (
            "Mixed evidence: the flux of both polarities falls with every mask, but the choice of "
            "threshold or the correction for projection turns the sign of a slope."
        )
    if all(rises):
        return "flux rises", "The flux of both polarities rises in the PIL region with every mask."
    if any(falls) or any(rises) or _unsigned_moves(found):
        return "mixed evidence", f"Mixed evidence: {_what_disagrees(found)}."
    return "no trend", "No trend: the flux in the PIL region neither falls nor rises significantly."


def _one_sign(found: Systematics) -> bool:
    """Whether the slopes of both polarities stay negative in the systematic band of every mask."""
    return all(
        bool(found.band(mask, flux)[1] < 0 * u.Mx / u.h)
        for mask in _PIL_MASKS
        for flux in ("positive", "negative")
    )


def _unsigned_moves(found: Systematics) -> bool:
    return any(found.trend(mask).falls or found.trend(mask).rises for mask in _PIL_MASKS)


def _what_disagrees(found: Systematics) -> str:
    positive, negative = found.trend(flux="positive"), found.trend(flux="negative")
    if positive.falls and negative.falls:
        return "both polarities fall with the moving mask, but not with a fixed one"
    if positive.falls or negative.falls:
        one, other = ("positive", "negative") if positive.falls else ("negative", "positive")
        return f"with the moving mask the {one} flux falls, but not the {other}"
    if positive.rises or negative.rises:
        return "with the moving mask a polarity rises, and not every mask agrees"
    if found.trend().falls or found.trend().rises:
        return "the unsigned flux changes with the moving mask, but neither polarity does by itself"
    return "with the moving mask neither polarity changes, but with a fixed one there is a trend"


def _evidence(found: Systematics, mask: MaskKind) -> str:
    positive, negative = found.trend(mask, "positive"), found.trend(mask, "negative")
    name = _PIL_MASKS[mask].removeprefix("the ")
    if mask != "moving" and found.fluxes.apart:
        return f"With the {name} no flux is known: the patches cannot be laid on one grid."
    if not (positive.sufficient and negative.sufficient):
        return f"With the {name} there are too few points."
    words = []
    for sign, one in (("Φ+", positive), ("Φ−", negative)):
        does = "falls" if one.falls else "rises" if one.rises else "shows no trend"
        rate = f"{number(one.percent, '+.1f')} % per hour"
        words.append(f"{sign} {does} ({rate}, p = {number(one.p, '.2g')})")
    return f"With the {name} {words[0]} and {words[1]}."


def _caveats(found: Systematics, lines: int) -> tuple[str, ...]:
    """Sentences about this window, then the paper's."""
    n = len(found.fluxes.masks)
    here = []
    if 0 < lines < n:
        here.append(f"{n - lines} of {n} frames have no PIL above threshold and count as 0 Mx.")
    if apart := found.fluxes.apart:
        here.append(f"No mask could be fixed in time, and the total flux has no trend. {apart}")
    if note := found.fluxes.area_note:
        here.append(note)
    if not found.fluxes.corrected:
        here.append("The header has no coordinates, so nothing could be corrected for μ.")
    if count := int(found.interpolated.sum()):
        frames = "1 frame is" if count == 1 else f"{count} frames are"
        here.append(f"{frames} interpolated in time, which makes neighbouring hours alike.")
    if (correction := found.trend().correction) > 1:
        here.append(
            "Neighbouring hours are not independent: the variance of Mann–Kendall's S was "
            f"multiplied by {correction:.1f}."
        )
    patch = found.trend("patch")
    if patch.falls:
        here.append(
            f"The total flux of the patch falls too ({number(patch.percent, '+.1f')} % per hour): "
            "a cause that acts on the whole region, such as its rotation to the limb, is possible."
        )
    velocity = found.orbital_velocity.to_value(u.km / u.s)
    if (known := velocity[np.isfinite(velocity)]).size:
        here.append(
            f"SDO's velocity along the line to the Sun went from {number(known[0], '+.1f')} to "
            f"{number(known[-1], '+.1f')} km/s over this window."
        )
    farthest = np.abs(found.longitude[np.isfinite(found.longitude)])
    if farthest.size and farthest.max() > TRAINED_LONGITUDE:
        here.append(
            f"The region is up to {farthest.max():.0f}° from the central meridian, where the line "
            "of sight is far from vertical."
        )
    if found.simulated:
        here.append("The region is simulated.")
    return (*here, NO_RATE, *PAPER_CAVEATS)
