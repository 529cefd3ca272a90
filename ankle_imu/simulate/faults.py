"""Faults of wearing and of settings, put into any recording: what the analysis has to notice and name.

Each fault is a pure function of a recording, simulated or real, with or without gaps.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Final, TypeVar

import numpy as np
from numpy.typing import NDArray

from ankle_imu import frames, quaternion
from ankle_imu.simulate.mounting import random_turn, slipped
from ankle_imu.simulate.plan import mirrored
from ankle_imu.units import DEGREE, STANDARD_GRAVITY
from ankle_imu.values import ImuSeries, Recording

Array = NDArray[np.float64]
Value = TypeVar("Value")

FAULTS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "left_right_swapped": "every sensor is on the other leg than its name says",
        "feet_swapped": "the two foot sensors are exchanged, the shank sensors are not",
        "foot_shank_swapped": "foot and shank sensor of one leg are exchanged",
        "upside_down": "the sensor was turned over: half a turn about an axis that was level while standing",
        "slipped": "the sensor turns by 10 to 20 deg against its segment in the middle of the walk",
        "in_a_bag": "the sensor rides in a bag on the walker's back: shaken at each step, no gait",
        "left_lying": "the sensor lies on a table all the time",
        "gyr_in_degrees": "angular rates are in deg/s",
        "acc_in_g": "accelerations are in g",
        "gyr_range_wrong": "angular rates were scaled with half or twice the true range",
        "acc_range_wrong": "accelerations were scaled with half or twice the true range",
        "gyr_range_too_small": "the gyroscope is set to 250 deg/s and clips",
    }
)
"""Name of each fault -> what is wrong."""

_OF_ALL: Final = ("left_right_swapped", "feet_swapped", "foot_shank_swapped")
_SMALLEST_RANGE: Final = 250.0 * DEGREE
_SLIP_DEG: Final = (10.0, 20.0)


def faults_for(recording: Recording) -> tuple[str, ...]:
    """Faults that can be put into a recording with these sensors, in the order of `FAULTS`."""
    return tuple(name for name in FAULTS if _can_have(recording, name))


def apply_fault(recording: Recording, name: str, *, placement: str = "", seed: int = 1) -> Recording:
    """The recording as it would be with one fault.

    Parameters
    ----------
    recording : Recording
    name : one of `FAULTS`
    placement : sensor that has the fault, or a sensor of the leg whose two are exchanged; "" draws one, a foot
        where there is one. `left_right_swapped` and `feet_swapped` concern all and take none.
    seed : int, decides which sensor, which way and how far where that is open

    Returns
    -------
    Recording
        What is saved under a placement's name (calibration, mount site) stays under that name; serial number,
        ranges and losses go with the sensor.

    Raises
    ------
    ValueError
        If the fault is unknown, or the recording has not the sensors it takes.

    Notes
    -----
    `upside_down` is harmless to an analysis that finds the alignment in the same recording; it contradicts a
    saved calibration.

    Examples
    --------
    >>> from ankle_imu import simulate
    >>> recording, _ = simulate.walk(simulate.Plan(duration_s=20, placements=("left_foot",), movements=False))
    >>> list(apply_fault(recording, "left_right_swapped").series)
    ['right_foot']
    """
    if name not in FAULTS:
        raise ValueError(f"Unknown fault {name!r}; expected one of {', '.join(FAULTS)}.")
    if placement and (placement not in recording.series or name in _OF_ALL[:2]):
        raise ValueError(f"{name} cannot concern {placement!r}; the recording has {', '.join(recording.series)}.")
    if not _can_have(recording, name):
        raise ValueError(f"{name} takes other sensors than {', '.join(recording.series)}.")
    rng = np.random.default_rng([seed, list(FAULTS).index(name)])
    if name in _OF_ALL:
        return _renamed(recording, _new_names(recording, name, placement, rng))
    chosen = placement or _draw(recording, rng)
    series = {**recording.series, chosen: _SERIES_FAULTS[name](recording.series[chosen], rng)}
    return replace(recording, series=series)


def _can_have(recording: Recording, name: str) -> bool:
    if name == "feet_swapped":
        return {"left_foot", "right_foot"} <= set(recording.series)
    return name != "foot_shank_swapped" or bool(_paired_legs(recording))


def _paired_legs(recording: Recording) -> list[str]:
    return [leg for leg in frames.LEGS if {f"{leg}_foot", f"{leg}_shank"} <= set(recording.series)]


def _draw(recording: Recording, rng: np.random.Generator) -> str:
    feet = [p for p in recording.series if frames.segment_of(p) == "foot"]
    return str(rng.choice(feet or list(recording.series)))


def _new_names(recording: Recording, name: str, placement: str, rng: np.random.Generator) -> dict[str, str]:
    """Placement -> the name that its sensor gets."""
    if name == "left_right_swapped":
        return {p: mirrored(p) for p in recording.series}
    if name == "feet_swapped":
        return {"left_foot": "right_foot", "right_foot": "left_foot"}
    legs = _paired_legs(recording)
    leg = frames.leg_of(placement) if placement else str(rng.choice(legs))
    if leg not in legs:
        raise ValueError(f"{name} takes foot and shank sensor of the {leg} leg.")
    return {f"{leg}_foot": f"{leg}_shank", f"{leg}_shank": f"{leg}_foot"}


def _renamed(recording: Recording, names: Mapping[str, str]) -> Recording:
    infos = recording.session.sensors
    sensors = {
        names.get(p, p): replace(info, placement=names.get(p, p), mount_site=_site(recording, names.get(p, p)))
        for p, info in infos.items()
    }
    return replace(
        recording,
        series=_under_new_names(recording.series, names),
        loss=_under_new_names(recording.loss, names),
        session=replace(recording.session, sensors=sensors),
    )


def _site(recording: Recording, placement: str) -> str:
    """Mount site that is believed of a placement."""
    known = recording.session.sensors.get(placement)
    return known.mount_site if known else ""


def _under_new_names(values: Mapping[str, Value], names: Mapping[str, str]) -> dict[str, Value]:
    """The same values under their new names, in the order of the placements."""
    renamed = {names.get(p, p): value for p, value in values.items()}
    return {p: renamed[p] for p in frames.PLACEMENTS if p in renamed}


def _upside_down(series: ImuSeries, rng: np.random.Generator) -> ImuSeries:
    up = np.nanmedian(series.acc, axis=0)
    level = np.cross(up, rng.standard_normal(3))
    half_turn = quaternion.from_rotation_vector(np.pi * level / np.linalg.norm(level))
    return replace(
        series, acc=quaternion.rotate(half_turn, series.acc), gyr=quaternion.rotate(half_turn, series.gyr)
    )


def _slipped(series: ImuSeries, rng: np.random.Generator) -> ImuSeries:
    at = float(np.quantile(series.time, rng.uniform(0.45, 0.65)))
    turn = random_turn(rng.uniform(*_SLIP_DEG) * DEGREE, rng)
    acc, gyr = slipped(series.acc, series.gyr, series.time, at=at, turn=turn)
    return replace(series, acc=acc, gyr=gyr)


def _left_lying(series: ImuSeries, rng: np.random.Generator) -> ImuSeries:
    return _carried(series, np.zeros(len(series.time)), rng)


def _in_a_bag(series: ImuSeries, rng: np.random.Generator) -> ImuSeries:
    return _carried(series, _walking(series), rng)


def _walking(series: ImuSeries) -> Array:
    """Where its wearer walks, (n,) 0 to 1: the sensor was turned faster than 1 rad/s within the last second."""
    turned = np.nan_to_num(np.linalg.norm(series.gyr, axis=1)) > 1.0
    window = np.ones(max(1, round(series.sampling_rate)))
    near = np.convolve(turned, window, mode="same") > 0.5
    return np.convolve(near, window / len(window), mode="same")


def _carried(series: ImuSeries, shaken: Array, rng: np.random.Generator) -> ImuSeries:
    """Readings of a loose sensor in any orientation: it sways and is lifted at each step where `shaken`, (n,)."""
    time, rate = series.time, series.sampling_rate
    beat = 2.0 * np.pi * rng.uniform(1.7, 2.0) * time
    sway = shaken[:, None] * np.stack([_sway(beat, rng) for _ in range(3)], axis=1)
    tilted = quaternion.normalize(rng.standard_normal(4))
    earth_from_sensor = quaternion.multiply(quaternion.from_rotation_vector(sway), tilted)
    step = quaternion.multiply(quaternion.conjugate(earth_from_sensor[:-1]), earth_from_sensor[1:])
    turned = quaternion.to_rotation_vector(step) / np.diff(time)[:, None]
    gyr = np.concatenate([turned, turned[-1:]])
    lift = shaken * (2.5 * np.sin(beat) + 0.8 * np.sin(2.0 * beat + 1.0))
    push = shaken * 0.8 * np.sin(beat + rng.uniform(0.0, 6.0))
    force = np.stack([push, 0.5 * push[::-1], STANDARD_GRAVITY + lift], axis=1)
    acc = quaternion.rotate(quaternion.conjugate(earth_from_sensor), force)
    noise = np.sqrt(0.5 * rate)
    acc += 1.2e-3 * noise * rng.standard_normal(acc.shape)
    gyr += 0.3 * DEGREE + 0.005 * DEGREE * noise * rng.standard_normal(gyr.shape)
    missing = ~series.is_valid
    acc[missing] = gyr[missing] = np.nan
    return replace(series, acc=acc, gyr=gyr)


def _sway(beat: Array, rng: np.random.Generator) -> Array:
    """Angle of a bag, rad: 3 deg at the step rate, 5 deg at the stride rate, and 10 deg that wander slowly."""
    first, second, third = rng.uniform(0.0, 2.0 * np.pi, 3)
    wander = 10.0 * np.sin(beat / 29.0 + first)
    return np.asarray(
        DEGREE * rng.uniform(0.5, 1.0) * (3.0 * np.sin(beat + second) + 5.0 * np.sin(0.5 * beat + third) + wander)
    )


def _gyr_in_degrees(series: ImuSeries, rng: np.random.Generator) -> ImuSeries:
    return replace(series, gyr=series.gyr / DEGREE)


def _acc_in_g(series: ImuSeries, rng: np.random.Generator) -> ImuSeries:
    return replace(series, acc=series.acc / STANDARD_GRAVITY)


def _gyr_range_wrong(series: ImuSeries, rng: np.random.Generator) -> ImuSeries:
    return replace(series, gyr=series.gyr * rng.choice([0.5, 2.0]))


def _acc_range_wrong(series: ImuSeries, rng: np.random.Generator) -> ImuSeries:
    return replace(series, acc=series.acc * rng.choice([0.5, 2.0]))


def _gyr_range_too_small(series: ImuSeries, rng: np.random.Generator) -> ImuSeries:
    return replace(series, gyr=np.clip(series.gyr, -_SMALLEST_RANGE, _SMALLEST_RANGE))


_SERIES_FAULTS: Final[Mapping[str, Callable[[ImuSeries, np.random.Generator], ImuSeries]]] = MappingProxyType(
    {
        "upside_down": _upside_down,
        "slipped": _slipped,
        "in_a_bag": _in_a_bag,
        "left_lying": _left_lying,
        "gyr_in_degrees": _gyr_in_degrees,
        "acc_in_g": _acc_in_g,
        "gyr_range_wrong": _gyr_range_wrong,
        "acc_range_wrong": _acc_range_wrong,
        "gyr_range_too_small": _gyr_range_too_small,
    }
)
