"""What to practise in simulation: exercises in order, by a person with given ranges, with given sensors on."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from ankle_imu import frames
from ankle_imu.mobility import ACTIONS, EXERCISES, EYES, LOAD_FIELDS, MODES, Manner, check_words

COMPENSATIONS: Final = ("shank_moves", "hip_turns", "heel_lifts")
ERRORS: Final = ("none", "typical", "full")
PAUSE: Final = "pause"

RANGES_DEG: Final[Mapping[str, float]] = MappingProxyType(
    {"dorsiflexion": 14.0, "plantarflexion": 45.0, "inversion": 28.0, "eversion": 12.0, "lunge": 40.0}
)
"""Active ranges of a person, and the lunge, deg: the middle of what methods G1 gathers for adults."""

GAPS_DEG: Final[Mapping[str, float]] = MappingProxyType(
    {"dorsiflexion": 5.0, "plantarflexion": 7.0, "inversion": 6.0, "eversion": 4.0}
)
"""How much further the assisted range goes; own choice, below and above the 6 to 8 deg that can be detected."""


@dataclass(frozen=True, kw_only=True)
class Exercise(Manner):
    """One block of a simulated session, in the manner of `mobility.Manner`.

    A load shortens the range and makes a hold sag and tremble more (`loads`).

    Parameters
    ----------
    kind : one of `mobility.EXERCISES`, or `pause`: some seconds in which the leg does something else
    reps : repetitions of a `rom`, `lunge` or `hold`
    hold_s : how long each end range, hold or stance lasts, s; NaN is usual for the exercise
    scatter_deg : standard deviation of the end range from one repetition to the next
    tremor_deg : size of the tremor of 4 to 12 Hz while the action is held
    drift_dps : how fast a hold sags, deg/s
    level : held angle as a share of the active range
    drop_out_s : in the middle of each hold the foot falls back by 7 deg for so long, s; 0 for none
    lost_deg : angle lost when the support is left in a `lift-off`
    compensation : "" | `shank_moves` | `hip_turns` | `heel_lifts`
    compensation_deg : its size
    compensated : which repetition has it, -1 for all
    sway : factor on the sway of a `balance`
    supported_s : how long the support is stayed on before a `lift-off`, s; NaN is usual
    begin_s : not before then, s; NaN is at once
    """

    kind: str
    reps: int = 3
    hold_s: float = math.nan
    scatter_deg: float = 0.7
    tremor_deg: float = 0.12
    drift_dps: float = 0.05
    level: float = 0.92
    drop_out_s: float = 0.0
    lost_deg: float = 4.0
    compensation: str = ""
    compensation_deg: float = 10.0
    compensated: int = -1
    sway: float = 1.0
    supported_s: float = math.nan
    begin_s: float = math.nan

    def __post_init__(self) -> None:
        check_words(self, self.kind, kind=(*EXERCISES, PAUSE), compensation=("", *COMPENSATIONS))
        self.check_manner(self.kind)
        for name, low, high in (
            ("reps", 1, 50),
            ("scatter_deg", 0.0, 20.0),
            ("tremor_deg", 0.0, 2.0),
            ("drift_dps", 0.0, 2.0),
            ("level", 0.3, 1.2),
            ("drop_out_s", 0.0, 5.0),
            ("lost_deg", 0.0, 20.0),
            ("compensation_deg", 0.0, 30.0),
            ("sway", 0.0, 5.0),
            ("load_kg", 0.0, 50.0),
            ("deload_cm", 0.0, 60.0),
            ("body_share", 0.0, 1.0),
        ):
            value = getattr(self, name)
            if not low <= value <= high and not (name in LOAD_FIELDS and math.isnan(value)):
                raise ValueError(f"{name} must be {low:g} to {high:g}, found {value!r}.")


@dataclass(frozen=True, kw_only=True)
class PracticePlan:
    """One practice session to simulate.

    Parameters
    ----------
    exercises : in order, done by each leg of `legs` in turn
    legs : which legs practise
    segments : which sensors each of them wears, `foot`, `shank` or both
    sampling_rate : float, Hz
    ranges_deg : action, or `lunge` -> active range of the person
    gaps_deg : action -> how much further the assisted range goes
    errors : `none` | `typical` | `full`, of the sensors (`simulate.sensor_errors`)
    warm_up_k : K by which the sensors warm up
    mounts : `random` | `aligned`
    axis_sd_deg : standard deviation, between people, of the direction about which they flex their ankle
    person_seed : int, of the person's axes; 0 takes the session's, so that every session has another person
    posture_deg : standard deviation of how the shank stands differently from block to block
    loss : fraction of samples lost, in gaps of `gap_s` on average
    gaps : stretches [start, end), s, in which no sensor sends
    """

    exercises: tuple[Exercise, ...]
    legs: tuple[str, ...] = ("left",)
    segments: tuple[str, ...] = ("foot", "shank")
    sampling_rate: float = 104.0
    ranges_deg: Mapping[str, float] = field(default_factory=lambda: RANGES_DEG)
    gaps_deg: Mapping[str, float] = field(default_factory=lambda: GAPS_DEG)
    errors: str = "none"
    warm_up_k: float = 0.0
    mounts: str = "random"
    axis_sd_deg: float = 5.0
    person_seed: int = 0
    posture_deg: float = 1.5
    loss: float = 0.0
    gap_s: float = 0.03
    gaps: tuple[tuple[float, float], ...] = ()

    def __post_init__(self) -> None:
        for name, found, allowed in (
            ("legs", self.legs, frames.LEGS),
            ("segments", self.segments, ("foot", "shank")),
            ("errors", (self.errors,), ERRORS),
            ("mounts", (self.mounts,), ("random", "aligned")),
        ):
            if not found or set(found) - set(allowed) or len(set(found)) < len(found):
                raise ValueError(f"{name} is {found!r}; expected some of {', '.join(allowed)}, each once.")
        for name, needed in (("ranges_deg", RANGES_DEG), ("gaps_deg", GAPS_DEG)):
            missing = [action for action in needed if action not in getattr(self, name)]
            if missing:
                raise ValueError(f"{name} lacks {', '.join(missing)}; give all of {', '.join(needed)}.")
        for name, low, high in (
            ("sampling_rate", 40.0, 1000.0),
            ("axis_sd_deg", 0.0, 20.0),
            ("posture_deg", 0.0, 10.0),
            ("loss", 0.0, 0.5),
            ("gap_s", 1e-3, 60.0),
            ("warm_up_k", 0.0, 60.0),
        ):
            if not low <= getattr(self, name) <= high:
                raise ValueError(f"{name} must be {low:g} to {high:g}, found {getattr(self, name)!r}.")

    @property
    def placements(self) -> tuple[str, ...]:
        """Sensors worn."""
        return tuple(f"{leg}_{segment}" for leg in self.legs for segment in self.segments)


def full_routine() -> tuple[Exercise, ...]:
    """Everything once: neutral pose, swings, four actions both ways, a hold, lift-off, lunge, both stances."""
    ranges = tuple(Exercise(kind="rom", action=a, mode=m) for a in ACTIONS for m in MODES)
    return (
        Exercise(kind="neutral"),
        Exercise(kind="swing"),
        *ranges,
        *(Exercise(kind="hold", action=a, reps=2) for a in ("dorsiflexion", "inversion")),
        Exercise(kind="lift-off", action="dorsiflexion"),
        Exercise(kind="neutral", position="standing"),
        Exercise(kind="lunge", position="standing"),
        *(Exercise(kind="balance", position="standing", eyes=eyes) for eyes in EYES),
    )
