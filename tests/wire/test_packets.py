"""Payloads in columns say the same as payloads in pairs."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ankle_imu.wire.packets import PADDING, Packets, collect

PAYLOADS = st.lists(st.sampled_from([b"", b"a", b"ab", b"abcdefgh", b"abcdefghi", b"abcdefghX", b"\0" * 9]))


def pairs_of(payloads: list[bytes]) -> list[tuple[float, bytes]]:
    return [(0.25 * k, p) for k, p in enumerate(payloads)]


@given(PAYLOADS)
def test_pairs_and_columns_are_the_same_packets(payloads: list[bytes]) -> None:
    pairs = pairs_of(payloads)
    columns = Packets.from_columns(
        b"".join(payloads), [*map(len, payloads)], [0.25 * k for k in range(len(pairs))]
    )
    for packets in (collect(pairs), collect(iter(pairs)), columns):
        assert collect(packets) is packets
        assert list(packets) == pairs
        assert len(packets) == len(pairs)
        assert packets.blobs == tuple(payloads)
        assert packets.join() == b"".join(payloads)
        assert packets.join(padding=3) == b"".join(payloads) + bytes(3)
        assert len(packets.octets) == len(packets.join()) + PADDING
        assert [packets.join()[a:b] for a, b in zip(packets.start, packets.stop, strict=True)] == payloads


@given(PAYLOADS)
def test_repeats_are_those_of_a_plain_comparison(payloads: list[bytes]) -> None:
    packets = collect(pairs_of(payloads))
    assert packets.find_repeats().tolist() == [
        k for k in range(1, len(payloads)) if payloads[k] == payloads[k - 1]
    ]
    every = np.arange(len(payloads))
    assert packets.find_repeated(every).tolist() == [p in payloads[:k] for k, p in enumerate(payloads)]


@given(PAYLOADS, st.data())
def test_a_selection_holds_what_was_kept(payloads: list[bytes], data: st.DataObject) -> None:
    kept = [data.draw(st.booleans()) for _ in payloads]
    pairs = pairs_of(payloads)
    chosen = collect(pairs).select(np.array(kept, dtype=bool))
    assert list(chosen) == [pair for pair, is_kept in zip(pairs, kept, strict=True) if is_kept]


@given(st.lists(st.integers(0, 60), min_size=1, max_size=8))
def test_records_are_read_from_any_place(places: list[int]) -> None:
    packets = collect([(0.0, bytes(range(64)))])
    kind = np.dtype([("a", "u1"), ("b", "<u2")])
    found = packets.read(kind, np.array(places))
    assert found["a"].tolist() == places
    assert found["b"].tolist() == [(p + 1) + 256 * (p + 2) for p in places]


@pytest.mark.parametrize(
    ("data", "length", "arrival", "words"),
    [
        (b"abc", [1, 1], [0.0, 0.0], "3 bytes for payloads of 2"),
        (b"abc", [4, -1], [0.0, 0.0], "3 bytes"),
        (b"abc", [3], [0.0, 1.0], r"lengths \(1,\) and arrivals \(2,\)"),
    ],
)
def test_columns_that_do_not_fit_are_refused(
    data: bytes, length: list[int], arrival: list[float], words: str
) -> None:
    with pytest.raises(ValueError, match=words):
        Packets.from_columns(data, length, arrival)
