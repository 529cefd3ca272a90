"""The map: metres without a place on earth, ends left out, colour by spread, events on the line."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest

from ankle_imu import tables
from ankle_imu.report import trail
from ankle_imu.report.svg import inline_svg
from ankle_imu.report.trail_line import trail_line
from ankle_imu.terrain.points import EARTH_M

HOME = (46.36251, 13.84263)


def with_track(result, east, north, every_s=1.0, home=HOME):
    """The session with a track through these metres, a point a second over its whole time."""
    time = np.arange(0.0, result.duration_s, every_s)
    share = np.linspace(0.0, 1.0, len(east))
    x, y = (np.interp(time / result.duration_s, share, values) for values in (east, north))
    latitude = home[0] + np.degrees(y / EARTH_M)
    longitude = home[1] + np.degrees(x / EARTH_M / np.cos(np.radians(home[0])))
    way = np.concatenate([[0.0], np.cumsum(np.hypot(np.diff(x), np.diff(y)))])
    columns = {"time_s": time, "latitude_deg": latitude, "longitude_deg": longitude, "distance_m": way}
    return replace(result, track=tables.make_table(tables.TRACK, columns))


@pytest.fixture(scope="module")
def walked(make_result):
    return make_result(plan=(("walk", 700),))


def test_line_is_in_metres_about_its_own_middle(walked):
    line = trail_line(with_track(walked, [0.0, 1000.0], [0.0, 0.0]), trim_m=0.0)
    assert np.ptp(line.east) == pytest.approx(1000.0, abs=5.0)
    assert np.abs(line.north).max() < 0.1
    assert line.east.max() == pytest.approx(-line.east.min(), abs=3.0)
    assert line.length == pytest.approx(1000.0, abs=5.0)


@pytest.mark.parametrize("home", [HOME, (-45.0, 179.9999), (0.0, 0.0), (78.2, 15.6)])
def test_shape_does_not_depend_on_the_place(walked, home):
    there = trail_line(with_track(walked, [0.0, 400.0, 0.0], [0.0, 300.0, 600.0], home=home), trim_m=0.0)
    here = trail_line(with_track(walked, [0.0, 400.0, 0.0], [0.0, 300.0, 600.0]), trim_m=0.0)
    np.testing.assert_allclose(there.north, here.north, atol=0.5)
    np.testing.assert_allclose(there.east, here.east, atol=0.5)


def test_ends_are_left_out_and_a_short_rest_is_nothing(walked):
    long = with_track(walked, [0.0, 3000.0], [0.0, 0.0])
    line = trail_line(long)
    whole = trail_line(long, trim_m=0.0)
    assert line.way.min() > 150.0
    assert line.way.max() < whole.way.max() - 150.0
    short = with_track(walked, [0.0, 350.0], [0.0, 0.0])
    assert not trail.is_shown(short)
    assert trail.is_shown(short, trim_m=0.0)
    assert "without the surroundings of its ends" in trail.trail_figure(short).axes[0].texts[0].get_text()
    assert trail.trail_grid(short).rows == ()
    assert trail.trail_alt(short) == "No way to show."
    assert trail.trail_figure(walked).axes[0].texts[0].get_text() == "No track of this session."


def test_no_place_on_earth_is_in_the_picture(walked):
    result = with_track(walked, [0.0, 2000.0, 1500.0], [0.0, 500.0, 1500.0])
    told = inline_svg(trail.trail_figure(result), "t", trail.trail_alt(result)) + trail.trail_caption(result)
    told += repr(trail.trail_grid(result))
    assert not re.findall(r"46\.3|13\.8", told)


@pytest.mark.parametrize("km", [0.5, 5.0, 30.0])
def test_long_walks_have_as_many_points_as_short_ones(walked, km):
    angle = np.linspace(0.0, 2.0 * np.pi, 400)
    radius = 1000.0 * km / (2.0 * np.pi)
    result = with_track(walked, radius * np.cos(angle), radius * np.sin(angle), every_s=0.25)
    line = trail_line(result, trim_m=0.0)
    assert len(line.time) <= 702
    figure = trail.trail_figure(result, trim_m=0.0)
    ax = figure.axes[0]
    box = ax.get_window_extent()
    assert np.ptp(ax.get_xlim()) / box.width == pytest.approx(np.ptp(ax.get_ylim()) / box.height)
    assert len(inline_svg(figure, "t", "x")) < 90_000


def test_colour_and_width_rise_with_spread(walked):
    strides = walked.strides.copy()
    rng = np.random.default_rng(0)
    grow = np.linspace(0.5, 3.0, len(strides))
    strides["range_stance_deg"] = 10.0 + grow * rng.normal(size=len(strides))
    result = with_track(replace(walked, strides=strides), [0.0, 3000.0], [0.0, 0.0])
    line = trail_line(result, trim_m=0.0)
    known = np.isfinite(line.spread)
    assert np.corrcoef(line.way[known], line.spread[known])[0, 1] > 0.9
    strokes = [x for x in trail.trail_figure(result, trim_m=0.0).axes[0].lines if x.get_gid()]
    own = [(int(s.get_gid()[1:]), s.get_linewidth(), np.mean(s.get_xdata())) for s in strokes]
    widths = {number: width for number, width, _ in own}
    assert len(widths) >= 4
    assert list(dict(sorted(widths.items())).values()) == sorted(widths.values())
    lightness = {int(s.get_gid()[1:]): np.dot(s.get_color()[:3], [0.3, 0.59, 0.11]) for s in strokes}
    assert list(dict(sorted(lightness.items())).values()) == sorted(lightness.values(), reverse=True)


def test_the_way_back_lies_beside_the_way_out(walked):
    result = with_track(walked, [0.0, 1000.0, 0.0], [0.0, 0.0, 0.0])
    line = trail_line(result, trim_m=0.0)
    place = trail._beside(line, 1.0)
    out, back = place[line.way < 950.0], place[line.way > 1050.0]
    assert out[5:-5, 1].max() < back[5:-5, 1].min(), "eastwards lies south"


def test_events_lie_on_the_line_or_are_told(walked):
    result = with_track(walked, [0.0, 3000.0], [0.0, 0.0])
    at_home = result.events.assign(time_s=[1.0, result.events["time_s"].iloc[1]])
    line = trail_line(result)
    assert [n for n, _ in trail.shown_on(result, line)] == ["1", "2"]
    hidden = replace(result, events=at_home)
    assert [n for n, _ in trail.shown_on(hidden, line)] == ["2"]
    assert "1 event is not on what is shown" in trail.trail_caption(hidden)
    texts = [t.get_text() for t in trail.trail_figure(hidden).axes[0].texts]
    assert "2" in texts
    assert "1" not in texts
    assert sum("2" in row[2] for row in trail.trail_grid(hidden).rows) == 1


@pytest.mark.parametrize(("metres", "length"), [(1.0, 100.0), (0.4, 50.0), (0.14, 20.0), (20.0, 2000.0)])
def test_scale_bar_is_round(metres, length):
    assert trail.scale_m(metres) == length
    assert 60.0 <= length / metres <= 150.0
