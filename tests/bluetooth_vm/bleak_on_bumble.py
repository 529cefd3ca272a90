"""bleak on a bumble host in this process instead of BlueZ: fast tests without kernel, D-Bus and BlueZ.

backend = bleak_on(air.host)
BleakScanner(backend=backend)    BleakClient(device, backend=backend)
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from bleak.backends.characteristic import BleakGATTCharacteristic
from bleak.backends.client import BaseBleakClient
from bleak.backends.descriptor import BleakGATTDescriptor
from bleak.backends.scanner import AdvertisementData, BaseBleakScanner
from bleak.backends.service import BleakGATTService, BleakGATTServiceCollection
from bleak.exc import BleakError, BleakGATTProtocolError
from bleak.uuids import normalize_uuid_str
from bumble import att, hci
from bumble.core import AdvertisingData
from bumble.device import Connection, Device, Peer

PROPERTIES = {0x02: "read", 0x04: "write-without-response", 0x08: "write", 0x10: "notify", 0x20: "indicate"}
MTU_ASKED = 517  # as BlueZ asks


def bleak_on(host: Device) -> Callable[..., Any]:
    """A bleak backend, for scanners and for clients."""

    def bumble(*args: Any, **kwargs: Any) -> Scanner | Client:
        return (Client if "disconnected_callback" in kwargs else Scanner)(host, *args, **kwargs)

    return bumble


def text(uuid: Any) -> str:
    return normalize_uuid_str(uuid.to_hex_str("-"))


class Scanner(BaseBleakScanner):
    def __init__(self, host: Device, detection_callback: Any, service_uuids: Any, *_: Any, **__: Any) -> None:
        super().__init__(detection_callback, service_uuids)
        self._host = host

    async def start(self) -> None:
        self.seen_devices = {}
        self._host.on("advertisement", self._found)
        await self._host.start_scanning()

    async def stop(self) -> None:
        await self._host.stop_scanning()
        self._host.remove_listener("advertisement", self._found)

    def _found(self, report: Any) -> None:
        kinds = (
            AdvertisingData.COMPLETE_LIST_OF_128_BIT_SERVICE_CLASS_UUIDS,
            AdvertisingData.COMPLETE_LIST_OF_16_BIT_SERVICE_CLASS_UUIDS,
        )
        uuids = [text(u) for kind in kinds for found in report.data.get_all(kind) for u in found]
        if not self.is_allowed_uuid(uuids):
            return
        name = report.data.get(AdvertisingData.COMPLETE_LOCAL_NAME)
        makers = dict(report.data.get_all(AdvertisingData.MANUFACTURER_SPECIFIC_DATA))
        advertisement = AdvertisementData(name, makers, {}, uuids, None, report.rssi, ())
        address = str(report.address).split("/")[0]
        device = self.create_or_update_device(address, address, name, report.address, advertisement)
        self.call_detection_callbacks(device, advertisement)


class Client(BaseBleakClient):
    def __init__(self, host: Device, device: Any, services: Any = None, **kwargs: Any) -> None:
        super().__init__(device, **kwargs)
        self._host = host
        self._target = getattr(device, "details", None) or hci.Address(device)
        self._connection: Connection | None = None

    @property
    def mtu_size(self) -> int:
        return self._need().att_mtu

    @property
    def is_connected(self) -> bool:
        return self._connection is not None

    async def connect(self, pair: bool, **_: Any) -> None:
        async with asyncio.timeout(self._timeout):
            self._connection = await self._host.connect(self._target)
            self._connection.on("disconnection", self._lost)
            peer = Peer(self._connection)
            await peer.request_mtu(MTU_ASKED)
            await peer.discover_all()
        self.services = BleakGATTServiceCollection()
        for s in peer.services:
            service = BleakGATTService(s, s.handle, text(s.uuid))
            self.services.add_service(service)
            for c in s.characteristics:
                names: Any = [name for bit, name in PROPERTIES.items() if c.properties & bit]
                size = self._connection.att_mtu - 3
                characteristic = BleakGATTCharacteristic(
                    c, c.handle, text(c.uuid), names, lambda n=size: n, service
                )
                self.services.add_characteristic(characteristic)
                for d in c.descriptors:
                    self.services.add_descriptor(BleakGATTDescriptor(d, d.handle, text(d.type), characteristic))

    async def disconnect(self) -> None:
        if self._connection:
            await self._connection.disconnect()

    async def pair(self, *_: Any, **__: Any) -> None:
        await self._need().pair()

    async def unpair(self) -> None:
        raise NotImplementedError

    async def read_gatt_char(self, characteristic: BleakGATTCharacteristic, **_: Any) -> bytearray:
        return bytearray(await self._ask(characteristic.obj.read_value()))

    async def read_gatt_descriptor(self, descriptor: BleakGATTDescriptor, **_: Any) -> bytearray:
        return bytearray(await self._ask(descriptor.obj.read_value()))

    async def write_gatt_char(self, characteristic: BleakGATTCharacteristic, data: Any, response: bool) -> None:
        await self._ask(characteristic.obj.write_value(bytes(data), with_response=response))

    async def write_gatt_descriptor(self, descriptor: BleakGATTDescriptor, data: Any) -> None:
        await self._ask(descriptor.obj.write_value(bytes(data), with_response=True))

    async def start_notify(self, characteristic: BleakGATTCharacteristic, callback: Any, **_: Any) -> None:
        prefers_notify = "notify" in characteristic.properties
        await self._ask(characteristic.obj.subscribe(lambda v: callback(bytearray(v)), prefers_notify))

    async def stop_notify(self, characteristic: BleakGATTCharacteristic) -> None:
        await self._ask(characteristic.obj.unsubscribe())

    def _lost(self, _: int) -> None:
        self._connection = None
        if self._disconnected_callback:
            self._disconnected_callback()

    def _need(self) -> Connection:
        if not self._connection:
            raise BleakError("Not connected")
        return self._connection

    async def _ask(self, question: Any) -> Any:
        try:
            self._need()
        except BleakError:
            question.close()
            raise
        try:
            return await question
        except att.ATT_Error as error:
            raise BleakGATTProtocolError(error.error_code) from error
