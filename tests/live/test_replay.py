"""A replay tells how the sensors stand as often as the walk goes on, however fast it is shown."""

from __future__ import annotations

import asyncio
import time
from itertools import pairwise
from types import SimpleNamespace
from typing import Any

import pytest

import ankle_imu as ai
from ankle_imu.live import replay


@pytest.mark.parametrize("speed", [4.0, 40.0])
def test_a_computer_that_was_held_up_skips_no_look_at_the_sensors(walk: ai.Recording, speed: float) -> None:
    """What took a second to import cost a fast replay many seconds of the walk in which nobody looked."""
    looks: list[dict[str, Any]] = []
    stall = [1.0]

    def take(*piece: Any) -> None:
        if stall:
            time.sleep(stall.pop())

    host: Any = SimpleNamespace(
        state=looks.append,
        turn=SimpleNamespace(do=lambda work: work()),
        walk=SimpleNamespace(take_samples=take),
    )
    served: Any = SimpleNamespace(publish=lambda message: None)
    asyncio.run(replay._play(walk, host, served, speed))
    at = [look["elapsed_s"] for look in looks]
    longest = max(later - earlier for earlier, later in pairwise(at))
    assert longest <= replay.STATE_S + replay.PIECE_S * speed + 0.05
    assert [sensor["rate"] for sensor in looks[0]["sensors"]] == [None, None]
