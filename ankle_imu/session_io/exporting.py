"""Hand a session to other programs: what may be told of it, written in their format."""

from __future__ import annotations

from pathlib import Path

from ankle_imu import library
from ankle_imu.interchange.exporters import EXPORTERS, default_target, export
from ankle_imu.interchange.outgoing import Positions, prepare
from ankle_imu.values import Recording, SessionResult


def export_session(
    recording: Recording,
    result: SessionResult,
    folder: str | Path,
    *,
    to: str = "csv",
    positions: Positions = "trim",
    has_words: bool = False,
) -> list[Path]:
    """Write one session for other programs, as `ankle-imu export` does.

    Parameters
    ----------
    recording : Recording
    result : SessionResult of the same recording
    folder : str or Path, where the file or the folder of the export is put; made when it is not there
    to : str, one of `interchange.exporters.EXPORTERS`, such as `csv`, `parquet`, `motion-bids`, `sto`, `mcap`
    positions : `keep`, `trim` (without the surroundings of both ends) or `none`: what is shown of the track
    has_words : bool, whether notes and the words of marks go along; they may name someone

    Returns
    -------
    list of Path
        Every file that was written, in order of its name. No alias and no serial number is in any of them: people
        and sensors go by salted hashes that only this computer can make.

    Raises
    ------
    ValueError
        If the format is unknown, or the folder of the export is there already and not empty.
    StorageError
        If the disk refuses; nothing is left behind.
    """
    if to not in EXPORTERS:
        raise ValueError(f"Unknown format {to!r}; expected one of {', '.join(EXPORTERS)}.")
    out = prepare(recording, result, key=library.place_key(), positions=positions, has_words=has_words)
    Path(folder).mkdir(parents=True, exist_ok=True)
    return export([out], to, Path(folder) / default_target(to, [out.name]))
