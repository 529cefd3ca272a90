"""Columns, units, types and meanings of every table, and the check that a table keeps to them.

This is the data dictionary: the files written beside each derived table and the reference in the
documentation are generated from it. Times are seconds from session start; `leg` is `left` or `right`; NaN
means "not measurable" and `quality` names the reason.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd


@dataclass(frozen=True)
class Column:
    """One column: name, unit ("" for none), pandas dtype and what it means."""

    name: str
    unit: str
    dtype: str
    meaning: str


@dataclass(frozen=True)
class Table:
    """A named, ordered set of columns."""

    name: str
    columns: tuple[Column, ...]

    @property
    def names(self) -> list[str]:
        """Column names in order."""
        return [column.name for column in self.columns]


def _columns(*rows: tuple[str, str, str, str]) -> tuple[Column, ...]:
    return tuple(Column(*row) for row in rows)


_F, _I, _S, _B = "float64", "int64", "str", "bool"

STRIDES: Final = Table(
    "strides",
    _columns(
        ("stride_id", "", _I, "running number over both legs, by start"),
        ("leg", "", _S, "left | right"),
        ("start_s", "s", _F, "initial contact (IC) of this stride"),
        ("end_s", "s", _F, "next initial contact of the same foot"),
        ("ic_s", "s", _F, "initial contact; equals start_s"),
        ("ff_s", "s", _F, "foot-flat: stillest instant of the stance; NaN when no instant is still enough"),
        ("to_s", "s", _F, "toe-off"),
        ("gait", "", _S, "walk | jog | run"),
        ("accepted", "", _B, "usable for statistics"),
        ("reject_reason", "", _S, "empty when accepted, else why not"),
        ("stride_time_s", "s", _F, "end_s - start_s"),
        ("stance_time_s", "s", _F, "to_s - ic_s"),
        ("duty_factor", "1", _F, "stance_time / stride_time; below 0.5 both feet leave the ground"),
        ("cadence_spm", "steps/min", _F, "120 / stride_time"),
        (
            "strike_angle_deg",
            "deg",
            _F,
            "foot pitch 20 ms before IC minus foot pitch at foot-flat; + = heel first",
        ),
        ("turn_deg", "deg", _F, "change of the foot's heading over the stride; + = to the left"),
        ("slope_deg", "deg", _F, "foot pitch at foot-flat against the standing pose; + = uphill"),
        ("height_change_m", "m", _F, "height of next foot-flat minus this one"),
        ("stride_length_m", "m", _F, "horizontal distance between this stance and the next"),
        ("speed_mps", "m/s", _F, "stride_length / stride_time"),
        (
            "tilt_ff_deg",
            "deg",
            _F,
            "foot tilt at foot-flat: cross-slope plus the ankle's share; + = inversion",
        ),
        ("inv_at_ic_deg", "deg", _F, "mean angle over the 20 ms before IC; + = inversion"),
        ("ev_excursion_deg", "deg", _F, "angle at IC minus smallest angle over IC..85 % of stance"),
        (
            "inv_excursion_deg",
            "deg",
            _F,
            "largest angle minus the greater of angle at FF and at IC, IC..85 %, >= 0",
        ),
        ("range_stance_deg", "deg", _F, "largest minus smallest angle over [IC, IC + 85 % of stance)"),
        (
            "peak_inv_vel_dps",
            "deg/s",
            _F,
            "largest inversion rate in IC..85 % of stance, gyroscope below 18 Hz (walk), 30 Hz (jog, run)",
        ),
        ("peak_ev_vel_dps", "deg/s", _F, "largest eversion rate likewise, given positive"),
        ("time_to_peak_inv_s", "s", _F, "from IC to the largest angle of IC..85 % of stance"),
        ("lr_switch", "", _B, "first lateral direction differs from that of the stance just before, same leg"),
        ("df_at_ic_deg", "deg", _F, "dorsiflexion, mean over the 20 ms before IC; two sensors only"),
        ("df_range_deg", "deg", _F, "largest minus smallest dorsiflexion over the stride; two sensors only"),
        ("lost_samples", "1", _I, "samples missing inside the stride, before any filling"),
        ("clipped", "1", _I, "samples at the end of the sensor's range inside the stride"),
        ("angle_source", "", _S, "joint | foot | none: what the inv_, ev_ and range_ columns hold"),
        ("angle_sd_deg", "deg", _F, "stated 1-sigma of range_stance_deg"),
        ("pf_at_to_deg", "deg", _F, "plantarflexion at toe-off; two sensors only"),
        ("peak_pf_vel_dps", "deg/s", _F, "largest plantarflexion rate of the stride; two sensors only"),
        (
            "shank_range_stance_deg",
            "deg",
            _F,
            "range of shank tilt over IC..85 % of stance; 5 deg of shank yaw change it by about 4 deg",
        ),
        (
            "peak_shank_vel_dps",
            "deg/s",
            _F,
            "largest absolute frontal shank rate in stance; shank sensor only",
        ),
        (
            "first_direction",
            "",
            _S,
            "inversion | eversion: the first lateral excursion of the stance, or empty",
        ),
        ("settle_s", "s", _F, "time until the angle is back within the person's own band"),
        ("overshoot_deg", "deg", _F, "excursion to the other side after the first one"),
    ),
)

CONTEXT: Final = Table(
    "context",
    _columns(
        ("stride_id", "", _I, "stride of the strides table"),
        ("time_s", "s", _F, "initial contact"),
        ("grade", "1", _F, "rise over run, mean of the 10 strides around it; + = uphill"),
        ("roughness_deg", "deg", _F, "what the feet met: spread of the foot's attitude on the ground, 20 strides"),
        ("log_jerk", "1", _F, "log dimensionless jerk of the frontal rate in stance; higher is smoother"),
        ("latitude_deg", "deg", _F, "place on the track, WGS 84; NaN without one"),
        ("longitude_deg", "deg", _F, "place on the track, WGS 84; NaN without one"),
        ("elevation_m", "m", _F, "height on the track"),
        ("track_distance_m", "m", _F, "way along the track since its start"),
    ),
)
"""What surrounds each stride, one row per row of the strides table, in its order."""

TRACK: Final = Table(
    "track",
    _columns(
        ("time_s", "s", _F, "time from session start; may lie before or after the session"),
        ("latitude_deg", "deg", _F, "WGS 84"),
        ("longitude_deg", "deg", _F, "WGS 84"),
        ("elevation_m", "m", _F, "height, smoothed"),
        ("distance_m", "m", _F, "way since the start of the track"),
        ("speed_mps", "m/s", _F, "speed over ground"),
    ),
)

CURVES: Final = Table(
    "curves",
    _columns(
        ("leg", "", _S, "left | right"),
        ("gait", "", _S, "walk | jog | run"),
        ("angle_source", "", _S, "joint | foot | none: what frontal and sagittal hold"),
        ("slope", "", _S, "all | up | level | down; all holds the strides of every slope, known or not"),
        ("percent", "1", _I, "0..100 % of the stride, from initial contact to the next"),
        ("n_strides", "1", _I, "accepted strides behind the frontal curve"),
        ("toe_off_percent", "1", _F, "median toe-off, % of the stride"),
        ("frontal_deg", "deg", _F, "mean inversion, foot tilt or shank tilt"),
        ("frontal_sd_deg", "deg", _F, "its standard deviation between strides; NaN below 50"),
        ("sagittal_deg", "deg", _F, "mean dorsiflexion, foot pitch or shank pitch"),
        ("sagittal_sd_deg", "deg", _F, "its standard deviation between strides; NaN below 50"),
        ("velocity_dps", "deg/s", _F, "mean frontal rate, of the gyroscopes, in the band of peak_inv_vel_dps"),
        ("velocity_sd_dps", "deg/s", _F, "its standard deviation between strides; NaN below 50"),
    ),
)
"""Mean curves over the stride: 101 rows per leg, gait class, angle source and slope with 25 strides or more."""

METRICS: Final = (
    "stride_time_s",
    "stance_time_s",
    "duty_factor",
    "cadence_spm",
    "strike_angle_deg",
    "slope_deg",
    "height_change_m",
    "stride_length_m",
    "speed_mps",
    "tilt_ff_deg",
    "inv_at_ic_deg",
    "ev_excursion_deg",
    "inv_excursion_deg",
    "range_stance_deg",
    "peak_inv_vel_dps",
    "peak_ev_vel_dps",
    "time_to_peak_inv_s",
    "df_at_ic_deg",
    "df_range_deg",
    "pf_at_to_deg",
    "peak_pf_vel_dps",
    "shank_range_stance_deg",
    "peak_shank_vel_dps",
    "settle_s",
    "overshoot_deg",
)
"""Stride columns that are summarised per leg and gait class."""

EVENTS: Final = Table(
    "events",
    _columns(
        ("event_id", "", _I, "running number"),
        ("leg", "", _S, "left | right, empty for a marker of the whole session"),
        ("time_s", "s", _F, "instant of the peak, or of the marker"),
        ("kind", "", _S, "wobble | roll | hard_roll | eversion_roll | marker"),
        ("peak_deg", "deg", _F, "how far it went in its direction, from the lowest point since contact"),
        ("peak_dps", "deg/s", _F, "largest rate of the event in its direction"),
        ("duration_s", "s", _F, "time beyond the threshold that made it an event"),
        ("outcome", "", _S, "save | disrupted | na"),
        ("verdict", "", _S, "none | real | false | painful: what the person said"),
        ("note", "", _S, "free text"),
        ("angle_source", "", _S, "joint | foot | none"),
    ),
)

BOUTS: Final = Table(
    "bouts",
    _columns(
        ("bout_id", "", _I, "running number"),
        ("start_s", "s", _F, "first initial contact"),
        ("end_s", "s", _F, "end of the last stride"),
        ("gait", "", _S, "walk | jog | run"),
        ("n_strides", "1", _I, "strides of both legs"),
    ),
)

SUMMARY: Final = Table(
    "summary",
    _columns(
        ("leg", "", _S, "left | right"),
        ("gait", "", _S, "walk | jog | run"),
        ("angle_source", "", _S, "joint | foot | none"),
        ("n_strides", "1", _I, "strides found"),
        ("n_accepted", "1", _I, "strides that entered the figures"),
    )
    + tuple(
        Column(f"{metric}_{statistic}", next(c.unit for c in STRIDES.columns if c.name == metric), _F, meaning)
        for metric in METRICS
        for statistic, meaning in (
            ("median", f"median of {metric} over accepted strides; NaN below 25 strides"),
            ("iqr", f"interquartile range of {metric}; NaN below 50 strides"),
            ("ci_low", f"lower end of the approximate 95 % interval of the median of {metric}"),
            ("ci_high", f"upper end of the approximate 95 % interval of the median of {metric}"),
        )
    ),
)

NOT_CONNECTED: Final = "not connected"
"""Reason of the time before a sensor came and after it was stopped."""

GAPS: Final = Table(
    "gaps",
    _columns(
        ("placement", "", _S, "sensor"),
        ("start_s", "s", _F, "last good sample before the gap"),
        ("end_s", "s", _F, "first good sample after the gap"),
        ("reason", "", _S, "what is known about the cause"),
        ("filled", "", _B, "bridged by interpolation (at most 60 ms)"),
    ),
)

ANGLE_KINDS: Final = (
    ("foot_tilt", "foot against gravity in the frontal plane; + = inversion direction; relative to standing"),
    ("foot_pitch", "foot against gravity in the sagittal plane; + = toe up; relative to standing"),
    ("shank_tilt", "shank against gravity in the frontal plane; + = knee lateral of the ankle"),
    ("shank_pitch", "shank against gravity in the sagittal plane; + = knee forward of the ankle"),
    ("inversion", "foot against shank in the frontal plane; + = inversion; relative to standing"),
    ("dorsiflexion", "foot against shank in the sagittal plane; + = dorsiflexion; relative to standing"),
    ("rotation", "foot against shank about the long axis; + = internal; relative to its own stride mean"),
)

ANGLES: Final = Table(
    "angles",
    (
        Column("time_s", "s", _F, "time from session start"),
        *(
            Column(f"{leg}_{kind}_deg", "deg", _F, f"{leg} {meaning}")
            for leg in ("left", "right")
            for kind, meaning in ANGLE_KINDS
        ),
    ),
)

TREND: Final = Table(
    "trend",
    _columns(
        ("session_id", "", _S, "session"),
        ("start_utc", "", _S, "start of the session, ISO 8601"),
        ("alias", "", _S, "person"),
        ("mount_site", "", _S, "mount site of the foot sensor, of the shank sensor where there is none"),
    )
    + SUMMARY.columns,
)

TREND_POINTS: Final = Table(
    "trend_points",
    _columns(
        ("session_id", "", _S, "session"),
        ("start_utc", "", _S, "start of the session, ISO 8601"),
        ("alias", "", _S, "person"),
        ("leg", "", _S, "left | right"),
        ("gait", "", _S, "walk | jog | run"),
        ("angle_source", "", _S, "joint | foot | none; never pooled"),
        ("mount_site", "", _S, "mount site of the foot sensor, of the shank sensor where there is none"),
        ("n_accepted", "1", _I, "strides behind the value"),
        ("median", "", _F, "median of one metric over accepted strides, or the measure itself, as walked"),
        ("ci_low", "", _F, "lower end of the approximate 95 % interval of the median"),
        ("ci_high", "", _F, "upper end of the approximate 95 % interval of the median"),
        ("iqr", "", _F, "interquartile range over accepted strides"),
        ("adjusted", "", _F, "the same at the reference conditions of the first five sessions"),
        ("adjusted_low", "", _F, "lower end of its 95 % interval"),
        ("adjusted_high", "", _F, "upper end of its 95 % interval"),
        ("overlap", "1", _F, "share of the reference ground that the session walked on"),
    ),
)

_LOAD: Final = (
    ("load", "", _S, "none | ankle_weight | band | body_weight | water"),
    ("load_kg", "kg", _F, "weight worn; NaN where none was said"),
    ("deload_cm", "cm", _F, "height of the blanket under the working part; NaN without"),
    ("body_share", "1", _F, "share of the body's weight on the foot; NaN where not said"),
)
_ACTION: Final = ("action", "", _S, "dorsiflexion | plantarflexion | inversion | eversion, or lunge")
_PRACTICE_SOURCE: Final = (
    "angle_source",
    "",
    _S,
    "joint: foot against shank | foot: foot angle, shank assumed still | shank: tilt of the shank | none",
)

PRACTICE_BLOCKS: Final = Table(
    "practice_blocks",
    _columns(
        ("block_id", "", _I, "running number"),
        ("leg", "", _S, "left | right"),
        ("exercise", "", _S, "neutral | swing | rom | hold | lift-off | lunge | balance"),
        ("action", "", _S, "dorsiflexion | plantarflexion | inversion | eversion, empty where it is of none"),
        ("mode", "", _S, "active | assisted"),
        ("position", "", _S, "seated | standing | kneeling"),
        ("eyes", "", _S, "open | closed"),
        *_LOAD,
        ("start_s", "s", _F, "start"),
        ("end_s", "s", _F, "end"),
        _PRACTICE_SOURCE,
        ("reason", "", _S, "why nothing, or less, could be measured; empty when all could"),
    ),
)

PRACTICE_REPS: Final = Table(
    "practice_reps",
    _columns(
        ("rep_id", "", _I, "running number"),
        ("block_id", "", _I, "block it belongs to"),
        ("leg", "", _S, "left | right"),
        _ACTION,
        ("mode", "", _S, "active | assisted"),
        *_LOAD,
        ("start_s", "s", _F, "half way into the movement"),
        ("end_s", "s", _F, "back again"),
        ("plateau_start_s", "s", _F, "movement has ended at the end range; NaN without a plateau"),
        ("plateau_end_s", "s", _F, "movement begins again"),
        (
            "end_range_deg",
            "deg",
            _F,
            "median of the last second of the plateau, + in the action's own direction, against the neutral pose; "
            "where the heel lifted in a lunge, the largest tilt before it did",
        ),
        ("accepted", "", _B, "enters the ranges"),
        ("reject_reason", "", _S, "empty when accepted, else why not"),
        _PRACTICE_SOURCE,
    ),
)

PRACTICE_RANGES: Final = Table(
    "practice_ranges",
    _columns(
        ("leg", "", _S, "left | right"),
        _ACTION,
        *_LOAD,
        _PRACTICE_SOURCE,
        ("active_deg", "deg", _F, "best active end range"),
        ("active_median_deg", "deg", _F, "median active end range: what holds are measured against"),
        ("active_spread_deg", "deg", _F, "largest minus smallest active end range; NaN for one"),
        ("active_n", "1", _I, "accepted active repetitions"),
        ("assisted_deg", "deg", _F, "best assisted end range"),
        ("assisted_median_deg", "deg", _F, "median assisted end range"),
        ("assisted_spread_deg", "deg", _F, "largest minus smallest assisted end range; NaN for one"),
        ("assisted_n", "1", _I, "accepted assisted repetitions"),
        ("gap_deg", "deg", _F, "assisted minus active; can be negative; no score"),
        ("mdc_deg", "deg", _F, "change of the gap (for a lunge: of the range) below which nothing has changed"),
        ("repeat", "", _B, "repetitions differ by more than allowed, or are too few: measure again"),
        ("reason", "", _S, "why to repeat"),
    ),
)

PRACTICE_HOLDS: Final = Table(
    "practice_holds",
    _columns(
        ("hold_id", "", _I, "running number"),
        ("block_id", "", _I, "block it belongs to"),
        ("leg", "", _S, "left | right"),
        _ACTION,
        *_LOAD,
        ("start_s", "s", _F, "movement has ended"),
        ("end_s", "s", _F, "the band of the hold was left for more than 0.5 s, or the data end"),
        ("duration_s", "s", _F, "end_s - start_s; their sum is the time under tension"),
        ("missing_s", "s", _F, "of it not received, in gaps of at most 0.3 s; a longer one ends the hold"),
        ("level_deg", "deg", _F, "median of the first second"),
        ("range_share", "1", _F, "level over today's active end range (the median one)"),
        ("drift_dps", "deg/s", _F, "slope of the angle over the hold; - = sagging"),
        ("dose_deg_s", "deg s", _F, "area of the angle above 80 % of today's active end range"),
        ("tremor_dps", "deg/s", _F, "root mean square of the rate of the action in 4 to 12 Hz"),
        ("end_reason", "", _S, "left the band | gap | block ended"),
        ("supported_deg", "deg", _F, "end range on the support before lift-off; NaN elsewhere"),
        ("lost_deg", "deg", _F, "angle lost at lift-off; NaN elsewhere"),
        ("lost_5s_deg", "deg", _F, "angle lost after 5 s; NaN when the hold was shorter"),
        ("lost_10s_deg", "deg", _F, "angle lost after 10 s; NaN when the hold was shorter"),
        ("lost_20s_deg", "deg", _F, "angle lost after 20 s; NaN when the hold was shorter"),
        (
            "range_source",
            "",
            _S,
            "measured: in this session | given | own: the block's own largest angle",
        ),
        _PRACTICE_SOURCE,
    ),
)

PRACTICE_SWAY: Final = Table(
    "practice_sway",
    _columns(
        ("block_id", "", _I, "block it belongs to"),
        ("leg", "", _S, "left | right"),
        ("segment", "", _S, "foot | shank"),
        ("eyes", "", _S, "open | closed"),
        ("start_s", "s", _F, "longest stretch of standing without a step"),
        ("end_s", "s", _F, "its end"),
        ("duration_s", "s", _F, "end_s - start_s"),
        ("n_steps", "1", _I, "times the foot stepped or touched down in the block"),
        ("rms_deg", "deg", _F, "root mean square of tilt and pitch together about their means"),
        ("path_deg_per_s", "deg/s", _F, "length of the way in the plane of tilt and pitch, per second"),
        ("tilt_range_deg", "deg", _F, "largest minus smallest tilt (side to side)"),
        ("pitch_range_deg", "deg", _F, "largest minus smallest pitch (fore and aft)"),
    ),
)

PRACTICE_COMPENSATIONS: Final = Table(
    "practice_compensations",
    _columns(
        ("block_id", "", _I, "block it belongs to"),
        ("rep_id", "", _I, "repetition, -1 where it belongs to none"),
        ("leg", "", _S, "left | right"),
        ("time_s", "s", _F, "middle of the plateau, or where it was largest"),
        ("kind", "", _S, "shank_moves: swings from the knee | hip_turns: leans sideways | heel_lifts"),
        ("size_deg", "deg", _F, "change against before the repetition; of the heel, against the neutral pose"),
        ("seen_by", "", _S, "foot | shank"),
    ),
)

PRACTICE_TREND: Final = Table(
    "practice_trend",
    _columns(
        ("session_id", "", _S, "session"),
        ("start_utc", "", _S, "start of the session, ISO 8601"),
        ("alias", "", _S, "person"),
        ("leg", "", _S, "left | right"),
        _ACTION,
        ("knee", "", _S, "bent | straight, empty where not said"),
        *_LOAD,
        _PRACTICE_SOURCE,
        ("active_deg", "deg", _F, "best active end range"),
        ("assisted_deg", "deg", _F, "best assisted end range"),
        ("gap_deg", "deg", _F, "assisted minus active"),
        ("mdc_deg", "deg", _F, "change of the gap (for a lunge: of the range) below which nothing has changed"),
        ("repeat", "", _B, "to be measured again"),
        ("holds", "1", _I, "holds"),
        ("tension_s", "s", _F, "time under tension; NaN without a hold"),
        ("longest_s", "s", _F, "longest hold; NaN without one"),
        ("dose_deg_s", "deg s", _F, "dose; NaN without a hold"),
        ("drift_dps", "deg/s", _F, "how fast a hold sags (negative) or rises, median; NaN without one"),
        ("tremor_dps", "deg/s", _F, "tremor of 4 to 12 Hz of a hold, rms, median; NaN without one"),
    ),
)
"""One row per session, leg, action, load and source of the angle."""

PRACTICE_TABLES: Final = (
    PRACTICE_BLOCKS,
    PRACTICE_REPS,
    PRACTICE_RANGES,
    PRACTICE_HOLDS,
    PRACTICE_SWAY,
    PRACTICE_COMPENSATIONS,
)

TABLES: Final = {
    t.name: t
    for t in (
        *(STRIDES, CONTEXT, CURVES, EVENTS, BOUTS, SUMMARY, GAPS, ANGLES, TRACK, TREND, TREND_POINTS),
        *PRACTICE_TABLES,
        PRACTICE_TREND,
    )
}


def make_table(table: Table, columns: Mapping[str, Any]) -> pd.DataFrame:
    """Build a frame with exactly the columns of `table`, in order and in type.

    Parameters
    ----------
    table : Table
    columns : mapping of column name to (n,) values; float columns that are left out become NaN, text columns
        empty, integer columns 0 and boolean columns False

    Raises
    ------
    ValueError
        If a column is unknown.
    """
    import pandas as pd

    unknown = set(columns) - set(table.names)
    if unknown:
        raise ValueError(f"Table {table.name} has no column {', '.join(sorted(unknown))}.")
    n = max((len(values) for values in columns.values()), default=0)
    blank = {_F: float("nan"), _I: 0, _S: "", _B: False}
    data = {c.name: columns.get(c.name, [blank[c.dtype]] * n) for c in table.columns}
    return pd.DataFrame(
        {c.name: pd.Series(data[c.name], dtype=object if c.dtype == _S else c.dtype) for c in table.columns}
    )


def check_columns(frame: pd.DataFrame, table: Table) -> pd.DataFrame:
    """Return `frame` if it has the columns of `table` in order, else raise `ValueError` naming all that differ."""
    missing = [name for name in table.names if name not in frame.columns]
    extra = [name for name in frame.columns if name not in table.names]
    if missing or extra:
        raise ValueError(
            f"Not a {table.name} table: missing {', '.join(missing) or 'nothing'}, "
            f"unexpected {', '.join(map(str, extra)) or 'nothing'}."
        )
    return frame


def dictionary(table: Table) -> list[dict[str, str]]:
    """Column dictionary of a table, as it is written beside each derived file."""
    return [{"name": c.name, "unit": c.unit, "dtype": c.dtype, "meaning": c.meaning} for c in table.columns]
