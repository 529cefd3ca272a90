"""`demo`: weeks of walks and of practice without a sensor, through everything a real walk goes through."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

from cyclopts import Parameter

from ankle_imu.cli import demo_practice, failures, sessions
from ankle_imu.cli.arguments import AsJson
from ankle_imu.cli.output import Tell, progress, say, show, show_json

if TYPE_CHECKING:
    from ankle_imu.simulate import Plan
    from ankle_imu.values import SessionResult

FOLDER: Final = Path("ankle-imu-demo")
_ALIAS: Final = "P-demo"
_WALK_S: Final = 150.0
_MIXED_S: Final = 300.0
_MOST_WEEKS: Final = 104
_WALKING: Final = 0.75
"""Share of the time that the walks take; the rest draws report and trend."""


@dataclass(frozen=True, kw_only=True)
class _Walk:
    plan: Plan
    seed: int
    started: datetime


def demo(
    *,
    out: Annotated[
        Path, Parameter(name=("--out", "-o", "--library"), help="Library folder to put the walks in.")
    ] = FOLDER,
    weeks: Annotated[int, Parameter(help="One walk a week, and a mixed one with rolls at the end.")] = 8,
    as_json: AsJson = False,
) -> None:
    """Try everything on simulated walks: no sensor needed.

    Simulates weeks of walks after an ankle sprain and some sessions of practice between them, records them through
    the real recorder and analyzes them.

    Prints the paths of the report of the last walk, of the trend over all of them, as a picture and as a page, and
    of the page that shows practice and walks on one time axis. Run again, it adds a new person.
    """
    if not 1 <= weeks <= _MOST_WEEKS:
        raise failures.UsageError(f"--weeks must be 1 to {_MOST_WEEKS}, found {weeks}.")
    root = out.expanduser().absolute()
    alias = _free_alias(root)
    with progress("simulating") as tell:
        walks = _schedule(weeks, datetime.now(UTC))
        folders, last = _walk_all(walks, root, alias, tell)
        tell("practising", _WALKING)
        practised = demo_practice.practise_between([one.started for one in walks[:-1]], root, alias)
        tell("writing the report and the trend", _WALKING + 0.1)
        report, picture, page, sentences = _write(root, alias, folders[-1], last)
        mobile = demo_practice.write_trend(root, alias)
    if as_json:
        show_json(
            {
                "library": root,
                "alias": alias,
                "sessions": folders,
                "practice": practised,
                "report": report,
                "trend": picture,
                "verdict": sentences,
                "files": [report, picture, page, mobile],
            }
        )
        return
    _say_verdict(folders, root, sentences)
    for path in (report, picture, page, mobile):
        show(path)
    say(f"All sessions:  ankle-imu library list --library {_short(root)}")


def _schedule(weeks: int, now: datetime) -> list[_Walk]:
    """One walk a week on uneven ground; at the end, two days later, walk, jog and run there with two rolls."""
    from ankle_imu.simulate import recovery_plans

    plans = recovery_plans(weeks, sessions_per_week=1, duration_s=_WALK_S)
    steadied, seed, day = plans[-1]
    mixed = replace(steadied, duration_s=_MIXED_S, gait="mixed", rolls=2, affected_spread=1.05, loss=0.004)
    plans.append((mixed, seed + 1, day + 2))
    end = (now - timedelta(seconds=_MIXED_S)).replace(microsecond=0)
    return [_Walk(plan=p, seed=s, started=end - timedelta(days=day + 2 - d)) for p, s, d in plans]


def _walk_all(walks: list[_Walk], root: Path, alias: str, tell: Tell) -> tuple[list[Path], SessionResult]:
    from ankle_imu.manifest import format_utc
    from ankle_imu.session_io import save_simulation
    from ankle_imu.simulate import walk

    folders: list[Path] = []
    for i, one in enumerate(walks):
        label = f"walk {i + 1} of {len(walks)}"
        tell(f"{label}: simulating", _WALKING * i / len(walks))
        recording, _ = walk(one.plan, one.seed)
        info = replace(recording.session, alias=alias, started_utc=format_utc(one.started), note="demo")
        tell(f"{label}: recording", _WALKING * (i + 0.5) / len(walks))
        folders.append(save_simulation(recording, root, info=info))
        tell(f"{label}: analyzing", _WALKING * (i + 0.6) / len(walks))
        result, _ = sessions.analyze_and_save(folders[-1], lambda stage, share: None)
    return folders, result


def _write(root: Path, alias: str, last: Path, result: SessionResult) -> tuple[Path, Path, Path, list[str]]:
    from ankle_imu.library import load_history, load_trend
    from ankle_imu.report import write_report
    from ankle_imu.report.trend_page import write_outlook
    from ankle_imu.report.verdict import judge
    from ankle_imu.trends import look

    table, history = load_trend(root, alias), load_history(root, alias)
    report = write_report(result, last / "report.html", trend=table, history=history)
    home = root / "people" / alias
    metric = "range_stance_deg"
    outlook = look(table, history, metric)
    picture, page = (write_outlook(outlook, home / f"trend_{metric}.{kind}") for kind in ("png", "html"))
    sentences = [*judge(result).lines, *outlook.sentences]
    return report, picture, page, sentences


def _say_verdict(folders: list[Path], root: Path, sentences: list[str]) -> None:
    say(f"{len(folders)} simulated walks, recorded and analyzed, are in {_short(root)}.")
    for sentence in sentences:
        say(f"  {sentence}")


def _free_alias(root: Path) -> str:
    people = root / "people"
    names = [_ALIAS, *(f"{_ALIAS}-{n}" for n in range(2, 1000))]
    return next(name for name in names if not (people / name).exists())


def _short(path: Path) -> Any:
    """The path as it is typed from here."""
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path
