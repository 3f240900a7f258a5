"""The app without a browser, for the tests of pages."""

import re
from dataclasses import dataclass
from typing import Any

from streamlit.testing.v1 import AppTest

from analysis.figures.packed_frame import PackedFrame, split_payload, unpack_frame
from tests.conftest import ROOT

__all__ = ["Sent", "as_read", "run_app", "sent_to_viewer", "step"]

_PATIENCE_S = 600
"""A run of the app takes a second or two; on a busy machine it may take much longer."""


def as_read(text: str) -> str:
    """What a person reads of a text made plain; other marks of Markdown stay."""
    return re.sub(r"\\([^A-Za-z0-9\s])", r"\1", text.replace(":small[]", ""))


def run_app(page: str = "", **query: str) -> AppTest:
    """The app as a link opens it: a file of pages/ (or Explore) and what stands in the address."""
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=_PATIENCE_S)
    for key, value in query.items():
        app.query_params[key] = value
    if page:
        app.switch_page(f"pages/{page}.py")  # files are named as the addresses of their pages
    return app.run()


@dataclass(frozen=True)
class Sent:
    """What the viewer of Explore was sent in the last run."""

    header: dict[str, Any]
    """Of the hours."""
    frames: dict[str, PackedFrame]
    """Hours that the viewer did not have."""
    maps: dict[str, Any]
    """Header of the maps; empty where the page did not come that far."""
    second: dict[str, Any]
    """Header of what is for the second picture; empty likewise."""

    @property
    def frame(self) -> PackedFrame:
        """The hour that is shown."""
        return self.frames[self.header["hour"]]

    @property
    def map(self) -> str:
        """Name of the map at the hour shown; empty where there is none."""
        here = self.maps["hours"][self.header["hour"]]
        return self.maps["name"] if here["values"] else ""


def sent_to_viewer(app: AppTest) -> Sent:
    """Unpack what went to the viewer."""
    found = {}
    for element in app.get("bidi_component"):
        if element.proto.bytes:
            header, blobs = split_payload(element.proto.bytes)
            found[header["kind"]] = header, blobs
    header, blobs = found["hours"]
    frames = {hour: unpack_frame(blobs[one["blob"]]) for hour, one in header["frames"].items()}
    maps, second = (found.get(kind, ({}, []))[0] for kind in ("maps", "second"))
    return Sent(header, frames, maps, second)


def step(app: AppTest, count: int) -> AppTest:
    """Go some hours on from the one that is shown, as the transport does."""
    hours = sent_to_viewer(app).header["hours"]
    app.session_state["hour"] = hours[hours.index(app.session_state["hour"]) + count]
    return app.run()
