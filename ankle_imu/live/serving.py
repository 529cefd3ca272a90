"""The server of the live page: its socket and its event loop."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from ankle_imu.errors import AnkleImuError
from ankle_imu.live.door import Door
from ankle_imu.live.hub import Answer, Hub

PORT: Final = 8765
MOST_CONNECTIONS: Final = 96
MOST_OF_ONE: Final = 24
"""Connections at once, of all and of one address; more are dropped as they come, so that no descriptor is left for
them to use up and one address cannot keep the others out."""

REQUEST_S: Final = 5.0
"""A connection that has asked for nothing after so long is dropped."""

PING_S: Final = 10.0

Task = Callable[[], None]


@dataclass(frozen=True, kw_only=True)
class Bind:
    """Where to listen: `host` an address or name, `port` 0 for any free one. Beyond loopback a code is asked."""

    host: str = "127.0.0.1"
    port: int = PORT

    @property
    def is_loopback(self) -> bool:
        """Whether only this computer can reach it."""
        with contextlib.suppress(ValueError):
            return ipaddress.ip_address(self.host).is_loopback
        return self.host == "localhost"


class PortTaken(AnkleImuError):
    """The address cannot be listened on."""

    exit_code = 2


def listen(bind: Bind) -> socket.socket:
    """A listening socket.

    Raises
    ------
    PortTaken
        If another program has it, or the address is none of this computer's.
    """
    family = socket.AF_INET6 if ":" in bind.host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((bind.host, bind.port))
        listening.listen(MOST_CONNECTIONS)
    except OSError as error:
        listening.close()
        raise PortTaken(
            f"The live page cannot be served at {bind.host}:{bind.port}: {error.strerror or error}. "
            "Give another --port (0: any free one), or an address of this computer as --host."
        ) from error
    return listening


class Turn:
    """One thing after the other, whichever thread asks; a walk is followed by one thread at a time."""

    def __init__(self, on_failure: Callable[[Exception], None]) -> None:
        self._lock = threading.Lock()
        self._on_failure = on_failure

    def do(self, task: Task) -> None:
        """Do it now, or as soon as the others are done; what goes wrong is told and ends nothing."""
        with self._lock:
            try:
                task()
            except Exception as error:
                self._on_failure(error)


class Served:
    """A server at work within an event loop.

    Parameters
    ----------
    listening : socket
    needs_code : bool
    answer : acts on the words of pages, in the event loop
    front : file that is given at the address itself

    Attributes
    ----------
    door : Door, with its code
    """

    def __init__(
        self, listening: socket.socket, *, needs_code: bool, answer: Answer, front: str = "live.html"
    ) -> None:
        self._listening, self._front = listening, front
        self.port = int(listening.getsockname()[1])
        self.door = Door(needs_code=needs_code, now=time.monotonic)
        self.hub = Hub(answer, time.monotonic)
        self._loop = asyncio.get_running_loop()

    def publish(self, message: dict[str, Any]) -> None:
        """Send to all pages; from any thread."""
        if message["k"] == "a" and not self.hub.pages:
            return
        with contextlib.suppress(RuntimeError):  # the loop has ended
            self._loop.call_soon_threadsafe(self.hub.publish, message)

    async def run(self, until: asyncio.Event) -> None:
        """Serve until the event is set."""
        import uvicorn

        from ankle_imu.live.site import build

        config = uvicorn.Config(
            build(self.door, self.hub, self._front),
            ws="websockets-sansio",
            lifespan="off",
            log_config=None,
            log_level="critical",
            access_log=False,
            server_header=False,
            proxy_headers=False,
            ws_max_size=2048,
            ws_max_queue=8,
            ws_per_message_deflate=False,
            ws_ping_interval=PING_S,
            ws_ping_timeout=PING_S,
            limit_concurrency=MOST_CONNECTIONS,
            h11_max_incomplete_event_size=8192,
            http=_guarded(),
            timeout_graceful_shutdown=1,
        )
        server = _server(config)
        serving = asyncio.ensure_future(server.serve(sockets=[self._listening]))
        waiting = asyncio.ensure_future(until.wait())
        await asyncio.wait({serving, waiting}, return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
        server.should_exit = True
        await serving


def _guarded() -> Any:
    """HTTP as uvicorn speaks it, for as many connections as are welcome, none of which may just sit there."""
    from uvicorn.protocols.http.h11_impl import H11Protocol

    class Guarded(H11Protocol):
        def connection_made(self, transport: Any) -> None:
            super().connection_made(transport)
            addresses = [client[0] if (client := getattr(one, "client", None)) else "" for one in self.connections]
            own = addresses.count(self.client[0] if self.client else "")
            if len(self.connections) > MOST_CONNECTIONS or own > MOST_OF_ONE:
                transport.abort()
                return
            self._patience = self.loop.call_later(REQUEST_S, self._give_up)

        def connection_lost(self, error: Exception | None) -> None:
            if patience := getattr(self, "_patience", None):
                patience.cancel()
            super().connection_lost(error)

        def _give_up(self) -> None:
            transport: Any = self.transport
            if not getattr(self, "cycle", None) and transport.get_protocol() is self:
                transport.abort()

    return Guarded


def _server(config: Any) -> Any:
    """A server that leaves the signals to whoever runs it."""
    import uvicorn

    class QuietServer(uvicorn.Server):
        @contextlib.contextmanager
        def capture_signals(self) -> Iterator[None]:
            yield

    return QuietServer(config)
