"""A visitor without a browser: Streamlit's own protocol over a socket, and what stands between."""

import socket
import socketserver
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.sync.client import ClientConnection, connect

__all__ = ["Visit", "between", "visit"]

_PATIENCE_S = 300


class Visit:
    """A session of the app; `texts` and `buttons` are what the last run drew."""

    def __init__(self, connection: ClientConnection) -> None:
        self._connection = connection
        self._view = {"query_string": "", "page_script_hash": ""}
        self.texts: list[str] = []
        self.buttons: dict[str, Any] = {}

    def open(self, query: str, page: str = "") -> None:
        """Run a page as a link opens it."""
        message = BackMsg()
        message.rerun_script.query_string = query
        message.rerun_script.page_name = page
        self._run(message)

    def press(self, key: str) -> None:
        """Press a button, off or not, whose key ends so."""
        message = BackMsg()
        message.rerun_script.query_string = self._view["query_string"]
        message.rerun_script.page_script_hash = self._view["page_script_hash"]
        button, fragment = self.buttons[key]
        state = message.rerun_script.widget_states.widgets.add()
        state.id, state.trigger_value = button.id, True
        message.rerun_script.fragment_id = fragment
        self._run(message)

    def _run(self, message: BackMsg) -> None:
        """Send, and read until the script has run to its end, through reruns of its own."""
        self.texts = []
        self._connection.send(message.SerializeToString())
        while True:
            got = ForwardMsg()
            got.ParseFromString(self._connection.recv(timeout=_PATIENCE_S))
            kind = got.WhichOneof("type")
            if kind == "navigation":
                self._view["page_script_hash"] = got.navigation.page_script_hash
            elif kind == "page_info_changed":
                self._view["query_string"] = got.page_info_changed.query_string
            elif kind == "delta":
                self._draw(got.delta)
            elif kind == "script_finished" and got.script_finished in _ENDS:
                return

    def _draw(self, delta: Any) -> None:
        element = delta.new_element
        kind = element.WhichOneof("type")
        if kind == "button":
            self.buttons[element.button.id.rpartition("-")[2]] = (
                element.button,
                delta.fragment_id,
            )
        elif kind in ("markdown", "alert", "heading"):
            self.texts.append(getattr(element, kind).body)


_ENDS = (
    ForwardMsg.FINISHED_SUCCESSFULLY,
    ForwardMsg.FINISHED_WITH_COMPILE_ERROR,
    ForwardMsg.FINISHED_FRAGMENT_RUN_SUCCESSFULLY,
)


@contextmanager
def visit(
    port: int,
    *,
    host: str = "",
    origin: str | None = "same",
    cookies: Mapping[str, str] = {},
    protocols: tuple[str, ...] = ("streamlit",),
    **headers: str,
) -> Iterator[Visit]:
    """Connect to a port of this machine under any name and origin; by default as a page of it.

    Raises websockets' InvalidStatus where the connection is refused.
    """
    host = host or f"127.0.0.1:{port}"
    origin = f"http://{host}" if origin == "same" else origin
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    if cookies:
        given["Cookie"] = "; ".join(f"{name}={value}" for name, value in cookies.items())
    with (
        socket.create_connection(("127.0.0.1", port)) as stream,
        connect(
            f"ws://{host}/_stcore/stream",
            sock=stream,
            origin=origin,
            subprotocols=list(protocols),
            additional_headers=given,
            max_size=None,
            proxy=None,
        ) as connection,
    ):
        yield Visit(connection)


@contextmanager
def between(port: int, *, proxy: bool) -> Iterator[int]:
    """A forward to a port: plain TCP, or a proxy that writes its target as Host; its own port."""

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            with socket.create_connection(("127.0.0.1", port)) as target:
                head = b""
                while b"\r\n\r\n" not in head:
                    head += self.request.recv(65536)
                if proxy:
                    lines = head.split(b"\r\n")
                    named = f"Host: 127.0.0.1:{port}".encode()
                    lines = [named if line.lower().startswith(b"host:") else line for line in lines]
                    head = b"\r\n".join(lines)
                target.sendall(head)
                back = threading.Thread(target=_pour, args=(target, self.request), daemon=True)
                back.start()
                _pour(self.request, target)
                back.join()

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()


def _pour(source: socket.socket, target: socket.socket) -> None:
    """Hand on what comes until it ends."""
    try:
        while data := source.recv(65536):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)
    except OSError:
        pass  # one of the two has hung up
