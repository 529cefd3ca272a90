"""Which payloads are still good, and why the others are not."""

from __future__ import annotations

from collections import Counter

import numpy as np

from ankle_imu.wire.block import Indices
from ankle_imu.wire.packets import Flags


class Sieve:
    """Which payloads are still good, and how many were not, each by the first reason found."""

    def __init__(self, n: int) -> None:
        self.is_good: Flags = np.ones(n, dtype=bool)
        self.errors: Counter[str] = Counter()

    def reject(self, reason: str, is_bad: Flags) -> None:
        """Drop the payloads that are bad; those already dropped are not counted again."""
        n = int(np.count_nonzero(self.is_good & is_bad))
        if n:
            self.errors[reason] += n
            self.is_good &= ~is_bad

    def reject_rows(self, reason: str, rows: Indices) -> None:
        """The same for the payloads of `rows`."""
        if len(rows):
            is_bad = np.zeros(len(self.is_good), dtype=bool)
            is_bad[rows] = True
            self.reject(reason, is_bad)

    def rows(self) -> Indices:
        """Rows of the good payloads."""
        return np.flatnonzero(self.is_good)
