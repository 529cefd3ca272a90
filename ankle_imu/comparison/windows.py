"""Strides in windows of 20: the statistic of each and the ground it was walked on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeVar
from weakref import WeakKeyDictionary, ref

import numpy as np
from numpy.typing import NDArray

from ankle_imu import tables
from ankle_imu.comparison.session import SessionStrides
from ankle_imu.metrics import ground
from ankle_imu.metrics.stability import (
    MEASURES,
    Measure,
    row_median,
    standard_deviation,
    stride_values,
    taken,
    unfit,
)
from ankle_imu.metrics.summary import MIN_STRIDES_MEDIAN

if TYPE_CHECKING:
    import pandas as pd

Array = NDArray[np.float64]
T = TypeVar("T")

LEAST_VALUES: Final = 13
"""Values a window of 20 needs: fewer have no 95th percentile below their largest (Hyndman & Fan 1996)."""

_COLUMN_OF: Final = {"roughness_deg": "_roughness", "speed_mps": "speed_mps", "slope_deg": "_slope"}

COVARIATES: Final = tuple(_COLUMN_OF)
"""What a window knows of the ground and the pace."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Windows:
    """Windows of one session, of one leg, gait and angle source, in the order walked.

    Parameters
    ----------
    statistic : (k,) float array, unit of the measure; NaN with fewer than 13 values
    counts : (k,) float array, values in each window
    total : (k,) float array, sum of them, of a rate the events; known however few they are
    covariates : name -> (k,) float array, median over the window; NaN where unknown
    own_roughness : (k,) float array, deg, of the strides of the window alone
    roughness_noise : (k,) float array, variance of the logarithm of `own_roughness` by chance
    n_strides : int, strides with a value
    whole : float, the statistic over all of them at once
    unfit : str, why the strides cannot be measured by it, "" when they can
    """

    statistic: Array
    counts: Array
    total: Array
    covariates: dict[str, Array]
    own_roughness: Array
    roughness_noise: Array
    n_strides: int
    whole: float
    unfit: str


def find_measure(name: str) -> Measure:
    """Return a measure of `MEASURES`, or the median of a stride column.

    Raises
    ------
    ValueError
        If the name is neither.
    """
    if name in MEASURES:
        return MEASURES[name]
    if name not in tables.METRICS:
        raise ValueError(f"Unknown measure {name!r}; expected one of {', '.join((*MEASURES, *tables.METRICS))}.")
    unit = next(c.unit for c in tables.STRIDES.columns if c.name == name)
    return Measure(
        name=name, title=name, unit=unit, column=name, needed=MIN_STRIDES_MEDIAN, high_is_steadier=False,
        scale="linear", per_stride=lambda values, is_followed: values, statistic=row_median, source="methods F2",
    )  # fmt: skip


_CUT: Final[WeakKeyDictionary[SessionStrides, dict[tuple[object, ...], Any]]] = WeakKeyDictionary()
"""What was cut out of each session while it is in memory: five measures and an index ask for the same windows."""


def cut(session: SessionStrides, measure: Measure, leg: str, gait: str, angle_source: str) -> Windows:
    """Cut the strides of one leg, gait and angle source into windows of 20 and take their statistics."""
    known = _CUT.setdefault(session, {})
    key = ("windows", measure.name, leg, gait, angle_source)
    if key not in known:
        kind = ("taken", measure.scale == "count", leg, gait, angle_source)
        strides = _strides_of(session, leg, gait, angle_source)
        if kind not in known:
            known[kind] = _ground_of(taken(measure, strides))
        known[key] = _cut(session, measure, strides, known[kind])
    windows: Windows = known[key]
    return windows


_FOUND: Final[WeakKeyDictionary[Windows, dict[tuple[object, ...], Any]]] = WeakKeyDictionary()
"""What was found from each set of windows, kept with the first of them."""


def remembered(windows: Sequence[Windows], question: tuple[object, ...], answer: Callable[[], T]) -> T:
    """The answer to a question about the windows of several sessions, found once while they are in memory.

    An index asks for the model of each measure twice: whether it takes the shoes out, then for its values.
    """
    known = _FOUND.setdefault(windows[0], {})
    others = tuple(ref(one) for one in windows[1:])
    if (others, question) not in known:
        known[others, question] = answer()
    found: T = known[others, question]
    return found


def _strides_of(session: SessionStrides, leg: str, gait: str, angle_source: str) -> pd.DataFrame:
    """Strides of one leg, gait and angle source, accepted or not, with roughness and slope of the ground."""
    known = _CUT.setdefault(session, {})
    key = ("strides", leg, gait, angle_source)
    if key not in known:
        if ("ground",) not in known:
            context = session.context if len(session.context) == len(session.strides) else None
            known["ground",] = session.strides.assign(
                _roughness=ground.known_roughness(session.strides, context),
                _slope=ground.slope(session.strides, context),
            )
        table = known["ground",]
        keep = (table["leg"] == leg) & (table["gait"] == gait) & (table["angle_source"] == angle_source)
        known[key] = table[keep.to_numpy(bool)]
    chosen: pd.DataFrame = known[key]
    return chosen


@dataclass(frozen=True, kw_only=True, eq=False)
class _Taken:
    """The strides that measures are taken of, and what their windows know of the ground."""

    strides: pd.DataFrame
    covariates: dict[str, Array]
    own_roughness: Array
    roughness_noise: Array


def _ground_of(chosen: pd.DataFrame) -> _Taken:
    own, noise = _own_roughness(chosen)
    covariates = {name: row_median(_blocks(chosen[column].to_numpy(float))) for name, column in _COLUMN_OF.items()}
    return _Taken(strides=chosen, covariates=covariates, own_roughness=own, roughness_noise=noise)


def _cut(session: SessionStrides, measure: Measure, strides: pd.DataFrame, ground_of: _Taken) -> Windows:
    values = stride_values(measure, ground_of.strides, session.context, session.events, session.strides)
    n = int(np.isfinite(values).sum())
    block = _blocks(values)
    counts = np.isfinite(block).sum(axis=1).astype(float)
    full = np.where((counts >= LEAST_VALUES)[:, None], block, np.nan)
    statistic = np.full(len(block), np.nan)
    enough = counts >= LEAST_VALUES
    statistic[enough] = measure.statistic(full[enough])
    return Windows(
        statistic=statistic,
        counts=counts,
        total=np.nansum(block, axis=1),
        covariates=ground_of.covariates,
        own_roughness=ground_of.own_roughness,
        roughness_noise=ground_of.roughness_noise,
        n_strides=n,
        unfit=unfit(measure, strides),
        whole=float(measure.statistic(values[None, :])[0]) if n >= measure.needed else float("nan"),
    )


def _own_roughness(strides: pd.DataFrame) -> tuple[Array, Array]:
    """Roughness of each window, deg, and the variance of its logarithm, from its odd against its even strides."""
    parts = [_blocks(values) for values in ground.attitude(strides)]
    whole, odd, even = (
        np.sqrt(sum(standard_deviation(part[:, rows]) ** 2 for part in parts))
        for rows in (slice(None), slice(0, None, 2), slice(1, None, 2))
    )
    n = np.min([np.isfinite(part).sum(axis=1) for part in parts], axis=0)
    known = (n >= ground.LEAST_STRIDES) & (odd > 0.0) & (even > 0.0)
    ratio = np.log(np.where(known, odd, 1.0) / np.where(known, even, 1.0))
    return np.where(known, whole, np.nan), np.where(known, ratio**2 / 4.0, np.nan)


def _blocks(values: Array) -> Array:
    """(n,) -> (k, 20), the last row filled up with NaN."""
    k = -(-len(values) // ground.WINDOW_STRIDES)
    padded = np.full(k * ground.WINDOW_STRIDES, np.nan)
    padded[: len(values)] = values
    return padded.reshape(k, ground.WINDOW_STRIDES)


def sources_of(session: SessionStrides, leg: str, gait: str) -> dict[str, int]:
    """Accepted strides of each angle source."""
    known = _CUT.setdefault(session, {})
    key = ("sources", leg, gait)
    if key not in known:
        strides = session.strides
        keep = (strides["leg"] == leg) & (strides["gait"] == gait) & strides["accepted"].astype(bool)
        counts = strides["angle_source"][keep].value_counts()
        known[key] = {str(name): int(n) for name, n in counts.items()}
    return dict(known[key])
