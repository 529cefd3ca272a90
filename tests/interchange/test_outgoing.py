"""What leaves the house: never a name, a serial number, a free word or a hidden place, in any format."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from outgoing_walk import KEY, SECRETS, outgoing, walk_with_all

from ankle_imu.interchange.exporters import EXPORTERS, default_target, export
from ankle_imu.interchange.outgoing import Outgoing, alias_of, prepare
from ankle_imu.terrain.points import distances


def contents(files: list[Path]) -> Iterator[str]:
    """All that another program finds in these files, and their names."""
    for path in files:
        yield str(path.name)
        yield path.read_bytes().decode("latin-1")
        if path.suffix == ".parquet":
            import pyarrow.parquet as pq

            yield str(pq.read_schema(path).metadata)
            yield pd.read_parquet(path).to_csv()
        if path.suffix == ".mcap":
            from mcap.reader import make_reader

            with path.open("rb") as file:
                reader = make_reader(file)
                yield "".join(m.data.decode() for _, _, m in reader.iter_messages())
                yield str([m.metadata for m in reader.iter_metadata()])


@pytest.mark.parametrize("to", EXPORTERS)
def test_no_export_tells_who_it_was(tmp_path: Path, to: str) -> None:
    files = export([outgoing("keep")], to, tmp_path / "out" / default_target(to, ["walk"]))
    assert files
    told = "\n".join(contents(files))
    assert [secret for secret in SECRETS if secret.lower() in told.lower()] == []


@pytest.mark.parametrize("to", ["csv", "parquet", "motion-bids", "gpx", "geojson", "mcap"])
def test_words_go_along_when_they_are_wanted(tmp_path: Path, to: str) -> None:
    told = "\n".join(contents(export([outgoing("keep", True)], to, tmp_path / default_target(to, ["w"]))))
    assert "Zdravka stumbled" in told
    assert not any(secret in told for secret in ("zdravka-k", "SN-7788", "AA:BB"))


def test_hashes_are_alike_here_and_unlike_elsewhere() -> None:
    recording, result = walk_with_all()
    there = prepare(recording, result, key=b"salt of another computer")
    here = outgoing()
    assert here.person == alias_of("zdravka-k", KEY) != there.person
    assert here.sensors["left_foot"].serial != there.sensors["left_foot"].serial != ""
    assert here.sensors["right_foot"].serial == "", "a serial that is not known has no hash"
    assert here.sensors["left_foot"].serial != here.sensors["left_shank"].serial
    with pytest.raises(ValueError, match="salt"):
        prepare(recording, result, key=b"")


def places_of(out: Outgoing) -> np.ndarray:
    """All places that an outgoing session holds, (n, 2) deg."""
    frames = [out.tables[name][["latitude_deg", "longitude_deg"]].to_numpy() for name in ("context", "track")]
    frames.append(np.column_stack([out.event_places["latitude_deg"], out.event_places["longitude_deg"]]))
    if out.track is not None:
        frames.append(np.column_stack([out.track.latitude, out.track.longitude]))
    found = np.concatenate(frames)
    return found[np.isfinite(found[:, 0])]


def test_no_place_near_an_end_is_shown() -> None:
    track = walk_with_all()[0].track
    assert track is not None
    shown = places_of(outgoing())
    assert len(shown) > 500
    for end in (0, -1):
        for latitude, longitude in shown:
            ends = np.array([track.latitude[end], latitude]), np.array([track.longitude[end], longitude])
            assert distances(*ends)[0] >= 150.0
    assert len(places_of(outgoing("keep"))) > len(shown)
    assert len(places_of(outgoing("none"))) == 0
    assert outgoing("none").track is None


def test_the_way_is_counted_from_what_is_shown() -> None:
    for name, column in (("track", "distance_m"), ("context", "track_distance_m")):
        assert outgoing().tables[name][column].min() == 0.0


def test_an_event_in_a_hidden_place_has_none() -> None:
    recording, result = walk_with_all()
    early = result.events.assign(time_s=-370.0)  # the track begins 380 s before the session
    hidden = prepare(recording, replace(result, events=early), key=KEY)
    shown = prepare(recording, replace(result, events=early), key=KEY, positions="keep")
    assert np.isnan(hidden.event_places["latitude_deg"]).all()
    assert np.isfinite(shown.event_places["latitude_deg"]).all()


def test_a_result_with_places_but_no_track_shows_none() -> None:
    """Where the ends were is not known, so nothing can be said to be far from them."""
    recording, result = walk_with_all()
    assert len(places_of(prepare(replace(recording, track=None), result, key=KEY))) == 0


def test_what_is_left_out_is_said() -> None:
    told = " ".join(outgoing().told)
    for word in ("near an end", "words of 1 mark", "note"):
        assert word in told
    assert "near an end" not in " ".join(outgoing("keep").told)


def test_the_track_is_in_the_clock_of_the_session() -> None:
    recording, result = walk_with_all()
    late = replace(result, quality={**result.quality, "track": {**result.quality["track"], "offset_s": 37.0}})
    track = prepare(recording, late, key=KEY, positions="keep").track
    assert track is not None
    assert recording.track is not None
    np.testing.assert_allclose(recording.track.time - track.time, 37.0)


def test_a_distance_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="more than 0"):
        prepare(*walk_with_all(), key=KEY, trim_m=0.0)


NASTY = 'tab\there, "quoted", <tag> & \x00\x1b[31mred\x1b[0m\nsecond line; =1+1'


@pytest.mark.parametrize("to", EXPORTERS)
def test_odd_words_break_no_file(tmp_path: Path, to: str) -> None:
    recording, result = walk_with_all()
    events = result.events.assign(note=NASTY)
    out = prepare(recording, replace(result, events=events), key=KEY, positions="keep", has_words=True)
    files = export([out], to, tmp_path / default_target(to, ["walk"]))
    clean = out.tables["events"]["note"].iloc[0]
    assert clean == 'tab here, "quoted", <tag> & [31mred [0m second line; =1+1'
    if to == "gpx":
        import gpxpy

        assert all(mark.description.endswith(clean) for mark in gpxpy.parse(files[0].read_text("utf-8")).waypoints)
    if to == "csv":
        assert set(pd.read_csv(tmp_path / "walk_csv/events.csv")["note"]) == {clean}
    if to == "motion-bids":
        found = pd.read_csv(next(path for path in files if path.name.endswith("events.tsv")), sep="\t", quoting=3)
        assert set(found["note"].dropna()) == {clean}


def test_a_leg_is_told_only_in_the_words_of_the_house() -> None:
    recording, result = walk_with_all()
    for said, told in (("left", "left"), ("the left one of Zdravka", "")):
        info = replace(recording.session, affected_leg=said)
        assert prepare(replace(recording, session=info), result, key=KEY).facts["affected_leg"] == told
