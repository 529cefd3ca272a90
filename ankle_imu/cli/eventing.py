"""`events list` and `events review`: what happened on a walk, and what the person says of it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

from cyclopts import App, Group, Parameter

from ankle_imu.cli import failures, sessions
from ankle_imu.cli.arguments import AsJson, Library, Session, library_root
from ankle_imu.cli.output import say, show, show_heading, show_json, show_table
from ankle_imu.errors import RecordingError

if TYPE_CHECKING:
    import pandas as pd

    from ankle_imu.values import SessionResult

Verdict = Literal["none", "real", "false", "painful"]
"""`values.VERDICTS`, repeated because the help must not load numpy."""

_KEYS: Final = {"y": "real", "n": "false", "p": "painful", "-": "none"}


def build(group: Group, options: Group) -> App:
    """Give the sub-commands of `events`."""
    app = App(
        name="events",
        group=group,
        group_commands=Group("Commands"),
        group_parameters=options,
        help="List the rolls, wobbles and marks of a walk, or say what they were.",
        help_epilogue="Example:  ankle-imu events list last",
    )
    app.command(list_, name="list", help_epilogue="Example:  ankle-imu events list last")
    app.command(
        review, name="review", help_epilogue="Example:  ankle-imu events review last --event 3 --verdict real"
    )
    return app


def list_(ref: Session, /, *, library: Library = None, as_json: AsJson = False) -> None:
    """List the events of an analyzed session in order of time, with your answers.

    How far the ankle (or the foot, from a foot sensor alone) went and how fast; strides is how many passed until
    three in a row were as before.
    """
    path, result = _open(library, ref)
    rows = _rows(result)
    if as_json:
        show_json({"session": path.name, "path": path, "events": rows})
        return
    show_heading(path.name)
    if not rows:
        show("No event was found, and no mark set.")
        return
    head = ("No.", "Time", "Leg", "What", "deg", "deg/s", "Then", "Strides", "Verdict", "Note")
    show_table(head, [_cells(row) for row in rows], right=("No.", "Time", "deg", "deg/s", "Strides"))


def review(
    ref: Session,
    /,
    *,
    event: Annotated[
        int | None, Parameter(name="--event", show_default=False, help="Number of the event in `events list`.")
    ] = None,
    verdict: Annotated[
        Verdict | None,
        Parameter(name="--verdict", show_default=False, help="What it was; `none` takes an answer back."),
    ] = None,
    note: Annotated[str | None, Parameter(name="--note", show_default=False, help="A few words to keep.")] = None,
    library: Library = None,
    as_json: AsJson = False,
) -> None:
    """Say of each roll whether it was one, or of one event with --event and --verdict.

    Answers are kept in `events.toml` in the session, which you may edit, and outlive a new analysis. What you
    confirm and reject over all your sessions moves your own limits of a roll, kept in `person.toml`.
    """
    path, result = _open(library, ref)
    if not path.is_dir():
        raise RecordingError(f"{path} is a single file; answers are kept in a session folder.", path=str(path))
    if event is None and (verdict is not None or note is not None):
        raise failures.UsageError(
            "--verdict and --note need --event N; `ankle-imu events list` shows the numbers."
        )
    if event is not None:
        if verdict is None and note is None:
            raise failures.UsageError("--event needs --verdict (real, false, painful, none), --note or both.")
        written = [_answer(path, _one(result, event), verdict, note)]
    else:
        written = _ask_all(path, result)
    files = _learn(path, written)
    if as_json:
        show_json({"session": path.name, "answered": len(written), "files": files})
        return
    for file in files:
        show(file)


def _open(library: str | None, ref: str) -> tuple[Path, SessionResult]:
    from ankle_imu.library import load_result

    path = sessions.locate(library_root(library), ref)
    if not path.is_dir():
        raise RecordingError(
            f"{path} is a single file; its events are not kept. Import it, then analyze the session.",
            path=str(path),
        )
    sessions.refuse_practice(path, "rolls and marks are listed of walks")
    return path, load_result(path)


def _rows(result: SessionResult) -> list[dict[str, Any]]:
    from ankle_imu.metrics.recovery import recover

    events = result.events.merge(recover(result.strides, result.events), on="event_id", how="left")
    rows: list[dict[str, Any]] = events.to_dict("records")  # type: ignore[assignment]
    return rows


def _cells(row: dict[str, Any]) -> list[str]:
    from ankle_imu.report import words

    strides = row["recovery_strides"]
    return [
        str(row["event_id"]),
        words.clock(row["time_s"]),
        row["leg"] or "–",
        row["kind"].replace("_", " "),
        words.number(row["peak_deg"], "deg"),
        words.number(row["peak_dps"], "deg/s"),
        words.OUTCOME[row["outcome"]] or "–",
        f"{strides:.0f}" if strides == strides else "–",
        row["verdict"] if row["verdict"] != "none" else "–",
        row["note"],
    ]


def _one(result: SessionResult, number: int) -> pd.Series[Any]:
    events = result.events
    chosen = events[events["event_id"] == number]
    if not len(chosen):
        known = ", ".join(str(n) for n in events["event_id"]) or "none"
        raise failures.UsageError(f"There is no event {number} in this session; there are: {known}.")
    return chosen.iloc[0]


def _answer(path: Path, event: pd.Series[Any], verdict: str | None, note: str | None) -> Path:
    """Keep an answer about one event; what is not said stays as it is."""
    from ankle_imu.library import save_review
    from ankle_imu.metrics.reviews import review_of

    said = str(event["verdict"]) if verdict is None else verdict
    return save_review(path, review_of(event, said, str(event["note"]) if note is None else note))


def _ask_all(path: Path, result: SessionResult) -> list[Path]:
    """Ask about every roll and wobble that has no answer yet; each answer is kept at once."""
    if not sys.stdin.isatty():
        raise failures.UsageError("Nobody is there to answer; give --event N --verdict real|false|painful|none.")
    events = result.events
    open_ones = events[(events["kind"] != "marker") & (events["verdict"] == "none")]
    rolls = open_ones[open_ones["kind"] != "wobble"]
    if not len(rolls):
        say("Every roll has its answer; --event N --verdict real|false|painful|none changes one.")
        return []
    n = f"{len(rolls)} roll{'s' if len(rolls) > 1 else ''}"
    say(f"{n} to look at; `ankle-imu report {path.name}` shows each close up.")
    written: list[Path] = []
    for _, event in rolls.iterrows():
        verdict, note = _ask(event)
        if verdict == "quit":
            break
        if verdict:
            written.append(_answer(path, event, verdict, note))
    return written


def _ask(event: pd.Series[Any]) -> tuple[str, str | None]:
    """Verdict ("" to pass over, `quit`) and note of one event."""
    from ankle_imu.report import words

    what = f"{words.EVENT[event['kind']]} on the {event['leg']} at {words.clock(event['time_s'])}"
    size = f"{words.quantity(event['peak_deg'], 'deg')}, {words.quantity(event['peak_dps'], 'deg/s')}"
    say(f"{event['event_id']}: {what} ({size}). Was it one?")
    say(
        "y yes, n no, p yes and it hurt, Enter to pass over, q to stop; words after the letter are kept as a note."
    )
    while True:
        try:
            answer = input("> ").strip()
        except EOFError:
            return "quit", None
        letter, _, note = answer.partition(" ")
        if letter.lower() in ("", "q"):
            return ("quit" if letter else ""), None
        if letter.lower() in _KEYS:
            return _KEYS[letter.lower()], note.strip() or None
        say(f"{letter!r} is none of y, n, p, q.")


def _learn(path: Path, written: list[Path]) -> list[Path]:
    """Let the answers move the person's own limits; all files that were written."""
    from ankle_imu.library import learn_limits
    from ankle_imu.library.person import person_file

    files = list(dict.fromkeys(written))
    limits = learn_limits(path) if written else None
    if limits is not None:
        own = person_file(path)
        files += [own] if own is not None else []
        size = f"{limits.roll_deg:g} deg and {limits.roll_dps:g} deg/s"
        say(f"From the next analysis on a roll begins at {size} for you.")
    return files
