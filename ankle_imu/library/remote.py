"""Libraries in an object store, through fsspec (extra `cluster`): a mirror of what is small, raw data on demand.

In a store nothing can be renamed as a whole, so `result.json`, which makes a folder a result, goes first when a
result is replaced and comes last.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import Any, Final

from ankle_imu.durable import ASIDE, aside_of, is_abandoned
from ankle_imu.errors import ExtraMissing, StorageError
from ankle_imu.library.index import FILE as INDEX
from ankle_imu.library.sources import PATTERNS, Source

_HEAD: Final = "result.json"
_LARGE: Final = ("angles.parquet",)
"""Of a result, what a mirror leaves out: nine tenths of its bytes."""

_PIECE: Final = 1 << 20


@dataclass(frozen=True, kw_only=True)
class Store:
    """A library in a store; names are paths below its root, with `/`."""

    url: str
    fs: Any
    root: str

    def listing(self, under: str = "") -> dict[str, Source]:
        """Files below a folder by name; those being written, or with names that lead out of it, left out."""
        with _in_words(self.url):
            found = self.fs.find(f"{self.root}/{under}".rstrip("/"), detail=True)
        names = {path.removeprefix(self.root).lstrip("/"): info for path, info in found.items()}
        return {name: self._source(name, info) for name, info in names.items() if _is_plain(name)}

    def fetch(self, files: Mapping[str, Source], folder: Path) -> None:
        """Bring files into a folder, with their times; heads of results last."""
        for name in sorted(files, key=_head_last):
            target = folder / name
            aside = aside_of(target)
            target.parent.mkdir(parents=True, exist_ok=True)
            with _in_words(f"{self.url}/{name}"):
                self.fs.get_file(f"{self.root}/{name}", str(aside))
                modified = files[name].modified_us
                if modified is not None:
                    os.utime(aside, ns=(modified * 1000, modified * 1000))
                aside.replace(target)

    def put_result(self, folder: Path, name: str) -> None:
        """Put a result in the place of one that is there; an error on the way leaves none that counts."""
        head = f"{self.root}/{name}/{_HEAD}"
        with _in_words(f"{self.url}/{name}"):
            if self.fs.exists(head):
                self.fs.rm_file(head)
            self.fs.makedirs(f"{self.root}/{name}", exist_ok=True)
            try:
                for path in sorted(folder.iterdir(), key=lambda path: _head_last(path.name)):
                    self.fs.put_file(str(path), f"{self.root}/{name}/{path.name}")
            except BaseException:
                with suppress(Exception):  # where the store does not write a file as a whole
                    self.fs.rm_file(head)
                raise
            self.fs.invalidate_cache()

    def _source(self, name: str, info: Mapping[str, Any]) -> Source:
        return Source(size=int(info["size"]), modified_us=_modified(info), digest=lambda: self._hash(name))

    def _hash(self, name: str) -> str:
        found = hashlib.sha256()
        with _in_words(f"{self.url}/{name}"), self.fs.open(f"{self.root}/{name}", "rb") as file:
            while piece := file.read(_PIECE):
                found.update(piece)
        return found.hexdigest()


def _is_plain(name: str) -> bool:
    """Whether a name can be one of a finished file below the library: a store takes any, also `a/../../b`."""
    parts = name.split("/")
    is_below = not any(part in ("", ".", "..") or "\\" in part or ":" in part for part in parts)
    return is_below and ASIDE not in name


def open_store(url: str) -> Store:
    """The library at a URL that fsspec understands.

    Raises
    ------
    ExtraMissing
        If fsspec, or the package for this kind of store, is not installed.
    StorageError
        If the store cannot be reached, or there is no such kind.
    """
    try:
        import fsspec
    except ImportError as error:
        raise ExtraMissing(f"{url} needs fsspec: pip install 'ankle-imu[cluster]'.") from error
    with _in_words(url):
        fs, root = fsspec.core.url_to_fs(url)
        fs.invalidate_cache()
    return Store(url=url.rstrip("/"), fs=fs, root=str(root).rstrip("/"))


def mirror(url: str) -> Path:
    """A local folder with everything small of a library in a store: no raw data, no angles.

    Returns
    -------
    Path
        A folder in the user's cache, brought up to date; what went away in the store goes away there.
    """
    store = open_store(url)
    folder = _mirrors_path() / hashlib.sha256(store.url.encode()).hexdigest()[:16]
    wanted = {n: one for n, one in store.listing().items() if is_small(n)}
    there = {p.relative_to(folder).as_posix(): p for p in folder.rglob("*") if p.is_file()}
    for gone in set(there) - set(wanted):
        is_kept = PurePosixPath(gone).name in _LARGE or _is_index(gone)
        if not is_kept and (ASIDE not in gone or is_abandoned(there[gone])):
            there[gone].unlink(missing_ok=True)
    _remove_without(folder, {parent for name in wanted for parent in PurePosixPath(name).parents})
    store.fetch({n: one for n, one in wanted.items() if not _is_there(folder / n, one)}, folder)
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def mirrors() -> tuple[Path, ...]:
    """The mirrors of all stores that there are on this computer."""
    found = _mirrors_path()
    return tuple(sorted(path for path in found.iterdir() if path.is_dir())) if found.is_dir() else ()


def _mirrors_path() -> Path:
    import platformdirs

    return platformdirs.user_cache_path("ankle_imu", appauthor=False) / "stores"


def _remove_without(folder: Path, wanted: set[PurePosixPath]) -> None:
    """Remove the folders of a mirror that the store has no longer: an empty one would pass for a session."""
    for parent, _, _ in os.walk(folder, topdown=False):
        path = Path(parent)
        if path != folder and PurePosixPath(path.relative_to(folder).as_posix()) not in wanted:
            shutil.rmtree(path, ignore_errors=True)


def _is_index(name: str) -> bool:
    """Whether a file is the index: each mirror has its own, made from its own folders."""
    return name.partition("-")[0] == INDEX


def complete(url: str, folder: Path, result: Path) -> None:
    """Fetch what a mirror leaves out of one result, a folder in the mirror."""
    store = open_store(url)
    name = result.relative_to(folder).as_posix()
    files = store.listing(name)
    store.fetch({n: one for n, one in files.items() if not _is_there(folder / n, one)}, folder)


def is_small(name: str) -> bool:
    """Whether a file of a library belongs into a mirror."""
    path = PurePosixPath(name)
    is_wanted = path.suffix != ".html" and path.name not in _LARGE and not _is_index(name)
    return is_wanted and "raw" not in path.parts


def sources_in(files: Mapping[str, Source], session: str) -> dict[str, Source]:
    """The files of a listing that an analysis of a session reads, by their path in its folder."""
    own = {n.removeprefix(f"{session}/"): one for n, one in files.items() if n.startswith(f"{session}/")}
    return {n: one for n, one in own.items() if _is_read(n, PATTERNS)}


def _is_read(name: str, patterns: Iterable[str]) -> bool:
    path = PurePosixPath(name)
    return any(path.match(p) and len(path.parts) == len(PurePosixPath(p).parts) for p in patterns)


def _is_there(path: Path, source: Source) -> bool:
    if source.modified_us is None or not path.is_file():
        return False
    state = path.stat()
    return (state.st_size, state.st_mtime_ns // 1000) == (source.size, source.modified_us)


def _modified(info: Mapping[str, Any]) -> int | None:
    """When a file of a store was last written, µs; stores name it differently, and some do not know."""
    for key in ("mtime", "LastModified", "last_modified", "updated", "created"):
        when = info.get(key)
        if isinstance(when, datetime):
            when = when.timestamp()
        if isinstance(when, int | float):
            return round(when * 1e6)
    return None


def _head_last(name: str) -> tuple[bool, str]:
    return PurePosixPath(name).name == _HEAD, name


@contextmanager
def _in_words(what: str) -> Iterator[None]:
    """Say in one sentence what a store did not do; whatever its package raises."""
    try:
        yield
    except ImportError as error:
        raise ExtraMissing(f"{what}: {error}; install the package that fsspec needs for it.") from error
    except Exception as error:
        said = " ".join(str(error).split()) or type(error).__name__
        raise StorageError(f"The store did not serve {what}: {said}.", path=what) from error
