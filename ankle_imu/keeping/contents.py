"""What of a library goes into a backup, and what is left out or changed to keep places private."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Final, Literal

from ankle_imu import tables
from ankle_imu.durable import ASIDE
from ankle_imu.errors import RecordingError
from ankle_imu.keeping.archive import Member
from ankle_imu.library.derived import FOLDER as DERIVED
from ankle_imu.library.derived import PAGES, PRACTICE
from ankle_imu.library.person import FILE as PERSON
from ankle_imu.library.reviews import FILE as REVIEWS
from ankle_imu.library.sensors import sensor_folder
from ankle_imu.manifest import FILE_NAME
from ankle_imu.recording.lock import NAME as LOCK
from ankle_imu.recording.sums import SUMS, format_sums, raw_files, read_sums
from ankle_imu.terrain import FILE_NAMES, read_track
from ankle_imu.terrain.gpx import write_gpx
from ankle_imu.terrain.privacy import TRIM_M, Zone, cut, end_zones, hidden

if TYPE_CHECKING:
    import pandas as pd

Positions = Literal["keep", "trim", "none"]
"""Tracks as they are; without the surroundings of their ends; not at all."""

_PLACES: Final = ("latitude_deg", "longitude_deg", "elevation_m")


@dataclass(frozen=True, kw_only=True)
class Content:
    """Files for a backup, named relative to the session (or library), and sentences on what stays out of it.

    `omitted`: left out on purpose; `problems`: recorded data that could not be packed.
    """

    members: tuple[Member, ...]
    omitted: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Wish:
    """What a backup is to hold: positions, `trim_m` cut round each end by the secret `key`, derived results."""

    positions: Positions = "keep"
    results: bool = False
    trim_m: float = TRIM_M
    key: bytes = field(default=b"", repr=False)


def session_content(folder: Path, wish: Wish) -> Content:
    """Files of a session that go into a backup.

    Parameters
    ----------
    folder : Path of a session folder
    wish : Wish

    Returns
    -------
    Content
        With all positions: every file but unfinished ones and, unless wished, results. Otherwise only files known
        to hold no positions, the track trimmed to `track.gpx`, and tables without the hidden places: an original
        of an import or a report with its map may show them. Links that lead out of the session are not followed.
    """
    wanted = {name: path for name, path in _files(folder) if wish.results or not _is_result(name)}
    files = {name: path for name, path in wanted.items() if path.is_file() and _is_inside(path, folder)}
    links = [name for name in wanted if name not in files]
    told = [f"{name} is left out: it is a link that leads out of the session, or to a folder." for name in links]
    problems = tuple(one for name, one in zip(links, told, strict=True) if name.partition("/")[0] == "raw")
    told = [one for one in told if one not in problems]
    if wish.positions == "keep":
        members = [_member(name, path) for name, path in files.items()]
        return Content(members=tuple(members), omitted=tuple(told), problems=problems)
    zones, track, omitted = _track(files, wish)
    omitted += told
    members = []
    for name, path in files.items():
        made = _without_places(name, path, wish, zones)
        if made is not None:
            members.append(made)
        elif name not in (*FILE_NAMES.values(), f"raw/{SUMS}"):
            omitted.append(f"{name} is left out: it may show where the walk was.")
    members += track
    members += _sums_of(folder, [m.name for m in members])
    return Content(members=tuple(members), omitted=tuple(omitted), problems=problems)


def shared_content(root: Path, alias: str, serials: set[str], positions: Positions = "keep") -> Content:
    """Files of a library that belong to no session: what is known of people and sensors.

    Parameters
    ----------
    root : Path of the library
    alias : str, only this person's; everybody's when empty
    serials : of the sensors that one person's sessions name; all sensors go with everybody's
    positions : unless all are kept, of what lies with the sensors only our own files go along

    Returns
    -------
    Content
    """
    people = [p for p in sorted(root.glob(f"people/{alias or '*'}/{PERSON}")) if p.is_file()]
    known = root / "sensors"
    if alias:
        own = [sensor_folder(root, serial) for serial in sorted(serials) if serial]
        places = [p for folder in own for p in (folder.with_name(f"{folder.name}.json"), folder)]
    else:
        places = [known]
    sensors = [p for place in places for p in ([place] if place.is_file() else sorted(place.rglob("*")))]
    members, omitted = [], []
    for path in (p for p in (*people, *sensors) if p.is_file() and ASIDE not in p.as_posix()):
        name = path.relative_to(root).as_posix()
        if not _is_inside(path, root):
            omitted.append(f"{name} is left out: it is a link that leads out of the library.")
        elif positions != "keep" and path not in people and path.suffix != ".json":
            omitted.append(f"{name} is left out: it is no file of ours and may show where someone was.")
        else:
            members.append(_member(name, path))
    return Content(members=tuple(members), omitted=tuple(omitted))


def _files(folder: Path) -> Iterator[tuple[str, Path]]:
    """Files and links below a folder; the names of links to folders, not what is behind them."""
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder)
        is_one = path.is_file() or path.is_symlink()
        if is_one and path.name != LOCK and not any(p.startswith(ASIDE) for p in name.parts):
            yield name.as_posix(), path


def _is_inside(path: Path, folder: Path) -> bool:
    """Whether what a name leads to lies in a folder."""
    return path.resolve().is_relative_to(folder.resolve())


def _member(name: str, path: Path) -> Member:
    return Member(name=name, content=path, mtime=path.stat().st_mtime)


def _is_result(name: str) -> bool:
    return name.startswith(f"{DERIVED}/") or name in PAGES


def _track(files: dict[str, Path], wish: Wish) -> tuple[tuple[Zone, ...], list[Member], list[str]]:
    """What is hidden of a session, its track as far as it is shown, and what is said of it."""
    path = next((files[name] for name in FILE_NAMES.values() if name in files), None)
    if path is None:
        return (), [], []
    if wish.positions == "none":
        return (), [], [f"{path.name} is left out: positions are not wanted."]
    try:
        track = read_track(path.read_bytes(), path.name)
    except RecordingError as error:
        return (), [], [f"{path.name} is left out, as it cannot be trimmed: {error}"]
    zones = end_zones(track, wish.trim_m, key=wish.key)
    shown = cut(track, zones)
    if len(shown.time) < 2:
        return zones, [], [f"{path.name} is left out: nothing of it is far enough from its ends."]
    return zones, [Member(name="track.gpx", content=write_gpx(shown), mtime=path.stat().st_mtime)], []


def _without_places(name: str, path: Path, wish: Wish, zones: tuple[Zone, ...]) -> Member | None:
    """A file with nothing that shows hidden places; None when that cannot be said of it."""
    parts = PurePosixPath(name)
    is_ours = name in (FILE_NAME, REVIEWS) or (parts.parts[0] == "raw" and parts.match("part-*.mcap"))
    if is_ours or name.startswith(f"raw/damaged/{FILE_NAME}"):
        return _member(name, path)
    if parts.parts[0] != DERIVED or len(parts.parts) != 3:
        return None
    hide = _HIDING.get(parts.name)
    if hide is None:
        return _member(name, path) if _is_table(parts.name) else None
    try:
        return Member(name=name, content=hide(path, wish, zones), mtime=path.stat().st_mtime)
    except RecordingError:
        return None


def _is_table(name: str) -> bool:
    return name.endswith((".columns.json", ".parquet", ".toml")) or name in (
        "result.json",
        PRACTICE,
        "settings.json",
        "quality.json",
    )


def _context(path: Path, wish: Wish, zones: tuple[Zone, ...]) -> bytes:
    """The context table: places of strides unknown where they are hidden, the way counted from what is shown."""
    frame, schema = _read(path)
    gone = _gone(frame, wish, zones)
    frame.loc[gone, [*_PLACES, "track_distance_m"]] = float("nan")
    frame["track_distance_m"] -= frame["track_distance_m"].min()
    return _write(frame, schema)


def _track_table(path: Path, wish: Wish, zones: tuple[Zone, ...]) -> bytes:
    """The track table without hidden points; without positions only times, way and speed."""
    frame, schema = _read(path)
    gone = _gone(frame, wish, zones)
    if wish.positions == "none":
        frame.loc[:, list(_PLACES)] = float("nan")
    else:
        frame = frame[~gone]
        frame = frame.assign(distance_m=frame["distance_m"] - frame["distance_m"].min())
    return _write(frame, schema)


_HIDING: Final[dict[str, Callable[[Path, Wish, tuple[Zone, ...]], bytes]]] = {
    f"{tables.CONTEXT.name}.parquet": _context,
    f"{tables.TRACK.name}.parquet": _track_table,
}


def _gone(frame: pd.DataFrame, wish: Wish, zones: tuple[Zone, ...]) -> pd.Series[bool]:
    """Rows whose place is not shown; all where nothing is known of the zones."""
    import pandas as pd

    if wish.positions == "none" or not zones:
        return pd.Series(True, index=frame.index)
    columns = [frame[name].to_numpy(dtype=float) for name in _PLACES[:2]]
    return pd.Series(hidden(columns[0], columns[1], zones), index=frame.index)


def _read(path: Path) -> tuple[pd.DataFrame, object]:
    import pyarrow.parquet as pq

    try:
        table = pq.read_table(path)
    except (OSError, ValueError) as error:
        raise RecordingError(f"{path} cannot be read ({error}); analyse the session again.") from error
    return table.to_pandas(), table.schema


def _write(frame: pd.DataFrame, schema: object) -> bytes:
    import pyarrow as pa
    import pyarrow.parquet as pq

    out = io.BytesIO()
    pq.write_table(pa.Table.from_pandas(frame, schema=schema, preserve_index=False), out, compression="zstd")
    return out.getvalue()


def _sums_of(folder: Path, names: list[str]) -> list[Member]:
    """The sums of those raw files that go along; none where the session has none."""
    had = read_sums(folder)
    if had is None:
        return []
    files = raw_files(folder)
    kept = {n: digest for n, digest in had[0].items() if f"raw/{n}" in names or n not in files}
    return [Member(name=f"raw/{SUMS}", content=format_sums(kept))]
