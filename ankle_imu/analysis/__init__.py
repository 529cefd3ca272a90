"""From a recording to a session result: `analyze` composes all stages of the signal path."""

from __future__ import annotations

from ankle_imu.analysis.session import analyze

__all__ = ["analyze"]
