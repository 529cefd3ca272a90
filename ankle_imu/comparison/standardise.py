"""Direct standardisation: each session's figure on each kind of ground, averaged with the same weights."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ankle_imu.comparison.windows import Windows
from ankle_imu.metrics import ground
from ankle_imu.metrics.stability import Measure

Array = NDArray[np.float64]

LEAST_OVERLAP: Final = 0.3
"""Below this share of the reference ground there is no value (methods F4)."""

TOO_LITTLE_OVERLAP: Final = "walked on other ground: only {:.0%} of the reference ground, 30 % are needed"


def standardise(windows: Sequence[Windows], base: Sequence[int], measure: Measure) -> dict[int, dict[str, Any]]:
    """Value, interval and overlap of each session.

    Parameters
    ----------
    windows : one per session
    base : places of the sessions that set the weights
    measure : Measure

    Returns
    -------
    dict of place -> columns value, low, high, overlap, reason, method

    Notes
    -----
    The weight of each kind of ground is its share of the baseline's windows. Kinds of ground a session lacks
    are left out of its mean, and the interval grows by the spread that the baseline shows between kinds of
    ground times the weight that is missing; nothing is imputed.
    """
    edges = ground.terciles(np.concatenate([windows[i].covariates["roughness_deg"] for i in base]))
    labels = [
        ground.label_ground(w.covariates["slope_deg"], w.covariates["roughness_deg"], edges) for w in windows
    ]
    values = [to_scale(w.statistic, measure) for w in windows]
    kinds, weights, level = _reference_ground([labels[i] for i in base], [values[i] for i in base])
    out = {}
    for i, (label, value) in enumerate(zip(labels, values, strict=True)):
        out[i] = _one(label, value, kinds, weights, level, measure)
    return out


def to_scale(values: Array, measure: Measure) -> Array:
    """Values on the scale on which sessions differ: the logarithm for spreads and tails."""
    if measure.scale != "log":
        return values
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(values > 0.0, np.log(values), np.nan)


def from_scale(value: float, measure: Measure) -> float:
    """Back to the unit of the measure."""
    return float(np.exp(value)) if measure.scale == "log" else float(value)


def _reference_ground(labels: list[Any], values: list[Array]) -> tuple[list[str], Array, Array]:
    """Kinds of ground of the baseline, their weights, and the baseline's mean on each."""
    label, value = np.concatenate(labels), np.concatenate(values)
    label, value = label[np.isfinite(value)], value[np.isfinite(value)]
    kinds = sorted(set(label))
    weights = np.array([(label == kind).mean() for kind in kinds])
    return kinds, weights, np.array([value[label == kind].mean() for kind in kinds])


def _one(
    label: NDArray[np.object_], value: Array, kinds: list[str], weights: Array, level: Array, measure: Measure
) -> dict[str, Any]:
    good = np.isfinite(value)
    parts = [value[good & (label == kind)] for kind in kinds]
    n = np.array([len(part) for part in parts])
    has = n > 0
    overlap = float(weights[has].sum())
    if overlap < LEAST_OVERLAP:
        return {"overlap": overlap, "reason": TOO_LITTLE_OVERLAP.format(overlap)}
    share = weights[has] / overlap
    parts = [part for part in parts if len(part)]
    means = np.array([part.mean() for part in parts])
    residual = np.concatenate([part - part.mean() for part in parts])
    freedom = max(len(residual) - int(has.sum()), 1)
    noise = float((residual**2).sum()) / freedom
    missing = (1.0 - overlap) * float(np.sqrt(np.sum(weights * (level - weights @ level) ** 2)))
    se = float(np.sqrt(noise * np.sum(share**2 / n[has]) + missing**2))
    centre = float(share @ means)
    return {
        "value": from_scale(centre, measure),
        "low": from_scale(centre - 1.96 * se, measure),
        "high": from_scale(centre + 1.96 * se, measure),
        "overlap": overlap,
        "method": "direct",
    }
