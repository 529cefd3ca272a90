"""The radio under MicroPython: its `bluetooth` module, directly.

Its handler of events only notes them; the main loop does the work in `serve`. `gatts_notify` raises OSError when
the stack has no buffer left: then the packet is kept and tried again. The stack does not tell when a host
subscribes, and notifies whether it did or not: hence the silence until START.
"""

import bluetooth

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

CONNECTED, DISCONNECTED, WRITTEN, INDICATED, MTU, UPDATED = 1, 2, 3, 20, 21, 27
"""Events of the `bluetooth` module."""
WANTED_MTU = 247
MOST_WAITING = 16


class Radio:
    """One link at a time. `board`: `raw_us()` and `since_us(raw)` tell the age of an event."""

    compact_most_hz = 104

    def __init__(self, name, board):
        self._name, self._board = name, board
        self._link = None
        self._is_indicating = False
        self._events = []
        self._next_values = 0
        self._ble = bluetooth.BLE()

    def begin(self, core):
        """Switch the radio on, offer the services, advertise."""
        ble = self._ble
        ble.active(True)
        ble.config(gap_name=self._name, mtu=WANTED_MTU)
        ble.irq(self._irq)
        own = tuple([(bluetooth.UUID(wire.uuid(number)), flags) for number, flags in wire.CHARACTERISTICS])
        handles, battery, device = ble.gatts_register_services(
            (
                (bluetooth.UUID(wire.uuid(wire.SERVICE)), own),
                (bluetooth.UUID(BATTERY), ((bluetooth.UUID(BATTERY_LEVEL), wire.READ),)),
                (
                    bluetooth.UUID(DEVICE),
                    ((bluetooth.UUID(MODEL_NUMBER), wire.READ), (bluetooth.UUID(FIRMWARE_REVISION), wire.READ)),
                ),
            )
        )
        self._handles = {number: handle for (number, _), handle in zip(wire.CHARACTERISTICS, handles)}
        self._battery = battery[0]
        info = core.info()
        ble.gatts_set_buffer(self._handles[wire.INFO], len(info))
        ble.gatts_set_buffer(self._handles[wire.STATUS], wire.STATUS_BYTES)
        ble.gatts_write(self._handles[wire.INFO], info)
        ble.gatts_write(device[0], MODEL)
        ble.gatts_write(device[1], wire.FIRMWARE.encode())
        self._advertise()

    def serve(self, core, now):
        """Do what the events ask for."""
        while self._events:
            kind, value, raw = self._events.pop(0)
            if kind == CONNECTED:
                core.connect(23, now)
            elif kind == MTU:
                core.set_mtu(value)
            elif kind == DISCONNECTED:
                core.disconnect(now)
                self._advertise()
            elif kind == UPDATED:
                core.interval = value
            elif kind == wire.CONTROL << 8:
                core.control(value, now)
            elif kind == wire.TIME << 8:
                core.time(value, now - self._board.since_us(raw), self._board.ticks())
        if now >= self._next_values:
            self._next_values = now + SECOND_US
            status = core.status(now)
            self._ble.gatts_write(self._handles[wire.STATUS], status)
            self._ble.gatts_write(self._battery, status[1:2])

    def notify(self, number, buf):
        """Hand a notification to the stack; False when it is full, or nobody is there."""
        if self._link is None:
            return False
        try:
            self._ble.gatts_notify(self._link, self._handles[number], buf)
        except OSError:
            return False
        return True

    def indicate(self, buf):
        """The same for Control, one at a time: the host acknowledges each."""
        if self._link is None or self._is_indicating:
            return False
        try:
            self._is_indicating = True
            self._ble.gatts_indicate(self._link, self._handles[wire.CONTROL], buf)
        except OSError:
            self._is_indicating = False
            return False
        return True

    def _irq(self, event, data):
        raw = self._board.raw_us()
        if event == CONNECTED:
            self._link = data[0]
            self._is_indicating = False
            self._note(CONNECTED, 0, raw)
        elif event == DISCONNECTED:
            self._link = None
            self._note(DISCONNECTED, 0, raw)
        elif event == WRITTEN:
            for number in (wire.CONTROL, wire.TIME):
                if data[1] == self._handles[number]:
                    self._note(number << 8, self._ble.gatts_read(data[1]), raw)
        elif event == INDICATED:
            self._is_indicating = False
        elif event == MTU:
            self._note(MTU, data[1], raw)
        elif event == UPDATED:
            self._note(UPDATED, data[1], raw)

    def _note(self, kind, value, raw):
        if kind <= UPDATED or len(self._events) < MOST_WAITING:  # a link that came or went is never passed over
            self._events.append((kind, value, raw))

    def _advertise(self):
        self._ble.gap_advertise(ADVERTISE_US, adv_data=advertisement(), resp_data=scan_response(self._name))
