"""Whether flux cancels in a window or the field turns horizontal, by the field vector.

The line-of-sight field cannot tell the two apart. Cancellation takes radial flux of both
polarities away and the field with it; a field that turns keeps its strength and gains a horizontal
part (docs/method.md, "The field vector").
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from astropy import units as u
from astropy.units import Quantity

from analysis.physics.pil import PilMasks, PilSettings
from analysis.physics.trends import LEAST_POINTS, Trend, trend
from analysis.physics.window_fluxes import MaskKind, area_note, common_parts
from hnn_core.exceptions import EmptySourceError, SequenceError
from hnn_core.magnetogram.conventions import number, tai_seconds
from hnn_core.magnetogram.vector import VectorMagnetogram

__all__ = [
    "VECTOR_QUANTITIES",
    "VectorVerdict",
    "VectorWindow",
    "vector_verdict",
    "vector_window",
]

VectorQuantity = Literal["positive", "negative", "horizontal", "total", "inclination"]
VECTOR_QUANTITIES: dict[VectorQuantity, tuple[str, u.UnitBase]] = {
    "positive": ("Φr+", u.Mx),
    "negative": ("Φr−", u.Mx),
    "horizontal": ("mean Bh", u.G),
    "total": ("mean |B|", u.G),
    "inclination": ("mean inclination", u.deg),
}
"""Name and unit of what is taken in the PIL region; Φr− is a positive number."""

VectorWord = Literal[
    "consistent with cancellation",
    "consistent with the field turning horizontal",
    "mixed evidence",
    "no trend",
    "insufficient",
]

_MASKS: tuple[MaskKind, ...] = ("moving", "union", "last")


@dataclass(frozen=True, eq=False)
class VectorWindow:
    """Histories in the PIL region of T hours, by mask ("moving", "union", "last"), and trends."""

    hours: np.ndarray
    """(T,) from the first frame, T_REC."""
    values: dict[VectorQuantity, np.ndarray]
    """(T, 3) in the units of `VECTOR_QUANTITIES`; NaN where not known."""
    errors: dict[VectorQuantity, np.ndarray]
    """(T, 3) formal, from the error segments, pixels independent; NaN without them."""
    trends: dict[tuple[MaskKind, VectorQuantity], Trend]
    confidence: int
    """Least conf_disambig of a pixel that counts."""
    left_out: np.ndarray
    """(T,) share of the moving region's pixels that were less sure."""
    notes: tuple[str, ...]
    """Sentences: which area counts, why a mask cannot be fixed, what is missing."""
    simulated: bool

    def trend(self, quantity: VectorQuantity, mask: MaskKind = "moving") -> Trend:
        """One of the trends."""
        return self.trends[mask, quantity]

    def table(self) -> pd.DataFrame:
        """One row an hour and mask; the last word of a column is its unit."""
        rows = []
        for t, hour in enumerate(self.hours):
            for m, mask in enumerate(_MASKS):
                row: dict[str, object] = {"hour_h": hour, "mask": mask}
                for name, (_, unit) in VECTOR_QUANTITIES.items():
                    ending = unit.to_string().lower()
                    row[f"{name}_{ending}"] = self.values[name][t, m]
                    row[f"{name}_error_{ending}"] = self.errors[name][t, m]
                rows.append(row)
        return pd.DataFrame(rows)


@dataclass(frozen=True)
class VectorVerdict:
    """A verdict on one window by its field vectors."""

    word: VectorWord
    sentence: str
    evidence: tuple[str, ...]
    """One sentence a mask."""
    caveats: tuple[str, ...]


def vector_window(
    vectors: Sequence[VectorMagnetogram],
    masks: Sequence[PilMasks],
    settings: PilSettings | None = None,
    *,
    confidence: int = 0,
) -> VectorWindow:
    """Take the radial flux and the field in the PIL region of a window.

    Parameters
    ----------
    vectors : sequence of VectorMagnetogram
        In order of time.
    masks : sequence of PilMasks
        Of each hour, detected on the line-of-sight field or on Br.
    settings : PilSettings, optional
        Whose `region` is the PIL region.
    confidence : int
        Least conf_disambig of pixels that count, 0 to 90. The horizontal field's strength does not
        depend on its direction, the radial field off the disk's centre does.

    Raises
    ------
    EmptySourceError
        If there is no vector.
    ValueError
        If the masks do not go with the vectors, or a confidence is asked for that is not there.
    """
    settings = settings or PilSettings()
    if not vectors:
        raise EmptySourceError("no field vector to look at: the window is empty")
    regions = [one.region(settings.region) for one in masks]
    if [region.shape for region in regions] != [vector.shape for vector in vectors]:
        raise ValueError(f"{len(regions)} masks do not go with {len(vectors)} vectors")
    notes = []
    places = [vector.place for vector in vectors]
    try:
        parts = common_parts(places)
        note = area_note([vector.shape for vector in vectors], parts)
        notes += [note] if note else []
        fixed = [region[part] for region, part in zip(regions, parts, strict=True)]
        union, last = np.any(fixed, axis=0), fixed[-1]
    except SequenceError as error:
        parts = ((slice(None), slice(None)),) * len(vectors)
        union = last = None
        notes.append(f"No mask could be fixed in time. {error}")
    values = {name: np.full((len(vectors), 3), np.nan) for name in VECTOR_QUANTITIES}
    errors = {name: np.full((len(vectors), 3), np.nan) for name in VECTOR_QUANTITIES}
    left_out = np.zeros(len(vectors))
    for t, (vector, region, part) in enumerate(zip(vectors, regions, parts, strict=True)):
        sure = _sure(vector, confidence)[part]
        moving = region[part]
        left_out[t] = 1.0 - sure[moving].mean() if moving.any() else 0.0
        for m, mask in enumerate((moving, union, last)):
            if mask is not None:
                found = _measure(vector, part, mask & sure)
                for name, pair in found.items():
                    values[name][t, m], errors[name][t, m] = pair
    if any(vector.missing and "Br_err" in vector.missing for vector in vectors):
        notes.append("Error segments are missing in some hours, which have no formal errors.")
    seconds = np.array([float(tai_seconds(place.t_rec)) for place in places])
    hours = (seconds - seconds[0]) / 3600.0
    trends = {
        (mask, name): trend(hours, Quantity(values[name][:, m], unit))
        for m, mask in enumerate(_MASKS)
        for name, (_, unit) in VECTOR_QUANTITIES.items()
    }
    return VectorWindow(
        hours, values, errors, trends, confidence, left_out, tuple(notes),
        any(place.simulated for place in places),
    )  # fmt: skip


def vector_verdict(found: VectorWindow) -> VectorVerdict:
    """Judge a window by its field vectors.

    Cancellation: Φr+ and Φr− fall with every mask, and Bh rises with none. Turning horizontal: Φr
    of at least one polarity falls with the moving mask while Bh rises and |B| does not fall.
    Anything less that is not nothing is mixed evidence.
    """
    caveats = (*found.notes, *_caveats(found))
    evidence = tuple(_evidence(found, mask) for mask in _MASKS)
    if not found.trend("positive").sufficient:
        n = found.trend("positive").n
        sentence = (
            f"Insufficient: a trend takes {LEAST_POINTS} hours, and this window has {n} with a "
            "field vector and a PIL region."
        )
        return VectorVerdict("insufficient", sentence, evidence, caveats)
    falls = [found.trend(sign, mask).falls for mask in _MASKS for sign in ("positive", "negative")]
    rises = [found.trend("horizontal", mask).rises for mask in _MASKS]
    fades = [found.trend("total", mask).falls for mask in _MASKS]
    if all(falls) and not any(rises):
        return VectorVerdict(
            "consistent with cancellation",
            "Consistent with cancellation: the radial flux of both polarities falls in the PIL "
            "region with every mask, and the horizontal field does not rise.",
            evidence, caveats,
        )  # fmt: skip
    if any(falls[:2]) and rises[0] and not fades[0]:
        return VectorVerdict(
            "consistent with the field turning horizontal",
            "Consistent with the field turning horizontal: the radial flux falls in the PIL "
            "region, while the horizontal field rises and the field's strength does not fall.",
            evidence, caveats,
        )  # fmt: skip
    moves = any(
        one.falls or one.rises for (mask, _), one in found.trends.items() if mask == "moving"
    )
    if moves or any(falls):
        return VectorVerdict(
            "mixed evidence", f"Mixed evidence: {_what(found)}.", evidence, caveats
        )
    return VectorVerdict(
        "no trend",
        "No trend: neither radial flux nor horizontal field change significantly in the PIL "
        "region.",
        evidence, caveats,
    )  # fmt: skip


def _sure(vector: VectorMagnetogram, confidence: int) -> np.ndarray:
    if not 0 <= confidence <= 90:
        raise ValueError(f"the confidence lies between 0 and 90, got {confidence}")
    finite = np.isfinite(vector.total)
    if confidence == 0:
        return finite
    if vector.confidence is None:
        raise ValueError(
            f"{vector.place.origin} has no conf_disambig beside it, so no pixel is known to be "
            "sure; take the confidence 0, or fetch that segment."
        )
    return np.asarray(finite & (vector.confidence >= confidence))


def _measure(
    vector: VectorMagnetogram, part: tuple[slice, slice], mask: np.ndarray
) -> dict[VectorQuantity, tuple[float, float]]:
    """Value and formal error of each quantity over a mask."""
    nothing = float("nan")
    n = int(mask.sum())
    if not n:
        return dict.fromkeys(VECTOR_QUANTITIES, (nothing, nothing))
    area = vector.place.pixel_area.to_value(u.cm**2)
    x, y, z = (
        one[part][mask].astype(np.float64)
        for one in (vector.westward, vector.southward, vector.radial)
    )
    horizontal = np.hypot(x, y)
    total = np.hypot(horizontal, z)
    found = {
        "positive": (float(z[z > 0].sum()) * area, nothing),
        "negative": (float(-z[z < 0].sum()) * area, nothing),
        "horizontal": (float(horizontal.mean()), nothing),
        "total": (float(total.mean()), nothing),
        "inclination": (float(np.degrees(np.arctan2(horizontal, np.abs(z))).mean()), nothing),
    }
    sigmas = (vector.westward_error, vector.southward_error, vector.radial_error)
    if any(one is None for one in sigmas):
        return found  # type: ignore[return-value]
    sx, sy, sz = (one[part][mask].astype(np.float64) for one in sigmas if one is not None)
    with np.errstate(invalid="ignore", divide="ignore"):
        sh = np.hypot(x * sx, y * sy) / horizontal
        st = np.hypot(horizontal * sh, z * sz) / total
        angle = np.degrees(np.hypot(z * sh, horizontal * sz) / total**2)

    def norm(sigma: np.ndarray) -> float:
        return float(np.sqrt(np.nansum(sigma**2)))

    sums = {
        "positive": norm(sz[z > 0]) * area,
        "negative": norm(sz[z < 0]) * area,
        "horizontal": norm(sh) / n,
        "total": norm(st) / n,
        "inclination": norm(angle) / n,
    }
    return {name: (value, sums[name]) for name, (value, _) in found.items()}  # type: ignore[misc]


def _evidence(found: VectorWindow, mask: MaskKind) -> str:
    name = {"moving": "moving mask", "union": "mask fixed as the union over the window"}.get(
        mask, "mask fixed as that of the last frame"
    )
    if not found.trend("positive", mask).sufficient:
        return f"With the {name} there are too few points."
    words = []
    for quantity, (label, _) in VECTOR_QUANTITIES.items():
        one = found.trend(quantity, mask)
        does = "falls" if one.falls else "rises" if one.rises else "shows no trend"
        words.append(f"{label} {does} ({number(one.percent, '+.1f')} % per hour)")
    return f"With the {name} {', '.join(words)}."


def _what(found: VectorWindow) -> str:
    changes = []
    for quantity, (label, _) in VECTOR_QUANTITIES.items():
        one = found.trend(quantity)
        if one.falls or one.rises:
            changes.append(f"{label} {'falls' if one.falls else 'rises'}")
    return (
        f"with the moving mask {', '.join(changes)}, which fits neither cancellation nor a field "
        "that turns"
        if changes
        else "a polarity falls with a fixed mask only"
    )


def _caveats(found: VectorWindow) -> tuple[str, ...]:
    sentences = [
        "A vertical trend of Bh as small as the noise of the transverse field (100 G a pixel, of "
        "one sign) is not seen; formal errors hold the noise alone.",
        "HMI's field strengths follow the orbital velocity of SDO with periods of 12 and 24 hours, "
        "the transverse field more than the line-of-sight field.",
    ]
    if found.confidence and found.left_out.max() > 0:
        sentences.append(
            f"Pixels with conf_disambig under {found.confidence} are left out: up to "
            f"{100 * found.left_out.max():.0f} % of the PIL region."
        )
    if found.simulated:
        sentences.append("The region is simulated.")
    return tuple(sentences)
