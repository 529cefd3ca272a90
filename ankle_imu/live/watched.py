"""What the log of a recording in progress tells: packets, how each sensor stands, words, and whether it ended."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from ankle_imu.analysis.foot import OPENING_S
from ankle_imu.capture import host
from ankle_imu.capture.linked import LOST, STOPPED
from ankle_imu.capture.meter import Meter
from ankle_imu.devices.adapter import Stream
from ankle_imu.live.walk import Packet
from ankle_imu.recording.follow import Added, Follower
from ankle_imu.recording.log_format import HOST_CLOCK_TOPIC, LOG_TOPIC, MARKER_TOPIC, split_topic
from ankle_imu.streaming.opening import WALK_S
from ankle_imu.values import ENDED

FIRST_S: Final = OPENING_S + WALK_S
LAST_S: Final = 10.0
"""Of a recording that runs already, the opening is read, which tells how the sensors sit, and the last seconds."""


@dataclass(kw_only=True)
class _Sensor:
    """One sensor as its packets and the notes on its link tell."""

    meter: Meter
    state: str = "connecting"
    battery: float = math.nan
    links: int = 0
    problem: str = ""

    def note(self, event: str, text: str) -> None:
        """Heed what the recorder noted."""
        if event == "connected":
            self.links += 1
        elif event == "battery":
            with suppress(ValueError):
                self.battery = float(text.rstrip(" %")) / 100.0
        elif event == STOPPED:
            self.state = "stopped"
        elif event == LOST:
            self.state, self.problem = "waiting", text
        elif event == "problem" and self.state != "streaming":
            self.problem = text

    def told(self, placement: str, now_s: float) -> dict[str, Any]:
        """As `told.told_status` gives it."""
        meter = self.meter
        config = meter.stream.config if meter.stream else {}
        nominal, rate = float(config.get("nominal_rate_hz", math.nan)), meter.rate(now_s)
        return {
            "placement": placement,
            "state": self.state,
            "rate": _known(rate, 1),
            "nominal": _known(nominal, 1),
            "lost": meter.lost if meter.can_tell_losses else None,
            "received": meter.received,
            "lost_lately": _known(meter.lost_lately(now_s), 4),
            "battery": _known(self.battery, 2),
            "age": _known(max(0.0, now_s - meter.last), 1),
            "links": self.links,
            "problem": self.problem,
        }


@dataclass(frozen=True, kw_only=True)
class Begun:
    """A sensor streams, for the first time or anew."""

    placement: str
    time_s: float
    stream: Stream


@dataclass(frozen=True, kw_only=True)
class Noted:
    """Something happened to the link to a sensor."""

    placement: str
    time_s: float
    event: str
    text: str


Item = Packet | Begun | Noted


@dataclass(frozen=True, kw_only=True)
class Look:
    """What one look brought: what the sensors did, in order, and markers (s after session start, text)."""

    items: Sequence[Item] = ()
    markers: Sequence[tuple[float, str]] = ()


class Watched:
    """Reads a recording while it is made.

    Parameters
    ----------
    folder : Path of the session

    Attributes
    ----------
    has_ended : bool, the recorder said that it ends
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._log = Follower(folder)
        self._sensors: dict[str, _Sensor] = {}
        self._streams: dict[str, Stream] = {}
        self._clock: tuple[float, int, float] | None = None
        self.has_ended = False

    def elapsed(self) -> float:
        """Seconds since the session began, by the last clock that the recorder noted; 0 before the first."""
        if self._clock is None:
            return 0.0
        time_s, utc_ns, boot_s = self._clock
        since = host.boot_s() - boot_s
        return time_s + (since if math.isfinite(since) else 1e-9 * (time.time_ns() - utc_ns))

    def look(self) -> Look:
        """What was added; `OSError` where the disk does not let it be read."""
        items: list[Item] = []
        markers: list[tuple[float, str]] = []
        for one in self._log.read():
            placement, kind = split_topic(one.channel.topic)
            if kind == "packet":
                items += self._packet(placement, one)
            elif one.channel.topic == LOG_TOPIC:
                items += self._noted(one)
            elif one.channel.topic == MARKER_TOPIC:
                markers.append((one.time_s, str(one.said().get("text", ""))))
            elif one.channel.topic == HOST_CLOCK_TOPIC:
                self._set_clock(one)
        return Look(items=items, markers=markers)

    @property
    def has_more(self) -> bool:
        """Whether the last look did not come to the end of what is there."""
        return self._log.has_more

    def tick(self, now_s: float) -> dict[str, Any]:
        """How the recording stands, as `told.told_status` gives it; `now_s` of the session is what was shown."""
        for sensor in self._sensors.values():
            sensor.meter.tick(now_s)
        free = host.free_bytes(self._folder)
        return {
            "phase": "ending" if self.has_ended else "recording",
            "elapsed_s": round(self.elapsed(), 2),
            "free_bytes": free if free >= 0 else None,
            "utc": time.time(),
            "sensors": [sensor.told(placement, now_s) for placement, sensor in self._sensors.items()],
        }

    def show(self, item: Item) -> None:
        """Count something as it is shown."""
        sensor = self._sensors.setdefault(item.placement, _Sensor(meter=Meter()))
        if isinstance(item, Begun):
            sensor.meter.begin(item.stream)
        elif isinstance(item, Noted):
            sensor.note(item.event, item.text)
        else:
            start, end = self._log.passed_over
            if sensor.meter.last < start < end <= item.time_s:  # what was passed over is not lost
                sensor.meter = Meter(stream=sensor.meter.stream)
            sensor.meter.take(item.time_s, item.payload)
            sensor.state, sensor.problem = "streaming", ""

    def _packet(self, placement: str, one: Added) -> list[Item]:
        stamp = 1e-9 * self._log.start_ns + one.time_s
        packet = Packet(placement=placement, time_s=one.time_s, stamp=stamp, payload=one.data)
        stream = Stream(protocol=one.channel.encoding, config=dict(one.channel.config))
        if self._streams.get(placement) == stream:
            return [packet]
        self._streams[placement] = stream
        return [Begun(placement=placement, time_s=one.time_s, stream=stream), packet]

    def _noted(self, one: Added) -> list[Item]:
        said = {name: str(one.said().get(name, "")) for name in ("placement", "event", "text")}
        self.has_ended = self.has_ended or said["event"] == ENDED
        if said["event"] == LOST:
            self._streams.pop(said["placement"], None)
        return [Noted(time_s=one.time_s, **said)] if said["placement"] else []

    def _set_clock(self, one: Added) -> None:
        said = one.said()
        utc_ns, boot_s = said.get("utc_ns"), said.get("boot_s", math.nan)
        if not isinstance(utc_ns, int) or not isinstance(boot_s, int | float):
            return
        if said.get("boot_id", "") != host.boot_id():
            boot_s = math.nan
        is_first, self._clock = self._clock is None, (one.time_s, utc_ns, float(boot_s))
        if is_first:
            self._log.passed_over = (FIRST_S, max(FIRST_S, self.elapsed() - LAST_S))


def _known(value: float, digits: int) -> float | None:
    return round(value, digits) if math.isfinite(value) else None
