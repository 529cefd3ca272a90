"""The foot's direction from walking alone, on feet whose true direction a reference shows: leave one person out.

The rule is that of the analysis: the mean of the heel's rise axis and the direction of progression, each less its
usual offset, with what differs between the sides told by progression alone where both feet are worn. The offsets
used on a person are those of the other persons, each person with one vote.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ankle_imu import frames
from ankle_imu import quaternion as qt
from ankle_imu.analysis import foot as foot_stage
from ankle_imu.analysis.foot import FootMotion, WalkingCues
from ankle_imu.analysis.grid import put_on_grid, session_grid
from ankle_imu.analysis.sensor import Sensor, prepare
from ankle_imu.calibration import alignment as al
from ankle_imu.orientation.angles import segment_up
from ankle_imu.settings import Settings
from ankle_imu.units import DEGREE
from ankle_imu.validation.datasets import Case, read_cases
from ankle_imu.validation.score import Row, spread, stance_mask
from ankle_imu.validation.steps import foot_frame_by_markers, step_cues
from ankle_imu.values import Recording

Array = NDArray[np.float64]

DATASETS: Final = ("gaitmap_walk_mocap", "neura_s02_walk", "kam_steps", "osim_walk")
"""One person each; the last is a body model moved by motion capture."""


@dataclass(frozen=True, kw_only=True)
class FootYaw:
    """One foot: whose, and each cue's yaw less the true one, deg; NaN where a cue is missing."""

    person: str
    leg: str
    rise: float
    way: float


DATASET: Final = "foot_yaw"


def score_foot_yaw(data: Path) -> Iterator[Row]:
    """Errors of every foot found, and their root mean square; nothing with fewer than three persons."""
    feet = [
        foot
        for name in DATASETS
        if (data / name).is_dir()
        for case in list(read_cases(name, data))[:1]
        for foot in _READERS[name](name, case)
    ]
    persons = dict.fromkeys(foot.person for foot in feet)
    if len(persons) < 3:
        return
    errors = leave_one_out(feet)
    common: dict[str, Any] = {"dataset": DATASET, "how": "walking alone, offsets of the other persons"}
    for foot, error in zip(feet, errors, strict=True):
        yield Row(
            case=f"{foot.person}, {foot.leg}",
            quantity="foot yaw, error",
            n=1,
            value=error,
            unit="deg",
            reference=f"heel rise {foot.rise:+.1f}, progression {foot.way:+.1f} against the true direction",
            **common,
        )
    votes = [np.mean([e**2 for f, e in zip(feet, errors, strict=True) if f.person == p]) for p in persons]
    yield Row(
        case=f"{len(feet)} feet of {len(persons)} persons",
        quantity="foot yaw, RMS error",
        n=len(feet),
        value=float(np.sqrt(np.mean(votes))),
        unit="deg",
        target=6.0,
        reference="aim 4; own experiments 5.6 on 8 feet",
        **common,
    )


def leave_one_out(feet: Sequence[FootYaw]) -> list[float]:
    """Error of the mean of both cues on each foot, deg, with the cues' offsets taken from the other persons."""
    errors = []
    for foot in feet:
        left = []
        for cue in ("rise", "way"):
            own = getattr(foot, cue)
            others = _votes([f for f in feet if f.person != foot.person], cue)
            left.append(own - float(np.mean(others)))
        pair = [f.way - f.rise for f in feet if f.person == foot.person and np.isfinite(f.way - f.rise)]
        asymmetry = foot.way - foot.rise - float(np.mean(pair)) if len(pair) == 2 else 0.0
        errors.append(float(np.nanmean(left)) + 0.5 * asymmetry)
    return errors


def _votes(feet: Sequence[FootYaw], cue: str) -> list[float]:
    """Mean of a cue over the feet of each person that has it."""
    values = {p: [getattr(f, cue) for f in feet if f.person == p] for p in dict.fromkeys(f.person for f in feet)}
    known = {p: [v for v in found if np.isfinite(v)] for p, found in values.items()}
    return [float(np.mean(found)) for found in known.values() if found]


@dataclass(frozen=True, kw_only=True, eq=False)
class _Foot:
    sensor: Sensor
    motion: FootMotion
    cues: WalkingCues
    time: Array


def _walked(recording: Recording, leg: str) -> _Foot:
    """A foot as the analysis sees it when there were no movements."""
    series = recording.series[f"{leg}_foot"]
    time, rate = session_grid({f"{leg}_foot": series})
    sensor = prepare(put_on_grid(series, time, rate), leg, rate, Settings().tau_acc_foot_s)
    motion = foot_stage.follow(sensor, rate)
    standing = foot_stage.is_standing(sensor, motion, rate)
    up = al.unit(sensor.rests.acc[standing].mean(axis=0)) if standing.any() else None
    cues = foot_stage.walking_cues(sensor, motion, foot_stage.walking_up(sensor, motion) if up is None else up)
    if cues is None:
        raise ValueError(f"{leg} foot: no strides were found.")
    return _Foot(sensor=sensor, motion=motion, cues=cues, time=time)


def _against(name: str, leg: str, cues: WalkingCues, true: float) -> FootYaw:
    rise, way = (float(np.degrees(np.angle(np.exp(1j * (yaw - true))))) for yaw in (cues.rise, cues.way))
    return FootYaw(person=name, leg=leg, rise=rise, way=way)


def _by_optical_tilt(name: str, case: Case) -> Iterator[FootYaw]:
    """True is the direction at which foot tilt in stance fits the optical one best."""
    for leg in frames.LEGS:
        foot, truth = _walked(case.recording, leg), case.reference[leg]
        strides, rate = foot.motion.strides, 1.0 / (foot.time[1] - foot.time[0])
        stance = stance_mask(foot.time, strides.ic / rate + foot.time[0], strides.to / rate + foot.time[0])
        stance &= (foot.time >= truth["start_s"].min()) & (foot.time <= truth["end_s"].max())
        up = segment_up(foot.sensor.quat, foot.cues.frame)
        yaws = np.arange(-30.0, 30.1, 0.5) * DEGREE
        spreads = []
        for yaw in yaws:
            tilt, _ = frames.foot_angles_from_up(up @ al.turn_about_z(np.eye(3), yaw).T)
            spreads.append(spread((tilt / DEGREE - truth["foot_tilt_deg"])[stance]))
        yield _against(name, leg, foot.cues, float(yaws[int(np.argmin(spreads))]))


def _by_model(name: str, case: Case) -> Iterator[FootYaw]:
    """True is the mounting that the recording was made with."""
    for leg in frames.LEGS:
        foot = _walked(case.recording, leg)
        mount = frames.mirror_rotation(qt.from_matrix(case.reference[leg]["segment_from_foot_sensor"]), leg)
        left = qt.to_matrix(mount)[1]
        yield _against(name, leg, foot.cues, al.yaw_between(left, foot.cues.frame))


def _by_marker_line(name: str, case: Case) -> Iterator[FootYaw]:
    """True is the heel-toe line, which stands so far from the way walked in the markers as in the sensor."""
    foot, truth = _walked(case.recording, "left"), case.reference["left"]
    here, there = foot.motion.strides.flat, foot.motion.strides.next_flat
    way = truth["heel_mm"][there] - truth["heel_mm"][here]
    line = truth["toe_mm"] - truth["heel_mm"]
    toe_in = _heading(way) - _heading(line[here] + line[there])
    straight = np.abs(foot_stage.turns(foot.sensor, foot.motion.strides, foot.cues.frame[0])) < 15.0 * DEGREE
    seen = np.angle(np.exp(1j * toe_in))[straight]
    yield _against(name, "left", foot.cues, foot.cues.way + float(np.nanmedian(seen)))


def _heading(v: Array) -> Array:
    return np.asarray(np.arctan2(v[:, 1], v[:, 0]))


def _by_marker_motion(name: str, case: Case) -> Iterator[FootYaw]:
    """True is the line from heel to second metatarsal, in the heading at which both turn alike."""
    contact, toe_off = case.reference["contact_s"], case.reference["toe_off_s"]
    cues, sensor, motion, time = step_cues(case.recording, contact, toe_off)
    rate = 1.0 / (time[1] - time[0])
    at = np.round((case.reference["time_s"] - time[0]) * rate).astype(np.int64)
    heel, second, fifth = case.reference["foot_markers"]
    body = foot_frame_by_markers(heel, second, fifth)
    yaws = []
    for a, b, flat in zip(contact, toe_off, motion.strides.flat, strict=True):
        rows = np.flatnonzero((case.reference["time_s"] >= a - 0.1) & (case.reference["time_s"] < b + 0.1))
        turning = np.gradient(body[rows], axis=0) @ body[rows].transpose(0, 2, 1) * rate
        seen = turning[:, 2, 1] + 1j * turning[:, 0, 2]
        own = qt.rotate(sensor.quat[at[rows]], sensor.gyr[at[rows]])
        heading = np.angle(np.sum(seen * np.conj(own[:, 0] + 1j * own[:, 1])))
        k = int(np.searchsorted(at, flat))
        line = qt.rotate(qt.about_z(np.array([-heading])), (second - heel)[k : k + 1])
        ahead = qt.rotate(qt.conjugate(sensor.quat[flat : flat + 1]), line)[0] @ cues.frame.T
        yaws.append(np.arctan2(ahead[1], ahead[0]))
    yield _against(name, "right", cues, float(np.median(yaws)))


_READERS: Final = {
    "gaitmap_walk_mocap": _by_optical_tilt,
    "neura_s02_walk": _by_marker_line,
    "kam_steps": _by_marker_motion,
    "osim_walk": _by_model,
}
