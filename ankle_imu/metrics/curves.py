"""Angles resampled to 0-100 % of each stride, and their mean and spread per leg and gait class."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from ankle_imu import frames, tables
from ankle_imu.metrics import ground
from ankle_imu.metrics.summary import ANGLE_SOURCES, GAITS, MIN_STRIDES_MEDIAN, MIN_STRIDES_SPREAD

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd
    from numpy.typing import NDArray

    from ankle_imu.values import Array, SessionResult

N_POINTS: Final = 101
"""0, 1, ... 100 % of the stride."""

CURVE_KINDS: Final = {
    "joint": ("inversion", "dorsiflexion"),
    "foot": ("foot_tilt", "foot_pitch"),
    "none": ("shank_tilt", "shank_pitch"),
}
"""Frontal and sagittal angle that each angle source may claim."""

SLOPES: Final = ("up", "level", "down")

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
    return _over_strides(result.angles, f"{leg}_{kind}_deg", start, end)


def _over_strides(angles: pd.DataFrame, name: str, start: Array, end: Array) -> Array:
    """One angle over strides from `start` to `end` (k,) s, (k, 101)."""
    time = angles["time_s"].to_numpy(float)
    at = start[:, None] + (end - start)[:, None] * np.linspace(0.0, 1.0, N_POINTS)
    if len(time) == 0:
        return np.full(at.shape, np.nan)
    flat: Array = np.interp(at.ravel(), time, angles[name].to_numpy(float), left=np.nan, right=np.nan)
    return flat.reshape(at.shape)


def resample(values: Array, start: Array, end: Array) -> Array:
    """Evenly sampled values (n,) at 0, 1, ... 100 % of strides from `start` to `end` (k,) in samples, (k, 101)."""
    at = start[:, None] + (end - start)[:, None] * np.linspace(0.0, 1.0, N_POINTS)
    flat: Array = np.interp(at.ravel(), np.arange(len(values)), values, left=np.nan, right=np.nan)
    return flat.reshape(at.shape)


def slope_classes(strides: pd.DataFrame, context: pd.DataFrame | None) -> NDArray[np.object_]:
    """Whether each stride went `up`, `level` or `down`, (n,); "" where the slope is not known.

    The bands of `metrics.ground` with steep ones in them: beyond 2 deg is up or down.
    """
    known = ground.slope(strides, context)
    band = ground.label_ground(known, np.full(len(known), np.nan), (np.nan, np.nan))
    names = {name: name.removeprefix("steep ") for name in ground.SLOPE_NAMES if "unknown" not in name}
    return np.array([names.get(str(one).split(",")[0], "") for one in band], dtype=object)


def curves_table(
    strides: pd.DataFrame, context: pd.DataFrame, angles: pd.DataFrame, velocity: Mapping[str, Array]
) -> pd.DataFrame:
    """Mean and spread over the stride of all strata.

    Parameters
    ----------
    strides, context, angles : tables `tables.STRIDES`, `tables.CONTEXT`, `tables.ANGLES`
    velocity : leg -> (k, 101) deg/s, a row for each of the leg's strides in the order of the table; legs without
        one are left out

    Returns
    -------
    curves : table `tables.CURVES`, for each leg, gait class and angle source with 25 accepted strides or more, and
        for each slope class of these with as many

    Notes
    -----
    A mean takes the strides that are known throughout, each quantity its own.
    """
    import pandas as pd

    slope = slope_classes(strides, context)
    accepted = strides["accepted"].to_numpy(bool)
    parts = []
    for leg in frames.LEGS:
        own = (strides["leg"] == leg).to_numpy()
        rows = strides[own]
        start, end, toe_off = (rows[name].to_numpy(float) for name in ("start_s", "end_s", "to_s"))
        rate = velocity.get(leg, np.full((len(rows), N_POINTS), np.nan))
        share = 100.0 * (toe_off - start) / np.where(end > start, end - start, np.nan)
        for source, kinds in CURVE_KINDS.items():
            of_source = accepted[own] & (rows["angle_source"] == source).to_numpy()
            if of_source.sum() < MIN_STRIDES_MEDIAN:
                continue
            both = [_over_strides(angles, f"{leg}_{kind}_deg", start, end) for kind in kinds]
            for gait, name in product(GAITS, ("all", *SLOPES)):
                some = of_source & (rows["gait"] == gait).to_numpy()
                some &= (slope[own] == name) if name != "all" else True
                if some.sum() >= MIN_STRIDES_MEDIAN:
                    key = {"leg": leg, "gait": gait, "angle_source": source, "slope": name}
                    parts.append(_stratum(key, [c[some] for c in (*both, rate)], share[some]))
    return pd.concat(parts, ignore_index=True) if parts else tables.make_table(tables.CURVES, {})


def _stratum(key: dict[str, str], curves: list[Array], toe_off: Array) -> pd.DataFrame:
    """101 rows of the curves table; `curves` are frontal, sagittal and velocity."""
    columns: dict[str, Any] = {name: [value] * N_POINTS for name, value in key.items()}
    columns |= {"percent": np.arange(N_POINTS), "toe_off_percent": np.full(N_POINTS, np.nanmedian(toe_off))}
    names = (
        ("frontal_deg", "frontal_sd_deg"),
        ("sagittal_deg", "sagittal_sd_deg"),
        ("velocity_dps", "velocity_sd_dps"),
    )
    for (name, spread), values in zip(names, curves, strict=True):
        whole = values[np.isfinite(values).all(axis=1)]
        columns[name], columns[spread] = mean_and_spread(whole)
        if name == "frontal_deg":
            columns["n_strides"] = np.full(N_POINTS, len(whole))
    return tables.make_table(tables.CURVES, columns)


def mean_and_spread(whole: Array) -> tuple[Array, Array]:
    """Mean and standard deviation of curves (k, 101), (101,) each; NaN below 25 and 50 curves."""
    blank = np.full(N_POINTS, np.nan)
    mean = whole.mean(axis=0) if len(whole) >= MIN_STRIDES_MEDIAN else blank
    return mean, whole.std(axis=0, ddof=1) if len(whole) >= MIN_STRIDES_SPREAD else blank


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
    mean, sd = mean_and_spread(whole)
    strides = accepted_strides(result, leg, gait, source)
    toe_off = (strides["to_s"] - strides["start_s"]) / (strides["end_s"] - strides["start_s"]) * 100.0
    return CurveBand(
        leg=leg,
        gait=gait,
        source=source,
        kind=kind,
        curves=whole,
        mean=mean,
        sd=sd,
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
