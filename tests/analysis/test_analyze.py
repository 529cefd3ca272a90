"""What the analysis finds in simulated walks, claims from each sensor set, and does with bad data."""

import copy
import pickle

import numpy as np
import pytest

import ankle_imu as ai
from ankle_imu import errors, tables
from ankle_imu.validation.score import f1_score, pair_events, spread, stance_mask

RATE = 104.0


def simulate(*placements, seconds=90.0, seed=5, **plan):
    return ai.simulate.walk(
        ai.simulate.Plan(duration_s=seconds, sampling_rate=RATE, placements=placements, **plan), seed=seed
    )


def walk_arrays(seed=5, **plan):
    recording, _ = simulate("right_foot", "right_shank", seed=seed, **plan)
    return {p: (np.array(s.acc), np.array(s.gyr)) for p, s in recording.series.items()}


@pytest.fixture(scope="module")
def pair():
    return walk_arrays(errors="typical", terrain="uneven")


def analyze(sensors, rate=RATE, **more):
    return ai.analyze(ai.Recording.from_arrays(rate, sensors, **more))


def test_exact_sensors_give_the_true_angles(exact_walk, exact_result):
    _, truth = exact_walk
    for leg in ("left", "right"):
        own = truth.strides[truth.strides["leg"] == leg]
        stance = stance_mask(truth.time, own["ic_s"].to_numpy(), own["to_s"].to_numpy())
        for kind, tolerance in (
            ("foot_tilt", 0.4),
            ("foot_pitch", 0.8),
            ("inversion", 1.0),
            ("dorsiflexion", 0.8),
        ):
            name = f"{leg}_{kind}_deg"
            error = exact_result.angles[name].to_numpy() - truth.angles[name].to_numpy()
            assert spread(error[stance]) < tolerance, name
        # Zero is the standing pose: what stays is the standing value itself.
        inversion = exact_result.angles[f"{leg}_inversion_deg"].to_numpy()
        start, stop = truth.phases["stand"]
        assert abs(np.nanmedian(inversion[(truth.time > start + 1) & (truth.time < stop - 1)])) < 0.5


def test_every_stride_is_found_with_its_contacts(exact_walk, exact_result):
    _, truth = exact_walk
    for leg in ("left", "right"):
        own = exact_result.strides[exact_result.strides["leg"] == leg]
        true = truth.strides[truth.strides["leg"] == leg]
        found, real = pair_events(own["ic_s"].to_numpy(), true["ic_s"].to_numpy(), 0.1)
        assert f1_score(len(found), len(own), len(true)) > 0.985
        for column in ("ic_s", "to_s"):
            error = own[column].to_numpy()[found] - true[column].to_numpy()[real]
            assert np.median(np.abs(error)) < 0.010, column
        length = own["stride_length_m"].to_numpy()[found] - true["stride_length_m"].to_numpy()[real]
        assert np.median(np.abs(length)) < 0.05


def test_mean_curves_are_kept_with_their_velocity(exact_result):
    curves = exact_result.curves
    assert list(curves.columns) == tables.CURVES.names
    for leg in ("left", "right"):
        own = curves[(curves["leg"] == leg) & (curves["slope"] == "all")]
        strides = exact_result.strides[(exact_result.strides["leg"] == leg) & exact_result.strides["accepted"]]
        assert own["percent"].tolist() == list(range(101))
        assert own["n_strides"].iloc[0] == len(strides)
        slope = np.gradient(own["frontal_deg"].to_numpy()) / (strides["stride_time_s"].mean() / 100.0)
        stance = own[own["percent"] < 0.85 * own["toe_off_percent"]]
        # About the foot's own axis the shank's turn adds some deg/s to the slope of the angle (0.95-0.98 here).
        assert np.corrcoef(slope[: len(stance)], stance["velocity_dps"])[0, 1] > 0.93
        assert stance["velocity_dps"].max() < strides["peak_inv_vel_dps"].mean()
        assert -stance["velocity_dps"].min() < strides["peak_ev_vel_dps"].mean()


def test_two_sensors_claim_joint_angles_and_say_how_they_know(pair):
    result = analyze(pair)
    assert set(result.strides["angle_source"]) == {"joint"}
    foot, shank = (result.quality["alignment"][p] for p in ("right_foot", "right_shank"))
    assert foot["method"] == "standing + toe taps"
    assert foot["verdict"] == "good"
    assert 0 < foot["sigma_yaw_deg"] < 5
    assert shank["method"].startswith("carried over")
    assert result.quality["sync"]["right"]["coherence"] > 0.99
    assert result.quality["sync"]["coherence"] == result.quality["sync"]["right"]["coherence"]
    accepted = result.strides[result.strides["accepted"]]
    for column in (
        "range_stance_deg",
        "df_range_deg",
        "angle_sd_deg",
        "shank_range_stance_deg",
        "peak_pf_vel_dps",
    ):
        assert accepted[column].notna().all(), column
    assert list(result.angles.columns) == tables.ANGLES.names


def test_one_foot_alone_claims_foot_tilt_only(pair):
    result = analyze({"right_foot": pair["right_foot"]})
    assert set(result.strides["angle_source"]) == {"foot"}
    assert result.strides["range_stance_deg"].notna().mean() > 0.9
    for kind in ("inversion", "dorsiflexion", "rotation"):
        assert result.angles[f"right_{kind}_deg"].isna().all()
        assert "needs a foot and a shank sensor" in result.quality["unmeasurable"][f"right_{kind}_deg"]
    assert result.strides["df_range_deg"].isna().all()
    assert result.quality["unmeasurable"]["left_foot_tilt_deg"] == "no sensor on this leg"


def test_one_shank_alone_claims_timing_and_shank_tilt_only(pair):
    both, result = analyze(pair), analyze({"right_shank": pair["right_shank"]})
    assert set(result.strides["angle_source"]) == {"none"}
    assert abs(len(result.strides) - len(both.strides)) <= 3
    for column in ("range_stance_deg", "inv_excursion_deg", "peak_inv_vel_dps", "tilt_ff_deg", "stride_length_m"):
        assert result.strides[column].isna().all(), column
    assert result.strides["shank_range_stance_deg"].notna().all()
    assert result.angles["right_foot_tilt_deg"].isna().all()
    assert result.angles["right_shank_tilt_deg"].notna().all()


def test_gait_classes_of_a_mixed_session():
    recording, truth = simulate("right_foot", seconds=240.0, gait="mixed", errors="typical", seed=2)
    result = ai.analyze(recording)
    found, real = pair_events(result.strides["ic_s"].to_numpy(), truth.strides["ic_s"].to_numpy(), 0.15)
    own, true = result.strides["gait"].to_numpy()[found], truth.strides["gait"].to_numpy()[real]
    assert np.mean((own == "walk") == (true == "walk")) > 0.97
    assert set(result.bouts["gait"]) == {"walk", "jog", "run"}
    assert result.bouts["n_strides"].sum() <= len(result.strides)


def test_rolls_are_events():
    recording, truth = simulate("right_foot", "right_shank", seconds=240.0, rolls=4, errors="typical", seed=8)
    result = ai.analyze(recording)
    big = truth.events[truth.events["peak_deg"] > 24.0]
    assert len(big) >= 1
    found, _ = pair_events(result.events["time_s"].to_numpy(), big["time_s"].to_numpy(), 0.3)
    assert len(found) == len(big)
    assert len(result.events) <= len(truth.events)


def test_a_lag_between_the_sensors_is_found_and_undone():
    recording, truth = simulate("right_foot", "right_shank", clock_offset_s=0.020, errors="typical")
    result = ai.analyze(recording)
    assert result.quality["sync"]["right"]["lag_s"] == pytest.approx(0.020, abs=0.003)
    name = "right_dorsiflexion_deg"
    own = truth.strides
    stance = stance_mask(truth.time, own["ic_s"].to_numpy(), own["to_s"].to_numpy())
    estimate = result.angles[name].to_numpy()[: len(truth.time)]
    assert spread((estimate - truth.angles[name].to_numpy())[stance]) < 1.2


def test_sensors_of_two_legs_called_one_are_not_joined(pair):
    other = walk_arrays(seed=77, errors="typical")
    n = min(len(pair["right_foot"][0]), len(other["right_shank"][0]))
    mixed = {
        "right_foot": tuple(a[:n] for a in pair["right_foot"]),
        "right_shank": tuple(a[300 : n + 300] for a in other["right_shank"]),
    }
    m = len(mixed["right_shank"][0])
    mixed["right_foot"] = tuple(a[:m] for a in mixed["right_foot"])
    result = analyze(mixed)
    assert set(result.strides["angle_source"]) == {"foot"}
    assert "do not feel the same ankle" in result.quality["unmeasurable"]["right_inversion_deg"]


def test_a_known_calibration_replaces_the_estimate(exact_walk):
    recording, truth = exact_walk
    result = ai.analyze(
        ai.Recording.from_arrays(
            RATE, {p: (s.acc, s.gyr) for p, s in recording.series.items()}, calibration=truth.calibration()
        )
    )
    assert result.quality["alignment"]["left_foot"]["method"] == "simulated truth"


def test_walking_alone_is_enough_but_says_so():
    recording, _ = simulate("right_foot", "right_shank", movements=False, errors="typical")
    result = ai.analyze(recording)
    foot = result.quality["alignment"]["right_foot"]
    assert foot["method"].endswith("walking")
    assert foot["sigma_yaw_deg"] >= 5.0
    assert "toe taps" in foot["reason"] or "standing" in foot["reason"]


def test_gaps_are_listed_filled_when_short_and_reject_strides_when_long(pair):
    acc, gyr = (a.copy() for a in pair["right_foot"])
    acc[5000:5004], acc[6000:6040] = np.nan, np.nan
    result = analyze({"right_foot": (acc, gyr)})
    gaps = result.quality["gaps"]
    assert gaps["filled"].tolist() == [True, False]
    assert gaps["end_s"].iloc[1] - gaps["start_s"].iloc[1] == pytest.approx(41 / RATE)
    assert result.quality["sensors"]["right_foot"]["lost"] == 44
    strides = result.strides
    touched = strides[(strides["start_s"] < 6040 / RATE) & (strides["end_s"] > 6000 / RATE)]
    assert not touched["accepted"].any()
    assert set(touched["reject_reason"]) == {"samples lost for more than 60 ms"}
    short = strides[(strides["start_s"] < 5000 / RATE) & (strides["end_s"] > 5004 / RATE)]
    assert short["lost_samples"].tolist() == [4]
    assert np.isnan(result.angles["right_foot_tilt_deg"].to_numpy()[6000:6040]).all()
    assert np.isfinite(result.angles["right_foot_tilt_deg"].to_numpy()[5000:5004]).all()


def test_lost_samples_hardly_move_the_answer():
    whole, _ = simulate("right_foot", errors="typical")
    torn, _ = simulate("right_foot", errors="typical", loss=0.02, gap_s=0.02)
    a, b = (ai.analyze(r).strides for r in (whole, torn))
    assert abs(len(a) - len(b)) <= 1
    medians = [s.loc[s["accepted"], "range_stance_deg"].median() for s in (a, b)]
    assert medians[0] == pytest.approx(medians[1], abs=0.3)


def test_different_times_and_rates_of_the_sensors_are_joined():
    fast, _ = ai.simulate.walk(
        ai.simulate.Plan(duration_s=90.0, sampling_rate=208.0, placements=("right_foot", "right_shank")), seed=5
    )
    slow, _ = simulate("right_foot", "right_shank")
    sensors = {p: (r.series[p].acc, r.series[p].gyr) for p, r in (("right_foot", fast), ("right_shank", slow))}
    times = {p: r.series[p].time for p, r in (("right_foot", fast), ("right_shank", slow))}
    result = analyze(sensors, rate=None, time=times)
    assert result.sampling_rate == pytest.approx(208.0)
    assert set(result.strides["angle_source"]) == {"joint"}
    assert result.quality["sync"]["right"]["coherence"] > 0.99


def still(n=2000):
    rng = np.random.default_rng(1)
    return rng.normal(0, 0.02, (n, 3)) + np.array([0.0, 0.0, 9.81]), rng.normal(0, 0.002, (n, 3))


def test_a_still_sensor_gives_empty_tables_and_the_reason():
    result = analyze({"left_foot": still()})
    assert len(result.strides) == len(result.events) == len(result.bouts) == len(result.summary) == 0
    assert list(result.strides.columns) == tables.STRIDES.names
    assert any("No strides were found" in w for w in result.quality["warnings"])
    assert result.angles["left_foot_tilt_deg"].isna().all()


def test_taps_alone_are_no_strides():
    recording, truth = simulate("right_foot", errors="typical")
    stop = round(truth.phases["pose"][1] * RATE) - 50
    series = recording.series["right_foot"]
    assert len(analyze({"right_foot": (series.acc[:stop], series.gyr[:stop])}).strides) == 0


def test_two_samples_are_too_little_but_no_crash():
    acc, gyr = still(2)
    assert len(analyze({"left_shank": (acc, gyr)}).strides) == 0


def test_a_silent_sensor_is_named_and_the_other_analyzed(pair):
    silent = (np.full_like(pair["right_shank"][0], np.nan),) * 2
    result = analyze({"right_foot": pair["right_foot"], "right_shank": silent})
    assert any("right_shank: no usable samples" in w for w in result.quality["warnings"])
    assert set(result.strides["angle_source"]) == {"foot"}


def test_nothing_but_nan_is_refused():
    nothing = np.full((100, 3), np.nan)
    with pytest.raises(errors.RecordingError, match="holds no usable samples"):
        analyze({"left_foot": (nothing, nothing)})


@pytest.mark.parametrize(
    ("acc_factor", "gyr_factor", "quantity", "unit"),
    [(1 / 9.80665, 1.0, "acc", "g"), (1.0, 57.29578, "gyr", "deg/s"), (1000 / 9.80665, 1.0, "acc", "mg")],
)
def test_wrong_units_are_named(pair, acc_factor, gyr_factor, quantity, unit):
    acc, gyr = pair["right_foot"]
    with pytest.raises(errors.ImplausibleUnits) as caught:
        analyze({"right_foot": (acc * acc_factor, gyr * gyr_factor)})
    assert caught.value.quantity == quantity
    assert caught.value.likely_unit == unit
    assert unit in str(caught.value)
    assert caught.value.exit_code == 5


@pytest.mark.parametrize(
    ("acc_sign", "gyr_sign", "quantity"),
    [([1, 1, 1], [-1, -1, -1], "gyr"), ([1, 1, 1], [1, -1, 1], "gyr"), ([1, 1, -1], [1, 1, 1], "gyr")],
)
def test_wrong_signs_are_named(pair, acc_sign, gyr_sign, quantity):
    acc, gyr = pair["right_foot"]
    with pytest.raises(errors.ImplausibleUnits) as caught:
        analyze({"right_foot": (acc * acc_sign, gyr * gyr_sign)})
    assert caught.value.quantity == quantity


def test_a_torn_shank_leaves_the_foot_its_results(pair):
    acc, gyr = (a.copy() for a in pair["right_shank"])
    acc[5000:6000], gyr[5000:6000] = np.nan, np.nan
    result = analyze({"right_foot": pair["right_foot"], "right_shank": (acc, gyr)})
    inside = (result.strides["start_s"] > 5000 / RATE) & (result.strides["end_s"] < 6000 / RATE)
    assert inside.sum() >= 5
    assert set(result.strides.loc[inside, "angle_source"]) == {"foot"}
    assert result.strides.loc[inside & result.strides["accepted"], "range_stance_deg"].notna().all()
    assert result.angles["right_foot_tilt_deg"].notna().all()
    assert result.angles["right_inversion_deg"].isna().sum() == 1000


def test_a_tail_of_nan_is_no_wrong_unit(pair):
    acc, gyr = (a.copy() for a in pair["right_foot"])
    for share in (0.85, 0.87, 0.9, 0.95):
        cut = acc.copy()
        cut[round(share * len(acc)) :] = np.nan
        assert len(analyze({"right_foot": (cut, gyr)}).strides) > 20


def test_one_clock_is_asked_for(pair):
    n = len(pair["right_foot"][0])
    times = {"right_foot": np.arange(n) / RATE, "right_shank": 3e7 + np.arange(n) / RATE}
    with pytest.raises(errors.RecordingError, match="one clock"):
        analyze(pair, rate=None, time=times)


def test_unix_times_start_the_session(pair):
    n = len(pair["right_foot"][0])
    time = {"right_foot": 1.7e9 + np.arange(n) / RATE}
    result = analyze({"right_foot": pair["right_foot"]}, rate=None, time=time)
    assert result.angles["time_s"].iloc[0] == 0.0
    assert result.session.started_utc == "2023-11-14T22:13:20Z"


def test_results_travel_between_processes(pair):
    result = analyze({"right_foot": pair["right_foot"]})
    again = pickle.loads(pickle.dumps(result))
    assert again.strides.equals(result.strides)
    assert copy.deepcopy(ai.Recording.from_arrays(RATE, pair)).series.keys() == pair.keys()


@pytest.mark.parametrize("values", [{"tau_acc_foot_s": -1.0}, {"roll_deg": float("nan")}, {"roll_dps": 0}])
def test_settings_must_be_positive(values):
    with pytest.raises(ValueError, match="must be a positive number"):
        ai.Settings(**values)


def test_constant_zeros_are_refused():
    with pytest.raises(errors.RecordingError):
        analyze({"left_foot": (np.zeros((500, 3)), np.zeros((500, 3)))})


def test_clipping_is_counted(pair):
    acc, gyr = (a.copy() for a in pair["right_foot"])
    limit = np.radians(250.0)
    result = analyze({"right_foot": (acc, np.clip(gyr, -limit, limit))})
    assert result.quality["sensors"]["right_foot"]["clipped"] > 100
    assert (result.strides["clipped"] > 0).mean() > 0.9
    assert analyze(pair).quality["sensors"]["right_foot"]["clipped"] == 0


def test_progress_is_told_from_nothing_to_done(pair):
    told = []
    ai.analyze(ai.Recording.from_arrays(RATE, pair), progress=lambda stage, share: told.append((stage, share)))
    shares = [share for _, share in told]
    assert shares == sorted(shares)
    assert shares[-1] == 1.0


def test_peak_rates_are_not_read_across_a_gap_of_more_than_30_ms():
    """Gaps of 20 and 50 ms in mid-stance: both are filled and the strides kept; only the first keeps its peak."""
    recording, _ = simulate("left_foot", seconds=40.0, terrain="uneven")
    series = recording.series["left_foot"]
    whole = ai.analyze(recording).strides
    acc, gyr = np.array(series.acc), np.array(series.gyr)
    for row, seconds in ((3, 0.020), (6, 0.050)):
        at = int(np.searchsorted(series.time, whole.loc[row, ["ic_s", "to_s"]].mean()))
        gap = slice(at, at + round(seconds * RATE))
        acc[gap], gyr[gap] = np.nan, np.nan
    torn = ai.Recording.from_arrays(RATE, {"left_foot": (acc, gyr)}, time={"left_foot": series.time})
    strides = ai.analyze(torn).strides
    short, long = (strides.iloc[(strides["ic_s"] - whole.loc[row, "ic_s"]).abs().argmin()] for row in (3, 6))
    assert short["lost_samples"] > 0
    assert short["peak_inv_vel_dps"] == pytest.approx(whole.loc[3, "peak_inv_vel_dps"], rel=0.1)
    assert long["accepted"]
    assert np.isfinite(long["range_stance_deg"])
    assert np.isnan(long["peak_inv_vel_dps"])
