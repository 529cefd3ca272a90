"""What came after a roll: caught or not, and how many strides until walking was as before (methods E3)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from ankle_imu import frames
from ankle_imu.metrics.settling import LEAST_BAND_DEG, resample

if TYPE_CHECKING:
    import pandas as pd

Array = NDArray[np.float64]
Spreads = dict[str, float]

ROLLS: Final = ("roll", "hard_roll", "eversion_roll")

BACK_S: Final = 0.30
"""A caught roll is back in the person's own curve within this of its peak, s. Methods E3 asks for 0.2 s, which the
way back alone fills: muscles act 60-90 ms after the onset and the torque comes 50 ms later (its C81); simulated
rolls that are caught in their stance take 0.10-0.27 s."""

BAND_MADS: Final = 2.0
DISRUPTED_Z, RECOVERED_Z = 3.0, 2.0
STANCE_CUT: Final = 0.30
STOP_S, STOP_WITHIN_S = 3.0, 10.0

BEFORE: Final = 12
BEFORE_S: Final = 30.0
"""At most so many strides of the same foot, gait and walk before the event, and not older, are its measure: the
ground and pace of that moment. Twelve slow strides of 1.5 s take 18 s; the rest is room for some of another gait
(ours)."""

BOUT_PAUSE_S: Final = 3.0
"""A pause as long ends a walk, as in the table of bouts (methods D)."""

FEWEST: Final = 5
"""With fewer strides before, nothing is said."""

TIMES: Final = ("stride_time_s", "stance_time_s")
SWERVES: Final = ("inv_excursion_deg", "peak_inv_vel_dps")

LEAST_SPREAD: Final = {"stride_time_s": 0.02, "stance_time_s": 0.03}
"""Smallest standard deviation of a time, as part of it: contacts are known to 10 ms, toe-offs to 15 (methods I4),
and ordinary walking varies by 1-4 %."""

IN_A_ROW: Final = 3
SEARCHED_S: Final = 120.0
"""Recovery is looked for as long as this."""


def judge_outcomes(
    events: pd.DataFrame, strides: pd.DataFrame, angles: pd.DataFrame, gaps: pd.DataFrame
) -> NDArray[Any]:
    """Outcome of each event.

    Parameters
    ----------
    events : table `tables.EVENTS`
    strides : table `tables.STRIDES`
    angles : table `tables.ANGLES`
    gaps : table `tables.GAPS`; those that are filled hide nothing

    Returns
    -------
    (n,) object array of `save` | `disrupted` | `na`

    Notes
    -----
    `disrupted`: one of the next two strides of that foot is off by 3 robust standard deviations in stride or
    stance time, the stance of the roll is cut by 30 %, or within 10 s both feet stand for 3 s. `save`: none of
    that, and the angle is within 2 MAD of the person's own curve within 0.3 s of the peak. `na`: neither, a gap of
    that leg hides the pause or one of the two strides, a time of these is not known, fewer than two follow, or
    fewer than 5 went before; and all that is no roll. The person's measure is the last strides of that foot before
    the event, at most 12: of the gait of the event, since the last pause of 3 s, and within 30 s. The standard
    deviation is that of strides about their neighbours.
    """
    outcome = np.full(len(events), "na", dtype=object)
    for i, event in enumerate(_rows(events)):
        if event.kind not in ROLLS:
            continue
        at, holes = float(event.time_s), _holes(gaps, event.leg)
        own = _seen(strides[strides["leg"] == event.leg].sort_values("start_s"), holes)
        before, after = _around(own, at)
        stops = _stops(strides, at, float(angles["time_s"].iloc[-1]))
        is_hidden = _overlap(stops, holes)
        if not is_hidden.all() or (len(before) >= FEWEST and _is_thrown_off(own, before, after, at)):
            outcome[i] = "disrupted"
        elif len(stops) or len(before) < FEWEST or not _is_known(after, at, holes):
            continue
        elif _is_back(event, own, angles):
            outcome[i] = "save"
    return outcome


def recover(strides: pd.DataFrame, events: pd.DataFrame) -> pd.DataFrame:
    """How long each roll was felt in the strides after it.

    Parameters
    ----------
    strides : table `tables.STRIDES`
    events : table `tables.EVENTS`

    Returns
    -------
    table, one row per roll: event_id, recovery_strides, recovery_s. Strides of both feet between the roll's own
    and the first of three in a row that are as before, and the time from the peak to its contact; NaN where that
    does not happen within 120 s, or the strides before are too few to compare with

    Notes
    -----
    As before: stride and stance time known and within 2 robust standard deviations of the strides of that foot
    before the event (see `judge_outcomes`), inversion excursion and peak velocity not more than 2 above. At a
    random moment of ordinary walking the answer is mostly 0 strides, but chance alone makes it more at times.

    A 9-10 deg perturbation under the foot leaves the recovery step of young adults unchanged (methods C83): few
    strides are to be expected.
    """
    import pandas as pd

    rows = []
    ordered = strides.sort_values("start_s", kind="stable")
    start = ordered["start_s"].to_numpy(float)
    legs = {leg: ordered[ordered["leg"] == leg] for leg in ordered["leg"].unique()}
    spreads = {leg: _spreads(own) for leg, own in legs.items()}
    for event in _rows(events[events["kind"].isin(ROLLS)]):
        at = float(event.time_s)
        follow = ordered[(start > at) & (start < at + SEARCHED_S)]
        is_usual = np.zeros(len(follow), dtype=bool)
        for leg in follow["leg"].unique():
            own = legs[leg]
            before = _around(own, at)[0]
            chosen = (follow["leg"] == leg).to_numpy()
            if len(before) >= FEWEST:
                is_usual[chosen] = _is_usual(spreads[leg], before, follow[chosen])
        run = np.convolve(is_usual, np.ones(IN_A_ROW), "valid") == IN_A_ROW if len(follow) >= IN_A_ROW else []
        first = int(np.argmax(run)) if np.any(run) else -1
        known = first >= 0
        rows.append(
            {
                "event_id": int(event.event_id),
                "recovery_strides": float(first) if known else float("nan"),
                "recovery_s": float(follow["start_s"].iloc[first]) - at if known else float("nan"),
            }
        )
    return pd.DataFrame(rows, columns=["event_id", "recovery_strides", "recovery_s"])


def _rows(events: pd.DataFrame) -> list[Any]:
    return list(events.itertuples())


def _holes(gaps: pd.DataFrame, leg: str) -> Array:
    """Start and end, (k, 2) s, of what is missing of a leg's sensors and was not filled."""
    chosen = [not g.filled and frames.leg_of(g.placement) == leg for g in _rows(gaps)]
    return np.asarray(gaps.loc[chosen, ["start_s", "end_s"]].to_numpy(float))


def _overlap(spans: Array, holes: Array) -> NDArray[np.bool_]:
    """Which spans (n, 2) share time with a hole (k, 2)."""
    return np.asarray(((spans[:, None, 0] < holes[:, 1]) & (holes[:, 0] < spans[:, None, 1])).any(axis=1))


def _seen(own: pd.DataFrame, holes: Array) -> pd.DataFrame:
    """Strides whose times are NaN where a contact may have fallen into a hole."""
    torn = _overlap(own[["start_s", "end_s"]].to_numpy(float), holes)
    return own.assign(**{name: np.where(torn, np.nan, own[name].to_numpy(float)) for name in TIMES})


def _is_known(after: pd.DataFrame, at: float, holes: Array) -> bool:
    """Whether two strides follow, both with their times and nothing missing on the way."""
    if len(after) < 2 or not np.isfinite(after[list(TIMES)].to_numpy(float)).all():
        return False
    return not _overlap(np.array([[at, float(after["end_s"].max())]]), holes).any()


def _around(own: pd.DataFrame, at: float) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The strides of one foot that ended before the stance of the event and are its measure, and the next two."""
    start, end = own["start_s"].to_numpy(float), own["end_s"].to_numpy(float)
    after = own[(start > at) & (start < at + STOP_WITHIN_S)].head(2)
    begun = np.flatnonzero(start <= at + 0.02)
    if not len(begun):
        return own.head(0), after
    pauses = begun[1:][start[begun[1:]] - end[begun[:-1]] >= BOUT_PAUSE_S]
    since = max(at - BEFORE_S, float(start[pauses[-1]]) if len(pauses) else -np.inf)
    alike = (own["gait"] == own["gait"].iloc[begun[-1]]).to_numpy()
    known = np.isfinite(own[list(TIMES)].to_numpy(float)).all(axis=1)
    return own[alike & known & (start >= since) & (end <= at + 0.02)].tail(BEFORE), after


def _is_thrown_off(own: pd.DataFrame, before: pd.DataFrame, after: pd.DataFrame, at: float) -> bool:
    """Whether the event's stance was cut short or the next two strides are out of time."""
    spreads = _spreads(own)
    if any((np.abs(_z(spreads, before, after, name)) >= DISRUPTED_Z).any() for name in TIMES):
        return True
    this = own[(own["start_s"] <= at + 0.02) & (own["end_s"] > at)]
    usual = (1.0 - STANCE_CUT) * float(before["stance_time_s"].median())
    return bool((this["stance_time_s"] < usual).any())


def _is_usual(spreads: Spreads, before: pd.DataFrame, strides: pd.DataFrame) -> NDArray[np.bool_]:
    usual = np.ones(len(strides), dtype=bool)
    for name in TIMES:
        # A time that is not known (NaN) is not as before.
        usual &= np.abs(_z(spreads, before, strides, name)) < RECOVERED_Z
    for name in SWERVES:
        usual &= ~(_z(spreads, before, strides, name) >= RECOVERED_Z)
    return usual


def _spreads(own: pd.DataFrame) -> Spreads:
    """Robust standard deviation of a foot's strides, from the differences of neighbours."""
    return {name: _spread(own[name].to_numpy(float)) for name in (*TIMES, *SWERVES)}


def _spread(values: Array) -> float:
    away = np.abs(np.diff(values))
    away = away[np.isfinite(away)]
    # The difference of two neighbours spreads sqrt(2) wider than each; MAD of a difference about zero.
    return 1.4826 / np.sqrt(2.0) * float(np.median(away)) if len(away) else 0.0


def _z(spreads: Spreads, before: pd.DataFrame, strides: pd.DataFrame, name: str) -> Array:
    """Distance of strides from those before the event, in robust standard deviations of neighbours."""
    usual = float(np.nanmedian(before[name])) if np.isfinite(before[name]).any() else float("nan")
    spread = max(spreads[name], LEAST_SPREAD.get(name, 0.0) * abs(usual))
    apart = strides[name].to_numpy(float) - usual
    return np.asarray(apart / spread if spread > 0 else 0.0 * apart)


def _stops(strides: pd.DataFrame, at: float, end: float) -> Array:
    """Start and end, (n, 2) s, of pauses of 3 s and more between contacts, begun within 10 s of the event."""
    contacts = np.sort(np.concatenate([strides["start_s"], strides["end_s"]]))
    last = max(float(contacts[-1]), at) if len(contacts) else at
    contacts = np.concatenate([[at], contacts[contacts > at], [end] if end - last >= STOP_S else []])
    spans = np.column_stack([contacts[:-1], contacts[1:]])
    return spans[(np.diff(contacts) >= STOP_S) & (contacts[:-1] <= at + STOP_WITHIN_S)]


def _is_back(event: Any, own: pd.DataFrame, angles: pd.DataFrame) -> bool:
    """Whether the angle is back in the person's own curve in time."""
    kind = "inversion" if event.angle_source == "joint" else "foot_tilt"
    angle, time = angles[f"{event.leg}_{kind}_deg"].to_numpy(float), angles["time_s"].to_numpy(float)
    this = own[(own["start_s"] <= event.time_s + 0.02) & (own["end_s"] > event.time_s)]
    if not len(this):
        return False
    stride = this.iloc[-1]
    alike = own[(own["gait"] == stride["gait"]) & own["accepted"].astype(bool) & (own.index != stride.name)]
    rate = (len(time) - 1) / (time[-1] - time[0])
    at = np.arange(event.time_s, min(event.time_s + BACK_S, stride["end_s"]), 1.0 / rate)
    share = (at - stride["start_s"]) / (stride["end_s"] - stride["start_s"])
    start, length = alike["start_s"].to_numpy(float), (alike["end_s"] - alike["start_s"]).to_numpy(float)
    curves = resample(angle, (start[:, None] + length[:, None] * share - time[0]) * rate)
    curves = curves[np.isfinite(curves).all(axis=1)]
    if len(curves) < FEWEST:
        return False
    usual = np.median(curves, axis=0)
    band = np.maximum(BAND_MADS * np.median(np.abs(curves - usual), axis=0), LEAST_BAND_DEG)
    with np.errstate(invalid="ignore"):
        return bool((np.abs(resample(angle, (at - time[0]) * rate) - usual) <= band).any())
