"""What the pictures over many sessions draw: breaks, bands, figures as walked, index and bars."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from ankle_imu import tables
from ankle_imu.report.trend_figure import bars_figure, index_figure, trend_figure, unusual_sessions
from ankle_imu.report.trend_page import outlook_html, write_outlook
from ankle_imu.trends import COMPONENTS, Index, PastSession, bars_of, look
from ankle_imu.validation.seasons import as_past
from ankle_imu.validation.stride_tables import Outing, Person, make_session


@pytest.fixture(scope="module")
def history() -> list[PastSession]:
    """Thirteen sessions in one pair of shoes, then another pair for two."""
    shoes = ["old"] * 11 + ["new"] * 2
    plans = [Outing(n_strides=700, effect_log=-0.05 * i, day=3 * i, shoe=shoe) for i, shoe in enumerate(shoes)]
    return [
        replace(as_past(make_session(Person(), plan, seed=i)), surface="gravel path")
        for i, plan in enumerate(plans)
    ]


@pytest.fixture(scope="module")
def outlook(history):
    return look(tables.make_table(tables.TREND, {}), history, "successive_range_stance_deg")


def labels(ax):
    return [str(line.get_label()) for line in ax.lines]


def test_trend_draws_like_ground_as_walked_and_the_break(outlook):
    trend = outlook.trend
    (ax,) = trend_figure(trend).axes
    series = trend.series("left")
    np.testing.assert_allclose(ax.containers[0].lines[0].get_ydata(), series.value)
    thin = ax.lines[labels(ax).index("left as walked")]
    np.testing.assert_allclose(thin.get_ydata(), trend.points["median"])
    line = ax.lines[labels(ax).index("break")]
    assert list(line.get_xdata()) == [33.0, 33.0]
    assert "shoe" in " ".join(text.get_text() for text in ax.texts)
    assert len(ax.patches) == 1, "the two sessions after the break make no band"
    drawn = [line.get_xdata() for line in ax.lines if len(line.get_xdata()) == 80]
    assert len(drawn) == 1
    assert drawn[0].max() <= 30.0, "the smooth line ends before the break"


def test_index_draws_each_session_and_no_line_across_a_new_usual(outlook):
    (ax,) = index_figure(outlook.indices).axes
    have = [one for one in outlook.indices if not one.reason]
    np.testing.assert_allclose(ax.containers[0].lines[0].get_ydata(), [one.value for one in have])
    assert ax.get_ylim() == (0.0, 100.0)
    assert "new usual" in " ".join(text.get_text() for text in ax.texts)


def test_five_bars_are_always_there(outlook):
    (newest,) = bars_of(outlook.indices)
    (ax,) = bars_figure([newest]).axes
    assert len(ax.patches) == 5
    widths = [patch.get_width() for patch in ax.patches]
    np.testing.assert_allclose(widths, np.array(list(newest.bars.values())) - 50.0)
    unknown = replace(newest, bars={**newest.bars, COMPONENTS[4]: float("nan")})
    (ax,) = bars_figure([unknown]).axes
    assert len(ax.patches) == 5
    assert "not measured" in " ".join(text.get_text() for text in ax.texts)


def test_page_tells_trend_index_bars_and_ladder(outlook, tmp_path):
    page = outlook_html(outlook)
    for words in (
        "on ground like that of the first five",
        "Session stability index",
        "The five bars of the newest index",
        "Ladder of practice",
        "Ground: gravel",
        "Changed on the way, once: shoe",
    ):
        assert words in page
    assert page == outlook_html(outlook)
    for ending in ("png", "svg", "html"):
        assert write_outlook(outlook, tmp_path / f"t.{ending}").stat().st_size > 2000


def test_page_of_the_index_alone(history, tmp_path):
    page = outlook_html(look(tables.make_table(tables.TREND, {}), history[:11], "index"))
    assert "<h1>Session stability index</h1>" in page
    assert "usual on similar ground" in page


def test_an_index_of_one_leg_has_words_for_each_case():
    one = Index(session_id="s", start_utc="2026-01-01T09:00:00Z", leg="left", gait="walk", bars={})
    assert replace(one, reason="too few").words == "No index: too few."
    assert replace(one, value=60, low=52, high=70).words.startswith("Steadier than your usual on similar ground")
    assert replace(one, value=40, low=30, high=48).words.startswith("Less steady than your usual on similar")
    assert replace(one, value=55, low=45, high=70).words.startswith("No different from your usual")


def test_unusual_sessions_are_marked_once():
    rng = np.random.default_rng(0)
    moved = np.concatenate([rng.normal(size=10), rng.normal(5.0, 1.0, 8)])
    (first,) = unusual_sessions(moved)
    assert 10 <= first <= 12
