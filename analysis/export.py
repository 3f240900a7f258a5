"""Results as files: masks and heat maps as FITS with the patch's WCS, histories as CSV."""

import io
from collections.abc import Mapping

import numpy as np
import pandas as pd
from astropy.io import fits

from analysis.pil import PilMasks, PilSettings
from hnn_core import __version__
from hnn_core.magnetogram import Magnetogram
from hnn_core.preprocess import CropBox
from hnn_core.tai import format_t_rec

__all__ = ["heat_hdul", "history_csv", "masks_hdul", "to_bytes"]

_CONTENTS = {
    "rollout": "attention rollout",
    "relevance": "class-specific relevance, gradient times attention",
    "occlusion": "occlusion, log-odds lost",
}

# What tells time, place and observer. The rest of the magnetogram's keywords describe its
# field (DATAMAX, USFLUX, BUNIT …) and would be wrong about a mask.
_KEPT = (
    *("DATE-OBS", "T_OBS", "TELESCOP", "INSTRUME", "WAVELNTH", "CODEVER7"),
    *("NOAA_AR", "NOAA_NUM", "NOAA_ARS", "LON_FWT", "LAT_FWT"),
    *("LONDTMIN", "LONDTMAX", "LATDTMIN", "LATDTMAX"),
    *("WCSNAME", "CTYPE1", "CTYPE2", "CRPIX1", "CRPIX2", "CRVAL1", "CRVAL2"),
    *("CDELT1", "CDELT2", "CUNIT1", "CUNIT2", "CROTA2", "LONPOLE", "LATPOLE"),
    *("PC1_1", "PC1_2", "PC2_1", "PC2_2"),
    *("DSUN_OBS", "RSUN_REF", "RSUN_OBS", "CRLN_OBS", "CRLT_OBS", "CAR_ROT", "OBS_VR"),
)


def masks_hdul(
    mag: Magnetogram, masks: PilMasks, settings: PilSettings | None = None
) -> fits.HDUList:
    """Put the masks into FITS: one image extension each, PIL, ROPI and HULL.

    Parameters
    ----------
    mag : Magnetogram
        The magnetogram the masks were detected on.
    masks : PilMasks
    settings : PilSettings, optional
        The parameters they were detected with, for the header; the defaults by default.

    Returns
    -------
    HDUList
        uint8 images, 1 inside and 0 outside, with the patch's WCS; parameters in PILTHRES
        (G), PILBUFF (px), PILKEEP and PILMINL (px).

    Raises
    ------
    ValueError
        If the masks are not of the field's shape.
    """
    settings = settings or PilSettings()
    if masks.pil.shape != mag.shape:
        raise ValueError(f"masks of shape {masks.pil.shape} for a field of {mag.shape}")
    images = [
        ("PIL", masks.pil, "polarity inversion lines, one pixel wide"),
        ("ROPI", masks.ropi, "regions of polarity inversion"),
        ("HULL", masks.hull, "convex hull of the polarity inversion lines"),
    ]
    hdus = [fits.PrimaryHDU()]
    for name, mask, content in images:
        header = _header(mag, content)
        header["PILTHRES"] = (float(settings.threshold), "[G] field of either polarity, at least")
        header["PILBUFF"] = (int(settings.buffer), "[pix] side of the dilating square")
        header["PILKEEP"] = (float(settings.keep), "fraction of the strength before a component")
        header["PILMINL"] = (int(settings.min_length), "[pix] shortest line")
        header.add_history("Detected after Ji et al. (2023) on native pixels.")
        hdus.append(fits.ImageHDU(mask.astype(np.uint8), header, name=name))
    return fits.HDUList(hdus)


def heat_hdul(
    mag: Magnetogram,
    heat: np.ndarray,
    *,
    method: str = "rollout",
    options: Mapping[str, object] | None = None,
    model: str,
    sha256: str,
    flare_class: str = "",
    probability: float | None = None,
    box: CropBox | None = None,
) -> fits.HDUList:
    """Put a heat map into FITS.

    Parameters
    ----------
    mag : Magnetogram
        The frame the network attended to.
    heat : (rows, cols) array
        On the patch's pixels (`hnn_core.preprocess.tokens_to_patch`); NaN where the network saw
        nothing.
    method : str
        One of `hnn_core.explanation.methods.METHODS` that draws maps.
    options : mapping, optional
        Settings of the method, for the header.
    model, sha256 : str
        Name of the model and checksum of its weights.
    flare_class : str
        Smallest class of the flares the model was trained for.
    probability : float, optional
        The prediction of the sequence the frame belongs to.
    box : CropBox, optional
        The square the network saw, as CROPROW, CROPCOL (of its first pixel, from 0) and
        CROPSIZE (px).

    Returns
    -------
    HDUList
        An empty primary HDU and a float32 image with the patch's WCS, named by the method, such
        as ROLLOUT.

    Raises
    ------
    ValueError
        If the map is not of the field's shape.
    """
    heat = np.asarray(heat, dtype=np.float32)
    if heat.shape != mag.shape:
        raise ValueError(f"heat map of shape {heat.shape} for a field of {mag.shape}")
    header = _header(mag, _CONTENTS.get(method, method))
    header["METHOD"] = (method, "how the map was made")
    for name, value in (options or {}).items():
        header.add_history(f"{name} = {value}")
    header["MODEL"] = (_plain(model), "model that attended")
    header["MODELSHA"] = sha256
    if flare_class:
        header["FLARECLS"] = (flare_class, "smallest class of the coming flare")
    if probability is not None:
        header["PROBERUP"] = (float(probability), "probability that the flare is eruptive")
    if box is not None:
        header["CROPROW"] = (box.row0, "[pix] first row the network saw, from 0")
        header["CROPCOL"] = (box.col0, "[pix] first column the network saw, from 0")
        header["CROPSIZE"] = (box.size, "[pix] side of the square it saw")
    if method == "rollout":
        header.add_history("Attention rollout: where the network looked, not why it decided.")
    return fits.HDUList([fits.PrimaryHDU(), fits.ImageHDU(heat, header, name=method.upper())])


def _header(mag: Magnetogram, content: str) -> fits.Header:
    header = fits.Header()
    for key in _KEPT:
        if key in mag.header:
            header[key] = mag.header[key]
    header["T_REC"] = (format_t_rec(mag.t_rec), "record time")
    header["HARPNUM"] = mag.harp
    header["QUALITY"] = mag.quality
    header["CONTENT"] = content
    header["SIMULATD"] = (mag.simulated, "T: no observation, made by a simulator")
    header["INTERPOL"] = (mag.interpolated, "T: frame made by interpolation in time")
    header["CREATOR"] = f"HNN {__version__}"
    if mag.origin:
        # The name only: a path tells others nothing and may tell too much.
        header["PARENT"] = _plain(mag.origin.replace("\\", "/").rsplit("/", 1)[-1])
    return header


def _plain(text: str) -> str:
    """Write text with the letters that FITS headers can hold."""
    return "".join(letter if " " <= letter <= "~" else "?" for letter in text)


def to_bytes(hdul: fits.HDUList) -> bytes:
    """Return FITS as the bytes of a file; the same input gives the same bytes."""
    buffer = io.BytesIO()
    hdul.writeto(buffer)
    return buffer.getvalue()


def history_csv(history: pd.DataFrame) -> str:
    """Return a history as CSV that any reader takes without options.

    Parameters
    ----------
    history : DataFrame
        As from `analysis.flux.history`; column names carry the units, ``simulated`` and
        ``interpolated`` say what a row is.

    Returns
    -------
    str
        Comma-separated, one header line, times as ISO seconds, seven significant digits.
    """
    return history.to_csv(
        index=False, float_format="%.7g", date_format="%Y-%m-%dT%H:%M:%S", lineterminator="\n"
    )
