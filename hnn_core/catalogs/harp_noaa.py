"""JSOC's table of which HARP holds which NOAA regions: many to many."""

from hnn_core.exceptions import TransientReplyError
from hnn_core.noaa import noaa_numbers
from hnn_core.services.reading import read_text
from hnn_core.services.transport import Reply

__all__ = ["parse_harp_noaa", "read_harp_noaa"]


def parse_harp_noaa(text: str) -> list[tuple[int, int]]:
    """Read the table: a HARP number, a space, NOAA numbers parted by commas.

    Returns
    -------
    list of (harp, noaa)
        One pair for each link, ascending; lines that hold no numbers are left out.
    """
    pairs = set()
    for line in text.splitlines():
        harp, _, numbers = line.strip().partition(" ")
        if harp.isdigit() and int(harp) > 0:
            pairs |= {(int(harp), noaa) for noaa in noaa_numbers(numbers)}
    return sorted(pairs)


def read_harp_noaa(reply: Reply) -> Reply:
    """Accept a reply that is the table. Raises TransientReplyError."""
    if not parse_harp_noaa(read_text(reply)):
        raise TransientReplyError("a table without HARP and NOAA numbers")
    return reply
