"""The fixed simulation suite: every figure against exactly known truth, error layer on, seeds fixed.

SD of an angle: root mean square over walks and legs of the standard deviation in IC..85 % of stance, one constant
offset removed per walk. Ranges are those of inversion over the same part of a stance.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ankle_imu.simulate import Plan, Truth, walk
from ankle_imu.validation.score import Row, rms
from ankle_imu.validation.simulated import LegErrors, errors_of, feet_of, range_errors, simulate_errors
from ankle_imu.validation.wearers import score_wearers
from ankle_imu.values import Recording

Array = NDArray[np.float64]

DATASET: Final = "simulation"

LAYER: Final[dict[str, Any]] = {
    "terrain": "hill",
    "errors": "full",
    "warm_up_k": 20.0,
    "odr_error": 0.03,
    "jitter_s": 0.0005,
    "shank_yaw_deg": 3.0,
    "standing_tilt_deg": 3.0,
    "toe_contacts": 0.02,
    "edge_contacts": 0.05,
    "knocks_per_min": 4.0,
}
"""What all sessions of the suite have in common: every source of error of the simulator, at its full size."""

PAIR: Final = ("left_foot", "left_shank")
FEWEST_STRIDES: Final = 20
"""With fewer strides of a gait a walk says nothing on it."""


@dataclass(frozen=True, kw_only=True)
class Extent:
    """How much is simulated.

    `session_s`: length of the sessions of the main cells, both legs; `walks`: sessions per cell; `rates`: Hz;
    `drift_s`: length of the drift session; `wearers`: people per cell of alignment and doubt, who each walk for
    `wearer_s` with foot and shank sensor on one leg; `day_hours`: of daily life, of walking and of running in
    which rolls are looked for.
    """

    session_s: float = 240.0
    walks: int = 3
    rates: tuple[float, ...] = (104.0, 208.0)
    drift_s: float = 900.0
    wearers: int = 8
    wearer_s: float = 75.0
    day_hours: tuple[float, float, float] = (1.5, 0.5, 0.5)


QUICK: Final = Extent()
FULL: Final = Extent(session_s=1800.0, drift_s=3600.0, wearers=50, day_hours=(20.0, 8.0, 8.0))

ROCKS: Final[dict[str, Any]] = {"toe_contacts": 0.15, "edge_contacts": 0.20, "knocks_per_min": 15.0}
"""A path on which every third step lands on its toes or on an edge."""

GAITS: Final = ("walk", "run")
TARGETS: Final[dict[str, tuple[float, float]]] = {
    "foot tilt, true alignment": (0.3, 0.6),
    "foot tilt": (0.8, 1.2),
    "inversion": (0.8, 1.2),
    "dorsiflexion": (1.0, 1.5),
    "range": (0.6, 1.2),
    "range, 5 deg yaw": (1.5, 3.0),
}
"""Aims in deg, walking and running."""


def score_simulation(extent: Extent = QUICK) -> Iterator[Row]:
    """Simulate, analyze and compare every cell of the suite.

    Parameters
    ----------
    extent : Extent

    Yields
    ------
    Row
    """
    for rate in extent.rates:
        plan = Plan(duration_s=extent.session_s, sampling_rate=rate, **LAYER)
        for gait in ("walk", "run", "mixed"):
            yield from _main(replace(plan, gait=gait), extent.walks)
    plan = replace(plan, sampling_rate=extent.rates[0], duration_s=min(extent.session_s, 600.0))
    for gait in GAITS:
        yield from _turned(replace(plan, gait=gait, yaw_misalignment_deg=5.0), extent.walks)
        yield from _lossy(replace(plan, gait=gait), extent.walks)
        yield from _footing(replace(plan, gait=gait, **ROCKS), extent.walks, "toes and edges")
    yield from _footing(replace(plan, gait="walk", terrain="stairs"), extent.walks)
    yield from _drift(replace(plan, duration_s=extent.drift_s, placements=PAIR))
    yield from score_wearers(replace(plan, duration_s=extent.wearer_s), extent.wearers)


def _simulated(plan: Plan, walks: int) -> list[LegErrors]:
    return [e for seed in range(1, walks + 1) for e in simulate_errors(plan, seed)]


def _common(plan: Plan, legs: Sequence[LegErrors], note: str = "") -> dict[str, Any]:
    """What was simulated and how the sensors were aligned, in words."""
    walks = len(legs) // len(plan.legs)
    length = f"{plan.duration_s / 60.0:.3g} min" + (f" x {walks}" if walks > 1 else "")
    ground = ", ".join(word for word in (plan.terrain, length, note) if word)
    return {
        "dataset": DATASET,
        "case": f"{plan.gait}, {plan.sampling_rate:.0f} Hz, {ground}",
        "how": f"{'; '.join(dict.fromkeys(e.how for e in legs))} ({ground})",
    }


def _strides(legs: Sequence[LegErrors], gait: str) -> pd.DataFrame:
    """Strides of one gait of all legs that have enough of them."""
    tables = [t for t in (e.of_gait(gait) for e in legs) if len(t) >= FEWEST_STRIDES]
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame()


def _main(plan: Plan, walks: int) -> Iterator[Row]:
    """One cell of the suite: each of its walks analyzed with own and true alignment, with both sensors and one."""
    sessions = [walk(plan, seed) for seed in range(1, walks + 1)]
    legs = [e for recording, truth in sessions for e in errors_of(recording, truth)]
    yield from _after_movements(plan, legs)
    if plan.gait in GAITS:
        yield from _foot_tilt(plan, sessions, legs)


def _after_movements(plan: Plan, legs: Sequence[LegErrors]) -> Iterator[Row]:
    """Strides, events, joint angles and ranges."""
    common = _common(plan, legs)
    yield _f1(legs, common)
    yield from _classes(pd.concat([e.strides for e in legs], ignore_index=True), common)
    for gait in GAITS if plan.gait == "mixed" else (plan.gait,):
        strides = _strides(legs, gait)
        if len(strides):
            yield from _contacts(strides, gait, common)
            yield from _spreads(legs, ("inversion", "dorsiflexion"), gait, common)
            yield from _ranges(strides, gait, common, "range")
            yield from _peaks(strides, gait, common)


def _f1(legs: Sequence[LegErrors], common: dict[str, Any]) -> Row:
    """Strides found within 150 ms of the true ones."""
    n = sum(e.n_true for e in legs)
    f1 = float(np.mean([e.f1 for e in legs]))
    return Row(quantity="strides, F1", n=n, value=f1, unit="1", target=0.985, at_least=True, **common)


def _classes(strides: pd.DataFrame, common: dict[str, Any]) -> Iterator[Row]:
    """Walk, jog or run: steady strides, and those around a change of gait too."""
    true = strides["true_gait"]
    steady = (true == true.shift(1, fill_value="")) & (true == true.shift(-1, fill_value=""))
    right = (strides["gait"] != "walk") == (true != "walk")
    for quantity, chosen, target in (
        ("walk or run right, steady strides", steady, 0.99),
        ("walk or run right, changes of gait included", steady | True, float("nan")),
    ):
        yield Row(
            quantity=quantity,
            n=int(chosen.sum()),
            value=float(right[chosen].mean()),
            unit="1",
            target=target,
            at_least=True,
            **common,
        )
    jog = steady & (true == "jog")
    if jog.sum() >= FEWEST_STRIDES:
        value = float((strides["gait"][jog] == "jog").mean())
        n = int(jog.sum())
        yield Row(
            quantity="jog found, steady strides", n=n, value=value, unit="1", target=0.95, at_least=True, **common
        )


def _contacts(strides: pd.DataFrame, gait: str, common: dict[str, Any]) -> Iterator[Row]:
    for name, column, target in (("initial contact", "ic_s", 10.0), ("toe-off", "to_s", 15.0)):
        error = 1e3 * (strides[column] - strides[f"true_{column}"]).abs()
        yield Row(
            quantity=f"{name}, {gait}, median absolute error",
            n=len(error),
            value=float(error.median()),
            unit="ms",
            target=target,
            reference=f"nine in ten within {error.quantile(0.9):.0f} ms",
            **common,
        )


def _spreads(
    legs: Sequence[LegErrors], kinds: Sequence[str], gait: str, common: dict[str, Any], note: str = ""
) -> Iterator[Row]:
    for kind in kinds:
        name = kind.replace("_", " ") + note
        yield Row(
            quantity=f"{name} in stance, {gait}, SD",
            n=sum(len(e.of_gait(gait)) for e in legs),
            value=rms([e.spread(kind, gait) for e in legs if len(e.of_gait(gait)) >= FEWEST_STRIDES]),
            unit="deg",
            target=TARGETS[name][GAITS.index(gait)],
            **common,
        )


def _ranges(strides: pd.DataFrame, gait: str, common: dict[str, Any], aim: str) -> Iterator[Row]:
    """Error and bias of the range from least to most, and of that from the 5 % to the 95 % quantile."""
    whole, middle = range_errors(strides), range_errors(strides, "middle_deg")
    target = TARGETS[aim][GAITS.index(gait)]
    for quantity, value, aimed in (
        (f"inversion range, {gait}, mean absolute error", whole.abs().mean(), target),
        (f"inversion range, {gait}, bias", whole.mean(), float("nan")),
        (f"inversion 5-95 % range, {gait}, mean absolute error", middle.abs().mean(), float("nan")),
        (f"inversion 5-95 % range, {gait}, bias", middle.mean(), float("nan")),
    ):
        yield Row(quantity=quantity, n=len(whole), value=float(value), unit="deg", target=aimed, **common)


def _peaks(strides: pd.DataFrame, gait: str, common: dict[str, Any]) -> Iterator[Row]:
    """Ratio of the peak inversion velocities found to the true ones, strides with a true peak of 20 deg/s."""
    fast = strides["true_peak_inv_vel_dps"] > 20.0
    ratio = (strides["peak_inv_vel_dps"] / strides["true_peak_inv_vel_dps"])[fast]
    yield Row(
        quantity=f"peak inversion velocity, {gait}, median of found / true",
        n=int(fast.sum()),
        value=float(ratio.median()),
        unit="1",
        least=0.95,
        target=1.05,
        **common,
    )


def _foot_tilt(plan: Plan, sessions: Sequence[tuple[Recording, Truth]], own: Sequence[LegErrors]) -> Iterator[Row]:
    """Foot tilt with the own and the true alignment, from both sensors of a leg and from the foot's alone."""
    feet = [(feet_of(recording), truth) for recording, truth in sessions]

    def analyzed(worn: Sequence[tuple[Recording, Truth]], is_aligned: bool) -> list[LegErrors]:
        return [e for recording, truth in worn for e in errors_of(recording, truth, is_aligned=is_aligned)]

    for note, words, legs in (
        ("", "foot and shank sensor", own),
        (", true alignment", "foot and shank sensor", analyzed(sessions, True)),
        ("", "foot sensor alone", analyzed(feet, False)),
        (", true alignment", "foot sensor alone", analyzed(feet, True)),
    ):
        yield from _spreads(legs, ("foot_tilt",), plan.gait, _common(plan, legs, words), note)


def _turned(plan: Plan, walks: int) -> Iterator[Row]:
    """Ranges when the movements turned about an axis 5 deg off, to either side."""
    yaw = plan.yaw_misalignment_deg
    for side in (yaw, -yaw):
        legs = _simulated(replace(plan, yaw_misalignment_deg=side), walks)
        common = _common(plan, legs, f"movements {side:+.0f} deg off")
        yield from _ranges(_strides(legs, plan.gait), plan.gait, common, "range, 5 deg yaw")


def _lossy(plan: Plan, walks: int) -> Iterator[Row]:
    """What 2 % of lost samples in gaps of at most 60 ms add to the SD of the angles."""
    whole = _simulated(plan, walks)
    torn = _simulated(replace(plan, loss=0.02, gap_s=0.03, longest_gap_s=0.06), walks)
    common = _common(plan, torn, "2 % lost in gaps <= 60 ms")
    for kind in ("inversion", "foot_tilt"):
        with_loss, without = (rms([e.spread(kind, plan.gait) for e in legs]) for legs in (torn, whole))
        yield Row(
            quantity=f"{kind.replace('_', ' ')} in stance, {plan.gait}, SD that loss adds",
            n=sum(len(e.of_gait(plan.gait)) for e in torn),
            value=with_loss - without,
            unit="deg",
            target=0.3,
            **common,
        )


def _footing(plan: Plan, walks: int, note: str = "") -> Iterator[Row]:
    """Strides and contacts where the heel does not come down first, or nothing lies flat."""
    legs = _simulated(plan, walks)
    common = _common(plan, legs, note)
    yield _f1(legs, common)
    strides = _strides(legs, plan.gait)
    if len(strides):
        yield from _contacts(strides, plan.gait, common)


def _drift(plan: Plan) -> Iterator[Row]:
    """Slope of the stance means of the inversion error over a long walk."""
    legs = _simulated(plan, 1)
    slopes = [_slope(e, plan.gait) for e in legs]
    yield Row(
        quantity="inversion, drift of the stance mean",
        n=sum(len(e.of_gait(plan.gait)) for e in legs),
        value=float(np.max(np.abs(slopes))),
        unit="deg/min",
        target=0.02,
        **_common(plan, legs),
    )


def _slope(errors: LegErrors, gait: str) -> float:
    """Least-squares slope of the stance-mean inversion error, deg/min."""
    strides = errors.of_gait(gait)
    at = strides["true_ic_s"].to_numpy()
    first, last = (np.searchsorted(errors.time, t) for t in (at, at + 0.85 * strides["true_stance_time_s"]))
    total = np.concatenate([[0.0], np.cumsum(np.nan_to_num(errors.error["inversion"]))])
    mean = (total[last] - total[first]) / (last - first)
    return float(np.polyfit(at / 60.0, mean, 1)[0])
