from functools import cache

import numpy as np
import pytest

from ankle_imu.analysis import foot as foot_stage
from ankle_imu.analysis.grid import put_on_grid, session_grid
from ankle_imu.analysis.other_foot import lead_of
from ankle_imu.analysis.sensor import prepare
from ankle_imu.calibration.alignment import yaw_between
from ankle_imu.simulate import Plan, walk

RATE = 104.0


@cache
def walked(movements):
    """A right foot's sensor on the session's grid, made ready, and what it did."""
    plan = Plan(
        duration_s=60, sampling_rate=RATE, placements=("right_foot",), errors="typical", movements=movements
    )
    series = walk(plan, seed=3)[0].series
    gridded = put_on_grid(series["right_foot"], session_grid(series)[0], RATE)
    sensor = prepare(gridded, "right", RATE, 9.0)
    return gridded, sensor, foot_stage.follow(sensor, RATE)


def aligned(movements, other_lead):
    _, sensor, motion = walked(movements)
    standing = foot_stage.is_standing(sensor, motion, RATE)
    return foot_stage.align(sensor, motion, standing, RATE, other_lead)


def own_lead():
    gridded, *_ = walked(movements=False)
    return lead_of(gridded, "right", RATE, 9.0)


@pytest.mark.parametrize("apart_deg", [-8.0, 0.0, 8.0])
def test_a_quarter_of_what_the_feet_differ_by_goes_to_each(apart_deg):
    alone = aligned(False, None).segment_from_sensor
    both = aligned(False, lambda: own_lead() - np.radians(apart_deg)).segment_from_sensor
    assert np.degrees(yaw_between(both[1], alone)) == pytest.approx(0.25 * apart_deg, abs=0.3)


@pytest.mark.parametrize("other", [np.nan, np.radians(40.0)])
def test_an_other_foot_that_says_nothing_or_contradicts_is_passed_over(other):
    alone = aligned(False, None).segment_from_sensor
    assert np.array_equal(aligned(False, lambda: other).segment_from_sensor, alone)


def test_after_toe_taps_the_other_foot_is_not_asked():
    def fail():
        raise AssertionError("asked")

    assert "toe taps" in aligned(True, fail).method
    assert np.degrees(abs(own_lead())) < 30.0


def test_a_foot_that_never_walks_has_no_lead():
    gridded, *_ = walked(movements=False)
    still = type(gridded)(
        acc=np.tile([0.0, 0.0, 9.81], (2000, 1)),
        gyr=np.zeros((2000, 3)),
        **{name: np.zeros(2000, dtype=bool) for name in ("lost", "broken", "blunt")},
    )
    assert np.isnan(lead_of(still, "right", RATE, 9.0))
