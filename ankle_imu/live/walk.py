"""A walk as it is followed: packets or samples in, messages for the pages out. No sockets, no files here."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ankle_imu import frames
from ankle_imu.live.gauge import ANGLE, LegGauge, RollSeen
from ankle_imu.live.setup import LEAST_RATE, Setup
from ankle_imu.settings import Settings
from ankle_imu.streaming import LiveAnalysis, LiveBlock
from ankle_imu.streaming.arrivals import Arrivals

Array = NDArray[np.float64]
Send = Callable[[dict[str, Any]], None]


@dataclass(frozen=True, kw_only=True)
class Packet:
    """A packet as the recorder kept it: `time_s` of the session, `stamp` of the wall clock, s since 1970."""

    placement: str
    time_s: float
    stamp: float
    payload: bytes


@dataclass(frozen=True, kw_only=True)
class Worn:
    """What is worn and by whom.

    Parameters
    ----------
    placements : tuple of str
    settings : Settings, with the person's own limits of a roll
    usual : leg -> angle source -> `range_stance_deg` of earlier walks: lower quartile, median, upper quartile
    """

    placements: tuple[str, ...]
    settings: Settings = field(default_factory=Settings)
    usual: Mapping[str, Mapping[str, tuple[float, float, float]]] = field(default_factory=dict)

    @property
    def legs(self) -> tuple[str, ...]:
        """Legs with a foot sensor: those whose angle is shown."""
        return tuple(leg for leg in frames.LEGS if f"{leg}_foot" in self.placements)


class LiveWalk:
    """Follows one walk.

    Parameters
    ----------
    worn : Worn
    send : called with each message for the pages
    is_replay : bool, nothing said here is kept

    Notes
    -----
    Messages are JSON objects; `k` names their kind: `a` angles, `state`, `setup`, `roll`, `cue`.
    """

    def __init__(self, worn: Worn, send: Send, *, is_replay: bool = False) -> None:
        self.worn, self._send, self._is_replay = worn, send, is_replay
        self.setup = Setup(worn.placements)
        self._arrivals: dict[str, Arrivals] = {}
        self._gauges = {leg: LegGauge(leg=leg, settings=worn.settings) for leg in worn.legs}
        self._rolls: list[RollSeen] = []
        self._live: LiveAnalysis | None = None
        self._rate = math.nan

    def begin(self, placement: str, protocol: str, config: Mapping[str, Any]) -> None:
        """A sensor streams, for the first time or anew."""
        self._arrivals[placement] = Arrivals(protocol, config)

    def take_packets(self, packets: list[Packet]) -> None:
        """Packets in the order in which they came; what they show is sent as one message."""
        blocks: list[LiveBlock] = []
        motion: dict[str, float] = {}
        by_sensor: dict[str, list[tuple[float, bytes]]] = {}
        for packet in packets:
            by_sensor.setdefault(packet.placement, []).append((packet.time_s, packet.payload))
        for placement, pairs in by_sensor.items():
            if placement in self._arrivals:
                time, acc, gyr = self._arrivals[placement].take(pairs)
                blocks += self._push(placement, time, acc, gyr, motion)
        self._show(blocks, motion, packets[-1].stamp)

    def take_samples(self, samples: Mapping[str, tuple[Array, Array, Array]], rate: float, stamp: float) -> None:
        """Samples of a recording that is replayed: placement -> time, acc, gyr; `rate` of the fastest, Hz."""
        if self._live is None:
            self._follow(rate)
        blocks: list[LiveBlock] = []
        motion: dict[str, float] = {}
        for placement, (time, acc, gyr) in samples.items():
            blocks += self._push(placement, time, acc, gyr, motion)
        self._show(blocks, motion, stamp)

    def _follow(self, rate: float) -> None:
        self._rate = rate
        self._live = LiveAnalysis(
            sampling_rate=rate, placements=self.worn.placements, settings=self.worn.settings, foot_apart=False
        )

    def _push(
        self, placement: str, time: Array, acc: Array, gyr: Array, motion: dict[str, float]
    ) -> list[LiveBlock]:
        if not len(time) or placement not in self.worn.placements:
            return []
        if self._live is None:
            self._follow(max(one.rate for one in self._arrivals.values()))
        assert self._live is not None
        if self.setup.take(placement, time, acc, gyr):
            self._send(self.setup_message())
        finite = gyr[np.isfinite(gyr).all(axis=1)]
        if len(finite):
            motion[placement] = round(float(np.degrees(np.sqrt((finite**2).sum(axis=1).max()))))
        return self._live.push(placement, time, acc, gyr)

    def _show(self, blocks: list[LiveBlock], motion: dict[str, float], stamp: float) -> None:
        legs: dict[str, dict[str, Any]] = {}
        for block in blocks:
            gauge = self._gauges.get(block.leg)
            if gauge is None or not gauge.shows(block):
                continue
            self._follow_leg(gauge, block)
            angle = block.angles[ANGLE[block.source]]
            leg = legs.setdefault(block.leg, {"t": round(float(block.time[0]), 3), "v": []})
            leg["v"] += [None if v != v else round(v, 1) for v in angle.tolist()]
            leg["g"] = int(block.is_stance[-1])
            leg["roll"] = int(block.roll.max())
        if legs or motion:
            self._send({"k": "a", "w": stamp, "dt": 1.0 / self._rate, "legs": legs, "m": motion})

    def _follow_leg(self, gauge: LegGauge, block: LiveBlock) -> None:
        before = gauge.steps
        ended, cue = gauge.take(block, len(self._rolls) + 1)
        if ended is not None:
            self._rolls = [*self._rolls, ended]
            self._send(self.roll_message(ended))
        if cue:
            self._send({"k": "cue", "leg": gauge.leg})
        if gauge.steps != before:
            self._send(self.leg_message(gauge))

    def answer(self, number: int, verdict: str) -> RollSeen | None:
        """Note what the person said of a roll; None when there is no such roll."""
        if not 1 <= number <= len(self._rolls):
            return None
        seen = replace(self._rolls[number - 1], verdict=verdict)
        self._rolls[number - 1] = seen
        self._send(self.roll_message(seen))
        return seen

    def restart_setup(self) -> None:
        """Begin the set-up anew, or for the first time."""
        self.setup.restart()
        self._send(self.setup_message())

    def skip_setup(self) -> None:
        """Leave the set-up."""
        self.setup.end()
        self._send({**self.setup_message(), "skipped": True})

    def state(self, status: Mapping[str, Any]) -> None:
        """How the recording stands, once a second; `status` as `told_status` gives it."""
        self.setup.arriving({s["placement"]: _arriving(s) for s in status["sensors"]})
        self._send({"k": "state", "replay": self._is_replay, **status})

    def setup_message(self) -> dict[str, Any]:
        """The set-up as it stands."""
        return {"k": "setup", **self.setup.told()}

    def roll_message(self, seen: RollSeen) -> dict[str, Any]:
        """One roll."""
        return {"k": "roll", **seen.told()}

    def leg_message(self, gauge: LegGauge) -> dict[str, Any]:
        """A leg after a step: its own band, the step, what is usual in this walk and in earlier ones."""
        usual, earlier = gauge.usual(), self.worn.usual.get(gauge.leg, {}).get(gauge.source)
        return {
            "k": "leg",
            "leg": gauge.leg,
            "source": gauge.source,
            "steps": gauge.steps,
            "band": gauge.band(),
            "step": _known(gauge.range_deg),
            "usual": _known(usual),
            "earlier": [round(x, 1) for x in earlier] if earlier else None,
            "limit": round(gauge.limit_deg, 1),
        }


def _known(value: float) -> float | None:
    return round(value, 1) if math.isfinite(value) else None


def _arriving(sensor: Mapping[str, Any]) -> str:
    """What keeps a sensor from arriving as it should."""
    if sensor["state"] != "streaming":
        return str(sensor["problem"] or {"searching": "not found yet; wake it"}.get(sensor["state"], "connecting"))
    if sensor["rate"] is not None and sensor["nominal"] and sensor["rate"] < LEAST_RATE * sensor["nominal"]:
        return f"only {sensor['rate']:.0f} of {sensor['nominal']:.0f} samples a second arrive; come nearer"
    if sensor["rate"] is None:
        return "nothing has come yet"
    return ""
