"""What the commands do with one session: find, analyze, save, and put its figures in rows."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from ankle_imu.cli.output import Tell, say, show, show_heading, show_table
from ankle_imu.errors import AnkleImuError, CorruptRecording, RecordingError

if TYPE_CHECKING:
    from ankle_imu.mobility import PracticeResult
    from ankle_imu.values import SessionResult

SESSION_KIND: Final = "practice"
"""`mobility.SESSION_KIND`, repeated because the help must not load numpy."""


def locate(root: Path, ref: str) -> Path:
    """Absolute path of the session that `ref` means, see `library.find_session`."""
    from ankle_imu.library import find_session

    return find_session(root, ref).resolve()


def refuse_recorded(folders: Iterable[Path]) -> None:
    """Raise `RecordingError` where a program writes to one of the sessions at this moment."""
    from ankle_imu.recording import being_recorded, is_being_recorded

    for folder in folders:
        if is_being_recorded(folder):
            raise being_recorded(folder)


def locate_practice(library: str | None, ref: str) -> Path:
    """Folder of a session of practice in a library on disk."""
    from ankle_imu.cli.arguments import library_root
    from ankle_imu.library import is_practice

    path = locate(library_root(library), ref)
    if not is_practice(path):
        raise RecordingError(f"{path.name} is no session of practice; `ankle-imu report` tells of walks.")
    return path


def refuse_practice(path: Path, what: str) -> None:
    """Raise `RecordingError` where a session is one of practice: it has no strides and no rolls."""
    from ankle_imu.library import is_practice

    if is_practice(path):
        raise RecordingError(
            f"{path.name} is a session of practice, and {what}; `ankle-imu practice report` tells of it.",
            path=str(path),
        )


def practice_of(path: Path) -> PracticeResult:
    """The saved result of a session of practice where it is up to date, else a new one."""
    from ankle_imu import batch

    with batch.one_thread():
        return batch.practice_result(path)[0]


def locate_saved(library: str | None, ref: str) -> Path:
    """As `locate`; of a library in a store, a folder in its mirror with the whole newest result."""
    from ankle_imu.cli.arguments import reading_root, store_of
    from ankle_imu.library import find_result
    from ankle_imu.library.remote import complete

    root, store = reading_root(library), store_of(library)
    path = locate(root, ref)
    found = find_result(path) if store and path.is_relative_to(root.resolve()) else None
    if found is not None:
        complete(store, root.resolve(), found)
    return path


def open_result(library: str | None, ref: str, tell: Tell) -> tuple[Path, SessionResult]:
    """Folder of a session and its up-to-date result; in a store it is brought up to date there."""
    from ankle_imu.batch import Job, one_thread, run_job
    from ankle_imu.cli.arguments import reading_root, store_of
    from ankle_imu.library import load_result

    root, store = reading_root(library).resolve(), store_of(library)
    path = locate(root, ref)
    if not store or not path.is_relative_to(root):
        return path, result_of(path, tell)
    with one_thread():
        job = Job(ref=ref, path=path.relative_to(root).as_posix(), store=store, is_named=False)
        outcome = run_job(job, tell)
    if outcome.reason:
        raise StoredSessionFailed(outcome.reason, outcome.exit_code)
    path = locate_saved(library, path.name)
    return path, load_result(path)


class StoredSessionFailed(AnkleImuError):
    """A session of a store could not be analyzed, for the reason that its outcome tells."""

    def __init__(self, reason: str, exit_code: int) -> None:
        super().__init__(reason)
        self.exit_code = exit_code


def analyze_and_save(path: Path, tell: Tell) -> tuple[SessionResult, Path | None]:
    """Analyze a session and save the result, as `analyze` does."""
    from ankle_imu import batch

    with batch.one_thread():
        return batch.analyze_and_save(path, tell)


def result_of(path: Path, tell: Tell) -> SessionResult:
    """The saved result where it is what analyzing now would give, else a new one."""
    from ankle_imu.library import is_up_to_date, load_result, own_settings

    own_settings(path)  # what is wrong with it, no new analysis puts right
    try:
        if path.is_dir() and (is_up_to_date(path) or _is_all_there_is(path)):
            return load_result(path)
    except CorruptRecording as error:
        say(f"{error} This is done now.")
    return analyze_and_save(path, tell)[0]


def _is_all_there_is(path: Path) -> bool:
    """Whether a session has a result and no recording to make a new one from, and say so."""
    from ankle_imu.library import find_result
    from ankle_imu.recording import part_paths

    if part_paths(path) or find_result(path) is None:
        return False
    say(f"{path} holds no recording, so its saved result is used as it is.")
    return True


def library_of(session: Path) -> Path | None:
    """Folder of the library that a session lies in, None when it lies elsewhere."""
    parents = session.parents
    return parents[3] if len(parents) > 3 and parents[2].name == "people" else None


def describe(path: Path, result: SessionResult) -> dict[str, Any]:
    """Everything the terminal or `--json` tells about one analyzed session."""
    from ankle_imu import batch

    return batch.describe(path, result)


def show_session(told: dict[str, Any]) -> None:
    """Print what `describe` gave: a heading, a table of legs and gaits, and what it means in words."""
    from ankle_imu.report import words

    show_heading("  ".join(filter(None, (told["session"], told["alias"], words.span(told["duration_s"])))))
    if told.get("kind") == SESSION_KIND:
        _show_practice(told)
    elif told["legs"]:
        head = ("Leg", "Gait", "Strides", "Angle", "Range, deg (95 %)", "Speed", "Alignment", "Loss")
        show_table(head, [_cells(row) for row in told["legs"]], right=("Strides", "Loss"))
    for line in verdict_lines(told["verdict"]):
        show(line)


def verdict_lines(verdict: dict[str, Any]) -> list[str]:
    """What was seen, and how sure that is and why."""
    from ankle_imu.report import words

    first, *others = verdict["reasons"]
    return [*verdict["lines"], f"{verdict['sure']}: {' '.join((first, *map(words.sentence, others)))}"]


def _show_practice(told: dict[str, Any]) -> None:
    """Print the ranges and the times of a practice session."""
    from types import SimpleNamespace

    from ankle_imu.report import practice_words, words

    rows = [SimpleNamespace(**row) for row in told["ranges"]]
    if rows:
        cells = [
            [
                practice_words.action(row),
                words.number(row.active_deg, "deg"),
                words.number(row.assisted_deg, "deg"),
                f"{words.number(row.gap_deg, 'deg')} ± {row.mdc_deg:.1f}" if row.gap_deg == row.gap_deg else "–",
                practice_words.SOURCE[row.angle_source],
                "measure again" if row.repeat else "",
            ]
            for row in rows
        ]
        head = ("Action", "By itself, deg", "With help, deg", "Gap, deg", "Measured as", "")
        show_table(head, cells, right=head[1:3])


def _cells(row: dict[str, Any]) -> list[str]:
    from ankle_imu.report import words

    median, low, high = (words.number(row[f"range_{end}_deg"], "deg") for end in ("median", "ci_low", "ci_high"))
    angle = {"joint": "inversion", "foot": "foot tilt", "none": "shank tilt"}[row["angle_source"]]
    return [
        row["leg"],
        row["gait"],
        f"{row['n_accepted']:,}",
        angle,
        f"{median} ({low}–{high})" if median != "–" else "–",
        words.quantity(row["speed_median_mps"], "m/s"),
        row["alignment"] or "–",
        words.percent(row["lost_share"], 1.0),
    ]
