"""Bring a backup back: every session that is whole and not there yet; nothing is overwritten.

A session is written aside and gets its name when all its files have the sums that the backup lists. One that is
there already gets what it lacks. What is damaged, incomplete, or differs from what the library has, goes to
`set-aside/` with the path it would have had.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, Final

from ankle_imu.durable import aside_of, storage_error, sync_file, sync_folder, sync_tree
from ankle_imu.errors import CorruptRecording, RecordingError, StorageError, UnknownFormatVersion
from ankle_imu.keeping import sealing
from ankle_imu.keeping.archive import Entry, Source, Unpacked
from ankle_imu.keeping.backup import FORMAT_VERSION, MANIFEST, NAMES, SHARED_SUMS, sums_name
from ankle_imu.keeping.completing import complete_session, is_other_recording, keep_only
from ankle_imu.keeping.verify import SET_ASIDE
from ankle_imu.library.names import load_names, parse_names, write_names
from ankle_imu.manifest import is_alias
from ankle_imu.recording.sums import Read, parse_sums, sha256_of

_LARGEST_LIST: Final = 1 << 26
"""Bytes of a list that is read into memory: of a session of some hundred thousand files."""
_SESSION: Final = re.compile(r"(people/([^/]+)/(\d{4})/([^/]+))/.+")
_SHARED: Final = re.compile(r"people/([^/]+)/person\.toml|sensors/.+")


@dataclass(frozen=True, kw_only=True)
class Restored:
    """What came of a backup.

    Parameters
    ----------
    restored : ids of sessions that are in the library now
    skipped : ids of sessions that were there, with all that the backup has of them
    completed : sentences on sessions that were there and got back what they lacked
    refused : sentences on what differs from what the library has; it stays as it is
    damaged : sentences on what the backup lost
    files : other files that were brought back, relative to the library
    set_aside : where the rest of it lies now, None when there is no rest
    is_names : names of people were brought back
    """

    restored: tuple[str, ...] = ()
    skipped: tuple[str, ...] = ()
    completed: tuple[str, ...] = ()
    refused: tuple[str, ...] = ()
    damaged: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    set_aside: Path | None = None
    is_names: bool = False


def restore_backup(
    path: Path,
    root: Path,
    *,
    identities: tuple[str, ...] = (),
    ask: Callable[[], str] | None = None,
    read: Read | None = None,
) -> Restored:
    """Bring what a backup holds into a library, new or not.

    Parameters
    ----------
    path : Path of the backup
    root : Path of the library; it is made when missing
    identities : texts of age or SSH keys
    ask : gives the passphrase, called only when one is needed
    read : called with the bytes of the backup read since the last call

    Returns
    -------
    Restored

    Raises
    ------
    RecordingError
        If there is no such file.
    CorruptRecording
        If it is no backup, or nothing of it can be read.
    UnknownFormatVersion
        If a newer version of the package wrote it.
    sealing.WrongKey
        If no key, or not the right one, is given for an encrypted one.
    StorageError
        If the disk refuses; sessions that were finished before stay.
    """
    try:
        file = path.open("rb")
    except OSError as error:
        raise RecordingError(f"{path} cannot be read: {error.strerror or error}.", path=str(path)) from error
    with file:
        size = os.fstat(file.fileno()).st_size
        _check_room(root, size)
        counted = _Counted(file, read or (lambda n: None))
        with sealing.unseal(counted, path.name, identities=identities, ask=ask or _no_passphrase) as opened:
            source, problems = opened
            return _Restoring(root, path.name, source, problems).run()


class _Counted:
    """A file that tells how much of it was read."""

    def __init__(self, file: BinaryIO, read: Callable[[int], object]) -> None:
        self._file, self._read, self._told = file, read, 0

    def read(self, size: int = -1, /) -> bytes:
        data = self._file.read(size)
        at = self._file.tell()
        if at > self._told:
            self._read(at - self._told)
            self._told = at
        return data

    def seek(self, offset: int, whence: int = 0, /) -> int:
        return self._file.seek(offset, whence)


@dataclass
class _Group:
    """Files of one session, which stand or fall together.

    `place`: where they belong. `unlisted`: those that the list of the session lacks; it may be what was damaged.
    """

    place: str
    sums: Mapping[str, str]
    aside: Path
    found: dict[str, str] = field(default_factory=dict)
    unlisted: list[str] = field(default_factory=list)


class _Restoring:
    """One run through a backup."""

    def __init__(self, root: Path, name: str, source: Source, problems: list[str]) -> None:
        self._root, self._name, self._problems = root, name, problems
        self._unpacked = Unpacked(source)
        self._expected: list[str] = []
        self._group: _Group | None = None
        self._shared: dict[str, str] = {}
        self._sums: dict[str, dict[str, str]] = {}
        self._seen: set[str] = set()
        self._is_known, self._has_all_positions = False, True
        self._told: dict[str, list[str]] = {
            k: [] for k in ("restored", "skipped", "completed", "refused", "damaged", "files")
        }
        self._set_aside: Path | None = None
        self._is_names = False

    def run(self) -> Restored:
        try:
            for entry in self._unpacked:
                self._take(entry)
            self._finish()
        except OSError as error:
            raise storage_error(error, self._root) from error
        finally:
            if self._group is not None:
                shutil.rmtree(self._group.aside, ignore_errors=True)
        self._close()
        return Restored(
            **{name: tuple(told) for name, told in self._told.items()},
            set_aside=self._set_aside,
            is_names=self._is_names,
        )

    def _take(self, entry: Entry) -> None:
        session = _SESSION.fullmatch(entry.name)
        if entry.name == MANIFEST:
            self._read_manifest(_text(entry))
        elif entry.name == SHARED_SUMS:
            self._is_known = True
            self._shared = parse_sums(_text(entry))[0]
        elif entry.name.startswith("sums/") and entry.name.endswith(".sha256"):
            self._is_known = True
            self._finish()
            self._sums = {entry.name: parse_sums(_text(entry))[0]}
        elif session and is_alias(session[2]) and is_alias(session[4]):
            self._take_session_file(entry, session[1])
        elif _SHARED.fullmatch(entry.name) or entry.name == NAMES:
            self._take_shared(entry)
        elif self._is_known:
            self._told["damaged"].append(f"{entry.name!r} belongs to no library and was passed over.")

    def _read_manifest(self, data: bytes) -> None:
        try:
            content: Any = json.loads(data)
            version = content["format_version"]
            self._expected = [str(place) for place in content["sessions"]]
            self._has_all_positions = content.get("positions", "keep") == "keep"
        except (ValueError, KeyError, TypeError):
            self._told["damaged"].append("The list of what the backup holds is damaged.")
            return
        self._is_known = True
        if not isinstance(version, int) or version > FORMAT_VERSION:
            raise UnknownFormatVersion(
                f"{self._name} was written by a newer version of ankle-imu (its format is {version!r}, this one "
                f"reads up to {FORMAT_VERSION}); update it.",
                path=self._name,
            )

    def _take_session_file(self, entry: Entry, place: str) -> None:
        if self._group is None or self._group.place != place:
            self._finish()
            self._group = self._begin(place)
        group = self._group
        if group.sums and entry.name not in group.sums:
            group.unlisted.append(entry.name)
        target = group.aside / entry.name.removeprefix(f"{place}/")
        digest = _write(entry, target)
        if digest is not None and not entry.is_cut:
            group.found[entry.name] = digest

    def _begin(self, place: str) -> _Group:
        self._seen.add(place)
        folder = self._root / place
        aside = aside_of(folder, "restored")
        aside.mkdir(parents=True)
        return _Group(place=place, sums=self._sums.get(sums_name(place), {}), aside=aside)

    def _finish(self) -> None:
        """Give the session that was read its name, or say why not."""
        group, self._group = self._group, None
        if group is None:
            return
        try:
            self._settle(group)
        finally:
            shutil.rmtree(group.aside, ignore_errors=True)
            _prune(group.aside.parent, self._root)

    def _settle(self, group: _Group) -> None:
        name = group.place.rpartition("/")[2]
        target = self._root / group.place
        differing = [n for n, digest in group.sums.items() if group.found.get(n) != digest] + group.unlisted
        if target.exists() and not differing and group.sums:
            self._complete(group, target)
        elif differing or not group.sums:
            total = len(group.sums) + len(group.unlisted)
            lost = f"{len(differing)} of {total} files" if group.sums else "the list of its files"
            count = len(group.found)
            left = f"{count} file{'s' * (count != 1)}"
            kept = f" what is left ({left}) is set aside" if count else " nothing is left"
            self._told["damaged"].append(f"{name}: {lost} are damaged, missing or unlisted;{kept}.")
            self._put_aside(group)
        else:
            sync_tree(group.aside)
            group.aside.rename(target)
            sync_folder(target.parent)
            self._told["restored"].append(name)

    def _complete(self, group: _Group, folder: Path) -> None:
        """Give a session that is there what it lacks, and say what differs."""
        name = folder.name
        found = {n.removeprefix(f"{group.place}/"): digest for n, digest in group.found.items()}
        if is_other_recording(folder, found):
            self._told["refused"].append(
                f"{name} is in the library with other raw files; that one stays, the one of the backup is set "
                "aside."
            )
            self._put_aside(group)
            return
        try:
            done = complete_session(folder, group.aside, found, has_all_positions=self._has_all_positions)
        except RecordingError as error:
            self._told["refused"].append(str(error))
            return
        if done.brought:
            self._told["completed"].append(f"{name} lacked {', '.join(done.brought)}; now it is there again.")
        if done.differing:
            s = "s" if len(done.differing) == 1 else ""
            self._told["refused"].append(
                f"{name}: {', '.join(done.differing)} differ{s} from the library's; what is there stays, what the "
                "backup has is set aside."
            )
            keep_only(group.aside, done.differing)
            self._put_aside(group)
        if not done.brought and not done.differing:
            self._told["skipped"].append(name)

    def _put_aside(self, group: _Group) -> None:
        if any(group.aside.iterdir()):
            target = _free(self._root / SET_ASIDE / group.place)
            target.parent.mkdir(parents=True, exist_ok=True)
            sync_tree(group.aside)
            group.aside.rename(target)
            self._set_aside = self._root / SET_ASIDE

    def _take_shared(self, entry: Entry) -> None:
        aside = aside_of(self._root / "file", "restored")
        self._root.mkdir(parents=True, exist_ok=True)
        try:
            digest = _write(entry, aside)
            if digest is None or entry.is_cut or self._shared.get(entry.name) != digest:
                self._told["damaged"].append(f"{entry.name} is damaged and was left out.")
            elif entry.name == NAMES:
                self._merge_names(aside.read_bytes())
            else:
                self._place(entry.name, aside, digest)
        finally:
            aside.unlink(missing_ok=True)

    def _place(self, name: str, aside: Path, digest: str) -> None:
        target = self._root / name
        if target.is_file() and sha256_of(target) == digest:
            return
        if target.exists():
            self._told["refused"].append(f"{name} differs from the library's, which stays; it is set aside.")
            target = _free(self._root / SET_ASIDE / name)
            self._set_aside = self._root / SET_ASIDE
        else:
            self._told["files"].append(name)
        target.parent.mkdir(parents=True, exist_ok=True)
        sync_file(aside)
        aside.rename(target)
        sync_folder(target.parent)

    def _merge_names(self, data: bytes) -> None:
        names, had = parse_names(data, f"{self._name}: {NAMES}"), load_names()
        for alias in sorted(set(names) & set(had)):
            if names[alias] != had[alias]:
                self._told["refused"].append(f"{alias} has another name here, which stays.")
        if set(names) - set(had):
            write_names({**names, **had})
            self._is_names = True

    def _close(self) -> None:
        """Say what was lost, now that all was read."""
        if not self._is_known and not self._told["restored"] and not self._seen:
            raise CorruptRecording(
                f"{self._name} is no backup of a library, or all of it is damaged.", path=self._name
            )
        damaged = self._told["damaged"]
        damaged += self._problems
        lost = [place.rpartition("/")[2] for place in self._expected if place not in self._seen]
        is_spoilt = self._problems or self._unpacked.skipped or not self._unpacked.is_ended
        if lost:
            why = "Lost with the damaged part" if is_spoilt else "Not packed when the backup was made"
            damaged.append(f"{why} ({len(lost)}): {', '.join(lost)}.")
        damaged += self._unpacked.refused
        if not self._unpacked.is_ended and not self._problems:
            damaged.append(f"{self._name} is cut off: its end is missing.")
        if self._unpacked.skipped and not damaged:
            damaged.append(f"{self._name} is damaged, but all that was in it was read.")


def _write(entry: Entry, target: Path) -> str | None:
    """Write a file that is not there yet and give its SHA-256; None when there is something in its place."""
    digest = hashlib.sha256()
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with target.open("xb") as file:
            for piece in entry.pieces():
                digest.update(piece)
                file.write(piece)
        with suppress(OSError, OverflowError):
            os.utime(target, (entry.mtime, entry.mtime))
    except (FileExistsError, NotADirectoryError, IsADirectoryError):
        return None
    return digest.hexdigest()


def _text(entry: Entry) -> bytes:
    """All of a small file; nothing of one that is none."""
    return b"".join(entry.pieces()) if entry.size <= _LARGEST_LIST else b""


def _check_room(root: Path, size: int) -> None:
    """Refuse before any work what the disk cannot hold: a tar file is no smaller than its content."""
    there = next(p for p in (root, *root.parents) if p.exists())
    free = shutil.disk_usage(there).free
    if size > free:
        raise StorageError(
            f"The backup holds {size / 1e9:.2f} GB, the disk of {root} has {free / 1e9:.2f} GB left; make "
            "room first.",
            path=str(root),
        )


def _free(path: Path) -> Path:
    """`path`, or the same with a number when there is something already."""
    n = 1
    free = path
    while free.exists():
        n += 1
        free = path.with_name(f"{path.name}-{n}")
    return free


def _prune(folder: Path, root: Path) -> None:
    """Remove folders that were made for a session that did not come."""
    while folder != root and folder.is_dir() and not any(folder.iterdir()):
        folder.rmdir()
        folder = folder.parent


def _no_passphrase() -> str:
    raise sealing.WrongKey("The backup is encrypted under a passphrase, and none was given.")
