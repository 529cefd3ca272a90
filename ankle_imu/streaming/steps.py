"""On the ground or in the air, sample by sample, from the foot's mediolateral rate."""

from __future__ import annotations

from math import sqrt

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
    the first.

    Notes
    -----
    The causal form of `gait.events.locate_contacts`. Toe-off: the toe-down rate has fallen to half of its
    push-off peak, which is the midpoint of peak and zero crossing of a straight flank. Contact: the rate rises
    through zero after the recovery. Beside, a foot that is slow for 120 ms stands.
    """

    def __init__(self, sampling_rate: float) -> None:
        self._rate = sampling_rate
        self.is_stance = True
        self.contact = self.toe_off = -1
        self._stride = 1.1 * sampling_rate
        self._peak = self._lowest = self._last = 0.0
        self._quiet = 0

    def step(self, index: int, toe_down: float, speed: float) -> bool:
        """Take in one sample (rad/s); True when it is an initial contact."""
        self._quiet = self._quiet + 1 if speed < STILL_RATE else 0
        is_contact = False
        if self.is_stance:
            self._in_stance(index, toe_down)
        else:
            self._lowest = min(self._lowest, toe_down)
            flown = index - self.toe_off
            rises = self._last < 0.0 <= toe_down and self._lowest < -RECOVERY_RATE
            still = self._quiet >= STILL_S * self._rate
            if (rises and flown > SHORTEST_SWING_S * self._rate) or still:
                self._land(index)
                is_contact = True
        self._last = toe_down
        return is_contact

    def _in_stance(self, index: int, toe_down: float) -> None:
        since = index - self.contact
        if self.contact >= 0 and since < SLAP_SHARE * self._stride:
            if toe_down < min(SECOND_RECOVERY * self._lowest, -RECOVERY_RATE):
                self.is_stance = False
            return
        self._peak = max(self._peak, toe_down)
        if self._peak > SWING_RATE and toe_down < 0.5 * self._peak:
            self.is_stance, self.toe_off = False, index
            self._lowest = self._peak = 0.0

    def _land(self, index: int) -> None:
        stride = index - self.contact
        if self.contact >= 0 and stride < LONGEST_S * self._rate:
            self._stride = 0.5 * (self._stride + stride)
        self.is_stance, self.contact, self._peak = True, index, 0.0

    def restart(self) -> None:
        """Forget what was under way: the stream was interrupted."""
        self.is_stance, self.contact, self.toe_off = True, -1, -1
        self._peak = self._lowest = self._last = 0.0


def speed_of(x: float, y: float, z: float) -> float:
    """Length of a vector given by its components."""
    return sqrt(x * x + y * y + z * z)
