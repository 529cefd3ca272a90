"""One leg of a simulated session beside its truth: every error the suite speaks of."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ankle_imu import frames
from ankle_imu.analysis import analyze
from ankle_imu.metrics.inversion import stance_windows
from ankle_imu.simulate import Plan, Truth, walk
from ankle_imu.units import DEGREE
from ankle_imu.validation.score import f1_score, pair_events, spread, stance_mask
from ankle_imu.values import Recording, SessionResult

Array = NDArray[np.float64]

EVENT_WINDOW_S: Final = 0.15
MIDDLE: Final = (0.05, 0.95)
"""Quantiles between which the milder range of a stance lies."""


@dataclass(frozen=True, kw_only=True, eq=False)
class LegErrors:
    """What the analysis said of one leg, less the truth.

    Parameters
    ----------
    leg : `left` | `right`
    time : (n,) s
    error : angle kind -> (n,) deg, estimate minus truth; NaN where no estimate was given
    strides : the strides that were found, the columns of `tables.STRIDES` and the same of the truth under
        `true_...`; `middle_deg` is the range of the stance between the quantiles `MIDDLE`
    n_found, n_true : number of strides
    yaw_deg : segment -> deg, how far the estimated frame is turned about the true one's long axis, + = toe-in
    sigma_yaw_deg : segment -> deg, what the analysis said of that
    how : alignment method of the foot, or of the shank where there is no foot
    """

    leg: str
    time: Array
    error: dict[str, Array]
    strides: pd.DataFrame
    n_found: int
    n_true: int
    yaw_deg: dict[str, float]
    sigma_yaw_deg: dict[str, float]
    how: str

    @property
    def f1(self) -> float:
        """Harmonic mean of precision and recall of the strides."""
        return f1_score(len(self.strides), self.n_found, self.n_true)

    def of_gait(self, gait: str) -> pd.DataFrame:
        """Accepted strides that are walking (`walk`), or jogging and running (`run`)."""
        is_running = self.strides["true_gait"] != "walk"
        return self.strides[self.strides["accepted"] & (is_running == (gait == "run"))]

    def in_stance(self, kind: str, gait: str) -> Array:
        """Errors of an angle, deg, in IC..85 % of the true stances of walking or running."""
        chosen = self.of_gait(gait)
        return self.error[kind][
            stance_mask(self.time, chosen["true_ic_s"].to_numpy(), chosen["true_to_s"].to_numpy())
        ]

    def spread(self, kind: str, gait: str) -> float:
        """Standard deviation of `in_stance`, deg: one constant offset per walk is removed."""
        return spread(self.in_stance(kind, gait))


def simulate_errors(
    plan: Plan, seed: int, *, is_aligned: bool = False, is_cut: bool = False
) -> tuple[LegErrors, ...]:
    """Simulate a session, analyze it and take the truth away.

    Parameters
    ----------
    plan : Plan
    seed : int
    is_aligned : the analysis is told the true alignments
    is_cut : the recording starts one second before the first step: no movements, no standing

    Returns
    -------
    LegErrors of each leg that wears a sensor
    """
    recording, truth = walk(plan, seed=seed)
    if is_cut:
        recording = late(recording, plan.opening_s - 1.0)
    return errors_of(recording, truth, is_aligned=is_aligned)


def errors_of(recording: Recording, truth: Truth, *, is_aligned: bool = False) -> tuple[LegErrors, ...]:
    """Analyze a simulated recording, or what is left of one, and take the truth away; one value per leg."""
    if is_aligned:
        recording = replace(recording, calibration=truth.calibration())
    result = analyze(recording)
    worn = {frames.leg_of(p) for p in recording.series}
    return tuple(leg_errors(result, truth, leg) for leg in frames.LEGS if leg in worn)


def late(recording: Recording, start: float) -> Recording:
    """What is left of a recording from `start`, s, on; its times stay."""
    series = {}
    for placement, one in recording.series.items():
        kept = one.time >= start
        series[placement] = replace(one, time=one.time[kept], acc=one.acc[kept], gyr=one.gyr[kept])
    return replace(recording, series=series)


def feet_of(recording: Recording) -> Recording:
    """The foot sensors of a recording alone."""
    return replace(recording, series={p: s for p, s in recording.series.items() if frames.segment_of(p) == "foot"})


def leg_errors(result: SessionResult, truth: Truth, leg: str) -> LegErrors:
    """The errors of one leg."""
    time = result.angles["time_s"].to_numpy()
    estimate, true = dict(_angles(result.angles, leg)), dict(_angles(truth.angles, leg))
    true = {kind: np.interp(time, truth.time, values) for kind, values in true.items()}
    found, real = _strides(result.strides, leg), _strides(truth.strides, leg)
    strides = _paired(found, real)
    strides["middle_deg"] = middle_range(estimate["inversion"], time, strides["ic_s"], strides["to_s"])
    strides["true_middle_deg"] = middle_range(true["inversion"], time, strides["true_ic_s"], strides["true_to_s"])
    alignment = {s: result.quality["alignment"].get(f"{leg}_{s}") for s in ("foot", "shank")}
    known = {s: a for s, a in alignment.items() if a is not None}
    walking = (time >= real["ic_s"].min()) & (time < real["end_s"].max())
    return LegErrors(
        leg=leg,
        time=time,
        error={kind: estimate[kind] - true[kind] for kind in estimate},
        strides=strides,
        n_found=len(found),
        n_true=len(real),
        yaw_deg={s: _yaw(s, estimate, true, walking) for s in known},
        sigma_yaw_deg={s: float(a["sigma_yaw_deg"]) for s, a in known.items()},
        how=str(next(iter(known.values()))["method"]) if known else "none",
    )


def range_errors(strides: pd.DataFrame, column: str = "range_stance_deg") -> pd.Series[float]:
    """Error of each accepted stride's range of inversion, deg; not where it is that of foot tilt or unknown."""
    chosen = strides[strides["accepted"] & (strides["angle_source"] == "joint")]
    return (chosen[column] - chosen[f"true_{column}"]).dropna()


def _angles(table: pd.DataFrame, leg: str) -> Iterator[tuple[str, Array]]:
    for kind in ("foot_tilt", "foot_pitch", "shank_tilt", "shank_pitch", "inversion", "dorsiflexion"):
        yield kind, table[f"{leg}_{kind}_deg"].to_numpy()


def _strides(table: pd.DataFrame, leg: str) -> pd.DataFrame:
    return table[table["leg"] == leg].reset_index(drop=True)


def _paired(found: pd.DataFrame, real: pd.DataFrame) -> pd.DataFrame:
    """Strides found and the true ones they belong to, side by side."""
    a, b = pair_events(found["ic_s"].to_numpy(), real["ic_s"].to_numpy(), EVENT_WINDOW_S)
    true = real.iloc[b].reset_index(drop=True).add_prefix("true_")
    return pd.concat([found.iloc[a].reset_index(drop=True), true], axis=1)


def middle_range(angle: Array, time: Array, ic: pd.Series[float], to: pd.Series[float]) -> Array:
    """Range between the 5 % and the 95 % quantile of an angle (n,) in [IC, IC + 85 % of stance), (k,)."""
    rate = (len(time) - 1) / (time[-1] - time[0])
    first, last = ((x.to_numpy() - time[0]) * rate for x in (ic, to))
    rows = stance_windows(first, last, len(angle))
    values = np.sort(rows.of(angle), axis=1)  # what is blank goes last
    count = rows.inside.sum(axis=1)
    line = np.arange(len(count))
    low, high = (values[line, np.floor(q * (count - 1)).astype(int)] for q in MIDDLE)
    return np.asarray(high - low)


def _yaw(segment: str, estimate: dict[str, Array], true: dict[str, Array], chosen: NDArray[np.bool_]) -> float:
    """Turn of the estimated about the true frame, from where each sees the vertical while walking, deg."""
    names = (f"{segment}_tilt", f"{segment}_pitch")
    seen, real = ([a[n][chosen] * DEGREE for n in names] for a in (estimate, true))
    usable = np.isfinite(seen[0]) & np.isfinite(real[0])
    if not usable.any():
        return float("nan")
    ups = [up_from_angles(segment, tilt[usable], pitch[usable]) for tilt, pitch in (seen, real)]
    return yaw_between(*ups) / DEGREE


def up_from_angles(segment: str, tilt: Array, pitch: Array) -> Array:
    """The vertical in the segment's frame, (n, 3), of tilt and pitch, (n,) rad: the inverse of `frames`."""
    toe_up = np.sin(pitch) if segment == "foot" else -np.sin(pitch)
    up = np.stack([toe_up, np.sin(tilt), np.zeros(len(tilt))], axis=1)
    up[:, 2] = np.sqrt(np.maximum(0.0, 1.0 - (up[:, :2] ** 2).sum(axis=1)))
    return up


def yaw_between(seen: Array, real: Array) -> float:
    """Yaw of the frame in which `seen` are the components of vectors whose true ones are `real`, rad.

    Notes
    -----
    The rotation that fits best in the least-squares sense (Wahba's problem, by singular values); a frame turned
    by +a about z shows each vector turned by -a.
    """
    u, _, v = np.linalg.svd(seen.T @ real)
    turn = u @ np.diag([1.0, 1.0, np.linalg.det(u @ v)]) @ v
    return float(-np.arctan2(turn[1, 0] - turn[0, 1], turn[0, 0] + turn[1, 1]))
