"""What a practice session comes to in plain words, and how sure that is."""

from __future__ import annotations

import math
from dataclasses import dataclass
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Final

from ankle_imu.report import words
from ankle_imu.report.verdict import LOSS_CAREFUL, LOSS_MUCH, Verdict

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd

    from ankle_imu.mobility import PracticeResult

SOURCE: Final = {
    "joint": "foot against shank",
    "foot": "foot angle, shank assumed still",
    "shank": "tilt of the shank",
    "none": "not measured",
}
EXERCISE: Final = {
    "neutral": "neutral pose",
    "swing": "swings of the lower leg",
    "rom": "range",
    "hold": "hold",
    "lift-off": "lift-off",
    "lunge": "lunge",
    "balance": "one-leg stance",
}
KIND: Final = {
    "shank_moves": "the lower leg moved along",
    "hip_turns": "the hip turned",
    "heel_lifts": "the heel lifted",
}

NAMED: Final = 3
"""So many unmeasured blocks are named in a sentence; the page lists all. Ours."""

_SLOW: Final = "turned too little to check"
"""Part of a remark of `calibration.plausibility` that every slow practice earns: no reason for doubt here."""


@dataclass(frozen=True, kw_only=True)
class Band:
    """Published values, deg, for context: from, to, of whom, and the source."""

    low_deg: float
    high_deg: float
    whom: str
    source: str


_SOUCIE: Final = "Soucie et al. 2011, means of women and men of 20 to 69 years, moved by an examiner"
_TEXTBOOK: Final = "textbook range"

BANDS: Final = {
    "dorsiflexion": Band(
        low_deg=11.6, high_deg=20.0, whom="adults", source=f"{_SOUCIE}, up to the {_TEXTBOOK} of 20"
    ),
    "plantarflexion": Band(low_deg=49.4, high_deg=62.1, whom="adults", source=f"{_SOUCIE}; {_TEXTBOOK} up to 50"),
    "inversion": Band(low_deg=0.0, high_deg=35.0, whom="adults", source=_TEXTBOOK),
    "eversion": Band(low_deg=0.0, high_deg=15.0, whom="adults", source=_TEXTBOOK),
    "lunge": Band(
        low_deg=34.4,
        high_deg=50.4,
        whom="young adults",
        source="means less and plus one standard deviation, inclinometer at and below the tibial tuberosity",
    ),
}
"""Methods sheet G1. Soucie JM et al. (2011) Haemophilia 17:500-507, doi:10.1111/j.1365-2516.2010.02399.x. Other
methods than ours, other people than the reader: context, never a mark."""


def rows_of(frame: pd.DataFrame) -> list[Any]:
    """Rows of a table with their columns as attributes."""
    return [SimpleNamespace(**{str(k): v for k, v in row.items()}) for row in frame.to_dict("records")]


def range_rows(result: PracticeResult) -> list[Any]:
    """Rows of the ranges, those without a load before those with one."""
    return sorted(rows_of(result.ranges), key=lambda row: (row.leg, bool(load(row))))


def load(row: Any) -> str:
    """What a row worked against, in words; "" for nothing.

    Examples
    --------
    >>> row = SimpleNamespace(load="ankle_weight", load_kg=1.5, deload_cm=float("nan"), body_share=float("nan"))
    >>> load(row)
    'ankle weight 1.5 kg'
    """
    parts = []
    if row.load != "none" and not (row.load == "body_weight" and row.body_share == row.body_share):
        parts.append(str(row.load).replace("_", " ") + _if_known(row.load_kg, " {:g} kg"))
    if row.body_share == row.body_share:
        parts.append(f"{100.0 * row.body_share:.0f} % of body weight")
    if row.deload_cm == row.deload_cm:
        parts.append(f"blanket {row.deload_cm:g} cm" if row.deload_cm > 0 else "no blanket")
    return ", ".join(parts)


def _if_known(value: float, pattern: str) -> str:
    return pattern.format(value) if value == value else ""


def action(row: Any) -> str:
    """Leg, action and load of a row: `left dorsiflexion, ankle weight 1.5 kg`."""
    return ", ".join(filter(None, (f"{row.leg} {row.action}", load(row))))


def judge_practice(result: PracticeResult) -> Verdict:
    """Say what a practice session shows and how sure that is."""
    lines = [*_range_lines(result), *_hold_lines(result), *_sway_lines(result), *_pain_lines(result)]
    doubts = sorted(_doubts(result), key=lambda doubt: -doubt[0])
    return Verdict(
        lines=tuple(lines) or (_nothing(result),),
        level=max((level for level, _ in doubts), default=0),
        reasons=tuple(text for _, text in doubts) or ("sensors, poses and repetitions all passed.",),
    )


def _nothing(result: PracticeResult) -> str:
    if not len(result.blocks):
        return f"No block of practice is marked in {words.span(result.duration_s)} of recording."
    return "No range, hold or stance could be measured; below stands why."


def _range_lines(result: PracticeResult) -> list[str]:
    told: dict[str, list[str]] = {}
    for row in range_rows(result):
        parts = [
            f"{words.quantity(value, 'deg')} {how}"
            for value, how in ((row.active_deg, "by itself"), (row.assisted_deg, "with help"))
            if math.isfinite(value)
        ]
        if row.action == "lunge":
            parts = [part.removesuffix(" by itself") for part in parts]
        if parts:
            named = ", ".join(filter(None, (row.action, load(row))))
            told.setdefault(row.leg, []).append(f"{named} {' and '.join(parts)}")
    return [f"{leg.capitalize()}: {'; '.join(parts)}." for leg, parts in told.items()]


def _hold_lines(result: PracticeResult) -> list[str]:
    if not len(result.holds):
        return []
    total, n = float(result.holds["duration_s"].sum()), len(result.holds)
    longest = max(rows_of(result.holds), key=lambda row: row.duration_s)
    return [
        f"{words.plural(n, 'hold')}, {words.span(total)} under tension; the longest {longest.duration_s:.0f} s, "
        f"{action(longest)}."
    ]


def _sway_lines(result: PracticeResult) -> list[str]:
    return [
        f"Standing on the {row.leg} leg for {row.duration_s:.0f} s, eyes {row.eyes}, the {row.segment} swayed by "
        f"{words.number(row.rms_deg, 'm')} deg"
        + (f", with {words.plural(int(row.n_steps), 'step')}." if row.n_steps else ".")
        for row in rows_of(result.sway)
        if row.segment == ("shank" if (result.sway["segment"] == "shank").any() else "foot")
    ]


def _pain_lines(result: PracticeResult) -> list[str]:
    """The largest pain that was told, 0 to 10."""
    told = [(pain(one["text"]), one["time_s"]) for one in result.quality.get("notes", ())]
    most, at = max((pair for pair in told if pair[0] > 0), default=(0, 0.0))
    return [f"You told of pain {most} of 10 at {words.clock(at)}."] if most else []


def pain(text: str) -> int:
    """The answer in a marker such as `pain 3`; 0 where it is none.

    Examples
    --------
    >>> pain("pain 3"), pain("painless")
    (3, 0)
    """
    head, _, answer = text.partition(" ")
    return int(answer) if head == "pain" and answer.isdecimal() else 0


def _doubts(result: PracticeResult) -> list[tuple[int, str]]:
    found: list[tuple[int, str]] = []
    if not any(len(frame) for frame in (result.ranges, result.holds, result.sway)):
        found.append((2, "no block with a range, a hold or a stance could be used."))
    levels = {"fair": 1, "doubtful": 2, "failed": 2}
    for placement, one in result.quality.get("alignment", {}).items():
        if one["verdict"] in levels:
            text = f"the direction of the {words.side(placement)} sensor is {one['verdict']} ({one['reason']})."
            found.append((levels[one["verdict"]], text))
    for placement, ledger in result.quality.get("sensors", {}).items():
        share = ledger["lost"] / max(1, ledger["expected"])
        if share > LOSS_CAREFUL:
            lost = words.percent(ledger["lost"], ledger["expected"])
            found.append((2 if share > LOSS_MUCH else 1, f"the {words.side(placement)} sensor lost {lost}."))
    found += [(1, f"{action(row)}: measure again ({row.reason}).") for row in rows_of(result.ranges) if row.repeat]
    for kind in dict.fromkeys(result.compensations["kind"]):
        n = int((result.compensations["kind"] == kind).sum())
        found.append((1, f"{KIND[kind]} in {words.plural(n, 'repetition')}."))
    unmeasured = [row for row in rows_of(result.blocks) if row.reason and row.exercise not in ("neutral", "swing")]
    for reason in dict.fromkeys(row.reason for row in unmeasured):
        named = list(dict.fromkeys(_block(row) for row in unmeasured if row.reason == reason))
        more = [f"{len(named) - NAMED} more"] if len(named) > NAMED + 1 else []
        listed = "; ".join([*named[:NAMED], *more] if more else named)
        found.append((1, f"not measured, or only in part: {listed} ({reason})."))
    found += _uncalibrated(result)
    said = tuple(str(one["reason"]) for one in result.quality.get("alignment", {}).values() if one["reason"])
    warnings = [str(one) for one in result.quality.get("warnings", ()) if _SLOW not in str(one)]
    warnings = [one for one in warnings if not one.endswith(said)]
    return found + [(1, words.lower_first(one)) for one in warnings]


LUNGE_OFF_DEG: Final = 1.5
"""From here on it is told how far a lunge may be off, deg: what is aimed at (95 % of lunges)."""


def _block(row: Any) -> str:
    """What a block was: `left dorsiflexion, with help`, `left eversion, held`."""
    how = {"hold": "held", "lift-off": "from the support", "balance": f"eyes {row.eyes}"}.get(row.exercise, "")
    how = "with help" if row.exercise == "rom" and row.mode == "assisted" else how
    return ", ".join(filter(None, (f"{row.leg} {row.action or EXERCISE[row.exercise]}", how, load(row))))


def _uncalibrated(result: PracticeResult) -> list[tuple[int, str]]:
    """Lunges by a sensor whose offset is neither known nor was shown well enough by the poses of the session."""
    lunges = result.ranges[(result.ranges["action"] == "lunge") & (result.ranges["active_n"] > 0)]
    found = []
    for leg in dict.fromkeys(lunges["leg"]):
        placement = f"{leg}_shank"
        if result.quality.get("sensors", {}).get(placement, {}).get("calibration"):
            continue
        off = 1.96 * angle_doubt(result.quality.get("accelerometers", {}).get(placement, {}))
        if not off <= LUNGE_OFF_DEG:
            by = "some deg" if off != off else f"{off:.1f} deg"
            text = (
                f"lunges can be {by} off, since the offset of the {words.side(placement)} sensor is not known: "
                "ankle-imu sensors calibrate, once, takes it out of later ones."
            )
            found.append((1, text))
    return found


def angle_doubt(told: Mapping[str, Any]) -> float:
    """1 sigma, deg, that the offset of an accelerometer leaves in the largest angle; NaN where it is not known."""
    value = told.get("doubt_deg" if told.get("applied") else "doubt_without_deg")
    return float("nan") if value is None else float(value)
