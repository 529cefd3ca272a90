"""Bytes <-> values, one module per protocol; no radio, no clock, no files."""

from __future__ import annotations

from ankle_imu.wire.block import Block
from ankle_imu.wire.catalog import decode, protocols, quick_decoder
from ankle_imu.wire.packets import Packets

__all__ = ["Block", "Packets", "decode", "protocols", "quick_decoder"]
