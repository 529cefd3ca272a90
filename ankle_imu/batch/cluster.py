"""The same jobs on a Dask cluster (extra `cluster`)."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import CancelledError
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from ankle_imu._version import package_version
from ankle_imu.batch.job import Job, run_in_worker, sweep
from ankle_imu.batch.outcome import SessionOutcome
from ankle_imu.errors import AnkleImuError, ExtraMissing, StorageError

if TYPE_CHECKING:
    from distributed import Client

Run = Callable[[Job], SessionOutcome]

ROUNDS: Final = 3
"""How often a session is given to the cluster while its workers end, ours; alone from the second time on, so that
none is blamed for another one beside it."""

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
        import distributed  # noqa: F401
    except ImportError as error:
        raise ExtraMissing("A cluster needs more: pip install 'ankle-imu[cluster]'.") from error
    client = _connect(address, wait_s)
    left = {job.path: job for job in jobs}
    try:
        for number in range(ROUNDS):
            together = [list(left.values())] if number == 0 else [[job] for job in left.values()]
            for part in together:
                if client.status in ("closing", "closed"):
                    break
                asked = {_submit(client, run, job): job for job in part}
                for future in _as_finished(client, asked, wait_s):
                    outcome = _outcome(future, asked[future], number + 1 < ROUNDS)
                    if outcome is not None:
                        del left[asked[future].path]
                        yield outcome
        if left:
            raise StorageError(f"The cluster at {address} went away; what was finished before is saved.")
    finally:
        with contextlib.suppress(TimeoutError, OSError):
            client.close(timeout=wait_s)
        sweep(jobs)


def _connect(address: str, wait_s: float) -> Client:
    """A client of the scheduler, made only where something listens.

    A client that found nobody is left half made by Dask; when the garbage collector closes it while another one
    starts, both wait for one lock for good.
    """
    from distributed import Client

    try:
        scheme, host, port = _parts(address)
        socket.create_connection((host.strip("[]"), port), timeout=wait_s).close()
        return Client(f"{scheme}://{host}:{port}", timeout=wait_s, set_as_default=False)
    except (OSError, ValueError) as error:
        raise StorageError(
            f"No Dask scheduler answers at {address} ({' '.join(str(error).split())}); expected one as "
            "`dask scheduler` starts it, at tcp://HOST:PORT."
        ) from error


def _parts(address: str) -> tuple[str, str, int]:
    parts = urlsplit(address)
    if parts.scheme not in ("tcp", "tls") or not parts.hostname or not parts.port:
        raise ValueError("that is no address of one")
    return parts.scheme, f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname, parts.port


def _as_finished(client: Client, asked: Iterable[Any], wait_s: float) -> Iterator[Any]:
    """Futures as they finish, until the scheduler cannot be reached any more; Dask alone would wait for good."""
    from distributed import wait

    left = set(asked)
    while left:
        try:
            with client.as_current():
                finished = wait(left, timeout=wait_s, return_when="FIRST_COMPLETED").done
        except TimeoutError:
            if client.status != "running":
                return
            continue
        except CancelledError:
            finished = {future for future in left if future.status == "cancelled"}
        yield from finished
        left -= finished


def _submit(client: Client, run: Run, job: Job) -> Any:
    return client.submit(_run_same_version, run, job, package_version(), pure=False)


def _outcome(future: Any, job: Job, has_next: bool) -> SessionOutcome | None:
    """The outcome of a job; None where it went with its worker, or waited at one that another session ended."""
    from distributed import KilledWorker

    try:
        if future.status == "error":
            error = future.exception()
            if has_next and isinstance(error, KilledWorker):
                return None
            return SessionOutcome.from_error(job.ref, _in_words(error))
        outcome: SessionOutcome = future.result()
    except CancelledError:
        return None
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
