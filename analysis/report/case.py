"""One case of a report: the figures and tables that its template puts in place."""

from collections.abc import Callable
from functools import partial
from typing import Any

import pandas as pd

from analysis.cases.explained import ExplainedCase, overlap_rows
from analysis.cases.figures_checks import faithfulness_areas_figure, faithfulness_curves_figure
from analysis.cases.figures_maps import hour_scores_figure, overlap_draws_figure
from analysis.cases.figures_trends import slope_forest_figure, trend_history_figure
from analysis.cases.making import ReportCase, without_folder
from analysis.cases.tables import other_measures
from analysis.figures.magnetogram import magnetogram_figure
from analysis.physics.window_fluxes import MaskKind
from analysis.report.data import IDENTITY, faithfulness_table, hours_table
from analysis.report.html import FigurePlace, FigureStore
from analysis.report.provenance import frames_table

__all__ = ["case_parts"]

_Add = Callable[..., FigurePlace]
_MAP_NAMES = {
    "rollout": "attention rollout",
    "relevance": "class-specific relevance",
    "occlusion": "occlusion",
}
_CAPTIONS: dict[MaskKind, str] = {
    "moving": "Flux in each hour's own RoPI, with Theil–Sen lines; grey: range over thresholds on "
    "|B| and μ correction.",
    "union": "Flux in a mask fixed as the union of the RoPI over the window.",
    "patch": "Flux of the whole patch; of the area common to all hours where patches differ.",
}
_HOUR_COLUMNS = (
    *("t_rec_tai", "pil_unsigned_flux_mx", "pil_positive_flux_mx", "pil_negative_flux_mx"),
    *("pil_flux_error_mx", "total_unsigned_flux_mx", "total_flux_error_mx"),
    *("usflux_header_mx", "pil_length_mm", "longitude_deg", "quality", "interpolated"),
)
"""What a reader may want of each hour, of the many columns of the archive."""


def case_parts(case: ReportCase, figures: FigureStore) -> dict[str, Any]:
    """Return what ``case.html`` shows; `figures` takes its figures in the order of the page."""
    study, source, found = case.study, case.study.case.source, case.explained
    add = partial(figures.add, case=case.where, simulated=study.simulated)
    warnings = study.prediction.warnings if study.prediction else ()
    return {
        "study": study,
        "warnings": [without_folder(one, source) for one in warnings],
        "last_hour": _last_hour(case, add),
        "flux": _flux(case, add),
        "measures": other_measures(study),
        "hours": study.history[list(_HOUR_COLUMNS)].assign(**study.measures),
        "trends": study.systematics.table(),
        "not_explained": None if found else without_folder(case.not_explained, source),
        "maps": [_map(case, found, method, add) for method in found.maps] if found else (),
        **_hours_that_mattered(case, add),
        "frames": frames_table(case),
    }


def _last_hour(case: ReportCase, add: _Add) -> FigurePlace:
    study = case.study
    frame, masks = study.frames[-1], study.masks[-1]
    lines = "" if masks.pil.any() else " There is no PIL above the threshold in this hour."
    return add(
        magnetogram_figure(
            frame, masks=masks, show=("pil", "ropi", "hull"), hover_position=False, width=900
        ),
        alt=f"Magnetogram of {study.name} with its polarity inversion lines",
        name="magnetogram",
        caption=f"Line-of-sight field, drawn from −500 to 500 G, with PIL, RoPI and hull.{lines}",
    )


def _flux(case: ReportCase, add: _Add) -> list[FigurePlace]:
    study = case.study
    places = [
        add(
            trend_history_figure(study.systematics, mask=mask),
            alt=f"Flux history of {study.name}, {mask} mask",
            name=f"flux {mask}",
            caption=caption,
        )
        for mask, caption in _CAPTIONS.items()
    ]
    slopes = add(
        slope_forest_figure(study.systematics),
        alt=f"Slopes of {study.name} by mask and polarity",
        name="slopes",
        caption="Slopes by mask and polarity with 95 % intervals, filled where significant; wide "
        "bars: thresholds and μ correction.",
    )
    return [*places, slopes]


def _map(case: ReportCase, found: ExplainedCase, method: str, add: _Add) -> dict[str, Any]:
    """Describe one map: its picture, its checks, and where it lies."""
    name = _MAP_NAMES.get(method, method)
    picture = _picture(case, found, method, name, add)
    faithful, parts = found.faithfulness.get(method), found.overlaps.get(method)
    places, areas = [], None
    if faithful:
        places.append(
            add(
                faithfulness_areas_figure(faithful),
                alt=f"Gain of the {method} map over random order",
                name=f"faithfulness {method}",
                caption="How much better than random order, last hour's tokens.",
            )
        )
        places += [
            add(
                faithfulness_curves_figure(faithful, fill="zero", kind=kind),
                alt=f"{kind.capitalize()} curves of the {method} map",
                name=f"{kind} {method}",
                caption=f"{kind.capitalize()} with a zero field; areas in the legend.",
            )
            for kind in (one.kind for one in faithful.comparisons if one.fill == "zero")
        ]
        table = faithfulness_table([case])
        areas = table[table["map"] == method].drop(columns=[*IDENTITY, "map"])
    if parts:
        places.append(
            add(
                overlap_draws_figure(parts),
                alt=f"Share of the {name} map near the PIL, next to random regions",
                name=f"overlap {method}",
                caption=f"Where the {name} map lies, all hours of the window together, against "
                "random regions of equal area and |B|.",
            )
        )
    return {
        "method": method,
        "name": name,
        "found": found.maps[method],
        "picture": picture,
        "randomised": found.randomised.get(method),
        "faithful": faithful,
        "figures": places,
        "overlaps": overlap_rows(parts) if parts else None,
        "areas": areas,
    }


def _picture(
    case: ReportCase, found: ExplainedCase, method: str, name: str, add: _Add
) -> FigurePlace | None:
    study, explanation = case.study, found.maps[method]
    if explanation.maps is None:
        return None
    tokens = explanation.maps.shape[-1]
    return add(
        magnetogram_figure(
            study.frames[-1],
            heat=explanation.maps[-1],
            heat_name=name,
            signed=explanation.signed,
            masks=study.masks[-1],
            show=("pil", "ropi"),
            crop_box=found.boxes[-1],
            hover_position=False,
            width=900,
        ),
        alt=f"Magnetogram of {study.name} under its {name} map",
        name=method,
        caption=f"Last hour with PIL, RoPI and {name} of its {tokens} × {tokens} tokens.",
    )


def _hours_that_mattered(case: ReportCase, add: _Add) -> dict[str, Any]:
    if case.explained is None or not case.explained.hours:
        return {"hour_scores": None}
    place = add(
        hour_scores_figure(list(case.explained.hours.values())),
        alt="Score of each hour",
        name="hours",
        caption="What the class's log-odds owe to each hour; above 0: for the class.",
    )
    rows = hours_table([case]).pivot(index="t_rec_tai", columns="method", values="score_log_odds")
    heads = {name: f"{name} (log-odds)" for name in rows.columns}
    scores: pd.DataFrame = rows.reset_index().rename_axis(columns=None)
    return {"hour_scores": place, "scores": scores, "score_heads": heads}
