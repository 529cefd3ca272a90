"""The live page beside a recorder, in a process of its own.

The recorder's callback only appends to a bounded queue; a thread sends it on. A page server that hangs, dies or is
flooded costs the recording nothing: what does not fit the queue is not shown.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

from ankle_imu.capture import Recorder, Status
from ankle_imu.devices.adapter import Stream
from ankle_imu.errors import AnkleImuError
from ankle_imu.live.guest import serve_beside
from ankle_imu.live.marks import PendingMarks
from ankle_imu.live.practice import Practised
from ankle_imu.live.serving import Bind, PortTaken
from ankle_imu.live.told import told_status
from ankle_imu.live.walk import Packet, Worn

BACKLOG: Final = 4096
"""Items that wait for the server: a minute of four sensors that fill their notifications."""

START_S: Final = 30.0
"""A server that does not answer for so long does not come (own choice: 2 s here, a Raspberry Pi is slower)."""

END_S: Final = 5.0
"""Longest wait for the server's end: it goes 2 s after it told its pages that all is saved."""

PACE_S: Final = 0.05
"""Packets that come within so long after those before are sent on together: at 4 x 208 Hz 15 times a second, not
60. Each message wakes two processes and finds cold caches, which costs more than what is in it
(`tests/benchmarks/bench_live.py`). A packet of 14 samples at 208 Hz spans 67 ms by itself."""

SETTLE_S: Final = 0.5


@dataclass(frozen=True, kw_only=True)
class Opened:
    """Where the page is: its port, and the code that is asked for, "" for none."""

    port: int
    code: str


class Beside:
    """A page server beside one recorder; a `capture.Listener`.

    Parameters
    ----------
    bind : Bind
    worn : Worn; Practised for a routine, see `practice_beside`
    on_cue : called with the leg when its own limit is passed

    Attributes
    ----------
    verdicts : roll number -> what was seen of it and said about it
    """

    def __init__(self, bind: Bind, worn: Worn | Practised, on_cue: Callable[[str], None] | None = None) -> None:
        self._bind, self._worn, self._on_cue = bind, worn, on_cue
        self._queue: deque[tuple[Any, ...]] = deque(maxlen=BACKLOG)
        self._wake = threading.Event()
        self._is_over = self._has_ended = False
        self._recorder: Recorder | None = None
        self._marks = PendingMarks(self._write)
        self.verdicts: dict[int, Mapping[str, Any]] = {}
        context = multiprocessing.get_context("spawn")
        self._ours, theirs = context.Pipe()
        self._process = context.Process(
            target=serve_beside, args=(theirs, bind, worn, on_cue is not None), name="ankle-imu-live", daemon=True
        )
        self._process.start()
        theirs.close()
        self._threads: list[threading.Thread] = []

    async def open(self) -> Opened:
        """Wait until the page can be opened.

        Raises
        ------
        PortTaken, AnkleImuError
            If the server cannot listen there, or does not come.
        """
        self._loop = asyncio.get_running_loop()
        if not await asyncio.to_thread(self._ours.poll, START_S):
            raise AnkleImuError(f"The live page did not start within {START_S:g} s; record without --live.")
        try:
            kind, *rest = self._ours.recv()
        except (EOFError, OSError) as error:
            raise AnkleImuError("The live page could not be started; record without --live.") from error
        if kind != "ready":
            raise PortTaken(str(rest[0]))
        for work in (self._keep_sending, self._keep_receiving):
            thread = threading.Thread(target=work, name=f"live{work.__name__}", daemon=True)
            self._threads.append(thread)
            thread.start()
        self._settling = asyncio.ensure_future(self._keep_settling())
        return Opened(port=rest[0], code=rest[1])

    def serve(self, recorder: Recorder) -> None:
        """Words of pages go to this recorder."""
        self._recorder = recorder

    def begin(self, placement: str, stream: Stream) -> None:
        """See `capture.Listener.begin`."""
        self._put("begin", placement, stream.protocol, dict(stream.config))

    def take(self, placement: str, time_s: float, payload: bytes) -> None:
        """See `capture.Listener.take`."""
        self._put("packet", Packet(placement=placement, time_s=time_s, stamp=time.time(), payload=payload))

    def mark(self, time_s: float, text: str) -> None:
        """See `capture.Listener.mark`; pages know of their words by themselves."""

    def show(self, status: Status) -> None:
        """How the recording stands, once a second."""
        self._put("state", told_status(status))

    def end(self) -> None:
        """See `capture.Listener.end`: every marker goes into the recording now."""
        self._has_ended = True
        self._marks.settle()

    async def close(self, saved: str = "") -> None:
        """Tell the pages under which name the recording is saved, "" where that is not known; end the server."""
        self._put("end", saved)
        if hasattr(self, "_settling"):
            self._settling.cancel()
        await asyncio.to_thread(self._process.join, END_S)
        self._is_over = True
        self._wake.set()
        if self._process.is_alive():
            self._process.terminate()
            await asyncio.to_thread(self._process.join, 2.0)
        self._ours.close()

    def _put(self, *item: Any) -> None:
        self._queue.append(item)
        self._wake.set()

    def _keep_sending(self) -> None:
        with suppress(OSError, ValueError):
            while not self._is_over:
                self._wake.wait()
                self._wake.clear()
                items = []
                while self._queue:
                    items.append(self._queue.popleft())
                if items:
                    self._ours.send(items)
                    time.sleep(PACE_S)
                    self._wake.clear()
                    self._wake.wait(PACE_S)  # goes with the next packet: what is shown was just received
                    self._wake.set()

    def _keep_receiving(self) -> None:
        with suppress(OSError, EOFError, RuntimeError):
            while not self._is_over:
                self._loop.call_soon_threadsafe(self._act, self._ours.recv())

    async def _keep_settling(self) -> None:
        while True:
            await asyncio.sleep(SETTLE_S)
            self._marks.settle(time.monotonic())

    def _act(self, said: tuple[Any, ...]) -> None:
        """Do what a page asks, in the recorder's event loop."""
        if self._recorder is None:
            return
        kind, *rest = said
        if kind == "mark":
            identity, text, ago_s = rest
            self._marks.add(identity, text, max(0.0, self._recorder.elapsed() - ago_s), time.monotonic())
            if self._has_ended:  # said in the last moment: nobody can take it back, but it is kept
                self._marks.settle()
        elif kind == "undo":
            self._marks.undo(rest[0])
        elif kind == "verdict":
            seen = rest[0]
            self.verdicts[seen["number"]] = seen
            self._recorder.mark(f"roll was {seen['verdict']}", seen["leg"], seen["time_s"])
        elif kind == "setup":
            self._recorder.mark(rest[0])
        elif kind == "cue" and self._on_cue is not None:
            self._on_cue(rest[0])
        elif kind == "stop":
            self._recorder.stop()

    def _write(self, text: str, at_s: float) -> bool:
        return self._recorder is not None and self._recorder.mark(text, "", at_s)
