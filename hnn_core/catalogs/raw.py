"""Replies as they came, each with a side file that says where from, when, and its checksum.

A reply is written first and its side file last, each whole or not at all; one without a side file,
or whose bytes have another sum, does not count. A reply is named by its span and its sum, so a
changed one lies beside the older one, and the newest counts.
"""

import hashlib
import json
from collections import defaultdict
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

from filelock import FileLock

from hnn_core.catalogs.spans import Span
from hnn_core.dataset.work_folder import write_atomically
from hnn_core.disk import room_on_disk

__all__ = ["SIDE", "RawFolder", "RawReply"]

SIDE = ".about"


@dataclass(frozen=True)
class RawReply:
    """A reply on disk, with what its side file says."""

    service: str
    """``ncei``, ``hek``, ``donki_flr``, ``donki_cme``, ``harp_noaa`` or ``position``."""
    key: str
    start: date
    end: date
    """The day after the last that was asked for."""
    fetched: datetime
    """UTC, without a zone."""
    url: str
    sha256: str
    path: Path

    @property
    def name(self) -> str:
        """How tables name the reply: service and file."""
        return f"{self.service}/{self.path.name}"

    def read(self) -> bytes:
        """Return the reply's bytes."""
        return self.path.read_bytes()


class RawFolder:
    """The raw replies of all services.

    Parameters
    ----------
    folder : Path
        Of the catalogues; the replies lie in ``raw/`` below it.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / "raw"

    def of(self, service: str) -> Path:
        """Return the folder of one service, made if absent."""
        folder = self.path / service
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def keep(
        self, service: str, span: Span, content: bytes, *, url: str, fetched: datetime, suffix: str
    ) -> RawReply:
        """Keep a reply; one that has not changed is only told as fetched again.

        Raises
        ------
        DiskFullError
        """
        folder, digest = self.of(service), hashlib.sha256(content).hexdigest()
        path = folder / f"{span.key}.{digest[:16]}.{suffix}"
        told = {
            "url": url,
            "fetched_utc": fetched.isoformat(),
            "sha256": digest,
            "bytes": len(content),
            "key": span.key,
            "start": span.start.isoformat(),
            "end": span.end.isoformat(),
        }
        with (
            room_on_disk(folder, "run the same command again: it goes on"),
            FileLock(folder / ".lock"),
        ):
            for leftover in folder.glob("*.part"):  # of a killed process: who writes holds the lock
                leftover.unlink(missing_ok=True)
            write_atomically(path, content)
            write_atomically(_side(path), json.dumps(told, indent=1).encode())
        return RawReply(service, span.key, span.start, span.end, fetched, url, digest, path)

    def newest(self, service: str) -> dict[str, RawReply]:
        """Return the newest sound reply of every span of a service, by key."""
        claims: dict[str, list[RawReply]] = defaultdict(list)
        for side in (self.path / service).glob(f"*{SIDE}"):
            if (reply := _claim(service, side)) is not None:
                claims[reply.key].append(reply)
        found = {key: _newest(claims[key]) for key in sorted(claims)}
        return {key: reply for key, reply in found.items() if reply is not None}

    def newest_of(self, service: str, key: str) -> RawReply | None:
        """Return the newest sound reply of one span, or None if it was never fetched."""
        sides = (self.path / service).glob(f"{key}.*{SIDE}")
        claims = [reply for side in sides if (reply := _claim(service, side)) is not None]
        return _newest([reply for reply in claims if reply.key == key])


def _newest(claims: list[RawReply]) -> RawReply | None:
    """Return the newest reply whose bytes have the sum that its side file tells."""
    for reply in sorted(claims, key=lambda reply: (reply.fetched, reply.sha256), reverse=True):
        try:
            if hashlib.sha256(reply.read()).hexdigest() == reply.sha256:
                return reply
        except OSError:
            continue
    return None


def _side(path: Path) -> Path:
    return path.with_name(path.name + SIDE)


def _claim(service: str, side: Path) -> RawReply | None:
    """Return what a side file says; None if it says nothing sound."""
    try:
        told = json.loads(side.read_bytes())
        return RawReply(
            service=service,
            key=str(told["key"]),
            start=date.fromisoformat(told["start"]),
            end=date.fromisoformat(told["end"]),
            fetched=datetime.fromisoformat(told["fetched_utc"]),
            url=str(told["url"]),
            sha256=str(told["sha256"]),
            path=side.with_name(side.name.removesuffix(SIDE)),
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None
