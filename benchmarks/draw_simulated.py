"""Draw the two figures of docs/method.md, section 8, into docs/images; needs Chromium or Chrome."""

import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import plotly.graph_objects as go
from PIL import Image
from plotly.subplots import make_subplots
from scipy.ndimage import binary_dilation

from analysis.figures.style import CONFINED, ERUPTIVE, PIL, house_figure, line
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
REGION, CONFINED_REGION, HOUR = 5, 3, 20
LIMB_DEG = 55.0
NEAR_PX = 5
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
    region = Population(0).region(REGION)
    radial = evolve(region).radial[HOUR] * STEP_G
    true = detect_pils(radial).pil
    near = binary_dilation(true, np.ones((2 * NEAR_PX + 1,) * 2))
    panels = {
        "radial field, no instrument": radial,
        "line of sight, at the central meridian": at(region, 0.0, HOUR),
        f"line of sight, the same at {LIMB_DEG:.0f}° west": at(region, LIMB_DEG, HOUR),
    }
    drawn = make_subplots(1, 3, subplot_titles=list(panels), horizontal_spacing=0.02)
    figure = house_figure(uirevision="region")
    figure.update_layout(drawn.layout)
    rows, cols = radial.shape
    for place, field in enumerate(panels.values(), 1):
        axes = {"xaxis": f"x{place}", "yaxis": f"y{place}"}
        picture = go.Heatmap(
            z=field, zmin=-CLIP_G, zmax=CLIP_G, colorscale="gray", showscale=False, zsmooth="fast"
        )
        pil = detect_pils(field).pil
        for trace in (picture, lines(pil & near, PIL), lines(pil & ~near, FALSE)):
            figure.add_trace(trace.update(axes))
        figure.update_layout({
            f"xaxis{place}": {
                "range": [cols / 2 - 150, cols / 2 + 150], "title": "pixels (0.03°)"
            },
            f"yaxis{place}": {
                "range": [rows / 2 - 125, rows / 2 + 125], "scaleanchor": f"x{place}",
                "showticklabels": place == 1,
            },
        })  # fmt: skip
    return figure.update_layout(height=330)


def cancellation_figure() -> go.Figure:
    drawn = make_subplots(1, 2, specs=[[{"secondary_y": True}] * 2], horizontal_spacing=0.16)
    figure = house_figure(uirevision="cancellation")
    figure.update_layout(drawn.layout)
    for place, (index, kind, colour) in enumerate(
        ((REGION, "eruptive", ERUPTIVE), (CONFINED_REGION, "confined", CONFINED))
    ):
        region = Population(0).region(index)
        flux = []
        for hour in range(HOURS):
            frame = render(region, hour)
            mask = detect_pils(frame.field).ropi
            flux.append(unsigned_flux(frame.field, frame.pixel_area, mask).value / 1e21)
        hours = np.arange(HOURS)
        first = 2 * place + 1
        figure.add_trace(
            line(f"SIM {index}, {kind}: PIL flux", hours, flux, colour, 2.4).update(
                xaxis=f"x{place + 1}", yaxis=f"y{first}"
            )
        )
        rate = evolve(region).pil_cancellation[1:] / 1e19
        figure.add_trace(
            line(f"SIM {index}: true cancellation", hours[1:], rate, "#606a78", 1.8, "dot").update(
                xaxis=f"x{place + 1}", yaxis=f"y{first + 1}"
            )
        )
        for hour, word in ((region.onset_hour, "onset"), (region.flare_hour, "flare")):
            figure.add_vline(
                x=hour,
                line={"width": 1, "dash": "dash"},
                annotation_text=word,
                row=1,
                col=place + 1,
            )
        figure.update_layout({
            f"xaxis{place + 1}": {"title": "hours since the first frame", "dtick": 12},
            f"yaxis{first}": {"title": "PIL flux (10²¹ Mx)", "rangemode": "tozero"},
            f"yaxis{first + 1}": {
                "title": "cancelled (10¹⁹ Mx/h)", "range": [0, 15], "showgrid": False
            },
        })  # fmt: skip
    return figure.update_layout(height=380)


def small(png: bytes) -> bytes:
    """Keep 128 colours, which halves the bytes."""
    out = io.BytesIO()
    Image.open(io.BytesIO(png)).convert("RGB").quantize(128).save(out, "PNG", optimize=True)
    return out.getvalue()


def main() -> None:
    titles = {
        "simulated_region": [
            f"SIM {REGION} of seed 0, hour {HOUR}: what the field is, and what is observed of it",
            "Pink: inversion line; turquoise: false one, with none of the radial field within "
            f"{NEAR_PX} px. ±{CLIP_G:.0f} G.",
        ],
        "simulated_cancellation": [
            "Flux in the RoPI and flux truly cancelled at the main inversion line, hour by hour",
        ],
    }
    figures = [region_figure(), cancellation_figure()]
    printed = [for_publication(figure, simulated=True) for figure in figures]
    for (name, title), picture in zip(titles.items(), figure_svg(printed), strict=True):
        svg = fill_sheet(sheet(title, credit_line(simulated=True), title[0]), picture)
        (OUT / f"{name}.png").write_bytes(small(png_bytes(svg, scale=1.6)))


if __name__ == "__main__":
    main()
