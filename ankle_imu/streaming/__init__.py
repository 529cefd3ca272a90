"""The estimator for live use: causal, fed packet by packet, with the batch analysis as its measure."""

from __future__ import annotations

from ankle_imu.streaming.block import LiveBlock, Roll
from ankle_imu.streaming.live import LiveAnalysis

__all__ = ["LiveAnalysis", "LiveBlock", "Roll"]
