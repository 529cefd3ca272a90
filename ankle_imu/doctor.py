"""Is this computer ready to record? Each finding says what was found and, where it is wrong, what to do."""

from __future__ import annotations

import platform
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from ankle_imu.capture import host
from ankle_imu.devices.adapter import Radio
from ankle_imu.errors import AnkleImuError, BluetoothUnavailable
from ankle_imu.findings import FAIL, OK, WARN, Finding
from ankle_imu.library import load_sensors

PYTHONS: Final = ((3, 11), (3, 13))
"""Oldest and newest Python that all libraries have packages for."""

BLUEZ_NEEDED: Final = (5, 55)
"""Oldest BlueZ that bleak works with (bleak 3.1, its own check)."""
BLUEZ_WISHED: Final = (5, 62)
"""From here on BlueZ tells the true size of a notification (its `MTU` property)."""

ROOMY_BYTES: Final = 1_000_000_000
EARLIEST: Final = datetime(2026, 1, 1, tzinfo=UTC)
"""A clock before this was never set: the package is younger."""

SCAN_S: Final = 2.0
_ADAPTERS: Final = Path("/sys/class/bluetooth")


async def examine(radio: Radio, root: Path) -> tuple[Finding, ...]:
    """Look at everything a recording needs.

    Parameters
    ----------
    radio : Radio
    root : Path of the library

    Returns
    -------
    tuple of Finding
        python, bluetooth, bluez (Linux only), adapter (Linux only), sensors, disk, battery, clock.
    """
    found = [look_at_python(sys.version_info[:2])]
    found.append(await look_at_bluetooth(radio))
    if sys.platform == "linux":
        found += [look_at_bluez(_ask("bluetoothctl", "--version")), look_at_adapter()]
    found += [look_at_sensors(root), look_at_disk(root), look_at_battery(host.charge())]
    found.append(look_at_clock(datetime.now(UTC), host.is_clock_synchronised()))
    return tuple(found)


def look_at_python(version: tuple[int, int]) -> Finding:
    """Whether this Python is one of those we know."""
    oldest, newest = PYTHONS
    told = f"Python {version[0]}.{version[1]} on {platform.system()} {platform.machine()}"
    if oldest <= version <= newest:
        return Finding(what="python", verdict=OK, found=told)
    return Finding(
        what="python",
        verdict=WARN,
        found=told,
        fix=f"Use Python {oldest[0]}.{oldest[1]} to {newest[0]}.{newest[1]}; others are not tested.",
    )


async def look_at_bluetooth(radio: Radio) -> Finding:
    """Whether a scan works, which needs the service, the permission and a powered adapter."""
    try:
        seen = await radio.scan(SCAN_S)
    except BluetoothUnavailable as error:
        found, _, fix = str(error).partition("; ")
        return Finding(what="bluetooth", verdict=FAIL, found=found, fix=fix[:1].upper() + fix[1:] or str(error))
    except Exception as error:  # whatever the system says, doctor says it too
        return Finding(
            what="bluetooth",
            verdict=FAIL,
            found=f"a scan failed: {str(error) or type(error).__name__}",
            fix="Switch Bluetooth off and on again; if that does not help, restart the computer.",
        )
    return Finding(what="bluetooth", verdict=OK, found=f"a scan works; {len(seen)} devices in {SCAN_S:g} s")


def look_at_bluez(version: str) -> Finding:
    """Whether BlueZ, named by the text of `bluetoothctl --version`, is new enough."""
    match = re.search(r"(\d+)\.(\d+)", version)
    if match is None:
        return Finding(
            what="bluez",
            verdict=WARN,
            found="its version is not known (there is no bluetoothctl)",
            fix=f"BlueZ {_dotted(BLUEZ_NEEDED)} or later is needed: `sudo apt install bluez`.",
        )
    have = int(match[1]), int(match[2])
    if have >= BLUEZ_WISHED:
        return Finding(what="bluez", verdict=OK, found=f"BlueZ {_dotted(have)}")
    is_usable = have >= BLUEZ_NEEDED
    return Finding(
        what="bluez",
        verdict=WARN if is_usable else FAIL,
        found=f"BlueZ {_dotted(have)}",
        fix=f"Update it: {_dotted(BLUEZ_WISHED)} or later tells how much fits in a notification."
        if is_usable
        else f"Update it: {_dotted(BLUEZ_NEEDED)} or later is needed.",
    )


def look_at_adapter(folder: Path = _ADAPTERS) -> Finding:
    """Whether the kernel knows an adapter."""
    known = sorted(path.name for path in folder.glob("hci*") if ":" not in path.name)
    if known:
        return Finding(what="adapter", verdict=OK, found=", ".join(known))
    return Finding(
        what="adapter",
        verdict=FAIL,
        found="the kernel knows no Bluetooth adapter",
        fix="Plug in a USB dongle (Bluetooth 4.0 or later); `rfkill list` shows whether one is blocked.",
    )


def look_at_sensors(root: Path) -> Finding:
    """Whether sensors are saved, and all their files can be read."""
    try:
        worn = [sensor.placement for sensor in load_sensors(root) if sensor.placement]
    except AnkleImuError as error:
        found, _, fix = str(error).partition(". ")
        return Finding(what="sensors", verdict=FAIL, found=found, fix=fix or "Look at that file.")
    if worn:
        return Finding(what="sensors", verdict=OK, found=", ".join(worn) + " saved")
    return Finding(
        what="sensors", verdict=WARN, found="none is saved", fix="`ankle-imu scan`, then `ankle-imu sensors add`."
    )


def look_at_disk(root: Path, free: Callable[[Path], int] = host.free_bytes) -> Finding:
    """Whether the library can be written to and has room."""
    there = next(folder for folder in (root, *root.parents) if folder.exists())
    try:
        with tempfile.TemporaryFile(dir=there):
            pass
    except OSError as error:
        return Finding(
            what="disk",
            verdict=FAIL,
            found=f"{there} cannot be written to: {error.strerror or error}",
            fix="Choose another folder with --library or ANKLE_IMU_LIBRARY.",
        )
    room = free(root)
    told = f"{room / 1e9:.1f} GB free at {root}" if room >= 0 else f"{root}; its free space is not known"
    if room < 0 or room >= ROOMY_BYTES:
        return Finding(what="disk", verdict=OK, found=told)
    verdict = WARN if room >= host.MIN_FREE_BYTES else FAIL
    return Finding(what="disk", verdict=verdict, found=told, fix="Make room, or choose another folder.")


def look_at_battery(charge: float) -> Finding:
    """Whether this computer will last; `charge` as a share, NaN on mains."""
    if not charge < 1.0:
        return Finding(what="battery", verdict=OK, found="on mains, or none that tells")
    is_low = charge <= 0.2
    fix = f"Charge it: a recording is ended at {100 * host.MIN_CHARGE:.0f} %." if is_low else ""
    return Finding(what="battery", verdict=WARN if is_low else OK, found=f"{100 * charge:.0f} %", fix=fix)


def look_at_clock(now: datetime, is_synchronised: bool | None) -> Finding:
    """Whether the clock can be believed; `is_synchronised` is None where the system does not tell."""
    told = f"{now:%Y-%m-%d %H:%M} UTC"
    if now < EARLIEST:
        return Finding(what="clock", verdict=FAIL, found=f"{told}: never set", fix="Set the date and time.")
    if is_synchronised is False:
        return Finding(
            what="clock",
            verdict=WARN,
            found=f"{told}, not synchronised",
            fix="Go online for a moment, or check the time by hand: sessions are dated by it.",
        )
    return Finding(what="clock", verdict=OK, found=told + (", synchronised" if is_synchronised else ""))


def exit_code(findings: tuple[Finding, ...]) -> int:
    """0 without a FAIL; 6 when only disk, clock or files in the library fail, else 3."""
    failed = {finding.what for finding in findings if finding.verdict == FAIL}
    return 0 if not failed else 6 if failed <= {"disk", "clock", "sensors"} else 3


def _dotted(version: tuple[int, int]) -> str:
    return f"{version[0]}.{version[1]}"


def _ask(*command: str) -> str:
    """What a program prints; "" when it is not there or fails."""
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=5, check=True).stdout
    except (OSError, subprocess.SubprocessError):
        return ""
