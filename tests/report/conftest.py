"""A made-up session with realistic curves, cut to the sensors a test asks for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from ankle_imu import tables
from ankle_imu.metrics.summary import summarize
from ankle_imu.settings import Settings
from ankle_imu.values import SensorInfo, SessionInfo, SessionResult

TOE_OFF = {"walk": 0.62, "jog": 0.42, "run": 0.36}
STRIDE_S = {"walk": 1.1, "jog": 0.78, "run": 0.70}


def _strides(plan: list[tuple[str, int]], legs: tuple[str, ...], source: str, rng: Any) -> pd.DataFrame:
    """Strides of each leg one after the other, the right leg half a stride late."""
    parts = []
    for leg in legs:
        gait = np.concatenate([np.full(n, g) for g, n in plan]) if plan else np.empty(0, dtype=object)
        n = len(gait)
        time = np.array([STRIDE_S[g] for g in gait]) * rng.normal(1.0, 0.02, n)
        start = 20.0 + (0.5 if leg == "right" else 0.0) + np.concatenate([[0.0], np.cumsum(time)[:-1]])[:n]
        stance = np.array([TOE_OFF[g] for g in gait]) * time
        ground = np.repeat(rng.normal(0.0, 1.0, n // 80 + 1), 80)[:n]
        excursion = rng.gamma(6.0, 0.9, n) * np.exp(0.2 * ground)
        shared = {
            "leg": [leg] * n, "gait": gait, "angle_source": [source] * n, "accepted": rng.random(n) > 0.03,
            "start_s": start, "end_s": start + time, "ic_s": start, "to_s": start + stance,
            "ff_s": start + 0.3 * stance, "stride_time_s": time, "stance_time_s": stance,
            "duty_factor": stance / time, "cadence_spm": 120.0 / time,
        }  # fmt: skip
        angle = {"range_stance_deg": excursion + 4.0, "inv_excursion_deg": excursion,
                 "ev_excursion_deg": rng.gamma(5.0, 0.8, n), "peak_inv_vel_dps": 15.0 * excursion,
                 "speed_mps": rng.normal(1.4, 0.1, n)}  # fmt: skip
        shank = {"shank_range_stance_deg": excursion + 2.0, "peak_shank_vel_dps": 10.0 * excursion}
        parts.append(tables.make_table(tables.STRIDES, shared | (shank if source == "none" else angle)))
    strides = pd.concat(parts).sort_values("start_s", ignore_index=True)
    strides["stride_id"] = np.arange(len(strides))
    strides.loc[~strides["accepted"], "reject_reason"] = "turn"
    return strides


def _angles(strides: pd.DataFrame, duration: float, rate: float, kinds: tuple[str, ...]) -> pd.DataFrame:
    time = np.arange(0.0, duration, 1.0 / rate)
    columns = {"time_s": time}
    for leg, part in strides.groupby("leg"):
        knots = np.concatenate([part["start_s"], part["end_s"].iloc[-1:]])
        phase = np.interp(time, knots, np.arange(len(knots))) % 1.0
        size = np.interp(time, part["start_s"], part["inv_excursion_deg"].fillna(5.0))
        frontal = -2.0 + size * (np.exp(-(((phase - 0.12) / 0.08) ** 2)) - 0.6 * np.sin(2 * np.pi * phase))
        sagittal = 12.0 * np.sin(2 * np.pi * (phase - 0.1)) - 18.0 * np.exp(-(((phase - 0.65) / 0.08) ** 2))
        for kind, angle in zip(kinds, (frontal, sagittal), strict=True):
            columns[f"{leg}_{kind}_deg"] = angle
    return tables.make_table(tables.ANGLES, columns)


def build_result(
    sensors: tuple[str, ...] = ("left_foot", "left_shank", "right_foot", "right_shank"),
    plan: tuple[tuple[str, int], ...] = (("walk", 500), ("jog", 60), ("run", 200)),
    seed: int = 1,
    rate: float = 104.0,
) -> SessionResult:
    """A session of the sensors given; the angle source follows from them."""
    rng = np.random.default_rng(seed)
    segments = {s.split("_")[1] for s in sensors}
    source = "joint" if len(segments) == 2 else "foot" if "foot" in segments else "none"
    kinds = {"joint": ("inversion", "dorsiflexion"), "foot": ("foot_tilt", "foot_pitch"),
             "none": ("shank_tilt", "shank_pitch")}[source]  # fmt: skip
    legs = tuple(dict.fromkeys(s.split("_")[0] for s in sensors))
    strides = _strides(list(plan), legs, source, rng)
    duration = float(strides["end_s"].max()) + 20.0 if len(strides) else 60.0
    n = round(duration * rate)
    gap_start = np.sort(rng.uniform(0.1, 0.9, 12)) * duration
    length = np.where(np.arange(12) == 6, 4.0, 0.04)
    gaps = tables.make_table(tables.GAPS, {
        "placement": [sensors[0]] * 12, "start_s": gap_start, "end_s": gap_start + length,
        "reason": ["radio"] * 12, "filled": length < 0.06,
    })  # fmt: skip
    bouts, at = [], 20.0
    for gait, count in plan:
        bouts.append((at, at + count * STRIDE_S[gait], gait, count * len(legs)))
        at += count * STRIDE_S[gait]
    blank = {"joint": {}, "foot": {"inversion": "needs a shank sensor", "dorsiflexion": "needs a shank sensor"},
             "none": {"inversion": "needs a foot sensor"}}[source]  # fmt: skip
    quality = {
        "sensors": {p: {"expected": n, "received": n - 450, "lost": 450, "healed": 0, "clipped": 3 * i,
                        "true_rate_hz": rate * 1.002, "clock_ppm": 12.0, "clock_residual_s": 0.0011}
                    for i, p in enumerate(sensors)},
        "gaps": gaps,
        "alignment": {p: {"method": "standing + toe taps", "sigma_yaw_deg": 3.0, "verdict": "good", "reason": ""}
                      for p in sensors},
        "sync": {"lag_s": 0.002, "coherence": 0.97} if source == "joint" else {},
        "unmeasurable": {f"{leg}_{k}_deg": why for k, why in blank.items() for leg in legs},
        "warnings": ["The left foot sensor sent nothing for 4 s."],
    }  # fmt: skip
    hit = len(strides) > 0
    events = tables.make_table(tables.EVENTS, {
        "event_id": [1, 2] if hit else [], "leg": ["left", ""] if hit else [],
        "time_s": [0.4 * duration, 0.7 * duration] if hit else [], "kind": ["roll", "marker"] if hit else [],
        "peak_deg": [24.0, np.nan] if hit else [], "peak_dps": [412.0, np.nan] if hit else [],
        "duration_s": [0.09, np.nan] if hit else [], "outcome": ["save", "na"] if hit else [],
        "verdict": ["none", "none"] if hit else [], "note": ["", "stile <b>here</b>"] if hit else [],
        "angle_source": [source, "none"] if hit else [],
    })  # fmt: skip
    start, end, gait, count = (list(x) for x in zip(*bouts, strict=True)) if bouts else ([], [], [], [])
    return SessionResult(
        angles=_angles(strides, duration, rate, kinds),
        strides=strides,
        context=tables.make_table(tables.CONTEXT, {"stride_id": strides["stride_id"], "time_s": strides["ic_s"]}),
        track=tables.make_table(tables.TRACK, {}),
        events=events,
        bouts=tables.make_table(tables.BOUTS, {"bout_id": list(range(len(start))), "start_s": start, "end_s": end,
                                               "gait": gait, "n_strides": count}),
        summary=summarize(strides),
        quality=quality,
        settings=Settings(),
        session=SessionInfo(session_id="2026-05-01T0900Z_abcd", alias="P-TEST", started_utc="2026-05-01T09:00:00Z",
                            sensors={p: SensorInfo(placement=p, model="Demo") for p in sensors},
                            surface="rocky path"),
        version="0.1.0",
        duration_s=duration,
        sampling_rate=rate,
    )  # fmt: skip


@pytest.fixture(scope="session")
def make_result() -> Callable[..., SessionResult]:
    return build_result


@pytest.fixture(scope="session")
def full(make_result: Callable[..., SessionResult]) -> SessionResult:
    return make_result()


def build_trend(n_sessions: int = 9, drift: float = 0.0, seed: int = 3) -> pd.DataFrame:
    """Sessions a week apart, both legs, one metric, joint and one foot-only session apart."""
    rng = np.random.default_rng(seed)
    rows = []
    for i in range(n_sessions):
        for leg, base in (("left", 9.0), ("right", 11.0)):
            median = base + drift * i + rng.normal(0.0, 0.5)
            rows.append((f"s{i}", f"2026-05-{1 + 3 * i:02d}T09:00:00Z", "P-TEST", leg, "walk", "joint", "instep",
                         500, median, median - 0.8, median + 0.9, 4.0))  # fmt: skip
    metric = "range_stance_deg"
    names = ["session_id", "start_utc", "alias", "leg", "gait", "angle_source", "mount_site", "n_accepted",
             *(f"{metric}_{s}" for s in ("median", "ci_low", "ci_high", "iqr"))]  # fmt: skip
    return tables.make_table(tables.TREND, {k: [r[i] for r in rows] for i, k in enumerate(names)})


@pytest.fixture(scope="session")
def make_trend() -> Callable[..., pd.DataFrame]:
    return build_trend
