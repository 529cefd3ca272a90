"""One angle over one block, made ready for its measures."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True, eq=False)
class Trace:
    """An angle in its action's own direction over the samples of a block.

    `time`: (n,) s, uniform; `raw`: (n,) deg as measured; `angle`: (n,) deg, its voluntary part (low-passed);
    `rate`: (n,) deg/s of that; `is_valid`: (n,) bool, received and counted (no gap, no pause).
    """

    time: Array
    raw: Array
    angle: Array
    rate: Array
    is_valid: Mask
    sampling_rate: float

    def samples(self, seconds: float) -> int:
        """How many samples are so long."""
        return max(1, round(seconds * self.sampling_rate))

    def __len__(self) -> int:
        return len(self.time)


def make_trace(time: Array, raw: Array, voluntary: Array, is_valid: Mask, sampling_rate: float) -> Trace:
    """A trace from an angle, deg, and its low-passed self, over the whole block."""
    rate = np.gradient(voluntary) * sampling_rate if len(voluntary) > 1 else np.zeros(len(voluntary))
    valid = is_valid & np.isfinite(raw) & np.isfinite(voluntary)
    return Trace(time=time, raw=raw, angle=voluntary, rate=rate, is_valid=valid, sampling_rate=sampling_rate)
