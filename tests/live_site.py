"""Servers of the live page at work in a thread of their own, for the tests."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import ankle_imu as ai
from ankle_imu.live.replay import replay_session
from ankle_imu.live.serving import Bind, listen
from ankle_imu.live.walk import Worn
from ankle_imu.settings import Settings

PAIR = ("left_foot", "left_shank")
FOUR = (*PAIR, "right_foot", "right_shank")


@dataclass(frozen=True)
class Site:
    """A server: its port and its code."""

    port: int
    code: str

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        return f"http://{self.host}/"


@contextmanager
def serving(
    recording: ai.Recording, *, speed: float, host: str = "127.0.0.1", roll_deg: float = 20.0
) -> Iterator[Site]:
    """Replay a recording to whoever opens its page."""
    bind = Bind(host=host, port=0)
    listening = listen(bind)
    told: list[Site] = []
    ready, over = threading.Event(), asyncio.Event()
    loops: list[asyncio.AbstractEventLoop] = []

    def on_ready(port: int, code: str) -> None:
        told.append(Site(port, code))
        loops.append(asyncio.get_running_loop())
        ready.set()

    worn = Worn(placements=tuple(recording.series), settings=Settings(roll_deg=roll_deg))
    work = replay_session(recording, worn, bind, listening, speed=speed, on_ready=on_ready, until=over)
    thread = threading.Thread(target=asyncio.run, args=(work,), daemon=True)
    thread.start()
    assert ready.wait(30.0)
    try:
        yield told[0]
    finally:
        loops[0].call_soon_threadsafe(over.set)
        thread.join(10.0)
        assert not thread.is_alive()
