"""Lines of text over Nordic UART: any home-made sensor that prints one sample a line.

Without a file that says otherwise (see `declared`) the columns are those of `wire.csv_lines`, or those of a header
line when the sensor sends one as it is listened to. Nothing is written to it: its rate is measured.

Sensors over Nordic UART have nothing in common but the characteristics: these are facts of the maker of the
radio, the lines are ours. See `firmware_notes/generic.md`.
"""

from __future__ import annotations

import asyncio
from typing import Any, Final

from ankle_imu.devices import gatt
from ankle_imu.devices.adapter import Deliver, Identity, Link, Sighting, Stream, Wish
from ankle_imu.errors import ProtocolError

SERVICE: Final = "6e400001-b5a3-f393-e0a9-e50e24dcca9e"
WRITE: Final = "6e400002-b5a3-f393-e0a9-e50e24dcca9e"
NOTIFY: Final = "6e400003-b5a3-f393-e0a9-e50e24dcca9e"

MEASURE_S: Final = 2.0
"""Long enough for the first lines and, at 25 Hz and more, for a rate within some percent."""


def match(seen: Sighting) -> int:
    """How surely this is one: the service says nothing of what is sent over it, so any other match goes before."""
    return 25 if SERVICE in seen.service_uuids else 0


class CsvLinesAdapter:
    """One sensor that prints lines, see `devices.adapter.Adapter`."""

    model = "csv_lines"

    def __init__(self) -> None:
        self._config: dict[str, Any] = {}

    async def identify(self, link: Link) -> Identity:
        """Device information where it has some."""
        return await gatt.read_identity(link)

    async def start(self, link: Link, wish: Wish, deliver: Deliver) -> Stream:
        """Listen; at the first time for `MEASURE_S`, to find a header and the rate.

        Raises
        ------
        ProtocolError
            No line came.
        """
        heard: list[tuple[float, bytes]] = []
        is_measured = bool(self._config)

        def receive(payload: bytes) -> None:
            if not is_measured:
                heard.append((asyncio.get_running_loop().time(), payload))
            deliver("packet", payload)

        await link.subscribe(NOTIFY, receive)
        if not is_measured:
            await asyncio.sleep(MEASURE_S)
            self._config = {
                "header": _has_header(b"".join(payload for _, payload in heard)),
                "nominal_rate_hz": _measure_rate(heard, link.identifier),
            }
            is_measured = True
        return Stream(protocol="csv_lines", config=self._config)

    async def stop(self, link: Link) -> None:
        """Listen no more."""
        await link.unsubscribe(NOTIFY)

    async def battery(self, link: Link) -> float:
        """Charge by the battery service; NaN when it has none."""
        return await gatt.read_battery(link)


def _has_header(text: bytes) -> bool:
    """Whether a line, whole or cut at its begin, names the acceleration."""
    return b"acc_" in text


def _measure_rate(heard: list[tuple[float, bytes]], identifier: str) -> float:
    """Lines per second by their arrival, Hz, three digits."""
    passed = heard[-1][0] - heard[0][0] if heard else 0.0
    lines = sum(payload.count(b"\n") for _, payload in heard[1:])
    if passed <= 0.0 or not lines:
        payload = b"".join(payload for _, payload in heard)
        raise ProtocolError(
            f"{identifier} sent {len(payload)} bytes and not two lines in {MEASURE_S:g} s; expected samples, one "
            "a line. If it sends something else, or waits for a command, describe it in a TOML file.",
            payload=payload[:200],
            identifier=identifier,
        )
    return float(f"{lines / passed:.3g}")
