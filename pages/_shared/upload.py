"""Files that a visitor drops on the page, kept for the session and for it alone."""

import streamlit as st

from hnn_core.exceptions import HnnError, UnknownSourceError
from hnn_core.live.reporting import counted
from hnn_core.regions.base import SkippedFile
from hnn_core.sources.uploads import MAX_BYTES, MAX_FILES, Upload
from hnn_core.storage import fault_words
from pages._shared.messages import nothing_kept, plain

__all__ = ["choose_upload", "require_own", "skipped_uploads"]

_MEGABYTE = 1_000_000


def choose_upload() -> str | None:
    """Draw the place to drop files; return the specification of their source, None without any."""
    state = st.session_state
    if "upload" not in state:
        state["upload"] = Upload()
    upload: Upload = state["upload"]
    key = f"upload_{state.setdefault('upload_number', 0)}"
    st.file_uploader(
        "FITS files or an archive",
        accept_multiple_files=True,
        key=key,
        max_upload_size=MAX_BYTES // _MEGABYTE,
        on_change=_take,
        args=(key,),
        disabled=bool(nothing_kept()),
        help=f"SHARP CEA magnetograms, or a .tar, .tar.gz or .zip of them: up to {MAX_FILES} files "
        f"and {MAX_BYTES // _MEGABYTE} MB. Only this session sees them; they are removed when it "
        "ends.",
    )
    if fault := state.get("upload_fault"):
        st.error(plain(fault), icon=":material/error:")
    if not upload.n_files:
        return None
    size = f"{upload.n_bytes / _MEGABYTE:.1f} MB"
    files = counted(upload.n_files, "file")
    st.caption(plain(f"{files}, {size}, kept until this session ends."))
    st.button(
        "Remove the files", key="upload_clear", icon=":material/delete:", on_click=upload.clear
    )
    return upload.spec


def skipped_uploads() -> tuple[SkippedFile, ...]:
    """Files that were not kept, and why."""
    upload: Upload | None = st.session_state.get("upload")
    return upload.skipped if upload else ()


def require_own(spec: str) -> None:
    """Refuse the uploaded files of another session."""
    upload: Upload | None = st.session_state.get("upload")
    kind, _, name = (part.strip() for part in spec.strip().partition(":"))  # as `open_source` reads
    if kind == "upload" and (upload is None or upload.spec != f"upload:{name}"):
        raise UnknownSourceError(
            "These files were uploaded in another session, which alone can see them; upload them "
            "here, or put them into a folder on the server."
        )


def _take(key: str) -> None:
    """Keep what was dropped and clear the field, whose copies stay in the server's memory."""
    state = st.session_state
    state["upload_fault"] = ""
    try:
        state["upload"].add((file.name, file.getbuffer()) for file in state[key])
    except (HnnError, OSError, MemoryError) as error:
        state["upload_fault"] = fault_words(error) or str(error)
    state["upload_number"] += 1
