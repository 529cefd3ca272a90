"""`practice plan`: the default routine as a file to edit, and a look at an edited one."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from ankle_imu.cli import failures
from ankle_imu.cli.output import say, show, show_json


def plan(
    *,
    out: Annotated[Path | None, Parameter(name=("-o", "--out"), help="File to write the default plan to.")] = None,
    check: Annotated[Path | None, Parameter(name="--check", help="Plan to read and to time.")] = None,
    as_json: Annotated[
        bool, Parameter(name="--json", negative="", show_default=False, help="Print one JSON object.")
    ] = False,
) -> None:
    """Print the default plan of `practice guided`, write it to a file to edit, or check one that you edited."""
    from ankle_imu.durable import write_whole
    from ankle_imu.practice.routine import default_text, load_routine, remarks

    if check is None:
        if out is not None:
            if out.exists():
                raise failures.UsageError(f"{out} is there already; give another name, or remove it.")
            write_whole(out, default_text().encode())
            say(f"Edit it, then: ankle-imu practice guided --plan {out}")
        if as_json:
            show_json({"plan": default_text(), "files": [out.absolute()] if out else []})
        else:
            show(out.absolute() if out else default_text().rstrip())
        return
    with failures.user_input():
        routine = load_routine(check)
        steps = routine.for_legs(("left",))
    total = sum(step.length_s for step in steps)
    if as_json:
        show_json(
            {
                "name": routine.name,
                "blocks": len(steps),
                "minutes_per_side": total / 60.0,
                "remarks": remarks(steps),
                "files": [],
            }
        )
        return
    from ankle_imu.practice.prompts import title
    from ankle_imu.report import words

    for step in steps:
        show(f"{step.length_s:5.0f} s  {title(step).removeprefix('Left ')}")
    show(f"{routine.name}: {words.plural(len(steps), 'block')}, {total / 60.0:.1f} min for one side.")
    show(f"Pain of {routine.pain_stop} or more out of 10 ends it.")
    for one in remarks(steps):
        show(one)
