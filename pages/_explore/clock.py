"""The time control: a slider over the hours, steps, and play."""

from collections.abc import Sequence

import streamlit as st

__all__ = ["PLAY_INTERVAL", "time_control"]


PLAY_INTERVAL = 0.5
"""Seconds between hours while playing, when the page keeps up."""


def time_control(hours: Sequence[str]) -> str:
    """Draw the control and return the chosen hour; `hours` are ascending ISO minutes (TAI)."""
    state = st.session_state
    here = hours.index(state["hour"])
    last = len(hours) - 1
    if here == last:
        state["playing"] = False
    playing = state.setdefault("playing", False)

    def go_to(index: int) -> None:
        state["hour"] = hours[min(max(index, 0), last)]

    def toggle_play() -> None:
        state["playing"] = not state["playing"]
        if state["playing"] and here == last:
            go_to(0)

    def button(name: str, icon: str, text: str, index: int, shortcut: str | None = None) -> None:
        st.button(
            "",
            key=f"hour_{name}",
            icon=f":material/{icon}:",
            help=text if shortcut is None else f"{text} (key {shortcut})",
            disabled=index == here,
            on_click=go_to,
            args=(index,),
            shortcut=shortcut,
        )

    with st.container(horizontal=True, vertical_alignment="bottom", gap="xsmall"):
        button("first", "skip_previous", "First hour", 0)
        button("back", "chevron_left", "One hour back", max(here - 1, 0), "J")
        st.button(
            "",
            key="hour_play",
            icon=":material/pause:" if playing else ":material/play_arrow:",
            help="Pause (key K)" if playing else "Play (key K)",
            type="primary",
            on_click=toggle_play,
            shortcut="K",
        )
        button("ahead", "chevron_right", "One hour ahead", min(here + 1, last), "L")
        button("last", "skip_next", "Last hour", last)
        st.select_slider(
            "Hour (TAI)",
            hours,
            key="hour",
            persist_state="session",
            format_func=lambda hour: hour.replace("T", " "),
            label_visibility="collapsed",
        )
    if playing:
        state["page_run"] = state.get("page_run", 0) + 1
        _tick(hours, state["page_run"])
    return state["hour"]


@st.fragment(run_every=PLAY_INTERVAL)
def _tick(hours: Sequence[str], run: int) -> None:
    """Go to the next hour each time the timer fires; the page's own run only starts it."""
    state = st.session_state
    if state.get("clock_started_in") != run:
        state["clock_started_in"] = run
        return
    following = hours.index(state["hour"]) + 1
    if following < len(hours):
        state["hour"] = hours[following]
    st.rerun()
