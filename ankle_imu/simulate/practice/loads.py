"""What a load makes of a person's movements: a smaller active range, a hold that sags and trembles more.

One muscle group against one moment. Its strength is taken to fall linearly with the angle, from all of it in the
neutral pose to none where the foot would go without any weight; the active range is where what is left equals what
it works against. So loads shorten the range, and holding at a share of it costs a larger share of what is left.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from ankle_imu.simulate.practice.plan import Exercise
from ankle_imu.units import STANDARD_GRAVITY

STRENGTH_NM: Final[Mapping[str, float]] = {
    "dorsiflexion": 40.0,
    "plantarflexion": 110.0,
    "inversion": 25.0,
    "eversion": 22.0,
}
"""Isometric strength in the neutral pose, Nm. Ours, of the size that dynamometers show of adults."""

OWN_NM: Final = 0.6
"""The foot's own weight about the ankle, Nm: 1.0 kg (1.45 % of 70 kg) whose centre lies 0.06 m away."""

WEIGHT_LEVER_M: Final = 0.12
"""A weight is worn over the forefoot, m from the ankle: at the ankle itself it would be no load. Ours."""

BAND_NM: Final = 3.0
"""A band stretched to the end of the range, Nm: 25 N at the forefoot. Ours."""

BODY_KG: Final = 70.0

BODY_LEVER_M: Final[Mapping[str, float]] = {"plantarflexion": 0.13, "inversion": 0.03, "eversion": 0.03}
"""The body's weight works against a heel that rises (from ankle to ball, `leg.BALL_TO_ANKLE`) and, over the edge
of the sole, against tilting the foot; not against toes that rise. Edge: ours."""

LIFTED_CM: Final = 20.0
"""A blanket of this height carries the foot wholly. Ours: a rolled blanket under the instep while kneeling."""

MOST_EFFORT: Final = 0.95
LARGEST_TREMOR: Final = 4.0
"""Bounds of the model: nothing is held at its very limit, nor does tremor grow past four times its size. Ours."""

_ENDURANCE: Final = (34.71, -2.06)
"""Endurance time, s, of the ankle = a (share of strength)^b. That a power fits best, and that the ankle lasts
longest, is Frey Law and Avin's (2010); the numbers are ours: taken for those of their table, which was not seen.
The ankle's rate of fatigue, 0.00589 /s (Frey-Law et al. 2012), gives without recovery 170 s at 50 % and 73 s at
70 %, these 145 and 72."""

_PUSH: Final = 9.0
"""How soon more pushing stops to give more range: half of the body's weight gives 74 % of it. Ours; that range
grows with force is published (methods G1, its C107)."""


@dataclass(frozen=True, kw_only=True)
class Effect:
    """What a load changes: factors on the active range and on the gap, deg/s more of sagging, factor on tremor."""

    range_share: float
    gap_share: float
    sag_dps: float
    tremor_share: float


def effect_of(exercise: Exercise, range_deg: float) -> Effect:
    """What the load of an exercise makes of it.

    Parameters
    ----------
    exercise : Exercise of one of the four actions
    range_deg : float, deg, the person's active range of it without load

    Returns
    -------
    Effect
        Without a load and without a blanket it changes nothing.

    Notes
    -----
    The angle sags as if all of it were lost when the endurance is over; force, and with it tremor, fluctuates in
    proportion to effort (Jones et al. 2002), while the inertia of a weight is left out. Water resists only what
    moves. A load leaves the assisted range alone; a blanket takes away, and a share of the body's weight measures,
    what pushes there.

    References
    ----------
    Frey Law L. A., Avin K. G. (2010) Endurance time is joint-specific, Ergonomics 53:109-129,
    doi:10.1080/00140130903389068 (abstract).
    Frey-Law L. A., Looft J. M., Heitsman J. (2012) A three-compartment muscle fatigue model, J. Biomech.
    45:1803-1808, doi:10.1016/j.jbiomech.2012.04.018 (abstract).
    Jones K. E., Hamilton A. F., Wolpert D. M. (2002) Sources of signal-dependent noise during isometric force
    production, J. Neurophysiol. 88:1533-1544, doi:10.1152/jn.2002.88.3.1533.

    Examples
    --------
    >>> weight = Exercise(kind="hold", action="inversion", load="ankle_weight", load_kg=1.5)
    >>> round(effect_of(weight, 28.0).range_share, 2)
    0.93
    """
    strength = STRENGTH_NM[exercise.action]
    moment = _moment(exercise)
    left = max(1.0 - moment / strength, 1.0 - MOST_EFFORT)
    range_share = left / (1.0 - OWN_NM / strength)
    held = exercise.level * range_deg
    usual = _effort(OWN_NM, strength, exercise.level * (1.0 - OWN_NM / strength))
    loaded = _effort(moment, strength, exercise.level * left)
    return Effect(
        range_share=range_share,
        gap_share=_push(exercise),
        sag_dps=held * range_share / endurance_s(loaded) - held / endurance_s(usual),
        tremor_share=min(loaded / usual, LARGEST_TREMOR),
    )


def endurance_s(effort: float) -> float:
    """How long an ankle holds a share of its strength, s."""
    a, b = _ENDURANCE
    return float(a * effort**b)


def _moment(exercise: Exercise) -> float:
    """What the action works against, Nm."""
    moment = OWN_NM
    if exercise.load == "band":
        moment += BAND_NM
    if exercise.load == "ankle_weight" and not math.isnan(exercise.load_kg):
        moment += exercise.load_kg * STANDARD_GRAVITY * WEIGHT_LEVER_M
    if not math.isnan(exercise.body_share):
        lever = BODY_LEVER_M.get(exercise.action, 0.0)
        moment += exercise.body_share * BODY_KG * STANDARD_GRAVITY * lever
    return moment * (1.0 - _carried(exercise))


def _carried(exercise: Exercise) -> float:
    """Share of the weight that a blanket carries."""
    return 0.0 if math.isnan(exercise.deload_cm) else min(exercise.deload_cm / LIFTED_CM, 1.0)


def _effort(moment: float, strength: float, share: float) -> float:
    """Moment as a share of the strength left at an angle, which is a share of the range without any weight."""
    return min(max(moment / (strength * max(1.0 - share, 1e-6)), 1e-3), MOST_EFFORT)


def _push(exercise: Exercise) -> float:
    """Share of the gap that help of this size reaches."""
    share = 1.0 if math.isnan(exercise.body_share) else exercise.body_share
    return math.log1p(_PUSH * share * (1.0 - _carried(exercise))) / math.log1p(_PUSH)
