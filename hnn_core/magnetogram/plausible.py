"""What a header and a field must be to be believed; beyond that a file is refused.

A damaged or mistaken value that is merely odd would change every flux without a word. The limits
are those of docs/reading.md; they are wide, so that no record of the series is refused.
"""

import math

import numpy as np
from astropy.io.fits import Header

from hnn_core.exceptions import FitsError, OffLimbError
from hnn_core.magnetogram.conventions import finite_number

__all__ = ["check_field", "check_keywords", "cut_out_note"]

SCALE_DEG = 0.03
"""CDELT of the SHARP CEA series."""
RSUN_REF_M = 6.96e8
LARGEST_GAUSS = 10_000.0
"""Twice the strongest line-of-sight field that HMI has measured."""
LEAST_VALID = 0.1
"""Share of a patch that lies on the disk."""
USFLUX_FACTOR = 5.0
_QUIET_GAUSS = 20.0
"""Mean |B| of the quiet Sun with its noise is half of that."""
_BOTH_SIGNS = 1000
"""Pixels of which some have the other sign by noise alone; the smallest patches have 1400."""
_LEAST_GAUSS = 1.0
"""Mean |B| of nothing but noise is five times that."""
_RANGES = {"LON_FWT": 180.0, "LAT_FWT": 90.0, "CRVAL2": 90.0, "CRLT_OBS": 90.0}
_SAME_PX = 2.0
"""Pixels by which a patch may differ from the box of its header; records differ by 0.4."""
_RESAMPLED = 1.5


def check_keywords(header: Header, path: str) -> None:
    """Refuse a header with a value that no SHARP CEA record has.

    Parameters
    ----------
    header : Header
        With CDELT1, CDELT2 and RSUN_REF; others are looked at where they are there.
    path : str
        For messages.

    Raises
    ------
    FitsError
        The scale is not the series', the patch is rotated, RSUN_REF is not the Sun's radius, or a
        coordinate is none.
    """
    for key in ("CDELT1", "CDELT2"):
        degrees = finite_number(header[key])
        ratio = abs(degrees) / SCALE_DEG
        if not 0.8 <= ratio <= 1.2:
            what = "binned or resampled" if ratio > 1 else "resampled"
            raise FitsError(
                f"{path} is {what}: {key} is {degrees:g}° a pixel, and the series has "
                f"{SCALE_DEG}°; take the file as JSOC has it."
            )
    radius = finite_number(header["RSUN_REF"])
    if not abs(radius / RSUN_REF_M - 1.0) <= 0.01:
        raise FitsError(
            f"{path} cannot be believed: RSUN_REF is {radius:g} m, and the Sun's "
            f"radius is {RSUN_REF_M:g} m; download it again."
        )
    for key, largest in _RANGES.items():
        value = finite_number(header.get(key))
        if abs(value) > largest:
            raise FitsError(
                f"{path} cannot be believed: {key} is {header[key]}°, beyond ±{largest:g}°; "
                "download it again."
            )
    _check_axes(header, path)


def check_field(
    field: np.ndarray, header: Header, path: str, *, pixel_cm2: float, mu: float, whole: bool
) -> None:
    """Refuse a field that is not that of an active region in gauss.

    Parameters
    ----------
    field : ndarray, float32 (rows, cols)
        Gauss, NaN off the disk.
    header : Header
        Its USFLUX, the flux of the radial field in the active pixels, is compared with Σ|B| dA.
        Files of the series agree within 15 %. The quiet Sun around a weak region may add 20 G.
    path : str
        For messages.
    pixel_cm2 : float
        Area of a pixel.
    mu : float
        Cosine of the angle from the centre of the disk, by which a radial field is seen; 1 where
        it is not known.
    whole : bool
        Whether this is the whole patch, of which USFLUX is; a cut-out may hold any part of it.

    Raises
    ------
    OffLimbError
        Less than a tenth of the pixels is on the disk.
    FitsError
        All pixels are zero or the same, a thousand or more are of one sign, one is beyond 10 kG,
        the mean |B| is under 1 G, or the flux is not that of USFLUX by more than a factor of 5.
    """
    valid = int(np.count_nonzero(np.isfinite(field)))
    if not valid:
        raise OffLimbError(f"{path} has no pixel on the disk: its whole field is NaN.")
    if valid < LEAST_VALID * field.size:
        raise OffLimbError(
            f"{path} has {valid} of {field.size} pixels on the disk, less than a tenth; the others "
            "are NaN."
        )
    least, most = float(np.nanmin(field)), float(np.nanmax(field))
    if least == most:
        what = "zero" if most == 0 else f"{most:g} G"
        raise FitsError(f"{path} holds no measured field: every pixel is {what}.")
    if max(most, -least) > LARGEST_GAUSS:
        value = most if most > -least else least
        raise FitsError(
            f"{path} has a pixel of {value:g} G, and no field of the Sun exceeds "
            f"{LARGEST_GAUSS:g} G: it is damaged, or not in gauss."
        )
    if valid >= _BOTH_SIGNS and (least >= 0 or most <= 0):
        raise FitsError(
            f"{path} holds no line-of-sight field: its pixels have one sign, {least:g} to "
            f"{most:g}, as field strengths, errors and bitmaps have."
        )
    strength = float(np.nansum(np.abs(field), dtype=np.float64))
    if strength < _LEAST_GAUSS * valid:
        raise FitsError(
            f"{path} is not in gauss, whatever BUNIT says: its mean |B| is {strength / valid:.2g}, "
            "and the noise alone has 5 G."
        )
    stated = finite_number(header.get("USFLUX"))
    flux = strength * pixel_cm2
    most_flux = stated * USFLUX_FACTOR + _QUIET_GAUSS * valid * pixel_cm2
    if stated > 0 and (flux > most_flux or (whole and flux < stated * mu / USFLUX_FACTOR)):
        raise FitsError(
            f"{path} is not in gauss, whatever BUNIT says: Σ|B| dA is {flux:.3g} Mx, and its "
            f"USFLUX is {stated:.3g} Mx."
        )


def cut_out_note(header: Header, shape: tuple[int, int], path: str) -> str:
    """Compare the size of a patch with the box that its header gives it.

    Parameters
    ----------
    header : Header
        LONDTMIN to LATDTMAX are the box, in degrees from the central meridian and the equator.
    shape : (rows, cols)
    path : str
        For messages.

    Returns
    -------
    str
        A sentence for a cut-out or a patch with a margin, which its WCS places on the Sun; empty
        for a whole patch, and where the header has no box.

    Raises
    ------
    FitsError
        Both axes are longer or shorter than the box by the same factor, and the reference pixel is
        not moved: the patch is resampled, and its CDELT is not true.
    """
    box = [
        (finite_number(header.get(f"{axis}DTMAX")) - finite_number(header.get(f"{axis}DTMIN")))
        / SCALE_DEG
        for axis in ("LAT", "LON")
    ]
    if not all(math.isfinite(length) and length > 0 for length in box):
        return ""
    if all(abs(length - size) <= _SAME_PX for length, size in zip(box, shape, strict=True)):
        return ""
    rows, cols = box[0] / shape[0], box[1] / shape[1]
    stated = f"{shape[1]} by {shape[0]} pixels, and its header's box {box[1]:.0f} by {box[0]:.0f}"
    spread = _SAME_PX * (1 / shape[0] + 1 / shape[1])
    alike = abs(rows / cols - 1.0) <= spread < 0.2
    middle = [(length + 1) / 2 for length in (box[1], box[0])]
    unmoved = all(
        abs(finite_number(header.get(f"CRPIX{axis}")) - place) <= _SAME_PX
        for axis, place in enumerate(middle, start=1)
    )
    if alike and unmoved and not 1 / _RESAMPLED < rows < _RESAMPLED:
        raise FitsError(
            f"{path} is binned or resampled: it has {stated}, of the same form, but its CDELT and "
            "CRPIX are those of the whole patch; take the file as JSOC has it."
        )
    return f"{path} is not the whole patch of its record: it has {stated}."


def _check_axes(header: Header, path: str) -> None:
    """Refuse axes that are rotated or mixed; those that are reversed can be flipped."""
    rotation = finite_number(header.get("CROTA2"))
    if abs(math.remainder(rotation, 360.0)) > 0.01:
        raise FitsError(
            f"{path} is rotated: CROTA2 is {header['CROTA2']}°; take the file as JSOC has it."
        )
    for i in (1, 2):
        for j in (1, 2):
            wanted = float(i == j)
            if not abs(finite_number(header.get(f"PC{i}_{j}", wanted)) - wanted) < 1e-6 or (
                f"CD{i}_{j}" in header
            ):
                raise FitsError(
                    f"{path} has axes that are mixed or rescaled by the matrix PC{i}_{j} or "
                    f"CD{i}_{j}; take the file as JSOC has it."
                )
        unit = str(header.get(f"CUNIT{i}", "deg")).strip().lower()
        if unit not in ("", "deg", "degree", "degrees"):
            raise FitsError(f"{path} has its coordinates in {unit!r}, not in degrees.")
