"""Damaged and odd FITS files and flare tables, made at random from sound ones, by a seed."""

import bz2
import gzip
import io
import random
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
from astropy.io import fits
from astropy.io.fits import Header

from tests.support.drawn_sharp import BLANK, CARDS
from tests.support.mutations import mutated_bytes

__all__ = ["write_flare_table", "write_mutated"]

_ROWS, _COLS = 24, 32
_WORDS = [
    "", " ", "nan", "MISSING", "0", "-1", "1e400", "??", "x" * 68, "HMI", "Å", "11158",
    "11158,1158", "2011.02.13_05:00:00_TAI", "2011-02-13T05:00:00Z", "1e5",
    "2011.13.45_25:61:61_TAI",
]  # fmt: skip
_NUMBERS = [
    0, 1, -1, 2, 377, 2**31, -(2**31), 2**63 - 1, 1e-30, 1e30, -0.03, 0.06, 0.5, 90.0, 360.0,
    696000000, 6.957e8, 1e-5, 0.1,
]  # fmt: skip
_UNITS = [
    "Mx/cm^2", "Mx / cm2", "Mx cm-2", "Gauss", "G", "T", "mT", "m", "", "Mx/cm^", "km/s", "gauss",
    "kG", "Mx/cm2", "DN", "1",
]  # fmt: skip
_KEYS = [*CARDS, "USFLUX", "BSCALE", "BZERO", "BLANK", "DRMS_ID", "SIMULATD", "CROTA2", "DATASUM"]
_NAMES = [
    "a.fits", "b.fit", "c.fts", "d.FITS", "e.fits.1", "f.fits.fz", "g h.fits", "Br.fits", "i",
    "hmi.sharp_cea_720s.377.20110213_050000_TAI.magnetogram.fits", "j.txt", "k.fits.gz", "ü.fits",
    "hmi.sharp_cea_720s.600123.magnetogram.fits", "hmi.sharp_cea_720s.600123.Bt_err.fits",
    "hmi.sharp_cea_720s_nrt.377.20110213_050000_TAI.bitmap.fits", "l.fits.bz2", "-rf.fits",
]  # fmt: skip


def write_mutated(folder: Path, rng: random.Random) -> Path:
    """Write one file: a sound magnetogram changed in one to three ways; return its path."""
    header = Header(CARDS)
    header["T_REC"] = f"2011.02.13_{rng.randrange(24):02}:00:00_TAI"
    rows, cols = np.mgrid[:_ROWS, :_COLS]
    field = (400.0 * np.tanh((cols - _COLS / 2) / 2.0) + rows).astype(np.float32)
    changes = rng.sample(_CHANGES, rng.randint(1, 3))
    for change in (change for change in changes if change in _CONTENT):
        field = change(rng, header, field)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            raw = _written(rng, header, field)
        except (ValueError, TypeError, OverflowError, fits.VerifyError):  # not even astropy
            raw = _written(rng, Header(CARDS), field)
    for change in (change for change in changes if change in _BYTES):
        raw = change(rng, raw)
    if rng.random() < 0.1:
        raw = rng.choice([gzip.compress, bz2.compress])(raw)
        if rng.random() < 0.5:
            raw = mutated_bytes(raw, rng)
    path = folder / f"{rng.randrange(10**6)}" / rng.choice(_NAMES)
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(raw)
    return path


def _set_key(rng: random.Random, header: Header, field: np.ndarray) -> np.ndarray:
    key = rng.choice(_KEYS)
    value = rng.choice([*_WORDS, *_NUMBERS, True, None])
    if value is None:
        header.remove(key, ignore_missing=True)
    elif str(value).isascii():
        header[key] = value
    return field


def _set_unit(rng: random.Random, header: Header, field: np.ndarray) -> np.ndarray:
    header["BUNIT"] = rng.choice(_UNITS)
    return field


def _nudge(rng: random.Random, header: Header, field: np.ndarray) -> np.ndarray:
    key = rng.choice(["CDELT1", "CDELT2", "RSUN_REF", "CRPIX1", "CRVAL1", "LON_FWT", "HARPNUM"])
    value = header.get(key, 1)
    if isinstance(value, int | float):
        header[key] = value * rng.choice([0.5, 0.9, 0.999, 1.001, 1.1, 2, 100, -1])
    return field


def _set_pixels(rng: random.Random, header: Header, field: np.ndarray) -> np.ndarray:
    del header
    field = field.copy()
    kind = rng.randrange(7)
    if kind == 0:
        field[:] = rng.choice([0.0, 7.0, np.nan])
    elif kind == 1:
        field *= rng.choice([1e-4, 1e-3, 0.1, 10, 100, 1e6])
    elif kind == 2:
        field[rng.randrange(len(field))] = np.nan
    elif kind == 3:
        field[rng.randrange(len(field)), 0] = rng.choice([1e9, -1e5, np.inf])
    elif kind == 4:
        field = field[: rng.randint(1, _ROWS), : rng.randint(1, _COLS)]
    elif kind == 5:
        field = field[::-1].copy()
    else:
        field[:, 2:] = np.nan
    return field


def _damage(rng: random.Random, raw: bytes) -> bytes:
    return mutated_bytes(raw, rng)


def _flip_header(rng: random.Random, raw: bytes) -> bytes:
    changed = bytearray(raw)
    changed[rng.randrange(min(len(raw), 8640))] = rng.choice(b" 019=/'EN\x00\xff\n")
    return bytes(changed)


def _extend(rng: random.Random, raw: bytes) -> bytes:
    return raw + rng.choice([b"\0", b" " * 2880, rng.randbytes(5000), raw])


def _size(rng: random.Random, raw: bytes) -> bytes:
    """Claim another size, type or number of axes in the raw header."""
    key = rng.choice([b"NAXIS1  ", b"NAXIS2  ", b"NAXIS   ", b"BITPIX  ", b"ZNAXIS1 ", b"PCOUNT  "])
    value = rng.choice([b"0", b"1", b"-32", b"3", b"999", b"100000", b"99999999999", b"-5", b"8"])
    card = key + b"= " + value.rjust(20)
    at = raw.find(key + b"=")
    return raw if at < 0 else raw[:at] + card + raw[at + len(card) :]


def _long_card(rng: random.Random, raw: bytes) -> bytes:
    """A flood of CONTINUE cards, or a card that is none, before END."""
    at = raw.find(b"END" + b" " * 77)
    if at < 0:
        return raw
    card = rng.choice([b"CONTINUE  'x&'", b"HIERARCH a b = 1", b"\x80\x81", b"KEY     = 'x"])
    cards = card.ljust(80) * (36 * rng.choice([1, 20]))
    return raw[:at] + cards + raw[at:]


_CONTENT: list[Callable[..., np.ndarray]] = [_set_key, _set_unit, _nudge, _set_pixels]
_BYTES: list[Callable[..., bytes]] = [_damage, _damage, _flip_header, _extend, _size, _long_card]
_CHANGES: list[Callable[..., object]] = [*_CONTENT, *_CONTENT, *_BYTES]


def _written(rng: random.Random, header: Header, field: np.ndarray) -> bytes:
    """The file's bytes in one of the shapes that people have."""
    kind = rng.randrange(6)
    scaled = {"BSCALE": 0.1, "BLANK": BLANK}
    if kind == 0:
        hdus = [fits.PrimaryHDU(field, header)]
    elif kind == 1:
        hdus = [fits.PrimaryHDU(field[None], header)]
    elif kind == 2:
        bitmap = fits.ImageHDU((field > 0).astype(np.uint8))
        hdus = [fits.PrimaryHDU(), bitmap, fits.ImageHDU(field, header)]
    else:
        with np.errstate(invalid="ignore"):
            tenths = np.nan_to_num(np.clip(np.round(field * 10.0), -2e9, 2e9))
        data = np.where(np.isnan(field), BLANK, tenths).astype(np.int32)
        hdu = (
            fits.CompImageHDU(data, header, compression_type="RICE_1")
            if kind > 3
            else fits.ImageHDU(data, header)
        )
        for key, value in scaled.items():
            if key not in header:
                hdu.header[key] = value
        hdus = [fits.PrimaryHDU(), hdu]
    stream = io.BytesIO()
    fits.HDUList(hdus).writeto(
        stream, checksum=rng.random() < 0.3, output_verify="silentfix+ignore"
    )
    return stream.getvalue()


_COLUMNS = [
    ["noaa", "harp", "goes_class", "peak_utc", "association"],
    ["Flare Class", "Peak Time", "Active Region Number", "Harp Number", "CME"],
    ["Flare Class", "Start Time", "Peak Time", "End Time", "Active Region Number"],
]
_CELLS = [
    "11158", "377", "X2.2", "M", "C99", "Z1.0", "2011-02-15T01:56Z", "2011-02-15T01:56",
    "15.2.2011", "No", "eruptive", "confined", "2011-02-15T02:24:00-CME-001", "", " ", "nan",
    "-1", "1e9", "\"", "'", "a,b", "\n", "\x00", "ü", "9" * 400, "=1+1", "2011-02-30T00:00",
    "11158.0", "unknown",
]  # fmt: skip


def write_flare_table(path: Path, rng: random.Random) -> None:
    """Write a table of one of the known forms, or nearly, with odd cells and bytes."""
    columns = list(rng.choice(_COLUMNS))
    if rng.random() < 0.3:
        columns[rng.randrange(len(columns))] = rng.choice(_CELLS)
    lines = [rng.choice(",,,;\t").join(columns)]
    for _ in range(rng.randrange(6)):
        cells = [rng.choice(_CELLS) for _ in range(len(columns) + rng.choice([0, 0, 0, 1, -1]))]
        lines.append(",".join(cells))
    raw = (
        rng.choice(["\n", "\r\n", "\r"])
        .join(lines)
        .encode(
            rng.choice(["utf-8", "utf-8-sig", "utf-16", "latin-1"])
            if all(ord(one) < 256 for line in lines for one in line)
            else "utf-8"
        )
    )
    path.write_bytes(mutated_bytes(raw, rng) if rng.random() < 0.3 else raw)
