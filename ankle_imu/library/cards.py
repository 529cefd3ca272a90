"""What the index keeps of one session, read from its folder."""

from __future__ import annotations

import json
import math
import re
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, NamedTuple

from ankle_imu import tables
from ankle_imu.errors import AnkleImuError, CorruptRecording, RecordingError
from ankle_imu.library.derived import find_practice, find_result
from ankle_imu.manifest import FILE_NAME, format_utc, from_toml, parse_utc
from ankle_imu.values import SensorInfo, SessionInfo

CARD_COLUMNS: Final = (
    "session_id", "alias", "began", "started", "kind", "surface", "sensors", "tags", "gaits", "result", "problem",
    "damage", "words", "info",
)  # fmt: skip
"""Columns of a card. `began`: start in UTC; `started`: as it is noted; `sensors`, `gaits`, `tags`: a line each;
`result`: digest of the result written last; `problem`, `damage`: why `session.toml` or that result could not be
read; `words`: all a person wrote, small letters; `info`: `SessionInfo` as JSON."""

SUMMARY_COLUMNS: Final = ("mount_site", *tables.SUMMARY.names)
"""Columns of the summary rows of a session, beside the session itself."""

_STAMP: Final = re.compile(r"(\d{4}-\d\d-\d\dT\d\d)(\d\d)(\d\dZ)?")


@dataclass(frozen=True, kw_only=True)
class SessionEntry:
    """One session of a library.

    `problem` says why its `session.toml` could not be read, "" when it could; `result` is the folder of the result
    written last, None when it was never analysed; `gaits` those that were found in it.
    """

    session_id: str
    alias: str
    path: Path
    info: SessionInfo
    problem: str = ""
    result: Path | None = None
    gaits: tuple[str, ...] = ()


class Card(NamedTuple):
    """Values of `CARD_COLUMNS`, and those of `SUMMARY_COLUMNS` for each row of the summary; None is not known."""

    values: tuple[Any, ...]
    summary: tuple[tuple[Any, ...], ...]


def read_card(folder: str | Path) -> Card:
    """Read what the index keeps of the session in a folder; what cannot be read is told in the card."""
    folder = Path(folder)
    info, problem = read_info(folder)
    result, summary, damage = _read_result(folder)
    sites = _mount_sites(info)
    rows = tuple((sites.get(row[0], ""), *row) for row in summary)
    told = (folder.name, info.alias, info.surface, info.footwear, info.brace, info.note, *info.tags)
    values = (
        folder.name,
        folder.parent.parent.name,
        _began(info.started_utc, folder.name),
        info.started_utc,
        info.kind,
        info.surface,
        _lines(info.sensors),
        _lines(info.tags),
        _lines(dict.fromkeys(row[1] for row in summary)),
        result.name if result else "",
        problem,
        damage,
        "\n".join(told).casefold(),
        json.dumps(_plain(info), ensure_ascii=False),
    )
    return Card(values, rows)


def read_info(folder: Path) -> tuple[SessionInfo, str]:
    """Content of a session's `session.toml`, and why it could not be read, "" when it could."""
    path = folder / FILE_NAME
    try:
        return from_toml(path.read_text(encoding="utf-8"), str(path)), ""
    except FileNotFoundError:
        return SessionInfo(), f"{folder} has no {FILE_NAME}."
    except UnicodeDecodeError:
        return SessionInfo(), f"{path} is no text."
    except OSError as error:
        return SessionInfo(), f"{path} could not be read: {error.strerror or error}."
    except RecordingError as error:
        return SessionInfo(), str(error)


def info_from_json(text: str) -> SessionInfo:
    """`SessionInfo` as a card keeps it."""
    content = json.loads(text)
    sensors = {p: SensorInfo(**sensor) for p, sensor in content.pop("sensors").items()}
    return SessionInfo(**{**content, "tags": tuple(content["tags"]), "sensors": sensors})


def _read_result(folder: Path) -> tuple[Path | None, list[tuple[Any, ...]], str]:
    """Folder of the result written last, rows of its summary, and why there are none."""
    result = None
    try:
        result = find_result(folder)
        if result is None:
            return find_practice(folder), [], ""
        return result, _read_summary(result) if result else [], ""
    except AnkleImuError as error:
        return result, [], str(error)


def _read_summary(result: Path) -> list[tuple[Any, ...]]:
    """Rows of a summary in the order of `tables.SUMMARY`; without pandas, which takes most of the time."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    path = result / f"{tables.SUMMARY.name}.parquet"
    try:
        content = pq.ParquetFile(path).read(use_threads=False)
        columns = [content.column(name).to_pylist() for name in tables.SUMMARY.names]
    except (OSError, pa.ArrowException, KeyError) as error:
        raise CorruptRecording(
            f"{path} cannot be read ({error}); analyse the session again.", path=str(path)
        ) from error
    return list(zip(*([_known(value) for value in column] for column in columns), strict=True))


def _known(value: Any) -> Any:
    return None if isinstance(value, float) and math.isnan(value) else value


def _mount_sites(info: SessionInfo) -> dict[str, str]:
    from ankle_imu.comparison import mount_sites

    return mount_sites(info)


def _began(started: str, name: str) -> str:
    """Start of a session in UTC; where it was not noted, or is no time, from the name of its folder."""
    try:
        return format_utc(parse_utc(started))
    except ValueError:
        return started or _STAMP.sub(lambda m: f"{m[1]}:{m[2]}:{m[3] or '00Z'}", name)


def _lines(words: Any) -> str:
    """Words between line ends, so that a whole one can be looked for."""
    return "".join(f"\n{word}" for word in words) + "\n" if words else ""


def _plain(info: SessionInfo) -> dict[str, Any]:
    sensors = {
        p: {k: _known(v) for k, v in asdict(sensor).items() if _known(v) is not None}
        for p, sensor in info.sensors.items()
    }
    values = {name: getattr(info, name) for name in info.__dataclass_fields__ if name != "sensors"}
    return {**values, "load_kg": dict(info.load_kg), "sensors": sensors}
