"""Rolls that disrupt, rolls outwards, ground that tilts: what the answer sheet says of them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from ankle_imu import simulate
from ankle_imu.simulate.plan import mirrored

PLAN = simulate.Plan(
    duration_s=200.0, sampling_rate=104.0, terrain="uneven", placements=("left_foot", "left_shank")
)


def test_what_is_not_asked_for_changes_nothing() -> None:
    """The walk of a seed is the same with and without the fields, up to the first event."""
    plain, _ = simulate.walk(PLAN, seed=5)
    tilted, truth = simulate.walk(replace(PLAN, side_tilts=0.5), seed=5)
    assert not np.array_equal(plain.series["left_foot"].gyr, tilted.series["left_foot"].gyr)
    first = truth.contacts["ic_s"][truth.contacts["ic_s"] > 0].min() - 1.0
    still = plain.series["left_foot"].time < first
    assert np.array_equal(plain.series["left_foot"].acc[still], tilted.series["left_foot"].acc[still])


def test_disrupted_rolls_stop_or_slow_the_walker() -> None:
    _, truth = simulate.walk(replace(PLAN, duration_s=300.0, rolls=2, disrupted_rolls=4, eversion_rolls=3), seed=2)
    events = truth.events
    assert (events["outcome"] == "disrupted").sum() == 4
    assert (events["kind"] == "eversion_roll").sum() == 3
    assert set(events["leg"]) == {"left"}
    contacts = np.sort(truth.contacts["ic_s"].to_numpy())
    for event in events[events["outcome"] == "disrupted"].itertuples():
        steps = np.diff(contacts[contacts > event.time_s - 4.0])[:12]
        assert steps.max() > 1.2 * np.median(steps), "the walker went on as before"
    assert (events["peak_deg"] > 15.0).all()
    assert truth.events["time_s"].is_monotonic_increasing


@pytest.mark.parametrize("field", ["disrupted_rolls", "eversion_rolls"])
def test_mirrored(field: str) -> None:
    plan = replace(PLAN, duration_s=80.0, **{field: 2}, side_tilts=0.3)
    _, one = simulate.walk(plan, seed=4)
    other = replace(plan, mirrored=True, placements=tuple(mirrored(p) for p in plan.placements))
    _, two = simulate.walk(other, seed=4)
    assert one.events["peak_deg"].tolist() == two.events["peak_deg"].tolist()
    assert one.strides["settle_s"].tolist() == pytest.approx(two.strides["settle_s"].tolist(), nan_ok=True)
    assert one.strides["first_direction"].tolist() == two.strides["first_direction"].tolist()


def test_tilted_ground_swerves_the_ankle() -> None:
    """On 10 deg of tilt to either side the true first direction is that of the tilt, but for odd landings."""
    plan = replace(PLAN, terrain="flat", side_tilts=1.0, side_tilt_deg=10.0)
    _, truth = simulate.walk(plan, seed=3)
    left = truth.strides[truth.strides["leg"] == "left"]
    contacts = truth.contacts[truth.contacts["leg"] == "left"]
    tilt = np.interp(left["ic_s"], contacts["ic_s"], contacts["ground_tilt_deg"])
    steady = np.abs(tilt) > 8.0
    expected = np.where(tilt > 0, "inversion", "eversion")
    assert (left["first_direction"].to_numpy() == expected)[steady].mean() > 0.95
    assert left["lr_switch"].mean() == pytest.approx(0.5, abs=0.15)
    assert 0.1 < left["settle_s"].median() < 0.5


def test_a_plan_without_room_for_the_stops_is_refused() -> None:
    with pytest.raises(ValueError, match="duration_s"):
        replace(PLAN, duration_s=40.0, disrupted_rolls=5)


@pytest.mark.parametrize("leg", ["left", "right"])
def test_no_switch_over_a_stop(leg: str) -> None:
    """The stance before a stop swerved to the other side, but is not the one before."""
    plan = replace(PLAN, duration_s=240.0, sampling_rate=52.0, terrain="flat", side_tilts=0.6, disrupted_rolls=6)
    _, truth = simulate.walk(plan, seed=1)
    strides = truth.strides[truth.strides["leg"] == leg]
    direction = strides["first_direction"].to_numpy()
    other = (direction[1:] != direction[:-1]) & (direction[1:] != "") & (direction[:-1] != "")
    apart = strides["start_s"].to_numpy()[1:] - strides["end_s"].to_numpy()[:-1] > 1.0
    assert (other & apart).any()
    assert strides["lr_switch"].to_numpy()[1:].tolist() == (other & ~apart).tolist()
