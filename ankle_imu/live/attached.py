"""A live page for a recording that another program makes, and that does not know of it.

The page reads the growing log and leaves what is said on it as small files, see `recording.inbox`. It shares
neither a process, a socket nor a lock with the recorder: one that hangs or is killed costs the recording nothing,
and the recorder opens no door. The price is `LAG_S`.
"""

from __future__ import annotations

import asyncio
import secrets
import socket
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import Any, Final

from ankle_imu import recording
from ankle_imu.errors import StorageError
from ankle_imu.live.guest import LINGER_S
from ankle_imu.live.host import WalkHost
from ankle_imu.live.marks import SLACK_S, UNDO_S
from ankle_imu.live.serving import Bind, Served
from ankle_imu.live.walk import Packet, Worn
from ankle_imu.live.watched import Begun, Item, Watched
from ankle_imu.recording import inbox

LAG_S: Final = 0.4
"""What is shown was received so long ago. The recorder's chunks span 0.3 s and are written at once when full; with
0.1 s for the writing and the look, they can be shown evenly and not three times a second in jerks."""

LOOK_S: Final = 1 / 15
PIECE_S: Final = 0.25
"""What has been recorded before is followed in pieces of this length, as fast as it goes."""
BEHIND_S: Final = 1.0
STATE_S: Final = 1.0
KNOCK_S: Final = 1.0

WornFor = Callable[[Iterable[str]], Worn]


async def attach_page(
    folder: Path,
    worn_for: WornFor,
    bind: Bind,
    listening: socket.socket,
    *,
    on_ready: Callable[[int, str], None] = lambda port, code: None,
    on_cue: Callable[[str], None] = lambda leg: None,
    on_verdict: Callable[[dict[str, Any]], None] = lambda seen: None,
    until: asyncio.Event | None = None,
) -> str:
    """Show a recording in progress until it ends, or a page or `until` closes the showing.

    Parameters
    ----------
    folder : Path of the session that is being recorded
    worn_for : gives what is worn for some placements
    bind, listening : Bind and its listening socket, see `serving.listen`
    on_ready : called with port and code once pages can be opened
    on_cue : called with the leg when its own limit is passed
    on_verdict : called with what was seen of a roll and said about it, see `RollSeen.told`
    until : Event

    Returns
    -------
    str
        `saved` when the recording ended in good order, `cut off` when its recorder went without a word, `left`
        when it goes on.
    """
    over = until or asyncio.Event()
    loop = asyncio.get_running_loop()
    served = Served(listening, needs_code=not bind.is_loopback, answer=lambda word: attached.host.answer(word))

    def say(kind: str, *rest: Any) -> None:
        if kind == "stop":
            loop.call_soon_threadsafe(over.set)
        elif kind == "cue":
            loop.call_soon_threadsafe(on_cue, rest[0])
        elif kind == "verdict":
            on_verdict(rest[0])

    attached = Attached(folder, worn_for, served.publish, say)
    on_ready(served.port, served.door.code)
    following = asyncio.ensure_future(asyncio.to_thread(attached.follow))

    def end(done: asyncio.Future[str]) -> None:
        loop.call_later(LINGER_S if served.hub.pages and not over.is_set() else 0.0, over.set)

    following.add_done_callback(end)
    serving = asyncio.ensure_future(served.run(over))
    serving.add_done_callback(lambda done: over.set())
    try:
        await over.wait()
    finally:
        attached.leave()  # its thread would outlive a cancelled call
        over.set()
        await serving
    return await following


class Attached:
    """Follows a recording in a thread of its own, and leaves words for it.

    Parameters
    ----------
    folder : Path of the session
    worn_for : gives what is worn for some placements
    publish : sends a message to all pages, from any thread
    say : passes on what is not for the recorder: `cue`, `verdict`, `stop`
    """

    def __init__(
        self,
        folder: Path,
        worn_for: WornFor,
        publish: Callable[[dict[str, Any]], None],
        say: Callable[..., None],
    ) -> None:
        self._folder, self._worn_for = folder, worn_for
        self._send, self._tell = publish, say
        self._token = secrets.token_hex(4)
        self._own: Counter[str] = Counter()
        self._leaving = threading.Event()
        self._is_behind = True
        info = recording.read_session_info(folder)
        self._name = info.session_id
        self._begin(info.sensors)

    def _begin(self, placements: Iterable[str]) -> None:
        """Read from the start; another sensor that joins later changes what is shown of all."""
        self.host = WalkHost(self._worn_for(placements), self._publish, self._say, name=self._name)
        self._watched = Watched(self._folder)
        self._waiting: deque[Item] = deque()
        self._is_behind = True
        self._told, self._shown_s = float("-inf"), 0.0
        self._markers = 0
        self._seen: Counter[str] = Counter()
        self._publish({**self.host.hello(), "attached": True})
        self._publish(self.host.walk.setup_message())

    def leave(self) -> None:
        """Stop following; from any thread."""
        self._leaving.set()

    def follow(self) -> str:
        """Follow until the end; how it ended, see `attach_page`."""
        knocked = time.monotonic()
        while not self._leaving.is_set():
            is_more = self._look()
            self._show(self._watched.elapsed() - LAG_S)
            if is_more:
                continue
            if time.monotonic() - knocked >= KNOCK_S:
                knocked = time.monotonic()
                if not recording.is_being_recorded(self._folder):
                    return self._end()
            self._leaving.wait(LOOK_S)
        self._publish({"k": "end", "saved": "", "left": True})
        return "left"

    def _end(self) -> str:
        while self._look():
            pass
        self._show(float("inf"))
        is_saved = self._watched.has_ended
        self._publish({"k": "end", "saved": self._folder.name if is_saved else ""})
        return "saved" if is_saved else "cut off"

    def _look(self) -> bool:
        """Take in what is new; whether more is there."""
        try:
            look = self._watched.look()
        except OSError:
            return False
        worn = self.host.walk.worn.placements
        if unknown := {item.placement for item in look.items if isinstance(item, Packet)} - set(worn):
            self._begin([*worn, *sorted(unknown)])
            return True
        self._waiting.extend(look.items)
        for at_s, text in look.markers:
            self._show_marker(at_s, text)
        return self._watched.has_more

    def _show(self, due_s: float) -> None:
        """Follow what is due, and say once a second how things stand."""
        items = []
        while self._waiting and self._waiting[0].time_s <= due_s:
            items.append(self._waiting.popleft())
        if items and self._is_behind:
            self._show_state(items[0].time_s)
        for (_, kind), piece in groupby(items, key=lambda item: (int(item.time_s / PIECE_S), type(item))):
            some = list(piece)
            self._shown_s = some[-1].time_s
            self._is_behind = self._watched.elapsed() - self._shown_s > LAG_S + BEHIND_S
            self.host.turn.do(partial(self._follow, some))
            if kind is Packet:
                self._show_state(self._shown_s)
            if self._leaving.is_set():
                return
        self._is_behind = self._watched.has_more or (self._is_behind and bool(items))
        if due_s < float("inf"):
            self._show_state(max(due_s, self._shown_s))

    def _follow(self, items: list[Item]) -> None:
        packets = [item for item in items if isinstance(item, Packet)]
        for item in items:
            self._watched.show(item)
            if isinstance(item, Begun):
                self.host.walk.begin(item.placement, item.stream.protocol, item.stream.config)
        if packets:
            self.host.walk.take_packets(packets)

    def _show_state(self, now_s: float) -> None:
        if now_s - self._told >= STATE_S:
            self._told = now_s
            status = {**self._watched.tick(now_s), "behind": self._is_behind}
            self.host.turn.do(lambda: self.host.state(status))

    def _show_marker(self, at_s: float, text: str) -> None:
        """Show a word that is in the recording, unless it was said here."""
        if self._seen[text] < self._own[text]:
            self._seen[text] += 1
            return
        self._markers += 1
        self._publish({"k": "mark", "id": f"log-{self._markers}", "text": text, "at_s": round(at_s, 1)})

    def _publish(self, message: dict[str, Any]) -> None:
        if not (self._is_behind and message["k"] in ("a", "cue")):
            self._send(message)

    def _say(self, kind: str, *rest: Any) -> None:
        """What the walk and its pages say; words for the recorder are left where it finds them."""
        if kind == "mark":
            identity, text, ago_s = rest
            self._leave(identity, text, ago_s=ago_s, keep_s=UNDO_S + SLACK_S)
        elif kind == "undo":
            identity, text = rest
            inbox.take_back(self._folder, f"{self._token}-{identity}")
            self._own[text] = max(0, self._own[text] - 1)  # one that the recorder has already is shown again
        elif kind == "verdict":
            seen = rest[0]
            name = f"roll-{seen['number']}-{secrets.token_hex(2)}"
            self._leave(name, f"roll was {seen['verdict']}", leg=seen["leg"], time_s=seen["time_s"])
            self._tell(kind, seen)
        elif kind == "stop" or (kind == "cue" and not self._is_behind):
            self._tell(kind, *rest)

    def _leave(self, name: str, text: str, **when: Any) -> None:
        self._own[text] += 1
        try:
            inbox.leave(self._folder, f"{self._token}-{name}", text, **when)
        except StorageError as error:
            self._own[text] -= 1
            self._publish({"k": "trouble", "text": f"Not kept: {error}"})
