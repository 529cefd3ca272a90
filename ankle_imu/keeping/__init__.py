"""Keep a library safe and private: checked, moved, removed, packed into one file and brought back."""

from __future__ import annotations

from ankle_imu.keeping.backup import Backup, Positions, write_backup
from ankle_imu.keeping.inventory import Stored, inventory
from ankle_imu.keeping.moving import move_session
from ankle_imu.keeping.removal import Doomed, doomed, remove_person, remove_results, remove_session
from ankle_imu.keeping.restore import Restored, restore_backup
from ankle_imu.keeping.verify import Leftover, SessionCheck, check_session, leftovers

__all__ = [
    "Backup",
    "Doomed",
    "Leftover",
    "Positions",
    "Restored",
    "SessionCheck",
    "Stored",
    "check_session",
    "doomed",
    "inventory",
    "leftovers",
    "move_session",
    "remove_person",
    "remove_results",
    "remove_session",
    "restore_backup",
    "write_backup",
]
