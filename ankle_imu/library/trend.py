"""Sessions of one person side by side, from the summaries already written; nothing is analysed here."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ankle_imu.errors import QualityRefusal
from ankle_imu.library.search import list_rows, load_summaries
from ankle_imu.library.wish import Search
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
    if alias is not None:
        check_alias(alias)
    search = Search(person=alias or "")
    rows = load_summaries(library, search)
    if len(rows):
        return rows
    whose = f" of {alias}" if alias else ""
    known = list_rows(library, search)
    if not known:
        raise QualityRefusal(f"The library at {library} holds no sessions{whose} yet; record or import one first.")
    if not any(row.result for row in known):
        raise QualityRefusal(
            f"None of the {len(known)} sessions{whose} in {library} has been analysed; run `ankle-imu analyze`."
        )
    return rows
