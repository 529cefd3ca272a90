"""Packets of a sensor with a clock of its own, late and lost, laid on the session's time."""

from __future__ import annotations

import numpy as np
import pytest

from ankle_imu import wire
from ankle_imu.streaming.arrivals import JUMP_S, Arrivals
from ankle_imu.wire import ankle, quick_decoder
from ankle_imu.wire.ankle_packets import pack_clock, pack_compact

RATE = 208.0
CONFIG = {"acc_range_g": 16.0, "gyr_range_dps": 2000.0, "nominal_rate_hz": RATE}


def sent(seconds: float) -> tuple[np.ndarray, np.ndarray, list[tuple[float, bytes]]]:
    """Times, acc and packets (time of the last sample, payload) of a sensor."""
    rng = np.random.default_rng(1)
    time = np.arange(round(seconds * RATE)) / RATE
    acc, gyr = rng.normal(0.0, 5.0, (len(time), 3)), rng.normal(0.0, 2.0, (len(time), 3))
    payloads = [p for _, p in ankle.encode(time, acc, gyr, acc_range_g=16, gyr_range_dps=2000)]
    ends = np.minimum(14 * np.arange(1, len(payloads) + 1), len(time)) - 1
    return time, acc, list(zip(time[ends].tolist(), payloads, strict=True))


@pytest.mark.parametrize("together", [1, 3, 40])
def test_every_sample_comes_once_at_its_time(together: int) -> None:
    time, acc, packets = sent(10.0)
    arrivals = Arrivals("ankle", CONFIG)
    parts = [arrivals.take(packets[k : k + together]) for k in range(0, len(packets), together)]
    got, values = np.concatenate([t for t, _, _ in parts]), np.concatenate([a for _, a, _ in parts])
    assert len(got) == len(time)
    assert np.abs(got - time).max() < 1e-3
    assert np.abs(values - acc).max() < 0.01


def test_late_packets_move_the_clock_little() -> None:
    time, _, packets = sent(20.0)
    delays = np.random.default_rng(2).exponential(0.015, len(packets))
    arrivals = Arrivals("ankle", CONFIG)
    got = np.concatenate([arrivals.take([(t + d, p)])[0] for (t, p), d in zip(packets, delays, strict=True)])
    off = (got - time)[len(time) // 4 :]
    assert np.diff(got).min() > 0 or (np.diff(got) <= 0).mean() < 0.01
    assert np.quantile(np.abs(off), 0.95) < 0.008, "the mean delay is 15 ms, the clock follows its lower edge"


def test_a_lost_packet_leaves_its_time_empty() -> None:
    time, _, packets = sent(4.0)
    arrivals = Arrivals("ankle", CONFIG)
    got = np.concatenate([arrivals.take([packet])[0] for n, packet in enumerate(packets) if n not in (20, 21)])
    expected = np.delete(time, slice(20 * 14, 22 * 14))
    assert np.abs(got - expected).max() < 1e-3


def test_a_sensor_that_was_away_begins_a_new_clock() -> None:
    _, _, packets = sent(2.0)
    arrivals = Arrivals("ankle", CONFIG)
    for packet in packets[:10]:
        arrivals.take([packet])
    away = 3.0 * JUMP_S
    got = arrivals.take([(packets[10][0] + away, packets[10][1])])[0]
    assert got[-1] == pytest.approx(packets[10][0] + away)


def test_damage_gives_no_sample() -> None:
    arrivals = Arrivals("ankle", CONFIG)
    assert len(arrivals.take([(0.0, b"junk")])[0]) == 0
    _, _, packets = sent(1.0)
    assert len(arrivals.take(packets[:3])[0]) == 42


def test_packets_read_one_by_one_say_what_all_say_together() -> None:
    _, _, packets = sent(3.0)
    one = quick_decoder("ankle")
    assert one is not None
    parts = [one(payload, CONFIG) for _, payload in packets]
    (block,) = wire.decode("ankle", packets, CONFIG)
    assert block.gyr is not None
    assert np.array_equal(np.concatenate([p[1] for p in parts if p]), block.acc)
    assert np.array_equal(np.concatenate([p[2] for p in parts if p]), block.gyr)
    assert [p[0] for p in parts if p] == list(range(0, len(block), 14))


def test_what_comes_twice_or_late_is_not_drawn_again() -> None:
    time, _, packets = sent(3.0)
    arrivals = Arrivals("ankle", CONFIG)
    order = [*range(10), 9, 4, *range(10, len(packets))]
    got = np.concatenate([arrivals.take([packets[n]])[0] for n in order])
    assert len(got) == len(time)


def test_another_epoch_and_the_wrap_of_the_count() -> None:
    time = np.arange(208) / RATE
    still = np.zeros((208, 3))
    around = [
        p for _, p in ankle.encode(time, still, still, acc_range_g=16, gyr_range_dps=2000, first_index=2**32 - 100)
    ]
    arrivals = Arrivals("ankle", {**CONFIG, "epoch": 0})
    got = np.concatenate([arrivals.take([(14 * (n + 1) / RATE, p)])[0] for n, p in enumerate(around)])
    assert len(got) == 208
    assert np.diff(got) == pytest.approx(1 / RATE, abs=2e-3)
    assert len(Arrivals("ankle", {**CONFIG, "epoch": 1}).take([(0.1, around[0])])[0]) == 0


def test_compact_packets_are_decoded_together() -> None:
    counts = np.arange(6, dtype="<i2").tobytes()
    clock = pack_clock(epoch=0, boot_id=1, index=0, imu_us=0, mcu_us=0)
    packets = [(0.0, clock)] + [
        (0.005 * n, pack_compact(epoch=0, index=n, t_us=5000 * n, flags=0, counts=counts)) for n in range(1, 20)
    ]
    arrivals = Arrivals("ankle", {**CONFIG, "nominal_rate_hz": 200.0})
    assert sum(len(arrivals.take([packet])[0]) for packet in packets) == 19
