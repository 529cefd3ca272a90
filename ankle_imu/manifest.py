"""The text of `session.toml` <-> `SessionInfo`, and how a session is named. No files here.

TOML is read by the standard library. It is written by the few lines below: flat tables of text, numbers and
lists need no library, and JSON's string escapes are TOML's.
"""

from __future__ import annotations

import json
import math
import re
import secrets
import string
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import fields
from datetime import UTC, datetime
from typing import Any, Final

from ankle_imu.errors import CorruptRecording, UnknownFormatVersion
from ankle_imu.values import SensorInfo, SessionInfo

FORMAT_VERSION: Final = 1
FILE_NAME: Final = "session.toml"

NOTES: Final = (
    "alias", "load_kg", "footwear", "brace", "surface", "tags", "note", "consent", "affected_leg",
)  # fmt: skip
"""Fields of `SessionInfo` that no analysis reads, but for the gait that a tag tells: they may be edited later."""

_ALIAS: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_BARE_KEY: Final = re.compile(r"[A-Za-z0-9_-]+")
_TEXTS: Final = tuple(f.name for f in fields(SessionInfo) if f.type == "str")
_SENSOR_TEXTS: Final = tuple(f.name for f in fields(SensorInfo) if f.type == "str" and f.name != "placement")
_SENSOR_NUMBERS: Final = tuple(f.name for f in fields(SensorInfo) if f.type == "float")


def random_letters(n: int = 4) -> str:
    """`n` random lower-case letters."""
    return "".join(secrets.choice(string.ascii_lowercase) for _ in range(n))


def new_session_id(started: datetime) -> str:
    """Name of a session that started then: `<YYYY-MM-DDTHHMMSSZ>_<4 random letters>`, UTC."""
    return f"{started.astimezone(UTC):%Y-%m-%dT%H%M%SZ}_{random_letters()}"


def parse_utc(text: str) -> datetime:
    """Instant written in ISO 8601, in UTC (a time without a zone is UTC); `ValueError` names what was found."""
    try:
        instant = datetime.fromisoformat(text)
    except ValueError as error:
        raise ValueError(f"{text!r} is not a time; expected ISO 8601 such as 2026-11-22T09:00:00Z.") from error
    return instant.replace(tzinfo=UTC) if instant.tzinfo is None else instant.astimezone(UTC)


def format_utc(instant: datetime) -> str:
    """Instant as ISO 8601 in UTC, ending in Z; parts of a second only where there are any."""
    return instant.astimezone(UTC).isoformat().replace("+00:00", "Z")


def is_alias(text: str) -> bool:
    """Whether `text` can name a folder on every system."""
    return bool(_ALIAS.fullmatch(text)) and not text.endswith(".")


def check_alias(alias: str) -> str:
    """Return `alias` if it can name a folder on every system, else raise `ValueError`."""
    if not is_alias(alias):
        raise ValueError(f"{alias!r} cannot be an alias; use letters, digits and . _ -, for example P-kqzt.")
    return alias


def to_toml(info: SessionInfo) -> str:
    """Text of `session.toml`. Numbers that are unknown (NaN) are left out; unknown texts stay to be filled in."""
    lines = [
        "# One session. You may edit this file; the recording itself is in raw/.",
        f"format_version = {FORMAT_VERSION}",
        *(f"{name} = {_value(getattr(info, name))}" for name in _TEXTS),
        f"tags = {_value(info.tags)}",
        *_table("load_kg", info.load_kg),
    ]
    return "\n".join(lines) + "\n" + "".join(map(sensor_toml, info.sensors.values()))


def sensor_toml(sensor: SensorInfo) -> str:
    """The table of one sensor, an empty line before it."""
    values = {name: getattr(sensor, name) for name in (*_SENSOR_TEXTS, *_SENSOR_NUMBERS)}
    return "\n".join(_table(f"sensors.{_key(sensor.placement)}", values)) + "\n"


def from_toml(text: str, path: str = FILE_NAME) -> SessionInfo:
    """Read the text of `session.toml`.

    Parameters
    ----------
    text : str
    path : str, named in errors

    Returns
    -------
    SessionInfo

    Raises
    ------
    CorruptRecording
        If the text is no TOML, lacks its format version, or a value has the wrong type or is not allowed.
    UnknownFormatVersion
        If a newer version of the package wrote it.
    """
    try:
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise CorruptRecording(f"{path} is no valid TOML: {error}.", path=path) from error
    _check_version(content.get("format_version"), path)
    try:
        return SessionInfo(
            **{name: _text(content, name) for name in _TEXTS},
            tags=tuple(str(tag) for tag in _typed(content, "tags", list)),
            load_kg={leg: float(kg) for leg, kg in _typed(content, "load_kg", dict).items()},
            sensors={p: _sensor(p, _as_table(s, p)) for p, s in _typed(content, "sensors", dict).items()},
        )
    except (ValueError, TypeError) as error:
        raise CorruptRecording(f"{path}: {error}", path=path) from error


def quoted(text: str) -> str:
    """Text as a TOML string."""
    return _value(str(text))


def _check_version(version: Any, path: str) -> None:
    if not isinstance(version, int) or isinstance(version, bool) or version < 1:
        raise CorruptRecording(
            f"{path} has no valid format_version (found {version!r}); expected {FORMAT_VERSION}.", path=path
        )
    if version > FORMAT_VERSION:
        raise UnknownFormatVersion(
            f"{path} has format_version {version}, this package reads up to {FORMAT_VERSION}; update ankle-imu.",
            path=path,
        )


def _sensor(placement: str, table: Mapping[str, Any]) -> SensorInfo:
    values: dict[str, Any] = {name: _text(table, name) for name in _SENSOR_TEXTS}
    values |= {name: float(table[name]) for name in _SENSOR_NUMBERS if name in table}
    return SensorInfo(placement=placement, **values)


def _text(table: Mapping[str, Any], name: str) -> str:
    value = table.get(name, "")
    if isinstance(value, datetime):
        return format_utc(value if value.tzinfo else value.replace(tzinfo=UTC))
    if not isinstance(value, str):
        raise ValueError(f"`{name}` is {value!r}; expected text in quotes.")
    return value


def _typed(table: Mapping[str, Any], name: str, kind: type) -> Any:
    value = table.get(name, kind())
    if not isinstance(value, kind):
        raise ValueError(f"`{name}` is {value!r}; expected a {'list' if kind is list else 'table'}.")
    return value


def _as_table(value: Any, name: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise ValueError(f"`sensors.{name}` is {value!r}; expected a table.")
    return value


def _table(name: str, values: Mapping[str, Any]) -> Iterable[str]:
    if not values:
        return
    yield ""
    yield f"[{name}]"
    for key, value in values.items():
        if not (isinstance(value, float) and math.isnan(value)):
            yield f"{_key(key)} = {_value(value)}"


def _key(name: str) -> str:
    return name if _BARE_KEY.fullmatch(name) else _value(name)


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return repr(value)
    if isinstance(value, tuple | list):
        return f"[{', '.join(_value(item) for item in value)}]"
    text = str(value).encode("utf-8", errors="replace").decode()
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
