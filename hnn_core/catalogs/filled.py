"""NOAA and HARP numbers that were found by a flare's position, kept like a reply."""

import json
from datetime import date

from hnn_core.catalogs.raw import RawFolder
from hnn_core.catalogs.spans import Span, utc_now

__all__ = ["Filled", "keep_numbers", "parse_filled"]

Filled = dict[str, tuple[int, int]]
"""HARP and NOAA number (0 for none) by the id of a flare."""

_SPAN = Span("all", date(2010, 1, 1), date(2010, 1, 1))


def parse_filled(content: bytes) -> Filled:
    """Read kept numbers."""
    told = json.loads(content)
    return {str(name): (int(harp), int(noaa)) for name, (harp, noaa) in told.items()}


def keep_numbers(raw: RawFolder, numbers: Filled) -> None:
    """Keep numbers beside those kept before; of one flare the newest count."""
    known = raw.newest_of("position", _SPAN.key)
    merged = {**(parse_filled(known.read()) if known else {}), **numbers}
    content = json.dumps(merged, sort_keys=True, indent=0).encode()
    raw.keep("position", _SPAN, content, url="", fetched=utc_now(), suffix="json")
