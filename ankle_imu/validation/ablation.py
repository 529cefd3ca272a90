"""What each part of the estimator buys: the same simulated walks with the part, without it, and with another.

Composed from the functions of the analysis; nothing in it is switched. Where only one part is in question, the
true alignment is given.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ankle_imu import frames
from ankle_imu import quaternion as qt
from ankle_imu.analysis import foot as foot_stage
from ankle_imu.analysis import joint as joint_stage
from ankle_imu.analysis.foot import FootMotion
from ankle_imu.analysis.grid import put_on_grid, session_grid
from ankle_imu.analysis.sensor import Sensor, prepare
from ankle_imu.orientation import heading
from ankle_imu.orientation.angles import segment_up
from ankle_imu.settings import Settings
from ankle_imu.simulate import Plan, Truth, walk
from ankle_imu.units import DEGREE
from ankle_imu.validation.score import Row, rms, spread, stance_mask
from ankle_imu.validation.simulated import LegErrors, errors_of, late, range_errors
from ankle_imu.validation.simulation import LAYER, QUICK, Extent
from ankle_imu.validation.wearers import wearer
from ankle_imu.values import ImuSeries, Recording

Array = NDArray[np.float64]

DATASET: Final = "ablation"
PAIR: Final = ("right_foot", "right_shank")
LEG: Final = "right"
TAU_S: Final = (3.0, 9.0)


def score_ablation(extent: Extent = QUICK) -> Iterator[Row]:
    """One row for each figure with and without a part.

    Parameters
    ----------
    extent : Extent; its sessions are cut to 10 min

    Yields
    ------
    Row
    """
    walks = extent.walks
    plan = Plan(duration_s=min(extent.session_s, 600.0), sampling_rate=extent.rates[0], **LAYER)
    yield from _movements(replace(plan, gait="walk", duration_s=extent.wearer_s), extent.wearers)
    for gait in ("walk", "run"):
        own = replace(plan, gait=gait, placements=PAIR)
        sessions = [walk(own, seed) for seed in range(1, walks + 1)]
        pairs = [_Pair.of(recording, truth) for recording, truth in sessions]
        yield from _rows(own, walks, "inversion in stance, SD", _inversion(pairs), "true alignment")
        yield from _rows(own, walks, "foot tilt in stance, SD", _tilt(sessions), "true alignment, foot alone")
        yield from _gaps(own, walks)


def _rows(plan: Plan, n: int, quantity: str, values: Mapping[str, float], how: str) -> Iterator[Row]:
    name, _, statistic = quantity.rpartition(", ")
    for variant, value in values.items():
        yield Row(
            dataset=DATASET,
            case=f"{plan.gait}, {plan.sampling_rate:.0f} Hz, {plan.terrain}, {n} x {plan.duration_s:.0f} s",
            quantity=f"{name}, {plan.gait}, {statistic}: {variant}",
            n=n,
            value=value,
            unit="deg",
            how=how,
        )


def _movements(plan: Plan, wearers: int) -> Iterator[Row]:
    """Alignment from stand and toe taps, from the stand alone, from walking alone."""
    variants: dict[str, list[LegErrors]] = {"stand and toe taps": [], "stand": [], "walking alone": []}
    for seed in range(1, wearers + 1):
        own = wearer(plan, seed)
        recording, truth = walk(own, seed=500 + seed)
        starts = (0.0, truth.phases["pose"][0], own.opening_s - 1.0)
        for name, start in zip(variants, starts, strict=True):
            variants[name] += errors_of(late(recording, start), truth)
    for quantity, figure in (
        ("foot yaw, 95 % of errors within", _yaw_95),
        ("inversion range, mean absolute error", _range_error),
    ):
        values = {name: figure(legs) for name, legs in variants.items()}
        yield from _rows(plan, wearers, quantity, values, "each wearer's toe taps 2 deg off (SD)")


def _yaw_95(legs: Sequence[LegErrors]) -> float:
    yaw = np.array([abs(e.yaw_deg["foot"]) for e in legs])
    return float(np.nanquantile(yaw, 0.95))


def _range_error(legs: Sequence[LegErrors]) -> float:
    """Mean over the walks of the mean absolute error of the range, deg."""
    return float(np.nanmean([range_errors(leg.strides).abs().mean() for leg in legs]))


@dataclass(frozen=True, kw_only=True, eq=False)
class _Pair:
    """The two sensors of a leg for each time constant of the filter, the true axes, and the true inversion."""

    sensors: Mapping[float, tuple[Sensor, Sensor]]
    motion: FootMotion
    axes: tuple[Array, Array]
    sampling_rate: float
    inversion: Array
    is_stance: NDArray[np.bool_]

    @classmethod
    def of(cls, recording: Recording, truth: Truth) -> _Pair:
        time, rate = session_grid(recording.series)
        foot, shank = (put_on_grid(recording.series[p], time, rate) for p in PAIR)
        sensors = {tau: (prepare(foot, LEG, rate, tau), prepare(shank, LEG, rate, tau)) for tau in TAU_S}
        known = truth.calibration()
        return cls(
            sensors=sensors,
            motion=foot_stage.follow(sensors[TAU_S[0]][0], rate),
            axes=(known[PAIR[0]].segment_from_sensor, known[PAIR[1]].segment_from_sensor),
            sampling_rate=rate,
            inversion=np.interp(time, truth.time, truth.angles[f"{LEG}_inversion_deg"]),
            is_stance=_stances(truth, time),
        )

    def error(self, delta: Array, tau: float = TAU_S[0]) -> float:
        """SD of the inversion error in stance, deg, with the heading difference `delta` (n,) rad."""
        angles = joint_stage.joint(*self.sensors[tau], self.axes, delta)
        return spread((angles.inversion / DEGREE - self.inversion)[self.is_stance])

    def coupled(self, tau: float = TAU_S[0]) -> tuple[Array, Array]:
        """Middle of each stride, samples, and its heading difference by acceleration coupling, rad."""
        step = max(1, round(self.sampling_rate / joint_stage.COUPLING_RATE_HZ))
        foot, shank = self.sensors[tau]
        strides = self.motion.strides
        start = np.ceil(strides.ic / step).astype(np.int64)
        stop = np.minimum(np.ceil(strides.end / step).astype(np.int64), (len(foot.acc) - 1) // step)
        a, b = (joint_stage.smooth_motion(s, self.sampling_rate, step) for s in (foot, shank))
        found = heading.couple(a, b, start, stop, (foot.gravity, shank.gravity))
        return 0.5 * (strides.ic + strides.end), found.delta

    def mean_axes(self) -> tuple[Array, Array]:
        """The same by the rule that the two mediolateral axes are parallel on average over a stride."""
        y = [qt.rotate(s.quat, axes[1]) for s, axes in zip(self.sensors[TAU_S[0]], self.axes, strict=True)]
        turned = (y[1][:, 0] + 1j * y[1][:, 1]) * np.conj(y[0][:, 0] + 1j * y[0][:, 1])
        total = np.concatenate([[0.0], np.cumsum(turned)])
        strides = self.motion.strides
        start, stop = (np.ceil(x).astype(np.int64) for x in (strides.ic, strides.end))
        return 0.5 * (strides.ic + strides.end), np.angle(total[stop] - total[start])

    def over_time(self, centre: Array, delta: Array, window: int) -> Array:
        """Running median over `window` strides, interpolated, (n,)."""
        return np.interp(np.arange(len(self.inversion)), centre, heading.smooth_angles(delta, window))


def _stances(truth: Truth, time: Array) -> NDArray[np.bool_]:
    own = truth.strides[truth.strides["leg"] == LEG]
    return stance_mask(time, own["ic_s"].to_numpy(), own["to_s"].to_numpy())


def _inversion(pairs: Sequence[_Pair]) -> dict[str, float]:
    """Heading match, its smoothing, and the filter's time constant."""
    errors: dict[str, list[float]] = {}

    def note(name: str, value: float) -> None:
        errors.setdefault(name, []).append(value)

    for pair in pairs:
        coupled = pair.coupled()
        for window in (heading.MEDIAN_STRIDES, 1, 31):
            note(
                f"acceleration coupling, median of {window} strides", pair.error(pair.over_time(*coupled, window))
            )
        mean = pair.over_time(*pair.mean_axes(), heading.MEDIAN_STRIDES)
        note(f"mean axes, median of {heading.MEDIAN_STRIDES} strides", pair.error(mean))
        note("heading of the first ten strides kept", pair.error(_first(pair, coupled[1])))
        slow = pair.over_time(*pair.coupled(TAU_S[1]), heading.MEDIAN_STRIDES)
        note(f"acceleration coupling, filter of {TAU_S[1]:.0f} s", pair.error(slow, TAU_S[1]))
    return {name: rms(values) for name, values in errors.items()}


def _first(pair: _Pair, delta: Array) -> Array:
    return np.full(len(pair.inversion), np.angle(np.exp(1j * delta[:10]).mean()))


def _tilt(sessions: Sequence[tuple[Recording, Truth]]) -> dict[str, float]:
    """Foot tilt of the filter alone, and with stride anchor and foot-flat correction."""
    errors: dict[str, list[float]] = {}
    for recording, truth in sessions:
        time, rate = session_grid(recording.series)
        gridded = put_on_grid(recording.series[PAIR[0]], time, rate)
        axes = truth.calibration()[PAIR[0]].segment_from_sensor
        true = np.interp(time, truth.time, truth.angles[f"{LEG}_foot_tilt_deg"])
        stance = _stances(truth, time)
        for tau in (*TAU_S, Settings().tau_acc_foot_s):
            sensor = prepare(gridded, LEG, rate, tau)
            plain, _ = frames.foot_angles_from_up(segment_up(sensor.quat, axes))
            anchored, _ = foot_stage.tilt_and_pitch(sensor, foot_stage.follow(sensor, rate), axes, rate)
            for name, tilt in (("filter alone", plain), ("anchored to strides", anchored)):
                error = spread((tilt / DEGREE - true)[stance])
                errors.setdefault(f"{name}, {tau:g} s", []).append(error)
    return {name: rms(values) for name, values in errors.items()}


def _gaps(plan: Plan, walks: int) -> Iterator[Row]:
    """2 % lost in gaps of 0.1 s on average: filled or dropped by their length, all drawn through; and none."""
    ranges: dict[str, list[LegErrors]] = {}
    for seed in range(1, walks + 1):
        torn, truth = walk(replace(plan, loss=0.02, gap_s=0.1), seed)
        whole, _ = walk(plan, seed)
        for name, recording in (
            ("by their length", torn),
            ("straight lines", drawn_through(torn)),
            ("none", whole),
        ):
            ranges.setdefault(f"gaps, {name}", []).extend(errors_of(recording, truth, is_aligned=True))
    values = {name: _range_error(legs) for name, legs in ranges.items()}
    how = "true alignment; strides left: " + ", ".join(
        f"{sum(len(range_errors(e.strides)) for e in legs)} {name.removeprefix('gaps, ')}"
        for name, legs in ranges.items()
    )
    yield from _rows(plan, walks, "inversion range, mean absolute error", values, how)


def drawn_through(recording: Recording) -> Recording:
    """The recording with straight lines in place of its gaps, however long."""
    return replace(recording, series={p: _drawn_through(s) for p, s in recording.series.items()})


def _drawn_through(series: ImuSeries) -> ImuSeries:
    known = series.is_valid
    filled: dict[str, Any] = {
        kind: np.stack(
            [np.interp(series.time, series.time[known], values[known, k]) for k in range(3)],
            axis=1,
        )
        for kind, values in (("acc", series.acc), ("gyr", series.gyr))
    }
    return replace(series, **filled)
