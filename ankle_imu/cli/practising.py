"""`practice`: the mobility side of the ankle, guided."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

from cyclopts import App, Group, Parameter

from ankle_imu.cli import failures, living, sessions
from ankle_imu.cli.arguments import library_root
from ankle_imu.cli.output import progress, say, show, show_json
from ankle_imu.cli.practice_loads import LOADS, parse_load
from ankle_imu.cli.practice_report import practice_report, write_pages

if TYPE_CHECKING:
    from ankle_imu.practice.coach import Coach
    from ankle_imu.practice.routine import Step

Action = Literal["dorsiflexion", "plantarflexion", "inversion", "eversion"]
_ACTIONS: Final = ("dorsiflexion", "plantarflexion", "inversion", "eversion")


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class Setup:
    """What all exercises share."""

    side: Annotated[Literal["left", "right", "both"], Parameter(help="Leg; both: one after the other.")] = "left"
    load: Annotated[
        list[str] | None, Parameter(name="--load", negative="", help=f"What it works against: {LOADS}.")
    ] = None
    knee: Annotated[
        Literal["bent", "straight"] | None,
        Parameter(show_default=False, help="Noted as a tag: range depends on it."),
    ] = None
    sensor: Annotated[
        list[str] | None,
        Parameter(name="--sensor", negative="", help="ID=PLACEMENT as of `record`; else the saved sensors."),
    ] = None
    simulate: Annotated[
        Literal["foot", "shank", "both"] | None,
        Parameter(show_default=False, help="Simulated person with these sensors, in real time."),
    ] = None
    fast: Annotated[
        bool, Parameter(name="--fast", negative="", show_default=False, help="With --simulate: do not wait.")
    ] = False
    speed: Annotated[float, Parameter(help="With --simulate: seconds of it in a second.")] = 1.0
    seed: Annotated[int, Parameter(help="Of the simulated person.")] = 1
    over: Annotated[
        str, Parameter(name="--over", show_default=False, help="Lay the exercises over this recorded SESSION.")
    ] = ""
    at: Annotated[float, Parameter(name="--at", help="With --over: where they begin, s from its start.")] = 0.0
    rate: Annotated[float, Parameter(help="Samples per second to ask for.")] = 208.0
    live: Annotated[
        bool,
        Parameter(name="--live", negative="", show_default=False, help="Serve a page that leads on a phone too."),
    ] = False
    host: living.Host = living.LOCAL
    port: living.Port = living.PORT
    out: Annotated[
        str | None,
        Parameter(
            name=("--out", "-o", "--library"),
            help="Library folder to put the session in; else $ANKLE_IMU_LIBRARY, else your data folder.",
        ),
    ] = None
    person: Annotated[str, Parameter(name="--person", show_default=False, help="Alias of the person.")] = ""
    note: Annotated[str, Parameter(show_default=False, help="A word on this session.")] = ""
    as_json: Annotated[
        bool,
        Parameter(name="--json", negative="", show_default=False, help="Print one JSON object instead of text."),
    ] = False

    @property
    def legs(self) -> tuple[str, ...]:
        """Legs in order."""
        return ("left", "right") if self.side == "both" else (self.side,)


_USUAL: Final = Setup()


def build(group: Group, options: Group) -> App:
    """Give the sub-commands of `practice`."""
    from ankle_imu.cli.practice_planning import plan
    from ankle_imu.cli.practice_trending import practice_trend

    app = App(
        name="practice",
        group=group,
        group_commands=Group("Commands"),
        group_parameters=options,
        help="Practise the four actions of the ankle, guided, and see range, holds and balance.",
        help_epilogue="Example:  ankle-imu practice guided --simulate both --fast",
    )
    app.command(rom, help_epilogue="Example:  ankle-imu practice rom --side right --action dorsiflexion")
    app.command(hold, help_epilogue="Example:  ankle-imu practice hold --action inversion --load ankle-weight:1.5")
    app.command(balance, help_epilogue="Example:  ankle-imu practice balance --side both --ground foam")
    app.command(guided, help_epilogue="Example:  ankle-imu practice guided --plan my_plan.toml")
    app.command(plan, help_epilogue="Example:  ankle-imu practice plan -o my_plan.toml")
    app.command(practice_report, name="report", help_epilogue="Example:  ankle-imu practice report last --open")
    app.command(
        practice_trend, name="trend", help_epilogue="Example:  ankle-imu practice trend --action dorsiflexion"
    )
    return app


def rom(
    *,
    action: Annotated[
        list[Action] | None, Parameter(name="--action", negative="", help="May be repeated; else all four.")
    ] = None,
    mode: Annotated[
        Literal["active", "assisted", "both"],
        Parameter(help="By yourself, with help, or first one, then the other."),
    ] = "both",
    position: Annotated[Literal["seated", "standing", "kneeling"], Parameter(help="Posture.")] = "seated",
    reps: Annotated[int, Parameter(help="Repetitions of each.")] = 3,
    lunge: Annotated[bool, Parameter(help="At the end the lunge, knee past the toes.")] = True,
    setup: Setup = _USUAL,
) -> int:
    """Measure how far the ankle goes in each of its four actions.

    A neutral pose sets zero, swings of the lower leg show which way the sensors point; then each action by
    yourself and with help, three times, held for 3 s. The gap between the two is told with what can be told
    apart. Typed while it runs: Enter pauses, s skips, a repeats, 0 to 10 tells of pain (5 ends it), q ends.
    """
    modes = ("active", "assisted") if mode == "both" else (mode,)

    def steps(loads: dict[str, Any]) -> list[Step]:
        from ankle_imu.practice.routine import make_step

        found = [make_step(exercise="neutral"), make_step(exercise="swing")]
        for one in action or _ACTIONS:
            for how in modes:
                found.append(
                    make_step(exercise="rom", action=one, mode=how, position=position, reps=reps, **loads)
                )
        if lunge:
            found += [make_step(exercise="neutral", position="standing"), make_step(exercise="lunge")]
        return found

    return _run(setup, steps)


def hold(
    *,
    action: Annotated[list[Action], Parameter(name="--action", negative="", help="May be repeated.")],
    seconds: Annotated[float, Parameter(help="How long each hold lasts.")] = 10.0,
    reps: Annotated[int, Parameter(help="Holds of each action.")] = 2,
    lift_off: Annotated[
        bool, Parameter(name="--lift-off", negative="", help="From a support, then held without.")
    ] = False,
    position: Annotated[Literal["seated", "standing", "kneeling"], Parameter(help="Posture.")] = "seated",
    setup: Setup = _USUAL,
) -> int:
    """Hold positions: time under tension, dose, steadiness.

    First the active range of each action, without load, since a hold is one from 80 % of it on; then the holds
    against the load. With --lift-off the end range is supported (the ball of the foot on a book) and then held
    without.
    """

    def steps(loads: dict[str, Any]) -> list[Step]:
        from ankle_imu.practice.routine import make_step

        found = [make_step(exercise="neutral"), make_step(exercise="swing")]
        found += [make_step(exercise="rom", action=one) for one in action]
        kind = "lift-off" if lift_off else "hold"
        more = {} if lift_off else {"reps": reps}
        for one in action:
            for _ in range(reps if lift_off else 1):
                found.append(
                    make_step(exercise=kind, action=one, hold_s=seconds, position=position, **more, **loads)
                )
        return found

    return _run(setup, steps)


def balance(
    *,
    eyes: Annotated[
        Literal["open", "closed", "both"], Parameter(help="Open, closed, or one after the other.")
    ] = "both",
    seconds: Annotated[float, Parameter(help="How long to stand.")] = 20.0,
    ground: Annotated[str, Parameter(show_default=False, help="What you stand on.")] = "",
    setup: Setup = _USUAL,
) -> int:
    """Stand on one leg: sway of foot and lower leg."""

    def steps(loads: dict[str, Any]) -> list[Step]:
        from ankle_imu.practice.routine import make_step

        shut = ("open", "closed") if eyes == "both" else (eyes,)
        found = [make_step(exercise="neutral"), make_step(exercise="swing")]
        return found + [make_step(exercise="balance", eyes=one, seconds=seconds, **loads) for one in shut]

    return _run(setup, steps, ground=ground)


def guided(
    *,
    plan: Annotated[
        Path | None,
        Parameter(name="--plan", show_default=False, help="Plan (.toml); else the default one."),
    ] = None,
    setup: Setup = _USUAL,
) -> int:
    """Practise a whole routine of at most 20 minutes.

    Each exercise is named, the joint is placed first (second toe, malleoli, heel), then counted in and held by the
    clock. Typed while it runs: Enter pauses, s skips, a repeats, 0 to 10 tells of pain (5 ends it, or what the
    plan says), q ends and keeps what was done. `practice plan` gives the default plan to edit.

    With --live a page says and counts the same on a phone, shows the angle beside your own range and how the joint
    lies, and takes pause, skip and pain (`pip install 'ankle-imu[live]'`). Both lead the same routine.
    """
    from ankle_imu.practice.routine import load_routine, remarks

    with failures.user_input():
        if setup.load:
            raise ValueError("--load is of single exercises; a plan says it block by block.")
        routine = load_routine(plan)
        steps = routine.for_legs(setup.legs)
    for one in remarks(steps):
        say(one)
    return _run(setup, steps, pain_stop=routine.pain_stop)


def _run(setup: Setup, steps: Any, pain_stop: int = 0, ground: str = "") -> int:
    """Run steps, or a function of the load that gives those of one leg; gives the exit code."""
    from ankle_imu.cli import practising_run as runs
    from ankle_imu.cli import practising_sensors as on_air
    from ankle_imu.cli.practising_live import run_live
    from ankle_imu.cli.practising_page import check_page, summed_up
    from ankle_imu.library import default_alias
    from ankle_imu.manifest import check_alias
    from ankle_imu.mobility import SESSION_KIND
    from ankle_imu.practice.routine import PAIN_STOP, Routine
    from ankle_imu.values import SessionInfo

    root = library_root(setup.out)
    with failures.user_input():
        if bool(setup.simulate) + bool(setup.sensor) + bool(setup.over) > 1:
            raise ValueError("Choose one of --sensor, --simulate and --over.")
        if setup.fast and not setup.simulate:
            raise ValueError("--fast goes with --simulate: a person takes the time it takes.")
        page = living.Page(host=setup.host, port=setup.port) if setup.live else None
        waits = not (setup.fast or setup.over)
        check_page(page, setup.speed, is_simulated=bool(setup.simulate), is_waiting=waits)
        loads = parse_load(setup.load or ())
        if callable(steps):
            steps = Routine(name="This", steps=tuple(steps(loads))).for_legs(setup.legs)
        alias = check_alias(setup.person) if setup.person else ""
        kg = loads.get("load_kg")
        asked = runs.Asked(
            steps=steps,
            pain_stop=pain_stop or PAIN_STOP,
            root=root,
            rate=setup.rate,
            seed=setup.seed,
            speed=setup.speed,
            knee=setup.knee or "",
            info=SessionInfo(
                kind=SESSION_KIND,
                alias=alias or default_alias(),
                note=setup.note,
                surface=ground,
                load_kg=dict.fromkeys(setup.legs, kg) if kg else {},
                tags=(
                    *(("simulated",) if setup.simulate else ()),
                    *((f"knee-{setup.knee}",) if setup.knee else ()),
                ),
            ),
        )
    if setup.over:
        folder = sessions.locate(root, setup.over)
        return _finish(folder, runs.lay_over(asked, folder, setup.at), setup.as_json)
    if setup.simulate and setup.fast:
        return _finish(*runs.run_fast(asked, runs.SIMULATED[setup.simulate]), setup.as_json)
    if setup.simulate:
        sensors = on_air.simulated_sensors(asked, runs.SIMULATED[setup.simulate])
    else:
        from ankle_imu.cli.recording import pair_of

        with failures.user_input():
            named = [pair_of(text) for text in setup.sensor or ()]
        sensors = on_air.real_sensors(root, named)
    captured, coach, beside = run_live(asked, sensors, page)
    with summed_up(beside, captured.folder.name if captured.folder else "") as lines:
        if captured.folder is None:
            say("Interrupted before a sensor streamed; nothing was recorded.")
            return 130
        code = _finish(captured.folder, coach, setup.as_json, lines)
    return 130 if captured.reason == "interrupted" else code


def _finish(folder: Path, coach: Coach, as_json: bool, lines: list[str] | None = None) -> int:
    """Analyze what was recorded, write its page, and tell both; `lines` takes what it comes to, in words."""
    from ankle_imu import batch

    with progress("measuring") as tell:
        with batch.one_thread():
            result, saved = batch.analyze_and_save_practice(folder, tell)
        pages, _ = write_pages(result, folder, folder / "report.html", pdf=False)
    told = batch.describe_practice(folder, result)
    if lines is not None:
        lines += sessions.verdict_lines(told["verdict"])
    for line in coach.outcome:
        say(line)
    if as_json:
        ended = {"skipped": coach.skipped, "pain": coach.pains, "ended_early": coach.stopped or None}
        show_json({**told, **ended, "result": saved, "files": [folder, *pages]})
        return 0
    sessions.show_session(told)
    show(pages[0])
    return 0
