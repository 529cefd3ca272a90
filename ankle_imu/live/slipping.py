"""A sensor that slips in the set-up: told by gravity while one stands, at foot-flat, and from stride to stride."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from ankle_imu import frames
from ankle_imu.analysis.gates import UPRIGHT_DEG
from ankle_imu.analysis.grid import Gridded
from ankle_imu.analysis.session import gridded_series
from ankle_imu.calibration.rest import Rests, find_rests
from ankle_imu.calibration.slip import LEAST_EARLY, find_early_slip, stride_frames
from ankle_imu.metrics.manner import TURN_DEG
from ankle_imu.units import DEGREE
from ankle_imu.values import Recording, SessionResult

if TYPE_CHECKING:
    import pandas as pd

Array = NDArray[np.float64]

REST_S: Final = 1.0
FLAT_S: Final = 0.05
"""Half of the time about foot-flat whose mean is gravity: the foot lies for 0.25 s of a walking stance."""

FOOT_DEG: Final = 6.0
"""A foot stands on the same floor each time. Own comparison, 8 simulated wearers: standing against standing
0 .. 0.2 deg, against foot-flat in walking 0.5 .. 4.2 deg without the slope; slips of 12 deg mostly 7 .. 11."""

SHANK_DEG: Final = 8.0
"""A shank leans otherwise each time one stands, and to the side by -4.5 .. 4.3 deg more or less in walking than in
standing (same comparison); slips of 12 deg up to 11."""

SIGMAS: Final = 4.0
"""The shift at foot-flat in standard errors of its median: on rough ground each step lies otherwise."""

AGAIN: Final = "strap it tighter and begin the set-up anew"


def find_setup_slips(recording: Recording, result: SessionResult, since: float) -> dict[str, str]:
    """Sensors that slipped in the set-up, each with a sentence on it.

    Parameters
    ----------
    recording : Recording of the set-up
    result : SessionResult of the same
    since : float, s, from when on the sensors are on: standing before is not compared

    Returns
    -------
    dict of placement to sentence

    Notes
    -----
    What cannot be told without a magnetometer: a turn about the vertical before the walk, which gravity does not
    see, unless it is beyond what the taps may differ from walking (`gates.LIMITS`); that a shank sensor slipped
    forward or backward as one set off, since a walking shank leans otherwise than a standing one; a slip in a bend
    of the path, of a shank sensor alone, which shows no turns; and any slip within the last three strides, which
    the analysis of the whole walk shows.
    """
    _, gridded, time, rate = gridded_series(recording, [])
    told: dict[str, str] = {}
    for placement, one in gridded.items():
        strides = result.strides[result.strides["leg"] == frames.leg_of(placement)]
        if len(strides):
            seen = _Seen(placement, one, strides, time, rate, since)
            told |= {placement: words} if (words := seen.words()) else {}
    return told


class _Seen:
    """One sensor's standing and strides."""

    def __init__(
        self, placement: str, one: Gridded, strides: pd.DataFrame, time: Array, rate: float, since: float
    ) -> None:
        self.placement, self._one, self._rate = placement, one, rate
        self._is_foot = frames.segment_of(placement) == "foot"
        first = (float(strides["start_s"].min()) - time[0]) * rate
        rests = find_rests(one.acc, one.gyr, rate, REST_S)
        keep = (rests.start < first - 0.3 * rate) & (rests.stop > (since - time[0]) * rate)
        self._stood = Rests(
            start=rests.start[keep], stop=rests.stop[keep], gyr=rests.gyr[keep], acc=rests.acc[keep]
        )
        straight = strides[strides["turn_deg"].abs().fillna(0.0) < TURN_DEG]
        low, high = ((straight[name].to_numpy() - time[0]) * rate for name in ("start_s", "end_s"))
        self._frames = stride_frames(one.acc, one.gyr, rate, low, high) if len(straight) else np.empty((0, 3, 3))
        at = (straight["ff_s"].dropna().to_numpy() - time[0]) * rate
        self._flat = np.array([self._mean(round(a - FLAT_S * rate), round(a + FLAT_S * rate)) for a in at])
        rise, length = (straight[name].to_numpy() for name in ("height_change_m", "stride_length_m"))
        slope = np.arctan2(rise, length)
        self._slope = float(np.nanmedian(slope)) if np.isfinite(slope).any() else 0.0

    def _mean(self, start: int, stop: int) -> Array:
        return np.asarray(self._one.acc[max(0, start) : stop + 1].mean(axis=0))

    def words(self) -> str:
        """The first thing found; "" when it sat fast."""
        if (off := self._between_rests()) > (FOOT_DEG if self._is_foot else SHANK_DEG):
            doubt = "" if self._is_foot else ", or you stood with the knee bent"
            return self._sentence(off, f"before the walk{doubt}")
        if slip := find_early_slip(self._frames):
            return self._sentence(slip.degrees, "while you walked")
        if (off := self._since_standing()) > (FOOT_DEG if self._is_foot else SHANK_DEG):
            doubt = "the floor you stood on slopes" if self._is_foot else "you stood with the leg aslant"
            return self._sentence(off, f"as you set off, or {doubt}")
        return ""

    def _sentence(self, degrees: float, when: str) -> str:
        return f"{self.placement}: the sensor slipped by {degrees:.0f} deg {when}; {AGAIN}"

    def _between_rests(self) -> float:
        """Largest angle of gravity between standing and standing, deg; sitting and the like is passed over."""
        if not len(self._stood):
            return 0.0
        off = np.array([_angle(acc, self._stood.acc[-1]) for acc in self._stood.acc])
        return float(off[off < UPRIGHT_DEG].max(initial=0.0))

    def _since_standing(self) -> float:
        """Angle of gravity between standing and the walk, deg, as far as it can be known."""
        if not len(self._stood) or len(self._frames) < LEAST_EARLY:
            return 0.0
        stood = self._stood.acc[-1] / np.linalg.norm(self._stood.acc[-1])
        axis = np.median(self._frames[:, 1], axis=0)
        axis /= np.linalg.norm(axis)
        aside = np.degrees(np.arcsin(np.clip(stood @ axis, -1.0, 1.0)))
        if not self._is_foot:
            return float(abs(aside))
        if len(self._flat) < LEAST_EARLY:
            return 0.0
        middle = np.median(self._flat, axis=0)
        scatter = np.median([_angle(acc, middle) for acc in self._flat])
        lateral = np.degrees(np.arcsin(np.clip((stood - middle / np.linalg.norm(middle)) @ axis, -1.0, 1.0)))
        forward = np.sqrt(max(_angle(middle, stood) ** 2 - lateral**2, 0.0))
        off = np.hypot(lateral, max(0.0, forward - abs(self._slope) / DEGREE))
        return float(off) if off > SIGMAS * scatter / np.sqrt(len(self._flat)) else 0.0


def _angle(one: Array, other: Array) -> float:
    cosine = one @ other / max(float(np.linalg.norm(one) * np.linalg.norm(other)), 1e-9)
    return float(np.degrees(np.arccos(np.clip(cosine, -1.0, 1.0))))
