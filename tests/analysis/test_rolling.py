"""Rolls through the whole analysis: found where they are, and only there."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from pathlib import Path

import numpy as np
import pytest

from ankle_imu import simulate
from ankle_imu.analysis import analyze
from ankle_imu.analysis.rolling import _comes_back
from ankle_imu.validation.datasets import read_cases

ROLLS = ("roll", "hard_roll", "eversion_roll")
SETS = (("left_foot", "left_shank"), ("right_foot",), ("right_foot", "right_shank"))


@pytest.mark.parametrize(("gait", "placements"), list(product(("walk", "run"), SETS[:2])))
def test_rolls_are_found_with_their_size(gait: str, placements: tuple[str, ...]) -> None:
    """Ten rolls on rough ground with stones knocking and loose sensors: each one, to 10 %, and nothing else."""
    plan = simulate.Plan(
        duration_s=240.0,
        sampling_rate=104.0,
        gait=gait,
        terrain="uneven",
        errors="full",
        rolls=10,
        roll_from_deg=30.0,
        knocks_per_min=6.0,
        placements=placements,
    )
    recording, truth = simulate.walk(plan, seed=11)
    events = analyze(recording).events
    found = events[events["kind"].isin(ROLLS)]
    apart = np.abs(found["time_s"].to_numpy()[:, None] - truth.events["time_s"].to_numpy())
    assert (apart.min(axis=1) < 0.1).all(), "a roll where there was none"
    near, nearest = apart.min(axis=0) < 0.1, apart.argmin(axis=0)
    assert near[truth.events["peak_deg"] > 22.0].all(), "a roll was missed"
    assert near.sum() >= 8
    if len(placements) == 2:
        found_deg = found["peak_deg"].to_numpy()[nearest[near]]
        np.testing.assert_allclose(found_deg, truth.events["peak_deg"].to_numpy()[near], rtol=0.10)


@pytest.mark.parametrize("placements", SETS[:2])
def test_edges_toes_and_stones_are_no_rolls(placements: tuple[str, ...]) -> None:
    """Rough ground, every seventh step on an edge, stones, loose sensors: none in 10 minutes."""
    plan = simulate.Plan(
        duration_s=600.0,
        sampling_rate=104.0,
        terrain="uneven",
        errors="full",
        edge_contacts=0.15,
        toe_contacts=0.1,
        knocks_per_min=20.0,
        frontal_spread=1.5,
        wobble=2.0,
        placements=placements,
    )
    recording, _ = simulate.walk(plan, seed=77)
    assert not analyze(recording).events["kind"].isin(ROLLS).any()


def test_a_foot_that_lies_on_an_edge_and_one_that_is_pulled_up() -> None:
    """25 deg within 0.1 s and kept: lying, unless the stance is cut short, 45 deg, or it comes back."""
    ic, to = np.array([100.0, 300.0, 500.0]), np.array([170.0, 370.0, 570.0])

    def stays(height: float, back: bool, until: float) -> bool:
        angle = np.interp(np.arange(700), [505, 515, 530, 540], [0, height, height, 0 if back else height])
        found = {name: np.array([x]) for name, x in (("stride", 2), ("start", 505.0), ("sample", 515.0))}
        stop = np.array([*to[:2], until])
        return bool(_comes_back({**found, "peak_deg": np.array([height])}, angle, ic, stop)[0])

    assert not stays(25.0, False, 570.0)
    assert stays(25.0, True, 570.0)
    assert stays(45.0, False, 570.0)
    assert stays(25.0, False, 540.0)


def test_gaps_and_clips_make_no_roll_but_a_word() -> None:
    plan = simulate.Plan(duration_s=60.0, rolls=1, errors="typical", placements=SETS[0], roll_from_deg=35.0)
    recording, truth = simulate.walk(plan, seed=3)
    at = float(truth.events["time_s"].iloc[0])
    assert analyze(recording).events["kind"].isin(ROLLS).sum() == 1
    for lost, word in ((True, "missing"), (False, "end of its range")):
        foot = recording.series["left_foot"]
        acc, gyr = foot.acc.copy(), foot.gyr.copy()
        if lost:
            near = (foot.time > at - 0.06) & (foot.time < at - 0.02)
            acc[near] = gyr[near] = np.nan
        else:
            acc[np.searchsorted(foot.time, at - 0.04), 0] = 16.0 * 9.80665
        spoilt = replace(recording, series={**recording.series, "left_foot": replace(foot, acc=acc, gyr=gyr)})
        result = analyze(spoilt)
        assert not result.events["kind"].isin(ROLLS).any()
        assert any(word in warning for warning in result.quality["warnings"])


@pytest.mark.parametrize(
    ("placement", "begins_s", "n"), [("left_foot", 0.04, 1), ("left_shank", 0.04, 1), ("left_foot", -0.1, 0)]
)
def test_a_lost_packet_hides_a_roll_only_until_its_peak(placement: str, begins_s: float, n: int) -> None:
    """14 samples are missing, from 40 ms after the peak on or across it."""
    plan = simulate.Plan(duration_s=60.0, rolls=1, errors="typical", placements=SETS[0], roll_from_deg=35.0)
    recording, _ = simulate.walk(plan, seed=3)
    whole = analyze(recording).events
    at = float(whole.loc[whole["kind"].isin(ROLLS), "time_s"].iloc[0])
    one = recording.series[placement]
    acc, gyr = one.acc.copy(), one.gyr.copy()
    first = int(np.searchsorted(one.time, at + begins_s))
    acc[first : first + 14] = gyr[first : first + 14] = np.nan
    lossy = replace(recording, series={**recording.series, placement: replace(one, acc=acc, gyr=gyr)})
    events = analyze(lossy).events
    found = events[events["kind"].isin(ROLLS)]
    assert len(found) == n
    assert found["time_s"].to_numpy() == pytest.approx([at] * n, abs=0.02)
    assert found["peak_deg"].to_numpy() == pytest.approx([float(whole["peak_deg"].max())] * n, rel=0.1)


@pytest.mark.parametrize(
    "name",
    ["gaitmap_walk_mocap", "neura_s02_walk", "qmt_fullbody", "osim_walk", "kam_steps", "pyshoe_vicon", "xio_gait"],
)
def test_no_roll_in_real_walks(name: str, shared: Path) -> None:
    data = shared / "data"
    if not (data / name).is_dir():
        pytest.skip(f"{name} is not in {data}")
    for case in read_cases(name, data):
        events = analyze(case.recording).events
        assert not events["kind"].isin(ROLLS).any(), case.name
