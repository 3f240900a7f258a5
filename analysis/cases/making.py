"""What a report holds of each case: the study, and what a network is shown to look at."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from analysis.case_study import DEFAULT_CLASS, HOURS, CaseStudy, study_case
from analysis.explained_case import MAP_METHODS, ExplainedCase, explain_case
from analysis.pil import PilSettings
from hnn_core.case import Case
from hnn_core.exceptions import AttentionCaptureError, FitsError, PositionError, SequenceError
from hnn_core.sequence import build_sequence
from hnn_core.sources import find_region
from hnn_core.sources.base import Source
from hnn_core.tai import parse_t_rec

if TYPE_CHECKING:  # knows torch, which is loaded when a network is asked for
    from hnn_core.predictor import Predictor

__all__ = ["AbsentCase", "ReportCase", "make_case"]

NOT_ASKED = "Explanations were not asked for."


@dataclass(frozen=True, eq=False)
class ReportCase:
    """One case of a report."""

    study: CaseStudy
    explained: ExplainedCase | None = None
    not_explained: str = NOT_ASKED
    """Why there are no maps; not read where there are."""

    @property
    def where(self) -> str:
        """Region and hour, for the names of files."""
        return f"{self.study.region.id} {self.study.case.hour}"


@dataclass(frozen=True)
class AbsentCase:
    """A case that could not be studied, and why, in one sentence."""

    name: str
    """Region and hour as they were asked for."""
    reason: str


def make_case(
    source: Source,
    case: Case,
    predictor: "Predictor | None" = None,
    *,
    no_prediction: str = "No model was asked.",
    flare_class: str | None = None,
    settings: PilSettings | None = None,
    explain: bool = True,
    check: bool = True,
    methods: Sequence[str] = MAP_METHODS,
    draws: int = 1000,
    progress: Callable[[int, int], None] | None = None,
    cancel: Any = None,
) -> ReportCase:
    """Study a case and, where there is a network and a prediction, explain it.

    Parameters
    ----------
    source : Source
        The one of `case.source`.
    case : Case
    predictor : Predictor, optional
        None for the physics alone.
    no_prediction : str
        Why there is no predictor.
    flare_class : str, optional
        Least class of the flares that count as what happened; the network's own by default, M
        without one.
    settings : PilSettings, optional
    explain, check : bool
        Whether maps are drawn, and whether they are held against other orders and against a
        network of random weights, which takes most of the time.
    methods, draws, progress, cancel
        As in `analysis.explained_case.explain_case`.

    Raises
    ------
    HnnError
        The case cannot be studied; see `analysis.case_study.study_case`. What only stands
        against a prediction or a map is told in the answer.
    CancelledError
    """
    region = find_region(source, case.region)
    sequence, prediction = None, None
    if predictor is not None:
        flare_class = flare_class or predictor.config.flare_class
        try:
            sequence = build_sequence(source, region.id, parse_t_rec(case.hour), predictor.frames)
            prediction = predictor.predict(sequence)
        except (SequenceError, PositionError, FitsError) as error:
            no_prediction = str(error)
    study = study_case(
        source,
        case,
        settings=settings,
        flare_class=flare_class or DEFAULT_CLASS,
        prediction=prediction,
        no_prediction=no_prediction,
        sequence=sequence if sequence is not None and len(sequence) == HOURS else None,
    )
    if not explain:
        return ReportCase(study)
    if predictor is None or sequence is None or prediction is None:
        return ReportCase(
            study, not_explained=f"There is no prediction to explain. {no_prediction}"
        )
    if len(sequence) != len(study.frames):
        return ReportCase(
            study,
            not_explained=f"The network sees {len(sequence)} hours, this report shows "
            f"{len(study.frames)}; the maps are those of Explore.",
        )
    try:
        explained = explain_case(
            predictor,
            study,
            sequence,
            methods=methods,
            check=check,
            draws=draws,
            progress=progress,
            cancel=cancel,
        )
    except AttentionCaptureError as error:
        return ReportCase(study, not_explained=str(error))
    return ReportCase(study, explained, "")
