"""C3D, by way of ezc3d: sensors and angles as analog channels on one grid, events with their leg.

C3D has no time per sample and one rate for all channels, so the sensors are read off at the instants of the
angles, linearly between two samples; the CSV and Motion-BIDS exports keep them as measured.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, BinaryIO, Final

import numpy as np
from numpy.typing import NDArray

from ankle_imu import tables
from ankle_imu.errors import ExtraMissing, RecordingError
from ankle_imu.interchange.outgoing import Outgoing
from ankle_imu.values import ImuSeries

MOST_FRAMES: Final = 65535
"""Frames that the header's 16 bits can count; longer walks get more analog samples per frame."""

MOST_EVENTS: Final = 255
"""Entries that one dimension of a C3D parameter, one byte, can have."""

_KEPT_GAP: Final = 1.5
"""Sampling intervals between two good samples beyond which nothing is read off between them."""

Array = NDArray[np.float64]


def write(out: Outgoing, file: BinaryIO, scratch: Path) -> None:
    """Write a session as C3D.

    Parameters
    ----------
    out : Outgoing
    file : binary file
    scratch : Path of a folder in which ezc3d may write, as it writes to names only

    Raises
    ------
    ExtraMissing
        If ezc3d is not installed.
    RecordingError
        If the session has no samples on the grid of its angles.

    Notes
    -----
    Channels `<placement>_acc_x` (m/s^2), `<placement>_gyr_x` (rad/s), `<leg>_<angle>` (deg), 32-bit floats, NaN
    where lost. Rolls and marks, at most 255, are in EVENT; initial contacts are not, as a walk has more. The first
    sample is at ANKLE_IMU:START, s from session start; the last frame is filled up with NaN, ANKLE_IMU:SAMPLES
    says from where.
    """
    try:
        import ezc3d
    except ImportError as error:
        raise ExtraMissing("C3D needs ezc3d: pip install 'ankle-imu[formats]'.") from error
    time, channels = _channels(out)
    rate = 1.0 / float(np.median(np.diff(time)))
    per_frame = -(-len(time) // MOST_FRAMES)
    frames = -(-len(time) // per_frame)
    padded = np.full((len(channels), frames * per_frame), np.nan)
    padded[:, : len(time)] = [values for values, _ in channels.values()]
    c3d = ezc3d.c3d()
    c3d["parameters"]["POINT"]["RATE"]["value"] = [rate / per_frame]
    c3d["parameters"]["ANALOG"]["RATE"]["value"] = [rate]
    c3d["parameters"]["ANALOG"]["LABELS"]["value"] = list(channels)
    c3d["parameters"]["ANALOG"]["UNITS"]["value"] = [unit for _, unit in channels.values()]
    c3d["data"]["points"] = np.zeros((4, 0, frames))
    c3d["data"]["analogs"] = padded[None]
    c3d.add_parameter("ANKLE_IMU", "START", [float(time[0])])
    c3d.add_parameter("ANKLE_IMU", "SAMPLES", [len(time)])
    _add_events(c3d, out, float(time[0]))
    path = scratch / "session.c3d"
    c3d.write(str(path))
    file.write(path.read_bytes())
    path.unlink()


def _channels(out: Outgoing) -> tuple[Array, dict[str, tuple[Array, str]]]:
    """Instants (n,), s, and name -> values (n,) with their unit."""
    angles = out.tables["angles"]
    time = angles["time_s"].to_numpy(dtype=np.float64)
    if len(time) < 2:
        raise RecordingError(f"{out.name} has no angles, so there is no common grid of time to write it on.")
    channels: dict[str, tuple[Array, str]] = {}
    for placement, series in out.series.items():
        for quantity, values, unit in (("acc", series.acc, "m/s^2"), ("gyr", series.gyr, "rad/s")):
            read = read_off(series, values, time)
            channels |= {f"{placement}_{quantity}_{axis}": (read[:, k], unit) for k, axis in enumerate("xyz")}
    for leg in ("left", "right"):
        for kind, _ in tables.ANGLE_KINDS:
            values = angles[f"{leg}_{kind}_deg"].to_numpy(dtype=np.float64)
            if np.isfinite(values).any():
                channels[f"{leg}_{kind}"] = (values, "deg")
    return time, channels


def read_off(series: ImuSeries, values: Array, time: Array) -> Array:
    """Values (n, 3) of a series at other instants (k,), linear; NaN outside, and where samples are lost."""
    known = np.flatnonzero(series.is_valid)
    out = np.full((len(time), 3), np.nan)
    if len(known) < 2:
        return out
    own = series.time[known]
    after = np.clip(np.searchsorted(own, time), 1, len(own) - 1)
    near = (own[after] - own[after - 1]) * series.sampling_rate <= _KEPT_GAP
    inside = near & (time >= own[0]) & (time <= own[-1])
    for k in range(3):
        out[inside, k] = np.interp(time[inside], own, values[known, k])
    return out


def _add_events(c3d: Any, out: Outgoing, start_s: float) -> None:
    events = out.tables["events"].iloc[:MOST_EVENTS]
    if not len(events):
        return
    at = events["time_s"].to_numpy(dtype=np.float64) - start_s
    c3d.add_parameter("EVENT", "USED", [len(events)])
    c3d.add_parameter("EVENT", "CONTEXTS", [leg.capitalize() or "General" for leg in events["leg"]])
    c3d.add_parameter("EVENT", "LABELS", [kind.replace("_", " ") for kind in events["kind"]])
    c3d.add_parameter("EVENT", "TIMES", np.stack([at // 60.0, at % 60.0]))
