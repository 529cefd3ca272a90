"""GPX and GeoJSON: the track comes back, and each event stands where and when it was."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import gpxpy
import numpy as np
import pytest
from outgoing_walk import STARTED, outgoing

from ankle_imu.errors import RecordingError
from ankle_imu.interchange.exporters import export
from ankle_imu.terrain import read_track
from ankle_imu.track import Track


def gpx_text(tmp_path: Path) -> bytes:
    return export([outgoing()], "gpx", tmp_path / "walk.gpx")[0].read_bytes()


def test_gpx_gives_the_track_back(tmp_path: Path) -> None:
    again, track = read_track(gpx_text(tmp_path), "walk.gpx"), outgoing().track
    assert track is not None
    np.testing.assert_allclose(again.latitude, track.latitude, atol=1e-8)
    np.testing.assert_allclose(again.longitude, track.longitude, atol=1e-8)
    np.testing.assert_allclose(again.elevation, track.elevation, atol=1e-3)
    np.testing.assert_allclose(again.time, track.time, atol=1e-5)
    np.testing.assert_array_equal(again.segment, track.segment - track.segment[0])


def test_gpx_has_numbered_events_with_their_excursion(tmp_path: Path) -> None:
    marks = gpxpy.parse(gpx_text(tmp_path).decode()).waypoints
    events = outgoing().tables["events"]
    assert len(marks) == len(events) >= 2
    start = datetime.fromisoformat(STARTED)
    for mark, (_, event) in zip(marks, events.iterrows(), strict=True):
        assert mark.name.split()[0] == str(event["event_id"])
        assert (mark.time - start).total_seconds() == pytest.approx(event["time_s"], abs=1e-5)
        if event["kind"] != "marker":
            assert mark.name.endswith(f"{event['peak_deg']:.0f} deg")
            assert f"{event['peak_deg']:.1f} deg, {event['peak_dps']:.0f} deg/s" in mark.description
        # the walker of `straight` goes due north at 1.4 m/s and had gone for 380 s when the session began
        assert mark.latitude == pytest.approx(46.0 + 1.4 * (380.0 + event["time_s"]) / 111_195.0, abs=2e-5)


def geojson(tmp_path: Path, **changes: object) -> list[dict]:
    file = export([replace(outgoing(), **changes)], "geojson", tmp_path / "walk.geojson")[0]
    whole = json.loads(file.read_text("utf-8"), parse_constant=lambda word: pytest.fail(f"{word} is no JSON"))
    assert whole["type"] == "FeatureCollection"
    assert all(feature["type"] == "Feature" for feature in whole["features"])
    return whole["features"]


def test_geojson_gives_the_track_back(tmp_path: Path) -> None:
    line, *points = geojson(tmp_path)
    track = outgoing().track
    assert track is not None
    assert line["geometry"]["type"] == "MultiLineString"
    found = np.concatenate([np.array(piece) for piece in line["geometry"]["coordinates"]])
    np.testing.assert_allclose(found[:, 0], track.longitude, atol=6e-8)
    np.testing.assert_allclose(found[:, 1], track.latitude, atol=6e-8)
    np.testing.assert_allclose(found[:, 2], track.elevation, atol=6e-4)
    times = [datetime.fromisoformat(t).timestamp() for piece in line["properties"]["coordTimes"] for t in piece]
    np.testing.assert_allclose(times, track.time, atol=1e-5)
    events = outgoing().tables["events"]
    assert [point["properties"]["event_id"] for point in points] == events["event_id"].tolist()
    peaks = [np.nan if p is None else p for p in (point["properties"]["peak_deg"] for point in points)]
    np.testing.assert_array_equal(peaks, events["peak_deg"])


def test_interruptions_and_the_antimeridian_cut_the_line(tmp_path: Path) -> None:
    track = Track(
        time=np.array([0.0, 1.0, np.nan, 10.0, 11.0, 12.0, 13.0, 20.0]),
        latitude=np.zeros(8),
        longitude=np.array([10.0, 10.1, 10.2, 179.8, 179.9, -179.9, -179.8, 5.0]),
        elevation=np.array([np.nan, 1.0, *[2.0] * 6]),
        segment=np.array([0, 0, 0, 1, 1, 1, 1, 2]),
    )
    line = geojson(tmp_path, track=track)[0]
    pieces = line["geometry"]["coordinates"]
    assert [len(piece) for piece in pieces] == [3, 2, 2], "a piece of one point is no line"
    assert pieces[0][:2] == [[10.0, 0.0], [10.1, 0.0, 1.0]]
    assert line["properties"]["coordTimes"][0] == ["1970-01-01T00:00:00Z", "1970-01-01T00:00:01Z", None]


@pytest.mark.parametrize("to", ["gpx", "geojson"])
def test_without_a_track_there_is_no_map(tmp_path: Path, to: str) -> None:
    with pytest.raises(RecordingError, match="track attach"):
        export([replace(outgoing(), track=None, told=())], to, tmp_path / "out")
    with pytest.raises(RecordingError, match="near an end"):
        export([replace(outgoing(), track=None, told=("All lies near an end.",))], to, tmp_path / "out")
    assert list(tmp_path.iterdir()) == []
