"""Whether a session has the right to change things: settings and a cookie in, a reason out.

The right is a secret, the token, that only who started the server knows: its start-up prints a
link with it, `pages._shared.door` turns that into a cookie, and every act compares the cookie of
its own session (`pages._shared.access`). Who is signed in and named by the operator has the right
too. Imported before the first page: nothing here takes time to import.
"""

import os
import re
from collections.abc import Mapping
from hmac import compare_digest
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

__all__ = [
    "REFUSED",
    "cookie_name",
    "is_loopback",
    "named_folders",
    "reason_against",
    "start_fault",
]

_TOKEN = re.compile(r"[A-Za-z0-9_-]{32,}")
REFUSED = (
    "Only those who opened the link with the server's token, which the program prints at each "
    "start, can start, stop and delete work or open other folders."
)
_SIGNED_IN = "You are signed in, but the operator has not named you as one who may change anything."


def reason_against(
    environment: Mapping[str, str],
    address: str | None,
    cookie: str | None,
    user: Mapping[str, Any],
) -> str:
    """Return why a session may not change anything; empty if it may.

    Parameters
    ----------
    environment : mapping of str to str
        HNN_TOKEN, HNN_ALLOW_WRITES and HNN_OPERATORS of it count.
    address : str or None
        The address that the server listens to; None is every one.
    cookie : str or None
        What the session's own connection brought under `cookie_name`.
    user : mapping
        What the sign-in of the session says; empty without one.
    """
    if environment.get("HNN_ALLOW_WRITES") == "1" and is_loopback(address or ""):
        return ""
    token = environment.get("HNN_TOKEN", "")
    if token and compare_digest((cookie or "").encode(), token.encode()):
        return ""
    if user.get("is_logged_in") is not True:
        return REFUSED
    email = str(user.get("email", "")).casefold()
    named = environment.get("HNN_OPERATORS", "").replace(",", " ").casefold().split()
    return "" if email in named and user.get("email_verified", True) is True else _SIGNED_IN


def named_folders() -> list[Path]:
    """Return the folders of SHARP files in HNN_FITS_DIR, absolute."""
    given = os.environ.get("HNN_FITS_DIR", "").split(os.pathsep)
    paths = (Path(one.strip()).expanduser().absolute() for one in given if one.strip())
    return [Path(os.path.normpath(path)) for path in paths]


def start_fault(environment: Mapping[str, str], address: str | None) -> str:
    """Return why a server must not start so, in one sentence; empty if it may."""
    allow = environment.get("HNN_ALLOW_WRITES", "")
    if allow not in ("", "0", "1"):
        return f"HNN_ALLOW_WRITES is {allow!r}: set it to 1, or unset it."
    if allow == "1" and not is_loopback(address or ""):
        return (
            "HNN_ALLOW_WRITES=1 would let everyone delete your work, because this server listens "
            f"to other machines (server.address is {address or 'every address'}): unset it, and "
            "give the link with the token to those who may."
        )
    if "HNN_TOKEN" in environment and not _TOKEN.fullmatch(environment["HNN_TOKEN"]):
        return (
            "HNN_TOKEN is too short or has other characters than letters, digits, - and _: give "
            "it 32 or more of these, or unset it and the program draws one."
        )
    return ""


def cookie_name(host: str) -> str:
    """Return the name of the cookie; it has the port that the browser sees.

    Browsers share cookies between all ports of a name.
    """
    try:
        return f"hnn_token_{urlsplit(f'//{host}').port or ''}"
    except ValueError:
        return "hnn_token_"


def is_loopback(host: str) -> bool:
    """Return whether an address or a name is that of this machine itself."""
    if host.lower() == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
