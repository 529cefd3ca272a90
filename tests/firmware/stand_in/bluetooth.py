"""Stands in for MicroPython's `bluetooth` in a sensor whose radio is a socket: see `sensor_main`.

Keeps to the documented behaviour that matters here: `gatts_notify` does not ask who subscribed, and raises
OSError when its few buffers are full; `gatts_write` notifies nobody; one indication at a time.
"""

import struct

BUFFERS = 12
"""Of 292 bytes each in MicroPython's own NimBLE (extmod/nimble/syscfg.h)."""


class UUID:
    def __init__(self, value):
        self.value = value


class BLE:
    """`said`: (kind, handle, payload) since the last turn; kinds N notify, I indicate, V value, A advertise."""

    only = None

    def __new__(cls):
        if BLE.only is None:
            BLE.only = object.__new__(cls)
            BLE.only.said = []
            BLE.only.values = {}
            BLE.only.names = {}
            BLE.only.queued = 0
        return BLE.only

    def active(self, is_on):
        return is_on

    def config(self, **values):
        assert values["mtu"] == 247 and len(values["gap_name"]) <= 29

    def irq(self, handler):
        self.handler = handler

    def gatts_register_services(self, services):
        handles, n = [], 0
        for _, characteristics in services:
            row = []
            for uuid, _ in characteristics:
                n += 1
                row.append(n)
                self.names[n] = uuid.value
            handles.append(tuple(row))
        return tuple(handles)

    def gatts_set_buffer(self, handle, size):
        assert size <= 512

    def gatts_write(self, handle, value):
        self.values[handle] = bytes(value)
        self.said.append((b"V", handle, bytes(value)))

    def gatts_read(self, handle):
        return self.values.get(handle, b"")

    def gatts_notify(self, link, handle, value):
        self._put(b"N", handle, value)

    def gatts_indicate(self, link, handle, value):
        assert not self.is_indicating, "one at a time"
        self._put(b"I", handle, value)
        self.is_indicating = True

    def _put(self, kind, handle, value):
        if self.queued >= BUFFERS:
            raise OSError(12)
        self.queued += 1
        self.said.append((kind, handle, bytes(value)))

    def gap_advertise(self, interval_us, adv_data, resp_data):
        assert len(adv_data) <= 31 and len(resp_data) <= 31
        self.said.append((b"A", 0, adv_data + b"|" + resp_data))

    # The other side of the socket

    def happen(self, kind, handle, value):
        if kind == b"C":
            self.is_indicating = False
            self.handler(1, (0, 0, b""))
        elif kind == b"M":
            self.handler(21, (0, struct.unpack("<H", value)[0]))
        elif kind == b"D":
            self.handler(2, (0, 0, b""))
        elif kind == b"W":
            self.values[handle] = value
            self.handler(3, (0, handle))

    def sent(self):
        """All that was said has left."""
        said, self.said = self.said, []
        self.queued = 0
        for kind, _, _ in said:
            if kind == b"I":
                self.is_indicating = False
                self.handler(20, (0, 0, 0))
        return said
