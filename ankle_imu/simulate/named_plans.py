"""Named plans, plans from TOML files and series of plans over weeks."""

from __future__ import annotations

import math
import tomllib
from dataclasses import fields
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from ankle_imu import frames
from ankle_imu.simulate.plan import Plan

_PAIR = ("left_foot", "left_shank")

PLANS: Final = MappingProxyType(
    {
        "default": Plan(duration_s=300, terrain="hill", gait="mixed", rolls=2, errors="typical"),
        "level_walk": Plan(duration_s=180, errors="typical"),
        "foot_only": Plan(duration_s=180, errors="typical", placements=("left_foot",)),
        "shank_only": Plan(duration_s=180, errors="typical", placements=("left_shank",)),
        "uneven_walk": Plan(duration_s=300, terrain="uneven", errors="typical", placements=_PAIR),
        "hill_walk": Plan(duration_s=600, terrain="hill", rolls=1, errors="typical", placements=_PAIR),
        "hill_mixed": Plan(
            duration_s=600, terrain="hill", gait="mixed", rolls=2, errors="typical", placements=_PAIR
        ),
        "trail_run": Plan(duration_s=300, terrain="uneven", gait="run", errors="typical", placements=_PAIR),
        "no_movements": Plan(duration_s=300, terrain="uneven", errors="typical", movements=False),
        "exact": Plan(duration_s=120, terrain="uneven"),
        "stairs": Plan(duration_s=240, terrain="stairs", errors="typical", placements=_PAIR),
        "hard": Plan(
            duration_s=300,
            terrain="hill",
            gait="mixed",
            rolls=2,
            errors="full",
            warm_up_k=20.0,
            toe_contacts=0.1,
            edge_contacts=0.1,
            knocks_per_min=6.0,
            shank_yaw_deg=3.0,
            loss=0.01,
            slip_deg=15.0,
        ),
        "lossy": Plan(duration_s=300, terrain="uneven", errors="typical", loss=0.02, gap_s=0.04),
    }
)
"""Named plans of the command line."""


def plan_from_toml(path: str | Path) -> Plan:
    """Plan from a TOML file with one key per field of `Plan`.

    Raises
    ------
    ValueError
        If the file is no TOML, a key is unknown or a value is not allowed; the sentence names it.
    OSError
        If the file cannot be read.
    """
    path = Path(path)
    try:
        values: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"{path.name} is not a TOML file: {error}.") from error
    known = {f.name: f for f in fields(Plan)}
    for key, value in values.items():
        if key not in known:
            raise ValueError(f"{path.name}: unknown key {key!r}; a plan has {', '.join(known)}.")
        default = known[key].default
        expected = type(default)
        is_number = expected is float and isinstance(value, int | float) and not isinstance(value, bool)
        is_words = expected is tuple and isinstance(value, list) and all(isinstance(v, str) for v in value)
        if not (is_number or is_words or type(value) is expected):
            raise ValueError(f"{path.name}: {key} = {value!r} is of the wrong kind; the default is {default!r}.")
    try:
        return Plan(**values)
    except ValueError as error:
        raise ValueError(f"{path.name}: {error}") from error


def named_plan(name: str) -> Plan:
    """Plan by its name in `PLANS`, or from a TOML file when `name` ends in `.toml`.

    Raises
    ------
    ValueError
        If there is neither.
    """
    if name in PLANS:
        return PLANS[name]
    if name.endswith(".toml"):
        if not Path(name).is_file():
            raise ValueError(f"No plan file {name}.")
        return plan_from_toml(name)
    raise ValueError(f"Unknown plan {name!r}; expected {', '.join(PLANS)} or a TOML file.")


def recovery_plans(
    weeks: int,
    *,
    sessions_per_week: int = 2,
    duration_s: float = 240.0,
    affected_leg: str = "right",
    seed: int = 1,
) -> list[tuple[Plan, int, int]]:
    """Sessions of someone whose sprained ankle steadies over the weeks: (plan, seed, day).

    Parameters
    ----------
    weeks : int, >= 1
    sessions_per_week : int, >= 1
    duration_s : float, s, of each session
    affected_leg : `left` | `right`
    seed : int, the person; each session has its own seed derived from it

    Returns
    -------
    list of (Plan, seed, days after the first session), in time order

    Notes
    -----
    The frontal spread of the affected leg falls from 2.2 times that of the other to 1.1 times, with a time
    constant of a third of the whole; an early roll or two, later none. The person's mean foot rotation stays.
    """
    if weeks < 1 or sessions_per_week < 1:
        raise ValueError(f"weeks and sessions_per_week must be at least 1, found {weeks}, {sessions_per_week}.")
    n = weeks * sessions_per_week
    plans = []
    for i in range(n):
        done = i / max(n - 1, 1)
        steadied = math.exp(-3.0 * done)
        plan = Plan(
            duration_s=duration_s,
            placements=tuple(f"{affected_leg}_{s}" for s in ("foot", "shank"))
            + tuple(f"{leg}_{s}" for leg in frames.LEGS if leg != affected_leg for s in ("foot", "shank")),
            terrain="uneven",
            rolls=1 if i in (1, n // 3) and n > 3 else 0,
            errors="typical",
            mean_rotation_deg=-8.0,
            affected_leg=affected_leg,
            affected_spread=1.05 + 1.15 * steadied,
            speed_factor=0.90 + 0.10 * done,
        )
        plans.append((plan, 1000 * seed + i, round(7 * i / sessions_per_week)))
    return plans
