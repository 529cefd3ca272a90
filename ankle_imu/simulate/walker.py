"""The simulator's one way: plan -> course -> two legs -> exact readings -> sensors -> recording and truth."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ankle_imu import frames, quaternion
from ankle_imu.simulate import incidents, sensor_errors, stumbles, timekeeping, truth
from ankle_imu.simulate.body import FOOT_SENSOR, SHANK_SENSOR, Leg
from ankle_imu.simulate.course import lay_course
from ankle_imu.simulate.gaits import GAITS
from ankle_imu.simulate.mounting import random_turn, slipped
from ankle_imu.simulate.plan import Plan, mirrored
from ankle_imu.simulate.truth import LegTrack, Truth
from ankle_imu.units import DEGREE, STANDARD_GRAVITY
from ankle_imu.values import Recording, SensorInfo, SessionInfo

Array = NDArray[np.float64]

_CHUNK = 1 << 14
_SITES = {"foot": "instep", "shank": "above_ankle"}
_SENSOR_AT = {"foot": FOOT_SENSOR, "shank": SHANK_SENSOR}


def walk(plan: Plan | None = None, seed: int = 1) -> tuple[Recording, Truth]:
    """Simulate one session: what the sensors say, and what really happened.

    Parameters
    ----------
    plan : Plan; None is `Plan()`
    seed : int; the same plan and seed give the same session, and the same walk at every sampling rate

    Returns
    -------
    Recording
        Of the placements of the plan; gaps are NaN rows.
    Truth

    Notes
    -----
    Angular rates and accelerations are the closed-form derivatives of the poses, so with `errors="none"` they
    are exact to rounding. Band-limited shocks at contact are part of the motion of the whole leg.

    Examples
    --------
    >>> recording, truth = walk(Plan(duration_s=40, placements=("right_foot",), movements=False), seed=3)
    >>> recording.series["right_foot"].sampling_rate, len(truth.strides) > 20
    (208.0, True)
    """
    plan = plan or Plan()
    return record(plan, _build_legs(plan, seed), seed)


def record(plan: Plan, legs: Mapping[str, Leg], seed: int) -> tuple[Recording, Truth]:
    """Strap sensors on two legs and read them: what they say, and what really happened.

    Parameters
    ----------
    plan : Plan; duration, sampling, placements, mounts and errors of the sensors
    legs : mapping of leg to Leg
    seed : int, of the sensors
    """
    n = round(plan.duration_s * plan.sampling_rate)
    is_coarse = plan.errors == "none" and plan.odr_error == 0.0
    every = 1 if is_coarse else sensor_errors.oversampling(plan.sampling_rate)
    tracks = {leg: _follow(body, leg, plan, n, every) for leg, body in legs.items()}
    worn = {
        p: _wear(plan, seed, p, legs[frames.leg_of(p)], tracks[frames.leg_of(p)], every) for p in plan.placements
    }
    is_timed = any((plan.clock_offset_s, plan.clock_ppm, plan.odr_error, plan.jitter_s))
    recording = Recording.from_arrays(
        plan.sampling_rate,
        {p: (w.acc, w.gyr) for p, w in worn.items()},
        time={p: w.time for p, w in worn.items()} if is_timed else None,
    )
    answer = truth.tell(
        plan,
        np.arange(n) / plan.sampling_rate,
        legs,
        tracks,
        {p: w.mount for p, w in worn.items()},
        {p: w.slip for p, w in worn.items() if w.slip is not None},
        {p: _SENSOR_AT[frames.segment_of(p)] for p in worn},
        {p: (w.gyr_bias, w.acc_bias) for p, w in worn.items()},
    )
    return replace(recording, session=_session(plan)), answer


@dataclass(frozen=True, kw_only=True, eq=False)
class _Worn:
    """What one sensor sends, (n,) s and (n, 3), how it sits, when and where it slips to, and its biases."""

    time: Array
    acc: Array
    gyr: Array
    mount: Array
    slip: tuple[float, Array] | None
    gyr_bias: Array
    acc_bias: Array


def _wear(plan: Plan, seed: int, placement: str, body: Leg, track: LegTrack, every: int) -> _Worn:
    """Strap one sensor on and read it: soft tissue, mount, slip, own sampling, own errors, losses."""
    leg, segment = frames.leg_of(placement), frames.segment_of(placement)
    rng = _rng(plan, seed, 10, placement)
    mount = _mount(plan, placement, rng)
    acc, gyr = track.acc[segment], track.gyr[segment]
    fine = np.arange(len(acc)) / (every * plan.sampling_rate)
    part = None
    if plan.errors != "none":
        level = sensor_errors.LEVELS[plan.errors]
        part = sensor_errors.draw_sensor(level, plan.warm_up_k, rng)
        acc, gyr = sensor_errors.wobble(
            acc, gyr, fine, segment=segment, level=level, factor=plan.wobble, rng=rng, **_contacts(body)
        )
    to_sensor = quaternion.conjugate(mount)
    acc = quaternion.rotate(to_sensor, frames.mirror_acc(acc, leg))
    gyr = quaternion.rotate(to_sensor, frames.mirror_gyr(gyr, leg))
    slip = None
    if placement == plan.slipping:
        turn = frames.mirror_gyr(random_turn(plan.slip_deg * DEGREE, _rng(plan, seed, 11, placement)), leg)
        acc, gyr = slipped(acc, gyr, fine, at=plan.slip_time, turn=turn)
        slip = (plan.slip_time, quaternion.multiply(mount, quaternion.from_rotation_vector(turn)))
    clock = timekeeping.draw_clock(plan, _rng(plan, seed, 12, placement))
    acc, gyr = clock.sample(acc, gyr, every)
    if part is not None:
        acc, gyr = sensor_errors.measure(
            acc, gyr, every=every, sampling_rate=clock.sampling_rate, sensor=part, rng=rng
        )
    else:
        acc, gyr = acc[::every], gyr[::every]
    missing = _missing(plan, len(acc), placement, rng)
    if missing.any():
        acc, gyr = acc.copy(), gyr.copy()
        acc[missing] = gyr[missing] = np.nan
    return _Worn(
        time=clock.times(len(acc), plan.clock_offset_s if segment == "shank" else 0.0),
        acc=acc,
        gyr=gyr,
        mount=mount,
        slip=slip,
        gyr_bias=np.zeros(3) if part is None else part.gyr_bias,
        acc_bias=np.zeros(3) if part is None else part.acc_bias,
    )


def _missing(plan: Plan, n: int, placement: str, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Samples that never arrive: lost on the air, or while the sensor is taken off and put on again."""
    rate = plan.sampling_rate
    missing = np.zeros(n, dtype=bool)
    if plan.loss > 0.0:
        missing = sensor_errors.lose(n, plan.loss, plan.gap_s * rate, rng, longest=plan.longest_gap_s * rate)
    if placement == plan.slipping and plan.remount_s > 0.0:
        start = round(plan.slip_time * rate)
        missing[start : start + round(plan.remount_s * rate)] = True
    return missing


def _rng(plan: Plan, seed: int, stream: int, placement: str) -> np.random.Generator:
    """Own random stream of each sensor; a mirrored walk swaps those of left and right."""
    original = mirrored(placement) if plan.mirrored else placement
    return np.random.default_rng([seed, stream, frames.PLACEMENTS.index(original)])


def _build_legs(plan: Plan, seed: int) -> dict[str, Leg]:
    """Both legs in right-leg convention; in a mirrored walk each is the other one."""
    original = plan.as_unmirrored()
    rng = np.random.default_rng([seed, 0])
    mean_rotation = rng.uniform(-11.5, -6.5, 2)
    if np.isfinite(plan.mean_rotation_deg):
        mean_rotation[:] = plan.mean_rotation_deg
    rolling = [original.legs[k % len(original.legs)] for k in range(plan.rolls)]
    falls = lay_course(original, rng)
    if original.toe_contacts or original.edge_contacts:
        falls = incidents.place_steps(falls, original, np.random.default_rng([seed, 3]))
    if original.side_tilts:
        falls = incidents.tilt_steps(falls, original, np.random.default_rng([seed, 6]))
    if original.disrupted_rolls or original.eversion_rolls:
        falls = stumbles.place_rolls(falls, original, np.random.default_rng([seed, 7]))
    taps = original.tap_starts
    legs = {}
    for i, leg in enumerate(frames.LEGS):
        spread = plan.frontal_spread * (plan.affected_spread if leg == original.affected_leg else 1.0)
        body = Leg(
            [f for f in falls if f.leg == leg],
            original,
            tap_start=taps.get(leg, float("nan")),
            spread=spread,
            mean_rotation=float(mean_rotation[i]) * DEGREE,
            rolls=rolling.count(leg),
            rng=np.random.default_rng([seed, 1, i]),
        )
        if original.knocks_per_min:
            incidents.knock(body, original, np.random.default_rng([seed, 4, i]))
        if original.side_tilts:
            incidents.give_way(body, np.random.default_rng([seed, 8, i]))
        if original.shank_yaw_deg:
            incidents.turn_shank(body, original, np.random.default_rng([seed, 5, i]))
        legs[mirrored(leg) if plan.mirrored else leg] = body
    return legs


def _follow(body: Leg, leg: str, plan: Plan, n: int, every: int) -> LegTrack:
    """Evaluate a leg at every internal sample, poses at the output samples only."""
    fine = np.arange((n - 1) * every + 1) / (every * plan.sampling_rate)
    parts = []
    for begin in range(0, len(fine), _CHUNK * every):
        state = body.evaluate(fine[begin : begin + _CHUNK * every])
        parts.append(truth.track(state, leg, every))
    return truth.join(parts)


def _contacts(body: Leg) -> dict[str, Any]:
    """Contacts that shake the soft tissue, and how hard."""
    chosen = body.stances.contact > 0
    strength = np.array([f.gait.strike_g for f in body.falls]) / GAITS["walk"].strike_g
    loose = np.array([f.looseness for f in body.falls])
    at, size = np.array(body.impacts).reshape(-1, 2).T
    return {
        "contacts": np.concatenate([body.stances.contact[chosen], at]),
        "strength": np.concatenate([strength[chosen], size]),
        "looseness": np.concatenate([loose[chosen], np.ones(len(at))]),
    }


def _mount(plan: Plan, placement: str, rng: np.random.Generator) -> Array:
    """Segment from sensor, a quaternion (4,), both frames those of the real leg."""
    q = quaternion.normalize(rng.standard_normal(4))
    if not plan.is_randomly_mounted:
        return np.array([1.0, 0.0, 0.0, 0.0])
    return frames.mirror_rotation(q, frames.leg_of(placement))


def _session(plan: Plan) -> SessionInfo:
    """The human side of a simulated session."""
    is_real = plan.errors != "none"
    sensors = {
        p: SensorInfo(
            placement=p,
            serial=f"SIM-{i + 1:04d}",
            model="simulated",
            mount_site=_SITES[frames.segment_of(p)],
            nominal_rate_hz=plan.sampling_rate,
            acc_range_g=round(sensor_errors.ACC_RANGE / STANDARD_GRAVITY, 6) if is_real else float("nan"),
            gyr_range_dps=round(sensor_errors.GYR_RANGE / DEGREE, 6) if is_real else float("nan"),
        )
        for i, p in enumerate(plan.placements)
    }
    return SessionInfo(
        sensors=sensors, surface=plan.terrain, tags=("simulated", plan.gait), affected_leg=plan.affected_leg
    )
