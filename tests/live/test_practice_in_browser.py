"""A routine on phone and desktop at once, led by `practice guided --simulate --live` at several times its pace."""

from __future__ import annotations

import json
import os
import queue
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from live_page import PATIENCE_MS, fits, is_clear_to_all, word
from live_site import Line
from test_wording import banned

import ankle_imu as ai
from ankle_imu.session_io import open_session

PLAN = """
name = "Short"
[[block]]
exercise = "neutral"
prepare_s = 40
[[block]]
exercise = "swing"
prepare_s = 4
[[block]]
exercise = "rom"
action = "dorsiflexion"
prepare_s = 6
[[block]]
exercise = "rom"
action = "dorsiflexion"
mode = "assisted"
prepare_s = 6
[[block]]
exercise = "hold"
action = "dorsiflexion"
hold_s = 6
prepare_s = 6
[[block]]
exercise = "balance"
say = "<img src=x onerror='window.hacked=1'>Stand on one leg."
seconds = 24
prepare_s = 12
"""

VOICE = """
window.spoken = [];
window.SpeechSynthesisUtterance = class { constructor(text) { this.text = text; } };
const voices = [{ lang: "en-GB", name: "far", localService: false }, { lang: "en-US", name: "near", localService: true }];
const speech = { getVoices: () => voices, cancel: () => {}, speak: (u) => window.spoken.push([u.voice.name, u.text]) };
Object.defineProperty(window, "speechSynthesis", { value: speech, configurable: true });
"""  # noqa: E501


class Led:
    """`practice guided` as a person starts it, its words line by line."""

    def __init__(self, root: Path, plan: str, *more: str) -> None:
        path = root / "plan.toml"
        path.write_text(plan)
        command = [sys.executable, "-m", "ankle_imu.cli", "practice", "guided", "--plan", str(path), "--live"]
        command += ["--port", "0", "--simulate", "both", "--person", "P-test", "--json", *more]
        above = str(Path(ai.__file__).parents[1])
        env = {**os.environ, "ANKLE_IMU_LIBRARY": str(root / "library"), "PYTHONPATH": above}
        self._process = subprocess.Popen(
            command, env=env, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL
        )
        self.lines: list[str] = []
        self._came: queue.Queue[str] = queue.Queue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        self.url = self.wait_for(r"Live page: (http://\S+)")

    @property
    def pid(self) -> int:
        return self._process.pid

    def _read(self) -> None:
        assert self._process.stderr is not None
        for line in self._process.stderr:
            self.lines.append(line.rstrip())
            self._came.put(line)

    def wait_for(self, pattern: str) -> str:
        """The first group of the next line that fits."""
        while True:
            found = re.search(pattern, self._came.get(timeout=90.0))
            if found:
                return found[1]

    def finish(self) -> dict[str, Any]:
        """What it printed at its end."""
        out, _ = self._process.communicate(timeout=90.0)
        assert self._process.returncode == 0, self.lines
        told = json.loads(out)
        assert isinstance(told, dict)
        return told

    def close(self) -> None:
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()
        self._reader.join(5.0)
        for stream in (self._process.stdout, self._process.stderr):
            if stream is not None:
                stream.close()


@pytest.fixture
def lead(tmp_path: Path) -> Iterator[Callable[..., Led]]:
    pytest.importorskip("starlette", reason="the extra `live` is not installed")
    begun: list[Led] = []

    def start(plan: str, *more: str) -> Led:
        begun.append(Led(tmp_path, plan, *more))
        return begun[-1]

    yield start
    for one in begun:
        one.close()


def until(page: Any, of_scene: str) -> None:
    """Wait until the scene on the page is such a one."""
    page.wait_for_function(
        f"() => {{ const s = window.ankleImuPractice?.view.scene; return Boolean(s && ({of_scene})); }}",
        timeout=3 * PATIENCE_MS,
    )


def scene(page: Any) -> dict[str, Any]:
    found = page.evaluate("ankleImuPractice.view.scene")
    assert isinstance(found, dict)
    return found


def texts(page: Any) -> str:
    return str(page.inner_text("body"))


def test_a_whole_routine_with_pause_skip_again_and_a_second_phone(
    lead: Callable[..., Led], open_page: Callable[..., Any], axe: str
) -> None:
    led = lead(PLAN, "--speed", "4")
    phone, desktop = open_page(led.url), open_page(led.url, 1280, 800)
    seen: list[str] = []
    until(phone, "s.n > 0 && s.step === 1")
    word(phone, "PRACTICE")
    assert phone.inner_text("#where") == "1 of 6"
    assert "Left neutral pose" in phone.inner_text("#title")
    assert "Next: Left swings of the lower leg" in phone.inner_text("#next")
    seen.append(texts(phone))

    phone.click("#pause")
    for page in (phone, desktop):
        until(page, "s.paused")
        word(page, "PAUSED")
        assert page.inner_text("#pause") == "Go on"
        fits(page)
        is_clear_to_all(page, axe)
    phone.reload()
    until(phone, "s.paused")
    assert scene(phone)["left"] == scene(desktop)["left"], "what waits is the same on both, also after a reload"
    desktop.click("#pause")
    until(phone, "!s.paused")
    assert led.wait_for(r"(On we go)"), "the terminal is led alike"

    until(phone, "s.step === 3 && s.phase === 'hold'")
    phone.wait_for_function(
        "() => !document.getElementById('scale').hidden && parseFloat(document.getElementById('gauge-value').textContent) > 5",  # noqa: E501
        timeout=PATIENCE_MS,
    )
    assert "Dorsiflexion: foot against shank" in phone.inner_text("#gauge-name")
    assert "1 of 3" in phone.inner_text("#reps")
    seen.append(texts(phone))
    phone.wait_for_selector("#cue-list li", timeout=PATIENCE_MS)
    assert "Heel down" in phone.inner_text("#cue-list")
    assert phone.locator("#cue-list li:visible").count() == 3
    until(phone, "s.step === 4")
    assert led.wait_for(r"(with help\.)")
    phone.click("#skip")
    for page in (phone, desktop):
        until(page, "s.step === 5")
        assert scene(page)["skipped"] == ["Left dorsiflexion, with help"]
        page.wait_for_function(
            "() => document.getElementById('gauge-words').textContent.includes('a hold counts')"
        )
    phone.click("#pause")
    until(desktop, "s.paused")
    for page in (phone, desktop):
        page.emulate_media(color_scheme="dark")
        is_clear_to_all(page, axe)
        fits(page)
    desktop.click("#pain button >> nth=2")
    until(phone, "s.pains.length === 1")
    assert phone.get_attribute("#pain button >> nth=2", "class") == "told"
    phone.fill("#note-text", "<b>cramp</b>")
    phone.click("#note button")
    phone.click("#pause")

    until(phone, "s.step === 6 && s.phase === 'hold'")
    desktop.click("#again")
    until(phone, "s.step === 6 && s.phase === 'place'")
    for page in (phone, desktop):
        page.wait_for_function("() => ankleImuPractice.view.ended", timeout=2 * PATIENCE_MS)
        word(page, "SAVED")
        lines = page.inner_text("#summary-lines")
        assert "Skipped: Left dorsiflexion, with help." in lines
        assert "dorsiflexion" in lines.splitlines()[1]
        assert page.locator("#summary a").count() == 0
        assert page.evaluate("window.hacked") is None
        assert page.locator("#stop").is_hidden()
        is_clear_to_all(page, axe)
        fits(page)
        seen.append(texts(page))
    assert [banned(text) for text in seen] == [[]] * len(seen)
    told = led.finish()
    assert told["skipped"] == ["Left dorsiflexion, with help"]
    assert told["pain"] == [2]
    assert [b["exercise"] for b in told["blocks"]] == ["neutral", "swing", "rom", "hold", "balance", "balance"]
    assert {r["action"] for r in told["ranges"]} == {"dorsiflexion"}
    recording = open_session(told["path"])
    assert "<b>cramp</b>" in [m.text for m in recording.markers]
    assert all(one["lost"] == 0 for one in _sensors(told)), "the page disturbs no recording"


def _sensors(told: dict[str, Any]) -> list[dict[str, Any]]:
    from ankle_imu.analysis.practice import analyze_practice

    return list(analyze_practice(open_session(told["path"])).quality["sensors"].values())


def test_pain_over_a_cut_line_the_end_it_makes_and_a_voice(
    lead: Callable[..., Led], open_page: Callable[..., Any]
) -> None:
    led = lead(PLAN, "--speed", "2")
    line = Line(int(led.url.rstrip("/").rpartition(":")[2]))
    phone, other = open_page(f"http://127.0.0.1:{line.port}/"), open_page(led.url)
    phone.add_init_script(VOICE)
    phone.reload()
    until(phone, "s.n > 0")
    assert phone.evaluate("window.spoken") == [], "nothing speaks until somebody asks"
    phone.click("#voice")
    assert phone.get_attribute("#voice", "aria-pressed") == "true"
    phone.click("#beep")
    until(phone, "s.step === 2 && s.phase === 'swing'")
    spoken = phone.evaluate("window.spoken")
    assert {voice for voice, _ in spoken} == {"near"}, "no voice that sends words elsewhere"
    assert "Swing: forward, back, forward, back." in [text for _, text in spoken]
    line.cut()
    word(phone, "NO CONNECTION")
    assert phone.is_disabled("#pause"), "what would come too late is not offered"
    phone.click("#pain button >> nth=4")
    line.mend()
    until(other, "s.pains.length === 1")
    assert not scene(other)["over"]
    phone.click("#pain button >> nth=5")
    for page in (phone, other):
        until(page, "s.over && s.stopped === 'pain 5'")
        page.wait_for_function("() => ankleImuPractice.view.ended", timeout=2 * PATIENCE_MS)
        assert "Ended early (pain 5); what was done is kept." in page.inner_text("#summary-lines")
        assert "the routine ends here" in page.inner_text("#prompt")
    line.close()
    told = led.finish()
    assert (told["ended_early"], told["pain"]) == ("pain 5", [4, 5])
    assert any("Pain 5: the routine ends here" in line for line in led.lines)
    assert "You told of pain 5" in " ".join(told["verdict"]["lines"])


def test_a_server_that_dies_costs_neither_routine_nor_recording(lead: Callable[..., Led]) -> None:
    import psutil

    led = lead(PLAN.replace("prepare_s = 40", "prepare_s = 12"), "--speed", "6")
    assert led.wait_for(r"(neutral pose\.)")
    served = [p for p in psutil.Process(led.pid).children() if "spawn_main" in " ".join(p.cmdline())]
    assert len(served) == 1
    served[0].kill()
    told = led.finish()
    assert (told["skipped"], told["ended_early"]) == ([], None)
    assert [b["exercise"] for b in told["blocks"]] == ["neutral", "swing", "rom", "rom", "hold", "balance"]
    assert all(one["lost"] == 0 for one in _sensors(told))


@pytest.mark.skipif(sys.platform == "win32", reason="Windows sends no SIGINT to one process")
def test_an_end_in_the_terminal_ends_the_page_too(lead: Callable[..., Led], open_page: Callable[..., Any]) -> None:
    """Ctrl-C in the middle of an exercise: the page no longer says MOVE, nor how much is left."""
    led = lead(PLAN, "--speed", "8")
    page = open_page(led.url)
    until(page, "s.step >= 3 && s.phase !== 'place'")
    os.kill(led.pid, signal.SIGINT)
    page.wait_for_function("() => window.ankleImuPractice.view.ended !== null", timeout=3 * PATIENCE_MS)
    assert page.inner_text("#head") == "ENDED"
    assert page.inner_text("#prompt") == "Ended in the terminal. What was done is kept."
    assert page.inner_text("#bar-time") == ""
    assert page.inner_text("#bar-word") == "SAVED"
    assert not page.is_visible("#gauge")
    assert page.inner_text("#summary-title") == "Ended early"


def test_the_code_is_asked_and_the_stop_takes_two_seconds(
    lead: Callable[..., Led], open_page: Callable[..., Any], axe: str
) -> None:
    led = lead(PLAN, "--speed", "2", "--host", "0.0.0.0")
    code = led.wait_for(r"Code: (\d{3} \d{3})")
    page = open_page(re.sub(r"//[^:/]+", "//127.0.0.1", led.url))
    word(page, "CODE NEEDED")
    is_clear_to_all(page, axe)
    page.fill("#code", code)
    page.click("#door button")
    until(page, "s.n > 0")
    page.locator("#stop").scroll_into_view_if_needed()
    page.hover("#stop")
    page.mouse.down()
    page.wait_for_timeout(900)
    page.mouse.up()
    page.wait_for_timeout(300)
    assert not scene(page)["over"], "a short touch stops nothing"
    page.mouse.down()
    page.wait_for_timeout(2400)
    page.mouse.up()
    until(page, "s.over && s.stopped === 'stopped'")
    word(page, "SAVED")
    assert led.finish()["ended_early"] == "stopped"
