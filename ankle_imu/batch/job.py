"""One session as one independent job: the same function wherever it runs."""

from __future__ import annotations

import contextlib
import shutil
import sys
import warnings
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from ankle_imu.batch.outcome import SessionOutcome, describe
from ankle_imu.batch.practising import analyze_and_save_practice, describe_practice, practice_result
from ankle_imu.durable import ASIDE, is_abandoned
from ankle_imu.errors import RecordingError
from ankle_imu.library import is_practice

if TYPE_CHECKING:
    from ankle_imu.values import SessionResult

Tell = Callable[[str, float], None]
"""Called with the name of the stage at hand and the share of the work that is done, 0..1."""


@dataclass(frozen=True, kw_only=True)
class Job:
    """One session to analyze.

    Parameters
    ----------
    ref : str, the session as it was asked for
    path : str, its folder or file; in a store, the path below its root
    store : str, URL of the library where it lies in a store
    again : bool, analyze it even where its result is up to date
    is_named : bool, an up-to-date result is described too, not only counted
    """

    ref: str
    path: str
    store: str = ""
    again: bool = False
    is_named: bool = True


def run_job(job: Job, tell: Tell = lambda stage, share: None) -> SessionOutcome:
    """Analyze one session and save its result, unless it is up to date.

    Parameters
    ----------
    job : Job
    tell : function that is told how far the analysis is

    Returns
    -------
    SessionOutcome
        Of a session that fails too: no `Exception` leaves this function.
    """
    try:
        return _run(job, tell)
    except Exception as error:
        return SessionOutcome.from_error(job.ref, error)


def run_in_worker(job: Job) -> SessionOutcome:
    """`run_job` in a process that does nothing else: one thread for its calculations, for good."""
    _limit_threads()
    if not sys.warnoptions:  # as in the program itself: what matters is in the result
        warnings.simplefilter("ignore")
    return run_job(job)


@contextlib.contextmanager
def one_thread() -> Iterator[None]:
    """Calculate with one thread within the block.

    Notes
    -----
    Sums of matrix products depend in their last bit on how many threads share them, so every way of running a
    job uses one. It costs nothing: a 10 min session of two sensors took 0.38 s with one thread of OpenBLAS and
    0.43 s with two (2 cores, ours).
    """
    with _limit_threads():
        yield


def analyze_and_save(path: Path, tell: Tell) -> tuple[SessionResult, Path | None]:
    """Analyze a walk; save its result when it is a folder (a single file has no place for one).

    Raises
    ------
    RecordingError
        If it is a session of practice.
    """
    from ankle_imu.analysis import analyze
    from ankle_imu.library import own_settings, save_result
    from ankle_imu.library.sources import file_sources, to_record
    from ankle_imu.session_io import open_session

    if is_practice(path):
        raise RecordingError(
            f"{path.name} is a session of practice, not a walk; `ankle-imu practice report` tells of it.",
            path=str(path),
        )
    tell("reading", 0.0)
    files = to_record(file_sources(path))
    result = analyze(open_session(path), settings=own_settings(path), progress=tell)
    return result, save_result(path, result, files=files) if path.is_dir() else None


def sweep(jobs: Iterable[Job]) -> None:
    """Remove what workers that are gone left half-written; what somebody writes at this moment stays."""
    for job in jobs:
        for aside in () if job.store else (Path(job.path) / "derived").glob(f"{ASIDE}*"):
            if is_abandoned(aside):
                shutil.rmtree(aside, ignore_errors=True)


def _run(job: Job, tell: Tell) -> SessionOutcome:
    if job.store:
        return _run_stored(job, tell)
    path = Path(job.path)
    if is_practice(path):
        return _run_practice(job, path, tell)
    if not job.again and path.is_dir() and _is_up_to_date(path):
        return _up_to_date(job, path)
    result, saved = analyze_and_save(path, tell)
    return SessionOutcome(ref=job.ref, told=describe(job.path, result), result=str(saved or ""))


def _run_practice(job: Job, path: Path, tell: Tell) -> SessionOutcome:
    if job.again:
        (made, saved), is_fresh = analyze_and_save_practice(path, tell), False
    else:
        made, saved, is_fresh = practice_result(path)
    told = describe_practice(job.path, made) if job.is_named or not is_fresh else None
    return SessionOutcome(ref=job.ref, told=told, result=str(saved), is_up_to_date=is_fresh)


def _run_stored(job: Job, tell: Tell) -> SessionOutcome:
    from ankle_imu.batch.stored import analyze_stored

    result, saved, is_fresh = analyze_stored(
        job.store, job.path, lambda folder: _in_folder(folder, tell), again=job.again, is_told=job.is_named
    )
    told = describe(f"{job.store}/{job.path}", result) if result else None
    return SessionOutcome(ref=job.ref, told=told, result=saved, is_up_to_date=is_fresh)


def _in_folder(folder: Path, tell: Tell) -> tuple[SessionResult, Path]:
    result, saved = analyze_and_save(folder, tell)
    return result, saved or folder


def _is_up_to_date(path: Path) -> bool:
    from ankle_imu.errors import CorruptRecording
    from ankle_imu.library import is_up_to_date, own_settings

    own_settings(path)  # what is wrong with it, no new analysis puts right
    try:
        return is_up_to_date(path)
    except CorruptRecording:
        return False


def _up_to_date(job: Job, path: Path) -> SessionOutcome:
    """The outcome of a session with nothing to do; analyzed again where its tables turn out to be damaged."""
    from ankle_imu.errors import CorruptRecording
    from ankle_imu.library import find_result, load_result

    found = SessionOutcome(ref=job.ref, result=str(find_result(path)), is_up_to_date=True)
    if not job.is_named:
        return found
    try:
        return replace(found, told=describe(job.path, load_result(path)))
    except CorruptRecording:
        return _run(replace(job, again=True), lambda stage, share: None)


def _limit_threads() -> contextlib.AbstractContextManager[object]:
    """Let the libraries that numpy and scipy calculate with use one thread, from now on or within a block."""
    import scipy.linalg  # noqa: F401  brings its own OpenBLAS, which can only be told once it is there
    import threadpoolctl

    limits: contextlib.AbstractContextManager[object] = threadpoolctl.threadpool_limits(1)
    return limits
