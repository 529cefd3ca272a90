"""Distance, ascent, descent and speed: by hand, by another library, with known noise, and on real tracks."""

from __future__ import annotations

from dataclasses import replace

import gpxpy.geo
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from track_files import straight

from ankle_imu.terrain import follow, read_track
from ankle_imu.terrain.points import distances
from ankle_imu.terrain.way import climbs
from ankle_imu.track import Track

heights = st.lists(st.floats(-500.0, 500.0), min_size=1, max_size=60)


def noisy(track: Track, size: float, lasts: float, seed: int) -> Track:
    """The track with errors of `size` m in each coordinate that are forgotten over `lasts` s."""
    rng = np.random.default_rng(seed)
    error = np.zeros((len(track.time), 2))
    keep = np.exp(-1.0 / lasts) if lasts else 0.0
    for k in range(1, len(error)):
        error[k] = keep * error[k - 1] + np.sqrt(1.0 - keep * keep) * rng.normal(0.0, size, 2)
    per_degree = 111_195.0 * np.cos(np.radians(46.0))
    return replace(
        track,
        latitude=track.latitude + error[:, 0] / 111_195.0,
        longitude=track.longitude + error[:, 1] / per_degree,
    )


@pytest.mark.parametrize(
    ("profile", "least", "up", "down"),
    [
        ([0, 10], 2, 10, 0),
        ([10, 0], 2, 0, 10),
        ([0, 1, 0, 1, 0, 1], 2, 0, 0),
        ([0, 5, 4, 9, 3], 2, 9, 6),
        ([0, 5, 2, 9], 2, 12, 3),
        ([7], 2, 0, 0),
    ],
)
def test_climbs_by_hand(profile, least: float, up: float, down: float) -> None:
    assert climbs(np.array(profile, dtype=float), least) == (up, down)


@given(heights)
def test_without_a_threshold_climbs_are_the_plain_sums(profile) -> None:
    step = np.diff(profile)
    up, down = climbs(np.array(profile), 0.0)
    np.testing.assert_allclose([up, down], [step[step > 0].sum(), -step[step < 0].sum()], atol=1e-6)


@given(heights, st.floats(0.0, 20.0))
def test_climbs_turned_round_are_falls(profile, least: float) -> None:
    up, down = climbs(np.array(profile), least)
    assert climbs(-np.array(profile), least) == (down, up)
    assert 0.0 <= up <= np.maximum(np.diff(profile), 0.0).sum() + 1e-6


@given(st.floats(-80, 80), st.floats(-179, 179), st.floats(-0.01, 0.01), st.floats(-0.01, 0.01))
def test_distances_against_another_library(lat: float, lon: float, north: float, east: float) -> None:
    ours = distances(np.array([lat, lat + north]), np.array([lon, lon + east]))[0]
    other = gpxpy.geo.haversine_distance(lat, lon, lat + north, lon + east)
    assert ours == pytest.approx(other, rel=0.002, abs=1e-6)  # its earth is 0.1 % larger


def test_a_straight_walk_by_hand() -> None:
    way = follow(straight(300.0))
    assert way.length == pytest.approx(1.4 * 299.0, rel=1e-4)
    np.testing.assert_allclose(way.speed, 1.4, rtol=1e-4)
    assert (way.ascent, way.descent) == (0.0, 0.0)


def test_uphill_the_way_is_longer() -> None:
    track = straight(300.0)
    way = follow(replace(track, elevation=600.0 + 0.5 * 1.4 * (track.time - track.time[0])))
    assert way.length == pytest.approx(1.4 * 299.0 * np.hypot(1.0, 0.5), rel=0.01)
    assert way.ascent == pytest.approx(0.5 * 1.4 * 299.0, abs=8.0)  # the median flattens 7 s at both ends


def test_nothing_counts_between_stretches() -> None:
    track = straight(300.0)
    later = (np.arange(300) >= 150).astype(int)
    far = replace(
        track, latitude=track.latitude + later, elevation=track.elevation + 1000.0 * later, segment=later
    )
    assert follow(far).length == pytest.approx(1.4 * 298.0, rel=1e-3)
    assert follow(far).ascent == 0.0


def test_a_spike_in_the_heights_is_no_climb() -> None:
    track = straight(300.0)
    spike = np.where((np.arange(300) > 100) & (np.arange(300) < 104), 87.0, 0.0)
    assert follow(replace(track, elevation=track.elevation + spike)).ascent == 0.0


def test_the_date_line_is_no_journey() -> None:
    track = straight(300.0)
    east = replace(track, longitude=(180.0 - 0.001 + 2e-5 * np.arange(300) + 180.0) % 360.0 - 180.0)
    west = replace(track, longitude=100.0 + 2e-5 * np.arange(300))
    assert follow(east).length == pytest.approx(follow(west).length, rel=1e-4)


@pytest.mark.parametrize(
    ("size", "lasts", "most"), [(3.0, 0.0, 0.03), (3.0, 5.0, 0.15), (5.0, 60.0, 0.15), (0.3, 0.0, 0.02)]
)
def test_errors_of_places_lengthen_the_way_little(size: float, lasts: float, most: float) -> None:
    """The plain sum is 4 times as long for 3 m of independent errors, twice as long for errors that last 5 s."""
    track = straight(1200.0)
    found = [follow(noisy(track, size, lasts, seed)).length / (1.4 * 1199.0) - 1.0 for seed in range(5)]
    assert abs(np.mean(found)) < most, found


def test_no_heights_no_ascent() -> None:
    track = straight(60.0)
    way = follow(replace(track, elevation=np.full(60, np.nan)))
    assert np.isnan([way.ascent, way.descent]).all()
    assert way.length == pytest.approx(1.4 * 59.0, rel=1e-3)


REAL = {
    # distance m, its tolerance, ascent m, its tolerance, and where they come from
    "korita-zbevnica.gpx": (15_300.0, 0.03, 704.0, 0.10),  # README of the data, figures of gpxpy
    "activity-small-fenix2-run.fit": (9_008.0, 0.03, 64.0, 0.10),  # the watch's own figures
    "garmin-fenix-5-run.fit": (157.6, 0.03, None, None),
    "garmin-fenix-5-walk.fit": (67.9, 0.03, None, None),
    "Mojstrovka.gpx": (2_870.0, 0.05, 446.0, 0.10),  # README and gpxpy
}


@pytest.mark.parametrize("name", REAL)
def test_real_tracks(shared, name: str) -> None:
    distance, within, ascent, ascent_within = REAL[name]
    way = follow(read_track((shared / "data" / "gpx_fit" / name).read_bytes(), name))
    print(f"{name}: {way.length:.0f} m, up {way.ascent:.0f} m, down {way.descent:.0f} m")
    assert way.length == pytest.approx(distance, rel=within)
    if ascent is not None:
        assert way.ascent == pytest.approx(ascent, rel=ascent_within)
