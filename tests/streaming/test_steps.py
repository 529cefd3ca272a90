"""Contacts and toe-offs from rates drawn by hand; the filter against scipy's."""

from __future__ import annotations

import numpy as np
import pytest

from ankle_imu.streaming.steps import LowPass, Steps

RATE = 100.0


def stride(stance: int, swing: int, *, slap: float) -> np.ndarray:
    """Toe-down rate of one stride, rad/s: slap, quiet, push-off peak of 6, recovery of -5 up to contact."""
    rate = np.zeros(stance + swing)
    rate[:8] = slap * np.sin(np.pi * (np.arange(8) + 0.5) / 8)
    rate[stance - 10 : stance + 10] = 6.0 * np.sin(np.pi * (np.arange(20) + 0.5) / 20)
    rate[stance + 10 :] = -5.0 * np.sin(np.pi * (np.arange(swing - 10) + 0.5) / (swing - 10))
    return rate


def run(rate: np.ndarray) -> tuple[Steps, list[int], list[int]]:
    """The states after all samples, the contacts and the toe-offs."""
    steps = Steps(RATE)
    contacts, offs = [], []
    for k, w in enumerate(rate.tolist()):
        was = steps.is_stance
        if steps.step(k, w, abs(w)):
            contacts.append(k)
        if was and not steps.is_stance:
            offs.append(k)
    return steps, contacts, offs


def test_walking() -> None:
    """Contact where the rate rises through zero; toe-off where it has fallen to 3 rad/s, 6 sin(5 pi / 6)."""
    steps, contacts, offs = run(np.concatenate([np.zeros(50), np.tile(stride(65, 45, slap=2.0), 6)]))
    assert contacts == [50 + 110 * k for k in range(1, 6)]
    assert offs == [50 + 110 * k + 55 + 17 for k in range(6)]
    assert not steps.is_running


def test_running() -> None:
    """Contact once the slap is past its peak; toe-off just past the push-off peak."""
    steps, contacts, offs = run(np.concatenate([np.zeros(50), np.tile(stride(24, 46, slap=4.0), 8)]))
    assert steps.is_running
    assert [c % 70 for c in np.array(contacts[3:]) - 50] == [5] * len(contacts[3:])
    assert [c % 70 for c in np.array(offs[3:]) - 50] == [26] * len(offs[3:])


def test_a_foot_that_comes_to_rest_stands() -> None:
    steps, contacts, _ = run(np.concatenate([np.zeros(50), stride(65, 45, slap=0.0)[:85], np.zeros(30)]))
    assert steps.is_stance
    assert len(contacts) == 1


def test_a_knock_is_no_swing() -> None:
    """A turn toe-down below 2.5 rad/s is none, however it ends."""
    _, contacts, offs = run(np.concatenate([np.zeros(50), 0.35 * stride(65, 45, slap=0.0), np.zeros(50)]))
    assert (contacts, offs) == ([], [])


@pytest.mark.parametrize("cutoff", [5.0, 25.0, 60.0])
def test_the_filter_is_that_of_scipy(cutoff: float) -> None:
    from scipy.signal import butter, lfilter

    x = np.random.default_rng(1).normal(size=200)
    b, a = butter(2, min(cutoff, 45.0), fs=RATE)
    smooth = LowPass(cutoff, RATE)
    np.testing.assert_allclose([smooth.step(v) for v in x.tolist()], lfilter(b, a, x), atol=1e-12)
