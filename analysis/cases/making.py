"""The cases of a report, each studied and explained; one that fails does not stop the others."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from analysis.cases.case_study import (
    DEFAULT_CLASS,
    HOURS,
    NO_MODEL,
    CaseStudy,
    case_study,
    named_by_its_hour,
)
from analysis.cases.explained import ExplainedCase, explain_case
from hnn_core.exceptions import (
    AttentionCaptureError,
    EmptySourceError,
    FitsError,
    HnnError,
    ModelError,
    PositionError,
    RequestError,
    SequenceError,
)
from hnn_core.magnetogram.conventions import parse_t_rec
from hnn_core.regions.base import Source
from hnn_core.regions.case import Case
from hnn_core.sources import find_region
from hnn_core.sources.sequence import build_sequence
from hnn_core.storage import typed_path

if TYPE_CHECKING:
    from hnn_core.network.predictor import Predictor

__all__ = [
    "AbsentCase",
    "ReportCase",
    "make_all",
    "make_case",
    "short_source",
    "without_folder",
]


@dataclass(frozen=True, eq=False)
class ReportCase:
    """One case of a report."""

    study: CaseStudy
    explained: ExplainedCase | None = None
    not_explained: str = "Explanations were not requested."
    """Why there are no maps; not read where there are."""

    @property
    def where(self) -> str:
        """Region and hour, for the names of files."""
        return f"{self.study.region.id} {self.study.case.hour}"


@dataclass(frozen=True)
class AbsentCase:
    """A case that could not be studied, and why, in one sentence."""

    name: str
    """Region and hour as requested."""
    reason: str


def make_case(
    source: Source,
    case: Case,
    predictor: "Predictor | None" = None,
    *,
    no_prediction: str = NO_MODEL,
    flare_class: str | None = None,
    explain: bool = True,
    **options: Any,
) -> ReportCase:
    """Study a case and, where there is a network and a prediction, explain it.

    Parameters
    ----------
    source, case
        As in `analysis.cases.case_study.case_study`.
    predictor : Predictor, optional
        None for the physics alone.
    no_prediction : str
        Why there is no predictor.
    flare_class : str, optional
        Minimum class of the flares that count as what happened; the network's own by default, M
        without one.
    explain : bool
        Whether maps are drawn and checked.
    **options
        Methods, checks, draws, progress and cancelling, as in
        `analysis.cases.explained.explain_case`.

    Raises
    ------
    HnnError
        The case cannot be studied; see `analysis.cases.case_study.case_study`. What only stands
        against a prediction or a map is in the answer.
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
    study = case_study(
        source,
        case,
        flare_class=flare_class or DEFAULT_CLASS,
        prediction=prediction,
        no_prediction=no_prediction,
        sequence=sequence if sequence is not None and len(sequence) == HOURS else None,
    )
    if not explain:
        return ReportCase(study)
    if predictor is None or sequence is None or prediction is None:
        return ReportCase(study, None, f"There is no prediction to explain. {no_prediction}")
    if len(sequence) != len(study.frames):
        why = (
            f"The network sees {len(sequence)} hours, this report shows {len(study.frames)}; the "
            "maps are those of Explore."
        )
        return ReportCase(study, None, why)
    try:
        explained = explain_case(predictor, study, sequence, **options)
    except AttentionCaptureError as error:
        return ReportCase(study, None, str(error))
    return ReportCase(study, explained, "")


def make_all(
    requested: Sequence[Case],
    open_one: Callable[[str], Source],
    find_model: "Callable[[str], tuple[Predictor | None, str]]",
    make: "Callable[[Source, Case, Predictor | None, str], ReportCase]",
    report: Callable[[str], None] | None = None,
) -> tuple[list[ReportCase], list[AbsentCase]]:
    """Make all cases that can be made.

    Parameters
    ----------
    requested : sequence of Case
        Their regions may be named by any number of theirs.
    open_one : callable (spec) -> Source
        Called once for each source.
    find_model : callable (name) -> (Predictor or None, why there is none)
    make : callable (source, case, predictor, why there is none) -> ReportCase
    report : callable (sentence), optional
        Called for each case, made or not, once one is made.

    Returns
    -------
    cases : list of ReportCase
    absent : list of AbsentCase
        Those that cannot be made.

    Raises
    ------
    EmptySourceError
        No case can be made.
    ModelError
        As `find_model` raises it.
    CancelledError
        As `make` raises it.
    """
    sources: dict[str, Source] = {}
    cases: list[ReportCase] = []
    absent: list[AbsentCase] = []
    lines: list[str] = []
    reasons: list[str] = []
    for case in requested:
        name = f"{case.region}, {case.hour.replace('T', ' ')} TAI"
        try:
            source = sources.get(case.source) or open_one(case.source)
            sources[case.source] = source
            case = replace(case, region=find_region(source, case.region).id)
            case = named_by_its_hour(source, case)
            if any(case.key == other.study.case.key for other in cases):
                raise RequestError(f"{name} is there already under another name.")
            cases.append(make(source, case, *find_model(case.model)))
        except ModelError:
            raise
        except HnnError as error:
            reasons.append(str(error))
            absent.append(AbsentCase(name, without_folder(str(error), case.source)))
            lines.append(f"skipped {name}: {error}")
        else:
            done = len(cases) + len(absent)
            lines.append(f"{done} of {len(requested)}: {cases[-1].study.name}")
        if cases and report is not None:  # of a single case that fails, the error is all there is
            for line in lines:
                report(line)
            lines.clear()
    if not cases:
        first = f"None of the {len(absent)} cases can be used; the first, {absent[0].name}: "
        raise EmptySourceError(f"{'' if len(absent) == 1 else first}{reasons[0]}")
    return cases, absent


def without_folder(text: str, spec: str) -> str:
    """Remove the folder of a source from a sentence that names one of its files."""
    kind, _, rest = spec.partition(":")
    if kind != "fits" or not rest.strip("/ "):
        return text
    folders = [rest]
    with suppress(RequestError):  # of a home that is not there
        folders.append(str(typed_path(rest)))
    for folder in folders:
        text = text.replace(f"{folder.rstrip('/')}/", "")
    return text


def short_source(spec: str) -> str:
    """Name a source without the path of a folder, which is no help to a reader."""
    kind, _, rest = spec.partition(":")
    return f"{kind}:…/{Path(rest).name}" if kind == "fits" and Path(rest).name != rest else spec
