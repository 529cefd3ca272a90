"""Faults of wearing put into walks: named in the warnings, marked in alignment and strides."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pandas as pd
import pytest

from ankle_imu import frames
from ankle_imu import quaternion as qt
from ankle_imu.analysis import analyze
from ankle_imu.analysis.wearing import clock
from ankle_imu.errors import ImplausibleUnits
from ankle_imu.simulate import Plan, walk
from ankle_imu.simulate.faults import apply_fault
from ankle_imu.values import Alignment, Recording

PLAN = Plan(duration_s=90, sampling_rate=104.0, terrain="uneven", errors="typical", movements=False, stops=False)


@cache
def recorded(seed: int = 3) -> Recording:
    return walk(PLAN, seed=seed)[0]


def test_worn_right_raises_no_alarm() -> None:
    result = analyze(recorded())
    assert result.quality["warnings"] == []
    assert result.strides["accepted"].mean() > 0.8


@pytest.mark.parametrize(
    ("fault", "placement", "words", "concerned"),
    [
        ("left_right_swapped", "", "left and right are exchanged", "both"),
        ("feet_swapped", "", "the two foot sensors are exchanged", "both"),
        ("foot_shank_swapped", "left_foot", "left leg: the sensor called foot turns like a shank", "left"),
        ("in_a_bag", "right_foot", "right_foot: the sensor was shaken at each step", "right"),
        ("left_lying", "right_shank", "right_shank: the sensor lay still", "right"),
    ],
)
def test_a_fault_is_named_and_its_strides_left_out(fault, placement, words, concerned) -> None:
    result = analyze(apply_fault(recorded(), fault, placement=placement))
    (told,) = [w for w in result.quality["warnings"] if words in w]
    assert "and analyze again" in told or "record again" in told
    strides = result.strides
    bad = strides if concerned == "both" else strides[strides["leg"] == concerned]
    assert not bad["accepted"].any()
    if concerned != "both":
        assert strides[strides["leg"] != concerned]["accepted"].mean() > 0.8, "the other leg is used"


@pytest.mark.parametrize("placement", ["left_foot", "right_shank"])
def test_a_slip_is_timed_and_the_good_part_used(placement) -> None:
    right = analyze(recorded()).strides
    result = analyze(apply_fault(recorded(), "slipped", placement=placement, seed=2))
    (told,) = [w for w in result.quality["warnings"] if "slipped" in w]
    strides = result.strides
    reasons = strides["reject_reason"]
    late = reasons.str.startswith("sensor slipped at ")
    leg = placement.split("_")[0]
    assert late.any()
    assert set(strides["leg"][late]) == {leg}
    at = reasons[late].iloc[0].removeprefix("sensor slipped at ")
    assert at in told
    own, before = strides[strides["leg"] == leg], right[right["leg"] == leg]
    kept = own["accepted"].to_numpy()
    assert 0.3 < kept.mean() < 0.8
    assert len(own) == pytest.approx(len(before), abs=2)
    early = pd.merge_asof(
        own[kept], before, on="ic_s", tolerance=0.05, direction="nearest", suffixes=("", "_right")
    )
    change = (early["range_stance_deg"] - early["range_stance_deg_right"]).abs()
    assert change.median() < 1.0, "the part before the slip is what it was without one"
    assert result.quality["alignment"][placement]["verdict"] == "doubtful"


@pytest.mark.parametrize("fault", ["gyr_in_degrees", "acc_in_g", "gyr_range_wrong", "acc_range_wrong"])
def test_wrong_numbers_are_refused(fault) -> None:
    with pytest.raises(ImplausibleUnits, match=r"left_foot: .*(multiply by|set the range)"):
        analyze(apply_fault(recorded(), fault, placement="left_foot"))


def test_a_range_that_is_too_small_is_told() -> None:
    result = analyze(apply_fault(recorded(), "gyr_range_too_small", placement="left_foot"))
    (told,) = [w for w in result.quality["warnings"] if "range is too small" in w]
    assert told.startswith("left_foot: gyr ends at 250 deg/s")


def known() -> dict[str, Alignment]:
    _, truth = walk(PLAN, seed=3)
    return {
        p: Alignment(
            segment_from_sensor=qt.to_matrix(frames.mirror_rotation(q, frames.leg_of(p))[None])[0],
            sigma_yaw_deg=1.0,
            method="saved",
            verdict="good",
        )
        for p, q in truth.alignment.items()
    }


def test_upside_down_matters_to_a_saved_alignment_only() -> None:
    """Found anew, any mounting is as good as another: the same angles. A saved alignment contradicts."""
    right, turned = (
        analyze(r) for r in (recorded(), apply_fault(recorded(), "upside_down", placement="left_foot"))
    )
    assert turned.quality["warnings"] == []
    for kind in ("left_foot_tilt_deg", "left_inversion_deg"):
        difference = (right.angles[kind] - turned.angles[kind]).to_numpy()
        assert np.nanstd(difference) < 0.1
    saved = replace(recorded(), calibration=known())
    fits = analyze(saved)
    assert fits.quality["warnings"] == []
    assert fits.quality["alignment"]["left_foot"]["method"] == "saved"
    flipped = analyze(apply_fault(saved, "upside_down", placement="left_foot"))
    (told,) = flipped.quality["warnings"]
    assert told.startswith("left_foot: the sensor sits upside down against its saved alignment, which is not used")
    assert flipped.quality["alignment"]["left_foot"]["method"] != "saved"
    assert flipped.quality["alignment"]["right_foot"]["method"] == "saved"


def test_practice_is_not_judged_as_a_walk() -> None:
    bag = apply_fault(recorded(), "in_a_bag", placement="left_foot")
    practice = replace(bag, session=replace(bag.session, kind="practice"))
    assert not any("carried" in w for w in analyze(practice).quality["warnings"])


def test_clock_by_hand() -> None:
    assert clock(3 * 3600 + 12 * 60 + 5.4) == "03:12:05"


def test_real_recordings(shared) -> None:
    """Worn right: no alarm. Exchanged: named."""
    from ankle_imu.validation.datasets import read_cases

    alarms = ("exchanged", "moves like", "slipped", "carried", "lay still", "in turn", "scaled")
    for name in ("qmt_fullbody", "neura_s02_walk"):
        for case in read_cases(name, shared / "data"):
            told = analyze(case.recording).quality["warnings"]
            assert not [w for w in told if any(a in w for a in alarms)], case.name
            swapped = analyze(apply_fault(case.recording, "foot_shank_swapped")).quality["warnings"]
            assert any("they are exchanged" in w for w in swapped), case.name
            swapped = analyze(apply_fault(case.recording, "left_right_swapped")).quality["warnings"]
            assert any("left and right are exchanged" in w for w in swapped), case.name
