"""Magnetic flux of a magnetogram, in the patch and near its inversion lines, and its history."""

from collections.abc import Callable, Iterable

import numpy as np
import pandas as pd
from astropy import units as u
from astropy.units import Quantity
from scipy import ndimage

from analysis.physics.coordinates import header_number
from analysis.physics.pil import PilMasks, PilSettings, line_length
from hnn_core.exceptions import EmptySourceError
from hnn_core.magnetogram.grid import size_words
from hnn_core.magnetogram.magnetogram import Magnetogram

__all__ = [
    "NOISE",
    "flux_history",
    "frame_flux",
    "header_r_value",
    "r_value",
    "size_note",
    "unsigned_flux",
]

NOISE = 6.4 * u.G
"""Noise of one pixel of a 720 s HMI line-of-sight magnetogram (Hoeksema et al. 2014)."""

_STRONG = 150.0  # G
_SAMPLE = 4  # native pixels a sample: about the 2 arcsec of MDI, for which R was made
_FWHM = 10.0  # samples: the 15 Mm of Schrijver (2007)


def unsigned_flux(
    field: np.ndarray,
    pixel_area: Quantity,
    mask: np.ndarray | None = None,
    *,
    threshold: float = 0.0,
) -> Quantity:
    """Unsigned flux, Φ = Σ|B| dA.

    Parameters
    ----------
    field : (rows, cols) array
        Line-of-sight field in gauss. NaN pixels are not counted.
    pixel_area : Quantity
        Area of one pixel on the Sun.
    mask : (rows, cols) array of bool, optional
        Pixels to count; all of them by default.
    threshold : float
        Pixels with abs(B) under this, in gauss, are not counted.

    Returns
    -------
    Quantity
        Flux in Mx, 0 Mx when no pixel is counted.

    Raises
    ------
    ValueError
        If the mask is not boolean of the field's shape or the threshold is negative.

    Notes
    -----
    Source: docs/method.md, "Flux and trends".

    Examples
    --------
    600 pixels of −50 G, each of 10¹⁵ cm²:

    >>> import numpy as np
    >>> from astropy import units as u
    >>> unsigned_flux(np.full((20, 30), -50.0), 1e15 * u.cm**2)
    <Quantity 3.e+19 Mx>
    """
    return _flux(float(np.abs(_values(field, mask, threshold)).sum()), pixel_area)


def frame_flux(
    magnetogram: Magnetogram,
    settings: PilSettings | None = None,
    *,
    masks: PilMasks | None = None,
    threshold: float = 0.0,
    part: tuple[slice, slice] | None = None,
) -> dict[str, object]:
    """Fluxes of one magnetogram, as one row of `flux_history`.

    Parameters
    ----------
    magnetogram : Magnetogram
        Its field may hold NaN, which is not counted.
    settings : PilSettings, optional
        The detector's parameters and the region in which the PIL flux is taken.
    masks : PilMasks, optional
        Masks already detected with these settings; detected here by default.
    threshold : float
        Smallest abs(B), in gauss, that counts in the total fluxes.
    part : (slice, slice), optional
        Rows and columns that count, such as those that all frames of a window cover; the whole
        patch by default. The masks are detected on the whole patch in any case.

    Returns
    -------
    dict
        Column name to value; the last word of a name is its unit. The flux of the positive polarity
        is ≥ 0, that of the negative ≤ 0. The formal error holds the noise of the pixels only, and
        is hundreds of times smaller than the effect of the threshold and of the projection
        (docs/method.md, "Flux and trends").
    """
    settings = settings or PilSettings()
    masks = masks or settings.detect(magnetogram.field)
    part = part or (slice(None), slice(None))
    field, area = magnetogram.field[part], magnetogram.pixel_area
    region, lines = masks.region(settings.region)[part], masks.pil[part]
    length = line_length(lines)
    return {
        "t_rec_tai": pd.Timestamp(magnetogram.t_rec.tai.isot),
        "harp": magnetogram.harp,
        "noaa": " ".join(str(number) for number in magnetogram.noaa),
        **_fluxes("total", field, area, None, threshold),
        **_fluxes("pil", field, area, region, 0.0),
        "pil_pixels": int(lines.sum()),
        "pil_length_px": length,
        "pil_length_mm": length * float(np.sqrt(area.to_value(u.Mm**2))),
        "patch_rows_px": field.shape[0],
        "patch_columns_px": field.shape[1],
        "longitude_deg": float(magnetogram.longitude.to_value(u.deg)),
        "latitude_deg": float(magnetogram.latitude.to_value(u.deg)),
        "quality": f"0x{magnetogram.quality:08x}",
        "interpolated": magnetogram.interpolated,
        "simulated": magnetogram.simulated,
        "usflux_header_mx": _header_value(magnetogram, "USFLUX"),
    }


def flux_history(
    magnetograms: Iterable[Magnetogram],
    settings: PilSettings | None = None,
    progress: Callable[[int], None] | None = None,
    *,
    threshold: float = 0.0,
) -> pd.DataFrame:
    """Fluxes of a series of magnetograms, one row each, in the order given.

    Parameters
    ----------
    magnetograms : iterable of Magnetogram
        Taken one at a time, so a generator never holds more than one.
    settings, threshold
        As in `frame_flux`.
    progress : callable, optional
        Called with the number of frames done after each frame.

    Returns
    -------
    DataFrame
        ``t_rec_tai`` (T_REC, TAI, without a time zone), ``harp``, ``noaa``; unsigned,
        positive (≥ 0) and negative (≤ 0) flux and formal error, of the whole patch and of
        the PIL region; the line's length; ``patch_rows_px`` and ``patch_columns_px``, pixels of the
        area that the fluxes are of; position from the central meridian; ``quality`` as
        hexadecimal; ``interpolated``, ``simulated``; USFLUX of the header.

    Raises
    ------
    EmptySourceError
        If there is no magnetogram.

    Examples
    --------
    Two polarities of 500 G face one another, and fall by 100 G in an hour:

    >>> import numpy as np
    >>> from astropy import units as u
    >>> from astropy.time import Time
    >>> from hnn_core.magnetogram.magnetogram import Magnetogram
    >>> start, place = Time("2011-02-13T00:00:00", scale="tai"), (0 * u.deg, 0 * u.deg)
    >>> field = np.repeat([[500.0, -500.0]], 30, axis=1).repeat(40, axis=0)
    >>> frames = [
    ...     Magnetogram(field * (1 - 0.2 * t), start + t * u.h, 377, (), 1e15 * u.cm**2, 0, *place)
    ...     for t in (0, 1)
    ... ]
    >>> table = flux_history(frames)
    >>> table["total_unsigned_flux_mx"].to_list()
    [1.2e+21, 9.6e+20]
    >>> table["pil_unsigned_flux_mx"].to_list()
    [1e+20, 8e+19]
    """
    rows = []
    for done, magnetogram in enumerate(magnetograms, start=1):
        rows.append(frame_flux(magnetogram, settings, threshold=threshold))
        if progress is not None:
            progress(done)
    if not rows:
        raise EmptySourceError("no magnetogram to take the flux of: the series is empty")
    return pd.DataFrame(rows)


def size_note(history: pd.DataFrame) -> str:
    """Say that the patch of a `flux_history` changes its size; empty where it does not."""
    sizes = history[["patch_rows_px", "patch_columns_px"]].drop_duplicates()
    if len(sizes) < 2:
        return ""
    area = sizes.prod(axis=1)
    small, large = (
        size_words((int(rows), int(columns)))
        for rows, columns in sizes.loc[[area.idxmin(), area.idxmax()]].to_numpy()
    )
    return (
        f"The patch changes its size ({small} to {large}). The total flux is that of the whole "
        "patch at each hour, so a step may be the patch's; trends count the common area alone."
    )


def r_value(field: np.ndarray) -> float:
    """R value of a patch: log10 of the flux near strong-gradient inversion lines.

    Parameters
    ----------
    field : (rows, cols) array
        Line-of-sight field in gauss, 0.03° a pixel; NaN counts as no field.

    Returns
    -------
    float
        log10 of ΣW|B| over samples, in gauss; 0 where the sum is under 1 G. W is 1 where
        samples of more than 150 G of both signs touch, smeared by a Gaussian of 10 samples
        FWHM. Despite its usual name, no area is multiplied in, neither here nor in the header.

    Notes
    -----
    Schrijver (2007), ApJ 655, L117, in the form of the SHARP keyword R_VALUE, which takes every
    fourth pixel; it agrees with the headers of HARP 377 to 0.002. A field at three quarters of
    the samples is not looked at, so single values jump by a few hundredths.
    """
    samples = np.nan_to_num(field[::_SAMPLE, ::_SAMPLE].astype(np.float64), posinf=0.0, neginf=0.0)
    touch = np.ones(samples.shape, dtype=bool)
    for strong in (samples > _STRONG, samples < -_STRONG):
        touch &= ndimage.binary_dilation(strong, np.ones((3, 3)))
    if not touch.any():
        return 0.0
    sigma = _FWHM / np.sqrt(8.0 * np.log(2.0))
    weight = ndimage.gaussian_filter(touch.astype(np.float64), sigma, mode="constant")
    total = float((weight * np.abs(samples)).sum())
    return float(np.log10(total)) if total >= 1.0 else 0.0


def header_r_value(magnetogram: Magnetogram) -> float:
    """R_VALUE of the header; NaN where there is none or the frame is interpolated."""
    return _header_value(magnetogram, "R_VALUE")


def _header_value(magnetogram: Magnetogram, key: str) -> float:
    return float("nan") if magnetogram.interpolated else header_number(magnetogram, key)


def _values(field: np.ndarray, mask: np.ndarray | None, threshold: float) -> np.ndarray:
    """Return the counted pixels in gauss: finite, in the mask, at or above the threshold."""
    field = np.asarray(field)
    counted = np.isfinite(field)
    if mask is not None:
        mask = np.asarray(mask)
        if mask.shape != field.shape or mask.dtype != bool:
            raise ValueError(
                f"mask must be boolean of the field's shape {field.shape}, "
                f"got {mask.dtype} {mask.shape}"
            )
        counted &= mask
    values = field[counted].astype(np.float64)
    if not threshold >= 0:
        raise ValueError(f"threshold must be a field of at least 0 G, got {threshold}")
    return values[np.abs(values) >= threshold] if threshold > 0 else values


def _flux(total: float, pixel_area: Quantity) -> Quantity:
    return (total * u.G * pixel_area).to(u.Unit("Mx"))


def _fluxes(
    name: str, field: np.ndarray, area: Quantity, mask: np.ndarray | None, threshold: float
) -> dict[str, object]:
    """Columns of the fluxes; the formal error is dA √(N σ²) over the N counted pixels."""
    values = _values(field, mask, threshold)
    positive = _flux(float(values[values > 0].sum()), area)
    negative = _flux(float(values[values < 0].sum()), area)
    error = _flux(float(np.sqrt(values.size) * NOISE.to_value(u.G)), area)
    prefix = "" if name == "total" else f"{name}_"
    return {
        f"{name}_unsigned_flux_mx": (positive - negative).value,
        f"{prefix}positive_flux_mx": positive.value,
        f"{prefix}negative_flux_mx": negative.value,
        f"{name}_flux_error_mx": error.value,
    }
