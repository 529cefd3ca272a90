"""Jobs in this process or in several of this computer (joblib with loky)."""

from __future__ import annotations

import contextlib
import os
import signal
import warnings
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from pathlib import Path
from typing import Any, Final

from ankle_imu.batch.job import Job, one_thread, run_in_worker, run_job, sweep
from ankle_imu.batch.outcome import SessionOutcome

WORKER_BYTES: Final = 300 << 20
"""Memory of a worker that has analyzed a short session: 285-306 MB (ours, Linux, numpy 2, pandas, pyarrow)."""

BYTES_PER_RAW: Final = 18
"""Memory of an analysis per byte of its recording on disk: 5 x the arrays (tests/benchmarks/bench_analysis.py),
which hold 56 bytes for each sample that takes 16 on disk."""

SHARE: Final = 0.75
"""Of the memory of the computer that `auto_jobs` plans with, ours: the rest is for the system and its cache."""

Run = Callable[[Job], SessionOutcome]


def auto_jobs(jobs: Sequence[Job]) -> int:
    """How many processes suit these jobs on this computer.

    Parameters
    ----------
    jobs : sequence of Job

    Returns
    -------
    int
        Usable cores, fewer where there are fewer jobs, or where the memory would not hold that many of the
        largest session. At least 1.
    """
    import joblib

    largest = max((_raw_bytes(Path(job.path)) for job in jobs), default=0)
    fitting = _memory() * SHARE // (WORKER_BYTES + BYTES_PER_RAW * largest)
    return int(max(1, min(joblib.cpu_count(), len(jobs), fitting)))


def run_here(
    jobs: Sequence[Job],
    processes: int,
    tell: Callable[[Job, str, float], None] = lambda job, stage, share: None,
    *,
    run: Run = run_in_worker,
) -> Iterator[SessionOutcome]:
    """Run jobs in several processes; outcomes come as sessions finish.

    Parameters
    ----------
    jobs : sequence of Job, each of another session
    processes : int, 1 or more; with 1 they run in this process, one after the other
    tell : function that is told, with 1 process, how far the analysis of a job is
    run : function that runs one job in a worker

    Yields
    ------
    SessionOutcome
        One of each job. A worker that is killed costs nothing but time: its session is done again. A session
        whose worker ends twice although it is alone is given up with that reason.

    Notes
    -----
    When the caller stops early, or is interrupted, the workers are ended and what they left half-written is
    removed; what was finished stays.
    """
    if processes == 1:
        for job in jobs:
            with one_thread():
                outcome = run_job(job, partial(tell, job))
            yield outcome
        return
    left = {job.path: job for job in jobs}
    try:
        for size in (processes, processes, 1):
            batches = [list(left.values())] if size > 1 else [[job] for job in left.values()] * 2
            for batch in batches:
                yield from _round([job for job in batch if job.path in left], size, run, left)
    finally:
        sweep(left.values())
    for job in left.values():
        yield _given_up(job)


def _round(jobs: Sequence[Job], size: int, run: Run, left: dict[str, Job]) -> Iterator[SessionOutcome]:
    """Run jobs until all are done or a worker is killed; those that are done leave `left`."""
    from joblib import Parallel, delayed, parallel_config

    if not jobs:
        return
    with parallel_config("loky", n_jobs=size, inner_max_num_threads=1), contextlib.suppress(BrokenProcessPool):
        # two processes at least: joblib would run a single one here, and a killer of workers with it
        parallel = Parallel(n_jobs=max(size, 2), return_as="generator_unordered", batch_size=1)
        with _ended(parallel(delayed(_keyed)(run, job) for job in jobs)) as finished:
            for path, outcome in finished:
                del left[path]
                yield outcome
        return
    sweep(left.values())


@contextlib.contextmanager
def _ended(finished: Any) -> Iterator[Any]:
    """Outcomes within the block; whoever leaves it early ends the workers, and joblib need not warn of that."""
    try:
        yield finished
    finally:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            finished.close()


def _keyed(run: Run, job: Job) -> tuple[str, SessionOutcome]:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches all: whoever gave the job ends it
    return job.path, run(job)


def _given_up(job: Job) -> SessionOutcome:
    reason = (
        "The process that analyzed it was ended by the system every time (killed, or out of memory); free some "
        "memory, or analyze it on a larger computer."
    )
    return SessionOutcome(ref=job.ref, reason=reason, exit_code=1)


def _raw_bytes(path: Path) -> int:
    parts = path.glob("raw/part-*.mcap") if path.is_dir() else [path]
    return sum(part.stat().st_size for part in parts if part.is_file())


def _memory() -> float:
    """Memory of this computer, bytes; without bound where the system does not tell."""
    try:
        return float(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    except (AttributeError, ValueError, OSError):
        return float("inf")
