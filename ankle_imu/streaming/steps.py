"""On the ground or in the air, sample by sample, from the foot's mediolateral rate."""

from __future__ import annotations

from ankle_imu.gait.strides import LONGEST_S

SWING_RATE = 2.5
"""A swing turns the foot faster than this, rad/s (rule of `gait.events`)."""

STILL_RATE = 0.8
STILL_S = 0.120
"""A foot slower than this for so long stands (rule of `gait.events`)."""

SLAP_SHARE = 0.20
"""After contact the foot comes down toe first; a turn toe-down within this share of a stride is no push-off.
Push-off begins after 30 % of a walking and 20 % of a running stride, the slap ends by 15 % (own choice)."""

SHORTEST_SWING_S = 0.15
RECOVERY_RATE = 1.0
"""Before contact the foot turns toe-up at least this fast, rad/s; 3-8 rad/s is usual (own choice)."""

SECOND_RECOVERY = 0.5
"""A turn toe-up of this share of the recovery soon after contact was the true recovery, and contact was none."""


WALK_LEFT, RUN_LEFT = 0.5, 0.95
"""Part of the push-off peak that is left at toe-off; 0.95 is the first sign that the peak is past."""

SLAP_S = 0.080
"""A running foot comes down within this time after the rate's zero crossing (rule of `gait.events`)."""

RUN_SHARE = 0.50
"""A stance shorter than this share of its stride runs: both feet are off the ground."""


class LowPass:
    """Causal Butterworth low-pass of second order, one value at a time."""

    def __init__(self, cutoff_hz: float, sampling_rate: float) -> None:
        from scipy.signal import butter

        b, a = butter(2, min(cutoff_hz, 0.45 * sampling_rate), fs=sampling_rate)
        self._b, self._a = b.tolist(), a.tolist()
        self._s, self._t = 0.0, 0.0

    def step(self, x: float) -> float:
        """The next value, filtered."""
        b, a = self._b, self._a
        y: float = b[0] * x + self._s
        self._s = b[1] * x - a[1] * y + self._t
        self._t = b[2] * x - a[2] * y
        return y


class Steps:
    """State of one foot, fed sample by sample.

    `is_stance`: on the ground; `contact`, `toe_off`: sample of the last initial contact and toe-off, -1 before
    the first; `is_running`: by the last whole stride.

    Notes
    -----
    The causal form of `gait.events.locate_contacts`. Toe-off in walking: the toe-down rate has fallen to half of
    its push-off peak, which is the midpoint of peak and zero crossing of a straight flank; in running: it has
    just passed the peak. Contact in walking: the rate rises through zero after the recovery; in running: it has
    passed its first peak toe-down after that, or 80 ms have gone by. Beside, a foot slow for 120 ms stands.
    """

    def __init__(self, sampling_rate: float) -> None:
        self._rate = sampling_rate
        self.is_running = False
        self.restart()
        self._stride = 1.1 * sampling_rate

    def restart(self) -> None:
        """Forget what was under way: the stream was interrupted."""
        self.is_stance, self.contact, self.toe_off = True, -1, -1
        self._peak = self._lowest = self._last = 0.0
        self._quiet, self._crossing = 0, -1

    def step(self, index: int, toe_down: float, speed: float) -> bool:
        """Take in one sample (rad/s); True when it is an initial contact."""
        self._quiet = self._quiet + 1 if speed < STILL_RATE else 0
        is_contact = False
        if self.is_stance:
            self._in_stance(index, toe_down)
        else:
            is_contact = self._in_swing(index, toe_down)
        self._last = toe_down
        return is_contact

    def _in_stance(self, index: int, toe_down: float) -> None:
        if self.contact >= 0 and index - self.contact < SLAP_SHARE * self._stride:
            if toe_down < min(SECOND_RECOVERY * self._lowest, -RECOVERY_RATE):
                self.is_stance = False
            return
        self._peak = max(self._peak, toe_down)
        left = RUN_LEFT if self.is_running else WALK_LEFT
        if self._peak > SWING_RATE and toe_down < left * self._peak:
            self.is_stance, self.toe_off = False, index
            self._lowest = self._peak = 0.0
            self._crossing = -1

    def _in_swing(self, index: int, toe_down: float) -> bool:
        self._lowest = min(self._lowest, toe_down)
        if self._last < 0.0 <= toe_down and self._lowest < -RECOVERY_RATE:
            if index - self.toe_off > SHORTEST_SWING_S * self._rate:
                self._crossing = index
        elif toe_down < 0.0:
            self._crossing = -1
        waited = index - self._crossing
        landed = self._crossing >= 0 and (
            not self.is_running or toe_down < self._last or waited > SLAP_S * self._rate
        )
        if landed or self._quiet >= STILL_S * self._rate:
            self._land(index)
            return True
        return False

    def _land(self, index: int) -> None:
        stride, stance = index - self.contact, self.toe_off - self.contact
        if self.contact >= 0 and 0 < stance < stride < LONGEST_S * self._rate:
            self._stride = 0.5 * (self._stride + stride)
            self.is_running = stance < RUN_SHARE * stride
        self.is_stance, self.contact, self._peak = True, index, 0.0
