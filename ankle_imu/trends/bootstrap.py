"""Moving-block bootstrap of a session: how far each component would move had other strides been walked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ankle_imu.comparison import SessionStrides
from ankle_imu.comparison.rates import poisson_interval
from ankle_imu.comparison.standardise import to_scale
from ankle_imu.comparison.windows import Windows, cut, sources_of
from ankle_imu.metrics import ground
from ankle_imu.metrics.stability import MEASURES, Measure

Array = NDArray[np.float64]

BLOCK_WINDOWS: Final = 5
"""Windows of 20 strides in a block: 100 strides (methods sheet F4)."""

WIDEN: Final = 1.3
"""Factor on every deviation (methods sheet F4); coverage measured in `index.stability_index`."""


def draw_changes(
    own: Mapping[str, Windows], base: Mapping[str, Sequence[Windows]], draws: int, rng: np.random.Generator
) -> dict[str, Array]:
    """Changes of each measure over the draws, the same strides drawn for all measures.

    Parameters
    ----------
    own : name of `MEASURES` -> windows of the session
    base : name -> windows of each session whose level on each kind of ground is taken out before drawing
    draws : int
    rng : Generator

    Returns
    -------
    dict of name -> (draws,) float array, on the scale of the measure; zeros where it is not measured; of a rate
    the number of events that might have been, as a share of those expected from the upper end of its interval

    Notes
    -----
    Events are too few to draw strides with them: three in a session could never become nine, and none would
    always stay none. Their number is drawn from its Gamma distribution given the count (Jeffreys prior).
    """
    drawn = [len(one.statistic) for name, one in own.items() if MEASURES[name].scale != "count"]
    times = block_counts(max(drawn, default=0), draws, rng)
    return {
        name: _rate_factors(windows, draws, rng)
        if MEASURES[name].scale == "count"
        else WIDEN * _mean_change(like_ground(windows, base[name], MEASURES[name]), times)
        for name, windows in own.items()
    }


def windows_of(
    session: SessionStrides, names: Sequence[str], leg: str, gait: str, angle_source: str
) -> dict[str, Windows]:
    """Windows of a session for each measure."""
    return {name: cut(session, MEASURES[name], leg, gait, angle_source) for name in names}


def source_of(session: SessionStrides, leg: str, gait: str) -> str:
    """The angle source that a session has most accepted strides of, "" where it has none."""
    found = sources_of(session, leg, gait)
    return max(found, key=lambda name: found[name], default="")


def like_ground(own: Windows, base: Sequence[Windows], measure: Measure) -> Array:
    """Windows of a session less the baseline's mean on their kind of ground, on the scale of the measure, (k,)."""
    edges = ground.terciles(np.concatenate([w.covariates["roughness_deg"] for w in base]))
    label = np.concatenate([_kinds(w, edges) for w in base])
    value = np.concatenate([to_scale(w.statistic, measure) for w in base])
    mine, rest = _kinds(own, edges), to_scale(own.statistic, measure)
    good = np.isfinite(value)
    for kind in set(mine):
        there = good & (label == kind)
        rest = np.where(mine == kind, rest - (value[there].mean() if there.any() else np.nan), rest)
    return np.asarray(rest)


def _kinds(windows: Windows, edges: tuple[float, float]) -> NDArray[np.object_]:
    return ground.label_ground(windows.covariates["slope_deg"], windows.covariates["roughness_deg"], edges)


def block_counts(n: int, draws: int, rng: np.random.Generator) -> Array:
    """How often each of n windows is in each draw, (draws, n); blocks of consecutive windows, wrapped around.

    References
    ----------
    Politis D.N., Romano J.P. (1992) A circular block-resampling procedure for stationary data, in LePage R.,
    Billard L. (eds) Exploring the limits of bootstrap, Wiley, 263-270: every window is drawn alike often.
    """
    length = min(BLOCK_WINDOWS, max(n, 1))
    blocks = -(-n // length)
    start = rng.integers(0, max(n, 1), size=(draws, blocks))
    window = (start[:, :, None] + np.arange(length)) % max(n, 1)
    counts = np.zeros((draws, n))
    np.add.at(counts, (np.arange(draws)[:, None], window.reshape(draws, -1)[:, :n]), 1.0)
    return counts


def _mean_change(rest: Array, times: Array) -> Array:
    """Mean of the drawn windows less the mean of all, (draws,)."""
    good = np.isfinite(rest)
    if not good.any():
        return np.zeros(len(times))
    weight = times[:, good].sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        change = times[:, good] @ (rest[good] - rest[good].mean()) / weight
    return np.where(weight > 0.0, change, 0.0)


def _rate_factors(own: Windows, draws: int, rng: np.random.Generator) -> Array:
    """Events drawn given those found, over the upper end of the interval of those found, (draws,)."""
    found = round(float(own.total.sum()))
    return np.asarray(rng.gamma(found + 0.5, size=draws) / poisson_interval(found)[1])
