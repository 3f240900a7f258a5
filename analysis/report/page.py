"""A report of some cases as one HTML file that opens without a network.

The end of a report: methods, provenance, the command, credits.
"""

import base64
import hashlib
import html
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import pandas as pd

from analysis.cases.figures_bars import case_bars_figure
from analysis.cases.making import AbsentCase, ReportCase, short_source
from analysis.cases.tables import overview
from analysis.report.case import case_html
from analysis.report.html import DRAW_SCRIPT, FigureStore, paragraphs, plotly_script, table_html
from analysis.report.provenance import settings_table, versions
from analysis.report.texts import CREDITS, INTRODUCTION, METHODS, REFERENCES, SIMULATED
from hnn_core import __version__

__all__ = ["command_html", "credits_html", "methods_html", "provenance_html", "report_html"]


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


_STYLE = Path(__file__).resolve().parents[2] / "assets" / "report" / "report.css"
_TITLE = "Flux cancellation and attention: case studies"


def report_html(
    cases: Sequence[ReportCase],
    *,
    command: str,
    made: str,
    absent: Sequence[AbsentCase] = (),
    name: str = "",
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
        Cases that were asked for and cannot be shown.
    name : str
        Of the set of cases, if it has one.

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
    figures = FigureStore()
    body = "\n".join(
        [
            _head(cases, made, name),
            _contents(cases),
            _together(cases, absent, figures),
            *(case_html(case, n, figures) for n, case in enumerate(cases, start=1)),
            methods_html(cases),
            provenance_html(cases),
            command_html(command),
            credits_html(),
        ]
    )
    title = html.escape(f"{name}: {_TITLE}" if name else _TITLE)
    plotly, script = plotly_script(), DRAW_SCRIPT
    allowed = " ".join(f"'sha256-{_digest(text)}'" for text in (plotly, script))
    policy = (
        f"default-src 'none'; script-src {allowed}; style-src 'unsafe-inline'; "
        "img-src data: blob:; base-uri 'none'; form-action 'none'"
    )
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f'<meta name="generator" content="HNN Explorer {__version__}">\n<title>{title}</title>\n'
        f"<style>{_STYLE.read_text(encoding='utf-8')}</style>\n</head><body>\n{body}\n"
        f"{figures.scripts()}\n<script>{plotly}</script>\n<script>{script}</script>\n</body></html>\n"
    )


def _head(cases: Sequence[ReportCase], made: str, name: str) -> str:
    names = [case.study.name for case in cases if case.study.simulated]
    which = "all cases" if len(names) == len(cases) else "; ".join(names)
    banner = (
        f'<p class="note"><b>Simulated: {html.escape(which)}.</b> {SIMULATED}</p>' if names else ""
    )
    of_set = f"<p>Set of cases: <b>{html.escape(name)}</b></p>" if name else ""
    return (
        f"<header><h1>{_TITLE}</h1>{of_set}"
        f'<p class="small">Made {html.escape(made)} (UTC) with HNN Explorer {__version__}. Times '
        f"of records are TAI.</p>{banner}"
        f'<p class="lead">{INTRODUCTION}</p></header>'
    )


def _contents(cases: Sequence[ReportCase]) -> str:
    items = [("cases", "All cases side by side")]
    items += [(f"case-{n}", case.study.name) for n, case in enumerate(cases, start=1)]
    items += [
        ("methods", "Methods"),
        ("provenance", "Provenance"),
        ("again", "How to reproduce"),
        ("credits", "Credits and citation"),
    ]
    links = "".join(f'<li><a href="#{to}">{html.escape(text)}</a></li>' for to, text in items)
    return f'<nav aria-label="Contents"><h2>Contents</h2><ol>{links}</ol></nav>'


def _together(
    cases: Sequence[ReportCase], absent: Sequence[AbsentCase], figures: FigureStore
) -> str:
    studies = [case.study for case in cases]
    missing = "".join(
        f'<p class="note"><b>{html.escape(one.name)} is not shown.</b> '
        f"{html.escape(one.reason)}</p>"
        for one in absent
    )
    pictures = ""
    captions: dict[Literal["pil", "total"], str] = {
        "pil": "PIL unsigned flux: left what the network called eruptive, right confined.",
        "total": "Total unsigned flux of the same cases.",
    }
    for flux, caption in captions.items():
        pictures += figures.add(
            case_bars_figure(studies, flux=flux),
            alt=f"Bars of the {flux} flux of {len(studies)} cases, ten hours each",
            name=f"cases {flux} flux",
            caption=caption,
        )
    heads = {"said": "the network said", "happened": "what happened within 24 h", "p": "p of trend"}
    return (
        f'<section id="cases"><h2>All cases side by side</h2>{missing}'
        f"{table_html(overview(studies), heads=heads)}"
        '<p class="small">Slopes: Theil–Sen with 95 % interval, flux in each hour\'s own RoPI, in '
        f"percent of its median an hour.</p>{pictures}</section>"
    )


def _digest(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
