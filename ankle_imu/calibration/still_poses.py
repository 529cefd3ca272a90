"""What an accelerometer is off by, from the poses that a session happens to have, weighed against data sheets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ankle_imu.calibration.rest import find_rests
from ankle_imu.calibration.sensor import CROSS, LARGEST_ERROR, LARGEST_RESIDUAL, gravity_errors, matrix_of
from ankle_imu.units import DEGREE, STANDARD_GRAVITY
from ankle_imu.values import ImuSeries

Array = NDArray[np.float64]

OFFSET_SD_G: Final = 0.040
"""Zero-g offset of a soldered part, g, typical (BMI160, LSM6DS3TR-C: 40 mg; LSM6DSOX, BMI270: 20 mg). Makers mean
the standard deviation over parts by it (ST, data sheets of the LSM family, "zero-g level")."""

SCALE_SD: Final = 0.005
"""Scale of each axis, and of one axis in another, as a share: 1 % is the largest of methods I1, here two SD."""

WINDOW_S: Final = 1.0
"""Length of one window, s: the least of a hold (methods G2); a slow sag turns it by few degrees meanwhile."""

BLOCK_S: Final = 0.25
"""Over so long tremor averages out, s: wholly at 4 Hz, its slowest; of any faster 0.22 at most is left."""

SLOWEST_DPS: Final = 8.0
"""Faster turning is no pose, deg/s: the end of a hold (methods G2)."""

POSE_NOISE: Final = 0.02
"""m/s^2 by which gravity's length may be off in one pose: a sensor 0.15 m from the joint that begins a window at
rest and ends it at `SLOWEST_DPS` has changed its speed by 0.02 m/s in 1 s."""

SAME_POSE_DEG: Final = 3.0
"""Windows whose directions differ by less are one pose. However often it is seen it counts once: sway, temperature
and nonlinearity do not average out. Ours: feet that stood within 5 deg got offsets of up to 115 mg when each
window counted (real recordings, and of a body model)."""

LEAST_SPREAD_DEG: Final = 10.0
"""Poses nearer to the first show too little, and there is little to gain: without it an angle of 10 deg is off by
0.4 deg (1 sigma). Ours."""

STRAY: Final = 2.0
"""Windows further off than so many `POSE_NOISE` count less (Huber 1964, who takes 1 to 2)."""

LEAST_WINDOWS: Final = 3
MOST_WINDOWS: Final = 1500
"""More are thinned out, evenly in time: 25 min of stillness are enough."""

_ROUNDS: Final = 10


@dataclass(frozen=True, kw_only=True, eq=False)
class PoseFit:
    """What one session tells of an accelerometer.

    Parameters
    ----------
    offset : (3,) float array, m/s^2, sensor frame
    matrix : (3, 3) float array; true acc = matrix (read acc - offset)
    offset_sd : (3,) float array, m/s^2, 1 sigma of each axis: near `OFFSET_SD_G` where no pose shows it
    n_windows : int, seconds of stillness that were used
    spread_deg : float, largest angle between a pose and the first
    doubt_deg : float, 1 sigma that remains in that angle
    prior_doubt_deg : float, the same without this fit
    residual : float, m/s^2, rms of what gravity's length is still off by
    reason : str, why it is not to be applied, "" when it is
    """

    offset: Array
    matrix: Array
    offset_sd: Array
    n_windows: int
    spread_deg: float
    doubt_deg: float
    prior_doubt_deg: float
    residual: float
    reason: str = ""

    def correct(self, series: ImuSeries) -> ImuSeries:
        """The series without these errors; itself where the fit is not to be applied."""
        return series if self.reason else replace(series, acc=(series.acc - self.offset) @ self.matrix.T)


def fit_poses(series: ImuSeries) -> PoseFit:
    """Estimate offset and scale of an accelerometer from the still poses of a session.

    Parameters
    ----------
    series : ImuSeries, raw

    Returns
    -------
    PoseFit

    Notes
    -----
    As in `sensor.calibrate` gravity has one length in every pose; here the poses are those that a person took, a
    cone of 30 to 70 deg, and cannot show everything. So offset, scale and cross-axis terms are the most probable
    ones (Gauss-Newton) with normal priors of `OFFSET_SD_G` and `SCALE_SD`: what no pose shows stays at zero, with
    the whole prior as its doubt. An offset along the vertical of the neutral pose bends every angle from it by its
    sine; it is also what is seen best, since that pose alone shows it.

    The offset is taken to stay the same through the session, and the doubt counts no change of it. In simulation
    one that wanders by 0.5 mg/K while a sensor warms up by 20 K makes lunges 0.2 deg worse (95 % of 36 within 0.7
    instead of 0.5 deg).

    Of 48 simulated people that were used for nothing else, with every error at its full size (offsets of 30 to
    50 mg, scale of 0.5 to 1 %, more than its prior says), 95 % of lunges lie within 0.53 deg, ends of range within
    1.10 and gaps within 0.74. Of 24 more, offsets of the foot miss by 1.2 times their stated sigma, those of the
    shank by 1.1.

    References
    ----------
    Frosio I., Pedersini F., Borghese N. A. (2009) IEEE Trans. Instrum. Meas. 58(6):2034-2041,
    doi:10.1109/TIM.2008.2006137, for the length of gravity; Tarantola A. (2005) Inverse problem theory, SIAM,
    ISBN 978-0-89871-572-9, section 3.2, for the prior; Huber P. J. (1964) Ann. Math. Stat. 35:73-101,
    doi:10.1214/aoms/1177703732, for windows that stray.
    """
    windows = _windows(series) / STANDARD_GRAVITY
    length = np.linalg.norm(windows, axis=1)
    read = windows[np.abs(length - 1.0) < LARGEST_ERROR]
    count = len(read)
    if count < LEAST_WINDOWS <= len(windows):
        return _nothing(count, f"gravity reads {np.median(length):.2f} times its length: no sound sensor does so")
    if count < LEAST_WINDOWS:
        return _nothing(count, f"{count} s of stillness, {LEAST_WINDOWS} are needed")
    read = read[np.unique(np.linspace(0, count - 1, min(count, MOST_WINDOWS)).astype(int))]
    x, covariance = _most_probable(read)
    left, _ = gravity_errors(read, x)
    residual = STANDARD_GRAVITY * float(np.sqrt(np.mean(left**2)))
    spread, doubts = _angle_doubts(read, (covariance, np.diag(PRIOR_SD**2)))
    narrow = f"the poses lie within {spread:.0f} deg of the first, which shows too little"
    return PoseFit(
        offset=x[:3] * STANDARD_GRAVITY,
        matrix=matrix_of(x),
        offset_sd=np.sqrt(np.diag(covariance)[:3]) * STANDARD_GRAVITY,
        n_windows=count,
        spread_deg=spread,
        doubt_deg=doubts[0],
        prior_doubt_deg=doubts[1],
        residual=residual,
        reason=narrow if spread < LEAST_SPREAD_DEG else _why_not(x, residual),
    )


PRIOR_SD: Final[Array] = np.array([OFFSET_SD_G] * 3 + [SCALE_SD] * 6)
"""Of offset (3), scale (3) and cross-axis terms (3), in g and as shares."""


def _most_probable(read: Array) -> tuple[Array, Array]:
    """Errors (9,), in g and as shares, of windows (k, 3) in g, and their covariance (9, 9)."""
    noise = POSE_NOISE / STANDARD_GRAVITY
    share = _shares(read)
    precision = np.diag(1.0 / PRIOR_SD**2)
    x = np.zeros(len(PRIOR_SD))
    for _ in range(_ROUNDS):
        left, jacobian = gravity_errors(read, x)
        size = np.abs(left) / noise
        weight = share * np.minimum(1.0, STRAY / np.maximum(size, 1e-12)) / noise**2
        information = jacobian.T @ (weight[:, None] * jacobian) + precision
        step = np.linalg.solve(information, jacobian.T @ (weight * left) + precision @ x)
        x = x - step
        if np.abs(step).max() < 1e-12:
            break
    return x, np.asarray(np.linalg.inv(information))


def _why_not(x: Array, residual: float) -> str:
    if float(np.abs(x).max()) > LARGEST_ERROR:
        return f"it would be off by {100.0 * float(np.abs(x).max()):.0f} % of gravity, which no sound sensor is"
    if residual > LARGEST_RESIDUAL:
        return f"gravity still differs by {1e3 * residual / STANDARD_GRAVITY:.0f} mg between the poses"
    return ""


def _nothing(n_windows: int, reason: str) -> PoseFit:
    return PoseFit(
        offset=np.zeros(3),
        matrix=np.eye(3),
        offset_sd=np.full(3, OFFSET_SD_G * STANDARD_GRAVITY),
        n_windows=n_windows,
        spread_deg=float("nan"),
        doubt_deg=float("nan"),
        prior_doubt_deg=float("nan"),
        residual=float("nan"),
        reason=reason,
    )


def _windows(series: ImuSeries) -> Array:
    """Mean acceleration of each still window, (k, 3) m/s^2."""
    size = max(1, round(BLOCK_S * series.sampling_rate))
    count = len(series.time) // size
    valid = series.is_valid[: count * size].reshape(count, size)
    kept = valid.sum(axis=1)
    means = []
    for values in (series.acc, series.gyr):
        known = np.where(valid[..., None], values[: count * size].reshape(count, size, 3), 0.0)
        means.append(known.sum(axis=1) / np.maximum(kept, 1)[:, None])
    acc, gyr = means
    slow = np.linalg.norm(gyr - _bias(series), axis=1) < SLOWEST_DPS * DEGREE
    slow &= 2 * kept > size
    together = round(WINDOW_S / BLOCK_S)
    edges = np.flatnonzero(np.diff(np.concatenate([[False], slow, [False]]).astype(np.int8)))
    found = [np.empty((0, 3))]
    for start, stop in zip(edges[0::2], edges[1::2], strict=True):
        whole = (stop - start) // together
        found.append(acc[start : start + whole * together].reshape(whole, together, 3).mean(axis=1))
    return np.concatenate(found)


def _shares(read: Array) -> Array:
    """How much each window (k, 3) counts, (k,): one over the number of windows of its pose."""
    units = read / np.linalg.norm(read, axis=1, keepdims=True)
    return np.asarray(1.0 / (units @ units.T > np.cos(SAME_POSE_DEG * DEGREE) - 1e-12).sum(axis=1))


def _bias(series: ImuSeries) -> Array:
    """Mean rate at rest, (3,) rad/s; zero when the sensor never is."""
    valid = series.is_valid
    rests = find_rests(series.acc[valid], series.gyr[valid], series.sampling_rate)
    if not len(rests):
        return np.zeros(3)
    return np.asarray(np.average(rests.gyr, axis=0, weights=rests.stop - rests.start))


def _angle_doubts(read: Array, covariances: Sequence[Array]) -> tuple[float, list[float]]:
    """Largest angle between a pose and the first, deg, and its 1 sigma, deg, by each covariance of the errors.

    Notes
    -----
    With directions u, v at an angle t, d cos t = (P_u e_u) v + (P_v e_v) u, where e is what is wrong in a reading
    and P takes its part across the direction.
    """
    units = read / np.linalg.norm(read, axis=1, keepdims=True)
    cosines = np.clip(units @ units[0], -1.0, 1.0)
    far = int(np.argmin(cosines))
    u, v, cosine = units[0], units[far], cosines[far]
    spread = float(np.degrees(np.arccos(cosine)))
    sine = np.sqrt(1.0 - cosine**2)
    if sine < 1e-3:
        return spread, [0.0 for _ in covariances]
    slope = ((v - cosine * u) @ _wrong(u) + (u - cosine * v) @ _wrong(v)) / sine
    return spread, [float(np.degrees(np.sqrt(slope @ one @ slope))) for one in covariances]


def _wrong(unit: Array) -> Array:
    """Derivative (3, 9) of the corrected reading along `unit` by offset, scale and cross-axis terms."""
    return np.hstack([-np.eye(3), np.diag(unit), *(_cross(unit, i, j)[:, None] for i, j in CROSS)])


def _cross(unit: Array, i: int, j: int) -> Array:
    column = np.zeros(3)
    column[i], column[j] = unit[j], unit[i]
    return column
