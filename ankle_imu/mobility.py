"""The values of a practice session: what was asked for, the settings of its measures, and the result.

A session of kind `practice` is cut into blocks. Each block is announced by a marker of the recording, a line of
words such as `practice rom dorsiflexion left assisted`; `Block.words` writes it, `practice.blocks` reads it.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from ankle_imu import frames

if TYPE_CHECKING:
    import pandas as pd

    from ankle_imu.values import SessionInfo

SESSION_KIND: Final = "practice"

ACTIONS: Final = ("dorsiflexion", "plantarflexion", "inversion", "eversion")
"""The four joint actions; each is measured as a positive angle in its own direction."""

FLEXIONS: Final = ("dorsiflexion", "plantarflexion")

ACTION_SIGNS: Final[Mapping[str, tuple[str, float]]] = MappingProxyType(
    {
        "dorsiflexion": ("dorsiflexion", 1.0),
        "plantarflexion": ("dorsiflexion", -1.0),
        "inversion": ("inversion", 1.0),
        "eversion": ("inversion", -1.0),
    }
)
"""Action -> angle that shows it, and the sign of its own direction."""

EXERCISES: Final = ("neutral", "swing", "rom", "hold", "lift-off", "lunge", "balance")
"""What a block can be. `neutral`: 5 s without moving, foot flat, shank upright: zero of all angles. `swing`: a few
swings of the lower leg from the knee, forward first, ankle left alone: shows which way the shank points. `rom`:
end range, about three times. `hold`: actions held. `lift-off`: end range with the ball of the foot supported, then
held without. `lunge`: knee past the toes with the heel down. `balance`: standing on one leg."""

MODES: Final = ("active", "assisted")
POSITIONS: Final = ("seated", "standing", "kneeling")
EYES: Final = ("open", "closed")
LOADS: Final = ("none", "ankle_weight", "band", "body_weight", "water")
"""What an action works against; a deload (blanket, share of the body's weight) is a number of its own."""


@dataclass(frozen=True, kw_only=True)
class Manner:
    """How an exercise is done: what a plan asks for, a person does and a recording is marked with.

    Parameters
    ----------
    action : one of `ACTIONS` for `rom`, `hold` and `lift-off`, else ""
    mode : `active` | `assisted`
    position : `seated` | `standing` | `kneeling`
    eyes : `open` | `closed`
    load : one of `LOADS`
    load_kg : float, kg, NaN where none was said
    deload_cm : float, cm, height of the blanket under the working part, NaN without
    body_share : float, 0..1, share of the body's weight on the foot, NaN where not said
    """

    action: str = ""
    mode: str = "active"
    position: str = "seated"
    eyes: str = "open"
    load: str = "none"
    load_kg: float = math.nan
    deload_cm: float = math.nan
    body_share: float = math.nan

    @property
    def is_bare(self) -> bool:
        """Whether nothing is worked against, and nothing takes weight off."""
        return self.load == "none" and math.isnan(self.deload_cm) and math.isnan(self.body_share)

    def manner(self) -> dict[str, Any]:
        """The fields of `Manner` alone, by name."""
        return {one.name: getattr(self, one.name) for one in fields(Manner)}

    def load_fields(self) -> dict[str, Any]:
        """The load alone, by name: the columns of the tables."""
        return {name: getattr(self, name) for name in LOAD_FIELDS}

    def check_manner(self, exercise: str) -> None:
        """Raise `ValueError` where a word does not fit to an exercise."""
        needs_action = exercise in ("rom", "hold", "lift-off")
        check_words(
            self,
            exercise,
            action=ACTIONS if needs_action else ("",),
            mode=MODES,
            position=POSITIONS,
            eyes=EYES,
            load=LOADS,
        )


LOAD_FIELDS: Final = ("load", "load_kg", "deload_cm", "body_share")
"""What is worked against, in the words of `Manner`: only like is compared with like."""


def check_words(owner: object, named: str, /, **allowed: Sequence[str]) -> None:
    """Raise `ValueError` where a field of an exercise, called `named`, is none of the words that are allowed."""
    for name, words in allowed.items():
        if getattr(owner, name) not in words:
            expected = ", ".join(word or "nothing" for word in words)
            raise ValueError(f"{name} of a {named} is {getattr(owner, name)!r}; expected {expected}.")


@dataclass(frozen=True, kw_only=True)
class Block(Manner):
    """One stretch of a practice session and what it was, in the manner of `Manner`.

    Parameters
    ----------
    exercise : one of `EXERCISES`
    leg : `left` | `right`
    start_s, end_s : float, s from session start
    pauses : ((start, end), ...), s, stretches of the block that do not count
    lifted_s : float, s, the word to lift off the support, NaN where none was said
    """

    exercise: str
    leg: str
    start_s: float
    end_s: float
    pauses: tuple[tuple[float, float], ...] = ()
    lifted_s: float = math.nan

    def __post_init__(self) -> None:
        check_words(self, self.exercise, exercise=EXERCISES, leg=frames.LEGS)
        self.check_manner(self.exercise)
        if not self.start_s <= self.end_s:
            raise ValueError(f"a block ends at {self.end_s!r} s before it starts at {self.start_s!r} s.")

    @property
    def load_tag(self) -> str:
        """Load and deload in one word, the same for like blocks: only like is compared with like."""
        kg = "" if math.isnan(self.load_kg) else f" {self.load_kg:g} kg"
        cm = "" if math.isnan(self.deload_cm) else f", blanket {self.deload_cm:g} cm"
        share = "" if math.isnan(self.body_share) else f", {100.0 * self.body_share:.0f} % of body weight"
        return f"{self.load}{kg}{cm}{share}"

    @property
    def words(self) -> str:
        """The text of the marker that announces the block; its leg goes with the marker."""
        said = ["practice", self.exercise, self.action]
        said += [self.mode] if self.exercise == "rom" else []
        said += [self.position] if self.exercise == "neutral" or self.position == "kneeling" else []
        said += [f"eyes-{self.eyes}"] if self.exercise == "balance" else []
        said += [f"load={self.load}"] if self.load != "none" else []
        numbers = (("kg", self.load_kg), ("cm", self.deload_cm), ("share", self.body_share))
        said += [f"{name}={value:g}" for name, value in numbers if not math.isnan(value)]
        return " ".join(word for word in said if word)


@dataclass(frozen=True, kw_only=True)
class PracticeSettings:
    """Settings of the measures of practice; saved with each result.

    Those with a letter and number are of the methods sheet; the others are ours, with the reason.
    """

    still_dps: float = 5.0
    """Below this rate a hold or plateau may begin, deg/s (G2)."""

    moving_dps: float = 8.0
    """Above this rate it has ended, deg/s (G2)."""

    shortest_hold_s: float = 1.0
    """Least length of a hold and of an end-range plateau, s (G2)."""

    plateau_s: float = 1.0
    """The end range is the median of the last this many seconds of the plateau (G2)."""

    hold_share: float = 0.80
    """A hold is at least this share of today's active end range (G2), the median of its repetitions."""

    band_deg: float = 3.0
    """A hold stays within this of its level, deg (G2)."""

    leave_s: float = 0.5
    """A hold ends when its band is left for longer, s (G2)."""

    repeat_spread_deg: float = 5.0
    """Repetitions that differ by more are to be repeated, deg (G2)."""

    reps: int = 3
    """Repetitions asked for (G2)."""

    gap_mdc_deg: float = 8.0
    """Detectable change of the gap between assisted and active range, deg: the upper end of the 6 to 8 deg that
    are published for both ways of measuring dorsiflexion (G1, its C105); the repetitions of the day can widen
    it."""

    lunge_mdc_deg: float = 4.7
    """Detectable change of the lunge, deg: the upper end of what is published for inclinometers (G1, its C41)."""

    voluntary_hz: float = 3.0
    """Movement and hold are told apart below this frequency, Hz: a tremor of 0.3 deg at 8 Hz alone moves at
    15 deg/s; the band of tremor begins at 4 Hz (G2)."""

    tremor_low_hz: float = 4.0
    tremor_high_hz: float = 12.0
    """Band of the tremor, Hz (G2)."""

    shank_moved_deg: float = 5.0
    """The shank moved along when its tilt changed by more from before a repetition to its plateau, deg. Ours:
    as much as the spread that asks for a repeat; gravity shows the tilt to about 1 deg."""

    heel_up_deg: float = 3.0
    """The heel is up when the foot's pitch is lower than in the neutral pose by more, deg: about 1 cm between
    heel and ball, 0.18 m apart. Ours."""

    cue_deg: float = 5.0
    """The foot starts in line when its tilt differs less from the neutral pose, deg. Ours, as above."""

    toe_line_deg: float = 8.0
    """The second toe is in line with the shin when the foot turned less against it since the neutral pose, deg.
    Ours: three times what the headings drift apart in a minute (B1)."""

    toe_line_for_s: float = 60.0
    """That is claimed only so long after the neutral pose, s (same reason)."""

    stepped_dps: float = 100.0
    """A standing foot that turns faster has stepped or touched down, deg/s; sway stays below 30. Ours."""

    def __post_init__(self) -> None:
        for name, value in asdict(self).items():
            if not (isinstance(value, int | float) and math.isfinite(value) and value > 0):
                raise ValueError(f"{name} must be a positive number, found {value!r}.")
        if self.moving_dps < self.still_dps:
            raise ValueError(f"moving_dps ({self.moving_dps:g}) must not be below still_dps ({self.still_dps:g}).")

    def digest(self) -> str:
        """Ten hex digits that name these settings: the folder of derived tables."""
        text = json.dumps({SESSION_KIND: asdict(self)}, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:10]


@dataclass(frozen=True, kw_only=True, eq=False)
class PracticeResult:
    """Everything the analysis says about one practice session.

    `angles` is `tables.ANGLES` (rotation stays NaN); `blocks`, `reps`, `ranges`, `holds`, `sway` and
    `compensations` are the tables `tables.PRACTICE_...`. `quality` is the ledger: sensors, gaps (a table),
    alignment, cues (a list per block), unseen (what the sensors worn cannot see), notes (what was said meanwhile),
    warnings.
    """

    angles: pd.DataFrame
    blocks: pd.DataFrame
    reps: pd.DataFrame
    ranges: pd.DataFrame
    holds: pd.DataFrame
    sway: pd.DataFrame
    compensations: pd.DataFrame
    quality: Mapping[str, Any]
    settings: PracticeSettings
    session: SessionInfo
    version: str
    duration_s: float
    sampling_rate: float
