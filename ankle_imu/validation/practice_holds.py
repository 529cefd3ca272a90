"""Holds found against holds done, one to one in time; and small ranges held on both sides of the 80 % line."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from types import SimpleNamespace
from typing import Any, Final

import numpy as np
import pandas as pd

from ankle_imu.analysis.practice import analyze_practice
from ankle_imu.mobility import PracticeResult
from ankle_imu.practice.holds import LINE_DOUBT_DEG
from ankle_imu.simulate.practice import Exercise, PracticeTruth, practise
from ankle_imu.validation.practice_people import DATASET, person_plan
from ankle_imu.validation.score import Row

OVER: Final = f"small ranges: holds more than {LINE_DOUBT_DEG:g} deg over the 80 % line, share found"
BELOW: Final = f"small ranges: holds found that are none, more than {LINE_DOUBT_DEG:g} deg below it, share"
NEAR: Final = f"small ranges: holds within {LINE_DOUBT_DEG:g} deg of it missed or invented, share"


def each(frame: pd.DataFrame) -> list[SimpleNamespace]:
    """Rows of a table with their columns as attributes."""
    return [SimpleNamespace(**{str(k): v for k, v in row.items()}) for row in frame.to_dict("records")]


def pair_holds(found: pd.DataFrame, true: pd.DataFrame) -> list[tuple[Any, Any]]:
    """Found and true holds one to one, None where one is without the other: invented, or missed.

    Notes
    -----
    A pair is of one leg and action and shares more than half of the longer one's time, so that a hold found in two
    halves is one that was missed and two that were invented.
    """
    from scipy.optimize import linear_sum_assignment

    own, real = each(found), each(true)
    shared = np.zeros((len(own), len(real)))
    for i, one in enumerate(own):
        for j, other in enumerate(real):
            longest = max(one.end_s - one.start_s, other.end_s - other.start_s)
            both = min(one.end_s, other.end_s) - max(one.start_s, other.start_s)
            is_same = (one.leg, one.action) == (other.leg, other.action)
            shared[i, j] = both / longest if is_same and both > 0.5 * longest else 0.0
    rows, columns = linear_sum_assignment(shared, maximize=True)
    pairs = {int(i): int(j) for i, j in zip(rows, columns, strict=True) if shared[i, j] > 0.0}
    missed = [(None, other) for j, other in enumerate(real) if j not in pairs.values()]
    return [(one, real[pairs[i]] if i in pairs else None) for i, one in enumerate(own)] + missed


def line_session(seed: int) -> tuple[PracticeResult, PracticeTruth]:
    """One person with small ranges, who holds each of three actions four times, on both sides of the 80 % line."""
    rng = np.random.default_rng([seed, 43])
    held = ("dorsiflexion", "inversion", "eversion")
    ranges = {"dorsiflexion": rng.uniform(5.0, 9.0), "eversion": rng.uniform(5.0, 9.0)}
    exercises = (
        *(Exercise(kind="neutral"), Exercise(kind="swing"), Exercise(kind="rom", action="plantarflexion", reps=2)),
        *(Exercise(kind="rom", action=action) for action in held),
        *(
            Exercise(kind="hold", action=action, reps=1, hold_s=8.0, level=float(rng.uniform(0.7, 0.95)))
            for action in held
            for _ in range(4)
        ),
    )
    plan = replace(person_plan(seed), exercises=exercises)
    ranges = {**plan.ranges_deg, "inversion": rng.uniform(8.0, 14.0), **ranges}
    recording, truth = practise(replace(plan, ranges_deg=ranges), seed)
    return analyze_practice(recording), truth


def line_errors(people: Sequence[int]) -> dict[str, list[bool]]:
    """Holds right and wrong by their distance from the 80 % line: clear, or within `LINE_DOUBT_DEG` of it.

    Returns
    -------
    dict
        `OVER`: whether each was found; `BELOW`: whether each found one is invented; `NEAR`: whether either is so.
    """
    told: dict[str, list[bool]] = {OVER: [], BELOW: [], NEAR: []}
    for seed in people:
        result, truth = line_session(seed)
        reps = truth.reps[truth.reps["mode"] == "active"].groupby("action")["end_range_deg"].median()
        for found, true in pair_holds(result.holds, truth.holds):
            one = found if true is None else true
            over = one.level_deg - result.settings.hold_share * float(reps[one.action])
            if abs(over) <= LINE_DOUBT_DEG:
                told[NEAR].append(found is None or true is None)
                continue
            if true is not None:
                told[OVER].append(found is not None)
            if found is not None:
                told[BELOW].append(true is None)
    return told


def line_rows(people: Sequence[int]) -> Iterator[Row]:
    """Rows of `line_errors`."""
    told = line_errors(people)
    case = f"foot + shank, full errors, {len(people)} people with ranges of 5 to 14 deg"
    for name, target in ((OVER, 0.95), (BELOW, 0.02), (NEAR, float("nan"))):
        yield Row(
            dataset=DATASET,
            case=case,
            quantity=name,
            n=len(told[name]),
            value=float(np.mean(told[name])) if told[name] else float("nan"),
            unit="1",
            target=target,
            at_least=name == OVER,
            reference="the line is not known better" if name == NEAR else "",
        )
