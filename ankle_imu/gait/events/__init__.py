"""Initial contact and toe-off of one foot from its gyroscope and accelerometer."""

from __future__ import annotations

from ankle_imu.gait.events.contacts import Swings, choose_by_gait, locate_contacts, no_swings
from ankle_imu.gait.events.swings import CUTOFF_HZ, flexion_axis, moving_intervals, stillness

__all__ = [
    "CUTOFF_HZ",
    "Swings",
    "choose_by_gait",
    "flexion_axis",
    "locate_contacts",
    "moving_intervals",
    "no_swings",
    "stillness",
]
