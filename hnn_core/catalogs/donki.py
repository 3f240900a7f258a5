"""What DONKI's replies have in common: nothing found, padded spans, versions, links."""

import json
from collections.abc import Iterator
from datetime import datetime, time, timedelta
from typing import Any

from hnn_core.catalogs.raw import RawReply
from hnn_core.catalogs.spans import Span
from hnn_core.exceptions import TransientReplyError
from hnn_core.services.reading import read_json_or_nothing
from hnn_core.services.transport import Reply

__all__ = ["Revision", "linked", "query", "read_records", "records_of", "revision", "within"]

_PADDING = timedelta(days=1)

Revision = tuple[int, str, datetime, str]
"""Version, submission time, when fetched, and the record itself to part what is equal."""


def query(span: Span) -> dict[str, str]:
    """Return the parameters that ask for a span, a day padded either side."""
    last = span.end - timedelta(days=1)
    return {"startDate": f"{span.start - _PADDING}", "endDate": f"{last + _PADDING}"}


def read_records(reply: Reply) -> Reply:
    """Accept a list of records, or nothing found: an empty body, ``null`` or ``[]``.

    Raises
    ------
    TransientReplyError
        It is anything else.
    """
    if not isinstance(read_json_or_nothing(reply), list | None):
        raise TransientReplyError("an answer that is no list of records")
    return reply


def records_of(content: bytes) -> Iterator[dict[str, Any]]:
    """Yield the records of a reply that `read_records` has accepted."""
    if content.strip():
        for record in json.loads(content.decode("utf-8", errors="replace")) or ():
            if isinstance(record, dict):
                yield record


def within(moment: datetime | None, reply: RawReply) -> bool:
    """Whether a time lies in the span that was asked for, padding included.

    Years are wrong now and then; such a record would be another event.
    """
    if moment is None:
        return False
    first = datetime.combine(reply.start, time()) - _PADDING
    return first <= moment < datetime.combine(reply.end, time()) + _PADDING


def linked(record: dict[str, Any], kind: str) -> tuple[str, ...]:
    """Return the linked events of a kind, ``CME`` or ``FLR``, ascending, without all others."""
    events = record.get("linkedEvents")
    ids = {
        str(event.get("activityID") or "")
        for event in (events if isinstance(events, list) else ())
        if isinstance(event, dict)
    }
    return tuple(sorted(name for name in ids if f"-{kind}-" in name))


def revision(record: dict[str, Any], reply: RawReply) -> Revision:
    """Return what decides between revisions of one record: the greatest counts."""
    number = record.get("versionId")
    version = number if isinstance(number, int) else 0
    submitted = str(record.get("submissionTime") or "")
    return version, submitted, reply.fetched, json.dumps(record, sort_keys=True)
