"""Practice against exactly known truth: end ranges, gaps, holds, lunge, compensations, repeat reliability.

Every person of the suite has ranges, gaps, axes, posture and sensors of their own; the error layer is at its full
size. Figures are given for each set of sensors, since each claims only what it can.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ankle_imu import frames
from ankle_imu.analysis.practice import analyze_practice
from ankle_imu.mobility import ACTIONS, PracticeResult
from ankle_imu.simulate.practice import Exercise, PracticeTruth, practise
from ankle_imu.validation.practice_holds import each, line_rows, pair_holds
from ankle_imu.validation.practice_people import DATASET, SETS, person_plan
from ankle_imu.validation.score import Row
from ankle_imu.validation.simulation import QUICK, Extent
from ankle_imu.values import SensorCalibration

LEVELS: Final = ("typical", "full")
REPEATS: Final = 5
"""Sessions per person of the repeat cell."""

WITHIN_PERSON_DEG: Final = 1.0
"""By how much a person's own end range differs from day to day, SD; made up: no study tells it from its method."""

COMPENSATIONS: Final = (
    ("dorsiflexion", "shank_moves"),
    ("plantarflexion", "shank_moves"),
    ("inversion", "hip_turns"),
    ("eversion", "hip_turns"),
    ("lunge", "heel_lifts"),
    ("lunge", "hip_turns"),
)

COMPENSATION_DEG: Final = (8.0, 16.0)
"""Least and largest compensation of the shank; a heel lifts by 0.6 of it."""


@dataclass(kw_only=True, eq=False)
class Errors:
    """Errors gathered over sessions: found less true; `total` counts what should have been found."""

    end_range: list[float] = field(default_factory=list)
    gap: list[float] = field(default_factory=list)
    lunge: list[float] = field(default_factory=list)
    edge_s: list[float] = field(default_factory=list)
    tension: list[float] = field(default_factory=list)
    session_tension: list[float] = field(default_factory=list)
    lost: list[float] = field(default_factory=list)
    sway: list[float] = field(default_factory=list)
    total: dict[str, int] = field(default_factory=dict)
    found: dict[str, int] = field(default_factory=dict)

    def count(self, name: str, total: int, found: int) -> None:
        """Add to a tally."""
        self.total[name] = self.total.get(name, 0) + total
        self.found[name] = self.found.get(name, 0) + found


def add_errors(errors: Errors, result: PracticeResult, truth: PracticeTruth) -> None:
    """Compare one session."""
    _reps(errors, result, truth)
    _gaps(errors, result, truth)
    _holds(errors, result, truth)
    for row in each(result.sway):
        same = truth.sway[(truth.sway["segment"] == row.segment) & (truth.sway["eyes"] == row.eyes)]
        errors.sway += [100.0 * (row.rms_deg / float(one) - 1.0) for one in same["rms_deg"]]


def pair_reps(result: PracticeResult, truth: PracticeTruth) -> list[tuple[Any, Any]]:
    """Found and true repetitions whose plateaus overlap, None where there is none."""
    pairs: list[tuple[Any, Any]] = []
    for true in each(truth.reps):
        reps = result.reps
        same = reps[(reps["action"] == true.action) & (reps["leg"] == true.leg)]
        same = same[(same["start_s"] < true.end_s) & (same["end_s"] > true.start_s)]
        pairs.append((next(iter(each(same)), None), true))
    return pairs


def _reps(errors: Errors, result: PracticeResult, truth: PracticeTruth) -> None:
    for found, true in pair_reps(result, truth):
        is_lunge = true.action == "lunge"
        if not is_lunge and "foot" not in {frames.segment_of(p) for p in truth.alignment}:
            continue
        if is_lunge and "shank" not in {frames.segment_of(p) for p in truth.alignment}:
            continue
        is_found = found is not None and bool(found.accepted)
        errors.count("repetitions", 1, int(is_found))
        if found is not None and is_found:
            (errors.lunge if is_lunge else errors.end_range).append(found.end_range_deg - true.end_range_deg)


def _gaps(errors: Errors, result: PracticeResult, truth: PracticeTruth) -> None:
    best = truth.reps.groupby(["leg", "action", "mode"])["end_range_deg"].max()
    for row in each(result.ranges[result.ranges["action"] != "lunge"]):
        true = best[row.leg, row.action, "assisted"] - best[row.leg, row.action, "active"]
        errors.gap.append(row.gap_deg - float(true))


def _holds(errors: Errors, result: PracticeResult, truth: PracticeTruth) -> None:
    if not len(result.holds):
        return
    held = true_held = 0.0
    for one, true in pair_holds(result.holds, truth.holds):
        if true is not None:
            errors.count("holds", 1, int(one is not None))
        if one is not None:
            errors.count("invented holds", 1, int(true is None))
        if one is None or true is None:
            continue
        held += one.duration_s
        true_held += true.end_s - true.start_s
        errors.edge_s += [one.start_s - true.start_s, one.end_s - true.end_s]
        if np.isfinite(getattr(true, "lost_deg", np.nan)):
            names = ("lost_deg", "lost_5s_deg", "lost_10s_deg")
            errors.lost += [getattr(one, name) - getattr(true, name) for name in names]
    true_total = float((truth.holds["end_s"] - truth.holds["start_s"]).sum())
    errors.tension += [100.0 * (held / true_held - 1.0)] if true_held else []
    errors.session_tension.append(100.0 * (float(result.holds["duration_s"].sum()) / true_total - 1.0))


def score_practice(extent: Extent = QUICK) -> Iterator[Row]:
    """Rows of every figure, by set of sensors and size of their errors.

    Parameters
    ----------
    extent : Extent; as many people as it has wearers

    Yields
    ------
    Row
    """
    people = range(1, extent.wearers + 1)
    for segments in SETS:
        for level in LEVELS:
            errors = Errors()
            for seed in people:
                recording, truth = practise(person_plan(seed, segments, level), seed)
                add_errors(errors, analyze_practice(recording), truth)
            yield from _rows(errors, f"{' + '.join(segments)}, {level} errors, {len(people)} people", segments)
    yield from _calibrated_rows(people)
    for segments in SETS[:2]:
        yield from _compensation_rows(people, segments)
    yield from line_rows(people)
    yield from repeat_rows(people)


def _rows(errors: Errors, case: str, segments: tuple[str, ...]) -> Iterator[Row]:
    is_pair = segments == SETS[0]
    for quantity, values, target, unit in (
        ("end range, 95th percentile of error", errors.end_range, 2.0, "deg"),
        ("gap, 95th percentile of error", errors.gap, 2.0, "deg"),
        ("lunge, 95th percentile of error", errors.lunge, 1.5, "deg"),
        ("hold start and end, 95th percentile of error", errors.edge_s, 0.2, "s"),
        ("time under tension of the holds found, 95th percentile of error", errors.tension, float("nan"), "%"),
        ("time under tension of a session, 95th percentile of error", errors.session_tension, 3.0, "%"),
        ("angle lost at lift-off, 95th percentile of error", errors.lost, float("nan"), "deg"),
        ("sway rms, 95th percentile of error", errors.sway, float("nan"), "%"),
    ):
        values = [value for value in values if np.isfinite(value)]
        if values:
            aimed = is_pair or "lunge" in quantity
            yield Row(
                dataset=DATASET,
                case=case,
                quantity=quantity,
                n=len(values),
                value=float(np.percentile(np.abs(values), 95.0)),
                unit=unit,
                target=target if aimed else float("nan"),
                reference=f"mean {np.mean(values):+.2f}, SD {np.std(values):.2f} {unit}",
            )
    for name, total in errors.total.items():
        is_bad = name.startswith("invented")
        yield Row(
            dataset=DATASET,
            case=case,
            quantity=f"{name}, share" if is_bad else f"{name} found, share",
            n=total,
            value=errors.found[name] / max(total, 1),
            unit="1",
        )


def offset_calibration(bias: NDArray[np.float64]) -> SensorCalibration:
    """A calibration that knows the offset of the accelerometer and nothing else."""
    return SensorCalibration(
        serial="SIM",
        made_utc="",
        acc_offset=bias,
        acc_matrix=np.eye(3),
        gyr_bias=np.zeros(3),
        residual=0.0,
        n_poses=6,
    )


def _calibrated_rows(people: Sequence[int]) -> Iterator[Row]:
    """The largest errors with the offset of the accelerometers known, as `sensors calibrate` finds it."""
    errors = Errors()
    for seed in people:
        recording, truth = practise(person_plan(seed), seed)
        known = {p: offset_calibration(bias) for p, bias in truth.acc_bias.items()}
        add_errors(errors, analyze_practice(replace(recording, sensor_calibration=known)), truth)
    case = f"foot + shank, full errors, acc offset calibrated, {len(people)} people"
    yield from (row for row in _rows(errors, case, SETS[0]) if row.unit == "deg")


def compensated(
    seed: int, segments: tuple[str, ...], action: str, kind: str
) -> tuple[PracticeResult, PracticeTruth]:
    """One person who compensates in the second of three repetitions of one action."""
    rng = np.random.default_rng([seed, 41])
    plan = person_plan(seed, segments)
    size = float(rng.uniform(*COMPENSATION_DEG)) * (0.6 if kind == "heel_lifts" else 1.0)
    one = Exercise(kind="rom", action="plantarflexion", reps=1)
    exercises = [Exercise(kind="neutral"), Exercise(kind="swing"), one]
    if action == "lunge":
        exercises.append(Exercise(kind="neutral", position="standing"))
        done = Exercise(kind="lunge", position="standing")
    else:
        done = Exercise(kind="rom", action=action)
    exercises.append(replace(done, compensation=kind, compensation_deg=size, compensated=1))
    recording, truth = practise(replace(plan, exercises=tuple(exercises)), seed)
    return analyze_practice(recording), truth


@dataclass(kw_only=True)
class Named:
    """Repetitions that were compensated and named, and the same of the clean ones."""

    put: int = 0
    named: int = 0
    clean: int = 0
    false: int = 0


def name_compensations(people: Sequence[int], segments: tuple[str, ...], action: str, kind: str) -> Named:
    """How often a compensation is named where it is, and anything where there is none."""
    tally = Named()
    for seed in people:
        result, truth = compensated(seed, segments, action, kind)
        for found, true in pair_reps(result, truth):
            told = result.compensations
            told = told[told["rep_id"] == found.rep_id] if found is not None else told[:0]
            if true.compensation:
                tally.put += 1
                tally.named += int((told["kind"] == true.compensation).any())
            else:
                tally.clean += 1
                tally.false += int(len(told) > 0)
    return tally


def _compensation_rows(people: Sequence[int], segments: tuple[str, ...]) -> Iterator[Row]:
    case = f"{' + '.join(segments)}, full errors, {len(people)} people"
    is_pair = segments == SETS[0]
    clean = false = 0
    for action, kind in COMPENSATIONS if is_pair else COMPENSATIONS[:1]:
        tally = name_compensations(people, segments, action, kind)
        clean, false = clean + tally.clean, false + tally.false
        yield Row(
            dataset=DATASET,
            case=case,
            quantity=f"{kind.replace('_', ' ')} in {action}, share named",
            n=tally.put,
            value=tally.named / max(tally.put, 1),
            unit="1",
            target=0.95 if is_pair else float("nan"),
            at_least=True,
            reference="" if is_pair else "a foot sensor cannot see it and does not claim to",
        )
    yield Row(
        dataset=DATASET,
        case=case,
        quantity="clean repetitions with a compensation named, share",
        n=clean,
        value=false / max(clean, 1),
        unit="1",
        target=0.02,
    )


def repeated_ranges(people: Sequence[int], segments: tuple[str, ...] = SETS[0]) -> pd.DataFrame:
    """Range and gap of each person in several sessions, sensors put on anew, found and true: one row each."""
    rows = []
    for seed in people:
        plan = person_plan(seed, segments, "typical")
        rng = np.random.default_rng([seed, 42])
        kept = tuple(e for e in plan.exercises if e.kind in ("neutral", "swing", "rom", "lunge"))
        for day in range(REPEATS):
            today = {name: rng.normal(deg, WITHIN_PERSON_DEG) for name, deg in plan.ranges_deg.items()}
            session = replace(plan, ranges_deg=today, exercises=kept, person_seed=seed)
            recording, truth = practise(session, 1000 * seed + day)
            best = truth.reps.groupby(["action", "mode"])["end_range_deg"].max()
            for row in each(analyze_practice(recording).ranges):
                true = float(best[row.action, "active"])
                true_gap = float(best.get((row.action, "assisted"), np.nan)) - true
                common = {"person": seed, "day": day, "action": row.action}
                rows.append({**common, "measure": "range", "found": row.active_deg, "true": true})
                rows.append({**common, "measure": "gap", "found": row.gap_deg, "true": true_gap})
    return pd.DataFrame(rows).dropna()


PUBLISHED: Final = {
    ("dorsiflexion", "range"): "dorsiflexion techniques: MDC95 6 to 8 deg",
    ("lunge", "range"): "SEM 1.3 to 1.4, MDC 3.7 to 3.8 (inclinometer); MDC 4.6 to 4.7 (review)",
    ("inversion", "range"): "goniometry ICC 0.42 to 0.80 between sessions",
    ("eversion", "range"): "goniometry ICC 0.42 to 0.80 between sessions",
}
"""Repeat reliability in print (methods G1)."""


def repeat_rows(people: Sequence[int]) -> Iterator[Row]:
    """SEM and detectable change over repeated sessions: within-person SD, and 1.96 sqrt(2) times it."""
    found = repeated_ranges(people)
    found["error"] = found["found"] - found["true"]
    case = f"foot + shank, typical errors, {REPEATS} sessions of {len(people)} people, put on anew"
    for action in (*ACTIONS, "lunge"):
        for measure in ("range", "gap"):
            own = found[(found["action"] == action) & (found["measure"] == measure)].groupby("person")
            if not len(own):
                continue
            sem, with_person = (float(np.sqrt(own[name].var(ddof=1).mean())) for name in ("error", "found"))
            name = f"{action} {measure}"
            is_lunge = action == "lunge"
            for quantity, value, target in (
                ("SEM of the measurement", sem, 1.3 if is_lunge else np.nan),
                ("MDC95 of the measurement", MDC_PER_SEM * sem, 3.7 if is_lunge else np.nan),
                ("MDC95 with a person's own 1 deg", MDC_PER_SEM * with_person, np.nan),
            ):
                yield Row(
                    dataset=DATASET,
                    case=case,
                    quantity=f"{name}, {quantity}",
                    n=int(own["found"].count().sum()),
                    value=float(value),
                    unit="deg",
                    target=float(target),
                    reference=PUBLISHED.get((action, measure), ""),
                )


MDC_PER_SEM: Final = 1.96 * float(np.sqrt(2.0))
