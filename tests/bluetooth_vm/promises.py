"""What the recorder promises, whatever the radio does. `test_recording.py` asks it over bleak on bumble, with the
same tests `guest/test_recording.py` over BlueZ; each brings a fixture `recorded` that carries a recording out."""

from __future__ import annotations

from typing import Protocol

import numpy as np
import pytest
from bluetooth_vm.recorded import PLACEMENTS, Recorded, check_named, check_order, check_whole, sensor_of

RATE = 208.0
HARMLESS = ("duplicate:2", "delay:1", "reorder:2", "stall:1")
HARMFUL = ("bye", "drop", "gone:3", "mute:2", "mute:8", "stall:4", "lose:2")
NO_MEMORY = {"ring_samples": 40, "flash_bytes": 0}
"""Of a sensor that can replay two tenths of a second."""


class Record(Protocol):
    """Make a recording of as many sensors as there are schedules; options of `recorded.record`."""

    def __call__(self, *schedules: list[str], **options: float | str) -> Recorded: ...


@pytest.mark.parametrize(("sensors", "rate"), [(1, RATE), (2, RATE), (4, RATE), (1, 416.0)])
def test_a_minute_is_recorded_byte_for_byte(sensors: int, rate: float, recorded: Record) -> None:
    got = recorded(*[[] for _ in range(sensors)], rate_hz=rate)
    check_order(got)
    check_whole(got)
    assert all(made > 59 * rate for made in got.made.values())


def test_smallest_mtu_carries_everything(recorded: Record) -> None:
    """One sample of 12 bytes in a notification of 20: 208 notifications a second."""
    got = recorded([], mtu=23, duration_s=20)
    check_order(got)
    check_whole(got)


@pytest.mark.parametrize("model", ["witmotion", "movesense"])
def test_other_families_are_recorded_byte_for_byte(model: str, recorded: Record) -> None:
    """From the end of the configuration on; these say answers and samples on one characteristic."""
    got = recorded([], [], model=model, duration_s=20)
    for n, on_air in enumerate(got.on_air):
        said, kept = [payload for *_, payload in on_air.arrived], got.payloads(PLACEMENTS[n])
        begin = max(i for i, payload in enumerate(said) if payload == kept[0])
        assert said[begin : begin + len(kept)] == kept
        assert len(said) - begin - len(kept) <= 2  # the answer to the end, and what came before it
        assert got.loss(n).lost == 0
        assert got.loss(n).received > 19 * 190


@pytest.mark.parametrize("model", ["witmotion", "movesense"])
def test_gap_of_other_families_is_named(model: str, recorded: Record) -> None:
    got = recorded(["8:gone:3"], [], model=model, duration_s=20)
    (gap,) = got.loss(0).gaps
    assert (gap.reason, gap.samples) == ("link lost", got.loss(0).lost)
    assert 3.0 <= gap.end_s - gap.start_s <= 4.5
    assert gap.samples == pytest.approx((gap.end_s - gap.start_s) * got.loss(0).true_rate_hz, abs=2)
    assert got.loss(1).lost == 0


@pytest.mark.parametrize("what", HARMLESS)
def test_disorder_costs_nothing(what: str, recorded: Record) -> None:
    got = recorded([f"5:{what}"], duration_s=15)
    check_whole(got)
    assert (got.links(), got.on_air[0].courier.lost) == (1, [])


@pytest.mark.parametrize("what", HARMFUL)
def test_what_is_lost_is_healed(what: str, recorded: Record) -> None:
    got = recorded([f"5:{what}"], [], duration_s=25)
    check_whole(got)
    assert got.links() == (1 if what in ("mute:2", "lose:2") else 2)
    assert got.loss(1).healed == 0
    if what not in ("bye", "drop"):  # after these the sensor goes on where it was
        assert got.loss(0).healed > 100


@pytest.mark.parametrize("what", HARMFUL)
def test_what_is_lost_for_good_is_named(what: str, recorded: Record) -> None:
    got = recorded([f"5:{what}"], [], duration_s=25, **NO_MEMORY)
    check_named(got)
    assert [got.loss(n).lost > 0 for n in (0, 1)] == [True, False]
    reason = (
        "packets lost" if what in ("mute:2", "lose:2") else "sensor silent" if what == "mute:8" else "link lost"
    )
    assert {gap.reason for gap in got.loss(0).gaps} == {reason}


def test_restart_of_a_sensor_is_named(recorded: Record) -> None:
    got = recorded(["5:reboot:4"], duration_s=25)
    first, second = sensor_of(got.on_air[0]).boots
    (gap,) = got.loss(0).gaps
    assert (gap.reason, got.loss(0).reasons["sensor restarts"]) == ("sensor restarted", 1)
    offset = first.runs[0].begun - got.series(0).time[0]
    begun = second.runs[0].begun - offset
    assert gap.end_s == pytest.approx(begun, abs=0.01)
    assert gap.samples == round((gap.end_s - gap.start_s) * RATE) - 1
    end = got.on_air[0].log[[what for _, what in got.on_air[0].log].index("reboot")][0] - offset
    assert end - 0.3 < gap.start_s <= end


def test_twenty_link_losses(recorded: Record) -> None:
    """Further apart than the longest pause between two tries."""
    got = recorded([f"{3 + 12 * n}:drop" for n in range(20)], [], duration_s=250)
    check_whole(got)
    assert (got.links(0), got.links(1)) == (21, 1)


def test_empty_sensor_ends_the_recording(recorded: Record) -> None:
    got = recorded(["5:battery:0.01"], duration_s=200)
    assert got.captured.reason == "battery"
    assert got.captured.duration_s < 100
    check_whole(got)


def test_two_clocks_become_one(recorded: Record, full: bool) -> None:
    """+-60 ppm, 15 ms connection interval: 7 ms apart after a minute, 72 ms after ten, if nothing were done."""
    got = recorded([], [], ppm=(60.0, -60.0), interval=0.015, duration_s=600 if full else 60)
    check_whole(got)
    errors = []
    for n in (0, 1):
        world = sensor_of(got.on_air[n]).sampler.world(np.arange(len(got.series(n).time)))
        errors.append(got.series(n).time - world)
    relative = errors[0][: len(errors[1])] - errors[1][: len(errors[0])]
    assert np.abs(relative).max() <= 2e-3
    assert np.abs(relative).max() <= got.loss(0).clock_residual_s + got.loss(1).clock_residual_s
