"""Walks and lone movements by hand, tags, and the gait classes on simulated and real walks."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import ankle_imu as ai
from ankle_imu import tables
from ankle_imu.analysis.bouts import LONE, as_told, bouts_table, mark_lone
from ankle_imu.validation.datasets import read_cases

REAL_WALKS = (
    "gaitmap_walk_mocap", "neura_s02_walk", "qmt_fullbody", "osim_walk", "kam_steps", "xio_gait", "pyshoe_vicon",
)  # fmt: skip
"""No stride of pyshoe's trials at hand is faster than 1.6 m/s: nobody runs in them."""


def strides(*starts, leg="left", gait="walk", seconds=1.0):
    """Strides of one second that begin at these times."""
    start = np.array(starts, dtype=float)
    legs = [leg] * len(start) if isinstance(leg, str) else leg
    gaits = [gait] * len(start) if isinstance(gait, str) else gait
    return tables.make_table(
        tables.STRIDES,
        {
            "stride_id": range(len(start)),
            "leg": legs,
            "start_s": start,
            "end_s": start + seconds,
            "ic_s": start,
            "gait": gaits,
            "accepted": [True] * len(start),
        },
    )


def test_three_strides_of_one_foot_are_no_walk_and_four_are():
    marked = mark_lone(strides(0, 1, 2, 10, 11, 12, 13, 20))
    assert marked["accepted"].tolist() == [False] * 3 + [True] * 4 + [False]
    assert marked["reject_reason"].tolist() == [LONE] * 3 + [""] * 4 + [LONE]


def test_a_pause_of_three_seconds_ends_a_walk_and_a_shorter_one_does_not():
    assert mark_lone(strides(0, 1, 2, 5.9))["accepted"].all()
    assert not mark_lone(strides(0, 1, 2, 6.1))["accepted"].any()


def test_a_walk_takes_strides_of_each_foot_that_wears_a_sensor():
    both = strides(*np.arange(7) / 2, *np.arange(20, 25), leg=["left", "right"] * 3 + ["left"] + ["right"] * 5)
    assert mark_lone(both)["accepted"].tolist() == [True] * 7 + [False] * 5


def test_a_reason_that_was_there_stays():
    table = strides(0, 1)
    table.loc[0, ["accepted", "reject_reason"]] = [False, "turns more than 20 deg"]
    marked = mark_lone(table)
    assert marked["reject_reason"].tolist() == ["turns more than 20 deg", LONE]
    assert mark_lone(strides()).empty


def test_bouts_leave_lone_strides_out_and_part_gaits():
    gait = ["walk"] * 5 + ["run"] * 6 + ["walk", "walk"]
    table = mark_lone(strides(*range(11), 40, 41, gait=gait))
    bouts = bouts_table(table)
    assert bouts["gait"].tolist() == ["walk", "run"]
    assert bouts["n_strides"].tolist() == [5, 6]
    assert bouts_table(mark_lone(strides(0, 1))).empty


@pytest.mark.parametrize(
    ("tags", "expected"),
    [
        (("run",), ["walk", "run", "run"]),
        (("Jogging in the park",), ["walk", "jog", "jog"]),
        (("trail", "jog"), ["walk", "jog", "jog"]),
        (("jog", "run"), ["walk", "jog", "run"]),
        (("mixed",), ["walk", "jog", "run"]),
        ((), ["walk", "jog", "run"]),
        (("running shoes test", "trunk"), ["walk", "run", "run"]),
        (("trunk", "jogger"), ["walk", "jog", "run"]),
    ],
)
def test_what_the_person_said_decides_between_jog_and_run(tags, expected):
    assert as_told(strides(0, 1, 2, gait=["walk", "jog", "run"]), tags)["gait"].tolist() == expected


@pytest.mark.parametrize("gait", ["jog", "run"])
@pytest.mark.parametrize(
    ("placement", "rate", "least"),
    [("right_foot", 104.0, 0.95), ("right_foot", 208.0, 0.95), ("right_shank", 104.0, 0.7)],
)
def test_steady_jogs_and_runs_are_told_apart_without_tags(gait, placement, rate, least):
    right = []
    for seed in (1, 2, 3):
        plan = ai.simulate.Plan(
            duration_s=60.0,
            gait=gait,
            sampling_rate=rate,
            errors="full",
            terrain="uneven",
            placements=(placement,),
        )
        recording, _ = ai.simulate.walk(plan, seed=seed)
        found = ai.analyze(replace(recording, session=replace(recording.session, tags=()))).strides
        right.extend(found["gait"].iloc[5:-5] == gait)
    assert np.mean(right) >= least


@pytest.mark.parametrize("name", REAL_WALKS)
def test_real_walks_are_walked(shared, name):
    gait = np.concatenate(
        [ai.analyze(case.recording).strides["gait"].to_numpy() for case in read_cases(name, shared / "data")]
    )
    assert (gait == "walk").sum() >= 0.99 * len(gait)
    assert len(gait) >= 10 or name == "kam_steps"  # single steps
