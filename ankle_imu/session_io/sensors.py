"""What is known of the sensors of a session, in the order of placements."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, TypeVar

import numpy as np

from ankle_imu.frames import PLACEMENTS
from ankle_imu.values import SensorInfo

T = TypeVar("T")


def with_config(sensor: SensorInfo, protocol: str, config: Mapping[str, Any]) -> SensorInfo:
    """`sensor` with what the configuration of its stream tells and the manifest leaves open."""
    numbers: dict[str, Any] = {
        name: float(config[name])
        for name in ("nominal_rate_hz", "acc_range_g", "gyr_range_dps")
        if name in config and np.isnan(getattr(sensor, name))
    }
    return replace(sensor, protocol=sensor.protocol or protocol, **numbers)


def in_order(by_placement: Mapping[str, T]) -> dict[str, T]:
    """The same mapping, in the order of placements."""
    return {placement: by_placement[placement] for placement in PLACEMENTS if placement in by_placement}
