"""Rolls and wobbles in 1000 strides, as if walked on the reference ground."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ankle_imu.comparison import mixed
from ankle_imu.comparison.standardise import kinds_of_ground
from ankle_imu.comparison.windows import Windows

Array = NDArray[np.float64]

LEAST_EVENTS: Final = 20
"""Events of all sessions that a regression on ground takes; ours: five for each of its four coefficients."""

BORROWED_EVENTS: Final = 2.0
"""Events that each kind of ground borrows from the mean of all; ours: one kind may have had none yet."""


def standardise_rates(windows: Sequence[Windows], base: Sequence[int]) -> dict[int, dict[str, Any]]:
    """Rate and interval of each session.

    Parameters
    ----------
    windows : one per session, their `total` the events of each window, their `counts` its strides
    base : places of the sessions that are the reference

    Returns
    -------
    dict of place -> columns value, low, high, method, adjusted_for

    Notes
    -----
    Indirect standardisation: events found over events expected, times the rate of the reference. Expected is what
    the ground makes of one rate for all: by a Poisson regression on roughness and slope with a level for each
    session where there are 20 events and statsmodels, else by what all sessions together had on each kind of
    ground. Events are too rare to average a session's own rates over kinds of ground. Interval: exact for Poisson
    counts.

    References
    ----------
    Cameron A.C., Trivedi P.K. (2013) Regression Analysis of Count Data, 2nd ed., doi:10.1017/CBO9781139013567.
    Breslow N.E., Day N.E. (1987) Statistical Methods in Cancer Research II, IARC, sections 2.3-2.4. Garwood F.
    (1936) Fiducial limits for the Poisson distribution, Biometrika 28:437-442, doi:10.1093/biomet/28.3-4.437.
    """
    owner = np.repeat(np.arange(len(windows)), [len(w.statistic) for w in windows])
    strides = np.concatenate([w.counts for w in windows])
    events = np.concatenate([w.total for w in windows])
    regressed = _by_regression(windows, owner, strides, events)
    per_stride = _by_kind(windows, base, strides, events) if regressed is None else regressed
    expected = np.bincount(owner, per_stride * strides, minlength=len(windows))
    found = np.bincount(owner, events, minlength=len(windows))
    walked = np.bincount(owner, strides, minlength=len(windows))
    at_reference = 1000.0 * expected[list(base)].sum() / max(walked[list(base)].sum(), 1.0)
    return {i: _row(found[i], expected[i], walked[i], at_reference) for i in range(len(windows))}


def _by_kind(windows: Sequence[Windows], base: Sequence[int], strides: Array, events: Array) -> Array:
    """Expected events per stride of each window: what all sessions had on its kind of ground."""
    kinds = np.concatenate(kinds_of_ground(windows, base))
    _, own = np.unique(kinds.astype(str), return_inverse=True)
    mean = events.sum() / max(strides.sum(), 1.0)
    borrowed = BORROWED_EVENTS / mean if mean > 0.0 else 0.0
    per_kind = (np.bincount(own, events) + mean * borrowed) / np.maximum(np.bincount(own, strides) + borrowed, 1.0)
    return np.asarray(per_kind[own])


def _by_regression(
    windows: Sequence[Windows], owner: NDArray[np.int64], strides: Array, events: Array
) -> Array | None:
    """Expected events per stride of each window, up to a factor; None where there are too few events.

    Sessions without events say nothing of the ground and are left out of the fit.
    """
    if events.sum() < LEAST_EVENTS or len(windows) < mixed.LEAST_SESSIONS or not mixed.is_available():
        return None
    rough = mixed.calibrated_roughness(windows)
    slope = np.concatenate([w.covariates["slope_deg"] for w in windows])
    known = np.isfinite(rough) & np.isfinite(slope) & (strides > 0.0)
    if known.mean() < mixed.LEAST_KNOWN:
        return None
    rough, slope = (np.where(known, x, np.median(x[known])) for x in (rough, slope))
    ground = np.column_stack([*mixed.spline(rough), slope / 5.0, np.abs(slope) / 5.0])
    had = np.flatnonzero(np.bincount(owner, events * known))
    use = known & np.isin(owner, had)
    levels = (owner[use][:, None] == had).astype(float)
    effect = _poisson(events[use], np.column_stack([levels, ground[use]]), strides[use])
    if effect is None:
        return None
    log_rate = ground @ effect[len(had) :]
    return np.asarray(np.exp(log_rate - np.average(log_rate, weights=strides)) * events.sum() / strides.sum())


def _poisson(events: Array, x: Array, strides: Array) -> Array | None:
    """Coefficients of a log-linear Poisson model; None where the fit fails."""
    from statsmodels.genmod.families import Poisson
    from statsmodels.genmod.generalized_linear_model import GLM

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            fitted = GLM(events, x, family=Poisson(), exposure=strides).fit()
    except (np.linalg.LinAlgError, ValueError):
        return None
    effect = np.asarray(fitted.params)
    is_sound = bool(fitted.converged and np.isfinite(effect).all() and np.abs(effect[-x.shape[1] :]).max() < 50.0)
    return effect if is_sound else None


def _row(found: float, expected: float, walked: float, at_reference: float) -> dict[str, Any]:
    factor = at_reference / expected if expected > 0.0 else 1000.0 / max(walked, 1.0)
    low, high = poisson_interval(found)
    return {
        "value": factor * found,
        "low": factor * low,
        "high": factor * high,
        "method": "indirect",
        "adjusted_for": "slope_deg, roughness_deg",
    }


def poisson_interval(count: float) -> tuple[float, float]:
    """Exact 95 % interval of the mean of a Poisson count.

    Examples
    --------
    >>> [round(x, 2) for x in poisson_interval(0.0)]
    [0.0, 3.69]
    """
    from scipy.special import gammaincinv

    low = float(gammaincinv(count, 0.025)) if count > 0.0 else 0.0
    return low, float(gammaincinv(count + 1.0, 0.975))
