"""What an earlier run left unfinished: found by the lock that it could not take away, and repaired."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from ankle_imu.errors import AnkleImuError
from ankle_imu.recording import is_being_recorded, part_paths, repair_session
from ankle_imu.recording.lock import NAME


def unfinished(root: Path) -> Iterator[Path]:
    """Sessions of a library that were being recorded by a program that is gone."""
    for lock in sorted(root.glob(f"people/*/*/*/{NAME}")):
        if not is_being_recorded(lock.parent) and part_paths(lock.parent):
            yield lock.parent


def mend(root: Path) -> list[tuple[Path, str]]:
    """Repair all unfinished sessions of a library.

    Parameters
    ----------
    root : Path

    Returns
    -------
    list of (folder, problem)
        Each that was looked at; "" where all is well now. Nothing is thrown away, see `recording.repair_session`.
    """
    looked_at = []
    for folder in unfinished(root):
        try:
            repair_session(folder)
            looked_at.append((folder, ""))
        except (AnkleImuError, OSError) as error:
            looked_at.append((folder, str(error)))
    return looked_at
