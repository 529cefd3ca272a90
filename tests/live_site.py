"""Servers of the live page at work in a thread of their own, for the tests."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any
from unittest.mock import patch

import ankle_imu as ai
from ankle_imu.capture import Captured, End, Order, Recorder, Wanted
from ankle_imu.devices import catalog
from ankle_imu.live import Beside, replay
from ankle_imu.live.host import WalkHost
from ankle_imu.live.replay import replay_session
from ankle_imu.live.serving import Bind, Served, listen
from ankle_imu.live.walk import Worn
from ankle_imu.recording import part_paths, read_log
from ankle_imu.session_io import open_session
from ankle_imu.settings import Settings
from ankle_imu.simulate.sensors.ankle import AnkleSensor
from ankle_imu.simulate.sensors.peripheral import Beginning, Motion
from ankle_imu.simulate.sensors.radio import VirtualRadio
from ankle_imu.values import SessionInfo

PAIR = ("left_foot", "left_shank")
FOUR = (*PAIR, "right_foot", "right_shank")


@dataclass(frozen=True)
class Site:
    """A server: its port and its code, and the gates of a replay that is `gated`."""

    port: int
    code: str
    begun: threading.Event = field(default_factory=threading.Event)
    may_end: threading.Event = field(default_factory=threading.Event)

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        return f"http://{self.host}/"


@contextmanager
def serving(
    recording: ai.Recording,
    *,
    speed: float,
    host: str = "127.0.0.1",
    roll_deg: float = 20.0,
    is_gated: bool = False,
) -> Iterator[Site]:
    """Replay a recording to whoever opens its page; one that `is_gated` begins and is over when the test says."""
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
    gated = patch.object(replay, "_play", partial(_play_gated, replay._play, told))
    with gated if is_gated else nullcontext():
        thread.start()
        assert ready.wait(30.0)
        try:
            yield told[0]
        finally:
            loops[0].call_soon_threadsafe(over.set)
            thread.join(10.0)
            assert not thread.is_alive()


async def _play_gated(
    play: Callable[..., Awaitable[None]],
    told: list[Site],
    recording: ai.Recording,
    host: WalkHost,
    served: Served,
    speed: float,
) -> None:
    """Play between the gates, and tell as it stands there: a busy machine opens pages and presses late."""
    (site,) = told
    publish = served.publish
    ends: list[dict[str, Any]] = []

    async def wait(gate: threading.Event, at: float) -> None:
        while not gate.is_set():
            host.turn.do(partial(host.state, replay._status(recording, at, 0.0)))
            await asyncio.sleep(0.2)

    await wait(site.begun, 0.0)
    with patch.object(served, "publish", lambda said: ends.append(said) if said["k"] == "end" else publish(said)):
        await play(recording, host, served, speed)
    await wait(site.may_end, recording.duration)
    for end in ends:
        publish(end)


Act = Callable[[int, Recorder], Awaitable[None]]


def record(walk: ai.Recording, root: Path, act: Act, listener: Any = None) -> tuple[Captured, Beside | None]:
    """Record from virtual sensors in real time until `act` has done its part."""

    async def work() -> tuple[Captured, Beside | None]:
        async with VirtualRadio() as radio:
            sensors = {}
            beginning = Beginning()
            for n, placement in enumerate(PAIR, 1):
                motion = Motion(walk.series[placement], beginning)
                virtual = AnkleSensor(motion, address=f"C0:00:00:00:00:{n:02X}", seed=n)
                await radio.add(virtual, seed=n)
                wanted = Wanted(identifier=virtual.address, placement=placement, model="ankle")
                sensors[wanted] = catalog.adapter("ankle")
            order = Order(sensors=sensors, root=root, info=SessionInfo(alias="P-test"), duration_s=600.0)
            beside = Beside(Bind(port=0), Worn(placements=PAIR)) if listener is None else None
            opened = await beside.open() if beside else None
            recorder = Recorder(
                radio, order, beside.show if beside else lambda s: None, listener=beside or listener
            )
            if beside:
                beside.serve(recorder)
            running = asyncio.ensure_future(recorder.run())
            while not all(sensor.received > 20 for sensor in recorder.status().sensors):
                await asyncio.sleep(0.05)
            await act(opened.port if opened else 0, recorder)
            recorder.stop(End.INTERRUPTED)
            captured = await running
            if beside:
                await beside.close("saved")
            return captured, beside

    return asyncio.run(work())


def is_whole(captured: Captured) -> None:
    """Every sample the sensors sent is in the recording."""
    assert captured.folder is not None
    assert [s.lost for s in captured.sensors] == [0, 0]
    log = read_log(part_paths(captured.folder))
    assert log.damage == ()
    series = open_session(captured.folder).series
    for sensor in captured.sensors:
        assert series[sensor.wanted.placement].is_valid.sum() == sensor.received > 20


class Line:
    """A network between a page and its server that can be cut.

    Parameters
    ----------
    port : of the server
    """

    def __init__(self, port: int) -> None:
        self._to = port
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listening.getsockname()[1])
        self._open: list[socket.socket] = []
        self.is_cut = False
        self._threads: list[threading.Thread] = []
        self._start(self._accept)

    def _start(self, work: Callable[..., None], *args: socket.socket) -> None:
        self._threads.append(threading.Thread(target=work, args=args, daemon=True))
        self._threads[-1].start()

    def cut(self) -> None:
        """Drop every connection and take no new one."""
        self.is_cut = True
        while self._open:
            with contextlib.suppress(OSError):
                self._open.pop().shutdown(socket.SHUT_RDWR)

    def mend(self) -> None:
        self.is_cut = False

    def close(self) -> None:
        self.cut()
        with contextlib.suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(5.0)
        self._listening.close()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listening.accept()
            except OSError:
                return
            if self.is_cut:
                near.close()
                continue
            far = socket.create_connection(("127.0.0.1", self._to))
            self._open += [near, far]
            self._start(self._pass_both, near, far)

    def _pass_both(self, near: socket.socket, far: socket.socket) -> None:
        back = threading.Thread(target=self._pass_on, args=(far, near), daemon=True)
        back.start()
        self._pass_on(near, far)
        back.join()
        near.close()
        far.close()

    def _pass_on(self, one: socket.socket, other: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := one.recv(65536):
                other.sendall(data)
        for end in (one, other):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
