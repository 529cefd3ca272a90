"""A recorded walk through the same page, at any speed."""

from __future__ import annotations

import asyncio
import math
import socket
import time
from collections.abc import Callable
from functools import partial
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ankle_imu.live.host import WalkHost
from ankle_imu.live.serving import Bind, Served
from ankle_imu.live.walk import Worn
from ankle_imu.values import ImuSeries, Recording

Array = NDArray[np.float64]

PIECE_S: Final = 1 / 15
"""Samples are shown in pieces of about a notification, 14 samples at 208 Hz."""

STATE_S: Final = 0.5
"""Between two looks at how things stand, s of the day and of the walk: the set-up waits for the sensors by them,
and a computer that was held up shows much of the walk at once."""
LATELY_S: Final = 10.0


async def replay_session(
    recording: Recording,
    worn: Worn,
    bind: Bind,
    listening: socket.socket,
    *,
    speed: float = 1.0,
    on_ready: Callable[[int, str], None] = lambda port, code: None,
    on_cue: Callable[[str], None] = lambda leg: None,
    until: asyncio.Event | None = None,
) -> None:
    """Show a recording until a page or `until` ends it; nothing that pages say is kept.

    Parameters
    ----------
    recording : Recording
    worn : Worn
    bind, listening : Bind and its listening socket, see `serving.listen`
    speed : float, s of the walk in a second
    on_ready : called with port and code once pages can be opened
    on_cue : called with the leg when its own limit is passed
    until : Event
    """
    over = until or asyncio.Event()
    loop = asyncio.get_running_loop()

    def say(*word: Any) -> None:
        if word[0] == "stop":
            loop.call_soon_threadsafe(over.set)
        elif word[0] == "cue":
            loop.call_soon_threadsafe(on_cue, word[1])

    served = Served(listening, needs_code=not bind.is_loopback, answer=lambda word: host.answer(word))
    host = WalkHost(worn, served.publish, say, is_replay=True)
    served.publish(host.hello())
    served.publish(host.walk.setup_message())
    on_ready(served.port, served.door.code)
    playing = asyncio.ensure_future(_play(recording, host, served, speed))
    try:
        await served.run(over)
    finally:
        playing.cancel()
        await asyncio.gather(playing, return_exceptions=True)


async def _play(recording: Recording, host: WalkHost, served: Served, speed: float) -> None:
    rate = max(series.sampling_rate for series in recording.series.values())
    start = min(float(series.time[0]) for series in recording.series.values())
    end = max(float(series.time[-1]) for series in recording.series.values())
    begun = time.monotonic()
    told = told_at = -math.inf
    at = start
    while at < end:
        if time.monotonic() - told >= STATE_S or at - told_at >= STATE_S:
            told, told_at = time.monotonic(), at
            status = _status(recording, at, start)
            host.turn.do(partial(host.state, status))
        until = min(end + 1.0 / rate, at + PIECE_S * max(1.0, speed))
        piece = {p: _between(series, at, until) for p, series in recording.series.items()}
        show = partial(host.walk.take_samples, piece, rate, time.time())
        await asyncio.to_thread(host.turn.do, show)
        at = until
        await asyncio.sleep(max(0.0, begun + (at - start) / speed - time.monotonic()))
    status = {**_status(recording, end, start), "phase": "over"}
    host.turn.do(partial(host.state, status))
    served.publish({"k": "end", "saved": ""})


def _between(series: ImuSeries, start: float, end: float) -> tuple[Array, Array, Array]:
    part = slice(*np.searchsorted(series.time, [start, end]).tolist())
    return series.time[part], series.acc[part], series.gyr[part]


def _status(recording: Recording, at: float, start: float) -> dict[str, Any]:
    """As `told.told_status` gives it, from what the recording holds up to `at`."""
    return {
        "phase": "recording",
        "elapsed_s": round(at - start, 2),
        "free_bytes": None,
        "utc": time.time(),
        "sensors": [_sensor(placement, series, at) for placement, series in recording.series.items()],
    }


def _sensor(placement: str, series: ImuSeries, at: float) -> dict[str, Any]:
    so_far, lately = (
        series.is_valid[slice(*np.searchsorted(series.time, [since, at]).tolist())]
        for since in (-math.inf, at - LATELY_S)
    )
    n, received = max(1, len(lately)), int(lately.sum())
    return {
        "placement": placement,
        "state": "streaming" if received or not len(lately) else "waiting",
        "rate": round(series.sampling_rate * received / n, 1) if len(lately) else None,
        "nominal": round(series.sampling_rate, 1),
        "lost": int(len(so_far) - so_far.sum()),
        "received": int(so_far.sum()),
        "lost_lately": round(1.0 - received / n, 4) if len(lately) else 0.0,
        "battery": None,
        "age": 0.0,
        "links": 1,
        "problem": "" if received or not len(lately) else "nothing was received here",
    }
