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


NO_GAPS = tables.make_table(tables.GAPS, {})


def outcome(*args: object, **kwargs: object) -> str:
    strides, events, angles = session(*args, **kwargs)  # type: ignore[arg-type]
    return str(judge_outcomes(events, strides, angles, NO_GAPS)[0])


def gap(start: float, end: float, placement: str = "left_foot", filled: bool = False) -> pd.DataFrame:
    return tables.make_table(
        tables.GAPS, {"placement": [placement], "start_s": [start], "end_s": [end], "filled": [filled]}
    )


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
        assert judge_outcomes(events.assign(kind=kind), strides, angles, NO_GAPS).tolist() == ["na"]
        assert len(recover(strides, events.assign(kind=kind))) == 0


def test_a_gap_is_no_stop() -> None:
    """Nothing was recorded for 4 s after the roll: whether the walker stood cannot be told."""
    strides, events, angles = session(STEADY, pause=(ROLL + 3, 4.0))
    start, end = strides["end_s"][ROLL + 3], strides["start_s"][ROLL + 4]

    def said(gaps: pd.DataFrame) -> str:
        return str(judge_outcomes(events, strides, angles, gaps)[0])

    assert said(gap(start + 0.2, end - 0.1)) == "na"
    assert said(gap(end - 1.0, end + 0.3)) == "na"
    assert said(gap(start + 0.2, end - 0.1, filled=True)) == "disrupted"
    assert said(gap(start + 0.2, end - 0.1, "right_foot")) == "disrupted"
    assert said(gap(end + 2.0, end + 5.0)) == "disrupted"
    late = strides.assign(stride_time_s=np.where(strides.index == ROLL + 1, 1.5, strides["stride_time_s"]))
    whole = gap(start + 0.2, end - 0.1)
    assert judge_outcomes(events, late, angles, whole).tolist() == ["disrupted"], "out of time before the gap"


def test_a_stride_with_a_gap_is_not_out_of_time() -> None:
    """A contact that fell into a gap makes one stride of two."""
    strides, events, angles = session(changed(ROLL + 1, 2.2))
    middle = strides["start_s"][ROLL + 1] + 1.0
    assert judge_outcomes(events, strides, angles, gap(middle, middle + 0.3)).tolist() == ["na"]
    assert judge_outcomes(events, strides, angles, NO_GAPS).tolist() == ["disrupted"]


@pytest.mark.parametrize("name", ["stride_time_s", "stance_time_s"])
def test_what_is_not_measured_is_not_as_before(name: str) -> None:
    strides, events, angles = session(STEADY)
    times = strides[name].to_numpy(copy=True)
    times[ROLL + 2] = np.nan
    unknown = strides.assign(**{name: times})
    assert judge_outcomes(events, unknown, angles, NO_GAPS).tolist() == ["na"]
    assert recover(unknown, events)["recovery_strides"].tolist() == [2.0]
    never = strides.assign(**{name: np.nan})
    assert judge_outcomes(events, never, angles, NO_GAPS).tolist() == ["na"]
    assert recover(never, events)["recovery_strides"].isna().all()


@pytest.mark.parametrize("apart", ["pause", "gait", "long ago"])
def test_the_measure_is_of_the_same_walk(apart: str) -> None:
    """Strides before a pause, of another gait or of a minute ago say nothing of this moment."""
    strides, events, angles = session(STEADY, pause=(ROLL - 4, 2.5))
    assert judge_outcomes(events, strides, angles, NO_GAPS).tolist() == ["save"]
    if apart == "pause":
        strides, events, angles = session(STEADY, pause=(ROLL - 4, 4.0))
    elif apart == "gait":
        strides["gait"] = np.where(np.arange(len(strides)) < ROLL - 3, "run", "walk")
    else:
        strides, events, angles = session(np.full(40, 2.8))
        strides["gait"] = np.where((ROLL - np.arange(40)) % 3 == 0, "walk", "stairs_down")
    assert judge_outcomes(events, strides, angles, NO_GAPS).tolist() == ["na"]
    assert recover(strides, events)["recovery_strides"].isna().all()
