"""Bytes <-> values, one module per protocol; no radio, no clock, no files."""

from __future__ import annotations

from ankle_imu.wire.block import Block
from ankle_imu.wire.catalog import decode, protocols

__all__ = ["Block", "decode", "protocols"]
