"""These tests are for the guest: on a computer with real Bluetooth they would put virtual sensors on its air.

`test_in_vm.py` runs them, or says why it cannot.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

if "IN_VM" not in os.environ:
    collect_ignore_glob = ["test_*.py"]


@pytest.fixture(autouse=True)
def vhci() -> None:
    """Skips outside of the guest; fails early where its kernel offers no virtual Bluetooth controller."""
    if "IN_VM" not in os.environ:
        pytest.skip("runs in the guest, see tests/bluetooth_vm/README.md")
    assert Path("/dev/vhci").exists(), "the guest's kernel has no /dev/vhci"
