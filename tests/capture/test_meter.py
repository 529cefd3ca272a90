"""Running counts, against counts by hand."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pytest

from ankle_imu.capture.meter import Meter
from ankle_imu.devices.adapter import Stream
from ankle_imu.wire import ankle, declared, witmotion

CONFIG = {"acc_range_g": 16.0, "gyr_range_dps": 2000.0, "nominal_rate_hz": 100.0}
STREAM = Stream(protocol="ankle", config=CONFIG)


def packets(first: int, stop: int) -> list[tuple[float, bytes]]:
    """Packets of ten samples at 100 Hz; sample k is taken at k / 100 s."""
    n = stop - first
    time = np.arange(first, stop) / 100.0
    ranges = {"acc_range_g": 16.0, "gyr_range_dps": 2000.0}
    sent = ankle.encode(
        time, np.zeros((n, 3)), np.zeros((n, 3)), **ranges, first_index=first, samples_per_packet=10
    )
    return [(arrival, payload) for arrival, payload in sent]


def watch(meter: Meter, came: list[tuple[float, bytes]], until: float) -> None:
    """Feed a meter and tick it once a second."""
    rest = list(came)
    for second in np.arange(1.0, until + 1e-9, 1.0):
        while rest and rest[0][0] <= second:
            meter.take(*rest.pop(0))
        meter.tick(float(second))


def test_nothing_is_known_before_the_first_packet() -> None:
    meter = Meter()
    meter.begin(STREAM)
    meter.tick(5.0)
    assert math.isnan(meter.rate(5.0))
    assert math.isnan(meter.lost_lately(5.0))
    assert math.isnan(meter.last)


def test_rate_and_no_loss() -> None:
    meter = Meter()
    meter.begin(STREAM)
    watch(meter, packets(0, 3000), 30.0)
    assert (meter.received, meter.lost) == (3000, 0)
    assert meter.rate(30.0) == pytest.approx(100.0, rel=0.02)
    assert meter.lost_lately(30.0) == 0.0


def test_losses_are_counted_and_forgotten_after_ten_seconds() -> None:
    sent = packets(0, 4000)
    came = sent[:50] + sent[60:]  # samples 500..599
    meter = Meter()
    meter.begin(STREAM)
    watch(meter, came[:90], 10.0)
    assert meter.lost == 100
    assert meter.lost_lately(10.0) == pytest.approx(0.1, abs=0.01)
    watch(meter, [p for p in came if p[0] > 10.0], 40.0)
    assert meter.lost == 100
    assert meter.lost_lately(40.0) == 0.0


def test_what_comes_late_is_not_lost() -> None:
    sent = packets(0, 1000)
    meter = Meter()
    meter.begin(STREAM)
    watch(meter, sent[:20] + sent[30:], 10.0)
    assert meter.lost == 100
    for _, payload in sent[20:30]:
        meter.take(10.5, payload)
    meter.tick(11.0)
    assert (meter.lost, meter.received) == (0, 1000)


def test_a_restart_is_no_loss() -> None:
    meter = Meter()
    meter.begin(STREAM)
    watch(meter, packets(0, 1000), 10.0)
    meter.begin(STREAM)
    for arrival, payload in packets(0, 300):
        meter.take(12.0 + arrival, payload)
    meter.tick(15.0)
    assert (meter.received, meter.lost) == (1300, 0)


def test_the_gap_of_a_lost_link_is_a_loss() -> None:
    meter = Meter()
    meter.begin(STREAM)
    watch(meter, packets(0, 1000), 10.0)
    meter.begin(STREAM)
    for arrival, payload in packets(1400, 1600):
        meter.take(arrival, payload)
    meter.tick(16.0)
    assert meter.lost == 400


def test_a_sensor_that_does_not_count_has_a_rate_only() -> None:
    meter = Meter()
    meter.begin(Stream(protocol="witmotion", config={}))
    frames = witmotion.encode(np.tile([0.0, 0.0, 9.8], (1000, 1)), np.zeros((1000, 3)))
    watch(meter, [(k / 100.0, frame) for k, frame in enumerate(frames)], 10.0)
    assert meter.rate(10.0) == pytest.approx(100.0, rel=0.02)
    assert math.isnan(meter.lost_lately(10.0))
    assert meter.lost == 0


@pytest.mark.parametrize(("counter", "start"), [("u8", 200), ("u16", 65_000), ("u32", 2**32 - 700)])
@pytest.mark.parametrize("lose", [(), range(1000, 1100), range(1, 3000, 2)])
def test_a_counter_that_wraps_is_no_loss(counter: str, start: int, lose: Sequence[int]) -> None:
    """3000 samples at 100 Hz, of which some are lost; the counter begins again at zero once or more."""
    config = {"header": [f"counter {counter}"], "sample": ["acc i16"], "samples": 1, "nominal_rate_hz": 100.0}
    counts = (start + np.arange(3000)) % 2 ** int(counter[1:])
    zeros = {f"acc_{axis}": np.zeros(3000) for axis in "xyz"}
    sent = declared.encode({"counter": counts, **zeros}, config)
    gone = set(lose)
    meter = Meter()
    meter.begin(Stream(protocol="declared", config=config))
    watch(meter, [(k / 100.0, p) for k, p in enumerate(sent) if k not in gone], 30.0)
    assert (meter.received, meter.lost) == (3000 - len(gone), len(gone) - (2999 in gone))


@pytest.mark.parametrize("has_header", [False, True])
def test_lines_of_text_that_are_cut_are_counted_whole(has_header: bool) -> None:
    columns = ["counter", "acc_x", "acc_y", "acc_z", "gyr_x", "gyr_y", "gyr_z"]
    text = "".join(f"{k},0.1,0.2,9.8,1.5,2.5,3.5\n" for k in range(1000)).encode()
    if has_header:
        text = ",".join(columns).encode() + b"\n" + text
    pieces = [text[k : k + 20] for k in range(0, len(text), 20)]
    meter = Meter()
    config = {"header": True} if has_header else {"columns": columns}
    meter.begin(Stream(protocol="csv_lines", config=config))
    watch(meter, [(10.0 * k / len(pieces), piece) for k, piece in enumerate(pieces)], 10.0)
    assert meter.lost == 0
    assert meter.received == pytest.approx(1000, abs=2)


def test_rubbish_counts_for_nothing() -> None:
    meter = Meter()
    meter.begin(STREAM)
    for payload in (b"", b"\x10", bytes(40), b"\xff" * 20):
        meter.take(0.5, payload)
    meter.tick(1.0)
    assert (meter.received, meter.lost) == (0, 0)
