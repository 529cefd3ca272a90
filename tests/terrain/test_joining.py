"""Two clocks of one walk: the offset is found where pace and turns tell it, and never invented."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from track_files import START, straight

from ankle_imu.simulate.watch import watch
from ankle_imu.terrain import join_clocks
from ankle_imu.terrain.joining import motion_of_strides

WATCHES = {
    "errors of 3 m, a point a second": {},
    "errors of 5 m that last half a minute": {"error_m": 5.0, "error_lasts_s": 30.0},
    "independent errors": {"error_lasts_s": 0.0},
    "smart recording": {"every_s": (4.0, 8.0)},
    "gaps": {"gaps": ((100.0, 250.0), (700.0, 950.0))},
    "smart recording with gaps": {"every_s": (4.0, 8.0), "gaps": ((100.0, 250.0), (700.0, 950.0))},
    "switched on early and off late": {"extra_s": 900.0},
}


@pytest.mark.parametrize("ahead", [37.0, -37.0, 0.0])
@pytest.mark.parametrize("kind", WATCHES)
def test_the_offset_is_found_within_a_second(half_an_hour, kind: str, ahead: float) -> None:
    track = watch(half_an_hour.truth, START, clock_ahead_s=ahead, seed=3, **WATCHES[kind])
    join = join_clocks(track, half_an_hour.motion, START)
    assert join.source == "correlation", join.told
    # both troubles at once, with a quarter of the track away: 1.2 s here, 0.2-0.5 s in six other walks
    assert abs(join.offset_s - ahead) < (1.5 if kind == "smart recording with gaps" else 1.0)
    assert 0.5 <= join.doubt_s < 2.0
    assert abs(join.offset_s - ahead) < 3.0 * join.doubt_s


def test_a_wrong_time_zone_is_found(half_an_hour) -> None:
    track = watch(half_an_hour.truth, START, clock_ahead_s=7200.0 + 37.0, seed=3)
    join = join_clocks(track, half_an_hour.motion, START)
    assert join.source == "correlation"
    assert abs(join.offset_s - 7237.0) < 1.0


def test_with_a_shank_alone_it_is_found_or_said_to_be_unknown(half_an_hour) -> None:
    join = join_clocks(
        watch(half_an_hour.truth, START, clock_ahead_s=37.0, seed=3), half_an_hour.without_heading(), START
    )
    assert join.source == "clocks" or abs(join.offset_s - 37.0) < 3.0 * join.doubt_s


def test_the_drive_to_the_walk_does_not_matter(half_an_hour) -> None:
    track = watch(half_an_hour.truth, START, clock_ahead_s=37.0, extra_s=900.0, seed=3)
    away = np.interp(track.time - START, [-900.0, -100.0], [0.2, 0.0])
    join = join_clocks(replace(track, latitude=track.latitude + away), half_an_hour.motion, START)
    assert join.source == "correlation"
    assert abs(join.offset_s - 37.0) < 1.0


def constant(seconds: float, speed: float = 1.4):
    """Motion of a straight walk at one speed."""
    start = np.arange(0.0, seconds - 1.0, 1.1)
    return motion_of_strides(start, start + 1.1, np.full(len(start), speed), np.zeros(len(start)), seconds)


@pytest.mark.parametrize("size", [0.0, 3.0])
@pytest.mark.parametrize("seed", range(5))
def test_a_straight_walk_at_one_speed_tells_nothing(size: float, seed: int) -> None:
    rng = np.random.default_rng(seed)
    track = straight(1800.0)
    noise = rng.normal(0.0, size, (2, 1800)) / 111_195.0
    track = replace(track, latitude=track.latitude + noise[0], longitude=track.longitude + noise[1])
    join = join_clocks(track, constant(1800.0), START - 37.0)
    assert (join.source, join.offset_s) == ("clocks", 0.0)
    assert "could not be found" in join.told
    assert np.isnan(join.correlation)


@pytest.mark.parametrize("kind", WATCHES)
def test_the_track_of_another_walk_is_not_made_to_fit(half_an_hour, another, kind: str) -> None:
    for track_of, motion_of in ((half_an_hour, another), (another, half_an_hour)):
        join = join_clocks(watch(track_of.truth, START, seed=3, **WATCHES[kind]), motion_of.motion, START)
        assert join.source == "clocks", join


def test_a_track_of_another_year_is_not_searched(half_an_hour) -> None:
    track = watch(half_an_hour.truth, START, clock_ahead_s=-3e7, seed=3)
    join = join_clocks(track, half_an_hour.motion, START)
    assert join.source == "clocks"
    assert "no two minutes in common" in join.told


def test_short_and_untimed_tracks_are_trusted(half_an_hour) -> None:
    for track in (straight(60.0), replace(straight(600.0), time=np.full(600, np.nan))):
        assert join_clocks(track, half_an_hour.motion, START).source == "clocks"


def test_without_a_start_time_both_are_taken_to_start_together(half_an_hour) -> None:
    track = watch(half_an_hour.truth, START, seed=3)
    join = join_clocks(track, half_an_hour.motion, float("nan"))
    assert join.started == track.time[0]
    assert join.source == "correlation"
    assert abs(join.offset_s + track.time[0] - START) < 1.0


def test_no_strides_and_no_motion() -> None:
    nothing = motion_of_strides(*(np.empty(0) for _ in range(4)), 600.0)
    assert join_clocks(straight(600.0), nothing, START).source == "clocks"
    away = motion_of_strides(*(np.empty(0) for _ in range(4)), 600.0, [(0.0, 600.0)])
    assert join_clocks(straight(600.0), away, START).source == "clocks"
