"""How the sensors of a leg sit while practising: neutral poses for the vertical, movements for the direction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ankle_imu.analysis.sensor import Sensor
from ankle_imu.calibration.alignment import frame_from, unit
from ankle_imu.gait.filters import low_pass
from ankle_imu.mobility import Block
from ankle_imu.orientation.angles import sensor_up
from ankle_imu.units import DEGREE
from ankle_imu.values import Alignment

Array = NDArray[np.float64]

STILL_DPS: Final = 6.0
"""Above this rate a neutral pose is not still, deg/s: the rule of `calibration.rest`."""

SHORTEST_POSE_S: Final = 1.0
"""So much of a neutral pose must be still, s. Ours: 5 s are asked for."""

MOVING_DPS: Final = 15.0
"""Only faster turning shows an axis, deg/s: three times the rate of a hold."""

LEAST_SHARE: Final = 0.80
"""Of the turning in the horizontal plane, this must be about one axis (methods A3: 0.85 and 0.90 of cleaner
ones)."""

REMOUNTED_DEG: Final = 15.0
"""Two neutral poses whose verticals differ by more belong to two mounts of the sensor. Ours: people's shanks stand
within 5 deg of one another seated and standing."""

SLIPPED_DEG: Final = 5.0
"""From here on a later neutral pose of the foot is told as different (methods A3: 3 deg while standing). Ours."""

SIGMA_DEG: Final[Mapping[str, float]] = {
    "dorsi- and plantarflexion": 6.0,
    "swings of the lower leg": 5.0,
    "the lunge": 6.0,
    "inversion and eversion": 12.0,
}
"""1-sigma of the direction, deg, from each movement. People flex about an axis 5 to 6 deg off the foot's own; the
knee's swing is no exact hinge; inverting is the most oblique (methods A2). Nobody measured ours on people."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Worn:
    """One sensor's frames: `starts` (k,) samples, ascending from 0, and `frames` (k, 3, 3) segment from sensor.

    `has_direction`: whether the axes are known or only the vertical.
    """

    starts: NDArray[np.int64]
    frames: Array
    has_direction: bool
    alignment: Alignment
    warnings: tuple[str, ...] = ()

    def up(self, sensor: Sensor) -> Array:
        """The earth's up direction in the segment frame, (n, 3)."""
        out = sensor_up(sensor.quat)
        stops = np.append(self.starts[1:], len(out))
        for start, stop, frame in zip(self.starts, stops, self.frames, strict=True):
            out[start:stop] = out[start:stop] @ frame.T
        return out

    def at(self, sample: int) -> Array:
        """The frame (3, 3) that holds at a sample."""
        return np.asarray(self.frames[np.searchsorted(self.starts, sample, side="right") - 1])


def align_sensor(
    sensor: Sensor,
    segment: str,
    blocks: Sequence[Block],
    time: Array,
    sampling_rate: float,
    known: Alignment | None = None,
) -> Worn | None:
    """Find how one sensor sits; None when there is neither a still neutral pose nor a known alignment.

    Parameters
    ----------
    sensor : Sensor, right-leg convention
    segment : `foot` or `shank`
    blocks : of this leg
    time : (n,) s
    sampling_rate : float, Hz
    known : Alignment from elsewhere, whose direction is then taken

    Notes
    -----
    Each neutral pose sets the vertical, and with it zero, from there on; the direction comes from the movements
    that show it best: flexion of the ankle for the foot, swings from the knee or the lunge for the shank.
    """
    poses = _poses(sensor, blocks, time, sampling_rate)
    if not poses:
        return None if known is None else _as_known(known)
    mounts = _mounts([up for _, up in poses])
    frames, starts = [], []
    alignment, has_direction, previous = _undirected(segment), True, None
    for k, (start, up) in enumerate(poses):
        first = mounts.index(mounts[k])
        if first == k:
            later = [s for s, m in zip([s for s, _ in poses], mounts, strict=True) if m > mounts[k]]
            span = (0 if k == 0 else start, later[0] if later else len(time))
            found = _direction(sensor, segment, blocks, time, sampling_rate, up, span)
            if known is not None and k == 0:
                axis, alignment = known.segment_from_sensor[1], known
            elif found is not None:
                axis, alignment = found
            else:
                axis = previous if previous is not None else _any_horizontal(up)
                has_direction, alignment = False, _undirected(segment)
            previous = axis
        frames.append(frame_from(up, axis))
        starts.append(start)
    starts[0] = 0
    return Worn(
        starts=np.array(starts, dtype=np.int64),
        frames=np.array(frames),
        has_direction=has_direction,
        alignment=replace(alignment, segment_from_sensor=frames[0]),
        warnings=_changed(segment, [up for _, up in poses], mounts),
    )


def _as_known(known: Alignment) -> Worn:
    return Worn(
        starts=np.zeros(1, dtype=np.int64),
        frames=known.segment_from_sensor[None],
        has_direction=True,
        alignment=known,
    )


def _undirected(segment: str) -> Alignment:
    asked = (
        "dorsi- or plantarflexion" if segment == "foot" else "swings of the lower leg from the knee, or the lunge"
    )
    return Alignment(
        segment_from_sensor=np.eye(3),
        sigma_yaw_deg=180.0,
        method="neutral pose",
        verdict="doubtful",
        reason=f"no movement showed which way the {segment} points: do {asked}",
    )


def _poses(sensor: Sensor, blocks: Sequence[Block], time: Array, sampling_rate: float) -> list[tuple[int, Array]]:
    """Start and up direction, sensor frame, of each still neutral pose."""
    up = sensor_up(sensor.quat)
    smooth = low_pass(sensor.gyr, 5.0, sampling_rate)
    still = (np.linalg.norm(smooth, axis=1) < STILL_DPS * DEGREE) & ~sensor.broken
    found = []
    for block in blocks:
        if block.exercise != "neutral" or block.position == "kneeling":
            continue
        start, stop = np.searchsorted(time, [block.start_s, block.end_s])
        at = start + np.flatnonzero(still[start:stop])
        if len(at) >= SHORTEST_POSE_S * sampling_rate:
            found.append((int(start), unit(np.median(up[at], axis=0))))
    return sorted(found, key=lambda pose: pose[0])


def _mounts(ups: Sequence[Array]) -> list[int]:
    """Running number of the mount that each pose belongs to."""
    number = [0]
    for before, here in pairwise(ups):
        apart = np.degrees(np.arccos(np.clip(before @ here, -1.0, 1.0)))
        number.append(number[-1] + int(apart > REMOUNTED_DEG))
    return number


def _changed(segment: str, ups: Sequence[Array], mounts: Sequence[int]) -> tuple[str, ...]:
    """What later neutral poses say about the sensor."""
    told = []
    for before, here, a, b in zip(ups[:-1], ups[1:], mounts[:-1], mounts[1:], strict=True):
        apart = float(np.degrees(np.arccos(np.clip(before @ here, -1.0, 1.0))))
        if a != b:
            told.append(f"the {segment} sensor was put on anew between two neutral poses ({apart:.0f} deg)")
        elif segment == "foot" and apart > SLIPPED_DEG:
            told.append(f"two neutral poses of the foot differ by {apart:.0f} deg: did the sensor slip?")
    return tuple(told)


def _any_horizontal(up: Array) -> Array:
    return np.asarray(np.eye(3)[int(np.argmin(np.abs(up)))])


def _cues(segment: str) -> tuple[tuple[str, dict[str, float]], ...]:
    """Movements that show an axis, best first, and the sign of what they raise: see `_axis`.

    All but the last turn about the mediolateral axis; inversion turns about the foot's long axis and raises the
    medial edge, which lies to its left.
    """
    swing = ("swings of the lower leg", {"swing": 1.0})
    if segment == "shank":
        return (swing, ("the lunge", {"lunge": -1.0}))
    flexion = ("dorsi- and plantarflexion", {"dorsiflexion": 1.0, "plantarflexion": -1.0})
    return (flexion, swing, ("inversion and eversion", {"inversion": -1.0, "eversion": 1.0}))


def _direction(
    sensor: Sensor,
    segment: str,
    blocks: Sequence[Block],
    time: Array,
    sampling_rate: float,
    up: Array,
    span: tuple[int, int],
) -> tuple[Array, Alignment] | None:
    """Mediolateral axis (3,), sensor frame, pointing left, and what is known of it."""
    gyr = low_pass(sensor.gyr, 3.0, sampling_rate)
    ups = sensor_up(sensor.quat)
    for name, signs in _cues(segment):
        spans = []
        for block in blocks:
            sign = signs.get(block.action or block.exercise)
            start, stop = np.clip(np.searchsorted(time, [block.start_s, block.end_s]), *span)
            if sign is not None and stop - start > sampling_rate:
                spans.append((int(start), int(stop), sign))
        found = _axis(gyr, ups, sensor.broken, up, spans, sampling_rate)
        if found is None:
            continue
        axis, share = found
        is_side = name.startswith("inversion")
        alignment = Alignment(
            segment_from_sensor=np.eye(3),
            sigma_yaw_deg=SIGMA_DEG[name],
            method=f"neutral pose + {name}",
            verdict="fair" if is_side or share < LEAST_SHARE else "good",
            reason="only inversion and eversion show it, which turn about a slanting axis"
            if is_side and share >= LEAST_SHARE
            else f"{100.0 * share:.0f} % of the movement was about one axis",
        )
        return (np.cross(up, axis) if is_side else axis), alignment
    return None


def _axis(
    gyr: Array,
    ups: Array,
    broken: NDArray[np.bool_],
    up: Array,
    spans: Sequence[tuple[int, int, float]],
    sampling_rate: float,
) -> tuple[Array, float] | None:
    """Main horizontal axis of the movements, (3,), and its share.

    Its sign is such that the movements of spans with a positive sign raise what lies to its right, `axis x up`:
    the toes where it points left.
    """
    if not spans:
        return None
    chosen = np.zeros(len(gyr), dtype=bool)
    for start, stop, _ in spans:
        chosen[start:stop] = True
    speed = np.linalg.norm(gyr, axis=1)
    w = gyr[chosen & ~broken & (speed > MOVING_DPS * DEGREE)]
    if len(w) < 0.5 * sampling_rate:
        return None
    w = w - np.outer(w @ up, up)
    values, vectors = np.linalg.eigh(w.T @ w)
    axis = unit(vectors[:, -1] - (vectors[:, -1] @ up) * up)
    ahead = np.cross(axis, up)
    vote = 0.0
    for start, stop, sign in spans:
        rise = ups[start:stop] @ ahead
        change = rise - np.median(rise[: round(sampling_rate)])
        vote += sign * float(change[np.argmax(np.abs(change))])
    return np.asarray(np.copysign(1.0, vote) * axis), float(values[-1] / max(values.sum(), 1e-12))
