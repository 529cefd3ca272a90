"""Real Bluetooth, by way of bleak: its errors become ours here, and nowhere else.

Notes
-----
Facts that shaped this file: a second scan of one process fails with `InProgress` on BlueZ; connecting while
another connection is being made fails too (bleak issues 490 and 1036), so both take turns here. `mtu_size` is
23 on BlueZ until a characteristic is acquired; the characteristics know the true one. Without D-Bus bleak raises
a bare `FileNotFoundError`; in a container whose user D-Bus does not know, an error of dbus-fast. A sensor that
accepts a connection and says nothing is given up after the timeout. bluetoothd may hang: nothing here waits for it
without an end.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final, TypeVar

from ankle_imu.devices.adapter import Sighting
from ankle_imu.devices.deadline import drop, within
from ankle_imu.errors import (
    AnkleImuError,
    BluetoothUnavailable,
    ConnectionLost,
    DeviceNotFound,
    ProtocolError,
    RadioBusy,
)

if TYPE_CHECKING:
    from bleak import BleakClient
    from bleak.backends.device import BLEDevice
    from bleak.backends.scanner import AdvertisementData

T = TypeVar("T")

ANSWER_S: Final = 10.0
"""Longest wait for the answer to a read, write or subscription (ATT itself gives up after 30 s)."""

CLOSE_S: Final = 5.0
"""Longest wait for a disconnection or the end of a scan; BlueZ takes about 2 s."""

BEGIN_S: Final = 10.0
"""Longest wait for the beginning of a scan."""

DISCOVER_S: Final = 30.0
"""Longest wait for the services of a sensor that is connected: what ATT itself allows for one answer."""

_BUSY: Final = ("InProgress", "le-connection-abort-by-local", "Operation already in progress")
_OFF: Final = ("org.bluez.Error.NotReady", "Not Powered")
_NO_SERVICE: Final = (
    "DBus.Error.ServiceUnknown",
    "DBus.Error.NameHasNoOwner",
    "DBus.Error.Spawn.",
    "freedesktop.systemd1.",
)
"""D-Bus has no bluetoothd and could not start one; what it says depends on who was to start it: without systemd
`Spawn.ChildExited` (seen with BlueZ 5.66)."""
_NOT_CONNECTED: Final = ("Not connected", "not connected", "Disconnected", "NotConnected", "disconnected")


class BleakRadio:
    """Bluetooth of this computer, see `devices.adapter.Radio`.

    Parameters
    ----------
    options : keyword arguments for every `BleakScanner` and `BleakClient`, e.g. `backend`
    """

    def __init__(self, **options: Any) -> None:
        self._options = options
        self._turn = asyncio.Lock()

    async def scan(self, seconds: float, *, is_enough: Callable[[Sighting], bool] | None = None) -> list[Sighting]:
        """See `devices.adapter.Radio.scan`."""
        from bleak import BleakScanner

        seen: dict[str, Sighting] = {}
        enough = asyncio.Event()

        def found(device: BLEDevice, advertisement: AdvertisementData) -> None:
            seen[device.address] = _sighting(device, advertisement)
            if is_enough and is_enough(seen[device.address]):
                enough.set()

        async with self._turn:
            try:
                scanner = BleakScanner(found, **self._options)
                await within(BEGIN_S, scanner.start())
            except TimeoutError as error:
                raise BluetoothUnavailable(
                    f"The system's Bluetooth did not begin a scan within {BEGIN_S:g} s; switch it off and on."
                ) from error
            except Exception as error:
                raise _translate(error, "") from error
            try:
                with suppress(TimeoutError):
                    await asyncio.wait_for(enough.wait(), seconds)
            finally:
                with suppress(Exception):  # what was seen was seen
                    await within(CLOSE_S, scanner.stop())
        return [*seen.values()]

    async def connect(self, seen: Sighting, *, timeout: float) -> BleakLink:
        """See `devices.adapter.Radio.connect`."""
        from bleak import BleakClient

        link = BleakLink(seen.identifier)
        client = BleakClient(
            seen.handle or seen.identifier, lambda _: link.end("disconnected"), timeout=timeout, **self._options
        )
        async with self._turn:
            try:
                await within(timeout + DISCOVER_S, client.connect())
            except asyncio.CancelledError:
                await _disconnect(client)
                raise
            except Exception as error:
                await _disconnect(client)
                raise _translate(error, seen.identifier) from error
        link.attach(client)
        return link

    async def release(self, identifier: str) -> bool:
        """See `devices.adapter.Radio.release`; only BlueZ keeps such connections."""
        if sys.platform != "linux" or "backend" in self._options:
            return False
        from ankle_imu.devices import bluez

        with suppress(OSError, TimeoutError, EOFError):
            async with asyncio.timeout(CLOSE_S):
                return await bluez.release(identifier)
        return False


class BleakLink:
    """One connection, see `devices.adapter.Link`."""

    def __init__(self, identifier: str) -> None:
        self.identifier = identifier
        self.mtu = 23
        self._lost: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._client: Any = None

    def attach(self, client: BleakClient) -> None:
        """Take the client whose connection stands."""
        self._client = client
        sizes = [c.max_write_without_response_size for c in client.services.characteristics.values()]
        self.mtu = max(sizes, default=20) + 3

    def has(self, uuid: str) -> bool:
        """See `Link.has`."""
        return self._client.services.get_characteristic(uuid) is not None

    async def read(self, uuid: str) -> bytes:
        """See `Link.read`."""
        return bytes(await self._ask(lambda: self._client.read_gatt_char(uuid)))

    async def write(self, uuid: str, data: bytes, *, response: bool = True) -> None:
        """See `Link.write`."""
        await self._ask(lambda: self._client.write_gatt_char(uuid, data, response=response))

    async def subscribe(self, uuid: str, receive: Callable[[bytes], None]) -> None:
        """See `Link.subscribe`."""
        await self._ask(lambda: self._client.start_notify(uuid, lambda _, data: receive(bytes(data))))

    async def unsubscribe(self, uuid: str) -> None:
        """See `Link.unsubscribe`."""
        await self._ask(lambda: self._client.stop_notify(uuid))

    async def wait_lost(self) -> str:
        """See `Link.wait_lost`."""
        return await asyncio.shield(self._lost)

    async def close(self) -> None:
        """See `Link.close`."""
        if not self._lost.done():
            self._lost.set_result("closed by the host")
        await _disconnect(self._client)

    def end(self, reason: str) -> None:
        """The connection is gone; only the first reason counts."""
        if not self._lost.done():
            self._lost.set_result(reason)

    async def _ask(self, question: Callable[[], Awaitable[T]]) -> T:
        if self._lost.done():
            raise ConnectionLost(f"The connection to {self.identifier} is gone.", identifier=self.identifier)
        asked = asyncio.ensure_future(question())
        pending: set[asyncio.Future[Any]] = {asked, self._lost}
        try:
            await asyncio.wait(pending, timeout=ANSWER_S, return_when=asyncio.FIRST_COMPLETED)
        except asyncio.CancelledError:
            await drop(asked)
            raise
        if asked.done():
            try:
                return asked.result()
            except Exception as error:
                raise _translate(error, self.identifier) from error
        await drop(asked)
        why = "was lost" if self._lost.done() else f"gave no answer in {ANSWER_S:g} s"
        raise ConnectionLost(f"The connection to {self.identifier} {why}.", identifier=self.identifier)


async def _disconnect(client: Any) -> None:
    with suppress(Exception):
        await within(CLOSE_S, client.disconnect())


def _sighting(device: BLEDevice, advertisement: AdvertisementData) -> Sighting:
    return Sighting(
        identifier=device.address,
        name=advertisement.local_name or device.name or "",
        rssi=advertisement.rssi,
        service_uuids=tuple(uuid.lower() for uuid in advertisement.service_uuids),
        manufacturer_data=dict(advertisement.manufacturer_data),
        handle=device,
    )


def _translate(error: Exception, identifier: str) -> Exception:
    """Our error for one of bleak's; what is none of bleak's stays what it is."""
    from bleak import exc

    text = str(error) or type(error).__name__
    if isinstance(error, AnkleImuError):
        return error
    if isinstance(error, exc.BleakBluetoothNotAvailableError):
        return BluetoothUnavailable(_why_unavailable(error.reason))
    if isinstance(error, FileNotFoundError | ConnectionRefusedError) or any(word in text for word in _NO_SERVICE):
        return BluetoothUnavailable(
            "The system's Bluetooth service cannot be reached (no D-Bus or no bluetoothd); "
            "install bluez and start it: `sudo systemctl start bluetooth`."
        )
    if any(word in text for word in _OFF):
        return BluetoothUnavailable(_why_unavailable("POWERED_OFF"))
    if isinstance(error, PermissionError) or "DBus.Error.AccessDenied" in text:
        return BluetoothUnavailable(
            "This user may not use Bluetooth; `sudo usermod -aG bluetooth $USER`, then log in again."
        )
    if type(error).__module__.startswith("dbus_fast"):
        return BluetoothUnavailable(
            f"The system's D-Bus did not let this program in ({text.rstrip('.')}); in a container, share the "
            "host's D-Bus socket and run as a user that the host knows."
        )
    if isinstance(error, exc.BleakDeviceNotFoundError):
        return DeviceNotFound(
            f"{identifier or 'The sensor'} is not in reach; wake it and come nearer.", identifier=identifier
        )
    if isinstance(error, exc.BleakGATTProtocolError | exc.BleakCharacteristicNotFoundError):
        return ProtocolError(f"{identifier}: {text}", identifier=identifier)
    if isinstance(error, TimeoutError):
        return ConnectionLost(f"{identifier} did not answer in time.", identifier=identifier)
    if any(word in text for word in _BUSY):
        return RadioBusy(f"Bluetooth is busy: {text}", identifier=identifier)
    if isinstance(error, exc.BleakError) and any(
        word in text for word in ("NotSupported", "NotPermitted", "InvalidArguments")
    ):
        return ProtocolError(f"{identifier}: {text}", identifier=identifier)
    if isinstance(error, KeyError) and "/org/bluez/" in text:  # BlueZ forgot a device that bleak still looks up
        return ConnectionLost(
            f"{identifier or 'Bluetooth'} is not known to BlueZ any more.", identifier=identifier
        )
    if isinstance(error, exc.BleakError | EOFError | OSError) or any(word in text for word in _NOT_CONNECTED):
        return ConnectionLost(f"{identifier or 'Bluetooth'}: {text}", identifier=identifier)
    return error


def _why_unavailable(reason: Any) -> str:
    """What to do about Bluetooth that is not there, in one sentence."""
    known = {
        "NO_BLUETOOTH": "This computer has no Bluetooth adapter that could be found; plug one in.",
        "NO_BLE_CENTRAL_ROLE": "The Bluetooth adapter cannot do Bluetooth LE; use another one (4.0 or later).",
        "POWERED_OFF": "Bluetooth is switched off; switch it on"
        + (" (`bluetoothctl power on`; `rfkill unblock bluetooth`)." if sys.platform == "linux" else "."),
        "DENIED_BY_USER": "This terminal may not use Bluetooth; allow it in the system's privacy settings.",
        "DENIED_BY_SYSTEM": "The system forbids Bluetooth; its administrator can allow it.",
    }
    name = getattr(reason, "name", str(reason))
    return known.get(name, f"Bluetooth is not available ({name}); `ankle-imu doctor` may tell why.")
