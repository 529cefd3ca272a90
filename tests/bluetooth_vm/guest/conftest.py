"""Tests that need the real stack; outside of the guest they skip."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def vhci() -> None:
    """Skips where the kernel offers no virtual Bluetooth controller."""
    if not Path("/dev/vhci").exists():
        assert "IN_VM" not in os.environ, "the guest's kernel has no /dev/vhci"
        pytest.skip("runs in the guest (no /dev/vhci here), see tests/bluetooth_vm/README.md")
