r"""Sensors that their owner describes in a TOML file: any home-made one, without a line of Python.

    name = "Shin logger"                 # what it is called here
    name_prefix = "ShinIMU"              # how its advertised name begins; or, to recognise it by,
    service = "6e400001-b5a3-f393-e0a9-e50e24dcca9e"
    notify = "6e400003-b5a3-f393-e0a9-e50e24dcca9e"      # where its packets come from
    write = "6e400002-b5a3-f393-e0a9-e50e24dcca9e"       # where it takes commands; optional, as all below
    start = [0xA5, 0x01]                 # bytes, or a text such as "go\n"
    stop = [0xA5, 0x00]
    has_response = true                  # false: commands are written without acknowledgement
    battery = "2a19"                     # percent in the first byte; this is also what is tried when not given
    nominal_rate_hz = 104

    [packets]                            # what `wire.declared` says of their layout; or
    [lines]                              # what `wire.csv_lines` says of lines of text

UUIDs may be written short, "2a19", where they are of the Bluetooth SIG. See `firmware_notes/generic.md`.
"""

from __future__ import annotations

import asyncio
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from ankle_imu import wire
from ankle_imu.devices import gatt
from ankle_imu.devices.adapter import Deliver, Identity, Link, Sighting, Stream, Wish

SETTLE_S: Final = 0.2
"""What a sensor told to stop may still send (own choice: several connection intervals)."""

_TEXTS: Final = ("name", "name_prefix")
_UUIDS: Final = ("service", "notify", "write", "battery")
_COMMANDS: Final = ("start", "stop")
_LAYOUTS: Final = {"packets": "declared", "lines": "csv_lines"}
_KEYS: Final = (*_TEXTS, *_UUIDS, *_COMMANDS, "has_response", "nominal_rate_hz", *_LAYOUTS)
_SHORT: Final = re.compile(r"(?:0x)?([0-9a-f]{4})")
_LONG: Final = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


@dataclass(frozen=True, kw_only=True)
class SensorDeclaration:
    """A home-made sensor; "" and b"" for what it has not.

    Parameters
    ----------
    name, name_prefix : str
    service, notify, write, battery : str, UUIDs, 128 bit, lower case
    start, stop : bytes
    has_response : bool
    protocol : str, `declared` or `csv_lines`
    config : mapping, how `wire` reads its packets, with `nominal_rate_hz` where it is told
    """

    name: str
    name_prefix: str
    service: str
    notify: str
    write: str
    battery: str
    start: bytes
    stop: bytes
    has_response: bool
    protocol: str
    config: Mapping[str, Any]


def load_declaration(path: str | Path) -> SensorDeclaration:
    """Read the file that describes a sensor.

    Raises
    ------
    ValueError
        If it is no TOML, or does not describe one; the message says what was found and what was expected.
    OSError
        If it cannot be read.
    """
    file = Path(path)
    try:
        return read_declaration(tomllib.loads(file.read_text("utf-8")))
    except ValueError as error:
        raise ValueError(f"{file.name}: {error}") from error


def read_declaration(told: Mapping[str, Any]) -> SensorDeclaration:
    """A sensor out of the table of such a file.

    Raises
    ------
    ValueError
        If it does not describe one.
    """
    unknown = sorted(set(told) - set(_KEYS))
    if unknown:
        raise ValueError(f"Found {', '.join(unknown)}; expected only {', '.join(_KEYS)}.")
    uuids = {key: _read_uuid(told, key) for key in _UUIDS}
    commands = {key: _read_command(told, key) for key in _COMMANDS}
    texts = {key: _read(told, key, str, "") for key in _TEXTS}
    if not uuids["notify"]:
        raise ValueError("Found no `notify`; expected the UUID of the characteristic that sends the packets.")
    if not (texts["name_prefix"] or uuids["service"]):
        raise ValueError("Found neither `name_prefix` nor `service`; expected one to recognise the sensor by.")
    if any(commands.values()) and not uuids["write"]:
        raise ValueError("Found a command but no `write`; expected the UUID of the characteristic that takes it.")
    protocol, config = _read_layout(told)
    wire.decode(protocol, [], config)  # for what it says when the layout is wrong
    return SensorDeclaration(
        name=texts["name"] or texts["name_prefix"] or "home-made",
        name_prefix=texts["name_prefix"],
        has_response=_read(told, "has_response", bool, True),
        protocol=protocol,
        config=config,
        service=uuids["service"],
        notify=uuids["notify"],
        write=uuids["write"],
        battery=uuids["battery"],
        start=commands["start"],
        stop=commands["stop"],
    )


def match(seen: Sighting, declaration: SensorDeclaration) -> int:
    """How surely this is the declared sensor: by its name, or less surely by its service."""
    if declaration.name_prefix:
        return 100 if seen.name.startswith(declaration.name_prefix) else 0
    return 96 if declaration.service in seen.service_uuids else 0


class DeclaredAdapter:
    """One sensor that a file describes, see `devices.adapter.Adapter`."""

    def __init__(self, declaration: SensorDeclaration, *, model: str = "declared") -> None:
        self.model = model
        self.declaration = declaration

    async def identify(self, link: Link) -> Identity:
        """Device information where it has some; its model is the declared name."""
        identity = await gatt.read_identity(link)
        return replace(identity, model=self.declaration.name, battery=await self.battery(link))

    async def start(self, link: Link, wish: Wish, deliver: Deliver) -> Stream:
        """Subscribe, then write the start command; rate and ranges are what the sensor has."""
        declaration = self.declaration
        await link.subscribe(declaration.notify, lambda payload: deliver("packet", payload))
        await self._write(link, declaration.start)
        return Stream(protocol=declaration.protocol, config=declaration.config)

    async def stop(self, link: Link) -> None:
        """Write the stop command, then unsubscribe."""
        await self._write(link, self.declaration.stop)
        await asyncio.sleep(SETTLE_S)
        await link.unsubscribe(self.declaration.notify)

    async def battery(self, link: Link) -> float:
        """Charge by the declared characteristic, else by the battery service."""
        return await gatt.read_battery(link, self.declaration.battery or gatt.BATTERY_LEVEL)

    async def _write(self, link: Link, command: bytes) -> None:
        if command:
            await link.write(self.declaration.write, command, response=self.declaration.has_response)


def _read(told: Mapping[str, Any], key: str, kind: type, default: Any) -> Any:
    value = told.get(key, default)
    if not isinstance(value, kind):
        raise ValueError(f"Found {key} = {value!r}; expected a {kind.__name__}.")
    return value


def _read_uuid(told: Mapping[str, Any], key: str) -> str:
    text = _read(told, key, str, "").lower()
    short = _SHORT.fullmatch(text)
    if short:
        return f"0000{short[1]}-0000-1000-8000-00805f9b34fb"
    if text and not _LONG.fullmatch(text):
        raise ValueError(f"Found {key} = {told[key]!r}; expected a UUID of 4 or of 32 hexadecimal digits.")
    return str(text)


def _read_command(told: Mapping[str, Any], key: str) -> bytes:
    value = told.get(key, b"")
    if isinstance(value, str):
        return value.encode()
    try:
        return bytes(value)
    except (TypeError, ValueError):
        raise ValueError(f"Found {key} = {value!r}; expected a text, or a list of numbers 0 to 255.") from None


def _read_layout(told: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """Protocol and configuration."""
    given = [key for key in _LAYOUTS if key in told]
    if len(given) != 1:
        raise ValueError(f"Found {' and '.join(given) or 'no layout'}; expected a table [packets] or [lines].")
    config = dict(_read(told, given[0], dict, {}))
    if "nominal_rate_hz" in told:
        rate = told["nominal_rate_hz"]
        if isinstance(rate, bool) or not isinstance(rate, int | float) or not 0 < rate < float("inf"):
            raise ValueError(f"Found nominal_rate_hz = {rate!r}; expected a positive number of Hz.")
        config["nominal_rate_hz"] = float(rate)
    return _LAYOUTS[given[0]], config
