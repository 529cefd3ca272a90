"""What to simulate: one frozen plan."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Final

from ankle_imu import frames

GAITS: Final = ("walk", "jog", "run", "mixed")
TERRAINS: Final = ("flat", "uneven", "hill", "stairs")
ERRORS: Final = ("none", "typical", "full")
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
    terrain : `flat` | `uneven` (each step has its own tilt) | `hill` (uneven, with slopes up to 15 %) |
        `stairs` (flights up and down with level landings; walked)
    rolls : number of ankle rolls at random stances of the sensed legs, each saved
    disrupted_rolls : further ones after which the walker limps for some strides or stands still for 3.5 to 6 s
    eversion_rolls : further ones to the other side, each saved
    roll_from_deg, roll_to_deg : how far the foot rolls
    toe_contacts : share of the steps in which the heel never comes down
    edge_contacts : share of the steps that land on an edge: the ground under them is tilted by 8 to 16 deg more
    side_tilts : share of the steps that land on ground tilted by `side_tilt_deg` more, half of them rising to the
        left, half to the right; the ankle gives way, comes back past where it stays, and settles
    knocks_per_min : stones that a swinging foot hits, and stones that hit a standing one
    errors : `none` (exact sensors, aligned with their segment unless `mounts` says otherwise) | `typical` | `full`
        (the largest errors that data sheets allow, see `sensor_errors`, and soft tissue of 1 to 3 deg)
    movements : stand, toe taps and standing pose at the start; otherwise a short stand
    knee_bends : five knee bends after the taps, whose axis is not the ankle's: a distractor
    mounts : `random` (any orientation) | `aligned` | "" (random with typical errors, aligned with none)
    yaw_misalignment_deg : toe taps turn about an axis this far from the foot's own, so that an alignment
        from the taps is off by it
    mean_rotation_deg : mean internal rotation of the foot against the shank in gait; NaN draws -13..-6
    standing_rotation_deg : the same while standing
    standing_tilt_deg : cross-slope of the place where the opening is done, + rises to the left
    shank_yaw_deg : standard deviation of the shank's own turn over the planted foot, one per stance
    toe_out_deg : how far the feet point outwards of the way
    heel_rise_tilt_deg : how far the foot tips over as the heel rises, on top of the pattern, + = towards the
        little toe; people differ in it, and so do the axes of their heel rise
    frontal_spread : factor on the stride-to-stride frontal variation of both legs
    affected_leg : "" | `left` | `right`
    affected_spread : further factor on the affected leg
    turns, stops : whether the path bends and the walker pauses now and then
    speed_factor : factor on the usual speed of each gait
    loss : fraction of samples lost, in gaps of `gap_s` on average (exponential, rounded up to whole samples)
    longest_gap_s : longer gaps are drawn anew
    clock_offset_s : the shank sensors' times lag behind by this much (a synchronisation error)
    clock_ppm : each sensor's clock is fast or slow by at most this
    odr_error : each sensor samples faster or slower than `sampling_rate` by at most this share; its times say so
    jitter_s : standard deviation of its times about the true ones
    wobble : factor on the soft-tissue wobble of `typical` and `full`
    warm_up_k : K by which the sensors warm up, with 10 min time constant, which takes the gyroscope's bias along
    slip_deg : a sensor turns against its segment by this much, once, about an axis in any direction
    slip_at_s : when; NaN is the middle of the session
    slip_placement : which; "" is the first of `placements`
    remount_s : the slip is a remount: the sensor is off and sends nothing for this long
    mirrored : the mirror image of the walk: everything the left leg did is done by the right one
    """

    duration_s: float = 600.0
    sampling_rate: float = 208.0
    placements: tuple[str, ...] = frames.PLACEMENTS
    gait: str = "walk"
    terrain: str = "flat"
    rolls: int = 0
    disrupted_rolls: int = 0
    eversion_rolls: int = 0
    roll_from_deg: float = 24.0
    roll_to_deg: float = 45.0
    toe_contacts: float = 0.0
    edge_contacts: float = 0.0
    side_tilts: float = 0.0
    side_tilt_deg: float = 8.0
    knocks_per_min: float = 0.0
    errors: str = "none"
    movements: bool = True
    knee_bends: bool = False
    mounts: str = ""
    yaw_misalignment_deg: float = 0.0
    mean_rotation_deg: float = math.nan
    standing_rotation_deg: float = -4.0
    standing_tilt_deg: float = 0.0
    shank_yaw_deg: float = 0.0
    toe_out_deg: float = 6.0
    heel_rise_tilt_deg: float = 0.0
    frontal_spread: float = 1.0
    affected_leg: str = ""
    affected_spread: float = 1.0
    turns: bool = True
    stops: bool = True
    speed_factor: float = 1.0
    loss: float = 0.0
    gap_s: float = 0.03
    longest_gap_s: float = math.inf
    clock_offset_s: float = 0.0
    clock_ppm: float = 0.0
    odr_error: float = 0.0
    jitter_s: float = 0.0
    wobble: float = 1.0
    warm_up_k: float = 0.0
    slip_deg: float = 0.0
    slip_at_s: float = math.nan
    slip_placement: str = ""
    remount_s: float = 0.0
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
        if self.slip_placement and self.slip_placement not in self.placements:
            raise ValueError(f"slip_placement must be one of the placements, found {self.slip_placement!r}.")
        if not (math.isnan(self.slip_at_s) or 0.0 <= self.slip_at_s <= self.duration_s):
            raise ValueError(f"slip_at_s must lie in the session or be NaN, found {self.slip_at_s!r}.")
        if self.terrain == "stairs" and self.gait != "walk":
            raise ValueError(f"stairs are walked; found gait {self.gait!r}.")
        if self.warm_up_k and self.errors == "none":
            raise ValueError("warm_up_k takes sensors with errors; errors is 'none'.")
        for name, low, high in (
            ("sampling_rate", 20.0, 2000.0),
            ("rolls", 0, 10_000),
            ("disrupted_rolls", 0, 1000),
            ("eversion_rolls", 0, 10_000),
            ("roll_from_deg", 5.0, self.roll_to_deg),
            ("roll_to_deg", 5.0, 70.0),
            ("toe_contacts", 0.0, 0.5),
            ("edge_contacts", 0.0, 0.5),
            ("side_tilts", 0.0, 1.0),
            ("side_tilt_deg", 0.0, 20.0),
            ("knocks_per_min", 0.0, 60.0),
            ("frontal_spread", 0.0, 5.0),
            ("affected_spread", 0.0, 5.0),
            ("speed_factor", 0.6, 1.3),
            ("loss", 0.0, 0.5),
            ("gap_s", 1e-3, 60.0),
            ("longest_gap_s", self.gap_s, math.inf),
            ("clock_offset_s", -0.5, 0.5),
            ("clock_ppm", 0.0, 500.0),
            ("odr_error", 0.0, 0.1),
            ("jitter_s", 0.0, 0.02),
            ("wobble", 0.0, 20.0),
            ("warm_up_k", 0.0, 60.0),
            ("slip_deg", 0.0, 90.0),
            ("remount_s", 0.0, 600.0),
            ("standing_rotation_deg", -30.0, 30.0),
            ("standing_tilt_deg", -15.0, 15.0),
            ("shank_yaw_deg", 0.0, 15.0),
            ("toe_out_deg", -10.0, 30.0),
            ("heel_rise_tilt_deg", -25.0, 25.0),
            ("yaw_misalignment_deg", -45.0, 45.0),
            ("duration_s", self.opening_s + 8.0 + self.halts_s, 86_400.0),
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
            slip_placement=mirrored(self.slip_placement) if self.slip_placement else "",
        )

    @property
    def opening_s(self) -> float:
        """Seconds before the first step."""
        if not self.movements:
            return STAND_SHORT_S
        bends = BENDS_S + PAUSE_S if self.knee_bends else 0.0
        return STAND_S + len(self.tapping_legs) * (TAPS_S + PAUSE_S) + bends + POSE_S

    @property
    def halts_s(self) -> float:
        """Seconds kept free for what follows the disrupted rolls."""
        return HALT_S * self.disrupted_rolls

    @property
    def is_randomly_mounted(self) -> bool:
        """Whether each sensor sits in any orientation on its segment."""
        return self.mounts == "random" or (not self.mounts and self.errors != "none")

    @property
    def slipping(self) -> str:
        """Placement of the sensor that slips, "" when none does."""
        return (self.slip_placement or self.placements[0]) if self.slip_deg else ""

    @property
    def slip_time(self) -> float:
        """Start of the slip, s."""
        return 0.5 * self.duration_s if math.isnan(self.slip_at_s) else self.slip_at_s


STAND_S: Final = 6.0
STAND_SHORT_S: Final = 1.5
TAPS_S: Final = 8.0
BENDS_S: Final = 12.5
PAUSE_S: Final = 1.0
POSE_S: Final = 3.6
CLOSING_S: Final = 3.2

HALT_S: Final = 8.0
"""A disrupted roll costs at most this: a stop, or some limping strides."""

LEAVE_S: Final = 0.6
"""The shank leaves the standing pose this long before the first toe-off."""


def mirrored(name: str) -> str:
    """Leg or placement of the other side."""
    swap = {"left": "right", "right": "left"}
    side, *rest = name.split("_")
    return "_".join([swap[side], *rest])
