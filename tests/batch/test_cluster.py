"""A Dask cluster of two worker processes on loopback: the same files, killed workers, a cluster that is gone."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from batches import SESSIONS, files_of, jobs_of

from ankle_imu.batch import Job, SessionOutcome, run_here
from ankle_imu.batch import cluster as clustering
from ankle_imu.batch.cluster import run_on_cluster
from ankle_imu.cli import run as run_cli
from ankle_imu.errors import ExtraMissing, StorageError
from ankle_imu.library import is_up_to_date

pytest.importorskip("distributed", reason="the extra `cluster` is not installed")
pytestmark = [
    pytest.mark.usefixtures("_see_package"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning"),
]


def worker_pids(address: str) -> list[int]:
    from distributed import Client

    with Client(address, set_as_default=False) as client:
        return list(client.run(os.getpid).values())


def scheduler_pid(address: str) -> int:
    from distributed import Client

    with Client(address, set_as_default=False) as client:
        return client.run_on_scheduler(os.getpid)


@contextlib.contextmanager
def cluster(folder: Path) -> Iterator[str]:
    """Address of a scheduler with two worker processes, as `dask scheduler` and `dask worker` start them."""
    folder.mkdir()
    told = folder / "scheduler.json"
    dask = [sys.executable, "-m", "dask"]
    files = ["--scheduler-file", str(told)]
    at_home = {"env": {**os.environ, "PYTHONWARNINGS": "ignore"}, "cwd": folder, "start_new_session": True}
    with (folder / "log").open("wb") as log:
        begun = [
            subprocess.Popen(
                [*dask, "scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard", *files],
                stdout=log, stderr=log, **at_home,
            ),
            subprocess.Popen(
                [*dask, "worker", "--nworkers", "2", "--nthreads", "1", "--no-dashboard", *files],
                stdout=log, stderr=log, **at_home,
            ),
        ]  # fmt: skip
        try:
            while not told.exists():
                assert begun[0].poll() is None, (folder / "log").read_text()
                time.sleep(0.05)
            yield json.loads(told.read_text())["address"]
        finally:
            for process in reversed(begun):
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    import ankle_imu

    with pytest.MonkeyPatch.context() as patch:
        above = str(Path(ankle_imu.__file__).parents[1])
        patch.setenv("PYTHONPATH", os.pathsep.join(filter(None, (above, os.environ.get("PYTHONPATH")))))
        with cluster(tmp_path_factory.mktemp("dask") / "cluster") as found:
            yield found


def test_the_same_bytes_as_one_process(address: str, library: Path, recorded: Path, tmp_path: Path) -> None:
    other = Path(shutil.copytree(recorded, tmp_path / "other"))
    one = list(run_here(jobs_of(library), 1))
    far = list(run_on_cluster([*jobs_of(other), Job(ref="gone", path=str(tmp_path / "gone"))], address))
    assert [o.exit_code for o in one] == [0] * SESSIONS
    assert {o.ref for o in far if o.exit_code} == {"gone"}
    assert files_of(library) == files_of(other)


def test_workers_without_the_disk_fetch_from_the_store(address: str, library: Path, jobs: list[Job]) -> None:
    there = [
        replace(job, path=Path(job.path).relative_to(library).as_posix(), store=library.as_uri()) for job in jobs
    ]
    outcomes = list(run_on_cluster(there, address))
    assert [o.exit_code for o in outcomes] == [0] * SESSIONS, outcomes
    assert all(is_up_to_date(job.path) for job in jobs)


def test_a_killed_worker_costs_nothing_but_time(address: str, jobs: list[Job]) -> None:
    outcomes = []
    for outcome in run_on_cluster(jobs, address):
        if not outcomes:
            os.kill(worker_pids(address)[-1], signal.SIGKILL)
        outcomes.append(outcome)
    assert sorted(o.ref for o in outcomes) == [job.ref for job in jobs]
    assert all(o.exit_code == 0 for o in outcomes), outcomes
    assert all(is_up_to_date(job.path) for job in jobs)
    assert not [aside for job in jobs for aside in Path(job.path).glob("derived/.unfinished-*")]


def test_a_session_that_ends_every_worker_is_given_up(address: str, jobs: list[Job]) -> None:
    poison = jobs[1].ref

    def run(job: Job) -> SessionOutcome:
        if job.ref == poison:
            os.kill(os.getpid(), signal.SIGKILL)
        return SessionOutcome(ref=job.ref)

    outcomes = {o.ref: o for o in run_on_cluster(jobs, address, run=run)}
    assert [ref for ref, o in outcomes.items() if o.exit_code] == [poison]
    assert "Every worker" in outcomes[poison].reason


def test_a_worker_of_another_version_is_refused(
    address: str, jobs: list[Job], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clustering, "package_version", lambda: "99.0")
    (outcome,) = run_on_cluster(jobs[:1], address)
    assert outcome.exit_code == 2
    assert "99.0" in outcome.reason
    assert not (Path(jobs[0].path) / "derived").exists()


def test_the_command(address: str, library: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_cli(["analyze", "--all", "--scheduler", address, "--library", str(library), "--json"]) == 0
    assert len(json.loads(capsys.readouterr().out)["files"]) == SESSIONS
    assert run_cli(["analyze", "--all", "--again", "--scheduler", "nonsense://x", "--library", str(library)]) == 6
    said = capsys.readouterr()
    assert "error: No Dask scheduler answers" in said.err
    assert said.out == ""


def test_no_scheduler_is_one_sentence(jobs: list[Job]) -> None:
    with pytest.raises(StorageError, match="No Dask scheduler answers at tcp"):
        next(run_on_cluster(jobs, "tcp://127.0.0.1:1", wait_s=0.5))
    with pytest.raises(StorageError, match="expected one"):
        next(run_on_cluster(jobs, "nonsense://x", wait_s=0.5))


def test_a_scheduler_that_dies_is_one_sentence(tmp_path: Path, jobs: list[Job]) -> None:
    def run(job: Job) -> SessionOutcome:
        time.sleep(0.0 if job.ref == jobs[0].ref else 60.0)
        return SessionOutcome(ref=job.ref)

    with cluster(tmp_path / "dask") as address:
        running = run_on_cluster(jobs, address, run=run, wait_s=5.0)
        assert next(running).ref == jobs[0].ref
        told = json.loads((tmp_path / "dask" / "scheduler.json").read_text())
        os.kill(scheduler_pid(told["address"]), signal.SIGKILL)
        with pytest.raises(StorageError, match="went away"):
            next(running)


def test_without_the_extra_it_says_what_to_install(jobs: list[Job], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(ExtraMissing, match=r"ankle-imu\[cluster\]"):
        next(run_on_cluster(jobs, "tcp://127.0.0.1:1"))
