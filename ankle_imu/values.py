"""The values that travel through the house: series, recordings, calibrations, results.

Frozen, keyword-only, built whole. Arrays inside are read-only float64 in SI units.
"""

from __future__ import annotations

import copyreg
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ankle_imu import frames, tables
from ankle_imu.track import Track

if TYPE_CHECKING:
    import pandas as pd

    from ankle_imu.settings import Settings

Array = NDArray[np.float64]


def _read_only_mapping(content: dict[str, Any]) -> MappingProxyType[str, Any]:
    return MappingProxyType(content)


# Read-only mappings travel to other processes as what they hold.
copyreg.pickle(MappingProxyType, lambda proxy: (_read_only_mapping, (dict(proxy),)))


def _read_only(values: ArrayLike) -> Array:
    """A copy nobody can write to; an array of its own that is read-only already is kept."""
    if isinstance(values, np.ndarray) and values.base is None and not values.flags.writeable:
        return np.asarray(values, dtype=np.float64)
    array = np.array(values, dtype=np.float64)
    array.setflags(write=False)
    return array


@dataclass(frozen=True, kw_only=True, eq=False)
class ImuSeries:
    """One sensor's stream: a sample is `time[i], acc[i], gyr[i]`; a gap is a run of NaN rows.

    Parameters
    ----------
    time : (n,) float array, s from session start, strictly increasing
    acc : (n, 3) float array, m/s^2 including gravity, sensor frame
    gyr : (n, 3) float array, rad/s, sensor frame
    sampling_rate : float, Hz, as measured from `time`
    """

    time: Array
    acc: Array
    gyr: Array
    sampling_rate: float

    def __post_init__(self) -> None:
        for name in ("time", "acc", "gyr"):
            object.__setattr__(self, name, _read_only(getattr(self, name)))
        n = len(self.time)
        if self.time.shape != (n,) or self.acc.shape != (n, 3) or self.gyr.shape != (n, 3):
            raise ValueError(
                f"Found time {self.time.shape}, acc {self.acc.shape}, gyr {self.gyr.shape}; "
                "expected (n,), (n, 3), (n, 3) with one n."
            )
        if not (np.isfinite(self.sampling_rate) and self.sampling_rate > 0):
            raise ValueError(f"sampling_rate must be a positive number of Hz, found {self.sampling_rate!r}.")

    @property
    def duration(self) -> float:
        """Length in s: n sampling intervals, gaps included; 0 for an empty series."""
        if len(self.time) == 0:
            return 0.0
        return float(self.time[-1] - self.time[0]) + 1.0 / self.sampling_rate

    @property
    def is_valid(self) -> NDArray[np.bool_]:
        """(n,) True where both acc and gyr are finite."""
        return np.asarray(np.isfinite(self.acc @ np.ones(3)) & np.isfinite(self.gyr @ np.ones(3)))

    def __repr__(self) -> str:
        return f"ImuSeries({len(self.time)} samples, {self.duration:.1f} s, {self.sampling_rate:.4g} Hz)"


@dataclass(frozen=True, kw_only=True)
class SensorInfo:
    """What is known of one sensor in one session; "" and NaN where unknown."""

    placement: str
    serial: str = ""
    model: str = ""
    mount_site: str = ""
    protocol: str = ""
    firmware: str = ""
    nominal_rate_hz: float = float("nan")
    acc_range_g: float = float("nan")
    gyr_range_dps: float = float("nan")

    def __post_init__(self) -> None:
        frames.check_placement(self.placement)
        sites = frames.MOUNT_SITES[frames.segment_of(self.placement)]
        if self.mount_site and self.mount_site not in sites:
            raise ValueError(
                f"Unknown mount site {self.mount_site!r} for {self.placement}; expected one of {', '.join(sites)}."
            )


@dataclass(frozen=True, kw_only=True)
class Marker:
    """A word said during the walk."""

    time_s: float
    text: str
    leg: str = ""


@dataclass(frozen=True, kw_only=True)
class SessionInfo:
    """The human side of a session, as `session.toml` holds it."""

    session_id: str = ""
    alias: str = ""
    kind: str = "walk"
    started_utc: str = ""
    sensors: Mapping[str, SensorInfo] = field(default_factory=dict)
    load_kg: Mapping[str, float] = field(default_factory=dict)
    footwear: str = ""
    brace: str = ""
    surface: str = ""
    tags: tuple[str, ...] = ()
    note: str = ""
    consent: str = ""
    affected_leg: str = ""
    importer: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "sensors", MappingProxyType(dict(self.sensors)))
        object.__setattr__(self, "load_kg", MappingProxyType(dict(self.load_kg)))


ABSENT: Final = "absent"
"""Event of a sensor that was wanted and never came; `text` says why."""

ENDED: Final = "ended"
"""Event of no sensor: from here on nothing more was wanted of any."""


@dataclass(frozen=True, kw_only=True)
class LinkEvent:
    """What the recorder saw happen to one sensor's link.

    `event` is one word (`connected`, `lost`, `silent`, `restarted`, `battery`, ...), `text` what a person reads.
    """

    time_s: float
    placement: str
    event: str
    text: str = ""


@dataclass(frozen=True, kw_only=True)
class Gap:
    """A span of missing samples.

    `start_s` is the last good sample before it, `end_s` the first good one after it; `samples` how many are
    missing; `reason` is `link lost`, `sensor restarted`, `sensor silent`, `packets lost`,
    `overrun in the sensor` or `damaged on disk`.
    """

    start_s: float
    end_s: float
    samples: int
    reason: str


@dataclass(frozen=True, kw_only=True)
class Loss:
    """The loss ledger of one sensor: every sample that should have come, and what became of it.

    `expected` = `received` + `lost`. `healed` samples came after a later one and filled a hole. `gaps` names every
    span that is still missing; `reasons` counts what else was odd.
    """

    expected: int
    received: int
    lost: int
    healed: int = 0
    clipped: int = 0
    true_rate_hz: float = float("nan")
    clock_ppm: float = float("nan")
    clock_residual_s: float = float("nan")
    reasons: Mapping[str, int] = field(default_factory=dict)
    gaps: tuple[Gap, ...] = ()


@dataclass(frozen=True, kw_only=True, eq=False)
class Alignment:
    """How one sensor sits on its segment, and how well that is known.

    Parameters
    ----------
    segment_from_sensor : (3, 3) float array, right-leg segment frame from (mirrored) sensor frame
    sigma_yaw_deg : float, deg, stated 1-sigma of the rotation about the segment's long (z) axis
    method : str, e.g. `standing + toe taps`
    verdict : str, `good` | `fair` | `doubtful` | `failed`
    reason : str, in words a walker understands
    """

    segment_from_sensor: Array
    sigma_yaw_deg: float
    method: str
    verdict: str
    reason: str = ""

    def __post_init__(self) -> None:
        matrix = _read_only(self.segment_from_sensor)
        if matrix.shape != (3, 3) or not np.allclose(matrix @ matrix.T, np.eye(3), atol=1e-6):
            raise ValueError("segment_from_sensor must be a (3, 3) rotation matrix.")
        if np.linalg.det(matrix) < 0:
            raise ValueError("segment_from_sensor must be right-handed (determinant +1), found a reflection.")
        object.__setattr__(self, "segment_from_sensor", matrix)


VERDICTS = ("none", "real", "false", "painful")
"""What a person may say of an event."""


@dataclass(frozen=True, kw_only=True)
class EventReview:
    """What a person said of an event: which leg, when (s from session start), verdict and note.

    Parameters
    ----------
    leg : `left` | `right`, "" for a marker of the whole session
    time_s : float, s, of the event as it was found then
    verdict : one of `VERDICTS`
    note : str
    kind, peak_deg, peak_dps, angle_source : the event as it was found then (columns of `tables.EVENTS`), so that
        what was learned from the answer outlives the event; "" and None where that was not kept
    """

    leg: str
    time_s: float
    verdict: str
    note: str = ""
    kind: str = ""
    peak_deg: float | None = None
    peak_dps: float | None = None
    angle_source: str = ""

    def __post_init__(self) -> None:
        if self.verdict not in VERDICTS:
            raise ValueError(f"verdict is {self.verdict!r}; expected one of {', '.join(VERDICTS)}.")
        if self.leg not in ("", *frames.LEGS):
            raise ValueError(f"leg is {self.leg!r}; expected left, right or nothing.")
        if not np.isfinite(self.time_s):
            raise ValueError(f"time_s is {self.time_s!r}; expected seconds from session start.")
        for name, unit in (("peak_deg", "deg"), ("peak_dps", "deg/s")):
            value = getattr(self, name)
            if value is not None and not np.isfinite(value):
                raise ValueError(f"{name} is {value!r}; expected a number of {unit}, or nothing.")


@dataclass(frozen=True, kw_only=True, eq=False)
class SensorCalibration:
    """What one sensor's readings are off by, and where that is known from.

    Parameters
    ----------
    serial : str, of the sensor
    made_utc : str, ISO 8601
    acc_offset : (3,) float array, m/s^2, sensor frame
    acc_matrix : (3, 3) float array; true acc = acc_matrix (read acc - acc_offset)
    gyr_bias : (3,) float array, rad/s
    residual : float, m/s^2, what gravity's length is still off by per spare pose; NaN without a spare one
    n_poses : int, poses it was found from
    mount_site : str, where the sensor was worn then, "" when not said
    temperature_c : float, degrees Celsius of the sensor, NaN when it did not tell
    """

    serial: str
    made_utc: str
    acc_offset: Array
    acc_matrix: Array
    gyr_bias: Array
    residual: float
    n_poses: int
    mount_site: str = ""
    temperature_c: float = float("nan")

    def __post_init__(self) -> None:
        for name, shape in (("acc_offset", (3,)), ("acc_matrix", (3, 3)), ("gyr_bias", (3,))):
            array = _read_only(getattr(self, name))
            if array.shape != shape or not np.isfinite(array).all():
                raise ValueError(f"{name} must be finite and of shape {shape}, found {array.shape}.")
            object.__setattr__(self, name, array)

    @property
    def calibration_id(self) -> str:
        """Serial number and instant, which name it in results."""
        return f"{self.serial} {self.made_utc}"


@dataclass(frozen=True, kw_only=True, eq=False)
class Recording:
    """A session in memory: one series per sensor, and what is known about them.

    `series` maps placement to `ImuSeries`; all times share one zero, the session start. `loss` maps placement
    to `Loss`; `calibration` maps placement to a known `Alignment` and replaces its estimation.
    `sensor_calibration` maps placement to what the analysis corrects; the series stay as measured. `track` is
    where a watch or phone was meanwhile, by its own clock; `reviews` are the person's answers about events.
    """

    series: Mapping[str, ImuSeries]
    session: SessionInfo = field(default_factory=SessionInfo)
    loss: Mapping[str, Loss] = field(default_factory=dict)
    markers: tuple[Marker, ...] = ()
    calibration: Mapping[str, Alignment] | None = None
    sensor_calibration: Mapping[str, SensorCalibration] = field(default_factory=dict)
    track: Track | None = None
    warnings: tuple[str, ...] = ()
    reviews: tuple[EventReview, ...] = ()

    def __post_init__(self) -> None:
        for placement in self.series:
            frames.check_placement(placement)
        for placement, known in (self.calibration or {}).items():
            frames.check_placement(placement)
            if not isinstance(known, Alignment):
                raise TypeError(f"calibration of {placement} must be an Alignment, found {type(known).__name__}.")
        for name in ("series", "loss", "sensor_calibration"):
            object.__setattr__(self, name, MappingProxyType(dict(getattr(self, name))))

    def __repr__(self) -> str:
        sensors = ", ".join(f"{placement} {s.sampling_rate:.4g} Hz" for placement, s in self.series.items())
        return f"Recording({self.duration:.1f} s: {sensors or 'no sensor'})"

    @property
    def duration(self) -> float:
        """Seconds from session start to the last sample of any sensor."""
        return max(
            (float(s.time[-1]) + 1 / s.sampling_rate for s in self.series.values() if len(s.time)),
            default=0.0,
        )

    @classmethod
    def from_arrays(
        cls,
        sampling_rate: float | None,
        sensors: Mapping[str, tuple[ArrayLike, ArrayLike]],
        time: Mapping[str, ArrayLike] | None = None,
        calibration: Mapping[str, Alignment] | None = None,
    ) -> Recording:
        """Make a recording from plain arrays.

        Parameters
        ----------
        sampling_rate : float, Hz; may be None when `time` is given for every sensor
        sensors : mapping of placement to (acc, gyr); acc (n, 3) m/s^2 including gravity, gyr (n, 3) rad/s, both
            in the sensor's own frame
        time : mapping of placement to (n,) s, strictly increasing; overrides `sampling_rate` where given
        calibration : mapping of placement to `Alignment`; None means it is estimated from the data

        Returns
        -------
        Recording

        Raises
        ------
        ValueError
            If a placement is unknown, arrays are empty, have one sample or the wrong shape, differ in length,
            hold infinite values, or times do not increase.

        Notes
        -----
        Rows with a NaN are gaps: the whole row becomes NaN and is counted as lost.

        Examples
        --------
        >>> import numpy as np
        >>> acc, gyr = np.tile([0.0, 0.0, 9.81], (208, 1)), np.zeros((208, 3))
        >>> Recording.from_arrays(208.0, {"left_foot": (acc, gyr)}).series["left_foot"]
        ImuSeries(208 samples, 1.0 s, 208 Hz)
        """
        if not isinstance(sensors, Mapping) or not sensors:
            raise ValueError("No sensors given; expected a mapping of placement to (acc, gyr), at least one.")
        if time is not None and not isinstance(time, Mapping):
            raise ValueError("time must be a mapping of placement to (n,) seconds, one entry per sensor.")
        if calibration is not None and not isinstance(calibration, Mapping):
            raise ValueError("calibration must be a mapping of placement to Alignment.")
        times = dict(time or {})
        unused = set(times) - set(sensors)
        if unused:
            raise ValueError(f"time is given for {', '.join(sorted(unused))}, which is not among the sensors.")
        series = {p: _series(p, pair, times.get(p), sampling_rate) for p, pair in sensors.items()}
        lengths = {p: len(s.time) for p, s in series.items() if p not in times}
        if len(set(lengths.values())) > 1:
            found = ", ".join(f"{p} {n}" for p, n in lengths.items())
            raise ValueError(
                f"Sensors differ in length ({found} samples), so they cannot share one clock; "
                "cut them to one length or give each its own time."
            )
        series, started, warnings = _from_epoch(series)
        return cls(
            series=series,
            loss={p: _loss(s) for p, s in series.items()},
            calibration=calibration,
            session=SessionInfo(started_utc=started),
            warnings=warnings,
        )


EPOCH_S = 1e8
"""Times beyond this (three years) are no seconds from session start but Unix time."""


def _from_epoch(series: dict[str, ImuSeries]) -> tuple[dict[str, ImuSeries], str, tuple[str, ...]]:
    """Series in seconds from session start, the start as UTC where the times were Unix times, and a word on it."""
    start = min(float(s.time[0]) for s in series.values())
    if not EPOCH_S < start < 1e11:
        return series, "", ()
    started = datetime.fromtimestamp(start, tz=UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    moved = {p: replace(s, time=s.time - start) for p, s in series.items()}
    return moved, started, (f"times are Unix times; the session starts at {started}",)


def _series(
    placement: str, pair: tuple[ArrayLike, ArrayLike], time: ArrayLike | None, sampling_rate: float | None
) -> ImuSeries:
    frames.check_placement(placement)
    try:
        acc, gyr = (_numbers(a) for a in pair)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{placement}: expected a pair (acc, gyr) of (n, 3) number arrays.") from error
    if acc.ndim != 2 or gyr.ndim != 2 or acc.shape[1] != 3 or gyr.shape[1] != 3:
        raise ValueError(
            f"{placement}: found acc {acc.shape} and gyr {gyr.shape}; "
            "expected (n, 3) and (n, 3), one row per sample."
        )
    if len(acc) != len(gyr):
        raise ValueError(f"{placement}: acc has {len(acc)} rows and gyr {len(gyr)}; expected as many.")
    if len(acc) < 2:
        raise ValueError(f"{placement}: found {len(acc)} sample(s); expected at least 2.")
    if np.isinf(acc).any() or np.isinf(gyr).any():
        raise ValueError(f"{placement}: found infinite values; mark lost samples as NaN rows instead.")
    largest = max(np.nanmax(np.abs(a), initial=0.0) for a in (acc, gyr))
    if largest > LARGEST:
        raise ValueError(
            f"{placement}: found a value of {largest:.3g}; no sensor reads beyond {LARGEST:.0e} SI units."
        )
    lost = ~(np.isfinite(acc).all(axis=1) & np.isfinite(gyr).all(axis=1))
    acc[lost] = np.nan
    gyr[lost] = np.nan
    if time is None:
        if not _is_positive(sampling_rate):
            raise ValueError(f"sampling_rate must be a positive number of Hz, found {sampling_rate!r}.")
        t = np.arange(len(acc)) / float(sampling_rate or 0.0)
        return ImuSeries(time=t, acc=acc, gyr=gyr, sampling_rate=float(sampling_rate or 0.0))
    if np.asarray(time).dtype.kind not in "iuf":
        raise ValueError(f"{placement}: time must be numbers of seconds, found {np.asarray(time).dtype}.")
    t = np.asarray(time, dtype=np.float64)
    if t.shape != (len(acc),):
        raise ValueError(f"{placement}: time has shape {t.shape}; expected ({len(acc)},).")
    if not np.isfinite(t).all():
        raise ValueError(f"{placement}: time has non-finite values; every row needs its time, lost samples too.")
    steps = np.diff(t)
    if not (steps > 0).all():
        at = int(np.argmin(steps > 0))
        raise ValueError(
            f"{placement}: time does not increase at row {at + 1} ({t[at]:.6g} s, then {t[at + 1]:.6g} s); "
            "sort the rows and drop duplicates."
        )
    return ImuSeries(time=t, acc=acc, gyr=gyr, sampling_rate=1.0 / float(np.median(steps)))


def _is_positive(value: object) -> bool:
    return isinstance(value, int | float | np.number) and bool(np.isfinite(value)) and bool(value > 0)


LARGEST = 1e7
"""Beyond this no unit explains a reading: a million g, or the raw counts of a 24-bit converter."""


def _numbers(values: ArrayLike) -> Array:
    """A float copy of real numbers; masked entries become NaN."""
    array: Any = np.ma.asarray(values)
    if array.dtype.kind not in "iufb":
        raise TypeError(f"found {array.dtype}")
    return np.array(np.ma.filled(array.astype(np.float64), np.nan))


def _loss(series: ImuSeries) -> Loss:
    received = int(series.is_valid.sum())
    span = series.time[-1] - series.time[0]
    expected = max(len(series.time), round(span * series.sampling_rate) + 1)
    return Loss(expected=expected, received=received, lost=expected - received, true_rate_hz=series.sampling_rate)


@dataclass(frozen=True, kw_only=True, eq=False)
class SessionResult:
    """Everything the analysis says about one session.

    `angles`, `strides`, `context`, `events`, `bouts`, `summary`, `track`, `curves` are tables of `tables.py`;
    `quality` is the ledger of what is known about the data: sensors, gaps (a table), alignment, sync,
    unmeasurable, warnings. `curves` is empty in results of versions that did not have it.
    """

    angles: pd.DataFrame
    strides: pd.DataFrame
    context: pd.DataFrame
    events: pd.DataFrame
    bouts: pd.DataFrame
    summary: pd.DataFrame
    track: pd.DataFrame
    quality: Mapping[str, Any]
    settings: Settings
    session: SessionInfo
    version: str
    duration_s: float
    sampling_rate: float
    curves: pd.DataFrame = field(default_factory=lambda: tables.make_table(tables.CURVES, {}))

    def __repr__(self) -> str:
        name = f"{self.session.session_id}, " if self.session.session_id else ""
        usable, events = int(self.strides["accepted"].sum()), len(self.events)
        told = f"{usable} of {len(self.strides)} strides usable, {events} event{'s' if events != 1 else ''}"
        return f"SessionResult({name}{self.duration_s:.1f} s: {told})"
