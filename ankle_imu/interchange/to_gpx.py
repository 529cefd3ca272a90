"""GPX: the track in the session's clock, events as numbered waypoints with how far the ankle went."""

from __future__ import annotations

from typing import BinaryIO

from ankle_imu.interchange.on_the_map import placed_events, track_of
from ankle_imu.interchange.outgoing import Outgoing
from ankle_imu.terrain.gpx import Waypoint, write_gpx


def write(out: Outgoing, file: BinaryIO) -> None:
    """Write a session as GPX 1.1.

    Parameters
    ----------
    out : Outgoing
    file : binary file

    Raises
    ------
    RecordingError
        If the session has no track, or nothing of it is shown.

    Notes
    -----
    `terrain.gpx.read_gpx` gives places back to 1e-8 deg, heights to 1 mm, times to 1 us.
    """
    marks = [
        Waypoint(
            latitude=event.latitude,
            longitude=event.longitude,
            elevation=event.elevation,
            time=out.started_s + event.row["time_s"],
            name=event.name,
            text=event.text,
        )
        for event in placed_events(out)
    ]
    file.write(write_gpx(track_of(out), marks))
