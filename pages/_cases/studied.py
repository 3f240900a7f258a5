"""Cases studied, kept between runs: physics by the frames, the network's word by its weights."""

import streamlit as st

from analysis.cases.case_study import DEFAULT_CLASS, HOURS, NO_MODEL, CaseStudy, case_study
from hnn_core.exceptions import HnnError, PositionError, SequenceError
from hnn_core.network.model_store import ModelInfo
from hnn_core.network.predictor import Prediction
from hnn_core.regions.case import Case
from hnn_core.sources.jsoc import newest
from pages._shared import caches
from pages._shared.messages import plain

__all__ = ["find_model", "study", "study_all"]


def study_all(cases: tuple[Case, ...]) -> tuple[list[CaseStudy], dict[Case, str]]:
    """Study cases one by one, with a bar while it takes time.

    Returns
    -------
    studies : list of CaseStudy
    absent : dict
        Cases that cannot be shown, and why.
    """
    studies, absent = [], {}
    place = st.empty()
    for done, case in enumerate(cases):
        place.progress(done / len(cases), plain(f"Studying {case.region} at {case.hour} …"))
        try:
            studies.append(study(case))
        except HnnError as error:
            absent[case] = str(error)
    place.empty()
    return studies, absent


def study(case: Case) -> CaseStudy:
    """Study a case; raises an error of ours if it cannot be shown."""
    info, reason = find_model(case.model)
    return _study(
        Case(case.source, case.region, case.hour, case.model),
        info.sha256 if info else "",
        reason,
        newest(case.source, case.region),
    )


def find_model(name: str) -> tuple[ModelInfo | None, str]:
    """Return a model that is here, or why there is none."""
    if not name:
        return None, NO_MODEL
    found = next((info for info in caches.models()[0] if info.name == name), None)
    if found is None:
        return None, f"The model “{name}” is not here any more, so nothing can be asked of it."
    return found, ""


@st.cache_resource(ttl=3600, max_entries=24, show_spinner=False)
def _study(case: Case, sha256: str, reason: str, state: int) -> CaseStudy:
    del sha256, state
    source = caches.source(case.source)
    info, _ = find_model(case.model)
    prediction: Prediction | None = None
    if info is not None:
        try:
            prediction = caches.prediction(info, case.source, case.region, case.hour)
        except (SequenceError, PositionError) as error:
            reason = str(error)
    try:
        sequence = caches.sequence(case.source, case.region, case.hour, HOURS)
    except (SequenceError, PositionError):
        sequence = None
    return case_study(
        source,
        case,
        flare_class=info.flare_class if info else DEFAULT_CLASS,
        prediction=prediction,
        no_prediction=reason,
        sequence=sequence,
    )
