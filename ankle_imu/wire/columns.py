"""Columns of a sensor that somebody made: their names, their units, and the samples that they make.

    acc_x acc_y acc_z   acceleration, needed
    gyr_x gyr_y gyr_z   angular rate, all three or none
    time                the sensor's own clock
    counter             the sensor's own count
    skip                anything else, any number of times

Units of a configuration: `units`, a mapping of acc, gyr and time to one of `units.ACC_UNITS`, `GYR_UNITS` and
`TIME_UNITS`; `acc_range_g` and `gyr_range_dps`, optional, beyond which no value is believed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ankle_imu.units import ACC_UNITS, DEGREE, GYR_UNITS, STANDARD_GRAVITY, TIME_UNITS
from ankle_imu.wire.block import Array, Block, Indices
from ankle_imu.wire.config_numbers import is_positive
from ankle_imu.wire.packets import Flags

ACC: Final = ("acc_x", "acc_y", "acc_z")
GYR: Final = ("gyr_x", "gyr_y", "gyr_z")
SKIP: Final = "skip"
NAMES: Final = (*ACC, *GYR, "time", "counter", SKIP)

_UNITS: Final[dict[str, dict[str, float]]] = {"acc": ACC_UNITS, "gyr": GYR_UNITS, "time": TIME_UNITS}
_ROUNDING: Final = 1.001
"""A full-scale value may be written a little above the range."""


@dataclass(frozen=True, kw_only=True)
class Units:
    """Factors to SI, and the largest values to be believed (infinite when no range is told)."""

    acc: float
    gyr: float
    time: float
    most_acc: float
    most_gyr: float


def check_names(names: Iterable[str]) -> tuple[str, ...]:
    """Names of columns, or ValueError that says what is wrong with them."""
    found = tuple(names)
    unknown = [name for name in found if name not in NAMES]
    if unknown:
        raise ValueError(f"Found column {unknown[0]!r}; expected names out of {', '.join(NAMES)}.")
    twice = [name for name in dict.fromkeys(found) if name != SKIP and found.count(name) > 1]
    if twice:
        raise ValueError(f"Found column {twice[0]} {found.count(twice[0])} times; expected it once.")
    for axes, is_needed in ((ACC, True), (GYR, False)):
        missing = [name for name in axes if name not in found]
        if missing and (is_needed or len(missing) < len(axes)):
            raise ValueError(f"Found no column {', '.join(missing)}; expected all of {', '.join(axes)}.")
    return found


def read_units(config: Mapping[str, Any], defaults: Mapping[str, str]) -> Units:
    """Units of a configuration, or ValueError that says what is wrong with them."""
    told = config.get("units", {})
    if not isinstance(told, Mapping):
        raise ValueError(f"Found units = {told!r}; expected a table with acc, gyr, time.")
    factors = {}
    for quantity, unit in {**defaults, **told}.items():
        if quantity not in _UNITS:
            raise ValueError(f"Found units of {quantity!r}; expected those of {', '.join(_UNITS)}.")
        if not isinstance(unit, str) or unit not in _UNITS[quantity]:
            raise ValueError(f"Found {quantity} in {unit!r}; expected one of {', '.join(_UNITS[quantity])}.")
        factors[quantity] = _UNITS[quantity][unit]
    return Units(
        acc=factors["acc"],
        gyr=factors["gyr"],
        time=factors["time"],
        most_acc=read_number(config, "acc_range_g", float("inf")) * STANDARD_GRAVITY * _ROUNDING,
        most_gyr=read_number(config, "gyr_range_dps", float("inf")) * DEGREE * _ROUNDING,
    )


def read_number(config: Mapping[str, Any], name: str, default: float) -> float:
    """A positive number of a configuration."""
    value = config.get(name)
    if value is None:
        return default
    if not is_positive(value):
        raise ValueError(f"Found {name} = {value!r}; expected a positive number.")
    return float(value)


def unwrap(counts: NDArray[Any], wrap: float) -> Array:
    """Counts that go on over a wrap, by the shorter way from each to the next; as they are when `wrap` is 0."""
    values = counts.astype(float)
    if not wrap or not len(values):
        return values
    with np.errstate(invalid="ignore"):  # a count sent as a float may be anything
        steps = (np.diff(values) + wrap / 2) % wrap - wrap / 2
    return np.asarray(values[0] + np.concatenate([[0.0], np.cumsum(steps)]))


def follow_count(counts: NDArray[Any], wrap: float) -> Array:
    """Count as sent -> one that goes on over its wraps; NaN where it is no whole number below the wrap."""
    is_count = np.isfinite(counts) & (np.abs(counts) < (wrap or 2.0**62))
    values = np.where(is_count, counts, 0).astype(float)
    is_count &= values == np.floor(values)
    found = np.full(len(counts), np.nan)
    found[is_count] = unwrap(values[is_count], wrap)
    return found


def build_block(
    columns: Mapping[str, NDArray[Any]],
    arrival: Array,
    units: Units,
    *,
    scale: Mapping[str, float],
    time_wrap: float,
    sequence: Array | None,
    errors: Counter[str],
) -> Block:
    """Block of columns as they were sent; what cannot be and what came twice is counted and left out.

    Parameters
    ----------
    columns : mapping of name to (n,) array, in the units of the sensor
        `time` is NaN where it is not known and infinite where it cannot be
    arrival : (n,) float array, s
    units : Units
    scale : mapping of acc and gyr to what one count is
    time_wrap : float, ticks; 0 when the clock never starts again
    sequence : (n,) float array, count of samples, as `follow_count` gives it; None when not sent
    errors : Counter, to which `impossible` (not finite, beyond the range or the wrap) and `duplicate` are added
    """
    with np.errstate(all="ignore"):  # floats may be anything here; what is impossible goes afterwards
        acc = _vectors(columns, ACC, units.acc * scale["acc"])
        gyr = _vectors(columns, GYR, units.gyr * scale["gyr"]) if GYR[0] in columns else None
        is_good = _is_within(acc, units.most_acc)
        if gyr is not None:
            is_good &= _is_within(gyr, units.most_gyr)
    ticks = columns["time"].astype(float) if "time" in columns else None
    if ticks is not None:
        is_good &= ~np.isinf(ticks)
        if time_wrap:
            is_good &= ~((ticks < 0.0) | (ticks >= time_wrap))
    if sequence is not None:
        is_good &= np.isfinite(sequence) & (np.abs(np.nan_to_num(sequence)) < 2**62)
    errors += Counter(impossible=int((~is_good).sum()))
    own = sequence if sequence is not None else None if ticks is None else unwrap(ticks[is_good], time_wrap)
    if own is not None:
        rows = np.flatnonzero(is_good)
        own = own[is_good] if len(own) == len(is_good) else own
        is_new = ~_find_repeated(own, acc[rows], gyr[rows] if gyr is not None else None)
        errors += Counter(duplicate=int((~is_new).sum()))
        is_good[rows[~is_new]] = False
    kept = slice(None) if is_good.all() else is_good
    return Block(
        acc=acc[kept],
        gyr=None if gyr is None else gyr[kept],
        ticks=None if ticks is None else ticks[kept],
        tick_s=float("nan") if ticks is None else units.time,
        tick_wrap=0.0 if ticks is None else time_wrap,
        sequence=None if sequence is None else sequence[kept].astype(np.int64),
        arrival=arrival[kept],
        errors=errors,
    )


def _vectors(columns: Mapping[str, NDArray[Any]], names: tuple[str, ...], factor: float) -> Array:
    values = np.empty((len(columns[names[0]]), 3))
    for axis, name in enumerate(names):
        np.multiply(columns[name], factor, out=values[:, axis], dtype=float)
    return values


def _is_within(values: Array, limit: float) -> Flags:
    most = min(limit, float(np.finfo(float).max))
    if -most <= values.min(initial=0.0) and values.max(initial=0.0) <= most:  # false with any NaN
        return np.ones(len(values), dtype=bool)
    return np.asarray((np.abs(values) <= most).all(axis=1))


def _find_repeated(own: Array, acc: Array, gyr: Array | None) -> Flags:
    """Samples whose count or time and values all came before; looked for only if the count ever did not rise."""
    found = np.zeros(len(own), dtype=bool)
    if not (own[1:] > own[:-1]).all():
        rows = np.column_stack([own, acc] if gyr is None else [own, acc, gyr])
        found[:] = np.isfinite(own)
        found[np.unique(np.ascontiguousarray(rows).view(f"V{rows.shape[1] * 8}"), return_index=True)[1]] = False
    return found


def empty_columns(names: Iterable[str]) -> dict[str, Indices]:
    """Columns without a row."""
    return {name: np.empty(0, dtype=np.int64) for name in names if name != SKIP}
