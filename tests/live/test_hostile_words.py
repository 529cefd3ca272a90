"""Words of an attacker, from the live page and from a sensor, all the way to the report and the terminal."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import threading
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass, replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

import ankle_imu as ai
from ankle_imu.recording import read_session_info, write_session_info

client = pytest.importorskip("websockets.sync.client", reason="the extra `live` is not installed")
from websockets.exceptions import ConnectionClosed  # noqa: E402

PLAN = 'duration_s = 40\nsampling_rate = 52\nplacements = ["left_foot"]\nerrors = "typical"\n'
SCRIPT = "<script>window.hk7=1;alert('hk7')</script>"
IMAGE = '"><img src=hk7 onerror="window.hk7=1;alert(\'hk7\')">'
TURNED = "hk7 \u202edesrever\u2066 \u200f"
PAINTED = "hk7 \x1b]0;owned\x07\x1b[31mred\x1b[2J\x9b31m\r\nnext"
KEPT = ["surface scree", SCRIPT, IMAGE, "hk7 desrever", "hk7 ]0;owned [31mred [2J 31m next"]
"""Markers as the recording has them: what is no printable letter is gone at the door."""


@dataclass(frozen=True)
class Attacked:
    """A recorded session, and everything that commands said."""

    folder: Path
    page: Path
    said: dict[str, str]


def run(env: dict[str, str], *words: str) -> str:
    command = [sys.executable, "-m", "ankle_imu.cli", *words]
    done = subprocess.run(command, env=env, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


def attack(url: str) -> None:
    """Say all of it through the page's own socket, and stop the recording."""

    def open_socket() -> Any:
        return client.connect(f"{url.replace('http', 'ws')}/socket", origin=url, proxy=None)

    def hear(page: Any, *kinds: str) -> dict[str, Any]:
        while (message := json.loads(page.recv(timeout=30)))["k"] not in kinds:
            pass
        return message

    with open_socket() as page:
        hear(page, "a")
        marks = [("surface", "scree"), *(("note", text) for text in (SCRIPT, IMAGE, TURNED, PAINTED))]
        for n, (kind, value) in enumerate(marks):
            page.send(json.dumps({"c": "mark", "id": f"good{n}", "kind": kind, "value": value}))
            assert hear(page, "ok", "no") == {"k": "ok", "id": f"good{n}", "why": ""}
        for n, change in enumerate(
            (
                {"kind": "surface", "value": SCRIPT},
                {"kind": SCRIPT},
                {"id": IMAGE},
                {"c": "sensor", "name": SCRIPT},
            )
        ):
            page.send(json.dumps({"c": "mark", "id": f"bad{n}", "kind": "stumble", **change}))
        page.send(json.dumps({"c": "setup", "id": "last", "do": "skip"}))
        assert hear(page, "ok", "no")["id"] == "last", "what is no word is not answered"
    with open_socket() as page:
        page.send(json.dumps({"c": "mark", "id": "long", "kind": "note", "value": "hk7" * 65536}))
        with pytest.raises(ConnectionClosed):
            hear(page, "ok")
    with open_socket() as page:
        while hear(page, "state")["elapsed_s"] < 30.0:
            pass
        page.send(json.dumps({"c": "stop", "id": "stop"}))
        hear(page, "end")


@pytest.fixture(scope="module")
def attacked(tmp_path_factory: pytest.TempPathFactory) -> Attacked:
    """A walk recorded with `--simulate --live` under attack, then listed, analyzed and reported."""
    root = tmp_path_factory.mktemp("attacked")
    plan = root / "short.toml"
    plan.write_text(PLAN)
    at = {"ANKLE_IMU_LIBRARY": str(root / "library"), "ANKLE_IMU_CONFIG": str(root / "config")}
    env = {**os.environ, **at, "PYTHONPATH": str(Path(ai.__file__).parents[1])}
    words = ["record", "--simulate", str(plan), "--live", "--port", "0", "--person", "P-abcd"]
    command = [sys.executable, "-m", "ankle_imu.cli", *words]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=env) as running:
        assert running.stderr is not None
        assert running.stdout is not None
        heard: list[str] = []
        for line in running.stderr:
            heard.append(line)
            if found := re.search(r"Live page: (http://127\.0\.0\.1:\d+)/", line):
                break
        reading = threading.Thread(target=lambda: heard.extend(running.stderr))  # type: ignore[arg-type]
        reading.start()
        try:
            attack(found[1])  # type: ignore[index]
        except BaseException:
            running.kill()
            raise
        heard.append(running.stdout.read())
        assert running.wait(30) == 130
        reading.join()
    folder = next((root / "library").glob("people/*/*/*/session.toml")).parent

    info = read_session_info(folder)  # what a sensor says of itself, and what is written in by hand
    all_of_it = SCRIPT + IMAGE + TURNED + PAINTED
    sensors = {p: replace(one, serial=all_of_it, firmware=all_of_it) for p, one in info.sensors.items()}
    typed = {"surface": all_of_it, "footwear": all_of_it, "note": all_of_it, "tags": (SCRIPT, TURNED, PAINTED)}
    write_session_info(folder, replace(info, sensors=sensors, **typed))  # type: ignore[arg-type]

    said = {"record": "".join(heard)}
    page = root / "report.html"
    for asked in (
        "analyze last", "analyze last --again", f"report last --out {page}", "check last", "events list last",
        "events list last --json", "library list", "library show last", "library show last --json",
        "library tag last",
    ):  # fmt: skip
        said[asked] = run(env, *asked.split())
    return Attacked(folder, page, said)


def test_only_words_reach_the_recording(attacked: Attacked) -> None:
    assert [m.text for m in ai.open_session(attacked.folder).markers] == KEPT


def test_the_terminal_is_told_words_alone(attacked: Attacked) -> None:
    assert "hk7" in attacked.said["library show last"], "so that the test can fail"
    for asked, text in attacked.said.items():
        found = {hex(ord(c)) for c in text if c != "\n" and unicodedata.category(c) in ("Cc", "Cf")}
        assert found == set(), asked


class Census(HTMLParser):
    """Where on a page a word stands: in text, in values, or where a browser would obey it."""

    def __init__(self) -> None:
        super().__init__()
        self.text, self.obeyed, self.values = "", [], []
        self._is_script = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._is_script = tag in ("script", "style")
        for name, value in attrs:
            if "hk7" in tag + name or name.startswith("on"):
                self.obeyed.append((tag, name, value))
            elif "hk7" in (value or ""):
                self.values.append((tag, name))

    def handle_endtag(self, tag: str) -> None:
        self._is_script = False

    def handle_data(self, data: str) -> None:
        if self._is_script and "hk7" in data:
            self.obeyed.append(("script", "", data))
        elif not self._is_script:
            self.text += data

    def handle_comment(self, data: str) -> None:
        if "hk7" in data:
            self.obeyed.append(("comment", "", data))


READ_ALOUD = {"title", "alt", "aria-label", "content"}
"""Attributes that hold words for a person."""


def test_the_report_holds_them_as_text(attacked: Attacked) -> None:
    page = Census()
    page.feed(attacked.page.read_text("utf-8"))
    page.close()
    assert SCRIPT in page.text
    assert IMAGE in page.text
    assert page.obeyed == []
    assert {name for _, name in page.values} <= READ_ALOUD


@pytest.mark.parametrize("width", [360, 1280])
def test_a_browser_runs_nothing_of_it(attacked: Attacked, open_page: Callable[..., Any], width: int) -> None:
    dialogs: list[str] = []
    page = open_page(attacked.page.as_uri(), width)
    page.on("dialog", lambda one: (dialogs.append(one.message), one.dismiss()))
    page.reload()
    page.wait_for_timeout(500)
    assert page.evaluate("window.hk7") is None
    assert dialogs == []
    assert page.locator("[onerror], img[src=hk7]").count() == 0
    assert SCRIPT in page.inner_text("body")
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    if folder := os.environ.get("ANKLE_IMU_PICTURES"):
        page.screenshot(path=f"{folder}/hostile_{width}.png", full_page=True)
