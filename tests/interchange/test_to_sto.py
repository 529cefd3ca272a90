"""OpenSim storage files: read back by hand, and by OpenSim itself where it is installed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from outgoing_walk import outgoing

from ankle_imu import frames, tables
from ankle_imu.errors import RecordingError
from ankle_imu.interchange.exporters import export
from ankle_imu.interchange.segments import segment_orientations
from ankle_imu.orientation import ankle_angles
from ankle_imu.orientation.angles import sensor_up


def read_sto(path: Path) -> tuple[dict[str, str], np.ndarray, dict[str, np.ndarray]]:
    """Header, times and quaternions of a table, by hand."""
    head, _, body = path.read_text().partition("endheader\n")
    names, *lines = body.splitlines()
    rows = [line.split("\t") for line in lines]
    columns = np.array([[[float(x) for x in cell.split(",")] for cell in row[1:]] for row in rows])
    labels = names.split("\t")
    assert labels[0] == "time"
    return (
        dict(line.split("=") for line in head.splitlines()),
        np.array([float(row[0]) for row in rows]),
        {label: columns[:, k] for k, label in enumerate(labels[1:])},
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("sto") / "walk"
    export([outgoing()], "sto", path)
    return path


def test_the_ankle_comes_back(folder: Path) -> None:
    head, time, quats = read_sto(folder / "orientations.sto")
    assert head["DataType"] == "Quaternion"
    assert float(head["DataRate"]) == pytest.approx(104.0, abs=1e-3)
    assert list(quats) == ["tibia_l_imu", "calcn_l_imu", "calcn_r_imu"]
    for quat in quats.values():
        np.testing.assert_allclose(np.linalg.norm(quat, axis=1), 1.0, atol=3e-9)
    angles = outgoing().tables["angles"].set_index(np.round(outgoing().tables["angles"]["time_s"], 6) + 0.0)
    ours = angles.loc[time]
    found = np.degrees(ankle_angles(quats["calcn_l_imu"], quats["tibia_l_imu"], "left"))
    for kind, values in zip(("dorsiflexion", "inversion", "rotation"), found, strict=True):
        np.testing.assert_allclose(values, ours[f"left_{kind}_deg"], atol=1e-5)
    up = sensor_up(frames.mirror_rotation(quats["calcn_r_imu"], "right"))
    tilt, pitch = np.degrees(frames.foot_angles_from_up(up))
    np.testing.assert_allclose(tilt, ours["right_foot_tilt_deg"], atol=1e-5)
    np.testing.assert_allclose(pitch, ours["right_foot_pitch_deg"], atol=1e-5)


def test_rows_with_something_unknown_are_left_out(folder: Path) -> None:
    time = read_sto(folder / "orientations.sto")[1]
    angles = outgoing().tables["angles"]
    known = angles[["left_inversion_deg", "left_shank_tilt_deg", "right_foot_tilt_deg"]].notna().all(axis=1)
    assert 0 < len(time) == known.sum() < len(angles)


def test_standing_is_level(folder: Path) -> None:
    _, time, quats = read_sto(folder / "calibration.sto")
    assert len(time) == 1
    assert list(quats) == list(read_sto(folder / "orientations.sto")[2])
    assert all(quat.tolist() == [[1.0, 0.0, 0.0, 0.0]] for quat in quats.values())


def test_a_session_without_angles_is_refused(tmp_path: Path) -> None:
    for angles in (
        tables.make_table(tables.ANGLES, {}),
        tables.make_table(tables.ANGLES, {"time_s": [0.0, 0.01]}),
    ):
        nothing = replace(outgoing(), tables={**outgoing().tables, "angles": angles})
        assert segment_orientations(angles) == {}
        with pytest.raises(RecordingError, match="no instant"):
            export([nothing], "sto", tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


def test_opensim_reads_it(folder: Path) -> None:
    opensim = pytest.importorskip("opensim", reason="OpenSim is not installed (pip install opensim)")
    table = opensim.TimeSeriesTableQuaternion(str(folder / "orientations.sto"))
    _, time, quats = read_sto(folder / "orientations.sto")
    assert list(table.getColumnLabels()) == list(quats)
    assert table.getNumRows() == len(time)
    np.testing.assert_allclose(table.getIndependentColumn(), time)
    assert opensim.TimeSeriesTableQuaternion(str(folder / "calibration.sto")).getNumRows() == 1


def two_bodies(opensim, path: Path) -> None:
    """A shank on a ball joint at the knee, a foot on one at the ankle; axes as in OpenSim's models, y up."""
    model, zero = opensim.Model(), opensim.Vec3(0)
    shank, foot = (opensim.Body(name, 1.0, zero, opensim.Inertia(1, 1, 1)) for name in ("tibia_l", "calcn_l"))
    ground = model.getGround()
    knee = opensim.BallJoint("knee", ground, zero, zero, shank, zero, zero)
    ankle = opensim.BallJoint("ankle", shank, opensim.Vec3(0, -0.4, 0), zero, foot, zero, zero)
    for body, joint in ((shank, knee), (foot, ankle)):
        model.addBody(body)
        model.addJoint(joint)
    model.finalizeConnections()
    model.printToXML(str(path))


def test_opensense_finds_the_same_ankle(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """IMU Placer and IMU inverse kinematics, set as the README beside the tables says, over two strides."""
    opensim = pytest.importorskip("opensim", reason="OpenSim is not installed (pip install opensim)")
    from scipy.spatial.transform import Rotation

    monkeypatch.chdir(tmp_path)
    head, rows = (folder / "orientations.sto").read_text().split("tibia_l_imu", 1)
    names, *lines = rows.splitlines()
    (tmp_path / "strides.sto").write_text("\n".join([f"{head}tibia_l_imu{names}", *lines[5000:5200]]) + "\n")
    two_bodies(opensim, tmp_path / "leg.osim")
    upright = opensim.Vec3(-np.pi / 2, 0, 0)
    placer = opensim.IMUPlacer()
    placer.set_model_file("leg.osim")
    placer.set_orientation_file_for_calibration(str(folder / "calibration.sto"))
    placer.set_sensor_to_opensim_rotations(upright)
    placer.set_output_model_file("placed.osim")
    assert placer.run(False)
    tool = opensim.IMUInverseKinematicsTool()
    tool.set_model_file("placed.osim")
    tool.set_orientations_file("strides.sto")
    tool.set_sensor_to_opensim_rotations(upright)
    tool.set_results_directory(".")
    tool.set_output_motion_file("ik.mot")
    for k, line in ((0, lines[5000]), (1, lines[5199])):
        tool.set_time_range(k, float(line.split("\t")[0]))
    assert tool.run()
    _, *found = (tmp_path / "ik.mot").read_text().partition("endheader\n")[2].splitlines()
    table = np.array([[float(x) for x in row.split("\t")] for row in found])
    turned = Rotation.from_euler("x", -90.0, degrees=True)  # z up to y up
    ankle = turned.inv() * Rotation.from_euler("XYZ", table[:, 4:7], degrees=True) * turned
    theirs = np.degrees(ankle_angles(ankle.as_quat(scalar_first=True), [[1.0, 0, 0, 0]], "left"))
    angles = outgoing().tables["angles"]
    at = np.searchsorted(angles["time_s"], table[:, 0] - 1e-4)
    for kind, values in zip(("dorsiflexion", "inversion", "rotation"), theirs, strict=True):
        # its optimiser stops at about 1e-5 rad
        np.testing.assert_allclose(values, angles[f"left_{kind}_deg"].to_numpy()[at], atol=0.02)
    assert np.ptp(theirs[1]) > 5.0
