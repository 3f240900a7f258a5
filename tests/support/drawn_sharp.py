"""SHARP-like FITS files drawn for tests, written with astropy and not by the package."""

from pathlib import Path

import numpy as np
from astropy.io import fits
from astropy.io.fits import Header

BLANK = -(2**31)

CARDS = {
    "T_REC": "2011.02.13_05:00:00_TAI",
    "TELESCOP": "SDO/HMI",
    "INSTRUME": "HMI_SIDE1",
    "BUNIT": "Mx/cm^2",
    "HARPNUM": 377,
    "NOAA_AR": 11158,
    "NOAA_ARS": "11158",
    "QUALITY": 0,
    "CTYPE1": "CRLN-CEA",
    "CTYPE2": "CRLT-CEA",
    "CRPIX1": 3.5,
    "CRPIX2": 2.5,
    "CRVAL1": 34.557,
    "CRVAL2": -21.0769,
    "CDELT1": 0.03,
    "CDELT2": 0.03,
    "CUNIT1": "degree",
    "CUNIT2": "degree",
    "CRLN_OBS": 46.422558,
    "CRLT_OBS": -6.742253,
    "RSUN_REF": 696000000,
    "LON_FWT": -11.377721,
    "LAT_FWT": -20.151566,
    "LONDTMIN": -23.0,
    "LONDTMAX": -1.0,
    "LATDTMIN": -26.0,
    "LATDTMAX": -16.0,
}


def drawn_field(rows: int = 4, cols: int = 6) -> np.ndarray:
    """float32 (rows, cols): every pixel another whole number of gauss, one corner NaN."""
    field = np.arange(rows * cols, dtype=np.float32).reshape(rows, cols) - 5.0
    field[0, 0] = np.nan
    return field


def draw_fits(
    path: Path, field: np.ndarray | None = None, *, compress: bool = True, **changes: object
) -> Path:
    """Write a file as JSOC does: 32-bit tenths, Rice, HDU 1. A card of None is left out.

    The box in the header is that of the field, where its coordinates place it; it moves
    with LON_FWT.

    The string ``"bare nan"`` becomes a card whose value is nan without quotes.
    """
    field = drawn_field() if field is None else field
    if isinstance(changes.get("LON_FWT"), int | float) and "CRVAL1" not in changes:
        changes["CRVAL1"] = CARDS["CRVAL1"] + changes["LON_FWT"] - CARDS["LON_FWT"]
    header = Header()
    bare = []
    for key, value in ({**CARDS, **_box(field.shape, {**CARDS, **changes}), **changes}).items():
        if value == "bare nan":
            bare.append(key)
            value = 0
        if value is not None:
            header[key] = value
    write_hdu(path, field, header, compress=compress)
    if bare:
        spoil_cards(path, bare)
    return path


def _box(shape: tuple[int, ...], cards: dict[str, object]) -> dict[str, float]:
    """The field's edges, degrees from the central meridian and the equator."""

    def number(key: str) -> float:
        return float(cards[key] if isinstance(cards[key], int | float) else CARDS[key])

    longitude = (number("CRVAL1") - number("CRLN_OBS") + 180.0) % 360.0 - 180.0
    places = {"LON": longitude, "LAT": number("CRVAL2")}
    box = {}
    for axis, (name, middle) in enumerate(places.items(), start=1):
        scale, reference = number(f"CDELT{axis}"), number(f"CRPIX{axis}")
        edges = [middle + (at - reference) * scale for at in (0.5, shape[-axis] + 0.5)]
        box[f"{name}DTMIN"], box[f"{name}DTMAX"] = min(edges), max(edges)
    return box


def write_hdu(path: Path, field: np.ndarray, header: Header, *, compress: bool = True) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if not compress:
        fits.PrimaryHDU(field, header).writeto(path, overwrite=True)
        return
    data = np.where(np.isnan(field), BLANK, np.round(np.nan_to_num(field) * 10)).astype(np.int32)
    hdu = fits.CompImageHDU(data, header, compression_type="RICE_1")
    hdu.header["BSCALE"] = 0.1
    hdu.header["BLANK"] = BLANK
    fits.HDUList([fits.PrimaryHDU(), hdu]).writeto(path, overwrite=True)


def spoil_cards(path: Path, keys: list[str]) -> None:
    """Put a bare nan where the value of a card was, as JSOC writes it."""
    raw = path.read_bytes()
    for key in keys:
        start = raw.index(f"{key:8}=".encode())
        raw = raw[:start] + f"{key:8}= nan".ljust(80).encode() + raw[start + 80 :]
    path.write_bytes(raw)
