"""What the feet met, by hand and by property."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from ankle_imu import tables
from ankle_imu.metrics import ground


def strides(n: int = 60, leg: str = "left", start: float = 0.0, **columns: object) -> pd.DataFrame:
    begin = start + 1.1 * np.arange(n)
    return tables.make_table(
        tables.STRIDES,
        {
            "stride_id": np.arange(n), "leg": [leg] * n, "start_s": begin, "end_s": begin + 1.1,
            "gait": ["walk"] * n,
            "slope_deg": np.zeros(n), "tilt_ff_deg": np.zeros(n), "height_change_m": np.zeros(n),
            "stride_length_m": np.full(n, 1.4), "turn_deg": np.zeros(n), "accepted": [True] * n, **columns,
        },
    )  # fmt: skip


def test_flat_ground_is_smooth() -> None:
    assert ground.roughness(strides()) == pytest.approx(np.zeros(60))


def test_each_part_counts_in_degrees() -> None:
    """Alternating +-a has a standard deviation of a sqrt(20 / 19) in every whole window; parts add as squares."""
    flip = np.tile([1.0, -1.0], 30)
    rough = ground.roughness(
        strides(
            tilt_ff_deg=3.0 * flip, slope_deg=4.0 * flip, height_change_m=1.4 * np.tan(np.radians(12.0)) * flip
        )
    )
    assert rough[10:-10] == pytest.approx(13.0 * np.sqrt(20 / 19))


def test_a_constant_slope_is_not_rough() -> None:
    steady = strides(slope_deg=np.full(60, 8.0), height_change_m=np.full(60, 0.2), tilt_ff_deg=np.full(60, 5.0))
    assert ground.roughness(steady) == pytest.approx(np.zeros(60), abs=1e-6)


def test_unknown_is_nan() -> None:
    assert np.isnan(ground.roughness(strides(tilt_ff_deg=np.full(60, np.nan)))).all()
    assert np.isnan(ground.roughness(strides(n=9))).all()
    assert len(ground.roughness(strides(n=0))) == 0


def test_a_pause_and_the_other_leg_end_the_window() -> None:
    rough = np.tile([6.0, -6.0], 15)
    before, after = strides(30), strides(30, start=100.0, tilt_ff_deg=rough)
    other = strides(30, leg="right", start=0.5, tilt_ff_deg=rough)
    found = ground.roughness(pd.concat([before, other, after], ignore_index=True))
    assert found[:30] == pytest.approx(np.zeros(30))
    assert (found[30:] > 5.0).all()


def test_order_of_rows_does_not_matter() -> None:
    rng = np.random.default_rng(3)
    table = strides(80, tilt_ff_deg=rng.normal(0, 3, 80), slope_deg=rng.normal(0, 2, 80))
    mixed = rng.permutation(80)
    assert ground.roughness(table.iloc[mixed].reset_index(drop=True)) == pytest.approx(
        ground.roughness(table)[mixed]
    )


def test_kinds_of_ground_by_hand() -> None:
    rough = np.array([0.1, 1.0, 5.0, np.nan])
    labels = ground.label_ground(np.array([3.0, 3.0, -9.0, np.nan]), rough, (0.5, 2.0))
    assert list(labels) == ["up, smooth", "up, middling", "steep down, rough", "slope unknown, roughness unknown"]


@pytest.mark.parametrize(
    ("slope", "name"), [(-9, "steep down"), (-3, "down"), (0, "level"), (3, "up"), (9, "steep up")]
)
def test_slope_bands(slope: float, name: str) -> None:
    assert ground.label_ground(np.array([float(slope)]), np.array([1.0]), (2.0, 3.0))[0] == f"{name}, smooth"
