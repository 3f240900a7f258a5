"""A report of the cases shown: made beside the page, taken along as one file."""

from collections.abc import Hashable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import streamlit as st

from analysis.case_rows import case_rows, parquet_bytes
from analysis.report import report_html
from analysis.report_archive import report_archive
from analysis.report_case import AbsentCase, ReportCase, make_case
from analysis.report_provenance import report_command
from hnn_core.case import Case
from hnn_core.exceptions import HnnError
from hnn_core.live.newest import newest
from hnn_core.predictor import Predictor
from hnn_core.sources import Source
from pages import _caches
from pages._background import Task, busy, finished, forget, start, wait_for
from pages._cases_studied import find_model
from pages._data_words import plain

__all__ = ["show_report"]


@dataclass(frozen=True)
class _Made:
    """A report in all its forms."""

    html: str
    archive: bytes
    parquet: bytes
    words: str


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
    made: _Made | None = wait_for(key, "report")
    if made is not None:
        _offer(key, made)


def _offer(key: Hashable, made: _Made) -> None:
    if made.words:
        st.warning(plain(made.words), icon=":material/warning:")
    with st.container(horizontal=True):
        for name, label, content, file, mime in (
            ("html", "Report, HTML", made.html.encode(), "report.html", "text/html"),
            ("zip", "Tables, masks and maps, zip", made.archive, "report.zip", "application/zip"),
            ("parquet", "One row an hour, parquet", made.parquet, "cases.parquet", None),
        ):
            st.download_button(
                f"{label} ({len(content) / 1e6:.1f} MB)",
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
    models = tuple(info.sha256 if info else "" for info, _ in map(_model_of, cases))
    return ("report", cases, states, models, tuple(asked.items()))


def _model_of(case: Case) -> Any:
    return find_model(case.model)


def _begin(key: Hashable, cases: tuple[Case, ...], asked: dict[str, bool]) -> None:
    """Start the work; all that it needs of the caches is taken before."""
    sources: dict[str, Source | str] = {}
    for case in cases:
        try:
            sources[case.source] = _caches.source(case.source)
        except HnnError as error:
            sources[case.source] = str(error)
    models: dict[str, tuple[Predictor | None, str]] = {}
    for case in cases:
        info, why = find_model(case.model)
        models[case.model] = (_caches.predictor(info) if info else None, why)

    def work(task: Task) -> _Made:
        return _make(task, cases, sources, models, asked)

    start(key, "Making the report", "steps", work)


def _make(
    task: Task,
    cases: tuple[Case, ...],
    sources: dict[str, Source | str],
    models: dict[str, tuple[Predictor | None, str]],
    asked: dict[str, bool],
) -> _Made:
    found: list[ReportCase] = []
    absent: list[AbsentCase] = []
    for number, case in enumerate(cases):
        source, (predictor, why) = sources[case.source], models[case.model]

        def tell(done: int, total: int, number: int = number) -> None:
            task.tell(number * total + done, len(cases) * total)

        try:
            if isinstance(source, str):
                raise HnnError(source)
            one = make_case(
                source,
                case,
                predictor,
                no_prediction=why or "No model was asked.",
                progress=tell,
                cancel=task.cancel,
                **asked,
            )
            found.append(one)
        except HnnError as error:
            absent.append(AbsentCase(f"{case.region}, {case.hour} TAI", str(error)))
    if not found:
        raise HnnError(f"No report can be made: {absent[0].reason}")
    options = [] if asked["explain"] else ["--no-explain"]
    options += [] if asked["check"] or not asked["explain"] else ["--no-check"]
    command = report_command([one.study.case for one in found], options=options)
    made = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    html = report_html(found, command=command, made=made, absent=absent)
    words = " ".join(f"{one.name} is not in it: {one.reason}" for one in absent)
    return _Made(
        html,
        report_archive(found, html, command=command, made=made, absent=absent),
        parquet_bytes(case_rows(found)),
        words,
    )
