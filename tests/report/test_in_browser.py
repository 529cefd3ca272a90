"""Every page of the family in a real browser: what it shows, hides, loads, and how it reads aloud and on paper."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import ankle_imu as ai
from ankle_imu.report.page import report_html
from ankle_imu.report.printing import find_browsers

playwright = pytest.importorskip("playwright.sync_api", reason="playwright drives the browser")

HOSTILE = '<script>window.hacked = 1</script><img src="x" onerror="window.hacked = 1">"\'&amp;'
WIDTHS = (1280, 360)
A4_PX = 680
"""What `@page` leaves of A4: 180 mm at 96 px an inch."""


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """One browser; its driver keeps an event loop running, so it must be gone before other modules run theirs."""
    program = next(find_browsers(), None)
    if program is None:
        pytest.skip("no Chromium, Chrome or Edge is installed (Debian: apt-get install chromium)")
    with playwright.sync_playwright() as driver:
        one = driver.chromium.launch(
            executable_path=str(program), args=["--no-sandbox", "--disable-dev-shm-usage"]
        )
        yield one
        one.close()


def hostile(result: ai.SessionResult) -> ai.SessionResult:
    """The result with script in every word a person may type."""
    session = replace(
        result.session, note=HOSTILE, alias=HOSTILE, surface=HOSTILE, footwear=HOSTILE, tags=(HOSTILE,),
        session_id=HOSTILE,
    )  # fmt: skip
    events = result.events.assign(note=HOSTILE)
    quality = {**result.quality, "warnings": [HOSTILE], "unmeasurable": {"left_inversion_deg": HOSTILE}}
    return replace(result, session=session, events=events, quality=quality)


def simulated(loss: float = 0.0) -> ai.SessionResult:
    """A short simulated walk through the whole analysis; with `loss` that share of its samples never came."""
    plan = ai.simulate.Plan(
        duration_s=70, sampling_rate=104.0, placements=("left_foot", "left_shank"), terrain="uneven", rolls=1,
        errors="typical",
    )  # fmt: skip
    recording, _ = ai.simulate.walk(plan, seed=4)
    arrays = {}
    for placement, one in recording.series.items():
        acc, gyr = one.acc.copy(), one.gyr.copy()
        lost = np.random.default_rng(1).random(len(acc) // 13 + 1) < loss
        acc[np.repeat(lost, 13)[: len(acc)]] = np.nan
        gyr[np.repeat(lost, 13)[: len(gyr)]] = np.nan
        arrays[placement] = (acc, gyr)
    if not loss:
        return ai.analyze(recording)
    return ai.analyze(ai.Recording.from_arrays(104.0, arrays))


def real(name: str, shared: Path) -> ai.SessionResult:
    from ankle_imu.validation.datasets import read_cases

    return ai.analyze(next(iter(read_cases(name, shared / "data"))).recording)


def _trend(make_trend: Callable[..., Any]) -> str:
    from ankle_imu.report.trend_page import outlook_html
    from ankle_imu.trends import look

    return outlook_html(look(make_trend(n_sessions=9, drift=0.4).assign(alias=HOSTILE)))


def _library() -> str:
    from ankle_imu.report.library_page import Line, Shelf, library_html

    people = []
    for k, alias in enumerate((HOSTILE, "P-abcd", "P-alone")):
        lines = [
            Line(
                session_id=f"s{i}", began=f"2026-05-{1 + i:02d}T09:00:00Z",
                about=HOSTILE if i == 3 else "rocky, walk",
                figures={"left": 7.0 + 0.1 * i, "right": 9.0 - 0.2 * i} if i != 2 else {}, href="a/report.html",
            )
            for i in range(0 if k == 2 else 9)
        ]  # fmt: skip
        about = "Walking, foot against shank (two sensors), as walked."
        people.append(Shelf(alias=alias, lines=lines, metric="range_stance_deg", about=about, href="trend.html"))
    return library_html(people)


def _compare() -> str:
    """Two sessions that differ in steadiness, with script in their names and reasons."""
    from ankle_imu.comparison import compare
    from ankle_imu.report.compare_page import comparison_html
    from ankle_imu.validation.stride_tables import Outing, Person, make_session

    person = Person(session_log=0.0)
    first = make_session(person, Outing(n_strides=600), 1).session
    second = make_session(person, Outing(n_strides=600, day=1, effect_log=np.log(0.6)), 2).session
    found = compare(replace(first, session_id=HOSTILE), replace(second, session_id=HOSTILE + "2"))
    return comparison_html(replace(found, left_out=(HOSTILE,) * 6, cautions=(HOSTILE,)))


def practised(name: str) -> str:
    """The page of a practice session: with everything, of one sensor, or of nothing that could be measured."""
    from ankle_imu.report.practice_page import practice_html
    from ankle_imu.simulate.practice import Exercise, PracticePlan, full_routine, practise

    loaded = {"load": "ankle_weight", "load_kg": 1.5}
    more = (
        Exercise(kind="rom", action="inversion", compensation="hip_turns", **loaded),
        Exercise(kind="hold", action="inversion", reps=1, **loaded),
    )
    routines = {"practice": (*full_routine()[:8], *more, *full_routine()[8:]), "practice foot": full_routine()}
    segments = ("foot",) if name == "practice foot" else ("foot", "shank")
    exercises = routines.get(name, (Exercise(kind="balance", position="standing"),))
    recording, _ = practise(PracticePlan(exercises=exercises, segments=segments, sampling_rate=52.0))
    result = ai.analyze_practice(recording)
    session = replace(result.session, note=HOSTILE, alias=HOSTILE, tags=(HOSTILE,), session_id=HOSTILE)
    quality = {**result.quality, "notes": [{"time_s": 9.0, "leg": "left", "text": HOSTILE}], "warnings": [HOSTILE]}
    return practice_html(replace(result, session=session, quality=quality))


def mobile() -> str:
    """The trend of one action beside walks, both legs."""
    from ankle_imu import tables
    from ankle_imu.report.mobility_page import mobility_html
    from ankle_imu.trends.mobility import Point, look_mobility

    weeks, legs = range(6), ("left", "right")
    rows = [(w, leg) for w in weeks for leg in legs]
    columns = {
        "session_id": [f"s{w}" for w, _ in rows],
        "start_utc": [f"2026-05-{1 + 3 * w:02d}T08:00:00Z" for w, _ in rows],
        "alias": [HOSTILE] * 12, "leg": [leg for _, leg in rows], "action": ["inversion"] * 12,
        "load": ["body_weight" if w < 3 else "none" for w, _ in rows], "angle_source": ["joint"] * 12,
        "deload_cm": [10.0 if w < 3 else np.nan for w, _ in rows], "active_deg": [20.0 + w for w, _ in rows],
        "assisted_deg": [24.0 + w for w, _ in rows], "gap_deg": [4.0] * 12, "mdc_deg": [8.0] * 12,
        "holds": [2] * 12, "tension_s": [20.0] * 12, "longest_s": [11.0] * 12,
    }  # fmt: skip
    practice = tables.make_table(tables.PRACTICE_TREND, columns)
    walks = [
        Point(session_id=f"w{w}", start_utc=f"2026-05-{2 + 3 * w:02d}T08:00:00Z", leg="left", value=50)
        for w in weeks
    ]  # fmt: skip
    nothing = tables.make_table(tables.TREND, {})
    return mobility_html(
        look_mobility(practice, nothing, "inversion", walks, "Walks: stability index, 50 = usual")
    )


def _sessions_page(request: pytest.FixtureRequest) -> dict[str, Callable[[], str]]:
    make_result, make_trend = request.getfixturevalue("make_result"), request.getfixturevalue("make_trend")
    few = {"sensors": ("left_foot", "left_shank"), "plan": (("run", 4),)}
    return {
        "full": lambda: report_html(hostile(make_result()), trend=make_trend()),
        "foot": lambda: report_html(make_result(sensors=("left_foot",), plan=(("walk", 120),))),
        "shank": lambda: report_html(make_result(sensors=("right_shank",), plan=(("walk", 120),))),
        "a handful": lambda: report_html(make_result(**few)),
        "nothing": lambda: report_html(make_result(sensors=("left_foot",), plan=())),
        "simulated": lambda: report_html(simulated()),
        "broken": lambda: report_html(simulated(loss=0.9)),
        "trend": lambda: _trend(make_trend),
        "library": _library,
        "compare": _compare,
        "mobility": mobile,
        **{name: lambda name=name: practised(name) for name in PRACTICES},
        **{
            name: lambda name=name: report_html(real(name, request.getfixturevalue("shared")))
            for name in ("osim_walk", "gaitmap_walk_mocap")
        },
    }


PRACTICES = ("practice", "practice foot", "practice without a pose")

NAMES = (
    "full", "foot", "shank", "a handful", "nothing", "simulated", "broken", "trend", "library", "compare",
    "osim_walk", "gaitmap_walk_mocap", *PRACTICES, "mobility",
)  # fmt: skip


@pytest.fixture(scope="module", params=NAMES)
def page(request: pytest.FixtureRequest, browser: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A page open in the browser; what it said and asked for is in its `told` and `asked`."""
    path = tmp_path_factory.mktemp("page") / "page.html"
    path.write_text(_sessions_page(request)[request.param](), "utf-8")
    one = browser.new_page(viewport={"width": WIDTHS[0], "height": 900})
    one.told, one.asked = [], []
    one.on("console", lambda message: one.told.append(message.text))
    one.on("pageerror", lambda error: one.told.append(str(error)))
    one.on("request", lambda asked: one.asked.append(asked.url))
    one.goto(path.as_uri())
    yield one
    assert one.told == [], "the console is silent"
    assert one.asked == [path.as_uri()], "nothing is loaded but the page"
    assert one.evaluate("window.hacked") is None
    one.close()


def test_it_fits_its_window(page: Any) -> None:
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        for unfold in (False, True):
            page.evaluate("open => document.querySelectorAll('details').forEach(d => d.open = open)", unfold)
            assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.evaluate("document.querySelectorAll('details').forEach(d => d.open = false)")


def test_it_can_be_heard(page: Any) -> None:
    levels = page.eval_on_selector_all("h1, h2, h3, h4", "all => all.map(h => +h.tagName[1])")
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(b - a <= 1 for a, b in pairwise(levels))
    unnamed = "all => all.filter(e => !(e.alt || e.getAttribute('aria-label') || '').trim()).length"
    assert page.eval_on_selector_all(":is(img, svg, [role=img]):not([role=img] *)", unnamed) == 0


def test_axe_finds_nothing_serious(page: Any, axe: str) -> None:
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        is_open = width == WIDTHS[0]
        page.evaluate("open => document.querySelectorAll('details').forEach(d => d.open = open)", is_open)
        if page.evaluate("typeof axe") == "undefined":
            page.evaluate(axe)
        found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")["violations"]
        bad = [(v["id"], v["impact"], v["nodes"][0]["html"][:120]) for v in found]
        assert [one for one in bad if one[1] in ("serious", "critical")] == []
    page.evaluate("document.querySelectorAll('details').forEach(d => d.open = false)")


def test_letters_of_figures_are_not_cut_off(page: Any) -> None:
    """Each panel is a drawing of its own: what leaves it is not seen. A pixel of a descender may."""
    cut = """all => all.filter(t => {
        const own = t.getBoundingClientRect(), box = t.ownerSVGElement.getBoundingClientRect();
        return own.width && (own.left < box.left - 1 || own.right > box.right + 1
            || own.top < box.top - 3 || own.bottom > box.bottom + 3);
    }).map(t => t.textContent)"""
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        assert page.eval_on_selector_all("svg text", cut) == []


def test_letters_of_figures_stand_out(page: Any) -> None:
    """Axe does not look into pictures: every text of ours is on white."""
    inks = page.eval_on_selector_all("svg text", "all => [...new Set(all.map(t => getComputedStyle(t).fill))]")
    for ink in inks:
        red, green, blue = (int(part) / 255 for part in ink.strip("rgb()").split(","))
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in (red, green, blue)]
        assert 1.05 / (0.05 + np.dot(linear, (0.2126, 0.7152, 0.0722))) >= 4.5, ink


def test_paper_carries_all_tables(page: Any) -> None:
    page.set_viewport_size({"width": A4_PX, "height": 900})
    page.emulate_media(media="print")
    try:
        assert page.evaluate("document.documentElement.scrollWidth") <= A4_PX
        tall = page.eval_on_selector_all("table", "all => all.map(t => t.getBoundingClientRect().height)")
        assert min(tall, default=20.0) > 10.0
        cut = "all => all.filter(t => t.scrollWidth > t.clientWidth + 1).map(t => t.getAttribute('aria-label'))"
        assert page.eval_on_selector_all(".scroll", cut) == []
    finally:
        page.emulate_media(media="screen")


def test_words_of_a_person_are_words(page: Any) -> None:
    text = page.evaluate("document.body.textContent")
    assert page.eval_on_selector_all("script, iframe, object, link, img", "all => all.length") == 0
    if "window.hacked" in page.content():
        assert HOSTILE in text


def test_a_browser_prints_it_with_bookmarks(browser: Any, make_result: Any, tmp_path: Path) -> None:
    pypdf = pytest.importorskip("pypdf")
    from ankle_imu.report.page import print_report

    name = print_report(make_result(sensors=("left_foot",), plan=(("walk", 120),)), tmp_path / "walk.pdf")
    assert name == next(find_browsers()).name
    pdf = pypdf.PdfReader(io.BytesIO((tmp_path / "walk.pdf").read_bytes()))
    text = " ".join(sheet.extract_text() for sheet in pdf.pages)
    assert "What each sensor sent" in text
    assert "file:///" not in text
    assert "Typical values" in json.dumps([str(one) for one in pdf.outline])
