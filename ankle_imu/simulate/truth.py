"""What really happened in a simulated session: the answer sheet of the analysis."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ankle_imu import frames, quaternion, tables
from ankle_imu.simulate.body import SHOCK_S, Leg, LegState
from ankle_imu.simulate.course import Footfall
from ankle_imu.simulate.plan import Plan
from ankle_imu.units import DEGREE
from ankle_imu.values import Alignment

if TYPE_CHECKING:
    import pandas as pd

Array = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, eq=False)
class Truth:
    """The truth behind a simulated recording.

    Segment frames are those of the real leg, x anterior, y left, z up, right-handed for both legs, and nothing
    here is mirrored, except where it says right-leg convention; angles carry the anatomical signs of `tables`.

    Parameters
    ----------
    time : (n,) float array, s
    angles : table `tables.ANGLES`, deg, absolute: compare after removing `standing` (rotation: the stride mean)
    standing : mapping of leg to mapping of angle kind to its value in the standing pose, deg
    strides : table `tables.STRIDES`; lengths, heights and turns from the true places, the rest from the angles
    events : table `tables.EVENTS`, the rolls
    contacts : table, one row per stance: leg, ic_s, to_s, ff_start_s, ff_end_s (foot at rest on the ground;
        NaN when it never is), ground_pitch_deg (+ = toe up), ground_tilt_deg (+ = inverts this foot), gait,
        is_standing
    footing : mapping of leg to one word for each row of its `contacts`: `heel` or `ball` first, `toes` alone,
        on an `edge`
    is_stance : mapping of leg to (n,) bool array, the foot touches the ground
    orientation : mapping of placement to (n, 4) float array, segment -> earth
    position : mapping of placement to (n, 3) float array, m, earth: sole point below the ankle, or ankle centre
    sensor_position : mapping of placement to (3,) float array, m, from that point, in the segment frame
    alignment : mapping of placement to (4,) float array, sensor -> segment; of a sensor that slips, at the start
    slips : mapping of placement to the start of its slip, s, and its alignment from then on
    gyr_bias, acc_bias : mapping of placement to (3,) float array, sensor frame, at the start
    phases : mapping of opening phase (`stand`, `left_taps`, `right_taps`, `bends`, `pose`, `closing`) to
        [start, end), s
    """

    time: Array
    angles: pd.DataFrame
    standing: Mapping[str, Mapping[str, float]]
    strides: pd.DataFrame
    events: pd.DataFrame
    contacts: pd.DataFrame
    footing: Mapping[str, tuple[str, ...]]
    is_stance: Mapping[str, NDArray[np.bool_]]
    orientation: Mapping[str, Array]
    position: Mapping[str, Array]
    sensor_position: Mapping[str, Array]
    alignment: Mapping[str, Array]
    slips: Mapping[str, tuple[float, Array]]
    gyr_bias: Mapping[str, Array]
    acc_bias: Mapping[str, Array]
    phases: Mapping[str, tuple[float, float]]

    def calibration(self) -> dict[str, Alignment]:
        """True alignments in the right-leg convention of `values.Alignment`, for `Recording(calibration=...)`."""
        result = {}
        for placement, q in self.alignment.items():
            matrix = quaternion.to_matrix(frames.mirror_rotation(q, frames.leg_of(placement)))
            result[placement] = Alignment(
                segment_from_sensor=matrix, sigma_yaw_deg=0.0, method="simulated truth", verdict="good"
            )
        return result


@dataclass(frozen=True, kw_only=True, eq=False)
class LegTrack:
    """One leg over the session: readings at every internal sample, the rest at the output samples.

    Right-leg convention; `earth_from`, `position`, `acc`, `gyr` are by segment, `angles` by kind (rad).
    """

    earth_from: dict[str, Array]
    position: dict[str, Array]
    acc: dict[str, Array]
    gyr: dict[str, Array]
    angles: dict[str, Array]
    rates: dict[str, Array]


def track(state: LegState, leg: str, every: int) -> LegTrack:
    """Keep of a stretch of motion what sensors and truth need; its first sample is an output sample."""
    foot, shank = (state.attitude[s].earth_from_body[::every] for s in ("foot", "shank"))
    up = np.array([0.0, 0.0, 1.0])
    foot_tilt, foot_pitch = frames.foot_angles_from_up(quaternion.rotate(quaternion.conjugate(foot), up))
    shank_tilt, shank_pitch = frames.shank_angles_from_up(quaternion.rotate(quaternion.conjugate(shank), up))
    dorsiflexion, inversion, rotation = frames.joint_angles(quaternion.multiply(quaternion.conjugate(shank), foot))
    return LegTrack(
        earth_from={"foot": foot, "shank": shank},
        position={s: p[::every] for s, p in state.position.items()},
        acc=state.acc,
        gyr={s: a.velocity for s, a in state.attitude.items()},
        angles={
            "foot_tilt": foot_tilt,
            "foot_pitch": foot_pitch,
            "shank_tilt": shank_tilt,
            "shank_pitch": shank_pitch,
            "inversion": inversion,
            "dorsiflexion": dorsiflexion,
            "rotation": rotation,
        },
        rates={
            "inversion": state.inversion_rate[::every],
            "dorsiflexion": state.dorsiflexion_rate[::every],
            "shank": state.attitude["shank"].velocity[::every, 0],
        },
    )


def join(parts: Sequence[LegTrack]) -> LegTrack:
    """Stretches one after the other."""
    names = ("earth_from", "position", "acc", "gyr", "angles", "rates")
    joined: dict[str, Any] = {
        name: {key: np.concatenate([getattr(p, name)[key] for p in parts]) for key in getattr(parts[0], name)}
        for name in names
    }
    return LegTrack(**joined)


def tell(
    plan: Plan,
    time: Array,
    legs: Mapping[str, Leg],
    tracks: Mapping[str, LegTrack],
    mounts: Mapping[str, Array],
    slips: Mapping[str, tuple[float, Array]],
    sensor_position: Mapping[str, Array],
    bias: Mapping[str, tuple[Array, Array]],
) -> Truth:
    """Gather the truth of a session, in the frames of the real legs."""
    import pandas as pd

    angles: dict[str, Array] = {"time_s": time}
    standing: dict[str, dict[str, float]] = {}
    pose = (time >= plan.phases["pose"][0]) & (time < plan.phases["pose"][1])
    for leg, found in tracks.items():
        for kind, values in found.angles.items():
            angles[f"{leg}_{kind}_deg"] = values / DEGREE
        standing[leg] = {kind: float(values[pose].mean() / DEGREE) for kind, values in found.angles.items()}
    orientation, position = {}, {}
    for placement in plan.placements:
        leg, segment = frames.leg_of(placement), frames.segment_of(placement)
        orientation[placement] = frames.mirror_rotation(tracks[leg].earth_from[segment], leg)
        position[placement] = frames.mirror_acc(tracks[leg].position[segment], leg)
    rows = [
        row for leg in legs for row in _settled(_strides(leg, legs[leg], tracks[leg], time), tracks[leg], time)
    ]
    rows.sort(key=lambda row: row["start_s"])
    events = [row for leg in legs for row in _events(leg, legs[leg], tracks[leg], time)]
    events.sort(key=lambda row: row["time_s"])
    contacts = {leg: _contacts(leg, legs[leg], plan.duration_s) for leg in legs}
    return Truth(
        time=time,
        angles=tables.make_table(tables.ANGLES, angles),
        standing=standing,
        strides=_table(tables.STRIDES, rows, "stride_id"),
        events=_table(tables.EVENTS, events, "event_id"),
        contacts=pd.DataFrame([row for found in contacts.values() for row in found]).sort_values(
            "ic_s", ignore_index=True
        ),
        footing={leg: tuple(_footing(fall) for fall in body.falls) for leg, body in legs.items()},
        is_stance={leg: _is_stance(body, time) for leg, body in legs.items()},
        orientation=orientation,
        position=position,
        sensor_position={p: frames.mirror_acc(r, frames.leg_of(p)) for p, r in sensor_position.items()},
        alignment=dict(mounts),
        slips=dict(slips),
        gyr_bias={p: b[0] for p, b in bias.items()},
        acc_bias={p: b[1] for p, b in bias.items()},
        phases=plan.phases,
    )


def _table(table: tables.Table, rows: Sequence[Mapping[str, Any]], key: str) -> pd.DataFrame:
    columns: dict[str, Any] = {name: [row[name] for row in rows] for name in (rows[0] if rows else ())}
    columns[key] = list(range(len(rows)))
    return tables.make_table(table, columns)


def _is_stance(body: Leg, time: Array) -> NDArray[np.bool_]:
    last = np.searchsorted(body.stances.contact, time, side="right") - 1
    return np.asarray(time < body.stances.toe_off[last])


_SHORTEST_FLAT = 0.03
"""A foot that rests for less than this, s, counts as rolling over."""


def _flat(body: Leg, k: int) -> tuple[float, float]:
    """Time in which the foot of stance k rests on the ground, NaN when it never does."""
    if body.falls[k].heel_up > 0.0:
        return float("nan"), float("nan")
    s, phases = body.stances, body.falls[k].gait.patterns["foot_pitch"]
    tilt = body.falls[k].gait.patterns["foot_tilt"]
    loaded = max(max(phases[0, 1], tilt[0, 1]) * s.nominal[k], SHOCK_S)
    left = (1.0 - min(phases[1, 0], tilt[1, 0])) * s.nominal[k]
    start, end = s.contact[k] + loaded, s.toe_off[k] - left
    for roll in body.rolls:
        if roll.stance == k:
            start = max(start, roll.end)
    return (float(start), float(end)) if end - start > _SHORTEST_FLAT else (float("nan"), float("nan"))


def _contacts(leg: str, body: Leg, duration: float) -> list[dict[str, Any]]:
    rows = []
    for k, fall in enumerate(body.falls):
        flat = _flat(body, k)
        roll, pitch = body.ground[:, k]
        rows.append(
            {
                "leg": leg,
                "ic_s": fall.contact,
                "to_s": float(body.stances.toe_off[k]) if k < len(body.falls) - 1 else float("nan"),
                "ff_start_s": flat[0],
                "ff_end_s": min(flat[1], duration),
                "ground_pitch_deg": pitch / DEGREE,
                "ground_tilt_deg": roll / DEGREE,
                "gait": fall.label,
                "is_standing": bool(body.stances.is_standing[k]),
            }
        )
    return rows


def _footing(fall: Footfall) -> str:
    if fall.heel_up > 0.0:
        return "toes"
    return "edge" if fall.is_edge else ("ball" if fall.on_ball else "heel")


def _events(leg: str, body: Leg, found: LegTrack, time: Array) -> list[dict[str, Any]]:
    rows = []
    for roll in body.rolls:
        side = 1.0 if roll.angle > 0 else -1.0
        contact = float(body.stances.contact[roll.stance])
        window = slice(*np.searchsorted(time, [contact, roll.end]))
        angle, rate = side * found.angles["inversion"][window], side * found.rates["inversion"][window]
        rise = angle - np.minimum.accumulate(angle)
        peak = float(rise.max()) / DEGREE
        fastest = float(rate.max()) / DEGREE
        is_hard = peak >= 45.0 or (fastest >= 500.0 and peak >= 25.0)
        rows.append(
            {
                "leg": leg,
                "time_s": float(time[window][rise.argmax()]),
                "kind": "eversion_roll" if side < 0 else ("hard_roll" if is_hard else "roll"),
                "peak_deg": peak,
                "peak_dps": fastest,
                "duration_s": roll.end - roll.start,
                "outcome": roll.outcome,
                "verdict": "real",
                "note": "",
                "angle_source": "joint",
            }
        )
    return rows


def _strides(leg: str, body: Leg, found: LegTrack, time: Array) -> list[dict[str, Any]]:
    rows = []
    s = body.stances
    for k in range(len(body.falls) - 1):
        if s.is_standing[k] or s.contact[k] < 0:
            continue
        rows.append({"leg": leg, **_timing(body, k), **_travel(body, k), **_frontal(body, k, found, time)})
    return rows


def _timing(body: Leg, k: int) -> dict[str, Any]:
    ic, to = float(body.stances.contact[k]), float(body.stances.toe_off[k])
    end = float(body.stances.contact[k + 1])
    flat = _flat(body, k)
    return {
        "start_s": ic,
        "end_s": end,
        "ic_s": ic,
        "ff_s": 0.5 * (flat[0] + flat[1]),
        "to_s": to,
        "gait": body.falls[k].label,
        "accepted": True,
        "reject_reason": "",
        "stride_time_s": end - ic,
        "stance_time_s": to - ic,
        "duty_factor": (to - ic) / (end - ic),
        "cadence_spm": 120.0 / (end - ic),
    }


def _travel(body: Leg, k: int) -> dict[str, Any]:
    here, there = body.falls[k], body.falls[k + 1]
    way = there.place - here.place
    length = float(np.hypot(way[0], way[1]))
    return {
        "turn_deg": (there.heading - here.heading) / DEGREE,
        "slope_deg": body.ground[1, k] / DEGREE,
        "height_change_m": float(way[2]),
        "stride_length_m": length,
        "speed_mps": length / (there.contact - here.contact),
    }


def _frontal(body: Leg, k: int, found: LegTrack, time: Array) -> dict[str, Any]:
    """Angle figures of stride k by the definitions of `tables.STRIDES`, from the true angles."""
    ic, to = float(body.stances.contact[k]), float(body.stances.toe_off[k])
    end = float(body.stances.contact[k + 1])
    flat = 0.5 * sum(_flat(body, k))

    def window(first: float, last: float) -> slice:
        begin, stop = np.searchsorted(time, [first, last])
        return slice(int(begin), int(max(stop, begin + 1)))

    before, stance, stride = window(ic - 0.02, ic), window(ic, ic + 0.85 * (to - ic)), window(ic, end)
    inversion, flexion = found.angles["inversion"], found.angles["dorsiflexion"]
    pitch, lean = found.angles["foot_pitch"], found.angles["shank_tilt"]
    at_contact = float(inversion[before].mean())
    inside = inversion[stance]
    at_flat = np.interp(flat, time, inversion) if np.isfinite(flat) else at_contact
    pitch_flat = np.interp(flat, time, pitch) if np.isfinite(flat) else np.nan
    rate, fall_rate = found.rates["inversion"][stance], found.rates["dorsiflexion"][stride]
    return {
        "strike_angle_deg": (float(pitch[before].mean()) - pitch_flat) / DEGREE,
        "tilt_ff_deg": (np.interp(flat, time, found.angles["foot_tilt"]) if np.isfinite(flat) else np.nan)
        / DEGREE,
        "inv_at_ic_deg": at_contact / DEGREE,
        "ev_excursion_deg": (at_contact - float(inside.min())) / DEGREE,
        "inv_excursion_deg": max(0.0, float(inside.max()) - max(at_flat, at_contact)) / DEGREE,
        "range_stance_deg": float(np.ptp(inside)) / DEGREE,
        "peak_inv_vel_dps": max(0.0, float(rate.max())) / DEGREE,
        "peak_ev_vel_dps": max(0.0, -float(rate.min())) / DEGREE,
        "time_to_peak_inv_s": float(time[stance][inside.argmax()]) - ic,
        "df_at_ic_deg": float(flexion[before].mean()) / DEGREE,
        "df_range_deg": float(np.ptp(flexion[stride])) / DEGREE,
        "pf_at_to_deg": -float(np.interp(to, time, flexion)) / DEGREE,
        "peak_pf_vel_dps": -float(fall_rate.min()) / DEGREE,
        "shank_range_stance_deg": float(np.ptp(lean[stance])) / DEGREE,
        "peak_shank_vel_dps": float(np.abs(found.rates["shank"][stance]).max()) / DEGREE,
        "angle_source": "joint",
        "angle_sd_deg": 0.0,
    }


_SHARES = np.arange(86) / 100.0
_FEWEST = 25
_NARROWEST = 1.5 * DEGREE
_SAME_CONTACT_S = 0.05
"""The end of a stride and the start of the next are one contact; standing in between takes longer."""


def _settled(rows: list[dict[str, Any]], found: LegTrack, time: Array) -> list[dict[str, Any]]:
    """The strides of one leg with their side-to-side figures, by the definitions of `metrics.settling`.

    One stride after the other, against the median curve and the unrest of all strides of the same gait.
    """
    inversion = found.angles["inversion"]
    by_gait: dict[str, list[int]] = {}
    curves, landings = [], []
    for i, row in enumerate(rows):
        by_gait.setdefault(row["gait"], []).append(i)
        curves.append(np.interp(row["ic_s"] + _SHARES * row["stance_time_s"], time, inversion))
        landings.append(row["inv_at_ic_deg"] * DEGREE)
        row |= {"first_direction": "", "settle_s": np.nan, "overshoot_deg": np.nan}
    for members in by_gait.values():
        if len(members) < _FEWEST:
            continue
        usual = np.median([curves[i] for i in members], axis=0)
        usual_landing = float(np.median([landings[i] for i in members]))
        rest = {i: float(np.median((curves[i] - usual)[70:])) for i in members}
        unrest = np.concatenate([np.abs((curves[i] - usual)[50:70] - rest[i]) for i in members])
        band = max(2.0 * float(np.median(unrest)), _NARROWEST)
        for i in members:
            away = curves[i] - usual
            rows[i] |= _stabilising(away, landings[i] - usual_landing, rest[i], band, rows[i]["stance_time_s"])
    for i, row in enumerate(rows):
        before = rows[i - 1] if i and abs(row["start_s"] - rows[i - 1]["end_s"]) <= _SAME_CONTACT_S else None
        pair = {row["first_direction"], before["first_direction"] if before else ""}
        row["lr_switch"] = pair == {"inversion", "eversion"}
    return rows


def _stabilising(away: Array, landing: float, rest: float, band: float, stance: float) -> dict[str, Any]:
    """First direction, time to settle and overshoot of one stance from its deviation from the usual, rad."""
    swerve = away - landing
    largest = float(np.abs(swerve).max())
    first = next(float(x) for x in swerve if abs(x) >= 0.5 * largest)
    out = [k for k in range(70) if abs(away[k] - rest) > band]
    settle = _SHARES[out[-1] + 1] * stance if out else 0.0
    if largest <= band:
        return {"settle_s": float(settle)}
    side = 1.0 if first > 0 else -1.0
    later = side * (rest - away[int(np.argmax(side * swerve)) + 1 :])
    return {
        "first_direction": "inversion" if side > 0 else "eversion",
        "settle_s": float(settle),
        "overshoot_deg": max(0.0, float(later.max(initial=0.0))) / DEGREE,
    }
