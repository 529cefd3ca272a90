"""Angles resampled to 0-100 % of each stride, and their mean and spread per leg and gait class."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from ankle_imu import frames, tables
from ankle_imu.metrics.summary import ANGLE_SOURCES, GAITS, MIN_STRIDES_MEDIAN, MIN_STRIDES_SPREAD

if TYPE_CHECKING:
    import pandas as pd

    from ankle_imu.values import Array, SessionResult

N_POINTS: Final = 101
"""0, 1, ... 100 % of the stride."""

CURVE_KINDS: Final = {
    "joint": ("inversion", "dorsiflexion"),
    "foot": ("foot_tilt", "foot_pitch"),
    "none": ("shank_tilt", "shank_pitch"),
}
"""Frontal and sagittal angle that each angle source may claim."""

_JOINT_KINDS: Final = ("inversion", "dorsiflexion", "rotation")


@dataclass(frozen=True, kw_only=True, eq=False)
class CurveBand:
    """Mean and spread of one angle over the stride, of one leg, gait class and angle source.

    Parameters
    ----------
    curves : (n_strides, 101) float array, deg; every stride that is finite throughout
    mean, sd : (101,) float arrays, deg; NaN below 25 / 50 strides
    toe_off_percent : float, median of toe-off in % of the stride
    """

    leg: str
    gait: str
    source: str
    kind: str
    curves: Array
    mean: Array
    sd: Array
    toe_off_percent: float

    @property
    def n_strides(self) -> int:
        """Strides behind the curve."""
        return len(self.curves)


def accepted_strides(result: SessionResult, leg: str, gait: str, source: str = "") -> pd.DataFrame:
    """Accepted strides of a leg and gait class, of one angle source unless `source` is empty."""
    strides = result.strides
    keep = strides["accepted"].astype(bool) & (strides["leg"] == leg) & (strides["gait"] == gait)
    return strides[keep & (strides["angle_source"] == source)] if source else strides[keep]


def stride_curves(result: SessionResult, leg: str, gait: str, kind: str, source: str = "") -> Array:
    """Resample one angle to 0-100 % of every accepted stride.

    Parameters
    ----------
    result : SessionResult
    leg : `left` | `right`
    gait : `walk` | `jog` | `run`
    kind : name of an angle of `tables.ANGLE_KINDS`, e.g. `inversion`
    source : `joint` | `foot` | `none`, or "" for all strides that have the angle

    Returns
    -------
    curves : (n_strides, 101) float array, deg; NaN where the angle is not known

    Raises
    ------
    ValueError
        If `kind` is unknown.

    Notes
    -----
    Linear interpolation between samples; a missing sample leaves NaN beside it. Angles of foot against shank
    come from strides whose `angle_source` is `joint` alone.
    """
    known = [name for name, _ in tables.ANGLE_KINDS]
    if kind not in known:
        raise ValueError(f"Unknown angle {kind!r}; expected one of {', '.join(known)}.")
    strides = accepted_strides(result, leg, gait, source or ("joint" if kind in _JOINT_KINDS else ""))
    start, end = strides["start_s"].to_numpy(float), strides["end_s"].to_numpy(float)
    time = result.angles["time_s"].to_numpy(float)
    if len(strides) == 0 or len(time) == 0:
        return np.full((len(strides), N_POINTS), np.nan)
    at = start[:, None] + (end - start)[:, None] * np.linspace(0.0, 1.0, N_POINTS)
    angle = result.angles[f"{leg}_{kind}_deg"].to_numpy(float)
    flat: Array = np.interp(at.ravel(), time, angle, left=np.nan, right=np.nan)
    return flat.reshape(at.shape)


def strata(strides: pd.DataFrame) -> list[tuple[str, str]]:
    """(angle source, gait class) pairs that have accepted strides, in the order of a report.

    The few strides of a gait during which one of two sensors was away have another angle source than all others;
    below 25 a leg, beside a source that has so many, they make no figure of their own.
    """
    accepted = strides[strides["accepted"].astype(bool)]
    counts = Counter(zip(*(accepted[name] for name in ("angle_source", "gait", "leg")), strict=True))
    count: dict[tuple[str, str], int] = {}
    for (source, gait, _), n in counts.items():
        count[source, gait] = max(count.get((source, gait), 0), n)
    most = {g: max((n for (_, gait), n in count.items() if gait == g), default=0) for g in GAITS}

    def is_shown(n: int, gait: str) -> bool:
        return n >= MIN_STRIDES_MEDIAN or most[gait] < MIN_STRIDES_MEDIAN

    return [(s, g) for s in ANGLE_SOURCES for g in GAITS if (s, g) in count and is_shown(count[s, g], g)]


def left_out(strides: pd.DataFrame) -> int:
    """Accepted strides that are in none of the `strata`."""
    accepted = strides[strides["accepted"].astype(bool)]
    shown = set(strata(strides))
    return sum((s, g) not in shown for s, g in zip(accepted["angle_source"], accepted["gait"], strict=True))


def curve_band(result: SessionResult, leg: str, gait: str, source: str, kind: str) -> CurveBand:
    """Mean and spread over the stride of one angle, leg, gait class and angle source."""
    curves = stride_curves(result, leg, gait, kind, source)
    whole = curves[np.isfinite(curves).all(axis=1)]
    blank = np.full(N_POINTS, np.nan)
    strides = accepted_strides(result, leg, gait, source)
    toe_off = (strides["to_s"] - strides["start_s"]) / (strides["end_s"] - strides["start_s"]) * 100.0
    return CurveBand(
        leg=leg,
        gait=gait,
        source=source,
        kind=kind,
        curves=whole,
        mean=whole.mean(axis=0) if len(whole) >= MIN_STRIDES_MEDIAN else blank,
        sd=whole.std(axis=0, ddof=1) if len(whole) >= MIN_STRIDES_SPREAD else blank,
        toe_off_percent=float(toe_off.median()),
    )


def curve_bands(result: SessionResult) -> list[CurveBand]:
    """Bands of every leg, gait class and angle source with a whole stride; frontal angle, then sagittal."""
    bands = [
        curve_band(result, leg, gait, source, kind)
        for source, gait in strata(result.strides)
        for kind in CURVE_KINDS[source]
        for leg in frames.LEGS
    ]
    return [band for band in bands if band.n_strides]
