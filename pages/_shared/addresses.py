"""The addresses of the pages: which there are, old ones, and what the browser's Back means.

Streamlit answers every address with its own page, shows a dialog of its own for those it does not
know, Explore's name and old address included, and pushes an entry of the history for each parameter
that changes. Here every page is served with a script that keeps one entry a page.
"""

from functools import cache
from pathlib import Path

import streamlit as st
from jinja2 import Environment, FileSystemLoader
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from streamlit import file_util

__all__ = ["PAGES", "Addresses"]

PAGES = sorted({path.stem for path in Path(__file__).parents[1].glob("*.py")} - {"explore"})
"""Addresses of the pages next to Explore, which is at the root; as their files are called."""
_EXPLORE = ("explore", "region")
"""Its name, and the address that it once had."""
_FILES = ("_stcore/", "component/", "media/")
"""Below these Streamlit serves what may be HTML and is no page."""
_ASSETS = Path(__file__).parents[2] / "assets" / "page"


class Addresses:
    """ASGI middleware around Streamlit, inside the door.

    Parameters
    ----------
    app : ASGI application
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer for the pages; let everything else through."""
        if scope["type"] != "http" or scope["method"] not in ("GET", "HEAD"):
            await self.app(scope, receive, send)
            return
        base = st.get_option("server.baseUrlPath").strip("/")
        path = scope["path"].lstrip("/").removeprefix(base).lstrip("/")
        if path in _EXPLORE:
            query = scope["query_string"].decode("latin-1")
            await RedirectResponse(f"./?{query}" if query else "./")(scope, receive, send)
        elif path in ("", *PAGES):
            page = HTMLResponse(_page(), headers={"Cache-Control": "no-cache"})
            await page(scope, receive, send)
        else:
            await self._serve(path, scope, receive, send)

    async def _serve(self, path: str, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on what Streamlit has at this path, unless that is its page for all paths."""
        no_page = False

        async def watch(message: Message) -> None:
            nonlocal no_page
            if message["type"] == "http.response.start":
                kind = dict(message["headers"]).get(b"content-type", b"")
                no_page = kind.startswith(b"text/html") and not path.startswith(_FILES)
            if not no_page:
                await send(message)

        await self.app(scope, receive, watch)
        if no_page:
            await _unknown(path)(scope, receive, send)


@cache
def _page() -> str:
    """Streamlit's page, with our script before its own."""
    page = Path(file_util.get_static_dir(), "index.html").read_text(encoding="utf-8")
    script = (_ASSETS / "history.js").read_text(encoding="utf-8")
    return page.replace("<head>", f"<head>\n<script>{{\n{script}}}</script>", 1)


def _unknown(path: str) -> Response:
    """Say, in words of the app, that there is no such page; its links hold below any prefix."""
    template = Environment(loader=FileSystemLoader(_ASSETS), autoescape=True)
    words = template.get_template("unknown.html").render(
        page=f"“{path}”", home="../" * path.count("/") or "./", pages=PAGES
    )
    return HTMLResponse(words, status_code=404)
