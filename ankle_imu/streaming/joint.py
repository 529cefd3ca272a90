"""Foot against shank as both come in: heading difference stride by stride, inversion and dorsiflexion."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ankle_imu import frames
from ankle_imu import quaternion as qt
from ankle_imu.analysis.columns import RATE_CUTOFF_HZ
from ankle_imu.analysis.joint import COUPLING_RATE_HZ, smooth_motion
from ankle_imu.gait.strides import LONGEST_S, SHORTEST_S
from ankle_imu.orientation import heading
from ankle_imu.orientation.angles import segment_up
from ankle_imu.settings import Settings
from ankle_imu.streaming.calibrating import PairFinding, calibrate_pair
from ankle_imu.streaming.foot import RECENT_S, FootHop, FootStream
from ankle_imu.streaming.intake import Hop
from ankle_imu.streaming.opening import Opening
from ankle_imu.streaming.roll_watch import RollWatch
from ankle_imu.streaming.steps import LowPass
from ankle_imu.streaming.track import Recent, Track, Tracked
from ankle_imu.units import DEGREE
from ankle_imu.values import Alignment

Array = NDArray[np.float64]

MOST_LATE_S = 10.0
"""One sensor of a leg may lag behind the other by so much; what comes later than that gives no joint angle."""

HEADING_STRIDES = 5
STRIDE_COHERENCE = 0.90
"""A stride below this says nothing about the heading: real strides show 0.97-0.999 (experiments 3)."""

MARGIN_S = 0.17
"""Reach of the zero-phase low-pass on each side; the stride looked at ends so much before the contact."""


@dataclass(frozen=True, kw_only=True, eq=False)
class JointHop:
    """One hop of a leg with both sensors: angles (k,) deg, rate (k,) deg/s, state of each sample."""

    number: int
    angles: dict[str, Array]
    rate: Array
    is_stance: NDArray[np.bool_]
    roll: NDArray[np.int8]


class JointStream:
    """Foot and shank of one leg, hop by hop, in the order of the later of the two."""

    def __init__(
        self,
        foot: FootStream,
        leg: str,
        sampling_rate: float,
        size: int,
        known: Alignment | None,
        settings: Settings,
    ) -> None:
        self._leg, self._rate, self._size, self._settings = leg, sampling_rate, size, settings
        self._foot_stream, self._known = foot, known
        self._track = Track(leg, sampling_rate, settings.tau_acc_joint_s)
        self._feet: dict[int, tuple[FootHop, Alignment | None]] = {}
        self._shanks: dict[int, tuple[Hop, Tracked]] = {}
        self._most = round(MOST_LATE_S * sampling_rate / size)
        self._opening = Opening(sampling_rate, size)
        self._recent = (Recent(round(RECENT_S * sampling_rate)), Recent(round(RECENT_S * sampling_rate)))
        self._turn = RelativeHeading(sampling_rate)
        self._finding: PairFinding | None = None
        self._sides: tuple[Array, Array] = (np.empty(4), np.empty(4))
        self._smooth = LowPass(RATE_CUTOFF_HZ, sampling_rate)
        self._watch = RollWatch(sampling_rate, settings.roll_deg, settings.roll_dps)
        self._unknown = np.full(size, np.nan)

    @property
    def finding(self) -> PairFinding | None:
        """What is known of the pair so far."""
        return self._finding

    @property
    def alignment(self) -> Alignment | None:
        """How the shank sensor sits, as far as known."""
        return self._known or (self._finding.shank if self._finding else None)

    @property
    def is_known(self) -> bool:
        """Whether the joint's angles are worked out now."""
        finding = self._finding
        is_coherent = finding is not None and finding.coherence >= self._settings.coherence_needed
        return is_coherent and self._turn.delta is not None

    def push_foot(self, foot: FootHop) -> JointHop | None:
        """Take in a hop of the foot; the leg's hop when the shank's was there already."""
        self._feet[foot.hop.number] = foot, self._foot_stream.alignment
        if len(self._feet) > self._most:
            del self._feet[next(iter(self._feet))]
        return self._match(foot.hop.number)

    def push_shank(self, hop: Hop) -> JointHop | None:
        """Take in a hop of the shank; the leg's hop when the foot's was there already."""
        self._shanks[hop.number] = hop, self._track.follow(hop)
        if len(self._shanks) > self._most:
            del self._shanks[next(iter(self._shanks))]
        return self._match(hop.number)

    def _match(self, number: int) -> JointHop | None:
        if number not in self._feet or number not in self._shanks:
            return None
        foot, alignment = self._feet[number]
        hop, shank = self._shanks[number]
        for waiting in (self._feet, self._shanks):
            for old in [n for n in waiting if n <= number]:
                del waiting[old]
        return self._both(foot, alignment, hop, shank)

    def _both(self, foot: FootHop, alignment: Alignment | None, hop: Hop, shank: Tracked) -> JointHop:
        for recent, tracked in zip(self._recent, (foot.beside, shank), strict=True):
            recent.append(tracked)
        if foot.beside.is_start or shank.is_start:
            self._turn.restart()
        finding = self._finding
        if finding is not None:
            for k, landed in enumerate(foot.is_contact):
                if landed:
                    self._turn.land(self._recent, hop.number * self._size + k, finding)
        angles, rate = self._angles(foot, shank)
        roll = np.array(
            [
                self._watch.step(a, r, is_stance=s, is_contact=c)
                for a, r, s, c in zip(
                    angles["inversion"].tolist(),
                    rate.tolist(),
                    foot.is_stance.tolist(),
                    foot.is_contact,
                    strict=True,
                )
            ],
            dtype=np.int8,
        )
        if self._opening.add((foot.hop, hop), foot.fastest):
            self._calibrate(alignment)
        return JointHop(number=hop.number, angles=angles, rate=rate, is_stance=foot.is_stance, roll=roll)

    def _calibrate(self, alignment: Alignment | None) -> None:
        first, second = self._opening.gridded()
        found = calibrate_pair((first, second), self._leg, self._rate, alignment, self._settings)
        self._opening.tried(found.first_stride if found else None)
        if found is not None:
            self._finding = found
            shank = self._known or found.shank
            self._sides = (
                qt.from_matrix(shank.segment_from_sensor),
                qt.from_matrix(found.foot.segment_from_sensor.T),
            )

    def _angles(self, foot: FootHop, shank: Tracked) -> tuple[dict[str, Array], Array]:
        unknown = self._unknown
        angles = dict.fromkeys(("shank_tilt", "shank_pitch", "inversion", "dorsiflexion"), unknown)
        finding = self._finding
        if finding is None:
            return angles, unknown
        shank_frame = (self._known or finding.shank).segment_from_sensor
        tilt, pitch = frames.shank_angles_from_up(segment_up(shank.quat, shank_frame))
        angles |= {"shank_tilt": tilt / DEGREE, "shank_pitch": pitch / DEGREE}
        rate = unknown
        if self.is_known:
            joint, rate = self._joint(foot.beside, shank, finding.foot.segment_from_sensor, shank_frame)
            angles |= joint
        broken = foot.beside.broken | shank.broken
        if broken.any():
            for values in angles.values():
                if values is not unknown:
                    values[broken] = np.nan
        return angles, rate

    def _joint(
        self, foot: Tracked, shank: Tracked, foot_frame: Array, shank_frame: Array
    ) -> tuple[dict[str, Array], Array]:
        turned = qt.turn_about_z(np.full(self._size, self._turn.delta), foot.quat)
        left, right = self._sides
        relative = qt.between(left, qt.multiply(qt.conjugate(shank.quat), turned), right)
        dorsiflexion, inversion, _ = frames.joint_angles(relative)
        shank_turning = qt.rotate(qt.conjugate(relative), shank.gyr @ shank_frame.T)[:, 0]
        rate = (foot.gyr @ foot_frame[0] - shank_turning) / DEGREE
        smooth = np.array([self._smooth.step(x) for x in rate.tolist()])
        return {"inversion": inversion / DEGREE, "dorsiflexion": dorsiflexion / DEGREE}, smooth


class RelativeHeading:
    """Heading of the shank's earth frame minus the foot's, stride by stride.

    Notes
    -----
    The acceleration coupling of `orientation.heading` with the lever arms of the opening; `delta` (rad) is the
    median of the last five strides, None before the first.
    """

    def __init__(self, sampling_rate: float) -> None:
        self._rate = sampling_rate
        self._step = max(1, round(sampling_rate / COUPLING_RATE_HZ))
        self._margin = round(MARGIN_S * sampling_rate)
        self._contact: int | None = None
        self._seen: deque[float] = deque(maxlen=HEADING_STRIDES)
        self.delta: float | None = None

    def restart(self) -> None:
        """Forget everything: one of the orientations starts anew."""
        self._contact, self.delta = None, None
        self._seen.clear()

    def land(self, recent: tuple[Recent, Recent], contact: int, finding: PairFinding) -> None:
        """The foot came down: look at the stride that ended."""
        before, self._contact = self._contact, contact
        if before is None or not SHORTEST_S <= (contact - before) / self._rate <= LONGEST_S:
            return
        start = before - 2 * self._margin
        foot, shank = (r.between(start, contact, g) for r, g in zip(recent, finding.gravity, strict=True))
        if foot is None or shank is None:
            return
        a, b = (smooth_motion(s, self._rate, self._step) for s in (foot, shank))
        low, high = (
            np.array([(x - start) // self._step]) for x in (before - self._margin, contact - self._margin)
        )
        result = heading.couple(a, b, low, high, finding.gravity, levers=finding.levers, rounds=0)
        if result.coherence[0] >= STRIDE_COHERENCE:
            self._take(float(result.delta[0]))

    def _take(self, delta: float) -> None:
        last = self._seen[-1] if self._seen else delta
        self._seen.append(last + float(np.remainder(delta - last + np.pi, 2.0 * np.pi)) - np.pi)
        self.delta = float(np.median(self._seen))
