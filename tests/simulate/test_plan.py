"""Plans: named, from files, over weeks; every mistake is one sentence."""

from __future__ import annotations

import pytest

from ankle_imu import simulate
from ankle_imu.cli import simulating


def test_plan_from_toml(tmp_path):
    path = tmp_path / "hill.toml"
    path.write_text('duration_s = 90\nterrain = "hill"\nplacements = ["left_foot", "left_shank"]\nrolls = 1\n')
    plan = simulate.plan_from_toml(path)
    wanted = simulate.Plan(duration_s=90, terrain="hill", placements=("left_foot", "left_shank"), rolls=1)
    assert repr(plan) == repr(wanted)  # fields that are NaN are not equal to themselves
    assert repr(simulate.named_plan(str(path))) == repr(plan)


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("duraton_s = 90", "duraton_s"),
        ('duration_s = "long"', "duration_s"),
        ('gait = "hop"', "hop"),
        ("rolls = 1.5", "rolls"),
        ('placements = ["nose"]', "nose"),
        ("placements = []", "placements"),
        ("duration_s = 3", "duration_s"),
        ("duration_s = ", "not a TOML file"),
        ("mean_rotation_deg = inf", "mean_rotation_deg"),
        ("movements = 1", "movements"),
        ("roll_from_deg = 50", "roll_from_deg"),
        ("longest_gap_s = 0.01", "longest_gap_s"),
        ('slip_placement = "nose"', "slip_placement"),
        ("slip_at_s = 1e6", "slip_at_s"),
        ('terrain = "stairs"\ngait = "run"', "stairs are walked"),
        ("warm_up_k = 20", "warm_up_k takes sensors with errors"),
    ],
)
def test_a_wrong_plan_file_says_what_is_wrong(tmp_path, text, word):
    path = tmp_path / "plan.toml"
    path.write_text(text)
    with pytest.raises(ValueError, match=word) as caught:
        simulate.plan_from_toml(path)
    assert "\n" not in str(caught.value)
    assert "plan.toml" in str(caught.value)


def test_named_plans():
    assert {"default", "level_walk", "hill_mixed"} <= set(simulate.PLANS)
    help_text = simulating.simulate.__doc__ or ""
    assert all(f"{name}," in help_text or f"{name}." in help_text for name in simulate.PLANS)
    assert simulate.named_plan("default") is simulate.PLANS["default"]
    with pytest.raises(ValueError, match="no_such_plan"):
        simulate.named_plan("no_such_plan")
    with pytest.raises(ValueError, match="No plan file"):
        simulate.named_plan("absent.toml")


def test_recovery_plans_tell_a_story():
    plans = simulate.recovery_plans(6)
    assert len(plans) == 12
    days = [day for _, _, day in plans]
    assert days == sorted(days)
    assert len({seed for _, seed, _ in plans}) == 12
    spread = [plan.affected_spread for plan, _, _ in plans]
    assert spread == sorted(spread, reverse=True)
    assert spread[0] > 2.0 > 1.2 > spread[-1]
    with pytest.raises(ValueError, match="weeks"):
        simulate.recovery_plans(0)
