"""Simulated walks, and a browser."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from live_site import PAIR

import ankle_imu as ai


@pytest.fixture(scope="session")
def walk() -> ai.Recording:
    """Standing, taps, a walk with one roll; foot and shank of the left leg."""
    plan = ai.simulate.Plan(
        duration_s=62.0, sampling_rate=52.0, terrain="uneven", rolls=1, errors="typical", placements=PAIR
    )
    return ai.simulate.walk(plan, seed=4)[0]


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """The Chromium that is installed; for one module, because Playwright keeps an event loop in this thread."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright drives the browser")
    names = ("chromium", "chromium-browser", "google-chrome")
    program = next(filter(None, map(shutil.which, names)), None)
    if program is None:
        pytest.skip("no Chromium or Chrome is installed (Debian: apt-get install chromium)")
    with playwright.sync_playwright() as driver:
        one = driver.chromium.launch(executable_path=program, args=["--no-sandbox", "--disable-dev-shm-usage"])
        yield one
        one.close()


@pytest.fixture
def open_page(browser: Any) -> Iterator[Callable[..., Any]]:
    """Open a page at phone or desktop size; what goes wrong in it fails the test."""
    contexts: list[Any] = []
    wrong: list[str] = []

    def open_one(url: str, width: int = 360, height: int = 780, colours: str = "light") -> Any:
        context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=colours)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("console", lambda said: wrong.append(said.text) if "Content Security" in said.text else None)
        page.on("request", lambda asked: None if asked.url.startswith((url, "data:")) else wrong.append(asked.url))
        page.goto(url)
        return page

    yield open_one
    for context in contexts:
        context.close()
    assert wrong == []
