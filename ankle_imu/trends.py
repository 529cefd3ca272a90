"""Many session rows -> one metric over time, per leg, and a sentence that does not claim more than they hold."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from ankle_imu import frames, tables
from ankle_imu.errors import QualityRefusal

if TYPE_CHECKING:
    import pandas as pd

MIN_SESSIONS: Final = 2
MIN_SESSIONS_TREND: Final = 5
"""No trend and no "usual" below 5 sessions (methods sheet F2, its sources C35, C94)."""
MIN_SESSIONS_SLOPE: Final = 8
"""Theil-Sen and Mann-Kendall from 8 sessions on (methods sheet F5)."""
BASELINE_SESSIONS: Final = 5

DETECTABLE_CHANGE: Final = {
    "inv_excursion_deg": 4.0,
    "ev_excursion_deg": 4.0,
    "range_stance_deg": 4.0,
    "peak_inv_vel_dps": 60.0,
    "peak_ev_vel_dps": 60.0,
}
"""Minimal detectable change until a person's own repeated sessions give a better one (methods sheet F5)."""

_STRATUM: Final = ("gait", "angle_source", "mount_site")


@dataclass(frozen=True, kw_only=True)
class Slope:
    """Theil-Sen slope of one leg with its 95 % interval, and the p value of Kendall's test against time."""

    leg: str
    per_30_days: float
    low: float
    high: float
    p_value: float

    @property
    def is_clear(self) -> bool:
        """The interval leaves out zero and the Mann-Kendall test agrees at 5 %."""
        return (self.low > 0.0 or self.high < 0.0) and self.p_value < 0.05


@dataclass(frozen=True, kw_only=True, eq=False)
class Trend:
    """One metric over the sessions of one person, gait class, angle source and mount site.

    Parameters
    ----------
    points : table `tables.TREND_POINTS`, one row per session and leg, by time, finite medians only
    days : (n,) float array, days since the first session, one per row of `points`
    n_sessions : int, sessions among the points
    left_out : sentences on what was not pooled
    """

    metric: str
    unit: str
    gait: str
    angle_source: str
    mount_site: str
    points: pd.DataFrame
    days: NDArray[np.float64]
    n_sessions: int
    left_out: tuple[str, ...]

    @property
    def legs(self) -> list[str]:
        """Legs that have points."""
        present = set(self.points["leg"])
        return [leg for leg in frames.LEGS if leg in present]

    def of_leg(self, leg: str) -> tuple[NDArray[np.float64], pd.DataFrame]:
        """Days and rows of one leg."""
        keep = (self.points["leg"] == leg).to_numpy()
        return self.days[keep], self.points[keep]


def select_trend(
    table: pd.DataFrame, metric: str, *, gait: str = "", angle_source: str = "", mount_site: str | None = None
) -> Trend:
    """Pick one metric out of the rows of many sessions, never mixing what cannot be compared.

    Parameters
    ----------
    table : table `tables.TREND`, of one person
    metric : one of `tables.METRICS`
    gait, angle_source, mount_site : the stratum; where left open, the one with most sessions is taken and the
        others are named in `left_out`

    Returns
    -------
    Trend

    Raises
    ------
    ValueError
        If `metric` is unknown or the rows belong to more than one person.
    QualityRefusal
        With fewer than 2 sessions that have the metric.
    """
    if metric not in tables.METRICS:
        raise ValueError(f"Unknown metric {metric!r}; expected one of {', '.join(tables.METRICS)}.")
    tables.check_columns(table, tables.TREND)
    people = sorted(set(table["alias"]))
    if len(people) > 1:
        raise ValueError(f"Found {len(people)} people ({', '.join(people)}); choose one.")
    rows = _points_of(table, metric)
    wanted = {"gait": gait or None, "angle_source": angle_source or None, "mount_site": mount_site}
    for name, value in wanted.items():
        rows = rows if value is None else rows[rows[name] == value]
    key, left_out = _largest_stratum(rows)
    points = rows[(rows[list(_STRATUM)] == list(key)).all(axis=1)] if key else rows
    return _trend(points, metric, key or ("", "", ""), left_out)


def _points_of(table: pd.DataFrame, metric: str) -> pd.DataFrame:
    """Rows of `tables.TREND_POINTS` of one metric, finite medians only."""
    own = table.rename(columns={f"{metric}_{name}": name for name in ("median", "ci_low", "ci_high", "iqr")})
    points = own[tables.TREND_POINTS.names]
    finite: pd.DataFrame = points[np.isfinite(points["median"].to_numpy(float))]
    return finite


def _largest_stratum(rows: pd.DataFrame) -> tuple[tuple[str, ...], tuple[str, ...]]:
    sessions = rows.groupby(list(_STRATUM))["session_id"].nunique().sort_values(ascending=False, kind="stable")
    keys = [tuple(map(str, key)) for key in sessions.index]
    left_out = tuple(
        f"{n} session{'s' if n != 1 else ''} with {describe_stratum(*key)} not shown here: never pooled"
        for key, n in zip(keys[1:], sessions.iloc[1:], strict=True)
    )
    return (keys[0] if keys else ()), left_out


def describe_stratum(gait: str, angle_source: str, mount_site: str) -> str:
    """Words for a gait class, angle source and mount site."""
    source = {"joint": "foot and shank sensor", "foot": "foot sensor alone", "none": "shank sensor alone"}
    site = f", mounted {mount_site.replace('_', ' ')}" if mount_site else ""
    return f"{gait}, {source.get(angle_source, angle_source)}{site}"


def _trend(points: pd.DataFrame, metric: str, key: tuple[str, ...], left_out: tuple[str, ...]) -> Trend:
    import pandas as pd

    n_sessions = int(points["session_id"].nunique())
    if n_sessions < MIN_SESSIONS:
        raise QualityRefusal(
            f"Found {n_sessions} session{'s' if n_sessions != 1 else ''} with a median of {metric}; "
            f"a trend needs at least {MIN_SESSIONS} of one gait class, sensor set and mount site, "
            "each with 25 accepted strides."
        )
    started = pd.to_datetime(points["start_utc"], utc=True, format="ISO8601")
    order = np.argsort(started.to_numpy(), kind="stable")
    points, started = points.iloc[order].reset_index(drop=True), started.iloc[order]
    days = np.asarray((started - started.iloc[0]).dt.total_seconds(), dtype=np.float64) / 86400.0
    return Trend(
        metric=metric,
        unit=next(c.unit for c in tables.STRIDES.columns if c.name == metric),
        gait=key[0],
        angle_source=key[1],
        mount_site=key[2],
        points=points,
        days=days,
        n_sessions=n_sessions,
        left_out=left_out,
    )


def baseline_band(trend: Trend, leg: str) -> tuple[float, float] | None:
    """Lowest and highest median of a leg's first five sessions, None before there are five."""
    _, rows = trend.of_leg(leg)
    if len(rows) < BASELINE_SESSIONS:
        return None
    first = rows["median"].iloc[:BASELINE_SESSIONS]
    return float(first.min()), float(first.max())


def fit_slopes(trend: Trend) -> list[Slope]:
    """Slope of each leg that has at least 8 sessions.

    Notes
    -----
    Theil-Sen slope with its 95 % interval; Mann-Kendall as Kendall's tau of the medians against time.

    References
    ----------
    Sen P.K. (1968) Estimates of the regression coefficient based on Kendall's tau, J. Am. Stat. Assoc.
    63:1379-1389, doi:10.1080/01621459.1968.10480934. Mann H.B. (1945) Nonparametric tests against trend,
    Econometrica 13:245-259, doi:10.2307/1907187.
    """
    from scipy.stats import kendalltau, theilslopes

    slopes = []
    for leg in trend.legs:
        days, rows = trend.of_leg(leg)
        if len(rows) < MIN_SESSIONS_SLOPE or len(np.unique(days)) < MIN_SESSIONS_SLOPE:
            continue
        median = rows["median"].to_numpy(float)
        fit = theilslopes(median, days, alpha=0.95)
        p = float(kendalltau(days, median).pvalue) if np.ptp(median) > 0.0 else 1.0
        month = [30.0 * float(x) for x in (fit[0], fit[2], fit[3])]
        slopes.append(Slope(leg=leg, per_30_days=month[0], low=month[1], high=month[2], p_value=p))
    return slopes


def describe_trend(trend: Trend) -> list[str]:
    """Sentences on what the sessions show, plain words first, and on what they cannot show."""
    changes = [_change_of(trend, leg) for leg in trend.legs]
    return changes + _caution(trend) + [_slope_words(trend, slope) for slope in fit_slopes(trend)]


def _change_of(trend: Trend, leg: str) -> str:
    _, rows = trend.of_leg(leg)
    unit, n = _unit(trend), len(rows)
    if n < MIN_SESSIONS:
        return f"{leg.capitalize()} leg: one session, so there is nothing to compare it with."
    a, b = float(rows["median"].iloc[0]), float(rows["median"].iloc[-1])
    limit = DETECTABLE_CHANGE.get(trend.metric)
    moved = f"{leg.capitalize()} leg: over {n} sessions the median went from {_number(a)} to {_number(b)}{unit}"
    if limit is None:
        return f"{moved}. No minimal detectable change is known for this number, so small changes say little."
    apart = _are_apart(rows)
    if abs(b - a) <= limit:
        return f"{moved}; changes below {limit:g}{unit} cannot be told from noise, so this counts as no change."
    if not apart:
        return f"{moved}; that is more than {limit:g}{unit}, but the two intervals overlap, so it may be chance."
    return f"{moved}; that is more than the {limit:g}{unit} that noise alone can make."


def _are_apart(rows: pd.DataFrame) -> bool:
    first, last = rows.iloc[0], rows.iloc[-1]
    return bool(first["ci_high"] < last["ci_low"] or last["ci_high"] < first["ci_low"])


def _caution(trend: Trend) -> list[str]:
    if trend.n_sessions < MIN_SESSIONS_TREND:
        return [f"{trend.n_sessions} sessions are too few to speak of a trend; that takes {MIN_SESSIONS_TREND}."]
    if trend.n_sessions < MIN_SESSIONS_SLOPE:
        return [f"A slope is fitted from {MIN_SESSIONS_SLOPE} sessions on."]
    return []


def _slope_words(trend: Trend, slope: Slope) -> str:
    verdict = "a clear drift" if slope.is_clear else "no clear drift"
    return (
        f"{slope.leg.capitalize()} leg: {verdict}, {slope.per_30_days:+.2g}{_unit(trend)} per 30 days "
        f"(95 % interval {slope.low:+.2g} to {slope.high:+.2g}, Mann-Kendall p {_p_value(slope.p_value)})."
    )


def _p_value(p: float) -> str:
    return "< 0.001" if p < 0.001 else f"= {p:.2g}"


def _unit(trend: Trend) -> str:
    return "" if trend.unit in ("", "1") else f" {trend.unit}"


def _number(value: float) -> str:
    return f"{value:.1f}" if abs(value) >= 2.0 else f"{value:.2f}"
