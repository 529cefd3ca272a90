"""What moved along that should have kept still, as far as the sensors see it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ankle_imu.mobility import PracticeSettings

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

SHANK: Final = "shank_moves"
HIP: Final = "hip_turns"
HEEL: Final = "heel_lifts"

UNSEEN: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "foot": ("whether the shank moves along", "whether the hip turns"),
        "shank": ("any angle of the foot", "whether the heel lifts"),
        "both": ("whether the hip slides without turning the leg",),
    }
)
"""What a leg's sensors cannot see."""


@dataclass(frozen=True, kw_only=True)
class Compensation:
    """One compensation: kind, sample at which it is dated, size deg, segment whose sensor saw it."""

    kind: str
    at: int
    size_deg: float
    seen_by: str


def shank_compensations(
    pitch: Array, tilt: Array, before: slice, plateau: slice, settings: PracticeSettings, *, is_lunge: bool
) -> list[Compensation]:
    """How the shank moved from before a repetition to its plateau.

    Parameters
    ----------
    pitch, tilt : (n,) float arrays, deg, of the shank against gravity
    before, plateau : samples
    settings : PracticeSettings
    is_lunge : the shank's pitch is then the movement itself

    Notes
    -----
    With the knee bent a turn at the hip tips the shank sideways, and a swing from the knee tips it fore and aft.
    """
    at = (plateau.start + plateau.stop) // 2
    found = []
    for kind, angle in ((SHANK, pitch), (HIP, tilt)):
        change = float(np.median(angle[plateau]) - np.median(angle[before]))
        if abs(change) > settings.shank_moved_deg and not (is_lunge and kind == SHANK):
            found.append(Compensation(kind=kind, at=at, size_deg=change, seen_by="shank"))
    return found


def lunges_aside(
    up: Array, before: Sequence[slice], plateaus: Sequence[slice], settings: PracticeSettings
) -> list[Compensation | None]:
    """Lunges that go aside of the person's others, one entry per lunge.

    Parameters
    ----------
    up : (n, 3) float array, the earth's up direction in the shank frame
    before, plateaus : samples of each lunge
    settings : PracticeSettings

    Notes
    -----
    A shank leant forward by p shows only cos p of its own tilt in the frontal plane, and sin p of any error of
    its direction. The tilt about the leaning shank's own axis, less its median over the block, is free of both;
    it takes three lunges to have a median that one of them does not make.
    """
    tilt = np.degrees(np.arctan2(up[:, 1], up[:, 2]))
    change = np.array([np.median(tilt[b]) - np.median(tilt[a]) for a, b in zip(before, plateaus, strict=True)])
    if len(change) < 3:
        return [None] * len(change)
    aside = change - np.median(change)
    return [
        Compensation(kind=HIP, at=(rows.start + rows.stop) // 2, size_deg=float(size), seen_by="shank")
        if abs(size) > settings.shank_moved_deg
        else None
        for rows, size in zip(plateaus, aside, strict=True)
    ]


def total_shank_change(up: Array, before: slice, plateau: slice, settings: PracticeSettings) -> list[Compensation]:
    """The same from the up direction (n, 3) alone, for a shank sensor whose direction is not known."""
    a, b = (np.median(up[rows], axis=0) for rows in (before, plateau))
    change = float(np.degrees(np.arctan2(np.linalg.norm(np.cross(a, b)), a @ b)))
    if change <= settings.shank_moved_deg:
        return []
    return [Compensation(kind=SHANK, at=(plateau.start + plateau.stop) // 2, size_deg=change, seen_by="shank")]


def heel_is_up(foot_pitch: Array, settings: PracticeSettings) -> Mask:
    """(n,) True where the foot, deg of pitch against the neutral pose, stands on its ball."""
    return np.asarray(foot_pitch < -settings.heel_up_deg)


def heel_compensation(foot_pitch: Array, plateau: slice, settings: PracticeSettings) -> list[Compensation]:
    """A heel that is up for most of a plateau."""
    if heel_is_up(foot_pitch[plateau], settings).mean() <= 0.5:
        return []
    size = -float(np.median(foot_pitch[plateau]))
    return [Compensation(kind=HEEL, at=(plateau.start + plateau.stop) // 2, size_deg=size, seen_by="foot")]
