"""Faults put in and named: the tally by hand, and the rows from an analysis that says too little or too much."""

from __future__ import annotations

import pytest

from ankle_imu.simulate.faults import FAULTS
from ankle_imu.validation import misworn
from ankle_imu.validation.misworn import SAID, Tally, alarms, said_of, score_misworn
from ankle_imu.validation.simulation import Extent

SMALL = Extent(wearers=2, wearer_s=50.0, rates=(52.0,))


def test_named_is_of_the_right_sensor_and_noticed_of_any():
    told = ["left_foot: the sensor slipped by 12 deg at 00:01:00"]
    assert Tally().plus(told, "slipped", "left_foot") == Tally(put=1, named=1, noticed=1)
    assert Tally().plus(told, "slipped", "right_foot") == Tally(put=1, named=0, noticed=1)
    assert Tally().plus(told, "in_a_bag", "left_foot") == Tally(put=1, named=0, noticed=1)
    assert Tally().plus(["right_shank: 3 samples lost"], "slipped", "left_foot") == Tally(put=1)
    swapped = ["left leg: the sensor called foot turns like a shank"]
    assert Tally().plus(swapped, "foot_shank_swapped", "left_shank").named == 1


def test_every_fault_has_its_words():
    assert SAID.keys() == FAULTS.keys()
    assert alarms(["gyr was scaled with 2 times", "all is well"]) == ["gyr was scaled with 2 times"]


def test_an_analysis_that_says_nothing_names_nothing(monkeypatch):
    monkeypatch.setattr(misworn, "said_of", lambda recording: ())
    rows = {row.quantity: row for row in score_misworn(SMALL)}
    assert len(rows) == len(FAULTS) + 1
    sound = rows.pop("sound recordings, share with an alarm")
    assert (sound.value, sound.n, sound.verdict) == (0.0, 2, "met")
    assert {row.value for row in rows.values()} == {0.0}
    assert {row.verdict for row in rows.values()} == {"missed"}


def test_an_analysis_that_always_complains_alarms_everybody(monkeypatch):
    every = tuple(f"{word} left leg right leg" for words in SAID.values() for word in words)
    monkeypatch.setattr(misworn, "said_of", lambda recording: every)
    rows = {row.quantity: row for row in score_misworn(SMALL)}
    assert rows.pop("sound recordings, share with an alarm").verdict == "missed"
    assert {row.value for row in rows.values()} == {1.0}


def test_a_refusal_is_something_said():
    recording, _ = misworn._simulated(SMALL, 1)
    (told,) = said_of(misworn.apply_fault(recording, "gyr_in_degrees", placement="left_foot"))
    assert "left_foot" in told
    assert "deg/s" in told


def test_gross_faults_are_named_in_real_recordings(shared, full):
    if not full:
        pytest.skip("half a minute: --full")
    rows = {
        row.quantity: row
        for row in score_misworn(Extent(wearers=0), shared / "data")
        if row.case.endswith("tries each")
    }
    for name in ("foot shank swapped", "in a bag", "left lying", "gyr in degrees"):
        assert rows[f"{name}, share named"].value > 0.9
