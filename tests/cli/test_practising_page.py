"""`practice ... --live` and `--speed`: what is refused before anything is recorded, and what it comes to."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Any

import pytest

from ankle_imu.cli import practising_run as runs
from ankle_imu.cli.practising_live import run_live
from ankle_imu.cli.practising_page import summed_up
from ankle_imu.cli.practising_sensors import simulated_sensors
from ankle_imu.mobility import SESSION_KIND
from ankle_imu.practice.routine import make_step
from ankle_imu.session_io import open_session
from ankle_imu.values import SessionInfo


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--live", "--simulate", "both", "--fast"), "leave out --fast"),
        (("--live", "--over", "last"), "leave out --fast and --over"),
        (("--speed", "4"), "--speed goes with --simulate"),
        (("--speed", "4", "--simulate", "both", "--fast"), "without --fast"),
        (("--speed", "0", "--simulate", "both"), "must be 0.1 to 15"),
        (("--speed", "1e9", "--simulate", "both"), "must be 0.1 to 15"),
        (("--speed", "nan", "--simulate", "both"), "must be 0.1 to 15"),
        (("--live", "--port", "70000", "--simulate", "both"), "--port must be 0 to 65535"),
        (("--live", "--host", " ", "--simulate", "both"), "--host is empty"),
    ],
)
@pytest.mark.parametrize("exercise", ["guided", "rom", "balance"])
def test_what_does_not_go_together_is_refused(
    ankle_imu: Any, exercise: str, words: tuple[str, ...], told: str
) -> None:
    ankle_imu("practice", exercise, *words).refuses(2, told)


def test_a_page_that_cannot_be_served_ends_before_anything_is_recorded(ankle_imu: Any, tmp_path: Path) -> None:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        done = ankle_imu("practice", "balance", "--simulate", "foot", "--live", "--port", port)
    done.refuses(2, "cannot be served")
    assert list((tmp_path / "library").rglob("*.mcap")) == []


def test_without_the_extra_it_says_how_to_get_it(ankle_imu: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ankle_imu.live.install.PACKAGES", ("no_such_package",))
    ankle_imu("practice", "guided", "--simulate", "both", "--live").refuses(2, "pip install 'ankle-imu[live]'")


def test_a_simulated_person_at_another_pace_is_recorded_as_long_and_measured(tmp_path: Path) -> None:
    from ankle_imu.analysis.practice import analyze_practice

    steps = (
        make_step(exercise="neutral", prepare_s=4.0),
        make_step(exercise="swing", prepare_s=4.0),
        make_step(exercise="rom", action="dorsiflexion", prepare_s=4.0),
    )
    info = SessionInfo(kind=SESSION_KIND, alias="P-test")
    asked = runs.Asked(steps=steps, pain_stop=5, root=tmp_path, info=info, speed=6.0)
    captured, coach, beside = run_live(asked, simulated_sensors(asked, ("foot", "shank")))
    assert beside is None
    assert coach.is_over
    assert captured.folder is not None
    recording = open_session(captured.folder)
    assert recording.duration == pytest.approx(runs.LEAD_S + sum(s.length_s for s in steps), abs=3.0)
    blocks = analyze_practice(recording).blocks
    assert (blocks["end_s"] - blocks["start_s"]).tolist() == pytest.approx([s.active_s for s in steps], abs=0.05)
    assert len(analyze_practice(recording).ranges) == 1


def test_the_last_range_without_load_is_the_one_beside_which_the_page_shows(
    ankle_imu: Any, tmp_path: Path
) -> None:
    from ankle_imu.live.practice import earlier_ranges

    fast = ("--simulate", "both", "--fast", "--person", "P-test", "--action", "dorsiflexion")
    told = []
    for more in ((), ("--seed", "2"), ("--seed", "3", "--load", "band"), ("--seed", "4", "--knee", "straight")):
        told.append(ankle_imu("practice", "rom", "--no-lunge", *fast, *more, "--json").json["ranges"][0])
        time.sleep(1.0)  # sessions are told apart in time by the second
    library = tmp_path / "library"
    found = {knee: earlier_ranges(library, "P-test", knee) for knee in ("", "straight", "bent")}
    key = ("left", "dorsiflexion", "joint")
    assert found[""] == {key: pytest.approx((told[1]["active_deg"], told[1]["assisted_deg"]))}
    assert found["straight"] == {key: pytest.approx((told[3]["active_deg"], told[3]["assisted_deg"]))}
    assert found["bent"] == {}


def test_a_page_is_told_what_it_came_to_and_closed_also_when_it_goes_wrong() -> None:
    class Page:
        def __init__(self) -> None:
            self.said: list[Any] = []

        def sum_up(self, lines: list[str]) -> None:
            self.said.append(list(lines))

        async def close(self, saved: str) -> None:
            await asyncio.sleep(0)
            self.said.append(saved)

    page: Any = Page()
    with summed_up(page, "a session") as lines:
        lines.append("2 holds.")
    assert page.said == [["2 holds."], "a session"]
    page = Page()
    with pytest.raises(ZeroDivisionError), summed_up(page, "a session"):
        1 / 0  # noqa: B018
    assert page.said == [[], "a session"]
    with summed_up(None, "") as lines:
        lines.append("nobody looks")
