"""`simulate`."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

from cyclopts import Parameter

from ankle_imu.cli import failures
from ankle_imu.cli.arguments import AsJson, Into, Person, library_root
from ankle_imu.cli.output import progress, say, show, show_json


def simulate(
    plan_name: Annotated[
        str, Parameter(name="PLAN", help="`default`, another named plan, or a TOML file with fields of a plan.")
    ],
    /,
    *,
    seed: Annotated[int, Parameter(help="The same plan and seed give the same walk.")] = 1,
    out: Into = None,
    person: Person = "",
    as_json: AsJson = False,
) -> None:
    """Simulate one walk and record it as a session.

    Prints the folder of the session. Plans: default, level_walk, foot_only, shank_only, uneven_walk, hill_walk,
    hill_mixed, trail_run, no_movements, exact, stairs, hard, lossy.
    """
    from ankle_imu.manifest import check_alias
    from ankle_imu.report import words
    from ankle_imu.session_io import save_simulation
    from ankle_imu.simulate import named_plan, walk

    with failures.user_input():
        plan = named_plan(plan_name)
        alias = check_alias(person) if person else ""
        if seed < 0:
            raise ValueError(f"--seed must be 0 or more, found {seed}.")
    with progress("walking") as tell:
        recording, truth = walk(plan, seed)
        tell("recording", 0.8)
        info = replace(recording.session, alias=alias)
        folder = save_simulation(recording, library_root(out), info=info)
    n_strides = int(truth.strides["leg"].isin(plan.legs).sum())
    worn = words.listing([words.side(placement) for placement in plan.placements])
    say(f"{words.span(plan.duration_s)} with {words.plural(n_strides, 'stride')}; sensors: {worn}.")
    if as_json:
        show_json(
            {
                "session": folder.name,
                "path": folder,
                "alias": folder.parents[1].name,
                "plan": plan_name,
                "seed": seed,
                "duration_s": plan.duration_s,
                "sensors": plan.placements,
                "n_strides": n_strides,
                "files": [folder],
            }
        )
    else:
        show(folder)
