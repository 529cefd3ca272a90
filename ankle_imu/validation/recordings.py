"""Figures of the analysis on each public recording, with its own alignment and one constant offset removed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ankle_imu import frames
from ankle_imu.analysis import analyze
from ankle_imu.orientation import fuse
from ankle_imu.units import DEGREE
from ankle_imu.validation.datasets import Case, inclination_error_deg
from ankle_imu.validation.position import STAIRS_M, position_error, step_height, walked_path
from ankle_imu.validation.score import Row, correlation, pair_events, spread, stance_mask
from ankle_imu.validation.steps import analyze_steps, marker_angles
from ankle_imu.values import SessionResult

Array = NDArray[np.float64]

EVENT_WINDOW_S = 0.15


def score_case(dataset: str, case: Case) -> Iterator[Row]:
    """Analyze one recording and compare it with its reference."""
    yield from _SCORES[dataset](dataset, case)


def _how(result: SessionResult) -> str:
    methods = {a["method"] for p, a in result.quality["alignment"].items() if p.endswith("foot")}
    return "; ".join(sorted(methods))


def _osim(dataset: str, case: Case) -> Iterator[Row]:
    result = analyze(case.recording)
    time = result.angles["time_s"].to_numpy()
    moved = "without" not in case.name
    for leg in frames.LEGS:
        truth = case.reference[leg]
        strides = _of(result, leg)
        stance = truth["stance"] & case.reference["walking"]
        common: dict[str, Any] = {"dataset": dataset, "case": f"{case.name}, {leg}", "how": _how(result)}
        for kind, target, best in (
            ("inversion", 0.7 if moved else 1.5, "own experiments .47-.72; knee bends + mean axes 1.6-2.4"),
            ("dorsiflexion", 1.0 if moved else float("nan"), "knee bends + mean axes 2.5"),
            ("foot_tilt", float("nan"), ""),
        ):
            error = result.angles[f"{leg}_{kind}_deg"].to_numpy() - truth[f"{kind}_deg"]
            yield Row(
                quantity=f"{kind.replace('_', ' ')} in stance, SD",
                n=len(strides),
                value=spread(error[stance]),
                unit="deg",
                target=target,
                reference=best,
                **common,
            )
        found, true = pair_events(strides["ic_s"].to_numpy(), truth["touchdown_s"], EVENT_WINDOW_S)
        chosen = strides.iloc[found]
        error = chosen["range_stance_deg"].to_numpy() - _ranges(time, truth["inversion_deg"], chosen)
        yield Row(
            quantity="inversion range per stride, RMS",
            n=len(true),
            value=float(np.sqrt(np.nanmean(error**2))),
            unit="deg",
            target=1.0 if moved else 1.7,
            reference="own experiments 0.6-1.2",
            **common,
        )


def _ranges(time: Array, angle: Array, strides: pd.DataFrame) -> Array:
    """True range over [IC, IC + 85 % of stance) of the strides found."""
    ic, to = strides["ic_s"].to_numpy(), strides["to_s"].to_numpy()
    low = np.searchsorted(time, ic)
    high = np.maximum(np.searchsorted(time, ic + 0.85 * (to - ic)), low + 1)
    return np.array([np.ptp(angle[a:b]) for a, b in zip(low, high, strict=True)])


def _of(result: SessionResult, leg: str) -> pd.DataFrame:
    return result.strides[result.strides["leg"] == leg]


def _gaitmap(dataset: str, case: Case) -> Iterator[Row]:
    result = analyze(case.recording)
    if not case.reference:
        yield Row(
            dataset=dataset,
            case=case.name,
            quantity="strides found, end to end",
            n=len(result.strides),
            value=float(len(result.strides)),
            unit="strides",
            how=_how(result),
        )
        for leg in frames.LEGS:
            yield _stairs(dataset, case, result, leg)
        return
    for leg in frames.LEGS:
        yield from _gaitmap_leg(dataset, case, result, leg)


def _stairs(dataset: str, case: Case, result: SessionResult, leg: str) -> Row:
    strides = _of(result, leg)
    count, height = step_height(strides["height_change_m"].to_numpy())
    regular = strides["stride_time_s"][strides["height_change_m"].abs() > STAIRS_M].std()
    return Row(
        dataset=dataset,
        case=f"{case.name}, {leg}",
        quantity="height of a step",
        n=count,
        value=100.0 * height,
        unit="cm",
        reference=f"stairs are built with 14-18; stride time there SD {1e3 * regular:.0f} ms",
        how=_how(result),
    )


def _gaitmap_leg(dataset: str, case: Case, result: SessionResult, leg: str) -> Iterator[Row]:
    truth, strides = case.reference[leg], _of(result, leg)
    common: dict[str, Any] = {"dataset": dataset, "case": f"{case.name}, {leg}", "how": _how(result)}
    yield from _gaitmap_counts(truth, strides, common)
    found, true = pair_events(strides["ic_s"].to_numpy(), truth["pre_ic_s"], EVENT_WINDOW_S)
    whole = np.abs(strides["end_s"].to_numpy()[found] - truth["ic_s"][true]) < EVENT_WINDOW_S
    own, true = strides.iloc[found[whole]], true[whole]
    for name, column, label in (("initial contact", "end_s", "ic_s"), ("toe-off", "to_s", "tc_s")):
        error = 1e3 * np.abs(own[column].to_numpy() - truth[label][true])
        yield Row(
            quantity=f"{name}, median absolute error",
            n=len(error),
            value=float(np.median(error)),
            unit="ms",
            target=4.0,
            reference="published rules within 10",
            **common,
        )
    time = result.angles["time_s"].to_numpy()
    stance = stance_mask(time, own["ic_s"].to_numpy(), own["to_s"].to_numpy())
    for kind, target, best in (
        ("foot_tilt", 1.75 if leg == "left" else 2.25, "plain VQF + gyro PCA 1.65 L, 2.49 R"),
        ("foot_pitch", 0.7, "plain VQF 0.93"),
    ):
        estimate, reference = result.angles[f"{leg}_{kind}_deg"].to_numpy(), truth[f"{kind}_deg"]
        yield Row(
            quantity=f"{kind.replace('_', ' ')} in stance, SD",
            n=len(own),
            value=spread((estimate - reference)[stance]),
            unit="deg",
            target=target,
            reference=f"{best}; r here {correlation(estimate[stance], reference[stance]):.2f}",
            **common,
        )
    yield _over_yaw(result, truth["foot_tilt_deg"], leg, stance, common)
    error = own["stride_length_m"].to_numpy() - truth["stride_length_m"][true]
    yield Row(
        quantity="stride length, mean absolute error",
        n=len(own),
        value=100.0 * float(np.nanmean(np.abs(error))),
        unit="cm",
        target=4.0,
        reference="published 6.3",
        **common,
    )


YAWS_DEG: Final = np.arange(-10.0, 11.0, 2.0)


def _over_yaw(
    result: SessionResult, truth: Array, leg: str, stance: NDArray[np.bool_], common: dict[str, Any]
) -> Row:
    """What the tilt error would be if the foot's direction had come out up to 10 deg otherwise.

    Both angles of the foot against gravity turn into those of a frame turned about its z.
    """
    tilt, pitch = (result.angles[f"{leg}_{kind}_deg"].to_numpy() * DEGREE for kind in ("foot_tilt", "foot_pitch"))
    ahead, aside = np.sin(pitch), np.sin(tilt)
    spreads = []
    for yaw in YAWS_DEG * DEGREE:
        turned = np.arcsin(np.clip(np.cos(yaw) * aside - np.sin(yaw) * ahead, -1.0, 1.0)) / DEGREE
        spreads.append(spread((turned - truth)[stance]))
    best = int(np.argmin(spreads))
    return Row(
        quantity="foot tilt in stance, SD, worst of a yaw of -10 to +10 deg",
        n=int(stance.sum()),
        value=float(np.max(spreads)),
        unit="deg",
        reference="; ".join(f"{v:.2f}" for v in spreads) + f" (best at {YAWS_DEG[best]:+.0f} deg)",
        **common,
    )


def _gaitmap_counts(truth: dict[str, Array], strides: pd.DataFrame, common: dict[str, Any]) -> Iterator[Row]:
    """Labelled strides whose contacts and toe-off were all found, and straight strides that no label covers.

    One label spans two steps of a turn; the steps carry their `turn_deg` and are no surplus.
    """
    contacts = np.union1d(strides["ic_s"], strides["end_s"])
    near = [
        _nearest(instants, truth[label]) < EVENT_WINDOW_S
        for instants, label in ((contacts, "pre_ic_s"), (contacts, "ic_s"), (strides["to_s"].to_numpy(), "tc_s"))
    ]
    labelled = len(truth["ic_s"])
    yield Row(
        quantity="labelled strides found",
        n=labelled,
        value=float(np.all(near, axis=0).sum()),
        unit="strides",
        target=float(labelled),
        at_least=True,
        **common,
    )
    straight = strides[strides["turn_deg"].abs() <= 20.0]
    middle = 0.5 * (straight["start_s"] + straight["end_s"]).to_numpy()
    inside = (middle > truth["pre_ic_s"].min()) & (middle < truth["ic_s"].max())
    unlabelled = _nearest(truth["pre_ic_s"], straight["ic_s"].to_numpy()) > EVENT_WINDOW_S
    yield Row(
        quantity="straight strides without a label",
        n=labelled,
        value=float((inside & unlabelled).sum()),
        unit="strides",
        target=0.0,
        **common,
    )


def _nearest(instants: Array, to: Array) -> Array:
    """Distance of each instant in `to` from the nearest of `instants`, s."""
    if len(instants) == 0:
        return np.full(len(to), np.inf)
    return np.asarray(np.abs(np.asarray(instants)[:, None] - to[None, :]).min(axis=0))


def _neura(dataset: str, case: Case) -> Iterator[Row]:
    result = analyze(case.recording)
    truth = case.reference["left"]["dorsiflexion_deg"]
    estimate = result.angles["left_dorsiflexion_deg"].to_numpy()
    time = result.angles["time_s"].to_numpy()
    strides = result.strides
    walking = (time >= strides["start_s"].min()) & (time < strides["end_s"].max())
    yield Row(
        dataset=dataset,
        case=case.name,
        quantity="flexion over all strides, SD",
        n=len(strides),
        value=spread((estimate - truth)[walking]),
        unit="deg",
        target=2.2 if case.name.endswith("above ankle") else float("nan"),
        reference=f"own experiments 1.86 / 2.23; r here {correlation(estimate[walking], truth[walking]):.2f}",
        how=_how(result),
    )


def _kam(dataset: str, case: Case) -> Iterator[Row]:
    """Single steps against markers aligned by the same pose; one constant offset per step removed."""
    contact, toe_off = case.reference["contact_s"], case.reference["toe_off_s"]
    found = analyze_steps(case.recording, contact, toe_off)
    at = np.round((case.reference["time_s"] - found.time[0]) * found.sampling_rate).astype(np.int64)
    flat = np.searchsorted(at, found.flat)
    flexion, inversion = marker_angles(case.reference["foot_markers"], case.reference["shank_markers"], flat)
    time = case.reference["time_s"]
    common: dict[str, Any] = {"dataset": dataset, "case": case.name, "n": len(contact), "how": found.how}
    for kind, estimate, truth, target, best in (
        ("inversion", found.inversion[at], inversion, 1.0, "own experiments 1.02, r .86"),
        ("flexion", found.dorsiflexion[at], flexion, float("nan"), "own experiments .90, r .99"),
    ):
        stances = [stance_mask(time, contact[k : k + 1], toe_off[k : k + 1]) for k in range(len(contact))]
        own, true = (np.concatenate([x[m] - x[m].mean() for m in stances]) for x in (estimate, truth))
        yield Row(
            quantity=f"{kind} within a step, SD",
            value=spread(own - true),
            unit="deg",
            target=target,
            reference=best,
            **common,
        )
        yield Row(
            quantity=f"{kind} within a step, r",
            value=correlation(own, true),
            unit="1",
            target=0.85 if kind == "inversion" else float("nan"),
            at_least=True,
            **common,
        )
        ranges = [np.ptp(estimate[m]) - np.ptp(truth[m]) for m in stances]
        yield Row(
            quantity=f"{kind} range per step, mean absolute error",
            value=float(np.mean(np.abs(ranges))),
            unit="deg",
            reference="own experiments 1.4" if kind == "inversion" else "",
            **common,
        )


def _broad(dataset: str, case: Case) -> Iterator[Row]:
    from vqf import offlineVQF

    series = case.recording.series["right_foot"]
    moving, truth = case.reference["movement"], case.reference["earth_from_sensor"]
    plain = offlineVQF(
        np.ascontiguousarray(series.gyr), np.ascontiguousarray(series.acc), None, 1.0 / series.sampling_rate
    )["quat6D"]
    value, peer = (
        float(np.sqrt(np.nanmean(inclination_error_deg(q, truth)[moving] ** 2)))
        for q in (fuse(series.acc, series.gyr, series.sampling_rate), plain)
    )
    yield Row(
        dataset=dataset,
        case=case.name,
        quantity="inclination, RMSE",
        n=int(moving.sum()),
        value=value,
        unit="deg",
        target=peer + 0.05,
        reference=f"plain offline VQF, same run: {peer:.2f}",
        how="none needed",
    )


def _pyshoe(dataset: str, case: Case) -> Iterator[Row]:
    path = walked_path(case.recording.series["right_foot"])
    yield Row(
        dataset=dataset,
        case=case.name,
        quantity="position, 3-D RMSE",
        n=len(path),
        value=position_error(path, case.reference["position_m"]),
        unit="m",
        reference="detector tuned per trial: mean 0.038",
        how="none needed",
    )


def _xio(dataset: str, case: Case) -> Iterator[Row]:
    path = walked_path(case.recording.series["right_foot"])
    yield Row(
        dataset=dataset,
        case=case.name,
        quantity="closing error of a 25 m loop",
        n=1,
        value=1e3 * float(np.linalg.norm(path[-1] - path[0])),
        unit="mm",
        target=82.0,
        reference="authors' own tracking 82; own first tries 224-280",
        how="none needed",
    )


def _qmt(dataset: str, case: Case) -> Iterator[Row]:
    result = analyze(case.recording)
    left, right = _of(result, "left"), _of(result, "right")
    yield Row(
        dataset=dataset,
        case=case.name,
        quantity="strides found, end to end",
        n=len(result.strides),
        value=float(len(result.strides)),
        unit="strides",
        reference="about 47 a leg",
        how=_how(result),
    )
    for quantity, column, statistic in (
        ("stride time, SD", "stride_time_s", "std"),
        ("dorsiflexion range", "df_range_deg", "median"),
        ("inversion range", "range_stance_deg", "median"),
    ):
        a, b = (float(leg.loc[leg["accepted"], column].agg(statistic)) for leg in (left, right))
        yield Row(
            dataset=dataset,
            case=case.name,
            quantity=f"{quantity}, left against right",
            n=len(result.strides),
            value=100.0 * abs(a - b) / (0.5 * (a + b)),
            unit="%",
            reference="no reference; within 20 % would be usual",
            how=_how(result),
        )


_SCORES: Final[dict[str, Callable[[str, Case], Iterator[Row]]]] = {
    "osim_walk": _osim,
    "gaitmap_walk_mocap": _gaitmap,
    "neura_s02_walk": _neura,
    "kam_steps": _kam,
    "broad_subset": _broad,
    "pyshoe_vicon": _pyshoe,
    "xio_gait": _xio,
    "qmt_fullbody": _qmt,
}
