"""`check` and `repair`: what is missing from a recording and why, and how to make a broken one whole."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

from cyclopts import Parameter

from ankle_imu.cli import failures, sessions
from ankle_imu.cli.arguments import AsJson, Library, Session, library_root
from ankle_imu.cli.output import say, show, show_heading, show_json, show_table

if TYPE_CHECKING:
    from ankle_imu.ledger import Ledger
    from ankle_imu.recording import Repair
    from ankle_imu.timing import SyncCheck
    from ankle_imu.values import Gap, Loss

_DAMAGED: Final = 5
_DOUBTFUL_S: Final = 0.005
"""Foot and shank should be within this (10 ms at 500 deg/s are 5 deg of dorsiflexion)."""
_GAPS_SHOWN: Final = 20
_DUPLICATES: Final = "duplicate samples"
_RESTARTS: Final = "sensor restarts"


def check(
    ref: Session,
    /,
    *,
    out: Annotated[
        Path | None, Parameter(name=("-o", "--out"), help="Picture (.png, .svg, .pdf); else in the session.")
    ] = None,
    library: Library = None,
    as_json: AsJson = False,
) -> int:
    """Show what each sensor should have sent, what came of it, and every gap with its reason.

    Draws it too and prints the path of the picture.
    Losses are no failure; a damaged file is (exit code 5), and `ankle-imu repair` makes it whole.
    A session that is still being recorded is shown as it stands now.
    """
    from ankle_imu.ledger import save_picture, take_ledger

    path = sessions.locate(library_root(library), ref)
    ledger = take_ledger(path)
    if not as_json:
        _show_ledger(ledger)
    files = []
    if ledger.recording is not None:
        with failures.user_input():
            files.append(save_picture(ledger, out or _picture_path(path)).absolute())
    if as_json:
        show_json({**_describe(ledger), "files": files})
    for file in files if not as_json else ():
        show(file)
    if ledger.is_being_recorded:
        say("Still recording: this is how it stands now.")
        return 0
    if ledger.damage and not as_json:
        say(f"`ankle-imu repair {ref}` makes the recording whole; the damaged files are kept.")
    return _DAMAGED if ledger.damage or ledger.problem else 0


def repair(
    ref: Session,
    /,
    *,
    library: Library = None,
    as_json: AsJson = False,
) -> None:
    """Make a killed or damaged recording whole.

    Parts that are damaged or were never closed are written anew from all that is sound in them; the originals
    are kept in `raw/damaged`. A missing or spoilt `session.toml` is restored from the copy in the recording.
    Marks of the live page that a killed recorder did not come to write are put in.
    """
    from ankle_imu.recording import repair_session

    path = sessions.locate(library_root(library), ref)
    done = repair_session(path)
    if as_json:
        show_json(_describe_repair(path, done))
    else:
        _show_repair(path, done, ref)


def _picture_path(path: Path) -> Path:
    return path / "check.png" if path.is_dir() else path.with_suffix(".check.png")


def _show_ledger(ledger: Ledger) -> None:
    from ankle_imu.report import words
    from ankle_imu.values import ABSENT

    rec = ledger.recording
    name = (rec.session.session_id if rec else "") or ledger.path.name
    show_heading("  ".join(filter(None, (name, words.clock(rec.duration) if rec else ""))))
    if rec is not None:
        head = ("Samples", "Expected", "Received", "Lost", "Healed", "Duplicate", "Clipped")
        show_table(head, [_samples(p, loss) for p, loss in rec.loss.items()], right=head[1:])
        show()
        head = ("Clock", "Rate, Hz", "Nominal", "ppm", "Residual, ms", "Restarts", "Battery")
        show_table(head, [_clock(ledger, p, loss) for p, loss in rec.loss.items()], right=head[1:])
        _show_gaps([(p, gap) for p, loss in rec.loss.items() for gap in loss.gaps])
        for event in ledger.events:
            if event.event == ABSENT:
                show(f"{words.side(event.placement)}: never came ({event.text})")
        for sentence in _sync_sentences(ledger.sync, rec.loss.values()):
            show(sentence)
        for placement, loss in rec.loss.items():
            for reason, n in loss.reasons.items():
                if reason not in (_DUPLICATES, _RESTARTS):
                    show(f"{words.side(placement)}: {n:,} {reason}")
    for warning in rec.warnings if rec else (ledger.problem,):
        if warning not in ledger.damage:
            show(warning)
    show()
    for sentence in ledger.damage:
        show(sentence)
    if not ledger.damage and not ledger.is_being_recorded:
        show(f"{words.plural(ledger.parts, 'file')}, whole and closed.")


def _sync_sentences(checks: Sequence[SyncCheck], losses: Iterable[Loss]) -> list[str]:
    """A line for each sensor that shared a knock with the first; where times are doubtful, how to make one."""
    from ankle_imu.report import words

    told = []
    for sync in checks:
        if sync.knocks:
            when = "after" if sync.offset_s >= 0 else "before"
            spread = f", all within {1e3 * sync.spread_s:.1f} ms" if sync.knocks > 1 else ""
            told.append(
                f"sync check: {words.plural(sync.knocks, 'shared knock')}; {words.side(sync.placement)} feels it "
                f"{1e3 * abs(sync.offset_s):.1f} ms {when} {words.side(sync.reference)}{spread}"
            )
    is_doubtful = any(not loss.clock_residual_s <= _DOUBTFUL_S for loss in losses)
    if checks and not told and is_doubtful:
        told.append(
            "sync check: no shared knock; next time stand still for a second and stomp once before walking"
        )
    return told


def _samples(placement: str, loss: Loss) -> list[str]:
    from ankle_imu.report import words

    return [
        words.side(placement),
        f"{loss.expected:,}",
        f"{loss.received:,}",
        f"{loss.lost:,} ({words.percent(loss.lost, loss.expected)})",
        f"{loss.healed:,}",
        f"{loss.reasons.get(_DUPLICATES, 0):,}",
        f"{loss.clipped:,}",
    ]


def _clock(ledger: Ledger, placement: str, loss: Loss) -> list[str]:
    from ankle_imu.report import words

    nominal = _nominal_rate(ledger, placement)
    return [
        words.side(placement),
        _decimal(loss.true_rate_hz, 2),
        f"{nominal:g}" if nominal == nominal else "–",
        _decimal(loss.clock_ppm, 1),
        _decimal(1e3 * loss.clock_residual_s, 2),
        f"{loss.reasons.get(_RESTARTS, 0):,}",
        _battery(ledger.battery.get(placement)),
    ]


def _nominal_rate(ledger: Ledger, placement: str) -> float:
    sensor = ledger.recording.session.sensors.get(placement) if ledger.recording else None
    return sensor.nominal_rate_hz if sensor else float("nan")


def _show_gaps(gaps: list[tuple[str, Gap]]) -> None:
    from ankle_imu.report import words

    if not gaps:
        return
    longest = sorted(gaps, key=lambda one: one[1].start_s - one[1].end_s)[:_GAPS_SHOWN]
    rows = [
        [words.side(p), words.clock(g.start_s), _length(g.end_s - g.start_s), f"{g.samples:,}", g.reason]
        for p, g in sorted(longest, key=lambda one: one[1].start_s)
    ]
    show()
    show_table(("Gap", "From", "Length", "Samples", "Reason"), rows, right=("From", "Length", "Samples"))
    if len(gaps) > len(longest):
        shorter = len(gaps) - len(longest)
        show(f"and {words.plural(shorter, 'shorter gap')}; --json lists all")


def _describe(ledger: Ledger) -> dict[str, Any]:
    rec = ledger.recording
    losses = rec.loss if rec else {}
    return {
        "session": (rec.session.session_id if rec else "") or ledger.path.name,
        "path": ledger.path,
        "duration_s": rec.duration if rec else 0.0,
        "sensors": {placement: _describe_sensor(ledger, placement, loss) for placement, loss in losses.items()},
        "gaps": [
            {"placement": p, "start_s": g.start_s, "end_s": g.end_s, "samples": g.samples, "reason": g.reason}
            for p, loss in losses.items()
            for g in loss.gaps
        ],
        "sync": [asdict(sync) for sync in ledger.sync],
        "events": [
            {"time_s": e.time_s, "placement": e.placement, "event": e.event, "text": e.text} for e in ledger.events
        ],
        "is_being_recorded": ledger.is_being_recorded,
        "damage": ledger.damage,
        "lost_bytes": ledger.lost_bytes,
        "warnings": rec.warnings if rec else (ledger.problem,),
    }


def _describe_sensor(ledger: Ledger, placement: str, loss: Loss) -> dict[str, Any]:
    first, last = ledger.battery.get(placement, (float("nan"), float("nan")))
    return {
        **{name: getattr(loss, name) for name in ("expected", "received", "lost", "healed", "clipped")},
        "duplicates": loss.reasons.get(_DUPLICATES, 0),
        "restarts": loss.reasons.get(_RESTARTS, 0),
        "true_rate_hz": loss.true_rate_hz,
        "nominal_rate_hz": _nominal_rate(ledger, placement),
        "clock_ppm": loss.clock_ppm,
        "clock_residual_s": loss.clock_residual_s,
        "battery_start": first,
        "battery_end": last,
        "reasons": dict(loss.reasons),
    }


def _show_repair(path: Path, done: Repair, ref: str) -> None:
    from ankle_imu.report import words

    for part in done.parts:
        show(part.problem)
        if part.path is None:
            show(f"  nothing in it could be saved; it is kept as {part.original}")
            continue
        for topic, n in sorted(part.saved.items()):
            show(f"  saved: {n:,} of {topic}")
        show(f"  whole now: {part.path}")
        if part.original != part.path:
            show(f"  as it was: {part.original}")
    if done.info is not None:
        show(done.info_problem)
        show(f"  restored from the recording: {done.info}")
    for placement, n in done.lost.items() if done.is_needed else ():
        name = words.side(placement) or "other channels"
        show(f"{name}: {words.plural(n, 'packet')} that had been recorded are lost")
    for word in done.words:
        show(f"said just before it was cut off, in the recording now: {words.clock(word.time_s)} {word.text}")
    for leftover in done.leftovers:
        say(f"{leftover} is left of a write that was interrupted; it holds nothing of this session, delete it.")
    if done.is_needed:
        whole = [part.path for part in done.parts if part.path]
        say(f"Next: ankle-imu analyze {ref if path.is_dir() or not whole else whole[0]}")
    else:
        show("Nothing to repair.")


def _describe_repair(path: Path, done: Repair) -> dict[str, Any]:
    return {
        "session": path.name,
        "path": path,
        "is_needed": done.is_needed,
        "parts": [
            {"problem": p.problem, "original": p.original, "path": p.path, "saved": dict(p.saved)}
            for p in done.parts
        ],
        "session_toml": done.info,
        "session_toml_problem": done.info_problem,
        "lost": dict(done.lost),
        "words": [{"time_s": w.time_s, "text": w.text, "leg": w.leg} for w in done.words],
        "leftovers": done.leftovers,
        "files": [p.path for p in done.parts if p.path] + ([done.info] if done.info else []),
    }


def _decimal(value: float, digits: int) -> str:
    return f"{round(value, digits) + 0.0:.{digits}f}".replace("-", "−") if value == value else "–"


def _length(seconds: float) -> str:
    return f"{seconds:.1f} s" if seconds >= 1.0 else f"{1e3 * seconds:.0f} ms"


def _battery(charge: tuple[float, float] | None) -> str:
    return "–" if charge is None else f"{100 * charge[0]:.0f} → {100 * charge[1]:.0f} %"
