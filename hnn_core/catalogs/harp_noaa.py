"""JSOC's table of which HARP holds which NOAA regions: many to many, definitive HARPs alone."""

from contextlib import AbstractContextManager
from datetime import timedelta

from hnn_core.catalogs.client import Client
from hnn_core.catalogs.raw import Span
from hnn_core.exceptions import TransientReplyError
from hnn_core.jsoc.client import jsoc_transport
from hnn_core.magnetogram.sharp import noaa_numbers
from hnn_core.services.endpoints import harp_noaa_url
from hnn_core.services.transport import Reply, Transport, read_text

__all__ = ["HarpNoaa", "parse_harp_noaa", "read_harp_noaa"]


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


class HarpNoaa(Client):
    """Fetches the table; a copy is good for 30 days."""

    service, what, suffix = "harp_noaa", "Table of HARP and NOAA numbers", "txt"
    rest, share = timedelta(days=30), 0.9

    def count(self, content: bytes) -> int:
        """Return the number of pairs."""
        return len(parse_harp_noaa(content.decode("utf-8", errors="replace")))

    def connect(self) -> AbstractContextManager[Transport]:
        """Return the one connection to JSOC, when it is this process's turn."""
        return jsoc_transport(self.refresh.note)

    def fetch(self, transport: Transport, span: Span) -> None:
        """Fetch the table."""
        known, url = self.known(span), harp_noaa_url()
        self.keep(span, self.request(transport, url, check=read_harp_noaa, known=known))
