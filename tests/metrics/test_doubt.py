import numpy as np
import pytest

from ankle_imu.metrics.doubt import CONTACT_SIGMA_S, CONTACT_SIGMA_SAMPLES, RANGE_FLOOR_DEG, range_doubt

RATE = 100.0
IC, TO = np.array([100.0]), np.array([200.0])
WINDOW = slice(100, 185)


def ramp(first=100, last=184, height=9.0, n=300):
    return np.interp(np.arange(float(n)), [first, last], [0.0, height])


def doubt(angle, leak, sigma_deg, gait="walk", rate=RATE):
    return range_doubt(angle, leak, IC, TO, np.radians(sigma_deg), np.array([gait]), rate)[0]


def test_a_turned_frame_changes_the_range_by_its_leak():
    angle, leak, sigma = ramp(110, 150), ramp(height=20.0), np.radians(5.0)
    turned = [np.ptp(np.cos(sigma) * angle[WINDOW] + s * np.sin(sigma) * leak[WINDOW]) for s in (1, -1)]
    change = np.mean(np.abs(np.array(turned) - 9.0))
    assert change > 1.0
    assert doubt(angle, leak, 5.0) == pytest.approx(np.hypot(change, RANGE_FLOOR_DEG["walk"]))


@pytest.mark.parametrize("gait", ["walk", "jog", "run"])
def test_a_quiet_contact_of_a_known_frame_leaves_the_floor(gait):
    assert doubt(ramp(120, 170), np.zeros(300), 0.0, gait) == pytest.approx(RANGE_FLOOR_DEG[gait])


@pytest.mark.parametrize("rate", [100.0, 200.0])
def test_a_fast_contact_counts_with_its_instant(rate):
    """A fall of 1 deg per sample around the contact: a shift of d samples is d deg of range, both ways."""
    angle = -np.clip(np.arange(300.0) - 80.0, 0.0, 40.0)
    shift = np.hypot(CONTACT_SIGMA_S["run"] * rate, CONTACT_SIGMA_SAMPLES["run"])
    assert doubt(angle, np.zeros(300), 0.0, "run", rate) == pytest.approx(np.hypot(shift, RANGE_FLOOR_DEG["run"]))


def test_no_strides_no_doubt():
    none = np.empty(0)
    assert len(range_doubt(ramp(), ramp(), none, none, 0.1, np.empty(0, dtype=str), RATE)) == 0
