"""Starts the guest, one boot for each file of `guest/`, and hands on what its pytest says."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
GUEST_LIMIT = 20_000  # s of the guest's clock, which jumps over waits
WALL_LIMIT = {False: 600, True: 3600}  # s, without and with --full; for a guest that hangs


@pytest.fixture(scope="module")
def kernel() -> str:
    """Path of the guest kernel; skips where there is none."""
    if sys.platform != "linux":
        pytest.skip(f"the guest needs Linux, this is {sys.platform}")
    found = subprocess.run([HERE / "build-image", "--find"], capture_output=True, text=True)
    if found.returncode:
        pytest.skip(f"{(found.stdout + found.stderr).strip()}; run tests/bluetooth_vm/build-image")
    return found.stdout.strip()


@pytest.mark.parametrize("tests", sorted((HERE / "guest").glob("test_*.py")), ids=lambda path: path.stem)
def test_in_the_guest(tests: Path, kernel: str, full: bool, tmp_path: Path) -> None:
    python = [sys.executable, "-P", "-m", "pytest", "-p", "no:cacheprovider", "--color=no", "--durations=3"]
    command = [*python, *(["--full"] if full else []), str(tests.relative_to(ROOT))]
    wall = WALL_LIMIT[full]
    limits = ["-s", "-m", "1536", "-t", str(GUEST_LIMIT), "-w", str(wall), "-o", str(tmp_path / "out")]
    done = subprocess.run(
        [HERE / "run-in-vm", *limits, "--", *command],
        cwd=ROOT,
        env={**os.environ, "VM_KERNEL": kernel, "VM_PASS_ENV": "ANKLE_IMU_SHARED"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        timeout=wall + 60,
    )
    print(done.stdout)
    if done.returncode:
        log = tmp_path / "out" / "bluetoothd.log"
        told = log.read_text(errors="replace") if log.exists() else "no bluetoothd.log"
        pytest.fail(
            f"{done.stdout}\n-- bluetoothd --\n{told[-5000:]}\nexit status {done.returncode}", pytrace=False
        )
