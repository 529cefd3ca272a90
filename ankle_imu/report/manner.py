"""How a person moved, in a table and in sentences: gait, pace, landing, stairs, stops and turns."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from ankle_imu import frames
from ankle_imu.metrics.manner import on_stairs, stops, turns
from ankle_imu.metrics.pace import pace_evidence, told_gait
from ankle_imu.metrics.strike import STRIKES, strike_shares
from ankle_imu.metrics.summary import MIN_STRIDES_MEDIAN
from ankle_imu.report import words
from ankle_imu.report.grid import Grid

if TYPE_CHECKING:
    import pandas as pd

    from ankle_imu.values import SessionResult

LANDING: Final = {"rearfoot": "heel first", "midfoot": "whole foot", "forefoot": "ball first"}
_PACE: Final = (("Cadence, steps/min", "cadence_spm"), ("Speed, m/s", "speed_mps"), ("Duty factor", "duty_factor"))


def manner_grid(result: SessionResult) -> Grid:
    """One row per gait class: strides, time, pace and how the foot landed; left / right where they differ."""
    strides = _usable(result)
    rows = []
    for gait in words.GAIT:
        legs = {leg: strides[(strides["leg"] == leg) & (strides["gait"] == gait)] for leg in frames.LEGS}
        worn = {leg: own for leg, own in legs.items() if len(own)}
        if worn:
            name = words.GAIT[gait] + ("" if len(worn) > 1 else f", {next(iter(worn))}")
            cells = zip(*(_cells(own) for own in worn.values()), strict=True)
            rows.append((name, *(_beside(*cell) for cell in cells)))
    head = (
        "Left / right" if any("," not in row[0] for row in rows) else "Gait, leg",
        "Strides",
        "Time",
        *(name for name, _ in _PACE),
        *(LANDING[s].capitalize() for s in STRIKES),
    )
    return Grid(caption="How you moved: medians, and shares of landings", head=head, rows=tuple(rows))


def _cells(own: pd.DataFrame) -> list[str]:
    """Strides, time, pace and landings of one leg in one gait class."""
    pace = [words.number(float(own[c].dropna().median()), words.UNITS[c]) for _, c in _PACE]
    return [f"{len(own):,}", words.clock(float(own["stride_time_s"].sum())), *pace, *_landing(own)]


def _beside(left: str, right: str = "") -> str:
    """Left / right, with the unit once; one of them where they are alike.

    Examples
    --------
    >>> _beside("107 steps", "108 steps")
    '107 / 108 steps'
    """
    if right in ("", left):
        return left
    number, _, unit = left.replace("\u00a0", " ").partition(" ")
    is_shared = unit and right.replace("\u00a0", " ").partition(" ")[2] == unit
    return f"{number if is_shared else left} / {right}"


def _usable(result: SessionResult) -> pd.DataFrame:
    return result.strides[result.strides["accepted"].astype(bool)]


def _landing(strides: pd.DataFrame) -> list[str]:
    shares = strike_shares(strides)
    if not shares or strides["strike_angle_deg"].count() < MIN_STRIDES_MEDIAN:
        return ["–"] * len(STRIKES)
    return [f"{100.0 * shares[name]:.0f}\u00a0%" for name in STRIKES]


def manner_sentences(result: SessionResult) -> list[str]:
    """What the table cannot say: doubts of landing and pace, stairs, stops and turns."""
    if not len(result.strides):
        return []
    told = (_stairs, _stops, _turns, _jog_or_run, _landing_doubt)
    return [sentence for tell in told if (sentence := tell(result))]


def _stairs(result: SessionResult) -> str:
    way = on_stairs(result.strides)
    counts = {"up": int((way > 0).sum()), "down": int((way < 0).sum())}
    parts = [f"{words.plural(n, 'stride')} {name}" for name, n in counts.items() if n]
    return f"On stairs: {words.listing(parts)}." if parts else ""


def _stops(result: SessionResult) -> str:
    found = stops(result.strides)
    if not len(found):
        return ""
    return f"You stopped {_times(len(found))}, {words.span(float(found['duration_s'].sum()))} in all."


def _times(n: int) -> str:
    return {1: "once", 2: "twice"}.get(n, f"{n:,} times")


def _turns(result: SessionResult) -> str:
    found = turns(result.strides)
    if not len(found):
        return ""
    leg = found["leg"].value_counts().index[0]
    own = found[found["leg"] == leg]
    left = int((own["turn_deg"] > 0).sum())
    sides = [f"{n} to the {side}" for n, side in ((left, "left"), (len(own) - left, "right")) if n]
    return f"Turns: {words.listing(sides)}; their strides enter no figure."


def _jog_or_run(result: SessionResult) -> str:
    strides = _usable(result)
    running = strides[strides["gait"] != "walk"]
    if not len(running):
        return ""
    border = result.settings.jog_below_mps
    doubt = np.abs(pace_evidence(running["duty_factor"], running["speed_mps"], border)) < 1.0
    known = running["speed_mps"].notna().any()
    by = f"by speed ({border:g} m/s, a convention) and contact time" if known else "by contact time alone"
    share = words.percent(float(doubt.mean()), 1.0)
    told = told_gait(result.session.tags)
    if told:
        return f"Jogging or running: a {told}, since the session's tag says so; {by} {share} would be unsure."
    return (
        f"Jogging and running are told apart {by}: estimated, and unsure in {share} of those strides. A tag jog "
        "or run in session.toml decides."
    )


def _landing_doubt(result: SessionResult) -> str:
    strides = _usable(result)
    if strides["strike_angle_deg"].count() < MIN_STRIDES_MEDIAN:
        return ""
    return (
        "How the foot landed comes from its angle at contact, which is known to about 4 deg: landings on the heel "
        "and on the ball are told apart well, a landing on the whole foot is a guess."
    )
