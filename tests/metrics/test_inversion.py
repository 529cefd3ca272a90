import numpy as np
import pytest

from ankle_imu.metrics import inversion as metric
from ankle_imu.metrics.rolls import find_rolls

RATE = 100.0


def one_stance():
    """IC at sample 100, TO at 200 (1 s): angle 2 at contact, down to -6 at 130, up to 3 at 170, 40 after 85 %."""
    angle = np.interp(np.arange(300.0), [0, 100, 130, 170, 184, 190, 299], [2, 2, -6, 3, 3, 40, 40])
    return angle, np.array([100.0]), np.array([200.0]), np.array([-1.5])


def test_excursions_by_hand():
    angle, ic, to, flat = one_stance()
    out = metric.excursions(angle, flat, ic, to, RATE)
    assert out["inv_at_ic_deg"][0] == pytest.approx(2.0)
    assert out["ev_excursion_deg"][0] == pytest.approx(8.0)
    assert out["range_stance_deg"][0] == pytest.approx(9.0)  # the 40 deg after 85 % of stance do not count
    assert out["inv_excursion_deg"][0] == pytest.approx(1.0)  # above contact, which is above foot-flat
    assert out["time_to_peak_inv_s"][0] == pytest.approx(0.70)


def test_a_lost_sample_makes_the_stride_unknown():
    angle, ic, to, flat = one_stance()
    angle[140] = np.nan
    out = metric.excursions(angle, flat, ic, to, RATE)
    assert all(np.isnan(v[0]) for v in out.values())


def test_peak_rates_are_both_positive():
    rate = np.zeros(300)
    rate[120], rate[160], rate[195] = -90.0, 70.0, 500.0
    up, down = metric.peak_rates(rate, np.array([100.0]), np.array([200.0]))
    assert (up[0], down[0]) == (70.0, 90.0)


def roll(height_deg, over_s, rate_hz=RATE):
    """One stance with a roll of that height in that time, and its rate."""
    n = 300
    t = np.arange(n) / rate_hz
    start = 1.2
    share = np.clip((t - start) / over_s, 0.0, 1.0)
    back = np.clip((t - start - over_s - 0.05) / 0.2, 0.0, 1.0)
    angle = height_deg * (share**2 * (3 - 2 * share) - back**2 * (3 - 2 * back))
    return angle, np.gradient(angle, 1 / rate_hz), np.array([100.0]), np.array([190.0])


@pytest.mark.parametrize(
    ("height", "over", "found", "hard"),
    [
        (30, 0.10, True, False),
        (15, 0.05, False, False),
        (30, 0.5, False, False),
        (50, 0.10, True, True),
        (26, 0.07, True, True),
    ],
)
def test_rolls_need_both_angle_and_rate(height, over, found, hard):
    events = find_rolls(*roll(height, over), RATE, 20.0, 300.0)[0]
    assert (len(events["stride"]) == 1) == found
    if found:
        assert bool(events["is_hard"][0]) == hard
        assert events["peak_deg"][0] == pytest.approx(height, rel=0.02)


def test_ringing_is_no_roll():
    angle, _rate, ic, to = roll(30, 0.10)
    ring = 400.0 * np.sign(np.sin(np.arange(300) * np.pi))
    ring[100:190:2] = 400.0
    assert len(find_rolls(angle * 0.2, ring, ic, to, RATE, 20.0, 300.0)[0]["stride"]) == 0


def test_no_strides_no_answer():
    none = np.empty(0)
    assert metric.excursions(np.zeros(10), none, none, none, RATE)["range_stance_deg"].size == 0
    assert find_rolls(np.zeros(10), np.zeros(10), none, none, RATE, 20.0, 300.0)[0]["stride"].size == 0
