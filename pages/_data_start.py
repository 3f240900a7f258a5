"""Starting a job from a button, if that is allowed."""

from collections.abc import Sequence

import streamlit as st

from hnn_core.live.jobs import start_data_job
from pages._access import require_writes, writes_refused
from pages._messages import worded_errors

__all__ = ["start", "start_button"]


def start(kind: str, arguments: Sequence[str], title: str) -> None:
    """Start a job and run the page anew, so that it is seen at work; or say why not."""
    with worded_errors():
        require_writes()
        start_data_job(kind, list(arguments), title)
        st.rerun()


def start_button(
    label: str, key: str, *, icon: str, primary: bool = False, words: str = ""
) -> bool:
    """Draw a button that is off, with the reason, where nothing may be started."""
    refused = writes_refused()
    return st.button(
        label,
        key=key,
        icon=f":material/{icon}:",
        type="primary" if primary else "secondary",
        disabled=bool(refused),
        help=refused or words or None,
    )
