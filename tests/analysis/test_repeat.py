import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ankle_imu.analysis.repeat import fill_from_strides

RATE = 100.0


def strides(n=1000, period=1.1):
    """Six channels that repeat, with a sharp feature once a period."""
    t = np.arange(n) / RATE
    phase = (t / period) % 1.0
    bump = np.exp(-(((phase - 0.5) / 0.02) ** 2))
    return np.stack([np.sin(2 * np.pi * (k + 1) * phase + k) + (k + 1) * bump for k in range(6)], axis=1)


def holes_at(n, *spans):
    holes = np.zeros(n, dtype=bool)
    for start, stop in spans:
        holes[start:stop] = True
    return holes


def blanked(values, holes):
    """The straight line between the edges where `holes`."""
    good = np.flatnonzero(~holes)
    at = np.arange(len(values))
    return np.stack([np.interp(at, good, values[good, k]) for k in range(values.shape[1])], axis=1)


def test_a_repeating_movement_comes_back_whole():
    true = strides()
    holes = holes_at(len(true), (272, 278), (601, 606))  # the first hides the sharp feature of its stride
    filled = blanked(true, holes)
    assert np.abs(filled - true).max() > 3.0
    fill_from_strides(filled, holes, RATE)
    np.testing.assert_allclose(filled, true, atol=1e-6)


@pytest.mark.parametrize("spans", [((5, 9),), ((992, 996),)], ids=["first samples", "last samples"])
def test_a_gap_at_an_end_of_the_recording_keeps_its_fill(spans):
    true = strides()
    holes = holes_at(len(true), *spans)
    before = blanked(true, holes)
    filled = before.copy()
    fill_from_strides(filled, holes, RATE)
    np.testing.assert_array_equal(filled, before)


def test_a_movement_that_does_not_repeat_keeps_its_fill():
    rng = np.random.default_rng(1)
    true = np.cumsum(rng.standard_normal((2000, 6)), axis=0)
    true -= np.linspace(0, 1, 2000)[:, None] * true[-1]
    true = np.diff(true, axis=0) * 3.0
    holes = holes_at(len(true), *((k, k + 5) for k in range(100, 1900, 60)))
    before = blanked(true, holes)
    filled = before.copy()
    fill_from_strides(filled, holes, RATE)
    np.testing.assert_array_equal(filled, before)


@given(st.lists(st.tuples(st.integers(0, 990), st.integers(1, 6)), max_size=30), st.integers(0, 5))
def test_what_was_received_never_changes(spans, seed):
    true = strides() + 0.1 * np.random.default_rng(seed).standard_normal((1000, 6))
    holes = holes_at(len(true), *((a, a + m) for a, m in spans))
    if holes.all():
        return
    filled = blanked(true, holes)
    fill_from_strides(filled, holes, RATE)
    np.testing.assert_array_equal(filled[~holes], true[~holes])
    assert np.isfinite(filled).all()
