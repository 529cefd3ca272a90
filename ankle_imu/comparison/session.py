"""What a comparison takes of a session: its strides, what surrounds them, and what was worn."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ankle_imu import frames

if TYPE_CHECKING:
    import pandas as pd

    from ankle_imu.values import SessionInfo, SessionResult


@dataclass(frozen=True, kw_only=True, eq=False)
class SessionStrides:
    """The strides of one session and the circumstances that a fair comparison asks for.

    Parameters
    ----------
    session_id : str
    start_utc : str, ISO 8601
    strides : table `tables.STRIDES`
    context : table `tables.CONTEXT`
    events : table `tables.EVENTS`
    load_kg : leg -> added load, kg
    footwear, brace : str, as noted by the person, "" when not noted
    mount_site : leg -> mount site of the foot sensor, of the shank sensor where there is none
    """

    session_id: str
    start_utc: str
    strides: pd.DataFrame
    context: pd.DataFrame
    events: pd.DataFrame
    load_kg: Mapping[str, float] = field(default_factory=dict)
    footwear: str = ""
    brace: str = ""
    mount_site: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def from_result(cls, result: SessionResult) -> SessionStrides:
        """Take what a comparison needs out of a session's result."""
        session = result.session
        return cls(
            session_id=session.session_id,
            start_utc=session.started_utc,
            strides=result.strides,
            context=result.context,
            events=result.events,
            load_kg=dict(session.load_kg),
            footwear=session.footwear.strip(),
            brace=session.brace.strip(),
            mount_site=mount_sites(session),
        )


def mount_sites(info: SessionInfo) -> dict[str, str]:
    """Where each leg's foot sensor was worn, its shank sensor where there is none.

    Parameters
    ----------
    info : SessionInfo

    Returns
    -------
    dict of leg -> mount site, "" where there is no sensor or it was not noted
    """
    found = {}
    for leg in frames.LEGS:
        worn = (info.sensors.get(f"{leg}_{segment}") for segment in ("foot", "shank"))
        found[leg] = next((sensor.mount_site for sensor in worn if sensor is not None), "")
    return found
