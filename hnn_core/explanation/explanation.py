"""One explanation of one prediction, with everything needed to say where it came from."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

__all__ = ["Explanation"]


@dataclass(frozen=True, eq=False)
class Explanation:
    """A map of the tokens, or a score of each hour, by a named method."""

    method: str
    """One of `hnn_core.explanation.methods.METHODS`."""
    title: str
    """What the method shows, in words."""
    signed: bool
    """True where negative values speak against the class."""
    maps: np.ndarray | None
    """float32 (T, g, g), axis order (hour, row, column), row 0 south, for
    `hnn_core.preprocess.tokens_to_patch`; None for a method that scores hours."""
    hours: np.ndarray | None
    """float32 (T,), a score for each hour; None for a method that draws maps."""
    target: str | None
    """``"eruptive"`` or ``"confined"``; None where the method knows no class."""
    parameters: dict[str, Any]
    """Every setting of the method, those by default too."""
    model: str
    sha256: str
    """SHA-256 of the model's weights."""
    region: str
    """`Region.id`."""
    t_rec: tuple[str, ...]
    """T_REC of the frames, ISO seconds, TAI."""
    numbers: dict[str, float] = field(default_factory=dict)
    """Other numbers of the method: ``logit``, the log-odds of eruptive; ``residual``."""
    flagged: np.ndarray | None = None
    """bool (T, g, g): tokens of outstanding norm; of the method ``"token-norms"`` only."""
    frames_passed: int = 0
    """Frames that went through the vision transformer."""
    seconds: float = 0.0

    def to_dict(self) -> dict[str, Any]:
        """Return what a report writes as JSON beside the arrays."""
        left_out = ("maps", "hours", "flagged")
        values = {name: value for name, value in vars(self).items() if name not in left_out}
        return values | {"time_scale": "tai"}
