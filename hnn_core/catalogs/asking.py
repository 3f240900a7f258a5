"""Asking a service for many spans: what is settled is not asked, one failure stops nothing."""

from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field
from datetime import UTC, timedelta
from functools import partial
from pathlib import Path

from hnn_core.catalogs.raw import RawFolder, RawReply, Span, is_due, utc_now
from hnn_core.exceptions import ServiceError, TransientReplyError
from hnn_core.services.transport import Reply, Transport

__all__ = ["Asking", "Refreshed", "Told", "not_shorter", "quiet"]

_IN_A_ROW = 3
"""Failures of one service one after another after which the rest is left for another day."""
_SHARE = 0.9
_NOTHING_HOLDS = timedelta(days=30)
"""DONKI says "nothing found" in ways that a fault may imitate, so it is not trusted for ever."""
_LONGEST_NOTHING = 8


@dataclass(frozen=True)
class Told:
    """How far a refresh has come."""

    done: int
    total: int
    what: str
    """Such as ``DONKI flares 2011-02``."""


@dataclass(frozen=True)
class Refreshed:
    """What a refresh did."""

    asked: int
    """Spans fetched now."""
    kept: int
    """Spans that were here and settled, so that they were not asked for."""
    failed: tuple[str, ...]
    """A sentence for each span that could not be fetched; what was here of it is kept."""
    rows: int
    """Rows of the table in the span after it."""


def quiet(_: object) -> None:
    """Tell nobody."""


@dataclass
class Asking:
    """One refresh: which spans were asked for, kept, or failed, and whom to tell."""

    folder: Path
    again: bool = False
    tell: Callable[[Told], None] = quiet
    note: Callable[[str], None] = quiet
    asked: int = 0
    kept: int = 0
    failed: list[str] = field(default_factory=list)
    new: set[str] = field(default_factory=set)
    """Names of the replies fetched now."""
    done: int = 0
    total: int = 0

    def __post_init__(self) -> None:
        self.raw = RawFolder(self.folder)
        self._at_first: dict[str, dict[str, RawReply]] = {}

    def transport(self, service: str, *, paced: bool = False) -> Transport:
        """Return a careful connection on which this machine's processes take turns."""
        lock = self.raw.of("") / f".{service.lower()}.lock"
        return Transport(service, paced=paced, lock=lock, note=self.note)

    def fetched(self, service: str, key: str) -> RawReply | None:
        """Return the newest reply of a span, or None."""
        return self.raw.newest_of(service, key)

    def is_due(self, service: str, key: str, span: Span, *, rest: timedelta = timedelta()) -> bool:
        """Tell whether a span is to be asked for; not within `rest` after the last time."""
        if service not in self._at_first:
            self._at_first[service] = self.raw.newest(service)
        if not self._is_due(self._at_first[service].get(key), span, rest):
            return False
        # Another process may have fetched it since.
        return self._is_due(self.fetched(service, key), span, rest)

    def _is_due(self, reply: RawReply | None, span: Span, rest: timedelta) -> bool:
        age = utc_now() - reply.fetched if reply is not None else None
        if age is not None and not self.again and age < rest:
            return False
        if reply is not None and age is not None and age > _NOTHING_HOLDS and _is_nothing(reply):
            return True
        return is_due(span, reply.fetched if reply is not None else None, again=self.again)

    def keep(self, service: str, span: Span, reply: Reply, suffix: str) -> None:
        """Keep a reply as it came."""
        fetched = reply.fetched.astimezone(UTC).replace(tzinfo=None)
        kept = self.raw.keep(
            service, span, reply.content, url=reply.url, fetched=fetched, suffix=suffix
        )
        self.new.add(kept.name)

    def each(
        self,
        spans: Sequence[Span],
        *,
        due: Callable[[Span], bool],
        connect: Callable[[], AbstractContextManager[Transport]],
        fetch: Callable[[Transport, Span], None],
        what: str,
    ) -> None:
        """Fetch every span that is due.

        Parameters
        ----------
        spans : sequence of Span
        due : callable
            Asked just before: another process may have fetched a span in the meantime.
        connect : callable
            Makes the connection, which only happens if a span is due.
        fetch : callable
            Asks and keeps; raises ServiceError.
        what : str
            Names the spans in sentences: ``DONKI flares``.
        """
        in_a_row = 0
        with ExitStack() as stack:
            transport: Transport | None = None
            for i, span in enumerate(spans):
                if not due(span):
                    self.kept += 1
                elif in_a_row == _IN_A_ROW:
                    left = sum(map(due, spans[i:]))
                    self.failed.append(
                        f"{what}: {left} more left out after {_IN_A_ROW} failures in a row, from "
                        f"{span.key} on."
                    )
                    self.done += len(spans) - i
                    return
                else:
                    transport = transport or stack.enter_context(connect())
                    in_a_row = (
                        0
                        if self._one(partial(fetch, transport, span), span, what)
                        else (in_a_row + 1)
                    )
                self.done += 1
                self.tell(Told(self.done, self.total, f"{what} {span.key}"))

    def _one(self, fetch: Callable[[], None], span: Span, what: str) -> bool:
        try:
            fetch()
        except ServiceError as error:
            self.failed.append(f"{what} {span.key}: {error}")
            return False
        self.asked += 1
        return True

    def report(self, problems: Iterable[tuple[str, str]]) -> None:
        """Note what could not be used of the replies fetched now, the first twenty one by one."""
        words = [words for name, words in problems if name in self.new]
        for sentence in words[:20]:
            self.note(f"Left out: {sentence}.")
        if len(words) > 20:
            self.note(f"Left out: {len(words) - 20} further records.")


def _is_nothing(reply: RawReply) -> bool:
    return len(reply.read()) <= _LONGEST_NOTHING


def not_shorter(
    known: RawReply | None, count: Callable[[bytes], int], check: Callable[[Reply], Reply]
) -> Callable[[Reply], Reply]:
    """Return a reader that takes a reply for faulty if it has lost a tenth of what was here.

    Parameters
    ----------
    known : RawReply or None
        The newest reply so far.
    count : callable
        Counts the records of a reply's bytes.
    check : callable (Reply) -> Reply
        Looks at the reply first.
    """

    def read(reply: Reply) -> Reply:
        check(reply)
        if known is not None:
            before, now = count(known.read()), count(reply.content)
            if now < _SHARE * before:
                raise TransientReplyError(f"{now} records where it had {before}")
        return reply

    return read
