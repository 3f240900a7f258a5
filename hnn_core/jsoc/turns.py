"""One connection to JSOC for all processes of this machine, taken in turns."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import stamina
from filelock import FileLock, Timeout

from hnn_core.exceptions import ServiceFaultError, TransientReplyError
from hnn_core.services.endpoints import live_home
from hnn_core.services.transport import Patience, Reply, Transport

__all__ = ["Turns"]

T = TypeVar("T")

_BURST = 4
"""Questions that may follow each other at once after a time of silence."""
_PAGE = (b"<!doctype html", b"<html")


class Turns:
    """Asks JSOC when it is this process's turn.

    Who has the turn holds one lock file and the only connection; who waits holds a second one, by
    which the other notices and gives way between two files. So a long fetch does not keep a short
    question waiting, and the machine never holds two connections. A killed process loses both.

    Parameters
    ----------
    tell : callable (sentence)
        Told of waiting and of each further attempt.
    """

    def __init__(self, tell: Callable[[str], None]) -> None:
        self._tell = tell
        self._turn = FileLock(live_home() / "jsoc.lock")
        self._next = FileLock(live_home() / "jsoc.next.lock")
        self._transport: Transport | None = None
        self._patience = Patience.from_environment()
        self._due = 0.0

    @contextmanager
    def turn(self) -> Iterator[Transport]:
        """Hold the turn, over several questions and files if wanted; it may be nested."""
        if self._transport is not None:
            yield self._transport
            return
        self._take()
        try:
            self._transport = Transport("JSOC", tell=self._tell)
            yield self._transport
        finally:
            self._leave()

    def give_way(self) -> None:
        """Let another process have its turn if one waits; called between two requests."""
        if self._transport is None:
            return
        try:
            self._next.acquire(timeout=0)
        except Timeout:
            self._leave()
            self._take()
            self._transport = Transport("JSOC", tell=self._tell)
        else:
            self._next.release()

    def get(self, url: str, *, read: Callable[[Reply], T]) -> T:
        """Ask a question, not too soon after others; errors as `Transport.get`."""
        self._pace()
        with self.turn() as transport:
            return transport.get(url, read=read)

    def download(self, url: str, part: Path) -> int:
        """Stream a file; errors as `Transport.download`.

        A web page, ``null`` or nothing in place of the file, with status 200, is a fault of the
        server that passes: the file is asked for again after a while.
        """
        last = self._patience.attempts
        try:
            for attempt in stamina.retry_context(
                on=TransientReplyError,
                attempts=last,
                timeout=None,
                wait_initial=self._patience.first_wait_s,
                wait_max=self._patience.longest_wait_s,
                wait_jitter=min(1.0, self._patience.first_wait_s),
            ):
                with attempt, self.turn() as transport:
                    n_bytes = transport.download(url, part)
                    if foreign := _foreign(part):
                        if attempt.num < last:
                            self._tell(f"JSOC: {foreign}; asking again.")
                        raise TransientReplyError(foreign)
                    return n_bytes
        except TransientReplyError as error:
            raise ServiceFaultError(
                f"JSOC gives no sound answer ({error}, {last} attempts); what is fetched is kept, "
                f"try again later. It was asked for {url}"
            ) from error
        raise AssertionError("a retry without an outcome")

    def _take(self) -> None:
        try:
            self._next.acquire(timeout=0)
        except Timeout:
            self._tell("Other processes of this machine are waiting for JSOC; waiting as well.")
            self._next.acquire()
        try:
            self._turn.acquire(timeout=0)
        except Timeout:
            self._tell("Another process of this machine is asking JSOC; waiting for a turn.")
            self._turn.acquire()
        finally:
            self._next.release()

    def _leave(self) -> None:
        if self._transport is not None:
            self._transport.close()
            self._transport = None
        self._turn.release()

    def _pace(self) -> None:
        """Wait so that questions keep their distance on average, a few of them at once."""
        now = time.monotonic()
        self._due = max(self._due, now)
        wait = self._due - (_BURST - 1) * self._patience.pause_s - now
        time.sleep(max(0.0, wait))
        self._due += self._patience.pause_s


def _foreign(part: Path) -> str:
    """Say what a reply is that is no file at all; empty for anything else."""
    with part.open("rb") as stream:
        start = stream.read(512).strip().lower()
    if start.startswith(_PAGE):
        return "a web page in place of a file"
    return "an empty answer in place of a file" if start in (b"", b"null") else ""
