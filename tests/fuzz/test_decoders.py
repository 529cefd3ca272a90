"""Hostile input to every decoder: never a traceback or a warning, never a wrong sample.

Looked at after every input: arrays of the promised shapes, numbers finite where they must be, ticks within their
wrap, arrivals out of those of the packets, no more samples than the bytes can hold, errors counted in positive
numbers, payloads in columns decoded as payloads in pairs. After damage that the protocol lets a decoder notice
(`Case.noticed`) every sample is one of the valid stream, given once, with its count and time, and whatever damaged
packet gave none is counted. `--full` makes 10^6 inputs.
"""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from fuzz.mutations import ALL, Packet, foreign, mutate
from fuzz.streams import CASES, Case

from ankle_imu import wire
from ankle_imu.wire.block import Block
from ankle_imu.wire.packets import Packets, collect

QUICK, FULL = 10_000, 1_000_000
SHARE_NOTICED = 0.6
SHARE_RANDOM = 0.05
MOST_SAMPLES_PER_BYTE = 3
"""A sample of a Polar delta frame can be as short as 3 bits; none of another protocol is."""
WHOLE_PAYLOADS = ("ankle", "metawear", "movella_dot", "declared", "import/fuzz", "polar")
"""Protocols whose packets are whole payloads: each that is not, or comes again, is counted."""
PROTOCOLS = {name.partition("/")[0] for name in wire.protocols()}


@dataclass(frozen=True, kw_only=True, eq=False)
class Truth:
    """Samples of the valid stream by their acceleration."""

    row_of: dict[bytes, int]
    gyr: np.ndarray | None
    ticks: np.ndarray | None
    sequence: np.ndarray | None


def learn(case: Case) -> Truth:
    opened = [(0.0, b"\n")] if case.protocol == "csv_lines" else []  # its first line is never believed
    blocks = wire.decode(case.protocol, [*opened, *case.packets], case.config)
    block = next(b for b in blocks if not np.isnan(b.acc).any())
    rows = {row.tobytes(): k for k, row in enumerate(block.acc)}
    assert len(rows) == len(block) > 35
    assert not blocks[0].errors
    return Truth(row_of=rows, gyr=block.gyr, ticks=block.ticks, sequence=block.sequence)


def decode(case: Case, packets: Any) -> list[Block]:
    with np.errstate(all="raise", under="ignore"):
        return wire.decode(case.protocol, packets, case.config)


def check_form(case: Case, packets: list[Packet], blocks: list[Block]) -> None:
    assert bool(blocks) == bool(packets)
    arrivals = {arrival for arrival, _ in packets}
    n_bytes = sum(len(payload) for _, payload in packets)
    assert sum(len(block) for block in blocks) <= MOST_SAMPLES_PER_BYTE * n_bytes
    for block in blocks:
        assert block.acc.dtype == np.float64
        assert all(isinstance(k, str) and isinstance(v, int) and v > 0 for k, v in block.errors.items())
        assert not np.isinf(block.acc).any()
        if not case.may_be_nan:
            assert len(blocks) > 1 or case.protocol == "polar" or np.isfinite(block.acc).all()
            assert block.gyr is None or not np.isinf(block.gyr).any()
        assert block.arrival is not None
        assert arrivals.issuperset(block.arrival.tolist())
        if block.ticks is not None and case.protocol != "import/fuzz":
            ticks = block.ticks[~np.isnan(block.ticks)]
            assert ((ticks >= 0) | (block.tick_wrap == 0)).all()
            assert not block.tick_wrap or (ticks < block.tick_wrap).all()
            assert np.isfinite(ticks).all()
    if case.is_one_each:
        assert sum(len(block) + sum(block.errors.values()) for block in blocks) == len(packets)


def check_counted(case: Case, packets: list[Packet], blocks: list[Block]) -> None:
    sent = {payload for _, payload in case.packets}
    whole = {payload for _, payload in packets if payload in sent}
    counted = sum(sum(block.errors.values()) for block in blocks)
    if counted < len(packets) - len(whole):  # noise may be a packet of another kind by chance, and give a sample
        whole |= {payload for _, payload in packets if any(map(len, decode(case, [(0.0, payload)])))}
    assert counted >= len(packets) - len(whole), "damage not counted"


def check_truth(case: Case, truth: Truth, blocks: list[Block]) -> None:
    given: list[int] = []
    for block in blocks:
        has_acc = ~np.isnan(block.acc).any(axis=1)
        kept = np.flatnonzero(has_acc)
        rows = [truth.row_of.get(block.acc[k].tobytes()) for k in kept.tolist()]
        assert None not in rows, "an acceleration that was never sent"
        row = np.array(rows, dtype=np.int64)
        given += row.tolist()
        if block.gyr is not None and truth.gyr is not None:
            gyr, sent = block.gyr[kept], truth.gyr[row]
            assert (np.isnan(gyr) | (np.abs(gyr - sent) <= case.gyr_tolerance)).all(), (
                "an angular rate that was never sent"
            )
        if block.sequence is not None and truth.sequence is not None:
            apart = block.sequence[kept] - truth.sequence[row]
            assert not (apart % case.counter_wrap if case.counter_wrap else apart).any(), "a wrong count"
        if block.ticks is not None and truth.ticks is not None:
            apart_ticks = block.ticks[kept] - truth.ticks[row]
            apart_ticks = apart_ticks[~np.isnan(apart_ticks)]
            assert (np.abs(apart_ticks) <= case.tick_tolerance).all(), "a wrong time"
    assert len(set(given)) == len(given), "a sample given twice"


def check_columns(case: Case, packets: list[Packet], blocks: list[Block]) -> None:
    laid = collect(packets)
    again = decode(case, Packets.from_columns(laid.join(), laid.length, laid.arrival))
    assert len(again) == len(blocks)
    for one, other in zip(blocks, again, strict=True):
        assert one.errors == other.errors
        for name in ("acc", "gyr", "ticks", "sequence", "arrival"):
            np.testing.assert_array_equal(getattr(one, name), getattr(other, name))


def random_packets(rng: random.Random) -> list[Packet]:
    return [(0.01 * k, rng.randbytes(rng.randrange(64))) for k in range(rng.randrange(1, 12))]


def attack(
    case: Case, truth: Truth, rng: random.Random, strangers: list[bytes]
) -> tuple[list[Packet], list[Block]]:
    """One input: made, decoded, looked at."""
    kinds = {**ALL, "foreign": foreign([*strangers, *5 * case.strangers])}
    chance = rng.random()
    if chance < SHARE_RANDOM:
        packets = random_packets(rng)
    else:
        names = case.noticed if chance < SHARE_NOTICED else tuple(kinds)
        first = rng.randrange(max(len(case.packets) - case.window, 1))
        window = case.packets if case.protocol == "movesense_sbem" else case.packets[first : first + case.window]
        packets = mutate(rng, window, names, kinds)
        if chance < SHARE_NOTICED and case.noticed_alone and rng.random() < 0.3:
            packets = list(window[case.opening :])
            kinds[rng.choice(case.noticed_alone)](rng, packets)
            packets = [*window[: case.opening], *packets]
    blocks = decode(case, packets)
    check_form(case, packets, blocks)
    if SHARE_RANDOM <= chance < SHARE_NOTICED:
        check_truth(case, truth, blocks)
        if case.protocol in WHOLE_PAYLOADS and not case.is_one_each:
            check_counted(case, packets, blocks)
    if rng.random() < 0.05:
        check_columns(case, packets, blocks)
    return packets, blocks


def test_every_protocol_is_attacked() -> None:
    assert {case.protocol.partition("/")[0] for case in CASES} == PROTOCOLS


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_hostile_input(case: Case, full: bool) -> None:
    truth = learn(case)
    strangers = [p for other in CASES if other.protocol != case.protocol for _, p in other.packets[:3]]
    rounds = (FULL if full else QUICK) // len(CASES) + 1
    errors: Counter[str] = Counter()
    samples = 0
    for seed in range(rounds):
        try:
            _, blocks = attack(case, truth, random.Random(f"{case.name} {seed}"), strangers)
        except Exception as problem:
            raise AssertionError(f"{case.name}, seed {seed}: {problem!r}") from problem
        for block in blocks:
            errors += block.errors
            samples += len(block)
    assert samples > rounds, "hardly anything was decoded: the attack tests nothing"
    assert len(errors) >= 2 or case.name == "movesense_sbem", "hardly anything was refused"
