"""What the commands do with one session: find, analyze, save, and put its figures in rows."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from ankle_imu.cli.output import Tell, say, show, show_heading, show_table
from ankle_imu.errors import CorruptRecording

if TYPE_CHECKING:
    from ankle_imu.values import SessionResult

_ALIGNMENT: Final = ("good", "fair", "doubtful", "failed")


def locate(root: Path, ref: str) -> Path:
    """Absolute path of the session that `ref` means, see `library.find_session`."""
    from ankle_imu.library import find_session

    return find_session(root, ref).resolve()


def analyze_and_save(path: Path, tell: Tell) -> tuple[SessionResult, Path | None]:
    """Analyze a session; save its result when it is a folder (a single file has no place for one)."""
    from ankle_imu.analysis import analyze
    from ankle_imu.library import own_settings, save_result
    from ankle_imu.library.sources import file_sources, to_record
    from ankle_imu.session_io import open_session

    tell("reading", 0.0)
    files = to_record(file_sources(path))
    result = analyze(open_session(path), settings=own_settings(path), progress=tell)
    return result, save_result(path, result, files=files) if path.is_dir() else None


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
    from ankle_imu.report.verdict import judge

    verdict = judge(result)
    kinds = result.events["kind"].value_counts()
    return {
        "session": result.session.session_id or path.name,
        "path": path,
        "alias": result.session.alias,
        "duration_s": result.duration_s,
        "legs": _leg_rows(result),
        "events": {str(kind): int(n) for kind, n in kinds.items()},
        "verdict": {"lines": verdict.lines, "sure": verdict.sure, "reasons": verdict.reasons},
        "warnings": result.quality["warnings"],
    }


def show_session(told: dict[str, Any]) -> None:
    """Print what `describe` gave: a heading, a table of legs and gaits, and what it means in words."""
    from ankle_imu.report import words

    show_heading("  ".join(filter(None, (told["session"], told["alias"], words.span(told["duration_s"])))))
    if told["legs"]:
        head = ("Leg", "Gait", "Strides", "Angle", "Range, deg (95 %)", "Speed", "Alignment", "Loss")
        show_table(head, [_cells(row) for row in told["legs"]], right=("Strides", "Loss"))
    verdict = told["verdict"]
    for line in verdict["lines"]:
        show(line)
    show(f"{verdict['sure']}: {' '.join(verdict['reasons'])}")


def _leg_rows(result: SessionResult) -> list[dict[str, Any]]:
    return [_leg_row(result, row) for row in result.summary.to_dict("records")]


def _leg_row(result: SessionResult, row: dict[Any, Any]) -> dict[str, Any]:
    metric = "shank_range_stance_deg" if row["angle_source"] == "none" else "range_stance_deg"
    return {
        **{name: row[name] for name in ("leg", "gait", "angle_source", "n_strides", "n_accepted")},
        "metric": metric,
        "range_median_deg": row[f"{metric}_median"],
        "range_ci_low_deg": row[f"{metric}_ci_low"],
        "range_ci_high_deg": row[f"{metric}_ci_high"],
        "speed_median_mps": row["speed_mps_median"],
        "alignment": _worst_alignment(result, row["leg"]),
        "lost_share": _lost_share(result, row["leg"]),
    }


def _worst_alignment(result: SessionResult, leg: str) -> str:
    verdicts = [a["verdict"] for p, a in result.quality["alignment"].items() if p.startswith(leg)]
    return max(verdicts, key=_ALIGNMENT.index, default="")


def _lost_share(result: SessionResult, leg: str) -> float:
    own = [s for p, s in result.quality["sensors"].items() if p.startswith(leg)]
    return float(sum(s["lost"] for s in own) / max(1, sum(s["expected"] for s in own)))


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
