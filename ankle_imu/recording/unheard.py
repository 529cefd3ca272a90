"""Words that a killed recorder did not come to take: put into its recording, as one part behind the others."""

from __future__ import annotations

import io
import math
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Final

from ankle_imu.durable import write_whole
from ankle_imu.recording.framing import LogFramer
from ankle_imu.recording.inbox import Inbox, Left
from ankle_imu.recording.log_format import JSON, MARKER_TOPIC, Channel, Message, marker_payload
from ankle_imu.recording.parts import last_part, part_path
from ankle_imu.recording.reader import SessionLog, part_paths, read_log
from ankle_imu.recording.sums import write_sums
from ankle_imu.values import Marker

SAME_S: Final = 0.5
"""The same word this near is the same one: the recorder had written it and was killed before it removed the file.
Ours; its two clocks part by milliseconds, and nobody says a word twice so fast."""


def take_unheard(folder: Path) -> tuple[Marker, ...]:
    """Put the words that were left for the recorder of a session into it.

    Parameters
    ----------
    folder : Path of a session that nobody writes to and whose parts are whole

    Returns
    -------
    tuple of Marker
        Those that the recording lacked, in time. Their files are removed once it has them: who is killed before
        finds them again, and none is added twice.

    Raises
    ------
    StorageError
        If the disk refuses; the words stay where they are.

    Notes
    -----
    When a word was said is told by the wall clock, against what the recorder last noted of it: monotonic clocks do
    not survive a restart. Where that is before the start or after the end, the clock was set meanwhile or the word
    came too late, and it is put at the end.
    """
    box = Inbox(folder)
    left = box.take(everything=True, most=None)
    words: tuple[Marker, ...] = ()
    if left:
        log = read_log(part_paths(folder))
        words = _lacking(log, left)
        if words:
            _write(folder, log, words)
    box.close()
    return words


def _lacking(log: SessionLog, left: Iterable[Left]) -> tuple[Marker, ...]:
    """Words that are not among the markers of a recording, with their times in it."""
    known = list(log.markers)
    lacking = []
    end_s = _end(log)
    for word in left:
        marker = Marker(time_s=_time(log, word, end_s), text=word.text, leg=word.leg)
        same = next((one for one in known if _is_same(one, marker)), None)
        if same is None:
            lacking.append(replace(marker, time_s=min(marker.time_s, end_s)))
        else:
            known.remove(same)
    return tuple(sorted(lacking, key=lambda marker: marker.time_s))


def _is_same(one: Marker, other: Marker) -> bool:
    return (one.text, one.leg) == (other.text, other.leg) and abs(one.time_s - other.time_s) <= SAME_S


def _end(log: SessionLog) -> float:
    """When the last that is in a recording came, s after session start."""
    came = [at for stream in (*log.streams, *log.status, *log.clock) for at, _ in stream.packets]
    return max([0.0, *came, *(event.time_s for event in log.events)])


def _time(log: SessionLog, word: Left, end_s: float) -> float:
    if math.isfinite(word.time_s):
        return max(0.0, word.time_s)
    at_s, utc_ns = (
        (log.host_clock[-1].time_s, log.host_clock[-1].utc_ns) if log.host_clock else (0.0, log.start_ns)
    )
    time_s = at_s + (word.utc_ns - utc_ns) / 1e9
    return time_s if 0.0 <= time_s <= end_s else end_s


def _write(folder: Path, log: SessionLog, words: Iterable[Marker]) -> None:
    """A part of markers, whole or not there; its sum is listed first, see `write_sums`."""
    channel = Channel(MARKER_TOPIC, JSON, {})
    number = next((n for n, known in log.channels.items() if known == channel), 1 + max(log.channels, default=0))
    first = log.counts.get(number, 0)
    messages = [
        Message(number, first + i, log.start_ns + round(1e9 * w.time_s), marker_payload(w.text, w.leg))
        for i, w in enumerate(words)
    ]
    channels = {**log.channels, number: channel}
    out = io.BytesIO()
    framer = LogFramer(out.write, start_ns=log.start_ns, session=log.session, before=log.counts)
    counts = {**log.counts, number: first + len(messages)}
    framer.begin()
    framer.describe(channels, counts)
    framer.write_chunk(messages, channels)
    framer.describe(channels, counts)
    framer.finish()
    path = part_path(folder, 1 + last_part(folder))
    write_sums(folder, {path.name: out.getvalue()})
    write_whole(path, out.getvalue())
