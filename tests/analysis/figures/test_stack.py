"""Figures over a passage above each other: one axis of time, in TAI or UTC."""

from itertools import pairwise

import numpy as np
import pandas as pd
import plotly.io as pio
import pytest
from astropy.time import Time

from analysis.figures.passage import (
    keyword_history_figure,
    probability_figure,
    stacked_figure,
)
from hnn_core.regions.base import Flare

HOURS = pd.date_range("2011-02-13T05:00", periods=8, freq="h")
FLARES = [Flare(Time("2011-02-13T08:30:00", scale="utc"), "M6.6", "unlinked")]


def rows():
    passage = pd.DataFrame({"t_rec": HOURS[2:], "probability": np.linspace(0.1, 0.9, 6)})
    table = pd.DataFrame({"t_rec_tai": HOURS.delete(3), "R_VALUE": [4.0, np.nan, *[4.5] * 5]})
    first = keyword_history_figure(table, "R_VALUE", "log₁₀ Mx", "unsigned flux near PILs")
    return [probability_figure(passage), first, probability_figure(passage, threshold=0.3)]


def stacked(**changes):
    current = Time("2011-02-13T09:00:00", scale="tai")
    window = (Time("2011-02-13T06:00:00", scale="tai"), current)
    return stacked_figure(
        rows(), name="377", current=current, window=window, flares=FLARES, **changes
    )


def test_rows_have_one_axis_of_time_and_do_not_overlap():
    figure = stacked()
    assert {trace.xaxis for trace in figure.data} <= {None, "x"}
    assert [trace.yaxis for trace in figure.data[:3]] == ["y", "y3", "y4"]
    layout = figure.layout
    domains = [layout[f"yaxis{n}"].domain for n in ("", 3, 4)]
    for (low, _), (_, high) in pairwise(domains):
        assert low > high
    assert domains[-1][0] == 0.0
    assert layout.yaxis2.domain == layout.yaxis.domain
    assert layout.xaxis.anchor == "y4"
    assert layout.meta == {"scale": "tai"}
    titles = {note.text for note in layout.annotations}
    assert {"P(eruptive)", "R_VALUE, unsigned flux near PILs (log₁₀ Mx)"} <= titles
    assert all(layout[f"yaxis{n}"].fixedrange for n in ("", 3, 4))


def test_marks_of_time_run_through_all_rows_and_thresholds_stay_in_theirs():
    shapes = stacked().layout.shapes
    (hour,) = [one for one in shapes if one.name == "current hour"]
    assert (hour.yref, hour.x0) == ("paper", "2011-02-13T09:00:00.000")
    thresholds = {(one.yref, one.y0) for one in shapes if one.y0 == one.y1}
    assert thresholds == {("y", 0.5), ("y4", 0.3)}
    assert len([one for one in stacked().data if one.name == "flare, no CME linked in DONKI"]) == 1


def test_utc_moves_everything_and_the_pointer_is_answered_in_both():
    tai, utc = stacked(), stacked(scale="utc")
    assert utc.layout.xaxis.title.text == "T_REC (UTC)"
    for before, after in zip(tai.data, utc.data, strict=True):
        late = pd.to_datetime(before.x) - pd.to_datetime(after.x)
        assert set(late) == {pd.Timedelta(seconds=34)}  # in 2011
    lines = {one.name: one for one in utc.layout.shapes if one.name}
    assert pd.Timestamp(lines["current hour"].x0) == pd.Timestamp("2011-02-13T08:59:26")
    assert tai.data[-1].customdata[3] == "2011-02-13 08:59:26 UTC"
    assert utc.data[-1].customdata[3] == "2011-02-13 09:00:00 TAI"
    (flare,) = [one for one in utc.data if one.name == "flare, no CME linked in DONKI"]
    assert pd.Timestamp(flare.x[0]) == pd.Timestamp("2011-02-13T08:30:00")
    assert "2011-02-13 08:30:00 UTC (08:30:34 TAI)" in flare.customdata[0]
    assert pio.from_json(utc.to_json()).layout.meta == {"scale": "utc"}


@pytest.mark.parametrize(
    ("scale", "start"), [("tai", "2011-02-13T06:00:00.000"), ("utc", "2011-02-13T05:59:26.000")]
)
def test_the_axis_shows_a_span_in_its_scale_and_the_whole_without_one(scale, start):
    span = [Time(f"2011-02-13T{hour:02}:00:00", scale="tai") for hour in (6, 9)]
    assert stacked(scale=scale, span=span).layout.xaxis.range[0] == start
    assert stacked(scale=scale).layout.xaxis.range is None


def test_a_stack_of_nothing_is_refused():
    with pytest.raises(ValueError, match="no figure"):
        stacked_figure([], name="377")


def test_large_numbers_have_powers_of_ten_and_not_letters():
    layout = stacked().layout.template.layout
    assert layout.xaxis.exponentformat == layout.yaxis.exponentformat == "power"
