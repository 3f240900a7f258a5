"""The disk with the regions of a source: places by sunpy, what is behind the limb."""

import astropy.units as u
import numpy as np
import pytest
from astropy.coordinates import SkyCoord
from astropy.time import Time
from hypothesis import given
from hypothesis import strategies as some
from sunpy.coordinates import frames

from analysis.figures.disk import disk_regions_figure, orthographic, sphere
from hnn_core.regions.base import Region
from hnn_core.sources import DiskPlace

TIME = Time("2011-02-14T06:00:00", scale="tai")


@given(some.floats(-180, 180), some.floats(-89, 89), some.floats(-7.3, 7.3))
def test_places_on_the_disk_are_those_of_sunpy(longitude, latitude, tilt):
    earth = SkyCoord(
        0 * u.deg, tilt * u.deg, 1 * u.AU, frame=frames.HeliographicStonyhurst, obstime=TIME
    )
    seen = frames.Heliocentric(observer=earth, obstime=TIME)
    point = SkyCoord(
        longitude * u.deg,
        latitude * u.deg,
        1 * u.R_sun,
        frame=frames.HeliographicStonyhurst,
        obstime=TIME,
    ).transform_to(seen)
    wanted = [one.to_value(u.R_sun) for one in (point.x, point.y, point.z)]
    assert np.array(orthographic(longitude, latitude, tilt)) == pytest.approx(wanted, abs=1e-6)


def test_nothing_of_the_grid_lies_behind_the_limb():
    for tilt in (0.0, 7.0):
        trace = sphere(tilt)
        radius = np.hypot(trace.x, trace.y)
        assert np.nanmax(radius) == pytest.approx(1.0, abs=1e-4)
    # Seen from the north the equator is bent southwards: its middle lies at −sin(7°).
    trace = sphere(7.0)
    middle = np.array(trace.y)[np.abs(np.array(trace.x)) < 1e-9]
    assert np.abs(middle + np.sin(np.deg2rad(7.0))).min() < 1e-4


def place(name: str, longitude: float, latitude: float) -> DiskPlace:
    return DiskPlace(Region(name, int(name), (), TIME, TIME, 1), longitude, latitude)


def test_regions_are_drawn_where_they_are_and_the_one_shown_is_marked():
    places = [
        place("377", 30.0, -20.0),
        place("378", -60.0, 15.0),
        place("379", 120.0, 0.0),  # behind the limb
        place("380", np.nan, np.nan),
    ]
    figure = disk_regions_figure(places, "377")
    drawn = {trace.name: trace for trace in figure.data[1:]}
    assert [one[0] for one in drawn["shown"].customdata] == ["377"]
    assert [one[0] for one in drawn["regions"].customdata] == ["378"]
    assert drawn["shown"].x[0] == pytest.approx(np.cos(np.deg2rad(20)) * 0.5)
    assert drawn["regions"].x[0] < 0 < drawn["regions"].y[0]
    assert figure.layout.height <= 220
