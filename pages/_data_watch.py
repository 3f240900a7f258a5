"""The regions on the disk now: fetched once or watched, and what the network said of them."""

import streamlit as st

from hnn_core.live.predictions import prediction_log, read_predictions
from pages._data_start import start, start_button

__all__ = ["show_disk_now"]

_MOST_ROWS = 200


def show_disk_now() -> None:
    """Draw the two buttons and the newest predictions of the log."""
    st.markdown("### Now on the disk")
    st.caption(
        "The last hours of every region that JSOC's near-real-time series shows today. Its HARP "
        "numbers are not those of the definitive series. Watching fetches them every hour and "
        "appends a prediction for each to a log, until it is cancelled."
    )
    with st.container(horizontal=True):
        if start_button("Fetch every region now on the disk", "fetch_now", icon="today"):
            start("fetch", ["--now"], "Every region now on the disk")
        if start_button("Watch the disk", "watch_start", icon="visibility"):
            start("watch", [], "Watch of the disk")
    lines = read_predictions()
    if lines:
        st.dataframe(
            [_row(one) for one in reversed(lines[-_MOST_ROWS:])], hide_index=True, key="predictions"
        )
        st.caption(
            f"The newest of {len(lines):,} predictions in {prediction_log()}. Each tells what a "
            "coming flare would be, not whether one will come."
        )


def _row(line: dict[str, object]) -> dict[str, object]:
    noaa = line.get("noaa")
    return {
        "region": str(line.get("region")),
        "NOAA": ", ".join(map(str, noaa)) if isinstance(noaa, list) else "",
        "hour (TAI)": str(line.get("t_rec", "")).replace("T", " "),
        "probability eruptive": line.get("probability"),
        "says": line.get("label") or line.get("refused"),
        "simulated": "yes" if line.get("simulated") else "no",
        "model": line.get("model"),
        "made (UTC)": str(line.get("made_utc", ""))[:16].replace("T", " "),
    }
