"""Wearable-IMU logger and analyzer for trail walking: how far the ankle rolls, step by step.

Names are handed on from their modules when they are first used, so that `import ankle_imu` costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ankle_imu import (
        errors,
        interchange,
        library,
        orientation,
        report,
        session_io,
        simulate,
        timing,
        trends,
        wire,
    )
    from ankle_imu.analysis import analyze
    from ankle_imu.analysis.practice import analyze_practice
    from ankle_imu.library import load_trend
    from ankle_imu.report import write_report
    from ankle_imu.session_io import export_session, open_session
    from ankle_imu.settings import Settings
    from ankle_imu.values import Alignment, ImuSeries, Recording, SensorInfo, SessionInfo, SessionResult

_HOMES = {
    "Alignment": "ankle_imu.values",
    "ImuSeries": "ankle_imu.values",
    "Recording": "ankle_imu.values",
    "SensorInfo": "ankle_imu.values",
    "SessionInfo": "ankle_imu.values",
    "SessionResult": "ankle_imu.values",
    "Settings": "ankle_imu.settings",
    "analyze": "ankle_imu.analysis",
    "analyze_practice": "ankle_imu.analysis.practice",
    "export_session": "ankle_imu.session_io",
    "load_trend": "ankle_imu.library",
    "open_session": "ankle_imu.session_io",
    "write_report": "ankle_imu.report",
}
_MODULES = (
    *("errors", "interchange", "library", "orientation", "report", "session_io", "simulate", "timing", "trends"),
    "wire",
)

__all__ = [
    "Alignment",
    "ImuSeries",
    "Recording",
    "SensorInfo",
    "SessionInfo",
    "SessionResult",
    "Settings",
    "analyze",
    "analyze_practice",
    "errors",
    "export_session",
    "interchange",
    "library",
    "load_trend",
    "open_session",
    "orientation",
    "report",
    "session_io",
    "simulate",
    "timing",
    "trends",
    "wire",
    "write_report",
]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    if name in _MODULES:
        return import_module(f"ankle_imu.{name}")
    if name == "__version__":
        from ankle_imu._version import package_version

        return package_version()
    raise AttributeError(f"module 'ankle_imu' has no attribute {name!r}")


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
