"""A foot sensor as it comes: steps, tilt against gravity, its alignment as soon as it is known."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ankle_imu import frames
from ankle_imu import quaternion as qt
from ankle_imu.analysis.columns import RATE_CUTOFF_HZ
from ankle_imu.gait.events import stillness
from ankle_imu.metrics.rolls import FOOT_ALONE_SHARE
from ankle_imu.orientation.anchor import FLAT_GAIN, FLAT_GATE, FLAT_WINDOW_S, correct_up
from ankle_imu.settings import Settings
from ankle_imu.streaming.calibrating import calibrate_foot
from ankle_imu.streaming.intake import Hop
from ankle_imu.streaming.opening import Opening
from ankle_imu.streaming.roll_watch import RollWatch
from ankle_imu.streaming.steps import STILL_RATE, LowPass, Steps
from ankle_imu.streaming.track import Recent, Track, Tracked
from ankle_imu.units import DEGREE, STANDARD_GRAVITY
from ankle_imu.values import Alignment

Array = NDArray[np.float64]

RECENT_S = 4.0
"""How much of the past is kept: the longest stride and its surroundings."""


@dataclass(frozen=True, kw_only=True, eq=False)
class FootHop:
    """One hop of a foot: angles (k,) deg, rate (k,) deg/s, state of each sample, fastest turning (rad/s).

    `beside`: orientation by the filter for a foot with a shank sensor beside it.
    """

    hop: Hop
    beside: Tracked
    tilt: Array
    pitch: Array
    rate: Array
    is_stance: NDArray[np.bool_]
    is_contact: list[bool]
    roll: NDArray[np.int8]
    fastest: float


class FootStream:
    """One foot sensor, hop by hop; right-leg convention inside.

    Attributes
    ----------
    alignment : Alignment, None until it is known
    is_apart : bool, whether its own angles and rolls are worked out; set to False once only the steps are wanted

    Notes
    -----
    Tilt comes from a filter of 9 s with the stride anchor, also beside a shank sensor: the causal filter of 3 s is
    off by 2-4 deg for seconds when the gait changes (95 % of |live - batch| in stance, simulated walk / run /
    mixed: 0.6 / 1.7 / 2.7 deg with 3 s, 0.4 / 1.1 / 1.0 with 9 s). The joint takes 3 s for both sensors, whose
    errors cancel (inversion 0.5 / 0.8 / 1.2 deg, with 9 s 1.2 / 1.1 / 1.7).
    """

    def __init__(
        self,
        leg: str,
        sampling_rate: float,
        size: int,
        has_shank: bool,
        known: Alignment | None,
        settings: Settings,
    ) -> None:
        self._leg, self._rate, self._size, self._settings = leg, sampling_rate, size, settings
        self.alignment = known
        self.is_apart = True
        self._is_known = known is not None
        self._track = Track(leg, sampling_rate, settings.tau_acc_foot_s)
        self._beside_shank = Track(leg, sampling_rate, settings.tau_acc_joint_s) if has_shank else self._track
        self._recent = Recent(round(RECENT_S * sampling_rate))
        self._opening = Opening(sampling_rate, size)
        self._steps = Steps(sampling_rate)
        self._gravity = STANDARD_GRAVITY
        self._anchor = GravityAnchor(sampling_rate)
        self._smooth = (LowPass(RATE_CUTOFF_HZ, sampling_rate), LowPass(RATE_CUTOFF_HZ, sampling_rate))
        self._watch = RollWatch(sampling_rate, settings.roll_deg * FOOT_ALONE_SHARE, settings.roll_dps)
        self._unknown = np.full(size, np.nan)

    def push(self, hop: Hop) -> FootHop:
        """Take in one hop and say what the foot did."""
        if not self.is_apart and self.alignment is not None:
            return self._learn(self._beneath(hop, self.alignment.segment_from_sensor))
        tracked = self._track.follow(hop)
        beside = tracked if self._beside_shank is self._track else self._beside_shank.follow(hop)
        self._recent.append(tracked)
        if hop.is_start:
            self._steps.restart()
            self._anchor.restart()
        speed = qt.length(tracked.gyr)
        out = (
            self._unaligned(hop, beside, speed)
            if self.alignment is None
            else self._aligned(hop, tracked, beside, speed, self.alignment.segment_from_sensor)
        )
        return self._learn(out)

    def _learn(self, out: FootHop) -> FootHop:
        """Try a calibration when it is time."""
        if not self._is_known and self._opening.add((out.hop,), out.fastest):
            self._calibrate()
        return out

    def _calibrate(self) -> None:
        found = calibrate_foot(self._opening.gridded()[0], self._leg, self._rate, self._settings)
        if found is not None:
            self.alignment, self._gravity = found.alignment, found.gravity
        self._opening.tried(found.first_stride if found else None)

    def _unaligned(self, hop: Hop, beside: Tracked, speed: Array) -> FootHop:
        return FootHop(
            hop=hop,
            beside=beside,
            tilt=self._unknown,
            pitch=self._unknown,
            rate=self._unknown,
            is_stance=speed < STILL_RATE,
            is_contact=[False] * self._size,
            roll=np.zeros(self._size, dtype=np.int8),
            fastest=float(speed.max()),
        )

    def _aligned(self, hop: Hop, tracked: Tracked, beside: Tracked, speed: Array, frame: Array) -> FootHop:
        tilt, pitch = self._tilt(tracked, frame)
        turning = tracked.gyr @ frame.T
        rate, stance, contact, roll = [], [], [], []
        first = hop.number * self._size
        smooth_x, smooth_y = (one.step for one in self._smooth)
        steps, watch = self._steps, self._watch
        rows = zip(turning[:, 0].tolist(), turning[:, 1].tolist(), speed.tolist(), tilt.tolist(), strict=True)
        for k, (about_x, about_y, size, angle) in enumerate(rows):
            frontal = smooth_x(about_x) / DEGREE
            was = steps.is_stance
            landed = steps.step(first + k, smooth_y(about_y), size)
            if was and not steps.is_stance and steps.toe_off == first + k:
                self._anchor.lift(self._recent, steps.contact, steps.toe_off, self._gravity)
            rate.append(frontal)
            stance.append(steps.is_stance)
            contact.append(landed)
            roll.append(watch.step(angle, frontal, is_stance=steps.is_stance, is_contact=landed))
        return FootHop(
            hop=hop,
            beside=beside,
            tilt=tilt,
            pitch=pitch,
            rate=np.array(rate),
            is_stance=np.array(stance),
            is_contact=contact,
            roll=np.array(roll, dtype=np.int8),
            fastest=float(speed.max()),
        )

    def _beneath(self, hop: Hop, frame: Array) -> FootHop:
        """Only what the joint takes of the foot: its orientation and its steps."""
        beside = self._beside_shank.follow(hop)
        if hop.is_start:
            self._steps.restart()
        speed, toe_down = qt.length(beside.gyr), beside.gyr @ frame[1]
        stance, contact, first = [], [], hop.number * self._size
        for k, (about_y, size) in enumerate(zip(toe_down.tolist(), speed.tolist(), strict=True)):
            contact.append(self._steps.step(first + k, self._smooth[1].step(about_y), size))
            stance.append(self._steps.is_stance)
        return FootHop(
            hop=hop,
            beside=beside,
            tilt=self._unknown,
            pitch=self._unknown,
            rate=self._unknown,
            is_stance=np.array(stance),
            is_contact=contact,
            roll=np.zeros(self._size, dtype=np.int8),
            fastest=float(speed.max()),
        )

    def _tilt(self, tracked: Tracked, frame: Array) -> tuple[Array, Array]:
        up = qt.rotate(qt.conjugate(tracked.quat), self._anchor.up)
        tilt, pitch = frames.foot_angles_from_up(up @ frame.T)
        tilt, pitch = tilt / DEGREE, pitch / DEGREE
        if tracked.broken.any():
            tilt[tracked.broken] = pitch[tracked.broken] = np.nan
        return tilt, pitch


ANCHOR_STRIDES = 3
"""Strides in the running median. It looks back only, so with nine as in the batch it is late: median difference
to the batch 0.15 deg (simulated walk) with nine, 0.11 with three; fewer would let merged strides through."""


class GravityAnchor:
    """Slow tilt errors seen stride by stride, the causal form of `orientation.anchor`.

    Notes
    -----
    At each toe-off the stillest instant of the stance just ended is found. The mean acceleration from the last
    such instant to this one is gravity; its median over the last strides, and at quiet foot-flats half of what
    remains over 80 ms, is held until the next toe-off.
    """

    def __init__(self, sampling_rate: float) -> None:
        self._rate = sampling_rate
        self._half = max(1, round(0.5 * FLAT_WINDOW_S * sampling_rate))
        self._tilts: deque[Array] = deque(maxlen=ANCHOR_STRIDES)
        self.restart()

    def restart(self) -> None:
        """Forget everything: the orientation starts anew."""
        self._tilts.clear()
        self._flat = -1
        self._at_flat = np.zeros(3)
        self.up = np.array([0.0, 0.0, 1.0])

    def lift(self, recent: Recent, contact: int, toe_off: int, gravity: float) -> None:
        """The foot left the ground."""
        stance = recent.between(contact, toe_off, gravity) if contact >= 0 else None
        if stance is None:
            self._flat = -1
            return
        score = stillness(stance.acc, stance.gyr, self._rate, gravity)
        best = int(score.argmin())
        flat, before = contact + best, self._flat
        self._flat = flat
        stride = recent.between(before, flat, gravity) if before >= 0 else None
        if stride is None or not 0.4 < (flat - before) / self._rate < 1.8:
            return
        self._tilts.append(_tilt(stride.specific_force().mean(axis=0)))
        anchor = np.median(np.array(self._tilts), axis=0)
        if score[best] < FLAT_GATE:
            near = slice(max(best - self._half, 0), best + self._half + 1)
            seen = qt.rotate(stance.quat[near], stance.acc[near]).mean(axis=0)
            self._at_flat = FLAT_GAIN * _tilt(qt.rotate(qt.from_rotation_vector(anchor), seen))
        self.up = correct_up(np.zeros(1), (anchor + self._at_flat)[None, :], 1)[0]


def _tilt(mean: Array) -> Array:
    """Rotation vector that would make this mean acceleration (3,) vertical, to first order."""
    u = mean / max(float(np.linalg.norm(mean)), 1e-12)
    return np.array([u[1], -u[0], 0.0])
