"""Lines typed while something else is on the screen."""

from __future__ import annotations

import asyncio
import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

Line = Callable[[str], object]


@contextmanager
def typed_lines(take: Line, show: Line) -> Iterator[None]:
    """Give each line typed within the block to `take`, and what is typed of it so far to `show`.

    Must be entered within a running event loop, which calls both. Does nothing where stdin is no terminal.
    """
    if not (sys.stdin and sys.stdin.isatty()):
        yield
        return
    try:
        import termios
        import tty
    except ImportError:  # Windows: whole lines, echoed by the terminal
        loop = asyncio.get_running_loop()
        threading.Thread(target=_listen, args=(loop, take), name="keyboard", daemon=True).start()
        yield
        return
    descriptor = sys.stdin.fileno()
    before = termios.tcgetattr(descriptor)
    keys = _Keys(take, show)
    loop = asyncio.get_running_loop()
    tty.setcbreak(descriptor)
    loop.add_reader(descriptor, lambda: keys.press(os.read(descriptor, 1024).decode(errors="ignore")))
    try:
        yield
    finally:
        loop.remove_reader(descriptor)
        termios.tcsetattr(descriptor, termios.TCSADRAIN, before)


class _Keys:
    """Keys -> lines: Enter ends one, Backspace takes back a letter, Ctrl-U all of it."""

    def __init__(self, take: Line, show: Line) -> None:
        self._take, self._show = take, show
        self._text = ""

    def press(self, keys: str) -> None:
        for key in keys:
            if key in "\r\n":
                text, self._text = self._text.strip(), ""
                self._take(text)
            elif key in "\x7f\b":
                self._text = self._text[:-1]
            elif key == "\x15":
                self._text = ""
            elif key.isprintable():
                self._text += key
        self._show(self._text)


def _listen(loop: asyncio.AbstractEventLoop, take: Line) -> None:
    for line in sys.stdin:
        with suppress(RuntimeError):
            loop.call_soon_threadsafe(take, line.strip())
