"""A word to systemd: one datagram to the socket that it names in the environment.

References
----------
sd_notify(3), systemd.service(5): `Type=notify`, `WatchdogSec=`.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping
from contextlib import suppress


def notify(*words: str, environ: Mapping[str, str] = os.environ) -> bool:
    """Tell systemd; whether it was told.

    Parameters
    ----------
    words : such as `READY=1`, `WATCHDOG=1`, `STATUS=recording`
    environ : mapping; without `NOTIFY_SOCKET` in it there is nobody to tell
    """
    address = environ.get("NOTIFY_SOCKET", "")
    if not address or not hasattr(socket, "AF_UNIX"):
        return False
    if address.startswith("@"):  # a name in the abstract space
        address = "\0" + address[1:]
    with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as channel:
        channel.setblocking(False)
        channel.sendto("\n".join(words).encode(), address)
        return True
    return False
