"""The app without a browser, for the tests of pages."""

import re

from streamlit.testing.v1 import AppTest

from tests.conftest import ROOT

__all__ = ["as_read", "run_app"]

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
