"""What a network looked at in one case: maps, hours, checks, and where the maps lie."""

import html
from collections.abc import Iterator
from typing import TYPE_CHECKING

from analysis import figures as draw
from analysis.explained_case import ExplainedCase
from analysis.map_words import overlap_rows
from analysis.report_case import ReportCase
from analysis.report_data import IDENTITY, faithfulness_table, hours_table
from analysis.report_figures import FigureStore
from analysis.report_provenance import without_folder
from analysis.report_tables import folded, paragraphs, table_html
from analysis.report_texts import ROLLOUT

if TYPE_CHECKING:
    from hnn_core.explanation.explanation import Explanation
    from hnn_core.explanation.faithfulness_result import Faithfulness

__all__ = ["MAP_NAMES", "explained_html"]

MAP_NAMES = {
    "rollout": "attention rollout",
    "relevance": "class-specific relevance",
    "occlusion": "occlusion",
}


def explained_html(case: ReportCase, figures: FigureStore) -> Iterator[str]:
    """Write what is known of the network's maps, or why there are none."""
    yield "<h3>What the network looked at</h3>"
    found = case.explained
    if found is None:
        why = without_folder(case.not_explained, case.study.case.source)
        yield f"<p>No maps. {html.escape(why)}</p>"
        return
    for method, explanation in found.maps.items():
        yield from _map(case, found, method, explanation, figures)
    if found.hours:
        yield from _hours(case, found, figures)


def _map(
    case: ReportCase,
    found: ExplainedCase,
    method: str,
    explanation: "Explanation",
    figures: FigureStore,
) -> Iterator[str]:
    name, study = MAP_NAMES.get(method, method), case.study
    yield f"<h4>{html.escape(name.capitalize())}</h4>"
    yield f"<p>{html.escape(_about(method, explanation))}</p>"
    yield _picture(case, found, method, explanation, figures)
    yield from _words_of_checks(found, method)
    yield '<div class="figures">'
    if faithful := found.faithfulness.get(method):
        yield from _curves(case, faithful, method, figures)
    parts = found.overlaps.get(method)
    if parts:
        yield figures.add(
            draw.overlap_draws(parts, simulated=study.simulated),
            alt=f"Share of the {name} map near the PIL, beside random regions",
            name=f"overlap {method} {case.where}",
            caption=f"Where the {name} map lies, all hours of the window together, against random "
            "regions of equal area and |B|.",
        )
    yield "</div>"
    if parts:
        yield table_html(overlap_rows(parts), caption=f"Share of the {name} map")
    if found.faithfulness.get(method):
        table = faithfulness_table([case])
        rows = table[table["map"] == method].drop(columns=[*IDENTITY, "map"])
        yield folded(f"Areas under the curves, {name}", table_html(rows))


def _about(method: str, explanation: "Explanation") -> str:
    if method == "rollout":
        return ROLLOUT
    sign = " Values below 0 speak against it." if explanation.signed else ""
    return f"{explanation.title}. Class: {explanation.target}.{sign}"


def _picture(
    case: ReportCase,
    found: ExplainedCase,
    method: str,
    explanation: "Explanation",
    figures: FigureStore,
) -> str:
    study, name = case.study, MAP_NAMES.get(method, method)
    if explanation.maps is None:
        return ""
    figure = draw.magnetogram(
        study.frames[-1],
        heat=explanation.maps[-1],
        heat_name=name,
        signed=explanation.signed,
        masks=study.masks[-1],
        show=("pil", "ropi"),
        crop_box=found.box,
        hover_position=False,
        width=900,
    )
    tokens = explanation.maps.shape[-1]
    place = figures.add(
        figure,
        alt=f"Magnetogram of {study.name} under its {name} map",
        name=f"{method} {case.where}",
        caption=f"Last hour with PIL, RoPI and {name} of its {tokens} × {tokens} tokens.",
    )
    return f'<div class="wide">{place}</div>'


def _words_of_checks(found: ExplainedCase, method: str) -> Iterator[str]:
    faithful, randomised = found.faithfulness.get(method), found.randomised.get(method)
    if randomised is not None:
        yield f"<p><b>Against random weights:</b> {html.escape(randomised.words)}</p>"
    if faithful is None:
        yield "<p>This map was not checked for faithfulness.</p>"
        return
    yield f"<p><b>Is it faithful?</b> {html.escape(faithful.verdict)}</p>"
    yield paragraphs(one.words for one in faithful.comparisons)


def _curves(
    case: ReportCase, faithful: "Faithfulness", method: str, figures: FigureStore
) -> Iterator[str]:
    simulated = case.study.simulated
    yield figures.add(
        draw.faithfulness_areas(faithful, simulated=simulated),
        alt=f"Gain of the {method} map over random order",
        name=f"faithfulness {method} {case.where}",
        caption="How much better than random order, last hour's tokens.",
    )
    for one in faithful.comparisons:
        if one.fill == "zero":
            kind = one.kind
            yield figures.add(
                draw.faithfulness_curves(faithful, fill="zero", kind=kind, simulated=simulated),
                alt=f"{kind.capitalize()} curves of the {method} map",
                name=f"{kind} {method} {case.where}",
                caption=f"{kind.capitalize()} with a zero field; areas in the legend.",
            )


def _hours(case: ReportCase, found: ExplainedCase, figures: FigureStore) -> Iterator[str]:
    place = figures.add(
        draw.hour_scores(list(found.hours.values()), simulated=case.study.simulated),
        alt="Score of each hour",
        name=f"hours {case.where}",
        caption="What the class's log-odds owe to each hour; above 0 the hour spoke for the class.",
    )
    yield f'<h4>Which hour mattered</h4><div class="wide">{place}</div>'
    rows = hours_table([case]).pivot(index="t_rec_tai", columns="method", values="score_log_odds")
    rows = rows.reset_index().rename_axis(columns=None)
    heads = {name: f"{name} (log-odds)" for name in rows.columns if name != "t_rec_tai"}
    yield folded("Scores of the hours", table_html(rows, heads=heads))
