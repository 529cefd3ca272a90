"""Several processes: the same files, bad sessions, killed workers, interruption."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from batches import SESSIONS, files_of, jobs_of, workers

from ankle_imu.batch import Job, SessionOutcome, auto_jobs, processes, run_here, run_job
from ankle_imu.batch.job import sweep
from ankle_imu.cli.output import to_json
from ankle_imu.durable import aside_of
from ankle_imu.library import is_up_to_date

LOKY = "loky"


def test_two_processes_write_the_same_bytes_as_one(library: Path, recorded: Path, tmp_path: Path) -> None:
    other = Path(shutil.copytree(recorded, tmp_path / "other"))
    one = list(run_here(jobs_of(library), 1))
    two = list(run_here(jobs_of(other), 2))
    assert [o.exit_code for o in (*one, *two)] == [0] * 2 * SESSIONS
    assert len(files_of(library)) > 20 * SESSIONS
    assert files_of(library) == files_of(other)
    told = {o.ref: o.told for o in two}
    for outcome in one:
        assert to_json({**outcome.told, "path": ""}) == to_json({**told[outcome.ref], "path": ""})


def test_what_is_up_to_date_is_not_done_again(jobs: list[Job]) -> None:
    list(run_here(jobs[:2], 1))
    heads = [next(Path(job.path).glob("derived/*/result.json")) for job in jobs[:2]]
    before = [head.stat().st_mtime_ns for head in heads]
    first, counted, new = run_here([jobs[0], Job(ref="x", path=jobs[1].path, is_named=False), jobs[2]], 1)
    assert (first.is_up_to_date, counted.is_up_to_date, new.is_up_to_date) == (True, True, False)
    assert first.told is not None
    assert counted.told is None
    assert [head.stat().st_mtime_ns for head in heads] == before
    (again,) = run_here([Job(ref="x", path=jobs[0].path, again=True)], 1)
    assert not again.is_up_to_date
    assert heads[0].stat().st_mtime_ns > before[0]


def test_a_damaged_table_of_an_up_to_date_result_is_made_anew(jobs: list[Job]) -> None:
    list(run_here(jobs[:1], 1))
    strides = next(Path(jobs[0].path).glob("derived/*/strides.parquet"))
    whole = strides.read_bytes()
    strides.write_bytes(b"broken")
    (outcome,) = run_here(jobs[:1], 1)
    assert not outcome.is_up_to_date
    assert strides.read_bytes() == whole


@pytest.mark.parametrize("n", [1, 2])
def test_bad_sessions_do_not_stop_the_rest(jobs: list[Job], tmp_path: Path, n: int) -> None:
    (tmp_path / "notes.txt").write_text("no session")
    shutil.rmtree(Path(jobs[1].path) / "raw")
    bad = [Job(ref="notes", path=str(tmp_path / "notes.txt")), Job(ref="gone", path=str(tmp_path / "gone"))]
    outcomes = {o.ref: o for o in run_here([bad[0], *jobs, bad[1]], n)}
    assert {ref for ref, o in outcomes.items() if o.exit_code == 0} == {j.ref for j in jobs} - {jobs[1].ref}
    assert {outcomes[ref].exit_code for ref in ("notes", "gone", jobs[1].ref)} == {5}
    assert "no session at" in outcomes["gone"].reason
    assert "Traceback" in outcomes["gone"].trace


def test_an_unexpected_error_stays_in_its_session(jobs: list[Job], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ankle_imu.analysis.analyze", lambda *_, **__: {}["no such key"])
    outcome = run_job(jobs[0])
    assert outcome.exit_code == 1
    assert outcome.reason.startswith("bug: KeyError")


def test_a_killed_worker_costs_nothing_but_time(jobs: list[Job]) -> None:
    killed: list[int] = []
    outcomes = []
    for outcome in run_here([*jobs], 2):
        if not killed:
            victim = workers(LOKY)[-1]
            victim.send_signal(signal.SIGKILL)
            killed.append(victim.pid)
        outcomes.append(outcome)
    assert killed
    assert sorted(o.ref for o in outcomes) == [job.ref for job in jobs]
    assert all(o.exit_code == 0 for o in outcomes)
    for job in jobs:
        assert is_up_to_date(job.path)
        assert list(Path(job.path).glob("derived/.unfinished-*")) == []


def test_a_session_that_ends_every_worker_is_given_up_alone(jobs: list[Job]) -> None:
    poison = jobs[1].ref

    def run(job: Job) -> SessionOutcome:
        aside = aside_of(Path(job.path) / "derived" / "x")
        if job.ref == poison:
            aside.mkdir(parents=True)
            os.kill(os.getpid(), signal.SIGKILL)
        return SessionOutcome(ref=job.ref)

    outcomes = {o.ref: o for o in run_here(jobs, 2, run=run)}
    assert set(outcomes) == {job.ref for job in jobs}
    assert [ref for ref, o in outcomes.items() if o.exit_code] == [poison]
    assert "out of memory" in outcomes[poison].reason
    assert list((Path(jobs[1].path) / "derived").iterdir()) == []


def test_what_another_process_writes_at_this_moment_stays(jobs: list[Job]) -> None:
    aside = aside_of(Path(jobs[0].path) / "derived" / "x")
    aside.mkdir(parents=True)
    outcomes = list(run_here(jobs[:2], 2, run=lambda job: SessionOutcome(ref=job.ref)))
    assert [o.exit_code for o in outcomes] == [0, 0]
    sweep(jobs)
    assert aside.is_dir(), "this process may still be writing it"


def test_stopping_early_ends_the_workers(jobs: list[Job]) -> None:
    running = run_here(jobs, 2)
    next(running)
    running.close()
    for job in jobs:
        assert list(Path(job.path).glob("derived/.unfinished-*")) == []


@pytest.mark.skipif(os.name == "nt", reason="no process groups to interrupt")
@pytest.mark.parametrize("n", ["1", "2"])
@pytest.mark.usefixtures("_see_package")
def test_ctrl_c_keeps_what_is_finished(library: Path, jobs: list[Job], n: str) -> None:
    """The terminal sends the signal to all processes of the group, as here."""
    words = ["analyze", "--all", "--jobs", n, "--json", "--library", str(library)]
    running = subprocess.Popen(
        [sys.executable, "-m", "ankle_imu.cli", *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    while not list(library.glob("people/*/*/*/derived/[0-9a-f]*/result.json")) and running.poll() is None:
        time.sleep(0.005)
    os.killpg(running.pid, signal.SIGINT)
    out, err = running.communicate()
    assert running.returncode == 130, err
    assert "Traceback" not in err
    assert "sessions are done" in err
    assert json.loads(out)["failed"] == []
    assert list(library.glob("people/*/*/*/derived/.unfinished-*")) == []
    finished = [job for job in jobs if list(Path(job.path).glob("derived/*/result.json"))]
    assert all(is_up_to_date(job.path) for job in finished)
    assert 1 <= len(finished) < SESSIONS


def test_auto_goes_by_cores_sessions_and_memory(jobs: list[Job], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("joblib.cpu_count", lambda: 8)
    monkeypatch.setattr(processes, "_memory", lambda: float("inf"))
    assert auto_jobs(jobs) == SESSIONS
    assert auto_jobs([]) == 1
    assert auto_jobs(jobs * 3) == 8
    monkeypatch.setattr(processes, "_memory", lambda: 1.0 * 2**30)
    assert auto_jobs(jobs) == 2, "0.75 GB hold two workers of 0.3 GB"
    with (Path(jobs[0].path) / "raw" / "part-0009.mcap").open("wb") as file:
        file.truncate(100 << 20)
    assert auto_jobs(jobs) == 1
    assert processes._memory() > 0


def test_memory_is_unbounded_where_the_system_does_not_tell(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr("os.sysconf", raising=False)
    assert processes._memory() == float("inf")
