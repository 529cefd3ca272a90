"""Recorded payloads of one sensor -> its samples -> its series and what was lost. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
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
    """All samples of one stream in order of arrival; `errors` counts packets that gave none, by reason.

    `ticks` and `sequence` are None where the sensor sends no clock or no count. `is_clipped`: (n,) any axis at the
    end of its range. `rates` are the angular rates of a sensor that sends them apart, without a clock to pair them
    by: then `gyr` is NaN here, and `acc` there.
    """

    acc: Array
    gyr: Array
    ticks: Array | None
    tick_s: float
    tick_wrap: float
    sequence: Indices | None
    arrival: Array
    is_clipped: NDArray[np.bool_]
    errors: Mapping[str, int] = field(default_factory=dict)
    rates: Samples | None = None

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
        If the protocol is unknown or lacks configuration, or its blocks do not share a clock.
    """
    blocks = wire.decode(protocol, packets, config)
    if not blocks:
        return None
    errors: Counter[str] = sum((b.errors for b in blocks), Counter())
    parts = [_samples(block, config) for block in blocks if len(block)] or [_samples(blocks[0], config)]
    apart = [part for part in parts if part.ticks is None and np.isnan(part.acc).all()]
    together = [part for part in parts if not any(part is other for other in apart)]
    if apart and together:
        joined = _one(protocol, join_samples(together))
        return replace(joined, errors=dict(errors), rates=_one(protocol, join_samples(apart)))
    return replace(_one(protocol, join_samples(parts)), errors=dict(errors))


def join_samples(parts: Sequence[Samples]) -> list[Samples]:
    """Samples of several streams of one sensor as few as can be: those with one kind of clock and count, together.

    Parameters
    ----------
    parts : sequence of Samples

    Returns
    -------
    list of Samples, each in order of arrival
    """
    kinds: dict[tuple[Any, ...], list[Samples]] = {}
    for part in parts:
        clock = (part.tick_s, part.tick_wrap) if part.ticks is not None else ()
        kinds.setdefault((clock, part.sequence is not None, part.rates is not None), []).append(part)
    return [_concatenated(alike) for alike in kinds.values()]


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
    clipped = np.zeros(len(np.asarray(acc)), dtype=bool)
    for values, limit in limits:
        if not np.isnan(limit):
            for column in np.asarray(values, dtype=float).T:
                clipped |= np.abs(column) >= full * limit
    return clipped


def _samples(block: wire.Block, config: Mapping[str, Any]) -> Samples:
    if block.arrival is None:
        raise ValueError("The packets do not tell when they came.")
    gyr = np.full_like(block.acc, np.nan) if block.gyr is None else block.gyr
    acc_range, gyr_range = (float(config.get(name, np.nan)) for name in ("acc_range_g", "gyr_range_dps"))
    return Samples(
        acc=block.acc,
        gyr=gyr,
        ticks=block.ticks,
        tick_s=block.tick_s,
        tick_wrap=block.tick_wrap,
        sequence=block.sequence,
        arrival=block.arrival,
        is_clipped=find_clipped(block.acc, gyr, acc_range, gyr_range),
    )


def _one(protocol: str, joined: list[Samples]) -> Samples:
    if len(joined) > 1:
        raise ValueError(f"Protocol {protocol} gave {len(joined)} kinds of samples without a common clock.")
    return joined[0]


def _concatenated(parts: list[Samples]) -> Samples:
    """Samples of one kind in order of arrival."""
    if len(parts) == 1:
        return parts[0]
    arrival = np.concatenate([part.arrival for part in parts])
    order = np.argsort(arrival, kind="stable")
    ticks = [part.ticks for part in parts if part.ticks is not None]
    sequence = [part.sequence for part in parts if part.sequence is not None]
    rates = [part.rates for part in parts if part.rates is not None]
    return Samples(
        acc=np.concatenate([part.acc for part in parts])[order],
        gyr=np.concatenate([part.gyr for part in parts])[order],
        ticks=np.concatenate(ticks)[order] if ticks else None,
        tick_s=parts[0].tick_s,
        tick_wrap=parts[0].tick_wrap,
        sequence=np.concatenate(sequence)[order] if sequence else None,
        arrival=arrival[order],
        is_clipped=np.concatenate([part.is_clipped for part in parts])[order],
        errors=dict(sum((Counter(part.errors) for part in parts), Counter())),
        rates=_concatenated(rates) if rates else None,
    )
