"""The loss ledger of a session: what should have come from each sensor, what came, and why not."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from ankle_imu import recording, session_io
from ankle_imu.decode import decode_packets
from ankle_imu.durable import write_whole
from ankle_imu.errors import CorruptRecording, ProtocolError, RecordingError, UnknownFormatVersion
from ankle_imu.timing import SyncCheck, check_sync
from ankle_imu.values import LinkEvent, Marker, Recording
from ankle_imu.wire.ankle_state import decode_status

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_PERCENT: Final = re.compile(r"(\d+(?:\.\d+)?)\s*%")
_DPI: Final = 144
"""Of the picture: two dots per screen pixel, sharp on every screen."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Ledger:
    """What is known of the losses of one session.

    Parameters
    ----------
    recording : Recording, None when not one sample could be read; `problem` says why
    events : tuple of LinkEvent, in order
    markers : tuple of Marker
    battery : mapping of placement to (first, last) charge that was told, share 0..1
    healed : mapping of placement to (k,) s, times of samples that came late and filled a hole
    sync : tuple of SyncCheck, how far the sensors' times are apart by the knocks they shared
    damage : tuple of str, one sentence per file that is not whole
    parts : int, files of the recording
    is_being_recorded : bool, whether it still grows; then a last part that is not closed is no damage
    lost_bytes : int, bytes of them that could not be read
    """

    path: Path
    recording: Recording | None
    events: tuple[LinkEvent, ...]
    markers: tuple[Marker, ...]
    battery: Mapping[str, tuple[float, float]]
    healed: Mapping[str, NDArray[np.float64]]
    sync: tuple[SyncCheck, ...]
    damage: tuple[str, ...]
    parts: int
    lost_bytes: int
    problem: str = ""
    is_being_recorded: bool = False

    def draw(self) -> Figure:
        """Draw a timeline with one lane per sensor; `ValueError` when there is no sample to draw."""
        from ankle_imu.report.loss_timeline import loss_figure

        if self.recording is None:
            raise ValueError("There is nothing to draw: not one sample could be read.")
        title = self.recording.session.session_id or self.path.name
        return loss_figure(self.recording, self.events, self.healed, title=title)


def take_ledger(path: str | Path) -> Ledger:
    """Read a session and count its losses.

    Parameters
    ----------
    path : str or Path of a session folder, or of one `.mcap` file

    Returns
    -------
    Ledger
        Also of a session that holds no samples.

    Raises
    ------
    RecordingError
        If there is no session at `path`.
    CorruptRecording
        If it is no recording at all.
    UnknownFormatVersion
        If a newer version of the package wrote it.
    StorageError
        If the system does not let it be read.
    """
    path, rec, problem = Path(path), None, ""
    is_live = recording.is_being_recorded(path)
    log = session_io.read_session_log(path)
    try:
        rec = session_io.decode_log(path, log)
    except (CorruptRecording, UnknownFormatVersion):
        raise
    except RecordingError as error:
        problem = str(error)
    if is_live and rec is not None:
        rec = replace(rec, warnings=_of_a_whole(rec.warnings))
    late = [placement for placement, loss in rec.loss.items() if loss.healed] if rec else []
    return Ledger(
        path=path,
        recording=rec,
        events=log.events,
        markers=log.markers,
        battery=_batteries(log),
        healed={
            p: np.sort(np.concatenate([_healed_times(s) for s in log.streams if s.placement == p])) for p in late
        },
        sync=tuple(check_sync(rec.series)) if rec else (),
        damage=_of_a_whole(log.damage) if is_live else log.damage,
        parts=len(recording.part_paths(path)),
        lost_bytes=log.lost_bytes,
        problem=problem,
        is_being_recorded=is_live,
    )


def save_picture(ledger: Ledger, target: Path) -> Path:
    """Draw a ledger into a file; its ending names the format (`.png`, `.svg`, `.pdf`).

    Raises
    ------
    ValueError
        If the ending is none of these.
    StorageError
        If the disk refuses.
    """
    import io

    kinds = (".png", ".svg", ".pdf")
    if target.suffix.lower() not in kinds:
        raise ValueError(f"{target.name} ends in none of {', '.join(kinds)}.")
    out = io.BytesIO()
    ledger.draw().savefig(out, format=target.suffix.lower()[1:], dpi=_DPI)
    return write_whole(target, out.getvalue())


def _of_a_whole(sentences: Iterable[str]) -> tuple[str, ...]:
    """Those that do not tell of a part that was not closed."""
    return tuple(sentence for sentence in sentences if recording.NOT_CLOSED not in sentence)


def _batteries(log: recording.SessionLog) -> dict[str, tuple[float, float]]:
    """First and last charge of each sensor that its own status or the recorder's events tell."""
    told = defaultdict[str, list[tuple[float, float]]](list)
    for event in log.events:
        found = _PERCENT.search(event.text) if event.event == "battery" else None
        if found:
            told[event.placement].append((event.time_s, float(found[1]) / 100.0))
    for stream in log.status:
        if stream.protocol == "ankle":
            told[stream.placement] += _ankle_charges(stream)
    return {placement: (min(charges)[1], max(charges)[1]) for placement, charges in told.items() if charges}


def _ankle_charges(stream: recording.Stream) -> Iterator[tuple[float, float]]:
    for time_s, payload in stream.packets:
        try:
            percent = decode_status(payload).battery_pct
        except ProtocolError:
            continue
        if percent <= 100:
            yield time_s, percent / 100.0


def _healed_times(stream: recording.Stream) -> NDArray[np.float64]:
    """About when the samples were taken that came after a later one: read off the arrivals of their neighbours."""
    samples = decode_packets(stream.protocol, stream.packets, stream.config)
    if samples is None or samples.sequence is None or len(samples) == 0:
        return np.empty(0)
    newest = np.maximum.accumulate(samples.sequence)
    is_late = samples.sequence < newest
    in_order, arrival = samples.sequence[~is_late], samples.arrival[~is_late]
    times: NDArray[np.float64] = np.interp(np.setdiff1d(samples.sequence[is_late], in_order), in_order, arrival)
    return times
