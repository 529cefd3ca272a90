"""Sessions at like ground: by hand, by property, and against the truth of made-up seasons."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from ankle_imu import tables
from ankle_imu.comparison import COLUMNS, SessionStrides, adjusted, mixed, standardise
from ankle_imu.comparison.dependence import stretch
from ankle_imu.comparison.rates import poisson_interval
from ankle_imu.comparison.windows import Windows, cut, find_measure
from ankle_imu.trends.bootstrap import draw_changes, windows_of
from ankle_imu.validation.stride_tables import MadeUp, Outing, Person, make_season, make_session

STEPS = "successive_inv_excursion_deg"


@pytest.fixture(scope="module")
def season() -> list[MadeUp]:
    return make_season(3, sessions=12, drifting_ground=0.6)


@pytest.fixture(scope="module")
def sessions(season: list[MadeUp]) -> list[SessionStrides]:
    return [one.session for one in season]


def test_one_row_per_session_oldest_first(sessions: list[SessionStrides]) -> None:
    found = adjusted(sessions[::-1], STEPS, "left", "walk")
    assert list(found.columns) == list(COLUMNS)
    assert list(found["session_id"]) == [s.session_id for s in sessions]
    assert (found["low"] < found["value"]).all()
    assert (found["value"] < found["high"]).all()
    assert found["overlap"].between(0.2, 1.0).all()
    assert (found["reason"] == "").all()


def test_the_mixed_model_needs_its_library_and_the_base_does_without(
    sessions: list[SessionStrides], monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("statsmodels")
    assert set(adjusted(sessions, STEPS, "left", "walk")["method"]) == {"mixed"}
    monkeypatch.setattr(mixed, "is_available", lambda: False)
    found = adjusted(sessions, STEPS, "left", "walk")
    assert set(found["method"]) == {"levels"}
    assert "footwear" not in found["adjusted_for"][0]
    assert adjusted(sessions, "roll_rate_per_1000", "left", "walk")["value"].notna().all()


def test_direct_standardisation_refuses_other_ground(sessions: list[SessionStrides]) -> None:
    found = adjusted(sessions, STEPS, "left", "walk", method="direct")
    assert set(found["method"][found["reason"] == ""]) == {"direct"}
    assert found["reason"][found["method"] == ""].str.contains("other ground").all()


def test_few_sessions_are_standardised_directly(sessions: list[SessionStrides]) -> None:
    assert set(adjusted(sessions[:3], STEPS, "left", "walk")["method"]) == {"direct"}


@pytest.mark.parametrize("method", ["mixed", "direct"])
def test_the_same_walk_twice_has_the_same_value(sessions: list[SessionStrides], method: str) -> None:
    twin = replace(sessions[0], session_id="twin", start_utc="2026-01-01T10:00:00+00:00")
    found = adjusted([*sessions[:6], twin], STEPS, "left", "walk", method=method).set_index("session_id")
    first, again = found.loc[sessions[0].session_id], found.loc["twin"]
    assert again["value"] == pytest.approx(first["value"], rel=1e-9)


def test_what_is_never_pooled_has_no_value_and_a_reason(sessions: list[SessionStrides]) -> None:
    other_source = replace(sessions[1], strides=sessions[1].strides.assign(angle_source="foot"))
    other_site = replace(sessions[2], mount_site={"left": "heel"})
    short = replace(sessions[3], strides=sessions[3].strides.iloc[:40].reset_index(drop=True))
    runs = replace(sessions[4], strides=sessions[4].strides.assign(gait="run"))
    found = adjusted([sessions[0], other_source, other_site, short, runs, *sessions[5:]], STEPS, "left", "walk")
    reasons = dict(zip(found["session_id"], found["reason"], strict=True))
    for one, word in (
        (other_source, "foot sensor alone"),
        (other_site, "heel"),
        (short, "needed"),
        (runs, "no accep"),
    ):
        assert word in reasons[one.session_id]
        assert found.set_index("session_id").loc[one.session_id, ["value", "low", "high"]].isna().all()
    assert found["value"].notna().sum() == 8


def test_the_other_leg_has_no_value(sessions: list[SessionStrides]) -> None:
    found = adjusted(sessions, STEPS, "right", "walk")
    assert found["value"].isna().all()
    assert (found["reason"] == "no accepted walk strides of the right leg").all()
    assert len(adjusted([], STEPS, "left", "walk")) == 0


def test_an_unknown_measure_is_the_callers_mistake(sessions: list[SessionStrides]) -> None:
    with pytest.raises(ValueError, match="range_stance_deg"):
        adjusted(sessions, "wobbliness", "left", "walk")


def test_ground_that_is_missing_widens_and_at_last_refuses() -> None:
    person = Person()
    both = make_session(person, Outing(n_strides=1500, mix=(0.5, 0.0, 0.5), slope_deg=0.5), 1).session
    part = make_session(person, Outing(n_strides=1500, mix=(0.9, 0.0, 0.1), slope_deg=0.5, day=1), 2).session
    none = make_session(person, Outing(n_strides=1500, mix=(1.0, 0.0, 0.0), slope_deg=0.5, day=2), 3).session
    rock = make_session(person, Outing(n_strides=1500, mix=(0.0, 0.0, 1.0), slope_deg=0.5, day=3), 4).session
    found = adjusted(
        [rock, none, part, both], STEPS, "left", "walk", reference=(both.session_id,), method="direct"
    )
    width = (np.log(found["high"]) - np.log(found["low"])).to_numpy()
    assert width[2] > width[0]
    assert found["overlap"][0] == pytest.approx(1.0, abs=0.05)
    alone = adjusted([rock, none], STEPS, "left", "walk", reference=(rock.session_id,), method="direct")
    assert "other ground" in alone["reason"][0] + alone["reason"][1]


def test_without_known_ground_the_model_says_what_it_took_out(sessions: list[SessionStrides]) -> None:
    blank = [
        replace(s, strides=s.strides.assign(slope_deg=np.nan, tilt_ff_deg=np.nan, height_change_m=np.nan))
        for s in sessions
    ]
    found = adjusted(blank, STEPS, "left", "walk")
    assert found["value"].notna().all()
    assert "roughness" not in found["adjusted_for"][0]


def test_shoes_worn_in_one_stretch_each_are_not_taken_out(sessions: list[SessionStrides]) -> None:
    """Their effect cannot be told from a change of the person."""
    pytest.importorskip("statsmodels")
    once = [replace(s, footwear="old" if k < 6 else "new") for k, s in enumerate(sessions)]
    turns = [replace(s, footwear="old" if k % 2 else "new") for k, s in enumerate(sessions)]
    assert "footwear" not in adjusted(once, STEPS, "left", "walk")["adjusted_for"][0]
    assert "footwear" in adjusted(turns, STEPS, "left", "walk")["adjusted_for"][0]


def test_rates_use_expected_events() -> None:
    person = Person(session_log=0.0)
    smooth = make_session(person, Outing(n_strides=6000, mix=(0.9, 0.1, 0.0)), 1).session
    rocky = make_session(person, Outing(n_strides=6000, mix=(0.1, 0.3, 0.6), day=1), 2).session
    found = adjusted([smooth, rocky], "roll_rate_per_1000", "left", "walk")
    assert found["unadjusted"][1] > 1.8 * found["unadjusted"][0]
    assert found["value"][1] / found["value"][0] < 0.75 * found["unadjusted"][1] / found["unadjusted"][0]


def with_rolls(session: SessionStrides, at: list[float]) -> SessionStrides:
    n = len(at)
    columns = {"leg": ["left"] * n, "time_s": at, "kind": ["roll"] * n, "verdict": ["none"] * n}
    return replace(session, events=tables.make_table(tables.EVENTS, columns))


def test_rolls_of_the_last_short_window_count() -> None:
    """410 strides are 20 windows and one of ten, which has no statistic but has strides and rolls."""
    made = make_session(Person(session_log=0.0), Outing(n_strides=410), 1).session
    end = made.strides["end_s"].to_numpy(float)
    early, late = [float(end[3]), float(end[9])], [float(end[400] + 0.1), float(end[-1] + 0.2)]
    found = [adjusted([with_rolls(made, at)], "roll_rate_per_1000", "left", "walk") for at in (early, late)]
    assert found[0]["value"][0] > 0.0
    assert found[1]["unadjusted"][0] == pytest.approx(found[0]["unadjusted"][0])
    assert found[1]["value"][0] == pytest.approx(found[0]["value"][0])
    windows = [
        windows_of(with_rolls(made, at), ["roll_rate_per_1000"], "left", "walk", "joint") for at in (early, late)
    ]
    base = {"roll_rate_per_1000": [windows[0]["roll_rate_per_1000"]]}
    drawn = [draw_changes(own, base, 50, np.random.default_rng(0))["roll_rate_per_1000"] for own in windows]
    assert drawn[1] == pytest.approx(drawn[0])


def test_a_shank_sensor_alone_has_no_rate_but_a_reason() -> None:
    made = make_session(Person(), Outing(n_strides=900), 1).session
    shank = replace(made, strides=made.strides.assign(angle_source="none"))
    found = adjusted([shank], "roll_rate_per_1000", "left", "walk")
    assert found[["value", "low", "high"]].isna().all(axis=None)
    assert "shank sensor alone" in found["reason"][0]


def test_rates_do_not_follow_the_ground_of_a_season() -> None:
    """Ten people whose ground grows rougher while they stay as steady: raw rates double, adjusted ones do not."""
    pytest.importorskip("statsmodels")
    weeks = np.linspace(-0.5, 0.5, 12)
    drift = []
    for user in range(10):
        found = adjusted(
            [one.session for one in make_season(600 + user, drifting_ground=0.8)],
            "roll_rate_per_1000",
            "left",
            "walk",
        )
        drift.append(
            [np.polyfit(weeks, found[name] / found[name].mean(), 1)[0] for name in ("value", "unadjusted")]
        )
    adjusted_drift, raw_drift = np.mean(drift, axis=0)
    assert raw_drift > 0.6
    assert abs(adjusted_drift) < 0.35


def test_no_event_in_3000_strides_bounds_the_rate_as_the_methods_sheet_says() -> None:
    assert poisson_interval(0.0)[1] / 3.0 == pytest.approx(1.2, abs=0.05)
    low, high = poisson_interval(10.0)
    assert (low, high) == (pytest.approx(4.795, abs=1e-3), pytest.approx(18.390, abs=1e-3))


def test_dependence_of_an_autoregression() -> None:
    """The variance of a mean grows by (1 + r) / (1 - r): 3 for r = 0.5; 2.56 with eight falling weights."""
    rng = np.random.default_rng(1)
    x = np.zeros(20_000)
    for k in range(1, len(x)):
        x[k] = 0.5 * x[k - 1] + rng.normal()
    owner = np.repeat(np.arange(200), 100)
    x -= pd.Series(x).groupby(owner).transform("mean").to_numpy()
    assert stretch(x, owner) == pytest.approx(2.56, abs=0.15)
    assert stretch(rng.normal(size=20_000), owner) == pytest.approx(1.0, abs=0.25)


def test_windows_without_a_value_change_nothing() -> None:
    """45 windows of ground on which nothing was measured: neither value nor interval may know of them."""
    walks = [make_session(Person(), Outing(n_strides=900, day=k), k).session for k in range(2)]
    measure = find_measure(STEPS)
    windows = [cut(walk, measure, "left", "walk", "joint") for walk in walks]
    more = [with_blank(one, 45) for one in windows]
    plain, longer = (standardise.standardise(some, [0], measure) for some in (windows, more))
    for i in range(2):
        for name in ("value", "low", "high"):
            assert longer[i][name] == pytest.approx(plain[i][name], rel=1e-12)
    assert standardise.overlaps(more, [0]) == pytest.approx(standardise.overlaps(windows, [0]))


def with_blank(windows: Windows, n: int) -> Windows:
    """The same windows and n behind them that have no value, on ground three times as rough."""

    def longer(column: np.ndarray, fill: float) -> np.ndarray:
        return np.concatenate([column, np.full(n, fill)])

    return replace(
        windows,
        statistic=longer(windows.statistic, np.nan),
        counts=longer(windows.counts, 0.0),
        total=longer(windows.total, 0.0),
        covariates={name: longer(one, 3.0 * float(np.nanmax(one))) for name, one in windows.covariates.items()},
        own_roughness=longer(windows.own_roughness, 9.0),
        roughness_noise=longer(windows.roughness_noise, 0.1),
    )


def errors(users: int, method: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Standardised errors, errors and errors of the unadjusted figure, about each user's own mean."""
    score, error, raw = [], [], []
    for user in range(users):
        season = make_season(100 + user, drifting_ground=0.8)
        found = adjusted([one.session for one in season], STEPS, "left", "walk", method=method)
        takes_shoe = "footwear" in found["adjusted_for"][0]
        truth = np.array([one.effect_log - one.shoe_log * takes_shoe for one in season])
        half = (np.log(found["high"]) - np.log(found["low"])).to_numpy() / 3.92
        ok = np.isfinite(half)
        away, weight = (np.log(found["value"]) - truth).to_numpy()[ok], half[ok] ** -2.0
        centre = (weight * away).sum() / weight.sum()
        score.append((away - centre) / np.sqrt(half[ok] ** 2 - 1.0 / weight.sum()))
        error.append(away - centre)
        raw.append((np.log(found["unadjusted"]) - truth).to_numpy() - np.mean(np.log(found["unadjusted"]) - truth))
    return np.concatenate(score), np.concatenate(error), np.concatenate(raw)


@pytest.mark.parametrize(("method", "rms"), [("mixed", 0.06), ("levels", 0.07), ("direct", 0.16)])
def test_intervals_hold_the_truth_on_changing_ground(
    method: str, rms: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """120 sessions of 10 people; the whole study has 200 and more."""
    monkeypatch.setattr(mixed, "is_available", lambda: method == "mixed")
    score, error, raw = errors(10, method)
    assert 0.85 <= np.mean(np.abs(score) < 1.96) <= 0.99
    assert np.sqrt(np.mean(error**2)) < rms
    assert np.sqrt(np.mean(raw**2)) > 0.2
