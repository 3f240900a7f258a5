"""A frame between two frames, linear in time."""

from dataclasses import replace

import numpy as np
from astropy.io.fits import Header
from astropy.time import Time

from hnn_core.exceptions import SequenceError
from hnn_core.magnetogram.conventions import format_t_rec, iso_minute, tai_seconds
from hnn_core.magnetogram.grid import Place, common_box, frame_boxes, placed_frame
from hnn_core.magnetogram.magnetogram import Magnetogram

__all__ = ["interpolate_frames"]

_KEPT = (
    "TELESCOP", "INSTRUME", "ORIGIN", "CONTENT", "BUNIT", "WAVELNTH", "HARPNUM", "NOAA_AR",
    "NOAA_NUM", "NOAA_ARS", "SIMULATD", "CTYPE1", "CTYPE2", "CRPIX1", "CRPIX2", "CDELT1",
    "CDELT2", "CUNIT1", "CUNIT2", "CROTA2", "WCSNAME", "RSUN_REF", "DSUN_REF", "OMEGA_DT",
)  # fmt: skip
"""Keywords that hold for the region at any time; all others were measured at their own."""

_LINEAR = (
    "LON_FWT", "LAT_FWT", "LONDTMIN", "LONDTMAX", "LATDTMIN", "LATDTMAX", "CRVAL1", "CRVAL2",
    "CRLN_OBS", "CRLT_OBS", "RSUN_OBS", "DSUN_OBS", "OBS_VR", "OBS_VW", "OBS_VN",
)  # fmt: skip
_ANGLES_THAT_WRAP = ("CRVAL1", "CRLN_OBS")


def interpolate_frames(left: Magnetogram, right: Magnetogram, time: Time) -> Magnetogram:
    """Interpolate pixelwise and linearly in time between two magnetograms of a region.

    Parameters
    ----------
    left, right : Magnetogram
        Of one region, `left` the earlier. Their patches may differ in size and place.
    time : Time
        Scalar, strictly between their T_REC.

    Returns
    -------
    Magnetogram
        `interpolated` is True and T_REC is `time`. The patch is what both cover; a pixel is NaN
        where either is NaN. The header keeps what holds at any time and the interpolated position;
        keywords measured at the neighbours' times (USFLUX, R_VALUE, …) are left out. QUALITY has
        the bits of both.

    Raises
    ------
    SequenceError
        It is not known how the patches lie on each other, or they do not overlap.
    ValueError
        The time does not lie between the frames.

    References
    ----------
    docs/method.md, "Frames".
    """
    start, stop, now = (float(tai_seconds(t)) for t in (left.t_rec, right.t_rec, time))
    if not start < now < stop:
        raise ValueError(
            f"{iso_minute(time)} is not between {iso_minute(left.t_rec)} "
            f"and {iso_minute(right.t_rec)}"
        )
    left, right = _on_common_box(left, right, time)
    weight = (now - start) / (stop - start)
    field = left.field + np.float32(weight) * (right.field - left.field)
    field.flags.writeable = False
    quality = left.quality | right.quality
    header = _header(left.header, right.header, weight)
    header["T_REC"] = header["T_OBS"] = format_t_rec(time)
    header["DATE-OBS"] = time.utc.isot
    header["QUALITY"] = quality
    header["INTERPOL"] = True
    return replace(
        left,
        field=field,
        t_rec=time,
        noaa=tuple(sorted({*left.noaa, *right.noaa})),
        quality=quality,
        longitude=left.longitude + weight * (right.longitude - left.longitude),
        latitude=left.latitude + weight * (right.latitude - left.latitude),
        header=header,
        origin=f"interpolated between {left.origin} and {right.origin}",
        interpolated=True,
        notes=tuple(dict.fromkeys((*left.notes, *right.notes))),
    )


def _on_common_box(
    left: Magnetogram, right: Magnetogram, time: Time
) -> tuple[Magnetogram, Magnetogram]:
    """Cut both frames to what both cover, with one reference point; equal boxes are left alone."""
    try:
        boxes = frame_boxes([left, right])
        both = common_box(boxes)
    except SequenceError as error:
        raise SequenceError(
            f"The gap at {iso_minute(time)} TAI cannot be interpolated. {error}",
            (iso_minute(time),),
        ) from error
    if boxes[0] == boxes[1]:
        return left, right
    west = Place.of(right).west_of(Place.of(left))
    left, right = (
        placed_frame(frame, box, both) for frame, box in zip((left, right), boxes, strict=True)
    )
    header = right.header.copy()
    header["CRVAL1"], header["CRVAL2"] = header["CRVAL1"] - west, left.header["CRVAL2"]
    return left, replace(right, header=header)


def _header(left: Header, right: Header, weight: float) -> Header:
    header = Header((card for card in left.cards if card.keyword in _KEPT), copy=True)
    for key in _LINEAR:
        values = left.get(key), right.get(key)
        if not all(isinstance(value, int | float) for value in values):
            continue
        change = values[1] - values[0]
        if key in _ANGLES_THAT_WRAP:
            change = (change + 180.0) % 360.0 - 180.0
        header[key] = values[0] + weight * change
    return header
