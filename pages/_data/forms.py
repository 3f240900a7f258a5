"""Fields whose text is checked, with what is wrong right below them.

What the Data page says, and how foreign text is put on it.

Starting a job from a button, if that is allowed.
"""

import datetime
import re
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import streamlit as st

from hnn_core.exceptions import RequestError
from hnn_core.jobs.data_jobs import start_data_job
from hnn_core.regions.words import Wanted, read_day, read_region
from pages._shared.access import require_writes, writes_refused
from pages._shared.messages import plain, worded_errors

__all__ = [
    "KINDS",
    "STAGES",
    "checked",
    "checked_name",
    "checked_region",
    "checked_span",
    "field",
    "start",
    "start_button",
    "window_before",
]


KINDS = {
    "fetch": "magnetograms",
    "flares": "flares and CMEs",
    "cmes": "CMEs",
    "build": "data set",
    "verify": "check of all files",
    "watch": "watch",
}
STAGES = {
    "catalogue": "Catalogues",
    "positions": "Regions of flares by position",
    "magnetograms": "Magnetograms",
    "data set": "Data set",
    "predictions": "Predictions",
}
_WINDOW = datetime.timedelta(hours=48)
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


def checked_region(text: str) -> Wanted:
    """Return the region that a text means.

    Raises
    ------
    RequestError
        It means none.
    """
    if not text.strip():
        raise RequestError("Type a region: a NOAA number such as 11158, or HARP 377.")
    return read_region(text)


def checked_span(start: str, end: str) -> tuple[str, str]:
    """Return two days as they are written, either of them empty if it was.

    Raises
    ------
    RequestError
        One is no day of SDO's time, or the last is before the first.
    """
    first, last = (str(read_day(text)) if text.strip() else "" for text in (start, end))
    if first and last and last < first:
        raise RequestError(f"The span would end on {last}, before {first}.")
    return first, last


def window_before(peak: datetime.datetime) -> tuple[str, str]:
    """Return the days that hold the 48 hours before a flare's peak."""
    return str((peak - _WINDOW).date()), str(peak.date())


def checked_name(text: str) -> str:
    """Return the name of a data set of the program's own.

    Raises
    ------
    RequestError
        It is none.
    """
    if not _NAME.fullmatch(text.strip()):
        raise RequestError(
            f"{text!r} cannot name a data set; use letters, digits, dots, dashes and underscores."
        )
    return text.strip()


T = TypeVar("T")


def field(label: str, key: str, **more: Any) -> Any:
    """Draw a text field and return the place below it, for what is wrong with its text."""
    with st.container(gap="xsmall"):
        st.text_input(label, key=key, persist_state="session", **more)
        return st.empty()


def checked(place: Any, read: Callable[..., T], *texts: str) -> T | None:
    """Read texts; if they mean nothing, say so at the place and return None."""
    try:
        return read(*texts)
    except RequestError as error:
        place.markdown(f":small[:red[:material/error: {plain(str(error))}]]")
        return None


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
