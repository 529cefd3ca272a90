from __future__ import annotations

import numpy as np
import pytest

from ankle_imu import tables
from ankle_imu.metrics.curves import curve_band, curve_bands, left_out, strata, stride_curves
from ankle_imu.settings import Settings
from ankle_imu.values import SessionInfo, SessionResult


def result(n=60, source="joint", gap=None, rate=100.0):
    """Strides of 1 s from 10 s on; the angle is 10 times the sine of the stride's phase."""
    start = 10.0 + np.arange(n)
    strides = tables.make_table(tables.STRIDES, {
        "leg": ["left"] * n, "gait": ["walk"] * n, "angle_source": [source] * n, "accepted": np.arange(n) != 1,
        "start_s": start, "end_s": start + 1.0, "to_s": start + 0.6,
    })  # fmt: skip
    time = np.arange(0.0, 20.0 + n, 1.0 / rate)
    angle = 10.0 * np.sin(2 * np.pi * (time % 1.0))
    if gap:
        angle[(time > gap[0]) & (time < gap[1])] = np.nan
    angles = tables.make_table(tables.ANGLES, {
        "time_s": time, "left_inversion_deg": angle, "left_foot_tilt_deg": angle, "left_dorsiflexion_deg": -angle,
    })  # fmt: skip
    empty = {
        name: tables.make_table(tables.TABLES[name], {})
        for name in ("context", "events", "bouts", "summary", "track")
    }
    return SessionResult(angles=angles, strides=strides, **empty, quality={}, settings=Settings(),
                         session=SessionInfo(), version="0", duration_s=time[-1], sampling_rate=rate)  # fmt: skip


def test_curves_run_from_contact_to_contact():
    curves = stride_curves(result(), "left", "walk", "inversion")
    assert curves.shape == (59, 101)
    np.testing.assert_allclose(curves[0], 10 * np.sin(2 * np.pi * np.linspace(0, 1, 101)), atol=0.05)


def test_a_gap_costs_only_the_stride_it_touches():
    curves = stride_curves(result(gap=(15.2, 15.3)), "left", "walk", "inversion")
    assert np.flatnonzero(np.isnan(curves).any(axis=1)).tolist() == [4]  # stride 5; stride 1 is not accepted
    assert curve_band(result(gap=(15.2, 15.3)), "left", "walk", "joint", "inversion").n_strides == 58


def test_joint_angles_come_from_joint_strides_alone():
    assert stride_curves(result(source="foot"), "left", "walk", "inversion").shape == (0, 101)
    assert stride_curves(result(source="foot"), "left", "walk", "foot_tilt").shape == (59, 101)
    assert stride_curves(result(), "right", "walk", "inversion").shape == (0, 101)
    with pytest.raises(ValueError, match="Unknown angle"):
        stride_curves(result(), "left", "walk", "yaw")


@pytest.mark.parametrize(("n", "mean", "sd"), [(20, False, False), (40, True, False), (60, True, True)])
def test_mean_from_25_and_spread_from_50_strides(n, mean, sd):
    band = curve_band(result(n), "left", "walk", "joint", "inversion")
    assert bool(np.isfinite(band.mean).all()) is mean
    assert bool(np.isfinite(band.sd).all()) is sd
    assert band.toe_off_percent == pytest.approx(60.0)


def test_a_few_strides_of_another_source_make_no_figure():
    """Three of 60 strides without the shank sensor; where nothing else is there, three are all there is."""
    strides = result(60).strides
    strides.loc[[5, 6, 7], "angle_source"] = "foot"
    assert strata(strides) == [("joint", "walk")]
    assert left_out(strides) == 3
    few = strides.iloc[4:8]
    assert strata(few) == [("joint", "walk"), ("foot", "walk")]
    assert left_out(few) == 0


def test_bands_follow_what_was_measured():
    assert strata(result(source="foot").strides) == [("foot", "walk")]
    assert [(b.leg, b.kind) for b in curve_bands(result())] == [("left", "inversion"), ("left", "dorsiflexion")]
    assert [b.kind for b in curve_bands(result(source="foot"))] == ["foot_tilt"]
    assert curve_bands(result(0)) == []
