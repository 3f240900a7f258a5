"""A report of the cases shown: made beside the page, taken along as one file."""

from collections.abc import Hashable

import streamlit as st

from analysis.cases.making import ReportCase, make_all, make_case
from analysis.report.files import ReportFiles
from hnn_core.exceptions import ModelError
from hnn_core.network.predictor import Predictor
from hnn_core.regions.base import Source
from hnn_core.regions.case import Case
from hnn_core.sources import open_source
from hnn_core.sources.jsoc import newest
from pages._cases.studied import find_model
from pages._shared import caches
from pages._shared.background import Task, busy, finished, forget, start, wait_for
from pages._shared.messages import plain

__all__ = ["show_report"]


def show_report(cases: tuple[Case, ...]) -> None:
    """Draw what the report is to hold, the button, and the files once they are made."""
    st.markdown("### A report to send")
    with st.container(horizontal=True, vertical_alignment="center"):
        explain = st.toggle(
            "With the network's maps",
            True,
            key="report_explain",
            help="Rollout and relevance, which hours mattered, and where the maps lie.",
        )
        check = st.toggle(
            "With their checks",
            True,
            key="report_check",
            disabled=not explain,
            help="Insertion and deletion curves and the randomised network: the longest part.",
        )
    asked = {"explain": explain, "check": explain and check}
    key = _key(cases, asked)
    if finished(key) is None and not busy(key):
        st.button(
            "Make the report",
            key="report_start",
            icon=":material/description:",
            type="primary",
            on_click=_begin,
            args=(key, cases, asked),
        )
    st.caption(
        "One HTML file that opens without a network, with interactive figures, numbers, "
        "provenance and the command that makes it again."
    )
    made: ReportFiles | None = wait_for(key, "report")
    if made is not None:
        _offer(key, made)


def _offer(key: Hashable, made: ReportFiles) -> None:
    for one in made.absent:
        st.warning(plain(f"{one.name} is not in it: {one.reason}"), icon=":material/warning:")
    with st.container(horizontal=True):
        for name, label, content, file, mime in (
            ("html", "Report, HTML", made.page.encode(), "report.html", "text/html"),
            ("zip", "Tables, masks and maps, zip", made.archive, "report.zip", "application/zip"),
            ("parquet", "One row an hour, parquet", made.parquet, "cases.parquet", None),
        ):
            st.download_button(
                label,
                content,
                file,
                mime,
                key=f"report_{name}",
                icon=":material/download:",
                on_click="ignore",
            )
        st.button("Make anew", key="report_again", type="tertiary", on_click=forget, args=(key,))


def _key(cases: tuple[Case, ...], asked: dict[str, bool]) -> Hashable:
    states = tuple(newest(case.source, case.region) for case in cases)
    found = [find_model(case.model)[0] for case in cases]
    models = tuple(info.sha256 if info else "" for info in found)
    return ("report", cases, states, models, tuple(asked.items()))


def _begin(key: Hashable, cases: tuple[Case, ...], asked: dict[str, bool]) -> None:
    """Start the work; the networks, which are kept in the caches, are taken before."""
    models: dict[str, tuple[Predictor | None, str]] = {}
    for name in {case.model for case in cases}:
        info, why = find_model(name)
        try:
            models[name] = (caches.predictor(info) if info else None, why)
        except ModelError as error:
            models[name] = (None, str(error))
    options = [f"--no-{name}" for name, wanted in asked.items() if not wanted]

    def work(task: Task) -> ReportFiles:
        order = iter(range(len(cases)))

        def make(source: Source, case: Case, predictor: Predictor | None, why: str) -> ReportCase:
            number = next(order)
            return make_case(
                source,
                case,
                predictor,
                no_prediction=why,
                progress=lambda done, total: task.tell(number * total + done, len(cases) * total),
                cancel=task.cancel,
                **asked,
            )

        made = ReportFiles(*make_all(cases, open_source, models.__getitem__, make), options=options)
        # Made here and kept, not when a button is drawn.
        _ = made.page, made.archive, made.parquet
        return made

    start(key, "Making the report", "steps", work)
