"""What a header and a field must be to be believed; beyond that a file is refused.

A damaged or mistaken value that is merely odd would change every flux without a word. The limits
are those of docs/reading.md; they are wide, so that no record of the series is refused.
"""

import math
import re
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from astropy.io.fits import Header

from hnn_core.exceptions import FitsError, OffLimbError
from hnn_core.magnetogram.conventions import finite_number

__all__ = ["check_field", "check_keywords", "check_times", "cut_out_note"]

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
_DAY = re.compile(r"\s*(\d{4})[.-](\d\d)[.-](\d\d)[T_ ](\d\d):(\d\d)", re.ASCII)
_OBSERVED = ("T_OBS", "DATE-OBS", "DATE_OBS")
_EPOCH = datetime(1970, 1, 1)
_NEAR_S = 3600.0
"""Between T_REC and the times of observation; in records it is two minutes at most."""
_SAME_PX = 2.0
"""Pixels by which a patch may differ from the box of its header; records differ by 0.4."""
_SQUARE = 1e-3
"""Part by which CDELT1 and CDELT2 may differ; area and axes are those of square pixels."""
_BOX = {1: "LONDT", 2: "LATDT"}
_BEYOND_DEG = 1.0
"""By which the flux-weighted centre may lie outside the box; in records it lies inside."""


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
        The scale is not the series' or not that of square pixels, the patch is rotated, RSUN_REF is
        not the Sun's radius, or a coordinate is none or lies outside the patch.
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
    unequal = abs(finite_number(header["CDELT1"]) / finite_number(header["CDELT2"]))
    if not abs(unequal - 1.0) <= _SQUARE:
        raise FitsError(
            f"{path} is resampled: CDELT1 is {header['CDELT1']}° and CDELT2 {header['CDELT2']}°, "
            "and the pixels of the series are square; take the file as JSOC has it."
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
    for key, box in (("LON_FWT", "LONDT"), ("LAT_FWT", "LATDT")):
        value = finite_number(header.get(key))
        least, most = (finite_number(header.get(f"{box}{end}")) for end in ("MIN", "MAX"))
        if value < least - _BEYOND_DEG or value > most + _BEYOND_DEG:
            raise FitsError(
                f"{path} cannot be believed: {key} is {value:g}°, and its box ({box}MIN to "
                f"{box}MAX) is {least:g}° to {most:g}°; download it again."
            )
    _check_axes(header, path)


def check_times(header: Header, path: str, seconds: float) -> None:
    """Refuse a T_REC that a time of observation contradicts by an hour or more.

    Parameters
    ----------
    header : Header
        T_OBS, DATE-OBS and DATE_OBS are looked at where they are there, in whatever scale.
    path : str
        For messages.
    seconds : float
        T_REC as unix_tai seconds.

    Raises
    ------
    FitsError
    """
    for key in _OBSERVED:
        found = _DAY.match(str(header.get(key, "")))
        with suppress(ValueError):  # a month 13: nothing is known
            moment = datetime.strptime("".join(found.groups()), "%Y%m%d%H%M") if found else None
            if moment and abs((moment - _EPOCH).total_seconds() - seconds) > _NEAR_S:
                raise FitsError(
                    f"{path} cannot be believed: T_REC is {header['T_REC']}, and {key} is "
                    f"{header[key]}; download it again."
                )


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
        off = field.size - valid
        masked = f", or was masked ({off} of {field.size} pixels are NaN)" if off else ""
        why = masked if flux < stated else ""
        raise FitsError(
            f"{path} is not in gauss, whatever BUNIT says{why}: Σ|B| dA is {flux:.3g} Mx, and its "
            f"USFLUX is {stated:.3g} Mx."
        )


def cut_out_note(header: Header, shape: tuple[int, int], path: str) -> str:
    """Compare a patch with the box that its header gives it, in size and in place.

    Parameters
    ----------
    header : Header
        LONDTMIN to LATDTMAX are the box, in degrees from the central meridian and the equator.
        CRPIX, CRVAL, CDELT and CRLN_OBS place the pixels; in every record of the series they fill
        the box to half a pixel.
    shape : (rows, cols)
    path : str
        For messages.

    Returns
    -------
    str
        A sentence for a cut-out that its coordinates place inside the box; empty for a whole patch.
        Without a box a patch is whole if its reference pixel is its middle.

    Raises
    ------
    FitsError
        The pixels do not lie in the box, or it is not known where; CRPIX is that of the whole
        patch, though the size is not; or the patch has the box's form and middle in another size:
        it is resampled, and its CDELT is not true.
    """
    axes = (_Axis.of(header, 1, shape[1]), _Axis.of(header, 2, shape[0]))
    if not all(math.isfinite(axis.box) and axis.box > 0 for axis in axes):
        return _note_without_box(axes, path)
    stated = (
        f"{axes[0].size} by {axes[1].size} pixels, and its header's box {axes[0].box:.0f} by "
        f"{axes[1].box:.0f}"
    )
    if any(min(axis.low, axis.high) < -_SAME_PX for axis in axes):
        raise FitsError(
            f"{path} does not lie in the box of its header: it has {stated}, and CRPIX, CRVAL and "
            "CRLN_OBS place it beyond LONDTMIN to LATDTMAX. It is resampled, turned or moved; take "
            "the file as JSOC has it."
        )
    if all(abs(axis.box - axis.size) <= _SAME_PX for axis in axes):
        return ""
    unmoved = all(abs(axis.reference - (axis.box + 1) / 2) <= _SAME_PX for axis in axes)
    if unmoved or not all(math.isfinite(axis.low) for axis in axes):
        why = "is that of the whole patch" if unmoved else "and CRVAL do not place it"
        raise FitsError(
            f"{path} is binned or resampled, or cut out without its coordinates: it has {stated}, "
            f"but its CRPIX {why}; take the file as JSOC has it."
        )
    if all(abs(axis.low - axis.high) <= 2 * _SAME_PX for axis in axes) and _alike(axes):
        raise FitsError(
            f"{path} is binned or resampled: it has {stated}, of the same form and about the same "
            "middle, but its CDELT is that of the series; take the file as JSOC has it, or cut it "
            "out in another form."
        )
    return f"{path} is not the whole patch of its record: it has {stated}."


@dataclass(frozen=True)
class _Axis:
    """Pixels and box of a patch along one axis, in pixels; NaN where a keyword is not there."""

    size: int
    reference: float
    """CRPIX, counted from the east or the south."""
    box: float
    low: float
    """Of the box, what lies before the first pixel."""
    high: float
    """Of the box, what lies behind the last pixel."""

    @classmethod
    def of(cls, header: Header, number: int, size: int) -> "_Axis":
        def known(key: str) -> float:
            return finite_number(header.get(key))

        scale, reference, centre = (known(f"{key}{number}") for key in ("CDELT", "CRPIX", "CRVAL"))
        least, most = (known(f"{_BOX[number]}{end}") for end in ("MIN", "MAX"))
        if number == 1:
            centre = (centre - known("CRLN_OBS") + 180.0) % 360.0 - 180.0
        if scale < 0:
            reference = size + 1 - reference
        box = (most - least) / abs(scale)
        low = (centre - least) / abs(scale) + 0.5 - reference
        return cls(size, reference, box, low, box - size - low)


def _alike(axes: tuple[_Axis, _Axis]) -> bool:
    """Whether both axes differ from the box by one factor, as far as whole pixels can tell."""
    spread = _SAME_PX * sum(1 / axis.size for axis in axes)
    ratio = (axes[0].box / axes[0].size) / (axes[1].box / axes[1].size)
    return abs(ratio - 1.0) <= spread < 0.2


def _note_without_box(axes: tuple[_Axis, _Axis], path: str) -> str:
    """Judge a patch by its reference pixel, which is the middle of every record of the series."""
    if any(axis.reference < 1 or axis.reference > axis.size for axis in axes):
        raise FitsError(
            f"{path} is binned or resampled, or cut out: its reference pixel (CRPIX), the middle "
            "of every whole patch, is not on it, and its header has no box (LONDTMIN to LATDTMAX) "
            "to check it by; take the file as JSOC has it."
        )
    if any(abs(axis.reference - (axis.size + 1) / 2) > _SAME_PX for axis in axes):
        return (
            f"{path} is not the whole patch of its record: its reference pixel (CRPIX) is not its "
            "middle."
        )
    return ""


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
