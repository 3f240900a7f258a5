"""Headers as JSOC writes them: repairing cards, and leaving out what describes the file."""

import re

from astropy.io.fits import Header
from astropy.io.fits.verify import VerifyError

__all__ = ["clean_header", "repair_cards"]

_STRUCTURE = re.compile(
    r"SIMPLE|XTENSION|BITPIX|NAXIS\d*|EXTEND|PCOUNT|GCOUNT|TFIELDS|T(?:TYPE|FORM)\d+|EXTNAME"
    r"|BSCALE|BZERO|BLANK|CHECKSUM|DATASUM"
    r"|Z(?:IMAGE|SIMPLE|BITPIX|NAXIS\d*|CMPTYPE|TILE\d+|NAME\d+|VAL\d+|QUANTIZ|DITHER0|BLANK"
    r"|SCALE|ZERO|TENSION|EXTEND|PCOUNT|GCOUNT|HECKSUM|DATASUM)"
)


def repair_cards(header: Header) -> Header:
    """Repair unparsable cards (bare ``nan``) one by one; a card beyond repair is dropped."""
    broken = []
    for index, card in enumerate(header.cards):
        try:
            card.verify("silentfix")
            _ = card.value
        except (VerifyError, ValueError):
            broken.append(index)
    for index in reversed(broken):
        del header[index]
    return header


def clean_header(header: Header) -> Header:
    """Return the keywords that describe the image, without those that describe the file.

    CUNIT ``degree`` becomes the standard ``deg``; errors of the coordinates that are ``nan``
    are dropped, since FITS cannot hold them. Other ``nan`` remain as the string ``"nan"``.
    """
    kept = Header()
    for card in header.cards:
        keyword, value = card.keyword, card.value
        if _STRUCTURE.fullmatch(keyword) or keyword in ("", "COMMENT", "HISTORY"):
            continue
        if keyword.startswith(("CRDER", "CSYSER")) and str(value).strip().lower() == "nan":
            continue
        if keyword.startswith("CUNIT") and str(value).strip().lower() in ("degree", "degrees"):
            value = "deg"
        if keyword not in kept:
            kept.append((keyword, value, card.comment), end=True)
    return kept
