"""What a decoder gives: samples in SI units, with the sensor's own count and clock."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Indices = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True, eq=False)
class Block:
    """Decoded samples of one sensor, in the order in which they arrived.

    Parameters
    ----------
    acc : (n, 3) float array, m/s^2 including gravity, sensor frame
    gyr : (n, 3) float array, rad/s, sensor frame; None when the protocol carries none
    ticks : (n,) float array, sensor's own clock in ticks, as sent (it may wrap); None when not sent
    tick_s : float, s, length of one tick by the protocol; NaN without ticks
    tick_wrap : float, ticks after which the clock starts again at zero; 0 when it never does
    sequence : (n,) int array, the sensor's own count of samples; None when not sent
    arrival : (n,) float array, s, when the host received the packet of each sample
    errors : Counter, packets that gave no sample, by reason
    """

    acc: Array
    gyr: Array | None = None
    ticks: Array | None = None
    tick_s: float = float("nan")
    tick_wrap: float = 0.0
    sequence: Indices | None = None
    arrival: Array | None = None
    errors: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        n = len(self.acc)
        shapes = {"acc": (n, 3), "gyr": (n, 3), "ticks": (n,), "sequence": (n,), "arrival": (n,)}
        for name, shape in shapes.items():
            values = getattr(self, name)
            if values is not None and values.shape != shape:
                raise ValueError(f"Block.{name} has shape {values.shape}; expected {shape}.")

    def __len__(self) -> int:
        return len(self.acc)


def wrap_ticks(ticks: Array, wrap: float) -> Array:
    """Ticks in [0, wrap), also those so little below zero that their remainder rounds to `wrap`.

    Examples
    --------
    >>> wrap_ticks(np.array([-1e-12, 65536.5]), 65536.0)
    array([0. , 0.5])
    """
    wrapped: Array = ticks % wrap
    wrapped[wrapped == wrap] = 0.0
    return wrapped
