"""One careful way to ask a service: a single connection, time-outs, retries, and an end.

Understanding replies as the services really send them.

How long to wait for a service, and how often to ask again.
"""

import json
import logging
import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from ssl import SSLContext
from typing import Any, TypeVar

import httpx2
import stamina
from filelock import FileLock

from hnn_core.exceptions import (
    RefusedError,
    RequestError,
    ServiceError,
    ServiceFaultError,
    TransientReplyError,
    UnreachableError,
)
from hnn_core.version import __version__

__all__ = [
    "Patience",
    "Reply",
    "Transport",
    "is_html",
    "read_json",
    "read_json_or_nothing",
    "read_text",
]


@dataclass(frozen=True)
class Patience:
    """Time-outs and retries. Waiting always has an end."""

    timeout_s: float = 90.0
    """Seconds without a byte after which a request has failed. DONKI needs more than a minute."""
    connect_s: float = 15.0
    """Seconds to make a connection."""
    attempts: int = 5
    """Requests in all before giving up."""
    first_wait_s: float = 1.0
    """Seconds before the second attempt; each further one waits twice as long, with jitter."""
    longest_wait_s: float = 60.0
    """Seconds; also the most that a server's Retry-After is heeded."""
    pause_s: float = 0.5
    """Seconds from one question to the next, out of politeness. Downloads follow each other."""
    slowest_bytes_per_s: float = 1000.0
    """A transfer slower than this for a whole time-out counts as hanging."""

    @classmethod
    def from_environment(cls) -> "Patience":
        """Read HNN_TIMEOUT_S, HNN_ATTEMPTS, HNN_RETRY_WAIT_S and HNN_PAUSE_S.

        Raises
        ------
        RequestError
            If one of them is not a positive number.
        """
        timeout = _positive("HNN_TIMEOUT_S", cls.timeout_s)
        return cls(
            timeout_s=timeout,
            connect_s=min(timeout, cls.connect_s),
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


T = TypeVar("T")

_TRANSIENT_CODES = {408, 425, 429, 500, 502, 503, 504}
# Every retry is told through `tell`; stamina's own log lines would only repeat it.
logging.getLogger("stamina").setLevel(logging.ERROR)


@dataclass(frozen=True)
class Reply:
    """What a service answered, whole."""

    url: str
    content: bytes
    content_type: str
    fetched: datetime
    """When, UTC."""

    @property
    def text(self) -> str:
        """The content as text; bytes that are no UTF-8 are replaced."""
        return self.content.decode("utf-8", errors="replace")


class Transport:
    """Asks one service over one connection; use it as a context manager.

    Parameters
    ----------
    service : str
        Its name in messages, such as ``"JSOC"``.
    paced : bool
        Keep `Patience.pause_s` between the beginnings of two `get` requests. Downloads are not
        held back: a single connection is polite enough.
    lock : Path, optional
        File by which the processes of this machine take turns, so that together they hold one
        request at a time.
    patience : Patience, optional
        From the environment by default.
    tell : callable (sentence), optional
        Told before each further attempt what went wrong.
    """

    def __init__(
        self,
        service: str,
        *,
        paced: bool = False,
        lock: Path | None = None,
        patience: Patience | None = None,
        tell: Callable[[str], None] | None = None,
    ) -> None:
        self.service = service
        self.patience = patience or Patience.from_environment()
        self._interval, self._last = self.patience.pause_s if paced else 0.0, 0.0
        self._lock = FileLock(lock) if lock else nullcontext()
        self._tell = tell or (lambda _: None)
        self._client = httpx2.Client(
            timeout=httpx2.Timeout(self.patience.timeout_s, connect=self.patience.connect_s),
            limits=httpx2.Limits(max_connections=1, max_keepalive_connections=1),
            # Bytes as they are: lengths are compared with what the server says.
            headers={"User-Agent": f"hnn-explorer/{__version__}", "Accept-Encoding": "identity"},
            follow_redirects=True,
            verify=_certificates(),
        )

    def __enter__(self) -> "Transport":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection."""
        self._client.close()

    def get(
        self, url: str, params: Mapping[str, str] | None = None, *, read: Callable[[Reply], T]
    ) -> T:
        """Ask for an address and understand the answer, again where that may help.

        Parameters
        ----------
        url : str
        params : mapping, optional
            Query, encoded here.
        read : callable (Reply) -> T
            Understands the answer. Where it raises TransientReplyError the question is asked again.

        Raises
        ------
        UnreachableError
            No connection or no answer in time, at any attempt.
        ServiceFaultError
            Only faults (429, 5xx, half or foreign answers), at every attempt.
        RefusedError
            The service will not answer this (other 4xx).
        """

        def ask() -> T:
            with self._lock:
                self._wait()
                with self._stream(url, params) as response:
                    content = b"".join(self._blocks(response))
                    kind = response.headers.get("content-type", "")
                    where = str(response.url)
            return read(Reply(where, content, kind, datetime.now(UTC)))

        return self._patiently(ask, url)

    def download(self, url: str, part: Path, *, tell: Callable[[int], None] | None = None) -> int:
        """Stream an address into a file, whole or with an error.

        Parameters
        ----------
        url : str
        part : Path
            Overwritten at every attempt; what is in it after an error is worth nothing.
        tell : callable (bytes of the block just written), optional

        Returns
        -------
        int
            Bytes written, as many as Content-Length says.

        Raises
        ------
        UnreachableError, ServiceFaultError, RefusedError
            As `get`.
        OSError
            The file cannot be written.
        """

        def fetch() -> int:
            written = 0
            with (
                self._lock,
                self._stream(url, None) as response,
                part.open("wb", buffering=0) as stream,
            ):
                for block in self._blocks(response):
                    stream.write(block)
                    written += len(block)
                    if tell is not None:
                        tell(len(block))
            return written

        return self._patiently(fetch, url)

    @contextmanager
    def _stream(self, url: str, params: Mapping[str, str] | None) -> Iterator[httpx2.Response]:
        with self._client.stream("GET", url, params=params) as response:
            if response.status_code in _TRANSIENT_CODES:
                raise _status_error(response)
            if response.is_error:
                raise RefusedError(
                    f"{self.service} refuses {response.url} (HTTP {response.status_code})."
                )
            yield response

    def _blocks(self, response: httpx2.Response) -> Iterator[bytes]:
        """Yield the body; a half one and a crawling one are transient faults."""
        expected, received = response.headers.get("content-length"), 0
        begun = time.monotonic()
        for block in response.iter_raw():  # as they come: a given size would wait to be filled
            received += len(block)
            took = time.monotonic() - begun
            if took > self.patience.timeout_s and (
                received < took * self.patience.slowest_bytes_per_s
            ):
                raise TransientReplyError(f"only {received} bytes came in {took:.0f} s")
            yield block
        if expected is not None and expected.isdigit() and received != int(expected):
            raise TransientReplyError(f"{received} of {expected} bytes came")

    def _patiently(self, ask: Callable[[], T], url: str) -> T:
        """Call until it succeeds, fails for good, or the attempts are used up."""
        last = self.patience.attempts
        try:
            for attempt in stamina.retry_context(
                self._worth_another,
                attempts=last,
                timeout=None,
                wait_initial=self.patience.first_wait_s,
                wait_max=self.patience.longest_wait_s,
                wait_jitter=min(1.0, self.patience.first_wait_s),
            ):
                with attempt:
                    try:
                        return ask()
                    except (httpx2.HTTPError, TransientReplyError) as error:
                        if attempt.num < last:
                            self._tell(f"{self.service}: {_words(error)}; asking again.")
                        raise
        except (httpx2.TimeoutException, httpx2.NetworkError) as error:
            raise UnreachableError(
                f"{self.service} cannot be reached ({_words(error)}, {last} attempts); see whether "
                "this machine has a network and try again."
            ) from error
        except (httpx2.HTTPError, TransientReplyError) as error:
            raise ServiceFaultError(
                f"{self.service} gives no sound answer ({_words(error)}, {last} attempts); what is "
                f"fetched is kept, try again later. It was asked for {url}"
            ) from error
        except httpx2.InvalidURL as error:
            raise ServiceError(f"{self.service} gave an address that is none: {url!r}.") from error
        raise AssertionError("a retry without an outcome")

    def _worth_another(self, error: Exception) -> bool | float:
        if isinstance(error, httpx2.HTTPStatusError):
            wait = _retry_after(error.response)
            return True if wait is None else min(wait, self.patience.longest_wait_s)
        return isinstance(error, httpx2.TransportError | TransientReplyError)

    def _wait(self) -> None:
        time.sleep(max(0.0, self._last + self._interval - time.monotonic()))
        self._last = time.monotonic()


@cache
def _certificates() -> SSLContext:
    """Certificates of the authorities, read once: they take 20 ms."""
    return httpx2.create_ssl_context()


def _status_error(response: httpx2.Response) -> httpx2.HTTPStatusError:
    return httpx2.HTTPStatusError(
        f"HTTP {response.status_code}", request=response.request, response=response
    )


def _retry_after(response: httpx2.Response) -> float | None:
    """Seconds that the server asks for; a date or nothing is left to our own back-off."""
    text = response.headers.get("retry-after", "")
    return float(text) if text.isdigit() else None


def _words(error: Exception) -> str:
    """Name a fault in a few words."""
    if isinstance(error, httpx2.ConnectTimeout | httpx2.ConnectError):
        return "no connection"
    if isinstance(error, httpx2.TimeoutException):
        return "no answer in time"
    if isinstance(error, httpx2.RemoteProtocolError | httpx2.ReadError):
        return "the connection was cut"
    return str(error) or type(error).__name__


def is_html(reply: Reply) -> bool:
    """Whether a reply is a web page, as error pages with status 200 are."""
    return reply.content[:512].lstrip().lower().startswith((b"<!doctype html", b"<html"))


def read_json(reply: Reply) -> Any:
    """Parse a reply that must be JSON.

    Raises
    ------
    TransientReplyError
        It is empty, ``null``, a web page, or not JSON.
    """
    value = read_json_or_nothing(reply)
    if value is None:
        raise TransientReplyError("an empty answer")
    return value


def read_json_or_nothing(reply: Reply) -> Any:
    """Parse a reply that is JSON or says nothing: an empty body and ``null`` are None.

    Raises
    ------
    TransientReplyError
        It is a web page, or not JSON.
    """
    if not reply.content.strip():
        return None
    if is_html(reply):
        raise TransientReplyError("a web page in place of data")
    try:
        return json.loads(reply.content.decode("utf-8", errors="replace"))
    except ValueError as error:
        raise TransientReplyError("an answer that is not JSON") from error


def read_text(reply: Reply) -> str:
    """Return a reply that must be a text table.

    Raises
    ------
    TransientReplyError
        It is empty or a web page.
    """
    if not reply.content.strip():
        raise TransientReplyError("an empty answer")
    if is_html(reply):
        raise TransientReplyError("a web page in place of data")
    return reply.text
