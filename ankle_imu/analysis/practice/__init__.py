"""From a recording of practice to its result: `analyze_practice` composes all stages."""

from __future__ import annotations

from ankle_imu.analysis.practice.session import analyze_practice

__all__ = ["analyze_practice"]
