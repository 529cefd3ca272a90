"""How a link misbehaves, on a schedule: one text for every radio that carries virtual sensors.

    SECONDS:WHAT[:ARGUMENT]      counted from the sensor's first subscription

| what | what happens | argument |
| --- | --- | --- |
| bye | the sensor closes the connection | |
| drop | the link is lost, the sensor advertises again at once | |
| gone | the link is lost and the sensor is away | seconds |
| reboot | the same, and its clock and count begin again | seconds |
| mute | the link stays, but the sensor neither says nor answers anything | seconds |
| stall | nothing passes; what waited comes in a burst, or the link is lost after `SUPERVISION_S` | seconds |
| lose | notifications are lost | seconds |
| duplicate | each notification comes twice | seconds |
| delay | notifications are held back and come in a burst, in order | seconds |
| reorder | neighbouring notifications change places | seconds |
| battery | the charge falls to this share | share, 0..1 |

The first six concern the link and are carried out by the radio, which also knows when it is lost. The packet
kinds are carried out by `Courier`. Answers to commands that are indications are acknowledged by the link
layer and never lost.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from ankle_imu.simulate.sensors.peripheral import Said

SUPERVISION_S: Final = 2.0
"""A silent link counts as lost after this (a common choice of centrals; the range allowed is 0.1 to 32 s,
Bluetooth Core Specification, vol. 6 part B, 4.5.2)."""

LINK_KINDS: Final = ("bye", "drop", "gone", "reboot", "mute", "stall")
PACKET_KINDS: Final = ("lose", "duplicate", "delay", "reorder")
SENSOR_KINDS: Final = ("battery",)
_WITHOUT_ARGUMENT: Final = ("bye", "drop")


@dataclass(frozen=True, kw_only=True)
class Mischief:
    """One misbehaviour, `at_s` after the first subscription; `argument` is 0 where `what` takes none."""

    at_s: float
    what: str
    argument: float = 0.0


def parse_mischief(text: str) -> Mischief:
    """Read `SECONDS:WHAT[:ARGUMENT]`.

    Raises
    ------
    ValueError
        If it is not of that form.

    Examples
    --------
    >>> parse_mischief("5:gone:3")
    Mischief(at_s=5.0, what='gone', argument=3.0)
    """
    parts = text.split(":")
    kinds = (*LINK_KINDS, *PACKET_KINDS, *SENSOR_KINDS)
    if len(parts) not in (2, 3) or parts[1] not in kinds:
        raise ValueError(
            f"{text!r} is no misbehaviour; expected SECONDS:WHAT[:ARGUMENT], WHAT of {', '.join(kinds)}."
        )
    if (len(parts) == 3) == (parts[1] in _WITHOUT_ARGUMENT):
        raise ValueError(f"{text!r}: {parts[1]} takes {'no' if len(parts) == 3 else 'an'} argument.")
    return Mischief(at_s=float(parts[0]), what=parts[1], argument=float(parts[2]) if len(parts) == 3 else 0.0)


class Courier:
    """Carries the notifications of one sensor, badly where told so, and keeps the truth.

    Parameters
    ----------
    loss : float, share of notifications lost at random
    seed : int

    Attributes
    ----------
    lost : list of (time, characteristic, payload) that never arrived
    """

    def __init__(self, *, loss: float = 0.0, seed: int = 1) -> None:
        self.lost: list[tuple[float, str, bytes]] = []
        self._loss = loss
        self._random = np.random.default_rng(seed)
        self._until = dict.fromkeys(PACKET_KINDS, float("-inf"))
        self._held: list[Said] = []

    def begin(self, what: str, now: float, seconds: float) -> None:
        """Begin a packet kind of mischief for so many seconds."""
        self._until[what] = now + seconds

    def carry(self, said: Said, now: float) -> list[tuple[float, Said]]:
        """Notifications to hand over because of this one, each with its time; times are at or after `now`."""
        if now < self._until["lose"] or (self._loss and self._random.random() < self._loss):
            self.lost.append((now, *said))
            return []
        if now < self._until["delay"]:
            return [(self._until["delay"], said)]
        if now < self._until["reorder"]:
            if not self._held:
                self._held.append(said)
                return []
            return [(now, said), (now, self._held.pop())]
        late = [(now, self._held.pop())] if self._held else []
        copies = 2 if now < self._until["duplicate"] else 1
        return [*late, *[(now, said)] * copies]

    def drop_held(self, now: float) -> None:
        """The link is gone: what was held back is lost."""
        self.lost += [(now, *said) for said in self._held]
        self._held.clear()
