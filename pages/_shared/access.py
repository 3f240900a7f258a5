"""Acts that only a session with the right may do, and folders that the others may open."""

import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import streamlit as st

from hnn_core.exceptions import HnnError, RequestError, UnknownSourceError
from hnn_core.storage import fault_words
from pages._shared.messages import nothing_kept, plain, worded_errors
from pages._shared.right import REFUSED, cookie_name, named_folders, reason_against

__all__ = [
    "MOST_REGIONS",
    "guarded_button",
    "perform",
    "perform_first",
    "require_few",
    "require_folder",
    "show_sign_in",
    "writes_refused",
]

MOST_REGIONS = 2000
"""Simulated regions that a page lists."""
_SIGN_IN = ("Sign in", "login", st.login)


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
        help=plain(refused) or words or None,
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


def show_sign_in() -> None:
    """Draw the button to sign in or out, where the operator has set that up."""
    signed_in = st.user.to_dict().get("is_logged_in")
    if signed_in is None:
        return
    label, icon, act = ("Sign out", "logout", st.logout) if signed_in else _SIGN_IN
    st.button(plain(label), key="sign_in", icon=f":material/{icon}:", type="tertiary", on_click=act)


def writes_refused() -> str:
    """Return why this session may not change anything; empty if it may."""
    return _reason()


def require_writes() -> None:
    """Check once more at the moment of acting: a button can be pressed without being shown."""
    if reason := _reason():
        raise RequestError(reason)


def require_few(spec: str) -> None:
    """Refuse more simulated regions than a page lists in a second or two."""
    number = re.fullmatch(r"sim:[^:]*:\s*0*(\d+)\s*", spec.strip())
    if number and (len(number[1]) > 9 or int(number[1]) > MOST_REGIONS):
        raise UnknownSourceError(
            f"The pages show at most {MOST_REGIONS:,} simulated regions, not {number[1][:12]}; the "
            "commands take more."
        )


def require_folder(spec: str) -> None:
    """Refuse a folder that the operator did not name, unless this session may change things.

    Nothing outside is looked at, so that the answer tells nothing about it.
    """
    kind, _, rest = spec.strip().partition(":")
    if kind != "fits" or not _reason():
        return
    text, named = rest.strip().replace("\0", ""), named_folders()
    # As it is written, before the disk is looked at, and then where links in it lead.
    folder = Path(os.path.normpath(Path(text).absolute()))
    if not text.startswith("~") and any(folder.is_relative_to(one) for one in named):
        real = Path(text).resolve()
        if any(real.is_relative_to(one.resolve()) for one in named):
            return
    here = (
        f"only {', '.join(map(str, named))} and what is below"
        if named
        else "the operator named none"
    )
    raise RequestError(
        f"This folder cannot be opened from here: {here}. {REFUSED} Your own files can be "
        "uploaded, as the source “Your own files”."
    )


def _reason() -> str:
    """Decide from what the session's own connection brought, anew at every act."""
    name = cookie_name(st.context.headers.get("Host") or "")
    cookie = st.context.cookies.get(name)
    address = st.get_option("server.address")
    return reason_against(os.environ, address, cookie, st.user.to_dict())
