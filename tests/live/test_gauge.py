"""One leg's numbers, by hand: a stance that rises by a known angle, a band, a roll, a cue."""

from __future__ import annotations

import numpy as np
import pytest

from ankle_imu.live.gauge import CUE_REST_S, FEWEST_STEPS, LegGauge
from ankle_imu.settings import Settings
from ankle_imu.streaming import LiveBlock, Roll

RATE = 100.0


def block(
    start: float, angle: list[float], stance: bool, roll: Roll = Roll.NONE, source: str = "joint"
) -> LiveBlock:
    n = len(angle)
    name = "inversion" if source == "joint" else "foot_tilt"
    return LiveBlock(
        leg="left",
        source=source,
        time=start + np.arange(n) / RATE,
        angles={name: np.array(angle, dtype=float)},
        rate=np.full(n, 50.0),
        is_stance=np.full(n, stance),
        roll=np.full(n, int(roll), dtype=np.int8),
    )


def step(gauge: LegGauge, start: float, angle: list[float], roll: Roll = Roll.NONE) -> list[tuple[object, bool]]:
    """A stance of these angles and a swing of 0.4 s."""
    out = []
    for one in (block(start, angle, True, roll), block(start + len(angle) / RATE, [0.0] * 40, False)):
        assert gauge.shows(one)
        out.append(gauge.take(one, 1))
    return out


def ramp(height: float, n: int = 60) -> list[float]:
    return np.linspace(-height / 2, height / 2, n).tolist()


def test_the_range_is_that_of_the_first_85_percent_of_stance() -> None:
    gauge = LegGauge(leg="left", settings=Settings())
    angle = [0.0, *[4.0] * 50, *[20.0] * 9]  # the rise lies in push-off, the last 15 %
    step(gauge, 0.0, angle)
    assert gauge.steps == 1
    assert gauge.range_deg == pytest.approx(4.0)


def test_band_and_usual_come_after_ten_steps() -> None:
    gauge = LegGauge(leg="left", settings=Settings())
    for n in range(FEWEST_STEPS):
        assert gauge.band() is None
        assert np.isnan(gauge.usual())
        step(gauge, float(n), ramp(10.0, 100 // 2))
    low, high = gauge.band() or (np.nan, np.nan)
    rise = 10.0 * 41 / 49  # 42 of 50 samples count
    assert gauge.usual() == pytest.approx(rise)
    assert low == pytest.approx(-5.0 + 0.05 * rise, abs=0.6)
    assert high == pytest.approx(-5.0 + 0.95 * rise, abs=0.6)


def test_another_source_begins_anew() -> None:
    gauge = LegGauge(leg="left", settings=Settings())
    foot = block(0.0, ramp(6.0), True, source="foot")
    assert gauge.shows(foot)
    gauge.take(foot, 1)
    swing = block(1.0, [0.0] * 10, False, source="foot")
    gauge.take(swing, 1)
    assert (gauge.source, gauge.steps) == ("foot", 1)
    unknown = block(2.0, [float("nan")] * 5, True)
    assert not gauge.shows(unknown)
    assert gauge.shows(block(3.0, [1.0] * 5, True))
    assert (gauge.source, gauge.steps) == ("joint", 0)
    assert not gauge.shows(foot)


def test_a_roll_is_told_when_it_ends() -> None:
    gauge = LegGauge(leg="left", settings=Settings())
    step(gauge, 0.0, ramp(5.0))
    (during, _), (after, _) = step(gauge, 1.0, ramp(50.0), Roll.HARD)
    assert during is None
    assert after is not None
    assert after.told() == {
        "number": 1, "leg": "left", "source": "joint", "time_s": 1.0, "peak_deg": 25.0, "peak_dps": 50,
        "kind": "hard_roll", "verdict": "none",
    }  # fmt: skip


@pytest.mark.parametrize(("height", "roll", "cued"), [(15.0, 0, False), (30.0, 0, True), (15.0, 1, True)])
def test_the_cue_comes_past_the_own_limit_of_degrees_or_of_rate(height: float, roll: int, cued: bool) -> None:
    gauge = LegGauge(leg="left", settings=Settings(roll_deg=20.0))
    step(gauge, 0.0, ramp(5.0))
    assert step(gauge, 2.0, ramp(height), Roll(roll))[0][1] is cued
    lower = LegGauge(leg="left", settings=Settings(roll_deg=15.0))
    step(lower, 0.0, ramp(5.0))
    assert step(lower, 2.0, ramp(18.0))[0][1] is (18.0 * 50 / 59 >= 15.0)


def test_a_cue_rests() -> None:
    gauge = LegGauge(leg="left", settings=Settings())
    step(gauge, 0.0, ramp(5.0))
    cues = [step(gauge, 2.0 + 0.8 * n, ramp(30.0, 30))[0][1] for n in range(5)]
    assert 0 < sum(cues) <= 1 + 5 * 0.8 / CUE_REST_S


def test_samples_that_are_not_known_make_no_step() -> None:
    gauge = LegGauge(leg="left", settings=Settings())
    step(gauge, 0.0, [1.0] * 20 + [float("nan")] + [1.0] * 20)
    assert gauge.steps == 0
