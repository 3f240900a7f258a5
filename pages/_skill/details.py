"""What lies behind the scores: thresholds, curves, reliability, parts, misses; and all files."""

from collections.abc import Callable, Hashable, Mapping
from functools import partial
from typing import Any
from urllib.parse import urlencode, urlsplit

import pandas as pd
import streamlit as st

from analysis.export import history_csv, scores_csv, scores_json
from analysis.skill.curves import brier_scores, reliability, threshold_scores
from analysis.skill.figures_curves import (
    curve_data,
    precision_recall_figure,
    reliability_figure,
    roc_figure,
    threshold_figure,
)
from analysis.skill.figures_tables import bins_figure, confusion_data, confusion_figure
from analysis.skill.forecasts import FORECASTS, worst_misses
from analysis.skill.scores import number, skill_by_class, skill_by_longitude
from hnn_core.exceptions import OneClassError
from hnn_core.network.model_store import SHIPPED
from hnn_core.training.run_folder import RunFolder
from pages._shared import caches
from pages._shared.messages import plain
from pages._shared.widgets import download, show_table
from pages._skill.run import Chosen, show_figure
from pages._skill.scores import show_numbers

__all__ = [
    "explore_query",
    "show_counts",
    "show_curves",
    "show_downloads",
    "show_misses",
    "show_parts",
    "show_reliability",
]

PARTS = {
    "longitude": (skill_by_longitude, "longitude of the region, west positive", "beyond ±45°"),
    "class": (skill_by_class, "class of the coming flare", "without such a class"),
}
_LABELS = {1: "eruptive", 0: "confined"}


def show_counts(chosen: Chosen, forecast: str, scores: pd.DataFrame) -> None:
    """Draw the contingency table, and the scores against the threshold."""
    own = scores[scores["forecast"] == forecast].iloc[0]
    counts = own[["tp", "fp", "tn", "fn"]].to_numpy()
    left, right = st.columns([4, 5], gap="large")
    with left:
        st.markdown(f"#### {FORECASTS[forecast]} at threshold {chosen.threshold:g}")
        show_figure(
            chosen,
            confusion_figure(counts),
            confusion_data(counts),
            key="confusion",
            what=f"{FORECASTS[forecast]} confusion matrix",
        )
    with right:
        st.markdown(f"#### {FORECASTS[forecast]} at other thresholds")
        table = threshold_scores(chosen.forecasts[forecast])
        own_threshold = float(chosen.scores["threshold"])
        figure = threshold_figure(table, chosen=chosen.threshold, own=own_threshold)
        what = f"{FORECASTS[forecast]} skill against threshold"
        show_figure(chosen, figure, table, key="thresholds", what=what)


def show_curves(chosen: Chosen) -> None:
    """Draw the ROC and precision-recall curves of all forecasts."""
    made = chosen.forecasts
    try:
        figures = roc_figure(made), precision_recall_figure(made)
    except OneClassError as error:
        st.info(plain(error), icon=":material/info:")
        return
    data = curve_data(made)
    titles = {"ROC": "ROC", "precision-recall": "Precision and recall"}
    for place, figure, (kind, title) in zip(
        st.columns(2, gap="large"), figures, titles.items(), strict=True
    ):
        with place:
            st.markdown(f"#### {plain(title)}")
            part = data[data["curve"] == kind].dropna(axis="columns", how="all")
            show_figure(chosen, figure, part, key=kind.replace("-", "_"), what=f"{kind} curve")
    st.caption(
        "Dots are where the forecasts stand now. AUC with 95 % interval over groups of regions. "
        "The flux curve moves the threshold on the total unsigned flux; climatology, the same "
        "for all sequences, ranks nothing."
    )


def show_reliability(chosen: Chosen) -> None:
    """Draw the reliability diagram with its counts, and the Brier scores."""
    networks = {name: chosen.forecasts[name] for name in chosen.runs}
    tables = {name: reliability(table) for name, table in networks.items()}
    brier = {name: brier_scores(table) for name, table in networks.items()}
    first = next(iter(networks.values()))
    left, right = st.columns([5, 4], gap="large")
    with left:
        figure = reliability_figure(tables, brier, base_rate=float(first["label"].mean()))
        data = pd.concat(table.assign(forecast=name) for name, table in tables.items())
        show_figure(chosen, figure, data, key="reliability", what="reliability")
    with right:
        _show_brier(brier)


def show_parts(chosen: Chosen, forecast: str, scores: pd.DataFrame) -> None:
    """Draw the TSS by longitude and by flare class."""
    table = chosen.forecasts[forecast]
    whole = scores[(scores["forecast"] == forecast) & (scores["score"] == "tss")]["value"].iloc[0]
    for place, (name, (bins, title, outside)) in zip(
        st.columns(2, gap="large"), PARTS.items(), strict=True
    ):
        with place:
            st.markdown(f"#### TSS of {FORECASTS[forecast]} by {plain(name)}")
            found = bins(table)
            figure = bins_figure(found, forecast=forecast, whole=whole, title=title)
            what = f"{FORECASTS[forecast]} TSS by {name}"
            show_figure(chosen, figure, found, key=f"by_{name}", what=what)
            if found.attrs["outside"]:
                st.caption(f"Left out: {found.attrs['outside']:d} sequences {plain(outside)}.")
            undefined = found[found["why"] != ""]
            if len(undefined):
                reasons = "; ".join(f"{row.bin}: {row.why}" for row in undefined.itertuples())
                st.caption(f":material/block: Undefined: {plain(reasons)}.")
    st.caption(
        "A region that crosses the disk is in several bins of longitude. Open dots: fewer than "
        "five groups of regions, too few for an interval. Many parts are looked at here at once: "
        "one outlier is no finding."
    )


def show_misses(chosen: Chosen, forecast: str) -> None:
    """List the flares on which the network was surest and wrong."""
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
            "P(eruptive)": found["probability"],
            "hours wrong": found["wrong_hours"],
            "of hours": found["hours"],
        }
    )
    if not table["NOAA"].astype(bool).any():
        table = table.drop(columns="NOAA")  # simulated regions have none
    queries = [explore_query(row, source, _model_of(run)) for row in found.to_dict("records")]
    if all(queries):
        # Explore is next to this page, whatever path a proxy serves the app under.
        here = urlsplit(st.context.url or "")
        path = here.path.rpartition("/")[0] + "/"
        home = here._replace(path=path, query="", fragment="").geturl()
        table["open in Explore"] = [f"{home}?{urlencode(query)}" for query in queries]
    links = {"open in Explore": st.column_config.LinkColumn(display_text="Explore")}
    show_table(table, "misses", columns=links)
    file = f"{chosen.name}_{forecast}_misses.csv".replace("/", "_")
    download("Misses, CSV", partial(history_csv, found), file, "data_misses", type="tertiary")
    st.caption(
        "One row a flare: its hour with the largest difference between P(eruptive) and truth. "
        "Confined is a label of the data set's policy: no CME linked in DONKI."
    )


def explore_query(row: Mapping[Hashable, Any], source: str, model: str) -> dict[str, str]:
    """Parameters that open Explore on a sequence; empty if its source cannot be opened there."""
    kind, _, rest = source.partition(":")
    if kind not in ("sim", "fits", "jsoc"):
        return {}
    view = {"source": kind, "region": str(row["region"]), "hour": f"{row['hour']:%Y-%m-%dT%H:%M}"}
    if kind == "jsoc":
        rest = ""  # a planned set's magnetograms are with the downloaded ones
    if rest:
        view["population" if kind == "sim" else "folder"] = rest
    return view | ({"model": model} if model else {})


def show_downloads(chosen: Chosen, scores: pd.DataFrame, folds: pd.DataFrame) -> None:
    """Draw a button for each file."""
    stem = chosen.name.replace("/", "_").replace(" ", "_")
    scored = partial(scores_csv, scores, folds, threshold=chosen.threshold)
    files: dict[str, tuple[str, Callable[[], str]]] = {
        "predictions.csv": ("Predictions, CSV", partial(history_csv, chosen.predictions)),
        "scores.csv": ("Scores, CSV", partial(scored, simulated=chosen.simulated)),
        "run_scores.json": ("Scores of the run, JSON", partial(scores_json, chosen.scores)),
    }
    st.markdown("### Downloads")
    with st.container(horizontal=True):
        for name, (label, make) in files.items():
            download(plain(label), make, f"{stem}_{name}", f"download_{name.partition('.')[0]}")
    st.caption(
        "The CSV holds the scores at the threshold in use with their intervals; the JSON is the "
        "run's own, at its own threshold. PNG: the camera on each figure. The address of this page "
        "brings back this view."
    )


def _show_brier(brier: dict[str, dict[str, float]]) -> None:
    keys = ("brier", "climatology", "skill")
    rows = {
        FORECASTS[name]: [(number(found[key]), "") for key in keys] for name, found in brier.items()
    }
    show_numbers(["Brier", "of climatology", "Brier skill"], rows)
    st.caption(
        "On the diagonal a probability of 0.7 comes true in 7 of 10 cases. Bars: 95 % intervals "
        "over groups of regions; none where a bin holds fewer than five."
    )
    st.caption(
        "The Brier score is the mean square of P(eruptive) less truth, 0 at best. Its skill is "
        "1 − Brier / that of climatology, which gives every sequence the base rate of the training "
        "part; undefined where climatology makes no error."
    )
    st.caption(
        "The networks learn with a focal loss and unequal class weights, neither of which leads to "
        "true probabilities: a curve off the diagonal is to be expected and does not lower TSS."
    )


def _model_of(run: RunFolder) -> str:
    """Name of the run's model where Explore has it: shipped of shipped, own of own."""
    for info in caches.models()[0]:
        if info.name == run.model_name and (info.folder.parent == SHIPPED) == run.shipped:
            return info.name
    return ""
