"""Many sessions of one person: what changed, what did not, and what nobody can tell."""

from __future__ import annotations

from ankle_imu.trends.breaks import Break, Worn, find_breaks
from ankle_imu.trends.change import (
    DETECTABLE_CHANGE,
    Change,
    baseline_band,
    describe_trend,
    find_changes,
    fit_slopes,
)
from ankle_imu.trends.history import PastSession, follow, with_adjusted
from ankle_imu.trends.selection import Series, Trend, describe_stratum, select_trend
from ankle_imu.trends.statistics import Slope, change_points, ewma, loess, own_noise, theil_sen

__all__ = [
    "DETECTABLE_CHANGE",
    "Break",
    "Change",
    "PastSession",
    "Series",
    "Slope",
    "Trend",
    "Worn",
    "baseline_band",
    "change_points",
    "describe_stratum",
    "describe_trend",
    "ewma",
    "find_breaks",
    "find_changes",
    "fit_slopes",
    "follow",
    "loess",
    "own_noise",
    "select_trend",
    "theil_sen",
    "with_adjusted",
]
