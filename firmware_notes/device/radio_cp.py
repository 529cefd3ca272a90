"""The radio under CircuitPython: its `_bleio` module.

Values are set on the characteristics, which notifies a host that has subscribed; CircuitPython waits there while
the stack is full, and the FIFO of the motion sensor bridges it. A `PacketBuffer` would do without waiting, but
puts short packets together, which the protocol forbids; here they only take in what the host writes.
"""

import _bleio

from device import wire
from device.radio_parts import (
    ADVERTISE_US,
    BATTERY,
    BATTERY_LEVEL,
    DEVICE,
    FIRMWARE_REVISION,
    MODEL,
    MODEL_NUMBER,
    advertisement,
    scan_response,
)
from device.sender import SECOND_US

INTERVAL_MS = 15
MOST_BYTES = 244


class Radio:
    """One link at a time. Same methods as `radio_mp.Radio`."""

    compact_most_hz = 52

    def __init__(self, name, board):
        self._name, self._board = name, board
        self._link = None
        self._mtu = 0
        self._next_values = 0
        self._buf = bytearray(MOST_BYTES)

    def begin(self, core):
        """Switch the radio on, offer the services, advertise."""
        adapter = self._adapter = _bleio.adapter
        adapter.enabled = True
        adapter.name = self._name
        service = _bleio.Service(_bleio.UUID(wire.uuid(wire.SERVICE)))
        self._own = {}
        for number, flags in wire.CHARACTERISTICS:
            size = {wire.INFO: 64, wire.CONTROL: 20, wire.TIME: 13, wire.STATUS: wire.STATUS_BYTES}
            self._own[number] = _add(service, wire.uuid(number), flags, size.get(number, MOST_BYTES))
        battery = _bleio.Service(_bleio.UUID(BATTERY))
        self._battery = _add(battery, BATTERY_LEVEL, wire.READ, 1)
        device = _bleio.Service(_bleio.UUID(DEVICE))
        _add(device, MODEL_NUMBER, wire.READ, 20).value = MODEL
        _add(device, FIRMWARE_REVISION, wire.READ, 20).value = wire.FIRMWARE.encode()
        self._control = _bleio.PacketBuffer(self._own[wire.CONTROL], buffer_size=4, max_packet_size=20)
        self._time = _bleio.PacketBuffer(self._own[wire.TIME], buffer_size=4, max_packet_size=20)
        self._own[wire.INFO].value = core.info()
        self._advertise()

    def serve(self, core, now):
        """Do what has happened since the last turn."""
        self._follow_link(core, now)
        n = self._time.readinto(self._buf)
        while n:
            core.time(bytes(self._buf[:n]), now, self._board.ticks())
            n = self._time.readinto(self._buf)
        n = self._control.readinto(self._buf)
        while n:
            core.control(bytes(self._buf[:n]), now)
            n = self._control.readinto(self._buf)
        if now >= self._next_values and self._link is None:
            self._next_values = now + SECOND_US
            status = core.status(now)
            self._own[wire.STATUS].value = status
            self._battery.value = status[1:2]

    def notify(self, number, buf):
        """Set a value, which notifies; False when nobody is there."""
        if self._link is None:
            return False
        try:
            self._own[number].value = buf
        except (OSError, _bleio.BluetoothError):
            return False
        return True

    def indicate(self, buf):
        """The same for Control."""
        return self.notify(wire.CONTROL, buf)

    def _follow_link(self, core, now):
        links = self._adapter.connections
        if links and self._link is None:
            self._link, self._mtu = links[0], 23
            self._link.connection_interval = INTERVAL_MS
            core.connect(23, now)
        elif not links and self._link is not None:
            self._link = None
            core.disconnect(now)
            self._advertise()
        if self._link is not None:
            mtu = self._link.max_packet_length + wire.ATT_BYTES
            if mtu != self._mtu:
                self._mtu = mtu
                core.set_mtu(mtu)
            core.interval = int(self._link.connection_interval / 1.25)

    def _advertise(self):
        said, interval = scan_response(self._name), ADVERTISE_US / 1000000
        self._adapter.start_advertising(advertisement(), scan_response=said, connectable=True, interval=interval)


def _add(service, uuid, flags, size):
    known = _bleio.Characteristic
    properties = 0
    for flag, name in (
        (wire.READ, known.READ),
        (wire.WRITE, known.WRITE),
        (wire.WRITE_NO_RESPONSE, known.WRITE_NO_RESPONSE),
        (wire.NOTIFY, known.NOTIFY),
        (wire.INDICATE, known.INDICATE),
    ):
        properties |= name if flags & flag else 0
    is_writable = flags & (wire.WRITE | wire.WRITE_NO_RESPONSE)
    return known.add_to_service(
        service,
        _bleio.UUID(uuid),
        properties=properties,
        read_perm=_bleio.Attribute.OPEN if flags & wire.READ else _bleio.Attribute.NO_ACCESS,
        write_perm=_bleio.Attribute.OPEN if is_writable else _bleio.Attribute.NO_ACCESS,
        max_length=size,
        fixed_length=False,
    )
