"""How a foot sensor sits on the foot: from standing and toe taps, or from plain walking.

All in right-leg convention (a left leg is mirrored before). The segment's z axis is gravity while standing, its
y axis the foot's mediolateral axis, x = y x z.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ankle_imu.units import DEGREE

Array = NDArray[np.float64]

HEEL_RISE_YAW_DEG = 1.6
"""Mean toe-in yaw of the heel-rise rotation axis against the foot's own axis; 6 feet of 4 persons and one body
model, scatter 6.9 deg (own experiments)."""

PROGRESSION_YAW_DEG = 8.7
"""Mean toe-in yaw of the direction of progression against the foot, which is the mean toe-out of walking; same
feet, scatter 6.3 deg. The literature gives 5-7 deg of toe-out with a person-to-person SD of 5-6 deg."""

SIGMA_TAPS_DEG = 2.0
"""1-sigma of the foot's yaw that toe taps leave beside their own scatter, deg: 0.5-1.9 in simulation."""

SIGMA_WALKING_DEG = 5.0
"""1-sigma of the foot's yaw from walking alone, deg: 5.6 on 8 feet with one foot each, 3.6 on 6 feet with rules of
both feet and the offsets of the other persons (`validate --only foot_yaw`); 4.8 over all 14."""

SIGMA_TURNING_DEG = 12.0
"""The same when every stride turns, deg: the cues then differ by 10-20 deg between left and right curves."""

DOUBTFUL_DISAGREEMENT_DEG = 12.0
"""Beyond this the two walking cues, or taps and walking, contradict each other."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Taps:
    """Toe taps found: rotation axis (3,), pointing left; share of rotation about it; standard error of its yaw."""

    axis: Array
    count: int
    share: float
    error_deg: float

    @property
    def problem(self) -> str:
        """Why these taps cannot be used, empty when they can."""
        if self.count < 4:
            return f"only {self.count} toe taps were found; 8 are asked for, 4 are needed"
        if self.share < 0.90:
            return "the toe taps were not a clean hinge movement (keep the heel on the floor)"
        if self.error_deg > 3.0:
            return f"the toe taps went in different directions ({self.error_deg:.0f} deg of doubt in their mean)"
        return ""


def unit(v: Array) -> Array:
    """Vectors (..., 3) scaled to length one."""
    return np.asarray(v / np.maximum(np.linalg.norm(v, axis=-1, keepdims=True), 1e-12))


def frame_from(z: Array, y: Array) -> Array:
    """Segment-from-sensor rotation (3, 3) with the given z and the given y made orthogonal to it."""
    z = unit(z)
    y = unit(y - (y @ z) * z)
    return np.stack([np.cross(y, z), y, z])


def turn_about_z(segment_from_sensor: Array, yaw: float) -> Array:
    """The frame turned by `yaw`, rad, about its own z; positive turns x toward y (toe-in on a right foot)."""
    c, s = np.cos(yaw), np.sin(yaw)
    return np.asarray(np.array([[c, s, 0.0], [-s, c, 0.0], [0.0, 0.0, 1.0]]) @ segment_from_sensor)


def find_taps(pitch: Array, gyr: Array, up: Array, sampling_rate: float) -> Taps:
    """Find toe taps in the quiet opening of a session.

    Parameters
    ----------
    pitch : (n,) float array, rad, toe-up of the foot against standing; axis known to about 20 deg
    gyr : (n, 3) float array, rad/s, sensor frame, bias removed, low-passed
    up : (3,) up direction while standing, sensor frame; the axis is sought at right angles to it
    sampling_rate : float, Hz

    Returns
    -------
    Taps; `axis` is toe-down positive and undefined when `count` is below 2

    Notes
    -----
    A tap is a rise of at least 5 deg above standing that comes back within 1.5 s. Knee bends lift the heel,
    which is toe-down, and are passed over. The axis is the first principal component of the rate over the taps
    (Olsson et al. 2020, doi:10.3390/s20123534, with gravity fixed by the standing pose); its doubt is the
    standard error of the single taps' yaw.
    """
    from scipy.signal import find_peaks, peak_widths

    base = min(float(np.median(pitch)) if len(pitch) else 0.0, 3.0 * DEGREE)
    peaks, _ = find_peaks(pitch, height=base + 5.0 * DEGREE, prominence=5.0 * DEGREE)
    _, _, left, right = peak_widths(pitch, peaks, rel_height=0.8)
    keep = (right - left) < 1.5 * sampling_rate
    keep[keep] = _longest_series(peaks[keep] / sampling_rate)
    pieces = [gyr[int(a) : int(np.ceil(b)) + 1] for a, b in zip(left[keep], right[keep], strict=True)]
    pieces = _alike(pieces)
    if len(pieces) < 2:
        return Taps(axis=np.array([0.0, 1.0, 0.0]), count=len(pieces), share=0.0, error_deg=np.inf)
    axis, share = _principal(np.concatenate(pieces))
    rising = np.sum([piece[: len(piece) // 2].sum(axis=0) for piece in pieces], axis=0)
    frame = frame_from(up, axis)
    yaws = np.array([np.degrees(yaw_between(_principal(piece)[0], frame)) for piece in pieces])
    yaws = (yaws + 90.0) % 180.0 - 90.0
    error = float(yaws.std(ddof=1) / np.sqrt(len(yaws)))
    axis = np.negative(axis) if rising @ axis > 0 else axis
    return Taps(axis=axis, count=len(pieces), share=share, error_deg=error)


def _longest_series(times: Array) -> NDArray[np.bool_]:
    """The most numerous group of events that follow each other within 3 s."""
    if len(times) == 0:
        return np.zeros(0, dtype=bool)
    group = np.cumsum(np.concatenate([[0], np.diff(times) > 3.0])).astype(int)
    return np.asarray(group == np.bincount(group).argmax())


def _alike(pieces: list[Array]) -> list[Array]:
    """The movements that turn about the common axis: at least 80 % of their own rotation is about it."""
    while len(pieces) >= 2:
        axis, _ = _principal(np.concatenate(pieces))
        shares = [float(((w @ axis) ** 2).sum() / max((w * w).sum(), 1e-12)) for w in pieces]
        worst = int(np.argmin(shares))
        if shares[worst] >= 0.8:
            break
        pieces = pieces[:worst] + pieces[worst + 1 :]
    return pieces


def heel_rise_axis(gyr: Array, up: Array, flat: Array, toe_off: Array) -> Array:
    """Horizontal rotation axis of the heel's rise, (3,), sensor frame, toe-down positive; NaN without strides.

    Parameters
    ----------
    gyr : (n, 3) float array, rad/s, low-passed
    up : (3,) up direction of the flat foot in the sensor frame
    flat, toe_off : (k,) samples; the last 70 % of each interval count
    """
    start = (flat + 0.3 * (toe_off - flat)).astype(np.int64)
    stop = np.ceil(toe_off).astype(np.int64)
    pieces = [gyr[a:b] for a, b in zip(start, stop, strict=True) if b > a]
    if not pieces:
        return np.full(3, np.nan)
    w = np.concatenate(pieces)
    w = w - np.outer(w @ up, up)
    axis, _ = _principal(w)
    return np.asarray(np.negative(axis) if w.sum(axis=0) @ axis < 0 else axis)


def yaw_between(axis: Array, segment_from_sensor: Array) -> float:
    """Yaw, rad, of a mediolateral axis against the frame's own y; positive is toe-in of the axis."""
    x, y, _ = segment_from_sensor @ axis
    return float(np.arctan2(-x, y))


def _principal(w: Array) -> tuple[Array, float]:
    values, vectors = np.linalg.eigh(w.T @ w)
    return vectors[:, -1], float(values[-1] / max(values.sum(), 1e-12))
