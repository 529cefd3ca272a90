"""An event loop whose clock jumps over waits: hours of radio traffic take milliseconds and repeat exactly."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


class _JumpingSelector(selectors.DefaultSelector):  # type: ignore[misc, valid-type]
    """Instead of waiting for a time, moves the clock on by it; only a wait without end is a real one."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0

    def select(self, timeout: float | None = None) -> list[Any]:
        events = super().select(0.0)
        if events or timeout == 0:
            return events
        if timeout is None:
            return super().select(5.0) or _stuck()
        self.now += timeout
        return []


def _stuck() -> list[Any]:
    raise RuntimeError("every task waits for something that will never happen")


class SimulatedTimeLoop(asyncio.SelectorEventLoop):
    """`loop.time()` starts at 1000 s and passes only while all tasks wait."""

    def __init__(self) -> None:
        self._jumping = _JumpingSelector()
        super().__init__(self._jumping)

    def time(self) -> float:
        return 1000.0 + self._jumping.now


def run(main: Coroutine[Any, Any, T]) -> T:
    """`asyncio.run` in simulated time."""
    with asyncio.Runner(loop_factory=SimulatedTimeLoop) as runner:
        return runner.run(main)
