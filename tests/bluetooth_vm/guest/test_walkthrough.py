"""What a new user does, command by command, with two virtual sensors on the air while `air.py` runs the script."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from ankle_imu import open_session, recording
from ankle_imu.wire import ankle_control

AIR = Path(__file__).parents[1] / "air.py"
README = Path(__file__).parents[3] / "README.md"
COMMANDS = (
    "doctor --json",
    "scan --json",
    "sensors add AnkleIMU-0001 --as left_foot --mount-site instep --json",
    "sensors add AnkleIMU-0002 --as left_shank --mount-site mid_shank --json",
    "record --duration 90 --json",
    "check last --json",
    "analyze last --json",
    "report last --json",
)
BEGIN = 15.0  # s after the first command: just when `record` streams


@dataclass(frozen=True, kw_only=True)
class Walkthrough:
    """What each command printed, by its first word, and what `air.py` reported of each sensor."""

    told: Mapping[str, Any]
    truth: Sequence[Mapping[str, Any]]

    @property
    def session(self) -> Path:
        """Folder of the recording."""
        return Path(self.told["record"]["path"])


@pytest.fixture(scope="module")
def walked(tmp_path_factory: pytest.TempPathFactory) -> Walkthrough:
    folder = tmp_path_factory.mktemp("walkthrough")
    tool = f"{sys.executable} -P -m ankle_imu.cli"
    script = "\n".join(f"{tool} {words} >{folder}/{n}.json </dev/null" for n, words in enumerate(COMMANDS))
    sensors = ["--sensor", "ankle:left_foot", "--sensor", "ankle:left_shank", "--at", "2=25:gone:3"]
    walk = ["--plan", "uneven_walk", "--begin", str(BEGIN)]
    report = folder / "truth.json"
    done = subprocess.run(
        [sys.executable, AIR, *sensors, *walk, "--report", report, "--", "bash", "-euc", script],
        env={
            **os.environ,
            "ANKLE_IMU_LIBRARY": str(folder / "library"),
            "ANKLE_IMU_CONFIG": str(folder / "config"),
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert done.returncode == 0, done.stdout
    told = {words.split()[0]: json.loads((folder / f"{n}.json").read_text()) for n, words in enumerate(COMMANDS)}
    return Walkthrough(told=told, truth=json.loads(report.read_text()))


def test_these_are_the_commands_of_the_readme() -> None:
    shown = re.findall(r"^\$ ankle-imu (.+)$", README.read_text("utf-8"), re.MULTILINE)
    assert shown == [words.removesuffix(" --json") for words in COMMANDS]


def test_sensors_are_found_and_saved(walked: Walkthrough) -> None:
    assert {f["what"]: f["verdict"] for f in walked.told["doctor"]["findings"]}["bluetooth"] == "ok"
    assert {s["identifier"] for s in walked.told["scan"]["sensors"]} == {t["address"] for t in walked.truth}
    saved = walked.told["sensors"]
    assert (saved["placement"], saved["model"], saved["identifier"]) == (
        "left_shank",
        "ankle",
        "C0:00:00:00:00:02",
    )


def test_recording_holds_what_the_air_handed_over(walked: Walkthrough) -> None:
    log = recording.read_log(recording.part_paths(walked.session))
    for truth in walked.truth:
        payloads = [p.hex() for s in log.streams if s.placement == truth["placement"] for _, p in s.packets]
        assert payloads == [payload for _, uuid, payload in truth["arrived"] if uuid == ankle_control.DATA]


def test_nothing_that_the_sensors_made_is_missing(walked: Walkthrough) -> None:
    loss = open_session(walked.session).loss
    for truth in walked.truth:
        (boot,) = truth["truth"]["boots"]
        counted = loss[truth["placement"]]
        assert (counted.received, counted.lost) == (boot["runs"][-1]["stop"], 0)
        assert walked.told["record"]["sensors"][truth["placement"]]["received"] == counted.received
    assert [what for _, what in walked.truth[1]["log"] if what != "subscribed"][-4:] == [
        "gone",
        "lost: link lost",
        "connected",
        "lost: closed by the host",
    ]
    assert loss["left_shank"].healed > 500


def test_both_sensors_are_on_one_time(walked: Walkthrough) -> None:
    """To the sample: both stamps are read off the same steady clock as the truth."""
    series = open_session(walked.session).series
    begun = [truth["truth"]["boots"][0]["runs"][0]["begun"] for truth in walked.truth]
    first = [series[truth["placement"]].time[0] for truth in walked.truth]
    assert first[1] - first[0] == pytest.approx(begun[1] - begun[0], abs=2e-3)


def test_the_walk_is_understood(walked: Walkthrough) -> None:
    (leg,) = walked.told["analyze"]["sessions"][0]["legs"]
    assert (leg["leg"], leg["gait"], leg["angle_source"], leg["alignment"]) == ("left", "walk", "joint", "good")
    assert leg["n_accepted"] > 25
    for command in ("check", "report"):
        assert all(Path(file).stat().st_size > 1000 for file in walked.told[command]["files"])
