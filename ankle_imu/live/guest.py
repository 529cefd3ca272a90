"""What runs in the process of the page server."""

from __future__ import annotations

import asyncio
import signal
import threading
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from multiprocessing.connection import Connection
from typing import Any, Final

from ankle_imu.live.host import Say, WalkHost
from ankle_imu.live.practice import Practised
from ankle_imu.live.practice_host import PracticeHost
from ankle_imu.live.serving import Bind, PortTaken, Served, listen
from ankle_imu.live.walk import Worn

LINGER_S: Final = 2.0
"""How long pages can still see that all is saved."""

IDLE_S: Final = 0.25
"""While nobody looks on, packets are taken together so seldom: with cold caches the arithmetic costs twice what it
does in a tight loop (`tests/benchmarks/bench_live.py`)."""


def serve_beside(connection: Connection, bind: Bind, worn: Worn | Practised, has_bell: bool) -> None:
    """Serve the pages of a recorder at the other end of `connection`, until it says the end or goes."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the recorder decides when it is over
    with suppress(KeyboardInterrupt):
        asyncio.run(_serve(connection, bind, worn, has_bell))


async def _serve(connection: Connection, bind: Bind, worn: Worn | Practised, has_bell: bool) -> None:
    try:
        listening = listen(bind)
    except PortTaken as error:
        connection.send(("refused", str(error)))
        return
    over = asyncio.Event()
    loop = asyncio.get_running_loop()
    lock = threading.Lock()

    def say(*word: Any) -> None:
        with lock, suppress(OSError):
            connection.send(word)

    front = "practice.html" if isinstance(worn, Practised) else "live.html"
    served = Served(listening, needs_code=not bind.is_loopback, answer=lambda word: host.answer(word), front=front)
    host = _host(worn, served.publish, say)
    for message in host.opening():
        served.publish(message)
    if isinstance(host, PracticeHost):
        host.load()  # the first prompt comes soon
    say("ready", served.port, served.door.code)

    def end() -> None:
        loop.call_later(LINGER_S if served.hub.pages else 0.0, over.set)

    thread = threading.Thread(
        target=_keep_receiving,
        args=(connection, host, served, lambda: loop.call_soon_threadsafe(end), has_bell),
        name="live-intake",
        daemon=True,
    )
    thread.start()
    await served.run(over)


def _host(worn: Worn | Practised, publish: Callable[[dict[str, Any]], None], say: Say) -> WalkHost | PracticeHost:
    if isinstance(worn, Practised):
        return PracticeHost(worn, publish, say)
    return WalkHost(worn, publish, say)


def _keep_receiving(
    connection: Connection,
    host: WalkHost | PracticeHost,
    served: Served,
    end: Callable[[], object],
    has_bell: bool,
) -> None:
    saved = ""
    try:
        if isinstance(host, WalkHost):
            host.load()  # before a packet
        while True:
            items = connection.recv()
            if not (has_bell or served.hub.pages):
                served.hub.came.clear()
                served.hub.came.wait(IDLE_S)  # the first page need not wait
            while connection.poll():
                items += connection.recv()
            packets = [rest[0] for kind, *rest in items if kind == "packet"]
            for kind, *rest in items:
                if kind == "end":
                    saved = rest[0]
                    return
                if kind != "packet":
                    host.turn.do(partial(host.take, kind, *rest))
            if packets:
                host.turn.do(partial(host.take_packets, packets))
    except (EOFError, OSError):
        return
    finally:
        served.publish({"k": "end", "saved": saved})
        with suppress(RuntimeError):
            end()
