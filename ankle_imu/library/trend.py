"""Sessions of one person side by side, from the summaries already written; nothing is analysed here."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ankle_imu import tables
from ankle_imu.comparison import mount_sites
from ankle_imu.errors import QualityRefusal
from ankle_imu.library.derived import find_result, read_table
from ankle_imu.library.folders import SessionEntry, list_sessions
from ankle_imu.manifest import check_alias

if TYPE_CHECKING:
    import pandas as pd


def load_trend(library: str | Path, alias: str | None = None) -> pd.DataFrame:
    """One row per session, leg, gait class and angle source.

    Parameters
    ----------
    library : str or Path of the library
    alias : str, the person; everyone when None

    Returns
    -------
    table `tables.TREND`, oldest session first: the session and the columns of its summary
        NaN where a session has too few strides. Sessions that were not analysed are left out; where several
        results exist for one session, the one written last counts.

    Raises
    ------
    ValueError
        If the alias is none.
    QualityRefusal
        If the library holds no session of that person, or none was analysed.
    """
    import pandas as pd

    if alias is not None:
        check_alias(alias)
    whose = f" of {alias}" if alias else ""
    entries = list_sessions(library, alias)
    if not entries:
        raise QualityRefusal(f"The library at {library} holds no sessions{whose} yet; record or import one first.")
    found = [(entry, folder) for entry in entries if (folder := find_result(entry.path)) is not None]
    if not found:
        raise QualityRefusal(
            f"None of the {len(entries)} sessions{whose} in {library} has been analysed; run `ankle-imu analyze`."
        )
    rows = pd.concat([_rows(entry, read_table(folder, tables.SUMMARY)) for entry, folder in found])
    return tables.make_table(tables.TREND, {name: rows[name].to_numpy() for name in tables.TREND.names})


def _rows(entry: SessionEntry, summary: pd.DataFrame) -> pd.DataFrame:
    sites = mount_sites(entry.info)
    return summary.assign(
        session_id=entry.session_id,
        start_utc=entry.info.started_utc,
        alias=entry.alias,
        mount_site=[sites[leg] for leg in summary["leg"]],
    )
