"""One metric over the sessions of one person, never mixing what cannot be compared."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from ankle_imu import frames, tables
from ankle_imu.errors import QualityRefusal
from ankle_imu.trends.breaks import Break, Worn, find_breaks, stretch_numbers

if TYPE_CHECKING:
    import pandas as pd

MIN_SESSIONS: Final = 2
STRATUM: Final = ("gait", "angle_source", "mount_site")

Array = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, eq=False)
class Series:
    """What the statistics of one leg rest on: (n,) arrays by time; `stretch` counts the breaks before each.

    `gear` is (n, k), a column for each effect of shoe, brace or load that was taken out of the figures.
    """

    leg: str
    days: Array
    value: Array
    low: Array
    high: Array
    stretch: NDArray[np.int64]
    gear: Array

    def last_stretch(self) -> Series:
        """The sessions since the last break."""
        return self._only(self.stretch == self.stretch[-1] if len(self.stretch) else np.zeros(0, bool))

    def stretches(self) -> list[Series]:
        """All unbroken stretches, in the order of time."""
        return [self._only(self.stretch == k) for k in np.unique(self.stretch)]

    def _only(self, keep: NDArray[np.bool_]) -> Series:
        names = ("days", "value", "low", "high", "stretch", "gear")
        return Series(leg=self.leg, **{name: getattr(self, name)[keep] for name in names})


@dataclass(frozen=True, kw_only=True, eq=False)
class Trend:
    """One metric or measure over the sessions of one person, gait class, angle source and mount site.

    Parameters
    ----------
    metric : one of `tables.METRICS` or of `metrics.stability.MEASURES`
    points : table `tables.TREND_POINTS`, one row per session and leg, by time, finite figures only
    days : (n,) float array, days since the first session, one per row of `points`
    n_sessions : int, sessions among the points
    left_out : sentences on what was not pooled
    breaks : changes of sensor, mount site, shoe or firmware; no statistic crosses one
    is_adjusted : whether the statistics rest on the figures at reference conditions
    gear : leg -> (n, k) float array, row by row of `of_leg`: effects of shoe, brace and load that were taken out
    """

    metric: str
    unit: str
    gait: str
    angle_source: str
    mount_site: str
    points: pd.DataFrame
    days: Array
    n_sessions: int
    left_out: tuple[str, ...]
    breaks: tuple[Break, ...] = ()
    is_adjusted: bool = False
    gear: Mapping[str, Array] = field(default_factory=dict)

    @property
    def legs(self) -> list[str]:
        """Legs that have points."""
        present = set(self.points["leg"])
        return [leg for leg in frames.LEGS if leg in present]

    def of_leg(self, leg: str) -> tuple[Array, pd.DataFrame]:
        """Days and rows of one leg."""
        keep = (self.points["leg"] == leg).to_numpy()
        return self.days[keep], self.points[keep]

    def series(self, leg: str) -> Series:
        """The figures of one leg that are compared with one another: adjusted where that was done."""
        days, rows = self.of_leg(leg)
        names = (
            ("adjusted", "adjusted_low", "adjusted_high") if self.is_adjusted else ("median", "ci_low", "ci_high")
        )
        value, low, high = (rows[name].to_numpy(float) for name in names)
        good = np.isfinite(value)
        stretch = stretch_numbers([str(text) for text in rows["start_utc"]], self.breaks, leg)
        gear = self.gear.get(leg, np.zeros((len(rows), 0)))
        return Series(
            leg=leg,
            days=days[good],
            value=value[good],
            low=low[good],
            high=high[good],
            stretch=stretch[good],
            gear=gear[good],
        )

    def broken_at(self) -> list[tuple[float, str]]:
        """Days and words of the breaks among the points, legs joined, by time."""
        found: dict[float, list[str]] = {}
        for one in self.breaks:
            day = _days_since(one.start_utc, str(self.points["start_utc"].iloc[0]))
            if one.leg in self.legs and 0.0 < day <= float(self.days[-1]):
                found.setdefault(day, []).append(one.word)
        return [(day, ", ".join(dict.fromkeys(words))) for day, words in sorted(found.items())]


def _days_since(later: str, first: str) -> float:
    from datetime import UTC, datetime

    a, b = (datetime.fromisoformat(text) for text in (later, first))
    a, b = (x if x.tzinfo else x.replace(tzinfo=UTC) for x in (a, b))
    return (a - b).total_seconds() / 86400.0


def select_trend(
    table: pd.DataFrame,
    metric: str,
    *,
    gait: str = "",
    angle_source: str = "",
    mount_site: str | None = None,
    worn: Iterable[Worn] = (),
) -> Trend:
    """Pick one metric out of the rows of many sessions, as they were walked.

    Parameters
    ----------
    table : table `tables.TREND`, of one person
    metric : one of `tables.METRICS`
    gait, angle_source, mount_site : the stratum; where left open, the one with most sessions is taken and the
        others are named in `left_out`
    worn : what was worn in the sessions, for the breaks

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
    points = rows[(rows[list(STRATUM)] == list(key)).all(axis=1)] if key else rows
    return build_trend(
        points,
        metric,
        next(c.unit for c in tables.STRIDES.columns if c.name == metric),
        key or ("", "", ""),
        left_out=left_out,
        breaks=tuple(find_breaks(worn)),
    )


def _points_of(table: pd.DataFrame, metric: str) -> pd.DataFrame:
    """Rows of `tables.TREND_POINTS` of one metric, finite medians only."""
    own = table.rename(columns={f"{metric}_{name}": name for name in ("median", "ci_low", "ci_high", "iqr")})
    columns = {name: own[name].to_numpy() for name in tables.TREND_POINTS.names if name in own}
    points = tables.make_table(tables.TREND_POINTS, columns)
    finite: pd.DataFrame = points[np.isfinite(points["median"].to_numpy(float))]
    return finite


def _largest_stratum(rows: pd.DataFrame) -> tuple[tuple[str, ...], tuple[str, ...]]:
    sessions = rows.groupby(list(STRATUM))["session_id"].nunique().sort_values(ascending=False, kind="stable")
    keys = [tuple(map(str, key)) for key in sessions.index]
    left_out = tuple(
        f"{n} session{'s' if n != 1 else ''} with {describe_stratum(*key)}: never pooled, not shown here"
        for key, n in zip(keys[1:], sessions.iloc[1:], strict=True)
    )
    return (keys[0] if keys else ()), left_out


def describe_stratum(gait: str, angle_source: str, mount_site: str) -> str:
    """Words for a gait class, angle source and mount site."""
    source = {"joint": "foot and shank sensor", "foot": "foot sensor alone", "none": "shank sensor alone"}
    site = f", mounted {mount_site.replace('_', ' ')}" if mount_site else ""
    return f"{gait}, {source.get(angle_source, angle_source)}{site}"


def build_trend(
    points: pd.DataFrame,
    metric: str,
    unit: str,
    key: tuple[str, ...],
    *,
    left_out: tuple[str, ...] = (),
    breaks: tuple[Break, ...] = (),
    is_adjusted: bool = False,
) -> Trend:
    """Order the points of one stratum by time.

    Raises
    ------
    QualityRefusal
        With fewer than 2 sessions.
    """
    import pandas as pd

    n_sessions = int(points["session_id"].nunique())
    if n_sessions < MIN_SESSIONS:
        raise QualityRefusal(
            f"Found {n_sessions} session{'s' if n_sessions != 1 else ''} with a value of {metric}; "
            f"a trend needs at least {MIN_SESSIONS} of one gait class, sensor set and mount site, "
            "each with 25 accepted strides."
        )
    started = pd.to_datetime(points["start_utc"], utc=True, format="ISO8601")
    order = np.argsort(started.to_numpy(), kind="stable")
    points, started = points.iloc[order].reset_index(drop=True), started.iloc[order]
    days = np.asarray((started - started.iloc[0]).dt.total_seconds(), dtype=np.float64) / 86400.0
    return Trend(
        metric=metric,
        unit=unit,
        gait=key[0],
        angle_source=key[1],
        mount_site=key[2],
        points=points,
        days=days,
        n_sessions=n_sessions,
        left_out=left_out,
        breaks=breaks,
        is_adjusted=is_adjusted,
    )
