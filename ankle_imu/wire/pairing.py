"""Acceleration and angular rate that a sensor sends as two streams, brought to common rows.

The rule, for every protocol that stamps both streams with one clock: a row belongs to an acceleration sample; its
angular rate is interpolated linearly between the two samples round it, or taken as it is at an equal time. Where
no two neighbours stand round it, or a lost packet lies between them, it is NaN; nothing is stretched over a hole.
`gyr` is None when no such packet came at all; when only such packets came, `acc` is NaN in all rows. Streams
without a clock cannot be paired here: they stay two blocks, one with `gyr` None, one with `acc` NaN.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ankle_imu.wire.block import Array, Block, Indices

_WIDEST_GAP: Final = 1.5
"""Neighbours further apart than this many sampling periods have a lost sample between them."""
_SAME_STEP: Final = 1.25
"""Steps this much above the shortest ones have a lost packet in them."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Stream:
    """Samples of one quantity in order of arrival.

    Parameters
    ----------
    values : (n, 3) float array, m/s^2 or rad/s, sensor frame
    ticks : (n,) float array, sensor's clock
    arrival : (n,) float array, s
    spacing : float, ticks from one sample to the next; NaN when unknown
    """

    values: Array
    ticks: Array
    arrival: Array
    spacing: float

    def __len__(self) -> int:
        return len(self.values)


def pair(acc: Stream, gyr: Stream, *, tick_s: float, tick_wrap: float, errors: Counter[str]) -> Block:
    """One block of two streams that share a clock, by the rule above.

    Parameters
    ----------
    acc, gyr : Stream; empty when the sensor sent none
    tick_s : float, s
    tick_wrap : float, ticks; 0 when the clock never starts again
    errors : Counter, handed on

    Returns
    -------
    Block
    """
    rows = acc if len(acc) or not len(gyr) else gyr
    if rows is gyr:
        rates: Array | None = gyr.values
    else:
        rates = _rates_at(acc.ticks, gyr, tick_wrap) if len(gyr) else None
    return Block(
        acc=rows.values if rows is acc else np.full_like(gyr.values, np.nan),
        gyr=rates,
        ticks=rows.ticks,
        tick_s=tick_s,
        tick_wrap=tick_wrap,
        arrival=rows.arrival,
        errors=errors,
    )


def measure_spacing(times: NDArray[Any], n: Indices, nominal: float = float("nan")) -> float:
    """Ticks from one sample to the next.

    Parameters
    ----------
    times : (m,) unsigned int array, ticks, the last sample of each packet
    n : (m,) int array, samples in each packet
    nominal : float, ticks, what was asked for; NaN when not known

    Returns
    -------
    float
        Median over neighbouring packets between which, by the shortest tenth of the steps, none was lost; steps
        far above the nominal one have a loss in them. The nominal one when there are no such two packets.
    """
    if not (times[1:] >= times[:-1]).all():
        order = np.argsort(times, kind="stable")
        times, n = times[order], n[order]
    steps = np.diff(times) / n[1:]
    steps = steps[(steps > 0.0) & ~(steps > _WIDEST_GAP * nominal)]
    if not len(steps):
        return nominal
    return float(np.median(steps[steps <= _SAME_STEP * np.quantile(steps, 0.1)]))


def _rates_at(ticks: Array, gyr: Stream, wrap: float) -> Array:
    if np.array_equal(ticks, gyr.ticks):
        return gyr.values
    origin = ticks[0]
    wanted, known = _since(ticks, origin, wrap), _since(gyr.ticks, origin, wrap)
    values = gyr.values
    if not (np.diff(known) > 0.0).all():
        known, first = np.unique(known, return_index=True)
        values = values[first]
    after: Indices = np.minimum(np.searchsorted(known, wanted), len(known) - 1)
    before = np.maximum(after - 1, 0)
    width = known[after] - known[before]
    is_between = (width > 0.0) & (width <= _WIDEST_GAP * gyr.spacing)
    is_between &= (known[before] <= wanted) & (wanted <= known[after])
    weight = (wanted - known[before]) / np.where(width > 0.0, width, 1.0)
    rates: Array = values[before] + weight[:, None] * (values[after] - values[before])
    rates[~is_between] = np.nan
    is_same = known[after] == wanted
    rates[is_same] = values[after[is_same]]
    return rates


def _since(ticks: Array, origin: float, wrap: float) -> Array:
    """Ticks after `origin`, negative before it; a clock that wraps is followed for half its span either way."""
    passed: Array = ticks - origin
    return (passed + wrap / 2) % wrap - wrap / 2 if wrap else passed
