"""The index gives what the folders say, whatever happened to either."""

from __future__ import annotations

import os
import shutil
import sqlite3
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from ankle_imu import library, tables
from ankle_imu.errors import StorageError
from ankle_imu.library import index, marks
from ankle_imu.library.cards import read_card
from ankle_imu.recording import write_session_info
from ankle_imu.settings import Settings
from ankle_imu.values import SensorInfo, SessionInfo, SessionResult

DAY = "2026-05-{:02d}T08:00:00Z"


def make(root: Path, day: int, alias: str = "P-test", **noted: object) -> Path:
    folder = root / "people" / alias / "2026" / f"2026-05-{day:02d}T080000Z_abcd"
    sensors = {"left_foot": SensorInfo(placement="left_foot", mount_site="heel", nominal_rate_hz=104.0)}
    write_session_info(
        folder,
        SessionInfo(alias=alias, started_utc=DAY.format(day), sensors=sensors, **noted),  # type: ignore[arg-type]
    )
    return folder


def analyze(folder: Path, median: float = 4.0, gait: str = "walk", settings: Settings | None = None) -> Path:
    """Save a result that holds one summary row."""
    summary = tables.make_table(
        tables.SUMMARY,
        {"leg": ["left"], "gait": [gait], "angle_source": ["foot"], "n_strides": [60], "n_accepted": [55],
         "range_stance_deg_median": [median]},
    )  # fmt: skip
    blank = (tables.STRIDES, tables.CONTEXT, tables.TRACK, tables.EVENTS, tables.BOUTS, tables.ANGLES)
    empty = {table.name: tables.make_table(table, {}) for table in blank}
    return library.save_result(
        folder,
        SessionResult(
            **empty, summary=summary, quality={"warnings": ()}, settings=settings or Settings(),
            session=SessionInfo(), version="0", duration_s=1.0, sampling_rate=100.0,
        ),
    )  # fmt: skip


def truth(root: Path) -> list[tuple[str, ...]]:
    """What the folders say, without any index."""
    found = []
    for folder in sorted(root.glob("people/*/*/*")):
        card = read_card(folder)
        found.append((folder.relative_to(root).as_posix(), *map(str, card.values), *map(str, card.summary)))
    return sorted(found)


def told(root: Path) -> list[tuple[str, ...]]:
    """The same from the index."""

    def question(connection: sqlite3.Connection) -> list[tuple[str, ...]]:
        rows = connection.execute("SELECT * FROM sessions").fetchall()
        return [
            (*map(str, row), *(str(tuple(r[1:])) for r in connection.execute(
                "SELECT * FROM summary WHERE folder = ? ORDER BY rowid", row[:1])))
            for row in rows
        ]  # fmt: skip

    return sorted(index.ask(root, question))


def settle(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the clock be past the time in which a stamp is not sure."""
    time.sleep(0.02)  # a kernel counts file times in ticks of up to 10 ms
    monkeypatch.setattr(marks, "SETTLED_NS", 0)
    told(root)
    time.sleep(0.02)


@pytest.fixture
def shelf(tmp_path: Path) -> Path:
    """Two people, three sessions, two of them analyzed."""
    analyze(make(tmp_path, 1, tags=("Hill", "wet"), surface="gravel and roots", note="new boots"))
    analyze(make(tmp_path, 2, footwear="boots"), 5.0, "run")
    make(tmp_path, 3, "P-else", kind="practice")
    return tmp_path


def test_index_says_what_the_folders_say(shelf: Path) -> None:
    assert told(shelf) == truth(shelf)
    assert len(told(shelf)) == 3
    assert (shelf / index.FILE).is_file()


def test_nothing_is_read_twice(shelf: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settle(shelf, monkeypatch)
    monkeypatch.setattr(
        "ankle_imu.library.cards.read_card", lambda folder: pytest.fail(f"{folder} was read again")
    )
    assert len(told(shelf)) == 3


def edit_in_place(root: Path) -> None:
    path = next(root.glob("people/P-test/2026/*01T*/session.toml"))
    path.write_text(path.read_text().replace("new boots", "old boots"))


def edit_aside(root: Path) -> None:
    path = next(root.glob("people/P-test/2026/*01T*/session.toml"))
    aside = path.with_suffix(".tmp")
    aside.write_text(path.read_text().replace("wet", "dry"))
    aside.replace(path)


def edit_with_the_old_time(root: Path) -> None:
    path = next(root.glob("people/P-test/2026/*01T*/session.toml"))
    before = path.stat()
    path.write_text(path.read_text().replace("wet", "dry"))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def spoil(root: Path) -> None:
    next(root.glob("people/P-test/2026/*02T*/session.toml")).write_text("]")


def analyze_again(root: Path) -> None:
    analyze(next(root.glob("people/P-test/2026/*01T*")), 7.0)


def analyze_otherwise(root: Path) -> None:
    analyze(next(root.glob("people/P-test/2026/*01T*")), 8.0, "jog", Settings(roll_deg=33.0))


def analyze_first(root: Path) -> None:
    analyze(next(root.glob("people/P-else/2026/*03T*")))


def remove_result(root: Path) -> None:
    shutil.rmtree(next(root.glob("people/P-test/2026/*01T*/derived/*")))


def remove_session(root: Path) -> None:
    shutil.rmtree(next(root.glob("people/P-test/2026/*01T*")))


def remove_person(root: Path) -> None:
    shutil.rmtree(root / "people" / "P-test")


def add_session(root: Path) -> None:
    analyze(make(root, 4), 3.0)


def add_year(root: Path) -> None:
    (root / "people" / "P-else" / "2027" / "by-hand").mkdir(parents=True)


def swap(root: Path) -> None:
    one, other = root.glob("people/P-test/2026/*")
    for source, target in ((one, root / "x"), (other, one), (root / "x", other)):
        source.rename(target)


CHANGES = (
    edit_in_place, edit_aside, edit_with_the_old_time, spoil, analyze_again, analyze_otherwise, analyze_first,
    remove_result, remove_session, remove_person, add_session, add_year, swap,
)  # fmt: skip


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
@pytest.mark.parametrize("is_settled", [True, False])
def test_a_change_shows_at_the_next_call(
    shelf: Path, change: object, is_settled: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if is_settled:
        settle(shelf, monkeypatch)
    before = told(shelf)
    change(shelf)  # type: ignore[operator]
    assert told(shelf) == truth(shelf) != before
    library.reindex(shelf)
    assert told(shelf) == truth(shelf)


def test_damage_in_any_page_is_survived(shelf: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settle(shelf, monkeypatch)
    path = shelf / index.FILE
    whole, right = path.read_bytes(), truth(shelf)
    for at in range(0, len(whole), 4096):
        path.write_bytes(whole[:at] + b"\xa5" * 4096 + whole[at + 4096 :])
        assert told(shelf) == right
    for spoilt in (b"", b"no database", whole[:5000], whole[: len(whole) // 2]):
        path.write_bytes(spoilt)
        assert told(shelf) == right
    monkeypatch.setattr("ankle_imu.library.cards.read_card", lambda folder: pytest.fail("not healed"))
    assert told(shelf) == right


def test_another_version_is_made_anew(shelf: Path) -> None:
    told(shelf)
    with sqlite3.connect(shelf / index.FILE) as connection:
        connection.execute("DROP TABLE summary")
        connection.execute("PRAGMA user_version = 999")
    connection.close()
    assert told(shelf) == truth(shelf)
    library.reindex(shelf)
    assert told(shelf) == truth(shelf)


def test_columns_of_another_package_version_are_made_anew(shelf: Path) -> None:
    told(shelf)
    with sqlite3.connect(shelf / index.FILE) as connection:
        connection.execute("ALTER TABLE summary DROP COLUMN range_stance_deg_median")
    connection.close()
    assert list(library.load_trend(shelf)["range_stance_deg_median"]) == [4.0, 5.0]


def test_a_library_that_cannot_be_written(shelf: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settle(shelf, monkeypatch)
    connect = sqlite3.connect

    def read_only(path: object, **how: object) -> sqlite3.Connection:
        return connect(str(path).replace("mode=rw", "mode=ro"), **how)  # type: ignore[call-overload,no-any-return]

    add_session(shelf)
    monkeypatch.setattr(sqlite3, "connect", read_only)
    before = (shelf / index.FILE).read_bytes()
    assert told(shelf) == truth(shelf)
    assert (shelf / index.FILE).read_bytes() == before


def test_an_index_that_another_process_holds(shelf: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told(shelf)
    monkeypatch.setattr(index, "WAIT_S", 0.05)
    holder = sqlite3.connect(shelf / index.FILE, isolation_level=None)
    for lock in ("IMMEDIATE", "EXCLUSIVE"):
        holder.execute(f"BEGIN {lock}")
        add_session(shelf)
        assert told(shelf) == truth(shelf)
        with pytest.raises(StorageError, match="locked"):
            library.reindex(shelf)
        holder.execute("ROLLBACK")
        remove_session(shelf) if lock == "IMMEDIATE" else None
    holder.close()
    assert told(shelf) == truth(shelf)


def test_a_folder_in_the_place_of_the_index(shelf: Path) -> None:
    (shelf / index.FILE).mkdir()
    assert told(shelf) == truth(shelf)
    with pytest.raises(StorageError):
        library.reindex(shelf)


def test_reindex_counts(shelf: Path) -> None:
    seen: list[tuple[int, int]] = []
    assert library.reindex(shelf, lambda done, of: seen.append((done, of))) == (3, 2)
    assert seen == [(1, 3), (2, 3), (3, 3)]


def test_no_library_is_made_by_asking(tmp_path: Path) -> None:
    assert library.list_rows(tmp_path / "none") == []
    assert not (tmp_path / "none").exists()
    with pytest.raises(StorageError):
        library.reindex(tmp_path / "none")


def test_entries_round_trip(shelf: Path) -> None:
    (one, two, three) = library.list_sessions(shelf)
    assert one.info.tags == ("Hill", "wet")
    assert one.info.sensors["left_foot"].nominal_rate_hz == 104.0
    assert np.isnan(one.info.sensors["left_foot"].acc_range_g)
    assert one.result == one.path / "derived" / Settings().digest() == library.find_result(one.path)
    assert (two.gaits, three.gaits, three.result) == (("run",), (), None)


@pytest.mark.parametrize(
    ("search", "days"),
    [
        ({}, [1, 2, 3]),
        ({"person": "P-test"}, [1, 2]),
        ({"since": "2026-05-02"}, [2, 3]),
        ({"until": "2026-05-02"}, [1, 2]),
        ({"until": "2026-05"}, [1, 2, 3]),
        ({"until": "2025"}, []),
        ({"since": "2026-05-02T0801"}, [3]),
        ({"gait": "run"}, [2]),
        ({"tags": ("hill",)}, [1]),
        ({"tags": ("hill", "WET")}, [1]),
        ({"tags": ("hil",)}, []),
        ({"surface": "Roots"}, [1]),
        ({"kind": "practice"}, [3]),
        ({"text": "BOOTS"}, [1, 2]),
        ({"text": "wet"}, [1]),
        ({"text": "boots", "gait": "walk"}, [1]),
        ({"text": "%"}, []),
    ],
)
def test_search(shelf: Path, search: dict[str, str], days: list[int]) -> None:
    found = library.search_sessions(shelf, library.Search(**search))  # type: ignore[arg-type]
    assert [int(entry.session_id[8:10]) for entry in found] == days


@pytest.mark.parametrize("date", ["yesterday", "2026-5", "2026-05-02 08", "%"])
def test_a_date_that_is_none_is_refused(date: str) -> None:
    with pytest.raises(ValueError, match="expected for example"):
        library.Search(since=date)


def test_summaries(shelf: Path) -> None:
    found = library.load_summaries(shelf, library.Search(gait="walk"))
    assert found[["session_id", "mount_site", "n_accepted"]].to_numpy().tolist() == [
        ["2026-05-01T080000Z_abcd", "heel", 55]
    ]
    assert found["range_stance_deg_iqr"].isna().all()
    tables.check_columns(found, tables.TREND)
    assert library.load_summaries(shelf, library.Search(text="nowhere")).empty
    pd.testing.assert_frame_equal(library.load_summaries(shelf), library.load_trend(shelf))


def test_no_connection_is_left_open(shelf: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Python tells of it from 3.13 on."""
    opened: list[sqlite3.Connection] = []
    closed: list[sqlite3.Connection] = []

    class Told(sqlite3.Connection):
        def close(self) -> None:
            closed.append(self)
            super().close()

    connect = sqlite3.connect

    def open_and_note(*words: Any, **named: Any) -> sqlite3.Connection:
        opened.append(connect(*words, **named, factory=Told))
        return opened[-1]

    monkeypatch.setattr(sqlite3, "connect", open_and_note)
    (shelf / index.FILE).unlink(missing_ok=True)
    for _ in range(2):  # without an index, and with one
        index.ask(shelf, lambda connection: connection.execute("SELECT count(*) FROM sessions").fetchone())
    assert len(opened) >= 2
    assert {id(one) for one in opened} == {id(one) for one in closed}
