"""What can happen to packets on their way: cheap, seeded, one function each."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

Packet = tuple[float, bytes]
Mutation = Callable[[random.Random, list[Packet]], None]


def drop(rng: random.Random, packets: list[Packet]) -> None:
    """Some in a row are lost."""
    at = rng.randrange(len(packets))
    del packets[at : at + rng.choice((1, 1, 1, 2, 5))]


def repeat(rng: random.Random, packets: list[Packet]) -> None:
    """One is handed over twice at once."""
    at = rng.randrange(len(packets))
    packets.insert(at, packets[at])


def replay(rng: random.Random, packets: list[Packet]) -> None:
    """One comes again later."""
    at = rng.randrange(len(packets))
    later = rng.randint(at, len(packets) - 1)
    packets.insert(later + 1, (packets[later][0], packets[at][1]))


def swap(rng: random.Random, packets: list[Packet]) -> None:
    """Two neighbours change places; the times of arrival do not."""
    at = rng.randrange(max(len(packets) - 1, 1))
    if len(packets) > 1:
        (t, a), (u, b) = packets[at], packets[at + 1]
        packets[at], packets[at + 1] = (t, b), (u, a)


def cut(rng: random.Random, packets: list[Packet]) -> None:
    """The end of one is lost."""
    at = rng.randrange(len(packets))
    arrival, payload = packets[at]
    packets[at] = arrival, payload[: rng.randrange(len(payload) + 1)]


def behead(rng: random.Random, packets: list[Packet]) -> None:
    """The beginning of one is lost."""
    at = rng.randrange(len(packets))
    arrival, payload = packets[at]
    packets[at] = arrival, payload[rng.randrange(len(payload) + 1) :]


def merge(rng: random.Random, packets: list[Packet]) -> None:
    """Two neighbours become one payload."""
    at = rng.randrange(max(len(packets) - 1, 1))
    if len(packets) > 1:
        packets[at : at + 2] = [(packets[at + 1][0], packets[at][1] + packets[at + 1][1])]


def split(rng: random.Random, packets: list[Packet]) -> None:
    """One payload becomes two."""
    at = rng.randrange(len(packets))
    arrival, payload = packets[at]
    place = rng.randrange(len(payload) + 1)
    packets[at : at + 1] = [(arrival, payload[:place]), (arrival, payload[place:])]


def empty(rng: random.Random, packets: list[Packet]) -> None:
    """A payload without bytes."""
    at = rng.randrange(len(packets) + 1)
    packets.insert(at, (packets[at - 1][0], b""))


def flip(rng: random.Random, packets: list[Packet]) -> None:
    """One bit changes."""
    at = rng.randrange(len(packets))
    arrival, payload = packets[at]
    if payload:
        octets = bytearray(payload)
        octets[rng.randrange(len(octets))] ^= 1 << rng.randrange(8)
        packets[at] = arrival, bytes(octets)


def noise(rng: random.Random, packets: list[Packet]) -> None:
    """Random bytes in between."""
    at = rng.randrange(len(packets) + 1)
    packets.insert(at, (packets[at - 1][0], rng.randbytes(rng.choice((1, 2, 8, 14, 20, 28, 40, 64, 182)))))


def replace(rng: random.Random, packets: list[Packet]) -> None:
    """One is overwritten from some byte on."""
    at = rng.randrange(len(packets))
    arrival, payload = packets[at]
    place = rng.randrange(len(payload) + 1)
    packets[at] = arrival, payload[:place] + rng.randbytes(len(payload) - place)


def foreign(payloads: Sequence[bytes]) -> Mutation:
    """Make the mutation that puts a payload of another sensor in between."""

    def insert_foreign(rng: random.Random, packets: list[Packet]) -> None:
        at = rng.randrange(len(packets) + 1)
        packets.insert(at, (packets[at - 1][0], rng.choice(payloads)))

    return insert_foreign


ALL: dict[str, Mutation] = {
    f.__name__: f for f in (drop, repeat, replay, swap, cut, behead, merge, split, empty, flip, noise, replace)
}


def mutate(
    rng: random.Random, packets: Sequence[Packet], kinds: Sequence[str], known: dict[str, Mutation]
) -> list[Packet]:
    """Packets after one to three of the mutations named."""
    changed = list(packets)
    for _ in range(rng.choice((1, 1, 2, 3))):
        if changed:
            known[rng.choice(kinds)](rng, changed)
    return changed
