"""Side-to-side stabilising: how each stance first swerves, and how long the ankle takes to find its place again.

All is measured against the person's own stances of the same leg and gait: what every step does is no swerve.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from ankle_imu import frames
from ankle_imu.metrics.inversion import STANCE_SHARE
from ankle_imu.metrics.summary import MIN_STRIDES_MEDIAN, median_interval

if TYPE_CHECKING:
    import pandas as pd

Array = NDArray[np.float64]

N_PHASES: Final = 86
"""One value per percent of stance, 0 to 85 %."""

RESTLESS: Final = (0.50, 0.70)
"""Share of stance in which the person's own unrest about the level of rest is measured."""

AT_REST: Final = (0.70, STANCE_SHARE)
"""Share of stance whose median is the level of rest: the last before push-off, as time-to-stabilisation takes the
last part of a landing (Ross and Guskiewicz 2003)."""

BAND_MADS: Final = 2.0
"""Half-width of the band in median absolute deviations, as for the return after a roll (methods E3)."""

LEAST_BAND_DEG: Final = 1.5
"""No band is narrower: soft tissue alone moves a sensor by 0.4-3 deg after a contact (`metrics.doubt`)."""

FIRST_SHARE: Final = 0.5
"""The first excursion is the first to reach this part of the stance's largest: a ringing sensor does not decide
(own choice; see `find_settling`)."""

ADJACENT_S: Final = 0.05
"""A stride ends with the contact that begins the next one. So much leaves room for rounding, and none for a stance
in between, which takes 0.2 s at the least (ours)."""


def find_settling(
    angle: Array,
    at_ic: Array,
    ic: Array,
    to: Array,
    end: Array,
    gait: NDArray[np.str_],
    usable: NDArray[np.bool_],
    rate: float,
) -> dict[str, NDArray[Any]]:
    """Stabilising columns of the stride table.

    Parameters
    ----------
    angle : (n,) float array, deg, + = inversion
    at_ic : (k,) float array, deg, angle as the foot was set down (`inv_at_ic_deg`)
    ic, to, end : (k,) fractional samples of one leg, in order of time
    gait : (k,) gait class
    usable : (k,) bool array, accepted strides: they make the person's own curve, and only among them is a switch
    rate : float, Hz

    Returns
    -------
    dict of (k,) arrays: first_direction (`inversion` | `eversion` | empty), settle_s, overshoot_deg, lr_switch

    Notes
    -----
    d(u) is the angle at share u of the stance less the median curve of the person's own stances. The swerve is
    d(u) less its value as the foot was set down; the first excursion is the first time it reaches half of its
    largest, and has no direction where the largest stays in the band. Rest is the median of d from 70 to 85 % of
    stance, so that ground that leans all the while is not held against the ankle. The band is 2 MAD of the
    person's own d about rest from 50 to 70 %, at least 1.5 deg. `settle_s` runs from contact to the last time d
    comes back into the band, 0 where it never left it. `overshoot_deg` is how far d goes beyond rest to the other
    side after the peak of the first excursion. `lr_switch` says that this stance first swerves to the other side
    than the very one before; over a pause, a gap or a rejected stance there is none. NaN and empty below 25 own
    strides of the gait, and where the angle is not known. The definition is ours; its parts are those of time to
    stabilisation and of the roll's band.

    References
    ----------
    Ross S.E., Guskiewicz K.M. (2003) Time to stabilization: a method for analyzing dynamic postural stability,
    Athl. Ther. Today 8(3):37-39, doi:10.1123/att.8.3.37.
    """
    n = len(ic)
    phase = np.linspace(0.0, STANCE_SHARE, N_PHASES)
    out: dict[str, NDArray[Any]] = {
        "first_direction": np.full(n, "", dtype=object),
        "settle_s": np.full(n, np.nan),
        "overshoot_deg": np.full(n, np.nan),
        "lr_switch": np.zeros(n, dtype=bool),
    }
    if n == 0:
        return out
    curves = resample(angle, ic[:, None] + (to - ic)[:, None] * phase)
    known = np.isfinite(curves).all(axis=1) & np.isfinite(at_ic)
    for name in np.unique(gait):
        own = known & usable & (gait == name)
        some = np.flatnonzero(known & (gait == name))
        if np.count_nonzero(own) < MIN_STRIDES_MEDIAN:
            continue
        deviation = curves[some] - np.median(curves[own], axis=0)
        landing = at_ic[some] - np.median(at_ic[own])
        direction, settled, beyond = _judge(deviation, landing, own[some], phase)
        out["first_direction"][some] = np.choose(direction + 1, ["eversion", "", "inversion"])
        out["settle_s"][some] = settled * (to - ic)[some] / rate
        out["overshoot_deg"][some] = beyond
    follows = np.abs(ic[1:] - end[:-1]) <= ADJACENT_S * rate
    out["lr_switch"][1:] = follows & _switches(np.where(usable, out["first_direction"], ""))
    return out


def _judge(
    deviation: Array, landing: Array, own: NDArray[np.bool_], phase: Array
) -> tuple[NDArray[np.int64], Array, Array]:
    """Direction (-1, 0, +1), settling in shares of stance and overshoot in deg of each row."""
    resting = (phase >= AT_REST[0]) & (phase <= AT_REST[1])
    unrest = (phase >= RESTLESS[0]) & (phase < RESTLESS[1])
    about_rest = deviation - np.median(deviation[:, resting], axis=1)[:, None]
    band = max(BAND_MADS * float(np.median(np.abs(about_rest[own][:, unrest]))), LEAST_BAND_DEG)
    swerve = deviation - landing[:, None]
    largest = np.abs(swerve).max(axis=1)
    row = np.arange(len(swerve))
    first = (np.abs(swerve) >= FIRST_SHARE * largest[:, None]).argmax(axis=1)
    side = np.sign(swerve[row, first])
    peak = (side[:, None] * swerve).argmax(axis=1)
    after = np.arange(len(phase)) > peak[:, None]
    beyond = np.where(after, -side[:, None] * about_rest, 0.0).max(axis=1)
    outside = (np.abs(about_rest) > band) & (phase < AT_REST[0])
    last = len(phase) - 1 - outside[:, ::-1].argmax(axis=1)
    settled = np.where(outside.any(axis=1), phase[np.minimum(last + 1, len(phase) - 1)], 0.0)
    direction = np.where(largest > band, side, 0.0).astype(np.int64)
    return direction, settled, np.where(direction == 0, np.nan, np.maximum(beyond, 0.0))


def _switches(direction: NDArray[Any]) -> NDArray[np.bool_]:
    """Whether each stance but the first (k - 1,) swerves to the other side than the one before; both are known."""
    before, this = direction[:-1], direction[1:]
    return np.asarray((this != "") & (before != "") & (this != before), dtype=bool)


def resample(values: Array, at: Array) -> Array:
    """Values (n,) at fractional samples of any shape; NaN beside a missing one."""
    low = np.clip(np.floor(at).astype(np.int64), 0, max(len(values) - 2, 0))
    share = np.clip(at - low, 0.0, 1.0)
    return np.asarray(values[low] + share * (values[np.minimum(low + 1, len(values) - 1)] - values[low]))


DIRECTIONS: Final = ("left to right", "right to left")
COMPARED: Final = ("settle_s", "overshoot_deg")


def compare_directions(strides: pd.DataFrame) -> pd.DataFrame:
    """Whether stabilising differs between the two directions in which the swerve changes.

    Parameters
    ----------
    strides : table `tables.STRIDES`

    Returns
    -------
    table, one row per leg, gait, angle source and metric (`settle_s`, `overshoot_deg`): leg gait angle_source
    metric n_left_to_right n_right_to_left left_to_right right_to_left (medians) difference ci_low ci_high
    (approximate 95 % interval of left to right minus right to left); medians are NaN below 25 stances

    Notes
    -----
    A switch from left to right is a stance that first swerves to the walker's right after one of the same foot
    that swerved to the left (`lr_switch`). The left ankle swerves to the left by inversion, the right one by
    eversion.
    The interval joins those of the two medians (`metrics.summary.median_interval`) as independent.
    """
    import pandas as pd

    chosen = strides[strides["accepted"].astype(bool) & strides["lr_switch"].astype(bool)]
    rows = []
    for key, part in chosen.groupby(["leg", "gait", "angle_source"], sort=True):
        leg, gait, source = (str(k) for k in key)
        to_right = part["first_direction"].to_numpy() == frames.moves_to_the_right(leg)
        for metric in COMPARED:
            values = part[metric].to_numpy(float)
            sides = [values[chosen & np.isfinite(values)] for chosen in (to_right, ~to_right)]
            rows.append(
                {"leg": leg, "gait": gait, "angle_source": source, "metric": metric, **_difference(*sides)}
            )
    names = ["leg", "gait", "angle_source", "metric", *_difference(np.empty(0), np.empty(0))]
    return pd.DataFrame(rows, columns=names)


def _difference(first: Array, second: Array) -> dict[str, float]:
    out: dict[str, float] = {"n_left_to_right": len(first), "n_right_to_left": len(second)}
    out |= dict.fromkeys(("left_to_right", "right_to_left", "difference", "ci_low", "ci_high"), float("nan"))
    if min(len(first), len(second)) >= MIN_STRIDES_MEDIAN:
        medians = [float(np.median(x)) for x in (first, second)]
        half = float(np.hypot(*(0.5 * np.subtract(*median_interval(x)) for x in (first, second))))
        out["left_to_right"], out["right_to_left"] = medians
        out["difference"] = medians[0] - medians[1]
        out["ci_low"], out["ci_high"] = out["difference"] - half, out["difference"] + half
    return out
