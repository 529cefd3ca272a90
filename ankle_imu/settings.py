"""The numbers of the analysis that a person may want to change, in one frozen value with the source of each.

Constants of a published or measured method stand in the module of the method, with their source.
"""

from __future__ import annotations

import hashlib
import json
import math
from dataclasses import asdict, dataclass


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Settings of `analyze`; saved with each result."""

    tau_acc_foot_s: float = 9.0
    """Accelerometer time constant of VQF for a foot sensor alone, s: with the stride anchor 9 beats the filter's
    default of 3 by 0.2 deg of pitch on optical data and by half in simulated running (own experiments)."""

    tau_acc_joint_s: float = 3.0
    """The same for foot and shank together, s: errors are largely common to both and cancel (VQF default)."""

    coherence_needed: float = 0.95
    """Least median coherence of the ankle-centre coupling; below it no joint angle is given (real pairs of
    sensors show 0.97-0.999)."""

    jog_below_mps: float = 2.7
    """Speed that parts jog from run, m/s: 10 min/mile, a convention, since science knows no border."""

    roll_deg: float = 20.0
    """Least inversion excursion of a roll from two sensors, deg; 18 from a foot sensor alone (methods E3)."""

    roll_dps: float = 300.0
    """Least inversion rate of a roll, deg/s, for 20 ms (Chu et al. 2010, used again in 2021)."""

    def __post_init__(self) -> None:
        for name, value in asdict(self).items():
            if not (isinstance(value, int | float) and math.isfinite(value) and value > 0):
                raise ValueError(f"{name} must be a positive number, found {value!r}.")

    def digest(self) -> str:
        """Ten hex digits that name these settings: the folder of derived tables."""
        text = json.dumps(asdict(self), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:10]
