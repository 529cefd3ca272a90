"""`service`: the recorder that runs unattended, under systemd."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

from cyclopts import App, Group, Parameter

from ankle_imu.cli import bluetooth, failures
from ankle_imu.cli.arguments import AsJson, Library, Person, library_root
from ankle_imu.cli.output import say, show, show_heading, show_json, show_table

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ankle_imu.capture import Wanted
    from ankle_imu.devices.adapter import Adapter, Radio
    from ankle_imu.service import UnitPlan

UNITS: Final = Path("/etc/systemd/system")
RUN: Final = Path("/run")

Led = Annotated[
    Path | None,
    Parameter(name="--led", help="File of a light, such as /sys/class/leds/ACT/brightness: it blinks the state."),
]
OnChange = Annotated[
    str,
    Parameter(
        name="--on-change", show_default=False, help="Command to run at each change; its last word is the state."
    ),
]
Rate = Annotated[float, Parameter(help="Samples per second to ask for.")]


def build(group: Group, options: Group) -> App:
    """Give the sub-commands of `service`."""
    app = App(
        name="service",
        group=group,
        group_commands=Group("Commands"),
        group_parameters=options,
        help="Record unattended: a small computer in the bag waits for the sensors and records while they move.",
        help_epilogue="Example:  sudo ankle-imu service install --library ~/walks",
    )
    example = "Example:  sudo ankle-imu service install --library ~/walks"
    app.command(install, help_epilogue=example)
    app.command(uninstall, help_epilogue="Example:  sudo ankle-imu service uninstall")
    app.command(status, help_epilogue="Example:  ankle-imu service status --json")
    app.command(logs, help_epilogue="Example:  ankle-imu service logs --lines 200")
    app.command(run, help_epilogue="Example:  ankle-imu service run --simulate default")
    return app


def install(
    *,
    library: Library = None,
    person: Person = "",
    rate: Rate = 208.0,
    led: Led = None,
    on_change: OnChange = "",
    dry: Annotated[
        bool,
        Parameter(name="--dry", negative="", show_default=False, help="Print the unit and change nothing."),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Install the recorder as a system service, and start it.

    It runs as the user whose library it is, from the start of the computer on: waits for the saved sensors,
    records while they move, ends after 10 minutes of stillness or absence, repairs after a power failure. It
    may write to the library and speak to the system's Bluetooth, and has no network.
    """
    from ankle_imu.durable import write_whole
    from ankle_imu.errors import StorageError
    from ankle_imu.service.unit import NAME, unit_text

    root = library_root(library)
    with failures.user_input():
        plan = _plan(root, _person(root, person), rate, led, on_change)
        text = unit_text(plan)
    if dry:
        if as_json:
            show_json({"unit": text, "path": UNITS / NAME, "files": []})
        else:
            show(text.rstrip())
        return
    _check_systemd()
    try:
        path = write_whole(UNITS / NAME, text.encode(), mode=0o644)
    except StorageError as error:
        words = f"sudo {_program()[0]} -m ankle_imu.cli service install --library {root}"
        raise StorageError(f"{error} Only root may install a service: `{words}`.", path=error.path) from error
    _make_library(plan.library, plan.user)
    for command in (("daemon-reload",), ("enable", NAME), ("restart", NAME)):
        _systemctl(*command)
    if as_json:
        show_json({"unit": text, "path": path, "files": [path]})
        return
    say(f"The recorder runs as {plan.user} and writes to {plan.library}. `ankle-imu service status` shows it.")
    show(path)


def uninstall(*, as_json: AsJson = False) -> None:
    """Stop the service and remove it; the library stays as it is."""
    from ankle_imu.errors import StorageError
    from ankle_imu.service.unit import NAME

    path = UNITS / NAME
    if not path.exists():
        raise failures.UsageError(f"There is no service to remove: {path} is not there.")
    _check_systemd()
    if not os.access(path.parent, os.W_OK):
        raise StorageError(f"{path} could not be removed: only root may. Use sudo.", path=str(path))
    _systemctl("disable", "--now", NAME)
    path.unlink(missing_ok=True)
    _systemctl("daemon-reload")
    if as_json:
        show_json({"removed": path})
    else:
        say(f"Removed {path}; what was recorded is all there.")


def status(*, as_json: AsJson = False) -> None:
    """Show what the service is doing: state, sensors, disk, clock, and what to see to."""
    from ankle_imu.service.unit import NAME, RUNTIME, STATUS_FILE

    is_installed, active = (UNITS / NAME).exists(), _is_active()
    told = _told(RUN / RUNTIME / STATUS_FILE)
    if as_json:
        show_json({"is_installed": is_installed, "active": active, **told})
        return
    if not told:
        say(
            f"The service is {active or 'not running'}; `ankle-imu service logs` may tell why."
            if is_installed
            else "No service is installed; `ankle-imu service install` does that."
        )
        return
    show_heading(f"{told['words'][:1].upper()}{told['words'][1:].rstrip('.')}.")
    rows = [
        (
            s["placement"].replace("_", " "),
            s["state"],
            _number(s["rate_hz"], "Hz"),
            str(s["lost"]),
            _percent(s["battery"]),
        )
        for s in told["sensors"]
    ]
    if rows:
        show_table(("Sensor", "State", "Rate", "Lost", "Battery"), rows, right=("Rate", "Lost", "Battery"))
    facts = [
        ("session", told["session"] or told["last_session"] or "none yet"),
        (
            "clock",
            "set" if told["is_clock_set"] else "not set yet; dates are put right when it is",
        ),
        ("last told", told["utc"]),
    ]
    if told["remedy"]:
        facts.append(("trying", told["remedy"]))
    show_table(("", ""), facts)


def logs(
    *,
    lines: Annotated[int, Parameter(help="How many of the last lines.")] = 50,
    as_json: AsJson = False,
) -> None:
    """Show what the service wrote into the system's journal."""
    from ankle_imu.service.unit import NAME

    if lines < 1:
        raise failures.UsageError(f"--lines must be 1 or more, found {lines}.")
    if shutil.which("journalctl") is None:
        raise failures.UsageError("There is no journalctl; the service and its log need systemd (Linux).")
    command = ["journalctl", "--unit", NAME, "--lines", str(lines), "--no-pager"]
    told = subprocess.run(
        [*command, "--output", "json" if as_json else "short-iso"], capture_output=True, text=True
    )
    if told.returncode:
        raise failures.UsageError(f"journalctl refused: {told.stderr.strip() or told.returncode}.")
    if not as_json:
        show(told.stdout.rstrip())
        return
    entries = [json.loads(line) for line in told.stdout.splitlines() if line.startswith("{")]
    show_json({"entries": [{"utc_us": e.get("__REALTIME_TIMESTAMP"), "text": e.get("MESSAGE")} for e in entries]})


def run(
    *,
    library: Library = None,
    person: Person = "",
    rate: Rate = 208.0,
    simulate: Annotated[
        str,
        Parameter(name="--simulate", show_default=False, help="Wait for simulated sensors of this plan instead."),
    ] = "",
    led: Led = None,
    on_change: OnChange = "",
    status_file: Annotated[
        Path | None,
        Parameter(name="--status-file", help="File for the state; else in the service's own folder below /run."),
    ] = None,
) -> None:
    """Run the unattended recorder here, as the service does; Ctrl-C or SIGTERM ends and saves.

    One line on stderr tells each change of state.
    """
    import asyncio

    from ankle_imu.devices.adapter import Wish
    from ankle_imu.library import default_alias
    from ankle_imu.service import Keeper, Setup
    from ankle_imu.service.signs import Signs
    from ankle_imu.values import SessionInfo

    root = library_root(library)
    with failures.user_input():
        alias = _alias(person) or default_alias()
        if not 0 < rate <= 2000:
            raise ValueError(f"--rate must be above 0 and at most 2000 Hz, found {rate:g}.")

    async def work() -> None:
        async with contextlib.AsyncExitStack() as stack:
            radio, sensors = await _source(stack, root, simulate)
            signs = Signs(status_file=status_file or _status_file(), led=led, command=on_change)
            info, wish = SessionInfo(alias=alias), Wish(rate_hz=rate)
            keeper = Keeper(radio, Setup(root=root, sensors=sensors, info=info, wish=wish), say, signs)
            loop = asyncio.get_running_loop()
            for number in (signal.SIGINT, signal.SIGTERM):
                with contextlib.suppress(NotImplementedError):  # Windows: Ctrl-C raises instead
                    loop.add_signal_handler(number, keeper.leave)
            await keeper.run()

    bluetooth.run(work())


async def _source(stack: contextlib.AsyncExitStack, root: Path, simulate: str) -> tuple[Radio, Any]:
    """Radio, and what gives the sensors to wait for."""
    from ankle_imu.cli.choosing import saved_sensors
    from ankle_imu.cli.recording import simulated_sensors
    from ankle_imu.devices import catalog

    if not simulate:
        return bluetooth.radio(), lambda: saved_sensors(root)
    radio, made, _ = await simulated_sensors(stack, simulate)

    def anew() -> Mapping[Wanted, Adapter]:
        return {wanted: catalog.adapter(wanted.model) for wanted in made}

    return radio, anew


def _plan(root: Path, alias: str, rate: float, led: Path | None, on_change: str) -> UnitPlan:
    """What the unit is to say, for the user whose library it is."""
    from ankle_imu.service.unit import UnitPlan

    if os.name != "posix":
        raise failures.UsageError("A service needs systemd (Linux); `ankle-imu service run` works everywhere.")
    import grp

    if not 0 < rate <= 2000:
        raise ValueError(f"--rate must be above 0 and at most 2000 Hz, found {rate:g}.")
    there = next(folder for folder in (root, *root.parents) if folder.exists())
    owner = _owner(there)
    if owner == "root":
        raise ValueError(
            f"{there} belongs to root, and the recorder must not run as root; give --library FOLDER, one that the "
            "user made who is to own the walks."
        )
    groups = []
    with contextlib.suppress(KeyError):
        groups.append(grp.getgrnam("bluetooth").gr_name)
    words = ["service", "run", "--person", alias]
    words += ["--rate", f"{rate:g}"] if rate != 208.0 else []
    words += ["--led", str(led)] if led else []
    words += ["--on-change", on_change] if on_change else []
    return UnitPlan(
        program=(*_program(), *words),
        library=root,
        user=owner,
        groups=tuple(groups),
        readable=tuple(_folders_of_the_program()),
        led=led,
    )


def _owner(folder: Path) -> str:
    import pwd

    return pwd.getpwuid(folder.stat().st_uid).pw_name


def _make_library(root: Path, owner: str) -> None:
    """The folder of the library, which the service must be able to bind; it is its user's."""
    if not root.exists():
        root.mkdir(parents=True)
        with contextlib.suppress(PermissionError, LookupError):
            shutil.chown(root, owner)


def _program() -> tuple[str, ...]:
    return (sys.executable, "-m", "ankle_imu.cli")


def _folders_of_the_program() -> list[Path]:
    """Where Python and the package are, as far as a service that sees no homes would not find them."""
    homes = (Path("/home"), Path("/root"), Path("/run/user"))
    package = Path(__file__).resolve().parents[2]
    folders = {Path(sys.prefix), Path(sys.base_prefix), Path(sys.executable).resolve().parents[1], package}
    hidden = sorted(folder for folder in folders if any(folder.is_relative_to(home) for home in homes))
    return [f for f in hidden if not any(f != other and f.is_relative_to(other) for other in hidden)]


def _person(root: Path, given: str) -> str:
    """The person of the walks: the one named, else the one of the last session, else a new one."""
    from ankle_imu.library import list_sessions
    from ankle_imu.library.config import new_alias

    if given:
        return _alias(given)
    known = [entry.alias for entry in list_sessions(root)] if root.is_dir() else []
    return known[-1] if known else new_alias()


def _alias(given: str) -> str:
    from ankle_imu.manifest import check_alias

    return check_alias(given) if given else ""


def _status_file() -> Path | None:
    """In the folder that systemd made for the service; none elsewhere."""
    from ankle_imu.service.unit import STATUS_FILE

    folder = os.environ.get("RUNTIME_DIRECTORY", "").split(":")[0]
    return Path(folder) / STATUS_FILE if folder else None


def _told(path: Path) -> dict[str, Any]:
    try:
        told = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return told if isinstance(told, dict) else {}


def _check_systemd() -> None:
    if shutil.which("systemctl") is None or not (RUN / "systemd" / "system").is_dir():
        raise failures.UsageError(
            "systemd does not run here, and the service needs it; `ankle-imu service run` works without."
        )


def _is_active() -> str:
    from ankle_imu.service.unit import NAME

    try:
        return subprocess.run(["systemctl", "is-active", NAME], capture_output=True, text=True).stdout.strip()
    except OSError:
        return ""


def _systemctl(*words: str) -> None:
    done = subprocess.run(["systemctl", *words], capture_output=True, text=True)
    if done.returncode:
        raise failures.UsageError(
            f"`systemctl {' '.join(words)}` failed: {done.stderr.strip() or done.returncode}."
        )


def _number(value: float | None, unit: str) -> str:
    return "–" if value is None else f"{value:g} {unit}"


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{100 * share:.0f} %"
