"""Events of a session as places on its track, numbered as `events list` numbers them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from ankle_imu.errors import RecordingError
from ankle_imu.interchange.outgoing import Outgoing
from ankle_imu.track import Track

PLACES: Final = ("latitude_deg", "longitude_deg", "elevation_m")

WORDS: Final = {
    "wobble": "wobble",
    "roll": "roll",
    "hard_roll": "hard roll",
    "eversion_roll": "roll to the inside",
    "marker": "mark",
}
"""Kinds of events as a person says them."""


@dataclass(frozen=True, kw_only=True)
class Placed:
    """An event on the map: place in deg, height in m (NaN where not known), its row of the events table."""

    latitude: float
    longitude: float
    elevation: float
    row: dict[str, Any]

    @property
    def name(self) -> str:
        """Number, kind and how far it went, e.g. `3 hard roll 31 deg`."""
        peak = self.row["peak_deg"]
        return f"{self.row['event_id']} {WORDS[self.row['kind']]}" + (f" {peak:.0f} deg" if peak == peak else "")

    @property
    def text(self) -> str:
        """All that is known of it in a line."""
        row = self.row
        parts = [
            row["leg"],
            f"{row['peak_deg']:.1f} deg" if row["peak_deg"] == row["peak_deg"] else "",
            f"{row['peak_dps']:.0f} deg/s" if row["peak_dps"] == row["peak_dps"] else "",
            f"at {row['time_s']:.1f} s",
            row["outcome"] if row["outcome"] != "na" else "",
            row["verdict"] if row["verdict"] != "none" else "",
            row["note"],
        ]
        return ", ".join(part for part in parts if part)


def track_of(out: Outgoing) -> Track:
    """The track that is shown; raises `RecordingError` when there is none, saying why."""
    if out.track is None:
        why = " ".join(out.told) or "Attach one with `ankle-imu track attach`."
        raise RecordingError(f"{out.name} has no track to write. {why}")
    return out.track


def placed_events(out: Outgoing) -> list[Placed]:
    """Events whose place is known and shown, in order of time."""
    events = out.tables["events"]
    columns = (*(out.event_places[name] for name in PLACES), events.to_dict("records"))
    return [
        Placed(latitude=float(a), longitude=float(b), elevation=float(c), row={str(k): v for k, v in row.items()})
        for a, b, c, row in zip(*columns, strict=True)
        if a == a and b == b
    ]
