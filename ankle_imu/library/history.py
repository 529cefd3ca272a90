"""The strides of all sessions of one person, from the results already written; nothing is analysed here."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from ankle_imu import tables
from ankle_imu.comparison import SessionStrides, mount_sites
from ankle_imu.errors import CorruptRecording, RecordingError
from ankle_imu.library.cards import SessionEntry
from ankle_imu.library.derived import load_events, read_table
from ankle_imu.library.folders import list_sessions
from ankle_imu.manifest import check_alias
from ankle_imu.trends import PastSession, Worn, no_curves

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd


def load_history(library: str | Path, alias: str) -> tuple[PastSession, ...]:
    """Sessions of a person with their strides, oldest first.

    Parameters
    ----------
    library : str or Path of the library
    alias : str, the person

    Returns
    -------
    tuple of PastSession
        Shoes, load and surface as `session.toml` has them now, and events with the answers `events.toml` has now,
        so that what is noted later counts. Sessions that were not analysed, or whose result is damaged, are left
        out; where the answers cannot be read, the events have none.

    Raises
    ------
    ValueError
        If the alias is none.
    """
    found = []
    for entry in list_sessions(library, check_alias(alias)):
        if entry.result is not None and not entry.problem:
            try:
                found.append(_past(entry, entry.result))
            except CorruptRecording:
                continue
    return tuple(found)


def _past(entry: SessionEntry, folder: Path) -> PastSession:
    info = entry.info
    is_new = (folder / f"{tables.CONTEXT.name}.parquet").exists()
    return PastSession(
        alias=entry.alias,
        strides=SessionStrides(
            session_id=entry.session_id,
            start_utc=info.started_utc,
            strides=read_table(folder, tables.STRIDES),
            context=read_table(folder, tables.CONTEXT) if is_new else tables.make_table(tables.CONTEXT, {}),
            events=_events(entry.path, folder),
            load_kg=dict(info.load_kg),
            footwear=info.footwear.strip(),
            brace=info.brace.strip(),
            mount_site=mount_sites(entry.info),
        ),
        worn=Worn.from_info(info, entry.session_id),
        surface=info.surface.strip(),
        alignment=_verdicts(folder),
        read_curves=partial(_curves, folder),
    )


def _curves(folder: Path) -> pd.DataFrame:
    """Mean curves of a result; none where it is older than they are, or damaged."""
    try:
        return read_table(folder, tables.CURVES)
    except CorruptRecording:
        return no_curves()


def _events(session_folder: Path, folder: Path) -> pd.DataFrame:
    """Events of the newest result with the person's answers; without them where they cannot be read."""
    try:
        found = load_events(session_folder)
    except RecordingError:
        found = None
    return read_table(folder, tables.EVENTS) if found is None else found


def _verdicts(folder: Path) -> Mapping[str, str]:
    """Verdict of the alignment of each sensor; empty where the ledger cannot be read."""
    try:
        ledger = json.loads((folder / "quality.json").read_text(encoding="utf-8"))
        return {str(p): str(a["verdict"]) for p, a in ledger.get("alignment", {}).items()}
    except (OSError, ValueError, KeyError, TypeError):
        return {}
