"""Initial contact and toe-off of each swing, for walking and running, level or not, heel or toe first."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ankle_imu import quaternion as qt

Array = NDArray[np.float64]
Index = NDArray[np.int64]

HEEL_RATE = -0.2
"""A heel that comes down after the toe turns the foot toe-up, rad/s; after heel contact the rate stays above."""

SURE_HEEL_RATE = -1.0
"""Faster than this, rad/s, only a heel comes down."""

LONGEST_TOE_DOWN_S = 0.25
"""A toe-down rotation that lasts longer is the foot's whole stance. In front of a toe it lasts 0.04-0.22 s."""

TOE_IMPACT_RATIO = 2.5
"""How many times harder the impact at the end of the toe-down rotation has to be for a toe's; 1 where the heel's
rate leaves no doubt. See `locate_contacts`.
"""

ONSET_SHARE = 0.25
"""Share of the largest bend of the acceleration at which a running impact begins. Own simulation, 104 / 208 Hz:
nine in ten within 13 / 3 ms; with a share of 0.4 within 15 / 8 ms, with the first change of |a| instead (0.4 of
the largest) within 29 / 3-4 ms: what slows the foot before it lands changes it as much."""

IMPACT_S = 0.045
"""From contact to the hardest blow of a running impact, at most: heel, then forefoot, and their ringing, s."""

TOE_ONSET_SHARE = 0.7
"""Share of the largest change of |a| at which a toe's impact begins, which comes while the foot still brakes hard.
Own choice, see `locate_contacts`."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Swings:
    """Foot swings in time order; all (k,) arrays.

    `start, stop`: sample indices of the moving interval, heel rise to loading; `to, ic`: toe-off and the
    initial contact that ends the swing, in fractional samples; `run_to, run_ic`: the same by the rule for
    running.
    """

    start: Index
    stop: Index
    to: Array
    ic: Array
    run_to: Array
    run_ic: Array

    def __len__(self) -> int:
        return len(self.start)


def locate_contacts(rate: Array, acc: Array, start: Index, stop: Index, sampling_rate: float) -> Swings:
    """Toe-off and initial contact of each swing from the mediolateral rate.

    Parameters
    ----------
    rate : (n,) float array, rad/s, toe-down positive, low-passed at `CUTOFF_HZ`
    acc : (n, 3) float array, m/s^2, not filtered
    start, stop : (k,) moving intervals

    Returns
    -------
    Swings, without the intervals that do not show push-off, recovery and contact in this order

    Notes
    -----
    p1 is the push-off peak (first 60 % of the interval), z1 the zero crossing after it, p2 the first point after
    z1 that is half as deep as the deepest (the recovery), z2 the crossing after p2. Toe-off is the midpoint of p1
    and z1, initial contact is z2. Own comparison with optical events, 57 walking strides, 204.8 and 102.4 Hz:
    median absolute error 1.7-3.6 ms (toe-off) and 2.9 ms (contact).

    On stairs and on an edge the toe lands first: the foot already turns toe-down in the air, and the ground turns
    it back. The impact then stands at the end of the toe-down rotation, not at its beginning, and the heel comes
    down after it; contact is the onset of that impact, within 40 ms of the rotation's end. The ratio of the two
    impacts, as largest changes of |a|, is below 3 in 19 of 20 of 720 level strides (five data sets) and 20-100 on
    the stairs of `gaitmap_walk_mocap`. Simulated stairs: contacts off by over 60 ms 45 -> 0 %, nine in ten within
    8 ms at 208 Hz and 17 ms at 104 Hz; simulated steps on the toes alone, whose heel hardly moves: 28 -> 2 % at
    208 Hz, 16 % at 104 Hz.

    A running foot leaves the ground at its fastest: toe-off is p1 (Falbriard et al. 2018,
    doi:10.3389/fphys.2018.00610: extremes of the pitch rate; precision 2 and 4 ms). It turns toe-down before it
    lands and fastest a few ms after the impact that drives it, so contact is the onset of the hardest impact
    between z2 and the end of that rotation: the first second difference of the acceleration, up to `IMPACT_S`
    before the largest, of at least `ONSET_SHARE` of it; the braking before it is smoother. Own simulation, 630
    strides, median and nine in ten: heel first 6.3 and 13 ms at 104 Hz, 1.2 and 3 ms at 208 Hz; half of the steps
    on the toes 10 and 51, 2.3 and 50 ms. No real running recording with events was at hand.

    Intervals that do not carry the foot anywhere (toe taps, tapping in a chair) are to be left out before.
    """
    if len(start) == 0:
        return no_swings()
    pad = round(0.25 * sampling_rate)
    length = int((stop - start).max()) + pad
    index = np.minimum(start[:, None] + np.arange(length)[None, :], len(rate) - 1)
    column = np.arange(length)[None, :]
    span = (stop - start)[:, None]
    y = rate[index]
    inside = column < span
    p1 = np.where(column < 0.6 * span, y, -np.inf).argmax(axis=1)
    z1 = _crossing(y, p1, falling=True, allowed=column < span + pad)
    deepest = np.where((column > p1[:, None]) & inside, y, np.inf).min(axis=1, keepdims=True)
    p2 = ((column > np.nan_to_num(z1)[:, None]) & inside & (y <= 0.5 * deepest)).argmax(axis=1)
    z2 = _crossing(y, p2, falling=False, allowed=column < span + pad)
    good = np.isfinite(z1) & np.isfinite(z2) & (z2 > z1)
    first = np.nan_to_num(np.ceil(z2))[:, None]
    slap = np.where((column >= first) & (column < first + 0.08 * sampling_rate), y, -np.inf).argmax(axis=1)
    back = _crossing(y, first[:, 0].astype(np.int64), falling=True, allowed=column < span + pad)
    heel = (column >= back[:, None]) & (column < back[:, None] + 0.1 * sampling_rate)
    heel_rate = np.where(heel, y, 0.0).min(axis=1)
    force = qt.length(acc)
    jerk = np.abs(np.diff(force, prepend=force[:1]))
    slapped = np.asarray(start + slap, dtype=np.float64)
    last = np.maximum(slapped, start + np.nan_to_num(back)) + 0.020 * sampling_rate
    run_ic = _hardest_impact(bends(acc), start + z2 - 0.020 * sampling_rate, last, good, sampling_rate)
    heel_comes = good & (heel_rate < HEEL_RATE) & (back - z2 < LONGEST_TOE_DOWN_S * sampling_rate)
    ratio = np.where(heel_rate < SURE_HEEL_RATE, 1.0, TOE_IMPACT_RATIO)
    split = np.asarray(start + np.maximum(0.5 * (z2 + back), back - 0.040 * sampling_rate), dtype=np.float64)
    by_toe = _lands_on_toe(jerk, start + z2, split, start + back, heel_comes, ratio, sampling_rate)
    toe_ic = _impact_onset(jerk, split, start + back, by_toe, sampling_rate)
    return Swings(
        start=start[good],
        stop=stop[good],
        to=(start + 0.5 * (p1 + z1))[good],
        ic=np.where(by_toe, toe_ic, start + z2)[good],
        run_to=(start + p1)[good].astype(float),
        run_ic=run_ic[good],
    )


def bends(acc: Array) -> Array:
    """Length of the second difference of acc (n, 3), (n,): large where an impact begins, small before."""
    out = np.zeros(len(acc))
    out[1:-1] = qt.length(acc[2:] - 2.0 * acc[1:-1] + acc[:-2])
    return out


def _hardest_impact(
    bend: Array, low: Array, high: Array, chosen: NDArray[np.bool_], sampling_rate: float
) -> Array:
    """Begin of the hardest impact of each span [low, high), (k,) fractional samples; NaN if not chosen.

    A bend at sample i needs the movement to have changed between i and i + 1; band limits of the sensor spread it
    by half a sample to either side, so contact is put at i + 1.
    """
    out = np.full(len(low), np.nan)
    if chosen.any():
        start = np.floor(low[chosen])
        block = _windows(bend, start, np.ceil(high[chosen]))
        peak = block.argmax(axis=1)[:, None]
        near = np.arange(block.shape[1]) >= peak - IMPACT_S * sampling_rate
        hard = block >= ONSET_SHARE * block.max(axis=1, keepdims=True)
        out[chosen] = start + (hard & near).argmax(axis=1) + 1.0
    return out


def _impact_onset(jerk: Array, low: Array, high: Array, chosen: NDArray[np.bool_], sampling_rate: float) -> Array:
    """First change of |a| of at least `TOE_ONSET_SHARE` of the largest, `low` to 10 ms after `high`.

    NaN where not chosen.
    """
    out = np.full(len(low), np.nan)
    if chosen.any():
        start = np.floor(low[chosen])
        block = _windows(jerk, start, np.ceil(high[chosen] + 0.010 * sampling_rate) + 1)
        out[chosen] = start + (block >= TOE_ONSET_SHARE * block.max(axis=1, keepdims=True)).argmax(axis=1) - 0.5
    return out


def _lands_on_toe(
    jerk: Array,
    begin: Array,
    split: Array,
    end: Array,
    chosen: NDArray[np.bool_],
    ratio: Array,
    sampling_rate: float,
) -> NDArray[np.bool_]:
    """Whether the impact stands at the end of a toe-down rotation, `ratio` times harder than before `split`."""
    by_toe = np.zeros(len(begin), dtype=bool)
    if chosen.any():
        early = _windows(jerk, np.floor(begin[chosen] - 0.030 * sampling_rate), split[chosen])
        late = _windows(jerk, split[chosen], np.ceil(end[chosen] + 0.020 * sampling_rate) + 1)
        by_toe[chosen] = late.max(axis=1) > ratio[chosen] * early.max(axis=1)
    return by_toe


def _windows(values: Array, low: Array, high: Array) -> Array:
    """Rows of values over [low, high), one after another, -inf beyond; at least one value each."""
    start = np.clip(low.astype(np.int64), 0, len(values) - 1)
    length = np.clip(high.astype(np.int64) - start, 1, None)
    column = np.arange(int(length.max()))
    return np.where(
        column < length[:, None], values[np.minimum(start[:, None] + column, len(values) - 1)], -np.inf
    )


def no_swings() -> Swings:
    """Swings of a foot that never swung."""
    index, none = np.empty(0, np.int64), np.empty(0)
    return Swings(start=index, stop=index, to=none, ic=none, run_to=none, run_ic=none)


def choose_by_gait(swings: Swings, sampling_rate: float) -> Swings:
    """Take the running rule for contact and toe-off of stances that are running.

    Notes
    -----
    A stance runs when its share of the stride, measured by the running rule, is below 0.47 (median of 5). The
    rule makes walking stances about 65 ms too short, which leaves them well above.
    """
    if len(swings) < 2:
        return swings
    stance = swings.run_to[1:] - swings.run_ic[:-1]
    share = stance / np.maximum(swings.ic[1:] - swings.ic[:-1], 1.0)
    whole = swings.ic[1:] - swings.ic[:-1] < 2.5 * sampling_rate
    running = _majority(whole & (share < 0.47))
    at_ic = np.append(running, running[-1:])
    at_to = np.append(running[:1], running)
    return replace(
        swings,
        ic=np.where(at_ic, swings.run_ic, swings.ic),
        to=np.where(at_to, swings.run_to, swings.to),
    )


def _majority(flags: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """True where at least 3 of the 5 neighbours are, ends repeated."""
    padded = np.concatenate([flags[:1], flags[:1], flags, flags[-1:], flags[-1:]]).astype(np.int64)
    return np.asarray(np.lib.stride_tricks.sliding_window_view(padded, 5).sum(axis=1) >= 3)


def _crossing(y: Array, after: Index, *, falling: bool, allowed: NDArray[np.bool_]) -> Array:
    """Column, interpolated, of the first zero crossing of each row after column `after`; NaN where none."""
    a, b = y[:, :-1], y[:, 1:]
    hit = (a > 0) & (b <= 0) if falling else (a < 0) & (b >= 0)
    hit &= (np.arange(a.shape[1])[None, :] >= after[:, None]) & allowed[:, :-1]
    at = hit.argmax(axis=1)
    row = np.arange(len(y))
    with np.errstate(divide="ignore", invalid="ignore"):
        fraction = a[row, at] / (a[row, at] - b[row, at])
    return np.where(hit.any(axis=1), at + np.clip(np.nan_to_num(fraction), 0.0, 1.0), np.nan)
