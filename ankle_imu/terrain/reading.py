"""A track file, whatever it is, to a track."""

from __future__ import annotations

from typing import Final

from ankle_imu.errors import CorruptRecording
from ankle_imu.terrain.fit import read_fit
from ankle_imu.terrain.gpx import read_gpx
from ankle_imu.terrain.points import make_track
from ankle_imu.track import Track

FILE_NAMES: Final = {"gpx": "track.gpx", "fit": "track.fit"}
"""Format -> name of the file in a session folder."""


def format_of(data: bytes, name: str) -> str:
    """`gpx` or `fit`, told by the content, not by the name.

    Raises
    ------
    CorruptRecording
        When it is neither.
    """
    if data[8:12] == b".FIT":
        return "fit"
    head = data[:4096].replace(b"\0", b"").lstrip(b"\xef\xbb\xbf\xff\xfe \t\r\n")
    if b"<gpx" in head or head.startswith(b"<?xml"):
        return "gpx"
    if not data:
        raise CorruptRecording(f"{name} is empty; expected a GPX or FIT file.", path=name)
    hint = " It is a compressed file: unpack it first." if data[:2] in (b"PK", b"\x1f\x8b") else ""
    raise CorruptRecording(f"{name} is neither GPX nor FIT.{hint}", path=name)


def read_track(data: bytes, name: str) -> Track:
    """Read a GPX or FIT file.

    Parameters
    ----------
    data : bytes of the file
    name : str, of the file, for words

    Returns
    -------
    Track
        What holds; everything that was left out is told in `problems`.

    Raises
    ------
    CorruptRecording
        When it is neither, or nothing of it can be read.
    RecordingError
        When it holds fewer than two positions.
    """
    kind = format_of(data, name)
    return make_track((read_gpx if kind == "gpx" else read_fit)(data, name), name)
