"""Results as files: masks and heat maps as FITS with the patch's WCS, tables as CSV."""

import io
import json
import re
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from astropy.io import fits

from analysis.physics.pil import PilMasks, PilSettings
from hnn_core import __version__
from hnn_core.magnetogram.conventions import format_t_rec
from hnn_core.magnetogram.magnetogram import Magnetogram
from hnn_core.magnetogram.preprocess import CropBox

__all__ = [
    "ASSOCIATION_WORDS",
    "defused",
    "flare_csv",
    "flare_table",
    "heat_hdul",
    "history_csv",
    "masks_hdul",
    "place",
    "scores_csv",
    "scores_json",
    "table_csv",
    "to_bytes",
]

_CONTENTS = {
    "rollout": "attention rollout",
    "relevance": "class-specific relevance, gradient times attention",
    "occlusion": "occlusion, log-odds lost",
}

_NUMBERS = re.compile(r"[+-](?: to |[\d\s.,°%()+−–×/·⁰¹²³⁴-⁹⁻-])+")
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")

# Time, place and observer. The rest of the magnetogram's keywords describe its field (DATAMAX,
# USFLUX, BUNIT …) and would be wrong about a mask.
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
    images = (
        ("PIL", masks.pil, "polarity inversion lines, one pixel wide"),
        ("ROPI", masks.ropi, "regions of polarity inversion"),
        ("HULL", masks.hull, "convex hull of the polarity inversion lines"),
    )
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
        On the patch's pixels (`hnn_core.magnetogram.preprocess.tokens_to_patch`); NaN where the
        network saw nothing.
    method : str
        One of `hnn_core.explanation.service.METHODS` that draws maps.
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


def to_bytes(hdul: fits.HDUList) -> bytes:
    """Return FITS as the bytes of a file; the same input gives the same bytes."""
    buffer = io.BytesIO()
    hdul.writeto(buffer)
    return buffer.getvalue()


def defused(table: pd.DataFrame) -> pd.DataFrame:
    """Return a table whose texts no spreadsheet takes for formulas.

    Returns
    -------
    DataFrame
        With an apostrophe before each text that begins with = + - @, a tab or a line's end, after
        apostrophes of its own or not; without that one apostrophe it is the text again. Numbers,
        and texts of nothing else, such as ``+0.4 (−0.1 to +0.9)``, stay as they are.
    """
    found = table.copy(deep=False)
    for place, kind in enumerate(table.dtypes):
        if kind == "category" or pd.api.types.is_string_dtype(kind) or kind == "object":
            found.isetitem(place, table.iloc[:, place].map(_defused_text).array)
    return found


def table_csv(table: pd.DataFrame, **form: Any) -> str:
    """Return a table as CSV, its texts `defused`; `form` is of ``DataFrame.to_csv``."""
    return defused(table).to_csv(index=False, lineterminator="\n", **form)


def history_csv(history: pd.DataFrame) -> str:
    """Return a history, or another table, as CSV that any reader takes without options.

    Parameters
    ----------
    history : DataFrame
        Such as of `analysis.physics.flux.flux_history`; column names carry the units.

    Returns
    -------
    str
        Comma-separated, one header line, times as ISO seconds, seven significant digits, nothing
        where a value is not known; texts are `defused`.
    """
    return table_csv(history, float_format="%.7g", date_format="%Y-%m-%dT%H:%M:%S")


def scores_csv(
    whole: pd.DataFrame, folds: pd.DataFrame, *, threshold: float, simulated: bool
) -> str:
    """Return the scores of all forecasts as CSV.

    Parameters
    ----------
    whole, folds : DataFrame
        Of `analysis.skill.scores.score_table` and `analysis.skill.scores.fold_table`; the second
        may be empty.
    threshold : float
        At which the probabilities were read.
    simulated : bool

    Returns
    -------
    str
        One row a forecast and score: value with its 95 % interval, counts, and for a
        cross-validation the mean over folds, its standard error and each fold's value.
    """
    table = whole.assign(threshold=threshold, simulated=simulated)
    if len(folds):
        values = pd.DataFrame(folds["folds"].to_list()).rename(columns=lambda k: f"fold_{k + 1}")
        own = folds[["forecast", "score", "mean", "standard_error"]].reset_index(drop=True)
        table = table.merge(pd.concat([own, values], axis=1), on=["forecast", "score"])
    return history_csv(table)


def scores_json(scores: Mapping[str, object]) -> str:
    """Return a run's scores.json as it was read."""
    return json.dumps(scores, indent=2, allow_nan=False) + "\n"


ASSOCIATION_WORDS = {
    "eruptive": "CME linked in DONKI",
    "unlinked": "no CME linked in DONKI",
    "unknown": "not known",
}
"""A catalogue without a link is no observation of a confined flare, so none is called so."""


def flare_table(flares: pd.DataFrame, cmes: pd.DataFrame) -> pd.DataFrame:
    """Return flares with columns and words for people.

    Parameters
    ----------
    flares, cmes : DataFrame
        Rows of the catalogue's tables.

    Returns
    -------
    DataFrame
        In the order of `flares`; nothing where a number is not known.
    """
    return pd.DataFrame(
        {
            "class": flares["goes_class"],
            "scale": flares["scale"],
            "peak (UTC)": flares["peak_utc"],
            "NOAA": flares["noaa"].where(flares["noaa"] > 0).astype("Int64"),
            "HARP": flares["harp"].where(flares["harp"] > 0).astype("Int64"),
            "number from": flares["noaa_origin"],
            "position": [
                place(longitude, latitude)
                for longitude, latitude in zip(
                    flares["longitude_deg"], flares["latitude_deg"], strict=True
                )
            ],
            "CME": flares["association"].map(ASSOCIATION_WORDS),
            "CMEs linked": _linked(flares, cmes),
            "why": flares["reason"],
            "source": flares["sources"],
            "fetched (UTC)": flares["fetched_utc"],
        }
    )


def flare_csv(flares: pd.DataFrame, cmes: pd.DataFrame) -> str:
    """Return the catalogue's own columns, with the linked CMEs' speeds, as CSV."""
    return history_csv(flares.assign(cmes=_linked(flares, cmes)))


def place(longitude: float, latitude: float) -> str:
    """Write Stonyhurst degrees as ``S20W12``; empty where one is not known."""
    if pd.isna(longitude) or pd.isna(latitude):
        return ""
    north = "N" if latitude >= 0 else "S"
    west = "W" if longitude >= 0 else "E"
    return f"{north}{abs(latitude):02.0f}{west}{abs(longitude):02.0f}"


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
        # The name only: a path is no help to others and may reveal too much.
        header["PARENT"] = _plain(mag.origin.replace("\\", "/").rsplit("/", 1)[-1])
    return header


def _defused_text(value: object) -> object:
    if not isinstance(value, str) or not value.lstrip("'").startswith(_FORMULA):
        return value
    if _NUMBERS.fullmatch(value):
        return value
    try:
        float(value)
    except ValueError:
        return f"'{value}"
    return value


def _plain(text: str) -> str:
    """Write text with the letters that FITS headers can hold."""
    return "".join(letter if " " <= letter <= "~" else "?" for letter in text)


def _linked(flares: pd.DataFrame, cmes: pd.DataFrame) -> list[str]:
    """Name the CMEs linked to each flare by when they were first seen and their speed."""
    words = {row["cme_id"]: _cme_words(row) for row in cmes.to_dict("records")}
    return [
        "; ".join(words.get(name, name) for name in names.split(";") if name)
        for names in flares["cme_ids"]
    ]


def _cme_words(cme: Mapping[Any, Any]) -> str:
    speed = "speed not known" if pd.isna(cme["speed_km_s"]) else f"{cme['speed_km_s']:.0f} km/s"
    return f"{cme['start_utc']:%m-%d %H:%M} {speed}"
