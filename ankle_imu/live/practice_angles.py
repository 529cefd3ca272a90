"""The angles of practice while it goes on: packets in, the joint's angle against its neutral pose out.

Each sensor is followed by the online filter of `streaming` and kept at one row per hop of 40 ms. Whenever a block
of the routine ends, alignment and ranges are worked out anew from those rows by the functions of
`analysis.practice`; in between, the newest rows are turned by what was found.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ankle_imu import frames
from ankle_imu.analysis.practice.alignment import Worn, align_sensor
from ankle_imu.analysis.practice.leg import NEEDS_FOOT, PracticeLeg, follow_leg, foot_turn, leg_angles
from ankle_imu.analysis.practice.measure import Rows, Task, measure
from ankle_imu.live.practice import Ends
from ankle_imu.live.practice_past import Past
from ankle_imu.live.walk import Packet
from ankle_imu.mobility import Block, PracticeSettings
from ankle_imu.practice.blocks import read_blocks
from ankle_imu.practice.cues import Cue, check_cues
from ankle_imu.practice.moments import END
from ankle_imu.practice.ranges import range_of
from ankle_imu.practice.routine import Step
from ankle_imu.streaming.arrivals import Arrivals
from ankle_imu.streaming.intake import HOP_S
from ankle_imu.values import Marker

Array = NDArray[np.float64]

RANGED: Final = ("rom", "lunge")
"""Exercises that give an end range."""

CUE_S: Final = 1.0
"""Cues are checked over the last so many seconds, as at the beginning of a block."""

NOT_YET: Final = "The angle appears after the neutral pose and a movement that shows which way the sensors point."
"""Said of a step before that."""


@dataclass(frozen=True, kw_only=True, eq=False)
class _Known:
    """What was found of a leg when its last block ended."""

    leg: PracticeLeg
    worn: Mapping[str, Worn | None]


class PracticeAngles:
    """Follows the legs of a routine.

    Parameters
    ----------
    placements : which sensors are worn
    settings : PracticeSettings

    Attributes
    ----------
    ranges : (leg, action or `lunge`, angle source) -> end ranges of today without load, deg
    """

    def __init__(self, placements: Sequence[str], settings: PracticeSettings) -> None:
        self.placements, self._settings = tuple(placements), settings
        self.ranges: dict[tuple[str, str, str], Ends] = {}
        self._arrivals: dict[str, Arrivals] = {}
        self._past: dict[str, Past] = {}
        self._markers: list[Marker] = []
        self._known: dict[str, _Known] = {}
        self._shown: dict[str, int] = {}
        self._due: dict[str, float] = {}
        self._origin, self._rate, self._size = math.nan, math.nan, 1

    @property
    def _hop_s(self) -> float:
        return self._size / self._rate

    @property
    def _first_s(self) -> float:
        """Time of the first row, s: a row is what the last sample of its hop says."""
        return self._origin + self._hop_s - 1.0 / self._rate

    def begin(self, placement: str, protocol: str, config: Mapping[str, Any]) -> None:
        """A sensor streams, for the first time or anew."""
        self._arrivals[placement] = Arrivals(protocol, config)

    def take_packets(self, packets: Sequence[Packet]) -> bool:
        """Packets in the order in which they came; whether they completed a block, so that more is known."""
        by_sensor: dict[str, list[tuple[float, bytes]]] = {}
        for packet in packets:
            by_sensor.setdefault(packet.placement, []).append((packet.time_s, packet.payload))
        for placement, pairs in by_sensor.items():
            if placement in self._arrivals and placement in self.placements:
                rate = max(one.rate for one in self._arrivals.values())
                self.push(placement, *self._arrivals[placement].take(pairs), rate=rate)
        return self.settle()

    def settle(self) -> bool:
        """Work out what is known of legs whose block has ended and whose samples are there; whether any was."""
        complete = [leg for leg, until in self._due.items() if self._end_s(leg) >= until]
        for leg in complete:
            self._settle(leg, self._due.pop(leg))
        return bool(complete)

    def _end_s(self, leg: str) -> float:
        """Time up to which all sensors of a leg are known, s."""
        pasts = self._segments(leg)
        return self._origin + self._hop_s * min(one.end for one in pasts.values()) if pasts else -math.inf

    def push(self, placement: str, time: Array, acc: Array, gyr: Array, *, rate: float) -> None:
        """Samples (n,) s, (n, 3) m/s^2, (n, 3) rad/s of one sensor; `rate` of the fastest, Hz."""
        if not len(time):
            return
        if math.isnan(self._origin):
            self._rate = rate
            self._size = max(1, round(HOP_S * self._rate))
            self._origin = float(time[0])
        if placement not in self._past:
            self._past[placement] = Past(frames.leg_of(placement), self._rate, self._size, self._origin)
        self._past[placement].push(time, acc, gyr)

    def mark(self, time_s: float, text: str, leg: str) -> None:
        """A marker of the coach; the end of a block settles what is known of a leg once its packets are there."""
        self._markers.append(Marker(time_s=time_s, text=text, leg=leg))
        if text == END and leg in frames.LEGS:
            self._due[leg] = time_s

    def _segments(self, leg: str) -> dict[str, Past]:
        return {frames.segment_of(p): one for p, one in self._past.items() if frames.leg_of(p) == leg}

    def _settle(self, leg: str, now: float) -> None:
        pasts = self._segments(leg)
        if not pasts:
            return
        n = min(one.end for one in pasts.values())
        sensors = {segment: one.sensor(slice(0, n)) for segment, one in pasts.items()}
        blocks = [b for b in read_blocks(self._markers, now, (leg,)).blocks if b.leg == leg]
        time = np.asarray(self._first_s + self._hop_s * np.arange(n), dtype=np.float64)
        rate = 1.0 / self._hop_s
        if n < 2 * rate or not blocks:
            return
        worn = {s: align_sensor(one, s, blocks, time, rate) for s, one in sensors.items()}
        known = follow_leg(sensors, leg, blocks, time, rate, {}, self._settings)
        self._known[leg] = _Known(leg=known, worn=worn)
        self._measure(known, blocks, time, rate)

    def _measure(self, leg: PracticeLeg, blocks: Sequence[Block], time: Array, rate: float) -> None:
        """End ranges without load of all blocks so far: the alignment may have become another one."""
        ends: dict[tuple[str, str, str], dict[str, list[float]]] = {}
        for block in blocks:
            if block.exercise not in RANGED or not block.is_bare or leg.angle_of(block)[2]:
                continue
            rows = Rows()
            measure(
                Task(block_id=0, block=block, leg=leg, time=time, sampling_rate=rate, settings=self._settings),
                rows,
                {},
            )
            for rep in rows.reps:
                key = (leg.leg, str(rep["action"]), str(rep["angle_source"]))
                if rep["accepted"]:
                    ends.setdefault(key, {}).setdefault(str(rep["mode"]), []).append(float(rep["end_range_deg"]))
        for key, modes in ends.items():
            active, assisted = (range_of(modes.get(mode, [])).best_deg for mode in ("active", "assisted"))
            self.ranges[key] = (active, assisted)

    def source(self, step: Step) -> tuple[str, str]:
        """Where the angle of a step comes from, and why there is none, "" when there is."""
        needs = "shank" if step.exercise == "lunge" else "foot"
        if f"{step.leg}_{needs}" not in self.placements:
            return "none", f"No angle is shown: {NEEDS_FOOT.replace('foot', needs)}."
        known = self._known.get(step.leg)
        if known is None or known.leg.angle_of(step.block(0.0, 0.0))[2]:
            return "none", NOT_YET
        return ("shank" if step.exercise == "lunge" else known.leg.source), ""

    def newest(self, step: Step) -> tuple[float, Array]:
        """What came since the last call: time of the first, s, and angles, deg, in the step's own direction."""
        pasts, known = self._segments(step.leg), self._known.get(step.leg)
        if not pasts:
            return math.nan, np.empty(0)
        end = min(one.end for one in pasts.values())
        start = max(self._shown.get(step.leg, 0), end - round(1.0 / self._hop_s))
        self._shown[step.leg] = end
        if known is None or end <= start or self.source(step)[1]:
            return math.nan, np.empty(0)
        name, sign, _ = known.leg.angle_of(step.block(0.0, 0.0))
        angles, broken = self._angles(step.leg, np.arange(start, end))
        return self._first_s + start * self._hop_s, np.where(broken, np.nan, sign * angles[name])

    def _angles(self, leg: str, rows: NDArray[np.int64]) -> tuple[dict[str, Array], NDArray[np.bool_]]:
        sensors = {segment: one.sensor(rows) for segment, one in self._segments(leg).items()}
        worn = self._now(leg)
        ups = {s: worn[s].up(one) for s, one in sensors.items() if s in worn}
        directed = [s for s, one in worn.items() if one.has_direction]
        return leg_angles(ups, directed), np.any([one.broken for one in sensors.values()], axis=0)

    def _now(self, leg: str) -> dict[str, Worn]:
        """How the sensors of a leg sit since the last neutral pose."""
        return {
            segment: Worn(
                starts=np.zeros(1, dtype=np.int64),
                frames=one.frames[-1:],
                has_direction=one.has_direction,
                alignment=one.alignment,
            )
            for segment, one in self._known[leg].worn.items()
            if one is not None
        }

    def cues(self, step: Step) -> tuple[Cue, ...]:
        """How the foot is placed now, as far as the sensors see it."""
        pasts, known = self._segments(step.leg), self._known.get(step.leg)
        neutral = self._neutral(step.leg)
        if known is None or math.isnan(neutral):
            return ()
        end = min(one.end for one in pasts.values())
        now = self._first_s + end * self._hop_s
        rows = np.arange(max(0, end - round(CUE_S / self._hop_s)), end)
        middle = int(np.clip((neutral - self._first_s) / self._hop_s, 0, end - 1))
        angles, broken = self._angles(step.leg, rows)
        has_foot = "foot_tilt" in angles
        if has_foot and broken.any():
            return ()
        tilt, pitch = (float(np.median(angles[f"foot_{k}"])) if has_foot else math.nan for k in ("tilt", "pitch"))
        return check_cues(
            self._settings,
            position=step.position,
            foot_tilt=tilt,
            foot_pitch=pitch,
            turn=self._turn(step.leg, middle, rows),
            since_neutral_s=now - neutral,
            has_foot=has_foot,
            foot_is_free=step.position == "seated" and step.action not in ("", "dorsiflexion"),
        )

    def _turn(self, leg: str, middle: int, rows: NDArray[np.int64]) -> float:
        """Turn of the foot against the shank about the vertical since the neutral pose, deg; NaN without both."""
        chosen = np.concatenate([[middle], rows])
        sensors = {segment: one.sensor(chosen) for segment, one in self._segments(leg).items()}
        if any(one.broken.any() for one in sensors.values()):
            return math.nan
        turn = foot_turn(sensors, self._now(leg), len(chosen))
        return float((np.median(turn[1:]) - turn[0] + 180.0) % 360.0 - 180.0)

    def _neutral(self, leg: str) -> float:
        """Middle of the last neutral pose of a leg, s; NaN before one."""
        now = self._markers[-1].time_s if self._markers else 0.0
        poses = [
            b for b in read_blocks(self._markers, now, (leg,)).blocks if b.exercise == "neutral" and b.leg == leg
        ]
        return 0.5 * (poses[-1].start_s + poses[-1].end_s) if poses else math.nan
