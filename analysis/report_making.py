"""The cases of a report, one after the other; one that fails does not stop the others."""

import os
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from analysis.report_case import AbsentCase, ReportCase
from analysis.report_provenance import without_folder
from hnn_core.case import Case, CaseSet
from hnn_core.command_line import complain
from hnn_core.exceptions import EmptySourceError, HnnError, ModelError, RequestError
from hnn_core.sources import find_region, open_source
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
    asked: CaseSet,
    models: Models,
    make: "Callable[[Source, Case, Predictor | None, str], ReportCase]",
) -> tuple[list[ReportCase], list[AbsentCase]]:
    """Make all cases that can be made; tell of the others, and raise if there is none."""
    sources: dict[str, Source] = {}
    cases: list[ReportCase] = []
    absent: list[AbsentCase] = []
    untold: list[str] = []
    reasons: list[str] = []
    for case in asked.cases:
        name = f"{case.region}, {case.hour.replace('T', ' ')} TAI"
        try:
            source = sources.get(case.source) or open_source(case.source)
            sources[case.source] = source
            case = replace(case, region=find_region(source, case.region).id)
            if any(case.key == other.study.case.key for other in cases):
                raise RequestError(f"{name} is there already under another name.")
            cases.append(make(source, case, *models.find(case.model)))
        except ModelError:
            raise
        except HnnError as error:
            reasons.append(str(error))
            absent.append(AbsentCase(name, without_folder(str(error), case.source)))
            untold.append(f"skipped {name}: {error}")
        else:
            found = cases[-1].study
            untold.append(f"{len(cases) + len(absent)} of {len(asked.cases)}: {found.name}")
        if cases:  # of a single case that fails, the error is all there is to say
            for line in untold:
                complain(line)
            untold.clear()
    if not cases:
        if len(absent) == 1:
            raise EmptySourceError(reasons[0])
        raise EmptySourceError(
            f"None of the {len(absent)} cases can be used; the first, {absent[0].name}: "
            f"{reasons[0]}"
        )
    return cases, absent
