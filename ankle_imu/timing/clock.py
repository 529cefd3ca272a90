"""A sensor's clock laid under the arrival times: one line per window, joined, and how far it may be off."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ankle_imu.timing.connection_events import find_interval, hidden_delay

Array = NDArray[np.float64]
Indices = NDArray[np.int64]

WINDOW_S: Final = 600.0
"""Length of a window: a crystal keeps its rate that long, and the fastest packets of ten minutes show it to a
fraction of a millisecond (own simulation: connection interval 15 ms, 60 ppm, 0.2 ms)."""

MIN_PACKETS: Final = 30
"""A window with fewer packets gets no line of its own (own choice)."""

LEAST_DOUBT_S: Final = 0.0018
"""Host and radio take about this long over the fastest packet, and nothing in a recording tells how long
(published alignment of BLE sensors: 95 % within 1.8 ms, Sensors 2023, 23, 3954)."""

MAX_SLOPE_SD: Final = 100e-6
"""A measured clock rate less certain than this is not used: crystals keep within 100 ppm (Bluetooth Core
Specification, vol. 6 part B, 4.2: active clock 50 ppm; and as much again for the host)."""

MOST_OFF: Final = 0.2
"""A clock further off than this share is not measured but misunderstood: packets of a log come in a rush, long
after (oscillators of motion sensors are a few per cent off; own choice)."""

_BINS: Final = 200
_FASTEST: Final = 10
"""Rank of the packet whose delay bounds that of the fastest: that ten packets come and none is as fast as the
bound happens once in e^10."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Clock:
    """Session time as a continuous line through (`device`, `session`), both (k,) s, k >= 2, straight beyond.

    `ppm` is how much faster than the host the sensor's clock runs (0 where it could not be measured and was
    taken to be right); `residual` bounds the error of the session time, s.
    """

    device: Array
    session: Array
    ppm: float
    residual: float

    @property
    def rates(self) -> Array:
        """(k - 1,) session seconds per device second of each piece."""
        return np.asarray(np.diff(self.session) / np.diff(self.device))

    def at(self, device: ArrayLike) -> Array:
        """Session time (n,) s at the device time (n,) s."""
        x = np.asarray(device, dtype=float)
        piece = np.clip(np.searchsorted(self.device, x) - 1, 0, len(self.device) - 2)
        return np.asarray(self.session[piece] + (x - self.device[piece]) * self.rates[piece])


@dataclass(frozen=True, kw_only=True)
class _Line:
    """The line of one window, through `value` at `centre`; `doubt`: s, what a rate that is not believed adds."""

    centre: float
    value: float
    rate: float
    doubt: float = 0.0


def unwrap_ticks(ticks: ArrayLike, arrival: ArrayLike, tick_s: float, wrap: float) -> Array:
    """Undo the wrap-around of a sensor's clock with the help of the arrival times.

    Parameters
    ----------
    ticks : (n,) float array, in [0, wrap)
    arrival : (n,) float array, s, any order
    tick_s : float, s per tick
    wrap : float, ticks per turn; 0 when the clock never wraps

    Returns
    -------
    (n,) float array, ticks

    Notes
    -----
    Each tick takes the turn that is nearest to its arrival, so neither pauses nor late packets matter, as long
    as a packet is not late by half a turn (36 min for 32-bit microseconds).
    """
    t = np.asarray(ticks, dtype=float)
    if wrap <= 0 or len(t) == 0:
        return t.copy()
    host = np.asarray(arrival, dtype=float)
    expected = t[0] + (host - host[0]) / tick_s
    turns: Array = np.round((expected - t) / wrap)
    return t + wrap * turns


def fit_clock(
    device: ArrayLike, arrival: ArrayLike, *, window_s: float = WINDOW_S, usual_rate: float = 1.0
) -> Clock:
    """Lay a sensor's clock under the arrival times.

    Parameters
    ----------
    device : (n,) float array, s, sensor's clock at the last sample of each packet, in any order
    arrival : (n,) float array, s, host clock
    window_s : float, s, for which the sensor's clock is taken to run evenly
    usual_rate : float, session seconds per device second that is believed where none can be measured

    Returns
    -------
    Clock

    Raises
    ------
    ValueError
        If there are no packets or the shapes differ.

    Notes
    -----
    A packet is never early. In each window, of all lines that lie below every arrival, the one with the least sum
    of distances is the edge of the lower convex hull over the mean device time. The lines are joined at the
    centres of their windows, so the clock has no steps and follows temperature. Windows that a silent radio left
    half empty are bridged by their neighbours.

    A line can be wrong by the delay of the packets it touches. In each third of each window the tenth fastest
    packet (the middle one of fewer than twenty) bounds that delay; the residual is the largest of these, and
    `LEAST_DOUBT_S`. It does not hold the delay that all packets share; in particular a sensor whose packets
    always meet the radio's connection events at one phase is late by up to an interval, and looks punctual.

    Where a rate is less certain than `MAX_SLOPE_SD` and agrees with `usual_rate`, the latter is taken; also where
    it is further from it, but a slow slip of the packets against the connection events would look the same.

    References
    ----------
    Moon S.B., Skelly P., Towsley D. (1999) Estimation and removal of clock skew from network delay
    measurements, Proc. IEEE INFOCOM, doi:10.1109/INFCOM.1999.749287.
    """
    x, y = np.asarray(device, dtype=float), np.asarray(arrival, dtype=float)
    if len(x) == 0 or x.shape != y.shape:
        raise ValueError(f"Found device times {x.shape} and arrivals {y.shape}; expected one n > 0.")
    order = np.argsort(x, kind="stable")
    x, y = x[order], y[order]
    windows = _windows(x, window_s)
    lines = [_fit_line(x[rows], y[rows], usual_rate) for rows in windows]
    knots, values = _knots(lines, float(x[0]), float(x[-1]))
    rate = lines[0].rate if len(lines) == 1 else float((values[-1] - values[0]) / (knots[-1] - knots[0]))
    clock = Clock(device=knots, session=values, ppm=(1.0 / rate - 1.0) * 1e6, residual=LEAST_DOUBT_S)
    above = y - clock.at(x)
    doubt = max(
        line.doubt + _delay_bound(above[rows]) + hidden_delay(y[rows], above[rows])
        for line, rows in zip(lines, windows, strict=True)
    )
    return Clock(device=knots, session=values, ppm=clock.ppm, residual=float(LEAST_DOUBT_S + doubt))


def _windows(x: Array, window_s: float) -> list[slice]:
    """Rows of equal windows over the sorted `x` that hold packets over at least half their length."""
    span = float(x[-1] - x[0])
    n = max(1, min(round(span / window_s), len(x) // MIN_PACKETS))
    at = np.searchsorted(x, x[0] + span * np.arange(1, n) / n)
    stops = [*at.tolist(), len(x)]
    rows = [slice(a, b) for a, b in zip([0, *stops[:-1]], stops, strict=True)]
    good = [r for r in rows if r.stop - r.start >= MIN_PACKETS and x[r.stop - 1] - x[r.start] >= 0.5 * span / n]
    return good or [slice(0, len(x))]


def _knots(lines: list[_Line], first: float, last: float) -> tuple[Array, Array]:
    """Lines joined at their centres, and drawn to the first and last device time."""
    centres, values = np.array([line.centre for line in lines]), np.array([line.value for line in lines])
    start, stop = min(first, centres[0] - 1.0), max(last, centres[-1] + 1.0)
    at_start = values[0] + (start - centres[0]) * lines[0].rate
    at_stop = values[-1] + (stop - centres[-1]) * lines[-1].rate
    if len(lines) == 1:
        return np.array([start, stop]), np.array([at_start, at_stop])
    return np.concatenate([[start], centres, [stop]]), np.concatenate([[at_start], values, [at_stop]])


def _fit_line(x: Array, y: Array, usual_rate: float) -> _Line:
    centre = float(x.mean())
    span = float(x[-1] - x[0])
    doubt = 0.0
    if span > 0:
        rate = lower_slope(x, y, usual_rate)
        above = y - rate * x
        rate_doubt, off = 3.0 * _delay_bound(above - above.min()) / span, abs(rate - usual_rate)
        is_slip = off > MAX_SLOPE_SD and off * span < find_interval(y)
        is_absurd = off > MOST_OFF * usual_rate
        if not (is_slip or is_absurd) and (rate_doubt <= MAX_SLOPE_SD or off > rate_doubt):
            return _Line(centre=centre, value=float(above.min()) + rate * centre, rate=rate)
        doubt = off * span if is_slip else MAX_SLOPE_SD * span / 2.0
    least = float((y - usual_rate * x).min())
    return _Line(centre=centre, value=least + usual_rate * centre, rate=usual_rate, doubt=doubt)


def _delay_bound(above: Array) -> float:
    """How far the lower edge of the arrivals may lie from a line, in the worst third; `above` in order of time."""
    thirds = [part for part in np.array_split(above, 3) if len(part)]
    ranks = [min(_FASTEST, (len(part) + 1) // 2) - 1 for part in thirds]
    found = [float(np.partition(part, k)[k]) for part, k in zip(thirds, ranks, strict=True)]
    return max(*found, -float(above.min()), 0.0)


def lower_slope(x: Array, y: Array, usual_rate: float) -> float:
    """Slope of the lower convex hull's edge over the mean of the sorted x.

    Only the fastest packet of each of many short stretches can touch the hull, once the rough slope is taken out.
    """
    outer = max(1, len(x) // 3)
    delay = y - usual_rate * x
    run = float(np.median(x[-outer:]) - np.median(x[:outer]))
    rough = usual_rate
    if run > 0 and len(x) >= MIN_PACKETS:
        rough += float(np.median(delay[-outer:]) - np.median(delay[:outer])) / run
    delay = y - rough * x
    if len(x) > 4 * _BINS:
        number = np.minimum(((x - x[0]) * (_BINS / (x[-1] - x[0]))).astype(np.int64), _BINS - 1)
        starts = np.flatnonzero(np.diff(number, prepend=-1))
        least = np.minimum.reduceat(delay, starts)
        keep = delay == np.repeat(least, np.diff(starts, append=len(x)))
    else:
        keep = np.ones(len(x), dtype=bool)
    return rough + _hull_slope(x[keep], delay[keep], float(x.mean()))


def _hull_slope(x: Array, y: Array, at: float) -> float:
    """Slope at `at` of the lower convex hull (Andrew's monotone chain)."""
    order = np.lexsort((y, x))
    hull: list[tuple[float, float]] = []
    for px, py in zip(x[order].tolist(), y[order].tolist(), strict=True):
        if hull and px == hull[-1][0]:
            continue
        while len(hull) > 1 and (hull[-1][0] - hull[-2][0]) * (py - hull[-2][1]) <= (hull[-1][1] - hull[-2][1]) * (
            px - hull[-2][0]
        ):
            hull.pop()
        hull.append((px, py))
    if len(hull) < 2:
        return 0.0
    corners = np.array(hull)
    edge = int(np.clip(np.searchsorted(corners[:, 0], at), 1, len(corners) - 1))
    (x0, y0), (x1, y1) = corners[edge - 1], corners[edge]
    return float((y1 - y0) / (x1 - x0))
