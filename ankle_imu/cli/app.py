"""All commands under one name. Nothing heavy is imported here: `ankle-imu --help` is instant."""

from __future__ import annotations

import contextlib
import os
import sys
import warnings
from collections.abc import Sequence
from typing import Final, NoReturn

from cyclopts import App, Group

from ankle_imu._version import package_version
from ankle_imu.cli import failures, shelf

_START: Final = Group("Without a sensor", sort_key=1)
_SENSORS: Final = Group("Your sensors", sort_key=2)
_WALKS: Final = Group("Your walks", sort_key=3)
_CHECK: Final = Group("Check the product itself", sort_key=4)
_OPTIONS: Final = Group("Options", sort_key=5)

_LIBRARY: Final = "library"

_EPILOGUE: Final = (
    "Start with `ankle-imu demo`; `ankle-imu COMMAND --help` has an example of each command.\n\n"
    "A SESSION is a folder, the id of a session in the library or the beginning of it, or `last`.\n\n"
    "--debug with any command shows where an unexpected error came from."
)


def build(only: str = "") -> App:
    """Give the application with all its commands.

    Parameters
    ----------
    only : `library` for the commands of the library alone: a list of walks is asked for often, and the modules of
        the other commands would take a third of its time
    """
    app = App(
        name="ankle-imu",
        help="Wearable-IMU logger and analyzer: how far the ankle rolls, step by step.",
        version=package_version,
        help_format="markdown",
        help_epilogue=_EPILOGUE,
        group_commands=_OPTIONS,
        group_parameters=_OPTIONS,
        suppress_keyboard_interrupt=False,
        result_action="return_value",
    )
    if only == _LIBRARY:
        app.command(shelf.build(_WALKS, _OPTIONS))
        return app
    from ankle_imu.cli import (
        analyzing,
        calibrating,
        checking,
        comparing,
        demo,
        downloading,
        eventing,
        examining,
        importing,
        living,
        privacy,
        recording,
        reporting,
        sensing,
        serving,
        simulating,
        tracking,
        validating,
    )

    app.register_install_completion_command(
        group=_OPTIONS, help="Let the shell complete commands and options with the Tab key."
    )
    app.command(demo.demo, group=_START, help_epilogue="Example:  ankle-imu demo --weeks 4")
    app.command(
        simulating.simulate,
        group=_START,
        help_epilogue="Example:  ankle-imu simulate hill_mixed --seed 7 -o walks",
    )
    app.command(examining.doctor, group=_SENSORS, help_epilogue="Example:  ankle-imu doctor")
    app.command(sensing.scan, group=_SENSORS, help_epilogue="Example:  ankle-imu scan --seconds 10")
    sensors = sensing.build(_SENSORS, _OPTIONS)
    sensors.command(calibrating.calibrate, help_epilogue="Example:  ankle-imu sensors calibrate left_foot")
    app.command(sensors)
    app.command(
        examining.selfcheck, group=_SENSORS, help_epilogue="Example:  ankle-imu selfcheck left_foot --seconds 120"
    )
    app.command(
        recording.record,
        group=_WALKS,
        help_epilogue="Example:  ankle-imu record --note 'first walk with the new boots'",
    )
    app.command(
        living.live,
        group=_WALKS,
        usage="Usage: ankle-imu live SESSION [OPTIONS]",
        help_epilogue="Example:  ankle-imu live last --speed 4",
    )
    app.command(serving.build(_WALKS, _OPTIONS))
    app.command(downloading.download, group=_WALKS, help_epilogue="Example:  ankle-imu download left_foot --list")
    app.command(checking.check, group=_WALKS, help_epilogue="Example:  ankle-imu check last")
    app.command(checking.repair, group=_WALKS, help_epilogue="Example:  ankle-imu repair last")
    app.command(
        importing.import_,
        name="import",
        group=_WALKS,
        usage="Usage: ankle-imu import FILE... --as PLACEMENT [--as ...] [OPTIONS]",
        help_epilogue="Example:  ankle-imu import foot.csv shank.csv --as left_foot --as left_shank",
    )
    app.command(
        analyzing.analyze,
        group=_WALKS,
        usage="Usage: ankle-imu analyze SESSION... [OPTIONS]",
        help_epilogue="Example:  ankle-imu analyze last\n\nOf many:  ankle-imu analyze --all --jobs auto",
    )
    app.command(reporting.report, group=_WALKS, help_epilogue="Example:  ankle-imu report last --open")
    app.command(
        reporting.trend,
        group=_WALKS,
        help_epilogue="Example:  ankle-imu trend --metric range_stance_deg -o trend.png",
    )
    app.command(
        comparing.compare,
        group=_WALKS,
        usage="Usage: ankle-imu compare SESSION SESSION [OPTIONS]",
        help_epilogue="Example:  ankle-imu compare 2026-05-02T0810Z last -o compare.html",
    )
    app.command(eventing.build(_WALKS, _OPTIONS))
    app.command(tracking.build(_WALKS, _OPTIONS))
    app.command(shelf.build(_WALKS, _OPTIONS))
    app.command(privacy.build(_WALKS, _OPTIONS))
    app.command(
        validating.validate, group=_CHECK, help_epilogue="Example:  ankle-imu validate --data recordings --strict"
    )
    return app


def run(tokens: Sequence[str]) -> int:
    """Run one command line.

    Parameters
    ----------
    tokens : words after the program's name

    Returns
    -------
    int
        The exit code.
    """
    words = [word for word in tokens if word != "--debug"]
    with failures.debugging(len(words) < len(tokens) or bool(os.environ.get("ANKLE_IMU_DEBUG"))):
        try:
            code = build(words[0] if words else "")(words, exit_on_error=False, print_error=False)
            sys.stdout.flush()
        except BrokenPipeError:
            _close_stdout()
            return 0
        except SystemExit as leaving:
            if isinstance(leaving.__context__, BrokenPipeError):  # rich has its own way with closed pipes
                return 0
            return leaving.code if isinstance(leaving.code, int) else 0
        except BaseException as error:
            return failures.tell(error)
    return code if isinstance(code, int) else 0


def main() -> NoReturn:
    """Entry of the `ankle-imu` script."""
    if not sys.warnoptions and not os.environ.get("ANKLE_IMU_DEBUG"):
        warnings.simplefilter("ignore")
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(AttributeError, ValueError):
            stream.reconfigure(errors="replace")  # type: ignore[union-attr]
    sys.exit(run(sys.argv[1:]))


def _close_stdout() -> None:
    """Whoever read our output has had enough; keep the interpreter from complaining at exit."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
