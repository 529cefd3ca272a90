"""A person's own limits: by hand, and never beyond a confirmed roll."""

from __future__ import annotations

import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from ankle_imu import tables
from ankle_imu.metrics.own_limits import HIGHEST, LOWEST, own_limits


def said(*rows: tuple[str, str, float, float], source: str = "joint") -> pd.DataFrame:
    kind, verdict, deg, dps = (list(x) for x in zip(*rows, strict=True)) if rows else ([], [], [], [])
    return tables.make_table(
        tables.EVENTS,
        {
            "kind": kind,
            "verdict": verdict,
            "peak_deg": deg,
            "peak_dps": dps,
            "angle_source": [source] * len(kind),
        },
    )


FALSE = [("roll", "false", 21.0, 420.0), ("roll", "false", 22.0, 400.0), ("roll", "false", 21.5, 600.0)]


def test_three_rejected_rolls_raise_the_limit_just_above_them() -> None:
    assert own_limits(said(*FALSE)) == (22.5, 300.0)


def test_two_are_no_pattern() -> None:
    assert own_limits(said(*FALSE[:2])) == (20.0, 300.0)


def test_a_confirmed_roll_holds_the_limit_down() -> None:
    """Confirmed at 22.6 deg: no more than 21.47 deg; what can be rejected below that is."""
    deg, dps = own_limits(said(*FALSE, ("roll", "real", 22.6, 900.0)))
    assert deg <= 0.95 * 22.6
    assert 420.0 < dps <= 450.0, "the rates tell the others apart"


def test_what_hurt_below_the_limit_lowers_it() -> None:
    assert own_limits(said(("wobble", "painful", 17.0, 260.0))) == (0.95 * 17.0, 208.0)
    assert own_limits(said(("wobble", "real", 17.0, 260.0))) == (20.0, 300.0)
    assert own_limits(said(("wobble", "painful", 3.0, 60.0))) == LOWEST


def test_a_foot_alone_counts_by_nine_tenths() -> None:
    assert own_limits(said(*[("roll", "false", 0.9 * d, r) for _, _, d, r in FALSE], source="foot"))[0] == 22.5


EVENT = st.tuples(
    st.sampled_from(["roll", "hard_roll", "eversion_roll", "wobble", "marker"]),
    st.sampled_from(["none", "real", "false", "painful"]),
    st.floats(15.0, 80.0),
    st.floats(200.0, 1500.0),
)


@given(st.lists(EVENT, max_size=25))
def test_no_limit_exceeds_a_confirmed_roll_or_its_bounds(rows: list[tuple[str, str, float, float]]) -> None:
    events = said(*rows)
    deg, dps = own_limits(events)
    assert LOWEST[0] <= deg <= HIGHEST[0]
    assert LOWEST[1] <= dps <= HIGHEST[1]
    confirmed = events["verdict"].isin(["real", "painful"]) & ~events["kind"].isin(["wobble", "marker"])
    assert (events["peak_deg"][confirmed] >= deg).all()
    assert (events["peak_dps"][confirmed] >= dps).all()
    assert own_limits(events.sample(frac=1.0, random_state=1)) == (deg, dps)
