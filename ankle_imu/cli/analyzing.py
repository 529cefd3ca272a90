"""`analyze`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from ankle_imu.cli import failures, sessions
from ankle_imu.cli.arguments import AsJson, Library, Person, complete_sessions, reading_root, store_of
from ankle_imu.cli.output import Tell, progress, say, show, show_json
from ankle_imu.errors import AnkleImuError

if TYPE_CHECKING:
    from ankle_imu.batch import Job, SessionOutcome

_AUTO = "auto"


def analyze(
    refs: Annotated[
        list[str] | None,
        Parameter(name="SESSION", help="Folder, id or `last`; several are allowed.", completer=complete_sessions),
    ] = None,
    /,
    *,
    person: Person = "",
    all_: Annotated[
        bool, Parameter(name="--all", negative="", show_default=False, help="Every session of the library.")
    ] = False,
    again: Annotated[
        bool, Parameter(name="--again", negative="", show_default=False, help="Also those that are up to date.")
    ] = False,
    jobs: Annotated[
        str,
        Parameter(
            name="--jobs",
            help="Processes at work at once; `auto` or 0: as many as there are cores, and as the memory holds. "
            "Each needs 0.3 GB and 18 times the size of its recording on disk (5 times its samples in memory).",
        ),
    ] = "1",
    scheduler: Annotated[
        str,
        Parameter(
            name="--scheduler",
            show_default=False,
            help="Scheduler of a Dask cluster, tcp://HOST:PORT, whose workers do it in place of --jobs. They need "
            "this version of ankle-imu, and the library at the same path or URL.",
        ),
    ] = "",
    library: Library = None,
    as_json: AsJson = False,
) -> int:
    """Analyze sessions and print a short table.

    The results are saved in the sessions. Range is the median side-to-side range of the angle in stance, with its
    approximate 95 % interval.
    A session whose saved result is what analyzing now would give is not analyzed again.
    A session that fails does not stop the others; Ctrl-C keeps those that are finished.
    """
    processes = _processes(jobs)
    wanted, outcomes = _wanted(reading_root(library), store_of(library), refs or [], person, all_, again)
    stopped: BaseException | None = None
    with progress("analyzing") as tell:
        try:
            for outcome in _run(wanted, processes, scheduler, tell):
                outcomes[outcome.ref] = outcome
        except (KeyboardInterrupt, AnkleImuError) as error:
            stopped = error
    return _report(list(outcomes.values()), stopped, as_json)


def _processes(jobs: str) -> int:
    """The number that `--jobs` names, 0 for `auto`."""
    if jobs == _AUTO:
        return 0
    if not jobs.isdecimal():
        raise failures.UsageError(f"--jobs takes a number of processes or `{_AUTO}`, found {jobs!r}.")
    return int(jobs)


def _wanted(
    root: Path, store: str, refs: Sequence[str], person: str, is_all: bool, again: bool
) -> tuple[list[Job], dict[str, SessionOutcome | None]]:
    """Jobs, each of another session, and a place for each outcome; filled where a session was not found."""
    from ankle_imu.batch import SessionOutcome
    from ankle_imu.library import list_sessions

    if bool(refs) + bool(person) + is_all != 1:
        raise failures.UsageError("Name a SESSION or several (folder, id or `last`), or a --person, or --all.")
    outcomes: dict[str, SessionOutcome | None] = {}
    found: dict[Path, Job] = {}
    for ref in refs:
        outcomes[ref] = None
        try:
            path = sessions.locate(root, ref)
        except Exception as error:
            outcomes[ref] = SessionOutcome.from_error(ref, error)
            continue
        if path in found:
            del outcomes[ref]
        found.setdefault(path, _job(root, store, path, ref, again=again, is_named=True))
    if not refs:
        for entry in list_sessions(root, person or None):
            outcomes[entry.session_id] = None
            found[entry.path] = _job(root, store, entry.path, entry.session_id, again=again, is_named=False)
        if not found:
            say(f"The library at {store or root} holds no sessions{f' of {person}' if person else ''} yet.")
    return list(found.values()), outcomes


def _job(root: Path, store: str, path: Path, ref: str, *, again: bool, is_named: bool) -> Job:
    """The job of a session; one whose folder is of the mirror lies in the store."""
    from ankle_imu.batch import Job

    above = root.resolve()
    if store and path.resolve().is_relative_to(above):
        place, url = path.resolve().relative_to(above).as_posix(), store
    else:
        place, url = str(path), ""
    return Job(ref=ref, path=place, store=url, again=again, is_named=is_named)


def _run(jobs: Sequence[Job], processes: int, scheduler: str, tell: Tell) -> Iterator[SessionOutcome]:
    """Outcomes as sessions finish; the bar follows a single process within a session, several by sessions."""
    from ankle_imu.batch import auto_jobs, run_here, run_on_cluster

    n = len(jobs)
    done = 0

    def within(job: Job, stage: str, share: float) -> None:
        tell(f"{job.ref}: {stage}" if n > 1 else stage, (done + share) / n)

    if not jobs:
        return
    if scheduler:
        tell(f"0 of {n} sessions, on {scheduler}", 0.0)
        outcomes = run_on_cluster(jobs, scheduler)
    else:
        processes = min(processes, n) or auto_jobs(jobs)
        tell(f"0 of {n} sessions, {processes} at once", 0.0)
        outcomes = run_here(jobs, processes, within)
    for outcome in outcomes:
        done += 1
        tell(f"{done} of {n} sessions", done / n)
        yield outcome


def _report(outcomes: Sequence[SessionOutcome | None], stopped: BaseException | None, as_json: bool) -> int:
    """Print what was done, what was not and why; gives the exit code."""
    done = [one for one in outcomes if one is not None]
    failed = [one for one in done if one.reason]
    is_one = len(outcomes) == 1
    if as_json:
        _show_json(done, failed)
    else:
        _show([one for one in done if one.told])
    _say_up_to_date(done)
    if failed and not is_one:
        say(f"{len(failed)} of {len(outcomes)} sessions could not be analyzed:")
    codes = [
        failures.tell_reason(one.reason, one.exit_code, one.trace, "" if is_one else one.ref) for one in failed
    ]
    if stopped is None:
        return max(codes, default=0)
    if not is_one:
        finished = len(done) - len(failed)
        say(f"{finished} of {len(outcomes)} sessions are done; the same command does the rest.")
    return failures.tell(stopped)


def _show(outcomes: Sequence[SessionOutcome]) -> None:
    for i, one in enumerate(outcomes):
        if i:
            show()
        sessions.show_session(dict(one.told or {}))
        if one.result:
            show(one.result)


def _say_up_to_date(done: Sequence[SessionOutcome]) -> None:
    for one in done:
        if one.told and not one.result:
            say(f"{one.told['path']} is a single file, so its result is shown but not saved.")
    fresh = [one for one in done if one.is_up_to_date]
    if fresh:
        which = f"{len(fresh)} of {len(done)} sessions are" if len(done) > 1 else "This session is"
        say(f"{which} up to date; --again analyzes anyway.")


def _show_json(done: Sequence[SessionOutcome], failed: Sequence[SessionOutcome]) -> None:
    told: list[dict[str, Any]] = [
        {**one.told, "result": one.result or None, "up_to_date": one.is_up_to_date} for one in done if one.told
    ]
    show_json(
        {
            "sessions": told,
            "up_to_date": [one.ref for one in done if one.is_up_to_date],
            "failed": [{"session": one.ref, "reason": one.reason, "exit_code": one.exit_code} for one in failed],
            "files": [one["result"] for one in told if one["result"]],
        }
    )
