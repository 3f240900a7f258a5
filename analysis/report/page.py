"""A report of some cases as one HTML file that opens without a network."""

import base64
import hashlib
import html
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from analysis import figures as draw
from analysis.case_table import overview
from analysis.report_case import AbsentCase, ReportCase
from analysis.report_figures import DRAW_SCRIPT, FigureStore, plotly_script
from analysis.report_parts import case_html
from analysis.report_sections import (
    command_html,
    credits_html,
    methods_html,
    provenance_html,
)
from analysis.report_tables import table_html
from analysis.report_texts import INTRODUCTION, SIMULATED
from hnn_core import __version__

__all__ = ["report_html"]

_STYLE = Path(__file__).resolve().parents[1] / "assets" / "report" / "report.css"
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
        That makes this report again, from `analysis.report_provenance.report_command`.
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
            draw.case_bars(studies, flux=flux),
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
