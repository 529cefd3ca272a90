"""Zero-phase smoothing and runs of a condition: the two tools all of `gait` stands on."""

from __future__ import annotations

from functools import lru_cache

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
    total = np.zeros((len(values) + 1, *values.shape[1:]))
    np.cumsum(values, axis=0, out=total[1:])
    out = np.empty(values.shape)
    whole = slice(half, max(len(values) - half, half))
    out[whole] = (total[window:] - total[:-window]) / window if len(values) >= window else 0.0
    for i in {*range(min(half, len(values))), *range(max(len(values) - half, 0), len(values))}:
        low, high = max(i - half, 0), min(i + half + 1, len(values))
        out[i] = (total[high] - total[low]) / (high - low)
    return out


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
    from scipy.signal import upfirdn

    if cutoff_hz >= 0.45 * sampling_rate:
        return np.ascontiguousarray(values[::step])
    half = max(1, round(1.65 * sampling_rate / cutoff_hz))
    taps = _taps(2 * half + 1, cutoff_hz, sampling_rate)
    lead = -half % step
    full = upfirdn(np.concatenate([np.zeros(lead), taps]), values, 1, step, axis=0)
    first, count = (half + lead) // step, (len(values) + step - 1) // step
    out = np.asarray(full[first : first + count])
    # The filter saw zeros beyond both ends: add what held values would have given.
    below = np.concatenate([[0.0], np.cumsum(taps)])
    at = np.arange(count) * step + half
    early, late = np.flatnonzero(at < 2 * half), np.flatnonzero(at >= len(values))
    out[early] += np.multiply.outer(below[-1] - below[at[early] + 1], values[0])
    out[late] += np.multiply.outer(below[np.minimum(at[late] - len(values) + 1, 2 * half + 1)], values[-1])
    return out


@lru_cache(maxsize=16)
def _taps(count: int, cutoff_hz: float, sampling_rate: float) -> Array:
    """The filter's taps, read-only; designing them costs more than a stride's filtering."""
    from scipy.signal import firwin

    taps = np.asarray(firwin(count, cutoff_hz, fs=sampling_rate))
    taps.flags.writeable = False
    return taps
