"""All pages that are open: what is new goes to each, as fast as it reads and no faster."""

from __future__ import annotations

import asyncio
import json
import threading
from collections import OrderedDict, deque
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any, Final

from ankle_imu.live.door import Bucket
from ankle_imu.live.words import Word, read_word

WAITING: Final = 64
"""Messages that wait for a page, about two seconds; a slower page loses them and is told how things stand."""

STUCK_S: Final = 10.0
"""A page that takes nothing for so long is let go."""

WORDS_PER_S: Final = 5.0
WORDS_AT_ONCE: Final = 20
MOST_BAD: Final = 10
MOST_PAGES: Final = 16
MOST_PER_ADDRESS: Final = 8
KEPT: Final = 100
"""Messages that tell a page which comes later how things stand: one of each kind, the last rolls and marks."""

KNOWN_WORDS: Final = 512

Answer = Callable[[Word], str]
"""Acts on a word; gives why it cannot be done, "" when it was."""


class Page:
    """One open page.

    Parameters
    ----------
    write : sends one text
    address : str, where it comes from
    now : clock, s
    """

    def __init__(self, write: Callable[[str], Awaitable[None]], address: str, now: Callable[[], float]) -> None:
        self.address, self._write = address, write
        self._queue: deque[str] = deque()
        self._wake = asyncio.Event()
        self._has_missed = True
        self._bucket = Bucket(WORDS_AT_ONCE, WORDS_PER_S, now)
        self._bad = 0

    def offer(self, text: str) -> None:
        """Send when it is this one's turn; a page too slow for all gets what counts now."""
        if len(self._queue) >= WAITING:
            self._queue.clear()
            self._has_missed = True
        self._queue.append(text)
        self._wake.set()

    async def keep_sending(self, standing: Callable[[], list[str]]) -> None:
        """Send until it takes no more; `standing` tells how things stand."""
        while True:
            if self._has_missed:
                self._has_missed = False
                self._queue.extendleft(reversed(standing()))
            while self._queue:
                async with asyncio.timeout(STUCK_S):
                    await self._write(self._queue.popleft())
            self._wake.clear()
            if not self._queue and not self._has_missed:
                await self._wake.wait()

    def accepts(self, message: str | bytes) -> tuple[Word | None, bool]:
        """The word in a message, and whether the page may stay."""
        if not self._bucket.take():
            return None, False
        word = read_word(message)
        if word is None:
            self._bad += 1
        return word, self._bad < MOST_BAD


class Hub:
    """Messages to all pages, words from them.

    Parameters
    ----------
    answer : acts on a word
    now : clock, s

    Attributes
    ----------
    pages : set of Page, those that are open
    came : threading.Event, set when one opens
    """

    def __init__(self, answer: Answer, now: Callable[[], float]) -> None:
        self._answer, self._now = answer, now
        self.pages: set[Page] = set()
        self.came = threading.Event()
        self._standing: OrderedDict[tuple[Any, ...], str] = OrderedDict()
        self._words: OrderedDict[str, str] = OrderedDict()

    def publish(self, message: dict[str, Any]) -> None:
        """Send to all pages, and keep what a later one must know."""
        text = json.dumps(message, separators=(",", ":"), allow_nan=False)
        kind = message["k"]
        if kind == "unmark":
            self._standing.pop(("mark", message["id"]), None)
        elif kind not in ("a", "cue"):
            key = (kind, message.get("id") or message.get("number") or message.get("leg"))
            self._standing[key] = text
            while len(self._standing) > KEPT:
                oldest = next(k for k in self._standing if k[0] in ("mark", "roll"))
                del self._standing[oldest]
        for page in self.pages:
            page.offer(text)

    def has_room(self, address: str) -> bool:
        """Whether one more page may open."""
        own = sum(page.address == address for page in self.pages)
        return len(self.pages) < MOST_PAGES and own < MOST_PER_ADDRESS

    def take(self, page: Page, message: str | bytes) -> bool:
        """Act on what a page says and answer it; False when the page is to be closed."""
        word, may_stay = page.accepts(message)
        if word is not None:
            why = self._words.get(word.identity)
            if why is None:
                why = self._answer(word)
                self._words[word.identity] = why
                while len(self._words) > KNOWN_WORDS:
                    self._words.popitem(last=False)
            page.offer(json.dumps({"k": "no" if why else "ok", "id": word.identity, "why": why}))
        return may_stay

    async def attend(self, page: Page, receive: Callable[[], Awaitable[str | bytes | None]]) -> None:
        """Keep one page until it goes, takes nothing or misbehaves."""
        self.pages.add(page)
        self.came.set()
        sending = asyncio.ensure_future(page.keep_sending(lambda: list(self._standing.values())))
        receiving = asyncio.ensure_future(self._keep_receiving(page, receive))
        try:
            await asyncio.wait({sending, receiving}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self.pages.discard(page)
            for task in (sending, receiving):
                task.cancel()
            with suppress(Exception):
                await asyncio.gather(sending, receiving, return_exceptions=True)

    async def _keep_receiving(self, page: Page, receive: Callable[[], Awaitable[str | bytes | None]]) -> None:
        while (message := await receive()) is not None:
            if not self.take(page, message):
                return
