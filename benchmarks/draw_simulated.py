"""Draw the two figures of docs/method.md, section 8, into docs/images; needs Chromium or Chrome."""

import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import plotly.graph_objects as go
from PIL import Image
from plotly.subplots import make_subplots
from scipy.ndimage import binary_dilation, gaussian_filter

from analysis.figures.style import CONFINED, ERUPTIVE, PIL, house_figure, line, note_simulated
from analysis.physics.flux import unsigned_flux
from analysis.physics.pil import detect_pils
from analysis.printed.publication import (
    credit_line,
    figure_svg,
    fill_sheet,
    for_publication,
    png_bytes,
    sheet,
)
from hnn_core.simulation.evolution import STEP_G, evolve
from hnn_core.simulation.population import HOURS, Population, RegionParameters
from hnn_core.simulation.render import region_positions, render

OUT = Path(__file__).resolve().parents[1] / "docs" / "images"
SHOWN, HOUR = 15, 20
ERUPTIVE_REGION, CONFINED_REGION = 5, 3
LIMB_DEG = -55.0
NEAR_PX = 5
OPTICS_PX = 1.2  # of the observation, with which the radial field's lines are taken too
CLIP_G = 1000.0
FALSE = "#22c7c7"


def at(region: RegionParameters, longitude: float, hour: int) -> np.ndarray:
    """Line-of-sight field, G, of the same hour of the same region at another longitude."""
    moved = longitude - region_positions(region)[hour, 0]
    return render(replace(region, start_longitude=region.start_longitude + moved), hour).field


def lines(pil: np.ndarray, colour: str) -> go.Scatter:
    row, col = np.nonzero(pil)
    return go.Scatter(
        x=col, y=row, mode="markers", marker={"size": 2.6, "color": colour}, showlegend=False
    )


def region_figure() -> go.Figure:
    region = Population(0).region(SHOWN)
    radial = evolve(region).radial[HOUR] * STEP_G
    true = detect_pils(gaussian_filter(radial, OPTICS_PX)).pil
    near = binary_dilation(true, np.ones((2 * NEAR_PX + 1,) * 2))
    panels = {
        "radial field, no instrument": radial,
        "line of sight, at the central meridian": at(region, 0.0, HOUR),
        f"line of sight, the same at {-LIMB_DEG:.0f}° east": at(region, LIMB_DEG, HOUR),
    }
    drawn = make_subplots(1, 3, subplot_titles=list(panels), horizontal_spacing=0.02)
    figure = house_figure(uirevision="region")
    figure.update_layout(drawn.layout)
    rows, cols = radial.shape
    note_simulated(figure, y=-0.16, yanchor="top")
    for place, field in enumerate(panels.values(), 1):
        axes = {"xaxis": f"x{place}", "yaxis": f"y{place}"}
        picture = go.Heatmap(
            z=field, zmin=-CLIP_G, zmax=CLIP_G, colorscale="gray", showscale=False, zsmooth="fast"
        )
        pil = true if field is radial else detect_pils(field).pil
        for trace in (picture, lines(pil & near, PIL), lines(pil & ~near, FALSE)):
            figure.add_trace(trace.update(axes))
        figure.update_layout({
            f"xaxis{place}": {
                "range": [cols / 2 - 160, cols / 2 + 160], "title": "pixels (0.03°)"
            },
            f"yaxis{place}": {
                "range": [rows / 2 - 122, rows / 2 + 122], "scaleanchor": f"x{place}",
                "showticklabels": place == 1,
            },
        })  # fmt: skip
    return figure.update_layout(height=330)


def cancellation_figure() -> go.Figure:
    """Draw what is measured above what is true, an eruptive region left of a confined one."""
    drawn = make_subplots(
        2, 2, shared_xaxes=True, shared_yaxes=True, horizontal_spacing=0.03, vertical_spacing=0.06
    )
    figure = house_figure(uirevision="cancellation")
    figure.update_layout(drawn.layout)
    for column, (index, kind, colour) in enumerate(
        ((ERUPTIVE_REGION, "eruptive", ERUPTIVE), (CONFINED_REGION, "confined", CONFINED)), 1
    ):
        region = Population(0).region(index)
        hours = np.arange(HOURS)
        flux = []
        for hour in hours:
            frame = render(region, hour)
            mask = detect_pils(frame.field).ropi
            flux.append(unsigned_flux(frame.field, frame.pixel_area, mask).value / 1e20)
        rate = evolve(region).pil_cancellation / 1e19
        name = f"SIM {index}, {kind}"
        upper = line(name, hours, flux, colour, 2.4)
        lower = line(name, hours[1:], rate[1:], colour, 2.4, showlegend=False)
        for below, trace in ((0, upper), (2, lower)):
            axis = str(column + below).replace("1", "")
            figure.add_trace(trace.update(xaxis=f"x{axis}", yaxis=f"y{axis}"))
            for hour, word in ((region.onset_hour, "onset"), (region.flare_hour, "flare")):
                figure.add_shape(
                    type="line", x0=hour, x1=hour, y0=0, y1=1, xref=f"x{axis}",
                    yref=f"y{axis} domain", line={"width": 1, "dash": "dash"},
                )  # fmt: skip
                if not below:
                    figure.add_annotation(
                        x=hour, y=1, xref=f"x{axis}", yref=f"y{axis} domain", text=word,
                        showarrow=False, xanchor="left", yanchor="top",
                    )  # fmt: skip
    figure.update_xaxes(dtick=12, range=[0, HOURS - 1])

    return figure.update_layout(
        height=440,
        xaxis3_title="hours since the first frame",
        xaxis4_title="hours since the first frame",
        yaxis_range=[0, 6],
        yaxis3_range=[0, 26],
        yaxis_title="PIL flux (10²⁰ Mx)",
        yaxis3_title="cancelled (10¹⁹ Mx/h)",
    )


def small(png: bytes) -> bytes:
    """Keep 256 colours, which halves the bytes."""
    out = io.BytesIO()
    Image.open(io.BytesIO(png)).convert("RGB").quantize(256).save(out, "PNG", optimize=True)
    return out.getvalue()


def main() -> None:
    titles = {
        "simulated_region": [
            f"SIM {SHOWN} of seed 0, hour {HOUR}: what the field is, and what is observed of it",
            "Pink: inversion line. Turquoise: false one, with none of the radial field within "
            f"{NEAR_PX} pixels. Black to white: ±{CLIP_G:.0f} G.",
        ],
        "simulated_cancellation": [
            "Flux in the RoPI and flux truly cancelled at the main inversion line, hour by hour",
        ],
    }
    figures = [region_figure(), cancellation_figure()]
    printed = [for_publication(figure, simulated=True) for figure in figures]
    for (name, title), picture in zip(titles.items(), figure_svg(printed), strict=True):
        svg = fill_sheet(sheet(title, credit_line(simulated=True), title[0]), picture)
        (OUT / f"{name}.png").write_bytes(small(png_bytes(svg, scale=1.3)))


if __name__ == "__main__":
    main()
