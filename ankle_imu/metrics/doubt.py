"""What a stride's range may be off by: the frame's yaw, the instant of contact, the rest."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from ankle_imu.metrics.inversion import STANCE_SHARE, extent, stance_windows, windows

Array = NDArray[np.float64]

RANGE_FLOOR_DEG: Final = {"walk": 0.45, "jog": 0.9, "run": 0.9}
"""1-sigma of a stride's range that is neither yaw nor contact, deg. Own choice: soft tissue moves a sensor by 0.4
deg (tightly worn) to 3 deg (loosely) after a contact (Leardini et al. 2005, doi:10.1016/j.gaitpost.2004.05.002),
about twice as much in running; of 1 deg a third to a half reaches the range, in walking."""

CONTACT_SIGMA_S: Final = {"walk": 0.004, "jog": 0.003, "run": 0.003}
"""1-sigma of the instant of contact beside its rounding to samples, s: 3 ms in walking against optical events,
2-4 ms in running (Falbriard et al. 2018, doi:10.3389/fphys.2018.00610), more on uneven ground."""

CONTACT_SIGMA_SAMPLES: Final = {"walk": 0.0, "jog": 0.6, "run": 0.6}
"""The part that comes of the sampling, samples: a running contact is a jump between two samples, found to 6-7 ms
at 104 Hz and 1-2 ms at 208 Hz in own simulation."""


def range_doubt(
    angle: Array,
    leak: Array,
    ic: Array,
    to: Array,
    sigma_yaw: float,
    gait: NDArray[np.str_],
    sampling_rate: float,
) -> Array:
    """Stated 1-sigma of each stride's stance range, deg.

    Parameters
    ----------
    angle : (n,) float array, deg, frontal angle
    leak : (n,) float array, deg, sagittal angle that leaks into it when the frames are turned about z
    ic, to : (k,) fractional samples
    sigma_yaw : float, rad, 1-sigma of that turn
    gait : (k,) `walk` | `jog` | `run`
    sampling_rate : float, Hz

    Returns
    -------
    (k,) float array, deg

    Notes
    -----
    In squares: the mean change of the range when the angle is read in frames turned by +sigma and -sigma; the
    mean change when the contact, where a running foot turns fastest, is taken one sigma earlier and later; a
    floor. In running the stride's own doubt then ranks the true errors (r 0.6 in own simulation, where a
    constant cannot). The yaw error is common to a session; averaging over strides does not take it away.
    """
    floor, seconds, samples = (
        np.array([table[g] for g in gait], dtype=np.float64)
        for table in (RANGE_FLOOR_DEG, CONTACT_SIGMA_S, CONTACT_SIGMA_SAMPLES)
    )
    stop = ic + STANCE_SHARE * (to - ic)
    w = stance_windows(ic, to, len(angle))
    a, b = w.of(angle), w.of(leak)
    base = extent(a)
    c, s = np.cos(sigma_yaw), np.sin(sigma_yaw)
    turned = 0.5 * (np.abs(extent(c * a + s * b) - base) + np.abs(extent(c * a - s * b) - base))
    shift = np.hypot(seconds * sampling_rate, samples)
    moved = 0.5 * sum(np.abs(_spread_from(angle, ic + d, stop) - base) for d in (shift, -shift))
    return np.asarray(np.sqrt(turned**2 + moved**2 + floor**2))


def _spread_from(angle: Array, start: Array, stop: Array) -> Array:
    """Range over [start, stop) with the first value interpolated, so that fractions of a sample count."""
    n = len(angle)
    low = np.clip(np.floor(start).astype(np.int64), 0, max(n - 2, 0))
    first = angle[low] + np.clip(start - low, 0.0, 1.0) * (angle[np.minimum(low + 1, n - 1)] - angle[low])
    w = windows(start, stop, n)
    block = np.concatenate([w.of(angle), first[:, None]], axis=1)
    return extent(block)
