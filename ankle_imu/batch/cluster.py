"""The same jobs on a Dask cluster (extra `cluster`)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final

from ankle_imu._version import package_version
from ankle_imu.batch.job import Job, run_in_worker, sweep
from ankle_imu.batch.outcome import SessionOutcome
from ankle_imu.errors import AnkleImuError, ExtraMissing, StorageError

if TYPE_CHECKING:
    from distributed import Client

Run = Callable[[Job], SessionOutcome]

WAIT_S: Final = 10.0
"""For a scheduler that does not answer, s, ours."""


def run_on_cluster(
    jobs: Sequence[Job], address: str, *, run: Run = run_in_worker, wait_s: float = WAIT_S
) -> Iterator[SessionOutcome]:
    """Run jobs on the workers of a Dask scheduler; outcomes come as sessions finish.

    Parameters
    ----------
    jobs : sequence of Job, each of another session; workers see the path of a job as this computer does
    address : str, `tcp://HOST:PORT` of the scheduler
    run : function that runs one job in a worker
    wait_s : float, s, how long the scheduler may take to answer

    Yields
    ------
    SessionOutcome
        One of each job. Dask gives the session of a worker that ended to another one.

    Raises
    ------
    ExtraMissing
        If `distributed` is not installed here.
    StorageError
        If the scheduler does not answer, or went away; what was finished is saved.
    """
    try:
        from distributed import as_completed
    except ImportError as error:
        raise ExtraMissing("A cluster needs more: pip install 'ankle-imu[cluster]'.") from error
    client = _connect(address, wait_s)
    try:
        asked = {client.submit(_run_same_version, run, job, package_version(), pure=False): job for job in jobs}
        for future in as_completed(asked, loop=client.loop):
            yield _outcome(future, asked[future], address)
    finally:
        client.close(timeout=wait_s)
        sweep(jobs)


def _connect(address: str, wait_s: float) -> Client:
    from distributed import Client

    try:
        return Client(address, timeout=wait_s, set_as_default=False)
    except (OSError, ValueError) as error:
        raise StorageError(
            f"No Dask scheduler answers at {address} ({' '.join(str(error).split())}); expected one as "
            "`dask scheduler` starts it, at tcp://HOST:PORT."
        ) from error


def _outcome(future: Any, job: Job, address: str) -> SessionOutcome:
    """The outcome of a job that ended in any way; a cluster that is gone ends them all."""
    if future.status in ("cancelled", "lost"):
        raise StorageError(f"The cluster at {address} went away; what was finished before is saved.")
    if future.status == "error":
        return SessionOutcome.from_error(job.ref, _in_words(future.exception()))
    outcome: SessionOutcome = future.result()
    return outcome


def _in_words(error: BaseException) -> BaseException:
    from distributed import KilledWorker

    if isinstance(error, KilledWorker):
        return AnkleImuError(
            "Every worker it was given to ended (killed, or out of memory); give them more memory."
        )
    if isinstance(error, ImportError):
        return AnkleImuError(f"A worker cannot import the package ({error}); install ankle-imu on all of them.")
    return error


def _run_same_version(run: Run, job: Job, version: str) -> SessionOutcome:
    """Runs in the worker: results of two versions are not to be mixed."""
    here = package_version()
    if here != version:
        reason = f"A worker has ankle-imu {here}, this computer {version}; install the same on all of them."
        return SessionOutcome(ref=job.ref, reason=reason, exit_code=2)
    return run(job)
