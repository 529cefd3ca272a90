"""What both radios say alike: what is advertised, the standard services."""

import struct

from device import wire

ADVERTISE_US = 152500
"""One of the intervals that Apple's Accessory Design Guidelines recommend."""
BATTERY, BATTERY_LEVEL = 0x180F, 0x2A19
DEVICE, MODEL_NUMBER, FIRMWARE_REVISION = 0x180A, 0x2A24, 0x2A26
MODEL = b"Ankle IMU"


def advertisement():
    """Flags and the service's UUID; they leave no room for the name."""
    digits = wire.uuid(wire.SERVICE).replace("-", "")
    backwards = bytes([int(digits[k : k + 2], 16) for k in range(30, -2, -2)])
    return b"\x02\x01\x06\x11\x07" + backwards


def scan_response(name):
    """The whole name."""
    return struct.pack("BB", len(name) + 1, 9) + name.encode()
