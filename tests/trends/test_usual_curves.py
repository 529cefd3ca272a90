"""Whose curves make the grey band: the first sessions since the last change, never the session itself."""

from __future__ import annotations

import numpy as np
import pytest

from ankle_imu import tables
from ankle_imu.comparison import SessionStrides
from ankle_imu.trends import PastSession, Worn, usual_curves


def table(level, leg="left", slope="all"):
    return tables.make_table(tables.CURVES, {
        "leg": [leg] * 101, "gait": ["walk"] * 101, "angle_source": ["joint"] * 101, "slope": [slope] * 101,
        "percent": np.arange(101), "n_strides": [100] * 101, "frontal_deg": np.full(101, float(level)),
    })  # fmt: skip


def past(day, level, shoe="a", read=True):
    when = f"2026-05-{day:02d}T09:00:00Z"
    return PastSession(
        alias="P-TEST",
        strides=SessionStrides(
            session_id=f"s{day}",
            start_utc=when,
            strides=tables.make_table(tables.STRIDES, {}),
            context=tables.make_table(tables.CONTEXT, {}),
            events=tables.make_table(tables.EVENTS, {}),
        ),
        worn=Worn(session_id=f"s{day}", start_utc=when, shoe=shoe),
        **({"read_curves": lambda: table(level)} if read else {}),
    )


KEY = ("left", "walk", "joint", "all", "frontal_deg")


def test_span_of_the_first_five_earlier_sessions():
    history = [past(day, day) for day in range(1, 10)]
    band = usual_curves(history[::-1], "s8")[KEY]
    assert band.n_sessions == 5
    assert (band.low == 1.0).all()
    assert (band.high == 5.0).all()
    assert list(usual_curves(history, "s8")) == [KEY], "curves that are not known make no band"


def test_a_session_is_not_its_own_usual_and_later_ones_do_not_count():
    history = [past(day, day) for day in range(1, 10)]
    band = usual_curves(history, "s4")[KEY]
    assert (band.n_sessions, band.high[0]) == (3, 3.0)
    assert usual_curves(history, "s3") == {}
    assert usual_curves([], "s3") == {}


def test_another_shoe_begins_anew():
    history = [past(day, day, shoe="a" if day < 5 else "b") for day in range(1, 10)]
    assert usual_curves(history, "s7") == {}
    assert usual_curves(history, "s8")[KEY].low[0] == 5.0


def test_sessions_without_curves_are_passed_over():
    history = [past(day, day, read=day != 2) for day in range(1, 8)]
    assert usual_curves(history, "s7")[KEY].high[0] == 6.0
    assert usual_curves(history, "unknown", "2026-05-20T09:00:00Z")[KEY].high[0] == 6.0
    assert usual_curves(history, "unknown")[KEY].n_sessions == 5


def test_what_is_read_is_read_when_asked():
    def fail():
        raise AssertionError

    from dataclasses import replace

    late = replace(past(9, 9), read_curves=fail)
    assert (
        usual_curves([past(1, 1), past(2, 2), past(3, 3), late], "s4", "2026-05-04T09:00:00Z")[KEY].n_sessions == 3
    )
    with pytest.raises(AssertionError):
        usual_curves([late], "s10", "2026-05-10T09:00:00Z")
