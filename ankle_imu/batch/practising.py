"""A session of practice as a job: analyzed, saved and told beside walks."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ankle_imu.mobility import PracticeResult


def analyze_and_save_practice(
    path: Path, tell: Callable[[str, float], None] = lambda stage, share: None
) -> tuple[PracticeResult, Path]:
    """Analyze a session folder of kind `practice` and save the result in it.

    Parameters
    ----------
    path : Path of the session folder
    tell : function that is told how far it is

    Returns
    -------
    PracticeResult
    Path of the saved result
    """
    from ankle_imu.analysis.practice import analyze_practice
    from ankle_imu.library.practice import save_practice
    from ankle_imu.library.sources import file_sources, to_record
    from ankle_imu.session_io import open_session

    tell("reading", 0.0)
    files = to_record(file_sources(path))
    recording = open_session(path)
    tell("measuring", 0.3)
    result = analyze_practice(recording)
    tell("saving", 0.9)
    return result, save_practice(path, result, files=files)


def practice_result(path: Path) -> tuple[PracticeResult, Path, bool]:
    """The result of a session of practice: the saved one while it is up to date, else a new one.

    Returns
    -------
    PracticeResult
    Path of the saved result
    bool, whether it was up to date
    """
    from ankle_imu.errors import CorruptRecording
    from ankle_imu.library.practice import find_practice, is_practice_up_to_date, load_practice
    from ankle_imu.recording import part_paths

    found = find_practice(path)
    try:
        if found is not None and (not part_paths(path) or is_practice_up_to_date(path)):
            return load_practice(path), found, True
    except CorruptRecording:
        pass
    return *analyze_and_save_practice(path), False


def describe_practice(path: str | Path, result: PracticeResult) -> dict[str, Any]:
    """Everything the terminal or `--json` tells about one session of practice, as plain values."""
    from ankle_imu.report.practice_words import judge_practice

    verdict = judge_practice(result)
    return {
        "session": result.session.session_id or Path(path).name,
        "path": path,
        "alias": result.session.alias,
        "kind": result.session.kind,
        "duration_s": result.duration_s,
        "blocks": _rows(result.blocks),
        "ranges": _rows(result.ranges),
        "holds": _rows(result.holds),
        "time_under_tension_s": float(result.holds["duration_s"].sum()),
        "sway": _rows(result.sway),
        "compensations": _rows(result.compensations),
        "verdict": {"lines": verdict.lines, "sure": verdict.sure, "reasons": verdict.reasons},
        "notes": result.quality.get("notes", []),
        "warnings": result.quality["warnings"],
    }


def _rows(frame: Any) -> list[dict[str, Any]]:
    return [{str(key): value for key, value in row.items()} for row in frame.to_dict("records")]
