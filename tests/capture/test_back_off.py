"""How long is waited, by what went wrong."""

from __future__ import annotations

import pytest

from ankle_imu.capture.back_off import BackOff
from ankle_imu.errors import BluetoothUnavailable, ConnectionLost, DeviceNotFound, ProtocolError, RadioBusy

KINDS = (RadioBusy, ConnectionLost, DeviceNotFound, ProtocolError, BluetoothUnavailable)


@pytest.mark.parametrize("kind", KINDS)
def test_waits_grow_and_stay(kind: type[Exception]) -> None:
    waits = BackOff()
    seconds = [waits.after(kind("again")) for _ in range(12)]
    assert seconds == sorted(seconds)
    assert seconds[-1] == seconds[-2] <= 15.0
    assert seconds[0] <= 1.0


def test_each_kind_of_failure_has_its_own_count() -> None:
    waits = BackOff()
    for _ in range(6):
        waits.after(ProtocolError("no"))
    assert waits.after(ConnectionLost("gone")) == 0.0


def test_busy_is_no_loss() -> None:
    """`RadioBusy` is a `ConnectionLost`, and yet waited for differently: at once is too soon."""
    assert BackOff().after(RadioBusy("busy")) > 0.0


def test_what_it_does_not_know_is_raised() -> None:
    with pytest.raises(KeyError):
        BackOff().after(KeyError("x"))
