"""Who may start, stop and delete: the operator, at the machine that the program runs on."""

import os
import re
from collections.abc import Mapping
from ipaddress import ip_address
from urllib.parse import urlsplit

import streamlit as st

from hnn_core.exceptions import NotAllowedError

__all__ = ["reason_against", "require_writes", "writes_refused"]

_FORWARDING = ("forwarded", "via", "x-real-ip")
_HOW = (
    "To allow training and deleting to everyone who can open this page, the operator starts the "
    "server with the environment variable HNN_ALLOW_WRITES=1."
)


def reason_against(allow: str | None, address: str | None, headers: Mapping[str, str]) -> str:
    """Say why a page may not change anything; empty if it may.

    Parameters
    ----------
    allow : str or None
        The environment variable HNN_ALLOW_WRITES.
    address : str or None
        The address that the server listens to; None is every one.
    headers : mapping of str to str
        Of the request that opened the page. A browser tells in Host by which name it found the
        server, so that another site's page, whose name leads here, is told from ours.
    """
    if allow == "1":
        return ""
    if not _is_loopback(address or ""):
        return f"This server listens to other machines. {_HOW}"
    names = {name.lower(): value for name, value in headers.items()}
    if any(name in _FORWARDING or name.startswith("x-forwarded") for name in names):
        return f"This page comes through a proxy, which may serve anyone. {_HOW}"
    # A proxy may hand on its own name for ours as Host; the browser's Origin still tells.
    origin = names.get("origin")
    opened = names.get("host", "") if origin is None else urlsplit(origin).netloc or origin
    for host in (opened, names.get("host", "")):
        if not _is_loopback(_without_port(host)):
            return (
                f"This page was opened as {host or 'a page without a name'}, not localhost. {_HOW}"
            )
    return ""


def writes_refused() -> str:
    """Say why this session may not change anything; empty if it may."""
    return reason_against(
        os.environ.get("HNN_ALLOW_WRITES"), st.get_option("server.address"), st.context.headers
    )


def require_writes() -> None:
    """Check once more at the moment of acting: a button can be pressed without being shown.

    Raises
    ------
    NotAllowedError
        If this session may not change anything.
    """
    if reason := writes_refused():
        raise NotAllowedError(reason)


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
