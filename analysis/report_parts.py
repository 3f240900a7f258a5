"""One case of a report, from the magnetogram to the verdict."""

import html
from collections.abc import Iterator

import pandas as pd

from analysis import figures as draw
from analysis.case_table import beside
from analysis.report_case import ReportCase
from analysis.report_explained import explained_html
from analysis.report_figures import FigureStore
from analysis.report_provenance import frames_table, without_folder
from analysis.report_tables import folded, paragraphs, table_html
from analysis.trends_fluxes import MaskKind

__all__ = ["case_html"]

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
    figure = draw.magnetogram(
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
            draw.trend_history(found, mask=mask, simulated=study.simulated),
            alt=f"Flux history of {study.name}, {mask} mask",
            name=f"flux {mask} {case.where}",
            caption=caption,
        )
    yield figures.add(
        draw.slope_forest(found, simulated=study.simulated),
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
    yield folded("Flux of each hour", table_html(_hours(case)))
    # Far too long for paper; the archive has it as CSV.
    yield folded("Every trend: masks, fluxes, thresholds, μ", table_html(found.table()), "screen")


def _told(sentence: str, case: ReportCase) -> str:
    return html.escape(without_folder(sentence, case.study.case.source))


def _hours(case: ReportCase) -> pd.DataFrame:
    """Pick what a reader may want of each hour from the many columns of the archive."""
    columns = (
        *("t_rec_tai", "pil_unsigned_flux_mx", "pil_positive_flux_mx", "pil_negative_flux_mx"),
        *("pil_flux_error_mx", "total_unsigned_flux_mx", "total_flux_error_mx"),
        *("usflux_header_mx", "pil_length_mm", "longitude_deg", "quality", "interpolated"),
    )
    return case.study.history[list(columns)].assign(**case.study.measures)


def _records(case: ReportCase) -> str:
    return folded("Records of this case", table_html(frames_table(case)))
