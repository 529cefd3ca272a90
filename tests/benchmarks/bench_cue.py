"""How late the cue is: from the instant at which a simulated ankle passes the limit to the cue on the page.

Run as a script: `python tests/benchmarks/bench_cue.py [seed ...]`. Four sensors at 208 Hz walk in real time, 14
samples to a notification, each sent when its last sample was taken; beside the recorder runs the server, with one
page open in Chromium. The limit is passed, by the simulation's true angle, when the foot has risen by `roll_deg`
within a stance or turned inward at `roll_dps` for 20 ms. Prints how late the page was told to sound, and how many
rolls and cues have no partner (rolls before the feet are aligned have none). A loudspeaker and a radio add to it.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from bench_live import Page, WalkTransport, record

import ankle_imu as ai
from ankle_imu.frames import LEGS, PLACEMENTS
from ankle_imu.live import Beside
from ankle_imu.live.serving import Bind
from ankle_imu.live.walk import Worn
from ankle_imu.settings import Settings
from ankle_imu.simulate.truth import Truth

RATE, SECONDS = 208.0, 19.0
LONGEST_S = 1.0
"""A cue later than this belongs to no passing of the limit."""


def passings(truth: Truth, settings: Settings) -> list[float]:
    """Instants (s) at which the true inversion of a stance passes a limit, in order."""
    found: list[float] = []
    time_s, held = truth.angles["time_s"].to_numpy(), round(0.020 * RATE)
    for leg in LEGS:
        angle = truth.angles[f"{leg}_inversion_deg"].to_numpy()
        is_fast = np.gradient(angle, time_s) >= settings.roll_dps
        edges = np.flatnonzero(np.diff(truth.is_stance[leg].astype(int), prepend=0, append=0))
        for start, stop in edges.reshape(-1, 2):
            rise = angle[start:stop] - np.minimum.accumulate(angle[start:stop])
            is_held = np.convolve(is_fast[start:stop], np.ones(held))[: stop - start] >= held
            passed = np.flatnonzero((rise >= settings.roll_deg) | is_held)
            if len(passed):
                found.append(float(time_s[start + passed[0]]))
    return sorted(found)


class Timed(WalkTransport):
    """Notes when it began to play."""

    async def play(self) -> None:
        self.began = time.time()
        await super().play()


def lateness(seed: int) -> tuple[list[float], int, int]:
    """How late each cue was, s; passings without a cue; cues without a passing."""
    plan = ai.simulate.Plan(
        duration_s=SECONDS, sampling_rate=RATE, placements=PLACEMENTS, errors="typical", movements=False,
        terrain="uneven", rolls=6,
    )  # fmt: skip
    walk, truth = ai.simulate.walk(plan, seed=seed)
    transport = Timed(SECONDS - 1.0, walk)
    beside = Beside(Bind(port=0), Worn(placements=PLACEMENTS))
    with tempfile.TemporaryDirectory() as folder:
        told = asyncio.run(record(transport, Path(folder), beside))
    cues = [1e-3 * at - transport.began for at in told["cues"]]
    passed = passings(truth, Settings())
    late = [min((c - p for c in cues if 0 <= c - p < LONGEST_S), default=float("nan")) for p in passed]
    alone = sum(not any(0 <= c - p < LONGEST_S for p in passed) for c in cues)
    return [one for one in late if one == one], sum(one != one for one in late), alone


def main(seeds: list[int]) -> None:
    if Page("").program is None:
        print("no Chromium is installed; nothing was measured")
        return
    runs = [lateness(seed) for seed in seeds]
    late = 1e3 * np.array([one for run, _, _ in runs for one in run])
    if not len(late):
        print("no passing of the limit was cued")
        return
    print(
        f"cue after the limit was passed: {np.median(late):.0f} ms in the middle, {late.min():.0f} to "
        f"{late.max():.0f} ms, {len(late)} rolls; {sum(m for _, m, _ in runs)} passings without a cue, "
        f"{sum(a for _, _, a in runs)} cues without one"
    )


if __name__ == "__main__":
    main([int(seed) for seed in sys.argv[1:]] or [4])
