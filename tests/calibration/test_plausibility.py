from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from ankle_imu.calibration.plausibility import check_units, likely_units
from ankle_imu.errors import ImplausibleUnits, RecordingError
from ankle_imu.values import ImuSeries

G = 9.80665


def series(acc, gyr, rate):
    acc, gyr = np.asarray(acc, dtype=float), np.asarray(gyr, dtype=float)
    return ImuSeries(time=np.arange(len(acc)) / rate, acc=acc, gyr=gyr, sampling_rate=rate)


def swinging(n=2000, rate=100.0, amplitude=0.5):
    """A sensor that pitches +-amplitude twice in three seconds; |acc| waxes and wanes as in a gentle walk."""
    t = np.arange(n) / rate
    w = 2 * np.pi / 1.5
    angle = amplitude * np.sin(w * t)
    rng = np.random.default_rng(3)
    acc = np.column_stack([-G * np.sin(angle), 0 * t, G * np.cos(angle)]) * (1 + 0.2 * np.sin(9 * w * t))[:, None]
    gyr = np.column_stack([0 * t, amplitude * w * np.cos(w * t), 0 * t])
    return acc + rng.normal(0, 0.05, acc.shape), gyr + rng.normal(0, 0.005, gyr.shape), rate


def still(level=G, n=500):
    rng = np.random.default_rng(1)
    return np.tile([0, 0, level], (n, 1)) + rng.normal(0, 1e-3 * level, (n, 3)), rng.normal(0, 2e-3, (n, 3)), 100.0


WRONG = {
    "g": (lambda a, w: (a / G, w), "acc", "g", "acc is given in g;"),
    "mg": (lambda a, w: (a / G * 1000, w), "acc", "mg", "acc is given in mg;"),
    "g twice": (lambda a, w: (a * G, w), "acc", "", "from g to m/s^2 twice"),
    "deg/s": (lambda a, w: (a, np.rad2deg(w)), "gyr", "deg/s", "gyr is given in deg/s"),
    "mdeg/s": (lambda a, w: (a, 1e3 * np.rad2deg(w)), "gyr", "mdeg/s", "gyr is given in mdeg/s"),
    "deg twice": (lambda a, w: (a, np.deg2rad(w)), "gyr", "", "from deg/s to rad/s twice; multiply by 57.3"),
    "exchanged": (lambda a, w: (w, a), "acc", "", "acc and gyr are exchanged"),
    "g and deg/s": (lambda a, w: (a / G, np.rad2deg(w)), "acc", "g", "acc is given in g;"),
}


def test_right_units_pass_without_a_word():
    assert check_units(series(*swinging()), "left_foot") == ()


@pytest.mark.parametrize("name", WRONG)
def test_wrong_units_are_named(name):
    acc, gyr, rate = swinging()
    wrong, quantity, unit, words = WRONG[name]
    with pytest.raises(ImplausibleUnits) as caught:
        check_units(series(*wrong(acc, gyr), rate), "right_shank")
    assert words in str(caught.value)
    assert str(caught.value).startswith("right_shank: ")
    assert (caught.value.quantity, caught.value.likely_unit) == (quantity, unit)


@pytest.mark.parametrize("factor", [2.0, 0.5, 4.0, 0.25, 8.0])
@pytest.mark.parametrize("quantity", ["acc", "gyr"])
def test_a_wrong_range_is_named(quantity, factor):
    acc, gyr, rate = swinging(amplitude=0.8)
    wrong = (acc * factor, gyr) if quantity == "acc" else (acc, gyr * factor)
    with pytest.raises(ImplausibleUnits, match=f"multiply by {1 / factor:g}") as caught:
        check_units(series(*wrong, rate), "left_foot")
    assert (caught.value.quantity, caught.value.likely_unit) == (quantity, "")


@pytest.mark.parametrize("rate", [26.0, 52.0, 208.0, 1000.0])
@pytest.mark.parametrize("amplitude", [0.15, 1.0])
def test_rate_and_amplitude_do_not_matter(rate, amplitude):
    acc, gyr, _ = swinging(round(12 * rate), rate, amplitude)
    assert check_units(series(acc, gyr, rate), "left_foot") == ()
    with pytest.raises(ImplausibleUnits, match="deg/s"):
        check_units(series(acc, np.rad2deg(gyr), rate), "left_foot")
    with pytest.raises(ImplausibleUnits, match="twice"):
        check_units(series(acc, np.deg2rad(gyr), rate), "left_foot")


def test_sensor_mounted_any_way_gives_the_same_verdict():
    acc, gyr, rate = swinging()
    rng = np.random.default_rng(0)
    for _ in range(10):
        turn, _ = np.linalg.qr(rng.normal(size=(3, 3)))
        turn *= np.sign(np.linalg.det(turn))
        assert check_units(series(acc @ turn.T, gyr @ turn.T, rate), "left_foot") == ()
        with pytest.raises(ImplausibleUnits, match="deg/s"):
            check_units(series(acc @ turn.T, np.rad2deg(gyr) @ turn.T, rate), "left_foot")


def test_gravity_removed_is_named():
    acc, gyr, rate = swinging()
    rng = np.random.default_rng(5)
    with pytest.raises(ImplausibleUnits, match="gravity was removed"):
        check_units(series(rng.normal(0, 1.5, acc.shape), gyr, rate), "left_foot")


def test_raw_counts_are_no_known_unit():
    acc, gyr, rate = swinging()
    with pytest.raises(ImplausibleUnits, match="no known unit"):
        check_units(series(acc / G * 2048, gyr, rate), "left_foot")


def test_still_sensor_has_no_verdict_on_gyr():
    acc, gyr, rate = still()
    for factor in (1.0, 57.3, 1 / 57.3):
        (warning,) = check_units(series(acc, factor * gyr, rate), "left_foot")
        assert "turned too little" in warning


def test_turning_about_the_vertical_gives_no_false_verdict():
    acc, gyr, rate = still()
    check_units(series(acc, gyr + [0, 0, 3.0] * np.sin(np.arange(500) / 30)[:, None], rate), "left_foot")


def test_values_beyond_any_range_are_named_even_without_gravity_turning():
    acc, gyr, rate = still()
    with pytest.raises(ImplausibleUnits, match="4000 deg/s"):
        check_units(series(acc, gyr + [0, 0, 300.0] * np.sin(np.arange(500) / 30)[:, None], rate), "left_foot")


def test_single_broken_samples_decide_nothing():
    acc, gyr, rate = swinging()
    gyr[[100, 900]] = 500.0
    acc[[50, 700]] = -300.0
    assert check_units(series(acc, gyr, rate), "left_foot") == ()


def test_gaps_decide_nothing():
    acc, gyr, rate = swinging()
    lost = np.random.default_rng(0).random(len(acc)) < 0.2
    lost[500:800] = True
    acc[lost], gyr[lost] = np.nan, np.nan
    assert check_units(series(acc, gyr, rate), "left_foot") == ()
    with pytest.raises(ImplausibleUnits, match="deg/s"):
        check_units(series(acc, np.rad2deg(gyr), rate), "left_foot")


def test_scale_error_at_rest_is_a_remark():
    acc, gyr, rate = still(1.08 * G)
    assert "at rest acc reads 10.59 m/s^2 (+8 %)" in check_units(series(acc, gyr, rate), "left_foot")[0]
    assert not any("at rest" in w for w in check_units(series(*still(1.03 * G)), "left_foot"))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda a, w: (a * np.nan, w), r"0 valid sample\(s\) among 2000"),
        (lambda a, w: (a * 0, w), "accelerometer reads exactly zero"),
        (lambda a, w: (a, w * 0), "gyroscope reads exactly zero"),
        (lambda a, w: (a * 0 + [0, 0, G], w), r"accelerometer never changes \(0, 0, 9.807\)"),
        (lambda a, w: (a, w * 0 + 0.1), "gyroscope never changes"),
        (lambda a, w: (a[:1], w[:1]), r"1 valid sample\(s\) among 1"),
        (lambda a, w: (a[:0], w[:0]), r"0 valid sample\(s\) among 0"),
    ],
)
def test_dead_sensors(change, words):
    acc, gyr, rate = swinging()
    with pytest.raises(RecordingError, match=words) as caught:
        check_units(series(*change(acc, gyr), rate), "left_foot")
    assert not isinstance(caught.value, ImplausibleUnits)


def test_dead_axis_is_a_warning():
    acc, gyr, rate = swinging()
    gyr[:, 2] = 0.0
    assert check_units(series(acc, gyr, rate), "left_foot") == (
        "left_foot: the z axis of the gyroscope never changes.",
    )


@pytest.mark.parametrize("n", [2, 3, 10, 40])
def test_very_short_series_do_not_break(n):
    acc, gyr, rate = swinging()
    check_units(series(acc[:n], gyr[:n], rate), "left_foot")


def test_likely_units():
    acc, gyr, rate = swinging()
    for acc_unit, a in (("m/s^2", 1.0), ("g", 1 / G), ("mg", 1000 / G)):
        for gyr_unit, w in (("rad/s", 1.0), ("deg/s", 180 / np.pi), ("mdeg/s", 180e3 / np.pi)):
            assert likely_units(acc * a, gyr * w, rate) == (acc_unit, gyr_unit)
    assert likely_units(acc * np.nan, gyr, rate) == ("", "")
    assert likely_units(still()[0], still()[1], rate) == ("m/s^2", "")
    with pytest.raises(ValueError, match=r"\(n, 3\)"):
        likely_units(acc[:, :2], gyr, rate)


def recordings(data):
    """Name, acc m/s^2, gyr rad/s, rate of every real recording of at least a second."""
    walk = np.load(data / "osim_walk/walk.npz", allow_pickle=True)
    for s in ("foot_r", "foot_l", "shank_r", "shank_l"):
        yield (
            s,
            walk[f"acc_raw_{s}"] * float(walk["acc_lsb"]),
            walk[f"gyr_raw_{s}"] * float(walk["gyr_lsb"]),
            208.0,
        )
    legs = pd.read_parquet(data / "qmt_fullbody/legs.parquet")
    for s in ("foot_left", "foot_right", "lower_leg_left", "lower_leg_right"):
        yield s, *(legs[[f"{s}.{q}{i}" for i in range(3)]].to_numpy(float) for q in ("acc", "gyr")), 100.0
    for name in ("imu_204p8hz", "imu_stair_up_204p8hz", "imu_stair_down_204p8hz"):
        frame = pd.read_parquet(data / f"gaitmap_walk_mocap/{name}.parquet")
        for s in ("left", "right"):
            acc, gyr = (frame[[f"{s}_sensor.{q}_{i}" for i in "xyz"]].to_numpy(float) for q in ("acc", "gyr"))
            yield f"{name} {s}", acc, np.deg2rad(gyr), 204.8
    neura = pd.read_parquet(data / "neura_s02_walk/give_left_imu.parquet")
    for name, frame in neura.groupby("segment"):
        yield name, *(frame[[f"{q}_{i}" for i in "XYZ"]].to_numpy(float) for q in ("Acc", "Gyr")), 100.0
    kam = pd.read_parquet(data / "kam_steps/give_s01_steps0-4.parquet")
    for step, frame in kam.groupby("step"):
        for s in ("L_FOOT", "R_FOOT", "L_SHANK", "R_SHANK"):
            acc, gyr = (frame[[f"{q}{i}_{s}" for i in "XYZ"]].to_numpy(float) for q in ("Accel", "Gyro"))
            yield f"kam step {step} {s}", acc, np.deg2rad(gyr), 100.0
    for name in ("07_undisturbed_fast_rotation_B", "12_undisturbed_slow_translation_C"):
        frame = pd.read_parquet(data / f"broad_subset/{name}.parquet")
        yield name, *(frame[[f"{q}{i}" for i in range(3)]].to_numpy(float) for q in ("acc", "gyr")), 285.714
    xio = pd.read_csv(data / "xio_gait/short_walk.csv.gz").to_numpy(float)
    yield "xio", xio[:, 4:] * G, np.deg2rad(xio[:, 1:4]), 400.0
    shoe = np.load(data / "pyshoe_vicon/give_2017-11-22.npz")
    for name in [key for key in shoe.files if key.endswith("/imu")]:
        rate = 1 / np.median(np.diff(shoe[name.replace("/imu", "/ts")]))
        yield name, shoe[name][:, :3], shoe[name][:, 3:], rate


def test_every_real_recording_passes_and_every_wrong_unit_is_named(shared):
    """64 recordings: no false alarm; acc mistakes always named; gyr mistakes where a second or more was seen."""
    judged = 0
    for name, acc, gyr, rate in recordings(shared / "data"):
        ok = np.isfinite(acc).all(axis=1) & np.isfinite(gyr).all(axis=1)
        acc, gyr = acc[ok], gyr[ok]
        judged += 1
        remarks = check_units(series(acc, gyr, rate), "left_foot")
        assert all("too little" in r for r in remarks), (name, remarks)
        for wrong, _, _, words in WRONG.values():
            if words.endswith("by 57.3") and remarks:  # under a second: gravity's turning cannot be judged
                continue
            with pytest.raises(ImplausibleUnits) as caught:
                check_units(series(*wrong(acc, gyr), rate), "left_foot")
            if "mdeg/s" not in words or not remarks:
                assert words in str(caught.value), name
        assert remarks == () or len(acc) < 96, name
    assert judged == 64
