"""Where the foot goes: velocity and position between stances, without any assumption of level ground."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ankle_imu import quaternion as qt
from ankle_imu.gait.filters import runs
from ankle_imu.gait.zero_velocity import rolling_velocity

Array = NDArray[np.float64]
Index = NDArray[np.int64]


CONSTANT_ERROR = 0.13
"""Acceleration error that is always there, m/s^2: 10 mg of bias and half a degree of tilt."""

SHARE_ERROR = 0.01
"""Acceleration error per acceleration: 1 % of scale, cross-axis and timing error (consumer MEMS data sheets)."""

SUDDEN = 40.0
"""A change of the acceleration from one sample to the next, m/s^2, beyond which it is an impact that the samples
do not resolve or the range cuts off. Own choice: a quarter of the usual range of 16 g; in strides without hard
impacts neighbours differ by less than 20.
"""

SUDDEN_ERROR = 0.1
"""Acceleration error per change beyond that. Own choice; 0.05-0.2 give the same."""

GAP_ERROR = 100.0
GAP_ERROR_MOST = 20.0
"""Acceleration error per second of gap, m/s^2 / s, where lost samples were filled, and the most that may have gone
by unseen: what a swing's acceleration (20 m/s^2) changes by in its 0.2 s.
"""

GAP_TILT = 6.0
"""Tilt error after a gap, rad per second of it squared: a foot's angular acceleration (60 rad/s^2) that the fill
misses, as the area under a chord does.
"""

ERROR_LASTS_S = 0.05
"""How long an acceleration error keeps its sign: a part of a swing. Own choice; 0.02-0.1 s give the same."""

STANCE_ERROR = 0.02
"""Velocity of a foot on the ground beyond that of rolling, m/s: a sole gives way by 1-2 cm/s (optical markers)."""

TILT_WANDERS = 0.005
"""Random walk of the orientation's tilt error, rad per root of s: the filter's own corrections turn a walker's
accelerations and turns into 0.1-0.3 deg a second. Own choice; 0.002-0.02 give the same.
"""

TILT_ERROR = 0.05
"""Tilt error to expect before any stride is seen, rad: 3 deg, the largest that walking showed."""


def displacements(earth_acc: Array, start: Index, stop: Index, sampling_rate: float) -> Array:
    """Displacement over intervals that begin and end at rest.

    Parameters
    ----------
    earth_acc : (n, 3) float array, m/s^2, earth frame, gravity removed
    start, stop : (k,) sample indices `[start, stop)`

    Returns
    -------
    (k, 3) float array, m

    Notes
    -----
    Double integration with the velocity error removed linearly over the interval.
    """
    dt = 1.0 / sampling_rate
    once = _running_sum(earth_acc)
    twice = _running_sum(once[1:])
    count = (stop - start)[:, None]
    position = (twice[stop] - twice[start] - once[start] * count) * dt * dt
    return np.asarray(position - 0.5 * (once[stop] - once[start]) * dt * count * dt)


def _running_sum(values: Array) -> Array:
    """Sum of all rows before each, (n + 1, k)."""
    out = np.zeros((len(values) + 1, values.shape[1]))
    np.cumsum(values, axis=0, out=out[1:])
    return out


def follow_path(
    force: Array,
    earth_rate: Array,
    still: NDArray[np.bool_],
    lost: NDArray[np.bool_],
    gravity: float,
    sampling_rate: float,
) -> tuple[Array, Array]:
    """Velocity and position of a foot sensor: levelled, integrated, tied to its stances.

    Parameters
    ----------
    force : (n, 3) float array, m/s^2, earth frame, gravity included
    earth_rate : (n, 3) float array, rad/s, earth frame, low-passed
    still : (n,) bool array from `zero_velocity`
    lost : (n,) bool array, not measured but filled
    gravity : float, m/s^2, length of this sensor's reading at rest

    Returns
    -------
    velocity, position : (n, 3) float arrays, m/s and m, earth frame

    Notes
    -----
    Against zero velocity, plain orientation and an error shared by |a|^2 alone: position error of 23 trials of
    `pyshoe_vicon` 0.073 -> 0.054 m (0.076 -> 0.059 on the half that was only looked at, not tuned on); stride
    length of `gaitmap_walk_mocap` 2.7 / 3.4 -> 1.2 / 1.7 cm mean absolute error; height of simulated strides
    +-0.6 -> 0.2 cm walking, +-3.1 -> 1.1 cm running; `xio_gait` closes to 6 mm in the plane (19 before) but rises
    1.5 cm a stride, for which no cause was found that holds on other recordings too. The constants were chosen on
    the other half of the trials, on `gaitmap_walk_mocap` and on simulation, so their own figures flatter.
    """
    on_ground = rolling_velocity(earth_rate)
    down = np.array([0.0, 0.0, gravity])
    gap = gap_lengths(lost, sampling_rate)
    earth_acc = force - down
    variance = doubt(earth_acc, gap)
    np.subtract(level(force, still, on_ground, variance, gap, gravity, sampling_rate), down, out=earth_acc)
    return integrate(earth_acc, still, on_ground, variance, sampling_rate)


def gap_lengths(lost: NDArray[np.bool_], sampling_rate: float) -> Array:
    """Length of the gap each sample lies in, (n,) s; 0 where it was measured."""
    out = np.zeros(len(lost))
    for a, b in zip(*runs(lost), strict=True):
        out[a:b] = (b - a) / sampling_rate
    return out


def doubt(earth_acc: Array, gap: Array) -> Array:
    """Variance of the acceleration's error at each sample, (n,) (m/s^2)^2.

    Parameters
    ----------
    earth_acc : (n, 3) float array, m/s^2, gravity removed
    gap : (n,) float array, s, from `gap_lengths`

    Notes
    -----
    A constant part for bias and tilt, a share of the acceleration, and, at impacts, a share of what the
    acceleration changes by from one sample to the next beyond `SUDDEN`: with contacts of 10-16 g at 205 Hz it is
    there that most of a stride's velocity error arises.
    """
    change = np.zeros(len(earth_acc))
    for rows in qt.blocks(earth_acc[1:]):
        step = qt.length(earth_acc[1:][rows] - earth_acc[:-1][rows])
        change[1:][rows] = step
        np.maximum(change[:-1][rows], step, out=change[:-1][rows])
    sudden = SUDDEN_ERROR * np.maximum(change - SUDDEN, 0.0)
    variance = CONSTANT_ERROR**2 + SHARE_ERROR**2 * qt.squared_length(earth_acc) + sudden * sudden
    filled = np.minimum(GAP_ERROR * gap, GAP_ERROR_MOST)
    return np.asarray(np.where(gap > 0.0, CONSTANT_ERROR**2 + filled * filled, variance))


def level(
    force: Array,
    still: NDArray[np.bool_],
    on_ground: Array,
    variance: Array,
    gap: Array,
    gravity: float,
    sampling_rate: float,
) -> Array:
    """Take the orientation's slow tilt error out of the specific force.

    Parameters
    ----------
    force : (n, 3) float array, m/s^2, earth frame, gravity included
    still : (n,) bool array, the foot stands on the ground
    on_ground : (n, 3) float array, m/s, its velocity there
    variance : (n,) float array, (m/s^2)^2, of the force's error
    gap : (n,) float array, s, length of the gap a sample lies in
    gravity : float, m/s^2

    Returns
    -------
    (n, 3) float array, m/s^2

    Notes
    -----
    Between two stances the velocity changes by what the foot's velocity on the ground says; what the mean force
    has beyond that is gravity seen askew. A tilt of e adds the horizontal velocity g e T, and, because the foot
    moves by a length L meanwhile, the height e L: 1 deg is 2.5 cm a stride. The tilt of each interval (a swing,
    or half a second of standing) is measured with the velocity's doubt, and smoothed as a random walk that may
    jump in a gap. Taken out of the velocity alone, as the rest of the error is, it would leave its height error:
    2.9 -> 1.2 cm a stride in simulated running.
    """
    start, stop = _intervals(still, sampling_rate)
    if len(start) == 0:
        return force
    seconds = (stop - start) / sampling_rate
    total = _running_sum(force)
    total /= sampling_rate
    last = np.minimum(stop, len(force) - 1)
    mean = (total[stop] - total[start] - (on_ground[last] - on_ground[start])) / seconds[:, None]
    del total
    spread = np.concatenate([[0.0], np.cumsum(variance)]) * ERROR_LASTS_S / sampling_rate
    sigma = np.sqrt(spread[stop] - spread[start] + STANCE_ERROR**2) / (gravity * seconds)
    at = np.asarray(0.5 * (start + stop), dtype=np.float64)
    wandered = np.diff(_wander(gap, sampling_rate)[at.astype(np.int64)])
    wandered = np.maximum(wandered, TILT_WANDERS**2 / sampling_rate)
    tilt = np.zeros((len(at), 3))
    for _ in range(2):
        seen = qt.rotate(qt.from_rotation_vector(tilt), mean)
        seen /= np.maximum(qt.length(seen)[:, None], 1e-12)
        tilt[:, 0] += seen[:, 1]
        tilt[:, 1] -= seen[:, 0]
        tilt = _smooth(tilt, sigma, wandered)
    index, levelled = np.arange(len(force)), np.empty_like(force)
    for rows in qt.blocks(force):
        here = np.stack([np.interp(index[rows], at, tilt[:, k]) for k in range(3)], axis=1)
        levelled[rows] = qt.rotate(qt.from_rotation_vector(here), force[rows])
    return levelled


def _intervals(still: NDArray[np.bool_], sampling_rate: float) -> tuple[Index, Index]:
    """Swings of 0.25-1.8 s between two stances, and pieces of about 0.5 s of longer stillness, in time order."""
    start, stop = runs(~still)
    seconds = (stop - start) / sampling_rate
    swing = (seconds > 0.25) & (seconds < 1.8) & (start > 0) & (stop < len(still))
    edges = [np.stack([start[swing], stop[swing]], axis=1)]
    for a, b in zip(*runs(still), strict=True):
        pieces = int((b - a) / (0.5 * sampling_rate))
        if pieces:
            cut = np.linspace(a, b, pieces + 1).astype(np.int64)
            edges.append(np.stack([cut[:-1], cut[1:]], axis=1))
    both = np.concatenate(edges)
    both = both[np.argsort(both.sum(axis=1), kind="stable")]
    return both[:, 0], both[:, 1]


def _wander(gap: Array, sampling_rate: float) -> Array:
    """Variance of the tilt's random walk gathered up to each sample, (n,) rad^2."""
    step = np.full(len(gap), TILT_WANDERS**2 / sampling_rate)
    start, stop = runs(gap > 0.0)
    step[start] += (GAP_TILT * ((stop - start) / sampling_rate) ** 2) ** 2
    return np.cumsum(step)


def _smooth(values: Array, sigma: Array, wandered: Array) -> Array:
    """Most probable random walk through `values` (k, m), measured with `sigma` (k,).

    `wandered` (k - 1,): variance of each step between them.
    """
    from scipy.linalg import solveh_banded

    weight = 1.0 / sigma**2
    link = 1.0 / wandered
    bands = np.zeros((2, len(values)))
    bands[0, 1:] = -link
    bands[1] = weight + 1.0 / TILT_ERROR**2
    bands[1, :-1] += link
    bands[1, 1:] += link
    return np.asarray(solveh_banded(bands if len(values) > 1 else bands[1:], weight[:, None] * values))


def integrate(
    earth_acc: Array, still: NDArray[np.bool_], on_ground: Array, variance: Array, sampling_rate: float
) -> tuple[Array, Array]:
    """Velocity and position of the foot, the velocity known where it stands on the ground.

    Parameters
    ----------
    earth_acc : (n, 3) float array, m/s^2, earth frame, gravity removed
    still : (n,) bool array from `zero_velocity`
    on_ground : (n, 3) float array, m/s, the velocity there, from `rolling_velocity`
    variance : (n,) float array, (m/s^2)^2, of the acceleration's error, from `doubt`

    Returns
    -------
    velocity, position : (n, 3) float arrays, m/s and m, from the first sample

    Notes
    -----
    What the velocity is off by at the next still instant is error. Seen as a random walk, its expected course is
    the share of the variance gathered so far (the mean of a Brownian bridge). A 15-state error-state smoother did
    no better than a course linear in time.
    """
    velocity = _integral(earth_acc, sampling_rate)
    nodes = np.flatnonzero(still)
    if len(nodes) == 0:
        return velocity, _integral(velocity, sampling_rate)
    edge = np.concatenate([[True], (np.diff(nodes) > 1)]) | np.concatenate([np.diff(nodes) > 1, [True]])
    nodes = nodes[edge]
    gathered = np.cumsum(variance)
    for k in range(3):
        error = velocity[nodes, k] - on_ground[nodes, k]
        velocity[:, k] -= np.interp(gathered, gathered[nodes], error)
    velocity[still] = on_ground[still]
    return velocity, _integral(velocity, sampling_rate)


def _integral(values: Array, sampling_rate: float) -> Array:
    out = np.cumsum(values, axis=0)
    out /= sampling_rate
    return out
