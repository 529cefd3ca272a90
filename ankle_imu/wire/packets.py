"""Recorded payloads as one run of bytes, with the place and the arrival of each."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise, starmap
from operator import eq, itemgetter

import numpy as np
from numpy.typing import NDArray

from ankle_imu.wire.block import Array, Indices


@dataclass(frozen=True, kw_only=True, eq=False)
class Packets:
    """Payloads of one session, in order of arrival.

    Parameters
    ----------
    blobs : tuple of bytes, the payloads as received
    arrival : (n,) float array, s, when the host received each
    length : (n,) int array, bytes of each
    """

    blobs: tuple[bytes, ...]
    arrival: Array
    length: Indices

    def __len__(self) -> int:
        return len(self.blobs)

    def join(self, padding: int = 0) -> bytes:
        """All payloads, end to end, and then so many zero bytes."""
        return b"".join([*self.blobs, bytes(padding)])

    @property
    def stop(self) -> Indices:
        """(n,) int array, place in `join()` of the byte after each payload."""
        return np.cumsum(self.length)

    def select(self, is_kept: NDArray[np.bool_]) -> Packets:
        """Only the payloads of a mask."""
        rows = np.flatnonzero(is_kept)
        return Packets(
            blobs=tuple(self.blobs[i] for i in rows.tolist()), arrival=self.arrival[rows], length=self.length[rows]
        )

    def find_repeats(self) -> Indices:
        """Places of payloads with the same bytes as the one before."""
        same = np.fromiter(starmap(eq, pairwise(self.blobs)), dtype=bool, count=max(len(self) - 1, 0))
        return np.flatnonzero(same) + 1


def collect(payloads: Iterable[tuple[float, bytes]]) -> Packets:
    """Payloads of a session.

    Parameters
    ----------
    payloads : iterable of (arrival, payload); arrival in s

    Returns
    -------
    Packets
    """
    pairs = list(payloads)
    blobs = tuple(map(itemgetter(1), pairs))
    return Packets(
        blobs=blobs,
        arrival=np.fromiter(map(itemgetter(0), pairs), dtype=float, count=len(pairs)),
        length=np.fromiter(map(len, blobs), dtype=np.int64, count=len(blobs)),
    )
