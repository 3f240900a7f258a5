"""One case of a report, from the magnetogram to the verdict.

What a network looked at in one case: maps, hours, checks, and where the maps lie.
"""

import html
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pandas as pd

from analysis.cases.explained import ExplainedCase, overlap_rows
from analysis.cases.figures_checks import faithfulness_areas_figure, faithfulness_curves_figure
from analysis.cases.figures_maps import hour_scores_figure, overlap_draws_figure
from analysis.cases.figures_trends import slope_forest_figure, trend_history_figure
from analysis.cases.making import ReportCase, without_folder
from analysis.cases.tables import beside
from analysis.figures.magnetogram import magnetogram_figure
from analysis.physics.window_fluxes import MaskKind
from analysis.report.data import IDENTITY, faithfulness_table, hours_table
from analysis.report.html import FigureStore, folded, paragraphs, table_html
from analysis.report.provenance import frames_table
from analysis.report.texts import ROLLOUT

if TYPE_CHECKING:
    from hnn_core.explanation.faithfulness_result import Faithfulness
    from hnn_core.explanation.service import Explanation

__all__ = ["MAP_NAMES", "case_html", "explained_html"]


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
        yield from _hours_that_mattered(case, found, figures)


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
            overlap_draws_figure(parts),
            alt=f"Share of the {name} map near the PIL, beside random regions",
            name=f"overlap {method} {case.where}",
            simulated=study.simulated,
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
    figure = magnetogram_figure(
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
        faithfulness_areas_figure(faithful),
        alt=f"Gain of the {method} map over random order",
        name=f"faithfulness {method} {case.where}",
        simulated=simulated,
        caption="How much better than random order, last hour's tokens.",
    )
    for one in faithful.comparisons:
        if one.fill == "zero":
            kind = one.kind
            yield figures.add(
                faithfulness_curves_figure(faithful, fill="zero", kind=kind),
                alt=f"{kind.capitalize()} curves of the {method} map",
                name=f"{kind} {method} {case.where}",
                simulated=simulated,
                caption=f"{kind.capitalize()} with a zero field; areas in the legend.",
            )


def _hours_that_mattered(
    case: ReportCase, found: ExplainedCase, figures: FigureStore
) -> Iterator[str]:
    place = figures.add(
        hour_scores_figure(list(found.hours.values())),
        alt="Score of each hour",
        name=f"hours {case.where}",
        simulated=case.study.simulated,
        caption="What the class's log-odds owe to each hour; above 0 the hour spoke for the class.",
    )
    yield f'<h4>Which hour mattered</h4><div class="wide">{place}</div>'
    rows = hours_table([case]).pivot(index="t_rec_tai", columns="method", values="score_log_odds")
    rows = rows.reset_index().rename_axis(columns=None)
    heads = {name: f"{name} (log-odds)" for name in rows.columns if name != "t_rec_tai"}
    yield folded("Scores of the hours", table_html(rows, heads=heads))


_CAPTIONS: dict[MaskKind, str] = {
    "moving": "Flux in each hour's own RoPI, with Theil–Sen lines; grey: range over thresholds on "
    "|B| and μ correction.",
    "union": "Flux in a mask fixed as the union of the RoPI over the window.",
    "patch": "Flux of the whole patch.",
}


def case_html(case: ReportCase, number: int, figures: FigureStore) -> str:
    """Write the section of one case.

    Parameters
    ----------
    case : ReportCase
    number : int
        From 1; the section's anchor is ``case-1``.
    figures : FigureStore
        Takes the figures.
    """
    parts = [
        f'<section class="case" id="case-{number}"><h2>{number}. {html.escape(case.study.name)}'
        f"{' (simulated)' if case.study.simulated else ''}</h2>",
        *_facts(case),
        _last_hour(case, figures),
        *_flux(case, figures),
        *explained_html(case, figures),
        _records(case),
        "</section>",
    ]
    return "\n".join(parts)


def _facts(case: ReportCase) -> Iterator[str]:
    study = case.study
    said = study.prediction
    yield f'<p class="verdict">{html.escape(study.verdict.sentence)}</p>'
    if said is None:
        yield f"<p><b>The network:</b> no prediction. {_told(study.no_prediction, case)}</p>"
    else:
        yield (
            f"<p><b>The network:</b> {said.label}, probability {said.probability:.3f} that a "
            f"flare of class ≥{html.escape(said.flare_class)} within 24 h is eruptive (threshold "
            f"{said.threshold:g}; model “{html.escape(said.model)}”).</p>"
        )
        yield paragraphs(without_folder(words, study.case.source) for words in said.warnings)
        if case.study.case.sha256 and case.study.case.sha256 != said.sha256:
            yield (
                '<p class="note">The case was saved with other weights of this model (sha256 '
                f"{html.escape(case.study.case.sha256[:12])}…"
                f"{_probability_then(case)}).</p>"
            )
    yield f"<p><b>What happened:</b> {html.escape(study.outcome.sentence)}</p>"
    if study.incomplete:
        yield (
            f'<p class="note"><b>{len(study.frames)} hours, not ten.</b> '
            f"{_told(study.incomplete, case)}</p>"
        )


def _probability_then(case: ReportCase) -> str:
    then = case.study.case.probability
    return "" if then is None else f", probability {then:.3f}"


def _last_hour(case: ReportCase, figures: FigureStore) -> str:
    study = case.study
    frame, masks = study.frames[-1], study.masks[-1]
    figure = magnetogram_figure(
        frame, masks=masks, show=("pil", "ropi", "hull"), hover_position=False, width=900
    )
    lines = "" if masks.pil.any() else " There is no PIL above the threshold in this hour."
    place = figures.add(
        figure,
        alt=f"Magnetogram of {study.name} with its polarity inversion lines",
        name=f"magnetogram {case.where}",
        caption=f"Line-of-sight field, drawn from −500 to 500 G, with PIL, RoPI and hull.{lines}",
    )
    return f'<h3>The last hour</h3><div class="wide">{place}</div>'


def _flux(case: ReportCase, figures: FigureStore) -> Iterator[str]:
    study = case.study
    found = study.systematics
    yield '<h3>Flux over the window</h3><div class="figures">'
    for mask, caption in _CAPTIONS.items():
        yield figures.add(
            trend_history_figure(found, mask=mask),
            alt=f"Flux history of {study.name}, {mask} mask",
            name=f"flux {mask} {case.where}",
            caption=caption,
        )
    yield figures.add(
        slope_forest_figure(found),
        alt=f"Slopes of {study.name} by mask and polarity",
        name=f"slopes {case.where}",
        caption="Slopes by mask and polarity with 95 % intervals, filled where significant; wide "
        "bars: thresholds and μ correction.",
    )
    yield "</div>"
    if study.verdict.evidence:
        yield f"<h4>Evidence</h4>{paragraphs(study.verdict.evidence)}"
    yield f"<h4>Caveats</h4>{paragraphs(study.verdict.caveats)}"
    yield table_html(beside(study), caption="Beside the trend")
    yield folded("Flux of each hour", table_html(_hours_shown(case)))
    # Far too long for paper; the archive has it as CSV.
    yield folded("Every trend: masks, fluxes, thresholds, μ", table_html(found.table()), "screen")


def _told(sentence: str, case: ReportCase) -> str:
    return html.escape(without_folder(sentence, case.study.case.source))


def _hours_shown(case: ReportCase) -> pd.DataFrame:
    """Pick what a reader may want of each hour from the many columns of the archive."""
    columns = (
        *("t_rec_tai", "pil_unsigned_flux_mx", "pil_positive_flux_mx", "pil_negative_flux_mx"),
        *("pil_flux_error_mx", "total_unsigned_flux_mx", "total_flux_error_mx"),
        *("usflux_header_mx", "pil_length_mm", "longitude_deg", "quality", "interpolated"),
    )
    return case.study.history[list(columns)].assign(**case.study.measures)


def _records(case: ReportCase) -> str:
    return folded("Records of this case", table_html(frames_table(case)))
