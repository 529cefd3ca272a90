"""How smoothly the ankle moves sideways while the foot stands."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from ankle_imu.metrics.inversion import stance_windows

Array = NDArray[np.float64]

LEAST_SAMPLES: Final = 8
"""Fewer samples of a phase have no shape to speak of; ours: 5 or more second differences."""


def log_jerk(rate: Array, ic: Array, to: Array) -> Array:
    """Log dimensionless jerk of the frontal rate of each stance, (k,); higher is smoother.

    Parameters
    ----------
    rate : (n,) float array, any unit of angular rate; the low-passed one that gives the peak velocities
    ic, to : (k,) fractional samples

    Returns
    -------
    log_jerk : (k,) float array; NaN where a sample of the phase is missing, it has fewer than 8, or nothing moves

    Notes
    -----
    -ln(T^3 / v_max^2 * integral of (d2v/dt2)^2) over [IC, IC + 85 % of stance), v the rate, T the length of the
    phase: the velocity form of the measure, in which neither amplitude nor duration counts. It depends on the
    low-pass: compare only sessions analysed with the same one.

    References
    ----------
    Balasubramanian S., Melendez-Calderon A., Burdet E. (2012) A robust and sensitive metric for quantifying
    movement smoothness, IEEE Trans. Biomed. Eng. 59:2126-2136, doi:10.1109/TBME.2011.2179545.
    Melendez-Calderon A., Shirota C., Balasubramanian S. (2021) Estimating movement smoothness from inertial
    measurement units, Front. Bioeng. Biotechnol. 8:558771, doi:10.3389/fbioe.2020.558771.
    """
    if len(ic) == 0:
        return np.zeros(0)
    w = stance_windows(ic, to, len(rate))
    v = w.of(rate)
    samples = w.inside.sum(axis=1)
    bend = v[:, 2:] - 2.0 * v[:, 1:-1] + v[:, :-2]
    bends = w.inside[:, 2:]
    lost = (np.isnan(v) & w.inside).any(axis=1)
    # With T = samples * dt and the bend over dt^2 the sampling rate cancels out.
    total = (np.where(bends, bend, 0.0) ** 2).sum(axis=1)
    peak = np.where(w.inside, np.abs(v), 0.0).max(axis=1)
    usable = ~lost & (samples >= LEAST_SAMPLES) & (peak > 0.0) & (total > 0.0)
    jerk = np.where(usable, samples, 1.0) ** 3 * np.where(usable, total, 1.0) / np.where(usable, peak, 1.0) ** 2
    return np.where(usable, -np.log(jerk), np.nan)
