"""Sessions of our own protocol as a bad radio would hand them over: counted, in place, never a wrong sample."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ankle_imu import wire
from ankle_imu.wire.ankle import count_flags
from ankle_imu.wire.ankle_packets import COMPACT, SAMPLES, Flag, Head, pack_clock, pack_compact, pack_samples, peek

CONFIG = {"acc_range_g": 16.0, "gyr_range_dps": 2000.0}
STEP_US = 5000
IMU_FAST = 1.02
"""Motion sensor's oscillator against the microcontroller's: the two clocks cannot be mixed up."""


def counts_of(index: int, n: int) -> bytes:
    """Samples from whose values their index can be read."""
    return np.array([[k % 30000, k // 30000, 1, 2, 3, k % 7] for k in range(index, index + n)], "<i2").tobytes()


def index_of(acc: np.ndarray) -> np.ndarray:
    counts = np.round(acc / (16 * 9.80665 / 32768)).astype(int)
    return counts[:, 0] + 30000 * counts[:, 1]


def stamp_of(index: int) -> int:
    return index * STEP_US


def samples(index: int, n: int = 4, *, epoch: int = 1, flags: int = 0, base: int = 0, waited_us: int = 0) -> bytes:
    """Packet whose samples are `index` on, with `base` added to the counts they carry."""
    return pack_samples(
        epoch=epoch,
        seq=index // 4,
        index=base + index,
        t_us=waited_us + stamp_of(base + index),
        flags=flags,
        counts=counts_of(index, n),
    )


def compact(index: int, *, epoch: int = 1, waited_us: int = 0) -> bytes:
    return pack_compact(
        epoch=epoch, index=index, t_us=waited_us + stamp_of(index), flags=0, counts=counts_of(index, 1)
    )


def clock(index: int, *, epoch: int = 1, boot: int = 7) -> bytes:
    """Clock packet at the moment of a sample: the microcontroller is half a second ahead and 2 % slower."""
    imu = stamp_of(index)
    return pack_clock(epoch=epoch, boot_id=boot, index=index, imu_us=imu, mcu_us=mcu_of(imu))


def mcu_of(imu_us: float) -> int:
    return round(500_000 + imu_us / IMU_FAST)


def arriving(payloads: list[bytes], start: float = 0.0) -> list[tuple[float, bytes]]:
    return [(start + 0.02 * k, payload) for k, payload in enumerate(payloads)]


def decoded(payloads: list[tuple[float, bytes]], **config: object) -> wire.Block:
    (block,) = wire.decode("ankle", payloads, {**CONFIG, **config})
    return block


# Times


def test_stamps_are_put_on_the_microcontrollers_clock() -> None:
    sent = [
        clock(0),
        *(samples(k) for k in range(0, 200, 4)),
        clock(200),
        *(samples(k) for k in range(200, 400, 4)),
    ]
    block = decoded(arriving(sent))
    assert block.tick_wrap == 0
    assert block.ticks is not None
    # by hand: sample 100 was stamped 500 000 us, which is 500 000 + 500 000 / 1.02 us on the other clock
    np.testing.assert_allclose(block.ticks[100], 500_000 + 500_000 / 1.02, atol=1.0)
    np.testing.assert_allclose(block.ticks, [mcu_of(stamp_of(k)) for k in range(400)], atol=1.5)


def test_stamps_wrap_and_go_on() -> None:
    first = 2**32 // STEP_US - 20
    sent = [clock(first), *(samples(k) for k in range(first, first + 40, 4)), clock(first + 40)]
    block = decoded(arriving(sent))
    assert block.ticks is not None
    np.testing.assert_allclose(block.ticks, [mcu_of(stamp_of(k)) for k in range(first, first + 40)], atol=1.5)
    plain = decoded(arriving([samples(k) for k in range(first, first + 40, 4)]))
    assert plain.tick_wrap == 2**32
    assert plain.ticks is not None
    expected = np.arange(first, first + 40) * STEP_US % 2**32
    np.testing.assert_allclose(plain.ticks, expected, atol=1e-3)


def test_replay_of_long_ago_keeps_its_time() -> None:
    """A hole of an hour, filled from flash afterwards: stamps are a turn of the clock behind."""
    hour = 3600 * 1_000_000 // STEP_US
    late = [*range(0, 2 * hour, hour // 10)]
    sent = [clock(0), *(clock(k) for k in range(hour // 50, 2 * hour, hour // 50))]
    sent += [samples(k, flags=Flag.REPLAYED) for k in late] + [clock(2 * hour), samples(2 * hour)]
    block = decoded(arriving(sent), nominal_rate_hz=200.0)
    assert block.sequence is not None
    assert block.ticks is not None
    np.testing.assert_array_equal(block.sequence[::4], [*late, 2 * hour])
    np.testing.assert_allclose(block.ticks[::4], [mcu_of(stamp_of(k)) for k in [*late, 2 * hour]], atol=1.5)


def test_count_goes_on_above_its_wrap() -> None:
    base = 2**32 - 10
    block = decoded(arriving([samples(k, base=base) for k in range(0, 40, 4)]))
    assert block.sequence is not None
    np.testing.assert_array_equal(block.sequence, base + np.arange(40))


def test_reboot_begins_a_new_count_and_clock() -> None:
    first, second = range(40_000, 40_400, 4), range(0, 400, 4)
    sent = [clock(40_000, boot=7), *map(samples, first), clock(40_400, boot=7)]
    sent += [clock(0, boot=8), *map(samples, second), clock(400, boot=8)]
    block = decoded(arriving(sent))
    assert block.sequence is not None
    assert block.ticks is not None
    np.testing.assert_array_equal(block.sequence, [*range(40_000, 40_400), *range(400)])
    np.testing.assert_allclose(block.ticks, [mcu_of(stamp_of(k)) for k in block.sequence], atol=1.5)


@pytest.mark.parametrize("is_small", [False, True])
@pytest.mark.parametrize("waited_us", [0, 300_000_000])
def test_first_clock_packet_after_a_reboot_is_lost(is_small: bool, waited_us: int) -> None:
    """Packets belong to the boot whose clock foretells their stamps, be it told before or after them.

    Sampling begins some time after the second boot, in which the microcontroller is 30 ms farther ahead.
    """

    def packets(first: int, stop: int, waited_us: int = 0) -> list[bytes]:
        if is_small:
            return [compact(k, waited_us=waited_us) for k in range(first, stop)]
        return [samples(k, waited_us=waited_us) for k in range(first, stop, 4)]

    def second_clock(index: int) -> bytes:
        imu = waited_us + stamp_of(index)
        return pack_clock(epoch=1, boot_id=8, index=index, imu_us=imu, mcu_us=mcu_of(imu) + 30_000)

    sent = [clock(140_000), *packets(140_000, 140_400), clock(140_400)]
    sent += [*packets(0, 200, waited_us), second_clock(200), *packets(200, 400, waited_us), second_clock(400)]
    block = decoded(arriving(sent))
    assert block.sequence is not None
    assert block.ticks is not None
    np.testing.assert_array_equal(block.sequence, [*range(140_000, 140_400), *range(400)])
    first = [mcu_of(stamp_of(k)) for k in range(140_000, 140_400)]
    second = [mcu_of(waited_us + stamp_of(k)) + 30_000 for k in range(400)]
    np.testing.assert_allclose(block.ticks, first + second, atol=1.5)


def test_a_lying_clock_packet_is_not_believed() -> None:
    honest = [clock(0), *map(samples, range(0, 200, 4)), clock(200)]
    liars = [
        pack_clock(epoch=1, boot_id=7, index=100, imu_us=10**12, mcu_us=5),
        pack_clock(epoch=1, boot_id=99, index=3, imu_us=5, mcu_us=10**12),
    ]
    sent = [*honest[:20], *liars, *honest[20:]]
    expected, found = decoded(arriving(honest)), decoded(arriving(sent))
    assert expected.ticks is not None
    assert found.ticks is not None
    np.testing.assert_allclose(found.ticks, expected.ticks)


@pytest.mark.parametrize("is_small", [False, True])
@given(stranger=st.binary(min_size=19, max_size=19), place=st.integers(0, 100))
@settings(max_examples=50)
def test_a_stranger_that_looks_like_a_clock_packet_moves_nothing(
    stranger: bytes, place: int, is_small: bool
) -> None:
    """Alone of its boot, it is held against the samples beside it."""
    first = 90_000  # neither clock is near zero: bytes of zeros are strange too
    honest = [compact(k) for k in range(first, first + 100)]
    honest = honest if is_small else [samples(k) for k in range(first, first + 400, 4)]
    expected = decoded(arriving(honest))
    found = decoded(arriving([*honest[:place], b"\x12" + stranger, *honest[place:]]))
    assert expected.ticks is not None
    assert found.ticks is not None
    np.testing.assert_array_equal(found.ticks, expected.ticks)
    assert found.errors == {"foreign": 1}


@pytest.mark.parametrize("is_small", [False, True])
@pytest.mark.parametrize("clock_at", [0, 120, 200])
def test_one_clock_packet_that_fits_is_enough(is_small: bool, clock_at: int) -> None:
    sent = [compact(k) for k in range(200)] if is_small else [samples(k) for k in range(0, 200, 4)]
    place = clock_at if is_small else clock_at // 4
    block = decoded(arriving([*sent[:place], clock(clock_at), *sent[place:]]))
    assert block.errors == {}
    assert block.tick_wrap == 0
    assert block.ticks is not None
    expected = [mcu_of(stamp_of(k)) + (stamp_of(k) - stamp_of(clock_at)) * (1 - 1 / IMU_FAST) for k in range(200)]
    np.testing.assert_allclose(block.ticks, expected, atol=1.5)  # one packet tells no rate: taken as equal


def test_reboot_just_before_the_end_has_one_clock_packet() -> None:
    def second(index: int) -> bytes:
        counts = counts_of(5000 + index, 4)
        return pack_samples(epoch=1, seq=0, index=index, t_us=300_000 + stamp_of(index), flags=0, counts=counts)

    sent = [clock(0, boot=7), *map(samples, range(0, 800, 4)), clock(800, boot=7)]
    sent.append(pack_clock(epoch=1, boot_id=8, index=0, imu_us=300_000, mcu_us=300_000))
    block = decoded(arriving([*sent, *map(second, range(0, 180, 4))]))
    assert block.errors == {}
    assert block.ticks is not None
    np.testing.assert_allclose(block.ticks[800:], 300_000 + np.arange(180) * STEP_US, atol=1.5)


# Compact packets


def test_compact_by_hand() -> None:
    # 0x5A = 01011 010: flags 11 = clip acc, clip gyr, time jump; epoch 2. Count 0x0102, stamp 4096 us, acc x 1 g
    payload = bytes.fromhex("115a 0201 00100000 0008 0000 0000 0000 0000 00c0")
    block = decoded([(1.0, payload)])
    assert block.sequence is not None
    assert block.gyr is not None
    assert block.ticks is not None
    assert block.sequence.tolist() == [0x0102]
    assert block.ticks.tolist() == [4096.0]
    np.testing.assert_allclose(block.acc, [[9.80665, 0, 0]])
    np.testing.assert_allclose(np.degrees(block.gyr), [[0, 0, -1000]])
    assert count_flags([(1.0, payload)]) == {
        "clip_acc": 1,
        "clip_gyr": 1,
        "overrun": 0,
        "time_jump": 1,
        "replayed": 0,
    }


@given(st.integers(0, 31), st.integers(0, 255), st.integers(0, 2**32 - 1))
def test_flags_of_both_kinds_of_packet(flags: int, epoch: int, index: int) -> None:
    large = pack_samples(epoch=epoch, seq=0, index=index, t_us=0, flags=flags, counts=counts_of(0, 2))
    small = pack_compact(epoch=epoch, index=index, t_us=0, flags=flags, counts=counts_of(0, 1))
    assert peek(large) == Head(type=SAMPLES, epoch=epoch, first=index, bits=32, n=2, flags=flags)
    assert peek(small) == Head(type=COMPACT, epoch=epoch % 8, first=index % 2**16, bits=16, n=1, flags=flags)
    named = {str(flag.name).lower(): 2 * bool(flags & flag) for flag in Flag}
    assert count_flags([(0.0, large), (0.0, small)]) == named


@given(st.integers(0, 2**32 - 2000), st.sets(st.integers(0, 999), max_size=300), st.integers(1, 200))
@settings(max_examples=60)
def test_compact_counts_are_made_whole(first: int, lost: set[int], every: int) -> None:
    """Whatever is lost of the samples, the next clock packet tells the upper half of the count."""
    sent, kept = [], []
    for k in range(1000):
        index = first + k
        if k % every == 0:
            sent.append(clock(index % 2**32))
        if k not in lost:
            counts = counts_of(k, 1)
            sent.append(pack_compact(epoch=1, index=index, t_us=stamp_of(index), flags=0, counts=counts))
            kept.append(index)
    block = decoded(arriving(sent), nominal_rate_hz=200.0)
    assert block.sequence is not None
    np.testing.assert_array_equal(block.sequence, kept)


def test_compact_after_a_long_hole_and_without_any_clock_packet() -> None:
    """70 000 samples are missing, more than 16 bits tell: the stamps do."""
    indices = [*range(100), *range(70_100, 70_200)]
    block = decoded([(k * 0.005, compact(k)) for k in indices])
    assert block.sequence is not None
    np.testing.assert_array_equal(block.sequence, indices)


def test_large_and_compact_packets_of_one_session() -> None:
    """The link is lost and comes back with a smaller MTU."""
    sent = [
        clock(70_000),
        *map(samples, range(70_000, 70_040, 4)),
        clock(70_100),
        *map(compact, range(70_100, 70_150)),
    ]
    block = decoded(arriving(sent))
    assert block.sequence is not None
    np.testing.assert_array_equal(block.sequence, [*range(70_000, 70_040), *range(70_100, 70_150)])
    np.testing.assert_array_equal(index_of(block.acc), block.sequence)


def test_epoch_of_compact_packets_has_three_bits() -> None:
    sent = [compact(0, epoch=9), compact(1, epoch=9), compact(2, epoch=2)]
    block = decoded(arriving(sent), epoch=9)
    assert block.errors == {"other_epoch": 1}
    assert len(block) == 2


def test_ranges_of_several_epochs() -> None:
    sent = [samples(0, epoch=1), samples(4, epoch=2), samples(8, epoch=3)]
    block = decoded(arriving(sent), epoch=(1, 3))
    assert block.sequence is not None
    assert block.sequence.tolist() == [0, 1, 2, 3, 8, 9, 10, 11]
    assert block.errors == {"other_epoch": 1}


# Hostile radio

Damage = tuple[str, int, int]
damages = st.lists(
    st.tuples(
        st.sampled_from(["lose", "cut", "merge", "repeat", "foreign", "swap"]),
        st.integers(0, 10_000),
        st.integers(0, 10_000),
    ),
    max_size=40,
)


def damage(payloads: list[bytes], done: list[Damage]) -> tuple[list[bytes], Counter[str], set[int]]:
    """Payloads with this damage done to them, what must be counted, and the places of packets left whole."""
    good: list[bytes | None] = [*payloads]
    counted: Counter[str] = Counter()
    extra: list[tuple[int, bytes]] = []
    order = [*range(len(payloads))]
    for kind, a, b in done:
        place = a % len(payloads)
        payload = good[place]
        if kind == "foreign":
            extra.append((place, bytes((0x13 + b % 200,)) + bytes(20 + b % 100)))
            counted["foreign"] += 1
        elif kind == "swap":
            other = b % len(payloads)
            order[place], order[other] = order[other], order[place]
        elif payload is None:
            continue
        elif kind == "lose":
            good[place] = None
        elif kind == "repeat":
            extra.append((place, payload))
        elif kind == "cut":
            good[place] = None
            short = payload[: b % len(payload)]
            extra.append((place, short))
            counted["short" if len(short) < 14 else "cut"] += 1
        elif kind == "merge":
            good[place] = None
            extra.append((place, payload + payloads[b % len(payloads)]))
            counted["cut"] += 1
    kept = {k for k in range(len(payloads)) if good[k] is not None}
    sent: list[bytes] = []
    for k in order:
        whole = good[k]
        sent += [whole] if whole is not None else []
        sent += [payload for place, payload in extra if place == k]
    repeats = Counter(payload for payload in sent if payload in set(payloads))
    if again := sum(n - 1 for n in repeats.values()):
        counted["duplicate"] = again
    return sent, counted, kept


@given(damages, st.booleans())
@settings(max_examples=300)
def test_never_a_wrong_sample(done: list[Damage], is_small: bool) -> None:
    sent: list[bytes] = []
    for k in range(0, 240, 4):
        sent += [clock(k)] if k % 40 == 0 else []
        sent += [compact(k + j) for j in range(4)] if is_small else [samples(k)]
    hostile, counted, kept = damage(sent, done)
    (block,) = wire.decode("ankle", arriving(hostile), {**CONFIG, "epoch": 1, "nominal_rate_hz": 200.0}) or [None]
    if block is None:
        assert not hostile
        return
    assert block.sequence is not None
    assert block.ticks is not None
    assert +block.errors == +counted
    np.testing.assert_array_equal(index_of(block.acc), block.sequence)
    heads = [peek(sent[k]) for k in kept]
    wanted = Counter(head.first + j for head in heads if head is not None for j in range(head.n))
    # a packet that was repeated and then lost or cut still came once
    assert set(wanted) <= set(block.sequence.tolist())
    assert len(block) == len(set(block.sequence.tolist()))
    if block.tick_wrap == 0:
        np.testing.assert_allclose(block.ticks, [mcu_of(stamp_of(k)) for k in block.sequence], atol=2.0)


@given(st.lists(st.tuples(st.floats(0, 1e6), st.binary(max_size=64)), max_size=20), st.data())
@settings(max_examples=300)
def test_any_bytes_decode_or_are_counted(payloads: list[tuple[float, bytes]], data: st.DataObject) -> None:
    """Also bytes that begin like ours."""
    kinds = data.draw(st.lists(st.sampled_from([0x10, 0x11, 0x12]), min_size=20, max_size=20))
    like_ours = [
        (t, bytes((kind,)) + p[1:20].ljust(19, b"\x01")) for (t, p), kind in zip(payloads, kinds, strict=False)
    ]
    for given_ in (payloads, like_ours):
        for block in wire.decode("ankle", given_, CONFIG):
            assert block.acc.shape[1:] == (3,)
            counted = sum(block.errors.values())
            assert counted <= len(given_)


@pytest.mark.parametrize("n", range(14))
def test_peek_of_a_stump_is_none(n: int) -> None:
    assert peek(samples(0)[:n]) is None
