"""The page as a person has it in the hand: a real browser at phone and desktop size."""

from __future__ import annotations

import asyncio
import contextlib
import json
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from live_page import PATIENCE_MS, fits, is_clear_to_all, word
from live_site import Line, is_whole, record, serving

import ankle_imu as ai
from ankle_imu.capture import Captured, Recorder
from ankle_imu.simulate.faults import apply_fault

HOSTILE = "<img src=x onerror='window.hacked=1'><script>window.hacked=1</script>"

IS_DRAWN = """() => {
  const strip = document.getElementById("strip"), data = strip.getContext("2d").getImageData(0, 0, strip.width, strip.height).data;
  let blue = 0;
  for (let i = 0; i < data.length; i += 4) if (data[i] < 60 && data[i + 1] > 80 && data[i + 2] > 140) blue += 1;
  return blue > 100;
}"""  # noqa: E501


def test_axe_finds_nothing(walk: ai.Recording, open_page: Callable[..., Any], axe: str) -> None:
    with serving(walk, speed=8.0, roll_deg=16.0, is_gated=True) as site:
        phone, desktop = open_page(site.url), open_page(site.url, 1280, 800)
        for page in (phone, desktop):
            word(page, "SET-UP")
            is_clear_to_all(page, axe)
        site.begun.set()
        phone.wait_for_selector("#roll-ask button", state="visible", timeout=PATIENCE_MS)
        phone.click("#roll-ask button[data-verdict=real]")
        phone.wait_for_selector("#roll-ask button[aria-pressed=true]", timeout=PATIENCE_MS)
        is_clear_to_all(phone, axe)
        site.may_end.set()
        for page in (phone, desktop):
            word(page, "REPLAY OVER")
            is_clear_to_all(page, axe)


def test_dark_where_the_device_is_dark(walk: ai.Recording, open_page: Callable[..., Any], axe: str) -> None:
    with serving(walk, speed=8.0, roll_deg=16.0) as site:
        page = open_page(site.url, colours="dark")
        page.wait_for_selector("#setup.done", timeout=PATIENCE_MS)
        assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(18, 19, 20)"
        page.wait_for_function(IS_DRAWN.replace("< 60", "< 110"), timeout=PATIENCE_MS)  # a lighter blue
        page.wait_for_selector("#roll-ask button", state="visible", timeout=PATIENCE_MS)
        page.click("#roll-ask button[data-verdict=real]")
        page.wait_for_selector("#roll-ask button[aria-pressed=true]", timeout=PATIENCE_MS)
        is_clear_to_all(page, axe)
        word(page, "REPLAY OVER")
        is_clear_to_all(page, axe)


def test_a_walk_from_set_up_to_a_confirmed_roll_on_two_screens_at_once(
    walk: ai.Recording, open_page: Callable[..., Any]
) -> None:
    with serving(walk, speed=8.0, roll_deg=16.0, is_gated=True) as site:
        phone, desktop = open_page(site.url), open_page(site.url, 1280, 900)
        for page in (phone, desktop):
            word(page, "SET-UP")
            fits(page)
            assert page.locator("#marks").is_hidden(), "a replay keeps no markers"
        site.begun.set()
        for page in (phone, desktop):
            page.wait_for_selector("#setup.done", timeout=PATIENCE_MS)
            page.wait_for_function(IS_DRAWN, timeout=PATIENCE_MS)
            assert "ankle inversion" in page.inner_text("#gauge-left h2")
        phone.wait_for_selector("#roll-ask button", state="visible", timeout=PATIENCE_MS)
        assert "left ankle rolled to" in phone.inner_text("#roll-what")
        phone.click("#roll-ask button[data-verdict=painful]")
        desktop.wait_for_selector("#roll-ask button[data-verdict=painful].chosen", timeout=PATIENCE_MS)
        assert phone.evaluate("ankleImuLive.cues.length") >= 1
        site.may_end.set()
        for page in (phone, desktop):
            word(page, "REPLAY OVER")
            fits(page)
            assert "this walk" in page.inner_text("#gauge-left p")
            assert "52 of 52 Hz" in page.inner_text("#sensor-left_foot")


def test_the_set_up_names_what_is_worn_wrongly(walk: ai.Recording, open_page: Callable[..., Any]) -> None:
    with serving(apply_fault(walk, "left_lying", placement="left_shank"), speed=10.0, is_gated=True) as site:
        site.begun.set()
        page = open_page(site.url)
        page.wait_for_selector("#problems li", timeout=PATIENCE_MS)
        assert "Left shank: the sensor lay still while another walked" in page.inner_text("#problems")
        fits(page)
        page.click("#setup-again")
        page.wait_for_selector("#steps li.now", timeout=PATIENCE_MS)
        assert page.locator("#problems li").count() == 0


def test_the_code_is_asked_once(walk: ai.Recording, open_page: Callable[..., Any], axe: str) -> None:
    with serving(walk, speed=1.0, host="0.0.0.0", is_gated=True) as site:
        page = open_page(site.url)
        word(page, "CODE NEEDED")
        assert page.locator("main").is_hidden()
        is_clear_to_all(page, axe)
        page.fill("#code", "000000" if site.code != "000000" else "000001")
        page.click("#door button")
        page.wait_for_function("() => document.getElementById('door-why').textContent.includes('not the code')")
        page.fill("#code", f"{site.code[:3]} {site.code[3:]}")
        page.click("#door button")
        word(page, "SET-UP")
        page.reload()
        word(page, "SET-UP")
        other = open_page(f"{site.url}")
        other.goto(f"{site.url}#{site.code}")
        other.reload()
        word(other, "SET-UP")
        assert site.code not in other.url


class Hand:
    """A recording in a thread of its own, with its page in reach."""

    def __init__(self, walk: ai.Recording, root: Path) -> None:
        self._ready, self._enough = threading.Event(), threading.Event()
        self.port = 0
        self.captured: list[Captured] = []
        self._thread = threading.Thread(target=self._work, args=(walk, root))
        self._thread.start()
        assert self._ready.wait(30.0)

    def _work(self, walk: ai.Recording, root: Path) -> None:
        async def act(port: int, recorder: Recorder) -> None:
            self.port, self.recorder = port, recorder
            self._ready.set()
            while not self._enough.is_set() and not recorder.status().is_ending:
                await asyncio.sleep(0.05)

        self.captured.append(record(walk, root, act)[0])

    def finish(self) -> Captured:
        self._enough.set()
        self._thread.join(30.0)
        return self.captured[0]


@pytest.fixture
def hand(walk: ai.Recording, tmp_path: Path) -> Any:
    one = Hand(walk, tmp_path)
    yield one
    one.finish()


@pytest.fixture
def line(hand: Hand) -> Iterator[Line]:
    one = Line(hand.port)
    yield one
    one.close()


def press(page: Any, hand: Hand, button: str) -> tuple[float, float]:
    """Press while the line is cut; s of the recording between which the mark lies, with its later way there."""
    before = hand.recorder.elapsed()
    page.click(button)
    return before - 0.1, hand.recorder.elapsed() + 1.5


def test_markers_a_cut_line_and_the_stop(hand: Hand, line: Line, open_page: Callable[..., Any], axe: str) -> None:
    page = open_page(f"http://127.0.0.1:{line.port}/")
    other = open_page(f"http://127.0.0.1:{hand.port}/", 1280, 900)
    word(page, "SET-UP")
    page.click("#setup-skip")
    word(page, "RECORDING")
    page.click("#pain button >> nth=4")
    page.click("#undo-do")
    page.click("#surface button >> text=scree")
    page.fill("#note-text", HOSTILE)
    page.click("#note button")
    other.wait_for_function("() => document.querySelectorAll('#said li').length === 2")
    assert HOSTILE in other.inner_text("#said")
    fits(page)
    is_clear_to_all(page, axe)

    line.cut()
    word(page, "NO CONNECTION")
    assert page.locator("#gauges.stale").count() == 1, "old angles do not look like new ones"
    pressed = press(page, hand, "#stumble")
    assert page.locator("#said .waits").count() == 1
    page.wait_for_timeout(10_000)
    line.mend()
    word(page, "RECORDING")
    other.wait_for_function("() => document.getElementById('said').textContent.includes('stumble')")
    page.wait_for_function("() => document.querySelectorAll('#said .waits').length === 0")

    page.locator("#stop").scroll_into_view_if_needed()
    page.hover("#stop")
    page.mouse.down()
    page.wait_for_function("() => parseFloat(document.getElementById('stop-bar').style.width) > 20")
    page.mouse.up()
    page.wait_for_function("() => parseFloat(document.getElementById('stop-bar').style.width) === 0")
    assert not hand.recorder.status().is_ending, "a short touch stops nothing"
    page.mouse.down()
    page.wait_for_function("() => document.getElementById('stop').disabled")
    page.mouse.up()
    for one in (page, other):
        word(one, "STOPPED, SAVED")
        assert one.evaluate("window.hacked") is None
        open_to_press = "[...document.querySelectorAll('main button, main input')].filter(b => !b.disabled).length"
        assert one.evaluate(open_to_press) == 0, "what is pressed now could not be kept"
    captured = hand.finish()
    is_whole(captured)
    assert captured.folder is not None
    markers = {m.text: m.time_s for m in ai.open_session(captured.folder).markers}
    assert markers.keys() == {"surface scree", HOSTILE, "stumble"}
    assert pressed[0] <= markers["stumble"] <= pressed[1]


GREETING = {
    "k": "hello",
    "recording": "2026-11-26T090000Z_abcd",
    "attached": True,
    "replay": False,
    "placements": ["left_foot"],
    "legs": ["left"],
    "roll_deg": 20.0,
    "roll_dps": 200.0,
}

ALIVE = json.dumps({"k": "unmark", "id": "none"})


@pytest.fixture
def answered(walk: ai.Recording, open_page: Callable[..., Any]) -> Iterator[tuple[Any, list[Any], list[Any]]]:
    """A page whose recorder is the test: its sockets, and the words that came through them."""
    sockets: list[Any] = []
    words: list[Any] = []

    def attend(socket: Any) -> None:
        sockets.append(socket)
        socket.on_message(lambda message: words.append(json.loads(message)))
        socket.send(json.dumps(GREETING))

    with serving(walk, speed=1.0, is_gated=True) as site:
        page = open_page(site.url)
        page.route_web_socket("**/socket", attend)
        page.reload()
        word(page, "STARTING")
        page.wait_for_function("() => document.getElementById('gauge-left')")
        yield page, sockets, words


def heard(page: Any, words: list[Any], count: int) -> list[str]:
    """Names of the words that came, once there are so many."""
    for _ in range(PATIENCE_MS // 50):
        if len(words) >= count:
            break
        page.wait_for_timeout(50)
    return [one["id"] for one in words]


def test_marks_wait_for_a_recording_that_goes_on(answered: tuple[Any, list[Any], list[Any]]) -> None:
    """Who closes an attached page leaves what was not answered to the next one."""
    page, sockets, words = answered
    page.click("#stumble")
    (name,) = heard(page, words, 1)
    sockets[-1].send(json.dumps({"k": "end", "saved": "", "left": True}))
    word(page, "PAGE CLOSED")
    assert "1 of your marks wait here" in page.inner_text("#undo")
    page.reload()
    assert heard(page, words, 2) == [name, name]


def test_greeted_anew_a_page_says_each_word_once_more_and_no_faster(
    answered: tuple[Any, list[Any], list[Any]],
) -> None:
    """The recorder closes a page that says more than 20 words at once, or then more than five a second."""
    page, sockets, words = answered
    for _ in range(30):
        page.click("#stumble")
        sockets[-1].send(ALIVE)
    names = set(heard(page, words, 30))
    words.clear()
    for _ in range(4):
        sockets[-1].send(json.dumps(GREETING))
    for _ in range(PATIENCE_MS // 50):
        if {one["id"] for one in words} == names:
            break
        sockets[-1].send(ALIVE)
        page.wait_for_timeout(50)
    assert len(names) == 30
    assert {one["id"] for one in words} == names
    assert len(words) < 60, "four times as many without the limit"


def reach(page: Any, url: str) -> None:
    """Open a page after one that could not be opened: the browser's own page on that may still come in between."""
    for _ in range(4):
        with contextlib.suppress(Exception):
            page.goto(url)
            return
        page.wait_for_timeout(1000)
    page.goto(url)


SHELVED = "Object.keys(localStorage).filter(key => key.startsWith('ankle-imu '))"


def test_marks_of_a_cut_line_survive_a_reload_and_count_once(
    hand: Hand, line: Line, open_page: Callable[..., Any]
) -> None:
    url = f"http://127.0.0.1:{line.port}/"
    page = open_page(url)
    word(page, "SET-UP")
    page.click("#setup-skip")
    word(page, "RECORDING")

    page.evaluate("() => { window.forgets = Storage.prototype.removeItem; }")
    # As if the line were cut between the word and its answer, what was answered stays in the storage.
    page.evaluate("() => { window.answered = 0; Storage.prototype.removeItem = () => { window.answered += 1; }; }")
    page.click("#surface button >> text=rock")
    page.wait_for_function("() => window.answered === 1")
    page.evaluate("() => { Storage.prototype.removeItem = window.forgets; }")
    line.cut()
    word(page, "NO CONNECTION")
    pressed = press(page, hand, "#stumble")
    page.fill("#note-text", HOSTILE)
    page.click("#note button")
    page.click("#pain button >> nth=7")
    page.click("#undo-do")
    assert page.locator("#said .waits").count() == 2
    assert page.evaluate(SHELVED + ".length") == 3, "one that is known already, two that wait"

    page.wait_for_timeout(3000)
    with contextlib.suppress(Exception):
        page.reload(timeout=3000)  # there is nobody to reload it from
    line.mend()
    reach(page, url)
    word(page, "RECORDING")
    page.wait_for_function("() => document.querySelectorAll('#said li:not(.waits)').length === 3")
    page.wait_for_function(SHELVED + ".length === 0")
    assert page.evaluate("window.hacked") is None

    other = {"word": {"c": "mark", "kind": "pain", "value": 9, "id": "x"}, "text": "pain 9", "clock": "00:01"}
    page.evaluate("one => localStorage.setItem('ankle-imu other x', JSON.stringify(one))", {**other, "pressed": 0})
    page.evaluate("localStorage.setItem('ankle-imu other y', 'no JSON')")
    page.reload()
    page.wait_for_function(
        "() => document.getElementById('undo').textContent.includes('1 of your marks came too late')"
    )
    fits(page)
    word(page, "RECORDING")
    assert page.evaluate(SHELVED + ".length") == 0
    page.wait_for_timeout(1000)

    captured = hand.finish()
    is_whole(captured)
    assert captured.folder is not None
    markers = [(m.text, m.time_s) for m in ai.open_session(captured.folder).markers]
    assert sorted(text for text, _ in markers) == sorted(["surface rock", "stumble", HOSTILE])
    assert pressed[0] <= dict(markers)["stumble"] <= pressed[1]
