"""The simulator against itself: readings are derivatives of poses, contacts hold, mirrors mirror."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from ankle_imu import frames, quaternion, simulate, tables
from ankle_imu.simulate.moves import Moves
from ankle_imu.simulate.plan import mirrored
from ankle_imu.units import DEGREE, STANDARD_GRAVITY

DENSE = simulate.Plan(
    duration_s=24.0, sampling_rate=2000.0, movements=False, terrain="hill", mounts="random", rolls=2
)


@pytest.fixture(scope="module", params=["walk", "run"])
def dense(request):
    return simulate.walk(replace(DENSE, gait=request.param), seed=4)


@pytest.fixture(scope="module")
def opened():
    return simulate.walk(simulate.Plan(duration_s=70.0, terrain="uneven", knee_bends=True), seed=5)


def test_a_move_is_smooth_and_ends_where_it_was_told():
    moves = Moves(initial=1.0)
    moves.add(0.2, 0.7, 3.0)
    t = np.linspace(0.0, 1.0, 20001)
    curve = moves.evaluate(t)
    assert curve.value[0] == 1.0
    assert curve.value[-1] == pytest.approx(4.0, abs=1e-13)
    assert np.abs(np.gradient(curve.value, t)[1:-1] - curve.rate[1:-1]).max() < 2e-6
    assert np.abs(np.gradient(curve.rate, t)[1:-1] - curve.acceleration[1:-1]).max() < 1e-4


def test_angular_rate_is_the_derivative_of_the_orientation(dense):
    recording, truth = dense
    for placement, series in recording.series.items():
        q = quaternion.multiply(truth.orientation[placement], truth.alignment[placement])
        turn = {
            k: quaternion.to_rotation_vector(quaternion.multiply(quaternion.conjugate(q[: -2 * k]), q[2 * k :]))
            * series.sampling_rate
            / (2 * k)
            for k in (1, 2)
        }
        expected = (4.0 * turn[1][1:-1] - turn[2]) / 3.0
        assert np.abs(expected - series.gyr[2:-2]).max() < 1e-4  # what the five-point formula leaves at 2 kHz


def test_integrated_rate_leads_back_to_the_orientation(dense):
    recording, truth = dense
    series = recording.series["left_foot"]
    q = quaternion.multiply(truth.orientation["left_foot"], truth.alignment["left_foot"])
    mean = 0.5 * (series.gyr[1:] + series.gyr[:-1])
    steps = quaternion.from_rotation_vector(mean / series.sampling_rate)
    found = q[0]
    for step in steps:
        found = quaternion.multiply(found, step)
    error = quaternion.to_rotation_vector(quaternion.multiply(quaternion.conjugate(found), q[-1]))
    assert np.abs(error).max() < 2e-4  # trapezoid rule over 48000 steps


def test_acceleration_is_the_second_derivative_of_the_position_plus_gravity(dense):
    recording, truth = dense
    for placement, series in recording.series.items():
        q = truth.orientation[placement]
        p = truth.position[placement] + quaternion.rotate(q, truth.sensor_position[placement])
        second = {k: (p[2 * k :] - 2.0 * p[k:-k] + p[: -2 * k]) * (series.sampling_rate / k) ** 2 for k in (1, 2)}
        force = (4.0 * second[1][1:-1] - second[2]) / 3.0 + [0.0, 0.0, STANDARD_GRAVITY]
        sensor = quaternion.multiply(q, truth.alignment[placement])[2:-2]
        error = np.abs(quaternion.rotate(quaternion.conjugate(sensor), force) - series.acc[2:-2])
        assert np.median(error) < 1e-6
        assert error.max() < 0.2  # a kink of the fourth derivative inside the formula's five points


def test_a_flat_foot_rests_and_the_heel_and_ball_do_not_slip(dense):
    _, truth = dense
    for leg in frames.LEGS:
        placement = f"{leg}_foot"
        p, q = truth.position[placement], truth.orientation[placement]
        rows = truth.contacts[(truth.contacts.leg == leg) & ~truth.contacts.is_standing]
        for row in rows.itertuples():
            flat = (truth.time > row.ff_start_s) & (truth.time < row.ff_end_s)
            if flat.any():
                # between gaits the foot stays a little everted while its pivot moves on: 0.1 mm
                assert np.ptp(p[flat], axis=0).max() < 1e-4
                assert np.ptp(q[flat], axis=0).max() < 1e-9
                tilt = truth.angles[f"{leg}_foot_tilt_deg"].to_numpy()[flat][0]
                rolled = 1e-6 if set(truth.strides.gait) == {"walk"} else 2.1  # runners stay 2 deg everted
                assert row.ground_tilt_deg == pytest.approx(tilt, abs=rolled)
            duration = row.to_s - row.ic_s
            late = (truth.time > row.to_s - 0.35 * duration) & (truth.time < row.to_s - 0.06 * duration)
            ball = p[late] + quaternion.rotate(q[late], np.array([0.13, 0.0, 0.0]))
            assert np.ptp(ball, axis=0).max() < 1e-9


def test_the_ankle_centre_belongs_to_both_segments(dense):
    _, truth = dense
    for leg in frames.LEGS:
        ankle = truth.position[f"{leg}_foot"] + quaternion.rotate(
            truth.orientation[f"{leg}_foot"], np.array([0.0, 0.0, 0.08])
        )
        assert np.abs(ankle - truth.position[f"{leg}_shank"]).max() < 1e-12


def test_angles_are_those_of_the_poses(opened):
    _, truth = opened
    for leg in frames.LEGS:
        foot, shank = (frames.mirror_rotation(truth.orientation[f"{leg}_{s}"], leg) for s in ("foot", "shank"))
        found = frames.joint_angles(quaternion.multiply(quaternion.conjugate(shank), foot))
        for kind, angle in zip(("dorsiflexion", "inversion", "rotation"), found, strict=True):
            expected = truth.angles[f"{leg}_{kind}_deg"].to_numpy()
            assert np.abs(angle / DEGREE - expected).max() < 1e-6
        # a shank that leans forward over a flat foot is a dorsiflexed ankle
        standing = truth.standing[leg]
        assert standing["dorsiflexion"] == pytest.approx(standing["shank_pitch"] + standing["foot_pitch"], abs=0.1)


@pytest.mark.parametrize("gait", ["walk", "mixed"])
def test_the_mirrored_walk_is_the_mirror_image(gait):
    plan = simulate.Plan(
        duration_s=60.0,
        terrain="hill",
        gait=gait,
        rolls=1,
        placements=("left_foot", "left_shank"),
        mounts="random",
    )
    one, truth = simulate.walk(plan, seed=2)
    other, mirror = simulate.walk(
        replace(plan, mirrored=True, placements=tuple(mirrored(p) for p in plan.placements)), seed=2
    )
    for placement, series in one.series.items():
        twin = other.series[mirrored(placement)]
        assert np.allclose(frames.mirror_acc(series.acc, "left"), twin.acc, atol=1e-9)
        assert np.allclose(frames.mirror_gyr(series.gyr, "left"), twin.gyr, atol=1e-9)
    for kind, _ in tables.ANGLE_KINDS:
        left, right = truth.angles[f"left_{kind}_deg"], mirror.angles[f"right_{kind}_deg"]
        assert np.allclose(left, right, atol=1e-9)
    assert truth.strides.range_stance_deg.tolist() == mirror.strides.range_stance_deg.tolist()
    assert mirror.events.leg.tolist() == ["right"]


def test_the_walk_does_not_depend_on_the_sampling_rate():
    plan = simulate.Plan(duration_s=60.0, gait="mixed", terrain="uneven", rolls=1, sampling_rate=208.0)
    fine, fine_truth = simulate.walk(plan, seed=3)
    coarse, coarse_truth = simulate.walk(replace(plan, sampling_rate=104.0), seed=3)
    assert np.abs(fine_truth.angles.to_numpy()[::2] - coarse_truth.angles.to_numpy()).max() < 1e-9
    assert np.abs(fine.series["left_foot"].acc[::2] - coarse.series["left_foot"].acc).max() < 1e-8
    columns = ["ic_s", "to_s", "stride_length_m"]
    assert np.allclose(fine_truth.strides[columns], coarse_truth.strides[columns])


@pytest.mark.parametrize("errors", ["none", "typical", "full"])
def test_the_seed_decides(errors):
    plan = simulate.Plan(duration_s=24.0, movements=False, errors=errors, loss=0.02, gap_s=0.05)
    first, again, other = (simulate.walk(plan, seed=s)[0].series["right_foot"] for s in (1, 1, 2))
    assert np.array_equal(first.acc, again.acc, equal_nan=True)
    assert not np.array_equal(first.acc, other.acc, equal_nan=True)
    assert 0.02 <= 1.0 - first.is_valid.mean() < 0.06


@pytest.mark.parametrize(
    ("gait", "speed", "stride", "duty", "gyr", "acc"),
    [
        ("walk", (1.0, 1.5), (1.0, 1.25), (0.60, 0.65), (380.0, 620.0), (2.0, 7.0)),
        ("jog", (2.1, 2.7), (0.72, 0.80), (0.37, 0.43), (700.0, 1250.0), (4.0, 12.0)),
        ("run", (3.0, 3.8), (0.65, 0.73), (0.29, 0.36), (900.0, 1500.0), (6.0, 15.5)),
    ],
)
def test_the_gaits_look_like_people(gait, speed, stride, duty, gyr, acc):
    plan = simulate.Plan(duration_s=90.0, gait=gait, turns=False, stops=False, mounts="aligned")
    recording, truth = simulate.walk(plan, seed=7)
    steady = truth.strides[truth.strides.gait == gait].iloc[8:-8]
    assert len(steady) > 80
    series = recording.series["right_foot"]
    right = steady[steady.leg == "right"]
    inside = [(series.time >= r.start_s) & (series.time < r.end_s) for r in right.itertuples()]
    peak_gyr = np.median([np.abs(series.gyr[i, 1]).max() for i in inside]) / DEGREE
    peak_acc = np.median([np.linalg.norm(series.acc[i], axis=1).max() for i in inside]) / STANDARD_GRAVITY
    for value, (low, high) in (
        (steady.speed_mps.median(), speed),
        (steady.stride_time_s.median(), stride),
        (steady.duty_factor.median(), duty),
        (peak_gyr, gyr),
        (peak_acc, acc),
        (steady.ev_excursion_deg.median(), (4.0, 14.0)),
        (steady.pf_at_to_deg.median(), (4.0, 25.0)),
    ):
        assert low <= value <= high
    for leg in frames.LEGS:
        mean = truth.angles[f"{leg}_rotation_deg"][truth.time > right.start_s.iloc[0]].mean()
        assert -13.5 < mean < -5.0


def test_rolls_are_listed_and_fast():
    plan = simulate.Plan(duration_s=240.0, gait="mixed", rolls=6, terrain="uneven")
    _, truth = simulate.walk(plan, seed=8)
    assert len(truth.events) == 6
    assert set(truth.events.leg) == {"left", "right"}
    assert (truth.events.peak_dps >= 300.0).all()
    assert truth.events.peak_deg.between(15.0, 60.0).all()
    assert set(truth.events.kind) <= {"roll", "hard_roll"}


def test_the_opening_has_taps_and_a_still_pose(opened):
    recording, truth = opened
    for leg in frames.LEGS:
        gyr = recording.series[f"{leg}_foot"].gyr
        begin, end = truth.phases[f"{leg}_taps"]
        taps = (truth.time >= begin) & (truth.time < end)
        up = truth.angles[f"{leg}_foot_pitch_deg"].to_numpy()[taps] > 7.0
        assert np.count_nonzero(np.diff(up.astype(int)) == 1) == 8
        axis = np.linalg.svd(gyr[taps], full_matrices=False)[2][0]
        assert abs(axis[1]) > np.cos(3.0 * DEGREE)
        begin, end = truth.phases["pose"]
        pose = (truth.time >= begin) & (truth.time < end)
        assert end - begin >= 3.0
        assert np.abs(gyr[pose]).max() < 1e-9
        assert truth.strides.start_s.min() - end < 1.5
        assert truth.standing[leg]["rotation"] == pytest.approx(-4.0, abs=1e-6)
    begin, end = truth.phases["bends"]
    bends = (truth.time >= begin) & (truth.time < end)
    axis = np.linalg.svd(recording.series["right_shank"].gyr[bends], full_matrices=False)[2][0]
    assert 8.0 < np.degrees(np.arctan2(abs(axis[0]), abs(axis[1]))) < 16.0


def test_typical_sensors_are_worse_in_the_stated_ways():
    plan = simulate.Plan(duration_s=60.0, placements=("right_foot", "right_shank"))
    exact, _ = simulate.walk(plan, seed=6)
    real, truth = simulate.walk(replace(plan, errors="typical"), seed=6)
    for placement, series in real.series.items():
        mount = quaternion.to_matrix(truth.alignment[placement])
        still = series.time < 5.0
        assert np.abs(series.gyr[still].mean(axis=0) - truth.gyr_bias[placement]).max() < 0.06 * DEGREE
        turned = exact.series[placement].gyr @ mount
        error = series.gyr - turned - truth.gyr_bias[placement]
        assert 0.5 < np.sqrt((error[~still] ** 2).mean()) / DEGREE < 30.0
        assert np.abs(series.acc).max() <= 16.0 * STANDARD_GRAVITY
    alignment = truth.calibration()["right_foot"].segment_from_sensor
    up = alignment @ real.series["right_foot"].acc[:500].mean(axis=0)
    assert np.degrees(np.arccos(up[2] / np.linalg.norm(up))) < 3.0


def test_frontal_spread_widens_the_affected_leg_only():
    plan = simulate.Plan(duration_s=200.0, affected_leg="left", affected_spread=2.5, stops=False)
    _, truth = simulate.walk(plan, seed=9)
    spread = truth.strides.groupby("leg").range_stance_deg.std()
    assert spread["left"] > 1.6 * spread["right"]


def test_the_tables_are_those_of_the_result(opened):
    recording, truth = opened
    tables.check_columns(truth.strides, tables.STRIDES)
    tables.check_columns(truth.events, tables.EVENTS)
    tables.check_columns(truth.angles, tables.ANGLES)
    assert recording.session.sensors["left_foot"].mount_site == "instep"
    assert recording.session.sensors["left_shank"].mount_site == "above_ankle"


def test_the_closing_pose_is_still():
    for seed in range(5):
        recording, truth = simulate.walk(
            simulate.Plan(duration_s=70.0, gait="mixed", placements=("left_foot",)), seed=seed
        )
        closing = truth.time >= truth.phases["closing"][0]
        assert np.abs(recording.series["left_foot"].gyr[closing]).max() < 1e-6
