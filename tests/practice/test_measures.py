"""End ranges, holds, lift-off, sway, compensations and cues on curves drawn by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ankle_imu.mobility import PracticeSettings
from ankle_imu.practice import compensations as comp
from ankle_imu.practice import cues, holds, ranges, sway
from ankle_imu.practice.stretches import between, is_still, stretches
from ankle_imu.practice.trace import Trace, make_trace

RATE = 100.0
S = PracticeSettings()


def path(*knots: tuple[float, float]) -> np.ndarray:
    """Angle through (s, deg), straight in between."""
    t, a = np.array(knots, dtype=float).T
    return np.interp(np.arange(0, t[-1], 1 / RATE), t, a)


def trace(angle: np.ndarray, lost: tuple[float, float] | None = None) -> Trace:
    time = np.arange(len(angle)) / RATE
    valid = np.ones(len(angle), dtype=bool)
    if lost:
        valid[slice(*np.searchsorted(time, lost))] = False
    return make_trace(time, angle, angle, valid, RATE)


def rep(start: float, level: float, stay: float = 2.5) -> list[tuple[float, float]]:
    return [(start, 0), (start + 1, level), (start + 1 + stay, level), (start + 2 + stay, 0)]


THREE = path((0, 0), *rep(1, 20), *rep(7, 22), *rep(13, 21), (19, 0))


def test_end_ranges_of_three_repetitions():
    reps = ranges.find_reps(trace(THREE), S)
    assert [r.end_range_deg for r in reps] == [20, 22, 21]
    assert all(not r.reason for r in reps)
    found = ranges.range_of([r.end_range_deg for r in reps])
    assert (found.best_deg, found.spread_deg, found.n) == (22, 2, 3)


def test_the_rest_need_not_be_zero():
    hanging = ranges.find_reps(trace(THREE - 15.0), S)
    np.testing.assert_allclose([r.end_range_deg for r in hanging], [5, 7, 6])


def test_the_end_range_is_the_last_second_not_the_overshoot():
    angle = path((0, 0), (1, 0), (2, 26), (2.2, 22), (4.5, 22), (5.5, 0), (8, 0))
    assert ranges.find_reps(trace(angle), S)[0].end_range_deg == pytest.approx(22)


def test_without_a_plateau_there_is_no_end_range():
    only = ranges.find_reps(trace(path((0, 0), (1, 0), (2, 20), (2.5, 20), (3.5, 0), (8, 0))), S)
    assert [r.reason for r in only] == [ranges.NO_PLATEAU]
    assert np.isnan(only[0].end_range_deg)


def test_a_gap_at_the_end_range_is_said_and_nothing_is_invented():
    found = ranges.find_reps(trace(THREE, lost=(7.5, 11.0)), S)
    assert [r.end_range_deg for r in found if not r.reason] == [20, 21]


def test_a_still_leg_has_no_repetitions():
    assert ranges.find_reps(trace(np.full(1000, 3.0)), S) == []
    assert ranges.find_reps(trace(np.full(1000, np.nan)), S) == []


def test_a_lifted_heel_gives_the_tilt_before_it():
    angle = path((0, 0), *rep(1, 40), (8, 0))
    up = angle > 30.0
    only = ranges.find_reps(trace(angle), S, up)[0]
    assert only.reason == ranges.HEEL_LIFTED
    assert only.end_range_deg == pytest.approx(30.0, abs=0.5)


def test_when_to_repeat():
    assert "differ by 6.0 deg" in ranges.why_repeat("active", ranges.range_of([20, 26, 21]), S)
    assert "2 of the 3" in ranges.why_repeat("active", ranges.range_of([20, 21]), S)
    assert ranges.why_repeat("active", ranges.range_of([20, 25, 21]), S) == ""
    assert ranges.why_repeat("active", ranges.range_of([]), S) == ""


def test_the_gap_is_no_surer_than_published_and_less_sure_with_scattered_repetitions():
    assert ranges.detectable_gap([20, 20.5, 21], [25, 25.5, 26], S) == 8.0
    wide = ranges.detectable_gap([20, 26, 23], [25, 31, 28], S)
    assert wide == pytest.approx(1.96 * np.sqrt(2) * np.hypot(3, 3))
    assert ranges.detectable_gap([20], [25], S) == 8.0


def test_a_hold_begins_when_the_movement_ends_and_ends_where_the_band_is_left():
    angle = path((0, 0), (1, 0), (2, 20), (8, 20), (9, 0), (11, 0))
    only = holds.find_holds(trace(angle), 20.0, S)
    assert len(only) == 1
    assert only[0].start / RATE == pytest.approx(2.0, abs=0.02)
    assert only[0].stop / RATE == pytest.approx(8.15, abs=0.02)  # 3 deg at 20 deg/s later
    assert only[0].end_reason == holds.LEFT


@pytest.mark.parametrize(("out_s", "n"), [(0.4, 1), (0.8, 2)])
def test_half_a_second_out_of_the_band_is_forgiven(out_s, n):
    down, up = 5.0, 5.0 + out_s
    angle = path(
        (0, 0), (1, 20), (down, 20), (down + 0.01, 14), (up, 14), (up + 0.01, 20), (10, 20), (11, 0), (12, 0)
    )
    assert len(holds.find_holds(trace(angle), 20.0, S)) == n


def test_below_eighty_percent_is_no_hold_and_neither_is_less_than_a_second():
    assert holds.find_holds(trace(path((0, 0), (1, 15.8), (8, 15.8), (9, 0), (10, 0))), 20.0, S) == []
    assert holds.find_holds(trace(path((0, 0), (1, 20), (1.8, 20), (2.8, 0), (5, 0))), 20.0, S) == []


@given(start=st.floats(2.5, 5.0), length=st.floats(0.05, 3.0))
def test_a_hold_never_reaches_across_missing_samples(start, length):
    angle = path((0, 0), (1, 20), (9, 20), (10, 0), (11, 0))
    one = trace(angle, lost=(start, start + length))
    found = holds.find_holds(one, 20.0, S)
    assert all(one.is_valid[h.start : h.stop].all() for h in found)
    assert found[0].end_reason == holds.GAP
    assert sum(h.stop - h.start for h in found) <= one.is_valid.sum()


def test_dose_drift_and_tremor():
    t = np.arange(0, 10, 1 / RATE)
    one = trace(18.0 - 0.1 * t)
    hold = holds.Hold(start=0, stop=len(t), level_deg=18.0, end_reason=holds.LEFT)
    rate = 6.0 * np.sin(2 * np.pi * 8 * t)
    found = holds.steadiness(one, hold, rate, 20.0, S)
    assert found.drift_dps == pytest.approx(-0.1)
    assert found.dose_deg_s == pytest.approx(2.0 * 10 - 0.5 * 0.1 * 100, rel=0.01)
    assert found.tremor_dps == pytest.approx(6 / np.sqrt(2), rel=0.01)


def test_lift_off():
    angle = path((0, 0), (1, 20), (5.5, 20), (6, 16), (26.5, 15), (28, 0), (29, 0))
    one = trace(angle)
    stop, supported = holds.supported_end(one, int(5.2 * RATE), S)
    assert supported == 20
    hold = holds.find_holds(one, 14.0, S, stop)[0]
    lost = holds.lift_off(one, supported, hold)
    assert lost.lost_deg == pytest.approx(4.0, abs=0.05)
    np.testing.assert_allclose(lost.later_deg, [4.25, 4.5, 5.0], atol=0.06)


def test_without_the_word_to_lift_the_first_movement_is_taken():
    angle = path((0, 0), (1, 20), (5.5, 20), (6, 16), (12, 15), (13, 0), (14, 0))
    stop, supported = holds.supported_end(trace(angle), None, S)
    assert supported == 20
    assert stop / RATE == pytest.approx(5.5, abs=0.1)
    assert np.isnan(holds.supported_end(trace(path((0, 0), (1, 20), (2, 0), (4, 0))), None, S)[1])


def test_sway_of_a_circle():
    t = np.arange(0, 20, 1 / RATE)
    found = sway.sway_of(2 * np.cos(2 * np.pi * 0.5 * t), 2 * np.sin(2 * np.pi * 0.5 * t), RATE)
    assert found.rms_deg == pytest.approx(2.0, rel=1e-3)
    assert found.path_deg_per_s == pytest.approx(2 * np.pi * 2 * 0.5, rel=1e-3)
    assert (found.tilt_range_deg, found.pitch_range_deg) == pytest.approx((4, 4), rel=1e-3)


def test_the_longest_stance_between_steps():
    speed = np.full(3000, 5.0)
    speed[500:520] = speed[2800:2810] = 200.0
    start, stop, steps = sway.standing_stretch(speed, np.ones(3000, dtype=bool), RATE, 100.0)
    assert (start, stop, steps) == (570, 2750, 2)


def test_shank_compensations_are_named_by_plane_and_not_below_five_degrees():
    before, plateau = slice(0, 50), slice(100, 200)
    step = np.where(np.arange(200) < 80, 0.0, 1.0)

    def told(pitch, tilt, is_lunge=False):
        found = comp.shank_compensations(pitch * step, tilt * step, before, plateau, S, is_lunge=is_lunge)
        return [(one.kind, one.size_deg) for one in found]

    assert told(-8.0, 2.0) == [(comp.SHANK, -8.0)]
    assert told(1.0, 9.0) == [(comp.HIP, 9.0)]
    assert told(4.9, -4.9) == []
    assert told(40.0, 0.0, is_lunge=True) == []


def test_a_heel_is_up_when_the_foot_stands_on_its_ball():
    pitch = np.full(100, -5.0)
    assert comp.heel_compensation(pitch, slice(0, 100), S)[0].size_deg == 5.0
    assert comp.heel_compensation(-pitch, slice(0, 100), S) == []


def cue(name, **more):
    facts = {
        "position": "seated",
        "foot_tilt": 0.0,
        "foot_pitch": 0.0,
        "turn": 0.0,
        "since_neutral_s": 10.0,
        "has_foot": True,
        "foot_is_free": False,
    }
    return {c.name: c for c in cues.check_cues(S, **(facts | more))}.get(name)


def test_cues():
    assert cue(cues.MALLEOLI).verdict == "ok"
    assert cue(cues.MALLEOLI, foot_tilt=-6.0).verdict == "off"
    assert cue(cues.HEEL, foot_pitch=-4.0).verdict == "off"
    assert cue(cues.HEEL, foot_pitch=10.0).verdict == "ok"
    assert cue(cues.HEEL, position="kneeling") is None
    assert cue(cues.TOE, turn=9.0).verdict == "off"
    assert cue(cues.TOE, position="kneeling").words == cues.KNEELING_TOE
    assert cue(cues.TOE, turn=float("nan")).verdict == "unseen"
    assert cue(cues.TOE, since_neutral_s=90.0).verdict == "unseen"
    assert {cue(n, has_foot=False).verdict for n in cues.WORDS} == {"unseen"}


def test_stretches_and_hysteresis():
    condition = np.array([True, True, False, True, False, False])
    assert stretches(condition) == [(0, 2), (3, 4)]
    assert stretches(condition, 2) == [(0, 2)]
    assert stretches(np.zeros(0, dtype=bool)) == []
    rate = np.array([9, 7, 4, 7, 7, 9, 7, 4.0])
    still = is_still(rate, np.ones(8, dtype=bool), 5.0, 8.0)
    assert still.tolist() == [False, False, True, True, True, False, False, True]


@given(st.lists(st.tuples(st.booleans(), st.booleans()), max_size=40))
def test_between_is_the_obvious_loop(pairs):
    enter, stay = (np.array([p[k] for p in pairs], dtype=bool) for k in range(2))
    expected, inside = [], False
    for a, b in pairs:
        inside = a or (inside and b)
        expected.append(inside)
    assert between(enter, stay).tolist() == expected


@pytest.mark.parametrize("name", ["still_dps", "reps", "band_deg"])
def test_settings_are_checked(name):
    with pytest.raises(ValueError, match=name):
        PracticeSettings(**{name: -1})
    assert PracticeSettings().digest() != PracticeSettings(still_dps=4.0).digest()


def test_a_lunge_aside_is_seen_against_the_others_whatever_the_sensor_s_direction():
    def up(pitch, tilt, yaw):
        p, t, y = np.radians([pitch, tilt, yaw])
        v = np.array([-np.sin(p), np.sin(t) * np.cos(p), np.cos(t) * np.cos(p)])
        return np.array([np.cos(y) * v[0] - np.sin(y) * v[1], np.sin(y) * v[0] + np.cos(y) * v[1], v[2]])

    for yaw in (-8.0, 0.0, 8.0):
        rest = up(3.0, 0.0, yaw)
        poses = [pose for tilt in (0.0, 9.0, 1.0) for pose in (rest, up(42.0, tilt, yaw))]
        parts = [np.tile(pose, (50, 1)) for pose in poses]
        before = [slice(k, k + 50) for k in (0, 100, 200)]
        plateaus = [slice(k + 50, k + 100) for k in (0, 100, 200)]
        found = comp.lunges_aside(np.concatenate(parts), before, plateaus, S)
        assert [one is not None for one in found] == [False, True, False]
        assert comp.lunges_aside(np.concatenate(parts), before[:2], plateaus[:2], S) == [None, None]
