"""How a sensor moves, whatever its name: resting in each stride like a foot, in step with another or not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ankle_imu import quaternion as qt
from ankle_imu.calibration.means import block_means

Array = NDArray[np.float64]

BLOCK_RATE: Final = 25.0
"""Hz, of the block means that all of this looks at: gait ends near 10 Hz."""

WINDOW_S: Final = 1.3
"""About a walking stride, and two of running: each holds one stance at least."""

LIVELY: Final = 1.5
"""rad/s, 95th percentile of a window's rate from which it counts as gait: 5-15 at feet and shanks, 1-1.5 in a bag
(own choice; slow walking of one person: 3)."""

CARRIED: Final = 2.5
"""rad/s. A worn foot or shank walks faster than this; see `LIVELY`."""

SHAKEN: Final = 0.7
"""m/s^2, spread of |acc| within a window of walking, at the trunk already (own choice; standing: below 0.2)."""


@dataclass(frozen=True, kw_only=True)
class Traits:
    """How a sensor moves.

    `pace`: rad/s, 95th percentile of the rate in windows of gait (upper quartile); `top`: rad/s, 99th percentile
    of all; `shaken`: share of windows with the jolts of steps; `rest`: log measure of how completely the sensor
    rests in each stride, see `wearing.FOOT_FROM`; NaN without gait.
    """

    pace: float
    top: float
    shaken: float
    rest: float

    @property
    def is_gait(self) -> bool:
        """Whether it moves as a walking foot or shank does."""
        return self.pace > CARRIED


def describe(acc: Array, gyr: Array, sampling_rate: float) -> Traits:
    """How a sensor moves, whatever its name.

    Parameters
    ----------
    acc, gyr : (n, 3) float arrays, m/s^2 and rad/s, sensor frame; NaN rows are gaps
    sampling_rate : float, Hz

    Returns
    -------
    Traits

    Notes
    -----
    `rest` = ln(share of a stride slower than 15 % of its pace) - ln(slowest 80 ms over pace) / 2 - skewness of the
    rate about the main axis + ln(pace over 7 rad/s): a foot has a third of its stride to rest, is as fast at
    push-off as in swing, and faster than the shank; the shank's swing is faster than anything in its stance.
    """
    size = max(1, round(sampling_rate / BLOCK_RATE))
    a, w = _blocks(acc, gyr, size)
    length = max(4, round(WINDOW_S * sampling_rate / size))
    count = len(w) // length
    if count == 0:
        return Traits(pace=0.0, top=0.0, shaken=0.0, rest=float("nan"))
    w = w - w.mean(axis=0)
    speed = qt.length(w)
    windows = speed[: count * length].reshape(count, length)
    pace = np.percentile(windows, 95, axis=1)
    force = qt.length(a[: count * length]).reshape(count, length)
    gait = pace > LIVELY
    return Traits(
        pace=float(np.percentile(pace[gait], 75)) if gait.any() else float(pace.max()),
        top=float(np.percentile(speed, 99)),
        shaken=float((force.std(axis=1) > SHAKEN).mean()),
        rest=_rest(w, windows[gait], pace[gait]) if gait.sum() >= 3 else float("nan"),
    )


def _blocks(acc: Array, gyr: Array, size: int) -> tuple[Array, Array]:
    if np.isfinite(acc.sum() + gyr.sum()):  # the usual case
        return block_means(acc, size), block_means(gyr, size)
    both = np.isfinite(acc).all(axis=1) & np.isfinite(gyr).all(axis=1)
    return block_means(acc[both], size), block_means(gyr[both], size)


def _rest(w: Array, windows: Array, pace: Array) -> float:
    share = np.median((windows < 0.15 * pace[:, None]).mean(axis=1))
    slowest = np.median((0.5 * (windows[:, 1:] + windows[:, :-1])).min(axis=1) / pace)
    speed = qt.length(w)
    strong = w[speed > np.percentile(speed, 80)]
    rate = w @ np.linalg.eigh(strong.T @ strong)[1][:, -1]
    skew = abs(float(((rate - rate.mean()) ** 3).mean())) / max(float(rate.std()), 1e-9) ** 3
    fast = float(np.percentile(pace, 75)) / 7.0
    return float(np.log(max(share, 0.01)) - 0.5 * np.log(max(slowest, 1e-3)) - skew + np.log(fast))


def in_step(first: Array, second: Array, sampling_rate: float) -> float:
    """Whether two sensors move at the same moments of the stride.

    Parameters
    ----------
    first, second : (n, 3) float arrays, rad/s, each in its own frame, on one time base
    sampling_rate : float, Hz

    Returns
    -------
    float, -1 .. 1
        Median correlation of the two speeds over windows of two walking strides; NaN when fewer than three show
        gait of both.
    """
    size = max(1, round(sampling_rate / BLOCK_RATE))
    length = round(2.0 * WINDOW_S * sampling_rate / size)
    speeds = []
    for gyr in (first, second):
        count = len(gyr) // (size * length)
        slow = block_means(gyr[: count * size * length], size)
        speeds.append(np.convolve(qt.length(slow), np.full(3, 1.0 / 3.0), mode="same"))
    a, b = (speed.reshape(-1, length) for speed in speeds)
    both = (a.max(axis=1) > CARRIED) & (b.max(axis=1) > CARRIED)
    a, b = (x[both] - x[both].mean(axis=1, keepdims=True) for x in (a, b))
    if len(a) < 3:
        return float("nan")
    together = (a * b).sum(axis=1) / np.maximum(np.sqrt((a * a).sum(axis=1) * (b * b).sum(axis=1)), 1e-12)
    return float(np.median(together))
