"""Measures of how steady the strides of one leg were, each with the strides it needs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from ankle_imu.metrics.summary import MIN_STRIDES_MEDIAN, MIN_STRIDES_SPREAD

if TYPE_CHECKING:
    import pandas as pd

Array = NDArray[np.float64]

MIN_STRIDES_TAIL: Final = 200
"""The 95th percentile of 200 strides is known to +-0.3 SD (methods F1)."""

MAD_TO_SD: Final = 1.4826
"""Median absolute deviation -> standard deviation of a Gaussian: 1 / Phi^-1(3/4)."""

ADJACENT_S: Final = 0.02
"""Two strides follow each other when the end of one is the start of the next, to this."""

MOST_AT_FLOOR: Final = 0.2
"""Share of strides at a floor of 0 beyond which their spread is refused; ours: 0-4 % on the real walks at hand."""

BIG_KINDS: Final = ("wobble", "roll", "hard_roll")
"""Kinds that enter the rate: wobbles and rolls to the outside."""

ATTACH_S: Final = 3.0
"""Longest time from the end of a stride to a roll that is laid to it; a longer pause ends a walk (methods E3)."""

NO_EXPOSURE: Final = ("not part of", "sensor")
"""How the reasons begin that take a stride out of the rate: no walk, or a sensor that cannot be believed. A stride
that turns or has lost samples was walked, and may have rolled."""


@dataclass(frozen=True, kw_only=True)
class Measured:
    """Value of a measure; NaN with its reason where there is none."""

    value: float
    n_strides: int
    reason: str = ""


@dataclass(frozen=True, kw_only=True, eq=False)
class Measure:
    """One measure of a session's strides of one leg and gait.

    Parameters
    ----------
    name : str, with its unit at the end
    title : str, for people
    unit : str
    column : str, of the stride table (or `log_jerk` of the context)
    needed : int, strides with a value below which there is no measure (methods F2)
    high_is_steadier : bool
    scale : `log` for spreads and tails, whose differences are ratios; `linear` for places; `count` for rates
    per_stride : (values (n,), is_followed (n,)) -> (n,): what each stride brings along
    statistic : (k, m) with NaN -> (k,): the measure of each of k rows of strides
    source : str
    """

    name: str
    title: str
    unit: str
    column: str
    needed: int
    high_is_steadier: bool
    scale: str
    per_stride: Callable[[Array, NDArray[np.bool_]], Array]
    statistic: Callable[[Array], Array]
    source: str


def robust_spread(block: Array) -> Array:
    """1.4826 times the median absolute deviation of each row, NaN left out."""
    centre = row_median(block)
    return MAD_TO_SD * row_median(np.abs(block - centre[:, None]))


def root_mean_square(block: Array) -> Array:
    """Root mean square of each row, NaN left out."""
    good = np.isfinite(block)
    total = np.where(good, block, 0.0) ** 2
    with np.errstate(invalid="ignore"):
        return np.asarray(np.sqrt(total.sum(axis=1) / good.sum(axis=1)))


def standard_deviation(block: Array) -> Array:
    """Standard deviation of each row, NaN left out."""
    good = np.isfinite(block)
    n = good.sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.where(good, block, 0.0).sum(axis=1) / n
        square = np.where(good, block - mean[:, None], 0.0) ** 2
        return np.asarray(np.sqrt(square.sum(axis=1) / (n - 1.0)))


def row_median(block: Array) -> Array:
    """Median of each row, NaN left out; NaN where nothing is left."""
    return row_quantile(block, 0.5)


def tail(block: Array) -> Array:
    """95th percentile of each row, NaN left out."""
    return row_quantile(block, 0.95)


def row_quantile(block: Array, share: float) -> Array:
    """Median-unbiased quantile of each row, NaN left out.

    References
    ----------
    Hyndman R.J., Fan Y. (1996) Sample quantiles in statistical packages, Am. Stat. 50:361-365,
    doi:10.1080/00031305.1996.10473566, definition 8.
    """
    ordered = np.sort(block, axis=1)
    n = np.isfinite(block).sum(axis=1)
    place = np.clip(share * (n + 1.0 / 3.0) + 1.0 / 3.0 - 1.0, 0.0, np.maximum(n - 1.0, 0.0))
    low = np.floor(place).astype(np.int64)
    high = np.minimum(low + 1, np.maximum(n - 1, 0))
    row = np.arange(len(block))
    return np.asarray(ordered[row, low] + (place - low) * (ordered[row, high] - ordered[row, low]))


def _as_it_is(values: Array, is_followed: NDArray[np.bool_]) -> Array:
    return values


def _logarithm(values: Array, is_followed: NDArray[np.bool_]) -> Array:
    return np.log(np.where(values > 0.0, values, np.nan))


def _successive(values: Array, is_followed: NDArray[np.bool_]) -> Array:
    """Difference to the next stride over root two; NaN where none follows at once."""
    change = np.append(np.diff(values), np.nan) / np.sqrt(2.0)
    return np.where(is_followed, change, np.nan)


def _spread(name: str, title: str, column: str) -> Measure:
    return Measure(
        name=name, title=title, unit="deg", column=column, needed=MIN_STRIDES_SPREAD, high_is_steadier=False,
        scale="log", per_stride=_as_it_is, statistic=robust_spread, source="methods F1, 1.4826 MAD; F2, C32",
    )  # fmt: skip


def _steps(name: str, title: str, column: str) -> Measure:
    return Measure(
        name=name, title=title, unit="deg", column=column, needed=MIN_STRIDES_SPREAD, high_is_steadier=False,
        scale="log", per_stride=_successive, statistic=root_mean_square,
        source="methods F1, root of the mean squared successive difference over two; F2, C32",
    )  # fmt: skip


_ALL: Final = (
    _steps("successive_inv_excursion_deg", "change of inversion from stride to stride", "inv_excursion_deg"),
    _spread("spread_inv_excursion_deg", "spread of inversion", "inv_excursion_deg"),
    _steps("successive_range_stance_deg", "change of range in stance from stride to stride", "range_stance_deg"),
    _spread("spread_range_stance_deg", "spread of the range in stance", "range_stance_deg"),
    Measure(
        name="p95_peak_inv_vel_dps", title="fastest inversion, one stride in twenty", unit="deg/s",
        column="peak_inv_vel_dps", needed=MIN_STRIDES_TAIL, high_is_steadier=False, scale="log",
        per_stride=_as_it_is, statistic=tail, source="methods F1, P95",
    ),
    Measure(
        name="roll_rate_per_1000", title="rolls and big wobbles in 1000 strides", unit="1/1000 strides",
        column="", needed=MIN_STRIDES_TAIL, high_is_steadier=False, scale="count", per_stride=_as_it_is,
        statistic=lambda block: 1000.0 * np.nanmean(block, axis=1), source="methods E3",
    ),
    Measure(
        name="stride_time_log_sd", title="unevenness of stride time", unit="1", column="stride_time_s",
        needed=MIN_STRIDES_SPREAD, high_is_steadier=False, scale="log", per_stride=_logarithm,
        statistic=standard_deviation, source="methods F1, stride-time log SD, C84",
    ),
    Measure(
        name="log_jerk", title="smoothness of the sideways movement", unit="1", column="log_jerk",
        needed=MIN_STRIDES_MEDIAN, high_is_steadier=True, scale="linear", per_stride=_as_it_is,
        statistic=row_median, source="methods F1, C90",
    ),
)  # fmt: skip

MEASURES: Final = {one.name: one for one in _ALL}
"""The measures by name."""


def measure(
    name: str, strides: pd.DataFrame, context: pd.DataFrame | None = None, events: pd.DataFrame | None = None
) -> Measured:
    """One measure of the strides of one leg, gait class and angle source, as they were walked.

    Parameters
    ----------
    name : one of `MEASURES`
    strides : table `tables.STRIDES`, of one leg, gait and angle source
    context : table `tables.CONTEXT` of the session, any rows; needed for `log_jerk`
    events : table `tables.EVENTS` of the session, any rows; needed for `roll_rate_per_1000`

    Returns
    -------
    Measured
        NaN and its reason with fewer strides than the measure needs: accepted ones, of the rate `exposed` ones.
        Not comparable between sessions on different ground: that takes `comparison.adjusted`.

    Raises
    ------
    ValueError
        If the name is unknown.
    """
    chosen = chosen_measure(name)
    values = stride_values(chosen, strides, context, events)
    n = int(np.isfinite(values).sum())
    reason = unfit(chosen, strides) or ("" if n >= chosen.needed else too_few(chosen, n))
    value = float("nan") if reason else float(chosen.statistic(values[None, :])[0])
    return Measured(value=value, n_strides=n, reason=reason)


def chosen_measure(name: str) -> Measure:
    """Return the measure of that name, else raise `ValueError` naming all."""
    if name not in MEASURES:
        raise ValueError(f"Unknown measure {name!r}; expected one of {', '.join(MEASURES)}.")
    return MEASURES[name]


def too_few(chosen: Measure, n: int) -> str:
    """Why there is no value."""
    return f"{n} usable strides, {chosen.needed} are needed"


def unfit(chosen: Measure, strides: pd.DataFrame) -> str:
    """Why strides cannot tell the measure however many there are, "" when they can.

    An inversion excursion is 0 where the foot lands at its most inverted; the spread of such a floor says nothing.
    Rolls are looked for with a foot sensor alone; that a shank sensor found none says nothing either.
    """
    if chosen.scale == "count" and len(strides) and (strides["angle_source"] == "none").all():
        return "a shank sensor alone sees no rolls; wear one on the foot"
    if chosen.scale != "log" or chosen.column not in strides.columns:
        return ""
    values = strides.loc[strides["accepted"].to_numpy(bool), chosen.column].to_numpy(float)
    values = values[np.isfinite(values)]
    share = float(np.mean(values == 0.0)) if len(values) >= chosen.needed else 0.0
    if share <= MOST_AT_FLOOR:
        return ""
    return f"{100.0 * share:.0f} % of the strides are at 0, so their spread says nothing; take the range in stance"


def taken(chosen: Measure, strides: pd.DataFrame) -> pd.DataFrame:
    """Strides that a measure is taken of, by time: the accepted ones, for a rate those that are `exposed`."""
    keep = exposed(strides) if chosen.scale == "count" else strides["accepted"].to_numpy(bool)
    return strides[keep].sort_values("start_s", kind="stable")


def exposed(strides: pd.DataFrame) -> NDArray[np.bool_]:
    """Which strides were walked with a sensor that would have seen a roll, accepted or not, (n,)."""
    doubted = strides["reject_reason"].str.startswith(NO_EXPOSURE).to_numpy(bool)
    return np.asarray(~doubted & (strides["angle_source"] != "none").to_numpy(bool))


def stride_values(
    chosen: Measure,
    strides: pd.DataFrame,
    context: pd.DataFrame | None,
    events: pd.DataFrame | None,
    walk: pd.DataFrame | None = None,
) -> Array:
    """What each stride of `taken` brings to a measure, (n_taken,); NaN where nothing.

    `walk`: all strides of the session, so that no roll is laid to a stride of another gait; `strides` when None.
    """
    ordered = taken(chosen, strides)
    if chosen.scale == "count":
        return events_per_stride(ordered, events, strides if walk is None else walk)
    start, end = ordered["start_s"].to_numpy(float), ordered["end_s"].to_numpy(float)
    is_followed = np.append(np.abs(start[1:] - end[:-1]) < ADJACENT_S, False) if len(start) else np.zeros(0, bool)
    return chosen.per_stride(_column(chosen.column, ordered, context), is_followed)


def _column(name: str, ordered: pd.DataFrame, context: pd.DataFrame | None) -> Array:
    if name in ordered.columns:
        return ordered[name].to_numpy(float)
    if context is None or name not in context.columns:
        return np.full(len(ordered), np.nan)
    return context.set_index("stride_id")[name].reindex(ordered["stride_id"]).to_numpy(float)


def events_per_stride(own: pd.DataFrame, events: pd.DataFrame | None, walk: pd.DataFrame) -> Array:
    """Rolls and wobbles of each stride.

    Parameters
    ----------
    own : table `tables.STRIDES`, of one leg
    events : table `tables.EVENTS`, any rows; those the person called false are left out
    walk : table `tables.STRIDES`, all strides of the session

    Returns
    -------
    (n,) float array, one entry per row of `own`

    Notes
    -----
    A roll belongs to the last exposed stride of its leg that began before it, if that ended at most `ATTACH_S`
    ago: who stops after a roll ends the walk in its stance, and that stance lies in no stride. It counts here
    where that stride is one of `own`.
    """
    counts = np.zeros(len(own))
    if events is None or not len(events) or not len(own):
        return counts
    leg = own["leg"].iloc[0]
    big = events[events["kind"].isin(BIG_KINDS) & (events["leg"] == leg) & (events["verdict"] != "false")]
    walk = walk[exposed(walk) & (walk["leg"] == leg).to_numpy(bool)].sort_values("start_s", kind="stable")
    start, end = walk["start_s"].to_numpy(float), walk["end_s"].to_numpy(float)
    at = big["time_s"].to_numpy(float)
    last = np.searchsorted(start - ADJACENT_S, at, side="right") - 1
    near = (last >= 0) & (at < end[np.maximum(last, 0)] + ATTACH_S)
    place = dict(zip(own["stride_id"], range(len(own)), strict=True))
    rows = [place[one] for one in walk["stride_id"].to_numpy()[last[near]] if one in place]
    np.add.at(counts, np.array(rows, dtype=np.int64), 1.0)
    return counts
