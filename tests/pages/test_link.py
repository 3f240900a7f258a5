"""Widgets whose value lives in the address."""

import pytest
from streamlit.testing.v1 import AppTest

from hnn_core.exceptions import RequestError
from pages._shared.link import hour_of, one_of


def _page() -> None:
    import streamlit as st

    from pages._shared.link import bound, linked, show_notes

    linked(st.selectbox, "Map", {"a": "Map A", "b": "Map B"}, key="map", read="map")
    linked(st.text_input, "Folder", key="folder", default="")
    linked(st.selectbox, "Seed", ["", "1"], key="seed", read="seed")
    bound(st.toggle, "Lines", key="lines", value=True)
    bound(st.slider, "Threshold", 0.0, 1.0, key="threshold", value=0.5, step=0.01)
    show_notes()


def opened(**query: str) -> AppTest:
    app = AppTest.from_function(_page)
    for key, value in query.items():
        app.query_params[key] = value
    return app.run()


def test_ids_are_always_written_and_read_back():
    app = opened()
    assert app.query_params["map"] == "a"
    app.selectbox(key="map").set_value("b").run()
    assert app.query_params["map"] == "b"
    again = opened(map="b", folder="/data", lines="false", threshold="0.25")
    assert again.selectbox(key="map").value == "b"
    assert again.text_input(key="folder").value == "/data"
    assert again.toggle(key="lines").value is False
    assert again.slider(key="threshold").value == 0.25
    assert not again.warning


def _changing_labels() -> None:
    import streamlit as st

    from pages._shared.link import linked

    mark = st.session_state.setdefault("mark", "runs")
    if "sent" in st.session_state:
        st.session_state["run"] = st.session_state.pop("sent")
    linked(st.radio, "Run", {"a": f"a {mark}", "b": f"b {mark}"}, key="run")


def test_a_choice_counts_where_its_label_changes_at_that_moment():
    app = AppTest.from_function(_changing_labels).run()
    app.session_state["mark"] = "finished"
    app.run()
    # A browser still sends the label that it knew; Streamlit leaves what fits no option as it is.
    app.session_state["sent"] = "b runs"
    app.run()
    assert app.radio(key="run").value == "b"
    assert app.query_params["run"] == "b"


def test_what_a_link_cannot_have_is_noted_until_it_is_changed():
    app = opened(map="c", lines="maybe", threshold="high")
    [words] = [warning.value for warning in app.warning]
    assert "There is no map “c”, only a, b. Shown instead: a." in words
    assert "lines cannot be “maybe”. Shown instead: true." in words
    assert "threshold cannot be “high”. Shown instead: 0.5." in words
    app.selectbox(key="map").set_value("b").run()
    assert "There is no map" not in app.warning[0].value


def test_a_text_stays_as_it_was_typed_for_the_page_to_judge():
    app = opened(folder="/data")
    app.text_input(key="folder").set_value("no such folder").run()
    assert app.text_input(key="folder").value == "no such folder"
    assert app.query_params["folder"] == "no such folder"
    assert not app.warning


def test_a_note_does_not_name_an_empty_default():
    [words] = [warning.value for warning in opened(seed="x").warning]
    assert "There is no seed “x”" in words
    assert "Shown instead" not in words


@pytest.mark.parametrize(("key", "value"), [("lines", "TRUE"), ("threshold", "0.50")])
def test_a_default_in_a_link_is_not_noted(key, value):
    assert not opened(**{key: value}).warning


def test_readers_refuse_in_one_sentence():
    assert one_of(["a", "b"])("b") == "b"
    with pytest.raises(RequestError, match=r"There is no view “\{\}”, only a, b"):
        one_of(["a", "b"])("{}")
    with pytest.raises(RequestError, match="There is no run “x”"):
        one_of(["a"], "There is no run “{}”.")("x")
    hours = ["2011-02-13T00:00", "2011-02-13T01:00"]
    with pytest.raises(RequestError, match="run from 2011-02-13T00:00 to 2011-02-13T01:00 TAI"):
        hour_of(hours, str)("noon")
    assert hour_of(hours, lambda _: hours[1])("2011-02-13T01:24") == hours[1]


def _map() -> None:
    import streamlit as st

    from hnn_core.network.model import HNNConfig
    from pages._explore.controls import choose_map
    from pages._shared.link import show_notes

    st.session_state["choice"] = choose_map(HNNConfig(depth=4, heads=2, width=16))
    show_notes()


@pytest.mark.parametrize(
    ("method", "draw", "key", "value", "link"),
    [
        ("rollout", "slider", "layers_4", (2, 3), {"layers_4": ["2", "3"]}),
        ("rollout", "selectbox", "head", "2", {"head": "2"}),
        ("relevance", "selectbox", "head", "1", {"head": "1"}),
        ("relevance", "radio", "map_class", "confined", {"map_class": "confined"}),
        ("relevance", "toggle", "signed", False, {"signed": "false"}),
        ("occlusion", "select_slider", "block", 4, {"block": "4"}),
    ],
)
def test_every_setting_of_the_map_is_in_the_link(method, draw, key, value, link):
    def map_page(**query: object) -> AppTest:
        app = AppTest.from_function(_map, default_timeout=60)
        for name, text in query.items():
            app.query_params[name] = text
        return app.run()

    app = map_page(map=method)
    usual = app.session_state["choice"]
    getattr(app, draw)(key=key).set_value(value).run()
    assert not app.exception
    chosen = app.session_state["choice"]
    assert chosen != usual
    if key == "head":  # what is bound is written by the browser: tests/browser/test_explore.py
        assert app.query_params["head"] == value
    again = map_page(map=method, **link)
    assert again.session_state["choice"] == chosen
    assert not again.warning


def test_a_setting_that_the_model_does_not_have_is_noted():
    app = AppTest.from_function(_map, default_timeout=60)
    app.query_params["head"] = "9"
    app.query_params["layers_4"] = ["3", "9"]
    app.run()
    assert app.session_state["choice"].plain
    [words] = [one.value for one in app.warning]
    assert "There is no head “9”, only mean, 1, 2." in words
    assert "layers" in words
