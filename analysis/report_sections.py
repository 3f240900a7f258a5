"""The end of a report: methods, provenance, the command, credits."""

import html
import shlex
from collections.abc import Sequence

import pandas as pd

from analysis.report_case import ReportCase
from analysis.report_provenance import settings_table, short_source, versions
from analysis.report_tables import paragraphs, table_html
from analysis.report_texts import CREDITS, METHODS, REFERENCES
from hnn_core import __version__

__all__ = ["command_html", "credits_html", "methods_html", "provenance_html"]


def methods_html(cases: Sequence[ReportCase]) -> str:
    """Write how things were done, and with which parameters."""
    items = "".join(f"<dt>{term}</dt><dd>{text}</dd>" for term, text in METHODS)
    settings = cases[0].study.systematics.settings
    return (
        f'<section id="methods"><h2>Methods</h2><dl>{items}</dl>'
        f"{table_html(settings_table(settings), caption='Parameters')}"
        f"<h3>References</h3>{paragraphs(REFERENCES)}</section>"
    )


def provenance_html(cases: Sequence[ReportCase]) -> str:
    """Write where data, models and numbers come from."""
    rows = []
    for case in cases:
        study, said = case.study, case.study.prediction
        rows.append(
            {
                "case": study.name,
                "source": short_source(study.case.source),
                "HARP": study.region.harp,
                "NOAA": " ".join(str(number) for number in study.region.noaa),
                "frames": f"{len(study.frames)}, {sum(study.interpolated)} interpolated",
                "model": said.model if said else "none",
                "sha256": said.sha256 if said else "",
                "flare class": f"≥{study.flare_class}",
                "probability": f"{said.probability:.6f}" if said else "–",
                "device": said.device if said else "–",
                "trained on": said.trained_on if said else "–",
            }
        )
    programs = pd.DataFrame(list(versions().items()), columns=["program", "version"])
    return (
        '<section id="provenance"><h2>Provenance</h2>'
        f"{table_html(pd.DataFrame(rows), caption='Data and models')}"
        f"{_settings_of_maps(cases)}"
        f"{table_html(programs, caption='Programs')}</section>"
    )


def _settings_of_maps(cases: Sequence[ReportCase]) -> str:
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
    if not rows:
        return ""
    seeds = "Seeds: random regions 0, random orders 0, random weights 0."
    return f"{table_html(pd.DataFrame(rows), caption='Explanations')}<p>{seeds}</p>"


def command_html(command: str) -> str:
    """Write the command that makes the report again, one option a line."""
    lines = [""]
    for word in shlex.split(command):
        if word.startswith("--"):
            lines.append("")
        lines[-1] += f"{' ' if lines[-1] else ''}{shlex.quote(word)}"
    command = " \\\n  ".join(lines)
    return (
        '<section id="again"><h2>How to reproduce</h2>'
        f"<p>With HNN Explorer {__version__} and the same data and models:</p>"
        f"<pre><code>{html.escape(command)}</code></pre></section>"
    )


def credits_html() -> str:
    """Write whom to thank and what to cite."""
    lines = [line.format(version=__version__) for line in CREDITS]
    return f'<section id="credits"><h2>Credits and citation</h2>{paragraphs(lines)}</section>'
