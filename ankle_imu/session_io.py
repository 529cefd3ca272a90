"""Sessions between disk and memory: open a recorded one, save one that came as arrays or from the simulator.

The join of reader, decoders and clocks: packets -> samples -> grid -> series, with every loss counted.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, TypeVar

import numpy as np

from ankle_imu import library, manifest, recording, timing
from ankle_imu.decode import Samples, build_series, decode_packets, find_clipped
from ankle_imu.durable import ASIDE, whole_folder
from ankle_imu.errors import RecordingError, UnknownFormatVersion
from ankle_imu.frames import PLACEMENTS
from ankle_imu.values import ImuSeries, Loss, Marker, Recording, SensorInfo, SessionInfo
from ankle_imu.wire import ankle, import_rows
from ankle_imu.wire.catalog import IMPORT_PREFIX

ACC_RANGE_G: Final = 16.0
GYR_RANGE_DPS: Final = 2000.0
"""Full scale of simulated sensors: what common 6-axis parts reach."""

T = TypeVar("T")

Channels = Mapping[str, tuple[str, Mapping[str, Any]]]
"""placement -> (protocol, config)"""


def open_session(path: str | Path) -> Recording:
    """Open a recorded session.

    Parameters
    ----------
    path : str or Path of a session folder, or of one `.mcap` file

    Returns
    -------
    Recording
        Series, losses, markers; damage to the files is told in `warnings` and counted in `loss`.

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
    parts = _parts(path)
    log = recording.read_log(parts)
    info, warnings = _session_info(path, log.session)
    warnings += log.damage
    series: dict[str, ImuSeries] = {}
    losses: dict[str, Loss] = {}
    for stream in log.streams:
        problem = _add_stream(stream, info, series, losses)
        warnings += (problem,) if problem else ()
    if not series:
        packets = sum(len(stream.packets) for stream in log.streams)
        told = " ".join(warnings)
        raise RecordingError(
            f"{path} holds no samples ({packets} packets were read). {told}".strip(), path=str(path)
        )
    return Recording(
        series=_in_order(series),
        session=_with_sensors(info, log, series),
        loss=_in_order(losses),
        markers=log.markers,
        warnings=warnings,
    )


def save_recording(
    rec: Recording,
    root: str | Path,
    *,
    info: SessionInfo | None = None,
    import_format: str = "arrays",
    originals: Iterable[str | Path] = (),
) -> Path:
    """Save a recording that was not made by the recorder as a session of a library.

    Parameters
    ----------
    rec : Recording
    root : str or Path of the library
    info : SessionInfo; `rec.session` when None. An empty `alias` becomes the library's own, an empty
        `started_utc` the present
    import_format : str, name of the format the rows came from
    originals : files that are kept untouched in `raw/`

    Returns
    -------
    Path
        The new session folder; it appears only when all of it is written.

    Raises
    ------
    StorageError
        If the disk refuses.
    """
    protocol = f"{IMPORT_PREFIX}{import_format}"
    channels: Channels = {placement: (protocol, {}) for placement in rec.series}
    packets = [
        (placement, arrival, payload)
        for placement, s in rec.series.items()
        for arrival, payload in import_rows.encode(s.time, s.acc, s.gyr)
    ]
    return record_packets(
        root,
        info or rec.session,
        channels,
        sorted(packets, key=lambda packet: packet[1]),
        markers=rec.markers,
        originals=originals,
    )


def save_simulation(rec: Recording, root: str | Path, *, info: SessionInfo | None = None) -> Path:
    """Send a simulated recording through packets and the real recorder.

    Parameters
    ----------
    rec : Recording; NaN rows become packets that were never received
    root : str or Path of the library
    info : SessionInfo, as for `save_recording`

    Returns
    -------
    Path
        The new session folder.

    Raises
    ------
    StorageError
        If the disk refuses.

    Notes
    -----
    16-bit counts at +-16 g and +-2000 deg/s: values beyond are clipped, as in a real sensor.
    """
    channels: Channels = {placement: ("ankle", _simulated_config(s)) for placement, s in rec.series.items()}
    packets = [
        (placement, arrival, payload)
        for placement, s in rec.series.items()
        for arrival, payload in _simulated_packets(s)
    ]
    ordered = sorted(packets, key=lambda packet: packet[1])
    return record_packets(root, info or rec.session, channels, ordered, markers=rec.markers)


def record_packets(
    root: str | Path,
    info: SessionInfo,
    channels: Channels,
    packets: Iterable[tuple[str, float, bytes]],
    *,
    markers: Iterable[Marker] = (),
    originals: Iterable[str | Path] = (),
) -> Path:
    """Write packets through the recorder into a new session of a library.

    Parameters
    ----------
    root : str or Path of the library
    info : SessionInfo, completed by alias, start, id and sensors where they are missing
    channels : mapping of placement to (protocol, config)
    packets : iterable of (placement, arrival in s from session start, payload)
    markers : iterable of Marker
    originals : files that are kept in `raw/`

    Returns
    -------
    Path
        The new session folder; it appears only when all of it is written.

    Raises
    ------
    StorageError
        If the disk refuses.
    """
    kept = [_existing(Path(original)) for original in originals]
    info = _complete(info, channels)
    started = manifest.parse_utc(info.started_utc)
    target = library.session_folder(root, info.alias, started, session_id=info.session_id)
    with whole_folder(target) as folder:
        recording.write_session_info(folder, info)
        start_ns = round(started.timestamp() * 1e6) * 1000
        with recording.RecordingWriter(folder, start_ns=start_ns, session=manifest.to_toml(info)) as writer:
            numbers = {p: writer.open_sensor(p, protocol, config) for p, (protocol, config) in channels.items()}
            for placement, arrival, payload in packets:
                writer.append(numbers[placement], arrival, payload)
            for marker in markers:
                writer.mark(marker.time_s, marker.text, marker.leg)
        for original in kept:
            shutil.copy2(original, _free_name(folder / "raw", original.name))
    return target


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


def _add_stream(
    stream: recording.Stream, info: SessionInfo, series: dict[str, ImuSeries], losses: dict[str, Loss]
) -> str:
    """Decode one stream into `series` and `losses`; a sentence when it cannot be used."""
    if stream.placement not in PLACEMENTS:
        return f"A stream of the unknown placement {stream.placement!r} was passed over."
    try:
        samples = decode_packets(stream.protocol, stream.packets, stream.config)
    except ValueError as error:
        return f"{stream.placement}: {error}"
    if samples is None or len(samples) == 0:
        told = ", ".join(f"{n} {reason}" for reason, n in (samples.errors if samples else {}).items())
        return f"{stream.placement}: no samples in {len(stream.packets)} packets ({told or 'none came'})."
    try:
        grid = _grid(stream.protocol, samples)
    except ValueError as error:
        return f"{stream.placement}: {error}"
    one = build_series(samples, grid.time, grid.source, grid.sampling_rate)
    if stream.placement in series and len(one.time) <= len(series[stream.placement].time):
        return f"{stream.placement}: a second, shorter stream of {one.duration:.1f} s was passed over."
    series[stream.placement] = one
    losses[stream.placement] = _loss(stream, samples, grid, one)
    return ""


def _grid(protocol: str, samples: Samples) -> timing.SampleGrid:
    if protocol.startswith(IMPORT_PREFIX):
        order = np.argsort(samples.sequence, kind="stable")
        grid = timing.place_times(samples.ticks[order])
        return replace(grid, source=np.where(grid.source < 0, -1, order[grid.source]))
    return timing.place_samples(
        samples.ticks, samples.arrival, samples.sequence, tick_s=samples.tick_s, tick_wrap=samples.tick_wrap
    )


def _loss(stream: recording.Stream, samples: Samples, grid: timing.SampleGrid, series: ImuSeries) -> Loss:
    reasons = {f"{reason} packets": n for reason, n in samples.errors.items()}
    reasons |= {
        "packets damaged on disk": stream.lost_packets,
        "duplicate samples": grid.duplicates,
        "samples whose count contradicts their clock": grid.misplaced,
        "sensor restarts": grid.restarts,
    }
    acc_range, gyr_range = (float(stream.config.get(n, float("nan"))) for n in ("acc_range_g", "gyr_range_dps"))
    received = int(series.is_valid.sum())
    return Loss(
        expected=len(series.time),
        received=received,
        lost=len(series.time) - received,
        healed=grid.healed,
        clipped=int(find_clipped(series.acc, series.gyr, acc_range, gyr_range).sum()),
        true_rate_hz=grid.sampling_rate,
        clock_ppm=grid.clock.ppm if grid.clock else float("nan"),
        clock_residual_s=grid.clock.residual if grid.clock else float("nan"),
        reasons={reason: n for reason, n in reasons.items() if n},
    )


def _with_sensors(info: SessionInfo, log: recording.SessionLog, series: Mapping[str, ImuSeries]) -> SessionInfo:
    """`info` with what the channels tell about sensors that the manifest leaves open."""
    sensors = dict(info.sensors)
    for stream in log.streams:
        if stream.placement in series:
            known = sensors.get(stream.placement, SensorInfo(placement=stream.placement))
            sensors[stream.placement] = _with_config(known, stream.protocol, stream.config)
    started = datetime.fromtimestamp(log.start_ns / 1e9, tz=UTC)
    return replace(
        info,
        sensors=_in_order(sensors),
        started_utc=info.started_utc or (manifest.format_utc(started) if log.start_ns else ""),
    )


def _with_config(sensor: SensorInfo, protocol: str, config: Mapping[str, Any]) -> SensorInfo:
    numbers: dict[str, Any] = {
        name: float(config[name])
        for name in ("nominal_rate_hz", "acc_range_g", "gyr_range_dps")
        if name in config and np.isnan(getattr(sensor, name))
    }
    return replace(sensor, protocol=sensor.protocol or protocol, **numbers)


def _complete(info: SessionInfo, channels: Channels) -> SessionInfo:
    now = datetime.now(UTC).replace(microsecond=0)
    started = manifest.parse_utc(info.started_utc) if info.started_utc else now
    sensors = {
        placement: _with_config(info.sensors.get(placement, SensorInfo(placement=placement)), protocol, config)
        for placement, (protocol, config) in channels.items()
    }
    return replace(
        info,
        alias=manifest.check_alias(info.alias or library.default_alias()),
        started_utc=manifest.format_utc(started),
        session_id=info.session_id or manifest.new_session_id(started),
        sensors=_in_order(sensors),
    )


def _in_order(by_placement: Mapping[str, T]) -> dict[str, T]:
    return {placement: by_placement[placement] for placement in PLACEMENTS if placement in by_placement}


def _simulated_packets(series: ImuSeries) -> list[tuple[float, bytes]]:
    return ankle.encode(series.time, series.acc, series.gyr, acc_range_g=ACC_RANGE_G, gyr_range_dps=GYR_RANGE_DPS)


def _simulated_config(series: ImuSeries) -> dict[str, float]:
    return {
        "acc_range_g": ACC_RANGE_G,
        "gyr_range_dps": GYR_RANGE_DPS,
        "nominal_rate_hz": round(series.sampling_rate, 3),
    }


def _existing(path: Path) -> Path:
    if not path.is_file():
        raise RecordingError(f"There is no file {path}.", path=str(path))
    return path


def _free_name(folder: Path, name: str) -> Path:
    path, n = folder / name, 1
    while path.exists():
        path, n = folder / f"{n}-{name}", n + 1
    return path
