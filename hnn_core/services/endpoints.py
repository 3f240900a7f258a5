"""Where the outside services are, and where what comes from them is kept."""

import os
from pathlib import Path
from urllib.parse import urlsplit

from hnn_core.exceptions import RequestError
from hnn_core.storage import home

__all__ = [
    "donki_url",
    "elsewhere",
    "goes_url",
    "harp_noaa_url",
    "hek_url",
    "jsoc_url",
    "live_home",
]

_JSOC = "http://jsoc.stanford.edu/"
_DEFAULTS = {
    "HNN_JSOC_URL": _JSOC,
    "HNN_DONKI_URL": "https://kauai.ccmc.gsfc.nasa.gov/DONKI/WS/get/",
    "HNN_GOES_URL": (
        "https://data.ngdc.noaa.gov/platforms/solar-space-observing-satellites/goes/multi/l2/data/"
    ),
    "HNN_HEK_URL": "https://www.lmsal.com/hek/her",
    "HNN_HARP_NOAA_URL": f"{_JSOC}doc/data/hmi/harpnum_to_noaa/all_harps_with_noaa_ars.txt",
}
"""Every address can be set by the operator's environment, and by nobody else."""


def jsoc_url() -> str:
    """Return the base of JSOC's addresses, ending in a slash."""
    return _address("HNN_JSOC_URL")


def donki_url() -> str:
    """Return the base of DONKI's addresses, ending in a slash."""
    return _address("HNN_DONKI_URL")


def goes_url() -> str:
    """Return the base of NCEI's GOES products, ending in a slash."""
    return _address("HNN_GOES_URL")


def hek_url() -> str:
    """Return the address that answers HEK searches."""
    return _address("HNN_HEK_URL")


def harp_noaa_url() -> str:
    """Return the address of the table of HARP and NOAA numbers."""
    return _address("HNN_HARP_NOAA_URL")


def elsewhere() -> str:
    """Return host and port of the first service that is not the real one; empty if all are."""
    others = (_address(name) for name, default in _DEFAULTS.items() if _address(name) != default)
    return urlsplit(next(others, "")).netloc


def live_home() -> Path:
    """Return the folder for what comes from the services, made if absent.

    Replies of a stand-in, such as the emulators, never mix with those of the real services: they
    have a folder of their own, named by host and port.
    """
    place = elsewhere().replace(":", "-")
    folder = home() / (f"live-{place}" if place else "live")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _address(name: str) -> str:
    address = os.environ.get(name) or _DEFAULTS[name]
    parts = urlsplit(address)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise RequestError(f"{name} is {address!r}, which is not an address such as http://host/.")
    return address.rstrip("/") + "/" if _DEFAULTS[name].endswith("/") else address
