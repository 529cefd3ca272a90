"""Side-to-side stabilising: by hand, and its invariances."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ankle_imu import tables
from ankle_imu.metrics.settling import compare_directions, find_settling

RATE = 100.0
N = 40
IC = 50.0 + 100.0 * np.arange(N)
TO = IC + 70.0
END = IC + 100.0
GAIT = np.full(N, "walk")
ALL = np.ones(N, dtype=bool)


def walk_with(last: np.ndarray, usual: np.ndarray | None = None) -> np.ndarray:
    """Forty stances of 0.7 s, all alike but the last, which has `last` (70,) on top."""
    pattern = np.zeros(70) if usual is None else usual
    angle = np.zeros(100 * (N + 1))
    for k, ic in enumerate(IC.astype(int)):
        angle[ic : ic + 70] = pattern + (last if k == N - 1 else 0.0)
    return angle


def settle(angle: np.ndarray, landing: np.ndarray | None = None) -> dict[str, np.ndarray]:
    return find_settling(angle, np.zeros(N) if landing is None else landing, IC, TO, END, GAIT, ALL, RATE)


def test_a_swerve_by_hand() -> None:
    """To +8 deg in 0.1 s, back over 0.1 s to -2 deg, there until 0.35 s, then at rest: settled at 0.35 s."""
    swerve = np.interp(np.arange(70), [0, 10, 20, 34, 35, 69], [0, 8, -2, -2, 0, 0])
    found = settle(walk_with(swerve))
    assert found["first_direction"][-1] == "inversion"
    assert found["settle_s"][-1] == pytest.approx(0.35, abs=0.011)
    assert found["overshoot_deg"][-1] == pytest.approx(2.0, abs=0.05)
    assert found["first_direction"][:-1].tolist() == [""] * (N - 1)
    assert (found["settle_s"][:-1] == 0.0).all()
    assert np.isnan(found["overshoot_deg"][:-1]).all()


def test_ground_that_leans_all_the_while_is_settled_on() -> None:
    """The foot is set down level, gives way by 6 deg within 0.15 s, and stays: settled when it lies."""
    found = settle(walk_with(-np.interp(np.arange(70), [0, 15, 69], [0, 6, 6])))
    assert found["first_direction"][-1] == "eversion"
    assert 0.10 <= found["settle_s"][-1] <= 0.15
    assert found["overshoot_deg"][-1] == 0.0


def test_a_foot_set_down_askew_swerves_to_where_it_lies() -> None:
    """Set down 7 deg inverted, level after 0.2 s: from where it was set down that is eversion."""
    landing = np.zeros(N)
    landing[-1] = 7.0
    found = settle(walk_with(np.interp(np.arange(70), [0, 20], [7, 0])), landing)
    assert found["first_direction"][-1] == "eversion"


def test_what_every_step_does_is_no_swerve() -> None:
    usual = 10.0 * np.sin(np.linspace(0, 6, 70))
    assert (settle(walk_with(np.zeros(70), usual))["first_direction"] == "").all()


def test_switches_and_the_unknown() -> None:
    swerve = np.interp(np.arange(70), [0, 10, 25], [0, 8, 0])
    angle = np.zeros(100 * (N + 1))
    for k, ic in enumerate(IC.astype(int)):
        angle[ic : ic + 70] = swerve * ((k == 30) - (k == 31) - (k == 32))
    found = settle(angle)
    assert found["first_direction"][30:33].tolist() == ["inversion", "eversion", "eversion"]
    assert np.flatnonzero(found["lr_switch"]).tolist() == [31]
    angle[int(IC[31]) + 20] = np.nan
    found = settle(angle)
    assert found["first_direction"][31] == ""
    assert np.isnan(found["settle_s"][31])
    few = find_settling(angle, np.zeros(N), IC, TO, END, GAIT, np.arange(N) < 24, RATE)
    assert (few["first_direction"] == "").all()
    assert np.isnan(few["settle_s"]).all()


def test_a_switch_is_from_the_very_stance_before() -> None:
    """To and fro at every stance: a switch each time, but not over a pause nor from a rejected stance."""
    swerve = np.interp(np.arange(70), [0, 10, 25], [0, 8, 0])
    angle = np.zeros(100 * (N + 1))
    for k, ic in enumerate(IC.astype(int)):
        angle[ic : ic + 70] = swerve * (-1) ** k

    def switches(end: np.ndarray, usable: np.ndarray) -> list[int]:
        found = find_settling(angle, np.zeros(N), IC, TO, end, GAIT, usable, RATE)
        assert (found["first_direction"] != "").all()
        return np.flatnonzero(~found["lr_switch"]).tolist()

    assert switches(END, ALL) == [0]
    assert switches(END + 2.0, ALL) == [0], "20 ms: the same contact"
    before_a_pause = END - 20.0 * (np.arange(N) == 9)
    assert switches(before_a_pause, ALL) == [0, 10]
    assert switches(END, ~np.isin(np.arange(N), [20, 25])) == [0, 20, 21, 25, 26]


def test_no_strides() -> None:
    none = np.empty(0)
    found = find_settling(np.zeros(10), none, none, none, none, np.empty(0, "U4"), np.empty(0, bool), RATE)
    assert all(len(values) == 0 for values in found.values())


@given(st.integers(0, 10_000), st.floats(-30, 30))
def test_mirror_and_offset(seed: int, offset: float) -> None:
    """A constant offset (standing pose, slope) changes nothing; the mirrored angle swaps the directions."""
    rng = np.random.default_rng(seed)
    angle = np.repeat(rng.normal(0, 4, 10 * (N + 1)), 10)
    landing = angle[IC.astype(int)]
    one, moved, mirrored = (
        settle(angle, landing),
        settle(angle + offset, landing + offset),
        settle(-angle, -landing),
    )
    swap = {"inversion": "eversion", "eversion": "inversion", "": ""}
    assert [swap[d] for d in one["first_direction"]] == mirrored["first_direction"].tolist()
    assert one["first_direction"].tolist() == moved["first_direction"].tolist()
    for name in ("settle_s", "overshoot_deg"):
        np.testing.assert_allclose(one[name], mirrored[name], atol=1e-9)
        np.testing.assert_allclose(one[name], moved[name], atol=1e-6)


def strides_of(leg: str, slower_to_the_right: float, n: int = 200) -> pd.DataFrame:
    rng = np.random.default_rng(5)
    to_right = np.arange(n) % 2 == 0
    right = "eversion" if leg == "left" else "inversion"
    left = "inversion" if leg == "left" else "eversion"
    return tables.make_table(
        tables.STRIDES,
        {
            "leg": [leg] * n,
            "gait": ["walk"] * n,
            "angle_source": ["joint"] * n,
            "accepted": [True] * n,
            "lr_switch": [True] * n,
            "first_direction": np.where(to_right, right, left),
            "settle_s": 0.2 + slower_to_the_right * to_right + 0.02 * rng.standard_normal(n),
            "overshoot_deg": 2.0 + 0.3 * rng.standard_normal(n),
        },
    )


@pytest.mark.parametrize("leg", ["left", "right"])
def test_both_directions_are_compared(leg: str) -> None:
    """0.05 s slower to the right is seen as such on either leg, and no difference where there is none."""
    found = compare_directions(strides_of(leg, 0.05)).set_index("metric")
    settle_row, over = found.loc["settle_s"], found.loc["overshoot_deg"]
    assert settle_row["n_left_to_right"] == settle_row["n_right_to_left"] == 100
    assert settle_row["difference"] == pytest.approx(0.05, abs=0.01)
    assert settle_row["ci_low"] > 0.02
    assert over["ci_low"] < 0.0 < over["ci_high"]


def test_too_few_to_compare() -> None:
    found = compare_directions(strides_of("left", 0.05, n=40))
    assert found["difference"].isna().all()
    assert len(compare_directions(tables.make_table(tables.STRIDES, {}))) == 0
