"""Randomised-model check: a map that survives new weights does not show what was learnt."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from scipy.stats import rankdata
from torch import Tensor

from hnn_core.explanation.work import Work
from hnn_core.magnetogram.conventions import number
from hnn_core.network.attention import own_copy
from hnn_core.network.model import HNN

__all__ = ["RandomisedCheck", "Stage", "randomised_check"]

_UNCHANGED = 0.5
"""Rank correlation at or above which a map counts as hardly changed. The method's authors set
no limit; half leaves room for what the input alone puts into any map."""


@dataclass(frozen=True)
class Stage:
    """The map after one more part of the network got new weights."""

    name: str
    """The part; all parts above it have new weights too."""
    spearman: float
    """Rank correlation with the map of the network as it is; NaN if either is flat."""
    spearman_magnitude: float
    """The same of the maps' magnitudes."""


@dataclass(frozen=True)
class RandomisedCheck:
    """How a map changes when the network loses what it learnt, from the classifier down."""

    stages: tuple[Stage, ...]
    """The last has new weights everywhere."""

    @property
    def changes(self) -> bool:
        """False if the map of a network of random weights looks like that of the trained one."""
        last = self.stages[-1]
        return not (last.spearman >= _UNCHANGED or last.spearman_magnitude >= _UNCHANGED)

    @property
    def words(self) -> str:
        """The check as a sentence."""
        last = self.stages[-1]
        if math.isnan(last.spearman):
            return "A map is the same everywhere, so that its change cannot be measured."
        change = f"rank correlation {number(last.spearman, '.2f')} with all weights random"
        if not self.changes:
            return (
                f"The map hardly changes with random weights ({change}): it shows the input, not "
                "what was learnt."
            )
        same = [s.name for s in self.stages[:-1] if s.spearman >= 1.0 - 1e-6]
        blind = f" It does not depend on the {' and the '.join(same)}." if same else ""
        return f"The map changes with random weights ({change}).{blind}"


def randomised_check(
    model: HNN,
    maps_of: Callable[[HNN, Work], Tensor],
    *,
    cascade: bool = True,
    seed: int = 0,
    work: Work | None = None,
) -> RandomisedCheck:
    """Give the network new weights from the classifier down and compare its maps.

    Parameters
    ----------
    maps_of : callable (HNN, Work) -> Tensor (T, g, g)
        The method to check.
    cascade : bool
        Part by part (classifier, LSTM, each encoder from the last, patch embedding): the
        method runs once for each. False: all at once.
    seed : int
        Of the new weights.

    References
    ----------
    Adebayo et al. (2018), "Sanity checks for saliency maps".
    """
    own, work = own_copy(model), work or Work()
    generator = torch.Generator().manual_seed(seed)
    parts = _parts(own)
    before = work.done
    trained = maps_of(own, work)
    work.expect((work.done - before) * (len(parts) if cascade else 1))
    stages = []
    for name, weights in parts.items():
        for weight in weights:
            _renew(own, weight, generator)
        if cascade or name == list(parts)[-1]:
            random = maps_of(own, work.within())
            stages.append(
                Stage(
                    name if cascade else "whole network",
                    rank_correlation(trained, random),
                    rank_correlation(trained.abs(), random.abs()),
                )
            )
    return RandomisedCheck(tuple(stages))


def rank_correlation(one: Tensor, other: Tensor) -> float:
    """Spearman's rank correlation over all values; NaN if either is the same everywhere."""
    ranks = [rankdata(values.double().cpu().numpy().ravel()) for values in (one, other)]
    if any(np.ptp(rank) == 0.0 for rank in ranks):
        return float("nan")
    return float(np.corrcoef(*ranks)[0, 1])


def _parts(own: HNN) -> dict[str, list[str]]:
    """Names of the weights of each part, from the classifier down."""
    depth = len(own.vit.blocks)
    starts = {"classifier": "classifier.", "LSTM": "lstm.", "final norm": "vit.norm."}
    starts |= {f"encoder {n}": f"vit.blocks.{n - 1}." for n in range(depth, 0, -1)}
    starts |= {"patch embedding": ""}  # whatever is left
    left = [name for name, _ in own.named_parameters()]
    parts = {}
    for part, start in starts.items():
        parts[part] = [name for name in left if name.startswith(start)]
        left = [name for name in left if not name.startswith(start)]
    return {part: names for part, names in parts.items() if names}


def _renew(own: HNN, name: str, generator: torch.Generator) -> None:
    """Give one weight what an untrained network has, in memory of its own."""
    weight = own.get_parameter(name)
    new = torch.empty(weight.shape)
    if name.startswith(("lstm.", "classifier.")):
        fan = own.config.lstm_hidden if own.config.temporal else own.config.width
        new.uniform_(-(fan**-0.5), fan**-0.5, generator=generator)
    elif weight.ndim > 1:
        new.normal_(0.0, 0.02, generator=generator)
    else:
        new.fill_(1.0 if "norm" in name and name.endswith("weight") else 0.0)
    weight.data = new.to(weight)
