"""Rolls and wobbles in 1000 strides, as if walked on the reference ground."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ankle_imu.comparison.standardise import kinds_of_ground
from ankle_imu.comparison.windows import Windows

Array = NDArray[np.float64]

BORROWED_EVENTS: Final = 2.0
"""Events that each kind of ground borrows from the mean of all; ours: one kind may have had none yet."""


def standardise_rates(windows: Sequence[Windows], base: Sequence[int]) -> dict[int, dict[str, Any]]:
    """Rate and interval of each session.

    Parameters
    ----------
    windows : one per session, their statistic in events per 1000 strides
    base : places of the sessions that are the reference

    Returns
    -------
    dict of place -> columns value, low, high, method, adjusted_for

    Notes
    -----
    Indirect standardisation: events found over events expected, times the rate of the reference. Expected is
    what all sessions together had on each kind of ground. Events are too rare to average a session's own rates
    over kinds of ground. Interval: exact for Poisson counts.

    References
    ----------
    Breslow N.E., Day N.E. (1987) Statistical Methods in Cancer Research II, IARC, sections 2.3-2.4. Garwood F.
    (1936) Fiducial limits for the Poisson distribution, Biometrika 28:437-442, doi:10.1093/biomet/28.3-4.437.
    """
    kinds = np.concatenate(kinds_of_ground(windows, base))
    owner = np.repeat(np.arange(len(windows)), [len(w.statistic) for w in windows])
    strides = np.concatenate([w.counts for w in windows])
    events = np.nan_to_num(np.concatenate([w.statistic for w in windows])) * strides / 1000.0
    _, own = np.unique(kinds.astype(str), return_inverse=True)
    mean = events.sum() / max(strides.sum(), 1.0)
    borrowed = BORROWED_EVENTS / mean if mean > 0.0 else 0.0
    per_kind = (np.bincount(own, events) + mean * borrowed) / np.maximum(np.bincount(own, strides) + borrowed, 1.0)
    expected = np.bincount(owner, per_kind[own] * strides, minlength=len(windows))
    found = np.bincount(owner, events, minlength=len(windows))
    walked = np.bincount(owner, strides, minlength=len(windows))
    at_reference = 1000.0 * expected[list(base)].sum() / max(walked[list(base)].sum(), 1.0)
    return {i: _row(found[i], expected[i], walked[i], at_reference) for i in range(len(windows))}


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
