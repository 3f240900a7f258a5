"""One prediction, with everything needed to say where it came from."""

from dataclasses import asdict, dataclass
from typing import Any, Literal

__all__ = ["Hour", "Prediction"]


@dataclass(frozen=True)
class Hour:
    """One frame of the sequence a prediction was made from."""

    t_rec: str
    """T_REC as ISO seconds, TAI; of the hour itself where interpolated."""
    interpolated: bool
    """True where the frame was made from its neighbours in time."""
    flagged: bool
    """True where a record used has a QUALITY bit set, though not one that rejects it."""


@dataclass(frozen=True)
class Prediction:
    """Probability that the coming flare is eruptive, and what it rests on."""

    probability: float
    """Within [0, 1]: that a flare of `flare_class` within 24 h of `t_rec` is eruptive."""
    label: Literal["eruptive", "confined"]
    """``"eruptive"`` when the probability is at or above the threshold."""
    threshold: float
    region: str
    """`Region.id`."""
    harp: int
    noaa: tuple[int, ...]
    t_rec: str
    """T_REC of x_t, ISO seconds, TAI."""
    hours: tuple[Hour, ...]
    """The frames of the sequence, ascending; the last is x_t."""
    model: str
    """Name of the model."""
    flare_class: str
    """Lowest class of the coming flare that the model was trained for."""
    sha256: str
    """SHA-256 of the model's weights."""
    device: str
    simulated: bool
    """True for a simulated region."""
    trained_on: str
    """The model card's words on what it was trained on; empty if it does not say."""
    warnings: tuple[str, ...] = ()
    """Sentences that belong beside the probability."""

    def to_dict(self) -> dict[str, Any]:
        """Return what the command line writes as JSON; ``class`` is the flare class."""
        renamed = {"flare_class": "class"}
        values = {renamed.get(name, name): value for name, value in asdict(self).items()}
        return values | {"time_scale": "tai"}
