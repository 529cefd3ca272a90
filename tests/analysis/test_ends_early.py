"""A battery that runs empty in mid-walk costs what that sensor would have told, nothing else."""

import numpy as np
import pytest

import ankle_imu as ai
from ankle_imu.simulate import Plan, walk

RATE = 104.0


@pytest.fixture(scope="module")
def four():
    """Two minutes, four sensors; 79 strides a leg, walking from 29 s on."""
    recording, _ = walk(Plan(duration_s=120.0, sampling_rate=RATE, errors="typical"), seed=3)
    return recording


@pytest.fixture(scope="module")
def whole(four):
    return accepted(ai.analyze(four))


def ended(recording, placement, after):
    sensors = {p: (s.acc.copy(), s.gyr.copy()) for p, s in recording.series.items()}
    for values in sensors[placement]:
        values[round(after * RATE) :] = np.nan
    return ai.Recording.from_arrays(RATE, sensors)


def accepted(result):
    strides = result.strides[result.strides["accepted"]]
    return {leg: len(part) for leg, part in strides.groupby("leg")}


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("after", [3.0, 21.0, 30.5, 60.0])
@pytest.mark.parametrize("placement", ["left_foot", "right_foot", "left_shank", "right_shank"])
def test_a_sensor_that_ends_early_spoils_nothing_else(four, whole, placement, after):
    result = ai.analyze(ended(four, placement, after))
    leg, segment = placement.split("_")
    other = "right" if leg == "left" else "left"
    assert accepted(result)[other] >= whole[other] - 2
    if segment == "shank":
        assert accepted(result)[leg] >= whole[leg] - 2
    else:
        assert accepted(result).get(leg, 0) >= (after - 32.0) / 120.0 * whole[leg]
    told = " ".join(result.quality["warnings"])
    assert not any(word in told for word in ("slipped", "exchanged", "other leg", "lay still", "moves like"))


def test_strides_after_a_pause_stay_a_walk_when_the_other_leg_is_gone(four, whole):
    """Each leg is asked for strides only where it was received."""
    result = ai.analyze(ended(four, "right_foot", 60.0))
    late = result.strides[(result.strides["leg"] == "left") & (result.strides["start_s"] > 62.0)]
    assert len(late) > 30
    assert "not part of a bout" not in set(late["reject_reason"])
