"""Words and maps stand out on every page and field, for colour-blind eyes too."""

import re
import tomllib

import numpy as np
import pytest
from skimage.color import deltaE_ciede2000, rgb2lab

from analysis.figures import style
from analysis.figures.overlays import INCLINATION_SCALE, channels, heat_rgba
from tests.conftest import ROOT


def contrast(one, other):
    """Ratio of two colours #rrggbb, as WCAG 2.2 defines it."""

    def luminance(colour):
        parts = np.array(channels(colour)[:3])
        linear = np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
        return float(linear @ (0.2126, 0.7152, 0.0722)) + 0.05

    brighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return brighter / darker


def theme(name):
    """A theme of the pages, from Streamlit's settings."""
    settings = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text(encoding="utf-8"))
    return settings["theme"][name]


@pytest.mark.parametrize(("dark", "name"), [(False, "light"), (True, "dark")])
def test_words_stand_out_from_the_page_in_both_themes(dark, name):
    page = theme(name)
    grounds = [style.PAPER[dark], page["backgroundColor"], page["secondaryBackgroundColor"]]
    inks = [both[dark] for both in style.LEGIBLE.values()]
    inks += [page[key] for key in page if key.endswith(("extColor", "linkColor"))]
    css = (ROOT / "assets" / "style" / "app.css").read_text(encoding="utf-8")
    pairs = re.findall(r"--decision-text: light-dark\((#\w{6}), (#\w{6})\)", css)
    assert len(pairs) == 2
    assert {pair[dark] for pair in pairs} <= {both[dark] for both in style.LEGIBLE.values()}
    assert contrast("#000000", "#ffffff") == pytest.approx(21.0)
    for ink in inks:
        for ground in grounds:
            assert contrast(ink, ground) >= 4.5, (ink, ground)
    assert f"light-dark({theme('light')['backgroundColor']}, " in css  # of the transport
    assert f"{theme('dark')['backgroundColor']})" in css


def test_words_in_the_colour_of_a_mark_become_legible_on_either_page():
    figure = style.house_figure(uirevision="x")
    style.write(figure, "threshold", font_color=style.THRESHOLD)
    for dark in (False, True, False):
        style.put_on(figure, dark=dark, simulated=True)
        found = [note.font.color for note in figure.layout.annotations]
        assert found == [style.LEGIBLE[one][dark] for one in (style.THRESHOLD, style.INTERPOLATED)]


DEUTERANOPIA = np.array(
    [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.01182, 0.04294, 0.968881]]
)
"""Machado, Oliveira and Fernandes (2009), severity 1, for linear light."""


def seen(rgb, *, blind):
    """Colours (..., 3) of 0 to 1 in CIE Lab, as an eye without green cones sees them or not."""
    if blind:
        linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
        linear = np.clip(linear @ DEUTERANOPIA.T, 0.0, 1.0)
        rgb = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    return rgb2lab(rgb)


@pytest.mark.parametrize("blind", [False, True])
@pytest.mark.parametrize("signed", [False, True])
def test_a_map_stands_out_from_grey_the_more_the_larger_its_value(signed, blind):
    values = np.linspace(0.0, 1.0, 11)
    for side in (1.0, -1.0) if signed else (1.0,):
        limits = (-1.0, 1.0) if signed else (0.0, 1.0)
        rgba = heat_rgba(side * values, limits, signed=signed)
        share = 0.6 * rgba[:, 3:]
        over = [
            seen(share * rgba[:, :3] + (1 - share) * ground, blind=blind) for ground in (0.5, 0, 1)
        ]
        away = deltaE_ciede2000(over[0][:1], over[0])
        assert away[0] == 0.0
        assert (np.diff(away) > 0.1).all()
        assert away[-1] > 10  # far beyond what the eye just tells apart, 1 to 2
        # Under the largest value, the field keeps two fifths of its contrast.
        assert over[2][-1, 0] - over[1][-1, 0] > (35 if signed else 40)


def test_inclination_grows_lighter_from_black_in_even_steps():
    colours = np.array([[channels(colour)[:3] for _, colour in INCLINATION_SCALE]])
    lightness = rgb2lab(colours)[0, :, 0]
    assert lightness[0] == 0.0
    assert lightness[-1] > 93
    steps = np.diff(lightness)
    assert steps.min() > 0.8 * steps.mean()
    assert steps.max() < 1.2 * steps.mean()
