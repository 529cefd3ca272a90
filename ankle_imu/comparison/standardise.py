"""Direct standardisation: each session against the reference on the ground that both walked on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ankle_imu.comparison.dependence import stretch
from ankle_imu.comparison.windows import Windows
from ankle_imu.metrics import ground
from ankle_imu.metrics.stability import Measure

Array = NDArray[np.float64]
Labels = NDArray[np.object_]

LEAST_OVERLAP: Final = 0.3
"""Below this share of the reference ground there is no value (methods F4)."""

BEYOND: Final = 1.2
"""Factor by which roughness must leave the reference's range; ours: two SD of its own 10 % of noise."""

LEAST_PER_KIND: Final = 2
"""Windows that a session needs on a kind of ground to be compared there; ours: one has no spread."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Reference:
    """The kinds of ground of the reference: their weights, and the reference's mean and windows on each."""

    kinds: tuple[str, ...]
    weights: Array
    level: Array
    n: Array

    @property
    def centre(self) -> float:
        """Mean of the reference over its own ground."""
        return float(self.weights @ self.level)

    @property
    def between(self) -> float:
        """Spread between its kinds of ground."""
        return float(np.sqrt(self.weights @ (self.level - self.centre) ** 2))


def kinds_of_ground(windows: Sequence[Windows], base: Sequence[int]) -> list[Labels]:
    """Kind of ground of every window; roughness is cut at the terciles of the reference.

    What is smoother or rougher than all of the reference is a kind of its own, which the reference does not have.
    """
    known = np.concatenate([windows[i].covariates["roughness_deg"] for i in base])
    edges = ground.terciles(known)
    known = known[np.isfinite(known)]
    least, most = (known.min() / BEYOND, known.max() * BEYOND) if len(known) else (-np.inf, np.inf)
    labels = []
    for one in windows:
        rough = one.covariates["roughness_deg"]
        label = ground.label_ground(one.covariates["slope_deg"], rough, edges)
        label[(rough < least) | (rough > most)] = "beyond the reference"
        labels.append(label)
    return labels


def overlaps(windows: Sequence[Windows], base: Sequence[int]) -> Array:
    """Share of the reference ground that each session walked on too, (n_sessions,)."""
    windows = [_having(w, w.statistic) for w in windows]
    kinds = kinds_of_ground(windows, base)
    reference = _reference([kinds[i] for i in base], [windows[i].statistic for i in base])
    return np.array([reference.weights @ _has(k, reference) for k in kinds])


def standardise(windows: Sequence[Windows], base: Sequence[int], measure: Measure) -> dict[int, dict[str, Any]]:
    """Value and interval of each session.

    Parameters
    ----------
    windows : one per session
    base : places of the sessions that are the reference
    measure : Measure whose scale is `log` or `linear`

    Returns
    -------
    dict of place -> columns value, low, high, reason, method, adjusted_for, apart_low, apart_high

    Notes
    -----
    A session differs from the reference by the mean of its differences on each kind of ground, weighted by the
    reference's share of that ground; its value is the reference's own plus that difference. Nothing is said
    of kinds of ground it lacks: their weight, times the spread that the reference shows between kinds of ground,
    widens the interval. That of a session is its doubt and the reference's, that of the reference its own.

    References
    ----------
    Methods F3.4.
    """
    windows = [_having(w, to_scale(w.statistic, measure)) for w in windows]
    kinds = kinds_of_ground(windows, base)
    values = [to_scale(w.statistic, measure) for w in windows]
    reference = _reference([kinds[i] for i in base], [values[i] for i in base])
    residuals = [_less_kind_means(k, v) for k, v in zip(kinds, values, strict=True)]
    owner = np.repeat(np.arange(len(windows)), [len(r) for r in residuals])
    freedom = sum(len(r) - len(set(k)) for k, r in zip(kinds, residuals, strict=True))
    pooled = np.concatenate(residuals)
    noise = float((pooled**2).sum()) / max(freedom, 1) * stretch(pooled, owner)
    smear = float(np.mean(np.exp(pooled))) if measure.scale == "log" else 1.0
    out = {}
    for i, (kind, value) in enumerate(zip(kinds, values, strict=True)):
        out[i] = _one(kind, value, reference, noise, i in base)
        if not out[i].get("reason"):
            out[i] |= {name: smear * from_scale(out[i][name], measure) for name in ("value", "low", "high")}
            if i not in base:
                out[i] |= {"apart_low": out[i]["low"], "apart_high": out[i]["high"]}
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


def _having(windows: Windows, value: Array) -> Windows:
    """The windows that have a value: one without says nothing of the noise, nor of the ground it was met on."""
    good = np.isfinite(value)
    return replace(
        windows,
        statistic=windows.statistic[good],
        counts=windows.counts[good],
        total=windows.total[good],
        covariates={name: column[good] for name, column in windows.covariates.items()},
        own_roughness=windows.own_roughness[good],
        roughness_noise=windows.roughness_noise[good],
    )


def _reference(labels: list[Labels], values: list[Array]) -> Reference:
    label, value = np.concatenate(labels), np.concatenate(values)
    kinds = tuple(sorted(set(label)))
    n = np.array([(label == kind).sum() for kind in kinds], dtype=float)
    level = np.array([value[label == kind].mean() for kind in kinds])
    return Reference(kinds=kinds, weights=n / n.sum(), level=level, n=n)


def _has(label: Labels, reference: Reference) -> NDArray[np.bool_]:
    return np.array([(label == kind).sum() >= LEAST_PER_KIND for kind in reference.kinds])


def _less_kind_means(label: Labels, value: Array) -> Array:
    """Values less the mean of their kind of ground in this session."""
    out = np.zeros(len(value))
    for kind in set(label):
        own = label == kind
        out[own] = value[own] - value[own].mean()
    return out


def _one(label: Labels, value: Array, reference: Reference, noise: float, is_base: bool) -> dict[str, Any]:
    has = _has(label, reference)
    overlap = float(reference.weights @ has)
    if overlap < LEAST_OVERLAP:
        return {
            "reason": f"walked on other ground: {100.0 * overlap:.0f} % of the reference ground, 30 % are needed"
        }
    share = reference.weights[has] / overlap
    parts = [value[label == k] for k, there in zip(reference.kinds, has, strict=True) if there]
    difference = float(share @ (np.array([part.mean() for part in parts]) - reference.level[has]))
    n = np.array([len(part) for part in parts])
    counted = 1.0 / n + (0.0 if is_base else 1.0 / reference.n[has])
    missing = (1.0 - overlap) * reference.between
    half = 1.96 * float(np.sqrt(noise * np.sum(share**2 * counted) + missing**2))
    centre = reference.centre + difference
    return {
        "value": centre,
        "low": centre - half,
        "high": centre + half,
        "method": "direct",
        "adjusted_for": "slope_deg, roughness_deg",
    }
