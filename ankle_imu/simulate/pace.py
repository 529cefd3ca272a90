"""An event loop whose clock runs at another pace: a simulated hour takes minutes, through the real recorder."""

from __future__ import annotations

import asyncio
import selectors
import time
from collections.abc import Callable
from typing import Any


class _Paced(selectors.DefaultSelector):
    """Waits for a share of the time that is asked for."""

    def __init__(self, speed: float) -> None:
        super().__init__()
        self._speed = speed

    def select(self, timeout: float | None = None) -> list[Any]:
        return super().select(timeout / self._speed if timeout else timeout)


class PacedLoop(asyncio.SelectorEventLoop):
    """`loop.time()`, and with it everything that waits, runs `speed` times as fast as the clock on the wall.

    Parameters
    ----------
    speed : float, above 0
    """

    def __init__(self, speed: float) -> None:
        self._speed, self._begun = speed, time.monotonic()
        super().__init__(_Paced(speed))

    def time(self) -> float:
        """Seconds on this loop's clock."""
        return self._begun + self._speed * (time.monotonic() - self._begun)


def paced(speed: float) -> Callable[[], PacedLoop] | None:
    """Makes such a loop; None, for a loop as usual, at the pace of the wall."""
    return None if speed == 1.0 else lambda: PacedLoop(speed)
