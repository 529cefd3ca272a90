"""A walk as its pages hear of it, without any page."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from live_site import PAIR

import ankle_imu as ai
from ankle_imu.live.host import WalkHost
from ankle_imu.live.hub import KEPT, WAITING, Hub, Page
from ankle_imu.live.marks import SLACK_S, UNDO_S, PendingMarks
from ankle_imu.live.usual import usual_ranges
from ankle_imu.live.walk import Worn
from ankle_imu.live.words import Word
from ankle_imu.streaming import LiveAnalysis


@pytest.fixture(scope="module")
def followed(walk: ai.Recording) -> tuple[WalkHost, list[dict[str, Any]], list[tuple[Any, ...]]]:
    """The walk followed to its end, what pages heard, and what was passed on."""
    heard: list[dict[str, Any]] = []
    said: list[tuple[Any, ...]] = []
    host = WalkHost(Worn(placements=PAIR), heard.append, lambda *word: said.append(word))
    host.walk.setup.arriving(dict.fromkeys(PAIR, ""))
    for at in np.arange(0.0, 62.0, 0.2):
        parts = {p: slice(*np.searchsorted(s.time, [at, at + 0.2])) for p, s in walk.series.items()}
        piece = {p: (s.time[parts[p]], s.acc[parts[p]], s.gyr[parts[p]]) for p, s in walk.series.items()}
        host.walk.take_samples(piece, 52.0, 0.0)
    return host, heard, said


def test_the_angles_are_those_of_the_streaming_estimator(walk: ai.Recording, followed) -> None:
    twin = LiveAnalysis(sampling_rate=52.0, placements=PAIR)
    expected = {}
    for at in np.arange(0.0, 62.0, 0.2):
        for placement, series in walk.series.items():
            part = slice(*np.searchsorted(series.time, [at, at + 0.2]))
            for block in twin.push(placement, series.time[part], series.acc[part], series.gyr[part]):
                if block.source == "joint":
                    expected |= dict(
                        zip(block.time.round(3).tolist(), block.angles["inversion"].tolist(), strict=True)
                    )
    drawn = {}
    for message in followed[1]:
        if message["k"] == "a" and "left" in message["legs"]:
            leg = message["legs"]["left"]
            drawn |= {round(leg["t"] + k / 52.0, 2): v for k, v in enumerate(leg["v"])}
    late = {round(t, 2): v for t, v in expected.items() if t > 45.0}
    assert len(late) > 500
    off = [abs(drawn[t] - v) for t, v in late.items() if t in drawn and drawn[t] is not None]
    assert len(off) > 0.9 * len(late)
    assert max(off) <= 0.051, "rounded to a tenth of a degree"


def test_a_roll_is_told_with_its_figures_and_answered(followed) -> None:
    host, heard, said = followed
    rolls = [m for m in heard if m["k"] == "roll"]
    batch = [m for m in heard if m["k"] == "cue"]
    assert len(rolls) == 1
    assert batch
    assert rolls[0]["leg"] == "left"
    assert rolls[0]["peak_deg"] > 15
    assert rolls[0]["peak_dps"] >= 300
    assert host.answer(Word(kind="verdict", identity="a", text="painful", number=1)) == ""
    assert host.answer(Word(kind="verdict", identity="b", text="real", number=9)) == ""
    verdicts = [word[1] for word in said if word[0] == "verdict"]
    assert [v["verdict"] for v in verdicts] == ["painful"]
    assert verdicts[0]["time_s"] == rolls[0]["time_s"]


def test_the_end_of_the_set_up_goes_into_the_recording(followed) -> None:
    assert [word for word in followed[2] if word[0] == "setup"] == [("setup", "set-up: passed")]


def test_a_fault_of_the_page_is_said_once_and_ends_nothing(followed) -> None:
    host, heard, _ = followed
    before = len(heard)
    for _ in range(3):
        host.turn.do(lambda: host.walk.take_samples({"left_foot": ([0.0], [1.0], [2.0])}, 52.0, 0.0))  # type: ignore[dict-item]
    assert [m["k"] for m in heard[before:]] == ["trouble"]


def test_marks_can_be_taken_back_for_five_seconds_and_keep_their_time() -> None:
    kept: list[tuple[str, float]] = []
    begun = False

    def write(text: str, at_s: float) -> bool:
        if begun:
            kept.append((text, at_s))
        return begun

    marks = PendingMarks(write)
    marks.add("a", "stumble", 3.0, now=100.0)
    marks.add("b", "pain 2", 4.0, now=101.0)
    assert marks.undo("b")
    assert not marks.undo("b")
    marks.settle(100.0 + UNDO_S + SLACK_S)
    assert kept == [], "no session yet: it waits"
    begun = True
    marks.settle(100.0 + UNDO_S)
    assert kept == []
    marks.settle(100.0 + UNDO_S + SLACK_S)
    marks.add("c", "snow", 9.0, now=120.0)
    marks.settle()
    assert kept == [("stumble", 3.0), ("snow", 9.0)]
    assert not marks.undo("a")


def test_a_slow_page_gets_how_things_stand_in_place_of_what_it_missed() -> None:
    async def work() -> list[dict[str, Any]]:
        hub = Hub(lambda word: "", lambda: 0.0)
        got: list[dict[str, Any]] = []
        gate = asyncio.Event()

        async def write(text: str) -> None:
            await gate.wait()
            got.append(json.loads(text))

        page = Page(write, "10.0.0.1", lambda: 0.0)
        hub.publish({"k": "state", "n": 1})
        attending = asyncio.ensure_future(hub.attend(page, lambda: asyncio.sleep(60.0)))
        await asyncio.sleep(0)
        for n in range(10 * WAITING + 5):
            hub.publish({"k": "a", "n": n})
        hub.publish({"k": "state", "n": 2})
        gate.set()
        await asyncio.sleep(0.05)
        attending.cancel()
        return got

    got = asyncio.run(work())
    assert len(got) <= WAITING + 3
    assert got[-1] == {"k": "state", "n": 2}
    assert {"k": "a", "n": 10 * WAITING + 4} in got


def test_what_is_kept_for_later_pages_is_bounded() -> None:
    hub = Hub(lambda word: "", lambda: 0.0)
    for n in range(10 * KEPT):
        hub.publish({"k": "mark", "id": str(n), "text": "x"})
    hub.publish({"k": "unmark", "id": str(10 * KEPT - 1)})
    assert len(hub._standing) <= KEPT


def test_usual_ranges_come_from_earlier_walks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert usual_ranges(tmp_path, "P-none") == {}
    rows = [("left", "joint", "walk", 5.0 + n, 2.0) for n in range(3)] + [("left", "joint", "run", 50.0, 2.0)]
    rows += [("left", "foot", "walk", 9.0, np.nan)]
    columns = ["leg", "angle_source", "gait", "range_stance_deg_median", "range_stance_deg_iqr"]
    monkeypatch.setattr("ankle_imu.library.load_trend", lambda root, alias: pd.DataFrame(rows, columns=columns))
    assert usual_ranges(tmp_path, "P-some") == {"left": {"joint": (5.0, 6.0, 7.0)}}
