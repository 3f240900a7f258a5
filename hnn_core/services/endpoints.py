"""Where the outside services are, and where what comes from them is kept."""

import os
from pathlib import Path
from urllib.parse import urlsplit

from hnn_core.exceptions import RequestError
from hnn_core.storage import home

__all__ = ["elsewhere", "live_home", "service_url"]

_JSOC = "http://jsoc.stanford.edu/"
_URLS = {
    "JSOC": _JSOC,
    "DONKI": "https://kauai.ccmc.gsfc.nasa.gov/DONKI/WS/get/",
    "GOES": (
        "https://data.ngdc.noaa.gov/platforms/solar-space-observing-satellites/goes/multi/l2/data/"
    ),
    "HEK": "https://www.lmsal.com/hek/her",
    "HARP_NOAA": f"{_JSOC}doc/data/hmi/harpnum_to_noaa/all_harps_with_noaa_ars.txt",
}
"""The bases of JSOC's, DONKI's and NCEI's GOES addresses; the whole address of the others."""


def service_url(service: str) -> str:
    """Return the address of JSOC, DONKI, GOES, HEK or HARP_NOAA, a base with a slash at its end.

    The operator may set each in the environment: HNN_JSOC_URL and so on. Raises RequestError
    for what is no address.
    """
    name = f"HNN_{service}_URL"
    address = os.environ.get(name) or _URLS[service]
    parts = urlsplit(address)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise RequestError(f"{name} is {address!r}, which is not an address such as http://host/.")
    return address.rstrip("/") + "/" if _URLS[service].endswith("/") else address


def elsewhere() -> str:
    """Return host and port of the first service that is not the real one; empty if all are."""
    others = (service_url(name) for name, url in _URLS.items() if service_url(name) != url)
    return urlsplit(next(others, "")).netloc


def live_home() -> Path:
    """Return the folder for what comes from the services; it may not exist yet.

    Replies of a stand-in, such as the emulators, never mix with those of the real services: they
    have a folder of their own, named by host and port.
    """
    place = elsewhere().replace(":", "-")
    return home() / (f"live-{place}" if place else "live")
