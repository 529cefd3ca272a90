"""Where the walk went, by the track of a watch or phone that was joined to it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ankle_imu.report import words
from ankle_imu.report.contents import TRACK

if TYPE_CHECKING:
    from ankle_imu.values import SessionResult


def way_sentences(result: SessionResult) -> list[str]:
    """Distance, climb, clock and coverage of the track, and what is doubtful of it or could not be read."""
    told = result.quality.get("track", {})
    sentences = [f"{_way(told)}, by a track from {told['source']}.", *told["told"]] if told else []
    doubts = [w.removeprefix(TRACK) for w in result.quality.get("warnings", []) if w.startswith(TRACK)]
    return sentences + [doubt for doubt in doubts if doubt not in sentences]


def _way(told: dict[str, Any]) -> str:
    parts = [f"{told['distance_m'] / 1000.0:.1f} km"]
    if np.isfinite(told["ascent_m"]):
        parts.append(f"{told['ascent_m']:.0f} m up and {told['descent_m']:.0f} m down")
    if told["coverage"] > 0.0:
        parts.append(f"{words.percent(told['coverage'], 1.0)} of the strides lie on it")
    return ", ".join(parts)
