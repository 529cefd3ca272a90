"""Why samples are missing: from the samples themselves, from the disk, and from what the recorder saw."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ankle_imu.timing.grid import Cause
from ankle_imu.values import Gap, LinkEvent

LINK_LOST: Final = "link lost"
RESTARTED: Final = "sensor restarted"
SILENT: Final = "sensor silent"
PACKETS_LOST: Final = "packets lost"
OVERRUN: Final = "overrun in the sensor"
DAMAGED: Final = "damaged on disk"

_DOWN: Final = {"lost": LINK_LOST, "silent": SILENT, "restarted": RESTARTED}
_UP: Final = ("connected", "stopped")
_NOTICED_S: Final = 1.0
"""A lost link is noticed at least this much later than the last sample came (own choice)."""

_PACKET_S: Final = 0.3
"""Samples wait for their packet to be full at most this long (19 samples at 104 Hz last 0.18 s; own choice)."""


@dataclass(frozen=True, kw_only=True)
class _Down:
    """A span without a link: `start_s` when it was noticed, `end_s` when it was over."""

    start_s: float
    end_s: float
    reason: str


def down_at_end(events: Iterable[LinkEvent]) -> bool:
    """Whether the sensor of these events, in order of time, was away when the recording ended."""
    told = [event.event for event in events if event.event in _DOWN or event.event in _UP]
    return bool(told) and told[-1] in _DOWN


def name_gaps(
    time: ArrayLike,
    cause: ArrayLike,
    *,
    events: Sequence[LinkEvent] = (),
    holes: Sequence[tuple[float, float]] = (),
) -> tuple[Gap, ...]:
    """Every span of missing samples of one sensor, with its reason.

    Parameters
    ----------
    time : (n,) float array, s from session start
    cause : (n,) int array of `Cause`
    events : sequence of LinkEvent of this sensor, in order of time
    holes : sequence of (arrival before, arrival after) in s, round packets that are gone from the disk

    Returns
    -------
    tuple of Gap, in order of time

    Notes
    -----
    The sensor's own count and clock decide first (restart, overrun), then the disk, then the recorder: a gap in
    which, or at most a second before which, a link was noticed to be down. Of several such words the first holds:
    a sensor that fell silent is disconnected thereafter. What remains was lost on the air.
    """
    t, why = np.asarray(time, dtype=float), np.asarray(cause)
    edges = np.flatnonzero(np.diff(why)) + 1
    starts, stops = np.concatenate([[0], edges]), np.concatenate([edges, [len(why)]])
    downs = _downs(events)
    gaps = []
    for a, b in zip(starts.tolist(), stops.tolist(), strict=True):
        if len(why) and why[a] != Cause.NONE:
            start, end = float(t[max(a - 1, 0)]), float(t[min(b, len(t) - 1)])
            reason = _reason(int(why[a]), start, end, downs, holes)
            gaps.append(Gap(start_s=start, end_s=end, samples=b - a, reason=reason))
    return tuple(gaps)


def find_recovered(time: ArrayLike, arrival: ArrayLike, events: Sequence[LinkEvent]) -> NDArray[np.bool_]:
    """Samples that were taken before a link came back and received after it was lost: the sensor had kept them.

    Parameters
    ----------
    time, arrival : (n,) float array, s from session start, of each sample; arrival NaN where it never came
    events : sequence of LinkEvent of this sensor, in order of time

    Returns
    -------
    (n,) bool array
    """
    t, came = np.asarray(time, dtype=float), np.asarray(arrival, dtype=float)
    found = np.zeros(len(t), dtype=bool)
    for down in _downs(events):
        found |= (t < down.end_s - _PACKET_S) & (came > down.start_s)
    return found


def _downs(events: Sequence[LinkEvent]) -> list[_Down]:
    downs: list[_Down] = []
    began: LinkEvent | None = None
    for event in events:
        if event.event in _DOWN and began is None:
            began = event
        elif event.event in _UP and began is not None:
            downs.append(_Down(start_s=began.time_s, end_s=event.time_s, reason=_DOWN[began.event]))
            began = None
    if began is not None:
        downs.append(_Down(start_s=began.time_s, end_s=float("inf"), reason=_DOWN[began.event]))
    return downs


def _reason(
    cause: int, start: float, end: float, downs: Sequence[_Down], holes: Sequence[tuple[float, float]]
) -> str:
    if cause == Cause.OVERRUN:
        return OVERRUN
    if cause == Cause.RESTART:
        return RESTARTED
    inside = sum(max(0.0, min(end, after) - max(start, before)) for before, after in holes)
    if inside > 0.5 * (end - start):
        return DAMAGED
    return next((d.reason for d in downs if start < d.end_s and end > d.start_s - _NOTICED_S), PACKETS_LOST)
