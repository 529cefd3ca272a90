"""How a person moved: what the table and the sentences of the report say."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ankle_imu.report.manner import manner_grid, manner_sentences
from ankle_imu.report.page import report_html


def with_columns(result, **columns):
    return replace(result, strides=result.strides.assign(**columns))


def test_one_row_per_leg_and_gait_and_no_landing_without_its_angle(full):
    grid = manner_grid(full)
    assert [row[0] for row in grid.rows] == ["Walking", "Jogging", "Running"]
    legs = [full.strides.query(f"accepted and gait == 'run' and leg == '{leg}'") for leg in ("left", "right")]
    assert grid.rows[2][1] == " / ".join(str(len(own)) for own in legs)
    assert grid.rows[2][3] == "172 / 171"
    assert grid.rows[2][5] == "0.36", "both feet alike are told once"
    assert all(row[-3:] == ("–", "–", "–") for row in grid.rows)
    assert not any("landed" in sentence for sentence in manner_sentences(full))


def test_landings_are_shares_and_their_doubt_is_said(full):
    result = with_columns(full, strike_angle_deg=np.where(full.strides["leg"] == "left", 25.0, -15.0))
    rows = {row[0]: row[-3:] for row in manner_grid(result).rows}
    assert rows["Walking"] == ("100 / 0\u00a0%", "0\u00a0%", "0 / 100\u00a0%")
    assert any("a guess" in sentence for sentence in manner_sentences(result))


def test_jog_or_run_is_estimated_unless_a_tag_says_so(full):
    said = " ".join(manner_sentences(full))
    assert "estimated, and unsure in" in said
    tagged = replace(full, session=replace(full.session, tags=("run",)))
    assert "a run, since the session's tag says so" in " ".join(manner_sentences(tagged))


def test_walking_alone_says_nothing_of_jogging(make_result):
    said = " ".join(manner_sentences(make_result(plan=(("walk", 60),))))
    assert "Jogging" not in said


def test_stairs_stops_and_turns_are_counted(make_result):
    result = make_result(("left_foot", "left_shank"), (("walk", 60),))
    n = len(result.strides)
    index = np.arange(n)
    start = result.strides["start_s"] + np.where(index >= 30, 10.0, 0.0)
    result = with_columns(
        result,
        start_s=start,
        end_s=start + result.strides["stride_time_s"],
        height_change_m=np.where(index < 5, 0.34, 0.0),
        stride_length_m=np.where(index < 5, 0.56, 1.4),
        turn_deg=np.where(index == 40, 60.0, 0.0),
    )
    said = manner_sentences(result)
    assert "On stairs: 5 strides up." in said
    assert "You stopped once, 10 s in all." in said
    assert any(s.startswith("Turns: 1 to the left;") for s in said)


def test_the_page_says_how_you_moved_where_there_are_strides(full, make_result):
    assert "How you moved" in report_html(full)
    empty = make_result(plan=())
    assert manner_sentences(empty) == []
    assert "How you moved" not in report_html(empty)
