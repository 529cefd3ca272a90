"""Shared knocks of known offset; steps and lone blows are none."""

from __future__ import annotations

import numpy as np
import pytest

from ankle_imu.timing.clock import Array
from ankle_imu.timing.knock import check_sync, find_knocks
from ankle_imu.units import STANDARD_GRAVITY
from ankle_imu.values import ImuSeries


def ringing(time: Array, blows: tuple[float, ...], size: float, damping_s: float, tone_hz: float) -> Array:
    """Acceleration (n,) of a limb that is struck at `blows`, each a decaying oscillation with a rise of 2 ms."""
    total = np.zeros(len(time))
    for blow in blows:
        after = np.clip(time - blow, 0.0, None)
        total += (
            size * (1 - np.exp(-after / 0.002)) * np.exp(-after / damping_s) * np.cos(2 * np.pi * tone_hz * after)
        )
    return total


def standing(
    blows: tuple[float, ...],
    late_s: float = 0.0,
    rate: float = 208.0,
    size: float = 40.0,
    damping_s: float = 0.03,
    tone_hz: float = 18.0,
    seed: int = 0,
) -> ImuSeries:
    """A sensor at rest, struck at `blows`, session time `late_s` late; it samples at a phase of its own."""
    rng = np.random.default_rng(seed)
    true = rng.uniform(0, 1 / rate) + np.arange(round(20 * rate)) / rate
    acc = rng.normal(0, 0.05, (len(true), 3))
    acc[:, 2] += STANDARD_GRAVITY + ringing(true, blows, size, damping_s, tone_hz)
    return ImuSeries(time=true + late_s, acc=acc, gyr=np.zeros_like(acc), sampling_rate=rate)


BLOWS = (4.0, 9.0, 9.4, 14.0)


@pytest.mark.parametrize("late_ms", [-60.0, -4.0, 0.0, 2.1, 35.0])
@pytest.mark.parametrize("rate", [104.0, 208.0])
def test_offset_between_two_limbs(late_ms: float, rate: float) -> None:
    foot = standing(BLOWS, rate=rate, seed=1)
    shank = standing(BLOWS, late_ms / 1e3, rate=rate, size=22.0, damping_s=0.04, tone_hz=15.0, seed=2)
    (found,) = check_sync({"left_foot": foot, "left_shank": shank})
    assert (found.placement, found.reference, found.knocks) == ("left_shank", "left_foot", 3)
    # linear interpolation between samples 5 to 10 ms apart, and limbs that ring differently
    assert found.offset_s == pytest.approx(late_ms / 1e3, abs=0.002)
    assert found.spread_s < 0.003


def test_two_blows_in_a_row_are_one_knock() -> None:
    np.testing.assert_allclose(find_knocks(standing(BLOWS)), [4.0, 9.0, 14.0], atol=0.01)


def test_blow_to_one_sensor_alone_is_not_shared() -> None:
    (found,) = check_sync({"left_foot": standing(BLOWS[:1]), "right_foot": standing((6.0, 12.0))})
    assert found.knocks == 0
    assert np.isnan(found.offset_s)


def test_steps_are_no_knocks() -> None:
    # strikes once a second with swings between them, never at rest for long
    time = np.arange(0, 20, 1 / 208)
    swing = 6.0 * np.sin(2 * np.pi * time) ** 2
    acc = np.zeros((len(time), 3))
    acc[:, 2] = STANDARD_GRAVITY + swing + ringing(time, tuple(np.arange(0.5, 20)), 40.0, 0.03, 18.0)
    walk = ImuSeries(time=time, acc=acc, gyr=np.zeros_like(acc), sampling_rate=208.0)
    assert len(find_knocks(walk)) == 0


def test_knock_beside_a_gap_is_passed_over() -> None:
    struck = standing((4.0, 14.0), seed=3)
    acc = struck.acc.copy()
    acc[(struck.time > 13.8) & (struck.time < 13.9)] = np.nan
    holed = ImuSeries(time=struck.time, acc=acc, gyr=struck.gyr, sampling_rate=208.0)
    np.testing.assert_allclose(find_knocks(holed), [4.0], atol=0.01)
    (found,) = check_sync({"left_foot": standing((4.0, 14.0)), "left_shank": holed})
    assert found.knocks == 1


def test_too_short_to_be_still() -> None:
    short = ImuSeries(time=[0.0, 0.1], acc=np.ones((2, 3)), gyr=np.ones((2, 3)), sampling_rate=10.0)
    assert len(find_knocks(short)) == 0
