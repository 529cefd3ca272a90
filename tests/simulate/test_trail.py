"""Stairs, toes, edges, stones and turns over the planted foot: they happen, and the motion stays a motion."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from ankle_imu import frames, quaternion, simulate
from ankle_imu.simulate.body import BALL_X
from ankle_imu.units import STANDARD_GRAVITY

STEADY = simulate.Plan(duration_s=60.0, movements=False, turns=False, stops=False, mounts="aligned")


def fields(**changed):
    return simulate.walk(replace(STEADY, **changed), seed=6)


@pytest.mark.parametrize(
    "changed",
    [{"terrain": "stairs"}, {"toe_contacts": 0.3}, {"knocks_per_min": 40.0}, {"shank_yaw_deg": 6.0}],
    ids=["stairs", "toes", "knocks", "shank yaw"],
)
def test_readings_stay_derivatives_of_the_poses(changed):
    plan = replace(STEADY, duration_s=20.0, sampling_rate=2000.0, mounts="random", **changed)
    recording, truth = simulate.walk(plan, seed=4)
    for placement, series in recording.series.items():
        q = quaternion.multiply(truth.orientation[placement], truth.alignment[placement])
        rate = (
            quaternion.to_rotation_vector(quaternion.multiply(quaternion.conjugate(q[:-2]), q[2:]))
            * plan.sampling_rate
            / 2.0
        )
        assert np.abs(rate - series.gyr[1:-1]).max() < 2e-2  # what the three-point formula leaves at 2 kHz
        sensor = truth.sensor_position[placement]
        p = truth.position[placement] + quaternion.rotate(truth.orientation[placement], sensor)
        force = (p[2:] - 2.0 * p[1:-1] + p[:-2]) * plan.sampling_rate**2 + [0.0, 0.0, STANDARD_GRAVITY]
        error = np.abs(quaternion.rotate(quaternion.conjugate(q[1:-1]), force) - series.acc[1:-1])
        assert np.median(error) < 1e-4
        assert error.max() < 1.0


def test_stairs_go_up_and_down_by_whole_stairs():
    _, truth = fields(terrain="stairs", duration_s=120.0)
    rise = truth.strides.height_change_m
    # two steps of a flight: 34 cm up or down; on the landings level but for the path's roughness
    steps = {round(x / 0.17) for x in rise}
    assert {-2, 0, 2} <= steps <= {-2, -1, 0, 1, 2}
    assert np.abs(rise - 0.17 * (rise / 0.17).round()).max() < 0.02
    down, up = rise < -0.3, rise > 0.3
    assert truth.strides.strike_angle_deg[down].median() < -10.0
    assert 0.0 < truth.strides.strike_angle_deg[up].median() < 10.0
    assert set(truth.footing["left"]) == {"heel", "ball"}


def test_on_toes_the_heel_stays_up_and_the_ball_where_it_is():
    _, truth = fields(toe_contacts=0.25)
    for leg in frames.LEGS:
        rows = truth.contacts[truth.contacts.leg == leg].reset_index(drop=True)
        toes = np.array(truth.footing[leg]) == "toes"
        assert 0.1 < toes.mean() < 0.4
        assert rows.ff_start_s[toes].isna().all()
        assert rows.ff_start_s[~toes & ~rows.is_standing].notna().all()
        p, q = truth.position[f"{leg}_foot"], truth.orientation[f"{leg}_foot"]
        pitch = truth.angles[f"{leg}_foot_pitch_deg"].to_numpy()
        for row in rows[toes].itertuples():
            stance = (truth.time > row.ic_s + 0.08) & (truth.time < row.to_s - 0.08)
            assert pitch[stance].max() < row.ground_pitch_deg - 7.0
            ball = p[stance] + quaternion.rotate(q[stance], np.array([BALL_X, 0.0, 0.0]))
            assert np.ptp(ball, axis=0).max() < 1e-6


def test_edges_tilt_the_ground_under_their_step():
    _, plain = fields()
    _, truth = fields(edge_contacts=0.3)
    for leg in frames.LEGS:
        own, level = (t.contacts[t.contacts.leg == leg].ground_tilt_deg.to_numpy() for t in (truth, plain))
        edge = np.array(truth.footing[leg]) == "edge"
        assert edge.any()
        assert np.abs(own - level)[edge].min() > 7.9
        assert np.array_equal(own[~edge], level[~edge])


def test_knocks_are_short_and_hard():
    quiet, _ = fields(errors="none", sampling_rate=1000.0)
    shaken, _ = fields(errors="none", sampling_rate=1000.0, knocks_per_min=20.0)
    change = np.linalg.norm(shaken.series["left_foot"].acc - quiet.series["left_foot"].acc, axis=1)
    felt = change > 0.5 * STANDARD_GRAVITY
    assert 8 <= np.count_nonzero(np.diff(felt.astype(int)) == 1) / 3 <= 60
    assert felt.mean() < 0.03
    assert 5.0 < change.max() / STANDARD_GRAVITY < 14.0
    assert np.allclose(shaken.series["left_foot"].gyr, quiet.series["left_foot"].gyr)


def test_the_shank_turns_over_a_foot_that_does_not():
    still, plain = fields()
    turned, truth = fields(shank_yaw_deg=5.0)
    assert np.allclose(turned.series["left_foot"].gyr, still.series["left_foot"].gyr)
    change = truth.angles.left_rotation_deg - plain.angles.left_rotation_deg
    middle = [
        np.interp(0.5 * (r.ic_s + r.to_s), truth.time, change)
        for r in truth.strides[truth.strides.leg == "left"].itertuples()
    ]
    assert 3.0 < np.std(middle) < 7.0


def test_feet_point_outwards_and_the_standing_place_leans():
    _, straight = fields(toe_out_deg=0.0)
    _, out = fields(toe_out_deg=15.0, standing_tilt_deg=5.0)
    assert np.degrees(
        2.0
        * np.arccos(
            np.abs((straight.orientation["left_foot"] * out.orientation["left_foot"]).sum(axis=1)).clip(max=1.0)
        )
    )[-1] == pytest.approx(15.0, abs=0.2)
    for leg, sign in (("left", -1.0), ("right", 1.0)):
        change = out.standing[leg]["foot_tilt"] - straight.standing[leg]["foot_tilt"]
        assert change == pytest.approx(sign * 5.0, abs=0.2)


def test_feet_tip_over_their_own_side_as_the_heel_rises():
    _, plain = fields()
    _, over = fields(heel_rise_tilt_deg=10.0)
    for kind in ("foot_tilt", "inversion"):
        change = over.angles[f"left_{kind}_deg"] - plain.angles[f"left_{kind}_deg"]
        for row in over.strides[over.strides.leg == "left"].iloc[3:-3].itertuples():
            early, off = np.interp([row.ic_s + 0.4 * row.stance_time_s, row.to_s], over.time, change)
            # 0.4 of it by 90 % of stance, all of it in first swing
            assert abs(early) < 0.5
            assert 5.0 < off < 10.0


def test_rolls_of_the_wanted_size():
    _, truth = fields(rolls=3, roll_from_deg=55.0, roll_to_deg=60.0)
    assert len(truth.events) == 3
    assert truth.events.peak_deg.between(45.0, 65.0).all()
    assert (truth.events.kind == "hard_roll").all()


def test_a_mirrored_walk_mirrors_its_incidents():
    plan = replace(
        STEADY, toe_contacts=0.2, edge_contacts=0.2, knocks_per_min=20.0, shank_yaw_deg=4.0, terrain="uneven",
        mounts="random", slip_deg=15.0, slip_placement="left_foot", standing_tilt_deg=3.0,
    )  # fmt: skip
    one, truth = simulate.walk(plan, seed=2)
    other, mirror = simulate.walk(replace(plan, mirrored=True, slip_placement="right_foot"), seed=2)
    for segment in ("foot", "shank"):
        left, right = one.series[f"left_{segment}"], other.series[f"right_{segment}"]
        assert np.allclose(frames.mirror_acc(left.acc, "left"), right.acc, atol=1e-9)
        assert np.allclose(frames.mirror_gyr(left.gyr, "left"), right.gyr, atol=1e-9)
    assert truth.footing["left"] == mirror.footing["right"]
