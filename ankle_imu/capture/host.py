"""The computer that records: room on its disk, charge in its battery, and what its clocks are worth."""

from __future__ import annotations

import shutil
import subprocess
import time
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Final

MIN_FREE_BYTES: Final = 50_000_000
"""A recording stops when less is free: an hour of four sensors at 208 Hz takes about 40 MB (own measure)."""

MIN_CHARGE: Final = 0.03
"""A recording stops at this charge of a battery that is being discharged, while the system still can."""

_POWER: Final = Path("/sys/class/power_supply")
_BOOT_ID: Final = Path("/proc/sys/kernel/random/boot_id")


def free_bytes(path: Path) -> int:
    """Bytes free where `path` is or will be; -1 where the system does not tell."""
    for folder in (path, *path.parents):
        with suppress(OSError):
            return shutil.disk_usage(folder).free
    return -1


def charge(power: Path = _POWER) -> float:
    """Charge of the battery this computer runs on, share 0..1; NaN on mains or where it is not known."""
    lowest = float("nan")
    for supply in sorted(power.glob("*")) if power.is_dir() else ():
        with suppress(OSError, ValueError):
            if (supply / "type").read_text().strip() == "Battery":
                status = (supply / "status").read_text().strip()
                share = int((supply / "capacity").read_text()) / 100
                if status == "Discharging" and not lowest <= share:
                    lowest = share
    return lowest


@cache
def boot_id() -> str:
    """Name of this boot of the computer; "" where the system gives none."""
    try:
        return _BOOT_ID.read_text().strip()
    except OSError:
        return ""


def boot_s() -> float:
    """Seconds since the computer started, sleep included; nothing steps this clock. NaN where there is none."""
    if hasattr(time, "CLOCK_BOOTTIME"):
        return time.clock_gettime(time.CLOCK_BOOTTIME)
    return float("nan")


def is_clock_synchronised() -> bool | None:
    """Whether the wall clock was set by a time server; None where the system does not tell. May take seconds."""
    command = ("timedatectl", "show", "-p", "NTPSynchronized", "--value")
    try:
        told = subprocess.run(command, capture_output=True, text=True, timeout=5, check=True).stdout
    except (OSError, subprocess.SubprocessError):
        return None
    return {"yes": True, "no": False}.get(told.strip())
