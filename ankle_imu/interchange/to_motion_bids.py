"""Motion-BIDS: one data set of several people and sessions, each sensor a tracking system of its own.

Sensors have clocks of their own and their samples fall between each other's, so each is a `tracksys` with a
LATENCY channel: seconds from session start, on the one clock that the recording fitted them to. Nothing is
resampled.

References
----------
Jeung S. et al. (2024) Motion-BIDS: an extension to the Brain Imaging Data Structure to organize motion data for
reproducible research, Sci. Data 11:716, doi:10.1038/s41597-024-03559-8; BIDS specification 1.11, "Motion".
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from ankle_imu import tables
from ankle_imu._version import package_version
from ankle_imu.interchange.outgoing import Outgoing
from ankle_imu.interchange.plain_json import json_text
from ankle_imu.values import ImuSeries, SensorInfo

if TYPE_CHECKING:
    import pandas as pd

BIDS_VERSION: Final = "1.11.0"

_CHANNELS: Final = (
    ("latency", "n/a", "LATENCY", "s"),
    *((f"acc_{axis}", axis, "ACCEL", "m/s^2") for axis in "xyz"),
    *((f"gyr_{axis}", axis, "GYRO", "rad/s") for axis in "xyz"),
)
"""Name, component, type and unit of the columns of a `_motion.tsv`."""

_TYPES: Final = ("ACCEL", "ANGACCEL", "GYRO", "JNTANG", "LATENCY", "MAGN", "MISC", "ORNT", "POS", "VEL")
"""All types of channels that BIDS counts."""

_EVENTS: Final = {
    "onset": ("s", "from session start, as the latency channels"),
    "duration": ("s", "of strides, bouts and rolls; 0 for an instant"),
    "trial_type": (
        "",
        "stride (from initial contact to the next), bout, or the kind of an event: wobble, roll, hard_roll, "
        "eversion_roll, marker",
    ),
    "leg": ("", "left | right, n/a for both"),
    "gait": ("", "walk | jog | run, of strides and bouts"),
    "foot_off": ("s", "toe-off of a stride, from session start"),
    "accepted": ("", "1 when a stride is usable for statistics, else 0"),
    **{
        column.name: (column.unit, column.meaning)
        for column in tables.EVENTS.columns
        if column.name in ("peak_deg", "peak_dps", "outcome", "verdict", "note", "angle_source")
    },
}
"""Columns of `_events.tsv`: unit and meaning."""

README: Final = """# Walks with inertial sensors at foot and shank

Written by ankle_imu {version} (Motion-BIDS). One tracking system per sensor: `leftfoot`, `leftshank`, `rightfoot`,
`rightshank`. The latency channel is seconds from session start on one clock for all sensors of a session:
samples of different sensors belong together by their latency, not by their row. Accelerations include gravity.
Axes are those of the sensor as it was worn, in no particular direction; the standing pose and the toe taps at the
start of a walk show how it sat. Rows of n/a are samples that were lost. Strides, bouts and ankle rolls found by
ankle_imu are in the events files.

People and sensors go by salted hashes; places are left out.
"""


@dataclass
class _Tables:
    """What is gathered from session to session for the tables of the whole data set."""

    people: dict[str, dict[str, str]] = field(default_factory=dict)
    sessions: dict[str, list[dict[str, str]]] = field(default_factory=dict)


def write(outs: Iterable[Outgoing], folder: Path) -> None:
    """Write sessions as one Motion-BIDS data set.

    Parameters
    ----------
    outs : iterable of Outgoing, taken one at a time
    folder : Path of an existing, empty folder

    Notes
    -----
    Rates and accelerations are written as 32-bit floats (24 bits; sensors tell 16), latencies to 1 us.
    """
    seen = _Tables()
    for out in outs:
        _write_session(out, folder, seen)
    description = {
        "Name": "Walks with inertial sensors at foot and shank",
        "BIDSVersion": BIDS_VERSION,
        "DatasetType": "raw",
        "GeneratedBy": [{"Name": "ankle_imu", "Version": package_version()}],
    }
    (folder / "dataset_description.json").write_text(json_text(description), encoding="utf-8")
    (folder / "README.md").write_text(README.format(version=package_version()), encoding="utf-8")
    _write_rows(folder / "participants.tsv", list(seen.people.values()))
    legs = {"left": "the left leg", "right": "the right leg", "both": "both legs", "n/a": "not said"}
    affected = {"affected_leg": {"Description": "Leg that was once hurt", "Levels": legs}}
    (folder / "participants.json").write_text(json_text(affected), encoding="utf-8")
    for person, rows in seen.sessions.items():
        _write_rows(folder / f"sub-{person}" / f"sub-{person}_sessions.tsv", rows)


def _write_session(out: Outgoing, folder: Path, seen: _Tables) -> None:
    label = _label(out.name)
    stem = f"sub-{out.person}_ses-{label}"
    here = folder / f"sub-{out.person}" / f"ses-{label}"
    (here / "motion").mkdir(parents=True)
    acquired = _acq_time(out.started_s)
    affected = str(out.facts.get("affected_leg") or "n/a")
    seen.people[out.person] = {"participant_id": f"sub-{out.person}", "affected_leg": affected}
    seen.sessions.setdefault(out.person, []).append({"session_id": f"ses-{label}", "acq_time": acquired})
    task = _label(out.kind) or "walk"
    scans = []
    events = _events(out)
    for placement, series in out.series.items():
        system = f"{stem}_task-{task}_tracksys-{_label(placement)}"
        motion = here / "motion" / f"{system}_motion.tsv"
        write_motion(series, motion)
        told = _motion_json(placement, series, out.sensors[placement], task)
        motion.with_suffix(".json").write_text(json_text(told), encoding="utf-8")
        channels = here / "motion" / f"{system}_channels.tsv"
        _write_rows(channels, _channels(placement, out.sensors[placement], series))
        channels.with_suffix(".json").write_text(json_text(_CHANNELS_JSON), encoding="utf-8")
        _write_events(here / "motion" / f"{system}_events.tsv", events)
        scans.append({"filename": f"motion/{motion.name}", "acq_time": acquired})
    _write_rows(here / f"{stem}_scans.tsv", scans)


def write_motion(series: ImuSeries, path: Path) -> None:
    """Write the samples of one sensor as the headless table of Motion-BIDS.

    Parameters
    ----------
    series : ImuSeries
    path : Path, `_motion.tsv`; columns latency (s), acc x y z (m/s^2), gyr x y z (rad/s); n/a where lost
    """
    import pyarrow as pa
    from pyarrow import csv

    columns = [np.round(series.time, 6) + 0.0]  # + 0.0: no minus before a zero
    columns += [
        np.ascontiguousarray(v[:, k], dtype=np.float32) for v in (series.acc, series.gyr) for k in range(3)
    ]
    names = [name for name, *_ in _CHANNELS]
    sink = pa.BufferOutputStream()
    options = csv.WriteOptions(include_header=False, delimiter="\t", quoting_style="none")
    csv.write_csv(pa.table([pa.array(c) for c in columns], names=names), sink, options)
    path.write_bytes(sink.getvalue().to_pybytes().replace(b"nan", b"n/a"))


def _motion_json(placement: str, series: ImuSeries, sensor: SensorInfo, task: str) -> dict[str, Any]:
    nominal = sensor.nominal_rate_hz if np.isfinite(sensor.nominal_rate_hz) else series.sampling_rate
    facts = {
        "TaskName": task,
        "TaskDescription": "Outdoor walking, jogging or running with inertial sensors at foot and shank"
        if task == "walk"
        else task,
        "SamplingFrequency": nominal,
        "SamplingFrequencyEffective": series.sampling_rate,
        "TrackingSystemName": _label(placement),
        "MotionChannelCount": len(_CHANNELS),
        **{f"{kind}ChannelCount": sum(c[2] == kind for c in _CHANNELS) for kind in _TYPES},
        "TrackedPointsCount": 1,
        "RecordingDuration": series.duration,
        "RecordingType": "continuous",
        "MissingValues": "n/a",
        "ManufacturersModelName": sensor.model,
        "DeviceSerialNumber": sensor.serial,
        "SoftwareVersions": sensor.firmware,
        "SubjectArtefactDescription": "n/a",
        "AccelerometerRange_g": sensor.acc_range_g,
        "GyroscopeRange_dps": sensor.gyr_range_dps,
        "MountSite": sensor.mount_site,
    }
    return {k: v for k, v in facts.items() if v != "" and not (isinstance(v, float) and np.isnan(v))}


_CHANNELS_JSON: Final = {
    "placement": {"Description": "Segment of the body that carries the sensor, and where on it"},
    "reference_frame": {
        "Description": "Frame in which the numbers are given",
        "Levels": {
            "sensor": {
                "SpatialAxes": "n/a",
                "RotationRule": "right-hand",
                "RotationOrder": "n/a",
                "Description": "Axes of the sensor itself as it was worn, in no fixed direction on the body",
            }
        },
    },
}


def _channels(placement: str, sensor: SensorInfo, series: ImuSeries) -> list[dict[str, str]]:
    where = placement.replace("_", " ") + (f", {sensor.mount_site.replace('_', ' ')}" if sensor.mount_site else "")
    nominal = sensor.nominal_rate_hz if np.isfinite(sensor.nominal_rate_hz) else series.sampling_rate
    return [
        {
            "name": name,
            "component": component,
            "type": kind,
            "tracked_point": "n/a" if kind == "LATENCY" else placement,
            "units": unit,
            "placement": "n/a" if kind == "LATENCY" else where,
            "reference_frame": "n/a" if kind == "LATENCY" else "sensor",
            "sampling_frequency": f"{nominal:.10g}",
        }
        for name, component, kind, unit in _CHANNELS
    ]


def _events(out: Outgoing) -> pd.DataFrame:
    """Strides, bouts and events of a session in order of time, columns of `_EVENTS`."""
    import pandas as pd

    strides, bouts, events = (out.tables[name] for name in ("strides", "bouts", "events"))
    parts = [
        pd.DataFrame(
            {
                "onset": strides["ic_s"],
                "duration": strides["end_s"] - strides["ic_s"],
                "trial_type": "stride",
                "foot_off": strides["to_s"],
                "accepted": strides["accepted"].astype(float),
                **{name: strides[name] for name in ("leg", "gait", "angle_source")},
            }
        ),
        pd.DataFrame(
            {
                "onset": bouts["start_s"],
                "duration": bouts["end_s"] - bouts["start_s"],
                "trial_type": "bout",
                "gait": bouts["gait"],
            }
        ),
        events.drop(columns="event_id")
        .rename(columns={"time_s": "onset", "duration_s": "duration", "kind": "trial_type"})
        .fillna({"duration": 0.0}),
    ]
    whole = pd.concat([part for part in parts if len(part)] or parts[:1], ignore_index=True)
    return whole.reindex(columns=list(_EVENTS)).sort_values("onset", ignore_index=True, kind="stable")


def _write_events(path: Path, events: pd.DataFrame) -> None:
    text = events.map(lambda cell: cell or "n/a" if isinstance(cell, str) else cell)
    text.to_csv(path, sep="\t", index=False, na_rep="n/a", float_format="%.9g", lineterminator="\n", quoting=3)
    told = {
        name: {"Description": meaning, **({"Units": unit} if unit else {})}
        for name, (unit, meaning) in _EVENTS.items()
    }
    path.with_suffix(".json").write_text(json_text(told), encoding="utf-8")


def _write_rows(path: Path, rows: list[dict[str, str]]) -> None:
    lines = ["\t".join(rows[0]), *("\t".join(row.values()) for row in rows)] if rows else []
    path.write_bytes(("\n".join(lines) + "\n").encode())


def _acq_time(started_s: float) -> str:
    if not np.isfinite(started_s):
        return "n/a"
    return datetime.fromtimestamp(started_s, tz=UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _label(text: str) -> str:
    """Letters and digits alone, as BIDS wants its labels."""
    return "".join(c for c in text if c.isascii() and c.isalnum())
