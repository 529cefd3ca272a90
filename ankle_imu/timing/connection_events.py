"""Packets of a Bluetooth LE link arrive at its connection events only: what that hides of their delay."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

INTERVALS: Final = np.arange(6, 41) * 0.00125
"""Intervals looked for, s: multiples of 1.25 ms from 7.5 ms (Bluetooth Core Specification, vol. 6 part B, 4.5.1)
to 50 ms, the longest that streams of samples are given in practice (own choice)."""

_BLOCK_S: Final = 30.0
_BLOCK: Final = 400
_LEAST: Final = 20
_LIKENESS: Final = 0.6
"""Mean resultant length of the arrivals' phases from which they are said to keep to an interval: that twenty
random ones reach it happens once in a thousand (Rayleigh test)."""

_SWEPT: Final = 0.8
_COMPUTED_S: Final = 50e-6
"""Arrivals that vary by less were not received by any host but computed (own choice)."""


def find_interval(arrival: Array) -> float:
    """The longest connection interval, s, whose events all packets seem to keep to; 0 when there is none.

    Parameters
    ----------
    arrival : (n,) float array, s, in order

    Notes
    -----
    A link's clock and the host's drift apart, so half a minute is looked at.
    """
    some = arrival[arrival <= arrival[0] + _BLOCK_S][:_BLOCK]
    if len(some) < _LEAST:
        return 0.0
    phases = np.exp(2j * np.pi * (some - some[0])[:, None] / INTERVALS)
    keeps = np.abs(phases.mean(axis=0)) > _LIKENESS
    return float(INTERVALS[keeps].max()) if keeps.any() else 0.0


def hidden_delay(arrival: Array, delay: Array) -> float:
    """How much delay all packets may share without its being seen, s.

    Parameters
    ----------
    arrival : (n,) float array, s, in order
    delay : (n,) float array, s, of each packet above the fastest

    Notes
    -----
    A packet waits for the next event, up to one interval. Where the waits cover the interval, the least of them is
    zero. Where they do not, as the sensor's packets meet the events always at about one phase, the rest is open.
    """
    usual = float(np.quantile(delay, 0.95) - np.quantile(delay, 0.02))
    if usual < _COMPUTED_S:
        return 0.0
    interval = find_interval(arrival)
    return interval - usual if usual < _SWEPT * interval else 0.0
