"""Research measures against independent libraries and a system with a known exponent."""

from __future__ import annotations

import numpy as np
import pytest

from ankle_imu.errors import QualityRefusal
from ankle_imu.metrics import research


def lorenz(n: int, dt: float = 0.01) -> np.ndarray:
    """x of the Lorenz system (sigma 16, rho 45.92, beta 4), whose largest exponent is 1.50 (Wolf 1985)."""
    state, out = np.array([1.0, 1.0, 1.0]), np.empty(n)

    def flow(s: np.ndarray) -> np.ndarray:
        return np.array([16.0 * (s[1] - s[0]), s[0] * (45.92 - s[2]) - s[1], s[0] * s[1] - 4.0 * s[2]])

    for k in range(n + 1000):
        a = flow(state)
        b = flow(state + dt / 2 * a)
        c = flow(state + dt / 2 * b)
        d = flow(state + dt * c)
        state = state + dt / 6 * (a + 2 * b + 2 * c + d)
        if k >= 1000:
            out[k - 1000] = state[0]
    return out


def test_divergence_finds_the_exponent_of_a_known_system() -> None:
    """Rosenstein 1993, table 2: 1.50 within 10 % from 5000 points of the Lorenz system, delay 11."""
    apart = research.divergence(lorenz(5000), 3, 11, 100, 150)
    slope = np.polyfit(np.arange(20, 150) * 0.01, apart[20:150], 1)[0]
    assert slope == pytest.approx(1.50, rel=0.12)


def test_divergence_as_by_an_independent_library() -> None:
    """Neurokit's own Rosenstein on the same states, neighbours and steps."""
    neurokit2 = pytest.importorskip("neurokit2")
    x = lorenz(1500)
    steps = 60
    _, info = neurokit2.complexity_lyapunov(
        x, delay=10, dimension=5, method="rosenstein1993", separation=100, len_trajectory=steps + 1
    )
    theirs = np.asarray(info["Divergence_Rate"])[: steps + 1]
    ours = research.divergence(x, 5, 10, 100, steps)
    slopes = [np.polyfit(np.arange(5, steps), line[5:steps], 1)[0] for line in (ours, theirs)]
    assert slopes[0] == pytest.approx(slopes[1], rel=0.05)


@pytest.mark.parametrize("seed", range(4))
def test_sample_entropy_as_by_independent_libraries(seed: int) -> None:
    antropy, neurokit2 = pytest.importorskip("antropy"), pytest.importorskip("neurokit2")
    rng = np.random.default_rng(seed)
    x = np.cumsum(rng.normal(size=200)) * 0.3 + rng.normal(size=200)
    ours = research.sample_entropy(x)
    assert ours == pytest.approx(antropy.sample_entropy(x, order=2, tolerance=0.2 * np.std(x)), abs=0.02)
    theirs, _ = neurokit2.entropy_sample(x, delay=1, dimension=2, tolerance=0.2 * np.std(x))
    assert ours == pytest.approx(theirs, abs=0.02)


def test_noise_is_less_regular_than_a_wave() -> None:
    t = np.arange(200)
    noise = np.random.default_rng(1).normal(size=200)
    assert research.sample_entropy(noise) > research.sample_entropy(np.sin(t / 3.0)) + 0.5


def stride_signal(noise: float, strides: int = 151) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(2)
    length = rng.integers(98, 108, strides)
    starts = np.concatenate([[0], np.cumsum(length)])
    phase = np.concatenate([np.arange(n) / n for n in length])
    wave = np.sin(2 * np.pi * phase) + 0.4 * np.sin(4 * np.pi * phase + 1.0)
    slow = np.repeat(rng.normal(0.0, noise, strides), length)
    return wave * (1.0 + slow) + noise * rng.normal(size=len(wave)) * 0.2, starts


def test_only_the_first_150_strides_count() -> None:
    signal, starts = stride_signal(0.1, 180)
    few = research.local_dynamic_stability(signal, starts[:151])
    assert few == research.local_dynamic_stability(signal, starts)
    assert few > 0.0


def test_size_does_not_count() -> None:
    signal, starts = stride_signal(0.1)
    assert research.local_dynamic_stability(7.0 * signal, starts) == pytest.approx(
        research.local_dynamic_stability(signal, starts), rel=1e-6
    )


def test_too_little_is_refused() -> None:
    signal, starts = stride_signal(0.1)
    with pytest.raises(QualityRefusal, match="149 strides"):
        research.local_dynamic_stability(signal, starts[:150])
    signal[500] = np.nan
    with pytest.raises(QualityRefusal, match="missing"):
        research.local_dynamic_stability(signal, starts)
    with pytest.raises(QualityRefusal, match="199"):
        research.sample_entropy(np.arange(199.0))
    with pytest.raises(QualityRefusal, match="vary"):
        research.sample_entropy(np.ones(200))
