"""Schrijver's R: how much flux lies near strong-gradient polarity inversion lines."""

import numpy as np
from scipy import ndimage

from hnn_core.magnetogram import Magnetogram

__all__ = ["header_r_value", "r_value"]

_STRONG = 150.0  # G
_SAMPLE = 4  # native pixels a sample: about the 2 arcsec of MDI, for which R was made
_FWHM = 10.0  # samples: the 15 Mm of Schrijver (2007)


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
    value = magnetogram.header.get("R_VALUE")
    if magnetogram.interpolated or isinstance(value, bool) or not isinstance(value, int | float):
        return float("nan")
    return float(value)
