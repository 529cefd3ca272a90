"""Recorded payloads as one run of bytes, with the place and the arrival of each.

Every decoder takes payloads as (arrival, bytes) pairs or as `Packets`, which is the same in columns: a reader that
holds its payloads end to end hands them over with `Packets.from_columns`, and no Python object is made for each.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from operator import itemgetter
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from ankle_imu.wire.block import Array, Indices

Flags = NDArray[np.bool_]

PADDING: Final = 64
"""Zero bytes after the last payload: a record that begins inside a payload can always be read."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Packets:
    """Payloads of one session, in order of arrival; as an iterable, their (arrival, payload) pairs.

    Parameters
    ----------
    padded : bytes, all payloads end to end and then `PADDING` zero bytes
    arrival : (n,) float array, s, when the host received each
    length : (n,) int array, bytes of each
    """

    padded: bytes
    arrival: Array
    length: Indices

    @classmethod
    def from_columns(cls, data: bytes | bytearray | memoryview, length: ArrayLike, arrival: ArrayLike) -> Packets:
        """Payloads that lie end to end already.

        Parameters
        ----------
        data : bytes-like, all payloads, nothing between them
        length : (n,) int array, bytes of each payload
        arrival : (n,) float array, s, when the host received each

        Raises
        ------
        ValueError
            If the columns differ in length, a length is negative, or they do not add up to the bytes.

        Examples
        --------
        >>> list(Packets.from_columns(b"abc", [2, 1], [0.5, 0.75]))
        [(0.5, b'ab'), (0.75, b'c')]
        """
        lengths = np.asarray(length, dtype=np.int64)
        arrivals = np.asarray(arrival, dtype=float)
        whole = memoryview(data).cast("B")
        if lengths.ndim != 1 or lengths.shape != arrivals.shape:
            raise ValueError(
                f"Found lengths {lengths.shape} and arrivals {arrivals.shape}; expected (n,) for both."
            )
        if (lengths < 0).any() or lengths.sum() != len(whole):
            raise ValueError(f"Found {len(whole)} bytes for payloads of {lengths.sum()} bytes in all.")
        return cls(padded=b"".join((whole, bytes(PADDING))), arrival=arrivals, length=lengths)

    def __len__(self) -> int:
        return len(self.length)

    def __iter__(self) -> Iterator[tuple[float, bytes]]:
        return zip(self.arrival.tolist(), self.blobs, strict=True)

    @cached_property
    def blobs(self) -> tuple[bytes, ...]:
        """The payloads as received, each on its own: slow for many, nothing that reads all of them needs it."""
        return tuple(self.padded[a:b] for a, b in zip(self.start.tolist(), self.stop.tolist(), strict=True))

    @cached_property
    def stop(self) -> Indices:
        """(n,) int array, place of the byte after each payload."""
        return np.cumsum(self.length)

    @cached_property
    def start(self) -> Indices:
        """(n,) int array, place of the first byte of each payload."""
        return self.stop - self.length

    @cached_property
    def octets(self) -> NDArray[np.uint8]:
        """All payloads and the zero bytes behind them."""
        return np.frombuffer(self.padded, dtype=np.uint8)

    def join(self, padding: int = 0) -> bytes:
        """All payloads, end to end, and then so many zero bytes (at most `PADDING`)."""
        return self.padded[: len(self.padded) - PADDING + padding]

    def read(self, dtype: DTypeLike, at: Indices) -> NDArray[Any]:
        """Records of `dtype`, at most `PADDING` bytes, that begin at the bytes `at`, aligned or not.

        They are a view into the payloads where they are evenly spaced, which whole sessions often are.
        """
        kind = np.dtype(dtype)
        step = int(at[1] - at[0]) if len(at) > 1 else 0
        if step > 0 and at[-1] - at[0] == step * (len(at) - 1) and (np.diff(at) == step).all():
            return np.ndarray(len(at), dtype=kind, buffer=self.padded, offset=int(at[0]), strides=(step,))
        raw = np.dtype(f"V{kind.itemsize}") if kind.names else kind
        everywhere: NDArray[Any] = np.ndarray(
            len(self.padded) - kind.itemsize + 1, dtype=raw, buffer=self.padded, strides=(1,)
        )
        return everywhere[at].view(kind)

    def select(self, is_kept: Flags) -> Packets:
        """Only the payloads of a mask."""
        rows = np.flatnonzero(is_kept)
        data = b"".join([self.padded[a:b] for a, b in zip(self.start[rows], self.stop[rows], strict=True)])
        return Packets.from_columns(data, self.length[rows], self.arrival[rows])

    def find_repeats(self) -> Indices:
        """Places of payloads with the same bytes as the one before."""
        begin = self.read("<u8", self.start)
        is_alike = self.length[1:] == self.length[:-1]
        is_alike &= (begin[1:] == begin[:-1]) | (self.length[1:] < 8)
        rows = np.flatnonzero(is_alike) + 1
        return rows[[self._payload(row) == self._payload(row - 1) for row in rows.tolist()]] if len(rows) else rows

    def find_repeated(self, rows: Indices, size: int | None = None) -> Flags:
        """Of all payloads, those of `rows` with the same (first `size`) bytes as an earlier one of `rows`."""
        seen: set[bytes] = set()
        found = np.zeros(len(self), dtype=bool)
        for row in rows.tolist():
            payload = self._payload(row)[:size]
            found[row] = payload in seen
            seen.add(payload)
        return found

    def _payload(self, row: int) -> bytes:
        return self.padded[self.start[row] : self.stop[row]]


def collect(payloads: Iterable[tuple[float, bytes]]) -> Packets:
    """Payloads of a session, laid end to end.

    Parameters
    ----------
    payloads : Packets, which are handed back as they are, or an iterable of (arrival, payload); arrival in s

    Returns
    -------
    Packets
    """
    if isinstance(payloads, Packets):
        return payloads
    pairs = payloads if isinstance(payloads, list | tuple) else [*payloads]
    blobs = [*map(itemgetter(1), pairs)]
    return Packets(
        padded=b"".join(chain(blobs, (bytes(PADDING),))),
        arrival=np.fromiter(map(itemgetter(0), pairs), dtype=float, count=len(pairs)),
        length=np.fromiter(map(len, blobs), dtype=np.int64, count=len(blobs)),
    )
