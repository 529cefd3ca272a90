"""A call that never returns, given up: whether or not it lets itself be stopped."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import Any, Final, TypeVar

T = TypeVar("T")

DROP_S: Final = 1.0
"""A call that was cancelled may tidy up for so long; longer is not waited for (own choice)."""


async def within(seconds: float, work: Awaitable[T]) -> T:
    """Do it; `TimeoutError` when it takes longer, even if it cannot be stopped.

    Notes
    -----
    `asyncio.timeout` waits for the end of what it cancels, and so for ever for a call that hangs in its own
    tidying up, as one to a D-Bus service that is stuck does.
    """
    task = asyncio.ensure_future(work)
    try:
        await asyncio.wait({task}, timeout=seconds)
        if not task.done():
            raise TimeoutError
        return task.result()
    finally:
        if not task.done():
            await drop(task)


async def drop(task: asyncio.Future[Any]) -> None:
    """Cancel what is no longer wanted, and see it end if it does so soon."""
    task.cancel()
    await asyncio.wait({task}, timeout=DROP_S)
    if task.done() and not task.cancelled():
        task.exception()
