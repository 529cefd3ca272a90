"""The gates of an alignment: what was asked of standing, toe taps and walking, and what was found.

They judge and change nothing. Limits: S:A3 of the methods (own choices there), each in `LIMITS`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ankle_imu import frames
from ankle_imu.analysis.grid import Gridded
from ankle_imu.analysis.leg import LegResult
from ankle_imu.calibration import alignment as al
from ankle_imu.calibration.rest import Rests, find_rests
from ankle_imu.calibration.sides import heel_rise
from ankle_imu.units import DEGREE
from ankle_imu.values import Alignment

Array = NDArray[np.float64]

LIMITS: Final[Mapping[str, float]] = {
    "standing_s": 1.5,
    "tap_share": 0.90,
    "tap_halves_deg": 3.0,
    "taps_to_walking_deg": 12.0,
    "later_stops_deg": 3.0,
}
"""Gate -> least (the first two) or most (the others) that passes."""

OPENING_S: Final = 90.0
"""Standing and taps belong to this time before the first stride."""

FIRST_STEP_S: Final = 2.0
"""Before the first contact the foot lifts off for it."""

TAPPING: Final = 0.7
"""rad/s. A tapping foot turns faster, a standing one or one in a knee bend does not (own choice)."""

MOSTLY: Final = 0.8
"""Part of a tap's rotation about the foot's axis; other movements of the opening are passed over."""

UPRIGHT_DEG: Final = 25.0
"""A rest further from the standing pose is no stop on one's feet."""


def gates_of(
    placement: str, one: Gridded, result: LegResult, time: Array, sampling_rate: float
) -> list[dict[str, Any]]:
    """Every gate of one sensor's alignment.

    Parameters
    ----------
    placement : str
    one : Gridded, its data
    result : LegResult of its leg
    time : (n,) float array, s
    sampling_rate : float, Hz

    Returns
    -------
    list of dict
        `gate`, `found` (None when there was nothing to judge), `limit`, `verdict` (`passed`, `failed`, `not done`)
        and `words`.
    """
    leg, segment = frames.leg_of(placement), frames.segment_of(placement)
    alignment = result.alignment.get(segment)
    if alignment is None or alignment.verdict == "failed" or not len(result.strides["ic_s"]):
        return []
    acc, gyr = frames.mirror_acc(one.acc, leg), frames.mirror_gyr(one.gyr, leg)
    first = round((float(result.strides["ic_s"][0]) - time[0]) * sampling_rate)
    rests = find_rests(acc, gyr, sampling_rate)
    found = [_standing(rests, first, sampling_rate)]
    if segment == "foot":
        stop = max(0, first - round(FIRST_STEP_S * sampling_rate))
        opening = gyr[max(0, first - round(OPENING_S * sampling_rate)) : stop]
        bias = np.average(rests.gyr, axis=0, weights=rests.stop - rests.start) if len(rests) else np.zeros(3)
        found += _taps(opening - bias, alignment, sampling_rate)
        found.append(_walking(acc, gyr, alignment, result, time, sampling_rate))
    return [*found, _later_stops(rests, first, alignment)]


def _gate(gate: str, found: float | None, passed: bool, words: str) -> dict[str, Any]:
    verdict = "not done" if found is None else "passed" if passed else "failed"
    value = None if found is None else round(float(found), 3)
    return {"gate": gate, "found": value, "limit": LIMITS[gate], "verdict": verdict, "words": words}


def _standing(rests: Rests, first: int, sampling_rate: float) -> dict[str, Any]:
    before = rests.within(first - OPENING_S * sampling_rate, first)
    if not len(before):
        words = "you did not stand still before the first stride; stand for 5 s, then walk off"
        return _gate("standing_s", None, False, words)
    longest = float((before.stop - before.start).max()) / sampling_rate
    return _gate("standing_s", longest, True, f"you stood still for {longest:.1f} s before the first stride")


def _taps(opening: Array, alignment: Alignment, sampling_rate: float) -> list[dict[str, Any]]:
    """Share of the taps' turning about one axis, and the yaw between the axes of their two halves."""
    if "toe taps" not in alignment.method:
        words = "no toe taps were used; tap your toes eight times with the heel on the floor"
        return [_gate(gate, None, False, words) for gate in ("tap_share", "tap_halves_deg")]
    size = np.linalg.norm(opening, axis=1)
    along = np.abs(opening @ alignment.segment_from_sensor[1])
    w = opening[(size > TAPPING) & (along > MOSTLY * size)]
    if len(w) < 0.5 * sampling_rate:
        return []
    _, share = _axis(w)
    up = alignment.segment_from_sensor[2]
    level = w - np.outer(w @ up, up)
    halves = [_axis(half)[0] for half in (level[: len(w) // 2], level[len(w) // 2 :])]
    apart = float(np.degrees(np.arccos(np.clip(abs(halves[0] @ halves[1]), 0.0, 1.0))))
    return [
        _gate(
            "tap_share",
            share,
            share >= LIMITS["tap_share"],
            f"{100 * share:.0f} % of your taps turned about one axis (keep the heel on the floor)",
        ),
        _gate(
            "tap_halves_deg",
            apart,
            apart <= LIMITS["tap_halves_deg"],
            f"the first and the second half of your taps differ by {apart:.1f} deg (tap straight up)",
        ),
    ]


def _axis(w: Array) -> tuple[Array, float]:
    values, vectors = np.linalg.eigh(w.T @ w)
    return vectors[:, -1], float(values[-1] / max(values.sum(), 1e-12))


def _walking(
    acc: Array, gyr: Array, alignment: Alignment, result: LegResult, time: Array, sampling_rate: float
) -> dict[str, Any]:
    """How far the heel's rise in walking turns about another axis than the foot's, less what is usual."""
    if "toe taps" not in alignment.method:
        words = "without toe taps the foot's direction itself was taken from walking: nothing to compare with"
        return _gate("taps_to_walking_deg", None, False, words)
    strides = result.strides
    straight = np.flatnonzero(np.abs(strides["turn_deg"]) < 15.0)
    ic, to = ((np.asarray(strides[k])[straight] - time[0]) * sampling_rate for k in ("ic_s", "to_s"))
    axis = heel_rise(acc, gyr, ic, to)
    if not np.isfinite(axis).all():
        return _gate("taps_to_walking_deg", None, False, "too few straight strides to compare with")
    yaw = float(al.yaw_between(axis, alignment.segment_from_sensor)) / DEGREE - al.HEEL_RISE_YAW_DEG
    way = "in" if yaw > 0 else "out"
    return _gate(
        "taps_to_walking_deg",
        yaw,
        abs(yaw) <= LIMITS["taps_to_walking_deg"],
        f"your heel rises about an axis {abs(yaw):.0f} deg further toe-{way} than most people's",
    )


def _later_stops(rests: Rests, first: int, alignment: Alignment) -> dict[str, Any]:
    up = al.unit(rests.acc[rests.start > first]) @ alignment.segment_from_sensor.T
    off = np.degrees(np.arccos(np.clip(up[:, 2], -1.0, 1.0)))
    off = off[off < UPRIGHT_DEG]
    if not len(off):
        return _gate(
            "later_stops_deg", None, False, "you did not stand still again, so a slow slip cannot be seen"
        )
    worst = float(off.max())
    return _gate(
        "later_stops_deg",
        worst,
        worst <= LIMITS["later_stops_deg"],
        f"at later stops the sensor stood up to {worst:.1f} deg off its first standing pose "
        "(sloping ground, another posture, or it moved)",
    )
