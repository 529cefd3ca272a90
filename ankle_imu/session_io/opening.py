"""Open a recorded session: the join of reader, decoders and clocks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from ankle_imu import manifest, recording
from ankle_imu.durable import ASIDE
from ankle_imu.errors import RecordingError, UnknownFormatVersion
from ankle_imu.frames import PLACEMENTS
from ankle_imu.library.reviews import read_reviews
from ankle_imu.session_io.calibrated import saved_calibrations
from ankle_imu.session_io.reading import read_sensor
from ankle_imu.session_io.sensors import in_order, with_config
from ankle_imu.session_io.tracks import load_track
from ankle_imu.values import ENDED, EventReview, ImuSeries, Loss, Recording, SensorInfo, SessionInfo


def open_session(path: str | Path) -> Recording:
    """Open a recorded session.

    Parameters
    ----------
    path : str or Path of a session folder, or of one `.mcap` file

    Returns
    -------
    Recording
        Series, losses, markers; damage to the files is told in `warnings` and counted in `loss`. The series are
        as measured; calibrations that the library keeps for these sensors are in `sensor_calibration`, the
        folder's `track.gpx` or `track.fit` in `track`.

    Raises
    ------
    RecordingError
        If there is nothing at `path`, or no sample in it.
    CorruptRecording
        If it is no recording at all.
    UnknownFormatVersion
        If a newer version of the package wrote it.
    StorageError
        If the system does not let it be read.
    """
    path = Path(path)
    return decode_log(path, read_session_log(path))


def read_session_log(path: Path) -> recording.SessionLog:
    """Read what a session holds, undecoded; raises as `open_session` does."""
    return recording.read_log(_parts(path))


def decode_log(path: Path, log: recording.SessionLog) -> Recording:
    """Decode what was read from a session; raises `RecordingError` if there is no sample in it."""
    info, warnings = _session_info(path, log.session)
    warnings += (*log.damage, *_repairs(path))
    series: dict[str, ImuSeries] = {}
    losses: dict[str, Loss] = {}
    end_s = _end(log)
    for placement, streams in _by_placement(log.streams).items():
        if placement not in PLACEMENTS:
            warnings += (f"A stream of the unknown placement {placement!r} was passed over.",)
            continue
        sensor = read_sensor(streams, [e for e in log.events if e.placement == placement], end_s)
        warnings += tuple(f"{placement}: {problem}" for problem in sensor.problems)
        if sensor.series is not None and sensor.loss is not None:
            series[placement], losses[placement] = sensor.series, sensor.loss
    if not series:
        packets = sum(len(stream.packets) for stream in log.streams)
        told = " ".join(warnings)
        raise RecordingError(
            f"{path} holds no samples ({packets} packets were read). {told}".strip(), path=str(path)
        )
    info = _with_sensors(info, log, series)
    calibrations, doubts = saved_calibrations(path, info)
    track, odd = load_track(path)
    reviews, spoilt = _reviews(path)
    return Recording(
        series=in_order(series),
        session=info,
        loss=in_order(losses),
        markers=log.markers,
        sensor_calibration=calibrations,
        track=track,
        warnings=(*warnings, *doubts, *odd, *spoilt),
        reviews=reviews,
    )


def _reviews(path: Path) -> tuple[tuple[EventReview, ...], tuple[str, ...]]:
    """What the person said of the events, and a word where that cannot be read."""
    try:
        return read_reviews(path), ()
    except RecordingError as error:
        return (), (str(error),)


def _repairs(path: Path) -> tuple[str, ...]:
    parts = recording.repaired_parts(path)
    if not parts:
        return ()
    return (
        f"This recording was repaired ({', '.join(parts)}): it was cut off or damaged, and its last moments may "
        "be missing.",
    )


def _parts(path: Path) -> list[Path]:
    if not path.exists():
        raise RecordingError(f"There is no session at {path}.", path=str(path))
    if path.name.startswith(ASIDE):
        raise RecordingError(
            f"{path} was never finished: writing was interrupted. Save or import it again and delete it.",
            path=str(path),
        )
    parts = recording.part_paths(path)
    if not parts and (path / manifest.FILE_NAME).exists():
        raise RecordingError(
            f"{path} has a {manifest.FILE_NAME} but no raw/part-0001.mcap: it ended before the first packet came.",
            path=str(path),
        )
    if not parts:
        raise RecordingError(
            f"{path} is no session folder: it has neither {manifest.FILE_NAME} nor raw/part-0001.mcap.",
            path=str(path),
        )
    return parts


def _session_info(path: Path, copy: str) -> tuple[SessionInfo, tuple[str, ...]]:
    """`session.toml` of the folder; where it is missing or spoilt, the copy made when recording began."""
    problem = ""
    if path.is_dir():
        try:
            info = recording.read_session_info(path)
            return replace(info, session_id=info.session_id or path.name), ()
        except UnknownFormatVersion:
            raise
        except RecordingError as error:
            problem = f"{error} The copy inside the recording is used instead."
    try:
        info = manifest.from_toml(copy) if copy else SessionInfo()
    except UnknownFormatVersion:
        raise
    except RecordingError:
        info = SessionInfo()
    return info, (problem,) if problem else ()


def _by_placement(streams: Iterable[recording.Stream]) -> dict[str, list[recording.Stream]]:
    found: dict[str, list[recording.Stream]] = {}
    for stream in streams:
        found.setdefault(stream.placement, []).append(stream)
    return found


def _end(log: recording.SessionLog) -> float:
    """Session time, s, when recording ended; of the last thing that was recorded where it does not say."""
    told = [event.time_s for event in log.events if event.event == ENDED]
    if told:
        return min(told)
    arrivals = [stream.packets[-1][0] for stream in log.streams if stream.packets]
    return max([*arrivals, *(event.time_s for event in log.events)], default=0.0)


def _with_sensors(info: SessionInfo, log: recording.SessionLog, series: Mapping[str, ImuSeries]) -> SessionInfo:
    """`info` with what the channels tell about sensors that the manifest leaves open."""
    sensors = dict(info.sensors)
    for stream in log.streams:
        if stream.placement in series:
            known = sensors.get(stream.placement, SensorInfo(placement=stream.placement))
            sensors[stream.placement] = with_config(known, stream.protocol, stream.config)
    started = datetime.fromtimestamp(log.start_ns / 1e9, tz=UTC)
    return replace(
        info,
        sensors=in_order(sensors),
        started_utc=info.started_utc or (manifest.format_utc(started) if log.start_ns else ""),
    )
