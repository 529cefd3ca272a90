"""What the computer that records must have: room on its disk and charge in its battery."""

from __future__ import annotations

import shutil
from contextlib import suppress
from pathlib import Path
from typing import Final

MIN_FREE_BYTES: Final = 50_000_000
"""A recording stops when less is free: an hour of four sensors at 208 Hz takes about 40 MB (own measure)."""

MIN_CHARGE: Final = 0.03
"""A recording stops at this charge of a battery that is being discharged, while the system still can."""

_POWER: Final = Path("/sys/class/power_supply")


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
