"""Per-stance numbers of the frontal plane: excursions, ranges and velocities."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

STANCE_SHARE = 0.85
"""The last 15 % of stance are left out: push-off leaks flexion into the frontal plane."""

BEFORE_CONTACT_S = 0.020


@dataclass(frozen=True, kw_only=True, eq=False)
class Windows:
    """Samples of k phases as one padded block: `index` (k, m) and `inside` (k, m)."""

    index: NDArray[np.int64]
    inside: NDArray[np.bool_]

    def of(self, values: Array, blank: float = np.nan) -> Array:
        """Values (n,) in the windows, (k, m), `blank` outside."""
        return np.where(self.inside, values[self.index], blank)


def windows(start: Array, stop: Array, n: int) -> Windows:
    """Samples i with start <= i < stop (fractional samples), at least one each, within [0, n)."""
    low = np.clip(np.ceil(start).astype(np.int64), 0, max(n - 1, 0))
    high = np.clip(np.ceil(stop).astype(np.int64), low + 1, max(n, 1))
    length = int((high - low).max()) if len(low) else 1
    column = np.arange(length)
    index = np.minimum(low[:, None] + column, n - 1)
    return Windows(index=index, inside=column < (high - low)[:, None])


def stance_windows(ic: Array, to: Array, n: int) -> Windows:
    """The phase [IC, IC + 85 % of stance) of each stride."""
    return windows(ic, ic + STANCE_SHARE * (to - ic), n)


def before_contact(values: Array, ic: Array, sampling_rate: float) -> Array:
    """Mean over the 20 ms before each contact, (k,): before the impact disturbs the angle."""
    w = windows(ic - max(1.0, BEFORE_CONTACT_S * sampling_rate), ic, len(values))
    return row_mean(w.of(values))


def excursions(angle: Array, at_flat: Array, ic: Array, to: Array, sampling_rate: float) -> dict[str, Array]:
    """Excursion columns of the stride table from one frontal angle.

    Parameters
    ----------
    angle : (n,) float array, deg, + = inversion
    at_flat : (k,) deg, angle at foot-flat, NaN where the foot was never flat
    ic, to : (k,) fractional samples
    sampling_rate : float, Hz

    Returns
    -------
    dict of (k,) arrays: inv_at_ic_deg, ev_excursion_deg, inv_excursion_deg, range_stance_deg, time_to_peak_inv_s

    Notes
    -----
    `ev_excursion` from contact to the most everted instant is the pronation excursion of shoe pods;
    `inv_excursion` counts from foot-flat or from contact, whichever is more inverted (from contact alone where
    the foot is never flat, as in running); it is 0 where the foot lands at its most inverted. NaN anywhere in
    the phase makes the stride's values NaN.
    """
    w = stance_windows(ic, to, len(angle))
    a = w.of(angle)
    lost = (np.isnan(a) & w.inside).any(axis=1)
    top = np.where(w.inside, a, -np.inf).max(axis=1)
    low = np.where(w.inside, a, np.inf).min(axis=1)
    at_ic = before_contact(angle, ic, sampling_rate)
    peak_at = w.index[np.arange(len(ic)), np.where(w.inside & ~np.isnan(a), a, -np.inf).argmax(axis=1)]
    out = {
        "inv_at_ic_deg": at_ic,
        "ev_excursion_deg": at_ic - low,
        "inv_excursion_deg": np.maximum(top - np.fmax(at_flat, at_ic), 0.0),
        "range_stance_deg": top - low,
        "time_to_peak_inv_s": (peak_at - ic) / sampling_rate,
    }
    return {name: np.where(lost, np.nan, values) for name, values in out.items()}


def peak_rates(rate: Array, ic: Array, to: Array) -> tuple[Array, Array]:
    """Largest inversion and eversion rate, both positive, in IC..85 % of stance; unit of `rate`, (k,) each."""
    w = stance_windows(ic, to, len(rate))
    r = w.of(rate)
    lost = (np.isnan(r) & w.inside).any(axis=1)
    up = np.where(w.inside, r, -np.inf).max(axis=1)
    down = -np.where(w.inside, r, np.inf).min(axis=1)
    return np.where(lost, np.nan, np.maximum(up, 0.0)), np.where(lost, np.nan, np.maximum(down, 0.0))


def row_mean(values: Array) -> Array:
    """Mean of each row over its finite values, NaN where there is none."""
    good = np.isfinite(values)
    count = good.sum(axis=1)
    total = np.where(good, values, 0.0).sum(axis=1)
    return np.asarray(np.where(count > 0, total / np.maximum(count, 1), np.nan))


def spread(values: Array, start: Array, stop: Array) -> Array:
    """Largest minus smallest value in each phase [start, stop), (k,)."""
    return extent(windows(start, stop, len(values)).of(values))


def highest(values: Array, start: Array, stop: Array) -> Array:
    """Largest finite value in each phase [start, stop), (k,); NaN where there is none."""
    block = windows(start, stop, len(values)).of(values)
    good = np.isfinite(block)
    return np.where(good.any(axis=1), np.where(good, block, -np.inf).max(axis=1), np.nan)


def extent(block: Array) -> Array:
    """Largest minus smallest finite value of each row (k, m), NaN where there is none."""
    good = np.isfinite(block)
    result = np.where(good, block, -np.inf).max(axis=1) - np.where(good, block, np.inf).min(axis=1)
    return np.where(good.any(axis=1), result, np.nan)
