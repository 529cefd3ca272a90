"""The rows of the practice tables, block by block."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ankle_imu.analysis.practice.leg import PracticeLeg
from ankle_imu.mobility import Block, PracticeSettings
from ankle_imu.practice import compensations as comp
from ankle_imu.practice import cues, holds, ranges, sway
from ankle_imu.practice.stretches import is_still
from ankle_imu.practice.trace import Trace

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

BEFORE_S = 4.0
"""So long before a repetition is looked for its rest, s."""

SHORTEST_STANCE_S = 5.0
"""A shorter stretch on one leg gives no sway, s. Ours: half a turn of its slowest waves, 0.1 Hz."""

NOTHING = {
    "rom": "no repetition was found: go as far as it goes, stay, and come back",
    "lunge": "no repetition was found: go as far as it goes, stay, and come back",
    "hold": "no hold of 1 s was found near the end of the range",
    "lift-off": "no hold of 1 s was found near the end of the range",
    "balance": "no 5 s were stood without a step",
}
"""What is said of a block in which nothing was found."""


@dataclass(kw_only=True, eq=False)
class Rows:
    """Rows gathered so far, by table, and remarks on what has no row."""

    reps: list[dict[str, Any]] = field(default_factory=list)
    holds: list[dict[str, Any]] = field(default_factory=list)
    sway: list[dict[str, Any]] = field(default_factory=list)
    compensations: list[dict[str, Any]] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)

    def count(self) -> int:
        """Number of repetitions, holds and stances."""
        return len(self.reps) + len(self.holds) + len(self.sway)


@dataclass(frozen=True, kw_only=True, eq=False)
class Task:
    """One block to be measured, its number, and the samples of the session that it covers."""

    block_id: int
    block: Block
    leg: PracticeLeg
    time: Array
    sampling_rate: float
    settings: PracticeSettings

    @property
    def rows(self) -> slice:
        """Samples of the block."""
        start, stop = np.searchsorted(self.time, [self.block.start_s, self.block.end_s])
        return slice(int(start), int(stop))

    @property
    def counted(self) -> Mask:
        """(n,) True where the session is not in one of the block's pauses."""
        counted = np.ones(len(self.time), dtype=bool)
        for start, end in self.block.pauses:
            counted[slice(*np.searchsorted(self.time, [start, end]))] = False
        return counted

    def trace(self) -> Trace:
        """The block's own angle in its own direction."""
        name, sign, _ = self.leg.angle_of(self.block)
        return self.leg.trace(name, sign, self.rows, self.counted, self.time, self.sampling_rate)

    def tags(self) -> dict[str, Any]:
        """What every row of the block says of it."""
        source = "shank" if self.block.exercise == "lunge" else self.leg.source
        return {
            "block_id": self.block_id,
            "leg": self.block.leg,
            "angle_source": source,
            **self.block.load_fields(),
        }


def measure_reps(task: Task, rows: Rows) -> None:
    """Repetitions of a `rom` or `lunge`, and what moved along."""
    trace, block, settings = task.trace(), task.block, task.settings
    is_lunge = block.exercise == "lunge"
    pitch = task.leg.smooth.get("foot_pitch") if is_lunge else None
    up = comp.heel_is_up(pitch[task.rows], settings) if pitch is not None else None
    previous = 0
    lunges: list[tuple[int, slice, slice]] = []
    for rep in ranges.find_reps(trace, settings, up):
        rep_id = len(rows.reps)
        a, b = rep.plateau
        has_plateau = b > a
        rows.reps.append(
            {
                **task.tags(),
                "rep_id": rep_id,
                "action": "lunge" if is_lunge else block.action,
                "mode": block.mode,
                "start_s": trace.time[rep.start],
                "end_s": trace.time[rep.stop - 1],
                "plateau_start_s": trace.time[a] if has_plateau else np.nan,
                "plateau_end_s": trace.time[b - 1] if has_plateau else np.nan,
                "end_range_deg": rep.end_range_deg,
                "accepted": not rep.reason,
                "reject_reason": rep.reason,
            }
        )
        if has_plateau:
            before = _rest_before(trace, previous, rep.start, settings)
            _compensations(task, rows, rep_id, before, slice(a, b))
            lunges += [(rep_id, before, slice(a, b))] if is_lunge and before is not None else []
        previous = rep.stop
    _lunges_aside(task, rows, lunges)


def _lunges_aside(task: Task, rows: Rows, lunges: Sequence[tuple[int, slice, slice]]) -> None:
    """Lunges that go aside of the others and were not named by themselves."""
    up = task.leg.shank_up
    if up is None or not lunges:
        return
    _, before, plateaus = zip(*lunges, strict=True)
    named = {row["rep_id"] for row in rows.compensations if row["kind"] == comp.HIP}
    aside = comp.lunges_aside(up[task.rows], before, plateaus, task.settings)
    for (rep_id, _, _), one in zip(lunges, aside, strict=True):
        if one is not None and rep_id not in named:
            rows.compensations.append(_compensation_row(task, one, rep_id, task.time[task.rows.start + one.at]))


def _compensations(task: Task, rows: Rows, rep_id: int, before: slice | None, plateau: slice) -> None:
    """What moved along from the rest before one repetition or hold to its plateau."""
    leg, settings, first = task.leg, task.settings, task.rows.start
    is_lunge = task.block.exercise == "lunge"
    found: list[comp.Compensation] = []
    if before is not None and leg.shank_up is not None:
        own = task.rows
        if leg.shank_has_direction:
            pitch, tilt = (leg.smooth[f"shank_{name}"][own] for name in ("pitch", "tilt"))
            found += comp.shank_compensations(pitch, tilt, before, plateau, settings, is_lunge=is_lunge)
        elif not is_lunge:
            found += comp.total_shank_change(leg.shank_up[own], before, plateau, settings)
    if is_lunge and "foot_pitch" in leg.smooth:
        found += comp.heel_compensation(leg.smooth["foot_pitch"][task.rows], plateau, settings)
    rows.compensations += [_compensation_row(task, one, rep_id, task.time[first + one.at]) for one in found]


def _compensation_row(task: Task, one: comp.Compensation, rep_id: int, time_s: float) -> dict[str, Any]:
    return {
        "block_id": task.block_id,
        "rep_id": rep_id,
        "leg": task.block.leg,
        "time_s": float(time_s),
        "kind": one.kind,
        "size_deg": one.size_deg,
        "seen_by": one.seen_by,
    }


def _rest_before(trace: Trace, previous: int, start: int, settings: PracticeSettings) -> slice | None:
    """The last half second of stillness before a repetition; None when there is none since the one before."""
    low = max(previous, start - trace.samples(BEFORE_S))
    still = is_still(trace.rate, trace.is_valid, settings.still_dps, settings.moving_dps)
    at = low + np.flatnonzero(still[low:start])
    half = trace.samples(0.5)
    if len(at) < half // 2:
        return None
    stop = int(at[-1]) + 1
    return slice(max(low, stop - half), stop)


def measure_holds(task: Task, rows: Rows, end_range: float, range_source: str) -> None:
    """Holds of a `hold` or `lift-off`, and what moved along."""
    trace, settings, block = task.trace(), task.settings, task.block
    begin, supported = 0, float("nan")
    if block.exercise == "lift-off":
        lifted = None if np.isnan(block.lifted_s) else int(np.searchsorted(trace.time, block.lifted_s))
        begin, supported = holds.supported_end(trace, lifted, settings)
    if not np.isfinite(end_range):
        end_range = float(np.max(trace.angle, initial=0.0, where=trace.is_valid))
        range_source = "own"
    if end_range < ranges.LEAST_TRAVEL_DEG:
        return
    tremor = _tremor(trace, settings)
    previous = begin
    found = holds.find_holds(trace, end_range, settings, begin)
    rows.remarks += _just_below(task, holds.just_below(trace, end_range, settings, found, begin), end_range)
    for k, hold in enumerate(found):
        steady = holds.steadiness(trace, hold, tremor, end_range, settings)
        row = {
            **task.tags(),
            "hold_id": len(rows.holds),
            "action": block.action,
            "start_s": trace.time[hold.start],
            "end_s": trace.time[hold.start] + (hold.stop - hold.start) / trace.sampling_rate,
            "duration_s": (hold.stop - hold.start) / trace.sampling_rate,
            "missing_s": float(task.leg.missing[task.rows][hold.start : hold.stop].sum() / trace.sampling_rate),
            "level_deg": hold.level_deg,
            "range_share": hold.level_deg / end_range,
            "drift_dps": steady.drift_dps,
            "dose_deg_s": steady.dose_deg_s,
            "tremor_dps": steady.tremor_dps,
            "end_reason": hold.end_reason,
            "range_source": range_source,
        }
        if k == 0 and np.isfinite(supported):
            lost = holds.lift_off(trace, supported, hold)
            row |= {"supported_deg": lost.supported_deg, "lost_deg": lost.lost_deg}
            row |= dict(zip(("lost_5s_deg", "lost_10s_deg", "lost_20s_deg"), lost.later_deg, strict=True))
        rows.holds.append(row)
        if block.exercise == "hold":
            before = _rest_before(trace, previous, hold.start, settings)
            _compensations(task, rows, -1, before, slice(hold.start, hold.stop))
        previous = hold.stop


def _just_below(task: Task, missed: Sequence[holds.Hold], end_range: float) -> list[str]:
    """A sentence on the longest of the holds that lie so little below the line that they may be some."""
    if not missed:
        return []
    one = max(missed, key=lambda hold: hold.stop - hold.start)
    share, seconds = task.settings.hold_share, (one.stop - one.start) / task.sampling_rate
    more = f" ({len(missed) - 1} more like it)" if len(missed) > 1 else ""
    name, line = f"{task.block.leg} {task.block.action}", f"{share * end_range:.1f} deg"
    return [
        f"{name} was held for {seconds:.0f} s at {one.level_deg:.1f} deg{more}: too near {line}, "
        f"{100.0 * share:.0f} % of the range, to tell on which side, so not counted"
    ]


def _tremor(trace: Trace, settings: PracticeSettings) -> Array:
    """Rate of the angle in the tremor's band, (n,) deg/s; NaN where the sampling cannot show it."""
    from scipy.signal import butter, sosfiltfilt

    rate = trace.sampling_rate
    raw = np.where(np.isfinite(trace.raw), trace.raw, 0.0)
    if rate < 2.5 * settings.tremor_high_hz or len(raw) < rate:
        return np.full(len(raw), np.nan)
    sos = butter(4, [settings.tremor_low_hz, settings.tremor_high_hz], "bandpass", fs=rate, output="sos")
    return np.asarray(sosfiltfilt(sos, np.diff(raw, prepend=raw[:1]) * rate))


def measure_sway(task: Task, rows: Rows) -> None:
    """Sway of each sensed segment in a `balance`, and a heel that is up."""
    leg, own, settings = task.leg, task.rows, task.settings
    segment = "foot" if "foot_tilt" in leg.angles else "shank"
    if f"{segment}_tilt" not in leg.angles:
        return
    valid = (task.counted & ~leg.broken)[own]
    start, stop, steps = sway.standing_stretch(
        leg.speed[segment][own], valid, task.sampling_rate, settings.stepped_dps
    )
    if stop - start < SHORTEST_STANCE_S * task.sampling_rate:
        return
    time = task.time[own]
    for name in ("foot", "shank"):
        if f"{name}_tilt" not in leg.angles:
            continue
        tilt, pitch = (leg.swaying(f"{name}_{kind}")[own][start:stop] for kind in ("tilt", "pitch"))
        found = sway.sway_of(tilt, pitch, task.sampling_rate)
        rows.sway.append(
            {
                "block_id": task.block_id,
                "leg": task.block.leg,
                "segment": name,
                "eyes": task.block.eyes,
                "start_s": time[start],
                "end_s": time[stop - 1],
                "duration_s": (stop - start) / task.sampling_rate,
                "n_steps": steps,
                "rms_deg": found.rms_deg,
                "path_deg_per_s": found.path_deg_per_s,
                "tilt_range_deg": found.tilt_range_deg,
                "pitch_range_deg": found.pitch_range_deg,
            }
        )
    if "foot_pitch" in leg.smooth:
        pitch = leg.smooth["foot_pitch"][own]
        one = comp.heel_compensation(pitch, slice(start, stop), settings)
        rows.compensations += [_compensation_row(task, c, -1, time[c.at]) for c in one]


def cues_of(task: Task, neutral_s: float) -> tuple[cues.Cue, ...]:
    """How the foot is placed as a block begins; `neutral_s` is the middle of the neutral pose before."""
    leg, first = task.leg, slice(task.rows.start, task.rows.start + round(task.sampling_rate))
    at = int(np.searchsorted(task.time, neutral_s))
    turn = float("nan")
    if np.isfinite(neutral_s) and np.isfinite(leg.turn[at]) and not leg.broken[at : first.stop].any():
        turn = float(np.median(leg.turn[first]) - leg.turn[at])
        turn = (turn + 180.0) % 360.0 - 180.0
    has_foot = "foot_tilt" in leg.angles
    tilt, pitch = (
        float(np.median(leg.angles[f"foot_{kind}"][first])) if has_foot else float("nan")
        for kind in ("tilt", "pitch")
    )
    return cues.check_cues(
        task.settings,
        position=task.block.position,
        foot_tilt=tilt,
        foot_pitch=pitch,
        turn=turn,
        since_neutral_s=task.block.start_s - neutral_s,
        has_foot=has_foot,
        foot_is_free=task.block.position == "seated" and task.block.action not in ("", "dorsiflexion"),
    )


def measure(task: Task, rows: Rows, end_ranges: Mapping[tuple[str, str], tuple[float, str]]) -> str:
    """Measure one block; why nothing could be measured, "" when it was."""
    _, _, reason = task.leg.angle_of(task.block)
    if reason or task.rows.stop - task.rows.start < task.sampling_rate:
        return reason or "the block is shorter than 1 s"
    kind = task.block.exercise
    before = rows.count()
    if kind in ("rom", "lunge"):
        measure_reps(task, rows)
    elif kind in ("hold", "lift-off"):
        known = end_ranges.get((task.block.leg, task.block.action), (float("nan"), "own"))
        measure_holds(task, rows, *known)
    elif kind == "balance":
        measure_sway(task, rows)
    return "" if rows.count() > before else NOTHING.get(kind, "")
