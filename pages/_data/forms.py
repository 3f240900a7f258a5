"""Fields whose text is checked, with what is wrong right below them, and starting a job."""

import datetime
import re
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import streamlit as st

from hnn_core.exceptions import RequestError
from hnn_core.jobs.data_jobs import start_data_job
from hnn_core.regions.words import Wanted, read_day, read_region
from pages._shared.access import guarded_button, perform
from pages._shared.link import linked
from pages._shared.messages import plain

__all__ = [
    "checked",
    "checked_name",
    "checked_region",
    "checked_span",
    "field",
    "job_button",
    "read_span",
    "start",
    "submit",
    "window_before",
]

_WINDOW = datetime.timedelta(hours=48)
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
T = TypeVar("T")


def field(label: str, key: str, *, in_link: bool = False, **more: Any) -> Any:
    """Draw a text field and return the place below it, for what is wrong with its text."""
    with st.container(gap="xsmall"):
        if in_link:
            linked(st.text_input, label, key=key, default="", **more)
        else:
            st.text_input(label, key=key, persist_state="session", **more)
        return st.empty()


def submit(form: str, label: str, key: str, icon: str, words: str = "") -> bool:
    """Draw the button of a form, off where nothing may be started."""
    with st.container(key=f"{form}_press", width="content"):
        return guarded_button(label, key, icon, words, draw=st.form_submit_button, type="primary")


def checked(place: Any, read: Callable[..., T], *texts: str, **more: Any) -> T | None:
    """Read texts; if they mean nothing, show that at the place and return None."""
    try:
        return read(*texts, **more)
    except RequestError as error:
        place.markdown(f":small[:red[:material/error: {plain(error)}]]")
        return None


def job_button(
    label: str, key: str, icon: str, job: tuple[str, list[str], str], words: str = "", **more: Any
) -> None:
    """Draw the button that starts a job of this kind, with these arguments and this title."""
    if guarded_button(label, key, icon, words, **more):
        start(*job)


def start(kind: str, arguments: Sequence[str], title: str) -> None:
    """Start a job and run the page anew, so that it is seen at work; or show why not."""
    perform(start_data_job, kind, list(arguments), title)


def checked_region(text: str) -> Wanted:
    """Return the region that a text means, or raise RequestError."""
    if not text.strip():
        raise RequestError("Type a region: a NOAA number such as 11158, or HARP 377.")
    return read_region(text)


def checked_span(place: Any, prefix: str, example: str = "") -> tuple[str, str] | None:
    """Return the days in the fields ``<prefix>_start`` and ``_end``, empty where a field is.

    Shows at the place, and returns None, where one is no day of SDO's time, or the last is before
    the first; or one is missing and an example, such as ``2011-02-01 and 2011-02-28``, is given.
    """
    texts = (st.session_state[f"{prefix}_{name}"] or "" for name in ("start", "end"))
    return checked(place, read_span, *texts, example=example)


def checked_name(text: str) -> str:
    """Return the name of a data set of the program's own, or raise RequestError."""
    if not _NAME.fullmatch(text.strip()):
        raise RequestError(
            f"{text!r} cannot name a data set; use letters, digits, dots, dashes and underscores."
        )
    return text.strip()


def read_span(start: str, end: str, *, example: str = "") -> tuple[str, str]:
    """Return two days as they are written, either of them empty if it was; see `checked_span`."""
    first, last = (str(read_day(text)) if text.strip() else "" for text in (start, end))
    if first and last and last < first:
        raise RequestError(f"The span would end on {last}, before {first}.")
    if example and not (first and last):
        raise RequestError(f"Give a first and a last day, such as {example}.")
    return first, last


def window_before(peak: datetime.datetime) -> tuple[str, str]:
    """Return the days that hold the 48 hours before a flare's peak."""
    return str((peak - _WINDOW).date()), str(peak.date())
