"""What brings a hung BlueZ back: its adapters off and on, and its service anew where the system permits that."""

from __future__ import annotations

import asyncio
from typing import Any, Final

_BLUEZ: Final = "org.bluez"
_ADAPTER: Final = "org.bluez.Adapter1"
_OBJECTS: Final = "org.freedesktop.DBus.ObjectManager"
_PROPERTIES: Final = "org.freedesktop.DBus.Properties"
_SYSTEMD: Final = "org.freedesktop.systemd1"
_UNIT: Final = "bluetooth.service"

OFF_S: Final = 1.0
"""An adapter stays off so long (own choice; the kernel closes its links within a fraction of it)."""

ANSWER_S: Final = 10.0


async def power_cycle() -> bool:
    """Switch every adapter off and on; whether there was one that let itself be switched.

    Raises
    ------
    OSError, TimeoutError
        If the system's D-Bus, or BlueZ on it, does not answer.
    """
    async with asyncio.timeout(2 * ANSWER_S), _SystemBus() as bus:
        objects = await _ask(bus, _BLUEZ, "/", _OBJECTS, "GetManagedObjects")
        adapters = [path for path, interfaces in (objects or {}).items() if _ADAPTER in interfaces]
        done = [await _power(bus, path, False) for path in adapters]
        await asyncio.sleep(OFF_S)
        return any([await _power(bus, path, True) for path in adapters] + done)


async def restart_service() -> bool:
    """Ask systemd to restart bluetoothd; False where this user may not.

    Raises
    ------
    OSError, TimeoutError
        If the system's D-Bus, or systemd on it, does not answer.
    """
    async with asyncio.timeout(ANSWER_S), _SystemBus() as bus:
        path = "/org/freedesktop/systemd1"
        job = await _ask(bus, _SYSTEMD, path, f"{_SYSTEMD}.Manager", "RestartUnit", "ss", [_UNIT, "replace"])
        return job is not None


class _SystemBus:
    """A connection to the system's D-Bus, for the time of a block."""

    async def __aenter__(self) -> Any:
        from dbus_fast import BusType
        from dbus_fast.aio import MessageBus

        self._bus = await MessageBus(bus_type=BusType.SYSTEM).connect()
        return self._bus

    async def __aexit__(self, *_: object) -> None:
        self._bus.disconnect()


async def _power(bus: Any, path: str, is_on: bool) -> bool:
    from dbus_fast import Variant

    body = [_ADAPTER, "Powered", Variant("b", is_on)]
    return await _ask(bus, _BLUEZ, path, _PROPERTIES, "Set", "ssv", body) is not None


async def _ask(
    bus: Any, to: str, path: str, interface: str, member: str, signature: str = "", body: Any = ()
) -> Any:
    """Body of the answer, `()` where it is empty; None where it is refused."""
    from dbus_fast import Message, MessageType

    question = Message(
        destination=to, path=path, interface=interface, member=member, signature=signature, body=[*body]
    )
    reply = await bus.call(question)
    if reply is None or reply.message_type is not MessageType.METHOD_RETURN:
        return None
    return reply.body[0] if reply.body else ()
