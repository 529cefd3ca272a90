"""`BleakRadio` with a system underneath that refuses, hangs, or is not there; whole links: tests/bluetooth_vm."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from simulated_time import run

from ankle_imu.devices.adapter import Sighting
from ankle_imu.devices.bleak_radio import BEGIN_S, CLOSE_S, BleakLink, BleakRadio, _translate
from ankle_imu.errors import AnkleImuError, BluetoothUnavailable, ConnectionLost, RadioBusy

bleak = pytest.importorskip("bleak")
FOREVER = 1e7


async def hang(*_: object, **__: object) -> None:
    await asyncio.sleep(FOREVER)


async def hang_and_refuse_to_be_stopped(*_: object, **__: object) -> None:
    until = asyncio.get_running_loop().time() + 100.0
    while asyncio.get_running_loop().time() < until:
        try:
            await asyncio.sleep(100.0)
        except asyncio.CancelledError:
            continue


class Scanner:
    """Sees one sensor and does all it is told."""

    def __init__(self, found: Any, **_: object) -> None:
        self.found = found

    async def start(self) -> None:
        device = bleak.BLEDevice("C0:01", "one", details=None)
        self.found(device, bleak.AdvertisementData("one", {}, {}, [], None, -50, ()))

    async def stop(self) -> None:
        return None


@pytest.fixture
def scanner(monkeypatch: pytest.MonkeyPatch) -> type[Scanner]:
    class Own(Scanner):
        pass

    monkeypatch.setattr(bleak, "BleakScanner", Own)
    return Own


async def took(work: Any) -> tuple[Any, float]:
    begun = asyncio.get_running_loop().time()
    try:
        found = await work
    except AnkleImuError as error:
        found = error
    return found, asyncio.get_running_loop().time() - begun


@pytest.mark.parametrize("stuck", [hang, hang_and_refuse_to_be_stopped])
def test_a_scan_that_does_not_begin_is_given_up(scanner: type[Scanner], stuck: Any) -> None:
    async def main() -> None:
        radio = BleakRadio()
        scanner.start = stuck  # type: ignore[method-assign]
        found, seconds = await took(radio.scan(2.0))
        assert isinstance(found, BluetoothUnavailable)
        assert "did not begin a scan" in str(found)
        assert seconds < BEGIN_S + 2.0
        scanner.start = Scanner.start  # type: ignore[method-assign]
        assert len(await radio.scan(2.0)) == 1, "the next one had no turn"

    run(main())


@pytest.mark.parametrize("stuck", [hang, hang_and_refuse_to_be_stopped])
def test_a_scan_that_does_not_end_gives_what_it_saw(scanner: type[Scanner], stuck: Any) -> None:
    scanner.stop = stuck  # type: ignore[method-assign]
    found, seconds = run(took(BleakRadio().scan(2.0)))
    assert [seen.identifier for seen in found] == ["C0:01"]
    assert seconds < 2.0 + CLOSE_S + 2.0


def test_a_scan_that_is_cancelled_is_stopped(scanner: type[Scanner]) -> None:
    stopped = []

    async def stop(self: Scanner) -> None:
        stopped.append(True)

    async def main() -> None:
        scanner.stop = stop  # type: ignore[method-assign]
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(BleakRadio().scan(60.0), 5.0)

    run(main())
    assert stopped == [True]


class Client:
    """A connection that hangs in all it is asked."""

    services = None

    def __init__(self, *_: object, **__: object) -> None:
        self.sent: list[bytes] = []

    async def write_gatt_char(self, uuid: str, data: bytes, *, response: bool) -> None:
        await asyncio.sleep(2.0)
        self.sent.append(data)

    connect = disconnect = hang


def test_a_connection_that_is_neither_made_nor_refused_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bleak, "BleakClient", Client)
    found, seconds = run(took(BleakRadio().connect(Sighting(identifier="C0:01"), timeout=10.0)))
    assert isinstance(found, ConnectionLost)
    assert seconds < 60.0


def test_a_close_that_hangs_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    async def main() -> float:
        link = BleakLink("C0:01")
        link._client = Client()
        _, seconds = await took(link.close())
        assert await link.wait_lost() == "closed by the host"
        return seconds

    assert run(main()) < CLOSE_S + 2.0


def test_a_command_that_is_called_off_does_not_go_out() -> None:
    async def main() -> None:
        link = BleakLink("C0:01")
        link._client = client = Client()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.5):
                await link.write("u", b"never")
        await asyncio.sleep(5.0)
        assert client.sent == []
        await link.write("u", b"sent")
        assert client.sent == [b"sent"]

    run(main())


def bluez(name: str, told: str) -> Exception:
    error: Exception = bleak.exc.BleakDBusError(name, [told])
    return error


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (bluez("org.bluez.Error.NotReady", "Resource Not Ready"), "switched off"),
        (bluez("org.bluez.Error.Failed", "Not Powered"), "switched off"),
        (bluez("org.freedesktop.DBus.Error.ServiceUnknown", "no such name"), "cannot be reached"),
        (bluez("org.freedesktop.DBus.Error.Spawn.ChildExited", "Launch helper exited"), "cannot be reached"),
        (
            bluez("org.freedesktop.systemd1.NoSuchUnit", "Unit dbus-org.bluez.service not found."),
            "cannot be reached",
        ),
        (FileNotFoundError(2, "No such file or directory"), "cannot be reached"),
        (PermissionError(13, "Permission denied"), "may not use Bluetooth"),
    ],
)
def test_bluetooth_that_is_not_there(error: Exception, words: str) -> None:
    ours = _translate(error, "C0:01")
    assert isinstance(ours, BluetoothUnavailable)
    assert words in str(ours)


def test_a_container_that_d_bus_does_not_let_in() -> None:
    errors = pytest.importorskip("dbus_fast.errors")
    for error in (
        errors.AuthError("authentication failed: REJECTED: ['EXTERNAL']"),
        errors.DBusError("org.freedesktop.DBus.Error.Failed", "no"),
        errors.InvalidAddressError("no address"),
    ):
        ours = _translate(error, "")
        assert isinstance(ours, BluetoothUnavailable)
        assert "container" in str(ours)


def test_a_device_that_bluez_forgot_is_a_lost_connection() -> None:
    assert isinstance(_translate(KeyError("/org/bluez/hci0/dev_C0_01"), "C0:01"), ConnectionLost)
    assert isinstance(_translate(KeyError("a bug"), "C0:01"), KeyError)


def test_busy_is_no_more_than_busy() -> None:
    ours = _translate(bluez("org.bluez.Error.InProgress", "Operation already in progress"), "C0:01")
    assert type(ours) is RadioBusy
