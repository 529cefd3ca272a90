"""What a person sees of a recording: a live table, lines when something changes, and the words at its end."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final, Protocol

from ankle_imu.cli.output import say
from ankle_imu.report import words

if TYPE_CHECKING:
    from rich.live import Live
    from rich.table import Table

    from ankle_imu.capture import Captured, SensorStatus, Status

_STATE_STYLE: Final = {"streaming": "green", "connecting": "yellow", "searching": "yellow", "waiting": "red"}

_COLUMNS: Final = (
    ("Sensor", 0),
    ("State", 0),
    ("Rate", 0),
    ("Lost, 10 s", 76),
    ("Lost", 0),
    ("Battery", 54),
    ("Last packet", 88),
)
"""Columns of the live table and the width of the terminal from which on each is shown."""
_NOMINAL_FROM: Final = 62
"""Width from which on the nominal rate stands beside the measured one."""


class View(Protocol):
    """What a recording shows while it runs."""

    def show(self, status: Status) -> None:
        """Show the state of the moment."""
        ...

    def show_typing(self, text: str) -> None:
        """Show the line that is being typed."""
        ...


@contextmanager
def watching() -> Iterator[View]:
    """A table that lives in the terminal; where stderr is none, a line whenever a sensor comes or goes."""
    from rich.console import Console
    from rich.live import Live

    if not sys.stderr.isatty():
        yield _Lines()
        return
    with Live(console=Console(stderr=True), auto_refresh=False, transient=True) as live:
        yield _Table(live)


class _Table:
    def __init__(self, live: Live) -> None:
        self._live, self._typing = live, ""
        self._status: Status | None = None

    def show(self, status: Status) -> None:
        self._status = status
        self._live.update(draw(status, self._typing, self._live.console.width), refresh=True)

    def show_typing(self, text: str) -> None:
        self._typing = text
        if self._status is not None:
            self.show(self._status)


class _Lines:
    def __init__(self) -> None:
        self._known: dict[str, str] = {}

    def show(self, status: Status) -> None:
        for sensor in status.sensors:
            state = "streaming" if sensor.state == "streaming" else "away"
            before = self._known.get(sensor.wanted.placement, "away")
            self._known[sensor.wanted.placement] = state
            if state != before and not status.is_ending:
                why = f": {sensor.problem}" if state == "away" and sensor.problem else ""
                say(f"{words.clock(status.elapsed_s)}  {words.side(sensor.wanted.placement)} {state}{why}")

    def show_typing(self, text: str) -> None:
        return None


def draw(status: Status, typing: str = "", width: int = 100) -> Table:
    """The table of one moment; `typing` is the line that is being typed, `width` the terminal's, in letters."""
    from rich.table import Table
    from rich.text import Text

    drawn = Table(title=_title(status), title_justify="left", title_style="bold", box=None, padding=(0, 2, 0, 0))
    shown = [name for name, least in _COLUMNS if width >= least]
    for name in shown:
        drawn.add_column(name, justify="left" if name in ("Sensor", "State") else "right", no_wrap=True)
    for sensor in status.sensors:
        cells = _cells(sensor, with_nominal=width >= _NOMINAL_FROM)
        style = _STATE_STYLE.get(sensor.state, "")
        drawn.add_row(*(Text(cells[name], style=style if name == "State" else "") for name in shown))
    free = f"{status.free_bytes / 1e9:.1f} GB free" if status.free_bytes >= 0 else ""
    marks = words.plural(status.markers, "marker")
    when = "to mark" if status.folder else "to mark the beginning"
    hint = f"mark: {typing}_" if typing else f"type a word + Enter {when}, Ctrl-C to end"
    if status.is_ending:
        hint = "Ctrl-C again: do not wait for what the sensors still have"
    drawn.caption = Text("  ·  ".join(filter(None, (free, marks, hint))))
    drawn.caption_justify = "left"
    return drawn


def _title(status: Status) -> str:
    if status.is_ending:
        return f"Ending and saving, {words.clock(status.elapsed_s)} recorded"
    return f"Recording {words.clock(status.elapsed_s)}" if status.folder else "Looking for the sensors"


def sensor_line(sensor: SensorStatus) -> str:
    """One sensor at the end, in one line."""
    name = words.side(sensor.wanted.placement)
    if not sensor.received:
        silence = "was connected to, but sent nothing" if sensor.links else "was never seen"
        return f"{name}: nothing received. {sensor.problem or f'{sensor.wanted.identifier} {silence}'}"
    counts = not math.isnan(sensor.lost_lately)
    lost = (
        f"{sensor.lost:,} lost ({words.percent(sensor.lost, sensor.received + sensor.lost)})"
        if counts
        else "losses are found by `check`"
    )
    links = f", {words.plural(sensor.links, 'connection')}" if sensor.links > 1 else ""
    away = f"; AWAY at the end, its last {words.clock(sensor.away_s)} is missing" if sensor.away_s >= 1.0 else ""
    came = words.plural(sensor.received, "sample")
    return f"{name}: {came}, {lost}{links}, battery {_share(sensor.battery)}{away}"


def measures(placements: Sequence[str]) -> list[str]:
    """What these placements can and cannot measure, a line for each leg."""
    told = []
    for leg in ("left", "right"):
        worn = {p.split("_")[1] for p in placements if p.startswith(leg)}
        if worn:
            told.append(f"{leg} leg, {' and '.join(sorted(worn))}: {_MEASURES[frozenset(worn)]}")
    return told


_MEASURES: Final = {
    frozenset({"foot", "shank"}): (
        "ankle inversion and dorsiflexion against your standing pose, foot tilt, strides; "
        "not which of the two ankle joints moved"
    ),
    frozenset({"foot"}): (
        "foot tilt against gravity, strides, speed, slope; not the ankle's own angle (add a shank sensor)"
    ),
    frozenset({"shank"}): "shank tilt and stride timing; nothing about inversion (add a foot sensor)",
}


def told(captured: Captured) -> dict[str, Any]:
    """A finished recording for machines."""
    assert captured.folder is not None
    return {
        "session": captured.folder.name,
        "path": captured.folder,
        "alias": captured.folder.parents[1].name,
        "duration_s": captured.duration_s,
        "ended_by": captured.reason,
        "sensors": {s.wanted.placement: _facts(s) for s in captured.sensors},
        "files": [captured.folder],
    }


def _facts(sensor: SensorStatus) -> dict[str, Any]:
    return {
        "identifier": sensor.wanted.identifier,
        "model": sensor.wanted.model,
        "received": sensor.received,
        "lost": None if math.isnan(sensor.lost_lately) else sensor.lost,
        "away_at_end_s": sensor.away_s,
        "connections": sensor.links,
        "battery": sensor.battery,
        "problem": sensor.problem,
    }


def _cells(sensor: SensorStatus, *, with_nominal: bool) -> dict[str, str]:
    """Cells of one sensor by the names of their columns."""
    nominal = f" / {sensor.nominal_rate:g}" if with_nominal and math.isfinite(sensor.nominal_rate) else ""
    counts = not math.isnan(sensor.lost_lately)
    return {
        "Sensor": words.side(sensor.wanted.placement),
        "State": sensor.state,
        "Rate": f"{sensor.rate:.1f}{nominal} Hz" if math.isfinite(sensor.rate) else "–",
        "Lost, 10 s": words.percent(sensor.lost_lately, 1.0) if counts else "–",
        "Lost": f"{sensor.lost:,}" if counts else "–",
        "Battery": _share(sensor.battery),
        "Last packet": f"{sensor.age:.1f} s" if math.isfinite(sensor.age) else "–",
    }


def _share(share: float) -> str:
    return words.percent(share, 1.0) if math.isfinite(share) else "–"
