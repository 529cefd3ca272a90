"""Numbers of one series of sessions: slope, monotone trend, own noise, running mean, breaks in level.

Every function takes the sessions of one unbroken stretch (`breaks.stretches`), in the order of time.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ankle_imu.errors import QualityRefusal

Array = NDArray[np.float64]

MIN_SESSIONS_SLOPE: Final = 8
"""Theil-Sen and Mann-Kendall from 8 sessions on (methods sheet F5)."""
BASELINE_SESSIONS: Final = 5
"""A person's usual takes 5 sessions (methods sheet F2, its sources C35, C94)."""
EWMA_WEIGHT: Final = 0.25
"""Middle of the 0.2 to 0.3 of methods sheet F5."""
EWMA_SIGMAS: Final = 2.7
"""Width of the band for an unusual session (methods sheet F5)."""
MIN_SESSIONS_CHANGE_POINT: Final = 20
MIN_SEGMENT: Final = 5
"""Change points from 20 sessions on, 5 sessions apart at least (methods sheet F5)."""
LOESS_SPAN: Final = 0.7
"""Of the 0.6 to 0.75 of methods sheet F5."""
SIGNIFICANT: Final = 1.645
"""One-sided 5 %."""
_Z95: Final = 1.959964


@dataclass(frozen=True, kw_only=True)
class Slope:
    """Theil-Sen slope of one leg with its 95 % interval, and the p value of the Mann-Kendall test.

    `days` is the time from the first to the last session the slope is fitted to, `leg` is empty where there is
    no leg.
    """

    leg: str
    per_30_days: float
    low: float
    high: float
    p_value: float
    days: float = float("nan")

    @property
    def is_clear(self) -> bool:
        """The interval leaves out zero and the Mann-Kendall test agrees at 5 %."""
        return (self.low > 0.0 or self.high < 0.0) and self.p_value < 0.05

    @property
    def total(self) -> float:
        """What the slope adds up to from the first to the last session."""
        return self.per_30_days * self.days / 30.0


def theil_sen(days: ArrayLike, values: ArrayLike, leg: str = "", *, inflate: float = 1.0) -> Slope | None:
    """Slope over the sessions, None below 8 sessions at different times.

    Parameters
    ----------
    days : (n,) float array, days, increasing
    values : (n,) float array, any unit, finite
    leg : str, kept in the result
    inflate : factor on the variance of the slope, at least 1; `gear_factor` where gear was taken out

    Returns
    -------
    Slope or None

    Notes
    -----
    Sen's interval takes the ranks of the pairwise slopes that the variance of Kendall's S leaves open; ties in
    value are taken out of that variance. Sessions that resemble their neighbours make S vary more than its
    formula says: where the lag-1 correlation of the residuals is positive beyond chance, the variance grows by the
    effective-sample factor of `_serial_factor`.

    References
    ----------
    Sen P.K. (1968) J. Am. Stat. Assoc. 63:1379-1389, doi:10.1080/01621459.1968.10480934. Mann H.B. (1945)
    Econometrica 13:245-259, doi:10.2307/1907187. Hamed K.H., Rao A.R. (1998) A modified Mann-Kendall trend test
    for autocorrelated data, J. Hydrol. 204:182-196, doi:10.1016/S0022-1694(97)00125-X. Marriott F.H.C., Pope J.A.
    (1954) Bias in the estimation of autocorrelations, Biometrika 41:390-402, doi:10.1093/biomet/41.3-4.390.
    """
    t, y = np.asarray(days, float), np.asarray(values, float)
    if len(np.unique(t)) < MIN_SESSIONS_SLOPE:
        return None
    slopes = np.sort(_pairwise_slopes(t, y))
    middle = float(np.median(slopes))
    variance = _kendall_variance(t, y) * _serial_factor(y - middle * t) * inflate
    reach = _Z95 * variance**0.5
    last = len(slopes) - 1
    low = slopes[max(round((len(slopes) - reach) / 2.0) - 1, 0)]
    high = slopes[min(round((len(slopes) + reach) / 2.0), last)]
    return Slope(
        leg=leg,
        per_30_days=30.0 * middle,
        low=30.0 * float(low),
        high=30.0 * float(high),
        p_value=_mann_kendall(t, y, variance),
        days=float(t[-1] - t[0]),
    )


def _pairwise_slopes(t: Array, y: Array) -> Array:
    i, j = np.triu_indices(len(t), 1)
    apart = t[j] > t[i]
    return np.asarray((y[j] - y[i])[apart] / (t[j] - t[i])[apart])


def _kendall_variance(t: Array, y: Array) -> float:
    """Variance of Kendall's S with ties in either variable (Kendall 1975, as in Sen's section 3)."""
    n = len(t)
    free = n * (n - 1) * (2 * n + 5)
    tied = sum(
        float(np.sum(k * (k - 1) * (2 * k + 5))) for k in (np.unique(x, return_counts=True)[1] for x in (t, y))
    )
    return max((free - tied) / 18.0, 0.0)


def _mann_kendall(t: Array, y: Array, variance: float) -> float:
    """Two-sided p value of S with a correction for its steps."""
    from scipy.special import ndtr

    i, j = np.triu_indices(len(t), 1)
    s = float(np.sum(np.sign(t[j] - t[i]) * np.sign(y[j] - y[i])))
    if variance <= 0.0 or s == 0.0:
        return 1.0
    return float(2.0 * ndtr(-(abs(s) - 1.0) / variance**0.5))


def _serial_factor(residual: Array) -> float:
    """How much neighbours that resemble one another inflate the variance of S; at least 1.

    For a first-order process with correlation r: 1 + 2 sum over lags k of (1 - k/n) r^k; r is corrected for its
    bias of about -(1 + 3 r) / n. Only a correlation beyond 1.645 / sqrt(n) counts (Hamed and Rao keep significant
    ones alone): with 12 sessions r is known to 0.3; to take every chance value for real lowered the share of true
    changes that are found from 91 to 84 %.
    """
    x = residual - np.mean(residual)
    n, power = len(x), float(x @ x)
    if power <= 0.0:
        return 1.0
    raw = float(x[1:] @ x[:-1]) / power
    if raw + 1.0 / n < SIGNIFICANT / math.sqrt(n):
        return 1.0
    r = float(np.clip((n * raw + 1.0) / (n - 3.0), 0.0, 0.9))
    lag = np.arange(1, n)
    return float(1.0 + 2.0 * np.sum((1.0 - lag / n) * r**lag))


def gear_factor(days: ArrayLike, gear: ArrayLike) -> float:
    """How much less surely a slope is known because the effect of shoes or load was estimated and taken out.

    Parameters
    ----------
    days : (n,) float array
    gear : (n, k) float array, one column for each effect that was taken out

    Returns
    -------
    factor : float, on the variance of the slope; at least 1

    Notes
    -----
    1 / (1 - R^2) with R^2 of time on the gear (variance inflation: a shoe worn mostly late cannot be told from
    time), times (n - 1) / (n - 1 - k) for the freedom the effects took.
    """
    t, x = np.asarray(days, float), np.asarray(gear, float).reshape(len(np.asarray(days)), -1)
    x = x[:, np.ptp(x, axis=0) > 0.0] if x.size else x[:, :0]
    n, k = x.shape
    if k == 0 or n <= k + 2 or np.ptp(t) == 0.0:
        return 1.0
    off = t - t.mean()
    fitted = (x - x.mean(axis=0)) @ np.linalg.lstsq(x - x.mean(axis=0), off, rcond=None)[0]
    shared = min(float(fitted @ fitted) / float(off @ off), 0.99)
    return (n - 1.0) / (n - 1.0 - k) / (1.0 - shared)


def own_noise(values: ArrayLike) -> float:
    """Standard error of measurement of one session, from how neighbouring sessions differ.

    Parameters
    ----------
    values : (n,) float array of one stretch, of sessions on similar ground or adjusted to it

    Returns
    -------
    sem : float, unit of `values`; NaN below 5 sessions

    Notes
    -----
    Root of half the mean squared difference of neighbours (von Neumann J. et al. 1941, Ann. Math. Stat.
    12:153-162, doi:10.1214/aoms/1177731746): a steady change adds next to nothing to it, where the plain standard
    deviation would count the change itself as noise.
    """
    x = np.asarray(values, float)
    if len(x) < BASELINE_SESSIONS:
        return float("nan")
    return float(np.sqrt(np.mean(np.diff(x) ** 2) / 2.0))


def detectable_change(sem: float) -> float:
    """Smallest difference of two sessions that noise alone makes in one of 20: 1.96 sqrt(2) SEM (MDC95)."""
    return _Z95 * math.sqrt(2.0) * sem


@dataclass(frozen=True, kw_only=True, eq=False)
class Ewma:
    """Running mean of the sessions and the band it stays in while nothing changes; (n,) arrays."""

    mean: Array
    low: Array
    high: Array

    @property
    def is_unusual(self) -> NDArray[np.bool_]:
        """Sessions after the baseline whose running mean leaves the band."""
        outside = (self.mean < self.low) | (self.mean > self.high)
        outside[:BASELINE_SESSIONS] = False
        return outside


def ewma(values: ArrayLike) -> Ewma | None:
    """Exponentially weighted mean against the first five sessions, None below 6 sessions.

    Notes
    -----
    Centre: mean of the first five. Width: 2.7 sigma of the running mean, sigma from `own_noise` of all sessions
    (from five alone it is known to a third only), plus the doubt about the centre itself.

    References
    ----------
    Roberts S.W. (1959) Control chart tests based on geometric moving averages, Technometrics 1:239-250,
    doi:10.1080/00401706.1959.10489860.
    """
    x = np.asarray(values, float)
    if len(x) <= BASELINE_SESSIONS:
        return None
    centre, sigma = float(np.mean(x[:BASELINE_SESSIONS])), own_noise(x)
    mean = np.empty(len(x))
    level = centre
    for i, value in enumerate(x):
        level += EWMA_WEIGHT * (value - level)
        mean[i] = level
    settled = 1.0 - (1.0 - EWMA_WEIGHT) ** (2 * np.arange(1, len(x) + 1))
    share = EWMA_WEIGHT / (2.0 - EWMA_WEIGHT) * settled + 1.0 / BASELINE_SESSIONS
    half = EWMA_SIGMAS * sigma * np.sqrt(share)
    return Ewma(mean=mean, low=centre - half, high=centre + half)


def loess(days: ArrayLike, values: ArrayLike, at: ArrayLike | None = None) -> Array:
    """Smooth line through the sessions, for the eye only: no statement rests on it.

    Parameters
    ----------
    days, values : (n,) float arrays, n >= 4
    at : (m,) float array, where the line is wanted; `days` when None

    Returns
    -------
    line : (m,) float array

    References
    ----------
    Cleveland W.S. (1979) Robust locally weighted regression and smoothing scatterplots, J. Am. Stat. Assoc.
    74:829-836, doi:10.1080/01621459.1979.10481038; local lines with tricube weights, no robust passes.
    """
    t, y = np.asarray(days, float), np.asarray(values, float)
    x = t if at is None else np.asarray(at, float)
    k = min(len(t), max(4, int(LOESS_SPAN * len(t) + 0.5)))
    distance = np.abs(x[:, None] - t)
    reach = np.sort(distance, axis=1)[:, k - 1 : k]
    weight = np.clip(1.0 - (distance / np.where(reach > 0.0, reach, 1.0)) ** 3, 0.0, 1.0) ** 3
    total = weight.sum(axis=1)
    mean_t, mean_y = weight @ t / total, weight @ y / total
    off = t - mean_t[:, None]
    spread = (weight * off**2).sum(axis=1)
    tilt = (weight * off * (y - mean_y[:, None])).sum(axis=1) / np.where(spread > 0.0, spread, np.inf)
    return np.asarray(mean_y + tilt * (x - mean_t))


def change_points(values: ArrayLike) -> list[int]:
    """Sessions from which on the level is another one, as places in `values`; empty below 20 sessions.

    Raises
    ------
    QualityRefusal
        If the library `ruptures` is not installed.

    Notes
    -----
    PELT on the mean alone, at least 5 sessions between two changes, penalty 4 sigma^2 ln n with sigma from
    `own_noise`. Own simulation, 300 series each of 20 / 40 / 100 sessions: where nothing changes a change is
    found in 0 / 1 / 0 % of series (6 / 6 / 2 % when neighbouring sessions correlate by 0.2; 20 / 30 / 35 % at
    0.4), and a step of 2 sigma within 2 sessions of its place in 74 / 92 / 94 %. With 2 sigma^2 ln n a change was
    found in 8 / 13 / 6 % of unchanged series.

    References
    ----------
    Killick R., Fearnhead P., Eckley I.A. (2012) Optimal detection of changepoints with a linear computational
    cost, J. Am. Stat. Assoc. 107:1590-1598, doi:10.1080/01621459.2012.737745.
    """
    x = np.asarray(values, float)
    if len(x) < MIN_SESSIONS_CHANGE_POINT or np.ptp(x) == 0.0:
        return []
    try:
        from ruptures import Pelt
    except ImportError as error:
        raise QualityRefusal(NO_RUPTURES) from error
    penalty = 4.0 * own_noise(x) ** 2 * np.log(len(x))
    ends = Pelt(model="l2", min_size=MIN_SEGMENT, jump=1).fit(x).predict(pen=penalty)
    return [int(end) for end in ends[:-1]]


NO_RUPTURES: Final = (
    "Changes of level are searched for by the library ruptures, which is not installed: "
    'pip install "ankle-imu[stats]" adds it.'
)
