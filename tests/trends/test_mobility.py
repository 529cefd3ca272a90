"""Practice over weeks: like with like, beside the walks, and no word before there is enough."""

from __future__ import annotations

import math

import pytest

from ankle_imu import tables
from ankle_imu.errors import QualityRefusal
from ankle_imu.trends.mobility import look_mobility, suggest

NO_WALKS = tables.make_table(tables.TREND, {})


def practice(values, **more):
    """A session a week with these active ranges, deg."""
    n = len(values)
    columns = {
        "session_id": [f"s{k}" for k in range(n)],
        "start_utc": [f"2026-05-{1 + k:02d}T08:00:00Z" for k in range(n)],
        "alias": ["P-test"] * n,
        "leg": ["left"] * n,
        "action": ["inversion"] * n,
        "load": ["none"] * n,
        "angle_source": ["joint"] * n,
        "active_deg": list(values),
        "mdc_deg": [8.0] * n,
        **more,
    }
    return tables.make_table(tables.PRACTICE_TREND, columns)


def walked(day, inv, source="joint", gait="walk"):
    return tables.make_table(
        tables.TREND,
        {"session_id": ["w"], "start_utc": [f"2026-05-{day:02d}T12:00:00Z"], "leg": ["left"], "gait": [gait],
         "angle_source": [source], "inv_excursion_deg_median": [inv]},
    )  # fmt: skip


def test_a_difference_within_the_detectable_change_is_none():
    (told,) = look_mobility(practice([20, 21, 20, 22, 27, 26]), NO_WALKS, "inversion").sentences
    assert "20.0 deg at first, 26.0 deg of late" in told
    assert "cannot be told from none" in told


def test_a_larger_one_is_told():
    (told,) = look_mobility(practice([20, 21, 20, 31, 30, 30]), NO_WALKS, "inversion").sentences
    assert "goes further than at first: 20.0 to 30.0 deg" in told
    (told,) = look_mobility(practice([30, 31, 30, 20, 20, 21]), NO_WALKS, "inversion").sentences
    assert "less far" in told


def test_four_sessions_are_no_trend():
    (told,) = look_mobility(practice([20, 40, 60, 80]), NO_WALKS, "inversion").sentences
    assert "4 of the 5 sessions" in told


@pytest.mark.parametrize(
    ("column", "other"), [("angle_source", "foot"), ("knee", "straight"), ("load", "band"), ("deload_cm", 10.0)]
)
def test_only_like_is_compared_with_like(column, other):
    table = practice([20.0, 21.0, 22.0, 35.0])
    table.loc[3, column] = other
    one = look_mobility(table, NO_WALKS, "inversion")
    assert [p.value for p in one.active] == [20.0, 21.0, 22.0]
    assert len(one.left_out) == 1
    assert "1 session not mixed in" in one.left_out[0]


def test_what_is_to_be_measured_again_is_left_out():
    table = practice([20.0, 21.0, 22.0], repeat=[False, True, False])
    one = look_mobility(table, NO_WALKS, "inversion")
    assert [p.value for p in one.active] == [20.0, 22.0]
    assert "1 to be measured again" in one.left_out


def test_walking_is_held_against_the_range_measured_before_it():
    table = practice([20.0, 40.0])
    (used,) = look_mobility(table, walked(1, 5.0), "inversion").used
    assert used.value == pytest.approx(5.0 / 20.0)
    (used,) = look_mobility(table, walked(2, 5.0), "inversion").used
    assert used.value == pytest.approx(5.0 / 40.0)


@pytest.mark.parametrize("walk", [walked(1, 5.0, source="foot"), walked(1, 5.0, gait="run"), walked(1, math.nan)])
def test_other_walks_use_no_known_share(walk):
    assert look_mobility(practice([20.0]), walk, "inversion").used == ()


def test_a_walk_before_all_practice_has_no_range_to_be_held_against():
    table = practice([20.0]).assign(start_utc="2026-05-09T08:00:00Z")
    assert look_mobility(table, walked(1, 5.0), "inversion").used == ()


def test_time_under_tension_is_the_sum_over_loads():
    table = practice([20.0, math.nan], holds=[1, 2], tension_s=[10.0, 15.0], longest_s=[10.0, 8.0])
    table["session_id"] = "s0"
    table.loc[1, ["load", "load_kg"]] = ["ankle_weight", 1.5]
    one = look_mobility(table, NO_WALKS, "inversion")
    assert [p.value for p in one.tension] == [25.0]


def test_the_ladder_goes_from_thick_blanket_to_weight():
    table = practice([math.nan] * 5, holds=[1] * 5, tension_s=[9.0] * 5, longest_s=[9.0] * 5)
    table["load"] = ["ankle_weight", "body_weight", "body_weight", "body_weight", "ankle_weight"]
    table["load_kg"] = [2.0, math.nan, math.nan, math.nan, 1.0]
    table["deload_cm"] = [math.nan, 0.0, 10.0, 4.0, math.nan]
    words = [rung.words for rung in look_mobility(table, NO_WALKS, "inversion").rungs]
    assert words == [
        "thick blanket (10 cm)", "thin blanket (4 cm)", "no blanket", "ankle weight 1 kg", "ankle weight 2 kg",
    ]  # fmt: skip


@pytest.mark.parametrize(("n", "said"), [(2, ""), (3, "a thin blanket could come next")])
def test_the_next_rung_takes_three_sessions(n, said):
    table = practice(
        [math.nan] * n, holds=[1] * n, longest_s=[9.0] * n, load=["body_weight"] * n, deload_cm=[10.0] * n
    )
    told = suggest(look_mobility(table, NO_WALKS, "inversion").rungs)
    assert said in " ".join(told)
    assert len(told) == (n == 3)


def test_an_action_that_was_never_done_is_refused():
    with pytest.raises(QualityRefusal, match="There is no analyzed session"):
        look_mobility(tables.make_table(tables.PRACTICE_TREND, {}), NO_WALKS, "lunge")
    with pytest.raises(QualityRefusal, match="there is inversion"):
        look_mobility(practice([20.0]), NO_WALKS, "lunge")


def test_a_rung_tells_how_far_and_how_steadily_it_was_held():
    table = practice(
        [20.0, 22.0, math.nan], holds=[1, 1, 0], longest_s=[9.0, 8.0, math.nan],
        drift_dps=[-0.1, -0.3, math.nan], tremor_dps=[2.0, 4.0, math.nan],
    )  # fmt: skip
    (rung,) = look_mobility(table, NO_WALKS, "inversion").rungs
    assert (rung.active_deg, rung.drift_dps, rung.tremor_dps) == (21.0, pytest.approx(-0.2), 3.0)
    assert math.isnan(rung.assisted_deg)


def test_the_figures_of_a_rung_are_of_one_source_and_its_sessions_of_all():
    table = practice(
        [20.0, 22.0, 40.0], angle_source=["joint", "joint", "foot"], holds=[1] * 3, longest_s=[9.0, 8.0, 12.0],
        tremor_dps=[2.0, 4.0, 30.0],
    )  # fmt: skip
    (rung,) = look_mobility(table, NO_WALKS, "inversion").rungs
    assert (rung.active_deg, rung.tremor_dps) == (21.0, 3.0)
    assert (rung.sessions, rung.longest_s) == (3, 12.0)
    (bent, straight) = ("bent", "straight")
    table = practice([20.0, 22.0, 40.0], knee=[bent, bent, straight], holds=[1] * 3, longest_s=[9.0] * 3)
    assert look_mobility(table, NO_WALKS, "inversion").rungs[0].active_deg == 21.0


def test_a_blanket_under_a_weight_is_a_rung_and_a_basis_of_its_own():
    nan = math.nan
    table = practice([20.0] * 4, holds=[1] * 4, longest_s=[9.0] * 4, load=["ankle_weight"] * 2 + ["band"] * 2)
    table["load_kg"], table["deload_cm"] = [1.0, 1.0, nan, nan], [nan, 8.0, 4.0, nan]
    one = look_mobility(table, NO_WALKS, "inversion")
    assert [rung.words for rung in one.rungs] == [
        "band, thin blanket (4 cm)", "band", "ankle weight 1 kg, thick blanket (8 cm)", "ankle weight 1 kg",
    ]  # fmt: skip
    assert len(one.left_out) == 3


@pytest.mark.parametrize(
    ("load", "said"),
    [
        ({"load": "body_weight", "body_share": 0.5}, "a little more of the body's weight could come next"),
        ({"load": "body_weight", "body_share": 1.0}, "a light ankle weight could come next"),
        ({"load": "band"}, "a stronger band could come next"),
        ({"load": "water"}, "the same without water could come next"),
        ({"load": "ankle_weight", "load_kg": 1.0, "deload_cm": 8.0}, "a thin blanket could come next"),
        ({"load": "ankle_weight", "load_kg": 1.0}, "a little more weight could come next"),
    ],
)
def test_what_could_come_next_is_a_step_further_of_the_same(load, said):
    table = practice([math.nan] * 3, holds=[1] * 3, longest_s=[9.0] * 3, **{k: [v] * 3 for k, v in load.items()})
    assert said in " ".join(suggest(look_mobility(table, NO_WALKS, "inversion").rungs))
