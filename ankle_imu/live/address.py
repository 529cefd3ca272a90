"""Where a page can be opened, and how a phone gets there without typing: addresses and the QR code."""

from __future__ import annotations

import io
import socket
from contextlib import suppress


def own_address() -> str:
    """Address of this computer in its network, as far as it can be told; loopback otherwise.

    Notes
    -----
    Connecting a datagram socket sends nothing: it only chooses the interface (192.0.2.0/24 is set aside for
    documentation, RFC 5737).
    """
    with suppress(OSError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect(("192.0.2.1", 9))
        return str(probe.getsockname()[0])
    return "127.0.0.1"


def page_url(host: str, port: int, code: str = "") -> str:
    """Address of the page; the code behind `#` is never sent in a request.

    Examples
    --------
    >>> page_url("192.168.4.1", 8765, "012345")
    'http://192.168.4.1:8765/#012345'
    """
    if host in ("0.0.0.0", "::"):
        host = own_address()
    name = f"[{host}]" if ":" in host else host
    return f"http://{name}:{port}/" + (f"#{code}" if code else "")


def qr_lines(text: str) -> str:
    """A QR code for a terminal, two rows of it in each line."""
    import segno

    drawn = io.StringIO()
    segno.make(text, error="l", micro=False).terminal(out=drawn, compact=True, border=2)
    return drawn.getvalue()
