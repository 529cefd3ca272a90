"""`sensors calibrate`: what a sensor's readings are off by, from six poses on a table."""

from __future__ import annotations

import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from ankle_imu.cli import bluetooth, failures
from ankle_imu.cli.arguments import AsJson, Library, library_root
from ankle_imu.cli.examining import measure
from ankle_imu.cli.output import say, show, show_json, show_table
from ankle_imu.cli.sensing import Sensor

if TYPE_CHECKING:
    from ankle_imu.values import SensorCalibration


def calibrate(
    sensor: Sensor,
    /,
    *,
    seconds: Annotated[float, Parameter(help="How long to measure.")] = 60.0,
    temperature: Annotated[
        float | None, Parameter(help="Degrees Celsius, where the sensor does not tell; only noted.")
    ] = None,
    library: Library = None,
    as_json: AsJson = False,
) -> int:
    """Calibrate a saved sensor: lay it still for 3 s on each of its six faces while this runs, in any order.

    Offset and scale of the accelerometer and the rest of the gyroscope are saved with the sensor and taken out of
    every walk recorded with it within half a year. A second round, also on edges, shows how good they are. Exit
    code 7 when a face is missing or the sensor never lay still; an earlier calibration then stays.
    """
    from ankle_imu import manifest
    from ankle_imu.calibration import store
    from ankle_imu.calibration.sensor import calibrate as estimate
    from ankle_imu.library import find_sensor, save_calibration
    from ankle_imu.session_io import open_session

    with failures.user_input():
        if not seconds >= 20:
            raise ValueError(f"--seconds must be 20 or more, found {seconds:g}.")
    known = find_sensor(library_root(library), sensor)
    say(f"Lay {known.placement} still for 3 s on each of its six faces; {seconds:g} s from now on.")
    with tempfile.TemporaryDirectory(prefix="ankle-imu-calibrate-") as folder:
        captured = bluetooth.run(measure(known, Path(folder), seconds))
        if captured.folder is None:
            say("Interrupted before it streamed.")
            return 130
        series = open_session(captured.folder).series[known.placement]
    found = estimate(
        series,
        serial=known.serial,
        made_utc=manifest.format_utc(datetime.now(UTC).replace(microsecond=0)),
        mount_site=known.mount_site,
        temperature_c=float("nan") if temperature is None else temperature,
    )
    path = save_calibration(library_root(library), known.serial, store.to_json(found))
    if as_json:
        show_json({"placement": known.placement, **store.to_json(found), "files": [path]})
        return 0
    _tell(found)
    show(path)
    return 0


def _tell(found: SensorCalibration) -> None:
    from ankle_imu.units import DEGREE, STANDARD_GRAVITY

    rows = [
        (
            axis,
            f"{1e3 * found.acc_offset[i] / STANDARD_GRAVITY:+.1f} mg",
            f"{100.0 * (1.0 / found.acc_matrix[i, i] - 1.0):+.2f} %",
            f"{found.gyr_bias[i] / DEGREE:+.2f} deg/s",
        )
        for i, axis in enumerate("xyz")
    ]
    show_table(
        ("Axis", "Offset", "Scale", "Gyroscope at rest"), rows, right=("Offset", "Scale", "Gyroscope at rest")
    )
    left = f"{1e3 * found.residual / STANDARD_GRAVITY:.1f} mg are left between the poses."
    if found.residual != found.residual:
        left = "Six poses are just enough; a second round would show what is left."
    say(f"{found.n_poses} poses. {left}")
