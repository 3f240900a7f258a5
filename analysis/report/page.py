"""A report of some cases as one HTML file that opens without a network."""

import shlex
from collections.abc import Sequence
from typing import Literal

import pandas as pd

from analysis.cases.figures_bars import case_bars_figure
from analysis.cases.making import AbsentCase, ReportCase, short_source
from analysis.cases.tables import overview
from analysis.report.case import case_parts
from analysis.report.html import FigureStore, page_scripts, templates
from analysis.report.provenance import settings_table, versions
from hnn_core import __version__

__all__ = ["report_html"]

_BARS: dict[Literal["pil", "total"], str] = {
    "pil": "PIL unsigned flux: left what the network called eruptive, right confined.",
    "total": "Total unsigned flux of the same cases.",
}


def report_html(
    cases: Sequence[ReportCase],
    *,
    command: str,
    made: str,
    absent: Sequence[AbsentCase] = (),
    name: str = "",
    figures: FigureStore | None = None,
) -> str:
    """Write a report as one HTML file.

    Parameters
    ----------
    cases : sequence of ReportCase
        In the order they are shown.
    command : str
        That makes this report again, from `analysis.report.provenance.report_command`.
    made : str
        When it was made, ISO seconds, UTC. The same cases, command and time give the same file.
    absent : sequence of AbsentCase
        Requested cases that cannot be shown.
    name : str
        Of the set of cases, if it has one.
    figures : FigureStore, optional
        An empty one, to have the figures after.

    Returns
    -------
    str
        Figures are interactive; plotly.js, style and data are inside, and the page forbids its
        reader's browser to fetch anything. All text from headers, names and models is escaped.

    Raises
    ------
    ValueError
        If there is no case.
    """
    if not cases:
        raise ValueError("a report takes at least one case")
    figures = figures or FigureStore()
    studies = [case.study for case in cases]
    bars = [
        figures.add(
            case_bars_figure(studies, flux=flux),
            alt=f"Bars of the {flux} flux of {len(studies)} cases, ten hours each",
            name=f"cases {flux} flux",
            caption=caption,
            simulated=all(study.simulated for study in studies),
        )
        for flux, caption in _BARS.items()
    ]
    return (
        templates()
        .get_template("report.html")
        .render(
            name=name,
            made=made,
            version=__version__,
            studies=studies,
            absent=absent,
            overview=overview(studies),
            bars=bars,
            parts=[case_parts(case, figures) for case in cases],
            settings=settings_table(studies[0].systematics.settings),
            data=pd.DataFrame([_origin(case) for case in cases]),
            explanations=_explanations(cases),
            programs=pd.DataFrame(list(versions().items()), columns=["program", "version"]),
            command=_command_lines(command),
            figures=figures,
            scripts=page_scripts(),
        )
    )


def _origin(case: ReportCase) -> dict[str, object]:
    study, found = case.study, case.study.prediction
    return {
        "case": study.name,
        "source": short_source(study.case.source),
        "HARP": study.region.harp,
        "NOAA": " ".join(str(number) for number in study.region.noaa),
        "frames": f"{len(study.frames)}, {sum(study.interpolated)} interpolated",
        "model": found.model if found else "no prediction",
        "sha256": found.sha256 if found else "",
        "flare class": f"≥{study.flare_class}",
        "P(eruptive)": f"{found.probability:.6f}" if found else "–",
        "device": found.device if found else "–",
        "trained on": found.trained_on if found else "–",
    }


def _explanations(cases: Sequence[ReportCase]) -> pd.DataFrame | None:
    """List settings of all maps and scores of hours; None where no case is explained."""
    rows = [
        {
            "case": case.study.name,
            "method": name,
            "class": one.target or "none: the same for both",
            "settings": ", ".join(f"{key} = {value}" for key, value in one.parameters.items()),
        }
        for case in cases
        if case.explained
        for name, one in {**case.explained.maps, **case.explained.hours}.items()
    ]
    return pd.DataFrame(rows) if rows else None


def _command_lines(command: str) -> str:
    """Write the command with one option a line, as a shell takes it."""
    lines = [""]
    for word in shlex.split(command):
        if word.startswith("--"):
            lines.append("")
        lines[-1] += f"{' ' if lines[-1] else ''}{shlex.quote(word)}"
    return " \\\n  ".join(lines)
