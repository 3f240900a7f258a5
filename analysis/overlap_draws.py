"""Random regions with the |B|, the area and nearly the shape of a given one."""

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from hnn_core.preprocess import CropBox

__all__ = ["Places", "TokenGrid", "Tokens", "random_shares"]

_STRATUM = 8  # tokens
_BLUR = 2.0
"""Tokens by which distances are blurred: without, the draws of a small stratum are all alike."""
_SIDES = 8  # four turns, mirrored or not


@dataclass(frozen=True)
class TokenGrid:
    """Where the tokens of a network lie on the native patch."""

    row: int
    """Row of a token's first corner on the patch; may lie outside."""
    col: int
    side: int = 32
    """Side of a token in native pixels."""

    @classmethod
    def centred(cls, shape: tuple[int, int], crop: int = 448, side: int = 32) -> "TokenGrid":
        """Grid of a crop about the patch's centre, as `hnn_core.preprocess` takes it."""
        box = CropBox.centred(shape, crop)
        return cls(box.row0, box.col0, side)

    def sums(self, image: np.ndarray) -> np.ndarray:
        """Sum an image over tokens, (token rows, token columns) float64."""
        before = (-self.row % self.side, -self.col % self.side)
        room = [
            (start, -(start + length) % self.side)
            for start, length in zip(before, image.shape, strict=True)
        ]
        padded = np.pad(image.astype(np.float64), room)
        rows, cols = (length // self.side for length in padded.shape)
        return np.asarray(padded.reshape(rows, self.side, cols, self.side).sum(axis=(1, 3)))


@dataclass(frozen=True, eq=False)
class Tokens:
    """A map token by token; n of them were seen by the network."""

    grid: TokenGrid
    at: np.ndarray
    """(n, 2) row and column of the seen tokens."""
    shape: tuple[int, int]
    """Rows and columns of tokens over the patch."""
    density: np.ndarray
    """(n,) mean weight of a pixel."""
    level: np.ndarray
    """(n,) mean |B|, gauss."""

    @classmethod
    def of(
        cls, mass: np.ndarray, strength: np.ndarray, seen: np.ndarray, grid: TokenGrid
    ) -> "Tokens":
        """Sum up a map's weights and |B|, both 0 where not seen."""
        count, total = grid.sums(seen), grid.sums(strength)
        # Not what sticks out at a border, which has next to no place for a region.
        at = np.argwhere(count >= max(count.max(initial=0.0) / 2, 1.0))
        rows, cols = at.T
        level = total[rows, cols] / count[rows, cols]
        density = grid.sums(mass)[rows, cols] / count[rows, cols]
        return cls(grid, at, (count.shape[0], count.shape[1]), density, level)

    def covered(self, region: np.ndarray) -> np.ndarray:
        """(n,) pixels of each seen token that a region covers."""
        rows, cols = self.at.T
        return np.asarray(self.grid.sums(region)[rows, cols])


@dataclass(frozen=True, eq=False)
class Places:
    """Where random regions go, whatever the patch: one row a draw."""

    side: np.ndarray
    """(draws,) which of the eight turns and mirror images."""
    centre: np.ndarray
    """(draws, 2) in parts of the patch's height and width."""
    seed: int
    """Of the random numbers that blur distances."""

    @classmethod
    def drawn(cls, draws: int, rng: np.random.Generator) -> "Places":
        """Draw places uniformly."""
        return cls(rng.integers(0, _SIDES, draws), rng.random((draws, 2)), int(rng.integers(2**31)))


def random_shares(tokens: Tokens, covered: np.ndarray, places: Places) -> np.ndarray:
    """Mass in random regions like the one that covers these tokens.

    Parameters
    ----------
    tokens : Tokens
    covered : (n,) array
        Pixels of each token that the region covers.
    places : Places

    Returns
    -------
    (draws,) array
        Zero without a region.
    """
    mass = np.zeros(places.side.size)
    if not covered.any():
        return mass
    distance = _distances(tokens, covered, places)
    # Within a stratum the tokens next to the moved region take over its cover, fullest first.
    for members in _strata(tokens.level, covered, places.seed):
        cover = -np.sort(-covered[members])
        cover = cover[cover > 0]
        away = distance[:, members]
        if cover.size < members.size:
            nearest = np.argpartition(away, cover.size - 1, axis=1)[:, : cover.size]
            away = np.take_along_axis(away, nearest, axis=1)
        else:
            nearest = np.broadcast_to(np.arange(members.size), away.shape)
        nearest = np.take_along_axis(nearest, np.argsort(away, axis=1), axis=1)
        mass += tokens.density[members][nearest] @ cover
    return mass


def _strata(level: np.ndarray, covered: np.ndarray, seed: int) -> list[np.ndarray]:
    """Tokens of each stratum of |B| in which the region has a part, as index arrays.

    Strata are of `_STRATUM` tokens or a few more, next to one another in |B|; equal ones are
    told apart by chance.
    """
    order = np.lexsort([np.random.default_rng(seed).random(level.size), level])
    parts = np.array_split(order, max(level.size // _STRATUM, 1))
    return [members for members in parts if covered[members].any()]


def _distances(tokens: Tokens, covered: np.ndarray, places: Places) -> np.ndarray:
    """Distance of every token from the moved region, in tokens and blurred: (draws, n)."""
    rng = np.random.default_rng(places.seed)
    distance = _BLUR * rng.random((places.side.size, len(tokens.at)), np.float32)
    picture = np.zeros(tokens.shape, dtype=bool)
    rows, cols = tokens.at[covered > 0].T
    picture[rows, cols] = True
    picture = picture[rows.min() : rows.max() + 1, cols.min() : cols.max() + 1]
    height, width = tokens.shape
    row, col = tokens.at.T
    for side in range(_SIDES):
        chosen = np.flatnonzero(places.side == side)
        turned = np.rot90(picture, side % 4)
        turned = turned[:, ::-1] if side >= 4 else turned
        # Room for the patch to lie anywhere about the region.
        room = np.pad(turned, ((height, height), (width, width)))
        far = ndimage.distance_transform_edt(~room).astype(np.float32)
        middle = np.array([height + turned.shape[0] // 2, width + turned.shape[1] // 2])
        origin = middle - (places.centre[chosen] * tokens.shape).astype(int)
        distance[chosen] += far[origin[:, :1] + row, origin[:, 1:] + col]
    return distance
