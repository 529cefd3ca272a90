"""Save a session that came as arrays or from the simulator, through the recorder."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from ankle_imu import library, manifest, recording
from ankle_imu.durable import whole_folder
from ankle_imu.errors import RecordingError
from ankle_imu.session_io.sensors import in_order, with_config
from ankle_imu.values import ImuSeries, Marker, Recording, SensorInfo, SessionInfo
from ankle_imu.wire import ankle, import_rows
from ankle_imu.wire.catalog import IMPORT_PREFIX

ACC_RANGE_G: Final = 16.0
GYR_RANGE_DPS: Final = 2000.0
"""Full scale of simulated sensors: what common 6-axis parts reach."""

Channels = Mapping[str, tuple[str, Mapping[str, Any]]]
"""placement -> (protocol, config)"""


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
            for original in kept:  # before the writer closes, which writes the sums of all raw files
                shutil.copy2(original, _free_name(folder / "raw", original.name))
    return target


def _complete(info: SessionInfo, channels: Channels) -> SessionInfo:
    now = datetime.now(UTC).replace(microsecond=0)
    started = manifest.parse_utc(info.started_utc) if info.started_utc else now
    sensors = {
        placement: with_config(info.sensors.get(placement, SensorInfo(placement=placement)), protocol, config)
        for placement, (protocol, config) in channels.items()
    }
    return replace(
        info,
        alias=manifest.check_alias(info.alias or library.default_alias()),
        started_utc=manifest.format_utc(started),
        session_id=info.session_id or manifest.new_session_id(started),
        sensors=in_order(sensors),
    )


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
