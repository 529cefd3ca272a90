"""The fixed simulation suite: every figure against exactly known truth, error layer on, seeds fixed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ankle_imu.analysis import analyze
from ankle_imu.simulate import Plan, Truth, walk
from ankle_imu.validation.score import Row, f1_score, pair_events, spread, stance_mask
from ankle_imu.values import SessionResult

Array = NDArray[np.float64]

DATASET: Final = "simulation"
EVENT_WINDOW_S = 0.15
RATES_HZ: Final = (104.0, 208.0)
SEEDS: Final = (1, 2, 3)

CELLS: Final[dict[str, dict[str, Any]]] = {
    "walk": {"gait": "walk", "terrain": "uneven"},
    "run": {"gait": "run", "terrain": "uneven"},
    "mixed": {"gait": "mixed", "terrain": "hill"},
}
TARGETS: Final = {"walk": (1.0, 1.0), "run": (1.5, 1.5)}
"""Inversion SD and range error, deg, per gait."""


def score_simulation(
    duration_s: float = 300.0, seeds: Sequence[int] = SEEDS, rates: Sequence[float] = RATES_HZ
) -> Iterator[Row]:
    """Simulate, analyze and compare every cell of the suite.

    Parameters
    ----------
    duration_s : float, s, length of each session; both legs wear foot and shank sensor
    seeds : seeds of the sessions that are pooled in each cell
    rates : sampling rates, Hz

    Yields
    ------
    Row
    """
    for rate in rates:
        for name, plan in CELLS.items():
            runs = [
                _one(Plan(duration_s=duration_s, sampling_rate=rate, errors="typical", **plan), s) for s in seeds
            ]
            pooled = pd.concat(runs, ignore_index=True)
            yield from _rows(f"{name}, {rate:.0f} Hz", name, pooled)


def _one(plan: Plan, seed: int) -> pd.DataFrame:
    """Per leg: errors of one simulated session, one row each."""
    recording, truth = walk(plan, seed=seed)
    result = analyze(recording)
    return pd.DataFrame([_leg(result, truth, leg) for leg in plan.legs])


def _leg(result: SessionResult, truth: Truth, leg: str) -> dict[str, Any]:
    own = result.strides[result.strides["leg"] == leg].reset_index(drop=True)
    true = truth.strides[truth.strides["leg"] == leg].reset_index(drop=True)
    found, real = pair_events(own["ic_s"].to_numpy(), true["ic_s"].to_numpy(), EVENT_WINDOW_S)
    own, true_n = own.iloc[found].reset_index(drop=True), len(true)
    n_found = int((result.strides["leg"] == leg).sum())
    true = true.iloc[real].reset_index(drop=True)
    row: dict[str, Any] = {"n": true_n, "f1": f1_score(len(found), n_found, true_n)}
    row["ic_ms"] = 1e3 * (own["ic_s"] - true["ic_s"]).abs().median()
    row["to_ms"] = 1e3 * (own["to_s"] - true["to_s"]).abs().median()
    running = true["gait"] != "walk"
    same = (
        true["gait"] == true["gait"].shift(1, fill_value=""),
        true["gait"] == true["gait"].shift(-1, fill_value=""),
    )
    steady = (same[0] & same[1]).to_numpy()
    row["walk_run"] = float(((own["gait"] != "walk") == running)[steady].mean())
    row["walk_run_all"] = float(((own["gait"] != "walk") == running).mean())
    jog = (true["gait"] == "jog") & steady
    row["jog"] = float((own["gait"][jog] == "jog").mean()) if jog.sum() >= 20 else np.nan
    time = truth.time
    for gait in ("walk", "run"):
        chosen = (running if gait == "run" else ~running).to_numpy()
        stance = stance_mask(time, true["ic_s"].to_numpy()[chosen], true["to_s"].to_numpy()[chosen])
        for kind in ("inversion", "dorsiflexion", "foot_tilt"):
            name = f"{leg}_{kind}_deg"
            error = result.angles[name].to_numpy()[: len(time)] - truth.angles[name].to_numpy()
            row[f"{kind}_{gait}"] = spread(error[stance]) if chosen.sum() >= 20 else np.nan
        use = chosen & own["accepted"].to_numpy()
        error = (own["range_stance_deg"] - true["range_stance_deg"])[use]
        row[f"range_{gait}"] = float(error.abs().mean()) if use.sum() >= 20 else np.nan
        inside = error.abs() < own["angle_sd_deg"][use]
        row[f"cover_{gait}"] = float(inside.mean()) if use.sum() >= 20 else np.nan
    return row


def _rows(case: str, cell: str, pooled: pd.DataFrame) -> Iterator[Row]:
    n = int(pooled["n"].sum())
    common: dict[str, Any] = {"dataset": DATASET, "case": case, "n": n, "how": "standing + toe taps"}
    mean = pooled.mean(numeric_only=True)
    yield Row(quantity="strides, F1", value=mean["f1"], unit="1", target=0.985, at_least=True, **common)
    yield Row(
        quantity="initial contact, median absolute error", value=mean["ic_ms"], unit="ms", target=10.0, **common
    )
    yield Row(quantity="toe-off, median absolute error", value=mean["to_ms"], unit="ms", target=15.0, **common)
    yield Row(
        quantity="walk or run right, steady strides",
        value=mean["walk_run"],
        unit="1",
        target=0.99,
        at_least=True,
        **common,
    )
    yield Row(
        quantity="walk or run right, changes of gait included", value=mean["walk_run_all"], unit="1", **common
    )
    if np.isfinite(mean["jog"]):
        yield Row(
            quantity="jog found, steady strides", value=mean["jog"], unit="1", target=0.95, at_least=True, **common
        )
    for gait, (angle, excursion) in TARGETS.items():
        if not np.isfinite(mean[f"inversion_{gait}"]):
            continue
        yield Row(
            quantity=f"inversion in stance, {gait}, SD",
            value=mean[f"inversion_{gait}"],
            unit="deg",
            target=angle,
            **common,
        )
        yield Row(
            quantity=f"dorsiflexion in stance, {gait}, SD",
            value=mean[f"dorsiflexion_{gait}"],
            unit="deg",
            **common,
        )
        yield Row(
            quantity=f"foot tilt in stance, {gait}, SD", value=mean[f"foot_tilt_{gait}"], unit="deg", **common
        )
        yield Row(
            quantity=f"inversion range, {gait}, mean absolute error",
            value=mean[f"range_{gait}"],
            unit="deg",
            target=excursion,
            **common,
        )
        yield Row(
            quantity=f"range errors inside the stated 1-sigma, {gait}",
            value=mean[f"cover_{gait}"],
            unit="1",
            **common,
        )
