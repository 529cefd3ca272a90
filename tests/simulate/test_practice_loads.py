"""Loads act on a simulated person as on a real one, and the ladder of the trend shows it."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ankle_imu.batch import analyze_and_save_practice
from ankle_imu.library.practice_trend import load_practice_trend
from ankle_imu.mobility import ACTIONS
from ankle_imu.session_io import save_simulation
from ankle_imu.simulate.practice import Exercise, PracticePlan, follow, practise
from ankle_imu.simulate.practice.loads import OWN_NM, STRENGTH_NM, effect_of, endurance_s
from ankle_imu.tables import TREND, make_table
from ankle_imu.trends.mobility import look_mobility
from ankle_imu.values import Marker

WEIGHT = {"load": "ankle_weight", "load_kg": 1.5}


def hold(action: str = "inversion", **more) -> Exercise:
    return Exercise(kind="hold", action=action, **more)


def test_the_range_under_a_weight_by_hand():
    """1.5 kg at 0.12 m are 1.77 Nm beside the foot's 0.6: of 25 Nm 90.5 % are left where 97.6 % were."""
    moment = OWN_NM + 1.5 * 9.80665 * 0.12
    share = (1.0 - moment / 25.0) / (1.0 - OWN_NM / 25.0)
    assert effect_of(hold(**WEIGHT), 28.0).range_share == pytest.approx(share) == pytest.approx(0.927, abs=1e-3)


@pytest.mark.parametrize("effort", [0.5, 0.6, 0.7])
def test_endurance_is_of_the_size_that_another_model_gives(effort):
    """Of active fibres 0.00589 tire a second (Frey-Law et al. 2012); at the end those at rest are used up."""
    assert endurance_s(effort) == pytest.approx((1.0 - effort) / (0.00589 * effort), rel=0.2)


@pytest.mark.parametrize("action", ACTIONS)
@pytest.mark.parametrize("level", [0.6, 0.92, 1.0, 1.2])
def test_without_a_load_nothing_changes(action, level):
    effect = effect_of(hold(action, level=level), 20.0)
    assert (effect.range_share, effect.gap_share, effect.sag_dps, effect.tremor_share) == pytest.approx(
        (1, 1, 0, 1)
    )


@given(st.sampled_from(ACTIONS), st.floats(0.0, 10.0), st.floats(0.01, 5.0), st.floats(0.3, 0.98))
def test_more_weight_is_never_easier(action, kg, more, level):
    light, heavy = (
        effect_of(hold(action, load="ankle_weight", load_kg=one, level=level), 20.0) for one in (kg, kg + more)
    )
    assert 0.0 < heavy.range_share <= light.range_share <= 1.0
    assert heavy.tremor_share >= light.tremor_share - 1e-9
    assert heavy.gap_share == light.gap_share == 1.0


@given(st.floats(0.0, 30.0), st.floats(0.0, 30.0), st.floats(0.3, 0.98))
def test_a_thicker_blanket_is_never_harder(cm, more, level):
    thin, thick = (effect_of(hold(**WEIGHT, deload_cm=one, level=level), 20.0) for one in (cm, cm + more))
    assert thick.range_share >= thin.range_share
    assert thick.tremor_share <= thin.tremor_share + 1e-9
    assert thick.gap_share <= thin.gap_share, "the blanket takes the push away"


def test_the_body_s_weight_stops_a_rising_heel_and_helps_an_assisted_range():
    """45 deg: what half of the body leaves of 110 Nm; no effort at all with none of it on the foot."""
    half = effect_of(hold("plantarflexion", load="body_weight", body_share=0.5), 45.0)
    left = 1.0 - (OWN_NM + 0.5 * 70 * 9.80665 * 0.13) / STRENGTH_NM["plantarflexion"]
    assert half.range_share == pytest.approx(left / (1.0 - OWN_NM / 110.0))
    assert effect_of(hold("dorsiflexion", load="body_weight", body_share=0.5), 14.0).range_share == 1.0
    gaps = [effect_of(hold("plantarflexion", body_share=share), 45.0).gap_share for share in (0.0, 0.25, 0.5, 1.0)]
    assert gaps[0] == 0.0
    assert gaps[3] == 1.0
    assert gaps == sorted(gaps)
    assert gaps[2] == pytest.approx(math.log(5.5) / math.log(10.0))


def test_holds_under_weight_sag_and_tremble_in_the_truth():
    def done(**load):
        exercises = (Exercise(kind="neutral"), hold(reps=1, hold_s=10.0, tremor_deg=0.1, **load))
        return practise(PracticePlan(exercises=exercises), 3)[1].angles["left"]["inversion"]

    free, loaded = done(), done(**WEIGHT)
    effect = effect_of(hold(**WEIGHT), 28.0)
    assert max(loaded) == pytest.approx(effect.range_share * max(free))
    assert effect.sag_dps > 0.05
    assert effect.tremor_share > 1.5


def test_a_share_of_the_body_s_weight_reaches_the_follower():
    words = "practice rom plantarflexion active load=body_weight share="
    ends = []
    for share in ("0.1", "0.6"):
        markers = [
            Marker(time_s=2.0, text="practice neutral seated", leg="left"),
            Marker(time_s=8.0, text=words + share, leg="left"),
            Marker(time_s=36.0, text="practice end"),
        ]
        recording = follow(markers, 38.0, mounts="aligned")
        ends.append(float(recording.series["left_foot"].acc[:, 0].min()))
    assert ends[0] < 1.2 * ends[1] < 0.0, "the toes point further down with little weight on them"


def test_the_ladder_of_the_trend_shows_what_loads_do(tmp_path):
    """Weeks from no load to 2 kg: each rung goes less far, sags and trembles more, as found from the sensors."""
    loads = (
        {},
        {"load": "ankle_weight", "load_kg": 1.0},
        {"load": "ankle_weight", "load_kg": 2.0},
        {"load": "band"},
    )
    for week, load in enumerate(loads):
        exercises = (
            Exercise(kind="neutral"),
            Exercise(kind="swing"),
            Exercise(kind="rom", action="plantarflexion", reps=1),
            *([Exercise(kind="rom", action="inversion", scatter_deg=0.2)] if load else []),
            Exercise(kind="rom", action="inversion", scatter_deg=0.2, **load),
            hold(reps=3, hold_s=12.0, level=0.95, tremor_deg=0.06, drift_dps=0.02, **load),
        )
        plan = PracticePlan(exercises=exercises, errors="typical", person_seed=5)
        recording, _ = practise(plan, 40 + week)
        info = replace(recording.session, alias="P-test", started_utc=f"2026-05-{1 + 7 * week:02d}T08:00:00Z")
        analyze_and_save_practice(save_simulation(recording, tmp_path, info=info))
    table = load_practice_trend(tmp_path, "P-test")
    rungs = look_mobility(table, make_table(TREND, {}), "inversion").rungs
    assert [rung.words for rung in rungs] == ["no load", "band", "ankle weight 1 kg", "ankle weight 2 kg"]
    free, _, light, heavy = rungs
    assert free.active_deg > light.active_deg + 0.5 > heavy.active_deg + 1.0
    assert free.drift_dps > light.drift_dps > heavy.drift_dps
    assert heavy.drift_dps < free.drift_dps - 0.1
    assert free.tremor_dps < light.tremor_dps < heavy.tremor_dps
    assert heavy.longest_s < free.longest_s - 2.0, "it sags out of its band"
