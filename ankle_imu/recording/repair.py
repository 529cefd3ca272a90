"""Make a killed or damaged recording whole again; nothing that is on the disk is thrown away.

Words that its recorder did not come to take are put into it, see `unheard`.

Each part that is not whole is written anew from its sound messages, and the original is kept in `raw/damaged/`.
A repaired recording reads as before: the numbers of its messages still tell how many are lost.
"""

from __future__ import annotations

import io
import os
import shutil
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from ankle_imu import manifest
from ankle_imu.durable import ASIDE, storage_error, sync_folder, write_whole
from ankle_imu.errors import CorruptRecording, RecordingError, UnknownFormatVersion
from ankle_imu.frames import PLACEMENTS
from ankle_imu.recording.framing import LogFramer
from ankle_imu.recording.lock import sole_writer
from ankle_imu.recording.log_format import Channel, Message, described_counts
from ankle_imu.recording.parts import CHUNK_S
from ankle_imu.recording.reader import SessionLog, describe_damage, part_paths, read_log, scan_part
from ankle_imu.recording.scan import Scan
from ankle_imu.recording.session import read_session_info
from ankle_imu.recording.sums import raw_files, read_sums, write_sums
from ankle_imu.recording.unheard import take_unheard
from ankle_imu.values import Marker, SensorInfo, SessionInfo

DAMAGED: Final = "damaged"
"""Folder beside the parts that keeps the originals of repaired ones."""

REPAIRED: Final = "repaired-"
"""Start of the name of a repaired copy of a single file."""


@dataclass(frozen=True, kw_only=True)
class PartRepair:
    """What was done for one part.

    `problem` says what was wrong; `original` is where the damaged file is now; `path` the whole one that was made
    of it, None when there was nothing to save; `saved` counts its messages by topic.
    """

    problem: str
    original: Path
    path: Path | None
    saved: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Repair:
    """What `repair_session` found and did; `is_needed` is False when all was whole.

    `info` is the `session.toml` that was written anew, `info_problem` why; `lost` counts per sensor the packets
    that were recorded and are gone for good; `words` had been left for the recorder and stand in the recording
    now; `leftovers` are traces of interrupted writing that hold no data of this session and may be deleted.
    """

    parts: tuple[PartRepair, ...] = ()
    info: Path | None = None
    info_problem: str = ""
    lost: Mapping[str, int] = field(default_factory=dict)
    words: tuple[Marker, ...] = ()
    leftovers: tuple[Path, ...] = ()

    @property
    def is_needed(self) -> bool:
        """Whether anything had to be written."""
        return bool(self.parts or self.words) or self.info is not None


def repair_session(path: Path) -> Repair:
    """Make a recording whole: rewrite what is damaged or was never closed, restore `session.toml`, add words.

    Parameters
    ----------
    path : Path of a session folder, or of one `.mcap` file, whose repaired copy is put beside it

    Returns
    -------
    Repair
        A second call finds nothing to do; one after a call that was killed does the rest.

    Raises
    ------
    RecordingError
        If there is no recording at `path`, it is being recorded, was never finished, or is another program's.
    CorruptRecording
        If no part holds anything that was recorded.
    UnknownFormatVersion
        If a newer version of the package wrote it.
    StorageError
        If the disk refuses; what was there before still is.
    """
    _parts(path)
    if not path.is_dir():
        return _repair(path)
    with sole_writer(path):
        done = _repair(path)
        done = replace(done, words=take_unheard(path))
        had = read_sums(path)
        if had is None or any(name.startswith(f"{DAMAGED}/") for name in raw_files(path).keys() - had[0]):
            write_sums(path)
    return done


def repaired_parts(path: Path) -> tuple[str, ...]:
    """Names of the parts of a session folder that were written anew, from the originals that were kept."""
    return tuple(sorted(kept.name for kept in (path / "raw" / DAMAGED).glob("part-*.mcap")))


def _repair(path: Path) -> Repair:
    paths = _parts(path)
    log = read_log(paths)
    scans = {part: _scan(part) for part in paths}
    for part, scan in scans.items():
        if scan and not scan.is_ours:
            raise RecordingError(
                f"{part} was written by another program ({scan.profile!r}); only our own recordings are repaired.",
                path=str(part),
            )
    known: dict[int, Channel] = {}
    for scan in scans.values():
        known |= scan.channels if scan else {}
    parts = []
    for part, scan in scans.items():
        problem = (
            " ".join(describe_damage(part, scan)) if scan else f"{part.name} holds nothing that was recorded."
        )
        if problem:
            done = _repair_part(part, scan, known, log, problem, is_single=not path.is_dir())
            parts += [done] if done else []
    info, info_problem = _restore_info(path, log) if path.is_dir() else (None, "")
    return Repair(
        parts=tuple(parts),
        info=info,
        info_problem=info_problem,
        lost=_lost(log),
        leftovers=tuple(_leftovers(path)) if path.is_dir() else (),
    )


def _lost(log: SessionLog) -> dict[str, int]:
    lost = Counter[str]()
    for stream in log.streams:
        lost[stream.placement] += stream.lost_packets
    return {placement: n for placement, n in lost.items() if n}


def _parts(path: Path) -> list[Path]:
    if not path.exists():
        raise RecordingError(f"There is no session at {path}.", path=str(path))
    if path.name.startswith(ASIDE):
        raise RecordingError(
            f"{path} was never finished: an import, a simulation or a copy was interrupted while writing it. "
            "Nothing of it is missing elsewhere; run that command again and delete this folder.",
            path=str(path),
        )
    paths = part_paths(path)
    if not paths:
        raise RecordingError(f"{path} has no raw/part-0001.mcap, so there is nothing to repair.", path=str(path))
    return paths


def _scan(path: Path) -> Scan | None:
    try:
        return scan_part(path)
    except CorruptRecording:
        return None


def _repair_part(
    path: Path, scan: Scan | None, known: Mapping[int, Channel], log: SessionLog, problem: str, *, is_single: bool
) -> PartRepair | None:
    """Write a part anew; None when that was done before."""
    data = _rewritten(scan, known, log) if scan else None
    if is_single:
        beside = path.with_name(f"{REPAIRED}{path.name}")
        if data is None or (beside.exists() and beside.read_bytes() == data):
            return None
        write_whole(beside, data)
        return PartRepair(problem=problem, original=path, path=beside, saved=_saved(scan, known))
    original = _keep(path)
    write_sums(path.parents[1], {path.name: data})
    if data is None:
        try:
            path.unlink()
            sync_folder(path.parent)
        except OSError as error:
            raise storage_error(error, path) from error
        return PartRepair(problem=problem, original=original, path=None)
    write_whole(path, data)
    return PartRepair(problem=problem, original=original, path=path, saved=_saved(scan, known))


def _rewritten(scan: Scan, known: Mapping[int, Channel], log: SessionLog) -> bytes:
    """A whole log of all sound messages of a part, with their own numbers and what is known of the lost ones."""
    out = io.BytesIO()
    start_ns = int(scan.description.get("start_ns", log.start_ns))
    session = scan.description.get("session", log.session)
    framer = LogFramer(
        out.write, start_ns=start_ns, session=session, before=described_counts(scan.description, "before")
    )
    channels = {m.channel: _channel(m.channel, scan, known) for m in scan.messages}
    channels = dict(sorted({**scan.channels, **channels}.items()))
    framer.begin()
    framer.describe(channels, scan.counts)
    for chunk in _chunks(scan.messages):
        framer.write_chunk(chunk, channels)
    framer.describe(channels, scan.counts)
    framer.finish()
    return out.getvalue()


def _channel(number: int, scan: Scan, known: Mapping[int, Channel]) -> Channel:
    """Description of a channel: the part's own, another part's (the recorder numbers them alike), or none."""
    return scan.channels.get(number) or known.get(number) or Channel(f"/unknown/{number}", "", {})


def _chunks(messages: Sequence[Message]) -> Iterator[list[Message]]:
    chunk: list[Message] = []
    for message in messages:
        if chunk and abs(message.log_time - chunk[0].log_time) >= CHUNK_S * 1e9:
            yield chunk
            chunk = []
        chunk.append(message)
    if chunk:
        yield chunk


def _saved(scan: Scan | None, known: Mapping[int, Channel]) -> dict[str, int]:
    return Counter(_channel(m.channel, scan, known).topic for m in scan.messages) if scan else {}


def _keep(path: Path) -> Path:
    """Give a file a second name in the folder of damaged ones, or copy it there where links are not to be had."""
    folder = path.parent / DAMAGED
    try:
        folder.mkdir(exist_ok=True)
        kept, n = folder / path.name, 1
        while kept.exists():
            if kept.read_bytes() == path.read_bytes():
                return kept
            kept, n = folder / f"{path.stem}-{n + 1}{path.suffix}", n + 1
        try:
            os.link(path, kept)
        except OSError:
            shutil.copy2(path, kept)
        sync_folder(folder)
    except OSError as error:
        raise storage_error(error, folder) from error
    return kept


def _restore_info(folder: Path, log: SessionLog) -> tuple[Path | None, str]:
    """Write `session.toml` anew where it is missing or spoilt; the path, and what was wrong with it."""
    try:
        read_session_info(folder)
    except UnknownFormatVersion:
        raise
    except RecordingError as error:
        path = folder / manifest.FILE_NAME
        if path.exists():
            (folder / "raw").mkdir(exist_ok=True)
            kept = folder / "raw" / DAMAGED / manifest.FILE_NAME
            write_whole(kept, path.read_bytes())
        return write_whole(path, _info_text(folder, log).encode()), str(error)
    return None, ""


def _info_text(folder: Path, log: SessionLog) -> str:
    """The copy made when recording began, else what folder and streams tell."""
    try:
        manifest.from_toml(log.session)
    except UnknownFormatVersion:
        raise
    except RecordingError:
        started = datetime.fromtimestamp(log.start_ns / 1e9, tz=UTC)
        return manifest.to_toml(
            SessionInfo(
                session_id=folder.name,
                alias=folder.parents[1].name if folder.parents[2].name == "people" else "",
                started_utc=manifest.format_utc(started),
                sensors={
                    s.placement: SensorInfo(placement=s.placement, protocol=s.protocol)
                    for s in log.streams
                    if s.placement in PLACEMENTS
                },
            )
        )
    return log.session


def _leftovers(folder: Path) -> Iterator[Path]:
    for place in (folder, folder / "raw", folder / "derived"):
        if place.is_dir():
            yield from sorted(p for p in place.iterdir() if p.name.startswith(ASIDE))
