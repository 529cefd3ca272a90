"""The streaming twin: the batch's answers within bounds, whatever way the samples arrive."""

from __future__ import annotations

import tracemalloc
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from streamed import PAIR, RATE, differences, gather, stream

import ankle_imu as ai
from ankle_imu.streaming import LiveAnalysis, LiveBlock, Roll
from ankle_imu.validation.datasets import read_cases

BOUNDS = {
    "foot_tilt": (0.4, 1.2),
    "foot_pitch": (0.6, 2.0),
    "inversion": (0.4, 1.2),
    "dorsiflexion": (0.6, 1.6),
    "shank_tilt": (0.6, 2.0),
}
"""Median and 95th percentile of |live - batch|, deg, in stance after the first minute: the stated bounds."""


def assert_within(found: np.ndarray, bounds: tuple[float, float]) -> None:
    middle, most = np.quantile(np.abs(found), [0.5, 0.95])
    assert middle <= bounds[0]
    assert most <= bounds[1]


@pytest.mark.parametrize("kind", BOUNDS)
def test_simulated_walk_within_bounds(live, batch, kind: str) -> None:
    source = "foot" if kind.startswith("foot") else "joint"
    assert_within(differences(live[1], batch, "right", source, kind), BOUNDS[kind])


def test_osim_walk_within_bounds(shared: Path, full: bool) -> None:
    """Real kinematics of walking and running, aligned by their own standing and taps."""
    recording = next(iter(read_cases("osim_walk", shared / "data"))).recording
    end = round((180.0 if full else 110.0) * 208.0)
    series = {
        p: replace(s, time=s.time[:end], acc=s.acc[:end], gyr=s.gyr[:end])
        for p, s in recording.series.items()
        if p.startswith("left")
    }
    recording = replace(recording, series=series)
    result = ai.analyze(recording)
    twin = LiveAnalysis(sampling_rate=208.0, placements=recording.series)
    blocks = list(stream(twin, recording, [208]))
    for kind, bounds in BOUNDS.items():
        source = "foot" if kind.startswith("foot") else "joint"
        assert_within(differences(blocks, result, "left", source, kind), bounds)


def test_without_the_foot_apart_the_joint_is_the_same(walk, live) -> None:
    """Its steps come from the filter of the joint then, whose bias differs by a little."""
    blocks = list(stream(LiveAnalysis(sampling_rate=RATE, placements=PAIR, foot_apart=False), walk, [14], 80.0))
    one, other = (gather(of, "right", "joint") for of in (live[1], blocks))
    n = len(other["time"])
    known = np.isfinite(other["inversion"])
    assert known.sum() > 40 * RATE
    np.testing.assert_array_equal(known, np.isfinite(one["inversion"][:n]))
    assert np.abs(other["inversion"] - one["inversion"][:n])[known].max() < 0.1
    assert np.mean(other["is_stance"] != one["is_stance"][:n]) < 0.001
    assert gather(blocks, "right", "foot")["time"][-1] < other["time"][known][0] + 0.2


def test_stance_follows_the_batch(live, batch) -> None:
    """Contacts are seen at most 40 ms late and never missed; the filter alone takes 9 ms."""
    foot = gather(live[1], "right", "foot")
    lands = foot["time"][1:][foot["is_stance"][1:] & ~foot["is_stance"][:-1]]
    ic = batch.strides["ic_s"].to_numpy()
    late = np.array([lands[np.abs(lands - t).argmin()] - t for t in ic[ic > 60.0]])
    assert np.abs(late).max() < 0.060
    assert 0.0 < np.median(late) < 0.030
    assert np.sum(lands > 60.0) <= 1.05 * np.sum(ic > 60.0) + 2


def test_rolls_are_those_of_the_batch(live, batch) -> None:
    joint = gather(live[1], "right", "joint")
    begins = joint["time"][1:][(joint["roll"][1:] >= Roll.ROLL) & (joint["roll"][:-1] < Roll.ROLL)]
    expected = batch.events["time_s"].to_numpy()
    assert len(expected) == 2, "the simulated rolls were not found at once"
    assert len(begins) == 2
    assert np.abs(begins - expected).max() < 0.25


def test_alignment_is_that_of_the_batch(live, batch) -> None:
    twin, blocks = live
    assert {p: a.method for p, a in twin.alignment.items()} == {
        p: a["method"] for p, a in batch.quality["alignment"].items()
    }
    assert twin.coherence["right"] == pytest.approx(batch.quality["sync"]["coherence"], abs=0.01)
    foot = gather(blocks, "right", "foot")
    known = foot["time"][np.isfinite(foot["foot_tilt"])]
    first = float(batch.strides["ic_s"].iloc[0])
    assert known[0] > first, "angles before there was anything to align from"
    assert known[0] < first + 10.0, "ten strides and still no alignment"


def assert_same(one: list[LiveBlock], other: list[LiveBlock], atol: float = 1e-9) -> None:
    for source in {b.source for b in one}:
        a, b = (gather(blocks, "right", source) for blocks in (one, other))
        for name in a:
            np.testing.assert_allclose(a[name], b[name], rtol=0, atol=atol, err_msg=f"{source} {name}")


@pytest.mark.parametrize("size", [1, 208])
def test_cut_into_any_blocks_it_is_the_same(walk, live, size: int) -> None:
    twin = LiveAnalysis(sampling_rate=RATE, placements=PAIR)
    stop = 60.0
    pieces = list(stream(twin, walk, [size], stop))
    same = [b for b in live[1] if b.time[-1] < min(pieces[-1].time[-1], stop - 1.0)]
    assert_same(same, [b for b in pieces if b.time[-1] <= same[-1].time[-1] + 1e-9])


@given(sizes=st.lists(st.integers(1, 40), min_size=1, max_size=6))
@settings(max_examples=8)
def test_cut_anywhere_a_known_alignment(walk, live, sizes: list[int]) -> None:
    """From the first sample on, with alignments known beforehand."""
    known, short = live[0].alignment, 12.0
    runs = [
        list(stream(LiveAnalysis(sampling_rate=RATE, placements=PAIR, calibration=known), walk, cut, short))
        for cut in ([50], sizes)
    ]
    assert np.isfinite(gather(runs[0], "right", "foot")["foot_tilt"]).all()
    length = min(len(run) for run in runs)
    assert length > 200
    for source in ("foot", "joint"):
        a, b = (gather(run, "right", source) for run in runs)
        for name in a:
            n = min(len(a[name]), len(b[name]))
            np.testing.assert_allclose(a[name][:n], b[name][:n], rtol=0, atol=1e-9)


def delayed(recording: ai.Recording, late_s: float, stop_s: float, known) -> list[LiveBlock]:
    """Stream with the shank's packets always so much later than the foot's."""
    twin = LiveAnalysis(sampling_rate=RATE, placements=PAIR, calibration=known)
    foot, shank = (recording.series[p] for p in PAIR)
    blocks: list[LiveBlock] = []
    step, behind, end = 13, round(late_s * RATE), round(stop_s * RATE)
    for at in range(0, end + behind, step):
        for placement, s, first in ((PAIR[0], foot, at), (PAIR[1], shank, at - behind)):
            part = slice(max(first, 0), max(min(first + step, end), 0))
            blocks += twin.push(placement, s.time[part], s.acc[part], s.gyr[part])
    return blocks


def test_a_late_sensor_changes_nothing_and_one_far_too_late_no_joint(walk) -> None:
    prompt, late = (delayed(walk, seconds, 50.0, None) for seconds in (0.0, 4.0))
    assert np.isfinite(gather(prompt, "right", "joint")["inversion"]).any()
    assert_same(prompt, late)
    never = delayed(walk, 15.0, 30.0, None)
    assert min(b.time[0] for b in never if b.source == "joint") > 30.0 - 10.1, "waited longer than it says"


def test_gaps(walk, batch) -> None:
    """100 ms and 2 s without the foot at about 80 and 90 s: not known there, and right again after it."""
    foot = walk.series[PAIR[0]]
    kept = ~(((foot.time > 80.0) & (foot.time < 80.1)) | ((foot.time > 90.0) & (foot.time < 92.0)))
    torn = replace(foot, time=foot.time[kept], acc=foot.acc[kept], gyr=foot.gyr[kept])
    gapped = replace(walk, series={**walk.series, PAIR[0]: torn})
    twin = LiveAnalysis(sampling_rate=RATE, placements=PAIR)
    blocks: list[LiveBlock] = []
    for start in np.arange(0.0, 130.0, 0.2):
        for placement, s in gapped.series.items():
            part = slice(*np.searchsorted(s.time, [start, start + 0.2]))
            blocks += twin.push(placement, s.time[part], s.acc[part], s.gyr[part])
    for source, kind in (("foot", "foot_tilt"), ("joint", "inversion")):
        got = gather(blocks, "right", source)
        unknown = np.isnan(got[kind])
        assert unknown[(got["time"] > 80.02) & (got["time"] < 80.09)].all(), source
        assert not unknown[(got["time"] > 80.2) & (got["time"] < 89.0)].any(), source
        assert not ((got["time"] > 90.1) & (got["time"] < 91.9) & ~unknown).any(), source
        assert not unknown[got["time"] > 98.0].any(), "the heading did not come back"
    assert_within(differences(blocks, batch, "right", "foot", "foot_tilt", 105.0), (0.8, 2.4))
    assert_within(differences(blocks, batch, "right", "joint", "inversion", 105.0), (0.8, 2.4))


def test_foot_alone_and_shank_alone(walk) -> None:
    foot = LiveAnalysis(sampling_rate=RATE, placements=PAIR[:1])
    shank = LiveAnalysis(sampling_rate=RATE, placements=PAIR[1:])
    for twin, placement, kind in ((foot, PAIR[0], "foot_tilt"), (shank, PAIR[1], "shank_tilt")):
        alone = replace(walk, series={placement: walk.series[placement]})
        blocks = list(stream(twin, alone, [104]))
        assert {b.source for b in blocks} == {kind.split("_")[0]}
        found = differences(blocks, ai.analyze(alone), "right", blocks[0].source, kind)
        assert_within(found, (0.6, 2.0))


def test_a_left_leg_is_the_mirror_image(walk, live) -> None:
    """The mirrored samples called left give the same numbers."""
    series = {}
    for s, placement in ((walk.series[p], p.replace("right", "left")) for p in PAIR):
        acc, gyr = s.acc * [1.0, -1.0, 1.0], s.gyr * [-1.0, 1.0, -1.0]
        series[placement] = replace(s, acc=acc, gyr=gyr)
    twin = LiveAnalysis(sampling_rate=RATE, placements=series)
    blocks = list(stream(twin, replace(walk, series=series), [14], 50.0))
    for source in ("foot", "joint"):
        left, right = gather(blocks, "left", source), gather(live[1], "right", source)
        for name, values in left.items():
            np.testing.assert_allclose(values, right[name][: len(values)], rtol=0, atol=1e-6, err_msg=name)


def test_memory_is_bounded(walk) -> None:
    """After the alignment is known walking on takes no more."""
    twin = LiveAnalysis(sampling_rate=RATE, placements=PAIR[:1])
    foot = walk.series[PAIR[0]]
    walking = slice(np.searchsorted(foot.time, 40.0), np.searchsorted(foot.time, 70.0))
    sizes = []
    twin.push(PAIR[0], foot.time, foot.acc, foot.gyr)
    tracemalloc.start()
    start = float(foot.time[-1]) + 0.01
    for k in range(3):
        time = foot.time[walking] - foot.time[walking][0] + start + 30.0 * k
        twin.push(PAIR[0], time, foot.acc[walking], foot.gyr[walking])
        sizes.append(tracemalloc.get_traced_memory()[0])
    tracemalloc.stop()
    assert sizes[-1] < sizes[0] + 100_000, sizes


def test_standing_for_long_keeps_only_the_opening() -> None:
    twin = LiveAnalysis(sampling_rate=10.0, placements=("left_foot",))
    tracemalloc.start()
    sizes = []
    for k in range(5):
        time = (np.arange(1000) + 1000 * k) / 10.0
        twin.push("left_foot", time, np.tile([0.0, 0.0, 9.81], (1000, 1)), np.zeros((1000, 3)))
        sizes.append(tracemalloc.get_traced_memory()[0])
    tracemalloc.stop()
    assert sizes[-1] < sizes[1] + 20_000, sizes


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("kind", ["zero", "noise", "huge", "nan", "flapping", "leaping"])
def test_nonsense_does_not_stop_it(kind: str) -> None:
    """Whatever comes, the stream goes on, and no angle is made of it that is not a number or in range."""
    random, n = np.random.default_rng(1), 3000
    time = np.arange(n) / 50.0
    acc, gyr = random.normal(size=(2, n, 3)) * {"noise": 20.0, "huge": 1e6}.get(kind, 0.0)
    if kind == "nan":
        acc[::2] = np.nan
    if kind == "flapping":
        acc[:, 2], gyr[:, 1] = 9.81, 8.0 * np.sign(np.sin(6.0 * time))
    if kind == "leaping":
        time[n // 2 :] += 1e9
    pair = ("left_foot", "left_shank")
    twin = LiveAnalysis(sampling_rate=50.0, placements=pair)
    blocks = [
        b
        for at in range(0, n, 37)
        for p in pair
        for b in twin.push(p, time[at : at + 37], acc[at : at + 37], gyr[at : at + 37])
    ]
    assert sum(len(b.time) for b in blocks if b.source == "foot") > 0.95 * n
    for block in blocks:
        for values in block.angles.values():
            assert (np.isnan(values) | (np.abs(values) <= 180.0)).all()


def test_refusals() -> None:
    with pytest.raises(ValueError, match="Unknown placement"):
        LiveAnalysis(sampling_rate=100.0, placements=("foot",))
    with pytest.raises(ValueError, match="named once"):
        LiveAnalysis(sampling_rate=100.0, placements=("left_foot", "left_foot"))
    with pytest.raises(ValueError, match="positive number"):
        LiveAnalysis(sampling_rate=float("nan"), placements=("left_foot",))
    twin = LiveAnalysis(sampling_rate=100.0, placements=("left_foot",))
    with pytest.raises(ValueError, match="not among"):
        twin.push("right_foot", [0.0], np.zeros((1, 3)), np.zeros((1, 3)))
    with pytest.raises(ValueError, match="expected"):
        twin.push("left_foot", [0.0, 1.0], np.zeros((1, 3)), np.zeros((1, 3)))
    assert twin.push("left_foot", [], np.zeros((0, 3)), np.zeros((0, 3))) == []
