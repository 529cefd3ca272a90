"""MCAP for viewers: read back with the library's own reader, message by message."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from mcap.reader import make_reader
from outgoing_walk import outgoing

from ankle_imu.interchange.exporters import export
from ankle_imu.interchange.segments import segment_orientations
from ankle_imu.interchange.to_mcap import SCHEMAS

Read = dict[str, list[tuple[int, dict]]]


def messages(path: Path) -> tuple[Read, list[int], dict[str, str]]:
    """Topic -> (log time, message), all log times in order of the file, topic -> schema."""
    found: Read = {}
    order: list[int] = []
    schemas: dict[str, str] = {}
    with path.open("rb") as file:
        for schema, channel, message in make_reader(file, validate_crcs=True).iter_messages(log_time_order=False):
            assert schema is not None
            assert channel.message_encoding == "json"
            assert schema.encoding == "jsonschema"
            content = json.loads(message.data)
            assert set(content) <= set(json.loads(schema.data)["properties"])
            schemas[channel.topic] = schema.name
            order.append(message.log_time)
            found.setdefault(channel.topic, []).append((message.log_time, content))
    return found, order, schemas


@pytest.fixture(scope="module")
def walk(tmp_path_factory: pytest.TempPathFactory) -> tuple[Read, list[int], dict[str, str]]:
    return messages(export([outgoing()], "mcap", tmp_path_factory.mktemp("mcap") / "walk.mcap")[0])


def test_topics_and_order(walk) -> None:
    found, order, schemas = walk
    assert set(schemas.values()) == set(SCHEMAS)
    assert set(found) == {
        *(f"/imu/{p}" for p in outgoing().series),
        *("/angles/left", "/angles/right", "/gps", "/events"),
        *("/tf/left_foot", "/tf/left_shank", "/tf/right_foot"),
    }
    assert order == sorted(order)


@pytest.mark.parametrize("placement", ["left_foot", "left_shank", "right_foot"])
def test_samples_come_back(walk, placement: str) -> None:
    series, found = outgoing().series[placement], walk[0][f"/imu/{placement}"]
    known = series.is_valid
    assert len(found) == known.sum(), "what is lost has no message"
    times = np.array([at for at, _ in found], dtype=np.int64) - round(outgoing().started_s * 1e9)
    np.testing.assert_allclose(times * 1e-9, series.time[known], atol=1e-9)
    np.testing.assert_allclose([m["t"] for _, m in found], series.time[known], atol=6e-7)
    for name, values in (("acc", series.acc), ("gyr", series.gyr)):
        again = np.array([[m[name][axis] for axis in "xyz"] for _, m in found])
        np.testing.assert_allclose(again, values[known], rtol=1e-8)


def test_angles_come_back_and_unknown_ones_are_absent(walk) -> None:
    angles = outgoing().tables["angles"]
    found = {round(m["t"] * 1e6): m for _, m in walk[0]["/angles/left"]}
    for t, inversion, pitch in angles[["time_s", "left_inversion_deg", "left_foot_pitch_deg"]].to_numpy():
        message = found[round(t * 1e6)]
        assert message["foot_pitch_deg"] == pytest.approx(pitch, rel=1e-5, abs=1e-5)
        assert message.get("inversion_deg", np.nan) == pytest.approx(inversion, rel=1e-5, abs=1e-5, nan_ok=True)
    assert any("inversion_deg" not in m for m in found.values())
    assert "shank_tilt_deg" not in walk[0]["/angles/right"][0][1]


def test_pictures_events_and_places(walk) -> None:
    found = walk[0]
    quat = segment_orientations(outgoing().tables["angles"])["left_shank"]
    first = found["/tf/left_shank"][0][1]
    assert [first["rotation"][axis] for axis in "wxyz"] == pytest.approx(quat[0].tolist(), abs=1e-8)
    assert first["child_frame_id"] == "left_shank"
    events = outgoing().tables["events"]
    assert [m["message"].split()[0] for _, m in found["/events"]] == events["event_id"].astype(str).tolist()
    track = outgoing().tables["track"]
    assert [m["latitude"] for _, m in found["/gps"]] == track["latitude_deg"].tolist()
    stamp = found["/gps"][0][1]["timestamp"]
    assert stamp["sec"] + stamp["nsec"] * 1e-9 == pytest.approx(
        outgoing().started_s + track["time_s"][0], abs=1e-6
    )


def test_without_a_start_times_count_from_zero(tmp_path: Path) -> None:
    out = replace(outgoing("none"), started_s=float("nan"))
    found, order, _ = messages(export([out], "mcap", tmp_path / "walk.mcap")[0])
    assert order[0] >= 0
    assert "/gps" not in found
    assert found["/imu/left_foot"][-1][0] == pytest.approx(out.series["left_foot"].time[-1] * 1e9, abs=1.0)
