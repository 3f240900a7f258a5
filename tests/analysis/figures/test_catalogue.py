"""Figures of the catalogue and marks of CMEs, on drawn flares with a known place."""

import math

import numpy as np
import pandas as pd
import pytest
from astropy.time import Time

from analysis.export import flare_csv, flare_table
from analysis.figures.catalogue import butterfly_figure, disk_figure, largest_placed
from analysis.figures.passage import probability_figure
from hnn_core.regions.base import Cme, Flare


def drawn(**columns: object) -> pd.DataFrame:
    rows = {
        "flare_id": ["a", "b", "c"],
        "goes_class": ["X2.2", "M1.0", "C5.0"],
        "scale": "operational",
        "peak_utc": pd.to_datetime(["2011-02-15T01:56", "2011-02-14T17:26", "2012-01-01T00:00"]),
        "noaa": [11158, 0, 11400],
        "harp": [377, 0, 0],
        "noaa_origin": ["NCEI", "", "HEK"],
        "longitude_deg": [30.0, -95.0, np.nan],
        "latitude_deg": [-20.0, 10.0, np.nan],
        "flux_w_m2": [2.2e-4, 1e-5, 5e-6],
        "association": ["eruptive", "unlinked", "unknown"],
        "reason": ["the record <b>links</b> it", "", "not in DONKI"],
        "cme_ids": ["one;two", "", ""],
        "sources": "NCEI,DONKI",
        "fetched_utc": pd.Timestamp("2026-11-25T05:00"),
    }
    return pd.DataFrame({**rows, **columns})


CMES = pd.DataFrame(
    {
        "cme_id": ["one", "two"],
        "start_utc": pd.to_datetime(["2011-02-15T02:24", "2011-02-15T02:36"]),
        "speed_km_s": [669.0, np.nan],
    }
)


def points(figure, name: str) -> tuple[list, list]:
    (trace,) = [one for one in figure.data if one.name == name]
    return list(trace.x), list(trace.y)


def test_only_placed_flares_are_drawn_the_largest_first():
    assert largest_placed(drawn())["flare_id"].tolist() == ["a", "b"]
    assert largest_placed(drawn(), most=1)["flare_id"].tolist() == ["a"]


def test_butterfly_shows_latitude_over_time_in_degrees():
    figure = butterfly_figure(largest_placed(drawn()))
    times, latitudes = points(figure, "CME linked")
    assert (pd.Timestamp(times[0]), latitudes) == (pd.Timestamp("2011-02-15T01:56"), [-20.0])
    assert figure.layout.yaxis.title.text == "latitude (°, north positive)"
    assert figure.layout.xaxis.title.text == "peak (UTC)"
    assert figure.data[-1].customdata[0][0] == "a"


def test_disk_is_an_orthographic_view_and_leaves_out_what_is_behind_the_limb():
    figure = disk_figure(largest_placed(drawn()))
    x, y = points(figure, "CME linked")
    # cos(20°) sin(30°) and sin(-20°), in solar radii; west is right.
    assert x == pytest.approx([0.469846], abs=1e-6)
    assert y == pytest.approx([-0.342020], abs=1e-6)
    assert points(figure, "no CME linked in DONKI") == ([], [])


def test_dots_grow_with_the_class_and_hover_text_is_escaped():
    figure = butterfly_figure(largest_placed(drawn()))
    sizes = {trace.name: list(trace.marker.size) for trace in figure.data}
    # C1 is 4 px and every decade 4.5 px more: M1.0 is one decade up, X2.2 is 2.342.
    assert sizes["no CME linked in DONKI"] == pytest.approx([8.5])
    assert sizes["CME linked"] == pytest.approx([4 + 4.5 * math.log10(220)])
    assert "&lt;b&gt;links&lt;/b&gt;" in figure.data[-1].customdata[0][1]


def test_no_flare_at_all_is_an_empty_figure_and_no_error():
    empty = largest_placed(drawn().iloc[:0])
    for figure in (butterfly_figure(empty), disk_figure(empty)):
        assert all(not trace.customdata for trace in figure.data)


def test_the_table_has_words_for_people_and_never_says_confined():
    table = flare_table(drawn(), CMES)
    assert table["position"].tolist() == ["S20W30", "N10E95", ""]
    assert table["CME"].tolist() == [
        "CME linked in DONKI",
        "no CME linked in DONKI",
        "not known",
    ]
    assert table["CMEs linked"][0] == "02-15 02:24 669 km/s; 02-15 02:36 speed not known"
    assert table["NOAA"].isna().tolist() == [False, True, False]
    csv = flare_csv(drawn(), CMES)
    assert csv.splitlines()[0].startswith("flare_id,goes_class,scale,peak_utc")
    assert "confined" not in csv + table.to_string()


def passage(flares: tuple[Flare, ...]):
    table = pd.DataFrame(
        {
            "t_rec": pd.date_range("2011-02-14", periods=30, freq="h").astype(str),
            "probability": np.linspace(0, 1, 30),
        }
    )
    return probability_figure(table, flares=flares)


def test_cmes_stand_where_they_were_first_seen_once_each_with_their_speed():
    cme = Cme("2011-02-15T02:24:00-CME-001", Time("2011-02-15T02:24", scale="utc"), 669.0)
    slow = Cme("2011-02-14T18:00:00-CME-001", Time("2011-02-14T18:00", scale="utc"))
    flares = (
        Flare(Time("2011-02-15T01:56", scale="utc"), "X2.2", "eruptive", cmes=(cme,)),
        Flare(Time("2011-02-15T01:30", scale="utc"), "C5.0", "eruptive", cmes=(cme,)),
        Flare(Time("2011-02-14T17:26", scale="utc"), "M2.2", "eruptive", cmes=(slow,)),
    )
    (marks,) = [one for one in passage(flares).data if one.name == "CME, when first seen"]
    # 34 s ahead in TAI, as the axis is.
    assert [str(x)[:19] for x in marks.x] == ["2011-02-15T02:24:34", "2011-02-14T18:00:34"]
    assert "CME 669 km/s" in marks.text
    assert "linked to X2.2, C5.0" in marks.customdata[0]
    assert "km/s" not in marks.customdata[1]  # no speed is known, so none is told


def test_a_flare_tells_its_reason_on_hover_and_without_cmes_there_is_no_mark():
    flare = Flare(
        Time("2011-02-14T17:26", scale="utc"), "M2.2", "unlinked", reason="in DONKI <no> link"
    )
    figure = passage((flare,))
    (marks,) = [one for one in figure.data if one.name == "flare, no CME linked in DONKI"]
    assert "in DONKI &lt;no&gt; link" in marks.customdata[0]
    assert not [one for one in figure.data if one.name == "CME, when first seen"]
