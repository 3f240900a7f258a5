"""Where a map's mass lies: near the PIL, against random regions of equal |B| and area."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from astropy import units as u
from astropy.units import Quantity
from scipy import ndimage

from analysis.physics.pil import PilMasks
from hnn_core.magnetogram.preprocess import CropBox

__all__ = [
    "REGION_NAMES",
    "Overlap",
    "Places",
    "TokenGrid",
    "Tokens",
    "combine",
    "near_pil",
    "overlap",
    "overlaps",
    "random_shares",
]

_DISTANCE = 10.0 * u.Mm
"""Of the PIL: within this, a place counts as near it."""
REGION_NAMES = ("ropi", "hull", "near")
"""Regions of polarity inversion, the lines' hull, and `_DISTANCE` about the lines."""

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
        """Grid of a crop about the patch's centre, as `preprocess` takes it."""
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
class Overlap:
    """How much of a map's mass lies in a region, and in random ones like it."""

    share: float
    """Of the map's mass that lies in the region, 0 to 1, to the pixel."""
    area: float
    """Share of the map's area that the region covers: the expectation if |B| did not matter."""
    expected: float
    """Mean share of the random regions."""
    draws: np.ndarray
    """(draws,) share of each random region."""
    token_share: float
    """The region's own share as the random ones' are taken, from whole tokens; those at a border of
    which less than half was seen are left out."""
    n_frames: int = 1

    @property
    def p(self) -> float:
        """How often a random region holds as much; one-sided, NaN without a region or mass."""
        if not np.isfinite(self.token_share) or self.area == 0.0:
            return float("nan")
        as_much = self.draws >= self.token_share * (1 - 1e-9)  # but for rounding
        return float((1 + np.sum(as_much)) / (1 + self.draws.size))

    @property
    def missing(self) -> str:
        """What there is not where p is NaN: the lines, or mass of the map; else empty."""
        if np.isfinite(self.p):
            return ""
        return "no mass of the map" if self.area else "no PIL"

    @property
    def enrichment(self) -> float:
        """Share over expected share; 1 for a map that does not care for the PIL."""
        return self.token_share / self.expected if self.expected > 0 else float("nan")

    @property
    def z(self) -> float:
        """Share less expectation, in standard deviations of the random regions."""
        spread = float(self.draws.std())
        return (self.token_share - self.expected) / spread if spread > 0 else float("nan")


def near_pil(pil: np.ndarray, pixel_area: Quantity, distance: Quantity = _DISTANCE) -> np.ndarray:
    """Pixels whose centre is no farther than a distance from that of a pixel of the lines.

    Parameters
    ----------
    pil : (rows, cols) array of bool
    pixel_area : Quantity
        Area of one pixel on the Sun; its root is the side.
    distance : Quantity
        On the Sun, along the surface.

    Returns
    -------
    (rows, cols) array of bool
        All False without a line.
    """
    if not pil.any():
        return np.zeros(pil.shape, dtype=bool)
    reach = float((distance / np.sqrt(pixel_area)).to_value(u.dimensionless_unscaled))
    return np.asarray(ndimage.distance_transform_edt(~pil) <= reach)


def overlaps(
    weights: np.ndarray,
    field: np.ndarray,
    masks: PilMasks,
    pixel_area: Quantity,
    *,
    grid: TokenGrid | None = None,
    draws: int = 1000,
    seed: int = 0,
) -> dict[str, Overlap]:
    """Measure the overlap of a map with the RoPI, the hull, and the surroundings of the PIL.

    Parameters are those of `overlap`; `masks` are the detector's.

    Returns
    -------
    dict
        By `REGION_NAMES`.
    """
    regions = {
        "ropi": masks.ropi,
        "hull": masks.hull,
        "near": near_pil(masks.pil, pixel_area),
    }
    return overlap(weights, field, regions, grid=grid, draws=draws, seed=seed)


def overlap(
    weights: np.ndarray,
    field: np.ndarray,
    regions: Mapping[str, np.ndarray],
    *,
    grid: TokenGrid | None = None,
    draws: int = 1000,
    seed: int = 0,
) -> dict[str, Overlap]:
    """Measure how much of a map's mass lies in regions, against |B|-matched random regions.

    A random region is made token by token, since a map shows no more than that. The region is
    turned by a multiple of 90°, mirrored or not, moved to a random place of the patch, and then
    made to fit: tokens are ordered by the mean |B| they see and parted into strata of eight, and
    in each stratum what the region covers of its tokens is dealt out anew, the largest part to the
    token next to the moved region, blurred by two tokens. So each random region

    - covers exactly the region's area, in every stratum of |B|: a map that follows nothing
      but |B| gives them the same mass. |B| is that of a token because that is what a network sees;
      pixels on the PIL itself have next to none;
    - is as broken up among tokens, and nearly of the region's shape. Maps are smooth, so
      scattered tokens would all have nearly the mean, and any region would seem special;
    - lies on the disk and where the network looked, and can always be made. Copies that are only
      moved would land where there is little field, since no second place has the field of a PIL.

    Parameters
    ----------
    weights : (rows, cols) array
        The map on native pixels, at least 0 (of a signed map take one sign first). NaN
        where the network did not look.
    field : (rows, cols) array
        Gauss, NaN off the disk.
    regions : mapping of str to (rows, cols) array of bool
    grid : TokenGrid, optional
        Where the tokens lie; those of the centred crop of 448 pixels by default.
    draws : int
        Random regions; at least 1000 for a p-value to be quoted.
    seed : int
        The places and turns are the same for equal seeds, so those of the frames of a sequence
        can be combined draw by draw.

    Returns
    -------
    dict
        An `Overlap` for each region. Without a region its p is NaN, and its share 0.

    Raises
    ------
    ValueError
        If shapes differ or a weight is negative.

    Notes
    -----
    docs/method.md, "Attention". Of maps drawn at random that follow |B| or nothing, 6 to 8 % get a
    p of 5 % or less, and 9 to 12 % where neighbouring tokens are alike
    (`benchmarks/bench_statistics.py`); so a p just under 5 % means little. Within a stratum |B|
    still varies, most among the strongest fields, of which PILs seldom have the strongest of all:
    that makes p larger, not smaller. Where the strongest fields of a patch all belong to the PIL,
    there is no other place to compare with: the draws then hold the same as the region, and p tends
    to 1.
    """
    weights, field = np.asarray(weights), np.asarray(field)
    if weights.shape != field.shape or any(m.shape != field.shape for m in regions.values()):
        raise ValueError(f"weights {weights.shape} and masks must have the field's {field.shape}")
    seen = np.isfinite(weights) & np.isfinite(field)
    mass = np.where(seen, weights, 0.0).astype(np.float64)
    if mass.min(initial=0.0) < 0.0:
        raise ValueError("weights must not be negative; of a signed map take one sign first")
    rows, cols = field.shape
    grid = grid or TokenGrid.centred((rows, cols))
    tokens = Tokens.of(mass, np.abs(np.where(seen, field, 0.0)), seen, grid)
    places = Places.drawn(draws, np.random.default_rng(seed))
    total, area = float(mass.sum()), int(seen.sum())
    found = {}
    for name, region in regions.items():
        inside = region & seen
        covered = tokens.covered(inside)
        if total > 0.0:
            own = float(covered @ tokens.density) / total
            shares = random_shares(tokens, covered, places) / total
        else:
            own, shares = float("nan"), np.full(draws, np.nan)
        found[name] = Overlap(
            share=float(mass[inside].sum()) / total if total > 0.0 else float("nan"),
            area=float(inside.sum()) / area if area else 0.0,
            expected=float(shares.mean()),
            draws=shares,
            token_share=own,
        )
    return found


def combine(parts: Sequence[Overlap]) -> Overlap:
    """Combine overlaps with the same kind of region, each counting the same.

    Frames of a sequence, drawn with one seed, share the places of their random regions; so what
    is alike between hours stays alike in the draws, and ten frames are not ten proofs. Cases are
    to be drawn with a seed each.

    Parameters
    ----------
    parts : sequence of Overlap
        Those without mass or region are left out, if there are others.

    Returns
    -------
    Overlap
        Means of shares, areas and draws; `n_frames` adds up.

    Raises
    ------
    ValueError
        If there is none, or their numbers of draws differ.
    """
    if not parts or len({part.draws.size for part in parts}) != 1:
        raise ValueError("to combine takes overlaps with the same number of draws")
    parts = [part for part in parts if np.isfinite(part.p)] or list(parts)
    draws = np.mean([part.draws for part in parts], axis=0)
    return Overlap(
        share=float(np.mean([part.share for part in parts])),
        area=float(np.mean([part.area for part in parts])),
        expected=float(draws.mean()),
        draws=draws,
        token_share=float(np.mean([part.token_share for part in parts])),
        n_frames=sum(part.n_frames for part in parts),
    )


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

    Strata are of `_STRATUM` tokens or a few more, next to one another in |B|; chance orders
    equal ones.
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
