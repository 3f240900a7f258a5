"""Who may start, stop and delete: the operator, at the machine that the program runs on."""

import os
import re
from collections.abc import Callable, Mapping
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

import streamlit as st

from hnn_core.exceptions import HnnError, RequestError
from hnn_core.storage import fault_words
from pages._shared.messages import nothing_kept, worded_errors

__all__ = [
    "guarded_button",
    "perform",
    "perform_first",
    "reason_against",
    "writes_refused",
]

_FORWARDING = ("forwarded", "via", "x-real-ip")
_HOW = (
    "To allow training and deleting to everyone who can open this page, the operator starts the "
    "server with the environment variable HNN_ALLOW_WRITES=1."
)


def guarded_button(
    label: str,
    key: str,
    icon: str,
    words: str = "",
    *,
    draw: Callable[..., bool] = st.button,
    disabled: bool = False,
    **more: Any,
) -> bool:
    """Draw a button that is off, with the reason, where nothing may be changed.

    It may be pressed all the same: let `perform` or `perform_first` check at the act.

    Parameters
    ----------
    icon : str
        Name of a Material symbol.
    words : str
        Help while it is on.
    draw : callable
        ``st.button`` or ``st.form_submit_button``; `more` goes there.
    """
    refused = writes_refused() or nothing_kept()
    return draw(
        label,
        key=key,
        icon=f":material/{icon}:",
        disabled=disabled or bool(refused),
        help=refused or words or None,
        **more,
    )


def perform(act: Callable[..., object], *args: Any, rerun: bool = True) -> None:
    """Act if this session may, and run the page anew; show in words why not, or what failed."""
    with worded_errors():
        require_writes()
        act(*args)
        if rerun:
            st.rerun()


def perform_first(place: str, act: Callable[..., object], *args: Any) -> None:
    """Act as a button's callback, before the page is drawn: a press while it changes is not lost.

    What `act` returns, or why it failed, is kept for the page in the session's state at `place`,
    as (fault, result).
    """
    try:
        require_writes()
        st.session_state[place] = ("", act(*args))
    except (HnnError, OSError) as error:
        st.session_state[place] = (fault_words(error) or str(error), "")


def reason_against(allow: str | None, address: str | None, headers: Mapping[str, str]) -> str:
    """Return why a page may not change anything; empty if it may.

    Parameters
    ----------
    allow : str or None
        The environment variable HNN_ALLOW_WRITES.
    address : str or None
        The address that the server listens to; None is every one.
    headers : mapping of str to str
        Of the request that opened the page. A browser names in Host the server it found, which
        distinguishes another site's page, whose name leads here, from ours.
    """
    if allow == "1":
        return ""
    if not _is_loopback(address or ""):
        return f"This server listens to other machines. {_HOW}"
    names = {name.lower(): value for name, value in headers.items()}
    if any(name in _FORWARDING or name.startswith("x-forwarded") for name in names):
        return f"This page comes through a proxy, which may serve anyone. {_HOW}"
    # A proxy may hand on its own name for ours as Host; the browser's Origin still shows it.
    origin = names.get("origin")
    opened = names.get("host", "") if origin is None else urlsplit(origin).netloc or origin
    for host in (opened, names.get("host", "")):
        if not _is_loopback(_without_port(host)):
            return (
                f"This page was opened as {host or 'a page without a name'}, not localhost. {_HOW}"
            )
    return ""


def writes_refused() -> str:
    """Return why this session may not change anything; empty if it may."""
    return reason_against(*_session())


def require_writes() -> None:
    """Check once more at the moment of acting: a button can be pressed without being shown."""
    if reason := reason_against(*_session()):
        raise RequestError(reason)


def _session() -> tuple[str | None, str | None, Mapping[str, str]]:
    allow = os.environ.get("HNN_ALLOW_WRITES")
    return allow, st.get_option("server.address"), st.context.headers


def _is_loopback(host: str) -> bool:
    if host.lower() == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _without_port(host: str) -> str:
    """``[::1]:8501`` is ``::1``, ``localhost:8501`` is ``localhost``."""
    name = re.sub(r":\d*$", "", host)
    return name[1:-1] if name.startswith("[") and name.endswith("]") else name
