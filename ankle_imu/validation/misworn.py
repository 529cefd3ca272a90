"""How often a fault of wearing or of units is found and named, and how often there is none and one is named."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import numpy as np

from ankle_imu import frames
from ankle_imu.analysis import analyze
from ankle_imu.errors import AnkleImuError
from ankle_imu.simulate import Plan, walk
from ankle_imu.simulate.faults import FAULTS, apply_fault, faults_for
from ankle_imu.validation.datasets import read_cases
from ankle_imu.validation.score import Row
from ankle_imu.validation.simulation import LAYER, QUICK, Extent
from ankle_imu.validation.wearers import wearer
from ankle_imu.values import Recording

DATASET: Final = "misworn"
REAL: Final = ("neura_s02_walk", "qmt_fullbody")
"""Recordings of people with foot and shank sensor."""
REAL_SEEDS: Final = 5

SAID: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "left_right_swapped": ("left and right are exchanged",),
        "feet_swapped": ("the two foot sensors are exchanged",),
        "foot_shank_swapped": ("turns like a shank", "moves like a"),
        "upside_down": ("sits upside down",),
        "slipped": ("slipped by",),
        "in_a_bag": ("was carried",),
        "left_lying": ("lay still", "never moved"),
        "gyr_in_degrees": ("deg/s",),
        "acc_in_g": ("given in g",),
        "gyr_range_wrong": ("gyr was scaled",),
        "acc_range_wrong": ("acc was scaled",),
        "gyr_range_too_small": ("range is too small",),
    }
)
"""Fault -> words one of which a warning or refusal must hold to have named it."""


@dataclass(frozen=True, kw_only=True)
class Tally:
    """Times a fault was put in, was named, and was noticed without its name."""

    put: int = 0
    named: int = 0
    noticed: int = 0

    def plus(self, told: Sequence[str], name: str, placement: str) -> Tally:
        """One more try, of which the analysis `told` this."""
        own = [t for t in told if any(word in t for word in SAID[name]) and _is_of(t, placement)]
        return Tally(
            put=self.put + 1, named=self.named + bool(own), noticed=self.noticed + bool(alarms(told) or own)
        )


def score_misworn(extent: Extent = QUICK, data: Path | None = None) -> Iterator[Row]:
    """Each fault put into sound walks, simulated and real, and the sound walks themselves.

    Parameters
    ----------
    extent : Extent; as many walks as it has wearers
    data : folder of recordings; None for simulated walks alone

    Yields
    ------
    Row
    """
    simulated = (_simulated(extent, seed) for seed in range(1, extent.wearers + 1))
    yield from _rows(f"{extent.wearers} simulated walks and runs, four sensors", _tried(simulated))
    present = [name for name in REAL if data is not None and (data / name).is_dir()]
    if data is not None and present:
        cases = [case.recording for name in present for case in read_cases(name, data)]
        tried = ((r, seed) for r in cases for seed in range(1, REAL_SEEDS + 1))
        yield from _rows(f"{len(cases)} real recordings, {REAL_SEEDS} tries each", _tried(tried))


def _simulated(extent: Extent, seed: int) -> tuple[Recording, int]:
    plan = Plan(
        duration_s=extent.wearer_s, sampling_rate=extent.rates[0], gait=("walk", "mixed", "run")[seed % 3], **LAYER
    )
    plan = replace(wearer(plan, seed), placements=frames.PLACEMENTS)
    recording, truth = walk(plan, seed=700 + seed)
    return replace(recording, calibration=truth.calibration()), seed


def _tried(walks: Iterator[tuple[Recording, int]]) -> dict[str, Tally]:
    """Fault -> Tally; under "" the walks as they are."""
    tallies: dict[str, Tally] = {}
    last = None
    for recording, seed in walks:
        if recording is not last:
            told = said_of(replace(recording, calibration=None))
            before = tallies.get("", Tally())
            tallies[""] = replace(before, put=before.put + 1, noticed=before.noticed + bool(alarms(told)))
        last = recording
        for name in faults_for(recording):
            if name == "upside_down" and recording.calibration is None:
                continue  # no fault to an analysis that aligns the sensor by itself
            placement = _placement(recording, name, seed)
            faulty = apply_fault(recording, name, placement=placement, seed=seed)
            kept = faulty if name == "upside_down" else replace(faulty, calibration=None)
            tallies[name] = tallies.get(name, Tally()).plus(said_of(kept), name, placement)
    return tallies


def _placement(recording: Recording, name: str, seed: int) -> str:
    """The sensor that gets the fault: each in turn."""
    if name in ("left_right_swapped", "feet_swapped"):
        return ""
    worn = list(recording.series)
    return worn[seed % len(worn)]


def said_of(recording: Recording) -> tuple[str, ...]:
    """Everything the analysis tells of a recording that it doubts: warnings, or the sentence of its refusal."""
    try:
        return tuple(analyze(recording).quality["warnings"])
    except AnkleImuError as error:
        return (str(error),)


def alarms(told: Sequence[str]) -> list[str]:
    """What of it names a fault of wearing or of units."""
    words = [word for said in SAID.values() for word in said]
    return [t for t in told if any(word in t for word in words)]


def _is_of(told: str, placement: str) -> bool:
    """Whether a sentence is of this sensor, or of its leg; of any when the fault concerns all."""
    return not placement or placement in told or f"{frames.leg_of(placement)} leg" in told


def _rows(case: str, tallies: Mapping[str, Tally]) -> Iterator[Row]:
    common: dict[str, Any] = {"dataset": DATASET, "case": case, "unit": "1"}
    for name in FAULTS:
        if name in tallies:
            tally = tallies[name]
            yield Row(
                quantity=f"{name.replace('_', ' ')}, share named",
                n=tally.put,
                value=tally.named / tally.put,
                target=0.95,
                at_least=True,
                reference="" if tally.named == tally.noticed else f"noticed {tally.noticed / tally.put:.2f}",
                how=FAULTS[name],
                **common,
            )
    sound = tallies.get("", Tally())
    yield Row(
        quantity="sound recordings, share with an alarm",
        n=sound.put,
        value=sound.noticed / sound.put if sound.put else float(np.nan),
        target=0.02,
        how="nothing is wrong",
        **common,
    )
