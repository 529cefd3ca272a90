"""The page of a practice session: what it says, draws and lists is what was measured."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import ankle_imu as ai
from ankle_imu.errors import RecordingError
from ankle_imu.mobility import ACTIONS
from ankle_imu.report import imprint
from ankle_imu.report import practice_figures as figures
from ankle_imu.report import practice_tables as grids
from ankle_imu.report import practice_words as told
from ankle_imu.report.practice_page import practice_html
from ankle_imu.simulate.practice import Exercise, PracticePlan, practise

WEIGHT = {"load": "ankle_weight", "load_kg": 1.5}


@pytest.fixture(scope="module")
def result():
    exercises = (
        Exercise(kind="neutral"),
        Exercise(kind="swing"),
        Exercise(kind="rom", action="dorsiflexion"),
        Exercise(kind="rom", action="dorsiflexion", mode="assisted"),
        Exercise(kind="rom", action="inversion", **WEIGHT, compensation="hip_turns", compensated=1),
        Exercise(kind="hold", action="dorsiflexion", reps=2),
        Exercise(kind="lift-off", action="dorsiflexion", hold_s=12.0),
        Exercise(kind="balance", position="standing"),
    )
    return ai.analyze_practice(practise(PracticePlan(exercises=exercises, sampling_rate=52.0))[0])


def test_the_verdict_names_range_hold_and_stance(result):
    verdict = told.judge_practice(result)
    row = next(r for r in told.rows_of(result.ranges) if r.action == "dorsiflexion")
    assert f"{row.active_deg:.1f} deg by itself and {row.assisted_deg:.1f} deg with help" in verdict.lines[0]
    assert "inversion, ankle weight 1.5 kg" in verdict.lines[0]
    assert verdict.lines[1].startswith("3 holds, ")
    assert "eyes open" in verdict.lines[2]
    assert "the hip turned in 1 repetition." in verdict.reasons
    assert verdict.level == 1


def test_a_lunge_is_trusted_when_its_sensor_is_known():
    exercises = (
        Exercise(kind="neutral"),
        Exercise(kind="swing"),
        Exercise(kind="neutral", position="standing"),
        Exercise(kind="lunge", position="standing"),
    )
    lunge = ai.analyze_practice(practise(PracticePlan(exercises=exercises, sampling_rate=52.0))[0])
    assert told.judge_practice(lunge).level == 0, "the poses of the session show the offset"
    left = 1.96 * lunge.quality["accelerometers"]["left_shank"]["doubt_deg"]
    assert f"leaves ± {left:.1f} deg (95 %)" in grids.sensors_grid(lunge).rows[1][-1]
    unfitted = {p: {**one, "applied": False} for p, one in lunge.quality["accelerometers"].items()}
    off = 1.96 * unfitted["left_shank"]["doubt_without_deg"]
    doubted = replace(lunge, quality={**lunge.quality, "accelerometers": unfitted})
    assert f"lunges can be {off:.1f} deg off" in " ".join(told.judge_practice(doubted).reasons)
    assert "offset not known" in practice_html(doubted)
    bare = replace(lunge, quality={k: v for k, v in lunge.quality.items() if k != "accelerometers"})
    assert "lunges can be some deg off" in " ".join(told.judge_practice(bare).reasons)
    sensors = {name: {**one, "calibration": "abc"} for name, one in lunge.quality["sensors"].items()}
    trusted = replace(bare, quality={**bare.quality, "sensors": sensors})
    assert told.judge_practice(trusted).level == 0


def test_a_direction_that_is_not_known_is_told_once():
    exercises = (Exercise(kind="neutral"), Exercise(kind="rom", action="dorsiflexion"))
    turned = ai.analyze_practice(practise(PracticePlan(exercises=exercises, sampling_rate=52.0))[0])
    reasons = " ".join(told.judge_practice(turned).reasons)
    assert reasons.count("which way the shank points") == 1


def test_a_session_without_blocks_says_so(result):
    empty = ai.analyze_practice(practise(PracticePlan(exercises=(Exercise(kind="swing"),)))[0], blocks=())
    verdict = told.judge_practice(empty)
    assert verdict.lines[0].startswith("No block of practice is marked")
    assert verdict.sure == "Do not rely on it"
    assert "No block of practice" in practice_html(empty)


def test_every_range_is_drawn_where_it_was_measured(result):
    (ax,) = figures.ranges_figure(result).axes
    points = {round(float(x), 6) for line in ax.lines for x in np.asarray(line.get_xdata(), float)}
    for row in told.rows_of(result.ranges):
        for value in (row.active_deg, row.assisted_deg):
            assert np.isnan(value) or round(value, 6) in points
    accepted = result.reps.loc[result.reps["accepted"], "end_range_deg"]
    assert {round(float(x), 6) for x in accepted} <= points


def test_holds_are_drawn_as_long_as_they_lasted(result):
    figure = figures.holds_figure(result)
    drawn = sorted(line.get_xdata()[-1] for line in figure.axes[0].lines if len(line.get_xdata()) > 2)
    assert drawn == pytest.approx(sorted(result.holds["duration_s"]), abs=0.1)


def test_sway_has_one_scale_and_the_leg_about_its_mean(result):
    ax = figures.sway_figure(result).axes[0]
    assert ax.get_xlim() == ax.get_ylim()
    way = ax.lines[0].get_xydata()
    assert np.abs(way.mean(axis=0)).max() < 0.05


def test_tables_add_up(result):
    total = sum(float(row[2]) for row in grids.tension_grid(result).rows)
    assert total == pytest.approx(result.holds["duration_s"].sum(), abs=0.2)
    assert len(grids.ranges_grid(result).rows) == len(result.ranges)
    assert len(grids.lift_off_grid(result).rows) == 1
    assert [row[2] for row in grids.compensations_grid(result).rows] == ["the hip turned"]


def test_cues_have_a_row_for_each_block_and_a_reason_for_what_is_not_seen(result):
    grid = grids.cues_grid(result)
    assert len(grid.rows) == len(result.quality["cues"])
    cells = {cell.split(" (")[0] for row in grid.rows for cell in row[1:]}
    assert cells <= {"yes", "differs", "not seen", "–"}
    assert ("not seen" in cells) == bool(grids.unseen_sentence(result))


def test_published_values_are_only_those_of_what_was_done(result):
    assert [row[0] for row in grids.bands_grid(result).rows] == ["Dorsiflexion", "Inversion"]


def test_the_page_is_the_same_fresh_or_read_back(result, tmp_path):
    from ankle_imu.library import load_practice, save_practice

    save_practice(tmp_path, result)
    assert practice_html(load_practice(tmp_path)) == practice_html(result)


def test_the_page_tells_what_made_it(result):
    made = imprint.read_imprint(practice_html(result, files={"raw/part-0001.mcap": "ab" * 32}))
    assert (made.kind, made.settings) == ("practice", result.settings)
    assert set(made.tables) == {
        *("blocks", "reps", "ranges", "holds", "sway", "compensations", "angles", "gaps", "quality")
    }
    assert set(made.figures) == {"ranges", "holds", "sway"}
    assert made.noted["tags"] == ("simulated",)


def test_one_value_more_shows(result):
    before = imprint.table_digests(result)
    holds = result.holds.copy()
    holds.loc[0, "duration_s"] += 1e-9
    after = imprint.table_digests(replace(result, holds=holds))
    assert {name for name in before if before[name] != after[name]} == {"holds"}


@pytest.mark.parametrize(
    "spoil",
    [
        lambda html: html.replace("kind&#34;: &#34;practice", "kind&#34;: &#34;walk"),
        lambda html: html.replace("kind&#34;: &#34;practice", "kind&#34;: &#34;dance"),
        lambda html: html.replace("&#34;simulated&#34;", "5"),
    ],
)
def test_an_imprint_of_another_kind_is_refused(result, spoil):
    html = practice_html(result)
    assert spoil(html) != html
    with pytest.raises(RecordingError, match="page"):
        imprint.read_imprint(spoil(html), "page.html")


def test_words_of_a_person_are_escaped(result):
    page = practice_html(replace(result, session=replace(result.session, note="<script>")))
    assert "<script>" not in page


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({}, ""),
        ({"load": "ankle_weight", "load_kg": 2.0}, "ankle weight 2 kg"),
        ({"load": "band"}, "band"),
        ({"load": "body_weight", "body_share": 0.3, "deload_cm": 10.0}, "30 % of body weight, blanket 10 cm"),
        ({"deload_cm": 0.0}, "no blanket"),
    ],
)  # fmt: skip
def test_loads_in_words(fields, said):
    from types import SimpleNamespace

    nan = float("nan")
    row = {"load": "none", "load_kg": nan, "deload_cm": nan, "body_share": nan, **fields}
    assert told.load(SimpleNamespace(**row)) == said


def test_a_block_that_was_not_measured_is_named_and_so_is_the_load_of_a_hold():
    exercises = (
        Exercise(kind="neutral"),
        Exercise(kind="rom", action="dorsiflexion"),
        Exercise(kind="hold", action="dorsiflexion", reps=1, **WEIGHT),
        Exercise(kind="hold", action="dorsiflexion", level=0.5, reps=1),
        Exercise(kind="lunge", position="standing"),
    )
    plan = PracticePlan(exercises=exercises, sampling_rate=52.0, segments=("foot",))
    foot = ai.analyze_practice(practise(plan)[0])
    verdict = told.judge_practice(foot)
    assert "s, left dorsiflexion, ankle weight 1.5 kg." in verdict.lines[1]
    reasons = " ".join(verdict.reasons)
    assert "left lunge (it takes a sensor on the shank)" in reasons
    assert "left dorsiflexion, held (no hold of" in reasons
    assert "The gap between" not in practice_html(foot)


def test_of_many_blocks_that_were_not_measured_three_are_named():
    exercises = [Exercise(kind="neutral"), Exercise(kind="swing")]
    exercises += [Exercise(kind="rom", action=a) for a in ACTIONS] + [
        Exercise(kind="rom", action="inversion", mode="assisted")
    ]
    plan = PracticePlan(exercises=tuple(exercises), sampling_rate=52.0, segments=("shank",))
    reasons = " ".join(told.judge_practice(ai.analyze_practice(practise(plan)[0])).reasons)
    assert (
        "left dorsiflexion; left plantarflexion; left inversion; 2 more (it takes a sensor on the foot)" in reasons
    )


def test_the_gap_is_explained_where_there_is_one(result):
    assert "The gap between" in practice_html(result)
