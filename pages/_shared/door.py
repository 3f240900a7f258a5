"""The door of the server: what every request passes before Streamlit sees it.

It answers to the names of `server.allowedHosts` only, lets no other site connect or send, turns the
token of the start-up link into a cookie, bounds what waits in memory of uploads, and sends the
headers that hold a browser to this site.
"""

import logging
import os
import secrets
import sys
import threading
import webbrowser
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from hmac import compare_digest
from typing import Any
from urllib.parse import quote, unquote_plus, urlsplit

import click
import streamlit as st
from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from streamlit.runtime import get_instance
from streamlit.web.server.server_util import get_display_address, get_url
from streamlit.web.server.starlette.starlette_websocket import is_host_allowed

from pages._shared.right import cookie_name, start_fault

__all__ = ["Door", "opened", "require_sound_start"]

_READ = ("GET", "HEAD", "OPTIONS")
_MOST_WAITING = 1_000_000_000
"""Bytes of uploads on their way and in memory, of all sessions together."""
_once: set[str] = set()
"""The token of the link that the start opens in the browser, until that has come."""
_POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:; "
    "style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; media-src 'self' data: blob:; "
    "font-src 'self' data:; worker-src 'self' blob:; connect-src 'self' {sockets} data: blob:; "
    "object-src 'none'; base-uri 'self'; form-action 'self'; frame-ancestors 'self'"
)
"""Streamlit's page has scripts and styles within, and makes code of plots and tables; nothing is
loaded from, or sent to, another place."""


class Door:
    """ASGI middleware around Streamlit.

    Parameters
    ----------
    app : ASGI application
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self._coming = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or let it through."""
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        host = headers.get("host")
        if len(headers.getlist("host")) != 1 or not is_host_allowed(host):
            await _refuse(
                scope,
                receive,
                send,
                "This server does not answer to the name by which it was opened. Its operator adds "
                "names with the option server.allowedHosts.",
            )
        elif scope["type"] == "websocket" or scope["method"] not in _READ:
            await self._let_act(headers, scope, receive, send)
        elif token := _token(scope):
            await _take_token(token, str(host), scope)(scope, receive, send)
        else:
            await self.app(scope, receive, _with_headers(send, str(host)))

    async def _let_act(self, headers: Headers, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a connection or an upload through that comes from a page of this very server."""
        if not _is_own(headers.get("origin"), headers["host"]):
            await _refuse(scope, receive, send, "This request comes from another site.")
            return
        length = headers.get("content-length", "")
        if scope["type"] == "http" and scope["method"] == "PUT" and not length.isdecimal():
            await _refuse(scope, receive, send, "An upload has to give its size first.")
            return
        size = int(length) if length.isdecimal() else 0
        if size and size > _MOST_WAITING - _waiting() - self._coming:
            await _refuse(scope, receive, send, "Too much is being uploaded; try again later.")
            return
        self._coming += size
        try:
            await self.app(scope, receive, _with_headers(send, headers["host"]))
        finally:
            self._coming -= size


def require_sound_start() -> None:
    """Leave with a sentence where the settings are not safe."""
    if fault := start_fault(os.environ, st.get_option("server.address")):
        click.echo(f"HNN Explorer does not start: {fault}", err=True)
        raise SystemExit(2)
    # Ours is the link to open; uvicorn would print another one, without the token, below it.
    logging.getLogger("uvicorn.error").setLevel(logging.WARNING)


@asynccontextmanager
async def opened(app: Any) -> AsyncIterator[None]:
    """Draw the token if none is given, print the link, open one unless the server is headless.

    The one that is opened serves once: all users of the machine see what a browser is started with.
    """
    del app
    given = "HNN_TOKEN" in os.environ
    token = os.environ.setdefault("HNN_TOKEN", secrets.token_urlsafe(32))
    address = st.get_option("server.address") or "localhost"
    place = get_url(get_display_address(address))
    shown = f"{place}/?token={'… (with your HNN_TOKEN for …)' if given else token}"
    click.echo(
        f"\n  HNN Explorer: {shown}\n\n  Who opens this link can start, stop and delete work; "
        f"without the token one can look.\n"
    )
    sys.stdout.flush()
    if not st.get_option("server.headless"):
        _once.add(secrets.token_urlsafe(32))
        link = f"{place}/?token={next(iter(_once))}"
        threading.Thread(target=webbrowser.open, args=(link,), daemon=True).start()
    yield


def _is_own(origin: str | None, host: str) -> bool:
    """Return whether a page of this server, or of an origin that the operator named, sent this."""
    if origin is None:
        return False
    named = [one.strip().rstrip("/") for one in st.get_option("server.corsAllowedOrigins")]
    try:
        parts = urlsplit(origin)
    except ValueError:  # brackets around what is no address
        return False
    own = parts.scheme in ("http", "https") and parts.netloc.lower() == host.lower()
    return own or origin in named


def _token(scope: Scope) -> str:
    """Return the token in the address of a page, or an empty text."""
    for part in scope["query_string"].decode("latin-1").split("&"):
        if _is_token(part):
            return part.partition("=")[2] or "-"
    return ""


def _is_token(part: str) -> bool:
    """Return whether a part of a query is the token, as browsers may write its name."""
    return unquote_plus(part.partition("=")[0]) == "token"


def _take_token(token: str, host: str, scope: Scope) -> Response:
    """Send the browser to the same address without the token, with a cookie if it is the right one.

    A path never begins with two slashes: that would be another server.
    """
    parts = scope["query_string"].decode("latin-1").split("&")
    kept = "&".join(part for part in parts if not _is_token(part))
    path = "/" + quote(scope["path"].lstrip("/\\"))
    response = RedirectResponse(f"{path}?{kept}" if kept else path, status_code=303)
    response.headers["Cache-Control"] = "no-store"
    response.headers["Referrer-Policy"] = "no-referrer"
    right = os.environ.get("HNN_TOKEN", "")
    if right and (_is(token, right) or _serves_once(token)):
        response.set_cookie(
            cookie_name(host),
            right,
            httponly=True,
            samesite="strict",
            secure=scope["scheme"] == "https",
        )
    return response


def _is(token: str, right: str) -> bool:
    return compare_digest(token.encode(), right.encode())


def _serves_once(token: str) -> bool:
    """Return whether it is the token of the link that was opened at the start; then use it up."""
    found = {one for one in _once if _is(token, one)}
    _once.difference_update(found)
    return bool(found)


def _waiting() -> int:
    """Return how many bytes of uploads Streamlit holds in memory."""
    kept: Any = get_instance().uploaded_file_mgr
    sessions = list(kept.file_storage.values())
    return sum(len(file.data) for files in sessions for file in list(files.values()))


def _with_headers(send: Send, host: str) -> Send:
    """Return a `send` that adds the headers to an answer."""
    policy = _POLICY.format(sockets=f"ws://{host} wss://{host}")

    async def add(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            headers["Content-Security-Policy"] = policy
            headers["X-Content-Type-Options"] = "nosniff"
            headers["X-Frame-Options"] = "SAMEORIGIN"
            headers["Referrer-Policy"] = "same-origin"
            headers["Cross-Origin-Resource-Policy"] = "same-origin"
            del headers["Access-Control-Allow-Origin"]  # Streamlit's is for other ports too
        await send(message)

    return add


async def _refuse(scope: Scope, receive: Receive, send: Send, words: str) -> None:
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": 1008, "reason": words[:120]})
    else:
        await PlainTextResponse(f"{words}\n", status_code=403)(scope, receive, send)
