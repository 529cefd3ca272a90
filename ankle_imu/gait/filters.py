"""Zero-phase smoothing and runs of a condition: the two tools all of `gait` stands on."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def low_pass(values: Array, cutoff_hz: float, sampling_rate: float, order: int = 2) -> Array:
    """Zero-phase Butterworth low-pass along the first axis; the input itself when the band reaches Nyquist."""
    from scipy.signal import butter, sosfiltfilt

    if cutoff_hz >= 0.45 * sampling_rate or len(values) < 20:
        return values
    sos = butter(order, cutoff_hz, fs=sampling_rate, output="sos")
    padding = min(len(values) - 1, round(3.0 * sampling_rate / cutoff_hz))
    return np.asarray(sosfiltfilt(sos, values, axis=0, padlen=padding))


def moving_mean(values: Array, window: int) -> Array:
    """Centred mean over `window` samples along the first axis, shorter at the ends."""
    window = max(1, window | 1)
    half = window // 2
    total = np.concatenate([np.zeros((1, *values.shape[1:])), np.cumsum(values, axis=0)])
    index = np.arange(len(values))
    low, high = np.maximum(index - half, 0), np.minimum(index + half + 1, len(values))
    count = (high - low).astype(float)
    return np.asarray((total[high] - total[low]) / count.reshape(-1, *([1] * (values.ndim - 1))))


def runs(condition: NDArray[np.bool_]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Start and stop `[start, stop)` of each stretch where `condition` (n,) holds."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], condition, [False]]).astype(np.int8)))
    return edges[0::2].astype(np.int64), edges[1::2].astype(np.int64)


def low_pass_decimated(values: Array, cutoff_hz: float, sampling_rate: float, step: int) -> Array:
    """Zero-phase low-pass along the first axis, keeping every `step`-th sample (0, step, 2 step, ...).

    Notes
    -----
    Windowed-sinc FIR (Hamming, transition about `cutoff_hz` wide), computed at the kept samples only; edges see
    the signal held constant beyond its ends.
    """
    from scipy.signal import firwin, upfirdn

    if cutoff_hz >= 0.45 * sampling_rate:
        return np.ascontiguousarray(values[::step])
    half = max(1, round(1.65 * sampling_rate / cutoff_hz))
    taps = firwin(2 * half + 1, cutoff_hz, fs=sampling_rate)
    padded = np.concatenate([np.repeat(values[:1], half, axis=0), values, np.repeat(values[-1:], half, axis=0)])
    delay = 2 * half
    full = upfirdn(taps, np.concatenate([np.zeros((-delay % step, *values.shape[1:])), padded]), 1, step, axis=0)
    first = (delay + (-delay % step)) // step
    return np.asarray(full[first : first + (len(values) + step - 1) // step])
