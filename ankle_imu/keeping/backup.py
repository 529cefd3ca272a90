"""A library in one file: `MANIFEST.json`, then for each session its sums and its files, as a tar file.

    MANIFEST.json                                format_version, what is in it and what was left out
    sums/library.sha256                          sums of all that belongs to no session, the manifest too
    people/<alias>/person.toml  sensors/...      names.toml only when asked for
    sums/<alias>/<year>/<id>.sha256              sums of the session's files
    people/<alias>/<year>/<id>/...

`sha256sum -c sums/library.sha256` and its like check it where it was unpacked by hand.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from ankle_imu import manifest, recording
from ankle_imu._version import package_version
from ankle_imu.durable import whole_file
from ankle_imu.errors import AnkleImuError, RecordingError
from ankle_imu.keeping import sealing
from ankle_imu.keeping.archive import Member, pack
from ankle_imu.keeping.contents import Positions, Wish, session_content, shared_content
from ankle_imu.keeping.verify import size_of
from ankle_imu.library.cards import SessionEntry
from ankle_imu.library.folders import list_sessions
from ankle_imu.library.names import load_names
from ankle_imu.recording.sums import SUMS, Read, format_sums, parse_sums, sha256_of

__all__ = ["FORMAT_VERSION", "MANIFEST", "NAMES", "SHARED_SUMS", "Backup", "Positions", "write_backup"]

FORMAT_VERSION: Final = 1
MANIFEST: Final = "MANIFEST.json"
SHARED_SUMS: Final = "sums/library.sha256"
NAMES: Final = "names.toml"


@dataclass(frozen=True, kw_only=True)
class Backup:
    """What was packed.

    Sessions and bytes of content; sentences on what was left out on purpose (`omitted`), and on what could not be
    packed or was damaged before (`problems`).
    """

    path: Path
    sessions: tuple[str, ...]
    bytes: int
    omitted: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()


@dataclass
class _Packing:
    """What is found out while a backup is written."""

    read: Callable[[int], object]
    sessions: list[str] = field(default_factory=list)
    omitted: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    bytes: int = 0


def write_backup(
    root: Path,
    path: Path,
    *,
    alias: str = "",
    wish: Wish | None = None,
    with_names: bool = False,
    recipients: Sequence[str] = (),
    passphrase: str = "",
    read: Read | None = None,
) -> Backup:
    """Pack a library, or all of one person, into one file.

    Parameters
    ----------
    root : Path of the library
    path : Path of the file; one that exists is replaced when the new one is whole
    alias : str, only this person
    wish : Wish, what is to be in it; everything but results when None
    with_names : bool, with the names of the people
    recipients, passphrase : see `sealing.seal`
    read : called with bytes done; in the end as many as `backup_size` says

    Returns
    -------
    Backup
        The file is on the disk, readable for its owner only.

    Raises
    ------
    RecordingError
        If there is nothing to pack.
    ValueError
        If a recipient is none.
    AnkleImuError
        If encryption is asked for and `pyrage` is not installed.
    StorageError
        If the disk refuses; then there is no new file, and an older one stays.

    Notes
    -----
    Each session is read twice, for its sums and for the file; at most one session's tables are in memory.
    """
    entries = list_sessions(root, alias or None)
    if not entries:
        raise RecordingError(
            f"The library at {root} holds no sessions{f' of {alias}' if alias else ''}.", path=str(root)
        )
    if recipients:
        sealing.check_recipients(recipients)
    done = _Packing(read=read or (lambda n: None))
    members = _members(root, entries, alias, wish or Wish(), with_names, done)
    with whole_file(path, mode=0o600) as file:
        sealing.seal(pack(members), file, recipients=recipients, passphrase=passphrase)
    return Backup(
        path=path,
        sessions=tuple(done.sessions),
        bytes=done.bytes,
        omitted=tuple(done.omitted),
        problems=tuple(done.problems),
    )


def backup_size(root: Path, alias: str = "", wish: Wish | None = None) -> int:
    """Bytes that `write_backup` is going to report as done, roughly: twice those of all raw files and results."""
    what = ("raw", "derived") if wish and wish.results else ("raw",)
    folders = [entry.path / name for entry in list_sessions(root, alias or None) for name in what]
    return 2 * sum(size_of(p) for folder in folders for p in folder.rglob("*") if p.is_file())


def _members(
    root: Path, entries: Sequence[SessionEntry], alias: str, wish: Wish, with_names: bool, done: _Packing
) -> Iterator[Member]:
    """All files of the backup, each session looked at when its turn comes."""
    serials = {sensor.serial for entry in entries for sensor in entry.info.sensors.values()}
    common = shared_content(root, alias, serials, wish.positions)
    shared, done.omitted = [*common.members], [*common.omitted]
    if with_names:
        names = {a: n for a, n in load_names().items() if a in {entry.alias for entry in entries}}
        shared += [Member(name=NAMES, content=_names_text(names))] if names else []
    listing = Member(name=MANIFEST, content=_manifest(root, entries, alias, wish))
    yield listing
    yield from _summed(SHARED_SUMS, shared, done, before=(listing,))
    for entry in entries:
        place = entry.path.relative_to(root).as_posix()
        if recording.is_being_recorded(entry.path):
            done.problems.append(f"{entry.session_id} is being recorded and was left out.")
            continue
        try:
            content = session_content(entry.path, wish)
        except (AnkleImuError, OSError) as error:
            done.problems.append(f"{entry.session_id} was left out: {error}")
            continue
        done.omitted += [f"{entry.session_id}: {told}" for told in content.omitted]
        done.problems += [f"{entry.session_id}: {told}" for told in content.problems]
        members = [replace(m, name=f"{place}/{m.name}") for m in content.members]
        yield from _summed(sums_name(place), members, done, place)
        done.sessions.append(entry.session_id)


def sums_name(place: str) -> str:
    """Name of the sums of a session at `people/<alias>/<year>/<id>`."""
    return f"sums/{place.removeprefix('people/')}.sha256"


def _summed(
    name: str, members: Sequence[Member], done: _Packing, place: str = "", before: Sequence[Member] = ()
) -> Iterator[Member]:
    """The sums of some files and of those packed `before`, then the files; what cannot be read is told instead."""
    sums = {member.name: _sha256(member, done.read) for member in before}
    kept = []
    for member in members:
        try:
            sums[member.name] = _sha256(member, done.read)
            kept.append(member)
        except AnkleImuError as error:
            done.problems.append(f"{error} It was left out.")
    done.problems += _damaged(place, sums, kept)
    yield Member(name=name, content=format_sums(sums))
    for member in kept:
        yield member
        done.read(member.size)
        done.bytes += member.size


def _sha256(member: Member, read: Callable[[int], object]) -> str:
    if isinstance(member.content, bytes):
        return hashlib.sha256(member.content).hexdigest()
    return sha256_of(member.content, read)


def _damaged(place: str, sums: dict[str, str], members: Sequence[Member]) -> Iterator[str]:
    """A sentence where raw files are not what they were when they were closed."""
    listing = next((m.content for m in members if m.name == f"{place}/raw/{SUMS}"), None)
    if listing is None:
        return
    data = listing if isinstance(listing, bytes) else listing.read_bytes()
    for name, digest in parse_sums(data)[0].items():
        now = sums.get(f"{place}/raw/{name}")
        if now != digest:
            what = "differs from its sum and was packed as it is" if now else "is missing"
            yield f"{place.rpartition('/')[2]}: raw/{name} {what}; `ankle-imu library verify` tells more."


def _names_text(names: dict[str, str]) -> bytes:
    return "".join(f"{manifest.quoted(a)} = {manifest.quoted(n)}\n" for a, n in sorted(names.items())).encode()


def _manifest(root: Path, entries: Sequence[SessionEntry], alias: str, wish: Wish) -> bytes:
    content = {
        "format_version": FORMAT_VERSION,
        "made_by": f"ankle_imu {package_version()}",
        "written_utc": manifest.format_utc(datetime.now(UTC).replace(microsecond=0)),
        "person": alias,
        "positions": wish.positions,
        "results": wish.results,
        "sessions": [entry.path.relative_to(root).as_posix() for entry in entries],
    }
    return (json.dumps(content, indent=1) + "\n").encode()
