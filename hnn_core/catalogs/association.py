"""Whether a CME came with a flare, as far as DONKI tells, and the reason in words."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from hnn_core.catalogs.donki_cmes import CmeRecord
from hnn_core.catalogs.raw import RawReply
from hnn_core.catalogs.records import FlareRecord
from hnn_core.sources.base import Association

__all__ = ["Asked", "Linked", "Links", "associate", "links_of"]

_REVISED = timedelta(days=14)
"""Links are mostly added within two weeks of a flare."""


@dataclass(frozen=True)
class Linked:
    """Whether a CME came with a flare, why we say so, and which CMEs."""

    association: Association
    reason: str
    cme_ids: tuple[str, ...] = ()


class Asked:
    """For which days a service was asked, and when last.

    Parameters
    ----------
    replies : iterable of RawReply
        The newest of every span.
    """

    def __init__(self, replies: Iterable[RawReply]) -> None:
        self._fetched: dict[date, datetime] = {}
        for reply in replies:
            for i in range((reply.end - reply.start).days):
                day = reply.start + timedelta(days=i)
                self._fetched[day] = max(reply.fetched, self._fetched.get(day, reply.fetched))

    def since(self, moment: datetime) -> datetime | None:
        """Return when the day of a moment was last asked for, after that moment; else None."""
        fetched = self._fetched.get(moment.date())
        return fetched if fetched is not None and fetched > moment else None


Links = dict[str, dict[str, int]]
"""By the id of a DONKI flare: the CMEs whose own records link it, with their versions."""


def links_of(cmes: Iterable[CmeRecord]) -> Links:
    """Return the links that CMEs' records hold, turned round."""
    links: Links = defaultdict(dict)
    for cme in cmes:
        for name in cme.links:
            links[name][cme.id] = cme.version
    return dict(links)


def associate(
    record: FlareRecord | None, peak: datetime, links: Links, flares: Asked, cmes: Asked
) -> Linked:
    """Tell whether a CME came with a flare.

    Parameters
    ----------
    record : FlareRecord or None
        DONKI's of the flare.
    peak : datetime
        UTC.
    links : Links
        From the CMEs' side.
    flares, cmes : Asked
        What DONKI was asked for.

    Returns
    -------
    Linked
        ``eruptive`` if a link goes either way; ``unlinked`` if the flare is in DONKI, its days'
        CMEs are known and no link goes either way; else ``unknown``. Never ``confined``: no
        catalogue says that (SCIENCE section 3).
    """
    if record is None:
        asked = flares.since(peak)
        if asked is None:
            return Linked("unknown", "DONKI has not been asked for this date")
        return Linked(
            "unknown",
            f"not in DONKI, which holds only part of the flares (asked {asked:%Y-%m-%d})",
        )
    name = _named(record.id, record.version)
    theirs = links.get(record.id, {})
    found = tuple(sorted({*record.links, *theirs}))
    if found:
        return Linked("eruptive", _reason(name, record, theirs), found)
    asked = cmes.since(peak)
    if asked is None:
        return Linked(
            "unknown",
            f"DONKI's record {name} links no CME, but DONKI's CMEs of its date have not been "
            "fetched",
        )
    young = min(asked, record.fetched) - peak < _REVISED
    late = "; links may still be added" if young else ""
    why = f"in DONKI with no CME linked, neither by its record {name} nor by that of a CME{late}"
    return Linked("unlinked", why)


def _named(name: str, version: int) -> str:
    return f"{name} (version {version})" if version else name


def _reason(name: str, record: FlareRecord, theirs: dict[str, int]) -> str:
    parts = []
    if record.links:
        parts.append(f"DONKI's record {name} links {', '.join(record.links)}")
    for cme, version in sorted(theirs.items()):
        also = " too" if record.links else f" {record.id}"
        parts.append(f"the record of {_named(cme, version)} links the flare{also}")
    return "; ".join(parts)
