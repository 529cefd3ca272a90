"""What came after a roll: by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from ankle_imu import tables
from ankle_imu.metrics.recovery import judge_outcomes, recover

RATE = 50.0
ROLL = 20


def session(
    stride_time: np.ndarray, back_s: float = 0.15, pause: tuple[int, float] = (0, 0.0), stance: float = 0.6
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Forty strides of the left foot, a roll of 30 deg 0.15 s into the 21st: strides, events, angles."""
    length = np.array(stride_time, dtype=float)
    start = np.concatenate([[1.0], 1.0 + np.cumsum(length)[:-1]])
    start[pause[0] + 1 :] += pause[1]
    stance_s = 0.6 * length
    stance_s[ROLL] = stance * length[ROLL]
    n = len(length)
    strides = tables.make_table(
        tables.STRIDES,
        {
            "stride_id": np.arange(n),
            "leg": ["left"] * n,
            "start_s": start,
            "end_s": start + length,
            "ic_s": start,
            "to_s": start + stance_s,
            "stride_time_s": length,
            "stance_time_s": stance_s,
            "gait": ["walk"] * n,
            "accepted": [True] * n,
            "angle_source": ["joint"] * n,
            "inv_excursion_deg": np.full(n, 4.0) + np.arange(n) % 3,
            "peak_inv_vel_dps": np.full(n, 90.0) + np.arange(n) % 4,
        },
    )
    peak = start[ROLL] + 0.15
    time = np.arange(0.0, start[-1] + length[-1] + 1.0, 1.0 / RATE)
    angles = tables.make_table(
        tables.ANGLES,
        {
            "time_s": time,
            "left_inversion_deg": np.interp(time, [peak - 0.1, peak, peak + back_s], [0.0, 30.0, 0.0]),
        },
    )
    events = tables.make_table(
        tables.EVENTS,
        {"event_id": [7], "leg": ["left"], "time_s": [peak], "kind": ["roll"], "angle_source": ["joint"]},
    )
    return strides, events, angles


STEADY = np.full(40, 1.1) + 0.01 * (np.arange(40) % 3)


def outcome(*args: object, **kwargs: object) -> str:
    strides, events, angles = session(*args, **kwargs)  # type: ignore[arg-type]
    return str(judge_outcomes(events, strides, angles)[0])


def changed(at: int, seconds: float) -> np.ndarray:
    length = STEADY.copy()
    length[at] = seconds
    return length


def test_caught() -> None:
    assert outcome(STEADY) == "save"
    strides, events, _ = session(STEADY)
    row = recover(strides, events).iloc[0]
    assert (row["event_id"], row["recovery_strides"]) == (7, 0)
    assert row["recovery_s"] == pytest.approx(strides["start_s"][ROLL + 1] - events["time_s"][0])


@pytest.mark.parametrize(
    ("kwargs", "said"),
    [
        ({"stride_time": changed(ROLL + 1, 1.5)}, "disrupted"),
        ({"stride_time": changed(ROLL + 2, 0.8)}, "disrupted"),
        ({"stride_time": changed(ROLL + 4, 1.5)}, "save"),
        ({"stride_time": STEADY, "pause": (ROLL + 3, 4.0)}, "disrupted"),
        ({"stride_time": STEADY, "pause": (ROLL + 12, 4.0)}, "save"),
        ({"stride_time": STEADY, "stance": 0.4}, "disrupted"),
        ({"stride_time": STEADY, "back_s": 0.6}, "na"),
        ({"stride_time": STEADY[: ROLL + 2]}, "na"),
    ],
)
def test_each_way_to_be_thrown_off(kwargs: dict[str, object], said: str) -> None:
    assert outcome(**kwargs) == said


def test_recovery_waits_for_three_in_a_row() -> None:
    length = STEADY.copy()
    length[ROLL + 1] = length[ROLL + 4] = 1.4
    strides, events, _ = session(length)
    assert recover(strides, events)["recovery_strides"].tolist() == [4.0]
    strides, events, _ = session(np.where(np.arange(40) > ROLL, 1.5, STEADY))
    assert recover(strides, events)["recovery_strides"].isna().all()


def test_what_is_no_roll_has_no_outcome() -> None:
    strides, events, angles = session(STEADY)
    for kind in ("wobble", "marker"):
        assert judge_outcomes(events.assign(kind=kind), strides, angles).tolist() == ["na"]
        assert len(recover(strides, events.assign(kind=kind))) == 0
