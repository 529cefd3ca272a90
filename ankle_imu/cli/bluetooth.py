"""The one place where commands get their radio and their event loop."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    import asyncio

    from ankle_imu.devices.adapter import Radio

T = TypeVar("T")


def radio() -> Radio:
    """Bluetooth of this computer."""
    from ankle_imu.devices.bleak_radio import BleakRadio

    return BleakRadio()


def run(work: Coroutine[Any, Any, T], loop: Callable[[], asyncio.AbstractEventLoop] | None = None) -> T:
    """Run one asynchronous piece of work to its end, in an event loop as `loop` makes it."""
    import asyncio

    with asyncio.Runner(loop_factory=loop) as runner:
        return runner.run(work)
