"""All emulated services behind one port of the loopback interface."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Thread

from tests.emulators.answers import Answer, Request, not_found
from tests.emulators.donki import Donki
from tests.emulators.export import Export
from tests.emulators.faults import Faults
from tests.emulators.goes import Goes
from tests.emulators.hek import Hek
from tests.emulators.http import Connections, Server
from tests.emulators.jsoc import Jsoc
from tests.emulators.nasa import Nasa
from tests.emulators.storage import Storage
from tests.emulators.world import World

__all__ = ["Emulator", "emulated"]

_CGI = "/cgi-bin/ajax/"


class Emulator:
    """The services of a world. Everything about them may be changed while they run."""

    def __init__(self, world: World, *, port: int = 0) -> None:
        self.world = world
        self.requests: list[Request] = []
        """All requests in order: method, path, query, and their service."""
        self.connections = Connections()
        self.faults = Faults()
        self.bytes_per_s: float | None = None
        """Throttle of every answer; None: none."""
        self.storage = Storage()
        self.jsoc = Jsoc(world, self.storage)
        self.export = Export(self.jsoc)
        self.donki, self.goes, self.hek = Donki(world), Goes(world), Hek(world)
        self.nasa = Nasa(self.donki)
        self.stopping = Event()
        self._server = Server(self, port)
        self._thread = Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    @property
    def url(self) -> str:
        """Base of all addresses, without a slash at its end."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    @property
    def addresses(self) -> dict[str, str]:
        """The variables that lead the program here."""
        return {
            "HNN_JSOC_URL": f"{self.url}/",
            "HNN_DONKI_URL": f"{self.url}/donki/",
            "HNN_NASA_URL": f"{self.url}/nasa/DONKI/",
            "HNN_GOES_URL": f"{self.url}/goes/",
            "HNN_HEK_URL": f"{self.url}/hek/her",
            "HNN_HARP_NOAA_URL": f"{self.url}/harp_noaa.txt",
        }

    @property
    def environment(self) -> dict[str, str]:
        """The addresses, and the patience of a test."""
        return self.addresses | {
            "HNN_RETRY_WAIT_S": "0.02",
            "HNN_TIMEOUT_S": "30",
            "HNN_PAUSE_S": "0.001",
        }

    def asked(self, service: str) -> list[Request]:
        """Requests to jsoc, donki, nasa, goes, hek or harp_noaa."""
        return [request for request in self.requests if request.service == service]

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Close every connection and wait until all threads have ended."""
        self.stopping.set()
        self._server.shutdown()
        self._server.close()
        self._thread.join()

    def answer(self, request: Request) -> Answer:
        """The sound answer to a request."""
        path = request.path
        if request.service == "donki":
            return self.donki.answer(request)
        if request.service == "nasa":
            return self.nasa.answer(request)
        if request.service == "goes":
            return self.goes.answer(request)
        if path == "/hek/her":
            return self.hek.answer(request)
        if path == "/harp_noaa.txt" or path.endswith("/all_harps_with_noaa_ars.txt"):
            return self._harp_noaa()
        if path == f"{_CGI}jsoc_info":
            return self.jsoc.info(request)
        if path == f"{_CGI}jsoc_fetch":
            return self.export.fetch(request)
        if path == f"{_CGI}checkAddress.sh":
            return self.export.check_address(request.args)
        if path in (f"{_CGI}show_series", f"{_CGI}showextseries"):
            return self.jsoc.show_series(request.args)
        if path.endswith("/S00000/magnetogram.fits"):
            return self.jsoc.file(path)
        if path.startswith("/SUM"):
            return self.export.file(path)
        return not_found(path)

    def _harp_noaa(self) -> Answer:
        rows = [f"{harp} {','.join(map(str, noaa))}" for harp, noaa in self.world.harp_noaa]
        return Answer("\n".join(["HARPNUM NOAA_ARS", *rows, ""]).encode(), "text/plain")


@contextmanager
def emulated(world: World, *, port: int = 0) -> Iterator[Emulator]:
    """Run the emulators of a world; `Emulator.environment` leads the program to them."""
    emulator = Emulator(world, port=port)
    emulator.start()
    try:
        yield emulator
    finally:
        emulator.stop()
