"""Results beside the recording they came from: `derived/<digest of the settings>/`, whole or not there.

Tables are Parquet with unit and meaning in each field, and a `<table>.columns.json` beside them for people.
`result.json` is what makes the folder a result; JSON has no NaN, so unknown numbers are `null` there.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, fields, is_dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

from ankle_imu import manifest, tables
from ankle_imu.durable import ASIDE, whole_folder
from ankle_imu.errors import CorruptRecording, RecordingError, UnknownFormatVersion
from ankle_imu.library.reviews import read_reviews
from ankle_imu.library.sources import calibration_sources, file_sources, to_record
from ankle_imu.metrics.reviews import apply_reviews
from ankle_imu.mobility import PracticeResult
from ankle_imu.settings import Settings
from ankle_imu.values import EventReview, SessionInfo, SessionResult

if TYPE_CHECKING:
    import pandas as pd

FORMAT_VERSION: Final = 3
FOLDER: Final = "derived"
PAGES: Final = ("report.html", "report.pdf", "check.png")
"""What `report` and `check` write beside the results, into the folder of the session."""

_RESULT: Final = "result.json"
PRACTICE: Final = "practice.json"
"""What makes a folder the result of a practice session (`library.practice`)."""
_TABLES: Final = (tables.ANGLES, tables.STRIDES, tables.EVENTS, tables.BOUTS, tables.SUMMARY)
_SINCE: Final = {tables.CONTEXT: 2, tables.TRACK: 2, tables.CURVES: 3}
"""Tables that came later, and the format that brought them; empty in a result of before."""

S = TypeVar("S")


def save_result(
    session_folder: str | Path, result: SessionResult, *, files: Mapping[str, Mapping[str, Any]] | None = None
) -> Path:
    """Write all of a result into a session folder; an older one with the same settings is replaced.

    Parameters
    ----------
    session_folder : str or Path
    result : SessionResult
    files : record of the folder's files (`sources.to_record`) from before it was read, so that what changed
        meanwhile shows; that of now when None

    Returns
    -------
    Path
        The folder `derived/<digest>`; it has its name only when all of it is on the disk.

    Raises
    ------
    ValueError
        If a table does not have its columns.
    StorageError
        If the disk refuses.

    Notes
    -----
    Angles are stored as float32 (their doubt is ten thousand times larger), times and all other tables in full.
    Two results of the same files differ in nothing but `written_utc`.
    """
    sources = sources_of(session_folder, result, files)
    target = Path(session_folder) / FOLDER / result.settings.digest()
    with whole_folder(target) as folder:
        for table in (*_TABLES, *_SINCE):
            write_table(folder, table, getattr(result, table.name))
        write_rest(folder, result)
        write_json(folder / _RESULT, head_of(result, FORMAT_VERSION, sources))
    return target


def sources_of(
    session_folder: str | Path,
    result: SessionResult | PracticeResult,
    files: Mapping[str, Mapping[str, Any]] | None = None,
) -> dict[str, Mapping[str, Any]]:
    """Record of what a result was made of: the files, as they are now when None, and the calibrations."""
    serials = [sensor.serial for sensor in result.session.sensors.values()]
    read = to_record(file_sources(session_folder)) if files is None else files
    return {**read, **to_record(calibration_sources(session_folder, serials))}


def write_rest(folder: Path, result: SessionResult | PracticeResult) -> None:
    """Write what each result has beside its own tables: gaps, quality, settings and the session."""
    quality = dict(result.quality)
    gaps = quality.pop(tables.GAPS.name, None)
    write_table(folder, tables.GAPS, tables.make_table(tables.GAPS, {}) if gaps is None else gaps)
    write_json(folder / "quality.json", quality)
    write_json(folder / "settings.json", asdict(result.settings))
    (folder / manifest.FILE_NAME).write_text(manifest.to_toml(result.session), encoding="utf-8")


def head_of(
    result: SessionResult | PracticeResult, form: int, sources: Mapping[str, Mapping[str, Any]]
) -> dict[str, Any]:
    """Content of the file that makes a folder a result."""
    return {
        "format_version": form,
        "version": result.version,
        "written_utc": manifest.format_utc(datetime.now(UTC)),
        "settings": result.settings.digest(),
        "duration_s": result.duration_s,
        "sampling_rate": result.sampling_rate,
        "sources": sources,
    }


def find_result(session_folder: str | Path) -> Path | None:
    """Folder of the result of a walk that was written last; None when the session was never analysed."""
    return _newest(session_folder, _RESULT)


def find_practice(session_folder: str | Path) -> Path | None:
    """Folder of the practice result that was written last; None when there is none."""
    return _newest(session_folder, PRACTICE)


def _newest(session_folder: str | Path, name: str) -> Path | None:
    found = Path(session_folder).glob(f"{FOLDER}/*/{name}")
    whole = [path for path in found if not path.parent.name.startswith(ASIDE)]
    return max(whole, key=lambda path: (read_json(path).get("written_utc", ""), path)).parent if whole else None


def result_head(result_folder: Path) -> dict[str, Any]:
    """What `result.json` says of a result; raises `CorruptRecording` if it cannot be read."""
    return read_json(result_folder / _RESULT)


def load_result(session_folder: str | Path, digest: str | None = None) -> SessionResult:
    """Read a result back.

    Parameters
    ----------
    session_folder : str or Path
    digest : str, of the settings; the result that was written last when None

    Returns
    -------
    SessionResult
        Its events carry the answers that the session folder holds now (`library.reviews`), its session the notes
        that stand in `session.toml` now.

    Raises
    ------
    RecordingError
        If the session was never analysed.
    CorruptRecording
        If a file of the result is missing or damaged.
    UnknownFormatVersion
        If a newer version of the package wrote it.
    """
    folder = Path(session_folder) / FOLDER / digest if digest else find_result(session_folder)
    if folder is None or not (folder / _RESULT).exists():
        raise RecordingError(
            f"{session_folder} has no result; run `ankle-imu analyze` on it first.", path=str(session_folder)
        )
    head = read_head(folder / _RESULT, FORMAT_VERSION)
    reviews, doubt = _reviews(Path(session_folder))
    with damage_told(folder):
        rest = read_rest(folder, Path(session_folder), head, Settings())
        if doubt:
            rest["quality"]["warnings"] = [*rest["quality"]["warnings"], doubt]
        found: dict[str, Any] = {table.name: read_table(folder, table) for table in _TABLES}
        found[tables.EVENTS.name] = apply_reviews(found[tables.EVENTS.name], reviews)
        for table, version in _SINCE.items():
            is_there = head["format_version"] >= version
            found[table.name] = read_table(folder, table) if is_there else tables.make_table(table, {})
        return SessionResult(**found, **rest)


def read_head(path: Path, form: int) -> dict[str, Any]:
    """Content of the file that makes a folder a result; `form` is the newest format that is understood.

    Raises
    ------
    CorruptRecording
        If it is missing or damaged.
    UnknownFormatVersion
        If a newer version of the package wrote it.
    """
    head = read_json(path)
    if head.get("format_version", 0) > form:
        raise UnknownFormatVersion(
            f"{path.parent} was written by a newer version of ankle-imu; update it.", path=str(path.parent)
        )
    return head


def read_rest(folder: Path, session_folder: Path, head: Mapping[str, Any], settings: Any) -> dict[str, Any]:
    """What `write_rest` wrote and the head says, as the fields of a result; `settings` are the defaults."""
    info = manifest.from_toml((folder / manifest.FILE_NAME).read_text(encoding="utf-8"), str(folder))
    return {
        "quality": {
            **with_nan(read_json(folder / "quality.json")),
            tables.GAPS.name: read_table(folder, tables.GAPS),
        },
        "settings": rebuild(settings, read_json(folder / "settings.json")),
        "session": with_notes(info, session_folder),
        "version": head["version"],
        "duration_s": float(head["duration_s"]),
        "sampling_rate": float(head["sampling_rate"]),
    }


@contextmanager
def damage_told(folder: Path) -> Iterator[None]:
    """Turn what reading a damaged result raises into `CorruptRecording`."""
    try:
        yield
    except (OSError, UnicodeDecodeError, KeyError, TypeError) as error:
        raise CorruptRecording(f"{folder} is damaged ({error!r}); analyse the session again.") from error


def with_notes(info: SessionInfo, session_folder: Path) -> SessionInfo:
    """What no analysis reads, as it is now; as it was where that cannot be read."""
    try:
        now = manifest.from_toml((session_folder / manifest.FILE_NAME).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, RecordingError):
        return info
    return replace(info, **{name: getattr(now, name) for name in manifest.NOTES})


def _reviews(session_folder: Path) -> tuple[tuple[EventReview, ...], str]:
    """Answers about the events of a session, and a word where they cannot be read."""
    try:
        return read_reviews(session_folder), ""
    except RecordingError as error:
        return (), str(error)


def load_events(session_folder: str | Path) -> pd.DataFrame | None:
    """Events of the result written last, with the answers; None when the session was never analysed."""
    found = find_result(session_folder)
    if found is None:
        return None
    return apply_reviews(read_table(found, tables.EVENTS), read_reviews(session_folder))


def write_table(folder: Path, table: tables.Table, frame: pd.DataFrame) -> Path:
    """Write one table as Parquet, and its column dictionary beside it."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    tables.check_columns(frame, table)
    is_compact = table is tables.ANGLES
    schema = pa.schema(
        [
            pa.field(
                c.name,
                _arrow_type(c, is_compact),
                metadata={"unit": c.unit, "meaning": c.meaning},
            )
            for c in table.columns
        ]
    )
    path = folder / f"{table.name}.parquet"
    content = pa.Table.from_pandas(frame, schema=schema, preserve_index=False)
    pq.write_table(content, path, compression="zstd")
    write_json(folder / f"{table.name}.columns.json", tables.dictionary(table))
    return path


def read_table(folder: Path, table: tables.Table) -> pd.DataFrame:
    """Read one table back in the types of its declaration.

    Raises
    ------
    CorruptRecording
        If the file is missing, damaged or has other columns.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    path = folder / f"{table.name}.parquet"
    try:
        frame = tables.check_columns(pq.read_table(path).to_pandas(), table)
    except (OSError, pa.ArrowException, ValueError) as error:
        raise CorruptRecording(
            f"{path} cannot be read ({error}); analyse the session again.", path=str(path)
        ) from error
    return tables.make_table(table, {name: frame[name].to_numpy() for name in table.names})


def _arrow_type(column: tables.Column, is_compact: bool) -> str:
    if is_compact and column.name != "time_s":
        return "float32"
    return "string" if column.dtype == "str" else column.dtype


def write_json(path: Path, content: Any) -> None:
    """Write a JSON file; numbers that are not finite become null."""
    text = json.dumps(_plain(content), indent=1, allow_nan=False, ensure_ascii=False)
    path.write_text(text + "\n", encoding="utf-8")


def read_json(path: Path) -> dict[str, Any]:
    """One of the JSON files of a result; raises `CorruptRecording` if it is missing or damaged."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise CorruptRecording(
            f"{path} cannot be read ({error}); analyse the session again.", path=str(path)
        ) from error
    if not isinstance(content, dict):
        raise CorruptRecording(f"{path} holds no JSON object; analyse the session again.", path=str(path))
    return content


def _plain(value: Any) -> Any:
    """`value` in the types of JSON; numbers that are not finite become None."""
    if isinstance(value, str) or value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if is_dataclass(value) and not isinstance(value, type):
        return {f.name: _plain(getattr(value, f.name)) for f in fields(value)}
    if hasattr(value, "tolist"):
        return _plain(value.tolist())
    if isinstance(value, tuple | list | set | frozenset):
        return [_plain(item) for item in value]
    raise TypeError(f"{type(value).__name__} cannot be written as JSON: {value!r}")


def with_nan(value: Any) -> Any:
    """JSON's values with NaN for null."""
    if value is None:
        return float("nan")
    if isinstance(value, dict):
        return {key: with_nan(item) for key, item in value.items()}
    return [with_nan(item) for item in value] if isinstance(value, list) else value


def rebuild(default: S, saved: Mapping[str, Any]) -> S:
    """Settings as they were saved; a field that did not exist then has its default."""
    values = {}
    for one in fields(default):  # type: ignore[arg-type]
        before = getattr(default, one.name)
        value = saved.get(one.name, before)
        if is_dataclass(before) and isinstance(value, Mapping):
            value = rebuild(before, value)
        elif isinstance(before, tuple) and isinstance(value, list):
            value = tuple(value)
        elif value is None and isinstance(before, float):
            value = float("nan")
        values[one.name] = value
    return type(default)(**values)
