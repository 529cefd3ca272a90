"""Lines typed while something else is on the screen."""

from __future__ import annotations

import asyncio
import codecs
import os
import re
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Final

Line = Callable[[str], object]


@contextmanager
def typed_lines(take: Line, show: Line) -> Iterator[None]:
    """Give each line typed within the block to `take`, and what is typed of it so far to `show`.

    Must be entered within a running event loop, which calls both. Does nothing where stdin is no terminal, and
    nothing more once the terminal is gone.
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

    def read() -> None:
        pressed = b""
        with suppress(OSError):
            pressed = os.read(descriptor, 1024)
        if pressed:
            keys.press(pressed)
        else:
            loop.remove_reader(descriptor)

    tty.setcbreak(descriptor)
    loop.add_reader(descriptor, read)
    try:
        yield
    finally:
        loop.remove_reader(descriptor)
        with suppress(termios.error, OSError):
            termios.tcsetattr(descriptor, termios.TCSADRAIN, before)


_SEQUENCE: Final = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|O[@-~]|(?!\[|O|$))")
"""What a key sends that is no letter, such as `ESC [ A` for an arrow (ECMA-48, 5.4), or Escape itself."""


class _Keys:
    """Keys -> lines: Enter ends one, Backspace takes back a letter, Ctrl-U all of it; arrows do nothing."""

    def __init__(self, take: Line, show: Line) -> None:
        self._take, self._show = take, show
        self._text = self._cut = ""
        self._decoder = codecs.getincrementaldecoder("utf-8")("ignore")

    def press(self, pressed: bytes) -> None:
        """Take what was pressed; a letter or a sequence may be cut anywhere."""
        keys, escape, rest = _SEQUENCE.sub("", self._cut + self._decoder.decode(pressed)).partition("\x1b")
        self._cut = escape + rest
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
