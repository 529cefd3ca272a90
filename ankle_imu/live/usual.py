"""What is usual for a person, from the walks that were analyzed before."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from ankle_imu.errors import AnkleImuError

WALKS: Final = 10
"""So many last walks count: habits and shoes change (own choice)."""


def usual_ranges(root: Path, alias: str) -> Mapping[str, Mapping[str, tuple[float, float, float]]]:
    """`range_stance_deg` of earlier walks by leg and angle source: lower quartile, median, upper quartile, deg.

    Parameters
    ----------
    root : Path of the library
    alias : str, the person

    Returns
    -------
    mapping of leg to mapping of angle source to three numbers; what is not known is left out

    Notes
    -----
    Walking only: medians over the last ten walks of their medians and interquartile ranges.
    """
    from ankle_imu.library import load_trend

    try:
        trend = load_trend(root, alias or None)
    except (AnkleImuError, ValueError):
        return {}
    usual: dict[str, dict[str, tuple[float, float, float]]] = {}
    walks = trend[trend["gait"] == "walk"].dropna(subset=["range_stance_deg_median", "range_stance_deg_iqr"])
    for (leg, source), rows in walks.groupby(["leg", "angle_source"], observed=True):
        middle = float(rows["range_stance_deg_median"].tail(WALKS).median())
        half = 0.5 * float(rows["range_stance_deg_iqr"].tail(WALKS).median())
        usual.setdefault(str(leg), {})[str(source)] = (middle - half, middle, middle + half)
    return usual
