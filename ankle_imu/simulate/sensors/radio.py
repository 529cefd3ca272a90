"""A radio in this process: virtual sensors on the air, for the recorder, without Bluetooth.

Time is the event loop's. Nothing is decoded here; what a sensor says arrives byte for byte, unless the
schedule of its mischief says otherwise. Implements `devices.adapter.Radio`.
"""

from __future__ import annotations

import asyncio
import math
from collections import deque
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Final

from ankle_imu.devices.adapter import Sighting
from ankle_imu.errors import BluetoothUnavailable, ConnectionLost, DeviceNotFound, ProtocolError
from ankle_imu.simulate.sensors.mischief import PACKET_KINDS, SUPERVISION_S, Courier, Mischief
from ankle_imu.simulate.sensors.peripheral import Peripheral, Refused, Said

ADVERTISING_S: Final = 0.1
CONNECT_S: Final = 0.3
ROUND_TRIP_S: Final = 0.03
MTU: Final = 247

Receive = Callable[[bytes], None]


class VirtualRadio:
    """The air between this process and virtual sensors; an async context manager.

    Parameters
    ----------
    interval : float, s between connection events, at which notifications arrive; 0: at once
    per_event : int, notifications of one sensor that fit in one event
    """

    def __init__(self, *, interval: float = 0.0, per_event: int = 6) -> None:
        self.interval, self.per_event = interval, per_event
        self.sensors: list[OnAir] = []
        self.is_off = False
        self._turn = asyncio.Lock()

    async def __aenter__(self) -> VirtualRadio:
        return self

    async def __aexit__(self, *_: object) -> None:
        for sensor in self.sensors:
            await sensor.power_off()

    async def add(
        self,
        sensor: Peripheral,
        *,
        mtu: int = MTU,
        mischief: Iterable[Mischief] = (),
        loss: float = 0.0,
        seed: int = 1,
    ) -> OnAir:
        """Switch a sensor on."""
        air = OnAir(self, sensor, mtu=mtu, mischief=tuple(mischief), courier=Courier(loss=loss, seed=seed))
        self.sensors.append(air)
        air.power_on()
        return air

    async def scan(self, seconds: float, *, is_enough: Callable[[Sighting], bool] | None = None) -> list[Sighting]:
        """See `devices.adapter.Radio.scan`."""
        self._check()
        end = asyncio.get_running_loop().time() + seconds
        seen: dict[str, Sighting] = {}
        while asyncio.get_running_loop().time() < end:
            await asyncio.sleep(min(ADVERTISING_S, seconds))
            self._check()
            for air in self.sensors:
                if air.is_advertising:
                    seen[air.sensor.address] = _sighting(air)
                    if is_enough and is_enough(seen[air.sensor.address]):
                        return [*seen.values()]
        return [*seen.values()]

    async def connect(self, seen: Sighting, *, timeout: float) -> VirtualLink:
        """See `devices.adapter.Radio.connect`."""
        self._check()
        air = next((a for a in self.sensors if a.sensor.address == seen.identifier), None)
        if air is None:
            raise DeviceNotFound(f"No sensor {seen.identifier} is on the air.", identifier=seen.identifier)
        if self._turn.locked():
            raise ProtocolError("Another connection is being made; one at a time.", identifier=seen.identifier)
        async with self._turn:
            await asyncio.sleep(CONNECT_S)
            if not air.is_advertising:
                await asyncio.sleep(max(0.0, timeout - CONNECT_S))
                raise ConnectionLost(
                    f"{seen.identifier} did not answer in {timeout:g} s.", identifier=seen.identifier
                )
            return air.connected()

    async def release(self, identifier: str) -> bool:
        """See `devices.adapter.Radio.release`; nobody else connects here."""
        return False

    def _check(self) -> None:
        if self.is_off:
            raise BluetoothUnavailable("Bluetooth is switched off; switch it on.")


class OnAir:
    """One virtual sensor on the air.

    `log`: (time, what) of all that happened to its link; `courier.lost`: what the air swallowed;
    `arrived`: (time, characteristic, payload) that were handed over.
    """

    def __init__(
        self,
        radio: VirtualRadio,
        sensor: Peripheral,
        *,
        mtu: int,
        mischief: tuple[Mischief, ...],
        courier: Courier,
    ) -> None:
        self.radio, self.sensor, self.mtu, self.courier = radio, sensor, mtu, courier
        self.link: VirtualLink | None = None
        self.log: list[tuple[float, str]] = []
        self.arrived: list[tuple[float, str, bytes]] = []
        self.is_muted = self.is_away = self.is_stalled = False
        self._mischief = mischief
        self._outbox: deque[Said] = deque()
        self._late: deque[tuple[VirtualLink | None, Said]] = deque()
        self._tasks: list[asyncio.Task[None]] = []
        self._plays: list[asyncio.Task[None]] = []
        self._notified = {c.uuid for s in sensor.services for c in s.characteristics if "notify" in c.properties}

    @property
    def is_advertising(self) -> bool:
        """Whether it can be found: on, here and not connected."""
        return bool(self._tasks) and not self.is_away and self.link is None

    def power_on(self) -> None:
        """Boot."""
        self.is_away = self.is_muted = self.is_stalled = False
        self.sensor.boot(self.now())
        self._tasks = [asyncio.create_task(self._live())]

    async def power_off(self) -> None:
        """Vanish and stop all that was planned."""
        for task in (*self._tasks, *self._plays):
            task.cancel()
        for task in (*self._tasks, *self._plays):
            with suppress(asyncio.CancelledError):
                await task
        self._tasks = []
        self._plays = []
        self.lose("switched off")

    def now(self) -> float:
        """The event loop's time, s."""
        return asyncio.get_running_loop().time()

    def note(self, what: str) -> None:
        """Write into the log."""
        self.log.append((self.now(), what))

    def connected(self) -> VirtualLink:
        """Make the link."""
        self._outbox.clear()
        self.link = VirtualLink(self)
        self.sensor.connect(self.now(), self.mtu)
        self.note("connected")
        return self.link

    def lose(self, reason: str) -> None:
        """Both sides have lost the link."""
        if self.link is None:
            return
        link, self.link = self.link, None
        self.courier.drop_held(self.now())
        self.courier.lost += [(self.now(), *said) for said in self._outbox if said[0] in self._notified]
        self._outbox.clear()
        self.sensor.disconnect(self.now())
        self.note(f"lost: {reason}")
        link.end(reason)

    def say(self, said: Iterable[Said]) -> None:
        """Hand what the sensor says to the air."""
        now, loop = self.now(), asyncio.get_running_loop()
        for one in said:
            if one[0] not in self._notified:
                self._hand_over(one)
                continue
            for at, carried in self.courier.carry(one, now):
                if at > now or self._late:
                    self._late.append((self.link, carried))
                    loop.call_at(at, self._transmit_late)  # timers of one instant may fire in any order
                else:
                    self._transmit(self.link, carried)

    def play(self) -> None:
        """Begin the schedule; only the first call counts."""
        if not self._plays:
            self._plays = [asyncio.create_task(self._play(m)) for m in self._mischief]

    async def _play(self, mischief: Mischief) -> None:
        await asyncio.sleep(mischief.at_s)
        self.note(mischief.what)
        if mischief.what in PACKET_KINDS:
            self.courier.begin(mischief.what, self.now(), mischief.argument)
        elif mischief.what == "battery":
            self.sensor.battery = mischief.argument  # type: ignore[attr-defined]
        else:
            await getattr(self, f"_{mischief.what}")(mischief.argument)

    async def _bye(self, _: float) -> None:
        self.lose("closed by the sensor")

    async def _drop(self, _: float) -> None:
        self.lose("link lost")

    async def _gone(self, seconds: float) -> None:
        self.is_away = True
        self.lose("link lost")
        await asyncio.sleep(seconds)
        self.is_away = False

    async def _reboot(self, seconds: float) -> None:
        self.is_away = True
        await asyncio.sleep(min(seconds, SUPERVISION_S))
        self.lose("link lost")
        await asyncio.sleep(max(0.0, seconds - SUPERVISION_S))
        self.is_away = False
        self.sensor.boot(self.now())

    async def _mute(self, seconds: float) -> None:
        self.is_muted = True
        await asyncio.sleep(seconds)
        self.is_muted = False

    async def _stall(self, seconds: float) -> None:
        self.is_stalled = True
        await asyncio.sleep(min(seconds, SUPERVISION_S))
        if seconds >= SUPERVISION_S:
            await self._gone(seconds - SUPERVISION_S)
        self.is_stalled = False
        if not self.radio.interval:
            self._deliver(len(self._outbox))

    async def _live(self) -> None:
        loop = asyncio.get_running_loop()
        step = self.radio.interval or self.sensor.poll_s
        turn = math.floor(loop.time() / step)
        while True:
            turn += 1
            await asyncio.sleep(max(0.0, turn * step - loop.time()))
            if self.is_away:
                continue
            said = self.sensor.poll(loop.time())
            if self.is_muted:
                self.courier.lost += [(loop.time(), *one) for one in said]
            elif self.link is not None:
                self.say(said)
            if self.radio.interval and not self.is_stalled:
                self._deliver(self.radio.per_event)

    def _transmit_late(self) -> None:
        self._transmit(*self._late.popleft())

    def _transmit(self, link: VirtualLink | None, said: Said) -> None:
        if link is None or link is not self.link:
            self.courier.lost.append((self.now(), *said))
        elif self.radio.interval or self.is_stalled:
            self._outbox.append(said)
        else:
            self._hand_over(said)

    def _deliver(self, most: int) -> None:
        for _ in range(min(most, len(self._outbox))):
            self._hand_over(self._outbox.popleft())

    def _hand_over(self, said: Said) -> None:
        if self.link is None:
            return
        self.arrived.append((self.now(), *said))
        self.link.receive(said)


class VirtualLink:
    """One connection to a virtual sensor, see `devices.adapter.Link`."""

    def __init__(self, air: OnAir) -> None:
        self.identifier, self.mtu = air.sensor.address, air.mtu
        self._air = air
        self._lost: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._receivers: dict[str, Receive] = {}
        self._uuids = {c.uuid for s in air.sensor.services for c in s.characteristics}

    def has(self, uuid: str) -> bool:
        """See `Link.has`."""
        return uuid in self._uuids

    async def read(self, uuid: str) -> bytes:
        """See `Link.read`."""
        await self._reach(uuid)
        try:
            return self._air.sensor.read(uuid, self._air.now())
        except Refused as refusal:
            raise self._refused("read", uuid, refusal) from refusal

    async def write(self, uuid: str, data: bytes, *, response: bool = True) -> None:
        """See `Link.write`."""
        await self._reach(uuid)
        try:
            said = self._air.sensor.write(uuid, data, self._air.now())
        except Refused as refusal:
            raise self._refused("write", uuid, refusal) from refusal
        self._air.say(said)

    async def subscribe(self, uuid: str, receive: Receive) -> None:
        """See `Link.subscribe`."""
        await self._reach(uuid)
        self._receivers[uuid] = receive
        self._air.sensor.subscribe(uuid, True, self._air.now())
        self._air.play()

    async def unsubscribe(self, uuid: str) -> None:
        """See `Link.unsubscribe`."""
        await self._reach(uuid)
        self._receivers.pop(uuid, None)
        self._air.sensor.subscribe(uuid, False, self._air.now())

    async def wait_lost(self) -> str:
        """See `Link.wait_lost`."""
        return await asyncio.shield(self._lost)

    async def close(self) -> None:
        """See `Link.close`."""
        if self._air.link is self:
            self._air.lose("closed by the host")

    def receive(self, said: Said) -> None:
        """Hand one notification to whoever subscribed."""
        if receiver := self._receivers.get(said[0]):
            receiver(said[1])

    def end(self, reason: str) -> None:
        """The link is gone."""
        self._receivers.clear()
        if not self._lost.done():
            self._lost.set_result(reason)

    async def _reach(self, uuid: str) -> None:
        """One round trip; waits as long as the sensor is mute."""
        await asyncio.sleep(ROUND_TRIP_S)
        while (self._air.is_muted or self._air.is_stalled or self._air.is_away) and not self._lost.done():
            await asyncio.sleep(ROUND_TRIP_S)
        if self._lost.done():
            raise ConnectionLost(
                f"The connection to {self.identifier} is gone ({self._lost.result()}).", identifier=self.identifier
            )
        if uuid not in self._uuids:
            raise ProtocolError(f"{self.identifier} has no characteristic {uuid}.", identifier=self.identifier)

    def _refused(self, what: str, uuid: str, refusal: Refused) -> ProtocolError:
        return ProtocolError(
            f"{self.identifier} refused to {what} {uuid} ({refusal}).", identifier=self.identifier
        )


def _sighting(air: OnAir) -> Sighting:
    advert = air.sensor.advert
    return Sighting(
        identifier=air.sensor.address,
        name=advert.name,
        rssi=-50,
        service_uuids=advert.service_uuids,
        manufacturer_data=advert.manufacturer_data,
    )
