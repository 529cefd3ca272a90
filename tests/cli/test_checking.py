"""`check` tells every loss and draws it; `repair` makes a broken recording whole."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ankle_imu import manifest, recording
from ankle_imu.durable import ASIDE
from ankle_imu.ledger import take_ledger
from ankle_imu.report.loss_timeline import count_samples, loss_figure
from ankle_imu.values import ImuSeries, LinkEvent, Recording, SessionInfo
from ankle_imu.wire import ankle
from ankle_imu.wire.ankle_state import State, Status, encode_status

RATE = 104.0
SECONDS = 30.0
CONFIG = {"acc_range_g": 16.0, "gyr_range_dps": 2000.0, "nominal_rate_hz": RATE}
Cli = Callable[..., object]


def packets(seed: int) -> list[tuple[float, bytes]]:
    rng = np.random.default_rng(seed)
    time = np.arange(int(SECONDS * RATE)) / RATE
    acc, gyr = rng.normal(0, 20, (len(time), 3)), rng.normal(0, 3, (len(time), 3))
    return ankle.encode(time, acc, gyr, acc_range_g=16.0, gyr_range_dps=2000.0)


def record(folder: Path) -> Path:
    """30 s: the link to the shank is lost from 10 to 13 s; the foot holds back 20 to 22 s until 22.5 s."""
    info = SessionInfo(alias="P-test", started_utc="2026-11-22T09:00:00Z", session_id=folder.name, note="roots")
    recording.write_session_info(folder, info)
    foot = [(22.5 + (t - 20.0) / 10 if 20.0 <= t < 22.0 else t, p) for t, p in packets(0)]
    shank = [(t, p) for t, p in packets(1) if not 10.0 <= t < 13.0]
    with recording.RecordingWriter(folder, start_ns=10**18, session=manifest.to_toml(info)) as writer:
        numbers = [writer.open_sensor(placement, "ankle", CONFIG) for placement in ("left_foot", "left_shank")]
        sent = [(t, numbers[i], payload) for i, packets in enumerate((foot, shank)) for t, payload in packets]
        for t, number, payload in sorted(sent):
            writer.append(number, t, payload)
        for t, event, text in (
            (0.0, "connected", "SN1"),
            (0.1, "battery", "80 %"),
            (10.0, "lost", "out of range"),
            (13.0, "connected", "SN1"),
            (29.0, "battery", "79 %"),
        ):
            writer.log(t, "left_shank", event, text)
        state = writer.open_sensor("left_foot", "ankle", kind="status")
        for t, percent in ((29.5, 64), (0.5, 65), (29.8, 255)):
            status = Status(
                state=State.STREAMING, battery_pct=percent, t_us=0, next_index=0, boot_id=1, temperature_cc=0
            )
            writer.append(state, t, encode_status(status))
        writer.append(state, 29.9, b"torn")
        writer.mark(5.0, "roots")
    return folder


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return record(tmp_path_factory.mktemp("recorded") / "people" / "P-test" / "2026" / "2026-11-22T090000Z_abcd")


@pytest.fixture
def folder(recorded: Path, tmp_path: Path) -> Path:
    """A copy of the session in the library that the commands look at."""
    root = tmp_path / "library"
    shutil.copytree(recorded.parents[3], root)
    return root / recorded.relative_to(recorded.parents[3])


def spoil(folder: Path) -> None:
    """Zero 4 KiB in the middle of the part and cut off its end, as a killed recorder on a bad disk leaves it."""
    part = recording.part_path(folder, 1)
    data = part.read_bytes()
    middle = len(data) // 2
    part.write_bytes(data[:middle] + bytes(4096) + data[middle + 4096 : -2000])


def test_check_tells_every_loss_and_draws_it(folder: Path, ankle_imu: Cli) -> None:
    done = ankle_imu("check", "last", "--json")
    assert done.code == 0
    told = done.json
    assert told["session"] == folder.name
    foot, shank = told["sensors"]["left_foot"], told["sensors"]["left_shank"]
    assert (foot["expected"], foot["received"], foot["lost"]) == (3120, 3120, 0)
    # 2 s of packets came late: to the packet
    assert abs(foot["healed"] - 208) <= 14
    assert abs(shank["lost"] - 312) <= 14
    assert shank["expected"] == shank["received"] + shank["lost"]
    assert (shank["battery_start"], shank["battery_end"]) == (0.80, 0.79)
    assert (foot["battery_start"], foot["battery_end"], foot["nominal_rate_hz"]) == (0.65, 0.64, 104.0)
    (gap,) = told["gaps"]
    assert (gap["placement"], gap["samples"], gap["reason"]) == ("left_shank", shank["lost"], "link lost")
    assert (told["damage"], told["lost_bytes"]) == ([], 0)
    assert told["files"] == [str(folder / "check.png")]
    assert (folder / "check.png").read_bytes().startswith(b"\x89PNG")


def test_check_in_words(folder: Path, ankle_imu: Cli) -> None:
    done = ankle_imu("check", folder)
    assert done.code == 0
    assert done.lines[0] == f"{folder.name}  0:30"
    row = next(line.split() for line in done.lines if line.startswith("left shank"))
    assert row[2:4] == ["3,120", f"{take_ledger(folder).recording.loss['left_shank'].received:,}"]
    assert "80 → 79 %" in done.out
    assert "link lost" in done.out
    assert "1 file, whole and closed." in done.out
    assert done.lines[-1] == str(folder / "check.png")


def test_picture_goes_where_it_is_wanted(folder: Path, tmp_path: Path, ankle_imu: Cli) -> None:
    target = tmp_path / "loss.svg"
    assert ankle_imu("check", "last", "-o", target).lines[-1] == str(target)
    assert "<svg" in target.read_text("utf-8")
    ankle_imu("check", "last", "-o", tmp_path / "loss.txt", "--json").refuses(2, "loss.txt ends in none of")


def test_check_of_a_damaged_file_tells_all_and_ends_with_5(folder: Path, ankle_imu: Cli) -> None:
    spoil(folder)
    done = ankle_imu("check", "last")
    assert done.code == 5
    assert "part-0001.mcap is damaged in" in done.out
    assert "part-0001.mcap was not closed" in done.out
    assert "packets damaged on disk" in done.out
    assert "ankle-imu repair last" in done.err
    assert (folder / "check.png").exists()
    assert ankle_imu("check", "last", "--json").code == 5


def test_check_of_a_single_file(folder: Path, ankle_imu: Cli) -> None:
    part = recording.part_path(folder, 1)
    done = ankle_imu("check", part, "--json")
    assert done.code == 0
    assert done.json["files"] == [str(part.with_suffix(".check.png"))]


def test_check_of_a_session_without_a_sample(tmp_path: Path, ankle_imu: Cli) -> None:
    with recording.RecordingWriter(tmp_path / "empty", start_ns=1) as writer:
        writer.log(1.0, "left_foot", "lost", "never seen again")
    done = ankle_imu("check", tmp_path / "empty", "--json")
    assert done.code == 5
    assert (done.json["sensors"], done.json["files"]) == ({}, [])
    assert [event["text"] for event in done.json["events"]] == ["never seen again"]
    assert "holds no samples" in done.json["warnings"][0]
    assert "holds no samples" in ankle_imu("check", tmp_path / "empty").out


def test_check_of_nothing(tmp_path: Path, ankle_imu: Cli) -> None:
    ankle_imu("check", tmp_path / "none").refuses(5, "none")
    (tmp_path / "a.txt").write_text("hello")
    ankle_imu("check", tmp_path / "a.txt").refuses(5, "no recording")


def test_repair_makes_whole_and_analyze_works(folder: Path, ankle_imu: Cli) -> None:
    spoil(folder)
    spoilt = recording.part_path(folder, 1).read_bytes()
    (folder / "session.toml").write_text("format_version = 1\nnote = ")
    done = ankle_imu("repair", folder)
    assert done.code == 0
    assert "saved: " in done.out
    assert "of /imu/left_foot/packet" in done.out
    assert "that had been recorded are lost" in done.out
    assert "restored from the recording" in done.out
    assert (folder / "raw" / "damaged" / "part-0001.mcap").read_bytes() == spoilt
    assert (folder / "raw" / "damaged" / "session.toml").exists()
    assert recording.read_session_info(folder).note == "roots"
    assert ankle_imu("check", folder).code == 0
    again = ankle_imu("repair", folder)
    assert (again.code, again.lines[-1]) == (0, "Nothing to repair.")


def test_repaired_walk_is_analyzed(session: Path, ankle_imu: Cli) -> None:
    spoil(session)
    (session / "session.toml").unlink()
    assert ankle_imu("repair", "last").code == 0
    done = ankle_imu("analyze", session, "--json")
    assert done.code == 0
    assert done.json["sessions"][0]["legs"][0]["n_strides"] > 10


def test_repair_of_a_missing_manifest_without_a_copy(folder: Path, ankle_imu: Cli) -> None:
    (folder / "session.toml").unlink()
    told = ankle_imu("repair", folder, "--json").json
    assert told["is_needed"]
    assert told["files"] == [str(folder / "session.toml")]
    assert recording.read_session_info(folder).alias == "P-test"
    assert not ankle_imu("repair", folder, "--json").json["is_needed"]


def test_repair_of_a_single_file_leaves_it_as_it_is(folder: Path, ankle_imu: Cli) -> None:
    spoil(folder)
    part = recording.part_path(folder, 1)
    spoilt = part.read_bytes()
    told = ankle_imu("repair", part, "--json").json
    assert told["files"] == [str(part.with_name("repaired-part-0001.mcap"))]
    assert part.read_bytes() == spoilt
    assert ankle_imu("check", told["files"][0]).code == 0
    assert not ankle_imu("repair", part, "--json").json["is_needed"]


def test_repair_sets_an_empty_part_aside(folder: Path, ankle_imu: Cli) -> None:
    recording.part_path(folder, 2).write_bytes(b"")
    assert ankle_imu("check", folder).code == 5
    done = ankle_imu("repair", folder)
    assert "nothing in it could be saved" in done.out
    assert not recording.part_path(folder, 2).exists()
    assert (folder / "raw" / "damaged" / "part-0002.mcap").exists()
    assert ankle_imu("check", folder).code == 0


def test_what_was_never_finished_is_explained(folder: Path, tmp_path: Path, ankle_imu: Cli) -> None:
    (folder / "raw" / f"{ASIDE}1234-part-0001.mcap").write_bytes(b"half")
    done = ankle_imu("repair", folder)
    assert done.lines == ["Nothing to repair."]
    assert "interrupted" in done.err
    half = tmp_path / f"{ASIDE}1234-session"
    half.mkdir()
    ankle_imu("repair", half).refuses(5, "never finished", "run that command again")
    ankle_imu("repair", tmp_path).refuses(5, "nothing to repair")


def test_lane_by_hand() -> None:
    values = np.ones((10, 3))
    values[[4, 5, 6], :] = np.nan
    series = ImuSeries(time=np.arange(10) / 10, acc=values, gyr=values, sampling_rate=10.0)
    counts = count_samples(series, np.array([0.0, 0.45, 1.0]), np.array([0.75, 0.85]))
    assert {kind: n.tolist() for kind, n in counts.items()} == {
        "received": [4.0, 1.0],
        "healed": [0.0, 2.0],
        "lost": [1.0, 2.0],
    }


def test_figure_shows_all_that_is_lost(recorded: Path) -> None:
    ledger = take_ledger(recorded)
    # 20 to 22 s, read off arrivals
    assert 19.5 < ledger.healed["left_foot"].min() < ledger.healed["left_foot"].max() < 22.6
    figure = ledger.draw()
    (ax,) = figure.axes
    assert {text.get_text() for text in ax.get_legend().get_texts()} == {
        "received", "healed", "lost", "link lost", "connected", "marker",
    }  # fmt: skip
    ticks = [c.get_segments() for c in ax.collections if hasattr(c, "get_segments")]
    at = sorted(float(segment[0][0]) for one in ticks for segment in one)
    assert 9.9 < at[0] < 10.2
    assert 12.8 < at[-1] < 13.1
    assert [text.get_text() for text in ax.texts if "lost" in text.get_text()] == [
        "0\u00a0% lost\n104.0 Hz",
        "9.9\u00a0% lost\n104.0 Hz",
    ]


def test_figure_of_an_event_of_an_unknown_sensor() -> None:
    rec = Recording.from_arrays(100.0, {"left_foot": (np.ones((50, 3)), np.ones((50, 3)))})
    figure = loss_figure(rec, [LinkEvent(time_s=0.1, placement="right_foot", event="lost")])
    assert len(figure.axes[0].lines) == 0


def test_json_is_one_object(folder: Path, ankle_imu: Cli) -> None:
    spoil(folder)
    for command in ("check", "repair"):
        json.loads(ankle_imu(command, folder, "--json").out)


def test_sensors_added_later_are_in_a_restored_manifest(tmp_path: Path) -> None:
    folder = tmp_path / "people" / "P-later" / "2026" / "2026-11-22T090000Z_abcd"
    with recording.RecordingWriter(folder, start_ns=10**18, session="no toml") as writer:
        writer.append(writer.open_sensor("left_foot", "ankle", CONFIG), 0.0, packets(0)[0][1])
    recording.repair_session(folder)
    info = recording.read_session_info(folder)
    assert replace(info, sensors={}) == SessionInfo(
        session_id=folder.name, alias="P-later", started_utc="2001-09-09T01:46:40Z"
    )
    assert info.sensors["left_foot"].protocol == "ankle"


def test_a_session_that_is_being_recorded_is_no_broken_one(folder: Path, ankle_imu: Cli) -> None:
    log = recording.read_log(recording.part_paths(folder))
    with recording.RecordingWriter(folder, start_ns=log.start_ns, session=log.session, after=log) as writer:
        foot = writer.open_sensor("left_foot", "ankle", CONFIG)
        writer.log(31.0, "left_foot", "battery", "60 %")
        writer.flush()
        done = ankle_imu("check", "last")
        assert done.code == 0
        assert "Still recording" in done.err
        assert "not closed" not in done.out
        assert "repair" not in done.err
        assert ankle_imu("check", "last", "--json").json["is_being_recorded"] is True
        ankle_imu("repair", "last").refuses(5, f"{folder.name} is being recorded")
        writer.append(foot, 32.0, b"goes on")
    assert ankle_imu("check", "last", "--json").json["is_being_recorded"] is False
    assert recording.read_log(recording.part_paths(folder)).streams[0].packets[-1][1] == b"goes on"
