"""What an emulated service gives back for a request."""

import json
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

__all__ = ["Answer", "Request", "html_page", "json_answer", "not_found"]


@dataclass(frozen=True)
class Request:
    """One request as it came in."""

    method: str
    path: str
    query: str
    agent: str = ""

    @property
    def args(self) -> dict[str, str]:
        return dict(parse_qsl(self.query, keep_blank_values=True))

    @property
    def target(self) -> str:
        return f"{self.path}?{self.query}" if self.query else self.path

    @property
    def service(self) -> str:
        """jsoc, donki, nasa, goes, hek or harp_noaa."""
        top = self.path.lstrip("/").split("/")[0].removesuffix(".txt")
        return top if top in ("donki", "nasa", "goes", "hek", "harp_noaa") else "jsoc"


@dataclass(frozen=True)
class Answer:
    body: bytes
    kind: str = "application/json"
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    claimed: int | None = None
    """Content-Length where it is not the body's; the connection is closed after it."""


def json_answer(value: Any) -> Answer:
    return Answer(json.dumps(value).encode(), "application/json")


def html_page(title: str) -> bytes:
    return (
        f"<!DOCTYPE HTML PUBLIC '-//IETF//DTD HTML 2.0//EN'>\n<html><head><title>{title}</title>"
        f"</head><body><h1>{title}</h1></body></html>\n"
    ).encode()


def not_found(path: str) -> Answer:
    return Answer(html_page(f"404 Not Found: {path}"), "text/html", 404)
