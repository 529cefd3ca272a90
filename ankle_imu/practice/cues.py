"""The alignment cues of practice, as far as sensors see them: place the joint, then load it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

from ankle_imu.mobility import PracticeSettings

MALLEOLI: Final = "malleoli_level"
HEEL: Final = "heel_down"
TOE: Final = "second_toe_in_line"

WORDS: Final = {
    MALLEOLI: "both ankle bones (malleoli) level",
    HEEL: "heel down",
    TOE: "second toe in line with the shin",
}
KNEELING_TOE: Final = "second toe straight back from the ankle's centre"


@dataclass(frozen=True, kw_only=True)
class Cue:
    """One cue at the start of a block: `verdict` is `ok`, `off` or `unseen`; `value_deg` what was measured."""

    name: str
    words: str
    verdict: str
    value_deg: float = math.nan
    reason: str = ""


def check_cues(
    settings: PracticeSettings,
    *,
    position: str,
    foot_tilt: float,
    foot_pitch: float,
    turn: float,
    since_neutral_s: float,
    has_foot: bool,
    foot_is_free: bool,
) -> tuple[Cue, ...]:
    """Check how the foot is placed before the first movement of a block.

    Parameters
    ----------
    settings : PracticeSettings
    position : `seated` | `standing` | `kneeling`
    foot_tilt, foot_pitch : float, deg, against the neutral pose, from gravity
    turn : float, deg, of the foot against the shank about the vertical since the neutral pose; NaN if unknown
    since_neutral_s : float, s
    has_foot : a foot sensor is worn
    foot_is_free : the foot is in the air, so that its heel is nowhere

    Notes
    -----
    Everything is relative to the neutral pose, which the person took by eye: the sensors see whether a block
    starts as that did, not where the bones are. A level foot stands for level malleoli.
    """
    if not has_foot:
        return tuple(_unseen(name, position, "it takes a sensor on the foot") for name in (MALLEOLI, HEEL, TOE))
    level = abs(foot_tilt) <= settings.cue_deg
    cues = [Cue(name=MALLEOLI, words=WORDS[MALLEOLI], verdict="ok" if level else "off", value_deg=foot_tilt)]
    if position != "kneeling" and not foot_is_free:
        down = foot_pitch >= -settings.heel_up_deg
        cues.append(Cue(name=HEEL, words=WORDS[HEEL], verdict="ok" if down else "off", value_deg=foot_pitch))
    cues.append(_toe(settings, position, turn, since_neutral_s))
    return tuple(cues)


def _toe(settings: PracticeSettings, position: str, turn: float, since_neutral_s: float) -> Cue:
    if math.isnan(turn):
        return _unseen(TOE, position, "it takes sensors on foot and shank")
    if since_neutral_s > settings.toe_line_for_s:
        return _unseen(
            TOE, position, f"the neutral pose was {since_neutral_s:.0f} s ago; headings have drifted apart"
        )
    words = KNEELING_TOE if position == "kneeling" else WORDS[TOE]
    is_in_line = abs(turn) <= settings.toe_line_deg
    return Cue(name=TOE, words=words, verdict="ok" if is_in_line else "off", value_deg=turn)


def _unseen(name: str, position: str, reason: str) -> Cue:
    words = KNEELING_TOE if name == TOE and position == "kneeling" else WORDS[name]
    return Cue(name=name, words=words, verdict="unseen", reason=reason)
