"""Libraries in a store: analyzed where raw data are fetched, results that are whole or do not count."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from batches import SESSIONS, files_of

from ankle_imu import library as shelf
from ankle_imu.batch import Job, run_here, run_job
from ankle_imu.cli import run
from ankle_imu.errors import ExtraMissing, StorageError
from ankle_imu.library.remote import Store, is_small, mirror, open_store, sources_in

fsspec = pytest.importorskip("fsspec", reason="the extra `cluster` is not installed")

MEMORY = "memory://study/library"


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platformdirs.user_cache_path", lambda *_, **__: tmp_path / "cache")
    monkeypatch.delenv("ANKLE_IMU_LIBRARY", raising=False)
    monkeypatch.setenv("ANKLE_IMU_CONFIG", str(tmp_path / "config"))


@pytest.fixture
def stored(recorded: Path) -> Iterator[str]:
    """The recorded library in fsspec's memory."""
    fs = fsspec.filesystem("memory")
    fs.put(str(recorded), "/study/library", recursive=True)
    yield MEMORY
    fs.rm("/study", recursive=True)


@pytest.fixture
def cli(capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, Any, str]]:
    def call(*words: object) -> tuple[int, Any, str]:
        capsys.readouterr()
        code = run([*map(str, words), "--json"])
        said = capsys.readouterr()
        return code, json.loads(said.out) if said.out else {}, said.err

    return call


def jobs_in(url: str) -> list[Job]:
    heads = sorted(name for name in open_store(url).listing() if name.endswith("/session.toml"))
    return [
        Job(ref=h.split("/")[3], path=h.removesuffix("/session.toml"), store=url)
        for h in heads
        if "derived" not in h
    ]


def test_the_same_tables_as_on_a_disk(stored: str, library: Path) -> None:
    assert [o.exit_code for o in run_here(jobs_in(stored), 1)] == [0] * SESSIONS
    list(run_here([Job(ref="x", path=str(p)) for p in library.glob("people/*/*/*")], 1))
    ours = {n: b for n, b in files_of(library).items() if "/derived/" in n and not n.endswith("result.json")}
    fs = fsspec.filesystem("memory")
    assert ours
    assert ours == {n: fs.cat(f"/study/library/{n}") for n in ours}


def test_file_urls_and_several_processes(library: Path) -> None:
    jobs = jobs_in(library.as_uri())
    outcomes = list(run_here(jobs, 2))
    assert [o.exit_code for o in outcomes] == [0] * SESSIONS
    assert all(shelf.is_up_to_date(library / job.path) for job in jobs), "times are kept on the way"


def test_what_is_up_to_date_fetches_no_raw_data(stored: str, monkeypatch: pytest.MonkeyPatch) -> None:
    job = jobs_in(stored)[0]
    assert not run_job(job).is_up_to_date
    get = Store.fetch

    def fetch(self: Store, files: Any, folder: Path) -> None:
        assert not [name for name in files if "/raw/" in name]
        get(self, files, folder)

    monkeypatch.setattr(Store, "fetch", fetch)
    outcome = run_job(job)
    assert outcome.is_up_to_date, outcome
    assert outcome.told is not None
    assert run_job(replace(job, is_named=False)).told is None


def test_a_changed_file_in_the_store_shows(stored: str) -> None:
    job = jobs_in(stored)[0]
    run_job(job)
    fsspec.filesystem("memory").pipe(f"/study/library/{job.path}/events.toml", b"format_version = 1\n")
    assert not run_job(job).is_up_to_date
    assert run_job(job).is_up_to_date


@pytest.mark.parametrize("fails_at", [0, 7, 18, 19])
@pytest.mark.parametrize("is_first", [True, False])
def test_an_error_halfway_leaves_no_result_that_counts(
    stored: str, monkeypatch: pytest.MonkeyPatch, fails_at: int, is_first: bool
) -> None:
    """A store that refuses after some files: what is there is no result, and the next run makes it whole."""
    job = jobs_in(stored)[0]
    if not is_first:
        assert run_job(job).exit_code == 0
    put = type(fsspec.filesystem("memory")).put_file
    sent: list[str] = []

    def refuses(self: Any, source: str, target: str, **more: Any) -> None:
        if len(sent) == fails_at:
            put(self, __file__, target, **more)
            raise OSError(5, "the line broke")
        sent.append(target)
        put(self, source, target, **more)

    with monkeypatch.context() as patch:
        patch.setattr(type(fsspec.filesystem("memory")), "put_file", refuses)
        outcome = run_job(replace(job, again=True))
    assert (outcome.exit_code, len(sent)) == (6, fails_at)
    assert "the line broke" in outcome.reason
    assert shelf.find_result(mirror(stored) / job.path) is None
    assert run_job(job).exit_code == 0
    assert run_job(job).is_up_to_date


def test_reading_commands(stored: str, cli: Callable[..., Any], tmp_path: Path) -> None:
    code, listed, _ = cli("library", "list", "--library", stored)
    assert (code, len(listed["sessions"])) == (0, SESSIONS)
    code, done, err = cli("analyze", "--all", "--library", stored)
    assert (code, len(done["files"])) == (0, SESSIONS), err
    assert all(file.startswith(MEMORY) for file in done["files"])
    code, done, _ = cli("analyze", "--all", "--library", stored)
    assert (code, len(done["up_to_date"])) == (0, SESSIONS)
    code, shown, _ = cli("library", "show", "last", "--library", stored)
    assert code == 0
    assert shown["result"]["legs"] is not None
    assert not list((tmp_path / "cache").rglob("raw"))
    code, _, err = cli("report", "last", "-o", tmp_path / "page.html", "--library", stored)
    assert code == 0, err
    assert (tmp_path / "page.html").read_text("utf-8").startswith("<!")
    assert cli("trend", "-o", tmp_path / "trend.html", "--library", stored)[0] in (0, 7)


def test_report_analyzes_in_the_store_first(stored: str, cli: Callable[..., Any], tmp_path: Path) -> None:
    code, _, err = cli("report", "last", "-o", tmp_path / "page.html", "--library", stored)
    assert code == 0, err
    assert open_store(stored).listing(f"{jobs_in(stored)[-1].path}/derived")


def test_the_mirror_follows_the_store(stored: str) -> None:
    before = mirror(stored)
    fs = fsspec.filesystem("memory")
    first, second = (job.path for job in jobs_in(stored)[:2])
    fs.rm(f"/study/library/{first}", recursive=True)
    fs.pipe(f"/study/library/{second}/session.toml", b"note")
    assert mirror(stored) == before
    assert not (before / first).exists()
    assert first.rpartition("/")[2] not in [entry.session_id for entry in shelf.list_sessions(before)]
    assert (before / second / "session.toml").read_bytes() == b"note"


def test_the_mirror_keeps_its_own_index(stored: str) -> None:
    fsspec.filesystem("memory").pipe("/study/library/index.sqlite", b"of another computer")
    folder = mirror(stored)
    shelf.list_sessions(folder)
    before = (folder / "index.sqlite").read_bytes()
    assert before.startswith(b"SQLite")
    assert (mirror(stored) / "index.sqlite").read_bytes() == before


def test_names_in_a_store_do_not_lead_out_of_the_mirror(stored: str, tmp_path: Path) -> None:
    fs = fsspec.filesystem("memory")
    fs.store["/study/library/people/../../../../out.toml"] = fs.store[
        f"/study/library/{jobs_in(stored)[0].path}/session.toml"
    ]
    assert mirror(stored).is_relative_to(tmp_path / "cache")
    assert not list(tmp_path.rglob("out.toml"))
    del fs.store["/study/library/people/../../../../out.toml"]


@pytest.mark.parametrize(
    "words",
    [("repair", "last"), ("check", "last"), ("simulate", "default"), ("sensors", "list"), ("compare", "a", "b")],
)
def test_other_commands_refuse_in_one_sentence(cli: Callable[..., Any], words: tuple[str, ...]) -> None:
    code, _, err = cli(*words, "--library", MEMORY)
    assert code == 2
    assert "is a store" in err
    assert len(err.splitlines()) == 1


def test_pages_need_a_name(cli: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANKLE_IMU_LIBRARY", MEMORY)
    assert "with -o" in cli("report", "last")[2]
    assert "with -o" in cli("trend")[2]


def test_stores_that_cannot_be_used(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(StorageError, match="nonsense"):
        open_store("nonsense://x")
    monkeypatch.setitem(__import__("sys").modules, "fsspec", None)
    with pytest.raises(ExtraMissing, match=r"ankle-imu\[cluster\]"):
        open_store(MEMORY)


def test_what_is_small_and_what_is_read(stored: str) -> None:
    path = jobs_in(stored)[0].path
    assert set(sources_in(open_store(stored).listing(path), path)) == {"session.toml", "raw/part-0001.mcap"}
    assert is_small("people/A/2026/x/session.toml")
    assert not is_small("people/A/2026/x/raw/part-0001.mcap")
    assert not is_small("people/A/2026/x/derived/0/angles.parquet")
