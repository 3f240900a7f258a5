"""The HTTP side: connections that are kept and counted, throttled or spoilt answers."""

from __future__ import annotations

import socket
import sys
import time
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from tests.emulators.answers import Answer, Request, html_page
from tests.emulators.faults import Fault, spoil

if TYPE_CHECKING:
    from tests.emulators.server import Emulator

__all__ = ["Connections", "Server"]


class Connections:
    """How many connections there are and were."""

    def __init__(self) -> None:
        self.total = 0
        self.most = 0
        """Most that were open at the same time."""
        self.most_by_service: Counter[str] = Counter()
        """The same of each service, such as jsoc."""
        self._services: dict[int, str] = {}
        self._sockets: dict[int, socket.socket] = {}
        self._lock = Lock()

    @property
    def now(self) -> int:
        return len(self._services)

    def opened(self, key: int, connection: socket.socket) -> None:
        with self._lock:
            self.total += 1
            self._sockets[key] = connection
            self._services[key] = ""
            self.most = max(self.most, len(self._services))

    def used(self, key: int, service: str) -> None:
        with self._lock:
            self._services[key] = service
            # The thread of a connection that its client has closed may not have noticed yet.
            many = sum(
                name == service and (one == key or not _closed(self._sockets[one]))
                for one, name in self._services.items()
            )
            self.most_by_service[service] = max(self.most_by_service[service], many)

    def closed(self, key: int) -> None:
        with self._lock:
            self._services.pop(key, None)
            self._sockets.pop(key, None)


def _closed(connection: socket.socket) -> bool:
    """Whether the other side has closed a connection."""
    try:
        return connection.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT) == b""
    except BlockingIOError:
        return False
    except OSError:
        return True


class Server(ThreadingHTTPServer):
    daemon_threads = False
    request_queue_size = 64

    def __init__(self, emulator: Emulator, port: int) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.emulator = emulator
        self.sockets: set[socket.socket] = set()

    def close(self) -> None:
        """Cut what is still open, then wait for the threads."""
        for connection in list(self.sockets):
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue  # closed in the meantime
        self.server_close()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that goes away is no error of ours; anything else is told."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "Apache"
    sys_version = ""
    disable_nagle_algorithm = True
    wbufsize = 1 << 16
    server: Server

    def setup(self) -> None:
        super().setup()
        self.server.sockets.add(self.connection)
        self.server.emulator.connections.opened(id(self.connection), self.connection)

    def finish(self) -> None:
        self.server.emulator.connections.closed(id(self.connection))
        self.server.sockets.discard(self.connection)
        try:
            super().finish()
        finally:
            self.rfile.close()  # left open there where the client no longer takes what is due

    def do_GET(self) -> None:
        emulator, parts = self.server.emulator, urlsplit(self.path)
        agent = self.headers.get("User-Agent", "")
        request = Request(self.command, parts.path, parts.query, agent)
        emulator.connections.used(id(self.connection), request.service)
        emulator.requests.append(request)
        fault = emulator.faults.take(request.target)
        if fault is not None and fault.kind in ("hang", "drop"):
            if fault.kind == "hang":
                emulator.stopping.wait(fault.options.get("seconds", 60.0))
            self.close_connection = True
            return
        try:
            answer = emulator.answer(request)
        except Exception as error:
            self._send(Answer(html_page(repr(error)), "text/html", 500), None)
            raise
        self._send(spoil(answer, fault) if fault else answer, fault)

    def do_HEAD(self) -> None:
        self.do_GET()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Nothing is logged; `Emulator.requests` tells."""

    def _send(self, answer: Answer, fault: Fault | None) -> None:
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.kind)
        length = len(answer.body) if answer.claimed is None else answer.claimed
        self.send_header("Content-Length", str(length))
        for key, value in answer.headers.items():
            self.send_header(key, value)
        if answer.claimed is not None:
            self.close_connection = True
        self.end_headers()
        if self.command == "HEAD":
            return
        rate = self.server.emulator.bytes_per_s
        if fault is not None and fault.kind == "slow":
            rate = float(fault.options.get("bytes_per_s", 500.0))
        self._write(answer.body, rate)

    def _write(self, body: bytes, rate: float | None) -> None:
        if rate is None:
            self.wfile.write(body)
            return
        step = max(1, int(rate * 0.05))
        begun = time.monotonic()
        for start in range(0, len(body), step):
            self.wfile.write(body[start : start + step])
            self.wfile.flush()
            due = begun + (start + step) / rate
            if self.server.emulator.stopping.wait(max(0.0, due - time.monotonic())):
                self.close_connection = True
                return
