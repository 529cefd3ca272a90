"""What only BlueZ knows: connections that a program left behind when it was killed.

BlueZ keeps such a link, so the sensor does not advertise and no scan finds it (seen with BlueZ 5.66).
"""

from __future__ import annotations

from typing import Any, Final

_BLUEZ: Final = "org.bluez"
_DEVICE: Final = "org.bluez.Device1"
_OBJECTS: Final = "org.freedesktop.DBus.ObjectManager"


async def release(address: str) -> bool:
    """Close the connection to a sensor that another program made; whether there was one.

    Raises
    ------
    OSError
        If the system's D-Bus cannot be reached.
    """
    from dbus_fast import BusType
    from dbus_fast.aio import MessageBus

    bus = await MessageBus(bus_type=BusType.SYSTEM).connect()
    try:
        objects = await _call(bus, "/", _OBJECTS, "GetManagedObjects")
        held = [path for path, interfaces in objects.items() if _is_held(interfaces.get(_DEVICE, {}), address)]
        for path in held:
            await _call(bus, path, _DEVICE, "Disconnect")
        return bool(held)
    finally:
        bus.disconnect()


def _is_held(device: dict[str, Any], address: str) -> bool:
    known = {name: device[name].value for name in ("Address", "Connected") if name in device}
    return bool(known.get("Address", "").casefold() == address.casefold() and known.get("Connected"))


async def _call(bus: Any, path: str, interface: str, member: str) -> Any:
    """Body of the answer; an empty mapping where BlueZ refuses."""
    from dbus_fast import Message, MessageType

    reply = await bus.call(Message(destination=_BLUEZ, path=path, interface=interface, member=member))
    return reply.body[0] if reply.message_type is MessageType.METHOD_RETURN and reply.body else {}
