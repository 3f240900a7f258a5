"""Where the outside services are, how long they are waited for, where their replies are kept."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qsl, urlencode, urlsplit

from astropy.time import Time

from hnn_core.exceptions import RequestError
from hnn_core.magnetogram.conventions import format_t_rec
from hnn_core.storage import home

__all__ = [
    "Patience",
    "donki_hosts",
    "elsewhere",
    "live_home",
    "own_query",
    "region_pages",
    "service_url",
    "shown_address",
]

_JSOC = "http://jsoc.stanford.edu/"
_URLS = {
    "JSOC": _JSOC,
    "DONKI": "https://kauai.ccmc.gsfc.nasa.gov/DONKI/WS/get/",
    "NASA": "https://api.nasa.gov/DONKI/",
    "GOES": (
        "https://data.ngdc.noaa.gov/platforms/solar-space-observing-satellites/goes/multi/l2/data/"
    ),
    "HEK": "https://www.lmsal.com/hek/her",
    "HARP_NOAA": f"{_JSOC}doc/data/hmi/harpnum_to_noaa/all_harps_with_noaa_ars.txt",
}
"""The bases of the addresses of JSOC, of DONKI's two hosts and of NCEI's GOES products; the whole
address of the others."""
_REAL = {urlsplit(url).hostname for url in _URLS.values()}
_WITH_QUERY = ("DONKI", "NASA", "HEK")
"""Services whose configured address may have a query of its own."""
_KEY = "HNN_NASA_API_KEY"


def service_url(service: str) -> str:
    """Return the address of JSOC, DONKI, NASA, GOES, HEK or HARP_NOAA, without its own query.

    NASA is the second host of DONKI. Of JSOC, DONKI, NASA and GOES the address is a base with a
    slash at its end. The operator may set each in the environment: HNN_JSOC_URL and so on. Raises
    RequestError for what is no address.
    """
    name = f"HNN_{service}_URL"
    address = os.environ.get(name) or _URLS[service]
    parts = urlsplit(address)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        shown = address.partition("?")[0].rpartition("@")[2]
        raise RequestError(f"{name} is {shown!r}, which is not an address such as http://host/.")
    if parts.query and service not in _WITH_QUERY:
        raise RequestError(f"{name} has a query (?…), which goes with no request; leave it out.")
    bare = parts._replace(query="", fragment="").geturl()
    return bare.rstrip("/") + "/" if _URLS[service].endswith("/") else bare


def own_query(service: str) -> dict[str, str]:
    """Return what goes with every request to a service and is shown nowhere, since it is secret.

    That is the query of the address in the environment and, for the host of NASA, the API key in
    HNN_NASA_API_KEY.
    """
    query = dict(parse_qsl(urlsplit(os.environ.get(f"HNN_{service}_URL", "")).query))
    key = os.environ.get(_KEY, "").strip()
    if key and _host(service) == _host("NASA") and service in ("DONKI", "NASA"):
        query.setdefault("api_key", key)
    return query


def donki_hosts() -> tuple[str, ...]:
    """Return the services that give DONKI's records, ``("DONKI", "NASA")`` or one alone.

    The host of NASA is the second one where there is a key for it. One of a stand-in is never the
    second of the real one, nor the other way round.
    """
    second = "api_key" in own_query("NASA") and _is_real("NASA") == _is_real("DONKI")
    same = service_url("DONKI") == service_url("NASA")
    return ("DONKI", "NASA") if second and not same else ("DONKI",)


def shown_address(url: str) -> str:
    """Return an address for people to see: without a password in it, and without its query."""
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2], query="", fragment="").geturl()


def elsewhere() -> str:
    """Return host and port of the first service that is not the real one; empty if all are."""
    others = (service_url(name) for name in _URLS if not _is_real(name))
    return urlsplit(next(others, "")).netloc.rpartition("@")[2]


def region_pages(
    harp: int, noaa: Sequence[int], time: Time, *, near_real_time: bool = False
) -> dict[str, str]:
    """Return addresses of pages about a region at a time, for people, by what they show.

    Parameters
    ----------
    harp : int
    noaa : sequence of int
        With the leading 1; SolarMonitor's page is that of the whole disk where there is none.
    time : Time
        T_REC of a record.
    near_real_time : bool
        Whether the HARP number is one of the near-real-time series.
    """
    utc = time.utc.strftime("%Y-%m-%dT%H:%M:%S.000Z")
    day = time.utc.strftime("%Y%m%d")
    series = "hmi.sharp_cea_720s_nrt" if near_real_time else "hmi.sharp_cea_720s"
    whole_disk = {"imageScale": "2.4204409", "centerX": "0", "centerY": "0"}
    layers = {"imageLayers": "[SDO,HMI,HMI,magnetogram,1,100]"}
    monitor = "https://solarmonitor.org/"
    return {
        "Helioviewer": "https://helioviewer.org/?"
        + urlencode({"date": utc, **whole_disk, **layers}),
        **{
            f"SolarMonitor AR {number}": f"{monitor}region.php?date={day}&region={number}"
            for number in noaa
        },
        **({} if noaa else {"SolarMonitor": f"{monitor}index.php?date={day}"}),
        "JSOC": f"{_JSOC}ajax/lookdata.html?"
        + urlencode({"ds": f"{series}[{harp}][{format_t_rec(time)}]"}),
    }


def live_home() -> Path:
    """Return the folder for what comes from the services; it may not exist yet.

    Replies of a stand-in, such as the emulators, never mix with those of the real services: they
    have a folder of their own, named by host and port.
    """
    place = elsewhere().replace(":", "-")
    return home() / (f"live-{place}" if place else "live")


def _host(service: str) -> str:
    return urlsplit(service_url(service)).netloc.rpartition("@")[2]


def _is_real(service: str) -> bool:
    return urlsplit(service_url(service)).hostname in _REAL


@dataclass(frozen=True)
class Patience:
    """Time-outs and retries. Waiting always has an end."""

    timeout_s: float = 90.0
    """Seconds without a byte after which a request has failed. DONKI needs more than a minute."""
    attempts: int = 5
    """Requests in all before giving up."""
    first_wait_s: float = 1.0
    """Seconds before the second attempt; each further one waits twice as long, with jitter."""
    longest_wait_s: float = 60.0
    """Seconds; also the most that a server's Retry-After is heeded."""
    pause_s: float = 0.5
    """Seconds from one question to the next, out of politeness. Downloads follow each other."""

    @classmethod
    def from_environment(cls) -> "Patience":
        """Read HNN_TIMEOUT_S, HNN_ATTEMPTS, HNN_RETRY_WAIT_S and HNN_PAUSE_S.

        Raises
        ------
        RequestError
            If one of them is not a positive number.
        """
        return cls(
            timeout_s=_positive("HNN_TIMEOUT_S", cls.timeout_s),
            attempts=max(1, round(_positive("HNN_ATTEMPTS", cls.attempts))),
            first_wait_s=_positive("HNN_RETRY_WAIT_S", cls.first_wait_s),
            pause_s=_positive("HNN_PAUSE_S", cls.pause_s),
        )


def _positive(name: str, default: float) -> float:
    text = os.environ.get(name) or str(default)
    try:
        value = float(text)
    except ValueError as error:
        raise RequestError(f"{name} is {text!r}, which is not a number.") from error
    if not 0 < value < 1e6:
        raise RequestError(f"{name} is {text!r}, which is not a positive number.")
    return value
