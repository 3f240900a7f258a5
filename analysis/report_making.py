"""The cases of a report, one after the other; one that fails does not stop the others."""

import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from analysis.report_case import AbsentCase, ReportCase
from analysis.report_provenance import without_folder
from hnn_core.case import Case
from hnn_core.command_line import complain
from hnn_core.exceptions import EmptySourceError, HnnError, ModelError, RequestError
from hnn_core.sources import find_region
from hnn_core.sources.base import Source

if TYPE_CHECKING:  # knows torch
    from hnn_core.predictor import Predictor

__all__ = ["Models", "make_all"]


class Models:
    """Models that are loaded once, and why others cannot be."""

    def __init__(self, device: str, *, strict: bool) -> None:
        self._device, self._strict = device, strict
        self._known: dict[str, tuple[Predictor | None, str]] = {"": (None, "No model was asked.")}

    def find(self, name: str) -> "tuple[Predictor | None, str]":
        """Return the model, or None and why."""
        if name not in self._known:
            os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
            from hnn_core.predictor import Predictor

            try:
                self._known[name] = (Predictor.load(name, self._device), "")
            except ModelError as error:
                if self._strict:
                    raise
                complain(str(error))
                self._known[name] = (None, str(error))
        return self._known[name]


def make_all(
    asked: Sequence[Case],
    open_one: Callable[[str], Source],
    find_model: "Callable[[str], tuple[Predictor | None, str]]",
    make: "Callable[[Source, Case, Predictor | None, str], ReportCase]",
    tell: Callable[[str], None] | None = None,
) -> tuple[list[ReportCase], list[AbsentCase]]:
    """Make all cases that can be made.

    Parameters
    ----------
    asked : sequence of Case
        Their regions may be named by any number of theirs.
    open_one : callable (spec) -> Source
        Asked once for each source.
    find_model : callable (name) -> (Predictor or None, why there is none)
    make : callable (source, case, predictor, why there is none) -> ReportCase
    tell : callable (sentence), optional
        Told of each case, made or not, once one is made.

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
    untold: list[str] = []
    reasons: list[str] = []
    for case in asked:
        name = f"{case.region}, {case.hour.replace('T', ' ')} TAI"
        try:
            source = sources.get(case.source) or open_one(case.source)
            sources[case.source] = source
            case = replace(case, region=find_region(source, case.region).id)
            if any(case.key == other.study.case.key for other in cases):
                raise RequestError(f"{name} is there already under another name.")
            cases.append(make(source, case, *find_model(case.model)))
        except ModelError:
            raise
        except HnnError as error:
            reasons.append(str(error))
            absent.append(AbsentCase(name, without_folder(str(error), case.source)))
            untold.append(f"skipped {name}: {error}")
        else:
            found = cases[-1].study
            untold.append(f"{len(cases) + len(absent)} of {len(asked)}: {found.name}")
        if cases and tell is not None:  # of a single case that fails, the error is all there is
            for line in untold:
                tell(line)
            untold.clear()
    if not cases:
        if len(absent) == 1:
            raise EmptySourceError(reasons[0])
        raise EmptySourceError(
            f"None of the {len(absent)} cases can be used; the first, {absent[0].name}: "
            f"{reasons[0]}"
        )
    return cases, absent
