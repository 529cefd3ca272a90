"""Where the sessions of a person stop being one series: another sensor, mount site, shoe or firmware."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ankle_imu import frames

if TYPE_CHECKING:
    from ankle_imu.values import SessionInfo


@dataclass(frozen=True, kw_only=True)
class Worn:
    """What a session was walked in and measured with; empty where it was not noted.

    `sensor`, `mount_site` and `firmware` go by placement.
    """

    session_id: str
    start_utc: str
    shoe: str = ""
    sensor: Mapping[str, str] = field(default_factory=dict)
    mount_site: Mapping[str, str] = field(default_factory=dict)
    firmware: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def from_info(cls, info: SessionInfo, session_id: str = "") -> Worn:
        """Take it from a session's own file."""
        sensors = info.sensors
        return cls(
            session_id=session_id or info.session_id,
            start_utc=info.started_utc,
            shoe=info.footwear.strip(),
            sensor={p: s.serial or s.model for p, s in sensors.items()},
            mount_site={p: s.mount_site for p, s in sensors.items()},
            firmware={p: s.firmware for p, s in sensors.items()},
        )


@dataclass(frozen=True, kw_only=True)
class Break:
    """A session from which on the figures of `leg` cannot be set against those before it, and why in a word."""

    session_id: str
    start_utc: str
    leg: str
    word: str


def find_breaks(worn: Iterable[Worn]) -> list[Break]:
    """Breaks of each leg, in the order of time.

    Parameters
    ----------
    worn : of all sessions of one person, any order

    Returns
    -------
    list of Break
        One per leg and session at which the shoe, or the leg's sensor, mount site or firmware, is another than
        the last time it was noted. What is not noted is taken as unchanged.
    """
    found: list[Break] = []
    last: dict[tuple[str, str], str] = {}
    for one in sorted(worn, key=lambda w: (w.start_utc, w.session_id)):
        for leg in frames.LEGS:
            changed = [word for word, key, now in _facts(one, leg) if _is_new(last, (leg, key), now)]
            if changed:
                word = ", ".join(dict.fromkeys(changed))
                found.append(Break(session_id=one.session_id, start_utc=one.start_utc, leg=leg, word=word))
    return found


def _facts(one: Worn, leg: str) -> list[tuple[str, str, str]]:
    """Word, key and value of everything whose change breaks the series of a leg."""
    facts = [("shoe", "shoe", one.shoe.casefold())]
    for segment in ("foot", "shank"):
        place = f"{leg}_{segment}"
        facts += [
            (word, f"{word} {segment}", str(values.get(place, "")))
            for word, values in (
                ("sensor", one.sensor),
                ("mount site", one.mount_site),
                ("firmware", one.firmware),
            )
        ]
    return facts


def _is_new(last: dict[tuple[str, str], str], key: tuple[str, str], now: str) -> bool:
    """Whether a noted value differs from the one noted last; it is the last one from here on."""
    if not now:
        return False
    before = last.get(key, now)
    last[key] = now
    return before != now


def stretch_numbers(start_utc: Sequence[str], breaks: Sequence[Break], leg: str) -> NDArray[np.int64]:
    """Number of the unbroken stretch each session lies in, (n,), counted from 0; ISO 8601 times in UTC."""
    instants = np.array([_comparable(text) for text in start_utc])
    edges = sorted(_comparable(b.start_utc) for b in breaks if b.leg == leg)
    return np.searchsorted(np.array(edges, dtype=float), instants, side="right").astype(np.int64)


def _comparable(start_utc: str) -> float:
    from datetime import UTC, datetime

    instant = datetime.fromisoformat(start_utc)
    return (instant if instant.tzinfo else instant.replace(tzinfo=UTC)).timestamp()
