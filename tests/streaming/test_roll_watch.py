"""The live roll detector against the batch's, on anything."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ankle_imu.metrics.rolls import find_rises, find_rolls
from ankle_imu.streaming import Roll
from ankle_imu.streaming.roll_watch import RollWatch

RATE = 100.0


def watch(angle: np.ndarray, rate: np.ndarray, ic: int, to: int) -> list[Roll]:
    """State after each sample of a record with one stance."""
    detector = RollWatch(RATE, 20.0, 300.0, stance=to - ic)
    rows = enumerate(zip(angle.tolist(), rate.tolist(), strict=True))
    return [detector.step(a, r, is_stance=ic <= k < to, is_contact=k == ic) for k, (a, r) in rows]


def test_a_roll_by_hand() -> None:
    """400 deg/s for 60 ms raise the angle by 24 deg: fast after 20 ms, a roll as soon as 20 deg are passed."""
    rate = np.zeros(60)
    rate[30:36] = 400.0
    states = watch(np.cumsum(rate) / RATE, rate, ic=10, to=55)
    assert states[:31] == [Roll.NONE] * 31
    assert states[31:34] == [Roll.FAST] * 3
    assert states[34:55] == [Roll.ROLL] * 21
    assert states[55:] == [Roll.NONE] * 5


def test_nothing_is_a_roll_in_the_air_or_without_a_contact() -> None:
    rate = np.zeros(60)
    rate[30:50] = 600.0
    assert watch(np.cumsum(rate) / RATE, rate, ic=10, to=29)[-1] == Roll.NONE
    detector = RollWatch(RATE, 20.0, 300.0)
    for a, r in zip((np.cumsum(rate) / RATE).tolist(), rate.tolist(), strict=True):
        assert detector.step(a, r, is_stance=True, is_contact=False) == Roll.NONE


@given(
    rates=st.lists(st.sampled_from([-400.0, -50.0, 0.0, 290.0, 350.0, 600.0]), min_size=8, max_size=20),
    ic=st.integers(5, 30),
    length=st.integers(5, 60),
)
def test_it_agrees_with_the_batch(rates: list[float], ic: int, length: int) -> None:
    """At the end of the stance the live state is the batch's verdict on that stance."""
    rate = np.repeat(rates, 5)
    angle = np.cumsum(rate) / RATE
    to = min(ic + length, len(rate) - 1)
    found = find_rolls(angle, rate, np.array([float(ic)]), np.array([float(to)]), RATE, 20.0, 300.0)[0]
    state = watch(angle, rate, ic, to)[to - 1]
    assert (state >= Roll.ROLL) == (len(found["stride"]) == 1)
    if len(found["stride"]):
        rise = find_rises(angle, rate, np.array([float(ic)]), np.array([float(to)]), RATE, 300.0)
        assert rise.held[0] >= 2
        assert (state == Roll.HARD) == bool(found["is_hard"][0])


def test_what_begins_as_the_foot_leaves_is_push_off() -> None:
    """A rise in the last tenth of the stance is none; one that began before is followed to its peak."""
    rate = np.zeros(120)
    rate[100:110] = 500.0
    angle = np.cumsum(rate) / RATE
    assert Roll.ROLL not in watch(angle, rate, ic=10, to=112)
    rate = np.zeros(120)
    rate[93:103] = 500.0
    states = watch(np.cumsum(rate) / RATE, rate, ic=10, to=112)
    assert states[-10] == Roll.HARD
    found = find_rolls(np.cumsum(rate) / RATE, rate, np.array([10.0]), np.array([112.0]), RATE, 20.0, 300.0)[0]
    assert found["peak_deg"][0] == 50.0


def test_the_length_of_a_stance_is_learnt() -> None:
    """Without a stance before, all of it counts; after one, its last 15 % no more."""
    detector = RollWatch(RATE, 20.0, 300.0)

    def stance() -> list[Roll]:
        rate = [0.0] * 60 + [500.0] * 6 + [0.0] * 20
        angle = np.cumsum(rate) / RATE
        return [
            detector.step(float(a), r, is_stance=k < 66, is_contact=k == 0)
            for k, (a, r) in enumerate(zip(angle, rate, strict=True))
        ]

    assert Roll.ROLL in stance()
    assert Roll.ROLL not in stance()
