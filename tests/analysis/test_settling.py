"""Stabilising on simulated ground that tilts to the left and to the right."""

from __future__ import annotations

import numpy as np
import pytest

from ankle_imu import simulate
from ankle_imu.analysis import analyze


@pytest.mark.parametrize(
    ("gait", "errors", "leg"),
    [("walk", "typical", "left"), ("walk", "full", "right"), ("run", "typical", "right")],
)
def test_direction_and_time(gait: str, errors: str, leg: str) -> None:
    """First direction right in 95 % of the stances on tilted ground, time to settle within 50 ms."""
    plan = simulate.Plan(
        duration_s=200.0,
        sampling_rate=104.0,
        gait=gait,
        errors=errors,
        side_tilts=0.6,
        placements=(f"{leg}_foot", f"{leg}_shank"),
    )
    recording, truth = simulate.walk(plan, seed=21)
    found = analyze(recording).strides
    true = truth.strides[truth.strides["leg"] == leg]
    near = np.abs(found["ic_s"].to_numpy()[:, None] - true["ic_s"].to_numpy()).argmin(axis=1)
    true = true.iloc[near].reset_index(drop=True)
    contacts = truth.contacts[truth.contacts["leg"] == leg]
    tilt = np.interp(true["ic_s"], contacts["ic_s"], contacts["ground_tilt_deg"])
    chosen = found["accepted"].to_numpy() & (np.abs(tilt) > 5.0) & (true["first_direction"] != "").to_numpy()
    assert chosen.sum() > 50
    direction = np.where(tilt > 0, "inversion", "eversion")[chosen]
    same = found["first_direction"].to_numpy()[chosen] == true["first_direction"].to_numpy()[chosen]
    assert same.mean() >= 0.95
    assert (found["first_direction"].to_numpy()[chosen] == direction).mean() >= 0.93
    off = np.abs(found["settle_s"] - true["settle_s"]).to_numpy()[chosen]
    assert np.nanmedian(off) <= 0.050
    pairs = chosen[1:] & chosen[:-1] & (np.diff(near) == 1)
    assert pairs.sum() > 40
    same_switch = (found["lr_switch"] == true["lr_switch"]).to_numpy()[1:][pairs]
    assert same_switch.mean() >= 0.90, "both directions right; by chance it would be a half"
    assert 0.2 < true["lr_switch"].to_numpy()[1:][pairs].mean() < 0.8
