"""From what was typed to the cases that a report is about."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import typer

from hnn_core.case import Case, CaseSet
from hnn_core.case_store import load_set, read_set

__all__ = ["requested_cases"]

_NONE = "none"


def requested_cases(
    case_set: str,
    sources: Sequence[str],
    regions: Sequence[str],
    times: Sequence[str],
    models: Sequence[str],
) -> CaseSet:
    """Put cases together.

    Parameters
    ----------
    case_set : str
        Name of a saved set, or its file; "" for the regions and times that follow.
    sources, models : sequence of str
        One for all cases, or one for each; none: those of the set, or ``sim:`` and ``demo``.
        The model ``none`` asks none.
    regions, times : sequence of str
        As many of the one as of the other.

    Returns
    -------
    CaseSet
        Without a name where there was none.

    Raises
    ------
    BadParameter
        The numbers do not fit.
    RequestError
        No such set, no such hour, a case twice, or more than `hnn_core.case.MOST_CASES`.
    """
    if case_set:
        if regions or times:
            raise typer.BadParameter("give either --set, or --region with --time")
        found = _read(case_set)
        cases = found.cases
    else:
        if not regions or len(regions) != len(times):
            raise typer.BadParameter(
                f"{len(regions)} --region and {len(times)} --time; give one --time for each "
                "--region, or --set"
            )
        found = None
        cases = tuple(
            Case("sim:", region, time, "demo") for region, time in zip(regions, times, strict=True)
        )
    cases = _with(cases, "source", sources)
    cases = _with(cases, "model", ["" if name == _NONE else name for name in models])
    return CaseSet(found.name if found else "", cases)


def _with(cases: tuple[Case, ...], what: str, values: Sequence[str]) -> tuple[Case, ...]:
    """Give all cases one source or model, or each its own."""
    if not values:
        return cases
    if len(values) not in (1, len(cases)):
        raise typer.BadParameter(
            f"{len(values)} --{what} for {len(cases)} cases; give one for all, or one for each"
        )
    each = list(values) if len(values) == len(cases) else list(values) * len(cases)
    return tuple(
        replace(case, source=value) if what == "source" else replace(case, model=value)
        for case, value in zip(cases, each, strict=True)
    )


def _read(text: str) -> CaseSet:
    path = Path(text).expanduser()
    return read_set(path) if path.suffix == ".json" or path.is_file() else load_set(text)
