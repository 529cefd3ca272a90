"""Results of practice on disk and back."""

from __future__ import annotations

import pandas as pd
import pytest

from ankle_imu.analysis.practice import analyze_practice
from ankle_imu.errors import CorruptRecording, RecordingError
from ankle_imu.library.derived import PRACTICE, find_result, read_json, write_json
from ankle_imu.library.practice import find_practice, is_practice_up_to_date, load_practice, save_practice
from ankle_imu.session_io import open_session, save_recording
from ankle_imu.simulate.practice import Exercise, PracticePlan, practise

TABLES = ("blocks", "reps", "ranges", "holds", "sway", "compensations")


@pytest.fixture(scope="module")
def result():
    exercises = (
        Exercise(kind="neutral"),
        Exercise(kind="swing"),
        Exercise(kind="rom", action="plantarflexion", load="ankle_weight", load_kg=1.0),
        Exercise(kind="hold", action="plantarflexion", reps=1),
    )
    return analyze_practice(practise(PracticePlan(exercises=exercises, errors="typical"))[0])


def test_a_saved_result_comes_back_as_it_was(result, tmp_path):
    folder = save_practice(tmp_path, result)
    assert folder == find_practice(tmp_path)
    again = load_practice(tmp_path)
    for name in TABLES:
        pd.testing.assert_frame_equal(getattr(again, name), getattr(result, name))
    pd.testing.assert_frame_equal(again.angles, result.angles, rtol=1e-5)
    assert again.settings == result.settings
    assert again.session.kind == "practice"
    assert again.quality["warnings"] == result.quality["warnings"]
    assert (folder / "practice_holds.columns.json").exists()


def test_it_is_never_taken_for_a_walk(result, tmp_path):
    save_practice(tmp_path, result)
    assert find_result(tmp_path) is None


def test_a_result_from_before_the_offsets_were_found_is_made_anew(tmp_path):
    exercises = (Exercise(kind="neutral"), Exercise(kind="swing"))
    folder = save_recording(practise(PracticePlan(exercises=exercises))[0], tmp_path)
    head = save_practice(folder, analyze_practice(open_session(folder))) / PRACTICE
    assert is_practice_up_to_date(folder)
    write_json(head, {**read_json(head), "format_version": 1})
    assert not is_practice_up_to_date(folder)
    assert len(load_practice(folder).blocks) == 2, "still read"


def test_none_and_a_damaged_one(result, tmp_path):
    with pytest.raises(RecordingError, match="no result of practice"):
        load_practice(tmp_path)
    folder = save_practice(tmp_path, result)
    (folder / "practice_reps.parquet").write_bytes(b"PAR1")
    with pytest.raises(CorruptRecording):
        load_practice(tmp_path)
