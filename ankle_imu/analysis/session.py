"""The one composition: a recording in, a session result out. Pure."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ankle_imu import frames, tables
from ankle_imu._version import package_version
from ankle_imu.analysis.bouts import as_told, bouts_table, mark_lone
from ankle_imu.analysis.gates import gates_of
from ankle_imu.analysis.grid import Gridded, put_on_grid, session_grid
from ankle_imu.analysis.ground import context_table, join_track
from ankle_imu.analysis.leg import LegResult, analyze_leg
from ankle_imu.analysis.other_foot import lead_of
from ankle_imu.analysis.sensor import prepare
from ankle_imu.analysis.wearing import believable, find_wrong, mark, straighten
from ankle_imu.calibration.plausibility import check_units
from ankle_imu.calibration.sensor import correct
from ankle_imu.decode import find_clipped
from ankle_imu.errors import RecordingError
from ankle_imu.gait.filters import runs
from ankle_imu.metrics.curves import curves_table
from ankle_imu.metrics.ground import roughness
from ankle_imu.metrics.recovery import judge_outcomes
from ankle_imu.metrics.reviews import apply_reviews
from ankle_imu.metrics.summary import summarize
from ankle_imu.settings import Settings
from ankle_imu.values import Alignment, Gap, ImuSeries, Loss, Recording, SensorInfo, SessionResult

Array = NDArray[np.float64]

Progress = Callable[[str, float], None]
"""Called with the name of the stage at hand and the share of the work that is done, 0..1."""


def analyze(
    recording: Recording, settings: Settings | None = None, progress: Progress | None = None
) -> SessionResult:
    """Analyze a session.

    Parameters
    ----------
    recording : Recording; any of one foot, one shank, both, one leg or two
    settings : Settings, defaults when None
    progress : called with (stage, share done)

    Returns
    -------
    SessionResult; without strides its tables are empty and `quality` says why

    Raises
    ------
    RecordingError
        When no sensor has two usable samples.
    ImplausibleUnits
        When physics contradicts the units of a sensor.

    Notes
    -----
    Only what the sensors allow is claimed: a foot sensor alone gives foot tilt against gravity, never ankle
    inversion; a shank sensor alone gives timing and shank tilt. What is missing is NaN, with its reason in
    `quality["unmeasurable"]`.
    """
    if not isinstance(recording, Recording):
        raise TypeError(f"analyze takes a Recording, found {type(recording).__name__}.")
    settings = Settings() if settings is None else settings
    if not isinstance(settings, Settings):
        raise TypeError(f"settings must be Settings, found {type(settings).__name__}.")
    tell = progress or (lambda stage, share: None)
    warnings = list(recording.warnings)
    series, gridded, time, rate = gridded_series(recording, warnings)
    known, doubts = believable(recording.calibration or {}, gridded)
    warnings += doubts
    legs: dict[str, LegResult] = {}
    present = [leg for leg in frames.LEGS if any(frames.leg_of(p) == leg for p in series)]
    for k, leg in enumerate(present):
        tell(f"{leg} leg", 0.8 * k / len(present))
        legs[leg] = _one_leg(leg, gridded, known, time, rate, settings)
    tell("wearing", 0.8)
    told = len(warnings)
    if recording.session.kind == "walk":
        legs = _as_worn(legs, gridded, known, time, rate, settings, warnings)
    wearing = tuple(warnings[told:])
    tell("tables", 0.9)
    worn = recording.session.sensors
    clipped = {p: one.time[is_clipped(one, worn.get(p))] for p, one in recording.series.items()}
    strides = as_told(mark_lone(_strides_table(legs, clipped), _away(gridded), time), recording.session.tags)
    gaps = gaps_table(recording.loss, gridded, time)
    joined = join_track(recording, strides, gaps)
    angles = _angles_table(legs, time)
    events, doubts = _events_table(legs, recording, clipped)
    events["outcome"] = judge_outcomes(events, strides, angles, gaps)
    events = apply_reviews(events, recording.reviews)
    warnings += [*joined.warnings, *doubts]
    context = _with_feet(context_table(strides, joined.table, rate), strides, legs)
    result = SessionResult(
        angles=angles,
        strides=strides,
        context=context,
        curves=curves_table(strides, context, angles, {leg: _in_order(r) for leg, r in legs.items()}),
        events=events,
        bouts=bouts_table(strides),
        summary=summarize(strides),
        track=joined.table,
        quality=_quality(recording, gridded, clipped, legs, time, rate, gaps, tuple(warnings))
        | {"track": joined.quality, "wearing": wearing},
        settings=settings,
        session=recording.session,
        version=package_version(),
        duration_s=recording.duration,
        sampling_rate=rate,
    )
    tell("done", 1.0)
    return result


def gridded_series(
    recording: Recording, warnings: list[str]
) -> tuple[dict[str, ImuSeries], dict[str, Gridded], Array, float]:
    """Series that can be used, the same calibrated and on one time grid, that grid, s, and its rate, Hz.

    What is doubtful is added to `warnings`.
    """
    series = usable_series(recording.series, warnings)
    time, rate = session_grid(series)
    gridded = {}
    for placement, raw in series.items():
        one = correct(raw, recording.sensor_calibration.get(placement))
        warnings += check_units(one, placement)
        gridded[placement] = put_on_grid(one, time, rate)
    return series, gridded, time, rate


def usable_series(series: Mapping[str, ImuSeries], warnings: list[str]) -> dict[str, ImuSeries]:
    """The sensors that sent something; a silent one is named and left out."""
    usable = {p: s for p, s in series.items() if int(s.is_valid.sum()) >= 2}
    silent = [p for p in series if p not in usable]
    if not usable:
        found = ", ".join(silent) or "no sensor"
        raise RecordingError(
            f"Nothing to analyze: {found} holds no usable samples (all NaN); "
            "expected rows with three accelerations and three angular rates."
        )
    warnings += [f"{placement}: no usable samples, left out" for placement in silent]
    return usable


def _one_leg(
    leg: str,
    gridded: Mapping[str, Gridded],
    calibration: Mapping[str, Alignment],
    time: Array,
    rate: float,
    settings: Settings,
) -> LegResult:
    own = {frames.segment_of(p): p for p in gridded if frames.leg_of(p) == leg}
    tau = settings.tau_acc_foot_s if "shank" not in own else settings.tau_acc_joint_s
    sensors = {
        segment: prepare(gridded[p], leg, rate, tau if segment == "foot" else settings.tau_acc_joint_s)
        for segment, p in own.items()
    }
    known = {segment: calibration[p] for segment, p in own.items() if p in calibration}
    other = "right" if leg == "left" else "left"
    opposite = gridded.get(f"{other}_foot")
    lead = None if opposite is None else partial(lead_of, opposite, other, rate, settings.tau_acc_foot_s)
    return analyze_leg(sensors, leg, time, rate, known, settings, lead)


def _as_worn(
    legs: Mapping[str, LegResult],
    gridded: dict[str, Gridded],
    known: Mapping[str, Alignment],
    time: Array,
    rate: float,
    settings: Settings,
    warnings: list[str],
) -> dict[str, LegResult]:
    """The legs with what is worn wrongly or slipped marked; a leg whose sensor slipped is analyzed again."""
    wrong = find_wrong(gridded, legs, time, rate)
    spoilt = {placement for one in wrong for placement in one.placements}
    slips = {}
    for placement in gridded.keys() - spoilt:
        straight, slipped = straighten(placement, gridded[placement], legs[frames.leg_of(placement)], time, rate)
        if slipped is not None:
            gridded[placement], slips[placement] = straight, slipped
    again = {frames.leg_of(p): _one_leg(frames.leg_of(p), gridded, known, time, rate, settings) for p in slips}
    warnings += [one.words for one in wrong] + [slips[p].words for p in frames.PLACEMENTS if p in slips]
    return mark({**legs, **again}, wrong, slips)


def _away(gridded: Mapping[str, Gridded]) -> dict[str, NDArray[np.bool_]]:
    """Leg -> (n,) where the sensor that gives its strides, the foot's if there is one, was not received."""
    leads = {frames.leg_of(p): p for p in sorted(gridded, key=lambda p: frames.segment_of(p) == "foot")}
    return {leg: gridded[p].broken for leg, p in leads.items()}


def _angles_table(legs: Mapping[str, LegResult], time: Array) -> pd.DataFrame:
    columns: dict[str, Any] = {"time_s": time}
    for leg, result in legs.items():
        columns |= {f"{leg}_{kind}_deg": values for kind, values in result.angles.items()}
    blank = np.full(len(time), np.nan)
    return pd.DataFrame({name: columns.get(name, blank) for name in tables.ANGLES.names}, copy=False)


def _strides_table(legs: Mapping[str, LegResult], clipped: Mapping[str, Array]) -> pd.DataFrame:
    parts = [tables.make_table(tables.STRIDES, r.strides) for r in legs.values() if len(r.strides["ic_s"])]
    if not parts:
        return tables.make_table(tables.STRIDES, {})
    strides = pd.concat(parts, ignore_index=True).sort_values(["start_s", "leg"], ignore_index=True)
    strides["stride_id"] = np.arange(len(strides))
    strides["clipped"] = _clipped_in(strides, clipped)
    return strides


def _with_feet(context: pd.DataFrame, strides: pd.DataFrame, legs: Mapping[str, LegResult]) -> pd.DataFrame:
    """The context with what the feet themselves tell: roughness, and the columns each leg brings along."""
    filled = context.assign(roughness_deg=roughness(strides))
    for leg, result in legs.items():
        own = (strides["leg"] == leg).to_numpy()
        for name, values in result.context.items():
            filled.loc[own, name] = values[np.argsort(result.strides["start_s"], kind="stable")]
    return filled


def _in_order(leg: LegResult) -> Array:
    """Velocity curves of a leg in the order of the strides table."""
    return leg.velocity[np.argsort(leg.strides["start_s"], kind="stable")]


def _clipped_in(strides: pd.DataFrame, clipped: Mapping[str, Array]) -> NDArray[np.int64]:
    """Clipped samples of the leg's sensors in each stride; `clipped`: placement -> their times, s."""
    number = np.zeros(len(strides), dtype=np.int64)
    for placement, at in clipped.items():
        own = (strides["leg"] == frames.leg_of(placement)).to_numpy()
        counts = np.searchsorted(at, strides["end_s"]) - np.searchsorted(at, strides["start_s"])
        number += np.where(own, counts, 0)
    return number


def is_clipped(series: ImuSeries, info: SensorInfo | None = None) -> NDArray[np.bool_]:
    """Samples (n,) at the end of the sensor's range.

    Notes
    -----
    A known range is taken at its word (`decode.find_clipped`). Of an unknown one, a value counts when it is the
    axis's own largest, comes at least three times in a row somewhere, and is beyond 1.9 g or 240 deg/s, the
    smallest ranges in use.
    """
    acc_range, gyr_range = (info.acc_range_g, info.gyr_range_dps) if info else (np.nan, np.nan)
    out = find_clipped(series.acc, series.gyr, acc_range, gyr_range)
    for values, full, least in ((series.acc, acc_range, 18.6), (series.gyr, gyr_range, 4.2)):
        for k in range(0 if np.isfinite(full) else 3):
            out[_plateau(np.abs(values[:, k]), least)] = True
    return out


def _plateau(size: Array, least: float) -> NDArray[np.int64]:
    """Samples at which values (n,) are largest, if that is beyond `least` and lasts three samples once."""
    top = np.nanmax(size, initial=0.0)
    if top < least:
        return np.empty(0, dtype=np.int64)
    at = np.flatnonzero(size >= 0.9995 * top)
    lasts = len(at) >= 3 and bool((at[2:] - at[:-2] == 2).any())
    return at if lasts else at[:0]


def _events_table(
    legs: Mapping[str, LegResult], recording: Recording, clipped: Mapping[str, Array]
) -> tuple[pd.DataFrame, list[str]]:
    """Events of both legs and the markers; what came of a clipped reading is no event but a warning."""
    parts, doubts = [], []
    for leg, result in legs.items():
        if not result.events:
            continue
        found = tables.make_table(tables.EVENTS, result.events)
        at = np.sort(np.concatenate([t for p, t in clipped.items() if frames.leg_of(p) == leg]))
        end = found["time_s"].to_numpy()
        is_clipped = np.searchsorted(at, end, side="right") > np.searchsorted(at, result.rose_s)
        if is_clipped.any():
            when = ", ".join(f"{t:.0f} s" for t in end[is_clipped][:5])
            doubts.append(
                f"{leg} leg: a sensor reached the end of its range where the ankle may have rolled (at {when}); "
                "not counted"
            )
        parts.append(found[~is_clipped])
    marks = recording.markers
    if marks:
        parts.append(
            tables.make_table(
                tables.EVENTS,
                {
                    "leg": [m.leg for m in marks],
                    "time_s": [m.time_s for m in marks],
                    "kind": ["marker"] * len(marks),
                    "outcome": ["na"] * len(marks),
                    "verdict": ["none"] * len(marks),
                    "note": [m.text for m in marks],
                    "angle_source": ["none"] * len(marks),
                },
            )
        )
    parts = [part for part in parts if len(part)]
    if not parts:
        return tables.make_table(tables.EVENTS, {}), doubts
    events = pd.concat(parts, ignore_index=True).sort_values("time_s", ignore_index=True)
    events["event_id"] = np.arange(len(events))
    return events, doubts


def _quality(
    recording: Recording,
    gridded: Mapping[str, Gridded],
    clipped: Mapping[str, Array],
    legs: Mapping[str, LegResult],
    time: Array,
    rate: float,
    gaps: pd.DataFrame,
    warnings: tuple[str, ...],
) -> dict[str, Any]:
    alignment = {
        f"{leg}_{segment}": {
            "method": a.method,
            "sigma_yaw_deg": a.sigma_yaw_deg,
            "verdict": a.verdict,
            "reason": a.reason,
            "gates": gates_of(f"{leg}_{segment}", gridded[f"{leg}_{segment}"], result, time, rate),
        }
        for leg, result in legs.items()
        for segment, a in result.alignment.items()
    }
    unmeasurable = {
        f"{leg}_{kind}_deg": legs[leg].unmeasurable.get(kind, "not measured")
        if leg in legs
        else "no sensor on this leg"
        for leg in frames.LEGS
        for kind, _ in tables.ANGLE_KINDS
        if leg not in legs or kind not in legs[leg].angles
    }
    doubtful = [
        f"{p}: {a['reason']}"
        for p, a in alignment.items()
        if a["verdict"] in ("doubtful", "failed") and not any(str(a["reason"]) in told for told in warnings)
    ]
    if not any(len(r.strides["ic_s"]) for r in legs.values()):
        doubtful.append("No strides were found: the sensors did not see a foot or leg swinging forward.")
    return {
        "sensors": {p: sensor_quality(recording, p, len(clipped[p])) for p in recording.series},
        "gaps": gaps,
        "alignment": alignment,
        "sync": _sync(legs),
        "unmeasurable": unmeasurable,
        "warnings": [*warnings, *doubtful, *(w for r in legs.values() for w in r.warnings)],
    }


def _sync(legs: Mapping[str, LegResult]) -> dict[str, Any]:
    """Lag and coherence of each leg's two sensors, and those of the less coherent leg; empty without a pair."""
    pairs = {leg: r.sync for leg, r in legs.items() if r.sync}
    if not pairs:
        return {}
    worst = min(pairs.values(), key=lambda pair: pair["coherence"])
    return {**worst, **pairs}


def sensor_quality(recording: Recording, placement: str, clipped: int) -> dict[str, Any]:
    """The ledger of one sensor: what was expected and lost, and what is known of its clock."""
    series = recording.series[placement]
    loss = recording.loss.get(placement, Loss(expected=len(series.time), received=0, lost=0))
    calibration = recording.sensor_calibration.get(placement)
    return {
        "calibration": calibration.calibration_id if calibration else "",
        "expected": loss.expected,
        "received": loss.received,
        "lost": loss.lost,
        "healed": loss.healed,
        "clipped": max(clipped, loss.clipped),
        "true_rate_hz": loss.true_rate_hz,
        "clock_ppm": loss.clock_ppm,
        "clock_residual_s": loss.clock_residual_s,
    }


def gaps_table(losses: Mapping[str, Loss], gridded: Mapping[str, Gridded], time: Array) -> pd.DataFrame:
    """Every span of lost samples; where two reasons follow each other without a sample between, two rows."""
    rows: dict[str, list[Any]] = {name: [] for name in tables.GAPS.names}
    for placement, one in gridded.items():
        known = losses[placement].gaps if placement in losses else ()
        for a, b in zip(*runs(one.lost), strict=True):
            start, end = float(time[max(a - 1, 0)]), float(time[min(b, len(time) - 1)])
            unknown = tables.NOT_CONNECTED if a == 0 or b == len(time) else "not received"
            for gap_start, gap_end, reason in _reasons(known, start, end, unknown):
                rows["placement"].append(placement)
                rows["start_s"].append(gap_start)
                rows["end_s"].append(gap_end)
                rows["reason"].append(reason)
                rows["filled"].append(not one.broken[a])
    return tables.make_table(tables.GAPS, rows)


def _reasons(known: Sequence[Gap], start: float, end: float, unknown: str) -> list[tuple[float, float, str]]:
    """The span from `start` to `end`, s, cut where the known reason changes."""
    first = bisect_right(known, start, key=lambda gap: gap.end_s)
    inside = [g for g in known[first : bisect_left(known, end, key=lambda gap: gap.start_s)] if g.end_s > start]
    if not inside:
        return [(start, end, unknown)]
    edges = [start, *(gap.start_s for gap in inside[1:]), end]
    return [(a, b, gap.reason) for a, b, gap in zip(edges[:-1], edges[1:], inside, strict=True)]
