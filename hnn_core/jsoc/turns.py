"""One connection to JSOC for all processes of this machine, taken in turns."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from filelock import FileLock, Timeout

from hnn_core.services.endpoints import live_home
from hnn_core.services.patience import Patience
from hnn_core.services.transport import Reply, Transport

__all__ = ["Turns"]

T = TypeVar("T")

_BURST = 4
"""Questions that may follow each other at once after a time of silence."""


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
        self._pause = Patience.from_environment().pause_s
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
        """Stream a file; errors as `Transport.download`."""
        with self.turn() as transport:
            return transport.download(url, part)

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
        wait = self._due - (_BURST - 1) * self._pause - now
        time.sleep(max(0.0, wait))
        self._due += self._pause
