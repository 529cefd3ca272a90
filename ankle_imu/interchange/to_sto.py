"""OpenSim storage files for OpenSense: one quaternion per segment and row, and the standing pose beside it.

OpenSense turns orientations of sensors into joint angles of a model. It wants them in a text table with a small
header, columns named after the bodies of the model, and one file whose first row is the pose in which sensors and
model agree. Here that pose is standing, where all segments are level by definition.
"""

from __future__ import annotations

import io
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ankle_imu.errors import RecordingError
from ankle_imu.interchange.outgoing import Outgoing
from ankle_imu.interchange.segments import segment_orientations

NAME: Final = "sto"

BODIES: Final = {
    "left_shank": "tibia_l_imu",
    "left_foot": "calcn_l_imu",
    "right_shank": "tibia_r_imu",
    "right_foot": "calcn_r_imu",
}
"""Columns of the segments: bodies of the models that come with OpenSim (Rajagopal 2016, gait2392), `_imu` added as
OpenSense expects it."""

README: Final = """Orientations of the segments for OpenSense (OpenSim 4.1 or newer).

orientations.sto  one row per instant in which every segment is known; quaternions earth from segment, scalar first
calibration.sto   the standing pose: every segment level, heading forward

Earth: z up, x forward; segments: x anterior, y left, z up, on both sides. OpenSim's ground has y up, so give
<sensor_to_opensim_rotations>-1.5707963267948966 0 0</sensor_to_opensim_rotations> to the IMU Placer and to IMU
inverse kinematics. Inertial sensors know no heading: every shank heads forward all the time, so turns of the walk
do not show; the ankle is as in the angles of ankle_imu.
"""


def write(out: Outgoing, folder: Path) -> None:
    """Write `orientations.sto`, `calibration.sto` and a README into a folder.

    Parameters
    ----------
    out : Outgoing
    folder : Path of an existing folder

    Raises
    ------
    RecordingError
        If there is no instant at which all segments that were measured are known.
    """
    angles = out.tables["angles"]
    found = segment_orientations(angles)
    columns = {body: found[placement] for placement, body in BODIES.items() if placement in found}
    known = (
        np.all([np.isfinite(quat[:, 0]) for quat in columns.values()], axis=0) if columns else np.zeros(0, bool)
    )
    if not known.any():
        raise RecordingError(f"{out.name} has no instant at which its segments are known; nothing to write.")
    time = angles["time_s"].to_numpy(dtype=np.float64)
    rate = 1.0 / float(np.median(np.diff(time))) if len(time) > 1 else 1.0
    quats = {body: quat[known] for body, quat in columns.items()}
    level = np.array([[1.0, 0.0, 0.0, 0.0]])
    (folder / "orientations.sto").write_bytes(sto_text(time[known], quats, rate))
    (folder / "calibration.sto").write_bytes(sto_text(np.zeros(1), dict.fromkeys(quats, level), rate))
    (folder / "README.txt").write_text(README, encoding="utf-8")


def sto_text(time: NDArray[np.float64], columns: dict[str, NDArray[np.float64]], sampling_rate: float) -> bytes:
    """A table of quaternions as OpenSim reads it.

    Parameters
    ----------
    time : (n,) float array, s
    columns : mapping of column name to (n, 4) float array, unit quaternions, scalar first, finite
    sampling_rate : float, Hz, for the header

    References
    ----------
    OpenSim 4 documentation, "OpenSense - Kinematics with IMU data": `DataType=Quaternion`, cells `w,x,y,z`.
    """
    head = (
        f"DataRate={sampling_rate:.6f}\nDataType=Quaternion\nversion=3\nOpenSimVersion=4.4\nendheader\n"
        + "\t".join(["time", *columns])
        + "\n"
    )
    rows = np.column_stack([np.round(time, 6) + 0.0, *columns.values()])  # + 0.0: no minus before a zero
    text = io.StringIO()
    np.savetxt(text, rows, fmt="\t".join(["%.6f", *["%.9f,%.9f,%.9f,%.9f"] * len(columns)]), newline="\n")
    return (head + text.getvalue()).encode()
