"""What the figures, their tables and their alt texts draw on: plain arrays taken out of a result."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from ankle_imu import frames, tables
from ankle_imu.metrics.curves import accepted_strides, strata
from ankle_imu.metrics.recovery import recover
from ankle_imu.report.per_result import per_result

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from ankle_imu.values import SessionResult

    Array = NDArray[np.float64]

LOSS_BINS: Final = 300
MEDIAN_STRIDES: Final = 51
SHOWN_EVENTS: Final = 30


def excursion_metrics(source: str) -> tuple[str, ...]:
    """Stride columns of the excursion figure: those the angle source may claim."""
    return ("shank_range_stance_deg",) if source == "none" else ("range_stance_deg", "inv_excursion_deg")


@per_result
def excursions(result: SessionResult, source: str, gait: str, metric: str) -> dict[str, Array]:
    """Finite values of one metric per leg, from accepted strides; legs without any are absent."""
    found = {leg: strides_of(result, leg, gait, source)[metric].to_numpy(np.float64) for leg in frames.LEGS}
    finite = {leg: values[np.isfinite(values)] for leg, values in found.items()}
    return {leg: values for leg, values in finite.items() if len(values)}


def sources(result: SessionResult) -> list[str]:
    """Angle sources that have strides to draw."""
    return list(dict.fromkeys(source for source, _ in shown_strata(result)))


@per_result
def timeline(result: SessionResult, source: str) -> dict[str, tuple[Array, Array, Array]]:
    """Per leg: minutes, range of each accepted stride, and its running median."""
    metric = excursion_metrics(source)[0]
    strides = result.strides
    out = {}
    for leg in frames.LEGS:
        keep = strides["accepted"].astype(bool) & (strides["leg"] == leg) & (strides["angle_source"] == source)
        part = strides[keep & np.isfinite(strides[metric])].sort_values("start_s")
        if len(part):
            values = part[metric].to_numpy(np.float64)
            out[leg] = (part["start_s"].to_numpy(np.float64) / 60.0, values, running_median(values))
    return out


def running_median(values: Array) -> Array:
    """Median of the 51 values around each, (n,)."""
    return running_quantile(values, 0.5)


def running_quantile(values: Array, share: float) -> Array:
    """Quantile of the 51 values around each, (n,)."""
    import pandas as pd

    rolling = pd.Series(values).rolling(MEDIAN_STRIDES, center=True, min_periods=1)
    return np.asarray(rolling.quantile(share), dtype=np.float64)


def rows(table: pd.DataFrame) -> list[Any]:
    """Rows of a table as named tuples."""
    return list(table.itertuples())


@per_result
def recovery(result: SessionResult) -> pd.DataFrame:
    """How long each roll was felt, as `recover` gives it."""
    return recover(result.strides, result.events)


@per_result
def shown_strata(result: SessionResult) -> list[tuple[str, str]]:
    """Angle source and gait class of every part of the report, as `strata` gives them."""
    return strata(result.strides)


@per_result
def strides_of(result: SessionResult, leg: str, gait: str, source: str) -> pd.DataFrame:
    """Accepted strides of a leg, gait class and angle source."""
    return accepted_strides(result, leg, gait, source)


def thin(x: Array, y: Array, n: int) -> tuple[Array, Array]:
    """Every k-th point, so that about `n` remain."""
    step = max(1, len(x) // n)
    return x[::step], y[::step]


@per_result
def shown_events(result: SessionResult) -> pd.DataFrame:
    """Up to 30 events in order of time: the largest ones where there are more."""
    events = result.events
    if len(events) > SHOWN_EVENTS:
        rolls = events["kind"].isin(["roll", "hard_roll", "eversion_roll"])
        ranked = events.assign(_roll=rolls).sort_values(["_roll", "peak_deg"], ascending=False, kind="stable")
        events = ranked.head(SHOWN_EVENTS).drop(columns="_roll")
    return events.sort_values("time_s", kind="stable")


def open_gaps(result: SessionResult) -> list[tuple[float, float]]:
    """Start and end, s, of every gap that was not bridged, touching ones of all sensors joined.

    The time before a sensor came and after it was stopped is no gap.
    """
    gaps = result.quality.get("gaps")
    if gaps is None or not len(gaps):
        return []
    is_open = ~gaps["filled"].astype(bool) & (gaps["reason"] != tables.NOT_CONNECTED)
    some = gaps[is_open].sort_values("start_s")
    joined: list[tuple[float, float]] = []
    reach = result.duration_s / 1000.0
    for start, end in zip(some["start_s"], some["end_s"], strict=True):
        if joined and start <= joined[-1][1] + reach:
            joined[-1] = (joined[-1][0], max(joined[-1][1], end))
        else:
            joined.append((start, end))
    return joined


def loss_over_time(result: SessionResult, placement: str) -> tuple[Array, Array, Array]:
    """Bin edges (minutes) and the share of each bin that lay in bridged and in open gaps."""
    edges = np.linspace(0.0, max(result.duration_s, 1e-3), LOSS_BINS + 1)
    gaps = result.quality.get("gaps")
    shares = []
    for filled in (True, False):
        covered = np.zeros(len(edges))
        if gaps is not None and len(gaps):
            part = gaps[(gaps["placement"] == placement) & (gaps["filled"].astype(bool) == filled)]
            covered = _time_inside(part["start_s"].to_numpy(float), part["end_s"].to_numpy(float), edges)
        shares.append(np.clip(np.diff(covered) / np.diff(edges), 0.0, 1.0))
    return edges / 60.0, shares[0], shares[1]


def _time_inside(start: Array, end: Array, at: Array) -> Array:
    """Time spent inside the intervals up to each instant of `at`."""
    if len(start) == 0:
        return np.zeros(len(at))
    order = np.argsort(start)
    start, end = start[order], end[order]
    knots = np.column_stack([start, end]).ravel()
    inside = np.column_stack([np.zeros(len(start)), end - start]).ravel()
    return np.asarray(np.interp(at, np.maximum.accumulate(knots), np.cumsum(inside)), dtype=np.float64)
