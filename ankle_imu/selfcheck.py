"""What a sensor really does: losses, true rate, clock, gravity on its six faces, from a short recording."""

from __future__ import annotations

import math
import platform
from collections.abc import Iterable
from typing import Final

import numpy as np

from ankle_imu.calibration.faces import FACES, accelerometer_errors, find_faces
from ankle_imu.calibration.rest import find_rests
from ankle_imu.findings import FAIL, OK, WARN, Finding
from ankle_imu.units import DEGREE, STANDARD_GRAVITY
from ankle_imu.values import ImuSeries, Loss, SensorInfo

LOSS: Final = (0.001, 0.02)
"""Shares of samples lost up to which a sensor is good, and up to which the analysis bears it: 2 % in short gaps
adds at most 0.3 deg (own simulation)."""

CLOCK_PPM: Final = 100.0
"""Crystals keep within this: the Bluetooth Core Specification, vol. 6 part B, 4.2, asks for 50 ppm of a side."""

SYNC_S: Final = (0.005, 0.015)
"""Doubt of the session time up to which foot and shank still fit together: 10 ms at 300 deg/s are 3 deg of
inversion."""

OFFSET_G: Final = (0.05, 0.15)
"""Error of gravity that is usual, and the one beyond which a wrong range or unit is likelier (own choice)."""

BIAS_DPS: Final = 10.0
"""Zero-rate level beyond which a gyroscope is worth a calibration; the analysis takes it out (own choice)."""

BY_HAND: Final = (
    "board and motion sensor",
    "battery and supply current",
    "distance and what was between",
    "turned by 90 degrees, the angle read",
    "photograph",
)
"""What only the person at the bench knows."""


def judge(series: ImuSeries, loss: Loss, nominal_rate_hz: float) -> tuple[Finding, ...]:
    """Findings on one sensor.

    Parameters
    ----------
    series : ImuSeries, in which the sensor lay still for a while, best on each of its six faces
    loss : Loss
    nominal_rate_hz : float, Hz, what it was told; NaN when unknown

    Returns
    -------
    tuple of Finding
        loss, rate, clock, range, gyroscope, then a face or an axis each.
    """
    acc, gyr = (np.where(series.is_valid[:, None], a, np.nan) for a in (series.acc, series.gyr))
    keep = series.is_valid
    return (
        _loss(loss),
        _rate(loss.true_rate_hz, nominal_rate_hz),
        _clock(loss),
        _clipped(loss),
        _bias(acc[keep], gyr[keep], series.sampling_rate),
        *_faces(acc[keep], gyr[keep], series.sampling_rate),
    )


def bench_report(findings: Iterable[Finding], sensor: SensorInfo, seconds: float, version: str) -> str:
    """What was measured, as a page to paste into an issue of the project.

    Parameters
    ----------
    findings : of `judge`
    sensor : SensorInfo; of its serial number only the end is told
    seconds : float, s, how long it was measured
    version : str, of this program

    Returns
    -------
    str
        Markdown, with lines left to fill in; `firmware_notes/bench_report.md` says what belongs there.
    """
    settings = f"{sensor.nominal_rate_hz:g} Hz, {sensor.acc_range_g:g} g, {sensor.gyr_range_dps:g} deg/s"
    facts = {
        "sensor": f"{sensor.model or 'unknown kind'}, serial ending in {sensor.serial[-4:] or '?'}",
        "firmware": sensor.firmware or "not told",
        "settings": settings,
        "measured": f"{seconds:.0f} s with ankle_imu {version}",
        "computer": f"{platform.system()} {platform.release()}, Python {platform.python_version()}",
    }
    lines = ["### Bench report", "", *(f"- {name}: {fact}" for name, fact in facts.items())]
    lines += [f"- {name}: (fill in)" for name in BY_HAND]
    lines += ["", "| what | verdict | measured |", "| --- | --- | --- |"]
    lines += [f"| {f.what} | {f.verdict} | {f.found} |" for f in findings]
    return "\n".join(lines)


def _verdict(value: float, good: float, bearable: float) -> str:
    return OK if value <= good else WARN if value <= bearable else FAIL


def _loss(loss: Loss) -> Finding:
    share = loss.lost / max(1, loss.expected)
    verdict = _verdict(share, *LOSS)
    fix = (
        ""
        if verdict == OK
        else "Bring the receiver nearer and away from Wi-Fi; the body between them shields too."
    )
    return Finding(
        what="loss",
        verdict=verdict,
        found=f"{loss.lost} of {loss.expected} samples lost ({100 * share:.2f} %)",
        fix=fix,
    )


def _rate(true: float, nominal: float) -> Finding:
    told = f"{true:.2f} Hz measured"
    if math.isnan(nominal):
        return Finding(what="rate", verdict=OK, found=told)
    off = true / nominal - 1.0
    told += f", {nominal:g} Hz nominal ({100 * off:+.2f} %)"
    fix = "" if abs(off) <= 0.05 else "Not what was asked for; the measured rate is used everywhere."
    return Finding(what="rate", verdict=WARN if fix else OK, found=told, fix=fix)


def _clock(loss: Loss) -> Finding:
    residual = loss.clock_residual_s
    if math.isnan(residual):
        return Finding(what="clock", verdict=WARN, found="the sensor's clock could not be measured")
    verdict = _verdict(residual, *SYNC_S)
    if math.isnan(loss.clock_ppm):
        fix = (
            "It sends no clock of its own: its times are those of arrival. Use one such sensor to a leg, not two."
        )
        return Finding(
            what="clock", verdict=WARN, found=f"none; session time within {1e3 * residual:.0f} ms", fix=fix
        )
    ppm = f"{loss.clock_ppm:+.0f} ppm, " if math.isfinite(loss.clock_ppm) else ""
    if verdict == OK and abs(loss.clock_ppm) > CLOCK_PPM:
        verdict = WARN
    fix = "" if verdict == OK else "Its times are doubtful; two such sensors on one leg do not fit together well."
    return Finding(
        what="clock", verdict=verdict, found=f"{ppm}session time within {1e3 * residual:.1f} ms", fix=fix
    )


def _clipped(loss: Loss) -> Finding:
    if not loss.clipped:
        return Finding(what="range", verdict=OK, found="no sample at the end of its range")
    return Finding(
        what="range",
        verdict=WARN,
        found=f"{loss.clipped} samples at the end of its range",
        fix="Set the sensor to at least 16 g and 2000 deg/s.",
    )


def _bias(acc: np.ndarray, gyr: np.ndarray, rate: float) -> Finding:
    rests = find_rests(acc, gyr, rate)
    if not len(rests):
        return Finding(
            what="gyroscope", verdict=WARN, found="it never lay still", fix="Lay it down for 5 s and check again."
        )
    bias = float(np.linalg.norm(np.median(rests.gyr, axis=0))) / DEGREE
    verdict = OK if bias <= BIAS_DPS else WARN
    fix = "" if verdict == OK else "Let it warm up, and calibrate it with its maker's tool."
    return Finding(what="gyroscope", verdict=verdict, found=f"reads {bias:.2f} deg/s at rest", fix=fix)


def _faces(acc: np.ndarray, gyr: np.ndarray, rate: float) -> list[Finding]:
    faces = find_faces(acc, gyr, rate)
    missing = [name for name in FACES if name not in faces]
    found = []
    for name, face in faces.items():
        off = face.gravity / STANDARD_GRAVITY - 1.0
        verdict = _verdict(abs(off), *OFFSET_G)
        fix = "" if verdict != FAIL else "Its range or unit is not what we think; see its settings."
        found.append(
            Finding(what=f"face {name}", verdict=verdict, found=f"gravity reads {1 + off:.3f} g", fix=fix)
        )
    for axis, (offset, scale) in accelerometer_errors(faces).items():
        told = f"offset {1e3 * offset / STANDARD_GRAVITY:+.0f} mg, scale {100 * scale:+.2f} %"
        found.append(Finding(what=f"axis {axis}", verdict=OK, found=told))
    if missing:
        fix = "For the whole check lay it still for 3 s on each of its six faces."
        found.append(Finding(what="faces", verdict=WARN, found=f"not seen: {', '.join(missing)}", fix=fix))
    return found
