"""A session made ready to leave the house: the one door through which every export goes.

Behind it no exporter sees an alias, a serial number, a path or a free word, nor a place that is to stay hidden.
The person and each sensor go by a salted hash: alike in all exports of one computer, and nothing to look up
elsewhere.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from ankle_imu import frames, manifest, tables
from ankle_imu.terrain import places
from ankle_imu.terrain.privacy import TRIM_M, Zone, cut, end_zones, hidden
from ankle_imu.track import Track
from ankle_imu.values import ImuSeries, Recording, SensorInfo, SessionResult

if TYPE_CHECKING:
    import pandas as pd

Positions = Literal["keep", "trim", "none"]
"""The track as it is; without the surroundings of its ends; no places at all."""

TABLES: Final = (
    *(tables.STRIDES, tables.CONTEXT, tables.EVENTS, tables.BOUTS, tables.SUMMARY, tables.CURVES),
    *(tables.ANGLES, tables.TRACK, tables.GAPS),
)
"""Tables that an outgoing session has, in the order in which they are written."""

_PLACES: Final = ("latitude_deg", "longitude_deg", "elevation_m")
_SENSOR_FACTS: Final = (
    *("expected", "received", "lost", "healed", "clipped"),
    *("true_rate_hz", "clock_ppm", "clock_residual_s"),
)
_AFFECTED: Final = ("left", "right", "both")
_ALIGNMENT_FACTS: Final = ("method", "sigma_yaw_deg", "verdict", "reason")


@dataclass(frozen=True, kw_only=True, eq=False)
class Outgoing:
    """What may be told of one session.

    Parameters
    ----------
    name : str, of the session, usable as a file name
    person : str, 10 hexadecimal digits that stand for the alias
    kind : str, of the session: `walk`, `practice`, ...
    started_s : float, Unix time of session start, s; NaN when not known
    series : mapping of placement to ImuSeries, as measured
    sensors : mapping of placement to SensorInfo, the serial number replaced by a hash
    tables : mapping of name to table, those of `TABLES`
    track : Track in the session's clock, or None
    event_places : mapping of `latitude_deg`, `longitude_deg`, `elevation_m` to (k,) float arrays, one value per
        row of the events table; NaN where the place is not known or not shown
    facts : mapping, all else that is known, ready for JSON
    told : tuple of str, a sentence on everything that was left out
    """

    name: str
    person: str
    kind: str
    started_s: float
    series: Mapping[str, ImuSeries]
    sensors: Mapping[str, SensorInfo]
    tables: Mapping[str, pd.DataFrame]
    track: Track | None
    event_places: Mapping[str, NDArray[np.float64]]
    facts: Mapping[str, Any]
    told: tuple[str, ...] = ()


def prepare(
    recording: Recording,
    result: SessionResult,
    *,
    key: bytes,
    positions: Positions = "trim",
    trim_m: float = TRIM_M,
    has_words: bool = False,
) -> Outgoing:
    """Make a session ready to leave.

    Parameters
    ----------
    recording : Recording
    result : SessionResult of the same recording
    key : bytes, secret of this computer that salts the hashes and fixes what is cut round each place
    positions : what becomes of the track and of every place in a table
    trim_m : float, m, how much is cut round the ends of the track, see `terrain.privacy`
    has_words : bool, whether the words of marks and notes on events go along; they may name someone

    Returns
    -------
    Outgoing

    Raises
    ------
    ValueError
        If the distance to cut is not positive, or the key is empty.
    """
    if not key:
        raise ValueError("The key is empty; hashes without a salt can be looked up.")
    if not trim_m > 0:
        raise ValueError(f"The distance to cut is {trim_m:g} m; expected more than 0.")
    info = recording.session
    started = manifest.parse_utc(info.started_utc).timestamp() if info.started_utc else float("nan")
    track, zones, told = _shown(recording.track, result, positions, trim_m, key)
    found = {t.name: getattr(result, t.name) for t in TABLES if t is not tables.GAPS}
    found[tables.GAPS.name] = result.quality.get(tables.GAPS.name, tables.make_table(tables.GAPS, {}))
    event_places = _event_places(result, zones)
    found |= _without_places(found, positions, zones)
    events = found[tables.EVENTS.name]
    told += () if has_words else _wordless(events, info.note)
    found[tables.EVENTS.name] = events.assign(note=events["note"].map(_one_line) if has_words else "")
    sensors = {
        placement: replace(
            info.sensors.get(placement, SensorInfo(placement=placement)),
            serial=alias_of(info.sensors[placement].serial, key) if placement in info.sensors else "",
        )
        for placement in recording.series
    }
    return Outgoing(
        name=_file_name(info.session_id),
        person=alias_of(info.alias or "nobody", key),
        kind=info.kind,
        started_s=started,
        series=recording.series,
        sensors=MappingProxyType(sensors),
        tables=MappingProxyType(found),
        track=track,
        event_places=MappingProxyType(event_places),
        facts=MappingProxyType(_facts(recording, result, has_words)),
        told=told,
    )


def alias_of(identifier: str, key: bytes) -> str:
    """Ten hexadecimal digits that stand for a name or serial number; "" for none.

    Examples
    --------
    >>> alias_of("ana", b"salt") == alias_of("ana", b"salt") != alias_of("ana", b"pepper")
    True
    """
    if not identifier:
        return ""
    return hashlib.blake2b(identifier.encode(), key=key[:64], digest_size=5, person=b"ankle-export").hexdigest()


def _file_name(session_id: str) -> str:
    return "".join(c if c.isascii() and (c.isalnum() or c in "-_") else "-" for c in session_id) or "session"


def _shown(
    track: Track | None, result: SessionResult, positions: Positions, trim_m: float, key: bytes
) -> tuple[Track | None, tuple[Zone, ...] | None, tuple[str, ...]]:
    """The track in the session's clock as far as it is shown, the hidden circles (None: everywhere), and words."""
    if positions == "none":
        return None, None, ("Positions are left out.",) if track is not None else ()
    if track is None:
        return None, None, ()
    offset = float(result.quality.get("track", {}).get("offset_s", 0.0))
    track = replace(track, time=track.time - (offset if np.isfinite(offset) else 0.0))
    if positions == "keep":
        return track, (), ()
    zones = end_zones(track, trim_m, key=key)
    shown = cut(track, zones)
    gone = len(track.time) - len(shown.time)
    told = f"{gone} of {len(track.time)} points of the track lie near an end of the walk and are left out."
    return (shown if len(shown.time) > 1 else None), zones, (told,)


def _without_places(
    found: Mapping[str, pd.DataFrame], positions: Positions, zones: tuple[Zone, ...] | None
) -> dict[str, pd.DataFrame]:
    """Tables of places with those gone that are hidden, the ways counted from what is shown."""
    if positions == "keep":
        return {}
    context, track = found[tables.CONTEXT.name].copy(), found[tables.TRACK.name]
    gone = _gone(context, zones)
    context.loc[gone, [*_PLACES, "track_distance_m"]] = float("nan")
    context["track_distance_m"] -= context["track_distance_m"].min()
    track = track[~_gone(track, zones)]
    track = track.assign(distance_m=track["distance_m"] - track["distance_m"].min()).reset_index(drop=True)
    return {tables.CONTEXT.name: context, tables.TRACK.name: track}


def _event_places(result: SessionResult, zones: tuple[Zone, ...] | None) -> dict[str, NDArray[np.float64]]:
    """Places of the events on the whole track, so that none is guessed across a hidden piece of it."""
    found = places(result.track, result.events["time_s"].to_numpy(dtype=np.float64))
    if zones is None:
        gone = np.ones(len(result.events), dtype=bool)
    else:
        gone = hidden(found["latitude_deg"], found["longitude_deg"], zones)
    return {name: np.where(gone, np.nan, found[name]) for name in _PLACES}


def _gone(frame: pd.DataFrame, zones: tuple[Zone, ...] | None) -> NDArray[np.bool_]:
    if zones is None:
        return np.ones(len(frame), dtype=bool)
    latitude, longitude = (frame[name].to_numpy(dtype=np.float64) for name in _PLACES[:2])
    return hidden(latitude, longitude, zones)


def _wordless(events: pd.DataFrame, note: str) -> tuple[str, ...]:
    has_words = int((events["note"] != "").sum())
    left = [f"the words of {has_words} marks and events"] * bool(has_words) + ["the note"] * bool(note)
    return (f"Left out, as they may name someone: {' and '.join(left)}.",) if left else ()


def _one_line(text: str) -> str:
    """Words without what tables, XML and terminals cannot hold: tabs, ends of lines, control characters."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def _facts(recording: Recording, result: SessionResult, has_words: bool) -> dict[str, Any]:
    """What is known besides series and tables; nothing that a person typed unless words are wanted."""
    info, quality = recording.session, result.quality
    free = ("footwear", "brace", "surface", "note", "tags") if has_words else ()
    return {
        "kind": info.kind,
        "started_utc": info.started_utc,
        "duration_s": result.duration_s,
        "sampling_rate_hz": result.sampling_rate,
        "version": result.version,
        "settings": result.settings.digest(),
        "affected_leg": info.affected_leg if info.affected_leg in _AFFECTED else "",
        "load_kg": _picked(info.load_kg, frames.LEGS),
        **{name: getattr(info, name) for name in free},
        "sensors": {p: _picked(s, _SENSOR_FACTS) for p, s in quality.get("sensors", {}).items()},
        "alignment": {p: _picked(a, _ALIGNMENT_FACTS) for p, a in quality.get("alignment", {}).items()},
        "sync": dict(quality.get("sync", {})),
        "unmeasurable": dict(quality.get("unmeasurable", {})),
    }


def _picked(values: Mapping[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    return {name: values[name] for name in names if name in values}
