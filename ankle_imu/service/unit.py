"""The unit that systemd runs the recorder by: its text, and nothing else. Pure.

The recorder needs the system's D-Bus, over which BlueZ hands it even the packets, one folder to write to, and
nothing else: no network, no device, no privilege. `systemd-analyze security` gives it 0.4 (systemd 252; 10 is a
program that may do everything); a test holds it to that.

References
----------
systemd.exec(5), systemd.service(5), systemd.resource-control(5), systemd-analyze(1).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

NAME: Final = "ankle-imu.service"
RUNTIME: Final = "ankle-imu"
"""Folder below /run that is the service's own while it runs; the status file is there."""
STATUS_FILE: Final = "status.json"
WATCHDOG_S: Final = 60
"""Without a sign of life for so long it is started anew. The program gives one a second; its longest pause is
that of a disk that does not answer, of which the writer's thread, not the loop, takes most (own choice)."""
STOP_S: Final = 200
"""What a sensor still has is fetched for at most 120 s, see `capture.linked`, and disconnections take 8 s each."""
RESTART_S: Final = 2

_CLOSED: Final = (
    "NoNewPrivileges=yes",
    "CapabilityBoundingSet=",
    "AmbientCapabilities=",
    "RestrictSUIDSGID=yes",
    "RemoveIPC=yes",
    "UMask=0077",
    "ProtectSystem=strict",
    "PrivateMounts=yes",
    "PrivateTmp=yes",
    "PrivateDevices=yes",
    "DevicePolicy=closed",
    "PrivateNetwork=yes",
    "IPAddressDeny=any",
    "RestrictAddressFamilies=AF_UNIX",
    "ProtectHostname=yes",
    "ProtectClock=yes",
    "ProtectKernelModules=yes",
    "ProtectKernelLogs=yes",
    "ProtectKernelTunables=yes",
    "ProtectControlGroups=yes",
    "ProtectProc=invisible",
    "ProcSubset=all",
    "RestrictNamespaces=yes",
    "RestrictRealtime=yes",
    "LockPersonality=yes",
    "SystemCallArchitectures=native",
    "SystemCallFilter=@system-service",
    "SystemCallFilter=~@privileged @resources",
    "SystemCallErrorNumber=EPERM",
)
"""Not `MemoryDenyWriteExecute`: the foreign calls of D-Bus and NumPy's wheels need such pages on some processors.
`/proc` is there whole, because the name of the boot stands in it."""


@dataclass(frozen=True, kw_only=True)
class UnitPlan:
    """What the unit is to run.

    Parameters
    ----------
    program : tuple of str, command with its words, the first an absolute path
    library : Path, absolute, of the library
    user : str, who owns the library
    groups : tuple of str, further groups, such as `bluetooth`
    readable : tuple of Path, folders below the homes that the program is installed in
    led : Path or None, file of a light

    Raises
    ------
    ValueError
        If a path is relative or holds a colon, a word holds a line break, or the user is root.
    """

    program: tuple[str, ...]
    library: Path
    user: str
    groups: tuple[str, ...] = ()
    readable: tuple[Path, ...] = ()
    led: Path | None = None

    def __post_init__(self) -> None:
        paths = [Path(self.program[0]), self.library, *self.readable, *([self.led] if self.led else [])]
        for path in paths:
            if not path.is_absolute():
                raise ValueError(f"{path} must be an absolute path.")
            if ":" in str(path):
                raise ValueError(f"{path} has a colon, which systemd reads as the end of a path.")
        words = [*self.program, *map(str, paths), self.user, *self.groups]
        if any(ord(letter) < 32 for word in words for letter in word):
            raise ValueError("A path, name or word holds a line break or another control character.")
        if self.user in ("", "root", "0"):
            raise ValueError("The recorder must not run as root; name the user whose library it is.")


def unit_text(plan: UnitPlan) -> str:
    """Text of the unit.

    Parameters
    ----------
    plan : UnitPlan

    Returns
    -------
    str
        A `.service` file.
    """
    writable = [plan.library, *([plan.led] if plan.led else [])]
    home = [f"BindReadOnlyPaths={_quoted(path)}" for path in plan.readable]
    home += [f"BindPaths={_quoted(plan.library)}"]
    lines = [
        "# Written by `ankle-imu service install`; `ankle-imu service uninstall` removes it.",
        "[Unit]",
        "Description=Ankle IMU recorder: waits for its sensors and records while they move",
        "After=bluetooth.service dbus.socket",
        "Wants=bluetooth.service",
        "StartLimitIntervalSec=0",
        "",
        "[Service]",
        "Type=notify",
        "NotifyAccess=main",
        f"ExecStart={' '.join(_quoted(word).replace('$', '$$') for word in plan.program)}",
        "Restart=always",
        f"RestartSec={RESTART_S}",
        f"WatchdogSec={WATCHDOG_S}",
        f"TimeoutStopSec={STOP_S}",
        "KillSignal=SIGTERM",
        f"User={plan.user}",
        *([f"SupplementaryGroups={' '.join(plan.groups)}"] if plan.groups else []),
        f"RuntimeDirectory={RUNTIME}",
        "RuntimeDirectoryMode=0755",
        f"Environment={_quoted(f'ANKLE_IMU_LIBRARY={plan.library}')}",
        f"Environment=PYTHONDONTWRITEBYTECODE=1 HOME=/run/{RUNTIME} ANKLE_IMU_CONFIG=/run/{RUNTIME}",
        "LogRateLimitIntervalSec=30",
        "LogRateLimitBurst=300",
        "",
        "# What it may: write to its library, read its program, speak to the system's D-Bus.",
        "ProtectHome=tmpfs",
        *home,
        *(f"ReadWritePaths={_quoted(path)}" for path in writable),
        "",
        "# What it may not.",
        *_CLOSED,
        "",
        "[Install]",
        "WantedBy=multi-user.target",
    ]
    return "\n".join(lines) + "\n"


def _quoted(word: str | Path) -> str:
    """A word as systemd reads it back."""
    text = str(word).replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%")
    plain = "/-_.=:,+@~%"
    return text if text and all(c.isalnum() or c in plain for c in text) else f'"{text}"'
