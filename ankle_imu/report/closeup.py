"""One roll close up: angle and rate around it, beside the person's usual, and what happened in words."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from ankle_imu.metrics.recovery import BAND_MADS, BEFORE, ROLLS, STOP_S
from ankle_imu.metrics.settling import resample
from ankle_imu.report import series, style, words
from ankle_imu.report.per_result import per_result
from ankle_imu.report.render import panelled

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

    from ankle_imu.values import SessionResult

    Array = NDArray[np.float64]

BEFORE_S, AFTER_S = 1.0, 2.0
SHOWN: Final = 6
"""Pictures of a page at most: the largest rolls."""
MOST: Final = 400
"""Strides of a band at most, evenly over the session: their median is off by 0.06 SD; ours."""
CLOCK: Final = 10_000
"""Samples that tell the step of the time axis, which is even."""
FEWEST: Final = 10
"""Fewer strides of the gait make no band."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Closeup:
    """What is drawn, against seconds from the peak.

    `time, angle, rate`: (n,) s, deg, deg/s; `usual_angle, usual_rate`: (n, 3) low, middle and high of the band,
    NaN where the foot was in no stride; `stances`: contact and toe-off of each stance in the picture, s.
    """

    time: Array
    angle: Array
    rate: Array
    usual_angle: Array
    usual_rate: Array
    stances: list[tuple[float, float]]


def shown_rolls(result: SessionResult) -> list[Any]:
    """Rolls that get a picture, in order of time."""
    rolls = result.events[result.events["kind"].isin(ROLLS)]
    return list(rolls.nlargest(SHOWN, "peak_deg").sort_values("time_s").itertuples())


def closeup(result: SessionResult, event: Any) -> Closeup:
    """Take the surroundings of one event out of a result.

    Parameters
    ----------
    result : SessionResult
    event : row of its events, as `itertuples` or `iloc` give it

    Returns
    -------
    Closeup

    Notes
    -----
    The rate is the slope of the angle, which differs from the gyroscope's by the turning of the frames, a few
    percent. The band is the median of the person's own strides of that foot and gait, and 2 MAD to each side.
    """
    kind = "inversion" if event.angle_source == "joint" else "foot_tilt"
    time, angle, rate = _signals(result, f"{event.leg}_{kind}_deg")
    step = float(np.median(np.diff(time[:CLOCK])))
    inside = slice(*np.searchsorted(time, [event.time_s - BEFORE_S, event.time_s + AFTER_S]))
    own = result.strides[result.strides["leg"] == event.leg]
    near = own[(own["end_s"] > time[inside][0]) & (own["start_s"] < time[inside][-1])]
    bands = [np.full((len(time[inside]), 3), np.nan) for _ in range(2)]
    for stride in near.itertuples():
        at = np.flatnonzero((time[inside] >= stride.start_s) & (time[inside] < stride.end_s))
        alike = own[(own["gait"] == stride.gait) & own["accepted"].astype(bool) & ~own.index.isin(near.index)]
        share = (time[inside][at] - stride.start_s) / (stride.end_s - stride.start_s)
        if len(alike) >= FEWEST:
            for band, values in zip(bands, (angle, rate), strict=True):
                band[at] = _band(values, alike, share, time[0], step)
    return Closeup(
        time=time[inside] - event.time_s,
        angle=angle[inside],
        rate=rate[inside],
        usual_angle=bands[0],
        usual_rate=bands[1],
        stances=_stances(near, own, event.time_s),
    )


@per_result
def _signals(result: SessionResult, name: str) -> tuple[Array, Array, Array]:
    """Time (n,) s of all samples, an angle, deg, and its slope, deg/s."""
    time, angle = (result.angles[column].to_numpy(float) for column in ("time_s", name))
    return time, angle, np.gradient(angle, float(np.median(np.diff(time[:CLOCK]))))


def _stances(near: pd.DataFrame, own: pd.DataFrame, at: float) -> list[tuple[float, float]]:
    """Contact and toe-off of each stance, s from the event; of one into a stop no toe-off is known (NaN)."""
    ic, to = near["ic_s"].to_numpy(float), near["to_s"].to_numpy(float)
    stances = list(zip((ic - at).tolist(), (to - at).tolist(), strict=True))
    ends = set(near["end_s"].round(3)) - set(own["start_s"].round(3))
    return sorted([*stances, *((end - at, float("nan")) for end in ends)])


def _band(values: Array, strides: pd.DataFrame, share: Array, start: float, step: float) -> Array:
    """Low, middle and high of `values` at shares (n,) of the strides, (n, 3)."""
    strides = strides.iloc[:: -(-len(strides) // MOST)]
    begin = strides["start_s"].to_numpy(float)[:, None]
    length = (strides["end_s"] - strides["start_s"]).to_numpy(float)[:, None]
    curves = resample(values, (begin + length * share - start) / step)
    curves = curves[np.isfinite(curves).all(axis=1)]
    if len(curves) < FEWEST:
        return np.full((len(share), 3), np.nan)
    middle = np.median(curves, axis=0)
    half = BAND_MADS * np.median(np.abs(curves - middle), axis=0)
    return np.stack([middle - half, middle, middle + half], axis=1)


def closeup_figure(result: SessionResult, event: Any, *, drawn: Closeup | None = None) -> Figure:
    """Angle and rate from 1 s before to 2 s after the peak of an event, with the person's usual band.

    Parameters
    ----------
    result : SessionResult
    event : row of its events
    drawn : Closeup of the same event where it is known already
    """
    drawn = drawn or closeup(result, event)
    figure, (top, bottom) = style.panels(2, 2, 250)
    name = words.FRONTAL[event.angle_source]
    style.dress(top, f"{name}, deg", "s from the peak")
    style.dress(bottom, "Its rate, deg/s", "s from the peak")
    _draw(top, drawn, drawn.angle, drawn.usual_angle, event.leg)
    _draw(bottom, drawn, drawn.rate, drawn.usual_rate, event.leg)
    _keys(top, event.leg)
    return figure


def _draw(ax: Axes, drawn: Closeup, values: Array, usual: Array, leg: str) -> None:
    ax.axhline(0.0, color=style.MUTED, linewidth=0.6)
    # Every second sample of the band: it is smooth, and the page a tenth shorter.
    ax.fill_between(
        drawn.time[::2], usual[::2, 0], usual[::2, 2], color=style.LEG_COLOUR[leg], alpha=0.18, linewidth=0
    )
    ax.plot(drawn.time, values, color=style.LEG_INK[leg], linewidth=1.8)
    ax.set_xlim(-BEFORE_S, AFTER_S)
    low, high = ax.get_ylim()
    ax.set_ylim(low - 0.12 * (high - low), high)
    floor, strip = low - 0.12 * (high - low), 0.04 * (high - low)
    for contact, toe_off in drawn.stances:
        for at, dash in ((contact, "-"), (toe_off, (0, (2, 2)))):
            if -BEFORE_S < at < AFTER_S:
                ax.axvline(at, color=style.MUTED, linewidth=0.8, linestyle=dash)
        ends = np.clip([contact, np.nan_to_num(toe_off, nan=AFTER_S)], -BEFORE_S, AFTER_S)
        ax.broken_barh([(ends[0], ends[1] - ends[0])], (floor, strip), color=style.GAIT_GREY["jog"], linewidth=0)


def _keys(ax: Axes, leg: str) -> None:
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    band = Patch(color=style.LEG_COLOUR[leg], alpha=0.18, label="usual")
    ground = Patch(color=style.GAIT_GREY["jog"], label="ground")
    line = Line2D([], [], color=style.LEG_INK[leg], linewidth=1.8, label="this time")
    style.key(ax, [line, band, ground], [style.LEG_INK[leg], style.MUTED, style.MUTED], columns=3)


def closeup_sentence(result: SessionResult, event: Any) -> str:
    """What happened, before and after, in plain words.

    Parameters
    ----------
    result : SessionResult
    event : row of its events
    """
    side = "outwards" if event.kind != "eversion_roll" else "inwards"
    what = "ankle" if event.angle_source == "joint" else "foot"
    own = result.strides[result.strides["leg"] == event.leg].sort_values("start_s")
    contacts = np.concatenate([own["start_s"], own["end_s"]])
    since = event.time_s - contacts[contacts <= event.time_s + 0.02].max(initial=-np.inf)
    when = f" {max(since, 0.0):.2f} s after contact" if since < 2.0 else ""
    parts = [
        f"The {event.leg} {what} tipped {side} by {words.quantity(event.peak_deg, 'deg')} and peaked{when}, "
        f"at up to {words.quantity(event.peak_dps, 'deg/s')}."
    ]
    before = own[own["end_s"] <= event.time_s + 0.02].tail(BEFORE)
    after = own[own["start_s"] > event.time_s].head(2)
    if len(before):
        gait = words.GAIT[str(before["gait"].iloc[-1])].lower()
        parts.append(
            f"Before it: {gait}, {words.quantity(float(before['stride_time_s'].median()), 's')} per stride."
        )
    if len(after) and after["start_s"].iloc[0] - event.time_s >= STOP_S:
        parts.append(
            f"After it: {after['start_s'].iloc[0] - event.time_s:.1f} s until the next step of that foot."
        )
    elif len(after):
        times = words.listing([words.quantity(float(t), "s") for t in after["stride_time_s"]])
        parts.append(f"After it: {times}.")
    parts.append(_recovery(result, event))
    return " ".join(part for part in parts if part)


def _recovery(result: SessionResult, event: Any) -> str:
    every = series.recovery(result)
    row = every[every["event_id"] == event.event_id]
    strides, seconds = float(row["recovery_strides"].iloc[0]), float(row["recovery_s"].iloc[0])
    end = {"save": "It was caught", "disrupted": "It disrupted the walk", "na": ""}[event.outcome]
    if not np.isfinite(strides):
        return f"{end}." if end else ""
    if strides == 0 and seconds < STOP_S:
        back = "from the next stride on all was as before"
    else:
        number = f"{words.plural(int(strides), 'stride')} and " if strides else ""
        back = f"all was as before {number}{seconds:.1f} s later"
    return f"{end}; {back}." if end else f"{back[0].upper()}{back[1:]}."


def closeups(result: SessionResult) -> list[dict[str, Any]]:
    """Heading, sentence and picture of each roll shown on the page."""
    parts = []
    for event in shown_rolls(result):
        heading = f"{event.event_id}: {words.EVENT[event.kind]}, {event.leg}, at {words.clock(event.time_s)}"
        sentence = closeup_sentence(result, event)

        draw = partial(closeup_figure, event=event, drawn=closeup(result, event))
        drawn = panelled(draw, result, f"event-{event.event_id}", f"{heading}. {sentence}")
        parts.append({"heading": heading, "sentence": sentence, "picture": drawn})
    return parts
