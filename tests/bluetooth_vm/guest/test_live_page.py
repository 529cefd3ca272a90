"""`record --live` of sensors over BlueZ as a person has it before the eyes: Chromium, at phone and desktop size.

The browser runs in the guest too: in simulated time its frames, the radio and the recorder share one clock,
however slow the machine is. Pictures of it go to `$OUT`, the folder that `run-in-vm` brings back.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from bluetooth_vm.bumble_radio import BluezAir, BumbleSensor
from bluetooth_vm.recorded import CountedSensor, arrived
from live_site import PAIR, Line

import ankle_imu as ai
from ankle_imu.library.reviews import read_reviews
from ankle_imu.recording import part_paths, read_log
from ankle_imu.report.printing import find_browsers
from ankle_imu.simulate.sensors.mischief import parse_mischief
from ankle_imu.simulate.sensors.peripheral import Motion

PHONE, DESKTOP = (360, 740), (1280, 900)
PLAN = ai.simulate.Plan(
    duration_s=52.0, sampling_rate=104.0, terrain="uneven", rolls=1, errors="typical", placements=PAIR
)
SEED = 4
"""The set-up passes after 33 s, the left ankle rolls at 41 s."""
OPEN_S, AWAY, CUT_S = 29.0, "34:gone:2", 2.0
"""The page is open no longer than needed: a second of it costs one of a processor."""
CHEAP = (
    "--no-sandbox",
    "--disable-dev-shm-usage",
    "--in-process-gpu",
    "--enable-features=NetworkServiceInProcess2",
)
"""Fewer processes: to start the browser costs 12 s of a processor in the guest, 17 s without."""
ALONE = {"DBUS_SESSION_BUS_ADDRESS": "disabled:", "DBUS_SYSTEM_BUS_ADDRESS": "disabled:"}
SHOWS = "([selector, text]) => document.querySelector(selector)?.textContent.includes(text)"


@dataclass(frozen=True, kw_only=True)
class Followed:
    """What the page showed, what the browser complained of (of the cut line apart), and what was recorded."""

    seen: Mapping[str, Any]
    wrong: Sequence[str]
    cut: Sequence[str]
    folder: Path
    on_air: Sequence[BumbleSensor]


class Screen:
    """The page; `wrong` is what the browser complained of."""

    def __init__(self, page: Any) -> None:
        self.page = page
        self.wrong: list[str] = []
        page.on("pageerror", lambda error: self.wrong.append(str(error)))
        page.on("console", lambda said: self.wrong.append(said.text) if said.type == "error" else None)

    async def shows(self, selector: str, text: str) -> None:
        await self.page.wait_for_function(SHOWS, arg=[selector, text])

    async def text(self, selector: str) -> str:
        return " ".join((await self.page.inner_text(selector)).split())

    async def sensors(self) -> list[str]:
        return [await self.text(f"#sensor-{placement}") for placement in PAIR]

    async def size(self, size: tuple[int, int]) -> None:
        await self.page.set_viewport_size({"width": size[0], "height": size[1]})

    async def picture(self, moment: str) -> None:
        await self.page.evaluate("scrollTo(0, 0)")
        await self.page.screenshot(path=Path(os.environ["OUT"]) / f"live-{moment}.png", full_page=True)

    async def hold_stop(self) -> None:
        await self.page.locator("#stop").scroll_into_view_if_needed()
        await self.page.hover("#stop")
        await self.page.mouse.down()
        await asyncio.sleep(2.3)
        await self.page.mouse.up()


async def from_set_up_to_a_lost_sensor(screen: Screen) -> dict[str, Any]:
    """On the phone; when the sensor is lost, on the desktop too."""
    await screen.shows("#gauge-left h2", "ankle inversion")
    angles = []
    for _ in range(15):
        angles.append(await screen.text("#gauge-left .value"))
        await asyncio.sleep(0.2)
    await screen.shows("#setup-title", "Set-up passed")
    seen: dict[str, Any] = {"angles": angles, "bar": await screen.text("#bar-word")}
    seen["phone"] = await screen.sensors()
    await screen.picture("phone")
    await screen.page.click("#stumble")
    await screen.shows("#bar-more", "Left shank")
    seen["away"], seen["bar away"] = await screen.sensors(), await screen.text("#bar-word")
    await screen.picture("phone-away")
    await screen.size(DESKTOP)
    await screen.shows("#sensor-left_shank .word", "good")
    seen["desktop"], seen["bar back"] = await screen.sensors(), await screen.text("#bar-word")
    await screen.picture("desktop")
    return seen


async def with_a_cut_line(screen: Screen, line: Line) -> dict[str, Any]:
    """What is pressed while the page has no server waits until it has one again."""
    line.cut()
    await screen.shows("#bar-word", "NO CONNECTION")
    await screen.page.click("#pain button >> nth=3")
    seen = {"pressed": await screen.text("#bar-time"), "waits": await screen.text("#said .waits")}
    seen["stale"] = await screen.page.locator("#gauges.stale").count()
    await screen.picture("desktop-cut")
    await asyncio.sleep(CUT_S)
    line.mend()
    await screen.shows("#bar-word", "RECORDING")
    await screen.page.wait_for_selector("#said .waits", state="detached")
    return seen


async def to_the_end(screen: Screen) -> dict[str, Any]:
    """A roll is answered, and the button held."""
    await screen.size(PHONE)
    await screen.page.wait_for_selector("#roll-ask button", state="visible")
    seen = {"roll": await screen.text("#roll-what")}
    await screen.page.click("#roll-ask button[data-verdict=real]")
    await screen.page.wait_for_selector("#roll-ask button[data-verdict=real].chosen")
    seen["delays"] = await screen.page.evaluate("ankleImuLive.delays")
    await screen.picture("phone-roll")
    await screen.hold_stop()
    await screen.shows("#bar-word", "STOPPED, SAVED")
    seen["saved"] = await screen.text("#bar-more")
    return seen


@asynccontextmanager
async def recorded(air: BluezAir, folder: Path) -> AsyncIterator[tuple[asyncio.subprocess.Process, int]]:
    """`ankle-imu record --live` of two sensors, and the port of its page."""
    felt = ai.simulate.walk(PLAN, seed=SEED)[0].series
    start = asyncio.get_running_loop().time()
    command = [sys.executable, "-P", "-m", "ankle_imu.cli", "record", "--live", "--port", "0", "--json"]
    for n, placement in enumerate(PAIR):
        sensor = CountedSensor(Motion(felt[placement], start), address=f"C0:00:00:00:03:{n:02X}", seed=n)
        await air.add(sensor, mischief=[parse_mischief(AWAY)] if placement == "left_shank" else [])
        command += ["--sensor", f"{sensor.address}={placement}"]
    library = {"ANKLE_IMU_LIBRARY": str(folder / "library"), "ANKLE_IMU_CONFIG": str(folder / "config")}
    pipe = asyncio.subprocess.PIPE
    recorder = await asyncio.create_subprocess_exec(*command, env=os.environ | library, stdout=pipe, stderr=pipe)
    assert recorder.stderr is not None
    told = (await recorder.stderr.readline()).decode()
    found = re.fullmatch(r"Live page: http://127\.0\.0\.1:(\d+)/\n", told)
    assert found, told + (await recorder.stderr.read()).decode()
    yield recorder, int(found[1])


async def follow(folder: Path, program: Path) -> Followed:
    from playwright.async_api import async_playwright

    async with (
        BluezAir() as air,
        recorded(air, folder) as (recorder, port),
        async_playwright() as driver,
    ):
        browser = await driver.chromium.launch(
            executable_path=str(program), args=[*CHEAP], env={**os.environ, **ALONE}
        )
        await asyncio.sleep(OPEN_S)
        line = Line(port)
        screen = Screen(await browser.new_page())
        await screen.size(PHONE)
        await screen.page.goto(f"http://127.0.0.1:{line.port}/")
        seen = await from_set_up_to_a_lost_sensor(screen)
        before = len(screen.wrong)
        seen |= await with_a_cut_line(screen, line)
        cut, screen.wrong[before:] = screen.wrong[before:], []
        seen |= await to_the_end(screen)
        printed, told = await recorder.communicate()
        await browser.close()
        line.close()
    assert recorder.returncode == 130, told.decode()  # interrupted, and saved
    folder = Path(json.loads(printed)["path"])
    return Followed(seen=seen, wrong=screen.wrong, cut=cut, folder=folder, on_air=air.sensors)


@pytest.fixture(scope="module")
def followed(tmp_path_factory: pytest.TempPathFactory) -> Followed:
    pytest.importorskip("playwright.async_api", reason="playwright drives the browser")
    pytest.importorskip("uvicorn", reason="the extra `live` is not installed")
    program = next(find_browsers(), None)
    if program is None:
        pytest.skip("no Chromium or Chrome is installed (Debian: apt-get install chromium)")
    return asyncio.run(follow(tmp_path_factory.mktemp("walk"), program))


def test_both_sensors_stream_at_their_rate_at_both_sizes(followed: Followed) -> None:
    assert followed.seen["bar"] == "RECORDING"
    for card in (*followed.seen["phone"], *followed.seen["desktop"]):
        found = re.fullmatch(r"Left (?:foot|shank) good (\d+) of 208 Hz ?\S+ % lost ?battery 100 % motion", card)
        assert found, card
        assert float(found[1]) == pytest.approx(208.0, rel=0.02), "packets of 20 samples, counted over 5 s"


def test_the_gauge_moves_with_the_foot(followed: Followed) -> None:
    told = [text.removesuffix("°").replace("\N{MINUS SIGN}", "-") for text in followed.seen["angles"]]
    angles = [int(text) for text in told if text != "\N{EN DASH}"]
    assert len(angles) >= 6, "no angle while the alignment is sought anew"
    assert len(set(angles)) >= 4
    assert max(angles) - min(angles) >= 4


def test_what_is_drawn_is_young(followed: Followed) -> None:
    """In the guest's time, which passes while something is waited for and stands while a processor works."""
    delays = sorted(followed.seen["delays"])
    middle = delays[len(delays) // 2]
    print(f"{len(delays)} drawings, {middle:.0f} ms (median), at most {delays[-1]:.0f} ms after the packet came")
    assert len(delays) > 100
    assert middle < 100.0


def test_a_lost_sensor_is_named_and_comes_back(followed: Followed) -> None:
    foot, shank = followed.seen["away"]
    assert "good" in foot
    assert "disconnected" in shank
    assert "C0:00" not in shank, "a person knows it by its place"
    assert (followed.seen["bar away"], followed.seen["bar back"]) == ("RECORDING", "RECORDING")
    loss = ai.open_session(followed.folder).loss
    assert [loss[p].lost for p in PAIR] == [0, 0]
    assert loss["left_shank"].healed > 100


def test_what_is_pressed_without_a_line_is_sent_later_for_its_time(followed: Followed) -> None:
    assert followed.seen["stale"] == 1
    assert "pain 3" in followed.seen["waits"]
    markers = {m.text: m.time_s for m in ai.open_session(followed.folder).markers}
    minutes, seconds = followed.seen["pressed"].split(":")
    assert markers["pain 3"] == pytest.approx(60 * int(minutes) + int(seconds), abs=1.5)


def test_what_was_pressed_is_in_the_recording(followed: Followed) -> None:
    markers = [m.text for m in ai.open_session(followed.folder).markers if not m.text.startswith("roll")]
    assert markers == ["set-up: passed", "stumble", "pain 3"]
    (review,) = read_reviews(followed.folder)
    assert (review.leg, review.verdict) == ("left", "real")
    assert "left ankle rolled to" in followed.seen["roll"]
    assert followed.seen["saved"].startswith(f"as {followed.folder.name}")


def test_the_recording_is_what_the_sensors_said(followed: Followed) -> None:
    log = read_log(part_paths(followed.folder))
    for placement, on_air in zip(PAIR, followed.on_air, strict=True):
        kept = [payload for s in log.streams if s.placement == placement for _, payload in s.packets]
        assert kept == arrived(on_air)


def test_the_browser_complains_of_the_cut_line_alone(followed: Followed) -> None:
    assert followed.wrong == []
    assert followed.cut
    assert all("ERR_" in text for text in followed.cut)
