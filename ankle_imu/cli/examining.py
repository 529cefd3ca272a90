"""`doctor` and `selfcheck`: whether this computer is ready to record, and what a sensor really does."""

from __future__ import annotations

import math
import tempfile
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

from cyclopts import Parameter

from ankle_imu.cli import bluetooth, failures
from ankle_imu.cli.arguments import AsJson, Library, library_root
from ankle_imu.cli.output import progress, say, show, show_json, show_verdicts
from ankle_imu.cli.sensing import Sensor, adapter_of

if TYPE_CHECKING:
    from ankle_imu.capture import Captured
    from ankle_imu.library import KnownSensor


_ANYWHERE: Final = "left_foot"
"""Where a sensor that is not worn is taken to be while it is measured; nothing depends on it."""


def doctor(*, library: Library = None, as_json: AsJson = False) -> int:
    """Look at all that recording needs, and say what to do where it is missing.

    Python, Bluetooth, saved sensors, disk, battery and clock: ok, warn or FAIL. Exit code 0 without a FAIL,
    6 when only disk, clock or saved files fail, else 3.
    """
    from ankle_imu.doctor import examine, exit_code
    from ankle_imu.findings import FAIL, WARN

    findings = bluetooth.run(examine(bluetooth.radio(), library_root(library)))
    code = exit_code(findings)
    if as_json:
        show_json({"findings": [asdict(finding) for finding in findings], "exit_code": code})
        return code
    show_verdicts([(f.verdict, f.what, f.found, f.fix) for f in findings])
    failed, warned = (sum(f.verdict == verdict for f in findings) for verdict in (FAIL, WARN))
    say("Ready to record." if not failed else f"Not ready: {failed} of {len(findings)} must be mended first.")
    if warned and not failed:
        say(f"{warned} could be better.")
    return code


def selfcheck(
    sensor: Sensor,
    /,
    *,
    seconds: Annotated[float, Parameter(help="How long to measure; 60 or more for the clock.")] = 60.0,
    library: Library = None,
    as_json: AsJson = False,
) -> int:
    """Measure what a saved sensor really does: losses, true rate, clock, gravity on its six faces.

    Lay it still for 3 s on each of its six faces while it runs, in any order. Exit code 7 when something is so
    far off that a walk recorded with it could not be believed. Ends with a bench report to paste: no firmware of
    ours has been proven on hardware until someone sends one.
    """
    from ankle_imu._version import package_version
    from ankle_imu.errors import ConnectionLost
    from ankle_imu.findings import FAIL
    from ankle_imu.library import find_sensor
    from ankle_imu.selfcheck import bench_report, judge
    from ankle_imu.session_io import open_session

    with failures.user_input():
        if not 5 <= seconds < math.inf:
            raise ValueError(f"--seconds must be 5 or more, found {seconds:g}.")
    saved = find_sensor(library_root(library), sensor)
    known = replace(saved, placement=saved.placement or _ANYWHERE)
    say(f"Lay {sensor} still for 3 s on each of its six faces; {seconds:g} s from now on.")
    with tempfile.TemporaryDirectory(prefix="ankle-imu-selfcheck-") as folder:
        captured = bluetooth.run(measure(known, Path(folder), seconds))
        if captured.folder is None:
            say("Interrupted before it streamed.")
            return 130
        if not captured.sensors[0].received:
            raise ConnectionLost(f"{sensor} was connected to, but sent no sample.", identifier=known.identifier)
        recording = open_session(captured.folder)
    placement = known.placement
    info = recording.session.sensors[placement]
    findings = judge(recording.series[placement], recording.loss[placement], info.nominal_rate_hz)
    code = 7 if any(f.verdict == FAIL for f in findings) else 0
    report = bench_report(findings, info, recording.duration, package_version())
    if as_json:
        told = {"loss": asdict(recording.loss[placement]), "findings": [asdict(f) for f in findings]}
        told["bench_report"] = report
        show_json({"placement": saved.placement, "serial": info.serial, **told, "exit_code": code})
    else:
        show_verdicts([(f.verdict, f.what, f.found, f.fix) for f in findings])
        show()
        show(report)
    return code


async def measure(known: KnownSensor, root: Path, seconds: float) -> Captured:
    """Record one sensor for a while."""
    from ankle_imu.capture import Order, Recorder, Wanted
    from ankle_imu.values import SessionInfo

    wanted = Wanted(identifier=known.identifier, placement=known.placement, model=known.model, serial=known.serial)
    order = Order(
        sensors={wanted: adapter_of(known)},
        root=root,
        info=SessionInfo(alias="selfcheck"),
        duration_s=seconds,
    )
    with progress("looking for the sensor") as tell:
        recorder = Recorder(
            bluetooth.radio(), order, lambda status: tell("measuring", min(1.0, status.elapsed_s / seconds))
        )
        return await recorder.run()
