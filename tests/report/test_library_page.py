"""The home page of a library: what stands on it, how large it may grow, and what its small pictures say."""

from __future__ import annotations

import re

from ankle_imu.report.library_page import DRAWN, Line, Shelf, library_html, shown_of
from ankle_imu.report.sparkline import sparkline


def shelf(alias: str, n: int, first: int = 0) -> Shelf:
    lines = [
        Line(
            session_id=f"{alias}-{first + i}", began=f"20{10 + i // 365:02d}-01-{1 + i % 28:02d}T09:00:00Z",
            about="rocky path, walk", figures={"left": 7.0 + i % 5, "right": 9.0}, href=f"{alias}/{i}/report.html",
        )
        for i in range(n)
    ]  # fmt: skip
    return Shelf(alias=alias, lines=lines, metric="range_stance_deg", about="Walking, as walked.")


def test_newest_first_and_linked() -> None:
    text = library_html([shelf("P-aaaa", 3)])
    links = re.findall(r'href="(P-[^"]*)"', text)
    assert links == ["P-aaaa/2/report.html", "P-aaaa/1/report.html", "P-aaaa/0/report.html"]
    assert "3 sessions of 1 person" in text


def test_an_empty_library_says_what_to_do() -> None:
    assert "It holds no sessions yet" in library_html([])


def test_ten_thousand_sessions_stay_small_and_counted() -> None:
    one = library_html([shelf("P-aaaa", 10_000)])
    many = library_html([shelf(f"P-{k:04d}", 20) for k in range(500)])
    assert len(one.encode()) < 100_000
    assert "9,900 older" in one
    assert len(many.encode()) < 2_000_000
    assert many.count("<h3>") == 500
    assert f"{20 - shown_of(500)} older" in many


def test_a_small_picture_draws_each_leg_and_says_its_ends() -> None:
    svg = sparkline({"left": [7.0, float("nan"), 9.0], "right": [5.0, 5.0, 5.0]}, "deg", "Range")
    assert 'aria-label="Range: left 7.0 deg at first, 9.0 deg at last, 2 sessions; right 5.0 deg at first' in svg
    left, right = (
        [tuple(map(float, p.split(","))) for p in points.split()] for points in re.findall('points="([^"]*)"', svg)
    )
    assert [x for x, _ in left] == [5.0, 163.0]
    assert left[1][1] < left[0][1] < right[0][1], "more is higher"
    assert len(right) == 3
    assert sparkline({"left": [float("nan")]}, "deg", "Range") == ""
    assert "points" in sparkline({"left": [3.0]}, "deg", "Range")


def test_only_the_last_sessions_are_drawn() -> None:
    text = library_html([shelf("P-aaaa", 10 * DRAWN)])
    (left, _) = re.findall('points="([^"]*)"', text)
    assert len(left.split()) == DRAWN
