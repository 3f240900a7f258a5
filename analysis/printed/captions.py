"""Words that go with a figure into a paper: title, caption, methods and what to cite."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from analysis.printed.publication import credit_line
from hnn_core import __version__
from hnn_core.magnetogram.conventions import number

__all__ = ["METHODS", "FigureWords", "Subject", "magnetogram_caption", "plain_words"]

METHODS = {
    "magnetogram": (
        "Magnetograms are the line-of-sight field of SDO/HMI SHARP patches in cylindrical "
        "equal-area projection (Bobra et al. 2014; Scherrer et al. 2012), one an hour, times in "
        "TAI."
    ),
    "simulated": (
        "Magnetograms are simulated: magnetic elements that emerge, move and cancel. No "
        "observation is shown."
    ),
    "vector": (
        "The field vector is that of the same records (segments Br, Bt, Bp), disambiguated by the "
        "pipeline (Hoeksema et al. 2014). Shear is the angle between its horizontal part and that "
        "of the potential field of the same Br, by Fourier transform (Alissandrakis 1981)."
    ),
    "network": (
        "P(eruptive) is the output of a hybrid neural network, a vision transformer followed by an "
        "LSTM over ten hourly magnetograms (ApJ 998, 340, 2026): the probability that a flare of "
        "the named class or above within 24 h comes with a CME. It is not the probability of a "
        "flare."
    ),
    "rollout": (
        "Attention rollout multiplies the attention matrices of all encoders and shows where the "
        "attention of the network comes from. It is the same whatever is predicted, and does not "
        "show why."
    ),
    "map": (
        "The map counts, in log-odds of the named class, what the network's answer owes to each "
        "token of the image; how faithful it is to the network is a question of its own."
    ),
    "pil": (
        "Polarity inversion lines (PIL) are found where strong fields of both polarities, dilated, "
        "overlap, and are thinned to lines (Ji et al. 2023); the region of polarity inversion "
        "(RoPI) is that overlap."
    ),
    "flux": (
        "Unsigned flux is the sum of |B| dA over the pixels, with the line-of-sight field and the "
        "area of a pixel of the equal-area projection; PIL flux counts the RoPI only."
    ),
}
"""Sentences on how a figure was made, by topic."""
_WORKS = {
    "magnetogram": (
        "Bobra, M. G., et al. 2014, Solar Physics, 289, 3549",
        "Scherrer, P. H., et al. 2012, Solar Physics, 275, 207",
    ),
    "vector": (
        "Hoeksema, J. T., et al. 2014, Solar Physics, 289, 3483",
        "Alissandrakis, C. E. 1981, Astronomy and Astrophysics, 100, 197",
    ),
    "network": ("The Astrophysical Journal, 998, 340 (2026)",),
    "pil": ("Ji, A., et al. 2023, The Astrophysical Journal Supplement Series, 265, 28",),
}


@dataclass(frozen=True)
class FigureWords:
    """What stands around a figure, and what is copied with it."""

    title: tuple[str, ...]
    """Lines above the picture."""
    caption: str
    topics: tuple[str, ...] = ()
    """Which of `METHODS` it rests on."""
    simulated: bool = False
    mixed: bool = False
    """Whether some of the data are simulated and others observed."""

    @property
    def credit(self) -> str:
        """The line below the picture."""
        kinds = (False, True) if self.mixed else (self.simulated,)
        owed = " ".join(credit_line(simulated=kind) for kind in kinds)
        return f"{owed} HNN Explorer {__version__}."

    @property
    def whole_caption(self) -> str:
        """The caption with its credit; simulated data are named first."""
        first = "Partly simulated data. " if self.mixed else "Simulated data. "
        return f"{first if self.simulated or self.mixed else ''}{self.caption} {self.credit}"

    @property
    def methods(self) -> str:
        """How the figure was made, and the works to cite."""
        given = [
            "simulated" if self.simulated and one == "magnetogram" else one for one in self.topics
        ]
        works = dict.fromkeys(work for one in given for work in _WORKS.get(one, ()))
        software = f"The HNN Explorer developers, HNN Explorer {__version__} (software)"
        cited = "\n".join(f"- {work}" for work in (*works, software))
        text = " ".join(METHODS[one] for one in given)
        return f"{text}\n\nTo cite:\n{cited}".strip()


@dataclass(frozen=True)
class Subject:
    """What a figure is about: a region, an hour, a model and its answer."""

    region: str
    """Its names: ``AR 11158 · HARP 377``."""
    hour: str
    """ISO minutes, TAI; empty for a whole passage."""
    model: str = ""
    flare_class: str = ""
    probability: float | None = None
    threshold: float | None = None
    position: str = ""
    """``S20 W17 from the central meridian``."""
    simulated: bool = False

    @property
    def when(self) -> str:
        """The hour for people."""
        return f"{self.hour.replace('T', ' ')[:16]} TAI"

    @property
    def answer(self) -> str:
        """P(eruptive) in a sentence; none where there is no prediction."""
        if self.probability is None:
            of = f" of model {self.model}" if self.model else ""
            return f"There is no prediction{of} for this hour."
        return (
            f"P(eruptive) = {number(self.probability, '.2f')} at {self.when} "
            f"(model {self.model}, flares ≥{self.flare_class}, threshold "
            f"{number(self.threshold or 0.0, 'g')})."
        )

    @property
    def title(self) -> tuple[str, ...]:
        """Region and hour; model and P(eruptive)."""
        first = f"{self.region} · {self.when}" if self.hour else self.region
        parts = ["simulated data"] if self.simulated else []
        if self.model:
            parts.append(f"model {self.model}, flares ≥{self.flare_class}")
        if self.hour:
            known = self.probability is not None
            value = f" {number(self.probability or 0.0, '.2f')}" if known else ": no prediction"
            parts.append(f"P(eruptive){value}")
        return (first, " · ".join(parts)) if parts else (first,)

    def words(self, what: str, *topics: str) -> FigureWords:
        """Title and caption of a figure that shows `what`, a sentence without its full stop.

        Topics are those of `METHODS`.
        """
        about = f"{what}: {self.region}"
        caption = f"{about}, {self.when}. {self.answer}" if self.hour else f"{about}."
        title = (f"{what} · {self.title[0]}", *self.title[1:])
        return FigureWords(title, caption, topics, self.simulated)


def plain_words(alt: str, *, simulated: bool, mixed: bool = False) -> FigureWords:
    """Words of a figure of which no more is known than what it shows."""
    noted = (alt, "simulated data") if simulated and not mixed else (alt,)
    return FigureWords(noted, f"{alt}.", simulated=simulated and not mixed, mixed=mixed)


_SHOWN = {
    "los": (
        "Line-of-sight magnetogram",
        "Line-of-sight magnetograms",
        "the line-of-sight field",
    ),
    "br": ("Radial field Br", "Radial field Br", "the radial field Br"),
    "inclination": (
        "Inclination of the field from the vertical",
        "Inclination of the field from the vertical",
        "the inclination of the field",
    ),
}
"""What the viewer's picture shows: one, several, and what is subtracted."""


def magnetogram_caption(
    subject: Subject,
    settings: Mapping[str, Any],
    heat_name: str = "",
    *,
    drawn: Collection[str] = ("pil", "ropi", "hull", "crop"),
) -> FigureWords:
    """Words of the viewer's picture, with what is switched on in it.

    Parameters
    ----------
    subject : Subject
    settings : mapping
        Of the viewer: ``clip`` (gauss), ``attention``, ``contours`` and the layers; ``titles`` of
        its pictures where there are two, whether they are subtracted (``differs``), which field
        is ``shown``, of which the lines are (``pil_of``), and whether there are ``arrows``.
    heat_name : str
        What the map is; empty without one.
    drawn : collection of str
        The layers that there can be at this hour.
    """
    clip = number(float(settings.get("clip", 500)), ".0f")
    where = f" ({subject.position})" if subject.position else ""
    titles = [str(one)[:200] for one in settings.get("titles") or ()]
    one, several, field = _SHOWN.get(str(settings.get("shown")), _SHOWN["los"])
    shades = f"black at −{clip} G and white at +{clip} G"
    if settings.get("shown") == "inclination":
        shades = "black at 0° (vertical) to nearly white at 90° (horizontal)"
    if settings.get("differs"):
        if settings.get("shown") == "inclination":
            shades = "in colours from −90° to +90°"
        parts = [f"Difference of {field} of {subject.region}, {shades}."]
    elif titles:
        parts = [f"{several}, {shades}."]
    else:
        parts = [f"{one} of {subject.region} at {subject.when}{where}, {shades}."]
    if titles:
        parts.append(
            f"{'Shown' if len(titles) == 1 else 'From left to right'}: {'; '.join(titles)}."
        )
    topics = ["magnetogram", "network"]
    if heat_name and settings.get("attention") and not settings.get("differs"):
        rollout = heat_name == "attention rollout"
        how = "Contours" if settings.get("contours") else "Colours"
        parts.append(
            f"{how} over it: {heat_name} of model {subject.model}"
            + (", where its attention comes from, not why it predicts." if rollout else ".")
        )
        topics.append("rollout" if rollout else "map")
    if settings.get("arrows"):
        parts.append("Arrows: horizontal field where |B| is above 150 G; up is north.")
    if settings.get("arrows") or settings.get("shown") in ("br", "inclination"):
        topics.append("vector")
    of = " of Br" if settings.get("pil_of") == "br" else ""
    lines = {
        "pil": f"polarity inversion lines{of} (magenta)",
        "ropi": "region of polarity inversion (yellow)",
        "hull": "convex hull of the lines (cyan, dashed)",
        "crop": "the square that the network sees (green, dashed)",
    }
    named = [words for layer, words in lines.items() if layer in drawn and settings.get(layer)]
    if named:
        parts.append(f"Lines: {', '.join(named)}.")
    if settings.get("pil") or settings.get("ropi") or settings.get("hull"):
        topics.append("pil")
    parts.append(subject.answer)
    return FigureWords(subject.title, " ".join(parts), tuple(topics), subject.simulated)
