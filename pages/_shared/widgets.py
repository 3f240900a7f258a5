"""What several pages draw: a file to download, a table to choose a row of, what was skipped."""

import mimetypes
from collections.abc import Callable, Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any, TypeVar

import pandas as pd
import streamlit as st

from analysis.export import defused
from hnn_core.live.reporting import counted
from hnn_core.magnetogram.conventions import number
from hnn_core.regions.base import SkippedFile, n_skipped, skipped_kinds
from pages._shared.messages import plain

__all__ = ["WHOLE", "choose", "choose_row", "download", "list_skipped", "show_facts", "show_table"]

T = TypeVar("T")
_MOST_SKIPPED = 100
WHOLE = st.column_config.NumberColumn(format="%d")
_MINUTES = st.column_config.DatetimeColumn(format="YYYY-MM-DD HH:mm")
_COLUMNS: dict[str, Any] = {
    "HARP": WHOLE,
    **dict.fromkeys(("from (TAI)", "to (TAI)", "hour (TAI)"), _MINUTES),
    **dict.fromkeys(("peak (UTC)", "fetched (UTC)"), _MINUTES),
    "MB": st.column_config.NumberColumn(format="%.1f"),
    "longitude (deg)": st.column_config.NumberColumn(format="%.1f"),
    "P(eruptive)": st.column_config.NumberColumn(format="%.3f"),
    "its validation TSS": st.column_config.NumberColumn(format="%.3f"),
    "TSS after the last epoch": st.column_config.NumberColumn(format="%.3f"),
    "CMEs linked": st.column_config.TextColumn(width="medium"),
    "meaning": st.column_config.TextColumn(width="large"),
}
"""How columns are drawn, by their names."""
mimetypes.add_type("application/fits", ".fits")


def download(
    label: str,
    make: Callable[[], bytes | str] | bytes,
    file: str,
    key: str,
    *,
    icon: str = "download",
    **more: Any,
) -> None:
    """Draw the button of a file, made when it is pressed; its ending gives the type."""
    st.download_button(
        label,
        make,
        file,
        mimetypes.guess_type(file)[0],
        key=key,
        icon=f":material/{icon}:",
        on_click="ignore",
        **more,
    )


def show_table(rows: Any, key: str, *, columns: dict[str, Any] | None = None, **more: Any) -> Any:
    """Draw a table; `columns` says how, where a column's name does not; `more` is streamlit's."""
    config = _COLUMNS | (columns or {})
    table = defused(pd.DataFrame(rows))  # its reader may save it as CSV
    return st.dataframe(table, hide_index=True, key=key, column_config=config, **more)


def show_facts(rows: Any, key: str) -> None:
    """Draw a table of few rows that is never wider than its place: words wrap.

    For tables to read; those to sort, choose from or save are `show_table`'s. Numbers have three
    digits, what is not known is a dash.
    """
    table = pd.DataFrame(rows)
    names = [str(name).replace("_", " ") for name in table.columns]
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in names)
    body = "".join(
        "<tr>" + "".join(f"<td>{escape(_cell(value))}</td>" for value in row) + "</tr>"
        for row in table.itertuples(index=False)
    )
    with st.container(key=key):
        st.html(f'<table class="facts"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>')


def _cell(value: Any) -> str:
    if isinstance(value, float):
        return "–" if pd.isna(value) else number(value, ".3g")
    return str(value)


def choose(draw: Callable[..., Any], label: str, names: Mapping[Any, str], **more: Any) -> Any:
    """Draw a choice between the keys of `names`, which are shown by their values."""
    return draw(label, list(names), format_func=names.__getitem__, **more)


def choose_row(found: Sequence[T], row: Callable[[T], dict[str, Any]], key: str, **more: Any) -> T:
    """Draw a table, one `row` for each thing found, and return the chosen one or the first."""
    chosen = show_table(
        [row(one) for one in found],
        key,
        on_select="rerun",
        selection_mode="single-row-required",
        **{"height": "content", **more},
    )
    rows = [row for row in chosen.selection.rows if row < len(found)]
    return found[rows[0] if rows else 0]


def list_skipped(what: str, skipped: Sequence[SkippedFile], how: str = "skipped") -> None:
    """Draw what could not be used, each with its reason; nothing where all could.

    `how` says what became of it: ``3 files skipped``, ``1 run broken``.
    """
    for kind, found in skipped_kinds(skipped).items():
        name = counted(n_skipped(found), what if kind == "file" else kind)
        with (
            st.expander(plain(f"{name} {how}"), icon=":material/block:"),
            st.container(height=240 if len(found) > 3 else "content", border=False, gap="xsmall"),
        ):
            for one in found[:_MOST_SKIPPED]:
                named = Path(one.path).name in one.reason
                st.caption(plain(one.reason if named else f"{one.path}: {one.reason}"))
            if len(found) > _MOST_SKIPPED:
                st.caption(f"… and {n_skipped(found[_MOST_SKIPPED:]):d} more.")
