"""Readers of the public recordings that `validate` knows: each gives recordings and their reference.

None of these recordings is part of the project. `SOURCES` says where each can be obtained; `validate` looks for
a folder of that name. References are kept as plain arrays in the recording's own time.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ankle_imu import frames
from ankle_imu import quaternion as qt
from ankle_imu.units import DEGREE, STANDARD_GRAVITY
from ankle_imu.values import Recording

Array = NDArray[np.float64]

SOURCES: Final[dict[str, str]] = {
    "osim_walk": "made from public motion capture (github.com/keenon/nimblephysics data); not published as such",
    "gaitmap_walk_mocap": "github.com/mad-lab-fau/gaitmap, folder example_data (MIT)",
    "neura_s02_walk": "github.com/gait-tech/gaittoolbox, folder data/sample; doi:10.7910/DVN/9QDD5J",
    "kam_steps": "github.com/TheOne-1/KAM_and_KFM_Estimation, trained_models_and_example_data/example_data.h5; "
    "doi:10.1109/TII.2022.3189648",
    "broad_subset": "github.com/dlaidig/broad (CC BY 4.0), doi:10.3390/data6070072",
    "pyshoe_vicon": "IEEE DataPort doi:10.21227/v1z6-9z84 (University of Toronto foot-mounted navigation set)",
    "xio_gait": "github.com/xioTechnologies/Gait-Tracking (MIT)",
    "qmt_fullbody": "github.com/dlaidig/qmt, examples/full_body_example_data.mat (MIT)",
}
"""Data set name -> where it can be obtained."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Case:
    """One recording of a data set with its reference (arrays by name, empty where there is none)."""

    name: str
    recording: Recording
    reference: dict[str, Any] = field(default_factory=dict)


def read_cases(name: str, data: Path) -> Iterator[Case]:
    """Read every recording of one data set.

    Parameters
    ----------
    name : str, key of `SOURCES`
    data : folder that holds one sub-folder per data set

    Yields
    ------
    Case
    """
    yield from _READERS[name](data / name)


def _osim_walk(folder: Path) -> Iterator[Case]:
    """Both legs, foot and shank, 208 Hz; exact joint angles (deg), stance mask and touchdowns per leg."""
    with np.load(folder / "walk.npz") as file:
        d = {key: file[key] for key in file.files}
    sensors = {
        f"{leg}_{segment}": (
            d[f"acc_raw_{segment}_{leg[0]}"] * float(d["acc_lsb"]),
            d[f"gyr_raw_{segment}_{leg[0]}"] * float(d["gyr_lsb"]),
        )
        for leg in frames.LEGS
        for segment in ("foot", "shank")
    }
    reference: dict[str, Any] = {}
    for leg in frames.LEGS:
        angles, tilt = d[f"angles_{leg[0]}"].astype(float), d[f"tilt_{leg[0]}"].astype(float)
        reference[leg] = {
            "dorsiflexion_deg": angles[:, 0],
            "inversion_deg": angles[:, 1],
            "foot_pitch_deg": tilt[:, 0],
            "foot_tilt_deg": tilt[:, 1],
            "stance": d[f"stance_{leg[0]}"],
            "touchdown_s": d[f"touchdown_{leg[0]}"],
            "segment_from_foot_sensor": d[f"mount_foot_{leg[0]}"].astype(float),
        }
    names = list(d["label_names"])
    reference["walking"] = np.isin(d["label"], [names.index("walk"), names.index("run"), names.index("trans")])
    fs = float(d["fs"])
    yield Case(name="osim_walk", recording=Recording.from_arrays(fs, sensors), reference=reference)
    # The same walk without its opening: what a person who skips the movements gets.
    first = max(int(np.argmax(reference["walking"])) - round(fs), 0)
    cut = {p: (acc[first:], gyr[first:]) for p, (acc, gyr) in sensors.items()}
    late: dict[str, Any] = {"walking": reference["walking"][first:]}
    for leg in frames.LEGS:
        late[leg] = {
            key: values - first / fs if key == "touchdown_s" else values[first:]
            for key, values in reference[leg].items()
            if key != "segment_from_foot_sensor"
        }
    yield Case(name="osim_walk without movements", recording=Recording.from_arrays(fs, cut), reference=late)


def _gaitmap_walk_mocap(folder: Path) -> Iterator[Case]:
    """Both feet, 204.8 Hz; foot roll and pitch from three markers (deg), labelled events (s); two stair walks."""
    import pandas as pd

    fs = 204.8
    imu = pd.read_parquet(folder / "imu_204p8hz.parquet")
    mocap = pd.read_parquet(folder / "mocap_100hz_mm.parquet")
    events = pd.read_csv(folder / "stride_events_204p8hz.csv")
    reference: dict[str, Any] = {}
    for leg in frames.LEGS:
        own = events[events["foot"] == leg]
        tilt, pitch = _marker_foot_angles(mocap, leg, own["min_vel"].to_numpy() / fs)
        t = np.arange(len(imu)) / fs
        mocap_t = np.arange(len(mocap)) / 100.0
        reference[leg] = {
            "foot_tilt_deg": np.interp(t, mocap_t, tilt) / DEGREE,
            "foot_pitch_deg": np.interp(t, mocap_t, pitch) / DEGREE,
            **{f"{e}_s": own[e].to_numpy() / fs for e in ("start", "end", "ic", "tc", "min_vel", "pre_ic")},
            "stride_length_m": _marker_stride_length(mocap, leg, own, fs),
        }
    yield Case(name="gaitmap level walk", recording=_gaitmap_recording(imu, fs), reference=reference)
    for stairs in ("up", "down"):
        imu = pd.read_parquet(folder / f"imu_stair_{stairs}_204p8hz.parquet")
        yield Case(name=f"gaitmap stairs {stairs}", recording=_gaitmap_recording(imu, fs))


def _gaitmap_recording(imu: Any, fs: float) -> Recording:
    def xyz(leg: str, kind: str) -> Array:
        return np.asarray(imu[[f"{leg}_sensor.{kind}_{axis}" for axis in "xyz"]], dtype=float)

    sensors = {f"{leg}_foot": (xyz(leg, "acc"), xyz(leg, "gyr") * DEGREE) for leg in frames.LEGS}
    return Recording.from_arrays(fs, sensors)


def _marker_foot_angles(mocap: Any, leg: str, flat_s: Array) -> tuple[Array, Array]:
    """Tilt and pitch (rad) of the plane of toe, heel and fifth-metatarsal marker against its foot-flat pose."""
    side = leg[0].upper()

    def marker(name: str) -> Array:
        return np.asarray(mocap[[f"{side}_{name}.{axis}" for axis in "xyz"]], dtype=float)

    toe, heel, fifth = marker("TOE"), marker("FCC"), marker("FM5")
    x = _unit(toe - heel)
    normal = _unit(np.cross(x, fifth - heel))
    if leg == "right":
        normal = -normal
    earth_from_markers = np.stack([x, np.cross(normal, x), normal], axis=-1)
    flat = np.clip(np.round(flat_s * 100.0).astype(int), 0, len(x) - 1)
    up = earth_from_markers[:, 2, :]
    z = _unit(np.nanmean(up[flat], axis=0))
    forward = np.array([1.0, 0.0, 0.0])
    y = _unit(np.cross(z, forward))
    segment_from_markers = np.stack([np.cross(y, z), y, z])
    up = up @ segment_from_markers.T
    tilt, pitch = frames.foot_angles_from_up(up)
    return (-tilt if leg == "left" else tilt), pitch


def _marker_stride_length(mocap: Any, leg: str, events: Any, fs: float) -> Array:
    """Horizontal distance of the heel marker between the foot-flat instants of each labelled stride, m."""
    heel = np.asarray(mocap[[f"{leg[0].upper()}_FCC.{axis}" for axis in "xy"]], dtype=float) / 1000.0
    t = np.arange(len(heel)) / 100.0

    def position(at: Array) -> Array:
        return np.stack([np.interp(at, t, heel[:, k]) for k in range(2)], axis=-1)

    start, end = events["start"].to_numpy() / fs, events["end"].to_numpy() / fs
    return np.asarray(np.linalg.norm(position(end) - position(start), axis=1))


def _neura_s02_walk(folder: Path) -> Iterator[Case]:
    """Left leg, 100 Hz, with the above-ankle and with the mid-shank sensor as the shank; flexion by Vicon."""
    import pandas as pd

    imu = pd.read_parquet(folder / "give_left_imu.parquet")
    vicon = pd.read_parquet(folder / "give_left_vicon_raw.parquet")
    flexion = -vicon["L_Tibia_L_Foot_0"].to_numpy(dtype=float)  # stored with plantarflexion positive

    def marker(name: str) -> Array:
        return vicon[[f"{name}_{k}" for k in range(3)]].to_numpy(dtype=float)

    def sensor(segment: str) -> tuple[Array, Array]:
        rows = imu[imu["segment"] == segment]
        rows = rows[rows["serial"] == rows["serial"].iloc[0]]
        return (
            rows[["Acc_X", "Acc_Y", "Acc_Z"]].to_numpy(dtype=float),
            rows[["Gyr_X", "Gyr_Y", "Gyr_Z"]].to_numpy(dtype=float),
        )

    for name, shank in (("above ankle", "L_LowLeg"), ("mid shank", "L_LowLeg2")):
        sensors = {"left_foot": sensor("L_Foot"), "left_shank": sensor(shank)}
        yield Case(
            name=f"neura {name}",
            recording=Recording.from_arrays(100.0, sensors),
            reference={"left": {"dorsiflexion_deg": flexion, "heel_mm": marker("LHEE"), "toe_mm": marker("LTOE")}},
        )


def _kam_steps(folder: Path) -> Iterator[Case]:
    """Single treadmill steps of a right leg, 100 Hz, set 3 s apart; contact and toe-off (s), markers (mm)."""
    import pandas as pd

    for path in sorted(folder.glob("*.parquet")):
        d = pd.read_parquet(path)
        number = d.groupby("step", sort=False).ngroup().to_numpy()
        time = 3.0 * number + d.groupby("step", sort=False).cumcount().to_numpy() / 100.0
        loaded = -d["plate_2_force_z"].to_numpy(dtype=float) > 20.0
        span = [time[loaded & (number == k)][[0, -1]] for k in range(number[-1] + 1)]

        def xyz(name: str, table: Any = d) -> Array:
            return np.asarray(table[[name.format(axis) for axis in "XYZ"]], dtype=float)

        sensors = {
            f"right_{segment}": (
                xyz(f"Accel{{}}_R_{segment.upper()}"),
                xyz(f"Gyro{{}}_R_{segment.upper()}") * DEGREE,
            )
            for segment in ("foot", "shank")
        }
        yield Case(
            name=path.stem.removeprefix("give_"),
            recording=Recording.from_arrays(None, sensors, time=dict.fromkeys(sensors, time)),
            reference={
                "time_s": time,
                "contact_s": np.array([a for a, _ in span]),
                "toe_off_s": np.array([b for _, b in span]),
                "foot_markers": tuple(xyz(f"R{name}_{{}}") for name in ("FCC", "FM2", "FM5")),
                "shank_markers": tuple(xyz(f"R{name}_{{}}") for name in ("FAL", "TAM", "FLE", "FME")),
            },
        )


def _broad_subset(folder: Path) -> Iterator[Case]:
    """One sensor moved by hand, 285.7 Hz; optical orientation (earth from sensor) and movement flag."""
    import pandas as pd

    for path in sorted(folder.glob("*.parquet")):
        d = pd.read_parquet(path)
        acc = d[["acc0", "acc1", "acc2"]].to_numpy(dtype=float)
        gyr = d[["gyr0", "gyr1", "gyr2"]].to_numpy(dtype=float)
        yield Case(
            name=path.stem,
            recording=Recording.from_arrays(2000.0 / 7.0, {"right_foot": (acc, gyr)}),
            reference={
                "earth_from_sensor": d[["optq0", "optq1", "optq2", "optq3"]].to_numpy(dtype=float),
                "movement": d["movement"].to_numpy(dtype=bool),
            },
        )


def _pyshoe_vicon(folder: Path) -> Iterator[Case]:
    """Right foot, about 200 Hz, walking and running; position by Vicon (m), mirrored in y at the source."""
    for path in sorted(folder.glob("*.npz")):
        with np.load(path) as file:
            for trial in sorted({key.split("/")[0] for key in file.files}):
                imu, ts = file[f"{trial}/imu"].astype(float), file[f"{trial}/ts"].astype(float)
                keep = np.concatenate([[True], np.diff(ts) > 0])
                sensors = {"right_foot": (imu[keep, :3], imu[keep, 3:])}
                yield Case(
                    name=f"pyshoe {trial}",
                    recording=Recording.from_arrays(None, sensors, time={"right_foot": ts[keep] - ts[0]}),
                    reference={"position_m": file[f"{trial}/gt"][keep].astype(float) * [1.0, -1.0, 1.0]},
                )


def _xio_gait(folder: Path) -> Iterator[Case]:
    """One foot, 400 Hz, a loop that ends where it began; rows that repeat a time stamp are dropped."""
    import pandas as pd

    d = pd.read_csv(folder / "short_walk.csv.gz").to_numpy(dtype=float)
    d = d[np.concatenate([[True], np.diff(d[:, 0]) > 0])]
    sensors = {"right_foot": (d[:, 4:7] * STANDARD_GRAVITY, d[:, 1:4] * DEGREE)}
    yield Case(
        name="xio short walk",
        recording=Recording.from_arrays(None, sensors, time={"right_foot": d[:, 0]}),
        reference={"closes": True},
    )


def _qmt_fullbody(folder: Path) -> Iterator[Case]:
    """Both feet and lower legs, 100 Hz, 100 s; no reference."""
    import pandas as pd

    d = pd.read_parquet(folder / "legs.parquet")
    sensors = {}
    for leg in frames.LEGS:
        for segment, column in (("foot", "foot"), ("shank", "lower_leg")):
            acc, gyr = (
                d[[f"{column}_{leg}.{kind}{k}" for k in range(3)]].to_numpy(dtype=float) for kind in ("acc", "gyr")
            )
            sensors[f"{leg}_{segment}"] = (acc, gyr)
    yield Case(name="qmt full body", recording=Recording.from_arrays(100.0, sensors))


def _unit(v: Array) -> Array:
    return np.asarray(v / np.linalg.norm(v, axis=-1, keepdims=True))


def inclination_error_deg(estimate: Array, truth: Array) -> Array:
    """Angle between estimated and true vertical, deg, for earth-from-sensor quaternions (n, 4)."""
    up = np.array([0.0, 0.0, 1.0])
    a, b = qt.rotate(qt.conjugate(estimate), up), qt.rotate(qt.conjugate(truth), up)
    return np.asarray(np.arccos(np.clip((a * b).sum(axis=1), -1.0, 1.0)) / DEGREE)


_READERS: Final = {
    "osim_walk": _osim_walk,
    "gaitmap_walk_mocap": _gaitmap_walk_mocap,
    "neura_s02_walk": _neura_s02_walk,
    "kam_steps": _kam_steps,
    "broad_subset": _broad_subset,
    "pyshoe_vicon": _pyshoe_vicon,
    "xio_gait": _xio_gait,
    "qmt_fullbody": _qmt_fullbody,
}
