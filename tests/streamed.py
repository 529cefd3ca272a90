"""Streaming a recording through `LiveAnalysis`, and comparing what comes out with the batch analysis."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import cycle

import numpy as np

import ankle_imu as ai
from ankle_imu.streaming import LiveAnalysis, LiveBlock

RATE = 104.0
PAIR = ("right_foot", "right_shank")


def stream(
    twin: LiveAnalysis, recording: ai.Recording, sizes: list[int], stop_s: float = np.inf
) -> Iterator[LiveBlock]:
    """Push all sensors in turns, in blocks of the sizes given, over and over."""
    end = max(int(np.searchsorted(s.time, stop_s)) for s in recording.series.values())
    at, size = 0, cycle(sizes)
    while at < end:
        stop = min(at + next(size), end)
        for placement, s in recording.series.items():
            yield from twin.push(placement, s.time[at:stop], s.acc[at:stop], s.gyr[at:stop])
        at = stop


def gather(blocks: list[LiveBlock], leg: str, source: str) -> dict[str, np.ndarray]:
    """One source's samples as whole arrays: time, rate, is_stance, roll and each angle."""
    own = [b for b in blocks if b.leg == leg and b.source == source]
    found = {name: [getattr(b, name) for b in own] for name in ("time", "rate", "is_stance", "roll")}
    found |= {kind: [b.angles[kind] for b in own] for kind in own[0].angles}
    return {name: np.concatenate(parts) for name, parts in found.items()}


def differences(
    blocks: list[LiveBlock], result: ai.SessionResult, leg: str, source: str, kind: str, after_s: float = 60.0
) -> np.ndarray:
    """Live minus batch, deg, in IC..85 % of the batch's stances after the first minute."""
    mine = gather(blocks, leg, source)
    time = result.angles["time_s"].to_numpy()
    at = np.searchsorted(time, mine["time"] - 1e-6)
    known = (at < len(time)) & (mine["time"] > after_s)
    value = np.full(len(time), np.nan)
    value[at[known]] = mine[kind][known]
    inside = np.zeros(len(time), dtype=bool)
    strides = result.strides[result.strides["leg"] == leg]
    for ic, to in zip(strides["ic_s"], strides["to_s"], strict=True):
        inside[np.searchsorted(time, ic) : np.searchsorted(time, ic + 0.85 * (to - ic))] = True
    inside &= time > after_s
    gap = value - result.angles[f"{leg}_{kind}_deg"].to_numpy()
    found = gap[inside]
    assert np.isfinite(found).mean() > 0.98, "angles are missing"
    return found[np.isfinite(found)]
