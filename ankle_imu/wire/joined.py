"""Payloads of a session laid end to end, so that one field of all of them is read at once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import DTypeLike, NDArray

from ankle_imu.wire.block import Array, Indices

Flags = NDArray[np.bool_]

_PADDING: Final = 64
"""Zero bytes after the last payload: a record that begins inside a payload can always be read."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Joined:
    """Payloads end to end.

    Parameters
    ----------
    arrival : (n,) float array, s
    start, size : (n,) int array, first byte of each payload in `data` and its length
    data : (m,) uint8 array, all payloads and some zero bytes
    """

    arrival: Array
    start: Indices
    size: Indices
    data: NDArray[np.uint8]

    def __len__(self) -> int:
        return len(self.size)

    def read(self, dtype: DTypeLike, at: Indices) -> NDArray[Any]:
        """Records of `dtype`, at most 64 bytes, that begin at the bytes `at`, aligned or not."""
        kind = np.dtype(dtype)
        raw = np.dtype(f"V{kind.itemsize}") if kind.names else kind
        everywhere: NDArray[Any] = np.ndarray(
            len(self.data) - kind.itemsize + 1, dtype=raw, buffer=self.data.data, strides=(1,)
        )
        return everywhere[at].view(kind)

    def find_repeated(self, rows: Indices) -> Flags:
        """Of all payloads, those of `rows` that had the same bytes as an earlier one of `rows`."""
        seen: set[bytes] = set()
        found = np.zeros(len(self), dtype=bool)
        for row in rows:
            payload = self.data[self.start[row] : self.start[row] + self.size[row]].tobytes()
            found[row] = payload in seen
            seen.add(payload)
        return found


def join(payloads: Iterable[tuple[float, bytes]]) -> Joined:
    """Lay payloads, pairs of arrival in s and bytes, end to end."""
    pairs = payloads if isinstance(payloads, list) else [*payloads]
    parts = [payload for _, payload in pairs]
    sizes = {*map(len, parts)}  # one size is the common case, and quicker than an array from a list
    size = np.full(len(parts), sizes.pop()) if len(sizes) == 1 else np.array([*map(len, parts)], dtype=np.int64)
    return Joined(
        arrival=np.array([arrival for arrival, _ in pairs], dtype=float),
        start=np.cumsum(size) - size,
        size=size,
        data=np.frombuffer(b"".join(parts) + bytes(_PADDING), dtype=np.uint8),
    )


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
        is_bad = np.zeros(len(self.is_good), dtype=bool)
        is_bad[rows] = True
        self.reject(reason, is_bad)

    def rows(self) -> Indices:
        """Rows of the good payloads."""
        return np.flatnonzero(self.is_good)
