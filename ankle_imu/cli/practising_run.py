"""How a routine is run without waiting: as fast as it is computed, or laid over a recorded session."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ankle_imu.cli import failures
from ankle_imu.cli.practising_view import coaching

if TYPE_CHECKING:
    from ankle_imu.practice.coach import Coach, Said
    from ankle_imu.practice.routine import Step
    from ankle_imu.values import Marker, Recording, SessionInfo

SIMULATED: Final = {"foot": ("foot",), "shank": ("shank",), "both": ("foot", "shank")}
LEAD_S: Final = 4.0
"""From the first sample to the first prompt, s: time for the other sensors to connect."""

TAIL_S: Final = 3.0
SIMULATED_RATE: Final = 104.0


@dataclass(frozen=True, kw_only=True)
class Asked:
    """A routine and what it is recorded into; `speed`: s of it in a second, of a simulation; `knee` as noted."""

    steps: tuple[Step, ...]
    pain_stop: int
    root: Path
    info: SessionInfo
    rate: float = 208.0
    seed: int = 1
    speed: float = 1.0
    knee: str = ""


def lead(
    coach: Coach, hear: Callable[[Said], None], typed: Iterable[tuple[float, str]] = ()
) -> tuple[tuple[Marker, ...], float]:
    """Run a routine without waiting.

    Parameters
    ----------
    coach : Coach
    hear : called with everything that is said
    typed : lines with the time, s, at which they are typed

    Returns
    -------
    markers : in order
    end_s : float, s; a routine that is left paused ends there
    """
    from ankle_imu.values import Marker

    lines = sorted(typed)
    markers: list[Marker] = []
    now = 0.0
    while not coach.is_over:
        due = lines[0][0] if lines else math.inf
        if math.isinf(min(due, coach.next_s)):
            said = coach.stop(now)
        elif due < coach.next_s:
            now = due
            said = coach.take(now, lines.pop(0)[1])
        else:
            now = coach.next_s
            said = coach.advance(now)
        for one in said:
            hear(one)
            markers += [Marker(time_s=one.at_s, text=one.mark, leg=one.leg)] if one.mark else []
    return tuple(markers), now


def simulated(asked: Asked, segments: Sequence[str], markers: Sequence[Marker], end_s: float) -> Recording:
    """A person who follows the prompts."""
    from ankle_imu.practice.routine import ROCKING
    from ankle_imu.simulate.practice import follow

    holds = [step.hold_s for step in asked.steps if step.exercise != ROCKING]
    return follow(
        markers,
        end_s + TAIL_S,
        asked.seed,
        holds_s=holds,
        segments=tuple(segments),
        sampling_rate=SIMULATED_RATE,
        errors="typical",
        person_seed=1,
    )


def run_fast(asked: Asked, segments: Sequence[str], typed: Iterable[tuple[float, str]] = ()) -> tuple[Path, Coach]:
    """Simulated sensors and an accelerated clock: the session folder, and the coach at its end."""
    from ankle_imu.practice.coach import Coach
    from ankle_imu.practice.prompts import sees
    from ankle_imu.session_io import save_simulation

    coach = Coach(asked.steps, asked.pain_stop, LEAD_S)
    with coaching(sees(segments)) as view:
        markers, end = lead(coach, view.hear, typed)
    recording = simulated(asked, segments, markers, end)
    info = replace(asked.info, sensors=recording.session.sensors)
    return save_simulation(recording, asked.root, info=info), coach


def lay_over(asked: Asked, folder: Path, at_s: float) -> Coach:
    """Write the markers of a routine, begun `at_s` after its start, into a recorded session.

    Raises
    ------
    UsageError
        If the session is marked already, or ends before the routine, or no time to begin is given.
    """
    from ankle_imu import recording
    from ankle_imu.cli.output import say
    from ankle_imu.manifest import to_toml
    from ankle_imu.practice.coach import Coach
    from ankle_imu.session_io import open_session

    if not 0.0 <= at_s < math.inf:
        raise failures.UsageError(f"--at is {at_s:g}; expected seconds from the start of the session, 0 or more.")
    walked = open_session(folder)
    if any(marker.text.startswith("practice ") for marker in walked.markers):
        raise failures.UsageError(f"{folder.name} is marked already; `ankle-imu practice report` tells of it.")
    coach = Coach(asked.steps, asked.pain_stop, at_s)
    markers, end = lead(coach, lambda said: None)
    if end > walked.duration + TAIL_S:
        raise failures.UsageError(
            f"{folder.name} lasts {walked.duration:.0f} s, but the routine from {at_s:g} s on ends at {end:.0f} s."
        )
    kept = recording.read_session_info(folder)
    info = replace(
        kept, kind=asked.info.kind, tags=(*kept.tags, *asked.info.tags), note=asked.info.note or kept.note
    )
    log = recording.read_log(recording.part_paths(folder))
    recording.write_session_info(folder, info)
    with recording.RecordingWriter(folder, start_ns=log.start_ns, session=to_toml(info), after=log) as writer:
        for marker in markers:
            writer.mark(marker.time_s, marker.text, marker.leg)
    say(f"{len(markers)} markers were written into {folder.name}.")
    return coach
