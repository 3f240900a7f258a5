"""The view in the address bar, so that a link reproduces it.

Streamlit's ``bind="query-params"`` leaves a value out while it is the default, writes labels
instead of ids, and loses values when a person comes back to a page; the default region and hour
change as data arrive and labels as catalogues do. So all is kept here: ids and texts (`linked`),
switches, numbers, ranges and several ids at once (`bound`). They are always written, except what
is empty and would be without the link.

Until app.py has named its pages, Streamlit takes the files of pages/ for them, and ``/training``,
requested first of a fresh server, runs that file by itself. It then starts over with app.py, which
comes back to it (`require_app`, `routed`).
"""

from collections.abc import Callable, Collection, Sequence
from functools import partial
from typing import Any

import streamlit as st
from streamlit.navigation.page import StreamlitPage

from hnn_core.exceptions import HnnError, RequestError
from pages._shared.messages import plain

__all__ = [
    "bound",
    "hour_of",
    "linked",
    "one_of",
    "publish",
    "refused",
    "reopen",
    "reopened",
    "require_app",
    "restore",
    "routed",
    "show_notes",
]


def linked(
    draw: Callable[..., Any],
    label: str,
    options: Collection[str] | None = None,
    *,
    key: str,
    default: str | Callable[[], str] | None = None,
    read: Callable[[str], str] | str = "view",
    **more: Any,
) -> str:
    """Draw a widget whose value, an id, lives in the address; `more` goes to the widget.

    Parameters
    ----------
    options : collection of str, optional
        Ids; a dict gives their labels. None for ``st.text_input``, whose text stays as it was typed
        or linked: the caller shows what is wrong with it.
    key, default, read
        As of `restore`; by default the first option. A text for `read` is that of `one_of`.
    """
    default = next(iter(options or ())) if default is None else default
    if options is None:
        read = str
    if isinstance(options, dict):
        _by_id(key, options)
    restore(key, default, one_of(options or (), read) if isinstance(read, str) else read)
    if isinstance(options, dict):
        more.setdefault("format_func", options.__getitem__)
    choices = () if options is None else (list(options),)
    draw(label, *choices, key=key, persist_state="session", **more)
    _publish(key, left_out=default == "")
    return str(st.session_state[key])


def bound(
    draw: Callable[..., Any], label: str, *limits: Any, key: str, value: Any, **more: Any
) -> Any:
    """Draw a widget whose value, of any kind, lives in the address; `more` goes to the widget.

    Parameters
    ----------
    limits
        What the widget takes after its label: its options, of which a dict gives the labels, or
        the lowest and the highest number; nothing for a switch.
    value : bool, int, float, str, tuple or list
        The default. A tuple is a range, a list several options; the address has a ``key=`` for
        each of their parts.
    """
    choices: tuple[Any, ...] = limits
    if limits and isinstance(limits[0], dict):
        more.setdefault("format_func", limits[0].__getitem__)
        choices = (list(limits[0]),)
    _restore(key, value, partial(_read, key, value, choices))
    if draw == st.select_slider:
        more["value"] = value  # which tells it that it is a range
    draw(label, *choices, key=key, persist_state="session", **more)
    _publish(key, left_out=value == [])
    return st.session_state[key]


def restore(key: str, default: str | Callable[[], str], read: Callable[[str], str]) -> None:
    """Give the widget `key` its value, before it is drawn: the link's, its own, the default.

    A default that takes time is a function, which is called only where it is needed.
    `read` turns a text into an option or raises an error of ours. Its sentence on the link's
    text is noted; a value of the widget's own that has ceased to be an option is replaced in
    silence.
    """
    _restore(key, default, lambda texts: read(texts[-1]))


def publish(key: str) -> None:
    """Write the value of a widget to the address bar."""
    _publish(key)


def one_of(options: Collection[str], missing: str = "view") -> Callable[[str], str]:
    """Make a reader for `restore`: a text that is none of the options raises RequestError.

    `missing` is a noun, or the error's sentence with ``{}`` for the text.
    """
    if "{}" not in missing:
        missing = f"There is no {missing} “{{}}”, only {', '.join(options)}."

    def read(text: str) -> str:
        if text not in options:
            raise RequestError(missing.replace("{}", text))
        return text

    return read


def hour_of(hours: Sequence[str], shown: Callable[[str], str]) -> Callable[[str], str]:
    """Make a reader of hours for `restore`; `shown` gives the hour that a time is known by."""
    first, last = hours[0], hours[-1]
    missing = f"There is no magnetogram at “{{}}”; the hours run from {first} to {last} TAI."
    read = one_of(hours, missing)
    return lambda text: text if text in hours else read(shown(text))


def refused(key: str, text: str) -> None:
    """Note, and take out of the address, a value that no widget of Streamlit's has charge of.

    The note stays until the caller drops the text from the session's state, where it is kept
    under the key.
    """
    st.session_state[key] = text
    _note(key, f"{key} cannot be “{text}”; it was left out.")
    st.query_params.pop(key, None)


def reopen(**view: str) -> None:
    """Run the page anew with these values, which `reopened` gives to their widgets."""
    st.session_state["opening"] = view
    st.rerun()


def reopened() -> None:
    """Take up what `reopen` requested, before the widgets are drawn."""
    st.session_state.update(st.session_state.pop("opening", {}))


def show_notes() -> None:
    """Show what is noted of values that the person has not changed since."""
    notes = st.session_state.get("link_notes", {})
    kept = {key: one for key, one in notes.items() if st.session_state.get(key) == one[0]}
    st.session_state["link_notes"] = kept
    if kept:
        lines = "".join(f"\n- {plain(text)}" for _, text in kept.values())
        st.warning(f"Not everything in the link is here.{lines}", icon=":material/link_off:")


def routed(page: StreamlitPage, pages: list[StreamlitPage]) -> None:
    """Note, in app.py, that a page is about to be run; go to another one if that was requested."""
    wanted = st.session_state.pop("wanted_page", None)
    for one in pages:
        if one.url_path == wanted and one is not page:
            st.switch_page(one, query_params=st.query_params.to_dict())
    st.session_state["routed"] = True


def require_app(name: str) -> None:
    """Start over with app.py if it has not run in this session; `name` is the page's address."""
    if not st.session_state.get("routed", False):
        st.session_state["wanted_page"] = name
        st.switch_page("app.py", query_params=st.query_params.to_dict())


def _restore(key: str, default: Any, read: Callable[[list[str]], Any]) -> None:
    state = st.session_state
    requested = st.query_params.get_all(key)
    from_link = bool(requested) and requested != state.get(f"{key}_in_link")
    own = state.get(key)
    wanted = requested if from_link else None if own is None else _texts(own)
    if from_link:
        state[f"{key}_in_link"] = requested
    try:
        state[key] = _value(default) if wanted is None else read(wanted)
    except HnnError as error:
        state[key] = usual = _value(default)
        if from_link:
            words = ", ".join(_texts(usual))
            _note(key, f"{error} Shown instead: {words}." if words else str(error))


def _publish(key: str, *, left_out: bool = False) -> None:
    """Write a value to the address; if it is empty, it may be `left_out`."""
    texts = _texts(st.session_state[key])
    if left_out and texts == [""]:
        texts = []
        st.query_params.pop(key, None)
    elif st.query_params.get_all(key) != texts:
        st.query_params[key] = texts
    st.session_state[f"{key}_in_link"] = texts


def _texts(value: Any) -> list[str]:
    """Write a value for the address; an empty list is one empty text."""
    if isinstance(value, list | tuple):
        return [text for one in value for text in _texts(one)] or [""]
    if isinstance(value, bool):
        return [str(value).lower()]
    return [f"{value:.10g}" if isinstance(value, float) else str(value)]


def _read(key: str, usual: Any, limits: tuple[Any, ...], texts: list[str]) -> Any:
    """Read texts of the address as a value of the kind of `usual`, or raise RequestError."""
    try:
        if isinstance(usual, list) and texts == [""]:
            return []
        found = [_read_one(text, limits) for text in texts]
        if isinstance(usual, list):
            return list(dict.fromkeys(found))
        if isinstance(usual, tuple):
            first, last = found
            place = limits[0].index if len(limits) == 1 else float
            if place(first) > place(last):
                raise ValueError
            return first, last
        [one] = found
        return one
    except (KeyError, ValueError) as error:
        raise RequestError(f"{key} cannot be “{', '.join(texts)}”.") from error


def _read_one(text: str, limits: tuple[Any, ...]) -> Any:
    if not limits:
        return {"true": True, "false": False}[text.lower()]
    if len(limits) == 1:
        return {str(one): one for one in limits[0]}[text]
    low, high = limits
    number = type(low)(text)
    if not low <= number <= high:
        raise ValueError
    return number


def _value(default: Any) -> Any:
    return default() if callable(default) else default


def _by_id(key: str, labels: dict[str, str]) -> None:
    """Find the id of a choice that came under a label from before: browsers send labels.

    Where it has changed meanwhile, Streamlit has the text itself for the widget's value.
    """
    state = st.session_state
    known = state.setdefault(f"{key}_labels", {})
    known.update({label: one for one, label in labels.items()})
    if key in state and state[key] not in labels:
        state[key] = known.get(state[key], state[key])


def _note(key: str, text: str) -> None:
    """Keep a sentence on a value of the link that could not be had, while its place is kept."""
    notes = st.session_state.setdefault("link_notes", {})
    notes[key] = (st.session_state.get(key), text)
