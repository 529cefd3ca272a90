"""A recording made with virtual sensors, and the truth to hold it against."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from simulated_time import run

from ankle_imu.capture import Captured, Order, Recorder, Status, Wanted
from ankle_imu.devices import catalog
from ankle_imu.devices.adapter import Adapter, Wish
from ankle_imu.frames import PLACEMENTS
from ankle_imu.recording import SessionLog, part_paths, read_log
from ankle_imu.session_io import open_session
from ankle_imu.simulate.sensors.ankle import AnkleSensor
from ankle_imu.simulate.sensors.mischief import parse_mischief
from ankle_imu.simulate.sensors.peripheral import Motion
from ankle_imu.simulate.sensors.radio import OnAir, VirtualRadio
from ankle_imu.units import DEGREE, STANDARD_GRAVITY
from ankle_imu.values import Recording, SessionInfo
from ankle_imu.wire import ankle_control


@dataclass
class Recorded:
    """What was captured, what is on disk, and the sensors with their truth."""

    captured: Captured
    air: list[OnAir]
    log: SessionLog
    recording: Recording

    def sent(self, n: int = 0) -> list[bytes]:
        """Data packets that reached the host from the n-th sensor, in order of arrival."""
        return [payload for _, uuid, payload in self.air[n].arrived if uuid == ankle_control.DATA]

    def kept(self, n: int = 0) -> list[bytes]:
        """Data packets of the n-th sensor on disk, in order."""
        streams = [s for s in self.log.streams if s.placement == PLACEMENTS[n]]
        return [payload for _, payload in sorted((p for s in streams for p in s.packets), key=lambda p: p[0])]


def record_ankle(
    motion: Motion,
    root: Path,
    *schedules: Sequence[str],
    seconds: float = 60.0,
    rate: float = 208.0,
    interval: float = 0.015,
    mtu: int = 247,
    loss: float = 0.0,
    meddle: Callable[[Recorder, VirtualRadio], None] = lambda recorder, radio: None,
    watch: Callable[[Status], None] = lambda status: None,
    adapter: Callable[[], Adapter] = lambda: catalog.adapter("ankle"),
    **options: Any,
) -> Recorded:
    """Record from as many ankle sensors as there are schedules; `options` are those of `AnkleSensor`."""

    async def work() -> tuple[Captured, list[OnAir]]:
        async with VirtualRadio(interval=interval) as radio:
            air = []
            for n, schedule in enumerate(schedules):
                own = {"address": f"C0:00:00:00:00:{n:02X}", "seed": n, "ppm": 60.0 - 120.0 * (n % 2), **options}
                mischief = [parse_mischief(text) for text in schedule]
                sensor = AnkleSensor(motion, **own)
                air.append(await radio.add(sensor, mischief=mischief, mtu=mtu, loss=loss, seed=n))
            sensors = {
                Wanted(identifier=a.sensor.address, placement=placement, model="ankle"): adapter()
                for a, placement in zip(air, PLACEMENTS, strict=False)
            }
            info = SessionInfo(alias="P-test")
            order = Order(sensors=sensors, root=root, info=info, duration_s=seconds, wish=Wish(rate_hz=rate))
            recorder = Recorder(radio, order, watch)
            meddle(recorder, radio)
            return await recorder.run(), air

    captured, air = run(work())
    assert captured.folder is not None
    return Recorded(captured, air, read_log(part_paths(captured.folder)), open_session(captured.folder))


def true_values(air: OnAir, boot: int, first: int, stop: int) -> np.ndarray:
    """Acc and gyr, (n, 6) in m/s^2 and rad/s, of samples [first, stop) that a sensor made, as its counts say."""
    sampler = air.sensor.boots[boot]  # type: ignore[attr-defined]
    parts = []
    for run_, a, b in sampler.spans(first, stop):
        scale = np.repeat(
            [
                run_.config.acc_range_g * STANDARD_GRAVITY / 32768,
                run_.config.gyr_range_dps * DEGREE / 32768,
            ],
            3,
        )
        parts.append(sampler._make(a, b).counts * scale)
    return np.concatenate(parts)
