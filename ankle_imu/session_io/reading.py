"""One sensor's streams -> its series and its ledger: packets -> samples -> grid -> series."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from ankle_imu import recording, timing
from ankle_imu.decode import Samples, build_series, decode_packets, join_samples
from ankle_imu.values import ImuSeries, LinkEvent, Loss
from ankle_imu.wire.catalog import IMPORT_PREFIX

_WIDEST_GAP: Final = 1.5
"""Neighbours further apart than this many sampling periods have a lost sample between them."""

_TELLING: Final = np.sqrt([2.0, 3.0, 5.0, 7.0, 11.0, 13.0])
"""Weights that make one number of six: two different samples give the same one hardly ever."""


@dataclass(frozen=True, kw_only=True)
class Sensor:
    """What one sensor gave; `series` and `loss` are None when it gave no sample. `problems`: sentences."""

    series: ImuSeries | None = None
    loss: Loss | None = None
    problems: tuple[str, ...] = ()


def read_sensor(streams: Sequence[recording.Stream], events: Sequence[LinkEvent], end_s: float) -> Sensor:
    """Decode and place all streams of one sensor.

    Parameters
    ----------
    streams : sequence of Stream of one placement: one per configuration
    events : sequence of LinkEvent of the sensor
    end_s : float, s, end of the session: a sensor that was away then is missing until then

    Returns
    -------
    Sensor

    Notes
    -----
    Streams with one kind of clock and count are placed together, so a change of settings costs nothing and a
    restart is seen for what it is; others follow each other on the session's time.
    """
    decoded, errors, problems = _decode(streams)
    is_import = any(stream.protocol.startswith(IMPORT_PREFIX) for stream in streams)
    nominal = next((float(s.config["nominal_rate_hz"]) for s in streams if "nominal_rate_hz" in s.config), np.nan)
    placed: list[tuple[Samples, timing.SampleGrid]] = []
    for samples in join_samples(decoded):
        try:
            placed.append(_place(samples, is_import, nominal))
        except ValueError as error:
            problems.append(str(error))
    if not placed:
        return Sensor(problems=tuple(problems))
    samples, grid, overlapping = _joined(placed)
    arrival = np.where(grid.source < 0, np.nan, samples.arrival[grid.source])
    grid = replace(grid, is_late=grid.is_late | timing.find_recovered(grid.time, arrival, events))
    if timing.down_at_end(events):
        grid = _until(grid, end_s)
    series = build_series(samples, grid.time, grid.source, grid.sampling_rate)
    errors["samples that two streams claim"] += overlapping
    loss = _loss(streams, errors, samples, grid, series)
    if not is_import:
        cause = np.where(series.is_valid, timing.Cause.NONE, np.maximum(grid.cause, timing.Cause.LOST))
        holes = [hole for stream in streams for hole in stream.holes]
        loss = replace(loss, gaps=timing.name_gaps(series.time, cause, events=events, holes=holes))
    return Sensor(series=series, loss=loss, problems=tuple(problems))


def _decode(streams: Iterable[recording.Stream]) -> tuple[list[Samples], Counter[str], list[str]]:
    """Samples of each stream that has some, packets that gave none by reason, words on the rest."""
    decoded: list[Samples] = []
    errors: Counter[str] = Counter()
    problems: list[str] = []
    for stream in streams:
        try:
            samples = decode_packets(stream.protocol, stream.packets, stream.config)
        except ValueError as error:
            problems.append(str(error))
            continue
        found = samples.errors if samples is not None else {}
        errors.update({f"{reason} packets": n for reason, n in found.items()})
        if samples is None or len(samples) == 0:
            told = ", ".join(f"{n} {reason}" for reason, n in found.items())
            problems.append(f"no samples in {len(stream.packets)} packets ({told or 'none came'}).")
        else:
            decoded.append(samples)
    return decoded, errors, problems


def _place(samples: Samples, is_import: bool, nominal_rate: float) -> tuple[Samples, timing.SampleGrid]:
    """Samples, complete with their rates, and their grid."""
    if is_import and samples.ticks is not None and samples.sequence is not None:
        order = np.argsort(samples.sequence, kind="stable")
        grid = timing.place_times(samples.ticks[order])
        return samples, replace(grid, source=np.where(grid.source < 0, -1, order[grid.source]))
    grid = _grid(samples, nominal_rate)
    if samples.rates is not None:
        samples = _with_rates(samples, grid, samples.rates, _grid(samples.rates, nominal_rate))
    return samples, grid


def _grid(samples: Samples, nominal_rate: float) -> timing.SampleGrid:
    return timing.place_samples(
        samples.ticks,
        samples.arrival,
        samples.sequence,
        tick_s=samples.tick_s,
        tick_wrap=samples.tick_wrap,
        nominal_rate=nominal_rate,
        content=np.nan_to_num(np.hstack([samples.acc, samples.gyr])) @ _TELLING,
    )


def _with_rates(
    samples: Samples, grid: timing.SampleGrid, rates: Samples, rates_grid: timing.SampleGrid
) -> Samples:
    """`samples` with the rates between whose times each of them lies; NaN where one of the two was lost."""
    known = rates_grid.source >= 0
    times, values = rates_grid.time[known], rates.gyr[rates_grid.source[known]]
    wanted = grid.time[grid.source >= 0]
    after = np.clip(np.searchsorted(times, wanted), 1, len(times) - 1)
    step = _WIDEST_GAP / rates_grid.sampling_rate
    is_near = (times[after] - times[after - 1] <= step) & (wanted > times[0] - step) & (wanted < times[-1] + step)
    between = np.stack([np.interp(wanted, times, values[:, k]) for k in range(3)], axis=1)
    gyr = np.full_like(samples.acc, np.nan)
    gyr[grid.source[grid.source >= 0]] = np.where(is_near[:, None], between, np.nan)
    errors = Counter(samples.errors) + Counter(rates.errors)
    return replace(samples, gyr=gyr, errors=dict(errors), rates=None)


def _joined(
    placed: Sequence[tuple[Samples, timing.SampleGrid]],
) -> tuple[Samples, timing.SampleGrid, int]:
    """All samples end to end, and one grid of them; the rate and clock of the longest part hold."""
    if len(placed) == 1:
        return (*placed[0], 0)
    longest_first = sorted(placed, key=lambda pair: -len(pair[0]))
    parts = [samples for samples, _ in longest_first]
    starts = np.cumsum([0, *(len(part) for part in parts)])
    grids = [
        replace(grid, source=np.where(grid.source < 0, -1, grid.source + start))
        for (_, grid), start in zip(longest_first, starts[:-1].tolist(), strict=True)
    ]
    grid, overlapping = timing.join_grids(grids)
    samples = replace(
        parts[0],
        acc=np.concatenate([part.acc for part in parts]),
        gyr=np.concatenate([part.gyr for part in parts]),
        arrival=np.concatenate([part.arrival for part in parts]),
        is_clipped=np.concatenate([part.is_clipped for part in parts]),
    )
    return samples, grid, overlapping


def _until(grid: timing.SampleGrid, end_s: float) -> timing.SampleGrid:
    """`grid` with a row for each sample that would have come until `end_s`."""
    n = max(0, int(np.floor((end_s - grid.time[-1]) * grid.sampling_rate)))
    return replace(
        grid,
        time=np.concatenate([grid.time, grid.time[-1] + np.arange(1, n + 1) / grid.sampling_rate]),
        source=np.concatenate([grid.source, np.full(n, -1, dtype=np.int64)]),
        cause=np.concatenate([grid.cause, np.full(n, timing.Cause.LOST, dtype=np.int8)]),
        is_late=np.concatenate([grid.is_late, np.zeros(n, dtype=bool)]),
    )


def _loss(
    streams: Iterable[recording.Stream],
    errors: Mapping[str, int],
    samples: Samples,
    grid: timing.SampleGrid,
    series: ImuSeries,
) -> Loss:
    reasons = dict(errors) | {
        "packets damaged on disk": sum(stream.lost_packets for stream in streams),
        "duplicate samples": grid.duplicates,
        "samples whose count contradicts their clock": grid.misplaced,
        "sensor restarts": grid.restarts,
    }
    is_there = grid.source >= 0
    received = int(series.is_valid.sum())
    return Loss(
        expected=len(series.time),
        received=received,
        lost=len(series.time) - received,
        healed=grid.healed,
        clipped=int((samples.is_clipped[grid.source[is_there]] & series.is_valid[is_there]).sum()),
        true_rate_hz=grid.sampling_rate,
        clock_ppm=grid.clock.ppm if grid.clock else float("nan"),
        clock_residual_s=float(grid.residual),
        reasons={reason: n for reason, n in reasons.items() if n},
    )
