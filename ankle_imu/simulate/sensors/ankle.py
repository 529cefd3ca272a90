"""A virtual Ankle IMU: keeps to protocol version 1 as `firmware_notes/protocol.md` has it."""

from __future__ import annotations

import zlib
from typing import Final

import numpy as np

from ankle_imu.simulate.sensors.ankle_flash import Flash, FlashLog
from ankle_imu.simulate.sensors.ankle_sampler import Sampler
from ankle_imu.simulate.sensors.ankle_sender import ATT_BYTES, SECOND, Sender
from ankle_imu.simulate.sensors.peripheral import Advert, Characteristic, Motion, Refused, Said, Service
from ankle_imu.wire import ankle_control as control
from ankle_imu.wire import ankle_state as state
from ankle_imu.wire.ankle_control import Answer, Config, Op, Outcome
from ankle_imu.wire.ankle_log import PAGE_BYTES, encode_pieces

BATTERY_SERVICE: Final = "0000180f-0000-1000-8000-00805f9b34fb"
BATTERY_LEVEL: Final = "00002a19-0000-1000-8000-00805f9b34fb"
DEVICE_SERVICE: Final = "0000180a-0000-1000-8000-00805f9b34fb"
MODEL_NUMBER: Final = "00002a24-0000-1000-8000-00805f9b34fb"

POWER_ON: Final = Config(rate_hz=104, acc_range_g=8, gyr_range_dps=1000, low_pass_hz=0, batch_max_ms=0)
"""Settings after a boot."""
RATES_HZ: Final = state.RATES_HZ[:5]
ACC_RANGES_G: Final = state.ACC_RANGES_G[:4]
GYR_RANGES_DPS: Final = state.GYR_RANGES_DPS[:5]
CHIP: Final = 0x6C
"""WHO_AM_I of the LSM6DSO family."""
ALL_LOGS: Final = 0xFFFFFFFF

_ATT_READ_REFUSED: Final = 0x02
_ATT_WRITE_REFUSED: Final = 0x03
_ATT_WRONG_LENGTH: Final = 0x0D
_ATT_NOT_SUBSCRIBED: Final = 0xFD


class _Denied(Exception):
    """A request that gets another outcome than OK."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__(outcome.name)
        self.outcome = outcome


class AnkleSensor:
    """See `peripheral.Peripheral`.

    Parameters
    ----------
    motion : Motion, what it feels
    address : str
    seed : int, another device id for each
    ppm : float, how fast its microcontroller's clock runs
    rate_error : float, share by which its true sampling rate is above the nominal one
    battery : float, share 0..1, now
    drain_per_hour : float, share that an hour takes
    ring_samples : int, how far back it can replay without a log
    flash_bytes : int; 0: it has no flash

    Attributes
    ----------
    boots : list of Sampler, one per boot: what was made, and when
    blinks : list of float, s, world times at which it was asked to show itself
    battery : float, share 0..1; may be set
    """

    def __init__(
        self,
        motion: Motion,
        *,
        address: str = "C0:00:00:00:00:01",
        seed: int = 1,
        ppm: float = 0.0,
        rate_error: float = 0.0,
        battery: float = 1.0,
        drain_per_hour: float = 0.05,
        ring_samples: int = 10 * 833,
        flash_bytes: int = 16 * 2**20,
    ) -> None:
        self.address = address
        self.advert = Advert(
            name=control.NAME_PREFIX + address.replace(":", "")[-4:], service_uuids=(control.SERVICE,)
        )
        self.services = _services()
        self.poll_s = 0.02
        self.boots: list[Sampler] = []
        self.blinks: list[float] = []
        self._motion, self._seed, self._ppm, self._rate_error = motion, seed, ppm, rate_error
        self._ring_samples = ring_samples
        self._flash = Flash(flash_bytes)
        self._drain_per_hour = drain_per_hour
        self._charge, self._charged_at, self._now = battery, -np.inf, -np.inf
        self._config, self._epoch = POWER_ON, 0
        self._sender: Sender | None = None
        self._wanted: set[str] = set()
        self._next_status = -np.inf

    @property
    def battery(self) -> float:
        """Charge, share 0..1."""
        hours = (self._now - self._charged_at) / 3600.0 if np.isfinite(self._charged_at) else 0.0
        return max(0.0, self._charge - self._drain_per_hour * hours)

    @battery.setter
    def battery(self, share: float) -> None:
        self._charge, self._charged_at = share, self._now

    @property
    def sampler(self) -> Sampler:
        """The motion sensor since the last boot."""
        return self.boots[-1]

    # What a radio calls

    def boot(self, now: float) -> None:
        """See `Peripheral.boot`."""
        if self.boots:
            self._flash.cut_power(self._now)
            self.sampler.stop(self._now)
        if not np.isfinite(self._charged_at):
            self._charged_at = now
        self._now = now
        boot_id = zlib.crc32(f"{self._seed} {self.address} {len(self.boots)}".encode())
        self.boots.append(
            Sampler(self._motion, boot_id=boot_id, booted=now, ppm=self._ppm, rate_error=self._rate_error)
        )
        self._config, self._epoch = POWER_ON, 0
        self._part()

    def connect(self, now: float, mtu: int) -> None:
        """See `Peripheral.connect`: silent until START."""
        self._now = now
        if self._sender is None:
            self._sender = Sender(self.sampler, mtu, now)
        self._sender.mtu = mtu

    def disconnect(self, now: float) -> None:
        """See `Peripheral.disconnect`: the sampler goes on."""
        self._now = now
        self._part()

    def subscribe(self, uuid: str, is_on: bool, now: float) -> None:
        """See `Peripheral.subscribe`."""
        self._now = now
        (self._wanted.add if is_on else self._wanted.discard)(uuid)
        if uuid == control.STATUS:
            self._next_status = now

    def read(self, uuid: str, now: float) -> bytes:
        """See `Peripheral.read`."""
        self._now = now
        if uuid == control.INFO:
            return self._info()
        if uuid == control.STATUS:
            return state.encode_status(self._status())
        if uuid == BATTERY_LEVEL:
            return bytes((round(self.battery * 100),))
        if uuid == MODEL_NUMBER:
            return b"Ankle IMU (virtual)"
        raise Refused(_ATT_READ_REFUSED)

    def write(self, uuid: str, data: bytes, now: float) -> list[Said]:
        """See `Peripheral.write`."""
        self._now = now
        if uuid == control.TIME:
            return self._tell_time(data)
        if uuid != control.CONTROL:
            raise Refused(_ATT_WRITE_REFUSED)
        if uuid not in self._wanted or self._sender is None:
            raise Refused(_ATT_NOT_SUBSCRIBED)
        try:
            request = control.decode_request(data)
        except control.RequestRefused as refused:
            return [(control.CONTROL, control.encode_answer(refused.answer))]
        said: list[Said] = []
        outcome, values = Outcome.OK, {}
        try:
            values = self._do(request, self._sender, said)
        except _Denied as denied:
            outcome = denied.outcome
        answer = Answer(op=request.op, ref=request.ref, outcome=outcome, values=values)
        said = [one for one in said if one[0] in self._wanted]
        return [*said, (control.CONTROL, control.encode_answer(answer))]

    def poll(self, now: float) -> list[Said]:
        """See `Peripheral.poll`."""
        self._now = now
        self._flash.end_if_full(now)
        if self._sender is None:
            return []
        said = [one for one in self._sender.poll(now) if one[0] in self._wanted]
        if control.STATUS in self._wanted and now >= self._next_status:
            self._next_status = max(self._next_status + SECOND, now)
            said.append((control.STATUS, state.encode_status(self._status(), self._sender.mtu - ATT_BYTES)))
        return said

    # Requests

    def _do(self, request: control.Request, sender: Sender, said: list[Said]) -> dict[str, int]:
        values = request.values
        match request.op:
            case Op.GET_CONFIG:
                return self._in_force()
            case Op.SET_CONFIG:
                return self._set_config(Config(**values), sender, said)
            case Op.START_STREAM:
                return self._start_stream(sender)
            case Op.STOP_STREAM:
                said += sender.stop(self._now)
                self._rest()
                return {"next_index": self.sampler.made(self._now) % 2**32}
            case Op.REPLAY:
                return self._replay(sender, request.ref, **values)
            case Op.IDENTIFY:
                self.blinks.append(self._now)
                return {}
        if not self._flash.size:
            raise _Denied(Outcome.NO_FLASH)
        match request.op:
            case Op.START_LOG:
                return self._start_log(values["started_s"])
            case Op.STOP_LOG:
                return self._stop_log()
            case Op.LIST_LOGS:
                return self._tell_log(values["position"])
            case Op.READ_LOG:
                return self._read_log(sender, request.ref, **values)
            case _:
                return self._delete_log(values["log_id"])

    def _in_force(self) -> dict[str, int]:
        return {"epoch": self._epoch, **vars(self._config)}

    def _set_config(self, wanted: Config, sender: Sender, said: list[Said]) -> dict[str, int]:
        if not (wanted.rate_hz and wanted.acc_range_g and wanted.gyr_range_dps):
            raise _Denied(Outcome.BAD_VALUE)
        config = Config(
            rate_hz=min(RATES_HZ, key=lambda rate: abs(rate - wanted.rate_hz)),
            acc_range_g=_sufficient(ACC_RANGES_G, wanted.acc_range_g),
            gyr_range_dps=_sufficient(GYR_RANGES_DPS, wanted.gyr_range_dps),
            low_pass_hz=wanted.low_pass_hz,
            batch_max_ms=wanted.batch_max_ms,
        )
        if config != self._config:
            if sender.is_streaming:
                said += sender.live(self._now, is_last=True)
            self._config, self._epoch = config, (self._epoch + 1) % 256
            if self.sampler.is_running:
                self.sampler.start(self._now, config, self._epoch)
        return self._in_force()

    def _start_stream(self, sender: Sender) -> dict[str, int]:
        self._wake()
        first = sender.start(self._now)
        return {"boot_id": self.sampler.boot_id, "epoch": self._epoch, "next_index": first % 2**32}

    def _replay(self, sender: Sender, ref: int, first: int, last: int) -> dict[str, int]:
        if last < first:
            raise _Denied(Outcome.BAD_VALUE)
        made = self.sampler.made(self._now)
        kept = [(max(0, made - self._ring_samples), made), *self._flash.spans(self.sampler, self._now)]
        found = _overlap(kept, first, min(last + 1, made))
        sender.replay(ref, found)
        count = sum(stop - start for start, stop in found)
        return {"first": found[0][0] % 2**32 if found else 0, "count": count}

    def _start_log(self, started_s: int) -> dict[str, int]:
        if self._flash.running:
            raise _Denied(Outcome.WRONG_STATE)
        if self._flash.used(self._now) >= self._flash.size:
            raise _Denied(Outcome.FLASH_FULL)
        self._wake()
        return {"log_id": self._flash.begin(self.sampler, self._now, started_s).log_id}

    def _stop_log(self) -> dict[str, int]:
        if not self._flash.running:
            raise _Denied(Outcome.WRONG_STATE)
        log = self._flash.end(self._now)
        self._rest()
        return {"log_id": log.log_id, "size": len(log.pages(self._now)) * PAGE_BYTES}

    def _tell_log(self, position: int) -> dict[str, int]:
        logs = self._flash.logs
        if position >= len(logs):
            return {"count": len(logs), "log_id": 0, "size": 0, "n": 0, "started_s": 0}
        log = logs[position]
        pages = log.pages(self._now)
        return {
            "count": len(logs),
            "log_id": log.log_id,
            "size": len(pages) * PAGE_BYTES,
            "n": sum(stop - first for _, first, stop in pages),
            "started_s": log.started_s,
        }

    def _read_log(self, sender: Sender, ref: int, log_id: int, offset: int, length: int) -> dict[str, int]:
        log = self._log(log_id)
        if sender.is_fetching:
            raise _Denied(Outcome.BUSY)
        data = log.read(offset, length, self._now)
        sender.fetch(encode_pieces(ref, offset, data, sender.mtu - ATT_BYTES))
        return {"size": len(log.pages(self._now)) * PAGE_BYTES, "length": len(data)}

    def _delete_log(self, log_id: int) -> dict[str, int]:
        if log_id != ALL_LOGS and self._log(log_id).stop is None:
            raise _Denied(Outcome.BUSY)
        self._flash.delete(lambda log: log.stop is not None and log_id in (ALL_LOGS, log.log_id))
        return {}

    def _log(self, log_id: int) -> FlashLog:
        found = next((log for log in self._flash.logs if log.log_id == log_id), None)
        if found is None:
            raise _Denied(Outcome.NOT_FOUND)
        return found

    def _wake(self) -> None:
        if not self.sampler.is_running:
            self.sampler.start(self._now, self._config, self._epoch)

    def _rest(self) -> None:
        if not self._is_streaming and not self._flash.running:
            self.sampler.stop(self._now)

    @property
    def _is_streaming(self) -> bool:
        return self._sender is not None and self._sender.is_streaming

    def _part(self) -> None:
        self._sender = None
        self._wanted = set()

    def _tell_time(self, data: bytes) -> list[Said]:
        if len(data) != control.TIME_REQUEST.size:
            raise Refused(_ATT_WRONG_LENGTH)
        if control.TIME not in self._wanted:
            return []
        stamp = self.sampler.mcu_us(self._now)
        answer = control.TIME_ANSWER.pack(**control.TIME_REQUEST.unpack(data), received_us=stamp, sent_us=stamp)
        return [(control.TIME, answer)]

    def _info(self) -> bytes:
        features = state.Feature.REPLAY | state.Feature.CLOCK_PACKETS | state.Feature.LIGHT
        return state.encode_info(
            state.Info(
                device_id=zlib.crc32(self.address.encode()) << 32 | self._seed % 2**32,
                boot_id=self.sampler.boot_id,
                rates_hz=RATES_HZ,
                acc_ranges_g=ACC_RANGES_G,
                gyr_ranges_dps=GYR_RANGES_DPS,
                chip=CHIP,
                flash_bytes=self._flash.size,
                ring_samples=self._ring_samples,
                features=features | (state.Feature.FLASH_LOG if self._flash.size else state.NO_FEATURES),
                firmware="virtual 1",
            )
        )

    def _status(self) -> state.Status:
        is_running, is_logging = self.sampler.is_running, self._flash.running is not None
        return state.Status(
            state=state.State(is_running * 1 | self._is_streaming * 2 | is_logging * 4),
            battery_pct=round(self.battery * 100),
            t_us=self.sampler.mcu_us(self._now),
            next_index=self.sampler.made(self._now) % 2**32,
            boot_id=self.sampler.boot_id,
            temperature_cc=3000,
            battery_mv=round(3300 + 900 * self.battery),
            dropped=0,
            overruns=0,
            interval=12,
            mtu=self._sender.mtu if self._sender else 0,
            flash_pct=round(100 * self._flash.used(self._now) / self._flash.size) if self._flash.size else 0,
        )


def _sufficient(ranges: tuple[int, ...], wanted: int) -> int:
    return next((r for r in ranges if r >= wanted), ranges[-1])


def _overlap(spans: list[tuple[int, int]], first: int, stop: int) -> list[tuple[int, int]]:
    """Parts of [first, stop) that lie in any of the spans, in order, each once."""
    pieces: list[tuple[int, int]] = []
    at = first
    for a, b in sorted(spans):
        a, b = max(a, at), min(b, stop)
        if a < b:
            pieces.append((a, b))
            at = b
    return pieces


def _services() -> tuple[Service, ...]:
    ours = tuple(
        Characteristic(uuid=uuid, properties=properties)
        for uuid, (_, properties) in control.CHARACTERISTICS.items()
    )
    read = frozenset({"read"})
    return (
        Service(uuid=control.SERVICE, characteristics=ours),
        Service(uuid=BATTERY_SERVICE, characteristics=(Characteristic(uuid=BATTERY_LEVEL, properties=read),)),
        Service(uuid=DEVICE_SERVICE, characteristics=(Characteristic(uuid=MODEL_NUMBER, properties=read),)),
    )
