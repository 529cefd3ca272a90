"""Worn as named or not: by hand from traits, cues and odds."""

from __future__ import annotations

import math

import numpy as np
import pytest

from ankle_imu.calibration.sides import side_odds, track_width, turn_in
from ankle_imu.calibration.traits import Traits, describe, in_step
from ankle_imu.calibration.wearing import CERTAIN, RENAME, judge

FOOT = Traits(pace=7.0, top=9.0, shaken=0.9, rest=0.6)
SHANK = Traits(pace=6.0, top=7.0, shaken=0.9, rest=-1.7)
BAG = Traits(pace=1.3, top=1.4, shaken=0.9, rest=math.nan)
TABLE = Traits(pace=0.001, top=0.002, shaken=0.0, rest=math.nan)
ALL = {"left_foot": FOOT, "right_foot": FOOT, "left_shank": SHANK, "right_shank": SHANK}
OWN = {(f"{a}_foot", f"{b}_shank"): 0.7 if a == b else -0.6 for a in ("left", "right") for b in ("left", "right")}
CROSSED = {pair: -value for pair, value in OWN.items()}
RATE = 100.0


def names(found: tuple) -> list[str]:
    return [wrong.name for wrong in found]


def test_worn_as_named_is_no_word() -> None:
    assert judge(ALL, OWN, 12.0) == ()
    assert judge({"left_foot": FOOT}, {}, 0.0) == ()


@pytest.mark.parametrize(
    ("traits", "agreement", "odds", "name", "placements"),
    [
        ({**ALL, "left_foot": BAG}, OWN, 9.0, "in_a_bag", ("left_foot",)),
        ({**ALL, "left_shank": TABLE}, OWN, 9.0, "left_lying", ("left_shank",)),
        ({**ALL, "left_foot": SHANK, "left_shank": FOOT}, OWN, 9.0, "foot_shank_swapped", None),
        ({**ALL, "right_shank": FOOT}, OWN, 9.0, "other_segment", ("right_shank",)),
        ({"left_foot": SHANK}, {}, 0.0, "other_segment", ("left_foot",)),
        (ALL, OWN, -9.0, "left_right_swapped", tuple(ALL)),
        (ALL, CROSSED, -9.0, "feet_swapped", tuple(ALL)),
        (ALL, CROSSED, 9.0, "shanks_swapped", tuple(ALL)),
        ({"left_foot": FOOT}, {}, -4.0, "left_right_swapped", ("left_foot",)),
        (
            {"left_foot": FOOT, "left_shank": SHANK},
            {("left_foot", "left_shank"): -0.5},
            0.0,
            "other_leg",
            ("left_foot", "left_shank"),
        ),
    ],
)
def test_each_fault_is_named_with_its_fix(traits, agreement, odds, name, placements) -> None:
    (wrong,) = judge(traits, agreement, odds)
    assert wrong.name == name
    assert placements is None or wrong.placements == placements
    assert RENAME in wrong.words or "record again" in wrong.words


def test_doubt_is_not_certainty() -> None:
    """Odds between 12 : 1 and 400 : 1 are told, and the strides are kept."""
    assert judge(ALL, OWN, -0.5 * CERTAIN - 0.1)[0].is_certain is False
    assert judge(ALL, OWN, -CERTAIN - 0.1)[0].is_certain is True
    assert judge(ALL, OWN, -1.0) == ()
    between = Traits(pace=7.0, top=9.0, shaken=0.9, rest=-0.9)
    assert judge({"left_foot": between}, {}, 0.0) == ()


def test_which_pair_is_crossed_stays_open_without_a_cue() -> None:
    (wrong,) = judge(ALL, CROSSED, 0.0)
    assert "or the two shank sensors" in wrong.words


def test_the_outer_foot_goes_further() -> None:
    """Feet 0.2 m apart: in a turn of 0.5 rad the outer one goes 0.1 m further."""
    middle = np.arange(20.0)
    turn = np.where(np.arange(20) % 4 == 0, 0.5, 0.0)
    left, right = 1.2 - 0.1 * turn, 1.2 + 0.1 * turn
    width, error = track_width((middle, left, turn), (middle, right, turn))
    assert width == pytest.approx(0.2)
    assert error < 1e-9
    assert track_width((middle, right, turn), (middle, left, turn))[0] == pytest.approx(-0.2)
    assert track_width((middle, right, -turn), (middle, left, -turn))[0] == pytest.approx(0.2)
    assert np.isnan(track_width((middle, left, 0 * turn), (middle, right, 0 * turn))[0]), "no turn, no word"


def test_odds_change_sign_with_the_cues() -> None:
    assert side_odds([14.0, 10.0], 0.13, 0.02) == pytest.approx(-side_odds([-14.0, -10.0], -0.13, 0.02))
    assert side_odds([math.nan], math.nan, math.nan) == 0.0
    assert side_odds([9.0], math.nan, math.nan) == pytest.approx(2 * 14.0 * 9.0 / 36.0)


def test_the_inward_turn_by_hand() -> None:
    """Gravity on z; the heel rises about y, the foot turns about y + 20 deg toward x before it lands."""
    period, n = 100, 10
    acc = np.tile([0.0, 0.0, 9.81], (period * n, 1))
    gyr = np.zeros((period * n, 3))
    ic = np.arange(n) * float(period)
    for a in ic.astype(int):
        gyr[a + 35 : a + 60, 1] = 3.0
        gyr[a + 85 : a + 100] = -2.0 * np.array([-np.sin(0.35), np.cos(0.35), 0.0])
    args = (ic, ic + 60.0, ic + 100.0, RATE)
    assert turn_in(acc, gyr, *args) == pytest.approx(np.degrees(0.35), abs=0.1)
    mirrored = turn_in(acc * [1, -1, 1], gyr * [-1, 1, -1], *args)
    assert mirrored == pytest.approx(-np.degrees(0.35), abs=0.1)
    assert np.isnan(turn_in(acc, gyr, ic[:1], ic[:1], ic[:1], RATE))


def test_in_step_and_in_turn() -> None:
    t = np.arange(0.0, 30.0, 0.01)
    first, second = (np.zeros((len(t), 3)) for _ in range(2))
    first[:, 0] = 6.0 * np.clip(np.sin(2 * np.pi * t), 0.0, None)
    second[:, 2] = 6.0 * np.clip(np.sin(2 * np.pi * t + np.pi), 0.0, None)
    assert in_step(first, first[:, ::-1], RATE) == pytest.approx(1.0)
    assert in_step(first, second, RATE) < -0.4
    assert np.isnan(in_step(first, np.zeros_like(first), RATE))


def test_describe_takes_gaps_and_short_recordings() -> None:
    acc, gyr = np.tile([0.0, 0.0, 9.81], (1000, 1)), np.zeros((1000, 3))
    acc[100:200] = np.nan
    still = describe(acc, gyr, RATE)
    assert (still.pace, still.top, still.shaken) == (0.0, 0.0, 0.0)
    assert not still.is_gait
    assert np.isnan(describe(acc[:20], gyr[:20], RATE).rest)
