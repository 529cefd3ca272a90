"""The left-right figure: one row a metric, the affected leg marked, and a sentence where nothing can be told."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from ankle_imu.report import sides


@pytest.fixture(scope="module")
def apart(full):
    strides = full.strides.copy()
    right = strides["leg"] == "right"
    strides.loc[right, "peak_inv_vel_dps"] *= 2.0
    return replace(full, strides=strides, session=replace(full.session, affected_leg="right"))


def test_a_row_with_its_interval_for_each_metric(apart):
    found = sides.compared_sides(apart)
    figure = sides.sides_figure(apart)
    assert len(figure.axes) == sum(len({s.is_ratio for s in own}) for own in found.values())
    first = found["joint", "walk"]
    ax = figure.axes[0]
    drawn = [line for line in ax.lines if line.get_marker() == "D"]
    np.testing.assert_allclose([line.get_xdata()[0] for line in drawn], [s.value for s in first if s.is_ratio])
    intervals = [
        line.get_xdata() for line in ax.lines if line.get_linewidth() == 2.0 and len(line.get_xdata()) == 2
    ]
    np.testing.assert_allclose(intervals, [(s.low, s.high) for s in first if s.is_ratio])
    velocity = next(s for s in first if s.metric == "peak_inv_vel_dps")
    filled = {line.get_ydata()[0]: line.get_markerfacecolor() for line in drawn}
    assert filled[first.index(velocity)] != "white"
    assert velocity.is_told_apart
    assert any("right (affected) has more" in t.get_text() for t in ax.texts)
    assert len(sides.sides_figure(apart, narrow=True).axes) == len(figure.axes)
    assert len(sides.sides_figure(apart, only=("joint", "walk")).axes) == len({s.is_ratio for s in first})


def test_words_and_table_carry_formula_and_interval(apart):
    grid = sides.sides_grid(apart)
    assert "SI = (L − R) / (0.5 (L + R)) × 100" in grid.caption
    assert grid.head[2] == "Right (affected)"
    row = next(r for r in grid.rows if r[0] == "Peak inversion velocity, deg/s (walk)")
    assert "[" in row[1]
    assert "[" in row[2]
    assert " to " in row[4]
    assert "peak inversion velocity (right more, " in sides.sides_sentences(apart)[0]
    assert "Noted as affected: right." in sides.sides_caption(apart)
    assert "peak inversion velocity: −" in sides.sides_alt(apart)


def test_one_leg_or_few_strides_are_told(make_result):
    alone = make_result(sensors=("left_foot",), plan=(("walk", 120),))
    assert sides.sides_sentences(alone) == [
        "Left and right are not compared: only the left leg has usable strides."
    ]
    few = make_result(plan=(("walk", 12),))
    assert "no gait has 25 usable strides" in sides.sides_alt(few)
    assert sides.sides_grid(few).rows == ()
    assert "not compared" in sides.sides_figure(few).axes[0].texts[0].get_text()
