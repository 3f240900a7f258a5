"""A report of the cases shown: made next to the page, downloaded as one file."""

from collections.abc import Callable, Hashable
from threading import Event

import streamlit as st

from analysis.cases.making import ReportCase, make_all, make_case
from analysis.report.files import ReportFiles
from hnn_core.exceptions import ModelError
from hnn_core.network.predictor import Predictor
from hnn_core.regions.base import Source
from hnn_core.regions.case import Case
from hnn_core.sources import open_source
from pages._cases.chosen import find_model
from pages._shared import caches
from pages._shared.background import discard, discard_refused, offer
from pages._shared.link import bound
from pages._shared.messages import plain
from pages._shared.widgets import download

__all__ = ["show_report"]


def show_report(cases: tuple[Case, ...]) -> None:
    """Draw what the report is to hold, the button, and the files once they are made."""
    st.markdown("### A report to send")
    with st.container(horizontal=True, vertical_alignment="center"):
        explain = bound(
            st.toggle,
            "With the network's maps",
            key="report_explain",
            value=True,
            help="Rollout and relevance, which hours mattered, and where the maps lie.",
        )
        check = bound(
            st.toggle,
            "With their checks",
            key="report_check",
            value=True,
            disabled=not explain,
            help="Insertion and deletion curves and the randomised network: the longest part.",
        )
    wanted = {"explain": explain, "check": explain and check}
    states = tuple(caches.Place(case.source, case.region).state for case in cases)
    found = [find_model(case.model)[0] for case in cases]
    models = tuple(info.sha256 if info else "" for info in found)
    key = ("report", cases, states, models, tuple(wanted.items()))
    made: ReportFiles | None = offer(
        "Make the report",
        "report_start",
        key,
        "Making the report",
        "steps",
        lambda: _work(cases, **wanted),
        icon=":material/description:",
        type="primary",
        below="One HTML file that opens without a network, with interactive figures, numbers, "
        "provenance and the command that makes it again.",
    )
    if made is not None:
        _show(key, made)


def _show(key: Hashable, made: ReportFiles) -> None:
    for one in made.absent:
        st.warning(plain(f"{one.name} is not in it: {one.reason}"), icon=":material/warning:")
    with st.container(horizontal=True):
        download("Report, HTML", made.page.encode(), "report.html", "report_html")
        download("Tables, masks and maps, zip", made.archive, "report.zip", "report_zip")
        download("One row an hour, parquet", made.parquet, "cases.parquet", "report_parquet")
        kept = discard_refused(key)
        st.button(
            "Make anew",
            key="report_again",
            type="tertiary",
            disabled=bool(kept),
            help=plain(kept) or None,
            on_click=discard,
            args=(key,),
        )


def _work(cases: tuple[Case, ...], *, explain: bool, check: bool) -> Callable[..., ReportFiles]:
    """Return what makes the report; the networks, kept in the caches, are taken before."""
    models: dict[str, tuple[Predictor | None, str]] = {}
    for name in {case.model for case in cases}:
        info, why = find_model(name)
        try:
            models[name] = (caches.predictor(info) if info else None, why)
        except ModelError as error:
            models[name] = (None, str(error))
    wanted = {"explain": explain, "check": check}
    options = [f"--no-{name}" for name, on in wanted.items() if not on]

    def work(progress: Callable[[int, int], None], cancel: Event) -> ReportFiles:
        order = iter(range(len(cases)))

        def make(source: Source, case: Case, predictor: Predictor | None, why: str) -> ReportCase:
            number = next(order)
            return make_case(
                source,
                case,
                predictor,
                no_prediction=why,
                progress=lambda done, total: progress(number * total + done, len(cases) * total),
                cancel=cancel,
                explain=explain,
                check=check,
            )

        made = ReportFiles(*make_all(cases, open_source, models.__getitem__, make), options=options)
        # Made here and kept, not when a button is drawn.
        _ = made.page, made.archive, made.parquet
        return made

    return work
