"""Recorded payloads of one sensor -> its samples -> its series and what was lost. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ankle_imu import wire
from ankle_imu.units import DEGREE, STANDARD_GRAVITY
from ankle_imu.values import ImuSeries
from ankle_imu.wire.block import Array, Indices

_HALF_COUNT: Final = 0.5 / 32768
"""Half of the smallest step of a 16-bit sensor, as a share of its range."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Samples:
    """All samples of one stream in order of arrival; `errors` counts packets that gave none, by reason."""

    acc: Array
    gyr: Array
    ticks: Array
    tick_s: float
    tick_wrap: float
    sequence: Indices
    arrival: Array
    errors: Mapping[str, int] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.acc)


def decode_packets(
    protocol: str, packets: Iterable[tuple[float, bytes]], config: Mapping[str, Any]
) -> Samples | None:
    """Decode the packets of one stream.

    Parameters
    ----------
    protocol : str, see `wire.protocols`
    packets : iterable of (arrival in s, payload)
    config : mapping, see the module of the protocol

    Returns
    -------
    Samples
        None when there are no packets at all.

    Raises
    ------
    ValueError
        If the protocol is unknown or lacks configuration, clock or sample count.
    """
    blocks = wire.decode(protocol, packets, config)
    if not blocks:
        return None
    if any(b.ticks is None or b.sequence is None or b.arrival is None for b in blocks):
        raise ValueError(
            f"Protocol {protocol} carries no sensor clock or sample count; that is not supported yet."
        )
    errors = sum((b.errors for b in blocks[1:]), blocks[0].errors)
    return Samples(
        acc=np.concatenate([b.acc for b in blocks]),
        gyr=np.concatenate([_gyr(b) for b in blocks]),
        ticks=np.concatenate([b.ticks for b in blocks if b.ticks is not None]),
        sequence=np.concatenate([b.sequence for b in blocks if b.sequence is not None]),
        arrival=np.concatenate([b.arrival for b in blocks if b.arrival is not None]),
        tick_s=blocks[0].tick_s,
        tick_wrap=blocks[0].tick_wrap,
        errors=dict(errors),
    )


def build_series(samples: Samples, time: ArrayLike, source: ArrayLike, sampling_rate: float) -> ImuSeries:
    """Series of samples on their grid.

    Parameters
    ----------
    samples : Samples
    time : (m,) float array, s from session start
    source : (m,) int array, row in `samples`; -1 where a sample was lost
    sampling_rate : float, Hz

    Returns
    -------
    ImuSeries
        NaN rows where samples were lost or not finite.
    """
    rows = np.asarray(source, dtype=np.int64)
    is_lost = rows < 0
    acc, gyr = samples.acc[rows], samples.gyr[rows]
    is_lost |= ~(np.isfinite(acc).all(axis=1) & np.isfinite(gyr).all(axis=1))
    acc[is_lost] = np.nan
    gyr[is_lost] = np.nan
    return ImuSeries(time=np.asarray(time, dtype=float), acc=acc, gyr=gyr, sampling_rate=sampling_rate)


def find_clipped(acc: ArrayLike, gyr: ArrayLike, acc_range_g: float, gyr_range_dps: float) -> NDArray[np.bool_]:
    """Samples at the end of the sensor's range.

    Parameters
    ----------
    acc : (n, 3) float array, m/s^2
    gyr : (n, 3) float array, rad/s
    acc_range_g, gyr_range_dps : float, full scale; NaN where unknown, which finds nothing

    Returns
    -------
    (n,) bool array
        True where any axis holds the largest or smallest count of a 16-bit sensor.
    """
    limits: Sequence[tuple[ArrayLike, float]] = (
        (acc, acc_range_g * STANDARD_GRAVITY),
        (gyr, gyr_range_dps * DEGREE),
    )
    full = 1.0 - 1.0 / 32768 - _HALF_COUNT
    hits = [np.abs(np.asarray(values, dtype=float)) >= full * limit for values, limit in limits]
    return np.asarray((hits[0] | hits[1]).any(axis=1))


def _gyr(block: wire.Block) -> Array:
    return np.full_like(block.acc, np.nan) if block.gyr is None else block.gyr
