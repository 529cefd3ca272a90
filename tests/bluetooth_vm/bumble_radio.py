"""Virtual sensors on bumble's air: GATT servers for BlueZ (`BluezAir`) or for a host in this process (`HostAir`).

What a sensor does is `ankle_imu.simulate.sensors`' affair, how its link misbehaves that of its `OnAir`; here is
only how both look to a Bluetooth controller.
"""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any

from bleak import BleakScanner
from bleak.exc import BleakError
from bluetooth_vm.controller import CentralController
from bumble import att, gatt, hci
from bumble.controller import Controller
from bumble.core import AdvertisingData, PhysicalTransport
from bumble.device import Connection, Device, DeviceConfiguration
from bumble.link import LocalLink
from bumble.transport import open_transport

from ankle_imu.simulate.sensors.mischief import Courier, Mischief
from ankle_imu.simulate.sensors.peripheral import Advert, Characteristic, Peripheral, Refused, Said
from ankle_imu.simulate.sensors.radio import ADVERTISING_S, MTU, OnAir

CENTRAL = "F0:F0:F0:00:00:01"
LINK_LOST = hci.HCI_ErrorCode.CONNECTION_TIMEOUT_ERROR
CLOSED_BY_SENSOR = hci.HCI_ErrorCode.REMOTE_USER_TERMINATED_CONNECTION_ERROR
LEGACY_ADVERTISEMENT = 31  # bytes, Core Specification, vol. 6 part B, 2.3.1
BATTERY_LEVEL = "00002a19-0000-1000-8000-00805f9b34fb"  # BlueZ subscribes to it by itself
ATT_CHANNEL, ATT_NOTIFICATION = 4, 0x1B  # Core Specification, vol. 3 part A 2.1 and part F 3.4.8


class Air(LocalLink):
    """The air between one central and sensors; an async context manager.

    Parameters
    ----------
    interval : float, s between connection events, at which notifications arrive; 0: at once
    per_event : int, notifications of one sensor that fit in one event
    """

    central: CentralController

    def __init__(self, *, interval: float = 0.0, per_event: int = 6) -> None:
        super().__init__()
        self.interval, self.per_event = interval, per_event
        self.sensors: list[BumbleSensor] = []

    async def add(
        self,
        sensor: Peripheral,
        *,
        mtu: int = MTU,
        mischief: Iterable[Mischief] = (),
        loss: float = 0.0,
        seed: int = 1,
    ) -> BumbleSensor:
        """Switch a sensor on."""
        courier = Courier(loss=loss, seed=seed)
        air = BumbleSensor(self, sensor, mtu=mtu, mischief=tuple(mischief), courier=courier)
        self.sensors.append(air)
        await air.begin()
        return air

    async def __aexit__(self, *_: object) -> None:
        for sensor in self.sensors:
            await sensor.end()
        await asyncio.sleep(0.01)  # the news of it is under way by `call_soon`

    def sensor_at(self, address: hci.Address) -> BumbleSensor | None:
        return next((s for s in self.sensors if s.address == address), None)

    def scan_response(self, address: hci.Address) -> bytes | None:
        """See `controller.SensorsAround`."""
        sensor = self.sensor_at(address)
        return advertising(sensor.sensor.advert)[1] if sensor and sensor.is_advertising else None

    def send_acl_data(
        self, sender: Controller, destination: hci.Address, transport: PhysicalTransport, data: bytes
    ) -> None:
        """Pass a packet on. bumble would name the sender's random address; BlueZ connects with its public one."""
        connection = sender.le_connections.get(destination)
        if connection is None:
            return
        if sender is not self.central:
            self.to_central(connection.self_address, data)
        elif sensor := self.sensor_at(destination):
            sensor.take(connection.self_address, data)

    def to_central(self, address: hci.Address, data: bytes) -> None:
        """Hand a packet of the sensor at `address` to the central's host."""
        raise NotImplementedError


class BluezAir(Air):
    """The central is BlueZ: a controller that the kernel sees through /dev/vhci."""

    async def __aenter__(self) -> BluezAir:
        self.transport = await open_transport("vhci")
        self.central = CentralController(
            "bluez",
            host_source=self.transport.source,
            host_sink=self.transport.sink,
            link=self,
            public_address=CENTRAL,
        )
        await adapter_ready()
        return self

    async def __aexit__(self, *problem: object) -> None:
        await super().__aexit__(*problem)
        await self.transport.close()

    def to_central(self, address: hci.Address, data: bytes) -> None:
        """Written as bytes: bumble's own way formats a log text for each packet."""
        if connection := self.central.le_connections.get(address):
            header = struct.pack("<BHH", hci.HCI_ACL_DATA_PACKET, connection.handle | 0x2000, len(data))
            asyncio.get_running_loop().call_soon(self.transport.sink.on_packet, header + data)


async def adapter_ready() -> None:
    """Wait until BlueZ has taken up the controller (0.1 to 0.3 s measured)."""
    for _ in range(100):
        try:
            async with BleakScanner():
                return
        except BleakError:
            await asyncio.sleep(0.1)
    raise TimeoutError("BlueZ did not take up the controller in 10 s")


class HostAir(Air):
    """The central is `host`, a bumble device in this process; `bleak_on_bumble` puts bleak on it."""

    async def __aenter__(self) -> HostAir:
        self.central = CentralController("host", link=self)
        config = DeviceConfiguration(name="host", address=hci.Address(CENTRAL))
        self.host = Device.from_config_with_hci(config, self.central, self.central)
        await self.host.power_on()
        return self

    def to_central(self, address: hci.Address, data: bytes) -> None:
        if address in self.central.le_connections:
            receive = self.central.on_link_acl_data
            asyncio.get_running_loop().call_soon(receive, address, PhysicalTransport.LE, data)


class BumbleSensor(OnAir):
    """One virtual sensor as a bumble device; when it misbehaves and how, `OnAir` says."""

    radio: Air

    def __init__(
        self, radio: Air, sensor: Peripheral, *, mtu: int, mischief: tuple[Mischief, ...], courier: Courier
    ) -> None:
        super().__init__(radio, sensor, mtu=mtu, mischief=mischief, courier=courier)  # type: ignore[arg-type]
        self.address = hci.Address(sensor.address)
        self._waiting: list[tuple[hci.Address, bytes]] = []
        self._announcing: asyncio.Task[None] | None = None
        self._served: dict[str, gatt.Characteristic[bytes]] = {}

    async def begin(self) -> None:
        """Power on and advertise."""
        self.controller = Controller(self.sensor.advert.name, link=self.radio)
        config = DeviceConfiguration(
            name=self.sensor.advert.name, address=self.address, gap_service_enabled=True, gatt_service_enabled=True
        )
        self.device = Device.from_config_with_hci(config, self.controller, self.controller)
        self.device.gatt_server.max_mtu = self.mtu
        for service in self.sensor.services:
            served = [self._serve(c) for c in service.characteristics]
            self.device.add_service(gatt.Service(service.uuid, served))
        self.device.on("connection", self._connected)
        await self.device.power_on()
        self.power_on()
        await self._announce()

    async def end(self) -> None:
        """Vanish."""
        if self._announcing:
            self._announcing.cancel()
            with suppress(asyncio.CancelledError):
                await self._announcing
        self.is_away = True
        await self.power_off()
        self.controller.le_legacy_advertiser.stop()
        self.radio.controllers.discard(self.controller)

    def take(self, central: hci.Address, data: bytes) -> None:
        """A packet from the central; it waits as long as the sensor does not answer."""
        if self.is_muted or self.is_stalled or self.is_away:
            self._waiting.append((central, data))
        else:
            receive = self.controller.on_link_acl_data
            asyncio.get_running_loop().call_soon(receive, central, PhysicalTransport.LE, data)

    # What OnAir does, with advertisements and packets from the central in addition

    async def _gone(self, seconds: float) -> None:
        await super()._gone(seconds)
        await self._announce()

    async def _reboot(self, seconds: float) -> None:
        await super()._reboot(seconds)
        await self._announce()

    async def _mute(self, seconds: float) -> None:
        await super()._mute(seconds)
        self._take_waiting()

    async def _stall(self, seconds: float) -> None:
        await super()._stall(seconds)
        self._take_waiting()

    def _take_waiting(self) -> None:
        waiting, self._waiting = self._waiting, []
        for central, data in waiting:
            self.take(central, data)

    async def _announce(self) -> None:
        if not self.is_advertising:
            return
        advertisement, response = advertising(self.sensor.advert)
        await self.device.start_advertising(
            advertising_data=advertisement,
            scan_response_data=response,
            advertising_interval_min=ADVERTISING_S * 1000,
            advertising_interval_max=ADVERTISING_S * 1000,
        )

    # GATT server

    def _serve(self, characteristic: Characteristic) -> gatt.Characteristic[bytes]:
        uuid, properties = characteristic.uuid, gatt.Characteristic.Properties(0)
        for name in characteristic.properties:
            properties |= gatt.Characteristic.Properties[name.upper().replace("-", "_")]
        value = gatt.CharacteristicValue(
            read=lambda _: self._answer(lambda: self.sensor.read(uuid, self.now())),
            write=lambda _, data: self._answer(lambda: self._written(uuid, bytes(data))),
        )
        permissions = gatt.Characteristic.READABLE | gatt.Characteristic.WRITEABLE
        served: gatt.Characteristic[bytes] = gatt.Characteristic(uuid, properties, permissions, value)
        served.on("subscription", lambda _, notify, indicate: self._subscribed(uuid, notify or indicate))
        self._served[uuid] = served
        return served

    def _answer(self, question: Callable[[], Any]) -> Any:
        try:
            return question()
        except Refused as refusal:
            raise att.ATT_Error(refusal.code) from refusal

    def _written(self, uuid: str, data: bytes) -> None:
        said = self.sensor.write(uuid, data, self.now())
        asyncio.get_running_loop().call_soon(self.say, said)  # after the acknowledgement

    def _subscribed(self, uuid: str, is_on: bool) -> None:
        self.note("subscribed" if is_on else "unsubscribed")
        self.sensor.subscribe(uuid, is_on, self.now())
        if is_on and uuid != BATTERY_LEVEL:
            self.play()

    # Link

    def _connected(self, connection: Connection) -> None:
        self._outbox.clear()
        self._waiting.clear()
        self.link = BumbleLink(self, connection)  # type: ignore[assignment]
        self.sensor.connect(self.now(), connection.att_mtu)
        self.note("connected")
        connection.on("connection_att_mtu_update", lambda: self.sensor.connect(self.now(), connection.att_mtu))
        connection.on("disconnection", lambda _: self._disconnected(connection))

    def _disconnected(self, connection: Connection) -> None:
        if isinstance(self.link, BumbleLink) and self.link.connection is connection:
            self.lose("closed by the host")
        self._announcing = asyncio.create_task(self._announce())

    def notify(self, connection: Connection, said: Said) -> asyncio.Task[None] | None:
        """Send one notification, or an indication, whose task is given."""
        served = self._served[said[0]]
        if len(said[1]) > connection.att_mtu - 3:
            raise ValueError(f"{len(said[1])} bytes do not fit in an MTU of {connection.att_mtu}.")
        wanted = self.device.gatt_server.subscribers.get(connection, {}).get(served.handle, b"\0")[0]
        if wanted & 1:
            length = len(said[1]) + 3
            header = struct.pack(
                "<HHBH", length, ATT_CHANNEL, ATT_NOTIFICATION, served.handle
            )  # of L2CAP, then ATT
            self.radio.to_central(self.address, header + said[1])
        elif wanted & 2:
            return asyncio.create_task(self.device.gatt_server.indicate_subscriber(connection, served, said[1]))
        return None


class BumbleLink:
    """The link of a `BumbleSensor`, as `OnAir` sees it."""

    def __init__(self, sensor: BumbleSensor, connection: Connection) -> None:
        self.connection = connection
        self._sensor = sensor
        self._indications: set[asyncio.Task[None]] = set()

    def receive(self, said: Said) -> None:
        """Send what the sensor says."""
        if task := self._sensor.notify(self.connection, said):
            self._indications.add(task)
            task.add_done_callback(self._indications.discard)

    def end(self, reason: str) -> None:
        """Both controllers report the end; nothing to do when the central's side began it."""
        for task in self._indications:
            task.cancel()
        code = CLOSED_BY_SENSOR if reason == "closed by the sensor" else LINK_LOST
        central = self._sensor.radio.central
        for controller, peer in (
            (self._sensor.controller, self.connection.peer_address),
            (central, self._sensor.address),
        ):
            if link := controller.le_connections.get(peer):
                controller.on_le_disconnected(link, code)


def advertising(advert: Advert) -> tuple[bytes, bytes]:
    """Advertisement and scan response: what does not fit beside the service goes into the latter."""
    first: list[tuple[int, bytes]] = [(AdvertisingData.FLAGS, b"\x06")]
    second: list[tuple[int, bytes]] = []
    kinds = {
        2: AdvertisingData.COMPLETE_LIST_OF_16_BIT_SERVICE_CLASS_UUIDS,
        16: AdvertisingData.COMPLETE_LIST_OF_128_BIT_SERVICE_CLASS_UUIDS,
    }
    structures = [
        *[(kinds[len(b)], b) for uuid in advert.service_uuids for b in [uuid_bytes(uuid)]],
        (AdvertisingData.COMPLETE_LOCAL_NAME, advert.name.encode()),
        *[
            (AdvertisingData.MANUFACTURER_SPECIFIC_DATA, company.to_bytes(2, "little") + data)
            for company, data in advert.manufacturer_data.items()
        ],
    ]
    for structure in structures:
        fits = len(bytes(AdvertisingData([*first, structure]))) <= LEGACY_ADVERTISEMENT
        (first if fits else second).append(structure)
    response = bytes(AdvertisingData(second))
    if len(response) > LEGACY_ADVERTISEMENT:
        raise ValueError(f"The advertisement of {advert.name!r} does not fit in {2 * LEGACY_ADVERTISEMENT} bytes.")
    return bytes(AdvertisingData(first)), response


def uuid_bytes(uuid: str) -> bytes:
    """Little-endian; 16 bit where it is one of the Bluetooth SIG's."""
    whole = bytes.fromhex(uuid.replace("-", ""))
    if uuid.endswith("-0000-1000-8000-00805f9b34fb") and uuid.startswith("0000"):
        whole = whole[2:4]
    return whole[::-1]
