"""The practice of `demo`: an ankle that was stiff, between the walks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

MOST_SESSIONS: Final = 5
"""So many let the trend of practice speak (`trends.mobility.LEAST_SESSIONS`); each takes a quarter of a second."""

_FIRST_DEG, _LAST_DEG = 7.0, 14.0
"""Dorsiflexion by itself, first and last; made up."""

_LEG: Final = "right"
"""That of `simulate.recovery_plans`."""


def practise_between(walked: Sequence[datetime], root: Path, alias: str) -> list[Path]:
    """Simulate, record and analyze practice on days after some of the walks.

    Parameters
    ----------
    walked : when the walks began, oldest first
    root : Path of the library
    alias : str, the person

    Returns
    -------
    list of Path
        Folders of the sessions, oldest first.
    """
    from ankle_imu import batch
    from ankle_imu.manifest import format_utc
    from ankle_imu.session_io import save_simulation
    from ankle_imu.simulate.practice import Exercise, PracticePlan, practise
    from ankle_imu.simulate.practice.plan import GAPS_DEG, RANGES_DEG

    n = min(len(walked), MOST_SESSIONS)
    folders: list[Path] = []
    for k in range(n):
        share = k / max(n - 1, 1)
        plan = PracticePlan(
            exercises=(
                Exercise(kind="neutral"),
                Exercise(kind="swing"),
                Exercise(kind="rom", action="dorsiflexion"),
                Exercise(kind="rom", action="dorsiflexion", mode="assisted"),
                Exercise(kind="rom", action="plantarflexion"),
                Exercise(kind="hold", action="dorsiflexion", reps=2, hold_s=5.0 + 5.0 * share, level=0.96),
            ),
            legs=(_LEG,),
            ranges_deg={**RANGES_DEG, "dorsiflexion": _FIRST_DEG + (_LAST_DEG - _FIRST_DEG) * share},
            gaps_deg={**GAPS_DEG, "dorsiflexion": 9.0 - 4.0 * share},
            sampling_rate=52.0,
            errors="typical",
            person_seed=1,
        )
        recording, _ = practise(plan, k + 1)
        day = walked[round(share * (len(walked) - 1))] + timedelta(days=1)
        info = replace(recording.session, alias=alias, started_utc=format_utc(day), note="demo")
        folders.append(save_simulation(recording, root, info=info))
        with batch.one_thread():
            batch.analyze_and_save_practice(folders[-1])
    return folders


def write_trend(root: Path, alias: str) -> Path:
    """Write the page of practice and walks on one time axis; gives its path."""
    from ankle_imu.cli.practice_trending import look_at
    from ankle_imu.report.mobility_page import write_mobility

    action = "dorsiflexion"
    page = root / "people" / alias / f"practice_{action}.html"
    return write_mobility(look_at(root, alias, action), page).absolute()
