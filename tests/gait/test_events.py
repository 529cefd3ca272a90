import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ankle_imu.analysis import analyze
from ankle_imu.gait import events
from ankle_imu.gait.classes import classify
from ankle_imu.gait.filters import low_pass, low_pass_decimated, moving_mean, runs
from ankle_imu.gait.strides import pair_swings, stillest
from ankle_imu.simulate import Plan, walk

RATE = 200.0


def test_runs_by_hand():
    start, stop = runs(np.array([True, True, False, True, False, False, True]))
    assert start.tolist() == [0, 3, 6]
    assert stop.tolist() == [2, 4, 7]


def test_moving_mean_shortens_at_the_ends():
    assert moving_mean(np.array([0.0, 3.0, 6.0, 9.0]), 3) == pytest.approx([1.5, 3.0, 6.0, 7.5])


@given(st.integers(1, 6), st.integers(50, 400))
def test_decimated_low_pass_keeps_slow_signals_in_place(step, n):
    t = np.arange(n) / RATE
    slow = np.sin(2 * np.pi * 0.5 * t)[:, None]
    kept = low_pass_decimated(slow, 10.0, RATE, step)
    assert kept.shape == ((n + step - 1) // step, 1)
    inner = slice(60 // step + 1, -(60 // step) - 1)
    assert np.allclose(kept[inner], slow[::step][inner], atol=2e-3)


def test_low_pass_leaves_short_or_slow_data_alone():
    x = np.arange(10.0)
    assert low_pass(x, 5.0, RATE) is x
    long = np.arange(100.0)
    assert low_pass(long, 95.0, RATE) is long


def swing_rate(ic_s, to_s, duration=10.0):
    """A walking foot's mediolateral rate: heel rise and push-off, recovery, and a slap after contact."""
    t = np.arange(round(duration * RATE)) / RATE
    rate = np.zeros_like(t)
    for contact, off in zip(ic_s, to_s, strict=True):
        rate += 7.0 * np.exp(-(((t - off + 0.05) / 0.07) ** 2))
        rate -= 5.0 * np.exp(-(((t - 0.5 * (off + contact)) / 0.09) ** 2))
        rate += 4.0 * np.exp(-(((t - contact - 0.06) / 0.035) ** 2))
    return t, rate


def upright(n):
    return np.tile([0.0, 0.0, 9.81], (n, 1)), np.tile([0.0, 0.0, 1.0], (n, 1))


def test_one_swing_is_found_per_step_and_contact_is_the_crossing():
    off = np.arange(1.0, 9.0, 1.1)
    t, rate = swing_rate(off + 0.42, off)
    acc, up = upright(len(t))
    gyr = np.stack([np.zeros_like(rate), rate, np.zeros_like(rate)], axis=1)
    start, stop, flat_up = events.moving_intervals(gyr, acc, up, RATE, 9.81)
    assert len(start) == len(off)
    assert flat_up == pytest.approx([0.0, 0.0, 1.0])
    swings = events.locate_contacts(rate, acc, start, stop, RATE)
    assert len(swings) == len(off)
    sample = np.round(swings.ic).astype(int)
    assert np.all(rate[sample - 2] < 0)
    assert np.all(rate[sample + 2] > 0)
    assert np.all((swings.to / RATE > off - 0.06) & (swings.to / RATE < off + 0.06))


def descending_rate(ic_s, to_s, duration=10.0):
    """A foot that goes down stairs: it turns toe-down before it lands, and its heel comes down after the toe."""
    t, rate = swing_rate([], [], duration)
    acc = np.tile([0.0, 0.0, 9.81], (len(t), 1))
    for contact, off in zip(ic_s, to_s, strict=True):
        rate += 5.0 * np.exp(-(((t - off + 0.05) / 0.07) ** 2))
        rate -= 5.0 * np.exp(-(((t - off - 0.12) / 0.06) ** 2))
        rate += 3.0 * np.exp(-(((t - contact + 0.02) / 0.03) ** 2))
        rate -= 6.0 * np.exp(-(((t - contact - 0.05) / 0.03) ** 2))  # deeper than the swing's own recovery
        acc[np.searchsorted(t, contact) + 1, 2] += 100.0
    return t, rate, acc


def test_a_toe_that_lands_first_is_the_contact():
    off = np.arange(1.0, 9.0, 1.1)
    _, rate, acc = descending_rate(off + 0.40, off)
    start, stop = np.round((off - 0.2) * RATE).astype(int), np.round((off + 0.55) * RATE).astype(int)
    swings = events.locate_contacts(rate, acc, start, stop, RATE)
    assert swings.ic / RATE == pytest.approx(off + 0.40, abs=1.5 / RATE)
    assert swings.run_ic / RATE == pytest.approx(off + 0.40, abs=2.0 / RATE)  # the spike itself


def test_an_impact_at_heel_contact_is_no_toe():
    off = np.arange(1.0, 9.0, 1.1)
    t, rate, acc = descending_rate(off + 0.40, off)
    start, stop = np.round((off - 0.2) * RATE).astype(int), np.round((off + 0.55) * RATE).astype(int)
    without = events.locate_contacts(rate, np.tile([0.0, 0.0, 9.81], (len(t), 1)), start, stop, RATE)
    acc[np.floor(without.ic).astype(int), 2] += 300.0  # harder than the one that follows
    swings = events.locate_contacts(rate, acc, start, stop, RATE)
    assert swings.ic == pytest.approx(without.ic)
    assert np.all(swings.ic / RATE < off + 0.38)


def test_axis_points_left_whichever_way_the_sensor_sits():
    off = np.arange(1.0, 9.0, 1.1)
    t, rate = swing_rate(off + 0.42, off)
    pitch = -np.cumsum(rate) / RATE  # toe-down positive rate lowers the toe
    acc, _ = upright(len(t))
    up = np.stack([np.sin(pitch), np.zeros_like(t), np.cos(pitch)], axis=1)
    gyr = np.stack([np.zeros_like(rate), rate, np.zeros_like(rate)], axis=1)
    start, stop, flat_up = events.moving_intervals(gyr, acc, up, RATE, 9.81)
    axis, share = events.flexion_axis(gyr, up, flat_up, start, stop)
    assert axis == pytest.approx([0.0, 1.0, 0.0], abs=1e-6)
    assert share == pytest.approx(1.0)
    turned = np.diag([-1.0, -1.0, 1.0])  # the sensor mounted back to front
    axis, _ = events.flexion_axis(gyr @ turned, up @ turned, flat_up @ turned, start, stop)
    assert axis == pytest.approx([0.0, -1.0, 0.0], abs=1e-6)


def test_a_still_or_silent_foot_never_swings():
    acc, up = upright(2000)
    start, stop, _ = events.moving_intervals(np.zeros((2000, 3)), acc, up, RATE, 9.81)
    assert len(start) == len(stop) == 0
    assert len(events.locate_contacts(np.zeros(2000), acc, start, stop, RATE)) == 0


def test_strides_run_from_contact_to_contact_and_not_across_a_pause():
    off = np.array([1.0, 2.1, 3.2, 7.0, 8.1])
    t, rate = swing_rate(off + 0.42, off)
    acc, up = upright(len(t))
    gyr = np.stack([np.zeros_like(rate), rate, np.zeros_like(rate)], axis=1)
    swings = events.locate_contacts(rate, acc, *events.moving_intervals(gyr, acc, up, RATE, 9.81)[:2], RATE)
    strides = pair_swings(swings, events.stillness(acc, gyr, RATE, 9.81), RATE)
    assert len(strides) == 3
    assert np.all(strides.to > strides.ic)
    assert np.all(strides.to < strides.end)
    assert np.all((strides.flat >= strides.ic) & (strides.flat <= strides.to))
    assert (strides.end - strides.ic) / RATE == pytest.approx([1.1, 1.1, 1.1], abs=0.01)


def test_stillest_instant_by_hand():
    score = np.array([5.0, 4.0, 1.0, 2.0, 0.5, 3.0])
    assert stillest(score, np.array([0.2, 3.0]), np.array([4.0, 6.0])).tolist() == [2, 4]


@pytest.mark.parametrize(
    ("duty", "time", "speed", "gait"),
    [
        (0.62, 1.1, 1.3, "walk"),
        (0.33, 0.7, 3.3, "run"),
        (0.41, 0.76, 2.4, "jog"),
        (0.41, 0.76, np.nan, "jog"),
        (0.33, 0.7, np.nan, "run"),
        (0.50, 0.80, 2.2, "jog"),
        (0.50, 1.05, 1.6, "walk"),
        (0.42, 0.85, 0.8, "walk"),
    ],
)
def test_gait_of_steady_strides(duty, time, speed, gait):
    n = 12
    found = classify(np.full(n, duty), np.full(n, time), np.full(n, speed), np.arange(n) * time, 2.7)
    assert set(found) == {gait}


def test_one_odd_stride_does_not_change_the_gait():
    duty = np.full(15, 0.62)
    duty[7] = 0.40
    assert set(classify(duty, np.full(15, 1.1), np.full(15, 1.3), np.arange(15) * 1.1, 2.7)) == {"walk"}
    assert len(classify(np.empty(0), np.empty(0), np.empty(0), np.empty(0), 2.7)) == 0


@pytest.mark.parametrize(("rate", "nine_in_ten_ms"), [(104.0, 16.0), (208.0, 5.0)])
def test_running_contacts_are_where_the_impact_begins(rate, nine_in_ten_ms):
    """Sensors with errors and a jog; before the bend was used, nine in ten lay within 29 ms at 104 Hz."""
    plan = Plan(duration_s=60.0, sampling_rate=rate, gait="jog", placements=("left_foot",), errors="typical")
    recording, truth = walk(plan, seed=4)
    found = analyze(recording).strides["ic_s"].to_numpy()
    true = truth.strides.query("leg == 'left'")["ic_s"].to_numpy()
    error_ms = 1e3 * np.abs(found - true[np.abs(found[:, None] - true).argmin(axis=1)])
    assert len(found) > 0.95 * len(true)
    assert np.quantile(error_ms, 0.9) < nine_in_ten_ms
