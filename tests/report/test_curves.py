"""The stride figure: what it draws, how it splits by slope, and what lies behind it in grey."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from ankle_imu import tables
from ankle_imu.metrics.curves import curve_band, curves_table
from ankle_imu.report import curves
from ankle_imu.trends import UsualCurve


def on_a_hill(result, grades=(0.1, 0.0, -0.1)):
    """The session over stretches of these grades, each a third of it."""
    third = np.minimum(np.arange(len(result.strides)) * 3 // len(result.strides), 2)
    context = result.context.assign(grade=np.array(grades)[third])
    velocity = {
        leg: np.tile(np.linspace(-50.0, 50.0, 101), (int((result.strides["leg"] == leg).sum()), 1))
        for leg in ("left", "right")
    }
    table = curves_table(result.strides, context, result.angles, velocity)
    return replace(result, context=context, curves=table)


@pytest.fixture(scope="module")
def hill(make_result):
    return on_a_hill(make_result(plan=(("walk", 600),)))


def line_of(ax, label):
    return next(line for line in ax.lines if line.get_label() == label and len(line.get_xdata()) == 51)


def test_mean_band_and_toe_off(full):
    figure = curves.curves_figure(full)
    assert len(figure.axes) == 6, "no velocity in a result of before"
    ax = figure.axes[0]
    assert ax.get_title(loc="left") == "Walking: inversion"
    band = curve_band(full, "left", "walk", "joint", "inversion")
    np.testing.assert_allclose(line_of(ax, "left").get_ydata(), band.mean[::2])
    extent = ax.collections[0].get_paths()[0].vertices[:, 1]
    assert extent.max() == pytest.approx((band.mean + band.sd)[::2].max())
    texts = [t.get_text() for t in ax.get_legend().get_texts()]
    assert texts[0] == f"left, {band.n_strides}"
    assert texts[1].startswith("right, ")
    assert any("toe-off 62 %" in t.get_text() for t in ax.texts)


def test_a_row_for_each_slope_that_was_walked_enough(hill, full):
    figure = curves.curves_figure(hill)
    titles = [ax.get_title(loc="left") for ax in figure.axes]
    assert titles[::3] == [f"Walking {way}: inversion" for way in ("uphill", "on the level", "downhill")]
    assert titles[2] == "Uphill: inversion velocity"
    assert figure.axes[2].get_ylabel() == "inversion velocity (+), deg/s"
    np.testing.assert_allclose(line_of(figure.axes[2], "right").get_ydata(), np.linspace(-50.0, 50.0, 51))
    shares = {c.slope: c.n_strides for c in curves.drawn_curves(hill) if c.leg == "left"}
    accepted = int(hill.strides.query("accepted and leg == 'left'").shape[0])
    assert sum(shares.values()) == accepted
    level = on_a_hill(full, (0.01, 0.0, -0.01))
    assert {c.slope for c in curves.drawn_curves(level)} == {"all"}


def test_a_slope_walked_for_a_few_strides_is_told(make_result):
    result = make_result(plan=(("walk", 600),))
    grade = np.where(
        np.arange(len(result.strides)) < 60, 0.1, np.where(result.strides["start_s"] > 300, -0.1, 0.0)
    )
    context = result.context.assign(grade=grade)
    result = replace(result, context=context, curves=curves_table(result.strides, context, result.angles, {}))
    assert {c.slope for c in curves.drawn_curves(result)} == {"level", "down"}
    n_left_out = int(result.strides["accepted"].to_numpy(bool)[:60].sum())
    assert curves.untold_sentences(result) == [
        f"Walking: {n_left_out} strides on slopes walked too little, or not known throughout."
    ]


def test_few_strides_are_drawn_one_by_one_and_fewer_told(make_result):
    few = make_result(sensors=("left_foot", "left_shank"), plan=(("run", 15),))
    ax = curves.curves_figure(few).axes[0]
    n = int(few.strides["accepted"].sum())
    assert sum(len(line.get_xdata()) == 51 for line in ax.lines) == n
    assert len(ax.collections) == 0
    three = make_result(sensors=("left_foot", "left_shank"), plan=(("walk", 60), ("run", 3)))
    assert {c.gait for c in curves.drawn_curves(three)} == {"walk"}
    assert curves.untold_sentences(three) == ["Too few to draw: 3 strides running."]
    assert "3 strides running" in curves.curves_caption(three)


def test_the_usual_lies_behind_and_is_told(hill):
    mean = next(c for c in curves.drawn_curves(hill) if (c.leg, c.slope) == ("left", "up")).known["frontal_deg"]
    usual = {("left", "walk", "joint", "up", "frontal_deg"): UsualCurve(low=mean - 1, high=mean + 1, n_sessions=4)}
    plain, grey = curves.curves_figure(hill), curves.curves_figure(hill, usual=usual)
    assert len(grey.axes[0].collections) == len(plain.axes[0].collections) + 1
    drawn = grey.axes[0].collections[-1].get_paths()[0].vertices[:, 1]
    assert drawn.max() == pytest.approx((mean + 1)[::2].max())
    assert "within your usual for 100" in curves.curves_alt(hill, usual=usual)
    assert "your first 4 sessions" in curves.curves_caption(hill, usual=usual)
    assert "usual" not in curves.curves_caption(hill) + curves.curves_alt(hill)
    rows = curves.curves_grid(hill, usual=usual).rows
    assert rows[1][0] == "left, your usual (4 sessions)"
    assert rows[0][0].startswith("left ankle inversion, deg, walk uphill, n = ")


def test_nothing_to_draw_says_so(make_result):
    nothing = make_result(sensors=("left_foot",), plan=())
    assert "No gait with enough strides" in curves.curves_figure(nothing).axes[0].texts[0].get_text()
    assert curves.curves_alt(nothing).endswith("No stride to draw.")
    assert curves.curves_grid(nothing).rows == ()
    assert len(curves_table(nothing.strides, nothing.context, nothing.angles, {})) == 0
    assert list(nothing.curves.columns) == tables.CURVES.names
