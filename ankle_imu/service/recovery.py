"""The ladder of remedies for Bluetooth that brings nothing. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final


class Remedy(StrEnum):
    """What is tried; the first two are the recorder's own, see `capture.supervisor`."""

    NONE = ""
    RECONNECT = "connecting again"
    RESCAN = "scanning anew"
    CYCLE = "switching the adapter off and on"
    RESTART = "restarting the system's Bluetooth service"


RUNGS: Final = (
    (0.0, Remedy.RECONNECT),
    (15.0, Remedy.RESCAN),
    (60.0, Remedy.CYCLE),
    (180.0, Remedy.RESTART),
)
"""Seconds in trouble, and what is tried then. Own choice: the recorder tries every 4 s at most, and a scan
takes 5, so that after a minute both had a dozen tries; an adapter that hung until it was reset is on record
(github.com/home-assistant/operating-system/issues/4022,
github.com/wimaha/TeslaBleHttpProxy/issues/155)."""

AGAIN_S: Final = 600.0
"""The two strong remedies are repeated this often: sensors that were left at home need none of them."""


@dataclass(frozen=True, kw_only=True)
class Ladder:
    """How far one spell of trouble has been answered.

    Parameters
    ----------
    since : float, s, when it began; NaN without trouble
    rung : int, remedies tried in this round
    round : int, rounds that are over
    """

    since: float = float("nan")
    rung: int = 0
    round: int = 0

    @property
    def remedy(self) -> Remedy:
        """What was tried last."""
        return RUNGS[self.rung - 1][1] if self.rung else Remedy.NONE

    def climb(self, since: float, now: float) -> tuple[Ladder, Remedy]:
        """The next remedy, when its time has come.

        Parameters
        ----------
        since : float, s, when the trouble began; only the first call of a spell counts
        now : float, s

        Returns
        -------
        Ladder, Remedy

        Examples
        --------
        >>> ladder, remedy = Ladder().climb(100.0, 100.0)
        >>> str(remedy), str(ladder.climb(100.0, 170.0)[1])
        ('connecting again', 'scanning anew')
        """
        ladder = self if self.since == self.since else replace(self, since=since)
        passed = now - ladder.since - ladder.round * AGAIN_S
        if ladder.rung == len(RUNGS) and passed >= AGAIN_S:
            ladder = replace(ladder, rung=0, round=ladder.round + 1)
            passed -= AGAIN_S
        if ladder.rung == len(RUNGS) or passed < RUNGS[ladder.rung][0]:
            return ladder, Remedy.NONE
        return replace(ladder, rung=ladder.rung + 1), RUNGS[ladder.rung][1]
