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
from ankle_imu.trends.history import PastSession, follow, no_curves, with_adjusted
from ankle_imu.trends.index import Index, stability_index
from ankle_imu.trends.ladder import Ladder, climb
from ankle_imu.trends.outlook import INDEX, KNOWN, Outlook, bars_of, describe_index, look
from ankle_imu.trends.selection import Series, Trend, describe_stratum, select_trend
from ankle_imu.trends.statistics import (
    Slope,
    change_points,
    detectable_change,
    ewma,
    loess,
    own_noise,
    theil_sen,
)
from ankle_imu.trends.usual import COMPONENTS
from ankle_imu.trends.usual_curves import UsualCurve, usual_curves

__all__ = [
    "COMPONENTS",
    "DETECTABLE_CHANGE",
    "INDEX",
    "KNOWN",
    "Break",
    "Change",
    "Index",
    "Ladder",
    "Outlook",
    "PastSession",
    "Series",
    "Slope",
    "Trend",
    "UsualCurve",
    "Worn",
    "bars_of",
    "baseline_band",
    "change_points",
    "climb",
    "describe_index",
    "describe_stratum",
    "describe_trend",
    "detectable_change",
    "ewma",
    "find_breaks",
    "find_changes",
    "fit_slopes",
    "follow",
    "loess",
    "look",
    "no_curves",
    "own_noise",
    "select_trend",
    "stability_index",
    "theil_sen",
    "usual_curves",
    "with_adjusted",
]
