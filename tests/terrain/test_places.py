"""Places by time, between points and not in gaps."""

from __future__ import annotations

import numpy as np
import pytest

from ankle_imu import tables
from ankle_imu.terrain import places


def table(time, latitude, longitude=None):
    n = len(time)
    return tables.make_table(
        tables.TRACK,
        {
            "time_s": time,
            "latitude_deg": latitude,
            "longitude_deg": [14.0] * n if longitude is None else longitude,
            "elevation_m": np.arange(n) * 10.0,
            "distance_m": np.arange(n) * 100.0,
        },
    )


def test_between_points_by_hand() -> None:
    found = places(table([0.0, 10.0, 20.0], [46.0, 46.001, 46.002]), [-1.0, 0.0, 5.0, 20.0, 21.0])
    np.testing.assert_allclose(found["latitude_deg"], [np.nan, 46.0, 46.0005, 46.002, np.nan])
    np.testing.assert_allclose(found["elevation_m"], [np.nan, 0.0, 5.0, 20.0, np.nan])
    np.testing.assert_allclose(found["distance_m"], [np.nan, 0.0, 50.0, 200.0, np.nan])


def test_a_gap_on_the_move_is_not_bridged_but_its_ends_are_known() -> None:
    found = places(table([0.0, 100.0, 110.0], [46.0, 46.01, 46.0101]), [0.0, 50.0, 100.0, 105.0])
    assert list(np.isfinite(found["latitude_deg"])) == [True, False, True, True]


def test_a_rest_is_bridged() -> None:
    found = places(table([0.0, 1000.0], [46.0, 46.0001]), [500.0])
    assert found["latitude_deg"][0] == pytest.approx(46.00005)


def test_across_the_date_line() -> None:
    found = places(table([0.0, 10.0], [0.0, 0.0], [179.9999, -179.9997]), [2.5, 7.5])
    np.testing.assert_allclose(np.abs(found["longitude_deg"]), [180.0, 179.9998])


@pytest.mark.parametrize("n", [0, 1])
def test_no_track_no_places(n: int) -> None:
    found = places(table([0.0][:n], [46.0][:n]), [0.0, 1.0])
    assert all(np.isnan(values).all() and values.shape == (2,) for values in found.values())
    assert places(table([0.0, 1.0], [46.0, 46.0]), [])["distance_m"].shape == (0,)
