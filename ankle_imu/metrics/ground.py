"""What the feet met: how rough and how steep the ground was under each stride."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from ankle_imu import frames
from ankle_imu.units import DEGREE

if TYPE_CHECKING:
    import pandas as pd

Array = NDArray[np.float64]

WINDOW_STRIDES: Final = 20
"""Strides of one leg behind one figure of roughness (methods F3.2)."""

LEAST_STRIDES: Final = 10
"""Fewest strides with a value in such a window; ours: half of it, which doubles the variance of its spread."""

PAUSE_S: Final = 10.0
"""A longer pause ends a stretch of ground; ours: what lies before and behind a stop may differ."""

SLOPE_BANDS_DEG: Final = (-5.0, -2.0, 2.0, 5.0)
"""Edges of the slope bands (methods F3.1)."""

SLOPE_NAMES: Final = ("steep down", "down", "level", "up", "steep up", "slope unknown")
ROUGHNESS_NAMES: Final = ("smooth", "middling", "rough", "roughness unknown")


def roughness(strides: pd.DataFrame) -> Array:
    """How rough the ground was that the feet met, per stride.

    Parameters
    ----------
    strides : table `tables.STRIDES`, any order, one leg or two

    Returns
    -------
    roughness : (n,) float array, deg, row by row of `strides`; NaN where fewer than 10 strides around it have a
        foot-flat with pitch, tilt and a height to the next

    Notes
    -----
    Over the 20 strides of the same leg around each stride, without a pause of 10 s: the root of the summed
    variances of foot pitch at foot-flat, foot tilt at foot-flat, and the angle at which the foot climbed from
    this stance to the next. The third is the per-stride height of the methods sheet as an angle, so that the
    three add up in one unit. It is partly behaviour: who picks the flat stones meets smoother ground.

    References
    ----------
    Methods sheet F3.2.
    """
    parts = attitude(strides)
    out = np.full(len(strides), np.nan)
    for rows in _stretches(strides):
        out[rows] = np.sqrt(sum(_rolling(values[rows], "var") for values in parts))
    return out


def attitude(strides: pd.DataFrame) -> tuple[Array, Array, Array]:
    """Pitch and tilt of the foot on the ground and the angle of its climb to the next stance, (n,) deg each."""
    climb = np.arctan2(strides["height_change_m"].to_numpy(float), strides["stride_length_m"].to_numpy(float))
    return strides["slope_deg"].to_numpy(float), strides["tilt_ff_deg"].to_numpy(float), climb / DEGREE


def slope(strides: pd.DataFrame, context: pd.DataFrame | None = None) -> Array:
    """Slope of the ground around each stride, (n,) deg, + = uphill.

    From the grade of `context` where it is known, else the median foot pitch at foot-flat of the 20 strides
    around it; a single stride stands on a single stone.
    """
    pitch = strides["slope_deg"].to_numpy(float)
    out = np.full(len(strides), np.nan)
    for rows in _stretches(strides):
        out[rows] = _rolling(pitch[rows], "median")
    if context is None or not len(context):
        return out
    grade = context["grade"].to_numpy(float)
    return np.where(np.isfinite(grade), np.arctan(grade) / DEGREE, out)


def terciles(values: Array) -> tuple[float, float]:
    """Edges that cut finite values into three equal parts; NaN without values."""
    good = values[np.isfinite(values)]
    if not len(good):
        return float("nan"), float("nan")
    low, high = np.quantile(good, [1 / 3, 2 / 3])
    return float(low), float(high)


def label_ground(slope_deg: Array, roughness_deg: Array, edges: tuple[float, float]) -> NDArray[np.object_]:
    """Slope band and roughness class of each entry, such as `level, rough`, (n,)."""
    band = np.where(np.isfinite(slope_deg), np.searchsorted(SLOPE_BANDS_DEG, slope_deg), len(SLOPE_NAMES) - 1)
    is_known = np.isfinite(roughness_deg) & np.isfinite(edges[0])
    third = np.where(is_known, np.searchsorted(np.asarray(edges), roughness_deg), len(ROUGHNESS_NAMES) - 1)
    names = np.array(SLOPE_NAMES, dtype=object)[band] + ", "
    labels: NDArray[np.object_] = names + np.array(ROUGHNESS_NAMES, dtype=object)[third]
    return labels


def known_roughness(strides: pd.DataFrame, context: pd.DataFrame | None) -> Array:
    """Roughness of the context where it was filled, else from the strides."""
    if context is not None and len(context):
        values = context["roughness_deg"].to_numpy(float)
        if np.isfinite(values).any():
            return values
    return roughness(strides)


def _stretches(strides: pd.DataFrame) -> list[NDArray[np.int64]]:
    """Row numbers, by time, of each stretch of one leg without a long pause."""
    start, end = strides["start_s"].to_numpy(float), strides["end_s"].to_numpy(float)
    leg = strides["leg"].to_numpy()
    found: list[NDArray[np.int64]] = []
    for side in frames.LEGS:
        rows = np.flatnonzero(leg == side)
        rows = rows[np.argsort(start[rows], kind="stable")]
        breaks = np.flatnonzero(start[rows][1:] - end[rows][:-1] > PAUSE_S) + 1
        found += [part for part in np.split(rows, breaks) if len(part)]
    return found


def _rolling(values: Array, statistic: str) -> Array:
    import pandas as pd

    window = pd.Series(values).rolling(WINDOW_STRIDES, center=True, min_periods=LEAST_STRIDES)
    return np.asarray(getattr(window, statistic)(), dtype=np.float64)
