"""The SHARP parameters of an active region, from its field vector, with formal errors.

Definitions are those of Bobra et al. (2014), table 3, as the pipeline applies them, so that
values equal the keywords of the record. Where the pipeline's value is not what its name promises,
the value that it promises stands beside it under a name of its own (docs/method.md).
"""

from dataclasses import dataclass

import numpy as np
from scipy import fft
from scipy.signal import fftconvolve

from analysis.physics.coordinates import header_number
from analysis.physics.flux import r_value
from hnn_core.magnetogram.magnetogram import Magnetogram
from hnn_core.magnetogram.vector import VectorMagnetogram

__all__ = [
    "ERROR_OF",
    "UNITS",
    "SharpParameters",
    "header_parameters",
    "potential_field",
    "sharp_parameters",
]

UNITS = {
    "USFLUX": "Mx", "MEANGAM": "deg", "MEANGBT": "G/px", "MEANGBZ": "G/px", "MEANGBH": "G/px",
    "MEANJZD": "mA/m2", "TOTUSJZ": "A", "MEANALP": "1/Mm", "MEANJZH": "G2/m", "TOTUSJH": "G2/m",
    "ABSNJZH": "G2/m", "SAVNCPP": "A/arcsec2", "MEANPOT": "erg/cm3", "TOTPOT": "erg/cm",
    "MEANSHR": "deg", "SHRGT45": "%", "R_VALUE": "log10(G)", "CMASK": "px",
    "SAVNCPP_A": "A", "MEANPOT_FFT": "erg/cm3", "TOTPOT_FFT": "erg/cm", "MEANSHR_FFT": "deg",
    "SHRGT45_FFT": "%",
}  # fmt: skip
"""Of every parameter, in the order of the tables.

MEANGBT, MEANGBZ and MEANGBH are stated as G/Mm by the series and are G per pixel; SAVNCPP is
stated as A and is divided twice by the pixel's arcseconds; MEANPOT to SHRGT45 are measured from
a field that is near to −∇Br. SAVNCPP_A and the names in _FFT are what the names promise.
"""
ERROR_OF = {
    "USFLUX": "ERRVF", "MEANGAM": "ERRGAM", "MEANGBT": "ERRBT", "MEANGBZ": "ERRBZ",
    "MEANGBH": "ERRBH", "MEANJZD": "ERRJZ", "TOTUSJZ": "ERRUSI", "MEANALP": "ERRALP",
    "MEANJZH": "ERRMIH", "TOTUSJH": "ERRTUI", "ABSNJZH": "ERRTAI", "SAVNCPP": "ERRJHT",
    "MEANPOT": "ERRMPOT", "TOTPOT": "ERRTPOT", "MEANSHR": "ERRMSHA",
}  # fmt: skip
"""Keyword of the error of each parameter that has one."""

_ALSO = {"ERRMIH": "ERRMIHE"}
"""Other spellings of keywords in records."""
_INSIDE = 30
_WEAK_HORIZONTAL_G = 100.0
_MU0 = 4e-7 * np.pi
_WINDOW_PX, _DEPTH_PX = 10, 1e-3


@dataclass(frozen=True, eq=False)
class SharpParameters:
    """Parameters of one record by keyword, in `UNITS`; NaN where they cannot be had."""

    values: dict[str, float]
    errors: dict[str, float]
    """By the parameter's keyword; formal errors from those of the field, pixels independent.
    Empty without the error segments."""
    mask: np.ndarray
    """(rows, cols) bool: the pixels that count."""

    def row(self) -> dict[str, float]:
        """Values and errors under the keywords of the series."""
        return self.values | {ERROR_OF[name]: error for name, error in self.errors.items()}


def sharp_parameters(
    vector: VectorMagnetogram, line_of_sight: np.ndarray | None = None, *, confidence: int = 70
) -> SharpParameters:
    """Compute the SHARP parameters of a record.

    Parameters
    ----------
    vector : VectorMagnetogram
        With its bitmap. Without conf_disambig every pixel counts as sure.
    line_of_sight : (rows, cols) array, optional
        B along the line of sight, gauss, for R_VALUE, which is NaN without it.
    confidence : int
        Least conf_disambig of a pixel that counts; the series takes 70.

    Raises
    ------
    ValueError
        There is no bitmap, so that it is not known which pixels are the region, or none of them
        counts.

    Notes
    -----
    Derivatives are centred differences over two pixels; pixels on the rim do not count in them.
    """
    if vector.bitmap is None:
        raise ValueError(
            f"{vector.place.origin} has no bitmap beside it, which tells which pixels are the "
            "region; fetch that segment."
        )
    mask = (vector.bitmap >= _INSIDE) & np.isfinite(vector.total)
    if vector.confidence is not None:
        mask &= vector.confidence >= confidence
    if not mask.any():
        raise ValueError(
            f"no pixel of {vector.place.origin} is inside the region and has a sure direction"
        )
    one = _Patch(vector, mask)
    values, errors = one.parameters()
    if line_of_sight is not None:
        values["R_VALUE"] = r_value(line_of_sight)
    return SharpParameters({name: values.get(name, np.nan) for name in UNITS}, errors, mask)


def header_parameters(magnetogram: Magnetogram) -> dict[str, float]:
    """Return the parameters and errors that a record's header states, by keyword; NaN for none."""
    names = [name for name in UNITS if not name.endswith(("_FFT", "_A"))]
    known = {name: header_number(magnetogram, name) for name in (*names, *ERROR_OF.values())}
    for name, other in _ALSO.items():
        if np.isnan(known[name]):
            known[name] = header_number(magnetogram, other)
    return known


def potential_field(radial: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Horizontal field, westward and northward, of the potential field above a patch.

    Parameters
    ----------
    radial : (rows, cols) array
        Vertical field, any unit; NaN counts as 0. Outside the patch there is none.

    Returns
    -------
    tuple of (rows, cols) float64
        Periodic solution (Alissandrakis 1981) on a patch with a rim of zeros half as wide.
    """
    rows, cols = radial.shape
    shape = tuple(fft.next_fast_len(2 * n, real=True) for n in (rows, cols))
    modes = fft.rfft2(np.nan_to_num(radial, copy=True), s=shape)
    north, west = fft.fftfreq(shape[0])[:, None], fft.rfftfreq(shape[1])
    number = np.hypot(north, west)
    number[0, 0] = 1.0
    inside = slice(rows), slice(cols)
    return (
        fft.irfft2(-1j * west / number * modes, s=shape)[inside],
        fft.irfft2(-1j * north / number * modes, s=shape)[inside],
    )


class _Patch:
    """Components of a record and what its pixels measure."""

    def __init__(self, vector: VectorMagnetogram, mask: np.ndarray) -> None:
        self.mask = mask
        self.x, self.y, self.z = (
            part.astype(np.float64) for part in (vector.westward, -vector.southward, vector.radial)
        )
        errors = (vector.westward_error, vector.southward_error, vector.radial_error)
        self.sigma = [one.astype(np.float64) for one in errors if one is not None]
        self.horizontal = np.hypot(self.x, self.y)
        self.total = np.hypot(self.horizontal, self.z)
        self.area = vector.place.pixel_area.to_value("cm2")
        self.metre = float(np.sqrt(self.area)) / 100.0
        header = vector.place.header
        seen = header.get("RSUN_REF", 6.96e8) * np.radians(abs(header.get("CDELT1", 0.03)))
        distance = header.get("DSUN_OBS", 1.496e11)
        self.arcsec = float(np.degrees(np.arctan(seen / distance)) * 3600.0)

    def parameters(self) -> tuple[dict[str, float], dict[str, float]]:
        mask = self.mask
        jz, current, helicity, alpha = self._currents()
        values = {
            "CMASK": float(mask.sum()),
            "USFLUX": float(np.abs(self.z[mask]).sum() * self.area),
            **current,
            **helicity,
            **alpha,
        }
        inclined = mask & (self.horizontal > _WEAK_HORIZONTAL_G)
        angle = np.degrees(np.arctan2(self.horizontal[inclined], np.abs(self.z[inclined])))
        values["MEANGAM"] = float(angle.mean()) if angle.size else np.nan
        for name, field in (
            ("MEANGBT", self.total), ("MEANGBZ", self.z), ("MEANGBH", self.horizontal),
        ):  # fmt: skip
            across, up = _slopes(field)
            steep = np.hypot(across, up)
            values[name] = _mean(steep, mask & ((across + up) != 0))
        for ending, (px, py) in (
            ("", _window_potential(self.z)),
            ("_FFT", potential_field(self.z)),
        ):
            excess = ((self.x - px) ** 2 + (self.y - py) ** 2) / (8.0 * np.pi)
            shear = np.degrees(self._shear(px, py))
            values[f"MEANPOT{ending}"] = _mean(excess, mask)
            values[f"TOTPOT{ending}"] = float(excess[mask].sum() * self.area)
            values[f"MEANSHR{ending}"] = _mean(shear, mask)
            values[f"SHRGT45{ending}"] = float((shear[mask] > 45.0).mean() * 100.0)
        errors = self._errors(jz, inclined) if len(self.sigma) == 3 else {}
        return values, errors

    def _currents(self) -> tuple[np.ndarray, dict[str, float], dict[str, float], dict[str, float]]:
        """Jz in G per pixel, and what is made of it."""
        z, mask = self.z, self.mask
        jz = _slopes(self.y)[0] - _slopes(self.x)[1]
        counts = mask & np.isfinite(jz)
        ampere = 1e-4 / _MU0 * self.metre  # of a pixel with 1 G per pixel
        helicity = jz * z / self.metre
        polarity = sum(abs(float(jz[counts & side].sum())) for side in (z > 0, z <= 0))
        current = {
            "MEANJZD": _mean(jz, counts) * 1e3 * ampere / self.metre**2,
            "TOTUSJZ": float(np.abs(jz[counts]).sum()) * ampere,
            "SAVNCPP": polarity * ampere / self.arcsec**2,
            "SAVNCPP_A": polarity * ampere,
        }
        twisted = counts & (jz != 0) & (z != 0)
        net = float(helicity[twisted].sum())
        of_helicity = {
            "MEANJZH": _mean(helicity, twisted),
            "TOTUSJH": float(np.abs(helicity[twisted]).sum()),
            "ABSNJZH": abs(net),
        }
        strength = float((z[twisted] ** 2).sum())
        alpha = net / strength * 1e6 if strength else float("nan")
        return jz, current, of_helicity, {"MEANALP": alpha}

    def _shear(self, px: np.ndarray, py: np.ndarray) -> np.ndarray:
        """Angle between the field and one with another horizontal part, (rows, cols) radians."""
        along = self.x * px + self.y * py + self.z**2
        length = self.total * np.sqrt(px**2 + py**2 + self.z**2)
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.asarray(np.arccos(np.clip(along / length, -1.0, 1.0)))

    def _errors(self, jz: np.ndarray, inclined: np.ndarray) -> dict[str, float]:
        x, y, z, mask = self.x, self.y, self.z, self.mask
        sx, sy, sz = self.sigma
        horizontal, total = self.horizontal, self.total
        with np.errstate(invalid="ignore", divide="ignore"):
            sh = np.hypot(x * sx, y * sy) / horizontal
            st = np.sqrt((x * sx) ** 2 + (y * sy) ** 2 + (z * sz) ** 2) / total
            angle = np.hypot(z * sh, horizontal * sz) / total**2
        errors = {"USFLUX": _norm(sz, mask) * self.area}
        errors["MEANGAM"] = np.degrees(_norm(angle, inclined)) / max(inclined.sum(), 1)
        for name, field, sigma in (
            ("MEANGBT", total, st), ("MEANGBZ", z, sz), ("MEANGBH", horizontal, sh),
        ):  # fmt: skip
            across, up = _slopes(field)
            beside = _around(sigma, 1), _around(sigma, 0)
            with np.errstate(invalid="ignore", divide="ignore"):
                steep = np.hypot(across, up)
                error = 0.5 * np.hypot(across * beside[0], up * beside[1]) / steep
            counts = mask & ((across + up) != 0)
            errors[name] = _norm(error, counts) / max(int((counts & np.isfinite(error)).sum()), 1)
        sj = 0.5 * np.hypot(_around(sy, 1), _around(sx, 0))
        ampere, n = 1e-4 / _MU0 * self.metre, int((mask & np.isfinite(jz)).sum())
        current = _norm(sj, mask)
        errors["MEANJZD"] = current / n * 1e3 * ampere / self.metre**2
        errors["TOTUSJZ"] = current * ampere
        errors["SAVNCPP"] = current * ampere / self.arcsec**2
        twisted = mask & np.isfinite(jz) & (jz != 0) & (z != 0)
        strength = float((z[twisted] ** 2).sum())
        net = float((jz * z)[twisted].sum())
        with np.errstate(invalid="ignore", divide="ignore"):
            alpha = np.hypot(z * sj, (jz - 2 * z * np.divide(net, strength)) * sz)
            errors["MEANALP"] = np.divide(_norm(alpha, twisted), strength) / self.metre * 1e6
        helicity = _norm(np.hypot(z * sj, jz * sz), twisted) / self.metre
        errors["MEANJZH"] = helicity / max(int(twisted.sum()), 1)
        errors["TOTUSJH"] = errors["ABSNJZH"] = helicity
        px, py = _window_potential(z)
        excess = 2.0 * np.hypot((x - px) * sx, (y - py) * sy) / (8.0 * np.pi)
        errors["MEANPOT"] = _norm(excess, mask) / int(mask.sum())
        errors["TOTPOT"] = _norm(excess, mask) * self.area
        errors["MEANSHR"] = np.degrees(_norm(self._shear_error(px, py), mask)) / int(mask.sum())
        return {name: float(error) for name, error in errors.items()}

    def _shear_error(self, px: np.ndarray, py: np.ndarray) -> np.ndarray:
        """Of the angle of `_shear`, radians; the other field counts as exact."""
        with np.errstate(invalid="ignore", divide="ignore"):
            other = np.stack([px, py, self.z])
            other /= np.linalg.norm(other, axis=0)
            own = np.stack([self.x, self.y, self.z]) / self.total
            cosine = (own * other).sum(axis=0)
            by = (other - cosine * own) / (self.total * np.sqrt(1.0 - cosine**2))
        return np.asarray(np.linalg.norm(by * np.stack(self.sigma), axis=0))


def _mean(values: np.ndarray, counts: np.ndarray) -> float:
    chosen = values[counts]
    chosen = chosen[np.isfinite(chosen)]
    return float(chosen.mean()) if chosen.size else float("nan")


def _norm(sigma: np.ndarray, counts: np.ndarray) -> float:
    """Error of a sum of independent terms."""
    return float(np.sqrt(np.nansum(sigma[counts] ** 2)))


def _slopes(field: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Centred differences westward and northward, per pixel; NaN on the rim."""
    across, up = np.full((2, *field.shape), np.nan)
    across[1:-1, 1:-1] = (field[1:-1, 2:] - field[1:-1, :-2]) / 2.0
    up[1:-1, 1:-1] = (field[2:, 1:-1] - field[:-2, 1:-1]) / 2.0
    return across, up


def _around(sigma: np.ndarray, axis: int) -> np.ndarray:
    """Root of the summed squares of a pixel's two neighbours; NaN on the rim."""
    square = np.full(sigma.shape, np.nan)
    inner = slice(1, -1)
    if axis == 1:
        square[inner, inner] = sigma[inner, 2:] ** 2 + sigma[inner, :-2] ** 2
    else:
        square[inner, inner] = sigma[2:, inner] ** 2 + sigma[:-2, inner] ** 2
    return np.sqrt(square)


def _window_potential(radial: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Horizontal field that the series compares with: no potential field in truth.

    The potential of a pixel is its own Br and a thousandth of Br / r in the 20 by 20 pixels about
    it, ten of them eastward and nine westward.
    """
    offset = np.arange(1 - _WINDOW_PX, _WINDOW_PX + 1)
    kernel = _DEPTH_PX / np.sqrt(offset**2 + offset[:, None] ** 2 + _DEPTH_PX**2)
    whole = fftconvolve(np.nan_to_num(radial, copy=True), kernel, "full")
    before = _WINDOW_PX - 1
    rows, cols = radial.shape
    potential = whole[before : before + rows, before : before + cols]
    across, up = _slopes(potential)
    return np.nan_to_num(-across), np.nan_to_num(-up)
