"""What selfcheck says of a sensor: right, and wrong in one way at a time."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from ankle_imu.findings import FAIL, OK, WARN
from ankle_imu.selfcheck import BY_HAND, bench_report, judge
from ankle_imu.units import DEGREE, STANDARD_GRAVITY
from ankle_imu.values import ImuSeries, Loss, SensorInfo

RATE = 104.0
GOOD = Loss(expected=1000, received=1000, lost=0, true_rate_hz=104.5, clock_ppm=20.0, clock_residual_s=0.001)


def turned_on_six_faces(gravity: float = STANDARD_GRAVITY, bias_dps: float = 1.0) -> ImuSeries:
    rng = np.random.default_rng(5)
    acc, gyr = [], []
    for up in np.vstack([np.eye(3), -np.eye(3)]):
        acc += [np.tile(up * gravity, (320, 1)), rng.normal(0.0, 10.0, (100, 3))]
        gyr += [np.tile([bias_dps * DEGREE, 0, 0], (320, 1)), rng.normal(0.0, 2.0, (100, 3))]
    a, g = np.concatenate(acc), np.concatenate(gyr)
    return ImuSeries(time=np.arange(len(a)) / RATE, acc=a, gyr=g, sampling_rate=RATE)


def verdicts(series: ImuSeries, loss: Loss, nominal: float = 104.0) -> dict[str, str]:
    return {finding.what: finding.verdict for finding in judge(series, loss, nominal)}


def test_a_good_sensor_is_ok_throughout() -> None:
    found = verdicts(turned_on_six_faces(), GOOD)
    assert set(found.values()) == {OK}
    assert {"loss", "rate", "clock", "range", "gyroscope", "face +x", "face -z", "axis y"} <= set(found)


@pytest.mark.parametrize(
    ("changed", "what", "verdict"),
    [
        ({"lost": 5}, "loss", WARN),
        ({"lost": 50}, "loss", FAIL),
        ({"true_rate_hz": 60.0}, "rate", WARN),
        ({"clock_ppm": 400.0}, "clock", WARN),
        ({"clock_residual_s": 0.01}, "clock", WARN),
        ({"clock_residual_s": 0.05}, "clock", FAIL),
        ({"clock_residual_s": float("nan")}, "clock", WARN),
        ({"clock_ppm": float("nan"), "clock_residual_s": 0.08}, "clock", WARN),
        ({"clipped": 3}, "range", WARN),
    ],
)
def test_one_thing_wrong(changed: dict[str, float], what: str, verdict: str) -> None:
    found = verdicts(turned_on_six_faces(), replace(GOOD, **changed))
    assert found.pop(what) == verdict
    assert set(found.values()) == {OK}


def test_gravity_and_bias() -> None:
    assert verdicts(turned_on_six_faces(gravity=1.08 * STANDARD_GRAVITY), GOOD)["face +y"] == WARN
    assert verdicts(turned_on_six_faces(gravity=2.0 * STANDARD_GRAVITY), GOOD)["face +y"] == FAIL
    assert verdicts(turned_on_six_faces(bias_dps=12.0), GOOD)["gyroscope"] != OK


def test_faces_that_were_not_shown_are_named() -> None:
    series = turned_on_six_faces()
    n = 3 * 420
    part = ImuSeries(time=series.time[:n], acc=series.acc[:n], gyr=series.gyr[:n], sampling_rate=RATE)
    (faces,) = [f for f in judge(part, GOOD, RATE) if f.what == "faces"]
    assert (faces.verdict, faces.found) == (WARN, "not seen: -x, -y, -z")
    assert faces.fix


def test_bench_report_is_a_page_to_paste() -> None:
    sensor = SensorInfo(
        placement="left_foot", serial="A1B2C3D4E5F60718", model="ankle", firmware="ankle-device 1.0"
    )
    findings = judge(turned_on_six_faces(), GOOD, 104.0)
    page = bench_report(findings, sensor, 60.2, "0.1.0")
    lines = page.splitlines()
    assert "- sensor: ankle, serial ending in 0718" in lines
    assert sensor.serial not in page
    assert "- firmware: ankle-device 1.0" in lines
    assert "- measured: 60 s with ankle_imu 0.1.0" in lines
    assert [line for line in lines if line.endswith("(fill in)")] == [f"- {name}: (fill in)" for name in BY_HAND]
    table = lines[lines.index("| --- | --- | --- |") + 1 :]
    assert [row.split(" | ")[0].strip("| ") for row in table] == [finding.what for finding in findings]
