"""Plan -> legs that practise -> sensors -> recording and truth."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ankle_imu import frames, quaternion
from ankle_imu.mobility import SESSION_KIND, Block, PracticeSettings
from ankle_imu.simulate import sensor_errors
from ankle_imu.simulate.practice import moves
from ankle_imu.simulate.practice.leg import Leg, Readings, evaluate, wanted
from ankle_imu.simulate.practice.moves import SIGNS, Diary, draw_person
from ankle_imu.simulate.practice.plan import PAUSE, PracticePlan
from ankle_imu.simulate.practice.truth import PracticeTruth, holds_in
from ankle_imu.units import DEGREE
from ankle_imu.values import Marker, Recording, SensorInfo, SessionInfo

Array = NDArray[np.float64]

_SITES: Final = {"foot": "instep", "shank": "above_ankle"}
_QUIET_S: Final = 1.0
"""Nothing happens before the first and after the last exercise."""


def practise(plan: PracticePlan, seed: int = 1) -> tuple[Recording, PracticeTruth]:
    """Simulate one practice session: what the sensors say, and what really happened.

    Parameters
    ----------
    plan : PracticePlan
    seed : int; the same plan and seed give the same session; a plan of the other leg gives its mirror image

    Returns
    -------
    Recording
        With the markers that announce the blocks; gaps are NaN rows.
    PracticeTruth

    Examples
    --------
    >>> from ankle_imu.simulate.practice import Exercise, PracticePlan
    >>> recording, truth = practise(PracticePlan(exercises=(Exercise(kind="neutral"),)))
    >>> recording.markers[0].text, truth.blocks[0].leg
    ('practice neutral seated', 'left')
    """
    diaries, markers = _do_all(plan, seed)
    end = max(d.now for d in diaries) + _QUIET_S
    n = round(end * plan.sampling_rate)
    every = 1 if plan.errors == "none" else sensor_errors.oversampling(plan.sampling_rate)
    fine = np.arange((n - 1) * every + 1) / (every * plan.sampling_rate)
    time = np.arange(n) / plan.sampling_rate
    sensors, orientation, alignment, acc_bias = {}, {}, {}, {}
    for diary in diaries:
        readings = evaluate(diary.leg, fine)
        for segment in plan.segments:
            placement = f"{diary.leg_name}_{segment}"
            acc, gyr, mount, bias = _wear(plan, seed, placement, readings, every)
            sensors[placement], alignment[placement], acc_bias[placement] = (acc, gyr), mount, bias
            q = readings.earth_from[segment][::every]
            orientation[placement] = frames.mirror_rotation(q, diary.leg_name)
    recording = Recording.from_arrays(plan.sampling_rate, sensors)
    recording = Recording(
        series=recording.series, loss=recording.loss, session=_session(plan), markers=tuple(markers)
    )
    return recording, _tell(plan, diaries, time, orientation, alignment, acc_bias)


def _do_all(plan: PracticePlan, seed: int) -> tuple[list[Diary], list[Marker]]:
    """One leg after the other does all exercises."""
    diaries: list[Diary] = []
    markers: list[Marker] = []
    rng = np.random.default_rng([plan.person_seed or seed, 20])
    person = draw_person(plan.ranges_deg, plan.gaps_deg, plan.axis_sd_deg, plan.posture_deg, rng)
    for k, leg in enumerate(plan.legs):
        now = diaries[-1].now if diaries else _QUIET_S
        diary = Diary(leg_name=leg, leg=Leg(), person=person, rng=np.random.default_rng([seed, 21, k]), now=now)
        for exercise in plan.exercises:
            start = diary.now
            moves.do(diary, exercise)
            if exercise.kind == PAUSE:
                markers.append(Marker(time_s=start, text="practice pause", leg=leg))
                continue
            block = diary.blocks[-1]
            markers.append(Marker(time_s=block.start_s, text=block.words, leg=leg))
            if not np.isnan(block.lifted_s):
                markers.append(Marker(time_s=block.lifted_s, text="practice lifted", leg=leg))
        diaries.append(diary)
    markers.append(Marker(time_s=diaries[-1].now, text="practice end"))
    return diaries, markers


def _wear(
    plan: PracticePlan, seed: int, placement: str, readings: Readings, every: int
) -> tuple[Array, Array, Array, Array]:
    """Strap one sensor on and read it: acc, gyr (n, 3), how it sits, (4,), and the bias of its acc, (3,)."""
    leg, segment = frames.leg_of(placement), frames.segment_of(placement)
    rng = np.random.default_rng([seed, 22, plan.legs.index(leg), ("foot", "shank").index(segment)])
    mount = np.array([1.0, 0.0, 0.0, 0.0])
    turn = quaternion.normalize(rng.standard_normal(4))
    if plan.mounts == "random":
        mount = frames.mirror_rotation(turn, leg)
    to_sensor = quaternion.conjugate(mount)
    acc = quaternion.rotate(to_sensor, frames.mirror_acc(readings.acc[segment], leg))
    gyr = quaternion.rotate(to_sensor, frames.mirror_gyr(readings.gyr[segment], leg))
    bias = np.zeros(3)
    if plan.errors != "none":
        part = sensor_errors.draw_sensor(sensor_errors.LEVELS[plan.errors], plan.warm_up_k, rng)
        acc, gyr = sensor_errors.measure(
            acc, gyr, every=every, sampling_rate=plan.sampling_rate, sensor=part, rng=rng
        )
        bias = part.acc_bias
    missing = _missing(plan, len(acc), rng)
    acc[missing] = gyr[missing] = np.nan
    return acc, gyr, mount, bias


def _missing(plan: PracticePlan, n: int, rng: np.random.Generator) -> NDArray[np.bool_]:
    missing = _silent(plan, np.arange(n) / plan.sampling_rate)
    if plan.loss > 0.0:
        missing |= sensor_errors.lose(n, plan.loss, plan.gap_s * plan.sampling_rate, rng)
    return missing


def _silent(plan: PracticePlan, time: Array) -> NDArray[np.bool_]:
    silent = np.zeros(len(time), dtype=bool)
    for start, end in plan.gaps:
        silent |= (time >= start) & (time < end)
    return silent


def _session(plan: PracticePlan) -> SessionInfo:
    sensors = {
        p: SensorInfo(
            placement=p,
            serial=f"SIM-{i + 1:04d}",
            model="simulated",
            mount_site=_SITES[frames.segment_of(p)],
            nominal_rate_hz=plan.sampling_rate,
        )
        for i, p in enumerate(plan.placements)
    }
    return SessionInfo(kind=SESSION_KIND, sensors=sensors, tags=("simulated",))


def _tell(
    plan: PracticePlan,
    diaries: Sequence[Diary],
    time: Array,
    orientation: Mapping[str, Array],
    alignment: Mapping[str, Array],
    acc_bias: Mapping[str, Array],
) -> PracticeTruth:
    import pandas as pd

    angles = {
        d.leg_name: {name: wanted(d.leg, name, time).value / DEGREE for name in d.leg.moves} for d in diaries
    }
    blocks = tuple(block for d in diaries for block in d.blocks)
    silent = _silent(plan, time)
    reps = [{**rep, "end_range_deg": _end_range(rep, d, angles, time)} for d in diaries for rep in d.reps]
    ranges = _active(plan, reps)
    holds = [row for block in blocks for row in _holds(block, angles[block.leg], time, silent, ranges)]
    sway = [row for d in diaries for stance in d.stances for row in _sway(stance, angles[d.leg_name], time)]
    return PracticeTruth(
        time=time,
        orientation=dict(orientation),
        alignment=dict(alignment),
        acc_bias=dict(acc_bias),
        angles=angles,
        blocks=blocks,
        reps=pd.DataFrame(reps),
        holds=pd.DataFrame(holds),
        sway=pd.DataFrame(sway),
        ranges_deg=dict(plan.ranges_deg),
    )


def _end_range(
    rep: Mapping[str, Any], diary: Diary, angles: Mapping[str, Mapping[str, Array]], time: Array
) -> float:
    """Median of the last second of the plateau, deg; a lunge against the last standing neutral pose."""
    own = angles[diary.leg_name]
    last = (time >= rep["end_s"] - 1.0) & (time < rep["end_s"])
    if rep["action"] == "lunge":
        poses = [b for b in diary.blocks if b.exercise == "neutral" and b.position == "standing"]
        zero = [b for b in poses if b.end_s <= rep["start_s"]][-1:]
        upright = np.interp(zero[0].start_s + 1.0, time, own["shank_pitch"]) if zero else 0.0
        return float(np.median(own["shank_pitch"][last]) - upright)
    name, sign = SIGNS[rep["action"]]
    return float(np.median(sign * own[name][last]))


def _active(plan: PracticePlan, reps: Sequence[Mapping[str, Any]]) -> dict[tuple[str, str], float]:
    """Today's active end range of each leg and action: the median repetition, without load where there is one.

    Without any repetition it is the person's range.
    """
    found = {}
    for leg in plan.legs:
        for action in SIGNS:
            active = [r for r in reps if (r["leg"], r["action"], r["mode"]) == (leg, action, "active")]
            free = [r for r in active if r["load"] == "none"]
            own = [r["end_range_deg"] for r in free or active]
            found[leg, action] = float(np.median(own)) if own else plan.ranges_deg[action]
    return found


def _holds(
    block: Block,
    angles: Mapping[str, Array],
    time: Array,
    silent: NDArray[np.bool_],
    ranges: Mapping[tuple[str, str], float],
) -> list[dict[str, Any]]:
    if block.exercise not in ("hold", "lift-off"):
        return []
    name, sign = SIGNS[block.action]
    begin = block.start_s if np.isnan(block.lifted_s) else block.lifted_s + 0.3
    rows = slice(*np.searchsorted(time, [begin, block.end_s]))
    angle = sign * angles[name]
    found = holds_in(time[rows], angle[rows], ranges[block.leg, block.action], silent[rows], PracticeSettings())
    holds: list[dict[str, Any]] = [
        {"leg": block.leg, "action": block.action, "start_s": a, "end_s": b, "level_deg": level}
        for a, b, level in found
    ]
    if block.exercise == "lift-off" and holds:
        supported = float(np.interp(begin - 0.5, time, angle))
        start = holds[0]["start_s"]
        holds[0] |= {"lost_deg": supported - float(np.median(angle[(time >= start) & (time < start + 0.5)]))}
        for after in (5, 10, 20):
            holds[0][f"lost_{after}s_deg"] = supported - float(np.interp(start + after, time, angle))
    return holds


def _sway(stance: Mapping[str, Any], angles: Mapping[str, Array], time: Array) -> list[dict[str, Any]]:
    rows = slice(*np.searchsorted(time, [stance["start_s"], stance["end_s"]]))
    found = []
    for segment, names in (("foot", ("flexion", "inversion")), ("shank", ("shank_pitch", "shank_tilt"))):
        spread = np.array([np.std(angles[name][rows]) for name in names])
        found.append({**stance, "segment": segment, "rms_deg": float(np.sqrt(np.sum(spread**2)))})
    return found
