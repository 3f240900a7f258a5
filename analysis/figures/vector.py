"""Figures of the field vector: the field along an inversion line, parameters over a passage."""

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from analysis.figures import style
from analysis.physics.pil_profile import PilProfile

__all__ = ["mark_computed", "pil_profile_figure"]

_SHEAR = "#7c5cff"
_HORIZONTAL, _TOTAL = "#17a398", "#d1a33c"
_UPPER, _LOWER = (0.58, 1.0), (0.0, 0.46)
"""Shares of the height."""


def pil_profile_figure(profile: PilProfile, *, height: int = 460) -> go.Figure:
    """Draw shear, Bh and |B| along an inversion line.

    Parameters
    ----------
    profile : PilProfile
    height : int
        Pixels.

    Returns
    -------
    Figure
        Above the shear angle, 0 to 180 degrees, with a guide at 45; below Bh and |B| in gauss;
        over the arc length in Mm. Where the direction of the horizontal field is not sure, the
        shear has open marks.
    """
    x = profile.length_mm
    where = np.stack([profile.column, profile.row], axis=1)
    place = "column %{customdata[0]}, row %{customdata[1]}<extra></extra>"
    shear = style.line(
        *("shear against the potential field", x, profile.shear_deg, _SHEAR, 2),
        yaxis="y2",
        showlegend=False,
        customdata=where,
        hovertemplate=f"%{{x:.1f}} Mm: shear %{{y:.0f}}°<br>{place}",
    )
    fields = [
        style.line(
            *(name, x, values, colour, width),
            customdata=where,
            hovertemplate=f"%{{x:.1f}} Mm: {name} %{{y:.0f}} G<br>{place}",
        )
        for name, values, colour, width in (
            ("|B|", profile.total, _TOTAL, 5), ("Bh", profile.horizontal, _HORIZONTAL, 1.8),
        )
    ]  # fmt: skip
    guide = style.guide("45°", [45, 45], x=[x[0], x[-1]])
    guide.update(yaxis="y2", showlegend=False)
    traces = [guide, shear, *fields]
    unsure = ~profile.sure
    if unsure.any():
        traces.append(
            go.Scatter(
                name="direction not sure",
                x=x[unsure],
                y=profile.shear_deg[unsure],
                yaxis="y2",
                mode="markers",
                marker={"symbol": "circle-open", "size": 7, "color": _SHEAR},
                hoverinfo="skip",
            )
        )
    return style.house_figure(
        traces,
        uirevision="pil profile",
        height=height,
        xaxis={"title_text": "along the inversion line, from its eastern end (Mm)"},
        yaxis={"title_text": "field (G)", "domain": _LOWER, "rangemode": "tozero"},
        yaxis2={
            "title_text": "shear angle (deg)",
            "domain": _UPPER,
            "range": [0, 180],
            "tickvals": [0, 45, 90, 135, 180],
            "anchor": "x",
        },
    )


def mark_computed(figure: go.Figure, computed: pd.DataFrame, keyword: str, unit: str) -> go.Figure:
    """Mark what was computed from field vectors in a history of the headers' values, in place.

    Parameters
    ----------
    figure : Figure
        Of `analysis.figures.passage.keyword_history_figure`.
    computed : DataFrame
        Of `analysis.physics.keywords.computed_history`; without the keyword nothing is marked.
    keyword, unit : str
        As for the figure.
    """
    if keyword not in computed:
        return figure
    return figure.add_trace(
        go.Scatter(
            x=computed["t_rec_tai"],
            y=computed[keyword].to_numpy(dtype=float),
            mode="markers",
            name=f"{keyword} computed",
            marker={"symbol": "diamond-open", "size": 10, "color": _SHEAR, "line": {"width": 2}},
            hovertemplate=f"%{{y:.5~g}} {unit}<extra>{keyword}, computed</extra>",
            showlegend=False,
        )
    )
