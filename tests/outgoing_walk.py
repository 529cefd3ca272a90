"""A walk that holds everything an export must not tell, and the same ready to leave."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from functools import cache

import numpy as np
from track_files import START, straight

import ankle_imu as ai
from ankle_imu.interchange.outgoing import Outgoing, prepare
from ankle_imu.values import ImuSeries, Marker, SensorInfo

KEY = b"salt of this computer"
STARTED = "2026-11-01T09:00:00Z"
SECRETS = ("Zdravka", "zdravka-k", "SN-7788", "AA:BB:CC:DD:EE:FF", "orange boots", "blue brace", "wintertag")
"""Alias, serials, an address and words, all of which the walk holds."""

LOST = slice(5000, 5060)
"""Rows of the left shank that were never received: 0.6 s."""


@cache
def walk_with_all() -> tuple[ai.Recording, ai.SessionResult]:
    """Three sensors on two legs, a loss, a roll, a mark, a note, and a track of 15 minutes round it."""
    plan = ai.simulate.Plan(
        duration_s=100.0,
        sampling_rate=104.0,
        placements=("left_foot", "left_shank", "right_foot"),
        terrain="uneven",
        errors="typical",
        rolls=2,
    )
    recording, _ = ai.simulate.walk(plan, seed=2)
    serials = {"left_foot": "SN-7788", "left_shank": "AA:BB:CC:DD:EE:FF"}
    sensors = {
        p: SensorInfo(placement=p, serial=serials.get(p, ""), model="simulated", nominal_rate_hz=104.0)
        for p in recording.series
    }
    info = replace(
        recording.session,
        session_id="2026-11-01T090000Z_abcd",
        alias="zdravka-k",
        started_utc=STARTED,
        note="with Zdravka",
        footwear="orange boots",
        brace="blue brace",
        tags=("walk", "wintertag"),
        sensors=sensors,
    )
    begin = datetime.fromisoformat(STARTED).timestamp()
    track = straight(900.0)
    recording = replace(
        recording,
        session=info,
        series={**recording.series, "left_shank": _torn(recording.series["left_shank"])},
        markers=(Marker(time_s=60.0, text="Zdravka stumbled"),),
        track=replace(track, time=track.time - START + begin - 380.0),
        warnings=("/home/zdravka-k/walks is damaged",),
    )
    return recording, ai.analyze(recording)


@cache
def outgoing(positions: str = "trim", has_words: bool = False) -> Outgoing:
    """The walk ready to leave."""
    recording, result = walk_with_all()
    return prepare(recording, result, key=KEY, positions=positions, has_words=has_words)  # type: ignore[arg-type]


def _torn(series: ImuSeries) -> ImuSeries:
    acc, gyr = series.acc.copy(), series.gyr.copy()
    acc[LOST] = np.nan
    gyr[LOST] = np.nan
    return replace(series, acc=acc, gyr=gyr)
