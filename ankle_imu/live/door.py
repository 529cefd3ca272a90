"""Who may come in: the code, the cookie, where a request comes from, and how often it may ask.

On loopback only this computer's own programs reach the server, and no code is asked; the checks of `Origin` and
`Host` keep pages of other sites out all the same.

References
----------
RFC 6265bis (SameSite), RFC 6455 section 10.2 (Origin of a socket), OWASP WebSocket Security Cheat Sheet.
"""

from __future__ import annotations

import hmac
import ipaddress
import secrets
import socket
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

COOKIE: Final = "ankle_imu_live"
TRIES: Final = 5
TRIES_S: Final = 60.0
"""Codes that one address may try in so many seconds; all addresses together four times as many. At 20 tries a
minute a code of six digits stands for 17 days of trying in the middle (own choice)."""

TRIES_OF_ALL: Final = 20
MOST_GUESTS: Final = 32
MOST_ADDRESSES: Final = 1024


@dataclass
class Bucket:
    """At most `size` at once, and `per_s` a second after that."""

    size: float
    per_s: float
    now: Callable[[], float]
    left: float = field(init=False)
    at: float = field(init=False)

    def __post_init__(self) -> None:
        self.left, self.at = self.size, self.now()

    def take(self) -> bool:
        """Take one; False when there is none."""
        now = self.now()
        self.left = min(self.size, self.left + (now - self.at) * self.per_s)
        self.at = now
        if self.left < 1.0:
            return False
        self.left -= 1.0
        return True


class Door:
    """Lets in who knows the code.

    Parameters
    ----------
    needs_code : bool
    now : clock, s
    """

    def __init__(self, *, needs_code: bool, now: Callable[[], float]) -> None:
        self.code = f"{secrets.randbelow(10**6):06d}" if needs_code else ""
        self._now = now
        self._tokens: list[str] = []
        self._all = Bucket(TRIES_OF_ALL, TRIES_OF_ALL / TRIES_S, now)
        self._each: dict[str, Bucket] = {}

    def enter(self, code: str, address: str) -> str | None:
        """A token for the cookie; "" when the code is wrong; None when it was tried too often."""
        if not self.code:
            return ""
        bucket = self._each.get(address)
        if bucket is None:
            if len(self._each) >= MOST_ADDRESSES:
                self._each.pop(next(iter(self._each)))
            bucket = self._each[address] = Bucket(TRIES, TRIES / TRIES_S, self._now)
        if not bucket.take() or not self._all.take():
            return None
        if not hmac.compare_digest(code.encode(), self.code.encode()):
            return ""
        self._tokens = [*self._tokens[-MOST_GUESTS + 1 :], secrets.token_urlsafe(32)]
        return self._tokens[-1]

    def knows(self, token: str) -> bool:
        """Whether this cookie was given out here; always without a code."""
        if not self.code:
            return True
        return any(hmac.compare_digest(token.encode(), known.encode()) for known in self._tokens)


def is_own_host(host: str) -> bool:
    """Whether a `Host` header names this computer: an address, `localhost` or its own name.

    A foreign site whose name was made to lead here (DNS rebinding) is none of these.

    Examples
    --------
    >>> is_own_host("192.168.4.1:8765"), is_own_host("[::1]:8765"), is_own_host("evil.example:8765")
    (True, True, False)
    """
    name = host.rpartition(":")[0] if ":" in host.rpartition("]")[2] else host
    name = name.strip("[]").lower().rstrip(".")
    own = socket.gethostname().lower()
    if name in ("localhost", own, f"{own.partition('.')[0]}.local"):
        return True
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def is_own_origin(origin: str, host: str, *, is_needed: bool) -> bool:
    """Whether a request comes from our own page; a browser leaves `Origin` out only where it is not needed.

    Examples
    --------
    >>> is_own_origin("http://10.0.0.2:8765", "10.0.0.2:8765", is_needed=True)
    True
    >>> is_own_origin("http://evil.example", "10.0.0.2:8765", is_needed=False)
    False
    """
    if not origin:
        return not is_needed
    return origin.lower() == f"http://{host.lower()}"
