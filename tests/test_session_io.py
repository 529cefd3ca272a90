"""Arrays and simulations through a session folder and back, and every bad folder in one sentence."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

import ankle_imu as ai
from ankle_imu import session_io
from ankle_imu.durable import ASIDE
from ankle_imu.errors import CorruptRecording, RecordingError, UnknownFormatVersion
from ankle_imu.recording import RecordingWriter, repair_session
from ankle_imu.units import STANDARD_GRAVITY
from ankle_imu.values import Marker, Recording, SensorInfo, SessionInfo

INFO = SessionInfo(alias="P-test", started_utc="2026-11-22T09:00:00Z", note="roots", tags=("hill",))


def walk(n: int = 2000, rate: float = 208.0) -> Recording:
    rng = np.random.default_rng(0)
    arrays = {p: (rng.normal(0, 20, (n, 3)), rng.normal(0, 5, (n, 3))) for p in ("left_shank", "left_foot")}
    arrays["left_foot"][0][700:730] = np.nan
    return Recording.from_arrays(rate, arrays)


def test_arrays_come_back_bit_by_bit(tmp_path: Path) -> None:
    rec = walk()
    folder = session_io.save_recording(rec, tmp_path, info=INFO)
    assert folder.parent == tmp_path / "people" / "P-test" / "2026"
    assert folder.name.startswith("2026-11-22T090000Z_")
    back = ai.open_session(folder)
    for placement, series in rec.series.items():
        found = back.series[placement]
        np.testing.assert_array_equal(found.time, series.time)
        np.testing.assert_array_equal(found.acc, series.acc)
        np.testing.assert_array_equal(found.gyr, series.gyr)
    assert back.loss["left_foot"].lost == 30
    assert back.loss["left_shank"].lost == 0
    assert (back.session.note, back.session.tags) == ("roots", ("hill",))
    assert back.session.sensors["left_foot"].protocol == "import/arrays"
    assert back.warnings == ()


def test_simulation_goes_through_packets_of_16_bits(tmp_path: Path) -> None:
    rec = walk()
    back = ai.open_session(session_io.save_simulation(rec, tmp_path, info=INFO))
    for placement, series in rec.series.items():
        found = back.series[placement]
        np.testing.assert_allclose(found.time, series.time, atol=5e-6)
        assert found.sampling_rate == pytest.approx(208.0, rel=1e-5)
        half_step = 8 * STANDARD_GRAVITY / 32768
        np.testing.assert_allclose(found.acc, series.acc, atol=half_step * 1.001)
    assert back.loss["left_foot"].lost == 30
    assert back.session.sensors["left_foot"].acc_range_g == 16.0
    assert list(back.series) == ["left_foot", "left_shank"]


def test_clipped_samples_are_counted(tmp_path: Path) -> None:
    acc, gyr = np.zeros((400, 3)), np.zeros((400, 3))
    acc[100:105, 0] = 300.0
    rec = Recording.from_arrays(104.0, {"right_foot": (acc, gyr)})
    back = ai.open_session(session_io.save_simulation(rec, tmp_path, info=INFO))
    assert back.loss["right_foot"].clipped == 5


def test_hole_in_given_times_becomes_nan_rows(tmp_path: Path) -> None:
    time = np.delete(np.arange(300) / 100.0, range(100, 120))
    ones = np.ones((280, 3))
    rec = Recording.from_arrays(None, {"left_foot": (ones, ones)}, time={"left_foot": time})
    back = ai.open_session(session_io.save_recording(rec, tmp_path, info=INFO))
    assert len(back.series["left_foot"].time) == 300
    assert np.flatnonzero(~back.series["left_foot"].is_valid).tolist() == list(range(100, 120))


def test_originals_are_kept_untouched(tmp_path: Path) -> None:
    source = tmp_path / "walk.csv"
    source.write_bytes(b"time;acc\r\n")
    folder = session_io.save_recording(
        walk(), tmp_path, info=INFO, import_format="csv", originals=[source, source]
    )
    assert (folder / "raw" / "walk.csv").read_bytes() == b"time;acc\r\n"
    assert (folder / "raw" / "1-walk.csv").exists()
    with pytest.raises(RecordingError, match="There is no file"):
        session_io.save_recording(walk(), tmp_path, info=INFO, originals=[tmp_path / "gone.csv"])


def test_markers_and_description_of_sensors_survive(tmp_path: Path) -> None:
    rec = walk()
    info = SessionInfo(
        alias="P-test",
        sensors={"left_foot": SensorInfo(placement="left_foot", serial="A1", mount_site="lateral")},
    )
    marked = Recording(series=rec.series, markers=(Marker(time_s=3.25, text="stone", leg="left"),))
    back = ai.open_session(session_io.save_simulation(marked, tmp_path, info=info))
    assert back.markers == marked.markers
    sensor = back.session.sensors["left_foot"]
    assert (sensor.serial, sensor.mount_site, sensor.protocol) == ("A1", "lateral", "ankle")
    assert back.session.started_utc.endswith("Z")


def test_one_mcap_alone_tells_what_it_is(tmp_path: Path) -> None:
    folder = session_io.save_simulation(walk(), tmp_path, info=INFO)
    alone = shutil.copy(folder / "raw" / "part-0001.mcap", tmp_path / "alone.mcap")
    back = ai.open_session(alone)
    assert (back.session.note, back.session.started_utc) == ("roots", INFO.started_utc)
    assert len(back.series["left_foot"].time) == 2000


def test_damage_is_counted_and_told(tmp_path: Path) -> None:
    folder = session_io.save_simulation(walk(), tmp_path, info=INFO)
    part = folder / "raw" / "part-0001.mcap"
    data = part.read_bytes()
    middle = len(data) // 2
    part.write_bytes(data[:middle] + bytes(4096) + data[middle + 4096 :])
    back = ai.open_session(folder)
    loss = back.loss["left_shank"]
    assert 0 < loss.lost < 600
    assert loss.expected == 2000
    # 14 samples in a packet
    assert loss.reasons["packets damaged on disk"] == pytest.approx(loss.lost / 14, abs=1)
    assert any("damaged" in warning for warning in back.warnings)


@pytest.mark.parametrize("spoil", ["missing", "broken"])
def test_manifest_lost_but_recording_good(tmp_path: Path, spoil: str) -> None:
    folder = session_io.save_recording(walk(), tmp_path, info=INFO)
    manifest = folder / "session.toml"
    if spoil == "missing":
        manifest.unlink()
    else:
        manifest.write_text("note = 'cut")
    back = ai.open_session(folder)
    assert back.session.note == "roots"
    assert "copy inside the recording" in back.warnings[0]


def test_manifest_of_a_newer_version_is_refused(tmp_path: Path) -> None:
    folder = session_io.save_recording(walk(), tmp_path, info=INFO)
    (folder / "session.toml").write_text("format_version = 9\n")
    with pytest.raises(UnknownFormatVersion, match="update ankle-imu"):
        ai.open_session(folder)


def test_bad_paths_in_one_sentence(tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    stale = tmp_path / "stale"
    stale.mkdir()
    (stale / "session.toml").write_text("format_version = 1\n")
    half = tmp_path / f"{ASIDE}1234-walk"
    half.mkdir()
    zero = tmp_path / "zero.mcap"
    zero.write_bytes(b"")
    text = tmp_path / "text.mcap"
    text.write_text("time,acc_x\n0,1\n")
    silent = tmp_path / "silent"
    with RecordingWriter(silent, start_ns=1) as writer:
        sensor = writer.open_sensor("left_foot", "ankle", {"acc_range_g": 16, "gyr_range_dps": 2000})
        writer.append(sensor, 0.0, b"\x10short")
    cases = {
        tmp_path / "none": (RecordingError, "There is no session"),
        empty: (RecordingError, "no session folder"),
        stale: (RecordingError, "before the first packet"),
        half: (RecordingError, "never finished"),
        zero: (CorruptRecording, "is empty"),
        text: (CorruptRecording, "no recording"),
        silent: (RecordingError, "holds no samples"),
    }
    for path, (kind, said) in cases.items():
        with pytest.raises(kind, match=said) as caught:
            ai.open_session(path)
        assert caught.value.exit_code == 5
        assert "\n" not in str(caught.value)


def test_failed_save_leaves_nothing_behind(tmp_path: Path) -> None:
    def packets() -> Iterator[tuple[str, float, bytes]]:
        yield ("left_foot", 0.0, b"x")
        raise RuntimeError("sensor gone")

    with pytest.raises(RuntimeError, match="sensor gone"):
        session_io.record_packets(tmp_path, INFO, {"left_foot": ("ankle", {})}, packets())
    assert list((tmp_path / "people" / "P-test" / "2026").iterdir()) == []


def test_alias_is_made_once_and_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANKLE_IMU_CONFIG", str(tmp_path / "config"))
    first = session_io.save_recording(walk(300), tmp_path)
    second = session_io.save_recording(walk(300), tmp_path)
    assert first != second
    assert first.parent == second.parent
    assert first.parent.parent.name.startswith("P-")


def test_a_repaired_recording_says_so(tmp_path: Path) -> None:
    folder = session_io.save_simulation(walk(20_000), tmp_path, info=INFO)
    part = folder / "raw" / "part-0001.mcap"
    part.write_bytes(part.read_bytes()[: part.stat().st_size // 2])
    repair_session(folder)
    assert any("was repaired (part-0001.mcap)" in told for told in session_io.open_session(folder).warnings)
