"""The timeline and the distributions: every stride counted, panels only for what is known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from ankle_imu.report import excursions, timeline, words


def test_every_accepted_stride_and_event_is_drawn(full):
    ax = timeline.timeline_figure(full).axes[0]
    drawn = sum(len(line.get_xdata()) for line in ax.lines if line.get_marker() in ("o", "s"))
    assert drawn == full.strides["accepted"].sum()
    assert {"1", "2"} <= {t.get_text() for t in ax.texts}
    assert "stile <b>here</b>" in {t.get_text() for t in ax.texts}


def test_a_long_walk_is_a_band_with_its_largest_strides(make_result):
    long = make_result(plan=(("walk", 1800),), sensors=("left_foot",))
    ax = timeline.timeline_figure(long).axes[0]
    values = long.strides.query("accepted")["range_stance_deg"].to_numpy()
    dots = next(line for line in ax.lines if line.get_marker() == "o")
    assert sorted(dots.get_ydata()) == sorted(values[values > np.quantile(values, 0.99)])
    assert not any(line.get_rasterized() for line in ax.lines)
    assert "Band: the middle 80 %" in timeline.timeline_caption(long)


def test_panels_only_for_what_is_known(full):
    names = [c.name for c in timeline.courses(full)]
    assert names == ["speed, m/s"]
    n = len(full.strides)
    climb = np.linspace(100.0, 180.0, n)
    context = full.context.assign(elevation_m=climb, grade=0.05, roughness_deg=7.0)
    hill = replace(full, context=context)
    names = [c.name for c in timeline.courses(hill)]
    assert names == ["height, m", "slope, deg (+ uphill)", "roughness, deg", "speed, m/s"]
    height = timeline.courses(hill)[0]
    assert np.nanmax(height.levels) == pytest.approx(80.0, abs=3.0)
    figure = timeline.timeline_figure(hill)
    assert len(figure.axes) == 5
    assert len({ax.get_xlim() for ax in figure.axes}) == 1
    assert [ax.get_title(loc="left") for ax in figure.axes[1:]] == names
    assert "slope from 2.9 to 2.9 deg (+ uphill)" in timeline.timeline_alt(hill)
    assert timeline.timeline_grid(hill).head[-4:] == tuple(names)
    flat = replace(full, context=full.context.assign(elevation_m=500.0))
    assert "height, m" not in [c.name for c in timeline.courses(flat)]


def test_height_by_the_feet_where_no_track_is(full):
    strides = full.strides.assign(height_change_m=0.05)
    found = timeline.courses(replace(full, strides=strides))
    height = next(c for c in found if c.name == "height by the feet, m")
    n = (strides["leg"] == "left").sum()
    assert np.nanmax(height.levels) == pytest.approx(0.05 * (n - 1), rel=0.1)
    assert "drifts" in timeline.timeline_caption(replace(full, strides=strides))


def test_distribution_adds_up_and_counts_exceedances(full):
    figure = excursions.excursion_figure(full)
    ax = figure.axes[0]
    assert ax.patches[0].get_data().values.sum() == pytest.approx(100.0)
    assert ax.get_xlabel() == "range of inversion in stance, deg"
    walk = full.strides.query("accepted and leg == 'left' and gait == 'walk'")["range_stance_deg"]
    assert words.percent((walk > 15).sum(), len(walk)) in "".join(t.get_text() for t in ax.texts)
    assert [a.get_title(loc="left") for a in figure.axes[:2]] == [
        "Walking: range in stance",
        "Walking: eversion excursion",
    ]


def test_excursions_of_nothing_are_told_as_a_share(full):
    strides = full.strides.copy()
    strides["inv_excursion_deg"] = np.where(np.arange(len(strides)) % 10 == 0, 6.0, 0.0)
    result = replace(full, strides=strides)
    assert not any("inv_excursion" in key[2] for key in excursions.drawn_keys(result))
    own = strides.query("accepted and leg == 'left' and gait == 'walk'")["inv_excursion_deg"]
    share = words.percent(int((own > 1).sum()), len(own))
    row = next(r for r in excursions.further_grid(result).rows if r[0] == "Walking, ankle inversion")
    assert row[1] == f"{share} (6.0 deg)"
    row = next(r for r in excursions.excursion_grid(result).rows if "walk: inversion excursion where" in r[0])
    assert row[2:5] == ("6.0", "6.0", "6.0")


def test_few_strides_make_no_distribution(make_result):
    few = make_result(sensors=("left_foot", "left_shank"), plan=(("walk", 60), ("run", 3)))
    assert {gait for _, gait, _ in excursions.drawn_keys(few)} == {"walk"}
    three = make_result(sensors=("left_foot", "left_shank"), plan=(("run", 3),))
    assert excursions.drawn_keys(three) == []
    assert "no distribution" in excursions.excursion_figure(three).axes[0].texts[0].get_text()
