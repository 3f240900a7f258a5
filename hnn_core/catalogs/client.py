"""One service, requested span by span: what is settled is not requested, no failure stops the rest.

Each service has a client of its own, which states how a span is requested and what a sound reply
is; connections, turns, pauses, time-outs and retries are those of `hnn_core.services.transport`.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field
from datetime import UTC, timedelta
from pathlib import Path
from typing import ClassVar

from hnn_core.catalogs.raw import RawFolder, RawReply, Span, utc_now
from hnn_core.exceptions import LimitError, ServiceError, TransientReplyError
from hnn_core.services.transport import Reply, Transport

__all__ = ["Client", "Refresh", "ignore"]

_IN_A_ROW = 3
"""Failures of one service one after another after which the rest is left for another day."""
_BATCH = 25
"""Spans after which another process has its turn, over a connection of its own."""
_NOTHING_HOLDS = timedelta(days=30)
"""DONKI answers "nothing found" in ways that a fault may imitate, so it is not trusted for ever."""
_LONGEST_NOTHING = 8


def ignore(*_: object) -> None:
    """Do nothing with a sentence or with progress."""


@dataclass
class Refresh:
    """One refresh of the catalogues: how it is done, and what came of it."""

    folder: Path
    """Of the catalogues."""
    again: bool = False
    """Whether settled spans are requested too."""
    progress: Callable[[int, int, str], None] = ignore
    """Takes the spans done, all spans, and a name such as ``DONKI flares 2011-02``."""
    note: Callable[[str], None] = ignore
    """Takes sentences on retries and on records left out."""
    fetched: int = 0
    """Spans fetched now."""
    kept: int = 0
    """Spans that were here and settled, so that they were not requested."""
    failed: tuple[str, ...] = ()
    """A sentence for each span that could not be fetched; what was here of it is kept."""
    new: set[str] = field(default_factory=set)
    """Names of the replies fetched now."""
    done: int = 0
    total: int = 0
    """Spans, for the progress."""

    @property
    def raw(self) -> RawFolder:
        """The raw replies."""
        return RawFolder(self.folder)


class Client(ABC):
    """One service; a subclass has `fetch`, `check` and, where a loss is a fault, `count`."""

    service: str
    """Folder of its raw replies."""
    what: str
    """Names its spans in sentences: ``DONKI flares``."""
    host: ClassVar[str]
    """Its name in sentences, and in that of the lock by which processes take turns."""
    suffix: ClassVar[str] = "json"
    paced: ClassVar[bool] = True
    rest: ClassVar[timedelta] = timedelta()
    """A span that is not settled is not requested again within this time."""
    share: ClassVar[float] = 0.0
    """A reply with less than this part of the records that were here is taken for faulty."""

    def __init__(self, refresh: Refresh) -> None:
        self.refresh = refresh
        self._at_first = refresh.raw.newest(self.service)

    @abstractmethod
    def fetch(self, transport: Transport, span: Span) -> None:
        """Request a span and keep the reply. Raises ServiceError."""

    @staticmethod
    @abstractmethod
    def check(reply: Reply) -> None:
        """Raise TransientReplyError for a reply that is not sound."""

    def count(self, content: bytes) -> int:  # noqa: ARG002 - a service without a count has none
        """Return the number of records in a reply."""
        return 0

    def key(self, span: Span) -> str:
        """Return the key of the reply by which a span counts as fetched."""
        return span.key

    def connect(self) -> AbstractContextManager[Transport]:
        """Return a careful connection on which this machine's processes take turns."""
        folder = self.refresh.raw.path
        folder.mkdir(parents=True, exist_ok=True)
        lock = folder / f".{self.host.lower()}.lock"
        return Transport(self.host, paced=self.paced, lock=lock, note=self.refresh.note)

    def known(self, span: Span) -> RawReply | None:
        """Return the newest reply of a span, or None."""
        key = self.key(span)
        return self.refresh.raw.newest(self.service, key).get(key)

    def request(
        self,
        transport: Transport,
        url: str,
        parameters: dict[str, str] | None = None,
        *,
        secret: dict[str, str] | None = None,
        known: RawReply | None = None,
    ) -> Reply:
        """Return a reply that `check` accepts and that has not lost the records of `known`."""
        before = self.count(known.read()) if known is not None else 0

        def read(reply: Reply) -> Reply:
            self.check(reply)
            now = self.count(reply.content)
            if now < self.share * before:
                raise TransientReplyError(
                    f"{now} records where it had {before}"
                    if now
                    else f"nothing where it had {before} records"
                )
            return reply

        return transport.get(url, parameters, secret=secret, read=read)

    def keep(self, span: Span, reply: Reply) -> None:
        """Keep a reply as it came."""
        kept = self.refresh.raw.keep(
            self.service,
            span,
            reply.content,
            url=reply.url,
            fetched=reply.fetched.astimezone(UTC).replace(tzinfo=None),
            suffix=self.suffix,
        )
        self.refresh.new.add(kept.name)

    def is_due(self, span: Span) -> bool:
        """Whether a span is to be requested."""
        # Another process may have fetched it since.
        return self._is_due(span, self._at_first.get(self.key(span))) and self._is_due(
            span, self.known(span)
        )

    def _is_due(self, span: Span, reply: RawReply | None) -> bool:
        if reply is None or self.refresh.again:
            return True
        return utc_now() - reply.fetched >= self.lasts(span, reply)

    def lasts(self, span: Span, reply: RawReply) -> timedelta:
        """Return how old a reply may be before its span is requested again."""
        if not span.is_settled(reply.fetched):
            return self.rest
        return _NOTHING_HOLDS if len(reply.read()) <= _LONGEST_NOTHING else timedelta.max

    def fetch_all(self, spans: Sequence[Span]) -> None:
        """Fetch every span that is due.

        After three failures in a row, or where the service has had too many requests, the rest is
        left out.
        """
        refresh, in_a_row, why = self.refresh, 0, f"{_IN_A_ROW} failures in a row"
        with ExitStack() as stack:
            transport: Transport | None = None  # connected only if a span is due
            for i, span in enumerate(spans):
                if not self.is_due(span):
                    refresh.kept += 1
                elif in_a_row == _IN_A_ROW:
                    left = sum(map(self.is_due, spans[i:]))
                    refresh.failed += (
                        f"{self.what}: {left} more left out after {why}, from {span.key} on.",
                    )
                    refresh.done += len(spans) - i
                    return
                else:
                    if transport is None:
                        transport = stack.enter_context(self.connect())
                        stack.enter_context(transport.turn())
                    elif i % _BATCH == 0:
                        transport.give_way()
                    try:
                        self.fetch(transport, span)
                        refresh.fetched += 1
                        in_a_row = 0
                    except ServiceError as error:
                        refresh.failed += (f"{self.what} {span.key}: {error}",)
                        in_a_row += 1
                        if isinstance(error, LimitError):
                            in_a_row, why = _IN_A_ROW, "that"
                refresh.done += 1
                refresh.progress(refresh.done, refresh.total, f"{self.what} {span.key}")
