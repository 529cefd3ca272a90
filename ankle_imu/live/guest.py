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

from ankle_imu.live.host import WalkHost
from ankle_imu.live.serving import Bind, PortTaken, Served, listen
from ankle_imu.live.walk import Worn
from ankle_imu.streaming import LiveAnalysis

LINGER_S: Final = 2.0
"""How long pages can still see that all is saved."""

IDLE_S: Final = 0.25
"""While nobody looks on, packets are taken together so seldom: with cold caches the arithmetic costs twice what it
does in a tight loop (`tests/benchmarks/bench_live.py`)."""


def serve_beside(connection: Connection, bind: Bind, worn: Worn, has_bell: bool) -> None:
    """Serve the pages of a recorder at the other end of `connection`, until it says the end or goes."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the recorder decides when it is over
    with suppress(KeyboardInterrupt):
        asyncio.run(_serve(connection, bind, worn, has_bell))


async def _serve(connection: Connection, bind: Bind, worn: Worn, has_bell: bool) -> None:
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

    served = Served(listening, needs_code=not bind.is_loopback, answer=lambda word: host.answer(word))
    host = WalkHost(worn, served.publish, say)
    served.publish(host.hello())
    served.publish(host.walk.setup_message())
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


def _keep_receiving(
    connection: Connection, host: WalkHost, served: Served, end: Callable[[], object], has_bell: bool
) -> None:
    saved = ""
    try:
        LiveAnalysis(
            sampling_rate=100.0, placements=host.walk.worn.placements
        )  # loads what it takes, before a packet
        while True:
            items = connection.recv()
            if not (has_bell or served.hub.pages):
                served.hub.came.clear()
                served.hub.came.wait(IDLE_S)  # the first page need not wait
            while connection.poll():
                items += connection.recv()
            packets = [rest[0] for kind, *rest in items if kind == "packet"]
            for kind, *rest in items:
                if kind == "begin":
                    host.turn.do(partial(host.walk.begin, *rest))
                elif kind == "state":
                    host.turn.do(partial(host.state, rest[0]))
                elif kind == "end":
                    saved = rest[0]
                    return
            if packets:
                host.turn.do(partial(host.walk.take_packets, packets))
    except (EOFError, OSError):
        return
    finally:
        served.publish({"k": "end", "saved": saved})
        with suppress(RuntimeError):
            end()
