"""Zip (or unpacked folder) of the Sensor Logger phone app, iOS and Android.

`TotalAcceleration.csv` holds gravity, `Accelerometer.csv` does not and needs `Gravity.csv`; all in m/s^2;
`Gyroscope.csv` in rad/s; columns `time` (ns since 1970 UTC), `seconds_elapsed`, `z`, `y`, `x`. On iOS acceleration
and gravity have the opposite sign (a phone lying on its back reads -9.81 on z) unless "Standardise Units & Frames"
was on; `Metadata.csv` tells both.

References
----------
Sensor Logger documentation, UNITS, COORDINATES and CROSSPLATFORM (github tszheichoi/awesome-sensor-logger).
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ankle_imu import frames
from ankle_imu.errors import CorruptRecording, RecordingError
from ankle_imu.interchange.bytes_of import open_zip
from ankle_imu.interchange.imported import Imported, utc_text_from_epoch
from ankle_imu.interchange.joining import onto
from ankle_imu.interchange.text_table import decode, parse_table
from ankle_imu.interchange.timeline import describe, lay_out
from ankle_imu.values import Marker, SensorInfo

NAME: Final = "sensor_logger"
VERSION: Final = 1
PLATFORMS: Final = ("ios", "android")

_LARGEST: Final = 4 * 2**30  # bytes unpacked; a day of every phone sensor is below 2 GiB
_USED: Final = ("totalacceleration", "accelerometer", "gravity", "gyroscope", "metadata", "annotation")


@dataclass(frozen=True, kw_only=True, eq=False)
class _Stream:
    time_ns: NDArray[np.int64]
    xyz: NDArray[np.float64]
    malformed: int


def recognises_names(names: list[str]) -> bool:
    """Whether a folder with files of these names is a Sensor Logger export with motion in it."""
    stems = {_stem(name) for name in names}
    return "gyroscope" in stems and bool(stems & {"totalacceleration", "accelerometer", "metadata"})


def read(path: Path, placement: str, *, platform: str = "") -> Imported:
    """Read a Sensor Logger export.

    Parameters
    ----------
    path : Path of the zip, or of the folder it was unpacked into
    placement : str, one of `frames.PLACEMENTS`
    platform : str, `ios` or `android`, needed only where `Metadata.csv` is missing

    Returns
    -------
    Imported, on the gyroscope's time stamps with its values unchanged; acc interpolated onto them where its own
    differ; annotations as markers

    Raises
    ------
    RecordingError
        If only the acceleration without gravity is there, or no gyroscope, or the sign of acc is not known.
    CorruptRecording
        If the zip is damaged, or as `text_table.parse_table` and `timeline.lay_out`.
    """
    frames.check_placement(placement)
    if platform and platform not in PLATFORMS:
        raise ValueError(f"Unknown platform {platform!r}; expected one of {', '.join(PLATFORMS)}.")
    files = _files(path)
    facts = _metadata(files)
    if "gyroscope" not in files:
        raise RecordingError(f"{path} holds no Gyroscope.csv; record again with the gyroscope on.", path=str(path))
    gyr = _stream(files, "gyroscope", path)
    acc, source = _total_acceleration(files, path)
    sign, said = _sign(facts, platform, "totalacceleration" in files, path)
    time = (gyr.time_ns - gyr.time_ns[0]) * 1e-9
    shared = (gyr.time_ns >= acc.time_ns[0]) & (gyr.time_ns <= acc.time_ns[-1])
    if np.count_nonzero(shared) < 2:
        raise RecordingError(f"{path}: accelerometer and gyroscope were not on at the same time.", path=str(path))
    start_ns = int(gyr.time_ns[shared][0])
    sensor = SensorInfo(placement=placement, serial=facts.get("device name", ""), model="phone", protocol=NAME)
    series, loss = lay_out(
        time[shared],
        sign * _onto(gyr.time_ns[shared], acc),
        gyr.xyz[shared],
        sensor=sensor,
        path=str(path),
        malformed=gyr.malformed,
    )
    return Imported(
        series=series,
        sensor=sensor,
        loss=loss,
        format=NAME,
        version=VERSION,
        acc_unit="m/s^2",
        gyr_unit="rad/s",
        started_utc=utc_text_from_epoch(start_ns * 1e-9) if start_ns > 10**18 else "",
        markers=_markers(files, start_ns, path),
        notes=(f"acc from {source} in m/s^2, {said}; gyr in rad/s", *describe(series, loss)),
    )


def _stem(name: str) -> str:
    return Path(name.replace("\\", "/")).stem.lower() if name.lower().endswith(".csv") else ""


def _files(path: Path) -> dict[str, bytes]:
    """Contents of the files that are used, by name in lower case without ending."""
    if path.is_dir():
        found = {_stem(p.name): p for p in sorted(path.iterdir())}
        return {stem: found[stem].read_bytes() for stem in _USED if stem in found}
    with open_zip(path) as archive:
        used = [info for info in archive.infolist() if _stem(info.filename) in _USED]
        wanted = {_stem(info.filename): info for info in used}
        if len(wanted) < len(used):
            raise RecordingError(f"{path} holds several recordings; import them one by one.", path=str(path))
        if sum(info.file_size for info in wanted.values()) > _LARGEST:
            raise RecordingError(f"{path} unpacks to more than 4 GiB; split it.", path=str(path))
        return {stem: archive.read(info) for stem, info in wanted.items()}


def _metadata(files: Mapping[str, bytes]) -> dict[str, str]:
    import pandas as pd

    if not files.get("metadata", b"").strip():
        return {}
    try:
        frame = pd.read_csv(io.BytesIO(files["metadata"]), dtype=str, keep_default_na=False)
    except (ValueError, UnicodeDecodeError):
        return {}
    return {str(name).strip().lower(): str(frame[name].iloc[0]).strip() for name in frame} if len(frame) else {}


def _stream(files: Mapping[str, bytes], stem: str, path: Path) -> _Stream:
    """One csv of x, y, z with its time, rows in order of time, repeated times left out but for the first."""
    where = f"{path}:{stem}.csv"
    table = parse_table(decode(files[stem], where), where, lambda cells: {"x", "y", "z"} <= set(cells))
    values = table.vectors(("x", "y", "z"))
    if "time" in table.names:
        time = table.frame[table.names.index("time")]
        whole = time.to_numpy() if time.dtype.kind == "i" else np.rint(table.numbers("time"))
    elif "seconds_elapsed" in table.names:
        whole = np.rint(table.numbers("seconds_elapsed") * 1e9)
    else:
        raise RecordingError(
            f"{where} has no time column. Columns seen: {', '.join(table.names)}.", path=str(path)
        )
    good = np.isfinite(values).all(axis=1) & np.isfinite(whole.astype(np.float64))
    if np.count_nonzero(good) < 2:
        raise RecordingError(f"{where} has {np.count_nonzero(good)} readable sample(s).", path=str(path))
    malformed = table.malformed + int(np.count_nonzero(~good))
    return _Stream(time_ns=whole[good].astype(np.int64), xyz=values[good], malformed=malformed)


def _total_acceleration(files: Mapping[str, bytes], path: Path) -> tuple[_Stream, str]:
    if "totalacceleration" in files:
        return _sorted(_stream(files, "totalacceleration", path)), "TotalAcceleration"
    if "accelerometer" not in files:
        raise RecordingError(
            f"{path} holds no acceleration; record again with the accelerometer on.", path=str(path)
        )
    if "gravity" not in files:
        raise RecordingError(
            f"{path} holds only acceleration without gravity (Accelerometer.csv); record again with Gravity or "
            "Total Acceleration on.",
            path=str(path),
        )
    motion, gravity = (_sorted(_stream(files, stem, path)) for stem in ("accelerometer", "gravity"))
    total = motion.xyz + _onto(motion.time_ns, gravity)
    known = np.isfinite(total).all(axis=1)
    if np.count_nonzero(known) < 2:
        raise RecordingError(f"{path}: Accelerometer and Gravity were not on at the same time.", path=str(path))
    return _Stream(time_ns=motion.time_ns[known], xyz=total[known], malformed=0), "Accelerometer + Gravity"


def _sorted(stream: _Stream) -> _Stream:
    time, first = np.unique(stream.time_ns, return_index=True)
    return _Stream(time_ns=time, xyz=stream.xyz[first], malformed=stream.malformed)


def _onto(time_ns: NDArray[np.int64], stream: _Stream) -> NDArray[np.float64]:
    """Values of a stream at other times: its own where they agree, else linear between; NaN in its gaps."""
    zero = stream.time_ns[0]
    return onto((time_ns - zero).astype(np.float64), (stream.time_ns - zero).astype(np.float64), stream.xyz)


def _sign(facts: Mapping[str, str], platform: str, has_total: bool, path: Path) -> tuple[float, str]:
    """Factor that makes the axis pointing up read +9.81 at rest, and in words where that was known from."""
    system = facts.get("platform", "").lower() or platform or ("android" if has_total else "")
    if system not in PLATFORMS:
        raise RecordingError(
            f"{path} has no Metadata.csv and iOS and Android write acceleration with opposite signs; "
            "say the platform (ios or android).",
            path=str(path),
        )
    if system == "ios" and facts.get("standardisation", "").lower() != "true":
        return -1.0, "sign turned from the iOS convention"
    return 1.0, "sign as written"


def _markers(files: Mapping[str, bytes], start_ns: int, path: Path) -> tuple[Marker, ...]:
    import pandas as pd

    if not files.get("annotation", b"").strip():
        return ()
    try:
        frame = pd.read_csv(
            io.BytesIO(files["annotation"]), dtype=str, keep_default_na=False, encoding="utf-8-sig"
        )
    except (ValueError, UnicodeDecodeError) as error:
        raise CorruptRecording(f"{path}: Annotation.csv cannot be read ({error}).", path=str(path)) from error
    if "time" not in frame or "text" not in frame:
        return ()
    times = pd.to_numeric(frame["time"], errors="coerce")
    return tuple(
        Marker(time_s=(int(time) - start_ns) * 1e-9, text=text.strip() or "marker")
        for time, text in zip(times, frame["text"], strict=True)
        if np.isfinite(time)
    )
