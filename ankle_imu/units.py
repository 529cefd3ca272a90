"""Unit factors. SI inside; other units only where numbers enter or leave."""

from __future__ import annotations

import math
from typing import Final

STANDARD_GRAVITY: Final = 9.80665
"""Standard acceleration of gravity, m/s^2 (3rd CGPM 1901)."""

DEGREE: Final = math.pi / 180.0
"""One degree in rad."""

ACC_UNITS: Final[dict[str, float]] = {
    "m/s^2": 1.0,
    "g": STANDARD_GRAVITY,
    "mg": STANDARD_GRAVITY / 1000.0,
}
"""Factor from each accepted acceleration unit to m/s^2."""

GYR_UNITS: Final[dict[str, float]] = {"rad/s": 1.0, "deg/s": DEGREE, "mdeg/s": DEGREE / 1000.0}
"""Factor from each accepted angular-rate unit to rad/s."""

TIME_UNITS: Final[dict[str, float]] = {"s": 1.0, "ms": 1e-3, "us": 1e-6, "ns": 1e-9}
"""Factor from each accepted time unit to s."""
