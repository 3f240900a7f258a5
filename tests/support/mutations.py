"""Damage done to files and texts by a seeded generator, for the fuzz of tests/fuzz."""

import json
import math
import os
import random
from pathlib import Path
from typing import Any

__all__ = ["damage_file", "how_many", "mutated_bytes", "mutated_json", "nonsense"]

_VALUES: tuple[Any, ...] = (
    *(None, True, False, 0, -1, 1, 2**63, 10**400, 1.5, -0.0, 1e308, math.nan, math.inf),
    *("", "x", "../..", "\0", "é≥−", "a" * 5000, "2011-02-15", "1e5"),
    *([], {}, [[]], [None], {"a": {}}),
)
_WORDS = (
    *("", " ", "0", "-1", "1e400", "nan", "inf", "None", "null", "true", "[]", "{}", "…", "≥M"),
    *("\0", "../../etc/passwd", "~", "~nobody-here", "/dev/null", "/nowhere", "C:\\x", "%00"),
    *("sim:", "fits:", "jsoc:", "sim:1:2", "SIM 1", "377", "11158", "99999999999", "demo", "hnn"),
    *("2011-02-15T01:00", "9999-99-99T99:99", "0000-00-00", "-5000-01-01T00:00", "1" * 40),
    *("<b>x</b>", "$x$", "`x`", ":material/x:", "a" * 3000, "1:1", "1:0", "-1:-1", "0:999999999"),
    *("sim:!SIM 1!2011-02-14T00:00!demo", "!!!~!!!", "a!b!c!d~a!b!c!d", "sim:1!!!", "%7E", "–"),
)


def how_many(usual: int) -> int:
    """How many cases to try: HNN_FUZZ, else what a quick suite has time for."""
    return int(os.environ.get("HNN_FUZZ", usual))


def nonsense(rng: random.Random) -> str:
    """A text that no link should hold, or nearly one that it could."""
    text = rng.choice(_WORDS)
    for _ in range(rng.choice((0, 0, 0, 1, 3))):
        place = rng.randrange(len(text) + 1)
        text = (
            text[:place]
            + chr(rng.choice((rng.randrange(32, 127), rng.randrange(1, 0xD800))))
            + text[place:]
        )
    return text


def damage_file(path: Path, rng: random.Random) -> str:
    """Damage a file in one of many ways; return which, for the message of a failure."""
    content = path.read_bytes()
    if rng.random() < 0.5 and content[:1] in (b"{", b"["):
        path.write_bytes(mutated_json(content, rng))
        return f"{path.name}: values"
    path.write_bytes(mutated_bytes(content, rng))
    return f"{path.name}: bytes"


def mutated_bytes(content: bytes, rng: random.Random) -> bytes:
    """Cut, flip, repeat, insert or empty."""
    way = rng.choice(("cut", "cut", "flip", "flip", "repeat", "insert", "zero", "drop", "empty"))
    if way == "empty" or not content:
        return b""
    first, last = sorted(rng.randrange(len(content) + 1) for _ in range(2))
    if way == "cut":
        return content[:first]
    if way == "drop":
        return content[:first] + content[last:]
    if way == "repeat":
        return content[:last] + content[first:last] + content[last:]
    if way == "zero":
        return content[:first] + bytes(last - first) + content[last:]
    if way == "insert":
        return content[:first] + rng.randbytes(rng.randrange(1, 40)) + content[first:]
    flipped = bytearray(content)
    for _ in range(rng.choice((1, 1, 1, 5, 50))):
        flipped[rng.randrange(len(flipped))] ^= 1 << rng.randrange(8)
    return bytes(flipped)


def mutated_json(content: bytes, rng: random.Random) -> bytes:
    """Replace, remove or rename values of a JSON document, or of some of its lines."""
    lines = content.decode().split("\n") if content.count(b'\n{"') else [content.decode()]
    for number in {rng.randrange(len(lines)) for _ in range(3)}:
        if lines[number].strip():
            lines[number] = json.dumps(_mutated(json.loads(lines[number]), rng))
    return "\n".join(lines).encode()


def _mutated(value: Any, rng: random.Random) -> Any:
    if isinstance(value, dict) and value and rng.random() < 0.9:
        key = rng.choice(list(value))
        way = rng.random()
        if way < 0.15:
            return {name: one for name, one in value.items() if name != key}
        if way < 0.25:
            return {(f"{name}x" if name == key else name): one for name, one in value.items()}
        return {**value, key: _mutated(value[key], rng)}
    if isinstance(value, list) and value and rng.random() < 0.6:
        place = rng.randrange(len(value))
        return [*value[:place], _mutated(value[place], rng), *value[place + 1 :]]
    return rng.choice(_VALUES)
