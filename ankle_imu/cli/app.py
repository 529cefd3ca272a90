"""All commands under one name. Nothing heavy is imported here: `ankle-imu --help` is instant."""

from __future__ import annotations

from typing import Final

from cyclopts import App, Group

from ankle_imu._version import package_version
from ankle_imu.cli import shelf

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
        exporting,
        importing,
        living,
        practising,
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
        usage="Usage: ankle-imu live [SESSION] [OPTIONS]",
        help_epilogue="Example:  ankle-imu live last --speed 4\n\nExample:  ankle-imu live --attach",
    )
    app.command(practising.build(_WALKS, _OPTIONS))
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
    app.command(
        exporting.export,
        group=_WALKS,
        usage="Usage: ankle-imu export SESSION... --to FORMAT [OPTIONS]",
        help_epilogue="Example:  ankle-imu export last --to geojson -o walk.geojson",
    )
    app.command(tracking.build(_WALKS, _OPTIONS))
    app.command(shelf.build(_WALKS, _OPTIONS))
    app.command(privacy.build(_WALKS, _OPTIONS))
    app.command(
        validating.validate, group=_CHECK, help_epilogue="Example:  ankle-imu validate --data recordings --strict"
    )
    return app
