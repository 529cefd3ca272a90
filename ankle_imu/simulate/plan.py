"""What to simulate: one frozen plan, the named plans, plans from TOML files and series of plans over weeks."""

from __future__ import annotations

import math
import tomllib
from dataclasses import dataclass, fields, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from ankle_imu import frames

GAITS: Final = ("walk", "jog", "run", "mixed")
TERRAINS: Final = ("flat", "uneven", "hill")
ERRORS: Final = ("none", "typical")
MOUNTS: Final = ("random", "aligned")


@dataclass(frozen=True, kw_only=True)
class Plan:
    """One session to simulate; every field has a default.

    Parameters
    ----------
    duration_s : float, s, whole session with opening and closing pose
    sampling_rate : float, Hz
    placements : which sensors are worn
    gait : `walk` | `jog` | `run` | `mixed` (bouts of 20 to 60 s of each)
    terrain : `flat` | `uneven` (each step has its own tilt) | `hill` (uneven, with slopes up to 15 %)
    rolls : number of ankle rolls at random stances of the sensed legs, each saved
    errors : `none` (exact sensors, aligned with their segment unless `mounts` says otherwise) | `typical`
    movements : stand, toe taps and standing pose at the start; otherwise a short stand
    knee_bends : five knee bends after the taps, whose axis is not the ankle's: a distractor
    mounts : `random` (any orientation) | `aligned` | "" (random with typical errors, aligned with none)
    yaw_misalignment_deg : toe taps turn about an axis this far from the foot's own, so that an alignment
        from the taps is off by it
    mean_rotation_deg : mean internal rotation of the foot against the shank in gait; NaN draws -13..-6
    standing_rotation_deg : the same while standing
    frontal_spread : factor on the stride-to-stride frontal variation of both legs
    affected_leg : "" | `left` | `right`
    affected_spread : further factor on the affected leg
    turns, stops : whether the path bends and the walker pauses now and then
    speed_factor : factor on the usual speed of each gait
    loss : fraction of samples lost, in gaps of `gap_s` on average (exponential, rounded up to whole samples)
    clock_offset_s : the shank sensors' times lag behind by this much (a synchronisation error)
    wobble : factor on the soft-tissue wobble of `typical`
    mirrored : the mirror image of the walk: everything the left leg did is done by the right one
    """

    duration_s: float = 600.0
    sampling_rate: float = 208.0
    placements: tuple[str, ...] = frames.PLACEMENTS
    gait: str = "walk"
    terrain: str = "flat"
    rolls: int = 0
    errors: str = "none"
    movements: bool = True
    knee_bends: bool = False
    mounts: str = ""
    yaw_misalignment_deg: float = 0.0
    mean_rotation_deg: float = math.nan
    standing_rotation_deg: float = -4.0
    frontal_spread: float = 1.0
    affected_leg: str = ""
    affected_spread: float = 1.0
    turns: bool = True
    stops: bool = True
    speed_factor: float = 1.0
    loss: float = 0.0
    gap_s: float = 0.03
    clock_offset_s: float = 0.0
    wobble: float = 1.0
    mirrored: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "placements", tuple(self.placements))
        for name, allowed in (
            ("gait", GAITS),
            ("terrain", TERRAINS),
            ("errors", ERRORS),
            ("mounts", ("", *MOUNTS)),
            ("affected_leg", ("", *frames.LEGS)),
        ):
            if getattr(self, name) not in allowed:
                words = ", ".join(word or '""' for word in allowed)
                raise ValueError(f"Unknown {name} {getattr(self, name)!r}; expected one of {words}.")
        if not self.placements or len(set(self.placements)) < len(self.placements):
            raise ValueError(f"placements must name at least one sensor, each once; found {self.placements!r}.")
        for placement in self.placements:
            frames.check_placement(placement)
        if not (math.isnan(self.mean_rotation_deg) or abs(self.mean_rotation_deg) <= 30.0):
            raise ValueError(f"mean_rotation_deg must be -30 to 30 or NaN, found {self.mean_rotation_deg!r}.")
        for name, low, high in (
            ("sampling_rate", 20.0, 2000.0),
            ("rolls", 0, 10_000),
            ("frontal_spread", 0.0, 5.0),
            ("affected_spread", 0.0, 5.0),
            ("speed_factor", 0.6, 1.3),
            ("loss", 0.0, 0.5),
            ("gap_s", 1e-3, 60.0),
            ("clock_offset_s", -0.5, 0.5),
            ("wobble", 0.0, 20.0),
            ("standing_rotation_deg", -30.0, 30.0),
            ("yaw_misalignment_deg", -45.0, 45.0),
            ("duration_s", self.opening_s + 8.0, 86_400.0),
        ):
            value = getattr(self, name)
            if not low <= value <= high:
                raise ValueError(f"{name} must be {low:g} to {high:g}, found {value!r}.")

    @property
    def legs(self) -> tuple[str, ...]:
        """Legs that carry a sensor."""
        worn = {frames.leg_of(p) for p in self.placements}
        return tuple(leg for leg in frames.LEGS if leg in worn)

    @property
    def tapping_legs(self) -> tuple[str, ...]:
        """Legs that tap in the opening, in order: those whose foot carries a sensor."""
        return tuple(leg for leg in self.legs if f"{leg}_foot" in self.placements and self.movements)

    @property
    def tap_starts(self) -> dict[str, float]:
        """Start of the toe taps of each tapping leg, s."""
        return {leg: STAND_S + i * (TAPS_S + PAUSE_S) for i, leg in enumerate(self.tapping_legs)}

    @property
    def phases(self) -> dict[str, tuple[float, float]]:
        """Opening and closing phases: name to [start, end), s."""
        end = self.opening_s - LEAVE_S
        legs = {mirrored(leg) if self.mirrored else leg: t for leg, t in self.as_unmirrored().tap_starts.items()}
        phases = {f"{leg}_taps": (t, t + TAPS_S) for leg, t in legs.items()}
        if not self.movements:
            return {"stand": (0.0, end), "pose": (0.0, end), "closing": (self.duration_s - 2.9, self.duration_s)}
        if self.knee_bends:
            start = self.opening_s - POSE_S - PAUSE_S - BENDS_S
            phases["bends"] = (start, start + BENDS_S)
        return {
            "stand": (0.0, STAND_S),
            **phases,
            "pose": (self.opening_s - POSE_S, end),
            "closing": (self.duration_s - 2.9, self.duration_s),
        }

    def as_unmirrored(self) -> Plan:
        """The plan whose mirror image this one is; itself when it is none."""
        if not self.mirrored:
            return self
        return replace(
            self,
            mirrored=False,
            placements=tuple(mirrored(p) for p in self.placements),
            affected_leg=mirrored(self.affected_leg) if self.affected_leg else "",
        )

    @property
    def opening_s(self) -> float:
        """Seconds before the first step."""
        if not self.movements:
            return STAND_SHORT_S
        bends = BENDS_S + PAUSE_S if self.knee_bends else 0.0
        return STAND_S + len(self.tapping_legs) * (TAPS_S + PAUSE_S) + bends + POSE_S

    @property
    def is_randomly_mounted(self) -> bool:
        """Whether each sensor sits in any orientation on its segment."""
        return self.mounts == "random" or (not self.mounts and self.errors == "typical")


STAND_S: Final = 6.0
STAND_SHORT_S: Final = 1.5
TAPS_S: Final = 8.0
BENDS_S: Final = 12.5
PAUSE_S: Final = 1.0
POSE_S: Final = 3.6
CLOSING_S: Final = 3.2

LEAVE_S: Final = 0.6
"""The shank leaves the standing pose this long before the first toe-off."""


def mirrored(name: str) -> str:
    """Leg or placement of the other side."""
    swap = {"left": "right", "right": "left"}
    side, *rest = name.split("_")
    return "_".join([swap[side], *rest])


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
