"""Ankle rolls in simulated days: how many are found, how large they are called, and what is taken for one.

Negatives are hours of daily life and sport without a roll; one leg wears sensors, so that two legs have twice the
false alarms. Every day is analyzed with foot and shank sensor and with the foot sensor alone.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ankle_imu import frames
from ankle_imu.analysis import analyze
from ankle_imu.simulate.daily import DayTruth, day
from ankle_imu.validation.score import Row, pair_events
from ankle_imu.validation.simulated import feet_of
from ankle_imu.validation.simulation import QUICK, Extent
from ankle_imu.values import Recording

Array = NDArray[np.float64]

DATASET: Final = "rolls"

SESSION_H: Final = 0.5
ROLLS_PER_H: Final = 24.0
SEED: Final = 9000
MIXES: Final = ("daily", "walking", "running")
FALSE_PER_H: Final[Mapping[str, float]] = MappingProxyType({"daily": 0.3, "walking": 0.3, "running": 0.5})
"""Most false rolls per hour of one leg."""
SOURCES: Final[Mapping[str, str]] = MappingProxyType(
    {"joint": "foot and shank sensor", "foot": "foot sensor alone"}
)

ROLL_DEG: Final = 20.0
ROLL_DPS: Final = 300.0
"""A roll of so much is to be found."""
SMALL_DEG: Final = 12.0
"""What is found where the truth rolls by this or more is no false alarm, though it may have been left out."""
WITHIN_S: Final = 0.5

KINDS: Final = ("roll", "hard_roll")


@dataclass(frozen=True, kw_only=True, eq=False)
class Tally:
    """What one kind of day gave with one set of sensors.

    `hours`, `strides`, `false` by activity: of the day, strides where there are none, rolls where there are none;
    `severity`: peak angle found over the true one of each roll found; `counts`: strides `accepted`, events
    `wobble` and `eversion_roll`, rolls that are to be found (`large`) and those of them that were (`hit`).
    """

    hours: Counter[str] = field(default_factory=Counter)
    strides: Counter[str] = field(default_factory=Counter)
    false: Counter[str] = field(default_factory=Counter)
    severity: list[float] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)

    def false_per_h(self) -> float:
        """Rolls found where there are none, per hour."""
        return sum(self.false.values()) / sum(self.hours.values())


def score_rolls(extent: Extent = QUICK) -> Iterator[Row]:
    """Simulate days of daily life, walking and running, analyze them and compare.

    Parameters
    ----------
    extent : Extent, with its `day_hours`

    Yields
    ------
    Row
    """
    tallies = {(mix, source): Tally() for mix in MIXES for source in SOURCES}
    for mix, hours in zip(MIXES, extent.day_hours, strict=True):
        for k in range(max(1, round(hours / SESSION_H))):
            add_day(mix, SEED + k, min(hours, SESSION_H), {s: tallies[mix, s] for s in SOURCES})
    for source, worn in SOURCES.items():
        yield from _found([tallies[mix, source] for mix in MIXES[1:]], worn)
        for mix in MIXES:
            yield from _false(mix, tallies[mix, source], worn)


def add_day(mix: str, seed: int, hours: float, into: Mapping[str, Tally]) -> None:
    """Simulate one day and add what its analysis found to the tally of each angle source."""
    leg = frames.LEGS[seed % 2]
    recording, truth = day(
        seed,
        hours,
        mix,
        placements=(f"{leg}_foot", f"{leg}_shank"),
        errors=("typical", "full")[seed // 2 % 2],
        rolls=0 if mix == "daily" else round(ROLLS_PER_H * hours),
    )
    for source, tally in into.items():
        _compare(recording if source == "joint" else feet_of(recording), truth, leg, source, tally)


def _compare(recording: Recording, truth: DayTruth, leg: str, source: str, tally: Tally) -> None:
    result = analyze(replace(recording, session=replace(recording.session, tags=())))
    acts = truth.activities
    for name, start, end in zip(acts["activity"], acts["start_s"], acts["end_s"], strict=True):
        tally.hours[name] += (end - start) / 3600.0
    still = acts[~acts["is_way"]]
    accepted = result.strides[result.strides["accepted"].astype(bool)]
    tally.strides.update(_activities(accepted["ic_s"].to_numpy(), still))
    tally.counts["accepted"] += len(accepted)
    for kind in ("wobble", "eversion_roll"):
        tally.counts[kind] += int((result.events["kind"] == kind).sum())
    real = _true_rolls(truth, leg, source)
    at = result.events[result.events["kind"].isin(KINDS)].reset_index(drop=True)
    found, true = pair_events(at["time_s"].to_numpy(), real["time_s"].to_numpy(), WITHIN_S)
    large = ((real["peak_deg"] >= ROLL_DEG) & (real["peak_dps"] >= ROLL_DPS)).to_numpy()
    tally.counts["large"] += int(large.sum())
    tally.counts["hit"] += int(large[true].sum())
    tally.severity.extend((at["peak_deg"].to_numpy()[found] / real["peak_deg"].to_numpy()[true])[large[true]])
    rolled = np.zeros(len(at), dtype=bool)
    rolled[found] = real["peak_deg"].to_numpy()[true] >= SMALL_DEG
    tally.false.update(_activities(at["time_s"].to_numpy()[~rolled], acts))


def _activities(times: Array, acts: pd.DataFrame) -> list[str]:
    """Activity of each time that lies in one of `acts`."""
    names = acts["activity"].to_numpy()
    starts, ends = acts["start_s"].to_numpy(), acts["end_s"].to_numpy()
    if not len(starts):
        return []
    k = np.clip(np.searchsorted(starts, times, side="right") - 1, 0, None)
    inside = (times >= starts[k]) & (times < ends[k])
    return [str(name) for name in names[k[inside]]]


def _true_rolls(truth: DayTruth, leg: str, source: str) -> pd.DataFrame:
    """The true rolls; for a foot sensor alone by how far the foot, not the ankle, went."""
    events = truth.events[truth.events["leg"] == leg].reset_index(drop=True)
    if source == "joint" or not len(events):
        return events
    tilt = truth.angles[f"{leg}_foot_tilt_deg"].to_numpy()
    contacts = truth.contacts[truth.contacts["leg"] == leg]["ic_s"].to_numpy()
    peaks = []
    for time in events["time_s"]:
        contact = contacts[np.searchsorted(contacts, time) - 1]
        window = tilt[slice(*np.searchsorted(truth.time, [contact, time + 0.1]))]
        peaks.append(float((window - np.minimum.accumulate(window)).max()))
    return events.assign(peak_deg=peaks)


def _found(tallies: Sequence[Tally], worn: str) -> Iterator[Row]:
    """Sensitivity and severity over walking and running."""
    large, hit = (sum(t.counts[name] for t in tallies) for name in ("large", "hit"))
    error = np.abs(np.array([s for t in tallies for s in t.severity]) - 1.0)
    common: dict[str, Any] = {"dataset": DATASET, "case": f"walking and running, {worn}", "unit": "1"}
    yield Row(
        quantity="rolls of 20 deg and 300 deg/s or more found",
        n=large,
        value=hit / large if large else float("nan"),
        target=0.95,
        at_least=True,
        **common,
    )
    for quantity, q in (("median", 0.5), ("nine in ten within", 0.9)):
        yield Row(
            quantity=f"severity of rolls, relative error, {quantity}",
            n=len(error),
            value=float(np.quantile(error, q)) if len(error) else float("nan"),
            target=0.10,
            **common,
        )


def _false(mix: str, tally: Tally, worn: str) -> Iterator[Row]:
    hours = sum(tally.hours.values())
    common: dict[str, Any] = {
        "dataset": DATASET,
        "case": f"{mix}, {hours:.3g} h of one leg, {worn}",
        "unit": "1/h",
        "n": tally.counts["accepted"],
    }
    yield Row(
        quantity=f"false rolls, {mix}",
        value=tally.false_per_h(),
        target=FALSE_PER_H[mix],
        reference=_named(tally.false),
        **common,
    )
    for kind, words in (("wobble", "wobbles"), ("eversion_roll", "false rolls to the inside")):
        if tally.counts[kind]:
            yield Row(quantity=f"{words}, {mix}", value=tally.counts[kind] / hours, **common)
    if mix == "daily":
        yield Row(
            quantity="strides where there are none",
            value=sum(tally.strides.values()) / hours,
            reference=_named(tally.strides),
            **common,
        )


def _named(counts: Counter[str]) -> str:
    return ", ".join(f"{name} {n}" for name, n in counts.most_common() if n)
