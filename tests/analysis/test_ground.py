"""The track of a session joined by the analysis, and the slope under its strides, against the truth."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from track_files import START

import ankle_imu as ai
from ankle_imu import tables
from ankle_imu.simulate.watch import HOME, watch
from ankle_imu.terrain import places
from ankle_imu.values import Marker

STARTED = "2026-11-08T09:00:00Z"


@pytest.fixture(scope="module")
def walk():
    """Ten minutes on a hill with one foot sensor, and its truth."""
    plan = ai.simulate.Plan(
        duration_s=600.0, sampling_rate=104.0, placements=("left_foot",), terrain="hill", errors="typical"
    )
    recording, truth = ai.simulate.walk(plan, seed=5)
    return replace(recording, session=replace(recording.session, started_utc=STARTED)), truth


@pytest.fixture(scope="module")
def joined(walk):
    recording, truth = walk
    track = watch(truth, START, clock_ahead_s=37.0, extra_s=60.0, gaps=((200.0, 290.0),))
    marks = (Marker(time_s=100.0, text="bridge"),)
    return ai.analyze(replace(recording, track=track, markers=marks))


def test_the_offset_of_the_clocks_is_found(joined) -> None:
    found = joined.quality["track"]
    assert found["offset_source"] == "correlation"
    assert abs(found["offset_s"] - 37.0) < 1.0
    assert 0.5 <= found["offset_doubt_s"] < 2.0
    assert not any("offset" in warning for warning in joined.quality["warnings"])


def test_each_stride_lies_where_it_was(walk, joined) -> None:
    truth = walk[1]
    context = joined.context
    tables.check_columns(joined.track, tables.TRACK)
    own = truth.position["left_foot"]
    east, north = (np.interp(context["time_s"], truth.time, own[:, k]) for k in range(2))
    off_north = (context["latitude_deg"] - HOME[0]) * 111_195.0 - north
    off_east = (context["longitude_deg"] - HOME[1]) * 111_195.0 * np.cos(np.radians(HOME[0])) - east
    away = np.hypot(off_north, off_east)
    assert np.nanmedian(away) < 5.0  # the receiver errs by 3 m in each coordinate
    in_gap = ((context["time_s"] > 205.0) & (context["time_s"] < 285.0)).to_numpy()
    assert in_gap.sum() > 40
    assert np.isnan(away[in_gap]).all()
    assert np.isfinite(away[(context["time_s"] < 195.0) | (context["time_s"] > 295.0)]).all()
    assert joined.quality["track"]["coverage"] == pytest.approx(np.isfinite(away).mean())
    assert (np.diff(context["track_distance_m"].dropna()) >= 0.0).all()
    assert np.isfinite(context["elevation_m"]).sum() == np.isfinite(away).sum()


def test_events_have_a_place(joined) -> None:
    where = places(joined.track, joined.events["time_s"])
    assert len(where["latitude_deg"]) == len(joined.events) > 0
    assert np.isfinite(where["latitude_deg"]).any()


def test_without_a_track_nothing_is_claimed(walk) -> None:
    result = ai.analyze(walk[0])
    assert result.quality["track"] == {}
    assert len(result.track) == 0
    assert result.context[["latitude_deg", "elevation_m", "track_distance_m"]].isna().all(axis=None)
    assert result.context["grade"].notna().mean() > 0.95


def test_where_walking_tells_nothing_the_clocks_are_trusted_with_a_warning(walk) -> None:
    recording, truth = walk
    other = ai.simulate.walk(ai.simulate.Plan(duration_s=600.0, sampling_rate=52.0, placements=("left_foot",)), 9)[
        1
    ]
    result = ai.analyze(replace(recording, track=watch(other, START)))
    assert result.quality["track"]["offset_source"] == "clocks"
    assert any("could not be found" in warning for warning in result.quality["warnings"])
    far = ai.analyze(replace(recording, track=watch(truth, START - 3e7)))
    assert far.quality["track"]["coverage"] == 0.0
    assert any("no stride lies on it" in warning for warning in far.quality["warnings"])


def test_a_track_without_times_gives_distance_only(walk) -> None:
    recording, truth = walk
    track = watch(truth, START)
    result = ai.analyze(replace(recording, track=replace(track, time=np.full(len(track.time), np.nan))))
    assert len(result.track) == 0
    assert result.quality["track"]["distance_m"] > 300.0
    assert result.quality["track"]["coverage"] == 0.0


def true_grade(truth, leg: str, at) -> np.ndarray:
    """Rise over run of the ten true strides around each time."""
    own = truth.strides[truth.strides["leg"] == leg]
    start, rise, run = (own[c].to_numpy(float) for c in ("ic_s", "height_change_m", "stride_length_m"))
    found = []
    for k in (int(np.abs(start - t).argmin()) for t in at):
        near = np.arange(max(0, k - 5), min(len(start), k + 5))
        near = near[np.abs(start[near] - start[k]) < 30.0]
        found.append(rise[near].sum() / run[near].sum())
    return np.array(found)


BOTH = ("left_foot", "right_foot")
SLOPES = [
    # gait, errors, sensors, share of strides within 0.03, 1-sigma
    ("walk", "typical", ("left_foot",), 1.0, 0.01),
    ("walk", "typical", BOTH, 1.0, 0.01),
    ("walk", "full", ("left_foot",), 0.95, 0.025),
    ("walk", "full", BOTH, 1.0, 0.02),
    ("run", "typical", ("left_foot",), 1.0, 0.02),
    ("run", "typical", BOTH, 1.0, 0.02),
    # The height of every stride is off by up to 12 cm here, and a running foot never lies still: no second cue.
    ("run", "full", ("left_foot",), 0.95, 0.03),
    ("run", "full", BOTH, 0.9, 0.03),
]


@pytest.mark.parametrize(("gait", "errors", "worn", "share", "sigma"), SLOPES)
def test_grade_of_ten_strides_is_within_three_percent(gait, errors, worn, share: float, sigma: float) -> None:
    plan = ai.simulate.Plan(
        duration_s=180.0, sampling_rate=104.0, placements=worn, gait=gait, terrain="hill", errors=errors
    )
    recording, truth = ai.simulate.walk(plan, seed=2)
    result = ai.analyze(recording)
    off = []
    for leg in ("left", "right"):
        rows = (result.strides["leg"] == leg).to_numpy()
        if rows.any():
            off.append(result.context["grade"][rows] - true_grade(truth, leg, result.strides["ic_s"][rows]))
    error = np.concatenate(off)
    assert np.isfinite(error).mean() > 0.95
    error = error[np.isfinite(error)]
    within, rms = np.mean(np.abs(error) <= 0.03), np.sqrt(np.mean(error**2))
    print(f"{gait} {errors} {len(worn)}: within 0.03 {within:.3f}, rms {rms:.4f}")
    assert within >= share
    assert rms < sigma


def test_heights_of_a_track_make_the_grade_of_a_run_sure() -> None:
    """The case that misses above, with a watch on."""
    plan = ai.simulate.Plan(
        duration_s=900.0, sampling_rate=104.0, placements=("left_foot",), gait="run", terrain="hill", errors="full"
    )
    recording, truth = ai.simulate.walk(plan, seed=3)
    session = replace(recording.session, started_utc=STARTED)
    result = ai.analyze(replace(recording, session=session, track=watch(truth, START, clock_ahead_s=37.0)))
    error = result.context["grade"] - true_grade(truth, "left", result.strides["ic_s"])
    assert np.sqrt(np.nanmean(error**2)) < 0.015
    assert np.nanmean(np.abs(error) <= 0.03) > 0.97
