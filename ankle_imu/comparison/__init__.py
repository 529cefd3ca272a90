"""Sessions on different ground made comparable: values at reference conditions, with intervals."""

from __future__ import annotations

from ankle_imu.comparison.adjust import COLUMNS, adjusted
from ankle_imu.comparison.contrast import Comparison, Difference, compare
from ankle_imu.comparison.session import SessionStrides, mount_sites

__all__ = ["COLUMNS", "Comparison", "Difference", "SessionStrides", "adjusted", "compare", "mount_sites"]
