"""Markers that can still be taken back: kept for a few seconds, then written at the time they were said."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

UNDO_S: Final = 5.0
SLACK_S: Final = 1.0
"""Beyond the five seconds that the page shows, for the way of the word from a slow phone."""

Write = Callable[[str, float], bool]
"""Keeps a marker, text and s from session start; False while there is no session."""


class PendingMarks:
    """Markers on their way into the recording.

    Parameters
    ----------
    write : keeps one
    """

    def __init__(self, write: Write) -> None:
        self._write = write
        self._pending: dict[str, tuple[float, float, str]] = {}

    def add(self, identity: str, text: str, at_s: float, now: float) -> None:
        """A marker said at `at_s` of the session, at `now` of any clock."""
        self._pending[identity] = (now, at_s, text)

    def undo(self, identity: str) -> bool:
        """Take one back; False when it is in the recording already, or never was."""
        return self._pending.pop(identity, None) is not None

    def settle(self, now: float = float("inf")) -> None:
        """Write those that nobody can take back any more; all at the end."""
        for identity, (said, at_s, text) in list(self._pending.items()):
            if now - said >= UNDO_S + SLACK_S and self._write(text, at_s):
                del self._pending[identity]
