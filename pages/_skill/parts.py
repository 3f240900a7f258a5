"""Where a network does well and where it fails: longitudes, flare classes, the worst misses.

Everything behind the page as files; each is made when its button is pressed.
"""

from urllib.parse import urlencode, urlsplit

import pandas as pd
import streamlit as st

from analysis.export import history_csv, scores_csv, scores_json
from analysis.skill.bins import skill_by_class, skill_by_longitude
from analysis.skill.figures_tables import bins_figure
from analysis.skill.forecasts import FORECASTS, worst_misses
from hnn_core.network.model_store import SHIPPED
from hnn_core.training.run_folder import RunFolder
from pages._shared import caches
from pages._skill.run import Chosen, show_figure

__all__ = ["explore_query", "show_downloads", "show_misses", "show_parts"]


PARTS = {
    "longitude": (skill_by_longitude, "longitude of the region, west positive", "beyond ±45°"),
    "class": (skill_by_class, "class of the coming flare", "without such a class"),
}
_LABELS = {1: "eruptive", 0: "confined"}


def show_parts(chosen: Chosen, forecast: str, scores: pd.DataFrame) -> None:
    """Draw the TSS by longitude and by flare class."""
    table = chosen.forecasts[forecast]
    whole = scores[(scores["forecast"] == forecast) & (scores["score"] == "tss")]["value"].iloc[0]
    for place, (name, (bins, title, outside)) in zip(
        st.columns(2, gap="large"), PARTS.items(), strict=True
    ):
        with place:
            st.markdown(f"#### TSS of {FORECASTS[forecast]} by {name}")
            found = bins(table)
            figure = bins_figure(
                found,
                forecast=forecast,
                whole=whole,
                title=title,
            )
            what = f"{FORECASTS[forecast]} TSS by {name}"
            show_figure(chosen, figure, found, key=f"by_{name}", what=what)
            if found.attrs["outside"]:
                st.caption(f"Left out: {found.attrs['outside']} sequences {outside}.")
            lacking = found[found["why"] != ""]
            if len(lacking):
                told = "; ".join(f"{row.bin}: {row.why}" for row in lacking.itertuples())
                st.caption(f":material/block: Undefined: {told}.")
    st.caption(
        "A region that crosses the disk is in several bins of longitude. Open dots: fewer than "
        "five groups of regions, too few for an interval. Many parts are looked at here at once: "
        "one outlier is no finding."
    )


def show_misses(chosen: Chosen, forecast: str) -> None:
    """List the flares about which the network was surest and wrong."""
    st.markdown(f"### Worst misses of {FORECASTS[forecast]}")
    found = worst_misses(chosen.forecasts[forecast])
    if found.empty:
        st.info(
            f"No sequence is on the wrong side of {chosen.threshold:g}.", icon=":material/check:"
        )
        return
    run, source = chosen.runs[forecast], str(chosen.scores.get("source", ""))
    table = pd.DataFrame(
        {
            "region": found["region"],
            "NOAA": found["noaa"],
            "flare": found["goes_class"],
            "peak (UTC)": found["peak_utc"],
            "hour (TAI)": found["hour"],
            "longitude (deg)": found["longitude"],
            "truth": found["label"].map(_LABELS),
            "probability": found["probability"],
            "hours wrong": found["wrong_hours"],
            "of hours": found["hours"],
        }
    )
    if not table["NOAA"].astype(bool).any():
        table = table.drop(columns="NOAA")  # simulated regions have none
    queries = [explore_query(row, source, _model_of(run)) for row in found.to_dict("records")]
    if all(queries):
        home = _address()
        table["look at it"] = [f"{home}?{urlencode(query)}" for query in queries]
    minutes = st.column_config.DatetimeColumn(format="YYYY-MM-DD HH:mm")
    st.dataframe(
        table,
        hide_index=True,
        key="misses",
        column_config={
            "peak (UTC)": minutes,
            "hour (TAI)": minutes,
            "longitude (deg)": st.column_config.NumberColumn(format="%.1f"),
            "probability": st.column_config.NumberColumn(format="%.3f"),
            "look at it": st.column_config.LinkColumn(display_text="Explore"),
        },
    )
    st.download_button(
        "Misses, CSV",
        lambda: history_csv(found),
        f"{chosen.name}_{forecast}_misses.csv".replace("/", "_"),
        "text/csv",
        key="data_misses",
        icon=":material/download:",
        type="tertiary",
        on_click="ignore",
    )
    st.caption(
        "One row a flare: its hour with the largest difference between probability and truth. "
        "Confined means that no CME is linked to the flare, by the data set's policy."
    )


def explore_query(row: dict, source: str, model: str) -> dict[str, str]:
    """Parameters that open Explore on a sequence; empty if its source cannot be opened there."""
    kind, _, rest = source.partition(":")
    if kind not in ("sim", "fits", "jsoc"):
        return {}
    view = {"source": kind, "region": str(row["region"]), "hour": f"{row['hour']:%Y-%m-%dT%H:%M}"}
    if kind == "jsoc":
        rest = ""  # a planned set's magnetograms are among the downloaded ones
    if rest:
        view["population" if kind == "sim" else "folder"] = rest
    return view | ({"model": model} if model else {})


def _model_of(run: RunFolder) -> str:
    """Name of the run's model where Explore has it: shipped of shipped, own of own."""
    for info in caches.models()[0]:
        if info.name == run.model_name and (info.folder.parent == SHIPPED) == run.shipped:
            return info.name
    return ""


def _address() -> str:
    """Where Explore is: beside this page, whatever path a proxy serves the app under."""
    here = urlsplit(st.context.url or "")
    return here._replace(path=here.path.rpartition("/")[0] + "/", query="", fragment="").geturl()


def show_downloads(chosen: Chosen, scores: pd.DataFrame, folds: pd.DataFrame) -> None:
    """Draw a button for each file."""
    stem = chosen.name.replace("/", "_").replace(" ", "_")
    look = {"threshold": chosen.threshold, "simulated": chosen.simulated}
    files = [
        ("predictions", "Predictions, CSV", lambda: history_csv(chosen.predictions), "csv"),
        ("scores", "Scores, CSV", lambda: scores_csv(scores, folds, **look), "csv"),
        ("run_scores", "Scores of the run, JSON", lambda: scores_json(chosen.scores), "json"),
    ]
    st.markdown("### Take it with you")
    with st.container(horizontal=True):
        for key, label, make, kind in files:
            st.download_button(
                label,
                make,
                f"{stem}_{key}.{kind}",
                "text/csv" if kind == "csv" else "application/json",
                key=f"download_{key}",
                icon=":material/download:",
                on_click="ignore",
            )
    st.caption(
        "The CSV holds the scores at the threshold in use with their intervals; the JSON is the "
        "run's own, at its own threshold. PNG: the camera on each figure. The address of this page "
        "brings back this view."
    )
