"""Folders, results and trends of a library."""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from ankle_imu import library, tables
from ankle_imu.errors import CorruptRecording, QualityRefusal, RecordingError
from ankle_imu.library import config
from ankle_imu.metrics.stability import events_per_stride
from ankle_imu.recording import write_session_info
from ankle_imu.settings import Settings
from ankle_imu.trends.ladder import climb
from ankle_imu.values import EventReview, SensorInfo, SessionInfo, SessionResult


def result(median: float = 4.0, *, info: SessionInfo | None = None) -> SessionResult:
    rng = np.random.default_rng(0)
    time = np.arange(500) / 100.0
    return SessionResult(
        angles=tables.make_table(
            tables.ANGLES, {"time_s": 3600 + time, "left_inversion_deg": rng.normal(0, 10, 500)}
        ),
        strides=tables.make_table(
            tables.STRIDES,
            {"stride_id": [0, 1], "leg": ["left", "left"], "ic_s": [1.0, 2.0], "accepted": [True, False]},
        ),
        context=tables.make_table(tables.CONTEXT, {"stride_id": [0, 1], "grade": [0.1, np.nan]}),
        track=tables.make_table(tables.TRACK, {"time_s": [-3.0], "latitude_deg": [46.5]}),
        events=tables.make_table(tables.EVENTS, {}),
        bouts=tables.make_table(tables.BOUTS, {"bout_id": [0], "gait": ["walk"], "n_strides": [2]}),
        summary=tables.make_table(
            tables.SUMMARY,
            {
                "leg": ["left", "left"],
                "gait": ["walk", "run"],
                "angle_source": ["joint", "joint"],
                "n_strides": [60, 10],
                "n_accepted": [55, 8],
                "range_stance_deg_median": [median, np.nan],
                "range_stance_deg_ci_low": [median - 1, np.nan],
                "range_stance_deg_ci_high": [median + 1, np.nan],
                "range_stance_deg_iqr": [2.0, np.nan],
            },
        ),
        quality={
            "sensors": {"left_foot": {"expected": np.int64(10), "true_rate_hz": float("nan")}},
            "gaps": tables.make_table(
                tables.GAPS, {"placement": ["left_foot"], "start_s": [1.5], "filled": [True]}
            ),
            "warnings": ("one", "two"),
            "unmeasurable": {},
        },
        settings=Settings(),
        session=info or SessionInfo(alias="P-test", note="hill"),
        version="0.1.0",
        duration_s=5.0,
        sampling_rate=100.0,
    )


def session(root: Path, day: int, alias: str = "P-test", median: float | None = None) -> Path:
    started = datetime(2026, 11, day, 9, 0, tzinfo=UTC)
    folder = library.session_folder(root, alias, started)
    info = SessionInfo(
        session_id=folder.name,
        alias=alias,
        started_utc=f"2026-11-{day:02d}T09:00:00Z",
        sensors={"left_foot": SensorInfo(placement="left_foot", mount_site="instep")},
    )
    write_session_info(folder, info)
    if median is not None:
        library.save_result(folder, result(median, info=info))
    return folder


def test_result_round_trip(tmp_path: Path) -> None:
    saved = result()
    folder = library.save_result(tmp_path, saved)
    assert folder == tmp_path / "derived" / Settings().digest()
    back = library.load_result(tmp_path)
    for name in ("strides", "context", "events", "bouts", "summary", "track"):
        pd.testing.assert_frame_equal(getattr(back, name), getattr(saved, name))
    # angles are float32: half of 2^-23 of at most 64 deg; times stay exact
    pd.testing.assert_frame_equal(back.angles, saved.angles, check_exact=False, rtol=1e-6)
    np.testing.assert_array_equal(back.angles["time_s"], saved.angles["time_s"])
    pd.testing.assert_frame_equal(back.quality["gaps"], saved.quality["gaps"])
    assert back.quality["sensors"]["left_foot"]["expected"] == 10
    assert np.isnan(back.quality["sensors"]["left_foot"]["true_rate_hz"])
    assert back.quality["warnings"] == ["one", "two"]
    assert (back.settings, back.session.note, back.version) == (Settings(), "hill", "0.1.0")
    assert (back.duration_s, back.sampling_rate) == (5.0, 100.0)


def test_curves_come_back_and_older_results_have_none(tmp_path: Path) -> None:
    curves = tables.make_table(tables.CURVES, {"leg": ["left"], "percent": [7], "frontal_deg": [1.0 / 3.0]})
    folder = library.save_result(tmp_path, replace(result(), curves=curves))
    pd.testing.assert_frame_equal(library.load_result(tmp_path).curves, curves)
    (folder / "curves.parquet").unlink()
    with pytest.raises(CorruptRecording, match="curves"):
        library.load_result(tmp_path)
    head = json.loads((folder / "result.json").read_text())
    (folder / "result.json").write_text(json.dumps(head | {"format_version": 2}))
    assert library.load_result(tmp_path).curves.empty
    assert len(library.load_result(tmp_path).track) == 1


def test_a_result_of_the_first_format_has_neither_context_nor_track(tmp_path: Path) -> None:
    folder = library.save_result(tmp_path, result())
    for name in ("context", "track", "curves"):
        (folder / f"{name}.parquet").unlink()
    head = json.loads((folder / "result.json").read_text())
    (folder / "result.json").write_text(json.dumps(head | {"format_version": 1}))
    old = library.load_result(tmp_path)
    assert len(old.strides) == 2
    assert old.context.empty
    assert old.track.empty


def test_column_dictionary_lies_beside_each_table(tmp_path: Path) -> None:
    folder = library.save_result(tmp_path, result())
    for path in folder.glob("*.parquet"):
        columns = json.loads((folder / f"{path.stem}.columns.json").read_text())
        assert [c["name"] for c in columns] == tables.TABLES[path.stem].names
    import pyarrow.parquet as pq

    field = pq.read_schema(folder / "strides.parquet").field("ic_s")
    assert (field.metadata or {})[b"unit"] == b"s"


def test_half_made_result_is_not_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    library.save_result(tmp_path, result(1.0))

    def power_cut(*_: object) -> None:
        raise OSError(5, "power cut")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", power_cut)
        with pytest.raises(Exception, match="power cut"):
            library.save_result(tmp_path, result(2.0))
    assert library.load_result(tmp_path).summary["range_stance_deg_median"][0] == 1.0
    shutil.move(tmp_path / "derived" / Settings().digest(), tmp_path / "derived" / ".unfinished-aa-x")
    assert library.find_result(tmp_path) is None


def test_new_result_replaces_the_old_one(tmp_path: Path) -> None:
    for median in (1.0, 2.0):
        library.save_result(tmp_path, result(median))
    assert library.load_result(tmp_path).summary["range_stance_deg_median"][0] == 2.0
    assert len(list((tmp_path / "derived").iterdir())) == 1


def test_result_that_is_missing_or_damaged(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match="ankle-imu analyze"):
        library.load_result(tmp_path)
    folder = library.save_result(tmp_path, result())
    (folder / "strides.parquet").write_bytes(b"PAR1 no")
    with pytest.raises(CorruptRecording, match="analyse the session again"):
        library.load_result(tmp_path)


def test_table_with_wrong_columns_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="Not a bouts table"):
        library.save_result(tmp_path, replace(result(), bouts=pd.DataFrame({"x": [1]})))
    assert library.find_result(tmp_path) is None


def test_sessions_are_listed_oldest_first_and_unfinished_ones_are_not(tmp_path: Path) -> None:
    late, early = session(tmp_path, 20), session(tmp_path, 3, "P-else")
    (late.parent / ".unfinished-12-x").mkdir()
    broken = session(tmp_path, 10)
    (broken / "session.toml").write_text("format_version = 1\nnote = 3")
    entries = library.list_sessions(tmp_path)
    assert [e.path for e in entries] == [early, broken, late]
    assert ["`note` is 3" in e.problem for e in entries] == [False, True, False]
    assert [e.path for e in library.list_sessions(tmp_path, "P-else")] == [early]
    assert library.list_sessions(tmp_path / "none") == ()


def test_find_session(tmp_path: Path) -> None:
    first, second = session(tmp_path, 3), session(tmp_path, 20)
    assert library.find_session(tmp_path, "last") == second
    assert library.find_session(tmp_path, first.name) == first
    assert library.find_session(tmp_path, "2026-11-20") == second
    assert library.find_session("elsewhere", first) == first
    with pytest.raises(RecordingError, match="2 sessions begin with"):
        library.find_session(tmp_path, "2026-11")
    with pytest.raises(RecordingError, match="no session 'x'"):
        library.find_session(tmp_path, "x")
    with pytest.raises(RecordingError, match="no session ''"):
        library.find_session(tmp_path, "")


def test_library_without_sessions(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match="holds no sessions yet"):
        library.find_session(tmp_path, "last")
    with pytest.raises(QualityRefusal, match="holds no sessions") as caught:
        library.load_trend(tmp_path, "P-test")
    assert caught.value.exit_code == 7
    session(tmp_path, 3)
    with pytest.raises(QualityRefusal, match="has been analysed"):
        library.load_trend(tmp_path, "P-test")


def test_trend(tmp_path: Path) -> None:
    session(tmp_path, 20, median=5.0)
    session(tmp_path, 3, median=4.0)
    session(tmp_path, 10)
    session(tmp_path, 11, "P-else", median=9.0)
    trend = library.load_trend(tmp_path, "P-test")
    assert list(trend.columns) == tables.TREND.names
    walk = trend[trend["gait"] == "walk"]
    assert walk["range_stance_deg_median"].tolist() == [4.0, 5.0]
    assert walk["range_stance_deg_ci_low"].tolist() == [3.0, 4.0]
    assert walk["n_accepted"].tolist() == [55, 55]
    assert set(walk["mount_site"]) == {"instep"}
    assert walk["start_utc"].tolist() == ["2026-11-03T09:00:00Z", "2026-11-20T09:00:00Z"]
    assert trend[trend["gait"] == "run"]["range_stance_deg_median"].isna().all()
    assert set(library.load_trend(tmp_path)["alias"]) == {"P-test", "P-else"}
    with pytest.raises(ValueError, match="alias"):
        library.load_trend(tmp_path, "../people/P-test")


def test_alias_with_path_parts_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="cannot be an alias"):
        library.session_folder(tmp_path, "../../etc", datetime.now(UTC))


def test_library_and_alias_come_from_the_surroundings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANKLE_IMU_LIBRARY", str(tmp_path / "lib"))
    monkeypatch.setenv("ANKLE_IMU_CONFIG", str(tmp_path / "config"))
    assert library.default_library() == tmp_path / "lib"
    alias = library.default_alias()
    assert library.default_alias() == alias
    assert len(alias) == 6
    config.config_path().write_text("alias = 'no/good'\n")
    with pytest.raises(RecordingError, match="cannot be understood"):
        library.default_alias()
    monkeypatch.delenv("ANKLE_IMU_LIBRARY")
    assert library.default_library().name == "library"


def test_history_has_the_strides_and_what_was_noted_since(tmp_path: Path) -> None:
    """What a person writes into session.toml later counts; a session without a result is left out."""
    for day in (3, 20):
        session(tmp_path, day, median=5.0)
    session(tmp_path, 10)
    found = library.load_history(tmp_path, "P-test")
    assert [past.start_utc[8:10] for past in found][:1] == ["03"]
    assert [past.start_utc[8:10] for past in found][-1:] == ["20"]
    assert all(list(past.strides.strides.columns) == tables.STRIDES.names for past in found)
    manifest = next(tmp_path.glob("people/P-test/2026/*03T*")) / "session.toml"
    manifest.write_text(manifest.read_text("utf-8").replace('footwear = ""', 'footwear = "Trail"'), "utf-8")
    assert library.load_history(tmp_path, "P-test")[0].worn.shoe == "Trail"
    with pytest.raises(ValueError, match="alias"):
        library.load_history(tmp_path, "../x")
    assert library.load_history(tmp_path, "P-nobody") == ()


def test_history_has_the_answers_given_after_the_analysis(tmp_path: Path) -> None:
    """A rejected hard roll neither blocks the ladder nor counts in the rate; spoilt answers cost no session."""
    folder = session(tmp_path, 3)
    found = result()
    at = {"event_id": [0], "leg": ["left"], "time_s": [1.5], "kind": ["hard_roll"], "verdict": ["none"]}
    strides = found.strides.assign(start_s=[1.0, 2.0], end_s=[2.0, 3.0], gait="walk", accepted=True)
    library.save_result(folder, replace(found, events=tables.make_table(tables.EVENTS, at), strides=strides))

    def seen() -> tuple[str, float, bool]:
        (past,) = library.load_history(tmp_path, "P-test")
        own = past.strides
        words = " ".join(s.words for s in climb([past], ()).suggestions)
        counted = events_per_stride(own.strides, own.events, own.strides).sum()
        return own.events["verdict"][0], float(counted), "With a hard roll" in words

    assert seen() == ("none", 1.0, True)
    library.save_review(folder, EventReview(leg="left", time_s=1.6, verdict="false"))
    assert seen() == ("false", 0.0, False)
    (folder / "events.toml").write_text("[[event")
    assert seen() == ("none", 1.0, True)
