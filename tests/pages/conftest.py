"""Page tests read what a person reads, not the Markdown behind it."""

import pytest
from streamlit.testing.v1 import element_tree

from tests.support.app import as_read


@pytest.fixture(autouse=True)
def _plain_texts_as_read(monkeypatch: pytest.MonkeyPatch) -> None:
    for kind in (element_tree.Markdown, element_tree.AlertBase, element_tree.Toast):
        made = kind.value.fget
        reading = property(lambda one, made=made: as_read(made(one)))
        monkeypatch.setattr(kind, "value", reading)
