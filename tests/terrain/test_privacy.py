"""Tracks without the surroundings of their ends."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ankle_imu.terrain.gpx import read_gpx, write_gpx
from ankle_imu.terrain.points import distances
from ankle_imu.terrain.privacy import TRIM_M, end_zones, trim_ends, zone
from ankle_imu.track import Track

M = 1.0 / 111_195.0
"""Degrees of latitude in a metre."""


def way(north: np.ndarray, east: np.ndarray, latitude: float = 46.0, longitude: float = 14.0) -> Track:
    """A track through points given in metres."""
    return Track(
        time=1.7e9 + np.arange(len(north)),
        latitude=latitude + np.asarray(north) * M,
        longitude=longitude + np.asarray(east) * M / np.cos(np.radians(latitude)),
        elevation=np.full(len(north), 600.0),
        segment=np.zeros(len(north)),
    )


def away(track: Track, latitude: float, longitude: float) -> np.ndarray:
    """Distance of all points from one, m."""
    return np.array(
        [
            distances(np.array([latitude, a]), np.array([longitude, b]))[0]
            for a, b in zip(track.latitude, track.longitude, strict=True)
        ]
    )


@given(
    st.floats(-80, 80),
    st.floats(-179, 179),
    st.floats(0, 2 * np.pi),
    st.sampled_from([b"", b"a secret", b"x" * 64]),
    st.sampled_from([TRIM_M, 100.0, 500.0]),
)
def test_no_kept_point_is_near_an_end(
    latitude: float, longitude: float, course: float, key: bytes, cut_m: float
) -> None:
    step = np.arange(0, 4000, 20.0)
    walk = way(step * np.cos(course), step * np.sin(course), latitude, longitude)
    shown = trim_ends(walk, cut_m, key=key)
    assert len(shown.time) > 100
    for end in (0, -1):
        far = away(shown, float(walk.latitude[end]), float(walk.longitude[end]))
        # 0.75 is the promise; a circle reaches 1.5 and half a diagonal of a cell of 0.5; a step is 20 m
        assert 0.75 * cut_m <= far.min() * 1.001
        assert far.min() <= (1.5 + 0.5 / np.sqrt(2)) * cut_m + 20.0
    assert set(shown.time) <= set(walk.time)


def test_many_walks_from_one_door_show_one_circle() -> None:
    """Starts that wander by some metres, in all directions: the middle of the circle is not the door."""
    rng = np.random.default_rng(3)
    shown, zones = [], set()
    for course in np.linspace(0, 2 * np.pi, 60, endpoint=False):
        out = np.r_[np.arange(0, 900, 5.0), 900.0]
        start = rng.normal(0, 2, 2)
        walk = way(start[0] + out * np.cos(course), start[1] + out * np.sin(course))
        zones |= {end_zones(walk, key=b"k")[0]}
        shown.append([trim_ends(walk, key=b"k").latitude[0], trim_ends(walk, key=b"k").longitude[0]])
    assert len(zones) == 1
    ends = np.array(shown)
    lat, lon = (ends.min(axis=0) + ends.max(axis=0)) / 2.0
    found = distances(np.array([lat, 46.0]), np.array([lon, 14.0]))[0]
    (circle,) = zones
    of_circle = distances(np.array([lat, circle.latitude]), np.array([lon, circle.longitude]))[0]
    assert of_circle < 10.0
    assert found > 10.0


def test_zones_do_not_lie_round_the_door() -> None:
    """Over many doors the middle is off by what a cell of 100 m gives: 38 m on average, by integration."""
    rng = np.random.default_rng(1)
    doors = rng.uniform(-5000, 5000, (400, 2)) * M + [46.0, 14.0]
    off, radius = [], []
    for latitude, longitude in doors:
        z = zone(latitude, longitude, key=b"secret")
        off.append(distances(np.array([latitude, z.latitude]), np.array([longitude, z.longitude]))[0])
        radius.append(z.radius_m)
    assert np.mean(off) == pytest.approx(38.3, abs=3.0)
    assert 220 < min(radius) < 225
    assert 295 < max(radius) <= 300


def test_another_key_hides_otherwise() -> None:
    assert zone(46.0, 14.0, key=b"a") != zone(46.0, 14.0, key=b"b")
    assert zone(46.0, 14.0, key=b"a") == zone(46.0, 14.0, key=b"a")


def test_passing_the_door_in_mid_walk_is_cut_too() -> None:
    out = np.arange(0, 1000, 10.0)
    north = np.r_[out, out[::-1], -out, -out[::-1]]
    shown = trim_ends(way(north, np.zeros(len(north))))
    assert list(np.unique(shown.segment)) == [0, 1]
    assert away(shown, 46.0, 14.0).min() >= 150.0
    assert "near an end" in shown.problems[-1]


def test_a_walk_round_the_house_is_gone() -> None:
    assert len(trim_ends(way(np.arange(50.0), np.zeros(50))).time) == 0
    assert len(trim_ends(trim_ends(way(np.arange(50.0), np.zeros(50)))).time) == 0


@given(st.integers(0, 60), st.booleans())
def test_what_is_shown_can_be_written_and_read(n: int, has_heights: bool) -> None:
    walk = way(np.arange(n) * 20.0, np.arange(n) * 3.0)
    shown = trim_ends(replace(walk, elevation=walk.elevation if has_heights else np.full(n, np.nan)))
    points = read_gpx(write_gpx(shown), "track.gpx")
    for name in ("time", "latitude", "longitude", "elevation", "segment"):
        np.testing.assert_allclose(getattr(points, name), getattr(shown, name), atol=1e-3 * M)


@pytest.mark.parametrize("distance", [0.0, -1.0, float("nan")])
def test_no_distance_is_refused(distance: float) -> None:
    with pytest.raises(ValueError, match="expected more than 0"):
        trim_ends(way(np.arange(5.0), np.zeros(5)), distance)
