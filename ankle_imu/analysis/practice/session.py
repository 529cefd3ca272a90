"""A practice recording in, a practice result out. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ankle_imu import frames, tables
from ankle_imu._version import package_version
from ankle_imu.analysis.practice.leg import PracticeLeg, follow_leg
from ankle_imu.analysis.practice.measure import Rows, Task, cues_of, measure
from ankle_imu.analysis.sensor import prepare
from ankle_imu.analysis.session import gaps_table, gridded_series, is_clipped, sensor_quality
from ankle_imu.calibration.still_poses import PoseFit, fit_poses
from ankle_imu.mobility import ACTIONS, LOAD_FIELDS, Block, PracticeResult, PracticeSettings
from ankle_imu.practice.blocks import HEAD, read_blocks
from ankle_imu.practice.compensations import UNSEEN
from ankle_imu.practice.ranges import detectable_gap, range_of, why_repeat
from ankle_imu.units import STANDARD_GRAVITY
from ankle_imu.values import Marker, Recording

Array = NDArray[np.float64]

TAU_ACC_S: Final = 3.0
"""Accelerometer time constant of the orientation filter, s: VQF's default. Movements are slow and each ends in
stillness, so there is no stride whose accelerations would have to be waited out."""

NO_BLOCKS: Final = (
    "No block of practice is marked; expected markers such as `practice neutral left` and "
    "`practice rom dorsiflexion left active`. Movements alone do not tell which way a sensor points, nor active "
    "from assisted, so nothing is guessed."
)


def analyze_practice(
    recording: Recording,
    blocks: Sequence[Block] | None = None,
    settings: PracticeSettings | None = None,
    end_ranges: Mapping[tuple[str, str], float] | None = None,
) -> PracticeResult:
    """Analyze a practice session.

    Parameters
    ----------
    recording : Recording; of each leg a foot sensor, a shank sensor or both
    blocks : what was done when; None reads the markers of the recording (`practice.blocks`)
    settings : PracticeSettings, defaults when None
    end_ranges : (leg, action) -> active end range, deg, for holds of an action whose range this session lacks

    Returns
    -------
    PracticeResult; without blocks its tables are empty and `quality` says why

    Raises
    ------
    RecordingError
        When no sensor has two usable samples.
    ImplausibleUnits
        When physics contradicts the units of a sensor.

    Notes
    -----
    Two sensors give the joint's angles; a foot sensor alone the foot's angle, shank assumed still; a shank
    sensor alone the lunge and its own sway. All angles are against the neutral pose of the session.
    """
    if not isinstance(recording, Recording):
        raise TypeError(f"analyze_practice takes a Recording, found {type(recording).__name__}.")
    settings = PracticeSettings() if settings is None else settings
    warnings = list(recording.warnings)
    fits = {p: fit_poses(s) for p, s in recording.series.items() if p not in recording.sensor_calibration}
    corrected = {p: fits[p].correct(s) if p in fits else s for p, s in recording.series.items()}
    series, gridded, time, rate = gridded_series(replace(recording, series=corrected), warnings)
    present = [leg for leg in frames.LEGS if any(frames.leg_of(p) == leg for p in series)]
    if blocks is None:
        read = read_blocks(recording.markers, recording.duration, present)
        blocks, warnings = read.blocks, [*warnings, *read.problems]
    warnings += [] if blocks else [NO_BLOCKS]
    known = recording.calibration or {}
    legs = {}
    for leg in present:
        own = {frames.segment_of(p): p for p in gridded if frames.leg_of(p) == leg}
        sensors = {segment: prepare(gridded[p], leg, rate, TAU_ACC_S) for segment, p in own.items()}
        aligned = {segment: known[p] for segment, p in own.items() if p in known}
        mine = [b for b in blocks if b.leg == leg]
        legs[leg] = follow_leg(sensors, leg, mine, time, rate, aligned, settings)
    found = _measure_all(blocks, legs, time, rate, settings, end_ranges or {})
    clipped = {p: int(is_clipped(s, recording.session.sensors.get(p)).sum()) for p, s in recording.series.items()}
    return PracticeResult(
        **found.as_tables(),
        angles=_angles_table(legs, time),
        quality={
            "sensors": {p: sensor_quality(recording, p, clipped[p]) for p in recording.series},
            "gaps": gaps_table(recording.loss, gridded, time),
            "alignment": _alignment(legs),
            "accelerometers": {p: _told(fit) for p, fit in fits.items()},
            "cues": found.cues,
            "unseen": {leg: UNSEEN[_worn(leg, series)] for leg in legs},
            "notes": _notes(recording.markers),
            "warnings": [*warnings, *(w for one in legs.values() for w in one.warnings), *found.rows.remarks],
        },
        settings=settings,
        session=recording.session,
        version=package_version(),
        duration_s=recording.duration,
        sampling_rate=rate,
    )


def _notes(markers: Sequence[Marker]) -> list[dict[str, Any]]:
    """What was said while practising beside the words of practice: notes, and pain as `pain 3`."""
    said = [m for m in markers if (m.text.split() or [""])[0] != HEAD]
    return [{"time_s": m.time_s, "leg": m.leg, "text": m.text} for m in said]


def _told(fit: PoseFit) -> dict[str, Any]:
    """What was found about an accelerometer that nobody had calibrated."""
    milli_g = 1e3 / STANDARD_GRAVITY
    return {
        "applied": not fit.reason,
        "reason": fit.reason,
        "offset_mg": [round(milli_g * float(one), 1) for one in fit.offset],
        "offset_sd_mg": [round(milli_g * float(one), 1) for one in fit.offset_sd],
        "residual_mg": milli_g * fit.residual,
        "still_s": fit.n_windows,
        "spread_deg": fit.spread_deg,
        "doubt_deg": fit.doubt_deg,
        "doubt_without_deg": fit.prior_doubt_deg,
    }


def _worn(leg: str, series: Mapping[str, Any]) -> str:
    own = [frames.segment_of(p) for p in series if frames.leg_of(p) == leg]
    return "both" if len(own) == 2 else own[0]


class _Found:
    """Rows of all tables, and the cues of each block."""

    def __init__(self) -> None:
        self.rows = Rows()
        self.blocks: list[dict[str, Any]] = []
        self.ranges: list[dict[str, Any]] = []
        self.cues: dict[str, list[dict[str, Any]]] = {}

    def as_tables(self) -> dict[str, pd.DataFrame]:
        """The tables of a result, by the name of its field."""
        return {
            "blocks": _table(tables.PRACTICE_BLOCKS, self.blocks),
            "reps": _table(tables.PRACTICE_REPS, self.rows.reps),
            "ranges": _table(tables.PRACTICE_RANGES, self.ranges),
            "holds": _table(tables.PRACTICE_HOLDS, self.rows.holds),
            "sway": _table(tables.PRACTICE_SWAY, self.rows.sway),
            "compensations": _table(tables.PRACTICE_COMPENSATIONS, self.rows.compensations),
        }


def _table(table: tables.Table, rows: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    if not rows:
        return tables.make_table(table, {})
    names = [name for name in table.names if any(name in row for row in rows)]
    return tables.make_table(table, {name: [row.get(name, float("nan")) for row in rows] for name in names})


def _measure_all(
    blocks: Sequence[Block],
    legs: Mapping[str, PracticeLeg],
    time: Array,
    rate: float,
    settings: PracticeSettings,
    given: Mapping[tuple[str, str], float],
) -> _Found:
    """Ranges first, wherever they stand: the holds are measured against them."""
    found = _Found()
    reasons = {}
    order = sorted(enumerate(blocks), key=lambda pair: pair[1].exercise not in ("rom", "lunge"))
    end_ranges: dict[tuple[str, str], tuple[float, str]] = {key: (deg, "given") for key, deg in given.items()}
    is_ranged = False
    for block_id, block in order:
        if block.exercise not in ("rom", "lunge") and not is_ranged:
            found.ranges = _ranges(found.rows.reps, settings)
            end_ranges |= _active(found.ranges)
            is_ranged = True
        if block.leg not in legs:
            reasons[block_id] = "no sensor on this leg"
            continue
        task = Task(
            block_id=block_id,
            block=block,
            leg=legs[block.leg],
            time=time,
            sampling_rate=rate,
            settings=settings,
        )
        reasons[block_id] = measure(task, found.rows, end_ranges)
        if block.exercise not in ("neutral", "swing"):
            told = cues_of(task, _neutral_before(blocks, block))
            found.cues[str(block_id)] = [asdict(cue) for cue in told]
    if not is_ranged:
        found.ranges = _ranges(found.rows.reps, settings)
    found.blocks = [_block_row(k, block, legs, reasons[k]) for k, block in enumerate(blocks)]
    return found


def _neutral_before(blocks: Sequence[Block], block: Block) -> float:
    """Middle of the last neutral pose of the leg before a block, s; NaN without one."""
    poses = [b for b in blocks if b.exercise == "neutral" and b.leg == block.leg and b.end_s <= block.start_s]
    last = max(poses, key=lambda b: b.start_s, default=None)
    return float("nan") if last is None else 0.5 * (last.start_s + last.end_s)


def _block_row(block_id: int, block: Block, legs: Mapping[str, PracticeLeg], reason: str) -> dict[str, Any]:
    has_angle = not reason and (block.action or block.exercise == "lunge")
    source = "shank" if block.exercise == "lunge" else (legs[block.leg].source if block.leg in legs else "none")
    names = ("leg", "exercise", "action", "mode", "position", "eyes", "start_s", "end_s")
    return {
        "block_id": block_id,
        **{name: getattr(block, name) for name in names},
        **block.load_fields(),
        "angle_source": source if has_angle else "none",
        "reason": reason,
    }


def _ranges(reps: Sequence[Mapping[str, Any]], settings: PracticeSettings) -> list[dict[str, Any]]:
    """One row per leg, action and load."""
    groups: dict[tuple[Any, ...], list[Mapping[str, Any]]] = {}
    for rep in reps:
        loads = tuple(None if rep[name] != rep[name] else rep[name] for name in LOAD_FIELDS)
        groups.setdefault((rep["leg"], rep["action"], *loads), []).append(rep)
    order = (*ACTIONS, "lunge")
    keys = sorted(groups, key=lambda k: (k[0], order.index(k[1]), *(str(one) for one in k[2:])))
    return [_range_row(groups[key], settings) for key in keys]


def _range_row(reps: Sequence[Mapping[str, Any]], settings: PracticeSettings) -> dict[str, Any]:
    ends = {
        mode: [float(r["end_range_deg"]) for r in reps if r["mode"] == mode and r["accepted"]]
        for mode in ("active", "assisted")
    }
    found = {mode: range_of(values) for mode, values in ends.items()}
    is_lunge = reps[0]["action"] == "lunge"
    mdc = settings.lunge_mdc_deg if is_lunge else detectable_gap(ends["active"], ends["assisted"], settings)
    reasons = [why_repeat(mode, one, settings) for mode, one in found.items()]
    reasons += [
        f"{mode}: no repetition could be used" for mode, one in found.items() if _is_in_vain(mode, one, reps)
    ]
    reason = "; ".join(one for one in reasons if one)
    row: dict[str, Any] = {name: reps[0][name] for name in ("leg", "action", *LOAD_FIELDS, "angle_source")}
    for mode, one in found.items():
        row |= {f"{mode}_deg": one.best_deg, f"{mode}_median_deg": one.median_deg}
        row |= {f"{mode}_spread_deg": one.spread_deg, f"{mode}_n": one.n}
    gap = found["assisted"].best_deg - found["active"].best_deg
    return row | {"gap_deg": gap, "mdc_deg": mdc, "repeat": bool(reason), "reason": reason}


def _is_in_vain(mode: str, found: Any, reps: Sequence[Mapping[str, Any]]) -> bool:
    return found.n == 0 and any(rep["mode"] == mode for rep in reps)


def _active(ranges: Sequence[Mapping[str, Any]]) -> dict[tuple[str, str], tuple[float, str]]:
    """Today's active end ranges: without load where there is one, else the largest with.

    Notes
    -----
    The median repetition, not the best: the best of three lies above what a person can do again by about one SD of
    their scatter, and a hold at 90 % of a small range would then come close to the 80 % that make it one.
    """
    found: dict[tuple[str, str], tuple[float, str]] = {}
    for row in sorted(ranges, key=lambda r: (r["load"] == "none", r["active_median_deg"])):
        if np.isfinite(row["active_median_deg"]):
            found[row["leg"], row["action"]] = (float(row["active_median_deg"]), "measured")
    return found


def _angles_table(legs: Mapping[str, PracticeLeg], time: Array) -> pd.DataFrame:
    columns: dict[str, Any] = {"time_s": time}
    for leg, one in legs.items():
        for name, values in one.angles.items():
            columns[f"{leg}_{name}_deg"] = np.where(one.broken, np.nan, values)
    blank = np.full(len(time), np.nan)
    return pd.DataFrame({name: columns.get(name, blank) for name in tables.ANGLES.names}, copy=False)


def _alignment(legs: Mapping[str, PracticeLeg]) -> dict[str, dict[str, Any]]:
    return {
        f"{leg}_{segment}": {
            "method": a.method,
            "sigma_yaw_deg": a.sigma_yaw_deg,
            "verdict": a.verdict,
            "reason": a.reason,
        }
        for leg, one in legs.items()
        for segment, a in one.alignment.items()
    }
