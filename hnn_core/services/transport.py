"""One careful way to query a service: one connection, time-outs, retries, whole replies, an end."""

import json
import logging
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from ssl import SSLContext
from typing import Any, TypeVar

import httpx2
import stamina
from filelock import FileLock, Timeout

from hnn_core import __version__
from hnn_core.exceptions import (
    LimitError,
    RefusedError,
    ServiceError,
    ServiceFaultError,
    TransientReplyError,
)
from hnn_core.services.endpoints import Patience, shown_address

__all__ = ["Reply", "Transport", "read_json", "read_json_or_nothing", "read_text"]

T = TypeVar("T")

_TRANSIENT_CODES = {408, 425, 429, 500, 502, 503, 504}
_CONNECT_S = 15.0
_START = 512
"""Bytes by which a web page is known."""
_SLOWEST_BYTES_PER_S = 1000.0
"""A transfer slower than this for a whole time-out counts as hanging."""
_POLL_S = 0.01
"""Seconds between two looks at a lock that another process holds."""
# Every retry is noted by the transport; stamina's own log lines would only repeat it.
logging.getLogger("stamina").setLevel(logging.ERROR)
# It would log every address, with the key in it.
logging.getLogger("httpx2").setLevel(logging.WARNING)


@dataclass(frozen=True)
class Reply:
    """What a service answered, whole."""

    url: str
    """Without what is secret in it."""
    content: bytes
    fetched: datetime
    """When, UTC."""

    @property
    def text(self) -> str:
        """The content as text; bytes that are no UTF-8 are replaced."""
        return self.content.decode("utf-8", errors="replace")


class Transport:
    """Asks one service over one connection; use it as a context manager, in one thread.

    Parameters
    ----------
    service : str
        Its name in messages, such as ``"JSOC"``.
    paced : bool
        Keep `Patience.pause_s` between the beginnings of two `get` requests. Downloads are not
        held back: a single connection is polite enough.
    burst : int
        Paced requests that may follow each other at once after a silence.
    lock : Path, optional
        File by which the processes of this machine take turns. The connection is closed at the
        end of a turn, so that together they hold one.
    patience : Patience, optional
        From the environment by default.
    note : callable (sentence), optional
        Receives what went wrong before each further attempt, and for what is waited.
    """

    def __init__(
        self,
        service: str,
        *,
        paced: bool = False,
        burst: int = 1,
        lock: Path | None = None,
        patience: Patience | None = None,
        note: Callable[[str], None] | None = None,
    ) -> None:
        self.service = service
        self.patience = patience or Patience.from_environment()
        self._interval = self.patience.pause_s if paced else 0.0
        self._burst, self._due, self._left = burst, 0.0, 0.0
        self._lock = FileLock(lock) if lock else None
        self._note = note or (lambda _: None)
        self._client: httpx2.Client | None = None

    def __enter__(self) -> "Transport":
        return self

    def __exit__(self, *_: object) -> None:
        self._close()

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Hold the lock over several requests; it may be nested. A killed process loses it."""
        if self._lock is None or self._lock.is_locked:
            yield
            return
        self._take(self._lock)
        try:
            yield
        finally:
            self._leave(self._lock)

    def give_way(self) -> None:
        """Let processes that wait have their turn; called within one, between two requests."""
        if self._lock is not None and self._lock.is_locked:
            self._leave(self._lock)
            self._take(self._lock)

    def get(
        self,
        url: str,
        params: Mapping[str, str] | None = None,
        *,
        secret: Mapping[str, str] | None = None,
        read: Callable[[Reply], T],
    ) -> T:
        """Request an address and understand the answer, again where that may help.

        Parameters
        ----------
        url : str
        params : mapping, optional
            Query, encoded here.
        secret : mapping, optional
            More of the query, such as a key, which no reply and no sentence shows.
        read : callable (Reply) -> T
            Understands the answer. Where it raises TransientReplyError the request is repeated.

        Raises
        ------
        ServiceError
            No connection or no answer in time, at any attempt.
        ServiceFaultError
            Only faults (5xx, half or foreign answers), at every attempt.
        LimitError
            The service has had too many requests (429), at every attempt.
        RefusedError
            The service will not answer this (other 4xx).
        """

        def request() -> T:
            with self.turn():
                self._pace()
                with self._stream(url, params, secret or {}) as response:
                    content = b"".join(self._blocks(response))
                    where = _shown(response.url, secret or {})
            return read(Reply(where, content, datetime.now(UTC)))

        return self._patiently(request, url)

    def download(self, url: str, part: Path) -> None:
        """Stream an address into a file, as many bytes as Content-Length, or with an error.

        A web page, ``null`` or nothing in place of a file is a fault that passes.

        Parameters
        ----------
        url : str
        part : Path
            Overwritten at every attempt; what is in it after an error is worth nothing.

        Raises
        ------
        ServiceError, ServiceFaultError, RefusedError
            As `get`.
        OSError
            The file cannot be written.
        """

        def fetch() -> None:
            start = b""
            with (
                self.turn(),
                self._stream(url, None, {}) as response,
                part.open("wb") as stream,
            ):
                for block in self._blocks(response):
                    start += block if len(start) < _START else b""
                    stream.write(block)
            _refuse_foreign(start)

        self._patiently(fetch, url)

    def _take(self, lock: FileLock) -> None:
        # Those that wait need a moment to notice that it is free.
        time.sleep(max(0.0, self._left + 3 * _POLL_S - time.monotonic()))
        try:
            lock.acquire(timeout=0)
        except Timeout:
            self._note(f"Another process on this machine uses {self.service}; waiting for it.")
            lock.acquire(poll_interval=_POLL_S)

    def _leave(self, lock: FileLock) -> None:
        self._close()
        lock.release()
        self._left = time.monotonic()

    def _close(self) -> None:
        if self._client is not None:
            self._client.close()
            self._client = None

    @contextmanager
    def _stream(
        self, url: str, params: Mapping[str, str] | None, secret: Mapping[str, str]
    ) -> Iterator[httpx2.Response]:
        timeout = self.patience.timeout_s
        self._client = self._client or httpx2.Client(
            timeout=httpx2.Timeout(timeout, connect=min(timeout, _CONNECT_S)),
            limits=httpx2.Limits(max_connections=1, max_keepalive_connections=1),
            # Bytes as they are: what is cut short is then shorter than its Content-Length.
            headers={"User-Agent": f"hnn-explorer/{__version__}", "Accept-Encoding": "identity"},
            follow_redirects=True,
            verify=_certificates(),
        )
        query = {**(params or {}), **secret} or None
        with self._client.stream("GET", url, params=query) as response:
            if response.status_code in _TRANSIENT_CODES:
                raise httpx2.HTTPStatusError(
                    f"HTTP {response.status_code}", request=response.request, response=response
                )
            if response.is_error:
                where = _shown(response.url, secret)
                raise RefusedError(f"{self.service} refuses {where} (HTTP {response.status_code}).")
            yield response

    def _blocks(self, response: httpx2.Response) -> Iterator[bytes]:
        """Yield the body, whose length is checked below us; a crawling one is a transient fault."""
        begun, received = time.monotonic(), 0
        for block in response.iter_raw():  # as they come: a given size would wait to be filled
            received += len(block)
            took = time.monotonic() - begun
            if took > self.patience.timeout_s and received < took * _SLOWEST_BYTES_PER_S:
                raise TransientReplyError(f"only {received} bytes came in {took:.0f} s")
            yield block

    def _patiently(self, request: Callable[[], T], url: str) -> T:
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
                        return request()
                    except (httpx2.HTTPError, TransientReplyError) as error:
                        if attempt.num < last:
                            self._note(f"{self.service}: {_reason(error)}; trying again.")
                        raise
        except (httpx2.TimeoutException, httpx2.NetworkError) as error:
            raise ServiceError(
                f"{self.service} cannot be reached ({_reason(error)}, {last} attempts); see "
                "whether this machine has a network and try again."
            ) from error
        except (httpx2.HTTPError, TransientReplyError) as error:
            if isinstance(error, httpx2.HTTPStatusError) and error.response.status_code == 429:
                raise LimitError(
                    f"{self.service} has had too many requests for now ({_reason(error)})"
                    f"{_wait(error.response)}; what is fetched is kept, try again later."
                ) from error
            raise ServiceFaultError(
                f"{self.service} gives no sound answer ({_reason(error)}, {last} attempts); what "
                f"is fetched is kept, try again later. The address was {shown_address(url)}"
            ) from error
        except httpx2.InvalidURL as error:
            where = shown_address(url)
            raise ServiceError(
                f"{self.service} gave an address that is none: {where!r}."
            ) from error
        raise AssertionError("a retry without an outcome")

    def _worth_another(self, error: Exception) -> bool | float:
        if isinstance(error, httpx2.HTTPStatusError):
            # Seconds that the server wants; a date or nothing is left to our own back-off.
            text = error.response.headers.get("retry-after", "")
            wait, longest = float(text) if text.isdigit() else 0.0, self.patience.longest_wait_s
            # No wait of ours would be long enough where an hour's requests are used up.
            return wait <= self.patience.attempts * longest and (min(wait, longest) or True)
        return isinstance(error, httpx2.TransportError | TransientReplyError)

    def _pace(self) -> None:
        """Wait so that requests keep their distance on average, a few of them at once."""
        now = time.monotonic()
        self._due = max(self._due, now)
        time.sleep(max(0.0, self._due - (self._burst - 1) * self._interval - now))
        self._due += self._interval


@cache
def _certificates() -> SSLContext:
    """Certificates of the authorities, read once: they take 20 ms."""
    return httpx2.create_ssl_context()


def _shown(url: httpx2.URL, secret: Mapping[str, str]) -> str:
    for name in secret:
        url = url.copy_remove_param(name)
    return str(url.copy_with(userinfo=b""))


def _wait(response: httpx2.Response) -> str:
    """Name how long a server wants to be left alone, where it does."""
    seconds = response.headers.get("retry-after", "")
    return f" and wants {int(seconds) / 60:.0f} min without one" if seconds.isdigit() else ""


def _reason(error: Exception) -> str:
    """Name a fault in a few words."""
    if isinstance(error, httpx2.ConnectTimeout | httpx2.ConnectError):
        return "no connection"
    if isinstance(error, httpx2.TimeoutException):
        return "no answer in time"
    if isinstance(error, httpx2.RemoteProtocolError | httpx2.ReadError):
        return "the connection was cut"
    return str(error) or type(error).__name__


def read_json(reply: Reply) -> Any:
    """Parse a reply that must be JSON.

    Raises
    ------
    TransientReplyError
        It is empty, ``null``, a web page, or not JSON.
    """
    _refuse_foreign(reply.content)
    return read_json_or_nothing(reply)


def read_json_or_nothing(reply: Reply) -> Any:
    """Parse a reply that is JSON or nothing: an empty body and ``null`` are None.

    Raises
    ------
    TransientReplyError
        It is a web page, or not JSON.
    """
    if reply.content.strip() in (b"", b"null"):
        return None
    _refuse_foreign(reply.content)
    try:
        return json.loads(reply.text)
    except ValueError as error:
        raise TransientReplyError("an answer that is not JSON") from error


def read_text(reply: Reply) -> str:
    """Return a reply that must be a text table.

    Raises
    ------
    TransientReplyError
        It is empty, ``null`` or a web page.
    """
    _refuse_foreign(reply.content)
    return reply.text


def _refuse_foreign(content: bytes) -> None:
    """Raise where a web page or nothing stands in place of data, as faults with status 200 do."""
    start = content.lstrip()[:_START].rstrip().lower()
    if start.startswith((b"<!doctype html", b"<html")):
        raise TransientReplyError("a web page in place of data")
    if start in (b"", b"null"):
        raise TransientReplyError("an empty answer")
